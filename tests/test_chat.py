"""A chat model as a backend: what is sent, in which order, and what its reply becomes."""

from __future__ import annotations

import json

import pytest

from zoomrefine_mcp.backends.base import Ask, BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend, ChatTranscript
from zoomrefine_mcp.backends.clients.base import Completion, Finish, Role
from zoomrefine_mcp.backends.profiles import PROFILES, profile_for
from zoomrefine_mcp.errors import BackendUnreachable, ModelRefused, ReplyUnreadable
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.questions import read_question
from zoomrefine_mcp.records import Evidence, ReplyForm, Stage, Usage

pytestmark = pytest.mark.anyio

VIEW = Picture(b"view", "image/jpeg", Size(1400, 700), Box.full())
CROP = Picture(b"crop", "image/png", Size(800, 400), Box(0.5, 0.25, 0.75, 0.5))
QUESTION = read_question("What is the serial number?")
USAGE = Usage(calls=1, input_tokens=900, cached_input_tokens=500, output_tokens=40)
REPLY = json.dumps(
    {
        "reasoning": "The plate is small.",
        "evidence": "too_small",
        "answer": "48",
        "choice": None,
        "regions": [{"picture": 1, "label": "plate", "box": [0.1, 0.2, 0.3, 0.4]}],
    }
)


class Client:
    """Answers from a list and keeps what it was sent."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.sent = []

    async def complete(self, messages, *, form, max_tokens):
        self.sent.append((messages, form, max_tokens))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, Completion) else Completion(reply, USAGE)


def chat(*replies, model="nobody", **options):
    client = Client(*replies)
    profile = profile_for(model, wire="openai")
    return ChatBackend(client, BackendInfo("openai", model, profile, "http://localhost"), **options), client


def ask(stage="localize", picture=VIEW, form="json", question=QUESTION):
    return Ask(Stage(stage), ReplyForm(form), question, (picture,))


def rendered(messages):
    """A conversation as bytes, one message after another, as a wire would put it."""
    lines = []
    for message in messages:
        parts = [
            part if isinstance(part, str) else {"type": part.mime_type, "data": part.data.hex()}
            for part in message.parts
        ]
        lines.append(json.dumps({"role": message.role, "content": parts}))
    return "\n".join(lines).encode()


async def test_a_look_holds_what_the_reply_says():
    backend, _ = chat(REPLY)
    look = await backend.look(ask())
    assert look.answer.text == "48"
    assert look.answer.explanation == "The plate is small."
    assert look.evidence is Evidence.TOO_SMALL
    assert [(region.box, region.label) for region in look.regions] == [(Box(0.1, 0.2, 0.3, 0.4), "plate")]
    assert look.usage == USAGE
    assert look.warnings == ()


async def test_a_conversation_opens_with_one_system_message_and_goes_on_in_turns():
    backend, client = chat(REPLY, REPLY)
    first = await backend.look(ask())
    second = await backend.look(ask("refine", CROP), first.transcript)
    assert [message.role for message in client.sent[1][0]] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]
    assert [message.role for message in second.transcript.messages][-1] is Role.ASSISTANT
    assert second.transcript.pictures == (VIEW, CROP)


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("model", sorted(PROFILES))
async def test_a_later_request_repeats_the_earlier_one_byte_for_byte(model, form):
    odd = '  {"answer": "48",\r\n "regions": []}  \n'
    backend, client = chat(odd, "Answer: 49", "Answer: 50", model=model)
    first = await backend.look(ask(form=form))
    second = await backend.look(ask("refine", CROP, form=form), first.transcript)
    await backend.look(ask("sharpen", VIEW, form=form), second.transcript)
    one, two, three = (rendered(messages) for messages, _, _ in client.sent)
    assert two.startswith(one)
    assert three.startswith(two)
    assert rendered(second.transcript.messages).startswith(rendered(first.transcript.messages))
    assert first.transcript.messages[-1].parts == (odd,)


async def test_a_transcript_can_be_gone_on_from_twice():
    backend, client = chat(REPLY, "Answer: one", "Answer: two")
    first = await backend.look(ask())
    before = first.transcript
    await backend.look(ask("refine", CROP), before)
    await backend.look(ask("refine", VIEW), before)
    assert first.transcript == before == ChatTranscript(before.messages)
    assert client.sent[1][0][:3] == client.sent[2][0][:3]
    assert client.sent[2][0][-1].pictures == (VIEW,)


async def test_pictures_are_numbered_over_the_conversation_and_the_crop_says_where_it_lies():
    backend, client = chat(REPLY, REPLY)
    first = await backend.look(ask())
    await backend.look(ask("refine", CROP), first.transcript)
    texts = [part for part in client.sent[1][0][-1].parts if isinstance(part, str)]
    assert any(text.startswith("Picture 2: the part [0.500, 0.250, 0.750, 0.500] of picture 1") for text in texts)


@pytest.mark.parametrize(
    ("model", "image_first"), [("qwen3-vl-8b", True), ("claude-opus-5", False), ("gemini-3-pro", False)]
)
async def test_parts_stand_in_the_order_that_the_family_reads_best_with_the_label_before_its_picture(
    model, image_first
):
    backend, client = chat(REPLY, model=model)
    await backend.look(ask())
    parts = client.sent[0][0][-1].parts
    place = parts.index(VIEW)
    assert parts[place - 1].startswith("Picture 1")
    assert (place == 1) is image_first
    assert any("serial number" in part for part in (parts[2:] if image_first else parts[:1]))


async def test_the_form_and_the_budget_are_the_clients_to_keep():
    backend, client = chat(REPLY, "Answer: x", max_tokens=77)
    await backend.look(ask())
    await backend.look(ask(form="text"))
    assert [(form, budget) for _, form, budget in client.sent] == [(ReplyForm.JSON, 77), (ReplyForm.TEXT, 77)]


async def test_models_whose_thinking_counts_get_room_for_it():
    local, hosted = chat(REPLY, model="qwen3-vl-8b"), chat(REPLY, model="claude-opus-5")
    for backend, _ in (local, hosted):
        await backend.look(ask())
    assert hosted[1].sent[0][2] > local[1].sent[0][2]


async def test_a_picture_is_fitted_to_what_the_model_sees():
    backend, _ = chat(model="claude-sonnet-4-5")
    fit = backend.fit(Stage.LOCALIZE, Size(3840, 2160))
    assert fit.size == Size(1456, 819)
    assert fit.max_bytes == backend.info.profile.max_bytes


@pytest.mark.parametrize("text", ["", "  \n"])
async def test_an_empty_reply_is_asked_for_again_as_it_was_and_then_unreadable(text):
    backend, client = chat(text, text)
    with pytest.raises(ReplyUnreadable) as caught:
        await backend.look(ask())
    assert "nothing" in caught.value.message
    assert client.sent[1] == client.sent[0], "a turn without words is none that a server takes"
    assert caught.value.context["usage"] == USAGE + USAGE + Usage(unreadable_replies=2)


@pytest.mark.parametrize(
    ("form", "stage", "says"),
    [
        ("json", "localize", "one JSON object"),
        ("text", "localize", "Answer: [your answer, in as few words as it takes]\nBounding box: [x1, y1, x2, y2]"),
        ("text", "refine", "Rechecked Answer: [your answer"),
        ("text", "direct", "Answer: [your answer"),
        ("text", "sharpen", "Bounding box: [x1, y1, x2, y2]"),
    ],
)
async def test_a_reply_that_cannot_be_read_is_asked_for_once_more_in_the_same_conversation(form, stage, says):
    readable = "Rechecked Answer: 48\nAnswer: 48\nBounding box: [0.1, 0.2, 0.3, 0.4]"
    backend, client = chat("I like trains.", REPLY if form == "json" else readable)
    look = await backend.look(ask(stage, form=form))
    first, second = (messages for messages, _, _ in client.sent)
    assert second[: len(first)] == first
    assert second[len(first)].parts == ("I like trains.",)
    [words] = second[-1].parts
    assert says in words
    assert "serial number" not in words, "the form alone"
    assert look.transcript.messages[: len(second)] == second
    assert look.answer.text == "48" or stage == "sharpen"
    assert look.usage == USAGE + USAGE + Usage(unreadable_replies=1)
    assert any("once more" in warning for warning in look.warnings)


async def test_a_reply_that_stays_unreadable_is_an_error_that_tells_what_both_cost(caplog):
    backend, _ = chat("I like trains.", "And planes.")
    with pytest.raises(ReplyUnreadable) as caught:
        await backend.look(ask())
    assert caught.value.context["reply"] == "And planes."
    assert caught.value.context["usage"] == USAGE + USAGE + Usage(unreadable_replies=2)
    assert "trains" not in caught.value.message + caplog.text
    assert caplog.text.count("could not be read") == 2


async def test_a_fault_while_a_reply_is_mended_leaves_it_unreadable_and_its_cost_told():
    backend, _ = chat("I like trains.", BackendUnreachable("gone"))
    with pytest.raises(ReplyUnreadable) as caught:
        await backend.look(ask())
    assert caught.value.context["usage"] == USAGE + Usage(unreadable_replies=1)


async def test_a_refusal_is_passed_on_as_one_with_what_it_cost():
    no = Completion("I cannot help with that.", USAGE, Finish.REFUSAL)
    backend, _ = chat(no, "I like trains.", no)
    with pytest.raises(ModelRefused) as caught:
        await backend.look(ask())
    assert caught.value.context["usage"] == USAGE
    with pytest.raises(ModelRefused) as caught:
        await backend.look(ask())
    assert caught.value.context["usage"] == USAGE + USAGE + Usage(unreadable_replies=1)


CUT = Completion('{"reasoning": "Let me', USAGE, Finish.LENGTH)
HALF = Completion('{"answer": "48", "regions": [{"picture": 1, "la', USAGE, Finish.LENGTH)


THINKING = Completion("<think>Let me see. Answer: 47?", USAGE, Finish.LENGTH)


@pytest.mark.parametrize("cut", [CUT, HALF, THINKING, Completion("", USAGE, Finish.LENGTH, thinking="hm")])
async def test_a_reply_that_was_cut_off_gets_one_more_try_with_more_room(cut):
    backend, client = chat(cut, REPLY)
    look = await backend.look(ask())
    (first, _, room), (second, _, more) = client.sent
    assert (second, more) == (first, 2 * room)
    assert look.regions
    assert look.usage.calls == 2
    assert not any("cut off" in warning for warning in look.warnings)


@pytest.mark.parametrize("second", [HALF, CUT, BackendUnreachable("gone"), Completion("No.", USAGE, Finish.REFUSAL)])
async def test_a_cut_off_reply_that_holds_an_answer_is_read_with_a_warning_where_more_room_does_not_help(second):
    backend, _ = chat(HALF, second)
    look = await backend.look(ask())
    assert look.answer.text == "48"
    assert any("cut off" in warning for warning in look.warnings)
    assert look.usage.calls == (1 if isinstance(second, Exception) else 2)


async def test_a_reply_that_is_cut_off_before_its_answer_however_much_room_it_gets_is_unreadable_and_says_why():
    backend, client = chat(CUT, CUT)
    with pytest.raises(ReplyUnreadable) as caught:
        await backend.look(ask())
    assert "cut off at 8192 tokens" in caught.value.message
    assert caught.value.context["usage"].unreadable_replies == 2
    assert len(client.sent) == 2


async def test_room_that_was_set_by_hand_is_all_that_a_reply_gets():
    backend, client = chat(CUT, max_tokens=50)
    with pytest.raises(ReplyUnreadable) as caught:
        await backend.look(ask())
    assert "50 tokens" in caught.value.message
    assert "--max-tokens" in caught.value.hint
    assert len(client.sent) == 1


async def test_what_the_client_raises_comes_through_untouched():
    gone = BackendUnreachable("gone")
    backend, _ = chat(gone)
    with pytest.raises(BackendUnreachable) as caught:
        await backend.look(ask())
    assert caught.value is gone


async def test_a_box_on_the_crop_comes_back_on_the_original():
    sharp = json.dumps(
        {"answer": None, "evidence": "legible", "regions": [{"picture": 2, "label": "a", "box": [0, 0, 400, 400]}]}
    )
    backend, _ = chat('{"answer": null, "regions": []}', sharp, model="claude-opus-5")
    first = await backend.look(ask("point"))
    second = await backend.look(ask("sharpen", CROP), first.transcript)
    assert second.regions[0].box == Box(0.5, 0.25, 0.625, 0.5)

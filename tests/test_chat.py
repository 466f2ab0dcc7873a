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
async def test_an_empty_reply_is_unreadable(text):
    backend, _ = chat(text)
    with pytest.raises(ReplyUnreadable) as caught:
        await backend.look(ask())
    assert "nothing" in caught.value.message
    assert caught.value.context["usage"] == USAGE


async def test_thinking_that_used_up_the_budget_is_said_to_have():
    backend, _ = chat(Completion("", USAGE, Finish.LENGTH, thinking="hm"), max_tokens=50)
    with pytest.raises(ReplyUnreadable) as caught:
        await backend.look(ask())
    assert "50 tokens" in caught.value.message


async def test_a_refusal_is_passed_on_as_one():
    backend, _ = chat(Completion("I cannot help with that.", USAGE, Finish.REFUSAL))
    with pytest.raises(ModelRefused):
        await backend.look(ask())


async def test_a_reply_without_an_answer_is_unreadable_and_kept_for_the_log():
    backend, _ = chat("I like trains.")
    with pytest.raises(ReplyUnreadable) as caught:
        await backend.look(ask())
    assert caught.value.context["reply"] == "I like trains."
    assert "trains" not in caught.value.message


async def test_a_cut_off_reply_that_holds_an_answer_is_read_with_a_warning():
    backend, _ = chat(Completion('{"answer": "48", "regions": [{"picture": 1, "la', USAGE, Finish.LENGTH))
    look = await backend.look(ask())
    assert look.answer.text == "48"
    assert any("cut off" in warning for warning in look.warnings)


async def test_a_cut_off_reply_without_an_answer_is_unreadable_and_says_why():
    backend, _ = chat(Completion('{"reasoning": "Let me', USAGE, Finish.LENGTH))
    with pytest.raises(ReplyUnreadable) as caught:
        await backend.look(ask())
    assert "cut off" in caught.value.message


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

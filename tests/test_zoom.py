"""The pipeline through its public door: a real picture, the real backend, a scripted model."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
from PIL import Image

from zoomrefine_mcp import ZoomRefine
from zoomrefine_mcp.backends.base import Ask, BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.base import Role
from zoomrefine_mcp.backends.clients.scripted import ScriptedClient
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.bench import Event
from zoomrefine_mcp.errors import (
    BackendFailure,
    BackendTimeout,
    BackendUnreachable,
    BadRequest,
    ModelRefused,
    PictureRefused,
    ReplyUnreadable,
    ZoomRefineError,
)
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Limit
from zoomrefine_mcp.records import Outcome, ReplyForm, Stage, Status

pytestmark = pytest.mark.anyio

LARGE = (4000, 3000)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "large.png"
    Image.linear_gradient("L").resize(LARGE).convert("RGB").save(path, compress_level=1)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "small.png"
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(path)
    return path


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "wide.png"
    Image.linear_gradient("L").resize((5000, 1200)).convert("RGB").save(path, compress_level=1)
    return path


def reply(answer=None, box=None, *, evidence="too_small", choice=None, picture=1, label="it"):
    regions = [] if box is None else [{"picture": picture, "label": label, "box": box}]
    return json.dumps(
        {"reasoning": "because", "evidence": evidence, "answer": answer, "choice": choice, "regions": regions}
    )


def backend(client, model="a-model-nobody-knows"):
    profile = profile_for(model, wire="openai")
    return ChatBackend(client, BackendInfo("scripted", model, profile, "this machine"))


def zoom(*replies, policy="adaptive", **options):
    client = ScriptedClient(replies)
    return ZoomRefine(backend(client), policy, **options), client


class Hanging:
    """A model that answers the first time and never again."""

    def __init__(self, *replies):
        self.inner, self.ready = ScriptedClient(replies), len(replies)
        self.asked = anyio.Event()

    async def complete(self, messages, *, form, max_tokens):
        if len(self.inner.requests) == self.ready:
            self.asked.set()
            await anyio.sleep_forever()
        return await self.inner.complete(messages, form=form, max_tokens=max_tokens)


async def test_the_answer_after_the_crop_stands_and_the_first_one_is_reported(large):
    refine, _ = zoom(reply("7", [0.5, 0.5, 0.51, 0.51]), reply("48-2207", evidence="legible"))
    result = await refine.zoom_and_refine(large, "What is the serial number?")
    assert (result.status, result.status_reason) == ("refined", None)
    assert (result.preliminary_answer, result.answer, result.changed) == ("7", "48-2207", True)
    assert result.evidence_visible is True
    assert result.usage.calls == 2


async def test_both_looks_are_one_conversation_whose_start_is_repeated_exactly(large):
    refine, client = zoom(reply("7", [0.5, 0.5, 0.6, 0.6]), reply("8", evidence="legible"))
    await refine.zoom_and_refine(large, "What?")
    first, second = client.requests
    assert second[: len(first)] == first
    assert second[len(first)].role is Role.ASSISTANT
    assert second[len(first)].parts == (reply("7", [0.5, 0.5, 0.6, 0.6]),)
    assert len(second[-1].pictures) == 1


async def test_a_box_in_the_result_is_in_the_originals_pixels_with_its_centre(large):
    refine, _ = zoom(reply("7", [0.25, 0.5, 0.5, 0.75], label="plate"), reply("8", evidence="legible"))
    region = (await refine.zoom_and_refine(large, "What?")).regions[0]
    assert region.pixels == [1000, 1500, 2000, 2250]
    assert region.point == [1500, 1875]
    assert region.label == "plate"
    assert "0.25" in region.raw


async def test_adaptive_grows_a_small_box_to_a_floor_in_pixels_not_by_a_share_of_the_picture(large):
    refine, client = zoom(reply("7", [0.5, 0.5, 0.51, 0.51]), reply("8", evidence="legible"))
    crop = (await refine.zoom_and_refine(large, "What?")).regions[0].crop
    assert crop.pixels[2] - crop.pixels[0] == 560
    assert crop.pixels[3] - crop.pixels[1] == 420
    assert crop.width == 1100
    assert client.requests[1][-1].pictures[0].size.width == 1100


async def test_adaptive_shifts_the_crop_at_the_edge_rather_than_shrink_it(large):
    refine, _ = zoom(reply("7", [0.0, 0.0, 0.01, 0.01]), reply("8", evidence="legible"))
    crop = (await refine.zoom_and_refine(large, "What?")).regions[0].crop
    assert crop.pixels == [0, 0, 560, 420]


async def test_adaptive_gives_up_padding_before_the_model_would_see_the_crop_shrunk(large):
    refine, _ = zoom(reply("7", [0.1, 0.5, 0.55, 0.53]), reply("8", evidence="legible"))
    crop = (await refine.zoom_and_refine(large, "What?")).regions[0].crop
    assert crop.width >= crop.pixels[2] - crop.pixels[0]


async def test_a_picture_that_is_seen_whole_needs_no_second_look(small):
    refine, client = zoom(reply("seen", [0.1, 0.1, 0.2, 0.2], evidence="legible"))
    result = await refine.zoom_and_refine(small, "What?")
    assert (result.status, result.status_reason, result.answer) == ("direct", "native_view", "seen")
    assert len(client.requests) == 1


async def test_paper_gives_the_answer_of_a_first_look_without_a_box_as_preliminary(large):
    refine, _ = zoom("Answer: guess", policy="paper")
    result = await refine.zoom_and_refine(large, "What?")
    assert (result.status, result.status_reason, result.answer) == ("preliminary", "no_box", "guess")
    assert result.regions == []


async def test_direct_asks_once_and_says_that_no_zoom_was_asked_for(large):
    refine, client = zoom(reply("seen", evidence="legible"), policy="direct")
    result = await refine.zoom_and_refine(large, "What?")
    assert (result.status, result.status_reason, result.answer) == ("direct", "policy", "seen")
    assert len(client.requests) == 1


async def test_paper_grows_the_box_by_a_tenth_of_the_picture_and_sends_native_pixels(large):
    refine, client = zoom(
        "Answer: unclear\nBounding box: [0.5, 0.5, 0.51, 0.51]",
        "It reads 48-2207.\nRechecked Answer: 48-2207",
        policy="paper",
    )
    result = await refine.zoom_and_refine(large, "What?")
    crop = result.regions[0].crop
    assert crop.pixels == [1600, 1200, 2440, 1830]
    assert (crop.width, crop.height) == (840, 630)
    assert (result.status, result.answer) == ("refined", "48-2207")
    assert "Bounding box" in str(client.requests[0])


async def test_paper_sends_the_view_up_to_4096_pixels_to_a_model_that_takes_more(wide):
    client = ScriptedClient(["Answer: x"])
    refine = ZoomRefine(backend(client, "gpt-5.6"), "paper")
    view = (await refine.zoom_and_refine(wide, "What?")).image.view
    assert (view.width, view.height) == (4096, 983)
    assert client.requests[0][-1].pictures[0].size.width == 4096


async def test_paper_sends_the_view_as_large_as_the_model_takes_where_that_is_less(wide):
    refine, _ = zoom("Answer: x", policy="paper")
    assert (await refine.zoom_and_refine(wide, "What?")).image.view.width == 2048


async def test_a_view_edge_bounds_the_view(large):
    refine, client = zoom(reply("x"), view_edge=512)
    await refine.zoom_and_refine(large, "What?")
    assert client.requests[0][-1].pictures[0].size.width == 512


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (BackendUnreachable("gone"), "refine_failed"),
        (ModelRefused("no"), "refine_refused"),
        (ReplyUnreadable("?"), "refine_unreadable"),
        ("", "refine_unreadable"),
    ],
)
@pytest.mark.parametrize("policy", ["adaptive", "paper"])
async def test_a_second_look_that_fails_leaves_the_first_answer_with_the_reason(large, second, reason, policy):
    first = (
        reply("7", [0.5, 0.5, 0.6, 0.6]) if policy == "adaptive" else "Answer: 7\nBounding box: [0.5, 0.5, 0.6, 0.6]"
    )
    refine, _ = zoom(first, second, policy=policy)
    result = await refine.zoom_and_refine(large, "What?")
    assert (result.status, result.status_reason, result.answer) == ("preliminary", reason, "7")
    assert any("later look failed" in warning for warning in result.warnings)


async def test_a_second_look_past_the_deadline_leaves_the_first_answer(small):
    client = Hanging(reply("7", [0.5, 0.5, 0.6, 0.6], evidence="too_small"))
    result = await ZoomRefine(backend(client), view_edge=200, timeout_s=2).zoom_and_refine(small, "What?")
    assert (result.status, result.status_reason, result.answer) == ("preliminary", "deadline", "7")
    assert client.asked.is_set()
    assert result.warnings


async def test_a_first_look_past_the_deadline_is_an_error_that_names_the_setting(small):
    with pytest.raises(BackendTimeout) as caught:
        await ZoomRefine(backend(Hanging()), timeout_s=0.3).zoom_and_refine(small, "What?")
    assert "--timeout-s" in caught.value.hint


class KeepsNothing:
    """A policy of one's own that forgets to keep what it saw."""

    name = "forgetful"

    async def run(self, bench, question):
        view = await bench.render(Stage.DIRECT, Box.full(), bench.fit(Stage.DIRECT, bench.size))
        await bench.look(Ask(Stage.DIRECT, ReplyForm.JSON, question, (view,)))


class KeepsThenFails:
    """A policy of one's own that keeps an outcome and then looks once more, which fails."""

    name = "eager"

    def __init__(self, status, reason, fault):
        self.status, self.reason, self.fault = status, reason, fault

    async def run(self, bench, question):
        view = await bench.render(Stage.DIRECT, Box.full(), bench.fit(Stage.DIRECT, bench.size))
        look = await bench.look(Ask(Stage.DIRECT, ReplyForm.JSON, question, (view,)))
        bench.keep(Outcome(self.status, self.reason, look.answer, look.answer, view))
        raise self.fault


async def test_a_policy_of_ones_own_that_keeps_nothing_is_an_error_that_names_it_and_no_time_out(small):
    refine, _ = zoom(reply("7"), policy=KeepsNothing())
    with pytest.raises(ZoomRefineError, match="forgetful") as caught:
        await refine.zoom_and_refine(small, "What?")
    assert not isinstance(caught.value, BackendFailure)
    assert caught.value.code == "internal_error"
    assert "time" not in caught.value.told.lower().split()


@pytest.mark.parametrize("fault", [BackendUnreachable("gone"), ReplyUnreadable("?"), ValueError("a defect")])
@pytest.mark.parametrize(
    ("status", "reason"), [(Status.REFINED, None), (Status.DIRECT, "policy"), (Status.DIRECT, "native_view")]
)
async def test_a_later_look_that_fails_leaves_a_finished_outcome_with_its_status_and_says_so(
    small, status, reason, fault
):
    refine, _ = zoom(reply("7"), policy=KeepsThenFails(status, reason, fault))
    result = await refine.zoom_and_refine(small, "What?")
    assert (result.status, result.status_reason, result.answer) == (status, reason, "7")
    assert len(result.warnings) == 1


async def test_a_defect_in_a_later_look_is_named_by_its_kind_and_its_words_stay_out_of_the_result(small):
    fault = ValueError("sk-planted")
    refine, _ = zoom(reply("7"), policy=KeepsThenFails(Status.PRELIMINARY, None, fault))
    result = await refine.zoom_and_refine(small, "What?")
    assert (result.status, result.status_reason) == ("preliminary", "refine_failed")
    assert "ValueError" in result.warnings[0]
    assert "planted" not in result.model_dump_json()


async def test_cancelling_from_outside_is_not_mistaken_for_the_deadline(large):
    client = Hanging(reply("7", [0.5, 0.5, 0.6, 0.6]))
    results = []
    async with anyio.create_task_group() as tasks:

        async def run():
            results.append(await ZoomRefine(backend(client)).zoom_and_refine(large, "What?"))

        tasks.start_soon(run)
        await client.asked.wait()
        tasks.cancel_scope.cancel()
    assert results == []


@pytest.mark.parametrize("first", [BackendUnreachable("gone"), ModelRefused("no"), "", ReplyUnreadable("?")])
async def test_a_first_look_that_fails_is_an_error(large, first):
    refine, _ = zoom(first)
    with pytest.raises((BackendUnreachable, ModelRefused, ReplyUnreadable)):
        await refine.zoom_and_refine(large, "What?")


async def test_multiple_choice_reports_letters_and_counts_a_change_by_letter(large):
    refine, _ = zoom(
        reply("red", [0.5, 0.5, 0.6, 0.6], choice="A"), reply("The colour is blue.", choice="B", evidence="legible")
    )
    result = await refine.zoom_and_refine(large, "Which colour?", ["red", "blue", "Not shown in the image"])
    assert (result.preliminary_choice, result.choice, result.changed) == ("A", "B", True)


async def test_the_abstain_option_counts_as_abstaining(large):
    refine, _ = zoom(reply(None, [0.5, 0.5, 0.6, 0.6], choice="C"), reply(None, choice="C", evidence="not_here"))
    result = await refine.zoom_and_refine(large, "Which colour?", ["red", "blue", "Not shown in the image"])
    assert (result.abstained, result.choice, result.evidence_visible) == (True, "C", False)


@pytest.mark.parametrize("question", ["", "   ", "x" * 20_001])
async def test_an_empty_or_endless_question_is_refused_before_anything_is_sent(large, question):
    refine, client = zoom(reply("7"))
    with pytest.raises(BadRequest):
        await refine.zoom_and_refine(large, question)
    assert len(client.requests) == 0


async def test_an_unknown_policy_is_refused_with_the_names_there_are():
    with pytest.raises(BadRequest) as caught:
        zoom(policy="papre")
    assert "adaptive, thorough, paper, direct" in caught.value.hint


async def test_localizing_sharpens_the_box_in_the_crop_and_composes_it_exactly(large):
    refine, _ = zoom(
        reply(None, [0.5, 0.5, 0.52, 0.52]), reply(None, [0.25, 0.25, 0.5, 0.5], picture=2, evidence="legible")
    )
    result = await refine.localize_region(large, "the plate")
    crop = result.regions[0].crop.pixels
    width, height = crop[2] - crop[0], crop[3] - crop[1]
    assert (width, height) == (1000, 768)
    assert result.regions[0].pixels == [
        crop[0] + width // 4,
        crop[1] + height // 4,
        crop[0] + width // 2,
        crop[1] + height // 2,
    ]
    assert (result.found, result.status, result.evidence_visible) == (True, "refined", True)


async def test_localizing_near_the_edge_shifts_the_crop_and_keeps_its_size(large):
    refine, _ = zoom(reply(None, [0.99, 0.99, 1.0, 1.0]), reply(None, [0.9, 0.9, 1.0, 1.0], picture=2))
    crop = (await refine.localize_region(large, "the corner")).regions[0].crop.pixels
    assert crop == [3000, 2232, 4000, 3000]


async def test_localizing_quickly_is_one_look(large):
    refine, client = zoom(reply(None, [0.5, 0.5, 0.52, 0.52]))
    result = await refine.localize_region(large, "the plate", precision="quick")
    assert (result.found, result.status, result.status_reason) == (True, "direct", "policy")
    assert len(client.requests) == 1


async def test_a_target_that_the_crop_does_not_show_keeps_the_first_box_and_says_so(large):
    refine, _ = zoom(reply(None, [0.5, 0.5, 0.52, 0.52]), reply(None, evidence="not_here"))
    result = await refine.localize_region(large, "the plate")
    assert result.regions[0].pixels == [2000, 1500, 2080, 1560]
    assert (result.found, result.evidence_visible) == (True, False)


async def test_what_is_nowhere_is_not_found(large):
    refine, _ = zoom(reply(None, evidence="not_here"))
    result = await refine.localize_region(large, "the plate")
    assert (result.found, result.regions, result.status_reason) == (False, [], "no_box")


async def test_the_result_says_what_answered_and_where_the_picture_was_sent(large):
    refine, _ = zoom(reply("7"))
    result = await refine.zoom_and_refine(large, "What?")
    assert (result.backend, result.model, result.sent_to) == ("scripted", "a-model-nobody-knows", "this machine")
    assert (result.image.width, result.image.height, result.image.pages) == (*LARGE, 1)


async def test_progress_names_each_step_and_only_ever_grows(large):
    refine, _ = zoom(reply("7", [0.5, 0.5, 0.6, 0.6]), reply("8", evidence="legible"))
    events: list[Event] = []
    await refine.zoom_and_refine(large, "What?", report=events.append)
    assert [event.done for event in events] == list(range(1, len(events) + 1))
    assert {event.stage for event in events} >= {"localize", "refine"}


async def test_no_picture_is_in_the_json_of_a_result_and_the_pictures_are_at_sent(large):
    refine, client = zoom(reply("7", [0.5, 0.5, 0.6, 0.6]), reply("8", evidence="legible"))
    result = await refine.zoom_and_refine(large, "What?")
    assert len(result.model_dump_json()) < 5000
    assert result.sent.view == client.requests[0][-1].pictures[0]
    assert result.sent.crops[0] == client.requests[1][-1].pictures[0]


class TakesNoLarger:
    """A model whose server refuses pictures beyond a limit, and says so or not."""

    def __init__(self, limit, *replies, told=None):
        self.limit, self.told, self.inner, self.refused = limit, told, ScriptedClient(replies), []

    async def complete(self, messages, *, form, max_tokens):
        picture = messages[-1].pictures[0]
        if not self.limit.holds(picture.size) or len(picture.data) > (self.limit.bytes or 10**9):
            self.refused.append(picture)
            raise PictureRefused("too large", hint="Set a smaller --view-edge.", limit=self.told)
        return await self.inner.complete(messages, form=form, max_tokens=max_tokens)


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (Limit(Size(1000, 1000)), Limit(Size(1000, 1000))),
        (Limit(pixels=500_000), Limit(pixels=500_000)),
        (Limit(bytes=40_000), Limit(bytes=40_000)),
        (Limit(Size(1100, 1100)), Limit()),
        (Limit(Size(1100, 1100)), Limit(Size(5000, 5000))),
    ],
)
@pytest.mark.parametrize("model", ["a-model-nobody-knows", "qwen2.5-vl-7b"])
async def test_a_picture_that_is_refused_as_too_large_is_cut_again_smaller_once_and_the_boxes_stay_right(
    large, limit, told, model
):
    box = [0.5, 0.5, 0.6, 0.6]

    def first(messages):
        size = messages[-1].pictures[0].size
        numbers = box if "nobody" in model else [round(x * (size.width, size.height)[i % 2]) for i, x in enumerate(box)]
        return reply("7", numbers)

    client = TakesNoLarger(limit, first, reply("8", evidence="legible"), told=told)
    result = await ZoomRefine(backend(client, model)).zoom_and_refine(large, "What?")
    assert (result.status, result.answer, result.usage.calls) == ("refined", "8", 2)
    assert result.regions[0].box == pytest.approx(box, abs=0.002)
    view = result.sent.view
    assert view == client.inner.requests[0][-1].pictures[0]
    assert (result.image.view.width, result.image.view.height) == (view.size.width, view.size.height)
    assert result.sent.crops[0] == client.inner.requests[1][-1].pictures[0]
    assert view.size == backend(client, model).fit(Stage.LOCALIZE, view.size).size, "the model sees it as it is sent"
    assert any("refused a picture of" in warning for warning in result.warnings)


async def test_a_picture_that_is_refused_twice_is_the_error_that_says_what_to_do(large):
    client = TakesNoLarger(Limit(Size(10, 10)), reply("7"), told=Limit())
    with pytest.raises(PictureRefused) as caught:
        await ZoomRefine(backend(client)).zoom_and_refine(large, "What?")
    assert "--view-edge" in caught.value.hint
    assert len(client.refused) == 2


@pytest.mark.parametrize("limit", [Limit(Size(1, 1)), Limit(pixels=1000), Limit(bytes=500), Limit(bytes=1)])
async def test_a_limit_within_which_nothing_can_be_seen_is_the_servers_refusal_and_no_picture_is_sent_for_it(
    large, limit
):
    client = TakesNoLarger(limit, reply("7"), told=limit)
    with pytest.raises(PictureRefused) as caught:
        await ZoomRefine(backend(client)).zoom_and_refine(large, "What?")
    assert "--view-edge" in caught.value.hint
    assert len(client.refused) == 1


async def test_what_unreadable_replies_cost_is_counted_and_they_are_a_measure_of_their_own(large):
    refine, _ = zoom(reply("7", [0.5, 0.5, 0.6, 0.6]), "Well.", "Still well.")
    result = await refine.zoom_and_refine(large, "What?")
    assert (result.status, result.status_reason, result.answer) == ("preliminary", "refine_unreadable", "7")
    assert (result.usage.calls, result.usage.unreadable_replies) == (3, 2)


async def test_an_unreadable_first_reply_that_is_mended_leads_on_to_the_zoom(large):
    refine, client = zoom("Well.", reply("7", [0.5, 0.5, 0.6, 0.6]), reply("8", evidence="legible"))
    result = await refine.zoom_and_refine(large, "What?")
    assert (result.status, result.answer, result.usage.unreadable_replies) == ("refined", "8", 1)
    assert client.requests[2][: len(client.requests[1])] == client.requests[1], "the exchange stays in the transcript"
    assert any("could not be read" in warning for warning in result.warnings)


async def test_a_deadline_that_passes_while_a_reply_is_mended_tells_the_unreadable_reply_and_not_a_time_out(large):
    hanging = Hanging(reply("7", [0.5, 0.5, 0.6, 0.6]), "Well.")
    result = await ZoomRefine(backend(hanging), timeout_s=2).zoom_and_refine(large, "What?")
    assert (result.status_reason, result.answer, result.usage.unreadable_replies) == ("refine_unreadable", "7", 1)
    with pytest.raises(ReplyUnreadable):
        await ZoomRefine(backend(Hanging("Well.")), timeout_s=2).zoom_and_refine(large, "What?")


async def test_a_failed_second_look_repeats_what_the_error_says_to_do(large):
    refine, _ = zoom(reply("7", [0.5, 0.5, 0.6, 0.6]), BackendUnreachable("gone", hint="Look into its log."))
    result = await refine.zoom_and_refine(large, "What?")
    assert any("Look into its log." in warning for warning in result.warnings)

"""Pictures that did not reach the model, told from the prompt tokens that its server reports; never told wrongly."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.support.fault_cases import draw_scene
from zoomrefine_mcp import ZoomRefine
from zoomrefine_mcp.backends.base import Ask, BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.base import Completion
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.errors import BackendUnreachable
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.questions import read_question
from zoomrefine_mcp.records import ReplyForm, Stage, Usage

pytestmark = pytest.mark.anyio

VIEW = Picture(b"view", "image/jpeg", Size(1600, 1200), Box.full())
CROP = Picture(b"crop", "image/jpeg", Size(1100, 825), Box(0.5, 0.25, 0.75, 0.5))
SHORT = "What is the serial number?"
REPLY = json.dumps(
    {
        "reasoning": "The plate is small and its print cannot be made out with certainty from here.",
        "evidence": "too_small",
        "answer": "48",
        "choice": None,
        "regions": [{"picture": 1, "label": "plate", "box": [0.125, 0.25, 0.375, 0.4]}],
    }
)


class Counting:
    """A model whose server reports the tokens of a request as a test says: by its words and by its pictures.

    Args:
        tokens: Takes the characters of the words and the pictures of the whole request, gives the prompt's tokens.
        cached: Whether it leaves out what it counted at the request before.
    """

    def __init__(self, tokens, *, cached=False):
        self.tokens, self.cached, self.last = tokens, cached, 0

    async def complete(self, messages, *, form, max_tokens):
        words = sum(len(part) for message in messages for part in message.parts if isinstance(part, str))
        pictures = [picture for message in messages for picture in message.pictures]
        now = int(self.tokens(words, pictures))
        told, self.last = now - (self.last if self.cached else 0), now
        return Completion(REPLY, Usage(1, told, 0, len(REPLY) // 3))


async def looks(client, *, question=SHORT, form=ReplyForm.JSON, view=VIEW, crop=CROP, model="nobody"):
    profile = profile_for(model, wire="openai")
    backend = ChatBackend(client, BackendInfo("openai", "nobody", profile, "http://localhost"))
    first = await backend.look(Ask(Stage.LOCALIZE, form, read_question(question), (view,)))
    second = await backend.look(Ask(Stage.REFINE, form, read_question(question), (crop,)), first.transcript)
    return first, second


@pytest.mark.parametrize("form", list(ReplyForm))
@pytest.mark.parametrize("characters_a_token", [4.0, 4.3, 4.7])
async def test_a_prompt_with_no_more_tokens_than_its_words_had_no_picture(characters_a_token, form):
    first, second = await looks(Counting(lambda words, _: words / characters_a_token + 20), form=form)
    assert first.dropped
    assert second.dropped
    assert any("dropped the picture" in warning for warning in first.warnings)


async def test_a_second_picture_that_is_dropped_is_told_and_the_first_is_not():
    first, second = await looks(Counting(lambda words, pictures: words / 4.3 + 800 * bool(pictures)))
    assert (first.dropped, second.dropped) == (False, True)


@pytest.mark.parametrize("form", list(ReplyForm))
@pytest.mark.parametrize("characters_a_token", [2.8, 3.4, 4.0, 4.5, 5.0])
@pytest.mark.parametrize("picture_tokens", [256, 640, 1120, 2500])
@pytest.mark.parametrize("question", [SHORT, "Which of the " + "many large and small " * 200 + "plates is red?"])
async def test_a_picture_that_reached_the_model_is_never_taken_for_a_dropped_one(
    characters_a_token, picture_tokens, question, form
):
    client = Counting(lambda words, pictures: words / characters_a_token + picture_tokens * len(pictures) + 10)
    first, second = await looks(client, question=question, form=form)
    assert not first.dropped
    assert not second.dropped


@pytest.mark.parametrize("length", range(400, 900, 100))
async def test_a_picture_that_costs_its_family_few_tokens_is_not_taken_for_a_dropped_one(length):
    wide = replace(VIEW, size=Size(896, 448))
    client = Counting(lambda words, pictures: words / 4.9 + 192 * len(pictures))
    question = "Which? " + "x" * length
    for look in await looks(client, question=question, view=wide, crop=wide, model="minicpm-v-4.5"):
        assert not look.dropped


async def test_a_server_that_reports_nothing_or_leaves_out_what_it_had_cached_is_not_accused():
    for client in (
        Counting(lambda *_: 0),
        Counting(lambda *_: 7),
        Counting(lambda words, pictures: words / 4.3 + 1500 * len(pictures), cached=True),
    ):
        assert not any(look.dropped for look in await looks(client))


async def test_a_small_picture_proves_nothing():
    small = replace(VIEW, size=Size(300, 200))
    first, second = await looks(Counting(lambda words, _: words / 4.3), view=small, crop=small)
    assert not first.dropped
    assert not second.dropped


@pytest.mark.parametrize(
    ("policy", "status"), [("direct", "direct"), ("paper", "preliminary"), ("adaptive", "preliminary")]
)
async def test_an_answer_without_the_picture_is_returned_with_the_reason_and_is_never_called_refined(
    tmp_path, policy, status
):
    client = Counting(lambda words, _: words / 4.3)
    profile = profile_for("nobody", wire="openai")
    backend = ChatBackend(client, BackendInfo("openai", "nobody", profile, "http://localhost"))
    result = await ZoomRefine(backend, policy, view_edge=1200).zoom_and_refine(
        draw_scene(tmp_path / "scene.jpg"), SHORT
    )
    assert (result.answer, result.status, result.status_reason) == ("48", status, "picture_dropped")
    assert any("takes pictures" in warning for warning in result.warnings)


class Breaking(Counting):
    """The same, and its second answer never comes."""

    async def complete(self, messages, *, form, max_tokens):
        if self.last:
            raise BackendUnreachable("gone")
        return await super().complete(messages, form=form, max_tokens=max_tokens)


async def test_a_picture_that_was_dropped_is_the_reason_also_where_the_second_look_fails(tmp_path):
    profile = profile_for("nobody", wire="openai")
    info = BackendInfo("openai", "nobody", profile, "http://localhost")
    refine = ZoomRefine(ChatBackend(Breaking(lambda words, _: words / 4.3), info), view_edge=1200)
    result = await refine.zoom_and_refine(draw_scene(tmp_path / "scene.jpg"), SHORT)
    assert (result.status, result.status_reason) == ("preliminary", "picture_dropped")
    assert any("gone" in warning for warning in result.warnings)


async def test_a_place_that_was_found_without_the_picture_is_returned_with_the_reason(tmp_path):
    profile = profile_for("nobody", wire="openai")
    info = BackendInfo("openai", "nobody", profile, "http://localhost")
    refine = ZoomRefine(ChatBackend(Counting(lambda words, _: words / 4.3), info), view_edge=1200)
    result = await refine.localize_region(draw_scene(tmp_path / "scene.jpg"), "the plate")
    assert (result.status, result.status_reason) == ("preliminary", "picture_dropped")

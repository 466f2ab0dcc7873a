"""``thorough``: a second, independent look at the crop that decides; two that differ are decided or told, never voted."""

from __future__ import annotations

import pytest

from tests.support.walking import Seer, Sheet, ask, refine, said
from zoomrefine_mcp import Budget
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.errors import BackendError
from zoomrefine_mcp.geometry import Box

pytestmark = pytest.mark.anyio

SPOT = Box(0.5, 0.5, 0.53, 0.53)
FIRST = said("?", "too_small", [SPOT])


async def thorough(*replies, **options):
    return await ask(replies, policy="thorough", **options)


async def test_the_deciding_crop_is_shown_again_in_a_conversation_of_its_own():
    result, seer = await thorough(FIRST, said("7"), said("7"))
    view, crop, again = seer.shown
    assert again.turns == view.turns, "nothing of the earlier looks is in it"
    assert again.pictures == crop.new
    assert [look.stage for look in result.trace] == ["localize", "refine", "verify"]
    assert (result.answer, result.status, result.status_reason, result.contested) == ("7", "refined", None, False)


@pytest.mark.parametrize("decision", ["7", "1"])
async def test_where_they_differ_a_finer_look_with_both_answers_in_view_decides(decision):
    result, seer = await thorough(FIRST, said("7"), said("1", regions=[SPOT]), said(decision))
    last = seer.shown[-1]
    assert '"7" and "1"' in last.text
    assert last.scale(SPOT) > seer.shown[1].scale(SPOT)
    assert (result.answer, result.contested, result.status_reason) == (decision, False, None)
    assert len(seer.requests) == 4


@pytest.mark.parametrize("decision", ["7", "1"])
async def test_what_is_pointed_at_is_where_the_answer_that_stands_was_read(decision):
    mark = Box(0.502, 0.502, 0.506, 0.506)
    second = lambda shown: said("1", regions=[shown.on_newest(mark)])  # noqa: E731
    result, seer = await thorough(FIRST, said("7"), second, said(decision))
    [region] = result.regions
    assert region.box == pytest.approx((SPOT if decision == "7" else mark).as_list(), abs=1e-3)
    assert region.crop.box == seer.shown[1 if decision == "7" else -1].new[0].shows.as_list()


async def test_a_region_that_fills_its_crop_is_looked_at_closer_where_the_answer_was_boxed():
    large, mark = Box(0.3, 0.3, 0.36, 0.36), Box(0.31, 0.31, 0.314, 0.314)
    first = lambda shown: said("7", regions=[shown.on_newest(mark)])  # noqa: E731
    _, seer = await thorough(said("?", "too_small", [large]), first, said(None, "not_here"), said("7"))
    assert seer.shown[-1].scale(mark) > seer.shown[1].scale(mark)


async def test_a_third_answer_is_no_decision_and_the_result_is_contested():
    result, _ = await thorough(FIRST, said("7"), said("1"), said("4"))
    assert (result.answer, result.contested, result.status_reason) == ("7", True, "contested")
    assert any("7 and 1" in warning for warning in result.warnings)


async def test_where_no_look_is_left_to_decide_the_result_is_contested():
    result, seer = await thorough(FIRST, said("7"), said("1"), budget=Budget(looks=3))
    assert (result.answer, result.contested) == ("7", True)
    assert len(seer.requests) == 3


async def test_where_no_look_is_left_to_check_the_answer_stands_as_it_is():
    result, seer = await thorough(FIRST, said("7"), budget=Budget(looks=2))
    assert (result.answer, result.contested, len(seer.requests)) == ("7", False, 2)


async def test_a_second_look_that_guesses_at_what_is_too_small_contests_nothing():
    result, seer = await thorough(FIRST, said("7"), said("1", "too_small"))
    assert (result.answer, result.contested, len(seer.requests)) == ("7", False, 3)


SEES_NONE = [said(None, "not_here"), said(None, "legible"), said(None, "too_small"), said("1", "not_here")]


@pytest.mark.parametrize("second", SEES_NONE)
async def test_a_second_look_that_sees_no_answer_there_is_no_agreement_and_a_third_decides(second):
    result, seer = await thorough(FIRST, said("7"), second, said("7"))
    assert "which is right" in seer.shown[-1].text
    assert (result.answer, result.contested, len(seer.requests)) == ("7", False, 4)


async def test_the_third_look_goes_where_the_answer_was_read_and_not_where_the_second_guesses_it():
    elsewhere = Box(0.1, 0.1, 0.13, 0.13)
    _, seer = await thorough(FIRST, said("7"), said(None, "not_here", [elsewhere]), said("7"))
    assert seer.shown[-1].holds(SPOT)


@pytest.mark.parametrize("second", SEES_NONE)
async def test_where_the_third_look_sees_no_answer_either_the_result_is_contested(second):
    result, seer = await thorough(FIRST, said("7"), second, said(None, "not_here"))
    assert (result.answer, result.contested, result.status_reason) == ("7", True, "contested")
    assert len(seer.requests) == 4


async def test_a_second_look_that_gives_the_same_answer_agrees_whatever_it_says_of_the_evidence():
    result, seer = await thorough(FIRST, said("7"), said("7", "not_here"))
    assert (result.contested, len(seer.requests)) == (False, 3)


async def test_every_crop_that_decided_is_shown_again():
    other = Box(0.1, 0.1, 0.13, 0.13)
    _, seer = await thorough(said("?", "too_small", [SPOT, other]), said("7"), said("7"))
    view, crops, again = seer.shown
    assert len(crops.new) == 2
    assert (again.turns, again.pictures) == (view.turns, crops.new)


async def test_of_a_search_the_tile_that_held_it_is_shown_again_and_no_other():
    hidden = Box(0.9, 0.9, 0.905, 0.905)

    def says(shown):
        held = [one for one in shown.new if one.shows.contains(hidden)]
        sharp = shown.scale(hidden) >= 0.7
        return said("7", regions=[shown.on_newest(hidden)]) if held and sharp else said(None, "not_here")

    result, seer = await ask(says, policy="thorough")
    assert result.trace[-1].stage == "verify"
    assert [one.shows.contains(hidden) for one in seer.shown[-1].new] == [True]
    assert not result.contested


async def test_the_deciding_look_is_reckoned_with_the_conversation_that_it_goes_on_from():
    replies = iter([(2000, 100), (4000, 100), (2000, 100), (5000, 100)])

    class Counts(Seer):
        async def complete(self, messages, *, form, max_tokens):
            self._tokens = next(replies)
            return await super().complete(messages, form=form, max_tokens=max_tokens)

    seer = Counts([FIRST, said("7"), said("1"), said("7")])
    budget = Budget(tokens=8_300 + 9_000)
    result = await refine(seer, "thorough", budget).zoom_and_refine(Sheet(), "Which number?")
    assert (len(seer.requests), result.contested) == (3, True), "twice the long conversation may cost more than is left"
    assert result.usage.input_tokens + result.usage.output_tokens <= 17_300


async def test_a_second_look_that_fails_leaves_the_answer_and_says_so():
    result, _ = await thorough(FIRST, said("7"), BackendError("gone", status=500))
    assert (result.answer, result.status, result.contested) == ("7", "refined", False)
    assert any("later look failed" in warning for warning in result.warnings)


@pytest.mark.parametrize("third", ["fails", "is dropped"])
async def test_a_third_look_that_cannot_decide_leaves_the_result_contested(third, monkeypatch):
    dropped = iter([False, False, False, True])
    monkeypatch.setattr(ChatBackend, "_dropped", lambda *_: next(dropped))
    last = BackendError("gone", status=500) if third == "fails" else said("1")
    result, _ = await thorough(FIRST, said("7"), said("1"), last)
    assert (result.answer, result.status_reason, result.contested) == ("7", "contested", True)


async def test_what_was_not_read_is_not_checked():
    result, _ = await thorough(said(None, "not_here"))
    assert "verify" not in {look.stage for look in result.trace}
    assert result.status_reason == "not_in_picture"


async def test_options_are_compared_by_their_letters():
    result, seer = await thorough(
        said(None, "too_small", [SPOT], choice="A"),
        said("red", choice="A"),
        said("It is red.", choice="A"),
        choices=["red", "blue"],
    )
    assert (result.choice, result.contested, len(seer.requests)) == ("A", False, 3)

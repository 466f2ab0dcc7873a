"""``thorough``: a second, independent look at the crop that decides; two that differ are decided or told, never voted."""

from __future__ import annotations

import pytest

from tests.support.walking import ask, said
from zoomrefine_mcp import Budget
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


@pytest.mark.parametrize("second", [said(None, "not_here"), said("1", "too_small")])
async def test_a_second_look_that_cannot_tell_contests_nothing(second):
    result, seer = await thorough(FIRST, said("7"), second)
    assert (result.answer, result.contested, len(seer.requests)) == ("7", False, 3)


async def test_a_second_look_that_fails_leaves_the_answer_and_says_so():
    result, _ = await thorough(FIRST, said("7"), BackendError("gone", status=500))
    assert (result.answer, result.status, result.contested) == ("7", "refined", False)
    assert any("later look failed" in warning for warning in result.warnings)


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

"""What the default policy looks at next follows from what the model said of the evidence."""

from __future__ import annotations

import pytest

from tests.support.walking import SHEET, Sheet, ask, said
from zoomrefine_mcp.errors import BackendError, ContextTooLong
from zoomrefine_mcp.geometry import Box, Size

pytestmark = pytest.mark.anyio

SPOT = Box(0.5, 0.5, 0.51, 0.51)
"""40 x 30 original pixels: 10 x 7.5 in the view."""
LARGE = Box(0.5, 0.5, 0.6, 0.6)
OTHER = Box(0.1, 0.1, 0.11, 0.11)


async def test_what_is_legible_and_large_enough_in_the_view_is_not_looked_at_again():
    result, seer = await ask([said("7", regions=[LARGE])])
    assert (result.status, result.status_reason, result.answer) == ("direct", "legible_view", "7")
    assert len(seer.requests) == 1


@pytest.mark.parametrize(("high", "looks"), [(17, 2), (18, 1)])
async def test_a_legible_box_is_looked_at_again_where_it_is_less_than_18_pixels_high_in_the_view(high, looks):
    box = Box(0.5, 0.5, 0.6, 0.5 + high / 750)
    _, seer = await ask([said("7", regions=[box]), said("8")])
    assert len(seer.requests) == looks


async def test_several_regions_are_shown_in_one_look_each_told_where_it_lies():
    result, seer = await ask([said("?", "too_small", [SPOT, OTHER]), said("both")])
    [_, second] = seer.shown
    assert [one.shows.contains(box) for one, box in zip(second.new, (SPOT, OTHER), strict=True)] == [True, True]
    assert (result.status, result.answer, len(result.regions)) == ("refined", "both", 2)
    assert all(region.crop is not None for region in result.regions)


async def test_regions_that_one_crop_holds_are_shown_once():
    near = Box(0.52, 0.5, 0.53, 0.51)
    _, seer = await ask([said("?", "too_small", [SPOT, near]), said("both")])
    assert len(seer.shown[1].new) == 1


async def test_a_region_larger_than_the_model_sees_is_split_into_crops_that_show_it_readably():
    half = Box(0.1, 0.1, 0.5, 0.5)
    _, seer = await ask([said("?", "too_small", [half]), said("7")])
    new = seer.shown[1].new
    assert 2 <= len(new) <= 4
    assert half.covered_by([one.shows for one in new]) == pytest.approx(1)
    assert min(one.size.width / (one.shows.width * SHEET.width) for one in new) >= 0.75


async def test_a_region_that_no_few_crops_show_readably_is_shown_reduced_and_narrowed():
    wide = Sheet(Size(16000, 12000))
    half = Box(0.0, 0.0, 0.5, 0.5)
    target = Box(0.2, 0.2, 0.205, 0.205)
    replies = [
        said("?", "too_small", [half]),
        lambda shown: said("?", "too_small", [shown.on_newest(target)]),
        lambda shown: said("7", regions=[shown.on_newest(target)]),
    ]
    result, seer = await ask(replies, source=wide)
    assert (result.status, result.status_reason, result.answer) == ("refined", None, "7")
    reduced, narrowed = (shown.new for shown in seer.shown[1:])
    assert len(reduced) == len(narrowed) == 1
    assert narrowed[0].shows.contains(target)
    assert narrowed[0].shows.width < reduced[0].shows.width / 4
    assert result.regions[0].box == pytest.approx(target.as_list(), abs=1e-3)


async def test_too_small_is_shown_closer_where_the_model_points_in_the_crop():
    mark = Box(0.502, 0.502, 0.506, 0.506)
    result, seer = await ask(
        [
            said("?", "too_small", [SPOT]),
            lambda shown: said("?", "too_small", [shown.on_newest(mark)]),
            said("7"),
        ]
    )
    second, third = seer.shown[1:]
    assert third.scale(mark) >= 1.4 * second.scale(mark)
    assert [look.why for look in result.trace][-1] == "closer"
    assert (result.answer, result.status_reason) == ("7", None)


async def test_a_model_that_magnifies_by_itself_is_shown_nothing_beyond_the_original_and_what_it_cannot_read_ends_it():
    result, seer = await ask([said("?", "too_small", [SPOT])] * 6, magnifies=True)
    assert [shown.scale(SPOT) >= 1 for shown in seer.shown] == [False, True]
    assert (result.answer, result.status, result.status_reason) == ("?", "refined", "illegible")


@pytest.mark.parametrize(
    "failure",
    [BackendError("At most 2 image(s) may be provided in one prompt.", status=400), ContextTooLong("too long")],
)
async def test_where_a_server_takes_no_further_picture_the_next_crop_goes_without_the_ones_before(failure):
    mark = Box(0.502, 0.502, 0.506, 0.506)

    def says(shown):
        if len(shown.pictures) > 2:
            return failure
        return said("7") if shown.scale(mark) > 2 else said("?", "too_small", [mark if shown.turns > 1 else SPOT])

    result, seer = await ask(says)
    assert [len(shown.pictures) for shown in seer.shown] == [1, 2, 3, 2]
    assert [shown.pictures[0].shows for shown in seer.shown] == [Box.full()] * 4
    assert seer.shown[3].new == seer.shown[2].new
    assert (result.status, result.status_reason, result.answer) == ("refined", None, "7")


async def test_cut_off_is_shown_wider():
    result, seer = await ask([said("?", "too_small", [LARGE]), said("?", "cut_off"), said("7")])
    second, third = (shown.new[0].shows for shown in seer.shown[1:])
    assert third.contains(second)
    assert third.area > 1.5 * second.area
    assert result.trace[-1].why == "wider"


async def test_not_here_leads_to_the_other_place_that_is_named_and_then_to_the_search():
    result, seer = await ask(
        [said(None, "too_small", [SPOT]), said(None, "not_here", [OTHER]), said(None, "not_here"), said("7")]
    )
    assert seer.shown[2].holds(OTHER)
    assert [look.stage for look in result.trace] == ["localize", "refine", "refine", "scan"]
    assert result.answer == "7"


async def test_what_was_shown_natively_is_not_shown_again_when_it_is_named_again():
    result, seer = await ask([said(None, "too_small", [SPOT]), said(None, "not_here", [SPOT]), said("7")])
    assert [look.stage for look in result.trace] == ["localize", "refine", "scan"]
    first = seer.shown[1].new[0].shows
    assert first.covered_by([one.shows for one in seer.shown[2].new]) < 0.8


async def test_a_box_of_the_whole_picture_is_shown_in_parts_that_show_more():
    result, seer = await ask(
        [said("?", "too_small", [Box.full()]), said("7")], sees=lambda size: size.within_edge(1800)
    )
    new = seer.shown[1].new
    assert len(new) > 1
    assert Box.full().covered_by([one.shows for one in new]) == pytest.approx(1)
    assert (result.status, result.answer) == ("refined", "7")


async def test_a_page_that_is_too_small_although_readable_by_rule_is_shown_in_parts_and_no_sliver_of_it():
    sheet = Sheet()
    sheet.parts, sheet.readable = tuple(Box.full().cells(2, 2)), 0.33
    page = sheet.parts[3]
    replies = [
        said("?", "too_small", [page]),
        lambda shown: said("?", "too_small", [shown.on_newest(page)]),
        said("7"),
    ]
    result, seer = await ask(replies, source=sheet)
    whole, parts = (shown.new for shown in seer.shown[1:])
    assert [look.why for look in result.trace][-1] == "closer"
    assert len(whole) == 1
    assert whole[0].shows.contains(page)
    assert page.covered_by([one.shows for one in parts]) > 0.99
    assert min(one.size.width / one.size.height for one in parts) > 0.3
    assert result.answer == "7"


async def test_what_stays_illegible_at_any_size_is_said_to_be_so_and_not_looked_at_for_ever():
    mark = Box(0.503, 0.503, 0.505, 0.505)
    result, seer = await ask(lambda shown: said("?", "too_small", [shown.on_newest(mark)]))
    assert (result.status, result.status_reason) == ("refined", "illegible")
    assert len(seer.requests) < 6


@pytest.mark.parametrize(
    "reply",
    [
        said("7", "too_small", [SPOT]),
        said("7", "cut_off", [SPOT]),
        said(None, "not_here", [SPOT]),
        said(None, "legible", [SPOT]),
        said("7", "not_here", [SPOT]),
        said("7", "cut_off", [Box.full()]),
        said("7", "too_small", [Box.full(), SPOT]),
        said(None, "not_here"),
        said(None, "legible"),
        said(None, "cut_off"),
    ],
)
@pytest.mark.parametrize("policy", ["adaptive", "thorough"])
async def test_the_same_reply_for_ever_ends_within_the_looks_that_there_are(reply, policy):
    result, seer = await ask(lambda _: reply, policy=policy)
    assert len(seer.requests) <= (6 if policy == "adaptive" else 12)
    assert result.status_reason in {"budget", "illegible", "not_found", "not_in_picture", "no_gain"}


async def test_a_picture_that_shows_every_pixel_is_looked_at_once():
    result, seer = await ask([said(None, "not_here")], source=Sheet(Size(900, 700)))
    assert (result.status, result.status_reason, result.searched) == ("direct", "native_view", 1.0)
    assert len(seer.requests) == 1


async def test_an_unreadable_reply_later_on_keeps_the_last_outcome():
    result, seer = await ask([said("5", "too_small", [LARGE]), said("6", "cut_off"), "Well.", "Still well."])
    assert (result.status, result.status_reason, result.answer) == ("refined", "refine_unreadable", "6")
    assert len(seer.requests) == 4


@pytest.mark.parametrize("look", [2, 3])
async def test_looks_that_held_something_are_one_conversation_that_only_grows(look):
    _, seer = await ask([said("?", "too_small", [SPOT]), said("?", "cut_off"), said("7")])
    earlier, later = seer.requests[look - 2], seer.requests[look - 1]
    assert later[: len(earlier)] == earlier


def twice(seer):
    """The pictures that were shown more than once, however they were asked about."""
    new = [picture.data for shown in seer.shown for picture in shown.new]
    return [one for one in set(new) if new.count(one) > 1]


@pytest.mark.parametrize("evidence", ["too_small", "not_here"])
async def test_a_region_that_was_shown_in_parts_is_not_shown_in_the_same_parts_again(evidence):
    tall = Box(0.5, 0.25, 0.51, 0.75)
    _, seer = await ask([said("?", "too_small", [tall]), said("?", evidence, [tall])])
    assert len(seer.shown[1].new) > 1
    assert twice(seer) == []


@pytest.mark.parametrize("regions", [[Box.full()], [LARGE, LARGE.grown(0.001, 0)]])
async def test_wider_is_no_picture_that_was_shown_nor_twice_the_same(regions):
    _, seer = await ask([said("?", "too_small", [SPOT]), said("?", "cut_off", regions)])
    assert twice(seer) == []


async def test_an_outcome_without_an_answer_says_why_it_ends_whatever_its_evidence():
    replies = [said(None, "too_small", [SPOT]), said(None, "legible"), BackendError("gone", status=500)]
    result, _ = await ask(replies)
    assert (result.status, result.status_reason, result.abstained) == ("refined", "refine_failed", True)

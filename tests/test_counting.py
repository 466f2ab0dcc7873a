"""Counting is over disjoint tiles, by a box for every thing, so that a thing on a border counts once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.walking import Sheet, ask, said
from zoomrefine_mcp import Budget
from zoomrefine_mcp.borders import joined
from zoomrefine_mcp.errors import BackendError, ContextTooLong
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.records import Region

pytestmark = pytest.mark.anyio

HOW_MANY = "How many valves are there?"


def square(x, y, side=0.01):
    return Box(x, y, x + side, y + side * 4 / 3)


SPREAD = [square(0.1, 0.1), square(0.4, 0.2), square(0.62, 0.45), square(0.8, 0.9), square(0.12, 0.7)]


def cut(box, tile):
    """A box in a tile's own measure, as far as the tile shows it."""
    part = box.intersection(tile)
    if part is None or part.area < 0.02 * box.area:
        return None
    x0, x1 = ((x - tile.x0) / tile.width for x in (part.x0, part.x1))
    y0, y1 = ((y - tile.y0) / tile.height for y in (part.y0, part.y1))
    return [x0, y0, x1, y1]


def counter(things, twice=False, evidence="legible"):
    """A model that boxes in every new picture what it shows of the things, and sees none of them in the view."""

    def says(shown):
        if shown.look == 1:
            return said(None, "too_small")
        regions = []
        first = len(shown.pictures) - len(shown.new) + 1
        for number, picture in enumerate(shown.new, start=first):
            boxes = [numbers for thing in things if (numbers := cut(thing, picture.shows))]
            regions += [{"picture": number, "label": "valve", "box": box} for box in boxes * (1 + twice)]
        return said(str(len(regions)), evidence, regions)

    return says


async def test_things_are_counted_over_disjoint_tiles_with_a_box_for_each():
    result, seer = await ask(counter(SPREAD), question=HOW_MANY)
    assert (result.answer, result.status, result.status_reason) == ("5", "refined", None)
    assert len(result.regions) == 5
    assert all(region.crop is not None for region in result.regions)
    tiles = [one.shows for shown in seer.shown[1:] for one in shown.new]
    assert Box.full().covered_by(tiles) == pytest.approx(1)
    assert sum(tile.area for tile in tiles) == pytest.approx(1, abs=0.01)
    assert {look.stage for look in result.trace[1:]} == {"count"}


@pytest.mark.parametrize(
    "thing",
    [
        square(0.245, 0.1),
        square(0.1, 0.328),
        square(0.248, 0.328),
        Box(0.2, 0.1, 0.6, 0.12),
    ],
    ids=["beside", "above", "at a corner", "over three tiles"],
)
async def test_a_thing_that_borders_cut_counts_once(thing):
    result, _ = await ask(counter([*SPREAD, thing]), question=HOW_MANY)
    assert result.answer == "6"
    assert any(region.box == pytest.approx(thing.as_list(), abs=0.003) for region in result.regions)


async def test_two_things_apart_at_the_same_border_count_as_two():
    result, _ = await ask(counter([square(0.245, 0.1), square(0.245, 0.15)]), question=HOW_MANY)
    assert result.answer == "2"


async def test_a_thing_that_is_boxed_twice_counts_once():
    result, _ = await ask(counter(SPREAD, twice=True), question=HOW_MANY)
    assert result.answer == "5"


async def test_boxes_on_the_view_are_not_counted():
    def says(shown):
        if shown.look == 1:
            return said(None, "too_small")
        return said("9", "legible", [Box.full(), *(shown.on_newest(one) for one in SPREAD if shown.holds(one))])

    result, _ = await ask(says, question=HOW_MANY)
    assert (result.answer, result.contested) == ("5", True), "the number that was said is another"
    assert any("the boxes were counted" in warning for warning in result.warnings)


async def test_things_that_the_view_shows_large_and_boxes_each_are_taken_from_it():
    large = [Box(0.1, 0.1, 0.2, 0.2), Box(0.5, 0.5, 0.6, 0.6)]
    result, seer = await ask([said("2", regions=large)], question=HOW_MANY)
    assert (result.answer, result.status_reason, len(seer.requests)) == ("2", "legible_view", 1)


async def test_a_number_from_the_view_without_a_box_for_each_is_counted_closer():
    large = [Box(0.1, 0.1, 0.2, 0.2)]
    result, seer = await ask([said("3", regions=large), counter(SPREAD[:1])], question=HOW_MANY)
    assert len(seer.requests) == 2
    assert result.answer == "1"


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (["4", "5", "6"], ("5", "B", False)),
        (["4 valves", "5 valves"], ("5 valves", "B", False)),
        (["3", "4", "Not shown in the image"], (None, "C", True)),
        (["3", "4"], (None, None, True)),
    ],
)
async def test_the_number_chooses_the_option_that_says_it(choices, expected):
    result, _ = await ask(counter(SPREAD), question=HOW_MANY, choices=choices)
    assert (result.answer, result.choice, result.abstained) == expected


@pytest.mark.parametrize(("choices", "reason"), [(["2", "9"], "no_option"), (["5", "9"], None)])
async def test_a_count_that_is_none_of_the_options_says_so(choices, reason):
    result, _ = await ask(counter(SPREAD), question=HOW_MANY, choices=choices)
    assert (result.status, result.status_reason, result.abstained) == ("refined", reason, reason is not None)


async def test_a_count_that_the_budget_ends_is_no_answer_and_says_how_far_it_came():
    budget = Budget(tokens=45_000)
    result, _ = await ask(
        counter(SPREAD), question=HOW_MANY, source=Sheet(Size(8000, 6000)), budget=budget, tokens=(5000, 100)
    )
    assert (result.answer, result.abstained, result.status_reason) == (None, True, "budget")
    assert "before the budget ended" in result.explanation
    assert result.usage.input_tokens + result.usage.output_tokens <= 45_000


async def test_what_was_counted_before_a_failure_is_told_and_is_no_answer():
    def says(shown):
        return BackendError("gone", status=500) if shown.look == 3 else counter(SPREAD)(shown)

    result, seer = await ask(says, question=HOW_MANY, source=Sheet(Size(8000, 6000)), choices=["4", "5", "Not shown"])
    held = [thing for thing in SPREAD if any(one.shows.intersection(thing) for one in seer.shown[1].new)]
    assert (result.answer, result.choice, result.abstained) == (None, "C", True)
    assert (result.status, result.status_reason) == ("refined", "refine_failed")
    assert result.explanation.startswith(f"{len(held)} were counted before")
    assert len(result.regions) == len(held) > 0


async def test_a_budget_that_pays_for_no_tile_leaves_the_first_answer():
    result, seer = await ask([said("3", "too_small")], question=HOW_MANY, budget=Budget(looks=1))
    assert (result.answer, result.status, result.status_reason) == ("3", "preliminary", "budget")
    assert len(seer.requests) == 1


async def test_where_four_pictures_are_too_many_three_are_tried():
    def says(shown):
        return ContextTooLong("too long") if len(shown.new) > 3 else counter(SPREAD)(shown)

    limited = {"images_per_request": 5, "budget": Budget(looks=12)}
    result, seer = await ask(says, question=HOW_MANY, **limited)
    assert result.answer == "5"
    assert [len(shown.new) for shown in seer.shown[1:4]] == [4, 3, 3]


@pytest.mark.parametrize(
    "failure",
    [BackendError("At most 4 image(s) may be provided in one prompt.", status=400), ContextTooLong("too long")],
)
async def test_a_server_that_takes_fewer_pictures_is_shown_fewer_tiles_a_look(failure):
    def says(shown):
        return failure if len(shown.pictures) > 4 else counter(SPREAD)(shown)

    result, seer = await ask(says, question=HOW_MANY, budget=Budget(looks=12))
    assert (result.answer, result.status_reason) == ("5", None)
    assert sum(len(shown.pictures) > 4 for shown in seer.shown) == 1, "it is not tried again"


async def test_fewer_looks_than_tiles_need_show_all_of_it_in_larger_tiles():
    result, seer = await ask(counter(SPREAD), question=HOW_MANY, budget=Budget(looks=2))
    assert (result.answer, len(seer.requests)) == ("5", 2)
    assert Box.full().covered_by([one.shows for one in seer.shown[1].new]) == pytest.approx(1)


async def test_things_too_small_to_be_sure_of_are_counted_and_said_to_be_so():
    result, _ = await ask(counter(SPREAD, evidence="too_small"), question=HOW_MANY)
    assert (result.answer, result.status_reason, result.evidence_visible) == ("5", "illegible", False)


async def test_a_figure_that_is_written_is_read_and_not_counted():
    spot = Box(0.5, 0.5, 0.51, 0.51)
    result, _ = await ask(
        [said("?", "too_small", [spot]), said("24 V")], question="How many volts does the supply take?"
    )
    assert (result.answer, [look.stage for look in result.trace]) == ("24 V", ["localize", "refine"])


async def test_where_no_tile_of_the_picture_shows_a_thing_the_answer_is_looked_for_as_any_other():
    spot = Box(0.5, 0.5, 0.51, 0.51)
    none = said("0")
    result, _ = await ask(
        [said("?", "too_small", [spot]), none, none, none, said("12")], question="How many parts come in a box?"
    )
    assert [look.stage for look in result.trace] == ["localize", "count", "count", "count", "refine"]
    assert (result.answer, result.status_reason) == ("12", None)


async def test_where_the_view_points_at_everything_it_is_looked_through_once():
    replies = [said(None, "too_small", [Box(0.01, 0.01, 0.99, 0.99)]), said(None, "not_here")]
    _, seer = await ask(replies, question=HOW_MANY)
    tiles = [one.shows for shown in seer.shown for one in shown.new if one.shows != Box.full()]
    assert len(tiles) == len(set(tiles)) == 12


async def test_only_the_place_that_the_view_points_at_is_counted():
    near = [square(0.5, 0.5), square(0.55, 0.52)]
    _, seer = await ask(
        [said(None, "too_small", near), counter(near)], question="How many valves are in the lower right box?"
    )
    assert sum(one.shows.area for one in seer.shown[1].new) < 0.1


@given(
    columns=st.integers(1, 5),
    rows=st.integers(1, 5),
    cells=st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40),
    data=st.data(),
)
def test_things_that_are_apart_count_right_however_a_grid_cuts_them(columns, rows, cells, data):
    part = st.floats(0.0, 0.25)
    things = []
    for column, row in sorted(cells):
        x, y, w, h = (data.draw(part) for _ in range(4))
        things.append(
            Box(
                column / 10 + x / 10, row / 10 + y / 10, column / 10 + (x + 0.3 + w) / 10, row / 10 + (y + 0.3 + h) / 10
            )
        )
    tiles = Box.full().cells(columns, rows)
    found = [
        (Region(shown), tile) for tile in tiles for thing in things if (shown := thing.intersection(tile)) is not None
    ]
    counted = joined(found)
    assert len(counted) == len(things)


async def test_a_number_without_boxes_beside_boxes_of_other_tiles_is_contested():
    counts = counter(SPREAD)
    result, _ = await ask(
        lambda shown: said("3") if shown.look == 2 else counts(shown), question=HOW_MANY, images_per_request=3
    )
    assert (result.status_reason, result.contested) == ("contested", True)
    assert any("gave no boxes" in warning for warning in result.warnings)


async def test_where_nothing_was_boxed_and_a_later_look_fails_the_first_answer_stands():
    spot = square(0.5, 0.5)
    result, _ = await ask(
        [said("12", "too_small", [spot]), said(None, "legible"), BackendError("gone", status=500)], question=HOW_MANY
    )
    assert (result.status, result.answer) == ("preliminary", "12")

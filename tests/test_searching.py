"""The search: disjoint tiles of what was not seen, likely and busy ones first, and what of it was covered."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from tests.support.fault_cases import draw_scene
from tests.support.model_server import ModelServer
from tests.support.walking import SHEET, Sheet, ask, said
from tests.test_prompt_cache import apart
from zoomrefine_mcp import Budget, Settings, open_app
from zoomrefine_mcp.backends.clients.base import Role
from zoomrefine_mcp.errors import BackendError, ContextTooLong, PictureRefused
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Limit

pytestmark = pytest.mark.anyio

HIDDEN = Box(0.9, 0.9, 0.905, 0.905)
NOTHING = said(None, "not_here")


def knows(target=HIDDEN, scale=0.75):
    """A model that reads the target where it is shown at a scale, and else has no idea."""

    def says(shown):
        if shown.scale(target) >= scale * 0.98:
            return said("7", regions=[shown.on_newest(target)])
        return NOTHING

    return says


def tiles_of(seer):
    return [one.shows for shown in seer.shown for one in shown.new if one.shows != Box.full()]


async def test_without_an_idea_where_to_look_the_picture_is_searched_until_it_is_found():
    result, seer = await ask(knows())
    assert (result.status, result.status_reason, result.answer) == ("refined", None, "7")
    assert {look.stage for look in result.trace[1:]} == {"scan"}
    assert result.regions[0].box == pytest.approx(HIDDEN.as_list(), abs=1e-3)
    assert result.regions[0].crop is not None
    assert len(seer.requests) <= 3


async def test_tiles_are_disjoint_cover_the_picture_and_are_at_most_six_a_look():
    result, seer = await ask([NOTHING])
    tiles = tiles_of(seer)
    assert all(len(shown.new) <= 6 for shown in seer.shown)
    assert Box.full().covered_by(tiles) == pytest.approx(1)
    for one, other in combinations(tiles, 2):
        assert (shared := one.intersection(other)) is None or shared.area < 1e-4
    assert all(one.size.long_edge >= 0.75 * 0.98 * 1000 for shown in seer.shown[1:] for one in shown.new)
    assert (result.searched, result.status_reason) == (1.0, "not_in_picture")


async def test_a_search_that_the_budget_ends_says_so_and_how_far_it_came():
    result, seer = await ask([NOTHING], source=Sheet(Size(8000, 6000)))
    assert (result.status_reason, len(seer.requests)) == ("budget", 6)
    readable = [one.shows for shown in seer.shown[2:] for one in shown.new]
    assert result.searched == pytest.approx(sum(box.area for box in readable), abs=0.01)
    assert 0.5 < result.searched < 0.9


async def test_not_in_the_picture_is_never_said_before_all_of_it_was_seen():
    result, seer = await ask([NOTHING], source=Sheet(Size(20000, 15000)))
    assert result.status_reason == "budget"
    assert result.searched < 0.995
    assert len(seer.requests) == 6


async def test_a_model_that_overlooks_much_does_not_say_what_is_missing():
    result, _ = await ask([NOTHING], tells_absence=False)
    assert (result.searched, result.status_reason) == (1.0, "not_found")


async def test_an_answer_that_stands_is_not_called_absent_after_a_full_search():
    result, _ = await ask([said("7", "not_here")])
    assert result.status_reason != "not_in_picture"
    assert result.answer == "7"


async def test_where_the_tiles_are_too_many_a_coarse_pass_over_the_whole_comes_first():
    result, seer = await ask([NOTHING], source=Sheet(Size(16000, 12000)))
    assert Box.full().covered_by([one.shows for one in seer.shown[1].new]) == pytest.approx(1)
    assert "whole" in result.trace[1].why
    assert seer.shown[2].new[0].shows.width < seer.shown[1].new[0].shows.width


async def test_a_candidate_of_the_coarse_pass_is_narrowed():
    target, size = Box(0.7, 0.7, 0.703, 0.703), Size(16000, 12000)

    def says(shown):
        scale = shown.scale(target, size)
        if scale >= 0.7:
            return said("7", regions=[shown.on_newest(target)])
        return said(None, "too_small", [shown.on_newest(target)]) if scale > 0.1 else NOTHING

    result, seer = await ask(says, source=Sheet(size))
    assert result.answer == "7"
    assert [look.stage for look in result.trace] == ["localize", "scan", "refine"]
    assert len(seer.requests) == 3


@pytest.mark.parametrize("likely", [Box(0.76, 0.01, 0.99, 0.3), Box(0.9, 0.05, 0.91, 0.06)])
async def test_places_that_the_model_thinks_likely_come_first(likely):
    _, seer = await ask(
        [NOTHING, said(None, "not_here", [likely]), NOTHING], source=Sheet(Size(8000, 6000)), budget=Budget(looks=3)
    )
    assert seer.shown[2].new[0].shows.intersection(likely) is not None


async def test_busy_tiles_come_before_blank_ones():
    busy = Box(0.75, 0.66, 1.0, 1.0)
    sheet = Sheet(busy=lambda box: 9.0 if box.covered_by([busy]) > 0.5 else 0.0)
    _, seer = await ask(knows(), source=sheet)
    assert seer.shown[1].new[0].shows.covered_by([busy]) > 0.9
    assert len(seer.requests) == 2


async def test_looks_that_held_nothing_are_left_out_of_what_is_sent_next_and_told_in_words():
    _, seer = await ask([NOTHING])
    first, *later = seer.requests
    for messages in later:
        assert messages[: len(first)] == first, "the fork begins as the first look did"
        assert messages[len(first)].role is Role.ASSISTANT
        assert len(messages) == len(first) + 2, "and holds no look in between"
    shown = seer.shown
    assert "Shown enlarged before" not in shown[1].text
    assert "Shown enlarged before, without holding it" in shown[2].text
    assert shown[2].text.count("% down") == len(shown[1].new)


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_on_the_wire_the_forks_prefix_is_that_of_the_first_look_byte_for_byte(tmp_path, wire):
    scene = draw_scene(tmp_path / "scene.jpg")
    with ModelServer("claude" if wire == "anthropic" else "unknown", evidence=["not_here"], answers=[None]) as server:
        settings = Settings(backend=wire, base_url=server.address(wire), model=server.model, view_edge=600)
        async with open_app(settings) as app:
            result = await app.zoom_and_refine(str(scene), "Where?")
    assert len(server.requests) >= 3
    first = apart(server.requests[0].raw)
    for request in server.requests[1:]:
        before, messages, behind = apart(request.raw)
        assert (before, behind) == (first[0], first[2])
        assert messages.startswith(first[1])
        assert request.encoded[:1] == server.requests[0].encoded
    assert json.loads(result.model_dump_json())["trace"]


def refuses(most, failure):
    """A server that takes so many pictures in a request, the view among them."""
    return lambda shown: failure if len(shown.pictures) > most else knows()(shown)


@pytest.mark.parametrize(
    "failure",
    [BackendError("At most 4 image(s) may be provided in one prompt.", status=400), ContextTooLong("too long")],
)
async def test_a_server_that_takes_fewer_pictures_gets_fewer_and_the_search_goes_on(failure):
    result, seer = await ask(refuses(4, failure), budget=Budget(looks=12))
    assert result.answer == "7"
    taken = [shown for shown in seer.shown if len(shown.pictures) <= 4]
    assert max(len(shown.new) for shown in taken[1:]) == 3
    assert sum(len(shown.pictures) > 4 for shown in seer.shown) == 1, "it is not tried again"


async def test_a_server_that_says_how_many_pictures_it_takes_gets_as_many():
    says = refuses(5, BackendError("At most 5 image(s) may be provided in one prompt.", status=400))
    result, seer = await ask(says, budget=Budget(looks=12))
    assert result.answer == "7"
    assert [len(shown.new) for shown in seer.shown[1:4]] == [6, 4, 4]
    assert sum(len(shown.pictures) > 5 for shown in seer.shown) == 1


@pytest.mark.parametrize("question", ["Which number?", "How many valves are there?"])
async def test_a_server_that_takes_one_picture_is_not_asked_again_with_two(question):
    says = refuses(1, BackendError("At most 1 image(s) may be provided in one prompt.", status=400))
    result, seer = await ask(says, question=question)
    assert [len(shown.pictures) > 1 for shown in seer.shown] == [False, True]
    assert (result.status, result.status_reason) == ("preliminary", "refine_failed")


@pytest.mark.parametrize("told", [Limit(), Limit(Size(5000, 5000))])
async def test_a_server_that_takes_smaller_pictures_and_does_not_say_how_small_is_searched_in_smaller_tiles(told):
    def says(shown):
        large = any(picture.size.long_edge > 600 for picture in shown.new)
        return PictureRefused("too large", limit=told) if large else knows()(shown)

    result, seer = await ask(says, budget=Budget(looks=12))
    assert result.answer == "7"
    assert len(seer.requests) == len(result.trace) + 1, "none is refused but the first"


async def test_a_model_with_a_limit_of_pictures_is_never_sent_more():
    _, seer = await ask([NOTHING], images_per_request=4)
    assert max(len(shown.pictures) for shown in seer.shown) <= 4


async def test_any_other_refusal_in_the_search_keeps_what_there_is():
    result, _ = await ask([NOTHING, BackendError("gone", status=500)])
    assert (result.status, result.status_reason, result.answer) == ("preliminary", "refine_failed", None)


async def test_what_was_seen_as_a_crop_is_searched_last_and_for_what_it_left_alone():
    spot = Box(0.02, 0.02, 0.23, 0.31)
    result, seer = await ask([said(None, "too_small", [spot]), NOTHING, NOTHING])
    crop, tiles = seer.shown[1].new[0].shows, tiles_of(seer)[1:]
    assert [number for number, tile in enumerate(tiles) if tile.covered_by([crop]) > 0.8] == [len(tiles) - 1]
    assert Box.full().covered_by(tiles) == pytest.approx(1)
    assert (result.searched, result.status_reason) == (1.0, "not_in_picture")


@pytest.mark.parametrize("looks", [2, 3, 6])
async def test_a_place_that_a_look_showed_without_holding_it_is_not_among_the_regions(looks):
    spot = Box(0.5, 0.5, 0.51, 0.51)
    elsewhere = Box(0.1, 0.1, 0.11, 0.11)
    result, _ = await ask(
        [said(None, "too_small", [spot]), said(None, "not_here", [elsewhere]), NOTHING], budget=Budget(looks=looks)
    )
    assert result.regions == []


async def test_a_guess_where_to_look_next_is_not_among_the_regions():
    guess = Box(0.5, 0.5, 0.51, 0.51)
    result, _ = await ask([said(None, "not_here", [guess])], budget=Budget(looks=1))
    assert (result.regions, result.status_reason) == ([], "budget")


async def test_the_share_that_was_searched_counts_what_was_shown_readably_alone():
    result, _ = await ask([said("7", regions=[Box(0.4, 0.4, 0.6, 0.6)])])
    assert result.searched == 0.0, "the view shows a quarter of the size"
    assert SHEET.pixels == 12_000_000

"""Every look is in the result: what was shown, why, what it said, what it changed, what it cost; and told at each door."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.fault_cases import draw_scene
from tests.support.hosts import connect, draw_picture, server_on
from tests.support.model_server import ModelServer
from tests.support.walking import SHEET, Seer, Sheet, ask, ask_command, refine, said
from zoomrefine_mcp import LocalizeResult, Settings, ZoomResult, open_app
from zoomrefine_mcp.geometry import Box

pytestmark = pytest.mark.anyio

SPOT = Box(0.5, 0.5, 0.51, 0.51)
REPLIES = [said("5", "too_small", [SPOT]), said("6", "cut_off"), said("6")]


async def test_every_look_is_in_the_trace_with_what_was_shown_and_what_came_of_it():
    result, seer = await ask(REPLIES, tokens=(900, 40))
    assert [(look.stage, look.evidence, look.answer, look.changed) for look in result.trace] == [
        ("localize", "too_small", "5", False),
        ("refine", "cut_off", "6", True),
        ("refine", "legible", "6", False),
    ]
    for look, shown in zip(result.trace, seer.shown, strict=True):
        for info, picture in zip(look.pictures, shown.new, strict=True):
            assert info.box == picture.shows.as_list()
            assert info.pixels == picture.shows.to_pixels(SHEET).as_list()
            assert (info.width, info.height) == (picture.size.width, picture.size.height)
        assert (look.input_tokens, look.output_tokens) == (900, 40)
        assert look.why
        assert look.seconds >= 0
    assert result.trace[0].regions == [SPOT.as_list()]


async def test_a_result_with_its_trace_is_the_same_after_a_round_through_json():
    result, _ = await ask(REPLIES)
    again = ZoomResult.model_validate_json(result.model_dump_json())
    assert again.model_dump() == result.model_dump()
    assert len(again.trace) == 3


async def test_a_look_whose_reply_could_not_be_read_is_no_look_of_the_trace_but_is_paid_for():
    result, _ = await ask([REPLIES[0], "Well.", "Well."], tokens=(900, 40))
    assert (len(result.trace), result.usage.calls, result.usage.input_tokens) == (1, 3, 2700)


@pytest.mark.parametrize(("second", "looks"), [(Box(0.5, 0.5, 0.51, 0.51), 2), (Box(0.52, 0.52, 0.53, 0.53), 3)])
async def test_localizing_takes_a_third_look_only_where_the_box_moved(second, looks):
    sheet = Sheet(SHEET.scaled(4))
    seer = Seer([said(None, regions=[SPOT]), *[lambda shown: said(None, regions=[shown.on_newest(second)])] * 5])
    result = await refine(seer).localize_region(sheet, "the plate")
    assert (len(result.trace), [look.stage for look in result.trace][1:]) == (looks, ["sharpen"] * (looks - 1))
    assert result.regions[0].box == pytest.approx(second.as_list(), abs=1e-4)
    again = LocalizeResult.model_validate_json(result.model_dump_json())
    assert again.model_dump() == result.model_dump()


async def test_localizing_never_takes_more_than_three_looks():
    places = iter([Box(0.5 + x / 100, 0.5, 0.502 + x / 100, 0.51) for x in (0, 3, 1, 4, 2)])
    seer = Seer(lambda shown: said(None, regions=[shown.on_newest(next(places))]))
    result = await refine(seer).localize_region(Sheet(SHEET.scaled(4)), "the plate")
    assert len(result.trace) == 3


def test_ask_prints_a_line_for_each_look_and_what_was_searched(tmp_path):
    path = draw_picture(tmp_path / "plate.png")
    script = tmp_path / "script.json"
    script.write_text(json.dumps(REPLIES), encoding="utf-8")
    command = ask_command(path, script)
    done = subprocess.run(
        [sys.executable, "-m", "zoomrefine_mcp", *command], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    looks = [line for line in done.stdout.splitlines() if line.startswith("look ")]
    assert [line.split()[1] for line in looks] == ["1", "2", "3"]
    for line, told in zip(looks, ("localize, the whole", "refine, the region that", "refine, wider"), strict=True):
        assert told in line
    assert "cut_off, 6" in looks[1]
    assert "% of the picture seen at a readable scale" in done.stdout


async def test_the_tool_tells_the_looks_in_words_and_has_the_trace_in_its_structure(tmp_path):
    path = draw_picture(tmp_path / "plate.png")
    async with connect(server_on(tmp_path, REPLIES, view_edge=200)) as client:
        result = await client.call_tool("zoom_and_refine", {"image_path": str(path), "question": "Which number?"})
    words = result.content[0].text
    assert "Looks: the whole (too_small); the region that the view points at (cut_off); wider (legible)" in words
    assert "Searched: " in words
    assert [look["stage"] for look in result.structured_content["trace"]] == ["localize", "refine", "refine"]


async def test_a_contested_answer_is_told_in_words(tmp_path):
    path = draw_picture(tmp_path / "plate.png")
    replies = [REPLIES[0], said("7"), said("1"), said("4")]
    arguments = {"image_path": str(path), "question": "Which number?", "policy": "thorough"}
    async with connect(server_on(tmp_path, replies, view_edge=200)) as client:
        result = await client.call_tool("zoom_and_refine", arguments)
    assert result.structured_content["contested"] is True
    assert "a second look at what decides said otherwise" in result.content[0].text


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_over_a_real_wire_the_trace_has_the_tokens_that_the_server_counted(tmp_path, wire):
    scene = draw_scene(tmp_path / "scene.jpg")
    with ModelServer("claude" if wire == "anthropic" else "unknown", counts=True) as server:
        settings = Settings(backend=wire, base_url=server.address(wire), model=server.model, view_edge=800)
        async with open_app(settings) as app:
            result = await app.zoom_and_refine(str(scene), "Where is the marker?")
    assert [look.stage for look in result.trace] == ["localize", "refine"]
    assert sum(look.input_tokens for look in result.trace) == result.usage.input_tokens
    assert result.trace[1].input_tokens > result.trace[0].input_tokens > 0


async def test_pictures_that_do_not_arrive_end_the_walk_with_that_reason(tmp_path):
    scene = draw_scene(tmp_path / "scene.jpg")
    with ModelServer("unknown", counts=True, faults={2: "dropped"}) as server:
        settings = Settings(backend="openai", base_url=server.openai_url, model=server.model, view_edge=800)
        async with open_app(settings) as app:
            result = await app.zoom_and_refine(str(scene), "Where is the marker?")
    assert (result.answer, result.status_reason, len(result.trace)) == ("unsure", "picture_dropped", 2)

"""The loopback model of benchmarks/looks.py sees what it is sent and nothing else, and a run of it counts rightly."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from looks import Cell, profile_of, run_cell
from looks_model import Mind, Shown, is_right, written
from looks_plot import plot
from looks_record import Record, missed, table
from looks_scenes import KINDS, LARGE, Plate, Scene, scene, sees, view_scale
from looks_server import LookServer
from looks_sight import sightings
from looks_source import DrawnSource
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.pictures import Fit, Picture

pytestmark = pytest.mark.anyio

RED_BLUE = ("red", "blue")
SMALL = Size(1344, 768)


def a_scene(*plates: Plate, size: Size = SMALL) -> Scene:
    question = "Sheet 1: What number stands on the red-blue plate?"
    return Scene("one-1", "one_region", size, question, "417", (RED_BLUE,), (417,), plates=plates)


async def drawn(one: Scene, region: Box | None = None, size: Size | None = None) -> Picture:
    return await DrawnSource(one).render(region or Box.full(), Fit(size or sees(one.size)))


async def shown(one: Scene, *regions: Box) -> list[Shown]:
    pictures = []
    for number, region in enumerate((Box.full(), *regions), start=1):
        picture = await drawn(one, region, sees(region.to_pixels(one.size).size))
        size, seen = sightings(picture.data)
        pictures.append(Shown(number, size, region, seen, is_new=True))
    return pictures


@pytest.mark.parametrize("threshold", [8.0, 12.0, 16.0])
async def test_a_plate_is_read_at_the_threshold_and_only_noticed_below_it(threshold):
    said = []
    for height in (threshold + 0.6, threshold - 0.6):
        one = a_scene(Plate(RED_BLUE, 300.3, 200.6, height))
        said.append(Mind(threshold).think(one, await shown(one)))
    above, below = said
    assert (above.evidence, above.answer) == ("legible", "417")
    assert (below.evidence, below.answer) == ("too_small", None)


@pytest.mark.parametrize("height", [2.5, 4.0, 7.0, 11.0, 30.0])
async def test_what_is_seen_is_where_it_was_drawn_and_as_high(height):
    plate = Plate(RED_BLUE, 411.4, 302.7, height)
    size, [one] = sightings((await drawn(a_scene(plate))).data)
    found = (one.box.x0 * size.width, one.box.y0 * size.height, one.box.x1 * size.width, one.box.y1 * size.height)
    assert found == pytest.approx(plate.rect, abs=1.1)
    assert one.height == pytest.approx(height, abs=0.6)


async def test_a_plate_of_one_pixel_is_not_noticed():
    one = a_scene(Plate(RED_BLUE, 300.3, 200.6, 1.2))
    said = Mind().think(one, await shown(one))
    assert (said.evidence, said.answer) == ("not_here", None)


@pytest.mark.parametrize("pixels", [(420, 100, 1220, 500), (100, 100, 350, 500), (100, 110, 900, 500)])
async def test_a_plate_that_the_edge_of_a_crop_cuts_is_cut_off_and_not_read(pixels):
    one = a_scene(Plate(RED_BLUE, 300, 90, 60), size=Size(1344, 768))
    crop = await drawn(
        one, Box.from_pixels(PixelBox(*pixels), one.size), Size(pixels[2] - pixels[0], pixels[3] - pixels[1])
    )
    size, seen = sightings(crop.data)
    said = Mind().think(one, [Shown(1, size, None, seen, is_new=True)])
    assert (said.evidence, said.answer) == ("cut_off", None)


async def test_a_namesake_that_a_crop_unmasked_is_not_pointed_at_in_the_view_again():
    one = replace(a_scene(Plate(("red", "green"), 3000, 2000, 22), size=LARGE), answer=None)
    assert Mind().think(one, await shown(one)).evidence == "too_small"
    assert Mind().think(one, await shown(one, Box(0.35, 0.4, 0.5, 0.55))).evidence == "not_here"


async def test_a_sign_leads_on_where_the_plate_is_not_seen():
    for kind in ("two_levels", "three_levels"):
        one = scene(kind, 3)
        said = Mind().think(one, await shown(one))
        assert said.answer is None
        [place] = said.places
        left, top, right, bottom = one.areas[0]
        width, height = one.size.width, one.size.height
        assert place.box.as_list() == pytest.approx(
            [left / width, top / height, right / width, bottom / height], abs=0.02
        )


@pytest.mark.parametrize(
    ("model", "x0"), [("qwen3-vl-loopback", 250), ("qwen2.5-vl-loopback", 336), ("an-unknown-loopback", 0.25)]
)
async def test_boxes_are_written_in_the_convention_of_the_model(model, x0):
    one = a_scene(Plate(RED_BLUE, 336, 192, 8))
    pictures = await shown(one)
    reply = json.loads(written(Mind().think(one, pictures), pictures, profile=profile_of(model), text=None))
    assert reply["regions"][0]["box"][0] == pytest.approx(x0, rel=0.01)


async def test_a_wrong_region_does_not_meet_the_right_one_and_is_as_frequent_as_told():
    one = a_scene(Plate(RED_BLUE, 336, 192, 8))
    pictures = await shown(one)
    right = pictures[0].seen[0].box
    named = (
        Mind(error_rate=0.3).think(replace(one, name=f"one-{number}"), pictures).places[0] for number in range(200)
    )
    wrong = sum(place.box.intersection(right) is None for place in named)
    assert 40 <= wrong <= 80


async def test_what_is_repeated_of_a_conversation_is_counted_as_cached():
    one = a_scene(Plate(RED_BLUE, 336, 192, 30))
    picture = await drawn(one)
    url = "data:image/jpeg;base64," + base64.b64encode(picture.data).decode()
    turn = {
        "role": "user",
        "content": [
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "text", "text": f"Question: {one.question}\n"},
        ],
    }
    server = LookServer(profile_of("qwen3-vl"), Mind())
    server.begin(one)
    first = server.complete({"messages": [turn]})["usage"]
    second = server.complete({"messages": [turn, {"role": "assistant", "content": "x" * 40}, turn]})["usage"]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    assert second["prompt_tokens_details"]["cached_tokens"] == first["prompt_tokens"]
    assert second["prompt_tokens"] == 2 * first["prompt_tokens"] + 10
    server.begin(one)
    assert server.complete({"messages": [turn]})["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    server.close()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_what_it_says(kind):
    one = scene(kind, 7)
    scale = view_scale(one.size)
    heights = {plate.code: plate.height * scale for plate in one.plates}
    target = heights.get(one.targets[0])
    assert one == scene(kind, 7)
    assert (target is None) == (kind == "not_there")
    if target is not None:
        assert (target >= 18) == (kind == "legible")
        assert (target < 2) == (kind in {"two_levels", "three_levels"})
    if one.counts:
        assert sum(plate.code == one.targets[0] for plate in one.plates) == int(one.answer)


@pytest.mark.parametrize(
    ("policy", "sloppy", "kinds"),
    [
        ("adaptive", False, tuple(KINDS)),
        ("adaptive", True, ("one_region", "two_levels", "count")),
        ("thorough", False, ("two_regions", "three_levels")),
        ("paper", False, ("legible", "one_region")),
        ("direct", False, ("legible", "search")),
    ],
)
async def test_questions_go_through_the_real_pipeline_within_their_budget(policy, sloppy, kinds):
    for kind in kinds:
        [record] = await run_cell(Cell(kind, policy, 0.1, 12.0, sloppy, (1,), "qwen3-vl-loopback"))
        assert record.error is None or (sloppy and record.error == "reply_unreadable")
        assert 1 <= record.looks - record.unreadable <= record.most_looks
        assert record.tokens > record.fresh > 900 or record.error
        if kind == "legible":
            assert (record.verdict, record.answer) == ("right", record.truth)


def a_record(**values: object) -> Record:
    blank = Record(
        "one_region", 1, "adaptive", 0.1, 12.0, sloppy=False, verdict="right", looks=2, most_looks=6, truth="417"
    )
    return replace(blank, **values)


def test_a_bound_that_is_missed_is_named():
    assert missed([a_record()]) == []
    assert "92.5% right, at least 95%" in missed([a_record(verdict="wrong")] * 3 + [a_record()] * 37)[0]
    assert missed([a_record(verdict="wrong")] * 2 + [a_record()] * 38) == []
    assert "2.40 looks" in missed([a_record(looks=2)] * 24 + [a_record(looks=3)] * 16)[0]
    assert "7 looks" in missed([a_record(kind="search", looks=7)])[0]
    assert missed([a_record(kind="search", looks=7, unreadable=1)]) == []
    assert "31,000 tokens" in missed([a_record(tokens=31_000, most_tokens=30_000)])[0]
    assert "no result" in missed([a_record(kind="search", verdict="failed", error="internal")])[-1]
    absent = a_record(kind="not_there", truth=None, reason="not_in_picture", searched=0.4)
    assert "searched" in missed([absent])[0]
    assert missed([replace(absent, searched=1.0)]) == []


def test_the_table_and_the_plot_show_every_policy_that_was_run():
    records = [a_record(), a_record(policy="direct", verdict="abstained", looks=1)]
    assert "| one_region | 10% | **0** / 0 / 100, 1.0" in table(records)
    assert plot(records).count("<circle") == 4


def test_an_answer_in_other_words_counts_by_its_numbers():
    one = a_scene()
    assert is_right("The plate says 417, I believe.", one)
    assert not is_right("41", one)
    assert not is_right(None, one)
    assert is_right(None, replace(one, answer=None))

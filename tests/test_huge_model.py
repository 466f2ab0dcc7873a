"""The model of benchmarks/huge.py tells only what the pictures that it received show high enough."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from huge_model import Level, Sight, Task, has_print, plans_task, think
from zoomrefine_mcp.geometry import Box, Size

SIZE = Size(4000, 3000)
DISTRICT, PLATE = (400, 300), (1310, 1620)


def box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(left / SIZE.width, top / SIZE.height, right / SIZE.width, bottom / SIZE.height)


TASK = Task(
    "Which number?",
    "32887",
    SIZE,
    (
        Level("district", 120, box(*DISTRICT, 1000, 460), box(0, 0, 2000, 2000)),
        Level("plate", 16, sign := box(*PLATE, 1440, 1646), sign),
    ),
)


@pytest.fixture(scope="module")
def original() -> Image.Image:
    image = Image.new("L", (SIZE.width, SIZE.height), 225)
    pen = ImageDraw.Draw(image)
    for corner, words, capitals in ((DISTRICT, "HARBOUR", 120), (PLATE, "VENT 32887", 16)):
        pen.text(corner, words, font=ImageFont.load_default(capitals / 0.72), fill=20)
    return image


def shown(original: Image.Image, part: Box, width: int, number: int = 1, *, is_new: bool = True) -> Sight:
    pixels = part.to_pixels(SIZE)
    cut = original.crop((pixels.left, pixels.top, pixels.right, pixels.bottom))
    return Sight(number, part, np.asarray(cut.resize((width, width * cut.height // cut.width), 1)), is_new)


VIEW, CROP = Box.full(), box(1000, 1500, 1800, 2100)


def test_where_nothing_can_be_read_the_model_says_so_and_names_no_place(original):
    said = think(TASK, [shown(original, VIEW, 200)])
    assert (said.evidence, said.answer, said.places) == ("not_here", None, ())


def test_what_can_be_read_leads_to_the_area_that_the_next_level_is_in(original):
    said = think(TASK, [shown(original, VIEW, 800)])
    assert (said.evidence, said.answer) == ("too_small", None)
    assert said.places[0].box == TASK.levels[0].area


@pytest.mark.parametrize(("width", "evidence"), [(380, "too_small"), (420, "legible")])
def test_the_last_level_is_read_from_eight_pixels_on(original, width, evidence):
    view = shown(original, VIEW, 800, is_new=False)
    said = think(TASK, [view, shown(original, CROP, width, 2)])
    assert said.evidence == evidence
    assert said.answer == ("32887" if evidence == "legible" else None)


def test_a_place_is_measured_on_the_picture_that_shows_it(original):
    [place] = think(TASK, [shown(original, VIEW, 800, is_new=False), shown(original, CROP, 800, 2)]).places
    assert place.picture == 2
    assert CROP.compose(place.box).as_list() == pytest.approx(TASK.levels[1].sign.as_list(), abs=1e-6)


def test_a_crop_that_shows_the_place_without_print_there_is_not_read(original):
    view = shown(original, VIEW, 800, is_new=False)
    blank = replace(shown(original, CROP, 800, 2), grey=np.full((600, 800), 225, np.uint8))
    elsewhere = replace(shown(original, box(2500, 1500, 3300, 2100), 800, 2), part=CROP)
    for crop in (blank, elsewhere):
        assert think(TASK, [view, crop]).answer is None


def test_a_crop_with_half_of_the_print_is_not_read(original):
    half = original.copy()
    half.paste(225, (PLATE[0] + 60, PLATE[1], 1800, 1700))
    crop = shown(half, CROP, 800, 2)
    assert not has_print(crop, TASK.levels[1].sign)
    assert think(TASK, [shown(original, VIEW, 800), crop]).answer is None


def test_a_plate_is_not_known_for_the_right_one_before_its_district_was_read(original):
    said = think(TASK, [shown(original, VIEW, 200, is_new=False), shown(original, CROP, 800, 2)])
    assert (said.evidence, said.answer) == ("not_here", None)


def test_crops_of_another_place_hold_nothing(original):
    crop = shown(original, box(2500, 2200, 3300, 2800), 800, 2)
    said = think(TASK, [shown(original, VIEW, 800, is_new=False), crop])
    assert (said.evidence, said.places) == ("not_here", ())


def test_a_line_that_stands_alone_is_boxed_before_it_can_be_read_and_one_among_many_is_not(original):
    view, crop = shown(original, VIEW, 800, is_new=False), shown(original, CROP, 300, 2)
    first, plate = TASK.levels
    for noticed_from, label in ((4.0, "plate"), (math.inf, "district")):
        [place] = think(replace(TASK, levels=(first, replace(plate, noticed_from=noticed_from))), [view, crop]).places
        assert place.label == label


def test_the_documents_levels_lie_on_the_page_that_is_asked_about():
    page = Box(0.5, 0.5, 0.75, 0.75)
    task = plans_task(
        "On the sheet Canal pumps: what?", "1", [1138, 2338, 1429, 2354], Size(14032, 9916), page, Size(3508, 2479)
    )
    assert [level.name for level in task.levels] == ["page", "label"]
    assert all(page.contains(level.sign) for level in task.levels)
    assert task.levels[0].area == page

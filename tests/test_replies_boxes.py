"""Boxes of recorded shape: every convention, in every wrapping, each to its region on the original."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.replies import BOX, CROP, VIEW, boxes, read, reply
from zoomrefine_mcp.backends.boxes import write_box
from zoomrefine_mcp.backends.marks import MAX_MARKS
from zoomrefine_mcp.backends.profiles import PROFILES, Axes, Unit
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture

WHOLE = (0.0, 0.0, 1.0, 1.0)

# (what it shows, family, form, the reply, box read, number of warnings)
PLACES = [
    # Every family's own convention, in the JSON form.
    ("fractions", "unknown", "json", reply([0.1, 0.2, 0.3, 0.4]), BOX, 0),
    ("fractions", "kimi-vl", "json", reply([0.1, 0.2, 0.3, 0.4]), BOX, 0),
    ("thousandths", "qwen2-vl", "json", reply([100, 200, 300, 400]), BOX, 0),
    ("thousandths", "qwen3-vl", "json", reply([100, 200, 300, 400]), BOX, 0),
    ("thousandths", "internvl", "json", reply([100, 200, 300, 400]), BOX, 0),
    ("thousandths", "glm-v", "json", reply([100, 200, 300, 400]), BOX, 0),
    ("thousandths", "minicpm-v", "json", reply([100, 200, 300, 400]), BOX, 0),
    ("0-999", "deepseek-vl2", "json", reply([0, 0, 999, 999]), WHOLE, 0),
    ("y first", "gemini", "json", reply([200, 100, 400, 300]), BOX, 0),
    ("pixels", "qwen2.5-vl", "json", reply([140, 140, 420, 280]), BOX, 0),
    ("pixels", "claude-high", "json", reply([140, 140, 420, 280]), BOX, 0),
    ("pixels", "openai-5.6", "json", reply([140, 140, 420, 280]), BOX, 0),
    ("decimals of pixels", "claude-high", "json", reply([140.0, 140.0, 420.0, 280.0]), BOX, 0),
    # Their own tags and keys.
    ("bbox_2d", "qwen3-vl", "json", '[{"bbox_2d": [100, 200, 300, 400], "label": "plate"}]', BOX, 0),
    ("bbox_2d in a fence", "qwen2.5-vl", "json", '```json\n[\n\t{"bbox_2d": [140, 140, 420, 280], "label": "x"}\n]\n```', BOX, 0),
    ("box_2d", "gemini", "json", '```json\n[{"box_2d": [200, 100, 400, 300], "label": "plate"}]\n```', BOX, 0),
    ("box tag, double brackets", "internvl", "text", "Answer: x\n<ref>plate</ref><box>[[100, 200, 300, 400]]</box>", BOX, 0),
    ("box tag, bare", "minicpm-v", "text", "Answer: x\n<box>100 200 300 400</box>", BOX, 0),
    ("box tag in a JSON string", "internvl", "json", reply("<box>[[100, 200, 300, 400]]</box>"), BOX, 0),
    ("begin_of_box", "glm-v", "text", "Answer: x <|begin_of_box|>[[100, 200, 300, 400]]<|end_of_box|>", BOX, 0),
    ("begin_of_box, one bracket", "glm-v", "text", "Answer: x\n<|begin_of_box|>[100,200,300,400]<|end_of_box|>", BOX, 0),
    ("begin_of_box, round", "glm-v", "text", "Answer: x\n<|begin_of_box|>(100,200,300,400)<|end_of_box|>", BOX, 0),
    ("box_start", "qwen2-vl", "text", "Answer: x\n<|object_ref_start|>plate<|object_ref_end|><|box_start|>(100,200),(300,400)<|box_end|>", BOX, 0),
    ("det", "deepseek-vl2", "text", "Answer: x\n<|ref|>plate<|/ref|><|det|>[[99.9, 199.8, 299.7, 399.6]]<|/det|>", BOX, 0),
    ("an unclosed tag", "internvl", "text", "Answer: x\n<box>[[100, 200, 300, 400]] is the place", BOX, 0),
    # The paper's line, in fractions and in the family's own unit.
    ("paper", "unknown", "text", "Answer: C\nBounding box: [0.1, 0.2, 0.3, 0.4]", BOX, 0),
    ("paper, bold", "unknown", "text", "**Answer:** C\n**Bounding box:** [0.1, 0.2, 0.3, 0.4]", BOX, 0),
    ("paper, round brackets", "unknown", "text", "Answer: C\nBounding Box: (0.1, 0.2, 0.3, 0.4)", BOX, 0),
    ("paper, no brackets", "unknown", "text", "Answer: C\nBounding box: 0.1, 0.2, 0.3, 0.4", BOX, 0),
    ("paper, full width", "unknown", "text", "Answer\uff1aC\nBounding box\uff1a\u30100.1\uff0c0.2\uff0c0.3\uff0c0.4\u3011", BOX, 0),
    ("paper, on one line", "unknown", "text", "Answer: C. Bounding box: [0.1, 0.2, 0.3, 0.4]", BOX, 0),
    ("paper, code", "unknown", "text", "Answer: C\nBounding box: `[0.1, 0.2, 0.3, 0.4]`", BOX, 0),
    ("paper, two corners", "unknown", "text", "Answer: C\nBounding box: [(0.1, 0.2), (0.3, 0.4)]", BOX, 0),
    ("paper, over lines", "unknown", "text", "Answer: C\nBounding box: [\n  0.1,\n  0.2,\n  0.3,\n  0.4\n]", BOX, 0),
    ("paper, with names", "unknown", "text", "Answer: C\nBounding box: x1=0.1, y1=0.2, x2=0.3, y2=0.4", BOX, 0),
    ("paper, percent", "unknown", "text", "Answer: C\nBounding box: [10%, 20%, 30%, 40%]", BOX, 0),
    ("paper, label in brackets", "unknown", "text", "Answer: C\nBounding box (normalized): [0.1, 0.2, 0.3, 0.4]", BOX, 0),
    ("paper, template echoed", "unknown", "text", "Bounding box: [x1, y1, x2, y2] = [0.1, 0.2, 0.3, 0.4]\nAnswer: C", BOX, 0),
    ("paper, the last counts", "unknown", "text", "Bounding box: [0.6, 0.6, 0.7, 0.7]? No.\nAnswer: C\nBounding box: [0.1, 0.2, 0.3, 0.4]", BOX, 0),
    ("paper, tag behind the label", "internvl", "text", "Answer: C\nBounding box: <box>[[100, 200, 300, 400]]</box>", BOX, 0),
    ("fractions from a family of pixels", "qwen2.5-vl", "text", "Answer: C\nBounding box: [0.1, 0.2, 0.3, 0.4]", BOX, 0),
    ("pixels although fractions were asked", "qwen2.5-vl", "text", "Answer: C\nBounding box: [140, 140, 420, 280]", BOX, 0),
    ("pixels with unit", "claude-high", "text", "Answer: C\nBounding box: [140px, 140px, 420px, 280px]", BOX, 0),
    ("thousandths although fractions were asked", "qwen3-vl", "text", "Answer: C\nBounding box: [100, 200, 300, 400]", BOX, 0),
    ("y first although fractions were asked", "gemini", "text", "Answer: C\nBounding box: [200, 100, 400, 300]", BOX, 0),
    ("x first as asked", "gemini", "text", "Answer: C\nBounding box: [0.1, 0.2, 0.3, 0.4]", BOX, 0),
    ("a JSON reply where lines were asked", "qwen3-vl", "text", '{"answer": "C", "bbox_2d": [100, 200, 300, 400]}', BOX, 0),
    # Other shapes of the box.
    ("corners by name", "unknown", "json", reply({"x1": 0.1, "y1": 0.2, "x2": 0.3, "y2": 0.4}), BOX, 0),
    ("corners by name are x first", "gemini", "json", reply({"ymin": 200, "xmin": 100, "ymax": 400, "xmax": 300}), BOX, 0),
    ("left, top, right, bottom", "claude-high", "json", reply({"left": 140, "top": 140, "right": 420, "bottom": 280}), BOX, 0),
    ("left, top, width, height", "claude-high", "json", reply({"left": 140, "top": 140, "width": 280, "height": 140}), BOX, 0),
    ("numbers as strings", "qwen3-vl", "json", reply(["100", "200", "300", "400"]), BOX, 0),
    ("numbers in one string", "qwen3-vl", "json", reply("[100, 200, 300, 400]"), BOX, 0),
    ("nested once more", "internvl", "json", reply([[100, 200, 300, 400]]), BOX, 0),
    ("two corners", "qwen3-vl", "json", reply([[100, 200], [300, 400]]), BOX, 0),
    ("four corners", "qwen3-vl", "json", reply([[100, 200], [300, 200], [300, 400], [100, 400]]), BOX, 0),
    ("percent in strings", "unknown", "json", reply(["10%", "20%", "30%", "40%"]), BOX, 0),
    ("a box instead of regions", "unknown", "json", '{"answer": "x", "bounding_box": [0.1, 0.2, 0.3, 0.4]}', BOX, 0),
    ("a point", "unknown", "json", reply(None, regions=[{"point": [0.5, 0.5]}]), (0.48, 0.48, 0.52, 0.52), 0),
    ("a point by name", "unknown", "json", reply(None, regions=[{"x": 0.5, "y": 0.5}]), (0.48, 0.48, 0.52, 0.52), 0),
    ("a point, y first", "gemini", "json", reply(None, regions=[{"point": [200, 100]}]), (0.08, 0.18, 0.12, 0.22), 0),
    ("a point in tags", "unknown", "text", 'Answer: x <point x="50.0" y="50.0" alt="it">it</point>', (0.48, 0.48, 0.52, 0.52), 0),
    ("a point near the edge keeps its place in the middle", "unknown", "json", reply(None, regions=[{"point": [0.01, 0.5]}]), (0.0, 0.48, 0.02, 0.52), 0),
    ("the whole picture is a box", "unknown", "json", reply([0, 0, 1, 1]), WHOLE, 0),
    ("the whole picture in thousandths", "qwen3-vl", "json", reply([0, 0, 1000, 1000]), WHOLE, 0),
    ("the whole picture in pixels", "claude-high", "json", reply([0, 0, 1400, 700]), WHOLE, 0),
    # Contradictions, by the stated rules.
    ("a little over 1000 is clipped", "qwen3-vl", "json", reply([900, 900, 1003, 1005]), (0.9, 0.9, 1.0, 1.0), 0),
    ("a little outside is clipped", "qwen2.5-vl", "json", reply([1260, 630, 1405, 707]), (0.9, 0.9, 1.0, 1.0), 0),
    ("a little over 1 is clipped", "unknown", "json", reply([0.9, 0.9, 1.02, 1.01]), (0.9, 0.9, 1.0, 1.0), 0),
    ("thousandths from a model of fractions", "unknown", "json", reply([100, 200, 300, 400]), BOX, 1),
    ("pixels from a model of fractions", "unknown", "json", reply([1120, 140, 1260, 280]), (0.8, 0.2, 0.9, 0.4), 1),
    ("Gemini's key from a model of fractions", "unknown", "json", '{"answer": "x", "box_2d": [200, 100, 400, 300]}', BOX, 1),
    ("percents from a model of pixels", "claude-high", "json", reply(["10%", "20%", "30%", "40%"]), BOX, 1),
    ("fractions from a model of pixels", "claude-high", "json", reply([0.1, 0.2, 0.3, 0.4]), BOX, 1),
    ("fractions from a model of thousandths", "internvl", "json", reply([0.1, 0.2, 0.3, 0.4]), BOX, 1),
    ("thousandths from a model of pixels", "claude-high", "json", reply([100, 800, 300, 900]), (0.1, 0.8, 0.3, 0.9), 1),
    ("pixels from a model of thousandths", "qwen3-vl", "json", reply([1120, 140, 1260, 280]), (0.8, 0.2, 0.9, 0.4), 1),
    ("corners exchanged", "unknown", "json", reply([0.3, 0.4, 0.1, 0.2]), BOX, 1),
    ("x exchanged only", "unknown", "json", reply([0.3, 0.2, 0.1, 0.4]), BOX, 1),
    ("far outside is clipped", "claude-high", "json", reply([700, 350, 9000, 9000]), (0.5, 0.5, 1.0, 1.0), 1),
    ("no area", "unknown", "json", reply([0.3, 0.2, 0.3, 0.4]), None, 1),
    ("wholly outside", "claude-high", "json", reply([1500, 10, 1530, 20]), None, 1),
    ("not finite", "unknown", "json", '{"answer": "x", "box": [NaN, 0.1, Infinity, 0.4]}', None, 1),
    ("three numbers are no box", "unknown", "json", reply([0.1, 0.2, 0.3]), None, 1),
    ("no box", "unknown", "text", "Answer: C\nBounding box: none", None, 0),
    ("numbers of the answer are no box", "unknown", "text", "Answer: [12, 14, 18, 20]", None, 0),
    ("a sentence about the box is no box", "unknown", "text", "The bounding box is large: 4 rows.\nAnswer: 1, 2, 3, 4", None, 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "form", "text", "box", "warnings"),
    [row[1:] for row in PLACES],
    ids=[f"{row[1]}: {row[0]}" for row in PLACES],
)
def test_a_box_is_read_in_the_convention_it_was_written_in(family, form, text, box, warnings):
    reading = read(text, model=family, form=form)
    assert boxes(reading) == ([] if box is None else [box])
    assert len([warning for warning in reading.warnings if "named a region and no answer" not in warning]) == warnings


# Which picture a box is measured on.


def test_a_box_on_the_crop_is_composed_onto_the_original():
    text = reply(None, regions=[{"picture": 2, "label": "a", "box": [0.0, 0.5, 0.5, 1.0]}])
    assert boxes(read(text, stage="sharpen", pictures=(VIEW, CROP))) == [(0.5, 0.375, 0.625, 0.5)]


def test_a_box_on_the_view_stays_where_it_is_in_a_later_look():
    text = reply([0.1, 0.2, 0.3, 0.4])
    assert boxes(read(text, stage="refine", pictures=(VIEW, CROP))) == [BOX]


@pytest.mark.parametrize(
    ("model", "stage", "box"),
    [
        ("unknown", "sharpen", (0.525, 0.3, 0.575, 0.35)),
        ("unknown", "refine", (0.525, 0.3, 0.575, 0.35)),
        ("qwen3-vl", "sharpen", (0.525, 0.3, 0.575, 0.35)),
        ("qwen3-vl", "refine", BOX),
    ],
)
def test_a_box_that_names_no_picture_is_on_the_one_asked_about_or_the_familys_habit(model, stage, box):
    numbers = [100, 200, 300, 400] if model == "qwen3-vl" else [0.1, 0.2, 0.3, 0.4]
    text = reply(None, regions=[{"label": "a", "box": numbers}])
    assert boxes(read(text, model=model, stage=stage, pictures=(VIEW, CROP))) == [box]


@pytest.mark.parametrize("number", [1.0, "1", "picture 1", "1.0"])
def test_a_pictures_number_is_read_however_it_is_written(number):
    text = reply(None, regions=[{"picture": number, "label": "a", "box": list(BOX)}])
    assert boxes(read(text, stage="sharpen", pictures=(VIEW, CROP))) == [BOX]


@pytest.mark.parametrize("number", [1.5, 1e300, math.inf, math.nan, 10**400])
def test_a_number_that_no_picture_has_leaves_the_box_on_the_one_asked_about(number):
    text = reply(None, regions=[{"picture": number, "label": "a", "box": list(BOX)}])
    reading = read(text, stage="sharpen", pictures=(VIEW, CROP))
    assert boxes(reading) == [(0.525, 0.3, 0.575, 0.35)]
    assert all(len(warning) < 300 for warning in reading.warnings)


@pytest.mark.parametrize("number", [0, 3, -1, 99])
def test_a_picture_that_there_is_not_is_reported(number):
    text = reply(None, regions=[{"picture": number, "label": "a", "box": [0.1, 0.2, 0.3, 0.4]}])
    reading = read(text, stage="sharpen", pictures=(VIEW, CROP))
    assert boxes(reading) == [(0.525, 0.3, 0.575, 0.35)]
    assert len(reading.warnings) == 1


def test_pixels_are_those_of_the_picture_that_the_box_is_measured_on():
    text = reply(None, regions=[{"picture": "picture 2", "label": "a", "box": [0, 0, 400, 400]}])
    region = read(text, model="claude-high", stage="sharpen", pictures=(VIEW, CROP)).regions[0]
    assert region.box == Box(0.5, 0.25, 0.625, 0.5)
    assert region.convention == "pixels of 800 x 400, picture 2"
    assert region.raw == "[0, 0, 400, 400]"


def test_several_regions_keep_their_order_their_labels_and_no_copies():
    text = (
        "Answer: both\n<ref>left door</ref><box>[[100, 200, 300, 400]]</box> "
        "<ref>right door</ref><box>[[600, 200, 700, 400]]</box><box>[[100, 200, 300, 400]]</box>"
    )
    regions = read(text, model="internvl", form="text").regions
    assert [region.label for region in regions] == ["left door", "right door"]
    assert [region.raw for region in regions] == [
        "<box>[[100, 200, 300, 400]]</box>",
        "<box>[[600, 200, 700, 400]]</box>",
    ]


# Localizing: the region is the answer.


@pytest.mark.parametrize(
    "text",
    [
        reply([100, 200, 300, 400], answer=None),
        '[{"bbox_2d": [100, 200, 300, 400], "label": "plate"}]',
        "<box>[[100, 200, 300, 400]]</box>",
        "The plate is at [100, 200, 300, 400].",
        "(100,200),(300,400)",
        "Bounding box: [0.1, 0.2, 0.3, 0.4]",
    ],
)
@pytest.mark.parametrize("form", ["json", "text"])
def test_pointing_needs_a_box_and_no_words(text, form):
    reading = read(text, model="qwen3-vl", form=form, stage="point")
    assert boxes(reading) == [BOX]
    assert not reading.answer.abstained


@pytest.mark.parametrize("text", [reply(answer=None, evidence="not_here"), "Answer: not visible"])
def test_what_is_not_there_has_no_region(text):
    reading = read(text, stage="point")
    assert (reading.regions, reading.answer.abstained) == ((), True)


# Properties.

FAMILIES = [profile for profile in PROFILES.values() if profile.name != "ocr"]
WRITTEN = {
    "json": lambda numbers: json.dumps(
        {"answer": "x", "regions": [{"picture": 1, "label": "a", "box": json.loads(numbers)}]}
    ),
    "bbox_2d": lambda numbers: f'```json\n[{{"bbox_2d": {numbers}, "label": "a"}}]\n```',
    "tag": lambda numbers: f"Answer: x\n<box>[{numbers}]</box>",
    "bare tag": lambda numbers: f"Answer: x\n<box>{' '.join(numbers.strip('[]').split(', '))}</box>",
    "begin_of_box": lambda numbers: f"Answer: x\n<|begin_of_box|>[{numbers}]<|end_of_box|>",
    "det": lambda numbers: f"Answer: x\n<|det|>[{numbers}]<|/det|>",
}


@st.composite
def written_boxes(draw):
    profile = draw(st.sampled_from(FAMILIES))
    sent = profile.sees(Size(draw(st.integers(64, 20_000)), draw(st.integers(64, 20_000))))
    x0, y0 = draw(st.floats(0, 0.9)), draw(st.floats(0, 0.9))
    box = Box(x0, y0, draw(st.floats(x0 + 0.05, 1.0)), draw(st.floats(y0 + 0.05, 1.0)))
    shows = draw(st.sampled_from([Box.full(), Box(0.25, 0.5, 0.5, 0.625)]))
    return profile, Picture(b"", "image/jpeg", sent, shows), box, draw(st.sampled_from(sorted(WRITTEN)))


@pytest.mark.parametrize(
    "text",
    [
        '[{"bbox_2d": [100, 200, 300, 400], "label": "a"}, {"bbox_2d": [600, 200, 700, 400], "label": "b"}]',
        '{"bbox_2d": [100, 200, 300, 400], "label": "a"}\n{"bbox_2d": [600, 200, 700, 400], "label": "b"}',
        '{"answer": "x"}\n[{"bbox_2d": [100, 200, 300, 400], "label": "a"}, {"bbox_2d": [600, 200, 700, 400], "label": "b"}]',
        '{"answer": "x", "objects": [{"box": [100, 200, 300, 400], "label": "a"}, {"box": [600, 200, 700, 400], "label": "b"}]}',
    ],
)
def test_a_list_of_regions_is_read_whole_with_or_without_an_answer(text):
    regions = read(text, model="qwen3-vl").regions
    assert [region.label for region in regions] == ["a", "b"]


@pytest.mark.parametrize("shape", ["one list", "one after the other", "regions", "boxes", "lists in lists", "tags"])
def test_a_reply_that_marks_thousands_of_places_keeps_no_more_than_the_bound(shape):
    numbers = [[x / 1000, 0.1, (x + 1) / 1000, 0.2] for x in range(900)] * 3
    objects = [{"box": box} for box in numbers]
    text = {
        "one list": json.dumps(objects),
        "one after the other": "\n".join(map(json.dumps, objects)),
        "regions": json.dumps({"answer": "x", "regions": objects}),
        "boxes": json.dumps({"answer": "x", "boxes": numbers}),
        "lists in lists": json.dumps({"answer": "x", "boxes": [numbers, numbers]}),
        "tags": "Answer: x " + "".join(f"<box>{json.dumps(box)}</box>" for box in numbers),
    }[shape]
    assert len(read(text, stage="point").regions) == MAX_MARKS


@pytest.mark.parametrize(
    "box",
    [
        [0.4, 0.4, 0.4, 0.4],
        [0.4, 0.4, 0.4000001, 0.4000001],
        [0.4, 0.2, 0.4000001, 0.6],
        {"x": 0.4, "y": 0.4, "width": 1e-8, "height": 0.1},
    ],
)
def test_a_box_of_which_rounding_leaves_no_area_is_dropped_and_reported(box):
    reading = read(reply(box))
    assert reading.regions == ()
    assert "has no area" in reading.warnings[0]


def test_a_box_that_is_thin_only_on_the_original_is_dropped_too():
    deep = Picture(b"deep", "image/jpeg", Size(10, 10), Box(0.5, 0.5, 0.5001, 0.5001))
    reading = read(reply([0.4, 0.4, 0.401, 0.6]), pictures=(deep,))
    assert reading.regions == ()
    assert "has no area" in reading.warnings[0]


@pytest.mark.parametrize(
    "point", ['x="1.2.3" y="4.5"', 'x="4.5" y="1.2.3"', 'x="." y="."', 'x="1" y="9999999999999"', 'x1="..." y1="5"']
)
def test_a_point_whose_number_is_none_is_no_mark_and_the_answer_stands(point):
    reading = read(f"Answer: plate <point {point}>it</point>", form="text")
    assert reading.answer.text == "plate it"
    assert reading.regions == ()


def test_a_reply_that_is_written_twice_counts_the_second_time():
    text = reply([0.6, 0.6, 0.7, 0.7]) + "\nCorrected:\n" + reply([0.1, 0.2, 0.3, 0.4])
    assert boxes(read(text)) == [BOX]


@given(written_boxes())
def test_a_box_in_any_familys_convention_comes_back_to_a_pixel_or_half_a_unit(drawn):
    profile, picture, box, shape = drawn
    if profile.unit is Unit.PIXELS and min(picture.size.width, picture.size.height) * 0.05 < 2:
        return  # a few pixels are below what whole numbers of pixels can say
    text = WRITTEN[shape](write_box(box, picture.size, profile.unit, profile.axes))
    (region,) = read(text, model=profile.name, pictures=(picture,)).regions
    unit = {Unit.NORMALIZED: 0.001, Unit.PER_THOUSAND: 1 / 1000, Unit.PER_999: 1 / 999, Unit.PIXELS: 0.0}[profile.unit]
    shows = picture.shows
    for axis, (low, high, whole, side) in {
        "x": (region.box.x0, region.box.x1, shows.width, picture.size.width),
        "y": (region.box.y0, region.box.y1, shows.height, picture.size.height),
    }.items():
        origin = shows.x0 if axis == "x" else shows.y0
        wanted = (box.x0, box.x1) if axis == "x" else (box.y0, box.y1)
        for got, want in zip(((low - origin) / whole, (high - origin) / whole), wanted, strict=True):
            assert abs(got - want) <= max(1 / side, unit / 2) + 1e-9


def test_y_first_and_x_first_are_the_same_box_written_in_two_orders():
    box = Box(0.1, 0.2, 0.3, 0.4)
    assert write_box(box, VIEW.size, Unit.PER_THOUSAND, Axes.XYXY) == "[100, 200, 300, 400]"
    assert write_box(box, VIEW.size, Unit.PER_THOUSAND, Axes.YXYX) == "[200, 100, 400, 300]"

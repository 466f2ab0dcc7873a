"""Replies as models write them and servers damage them: each to its right region, or to a warning that says why not."""

from __future__ import annotations

import pytest

from tests.support.recorded import CONTRADICTIONS, replies
from tests.support.replies import BOX, boxes, read

EVERY = list(replies())


@pytest.mark.parametrize(("family", "text"), [row[1:] for row in EVERY], ids=[row[0] for row in EVERY])
def test_a_reply_is_read_whatever_form_it_is_in_and_whatever_befell_it(family, text):
    reading = read(text, model=family, form="json" if "{" in text else "text")
    assert reading.answer.text == "48-2207"
    (box,) = boxes(reading)
    assert box == pytest.approx(BOX, abs=0.001)
    assert reading.warnings == ()


@pytest.mark.parametrize(
    ("family", "form", "text", "box", "warning"),
    [row[1:] for row in CONTRADICTIONS],
    ids=[row[0] for row in CONTRADICTIONS],
)
def test_a_contradiction_is_resolved_by_the_stated_rule_and_the_caller_is_told(family, form, text, box, warning):
    reading = read(text, model=family, form=form)
    assert boxes(reading) == ([] if box is None else [box])
    assert any(warning in words for words in reading.warnings)


@pytest.mark.parametrize(
    ("family", "text", "raw", "convention"),
    [
        ("qwen3-vl", '{"answer": "x", "bbox_2d": [100, 200, 300, 400]}', "[100, 200, 300, 400]", "0-1000, picture 1"),
        ("gemini", '{"answer": "x", "box_2d": [200, 100, 400, 300]}', "[200, 100, 400, 300]", "0-1000, y first, picture 1"),
        ("claude-high", '{"answer": "x", "box": [140, 140, 420, 280]}', "[140, 140, 420, 280]", "pixels of 1400 x 700, picture 1"),
        ("claude-high", '{"answer": "x", "box": [0.1, 0.2, 0.3, 0.4]}', "[0.1, 0.2, 0.3, 0.4]", "0..1, picture 1"),
        ("unknown", '{"answer": "x", "point": [0.5, 0.5]}', "[0.5, 0.5]", "a point, 0..1, picture 1"),
        ("unknown", '{"answer": "x", "box": "10%, 20%, 30%, 40%"}', "10%, 20%, 30%, 40%", "percent, picture 1"),
    ],
)  # fmt: skip
def test_a_region_says_what_was_written_and_how_it_was_read(family, text, raw, convention):
    (region,) = read(text, model=family).regions
    assert (region.raw, region.convention) == (raw, convention)


def test_there_are_enough_of_them():
    assert len(EVERY) + len(CONTRADICTIONS) >= 80


def test_a_schema_that_was_echoed_is_no_reply():
    echoed = '{"properties": {"reasoning": {"type": "string"}, "answer": {"type": "string"}}}'
    reading = read(echoed + '\n{"answer": "48-2207", "box": [100, 200, 300, 400]}', model="qwen3-vl")
    assert (reading.answer.text, boxes(reading)) == ("48-2207", [BOX])


@pytest.mark.parametrize(
    ("family", "opening", "closing"),
    [("kimi-vl", "◁think▷", "◁/think▷"), ("mistral-3", "[THINK]", "[/THINK]"), ("qwen3-vl", "<think>", "</think>")],
)
def test_a_familys_own_thinking_is_not_read(family, opening, closing):
    assert read(f"{opening}Answer: 7{closing}Answer: 48-2207", model=family, form="text").answer.text == "48-2207"


@pytest.mark.parametrize(
    "text",
    [
        '{"answer": "48-2207", "objects": [{"name": "cup"}, {"name": "plate"}]}',
        '{"answer": "48-2207", "regions": [{"picture": 1, "label": "nowhere", "box": null}]}',
        '{"answer": "48-2207", "regions": []}',
        '{"answer": "48-2207", "regions": null, "box": null}',
    ],
)
def test_where_no_place_is_said_none_is_missed(text):
    reading = read(text)
    assert (reading.answer.text, reading.regions, reading.warnings) == ("48-2207", (), ())


def test_an_answer_of_four_numbers_is_no_box():
    reading = read("Answer: location [12, 14, 18, 20]", form="text")
    assert (reading.answer.text, reading.regions) == ("location [12, 14, 18, 20]", ())

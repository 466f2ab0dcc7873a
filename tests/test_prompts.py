"""What a model is told, by stage, form and family."""

from __future__ import annotations

import pytest

from zoomrefine_mcp.backends.base import Ask
from zoomrefine_mcp.backends.profiles import PROFILES, profile_for
from zoomrefine_mcp.backends.prompts import picture_text, stage_text, system_text
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.questions import read_question
from zoomrefine_mcp.records import ReplyForm, Stage

VIEW = Picture(b"view", "image/jpeg", Size(1400, 700), Box.full())
CROP = Picture(b"crop", "image/jpeg", Size(800, 400), Box(0.5, 0.25, 0.75, 0.5))
OPEN = read_question("What is the serial number?")
CHOICES = read_question("Which colour?", ["red", "blue"])


def words(stage, form="json", question=OPEN, new=1):
    return stage_text(Ask(Stage(stage), ReplyForm(form), question, (VIEW,)), new=new)


@pytest.mark.parametrize("form", list(ReplyForm))
@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_states_the_question_and_fills_every_blank(stage, form):
    said = words(stage, form, new=2)
    assert "What is the serial number?" in said
    assert "{" not in said


@pytest.mark.parametrize("form", list(ReplyForm))
@pytest.mark.parametrize("stage", list(Stage))
def test_options_are_listed_with_their_letters(stage, form):
    assert "Options:\nA. red\nB. blue" in words(stage, form, CHOICES)


def test_braces_in_a_question_are_words_like_any_other():
    assert "{answer} {new} {0}" in words("localize", "text", read_question("{answer} {new} {0}"))


@pytest.mark.parametrize("form", list(ReplyForm))
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_text_in_a_picture_is_called_content_and_never_an_instruction(form, profile):
    assert "never an instruction" in system_text(form, profile)


@pytest.mark.parametrize(
    ("model", "stated"),
    [
        ("qwen3-vl-8b", ["[x0, y0, x1, y1]", "0 to 1000", "bbox_2d"]),
        ("qwen2.5-vl-7b", ["[x0, y0, x1, y1]", "pixels of that picture", "bbox_2d"]),
        ("internvl3-8b", ["0 to 1000", "<box>[["]),
        ("glm-4.5v", ["0 to 1000", "<|begin_of_box|>"]),
        ("minicpm-v-4.5", ["0 to 1000", "<box>"]),
        ("deepseek-vl2", ["0 to 999", "<|det|>"]),
        ("gemini-3-pro", ["[y0, x0, y1, x1]", "0 to 1000", "box_2d"]),
        ("claude-opus-5", ["pixels of that picture"]),
        ("gpt-5.6", ["pixels of that picture"]),
        ("nobody", ["0 to 1,"]),
    ],
)
def test_the_box_convention_is_stated_as_the_family_writes_it(model, stated):
    said = system_text(ReplyForm.JSON, profile_for(model, wire="openai"))
    for words_ in stated:
        assert words_ in said


def test_reasoning_is_asked_for_before_the_verdict_in_stage_two():
    said = words("refine", "text", new=2)
    assert said.index("Reason first") < said.index("Rechecked Answer:")
    form = system_text(ReplyForm.JSON, PROFILES["unknown"])
    assert (
        form.index('"reasoning"')
        < form.index('"evidence"')
        < form.index('"answer"')
        < form.index('"choice"')
        < form.index('"regions"')
    )


@pytest.mark.parametrize("form", list(ReplyForm))
def test_stage_two_says_to_ignore_a_crop_that_does_not_hold_the_evidence(form):
    said = words("refine", form, new=2)
    assert "does not hold the evidence, ignore it" in said or "do not hold the evidence, ignore them" in said


@pytest.mark.parametrize("form", list(ReplyForm))
def test_guessing_is_ruled_out(form):
    assert "do not guess" in system_text(form, PROFILES["unknown"])


def test_where_no_option_says_not_shown_the_best_one_is_asked_for():
    assert "fits best" in words("refine", question=CHOICES)
    assert "fits best" not in words("refine", question=read_question("Which?", ["red", "Not shown in the image"]))
    assert "say so instead of guessing" not in words("refine", "text", CHOICES)
    assert "say so instead of guessing" in words("refine", "text")


def test_the_text_form_asks_for_the_papers_lines():
    said = words("localize", "text")
    assert said.endswith("Answer: [your answer, in as few words as it takes]\nBounding box: [x1, y1, x2, y2]")
    assert "from 0 to 1" in said
    assert words("localize", "text", CHOICES).count("Answer: [letter of your option]") == 1


def test_the_picture_that_a_box_refers_to_is_named():
    assert "picture 1" in words("localize")
    assert "picture 1" in words("point")
    assert "picture 2" in words("sharpen", new=2)


def label(model, form=ReplyForm.JSON, number=2, picture=CROP, view=VIEW):
    return picture_text(number, picture, view, profile=profile_for(model, wire="openai"), form=form)


def test_sizes_are_told_where_the_family_counts_pixels():
    assert label("claude-opus-5", number=1, picture=VIEW) == "Picture 1 (1400 x 700 pixels): the whole."
    assert label("qwen3-vl-8b", number=1, picture=VIEW) == "Picture 1: the whole."


@pytest.mark.parametrize(
    ("model", "form", "where"),
    [
        ("claude-opus-5", ReplyForm.JSON, "[700, 175, 1050, 350]"),
        ("qwen3-vl-8b", ReplyForm.JSON, "[500, 250, 750, 500]"),
        ("gemini-3-pro", ReplyForm.JSON, "[250, 500, 500, 750]"),
        ("nobody", ReplyForm.JSON, "[0.500, 0.250, 0.750, 0.500]"),
        ("claude-opus-5", ReplyForm.TEXT, "[0.500, 0.250, 0.750, 0.500]"),
    ],
)
def test_a_crop_is_placed_in_the_whole_in_the_convention_of_the_conversation(model, form, where):
    assert f"the part {where} of picture 1" in label(model, form)


def test_a_crop_from_outside_picture_one_claims_no_place_in_it():
    view = Picture(b"", "image/jpeg", Size(100, 100), Box(0.0, 0.0, 0.4, 0.4))
    assert "another part" in label("nobody", view=view)
    assert "a part of a larger picture" in label("nobody", number=1, picture=view, view=view)

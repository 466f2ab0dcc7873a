"""The embedded reader on real pictures of text: it reads values, zooms for small ones, and abstains rather than guess."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from zoomrefine_mcp import ZoomRefine
from zoomrefine_mcp.backends.ocr import OcrBackend

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def backend() -> OcrBackend:
    return OcrBackend()


def plate(path: Path, *texts: tuple[tuple[int, int], int, str], size=(1000, 420)) -> Path:
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for at, height, text in texts:
        draw.text(at, text, fill="black", font=ImageFont.load_default(height))
    picture.save(path, compress_level=1)
    return path


@pytest.fixture
def pump(tmp_path) -> Path:
    return plate(
        tmp_path / "pump.png",
        ((60, 40), 56, "PUMP P-204"),
        ((60, 160), 32, "Serial no. 48-2207"),
        ((60, 220), 32, "Mass: 82 kg"),
        ((60, 280), 32, "Next inspection"),
        ((60, 325), 32, "14 March 2027"),
    )


async def ask(backend, picture, question, choices=None, **options):
    return await ZoomRefine(backend, **options).zoom_and_refine(picture, question, choices)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the serial number of pump P-204?", "48-2207"),
        ("What is the mass of pump P-204?", "82 kg"),
        ("When is the next inspection of pump P-204?", "14 March 2027"),
    ],
)
async def test_it_answers_with_the_value_alone(backend, pump, question, answer):
    result = await ask(backend, pump, question)
    assert result.answer == answer
    assert not result.abstained
    assert result.evidence_visible


@pytest.mark.parametrize(
    "question",
    [
        "What is the serial number of pump P-777?",
        "What is the wavelength of the laser?",
        "What colour is pump P-204?",
        "How many people stand beside the pump?",
    ],
)
async def test_it_abstains_on_what_no_printed_text_answers(backend, pump, question):
    result = await ask(backend, pump, question)
    assert result.abstained
    assert result.answer is None
    assert result.explanation


async def test_it_says_what_kind_of_answer_it_gives(backend, pump):
    result = await ask(backend, pump, "What is the mass of pump P-204?")
    assert "reads printed text only" in result.about
    assert result.sent_to == "this machine"


async def test_it_chooses_the_option_that_was_read_and_the_abstain_option_when_none_was(backend, pump):
    options = ["48-2202", "48-2207", "84-2207", "Not shown in the image"]
    read = await ask(backend, pump, "What is the serial number of pump P-204?", options)
    assert (read.choice, read.abstained) == ("B", False)
    unread = await ask(backend, pump, "What is the serial number of pump P-777?", options)
    assert (unread.choice, unread.abstained) == ("D", True)


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> Path:
    return plate(
        tmp_path_factory.mktemp("wide") / "wide.png",
        ((2900, 1200), 90, "PUMP P-204"),
        ((2900, 1330), 20, "Serial no."),
        ((2900, 1356), 20, "48-2207"),
        ((300, 300), 90, "PUMP P-118"),
        ((300, 430), 20, "Serial no."),
        ((300, 456), 20, "31-9945"),
        size=(4600, 2400),
    )


async def test_a_value_too_small_in_the_view_is_read_from_the_crop(backend, wide):
    question = "What is the serial number of pump P-204?"
    direct = await ask(backend, wide, question, policy="direct", view_edge=1024)
    assert direct.abstained
    zoomed = await ask(backend, wide, question, view_edge=1024)
    assert (zoomed.status, zoomed.preliminary_answer, zoomed.answer) == ("refined", None, "48-2207")
    left, top, right, bottom = zoomed.regions[0].crop.pixels
    assert left < 2900 < right
    assert top < 1356 < bottom


async def test_it_points_at_the_text_that_is_described(backend, wide):
    result = await ZoomRefine(backend, view_edge=1024).localize_region(wide, "pump P-118")
    assert result.found
    x, y = result.regions[0].point
    assert 300 < x < 900
    assert 300 < y < 400


async def test_it_finds_nothing_where_no_such_text_is(backend, wide):
    result = await ZoomRefine(backend, view_edge=1024).localize_region(wide, "the emergency exit")
    assert not result.found
    assert result.regions == []

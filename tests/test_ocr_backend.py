"""What the embedded backend answers, by what is written where: no model, the text is given."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import anyio
import pytest

from tests.support.written import ORIGINAL, Written, WrittenReader, WrittenSource, picture
from zoomrefine_mcp.backends.base import Ask, Look
from zoomrefine_mcp.backends.ocr import OcrBackend, OcrTranscript
from zoomrefine_mcp.backends.reading.engine import RapidReader
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.errors import NoBackend
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.policies.adaptive import Adaptive, Thorough
from zoomrefine_mcp.questions import read_question
from zoomrefine_mcp.records import Evidence, Outcome, ReplyForm, Stage

pytestmark = pytest.mark.anyio


def plate(title: str, left: float, top: float, *fields: str, capital: float = 20) -> list[Written]:
    lines = [Written(title, left, top, 80)]
    return lines + [Written(field, left, top + 150 + 60 * row, capital) for row, field in enumerate(fields)]


async def look_once(lines: list[Written], question: str, choices: list[str] | None = None) -> Look[OcrTranscript]:
    ask = Ask(Stage.DIRECT, ReplyForm.JSON, read_question(question, choices), (picture(edge=8000),))
    return await OcrBackend(WrittenReader(*lines)).look(ask)


async def look_twice(
    lines: list[Written], question: str, choices: list[str] | None = None
) -> tuple[Look[OcrTranscript], Look[OcrTranscript]]:
    backend, asked = OcrBackend(WrittenReader(*lines)), read_question(question, choices)
    first = await backend.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, asked, (picture(),)))
    crop = picture(first.regions[0].box.grown(0.02, 0.02))
    second = await backend.look(Ask(Stage.REFINE, ReplyForm.JSON, asked, (crop,)), first.transcript)
    return first, second


PUMPS = [
    *plate("PUMP P-204", 600, 600, "Serial no. 48-2207", "Year 1998", "Weight 1240 kg"),
    *plate("PUMP P-240", 3600, 600, "Serial no. 51-3310", "Year 2004", "Weight 980 kg"),
    *plate("BOILER B-7", 600, 2400, "Serial no. 77-0001", "Inspected by M. Keller", "Tel. 0421 55 87 13"),
]


async def test_the_view_abstains_and_names_the_region_and_the_crop_gives_the_value():
    first, second = await look_twice(PUMPS, "What is the serial number of pump P-204?")
    assert first.answer.abstained
    assert first.evidence is Evidence.TOO_SMALL
    assert first.regions[0].box.contains(Box(600 / 8000, 600 / 4000, 1000 / 8000, 800 / 4000))
    assert first.regions[0].label == "PUMP P-204"
    assert second.answer.text == "48-2207"
    assert second.evidence is Evidence.LEGIBLE
    assert "Serial no. 48-2207" in (second.answer.explanation or "")


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the serial number of pump P-240?", "51-3310"),
        ("In which year was pump P-204 built?", "1998"),
        ("How much does pump P-240 weigh?", "980 kg"),
        ("Who inspected boiler B-7?", "M. Keller"),
        ("What is the phone number of boiler B-7?", "0421 55 87 13"),
    ],
)
async def test_the_value_that_is_asked_for_is_the_answer(question, answer):
    assert (await look_once(PUMPS, question)).answer.text == answer


@pytest.mark.parametrize(
    "question",
    [
        "What is the serial number of pump P-999?",
        "What is the serial number of turbine P-204 in Hamburg?",
        "What is the rated voltage of pump P-204?",
        "Who inspected pump P-204?",
        "What colour is pump P-204?",
        "How many people stand beside pump P-204?",
        "Is pump P-204 running?",
        "What animal is lying on the floor?",
        "What is the serial number?",
    ],
)
async def test_it_abstains_where_the_text_does_not_answer(question):
    look = await look_once(PUMPS, question)
    assert look.answer.abstained
    assert look.answer.text is None
    assert "printed text only" in (look.answer.explanation or "")


async def test_a_field_that_is_left_blank_is_not_filled_from_the_next_one():
    lines = plate("PUMP P-204", 600, 600, "Year 1998", "Serial no. ______", "Code 48-2207", "Lubricant", "Oak")
    assert (await look_once(lines, "What is the serial number of pump P-204?")).answer.abstained
    assert (await look_once(lines, "What is the lubricant of pump P-204?")).answer.abstained


async def test_values_in_a_column_of_their_own_are_read_beside_their_labels():
    lines = [Written("PUMP P-204", 600, 600, 80)]
    for row, (label, value) in enumerate([("Serial no.", "48-2207"), ("Lubricant", "VG 46"), ("Built in", "1998")]):
        lines += [Written(label, 600, 760 + 60 * row, 20), Written(value, 1000, 760 + 60 * row, 20)]
    assert (await look_once(lines, "Which lubricant does pump P-204 take?")).answer.text == "VG 46"
    assert (await look_once(lines, "What is the serial number of pump P-204?")).answer.text == "48-2207"


async def test_a_table_cell_is_found_by_its_row_and_its_column():
    lines = [Written(header, 1500 + 1000 * i, 300, 60) for i, header in enumerate(["Departure", "Arrival", "Platform"])]
    for row, (town, cells) in enumerate(
        [("Lowick", ("7:00", "8:38", "2a")), ("Marston", ("9:15", "9:50", "11")), ("Hartwell", ("6:05", "7:45", "4"))]
    ):
        y = 600 + 300 * row
        lines += [Written(town, 300, y, 60)]
        lines += [Written(cell, 1500 + 1000 * i, y + 20, 25) for i, cell in enumerate(cells)]
    first, second = await look_twice(lines, "When is the arrival of the train to Marston?")
    assert second.answer.text == "9:50"
    assert first.regions[0].box.width < 0.3
    assert (await look_once(lines, "From which platform does the train to Hartwell leave?")).answer.text == "4"


async def test_of_namesakes_the_one_with_more_of_the_words_wins():
    lines = [
        *plate("HOTEL ADLER", 600, 600, "Tel. 0421 55 87 13"),
        *plate("HOTEL ADLER ANNEX", 4000, 600, "Tel. 0421 66 99 20"),
    ]
    assert (await look_once(lines, "What is the phone number of Hotel Adler?")).answer.text == "0421 55 87 13"
    assert (await look_once(lines, "What is the phone number of Hotel Adler Annex?")).answer.text == "0421 66 99 20"


async def test_a_plate_that_hangs_askew_is_read_in_its_own_direction():
    lean = math.radians(12)
    lines = [
        Written(text, 1000 - down * math.sin(lean), 600 + down * math.cos(lean), capital, lean)
        for text, down, capital in [("PUMP P-204", 0, 80), ("Year 1998", 150, 20), ("Serial no. 48-2207", 210, 20)]
    ]
    _, second = await look_twice(lines, "What is the serial number of pump P-204?")
    assert second.answer.text == "48-2207"


async def test_an_option_is_chosen_by_what_was_read():
    choices = ["51-3310", "48-2207", "77-0001", "Not shown in the picture"]
    look = await look_once(PUMPS, "What is the serial number of pump P-204?", choices)
    assert (look.answer.choice, look.answer.text) == ("B", "48-2207")


async def test_without_evidence_the_option_that_abstains_is_chosen_if_there_is_one():
    choices = ["51-3310", "48-2207", "Not shown in the picture"]
    look = await look_once(PUMPS, "What is the serial number of pump P-999?", choices)
    assert (look.answer.choice, look.answer.abstained) == ("C", True)
    look = await look_once(PUMPS, "What is the serial number of pump P-999?", choices[:2])
    assert (look.answer.choice, look.answer.abstained) == (None, True)


async def test_a_value_that_is_none_of_the_options_chooses_nothing():
    look = await look_once(PUMPS, "What is the serial number of pump P-204?", ["51-3310", "48-2200"])
    assert look.answer.abstained


async def test_what_is_written_under_a_name_is_read_without_a_label():
    lines = [Written("DOCK 7", 1000, 1000, 80), Written("4471-C", 1000, 1150, 20), Written("EXIT", 5000, 2000, 80)]
    assert (await look_once(lines, "What is written below 'DOCK 7'?")).answer.text == "4471-C"


@pytest.mark.parametrize(("printed", "answer"), [("25.1.1911", "25.1.1911"), ("d. 25.1.1911", None)])
async def test_the_only_date_near_a_name_answers_unless_a_mark_says_of_what_it_is(printed, answer):
    lines = [Written("OTTO MARCHETTI", 1000, 1000, 40), Written(printed, 1000, 1080, 24)]
    assert (await look_once(lines, "When was Otto Marchetti born?")).answer.text == answer


def in_rows(*rows: tuple[str, ...], capital: float) -> list[Written]:
    return [
        Written(text, 500 + 1000 * column, 400 + 3.5 * capital * row, capital)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
    ]


FLIGHTS = in_rows(
    ("Flight", "Gate", "Time"),
    ("LH 441", "B12", "14:05"),
    ("BA 902", "C03", "15:10"),
    ("AF 118", "A07", "16:45"),
    capital=60,
)
GOODS = in_rows(
    ("Item", "Qty", "Unit price"),
    ("Bolt M8", "120", "0.12"),
    ("Nut M8", "340", "0.05"),
    ("Washer", "75", "0.02"),
    ("Total", "535"),
    capital=30,
)
CIRCUIT = in_rows(("R17", "C3", "R18"), ("4.7k", "100n", "10k"), capital=12)
TANKS = [
    Written(text, left, top, capital)
    for left, tank, level in ((1000, "TANK 3 LEVEL", "4.20 m"), (3000, "TANK 4 LEVEL", "3.10 m"))
    for text, top, capital in ((tank, 1000, 80), (level, 1150, 20))
]
SIGNS = [
    Written("ASSEMBLY POINT", 1000, 1000, 90),
    Written("Zone C4", 1300, 1180, 24),
    Written("FIRE EXIT", 4000, 1000, 90),
    Written("Route 7B", 4200, 1180, 24),
]


@pytest.mark.parametrize(
    ("lines", "question", "answer"),
    [
        (FLIGHTS, "What is the gate of flight BA 902?", "C03"),
        (FLIGHTS, "At what time does flight AF 118 leave?", "16:45"),
        (FLIGHTS, "Which gate does LH 441 use?", "B12"),
        (FLIGHTS, "What is the time of flight XX 100?", None),
        (GOODS, "What is the quantity of bolts M8?", "120"),
        (GOODS, "What is the unit price of the washer?", "0.02"),
        (GOODS, "How many nuts M8 are listed?", "340"),
        (GOODS, "What is the unit price of the total?", None),
        (CIRCUIT, "What is the value of R17?", "4.7k"),
        (CIRCUIT, "What is the value of resistor R18?", "10k"),
        (CIRCUIT, "What is the value of C9?", None),
        (TANKS, "What is the level of tank 3?", "4.20 m"),
        (TANKS, "What is the level of tank 5?", None),
        (TANKS, "What is the temperature of tank 3?", None),
        (SIGNS, "Which zone is printed below the assembly point sign?", "C4"),
        (SIGNS, "What does the small text under 'FIRE EXIT' say?", "Route 7B"),
        (SIGNS, "What code is written next to 'FIRE EXIT'?", "7B"),
    ],
)
async def test_tables_drawings_and_signs_are_read_by_where_their_text_stands(lines, question, answer):
    assert (await look_once(lines, question)).answer.text == answer


HUT = [
    Written("Old Mine Shelter", 600, 600, 60),
    Written("Water is found at the spring. The hut was built in", 600, 720, 24),
    Written("bad weather. Its key box opens with D117 at", 600, 780, 24),
    Written("all times, and T. Whitlock is glad to help with", 600, 840, 24),
    Written("what visitors may need.", 600, 900, 24),
]


INVOICE = [
    *plate("Sabine Catering", 600, 600),
    Written("VAT 19%", 600, 800, 20),
    Written("602.67 EUR", 1000, 800, 20),
    Written("Total due", 600, 860, 20),
    Written("3,774.60 EUR", 1000, 860, 20),
]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Total of the Sabine Catering invoice?", "3,774.60 EUR"),
        ("How much VAT is on the Sabine Catering invoice?", "602.67 EUR"),
    ],
)
async def test_more_words_of_a_label_are_no_value_and_a_rate_is_no_sum(question, answer):
    assert (await look_once(INVOICE, question)).answer.text == answer


GAUGES = [
    Written(text, left + offset, top + down, capital)
    for left, top, name, first, low in (
        (500, 300, "STEAM DRUM LEVEL", "291.2", "203.7"),
        (2900, 300, "RAW WATER LEVEL", "57.4", "96.7"),
        (5300, 300, "ASH SILO LEVEL", "88.1", "40.3"),
        (500, 1900, "SLURRY LEVEL", "31.5", ""),
        (2900, 1900, "FEED WATER LEVEL", "66.1", "12.0"),
    )
    for text, offset, down, capital in (
        (name, 0, 0, 60),
        ("Set point", 0, 1000, 20),
        (first, 400, 1000, 20),
        ("High alarm", 0, 1060, 20),
        ("700.5", 400, 1060, 20),
        ("Low alarm" if low else "", 0, 1120, 20),
        (low, 400, 1120, 20),
    )
    if text
]


async def test_of_a_wall_of_like_cards_the_whole_card_is_looked_at():
    first, second = await look_twice(GAUGES, "What is the set point of the steam drum level?")
    assert first.regions[0].box.contains(Box(500 / 8000, 1300 / 4000, 1000 / 8000, 1450 / 4000))
    assert second.answer.text == "291.2"


async def test_what_something_is_set_to_is_found_beside_its_set_point():
    assert (await look_once(GAUGES, "To what is the raw water level set?")).answer.text == "57.4"


async def test_a_short_question_names_what_it_is_about_after_a_comma():
    assert (await look_once(GAUGES, "High alarm, the raw water level?")).answer.text == "700.5"
    assert (await look_once(GAUGES, "High alarm, the raw water flow?")).answer.abstained


async def test_a_label_that_shares_a_word_with_another_one_is_not_taken_for_it():
    assert (await look_once(GAUGES, "What is the low alarm of the feed water level?")).answer.text == "12.0"
    assert (await look_once(GAUGES, "What is the low alarm of the slurry level?")).answer.abstained


WALL = [
    Written(text, left + offset, top + down, capital)
    for row, top in enumerate((300, 1100, 1900))
    for column, left in enumerate((1500, 4100, 6700))
    for text, offset, down, capital in (
        (f"BOX {row}{column}7{row + 1}", 0, 0, 60),
        ("TARE", 0, 150, 18),
        (f"{row + 3},{column}78 KG", 300, 150, 18),
        (f"Seal 5{row}8{column}", -1250, 600, 18),
    )
]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which seal number does box 1172 have?", "5181"),
        ("Which seal number does box 2073 have?", "5280"),
        ("Tare of box 1172 (kg)?", "4,178 KG"),
    ],
)
async def test_a_title_at_the_end_of_its_card_owns_what_stands_at_the_other_end(question, answer):
    first, second = await look_twice(WALL, question)
    assert first.answer.abstained
    assert second.answer.text == answer


CALENDAR = [
    Written("March", 1500, 200, 70),
    Written("May", 5500, 200, 70),
    *(
        Written(text, left, top, capital)
        for start, name in ((500, "Otto Birch"), (4500, "Tess Varga"))
        for left, top, text, capital in (
            (start, 600, "15", 40),
            (start, 700, "Cook: Dora Sato", 14),
            (start + 500, 2400, "21", 40),
            (start + 500, 2500, "Cook: Gus Ueda", 14),
            (start + 1000, 2400, "22", 40),
            (start + 1000, 2500, f"Cook: {name}", 14),
        )
    ),
]


async def test_a_day_is_found_under_its_month_on_a_calendar():
    assert (await look_once(CALENDAR, "Who cooks on 22 May?")).answer.text == "Tess Varga"
    assert (await look_once(CALENDAR, "Who cooks on 22 March?")).answer.text == "Otto Birch"
    assert (await look_once(CALENDAR, "Who cooks on 23 May?")).answer.abstained


async def test_of_a_sentence_only_what_stands_out_is_an_answer():
    assert (await look_once(HUT, "What opens the key box at Old Mine Shelter?")).answer.text == "D117"


@pytest.mark.parametrize(
    "question",
    [
        "Who looks after Old Mine Shelter?",
        "What is the water temperature at Old Mine Shelter?",
        "What may visitors of Old Mine Shelter need?",
        "Who was the hut at Old Mine Shelter built by?",
    ],
)
async def test_a_sentence_labels_nothing_and_a_piece_of_one_is_no_answer(question):
    assert (await look_once(HUT, question)).answer.abstained


CARDS = [
    line
    for left, top, name, charted in (
        (5600, 1000, "Northern Cask", "15 April 1982"),
        (5500, 1700, "Velmora Major", "27 May 2007"),
        (1200, 1600, "Southern Cask", "19.01.2023"),
    )
    for line in (
        Written(name, left, top, 30),
        *(
            Written(text, left + 480, top + 70 * row, 30)
            for row, text in enumerate(("Mag 3.73", f"First charted {charted}"))
        ),
    )
]


async def test_a_card_with_its_name_in_a_column_of_its_own_owns_its_lines_and_not_those_of_the_next_card():
    look = await look_once(CARDS, "When was Northern Cask first charted?")
    assert look.answer.text == "15 April 1982"
    without = [line for line in CARDS if "15 April" not in line.text]
    assert (await look_once(without, "When was Northern Cask first charted?")).answer.abstained


async def test_an_empty_cell_is_not_filled_from_the_column_beside_it():
    lines = in_rows(
        ("Part", "Supplier", "Drawing"),
        ("Spindle", "Rosenau", "T17"),
        ("Cover", "", "T18"),
        ("Ring", "Pellman", "T19"),
        capital=30,
    )
    lines = [line for line in lines if line.text]
    assert (await look_once(lines, "Which supplier delivers the spindle?")).answer.text == "Rosenau"
    assert (await look_once(lines, "Which supplier delivers the cover?")).answer.abstained


async def test_text_that_is_read_unsurely_is_not_an_answer():
    lines = plate("PUMP P-204", 600, 600)
    lines.append(Written("Serial no. 48-2207", 600, 760, 20, score=0.6))
    look = await look_once(lines, "What is the serial number of pump P-204?")
    assert look.answer.abstained
    assert look.evidence is Evidence.TOO_SMALL


async def test_a_label_that_the_view_does_not_show_gives_no_region():
    lines = [Written("PUMP P-204", 600, 600, 12), Written("Serial no. 48-2207", 600, 640, 12)]
    ask = Ask(Stage.LOCALIZE, ReplyForm.JSON, read_question("What is the serial number of pump P-204?"), (picture(),))
    look = await OcrBackend(WrittenReader(*lines)).look(ask)
    assert look.regions == ()
    assert look.evidence is Evidence.NOT_HERE
    assert "was not read" in (look.answer.explanation or "")


async def test_a_transcript_can_be_gone_on_from_twice():
    backend = OcrBackend(WrittenReader(*PUMPS))
    asked = read_question("What is the serial number of pump P-204?")
    first = await backend.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, asked, (picture(),)))
    before = first.transcript
    right = picture(first.regions[0].box)
    wrong = picture(Box(0.8, 0.8, 0.9, 0.9))
    missed = await backend.look(Ask(Stage.REFINE, ReplyForm.JSON, asked, (wrong,)), before)
    read = await backend.look(Ask(Stage.REFINE, ReplyForm.JSON, asked, (right,)), before)
    assert missed.answer.abstained
    assert read.answer.text == "48-2207"
    assert first.transcript == before


async def test_lines_are_kept_on_the_original_and_the_crop_replaces_what_it_covers():
    _, second = await look_twice(PUMPS, "What is the serial number of pump P-204?")
    titles = [line for line in second.transcript.lines if line.text == "PUMP P-204"]
    assert [line.look for line in titles] == [1]
    assert titles[0].box.x0 * ORIGINAL.width == pytest.approx(600, abs=8)
    assert titles[0].capital_share * ORIGINAL.height == pytest.approx(80, rel=0.2)
    assert any(line.text == "PUMP P-240" and line.look == 0 for line in second.transcript.lines)


async def test_pointing_gives_the_box_of_the_text_and_sharpening_refines_it_in_the_crop():
    backend, asked = OcrBackend(WrittenReader(*PUMPS)), read_question("the plate of boiler B-7")
    pointed = await backend.look(Ask(Stage.POINT, ReplyForm.JSON, asked, (picture(),)))
    assert pointed.regions[0].label == "BOILER B-7"
    assert pointed.regions[0].box.x0 * ORIGINAL.width == pytest.approx(600, abs=20)
    crop = picture(pointed.regions[0].box.grown(0.1, 0.1))
    sharp = await backend.look(Ask(Stage.SHARPEN, ReplyForm.JSON, asked, (crop,)), pointed.transcript)
    assert sharp.regions[0].box.y0 * ORIGINAL.height == pytest.approx(2400 - 12, abs=4)


async def test_pointing_at_what_is_not_written_finds_nothing():
    backend, asked = OcrBackend(WrittenReader(*PUMPS)), read_question("the red fire extinguisher")
    look = await backend.look(Ask(Stage.POINT, ReplyForm.JSON, asked, (picture(),)))
    assert look.regions == ()
    assert look.answer.abstained


async def test_a_picture_without_any_text_is_no_error():
    look = await look_once([], "What is the serial number of pump P-204?")
    assert look.answer.abstained
    assert look.regions == ()


async def test_it_says_what_it_is_and_that_nothing_leaves_the_machine():
    info = OcrBackend(WrittenReader()).info
    assert info.name == "ocr"
    assert info.sends_to == "this machine"
    assert "printed text only" in info.about


async def test_what_it_reads_at_once_is_bounded():
    fit = OcrBackend(WrittenReader()).fit(Stage.LOCALIZE, Size(7680, 4320)).size
    assert fit.long_edge <= 4096
    assert OcrBackend(WrittenReader()).fit(Stage.REFINE, Size(640, 400)).size == Size(640, 400)


async def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    backend = OcrBackend(RapidReader())
    with pytest.raises(NoBackend) as caught:
        await backend.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, read_question("What is it?"), (picture(),)))
    assert "zoomrefine-mcp[ocr]" in caught.value.hint


async def test_looks_at_once_are_as_many_as_there_are_workers():
    backend = OcrBackend(WrittenReader(*PUMPS), workers=1)
    asked = read_question("In which year was pump P-240 built?")
    answers = []

    async def one() -> None:
        look = await backend.look(Ask(Stage.DIRECT, ReplyForm.JSON, asked, (picture(edge=8000),)))
        answers.append(look.answer.text)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(one)
    assert answers == ["2004"] * 5


TILES = tuple(Box(left, top, left + 0.25, top + 0.5) for top in (0, 0.5) for left in (0, 0.25, 0.5, 0.75))
SMALL = [
    Written("PUMP P-204", 600, 600, 12),
    Written("Serial no. 48-2207", 600, 640, 12),
    Written("PUMP P-240", 4600, 600, 12),
    Written("Serial no. 51-3310", 4600, 640, 12),
]


CHIPS = [
    *[Written("U43", 2000, 400, 24), Written("TM96W857", 2020, 480, 20), Written("1825 LOT 7", 2020, 520, 20)],
    *[Written("U34", 2000, 1000, 24), Written("GTN4162M", 2020, 1080, 20), Written("1830 LOT 2", 2020, 1120, 20)],
    Written("CHINA", 2020, 1160, 20),
]


@pytest.mark.parametrize(("chip", "expected"), [("U34", "CHINA"), ("U43", None)])
async def test_an_option_that_stands_nearer_to_another_name_of_the_series_is_that_ones(chip, expected):
    look = await look_once(CHIPS, f"Where was chip {chip} made?", ["CHINA", "TAIWAN", "MALTA", "Not visible"])
    assert look.answer.text == expected


async def test_an_option_within_a_longer_word_was_not_read():
    lines = [Written("AllowMethods", 600, 600, 24), Written("Sets the name of the database file", 620, 680, 20)]
    look = await look_once(lines, "What status does AllowMethods have?", ["Core", "Base", "Extension"])
    assert look.answer.abstained


async def test_what_stands_by_a_name_does_not_answer_where_the_word_that_is_asked_for_is_not_printed():
    lines = [Written("Agnes Emil Lindgren", 600, 600, 24), Written("b. 19 May 1808 in Porto", 600, 650, 20)]
    look = await look_once(lines, "What did Agnes Emil Lindgren do for a living?")
    assert look.answer.abstained


async def test_a_search_does_not_answer_from_a_line_about_another_name():
    lines = [
        Written("AuthBasicProvider provider-name", 100, 600, 20),
        Written("Sets the providers for this location", 120, 640, 20),
        Written("AuthDBMType default SDBM", 100, 700, 20),
    ]
    _, second = await search(lines, "What is the default of AuthBasicProvider?")
    assert second.answer.abstained


async def test_a_search_does_not_answer_with_the_value_of_a_label_on_another_plate():
    lines = [
        *plate("PUMP K-363", 2800, 600, "Power 63.0 kW", "Pressure 71.6 bar"),
        *plate("PUMP K-512", 600, 600, "Power 12.0 kW", "Lubricant"),
    ]
    _, second = await search(lines, "Which lubricant does pump K-363 take?", (Box.full(),))
    assert second.answer.abstained


ROW_OF_PLATES = [
    *[Written("BOILER V-207", 1650, 2200, 110), Written("Inspected by B. Keller", 1690, 2350, 30)],
    *[Written("GENERATOR V-670", 2920, 2200, 75), Written("Oil: VG 220", 2940, 2350, 26)],
]


@pytest.mark.parametrize(("name", "expected"), [("generator V-670", "VG 220"), ("boiler V-207", None)])
async def test_what_stands_under_another_name_of_the_series_answers_for_that_one_alone(name, expected):
    look = await look_once(ROW_OF_PLATES, f"What oil is used in {name}?")
    assert look.answer.text == expected


@pytest.mark.parametrize(("town", "expected"), [("Fernley", "21:15"), ("Eastwick", None)])
async def test_a_cell_in_the_row_of_another_name_is_that_names(town, expected):
    times = {"Kingsdale": "8:15", "Eastwick": None, "Fernley": "21:15", "Lowick": "18:30"}
    lines = [Written("Departure", 2000, 500, 95), Written("Arrival", 3100, 500, 95)]
    for row, (name, departure) in enumerate(times.items(), start=1):
        lines += [Written(name, 500, 500 + 340 * row, 95), Written("7:45", 3115, 540 + 340 * row, 14)]
        lines += [Written(departure, 2015, 540 + 340 * row, 14)] if departure else []
    look = await look_once(lines, f"When is the departure of the train to {town}?")
    assert look.answer.text == expected


ROOMS = [
    *[Written("Archive", 4400, 1500, 60), Written("Door", 4400, 1600, 24), Written("D-413", 4700, 1600, 24)],
    *[Written("Plant room", 4260, 2700, 60), Written("Area", 4260, 2800, 24), Written("74.81 m2", 4560, 2800, 24)],
    *[Written("Door", 4260, 2880, 24), Written("Key", 4260, 2960, 24)],
]


@pytest.mark.parametrize(("room", "expected"), [("plant room", "74.81 m2"), ("archive", None)])
async def test_what_has_another_title_over_it_is_not_that_of_the_title_further_up(room, expected):
    look = await look_once(ROOMS, f"How large is the area of the {room}?")
    assert look.answer.text == expected


async def test_a_blank_fields_neighbour_is_not_its_value():
    lines = [Written("Door", 600, 640, 24), *[Written("Print room", 4400, 400, 60), Written("Key", 4410, 640, 24)]]
    look = await look_once(lines, "Which door leads to the print room?")
    assert look.answer.abstained


@pytest.mark.parametrize(
    ("edge", "third", "expected"),
    [
        (1600, ["2023-05-27"] * 3, None),
        (2400, ["2023-05-27"] * 3, "2023-05-27"),
        (2400, ["2023-05-27", "2023-05-27", "2023-06-27"], None),
    ],
    ids=["no larger", "larger, all alike", "larger, two of three alike"],
)
async def test_what_was_read_two_ways_answers_only_where_all_readings_of_a_larger_picture_agree(edge, third, expected):
    readings = iter(["2023-05-27", "2023-06-27", "2023-08-27", *third])

    class Unsteady(WrittenReader):
        def read(self, data, part=None, scale=1.0):
            return tuple(
                replace(one, text=one.text.replace("2023-05-27", next(readings))) if "2023" in one.text else one
                for one in super().read(data, part, scale)
            )

    lines = [Written("MIXER K-281", 600, 600, 80), Written("Next inspection 2023-05-27", 600, 750, 14)]
    backend, asked = OcrBackend(Unsteady(*lines)), read_question("When is the next inspection of mixer K-281?")
    first = await backend.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, asked, (picture(),)))
    area = Box(0.05, 0.1, 0.25, 0.3)
    second = await backend.look(Ask(Stage.REFINE, ReplyForm.JSON, asked, (picture(area),)), first.transcript)
    assert (first.answer.text, second.answer.text, second.evidence) == (None, None, Evidence.TOO_SMALL)
    again = picture(area, edge=edge)
    last = await backend.look(Ask(Stage.REFINE, ReplyForm.JSON, asked, (again,)), second.transcript)
    assert last.answer.text == expected


async def test_an_option_under_a_name_with_a_letter_more_is_not_the_names():
    lines = [
        *[Written("Server room", 600, 600, 40), Written("Key: 4303", 600, 700, 20)],
        *[Written("Server room B", 2000, 600, 40), Written("linoleum", 2300, 700, 20)],
    ]
    look = await look_once(lines, "What is the floor finish of room 'Server room'?", ["linoleum", "oak parquet"])
    assert look.answer.abstained


async def search(lines: list[Written], question: str, tiles: tuple[Box, ...] = TILES) -> list[Look[OcrTranscript]]:
    """The look at the view, and the one at tiles of it at native resolution."""
    backend, asked = OcrBackend(WrittenReader(*lines)), read_question(question)
    first = await backend.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, asked, (picture(),)))
    shown = tuple(picture(tile, edge=2000) for tile in tiles)
    return [first, await backend.look(Ask(Stage.SCAN, ReplyForm.JSON, asked, shown), first.transcript)]


async def test_what_the_view_does_not_show_is_read_in_the_tile_that_holds_it():
    first, second = await search(SMALL, "What is the serial number of pump P-240?")
    assert (first.evidence, first.regions) == (Evidence.NOT_HERE, ())
    assert (second.evidence, second.answer.text) == (Evidence.LEGIBLE, "51-3310")
    assert TILES[2].contains(second.regions[0].box)


async def test_tiles_without_what_is_asked_for_say_that_it_is_not_there():
    _, second = await search(SMALL, "What is the serial number of pump P-999?")
    assert (second.evidence, second.regions, second.answer.abstained) == (Evidence.NOT_HERE, (), True)


async def test_a_name_that_a_search_finds_without_a_value_is_a_place_to_look_at():
    lines = [line for line in SMALL if line.text != "Serial no. 51-3310"]
    _, second = await search(lines, "What is the serial number of pump P-240?")
    assert second.answer.abstained
    assert second.evidence is Evidence.TOO_SMALL
    assert second.regions[0].label == "PUMP P-240"


async def test_a_search_in_which_two_places_of_one_name_hold_different_values_answers_with_neither():
    lines = [*SMALL, Written("PUMP P-240", 6400, 2600, 12), Written("Serial no. 60-1111", 6400, 2640, 12)]
    _, second = await search(lines, "What is the serial number of pump P-240?")
    assert second.answer.abstained
    assert "could be meant" in (second.answer.explanation or "")
    assert {TILES.index(tile) for tile in TILES for region in second.regions if tile.contains(region.box)} >= {2}


async def test_a_search_answers_nothing_that_the_question_does_not_name():
    lines = [Written("Serial no. 48-2207", 600, 640, 12)]
    _, second = await search(lines, "What is the serial number?")
    assert second.answer.abstained


async def test_where_a_look_held_nothing_another_place_answers_nothing_that_the_question_does_not_name():
    backend, asked = (
        OcrBackend(WrittenReader(Written("Serial no. 48-2207", 600, 640, 20))),
        "What is the serial number?",
    )
    ask = Ask(
        Stage.REFINE, ReplyForm.JSON, replace(read_question(asked), empty=(TILES[3],)), (picture(TILES[0], edge=2000),)
    )
    assert (await backend.look(ask)).answer.abstained


async def test_a_look_that_held_nothing_can_be_left_out_of_the_next_one():
    backend, asked = OcrBackend(WrittenReader(*SMALL)), read_question("What is the serial number of pump P-240?")
    first = await backend.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, asked, (picture(),)))
    halves = [tuple(picture(tile, edge=2000) for tile in tiles) for tiles in (TILES[4:], TILES[:4])]
    empty = await backend.look(Ask(Stage.SCAN, ReplyForm.JSON, asked, halves[0]), first.transcript)
    found = await backend.look(Ask(Stage.SCAN, ReplyForm.JSON, asked, halves[1]), first.transcript)
    assert (empty.evidence, found.answer.text) == (Evidence.NOT_HERE, "51-3310")


TWINS = [
    *plate("PUMP P-204", 600, 600, "Year 1998"),
    *plate("PUMP P-204", 4600, 600, "Serial no. 48-2207"),
]


async def test_two_places_of_one_name_are_both_named_and_read_in_one_look():
    backend, asked = OcrBackend(WrittenReader(*TWINS)), read_question("What is the serial number of pump P-204?")
    first = await backend.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, asked, (picture(),)))
    second = await backend.look(
        Ask(Stage.REFINE, ReplyForm.JSON, asked, (picture(first.regions[0].box),)), first.transcript
    )
    assert second.answer.abstained
    assert second.evidence is Evidence.NOT_HERE
    others = [region.box for region in second.regions if region.box.intersection(first.regions[0].box) is None]
    assert len(others) == 1
    shown = tuple(picture(box) for box in (first.regions[0].box, others[0]))
    both = await backend.look(Ask(Stage.REFINE, ReplyForm.JSON, asked, shown), first.transcript)
    assert both.answer.text == "48-2207"


async def test_a_value_that_an_edge_cuts_is_said_to_be_cut_off():
    backend, asked = OcrBackend(WrittenReader(*SMALL)), read_question("What is the serial number of pump P-204?")
    first = await backend.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, asked, (picture(),)))
    tight = picture(Box(560 / 8000, 560 / 4000, 772 / 8000, 700 / 4000), edge=848)
    look = await backend.look(Ask(Stage.SCAN, ReplyForm.JSON, asked, (tight,)), first.transcript)
    assert look.answer.abstained
    assert look.evidence is Evidence.CUT_OFF
    assert look.regions


async def test_small_text_is_read_again_on_the_picture_that_holds_it():
    lines = [*SMALL, Written("EXIT", 6000, 3000, 60)]
    reader = WrittenReader(*lines)
    backend, asked = OcrBackend(reader), read_question("What is the serial number of pump P-204?")
    first = await backend.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, asked, (picture(),)))
    look = await backend.look(
        Ask(Stage.REFINE, ReplyForm.JSON, asked, (picture(TILES[0], edge=2000), picture(TILES[6], edge=2000))),
        first.transcript,
    )
    assert look.answer.text == "48-2207"


async def test_things_are_not_counted_and_nothing_is_read_for_it():
    reader = WrittenReader(*PUMPS)
    ask = Ask(
        Stage.COUNT, ReplyForm.JSON, read_question("How many pumps are there?"), tuple(picture(tile) for tile in TILES)
    )
    look = await OcrBackend(reader).look(ask)
    assert (look.evidence, look.regions, look.answer.abstained) == (Evidence.NOT_HERE, (), True)
    assert reader.reads == 0


async def test_a_crop_in_a_conversation_of_its_own_is_read_by_itself():
    asked = read_question("What is the serial number of pump P-204?")
    crop = picture(Box(0, 0, 0.25, 0.5), edge=2000)
    look = await OcrBackend(WrittenReader(*PUMPS)).look(Ask(Stage.VERIFY, ReplyForm.JSON, asked, (crop,)))
    assert (look.evidence, look.answer.text) == (Evidence.LEGIBLE, "48-2207")


async def walked(
    lines: list[Written], question: str, policy: Adaptive | None = None, edge: int = 1600
) -> tuple[Outcome, Bench[OcrTranscript]]:
    """What a policy comes to, and the bench it worked at."""
    bench = Bench(WrittenSource(), OcrBackend(WrittenReader(*lines)))
    await (policy or Adaptive(edge)).run(bench, read_question(question))
    assert bench.kept is not None
    return bench.kept, bench


async def test_adaptive_searches_for_a_name_that_the_view_does_not_show_and_reads_its_value():
    kept, bench = await walked(SMALL, "What is the serial number of pump P-240?")
    assert (kept.answer.text, kept.reason) == ("51-3310", None)
    assert Stage.SCAN in [look.stage for look in bench.trace]


async def test_a_name_that_is_not_found_is_not_said_to_be_missing_by_a_reader_that_overlooks_much():
    kept, bench = await walked(SMALL, "What is the serial number of pump P-999?")
    assert kept.answer.abstained
    assert kept.reason == "not_found"
    assert bench.searched() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("capital", "status", "reason"), [(30, "refined", None), (60, "direct", "legible_view")], ids=["6 px", "12 px"]
)
async def test_what_was_read_from_very_small_print_is_looked_at_again(capital, status, reason):
    kept, _ = await walked(
        plate("PUMP P-204", 600, 600, "Serial no. 48-2207", capital=capital), "What is the serial number of pump P-204?"
    )
    assert (kept.answer.text, kept.preliminary.text) == ("48-2207", "48-2207")
    assert (kept.status, kept.reason) == (status, reason)


async def test_adaptive_reads_the_second_place_of_a_name_where_the_first_one_does_not_answer():
    kept, bench = await walked(TWINS, "What is the serial number of pump P-204?")
    assert kept.answer.text == "48-2207"
    assert [look.stage for look in bench.trace] == [Stage.LOCALIZE, Stage.REFINE, Stage.REFINE]


async def test_adaptive_reads_how_many_there_are_where_it_is_written_and_counts_nothing():
    lines = plate("CAFE LINDEN", 600, 600, "Seats 179")
    kept, bench = await walked(lines, "How many seats does Cafe Linden have?")
    assert kept.answer.text == "179"
    assert Stage.COUNT not in [look.stage for look in bench.trace]


async def test_thorough_reads_the_deciding_crop_once_more_and_is_not_at_odds_with_itself():
    kept, bench = await walked(PUMPS, "What is the serial number of pump P-204?", Thorough(1600))
    assert (kept.answer.text, kept.contested) == ("48-2207", False)
    assert bench.trace[-1].stage is Stage.VERIFY

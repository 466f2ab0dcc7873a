"""The embedded reader's understanding of words, questions and values: no picture, no model."""

from __future__ import annotations

import pytest

from zoomrefine_mcp.backends.reading.choices import similar
from zoomrefine_mcp.backends.reading.values import extract, is_marked, is_pure, tidy
from zoomrefine_mcp.backends.reading.wanted import Form, Side, describe, take_apart
from zoomrefine_mcp.backends.reading.words import MATCH, alike, find, respaced, tokens


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("number", "No"),
        ("telephone", "Tel"),
        ("serial", "Ser"),
        ("temperature", "temp"),
        ("quantity", "QTY"),
        ("inspected", "Inspector"),
        ("pressure", "Pressurc"),
        ("P-204", "P-2O4"),
        ("P-204", "p204"),
        ("room", "R0OM"),
        ("Lindqvist", "Llndqvist"),
        ("seats", "Seat"),
    ],
)
def test_a_word_is_recognized_through_case_abbreviation_inflection_and_misreading(asked, read):
    assert alike(asked, read) >= MATCH


@pytest.mark.parametrize(
    ("asked", "read"),
    [("V-289", "V-298"), ("12", "112"), ("gate", "date"), ("Northam", "Southam"), ("oil", "lubricant"), ("3", "3.22")],
)
def test_another_word_is_not_taken_for_it(asked, read):
    assert alike(asked, read) < MATCH


def test_a_word_is_found_where_its_spaces_were_lost_but_not_inside_another_number():
    assert find("serial", "Serialno. 48-2207").quality >= MATCH
    assert find("P-204", "PUMPP-204").quality >= MATCH
    assert find("204", "Room 1204").quality < MATCH
    assert find("3", "3.22 m").quality < MATCH
    assert respaced("HARBOURINN", ("Harbour", "Inn")) == "HARBOUR INN"
    assert respaced("Keyno. 6060", ("key", "number")) == "Key no. 6060"


def test_a_hit_says_where_the_value_begins():
    line = "S/N: 48-2207"
    assert line[find("serial", line).end :] == ": 48-2207"


@pytest.mark.parametrize(
    ("question", "head", "owner", "form"),
    [
        ("What is the serial number of pump P-204?", ("serial", "number"), ("pump", "P-204"), Form.CODE),
        ("Which lubricant does turbine V-232 take?", ("lubricant",), ("turbine", "V-232"), Form.ANY),
        ("When is the inspection of filter R-394 due?", ("inspection",), ("filter", "R-394"), Form.WHEN),
        ("Who inspected compressor T-310?", (), ("compressor", "T-310"), Form.NAME),
        ("How much does mixer V-229 weigh?", (), ("mixer", "V-229"), Form.NUMBER),
        ("How many seats does Cafe Linden have?", ("seats",), ("Cafe", "Linden"), Form.NUMBER),
        ("Which train goes to Marston?", ("train",), ("Marston",), Form.ANY),
        ("What is the fare to Eastwick?", ("fare",), ("Eastwick",), Form.PRICE),
        ("In which year was mixer P-152 built?", ("year",), ("mixer", "P-152"), Form.YEAR),
        ("What is the key number of room 'Canteen C'?", ("key", "number"), ("Canteen", "C"), Form.CODE),
        ("What is the phone number of the archive?", ("phone", "number"), ("archive",), Form.PHONE),
        ("What is the e-mail address of the sender?", ("e-mail", "address"), ("sender",), Form.EMAIL),
        ("To what is the steam drum level set?", (), ("steam", "drum", "level"), Form.ANY),
        ("When was the brine outlet temperature calibrated?", (), ("brine", "outlet", "temperature"), Form.WHEN),
        ("How much VAT is on the Norwell Timber invoice?", ("VAT",), ("Norwell", "Timber"), Form.PRICE),
        ("Which supplier delivers the bearing cover?", ("supplier",), ("bearing", "cover"), Form.ANY),
        ("Read me the serial number of git-lille-08.", ("serial", "number"), ("git-lille-08",), Form.CODE),
        ("How much do we have to pay on the Quarry Lane invoice?", (), ("Quarry", "Lane"), Form.PRICE),
        ("Tell me which gate LH 441 uses", ("gate",), ("LH", "441"), Form.ANY),
        ("What is the date of the next inspection of crane 7?", ("date", "next", "inspection"), ("crane", "7"), Form.WHEN),
    ],
)  # fmt: skip
def test_a_question_is_taken_apart_into_what_is_asked_for_and_of_what(question, head, owner, form):
    wanted = take_apart(question)
    assert wanted.head == head
    assert wanted.owner == owner
    assert wanted.form is form


@pytest.mark.parametrize(
    ("question", "side"),
    [
        ("What is printed below 'DOCK 7'?", Side.BELOW),
        ("Which code is written to the right of the word 'Valve'?", Side.RIGHT),
        ("What does the sign 'Gate 4' say?", Side.NEAR),
        ("What is the serial number of pump P-204?", None),
    ],
)
def test_a_question_about_a_place_is_known_by_its_words(question, side):
    assert take_apart(question).side is side


def test_a_yes_or_no_question_is_known():
    assert take_apart("Is the valve of pump P-204 open?").closed


def test_a_description_names_the_thing_itself():
    assert describe("the 'Save as' button").owner == ("Save",)


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (Form.ANY, ": oak parquet", "oak parquet"),
        (Form.NUMBER, "16.5 bar Year 1998", "16.5 bar"),
        (Form.NUMBER, " 1240 kg", "1240 kg"),
        (Form.NUMBER, "4.49m", "4.49m"),
        (Form.CODE, "48-2207 Power 7 kW", "48-2207"),
        (Form.CODE, " VG 46", "VG 46"),
        (Form.PHONE, ": 0421 55 87 13", "0421 55 87 13"),
        (Form.PRICE, " 12.50 EUR", "12.50 EUR"),
        (Form.PRICE, "$13.71", "$13.71"),
        (Form.WHEN, "on 14 Mar 2027", "14 Mar 2027"),
        (Form.WHEN, "Mon-Fri 8:30-18:00", "Mon-Fri 8:30-18:00"),
        (Form.WHEN, "2026-06-20", "2026-06-20"),
        (Form.WHEN, " 22:50 ", "22:50"),
        (Form.YEAR, "of construction 1998", "1998"),
        (Form.NAME, "by M. Keller", "M. Keller"),
        (Form.EMAIL, "write to hall@works.example today", "hall@works.example"),
        (Form.WEB, "see www.works.example/hall", "www.works.example/hall"),
    ],
)
def test_the_value_is_cut_out_of_the_text_behind_its_label(form, text, value):
    assert extract(form, text) == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Form.PHONE, "oak"),
        (Form.NUMBER, "D-772"),
        (Form.CODE, "linoleum"),
        (Form.WHEN, "47.20 EUR"),
        (Form.WHEN, "CT-7501"),
        (Form.ANY, " ____ "),
        (Form.ANY, ":"),
        (Form.NAME, "48-2207"),
        (Form.PRICE, "22 seats"),
    ],
)
def test_text_without_a_value_of_the_form_gives_none(form, text):
    assert extract(form, text) is None


def test_a_line_with_a_label_of_its_own_is_no_bare_value():
    assert is_pure(Form.CODE, "48-2207")
    assert not is_pure(Form.CODE, "Year 1998")
    assert not is_pure(Form.ANY, "Key no.: 2055")
    assert not is_pure(Form.NAME, "Oil VG 46")
    assert tidy(" no. 48-2207;") == "48-2207"


@pytest.mark.parametrize(
    ("form", "text", "marked"),
    [
        (Form.WHEN, "d. 25.1.1911", True),
        (Form.WHEN, "\u2020 25 January 1911", True),
        (Form.PHONE, "F 0595 64 82 83", True),
        (Form.WHEN, "on 25.1.1911", False),
        (Form.WHEN, "Mon-Fri 11:15-21:00", False),
        (Form.PRICE, "EUR 4.50", False),
    ],
)
def test_a_value_with_a_mark_of_its_own_before_it_is_told_from_a_bare_one(form, text, marked):
    assert is_marked(form, text) is marked


def test_options_with_digits_have_to_be_the_same_and_others_may_be_misread():
    assert similar("48-2207", "48 2207") == 1.0
    assert similar("48-2207", "48-2201") == 0.0
    assert similar("oak parquet", "Oak parqet") > 0.85
    assert similar("K. Tanaka", "K. Tanaka") - similar("E. Tanaka", "K. Tanaka") >= 0.1


def test_words_keep_their_place_on_the_line():
    assert [(token.text, token.start) for token in tokens("Tel.: 0421 (day)")] == [("Tel", 0), ("0421", 6), ("day", 12)]

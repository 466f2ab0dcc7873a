"""From what a caller wrote to a question with lettered options."""

from __future__ import annotations

import pytest

from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.questions import abstains, read_question


def options(*choices):
    return [(choice.letter, choice.text) for choice in read_question("Which?", choices).choices]


def test_a_question_keeps_its_words_and_loses_its_margins():
    assert read_question("  What is the serial number?\n").text == "What is the serial number?"


def test_no_choices_or_an_empty_list_make_an_open_question():
    assert read_question("What?", None).choices == ()
    assert read_question("What?", []).choices == ()


def test_options_without_letters_are_lettered_in_order():
    assert options("red", "blue", "green") == [("A", "red"), ("B", "blue"), ("C", "green")]


@pytest.mark.parametrize(
    "choices",
    [
        ("A. red", "B. blue"),
        ("(A) red", "(B) blue"),
        ("A) red", "B) blue"),
        ("A: red", "B: blue"),
        ("[a] red", "[b] blue"),
        ("A.  red ", "(B)blue"),
        ("A\uff1ared", "B\u3001blue"),
        ("\uff08A\uff09red", "\u3010B\u3011 blue"),
    ],
)
def test_letters_that_the_options_bring_are_kept(choices):
    assert options(*choices) == [("A", "red"), ("B", "blue")]


def test_letters_in_another_order_stay_with_their_options():
    assert options("C. green", "A. red", "B. blue") == [("C", "green"), ("A", "red"), ("B", "blue")]


@pytest.mark.parametrize(
    "choices",
    [("A. red", "blue"), ("A. red", "A. blue"), ("A. red", "C. blue"), ("C. red", "D. blue"), ("A.M.", "P.M.")],
)
def test_letters_that_are_incomplete_or_contradictory_are_words_of_the_option(choices):
    assert options(*choices) == list(zip("AB", choices, strict=True))


def test_single_letters_are_options_like_any_other():
    assert options("X", "Y") == [("A", "X"), ("B", "Y")]


@pytest.mark.parametrize(("number", "last"), [(26, "Z"), (27, "AA"), (53, "BA"), (702, "ZZ")])
def test_any_number_of_options_is_lettered_as_the_columns_of_a_sheet_are(number, last):
    lettered = options(*(str(option) for option in range(number)))
    assert lettered[-1] == (last, str(number - 1))
    assert len({letter for letter, _ in lettered}) == number


def test_letters_beyond_z_that_the_options_bring_are_kept():
    letters = [*"ZYXWVUTSRQPONMLKJIHGFEDCBA", "AB", "AA"]
    given = [f"{letter}. option {letter}" for letter in letters]
    assert options(*given) == [(letter, f"option {letter}") for letter in letters]


def test_the_options_do_not_count_against_the_length_of_the_question():
    question = read_question("x" * 20_000, ["red" * 1_000, "blue" * 1_000])
    assert (len(question.text), len(question.choices)) == (20_000, 2)


@pytest.mark.parametrize("half", ["\ud83d", chr(0xDCFF), "\ud83d\ude00"])
def test_what_no_encoder_takes_is_refused_in_the_question_and_in_an_option(half):
    for text, choices in ((f"Which {half}?", None), ("Which?", ["red", f"blue {half}"])):
        with pytest.raises(BadRequest, match="no text") as caught:
            read_question(text, choices)
        assert "UTF-8" in caught.value.hint
        assert caught.value.message.isascii()


def test_options_inside_the_question_are_left_in_the_question():
    question = read_question("Which colour? (A) red (B) blue")
    assert question.text == "Which colour? (A) red (B) blue"
    assert question.choices == ()


@pytest.mark.parametrize(
    "text",
    [
        "This image doesn't feature the object.",
        "The image does not feature the number",
        "The picture doesn\u2019t show it",
        "Not shown in the image",
        "Not visible",
        "It cannot be determined from the picture",
        "Cannot determine",
        "Can't tell",
        "Unanswerable",
        "Not enough information",
        "I don't know",
        "N/A",
        "图中没有该物体",
        "无法确定",
    ],
)
def test_an_option_that_says_not_shown_is_recognised(text):
    question = read_question("Which?", ["red", text])
    assert [choice.abstains for choice in question.choices] == [False, True]
    assert abstains(text)


@pytest.mark.parametrize(
    "text",
    [
        "None of the above",
        "None of them are red",
        "No",
        "0",
        "Nothing",
        "There is no door",
        "Unknown Pleasures",
        "Not Safe For Work",
        "Information desk",
        "The sign says: unknown",
        "The left one cannot be opened",
        "clear",
        "visible",
    ],
)
def test_an_option_that_is_an_answer_is_not_taken_for_abstaining(text):
    assert not read_question("Which?", ["red", text]).choices[1].abstains


@pytest.mark.parametrize("text", ["", "  \n\t", "x" * 20_001, None, 7])
def test_a_question_that_is_empty_endless_or_no_text_is_refused(text):
    with pytest.raises(BadRequest) as caught:
        read_question(text)
    assert caught.value.hint


def test_a_question_of_exactly_the_limit_is_taken():
    assert len(read_question("x" * 20_000).text) == 20_000


@pytest.mark.parametrize(
    "choices",
    [
        ["red"],
        [str(number) for number in range(703)],
        ["red", ""],
        ["red", "  "],
        ["A. red", "B."],
        ["red", "Red"],
        ["A. red", "B. red"],
        ["red", 7],
        ["red", "x" * 20_000],
        "red, blue",
    ],
)
def test_options_that_are_too_few_too_many_empty_endless_or_twice_the_same_are_refused(choices):
    with pytest.raises(BadRequest) as caught:
        read_question("Which?", choices)
    assert caught.value.hint

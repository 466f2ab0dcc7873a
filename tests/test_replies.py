"""Replies of recorded shape, each to its answer and its choice, or to being called unreadable."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.replies import BOX, CHOICES, CROP, OPEN, VIEW, boxes, read, reply
from zoomrefine_mcp.backends.replies import MAX_REPLY_CHARS
from zoomrefine_mcp.errors import ReplyUnreadable
from zoomrefine_mcp.questions import read_question
from zoomrefine_mcp.records import Evidence

# (reply, answer) to an open question
ANSWERS = [
    (reply(answer="48-2207"), "48-2207"),
    ("```json\n" + reply(answer="48-2207") + "\n```", "48-2207"),
    ("Sure! Here is the reply:\n" + reply(answer="48-2207") + "\nI hope this helps {really}.", "48-2207"),
    ("The set {a, b} is shown. " + reply(answer="48-2207"), "48-2207"),
    ('<think>Is it {"answer": "9"}?</think>' + reply(answer="48-2207"), "48-2207"),
    ("It may be 9.</think>\n" + reply(answer="48-2207"), "48-2207"),
    ("\u25c1think\u25b7Answer: 9\u25c1/think\u25b7" + reply(answer="48-2207"), "48-2207"),
    ('{"reasoning": "line one\nline two\ttab", "answer": "48-2207"}', "48-2207"),
    ("{'reasoning': 'it's clear', 'answer': '48-2207', 'choice': None,}", "48-2207"),
    ('{reasoning: "clear", answer: "48-2207",}', "48-2207"),
    ('{"reasoning": "The sign says "stop" here", "answer": "48-2207"}', "48-2207"),
    ('{"answer": "48-2207" "choice": null}', "48-2207"),
    ('{"answer": "48-2207", "regions": [{"picture": 1, "label": "pl', "48-2207"),
    ('{"answer": "48-2207", "regions": [{"picture": 1, "box": [0.1, 0.2', "48-2207"),
    ("{\u201canswer\u201d\uff1a\u201c48-2207\u201d\uff0c\u201cchoice\u201d\uff1anull}", "48-2207"),
    ('{"answer": "caf\\u00e9"}', "caf\u00e9"),
    ('{"answer": 7}', "7"),
    ('{"answer": 7.5}', "7.5"),
    ('{"answer": true}', "yes"),
    ('{"answer": ["red", "blue"]}', "red, blue"),
    ('{"Final Answer": "48-2207"}', "48-2207"),
    ('{"answer": "draft"}\nOn reflection:\n{"answer": "48-2207"}', "48-2207"),
    ("Answer: 48-2207", "48-2207"),
    ("Answer: 48-2207.", "48-2207"),
    ("**Answer:** 48-2207", "48-2207"),
    ("**Answer**: **48-2207**", "48-2207"),
    ("### Final Answer\uff1a 48-2207", "48-2207"),
    ("The plate is small. Answer: 48-2207", "48-2207"),
    ("Answer:\n\n48-2207", "48-2207"),
    ('Answer: "48-2207"', "48-2207"),
    ("Answer: [48-2207]", "48-2207"),
    ("Answer: first thought\nWait.\nAnswer: 48-2207", "48-2207"),
    ("<answer>48-2207</answer>", "48-2207"),
    ("<answer><|begin_of_box|>48-2207<|end_of_box|></answer>", "48-2207"),
    ("Answer: <|begin_of_box|>42<|end_of_box|>", "42"),
    ("The answer is 48-2207.", "48-2207"),
    ("- answer: 48-2207\n- evidence: legible\n- regions: none", "48-2207"),
    ("\u7b54\u6848\uff1a48-2207", "48-2207"),
    ("Answer: None of them are red", "None of them are red"),
    ("Answer: There is no door", "There is no door"),
    ("Answer: No", "No"),
    ("Answer: A.M.", "A.M."),
]


@pytest.mark.parametrize(("text", "answer"), ANSWERS)
@pytest.mark.parametrize("form", ["json", "text"])
def test_an_answer_is_found_in_whatever_it_is_wrapped_in(text, answer, form):
    reading = read(text, form=form)
    assert (reading.answer.text, reading.answer.abstained) == (answer, False)


@pytest.mark.parametrize(
    "text",
    [
        reply(answer=None),
        reply(answer="null"),
        reply(answer="Not visible"),
        reply(answer="It cannot be determined from the picture."),
        reply(answer="unknown"),
        '{"reasoning": "No such thing.", "answer": null, "choice": null, "regions": []}',
        "Answer: not visible\nBounding box: none",
        "Answer: Cannot be determined",
        "Answer: N/A",
    ],
)
def test_saying_that_the_picture_does_not_tell_is_abstaining(text):
    answer = read(text).answer
    assert (answer.text, answer.abstained) == (None, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00\x01garbage \ufffd",
        "<html><body>502 Bad Gateway</body></html>",
        "{",
        "{}",
        "[]",
        '{"error": "overloaded"}',
        '{"reasoning": "It looks like the number is',
        "<think>I should look at",
        "<think>Answer: 9",
        "{" * 5000,
        '{"a":' * 3000,
        "The",
    ],
)
@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("stage", ["localize", "refine", "direct", "point"])
def test_a_reply_without_an_answer_is_unreadable_not_an_answer(text, form, stage):
    with pytest.raises(ReplyUnreadable):
        read(text, form=form, stage=stage)


# (reply, letter) with options A red, B blue, C light blue, D not shown
LETTERS = [
    (reply(answer="blue", choice="B"), "B"),
    (reply(answer="blue", choice="b"), "B"),
    (reply(answer="blue", choice="(B)"), "B"),
    (reply(answer="blue", choice="B. blue"), "B"),
    (reply(answer=None, choice="B"), "B"),
    (reply(answer="blue"), "B"),
    (reply(answer="B"), "B"),
    (reply(answer="The door is blue."), "B"),
    (reply(answer="The door is light blue."), "C"),
    (reply(answer="light blue", choice="light blue"), "C"),
    (reply(answer="blue", choice="F"), "B"),
    ("Answer: B", "B"),
    ("Answer: [B]", "B"),
    ("Answer: (B)", "B"),
    ("**Answer:** B", "B"),
    ("**Answer: B**", "B"),
    ("Answer: **B**", "B"),
    ("Answer\uff1a\uff08B\uff09", "B"),
    ("Answer: B. blue", "B"),
    ("Answer: B) blue", "B"),
    ("Answer: B - blue", "B"),
    ("Answer: blue", "B"),
    ("Answer: The correct option is B", "B"),
    ("Answer: Option B", "B"),
    ("Answer: a red one", "A"),
    ("Answer: A red", "A"),
    ("The answer is (C).", "C"),
    ("B", "B"),
    ("(B)", "B"),
    ("B. blue", "B"),
    ("blue", "B"),
    ("Answer: <|begin_of_box|>B<|end_of_box|>", "B"),
    ("Answer: A\nBut the crop shows another.\nRechecked Answer: B", "B"),
]


@pytest.mark.parametrize(("text", "letter"), LETTERS)
@pytest.mark.parametrize("form", ["json", "text"])
def test_an_option_is_chosen_by_its_letter_or_its_text(text, letter, form):
    answer = read(text, form=form, question=CHOICES).answer
    assert answer.choice == letter
    assert answer.text == dict(zip("ABC", ("red", "blue", "light blue"), strict=True))[letter]


@pytest.mark.parametrize(
    "text",
    [
        "Answer: Based on the image, the door has a handle",
        "Answer: F",
        "Answer: Red or blue, both are possible",
        "Answer: A cat sits there",
        "Answer: green",
        "Can you describe the door again?",
        reply(answer="green"),
        reply(answer=None, choice="F"),
        reply(answer="Because", choice="Z"),
    ],
)
def test_no_letter_is_taken_from_the_middle_of_a_text_or_from_outside_the_options(text):
    with pytest.raises(ReplyUnreadable):
        read(text, question=CHOICES)


@pytest.mark.parametrize(
    "text",
    [
        "Answer: D",
        reply(answer=None, choice="D"),
        reply(answer=None),
        reply(answer="not visible"),
        "Answer: cannot be determined",
    ],
)
def test_choosing_not_shown_or_null_is_abstaining_with_that_option(text):
    answer = read(text, question=CHOICES).answer
    assert (answer.choice, answer.text, answer.abstained) == ("D", None, True)


def test_abstaining_without_such_an_option_chooses_none():
    answer = read(reply(answer=None), question=read_question("Which?", ["red", "blue"])).answer
    assert (answer.choice, answer.text, answer.abstained) == (None, None, True)


def test_options_of_signs_and_numbers_are_told_apart():
    question = read_question("Which?", ["-5", "5", "15", "5.2"])
    assert [read(f"Answer: {text}", question=question).answer.choice for text in ("5", "-5", "5.2", "It reads 15")] == [
        "B", "A", "D", "C",
    ]  # fmt: skip


def test_a_letter_that_contradicts_its_words_stands_and_is_reported():
    reading = read(reply(answer="red", choice="B"), question=CHOICES)
    assert reading.answer.choice == "B"
    assert len(reading.warnings) == 1


def test_a_json_answer_goes_before_words_inside_it():
    text = reply(reasoning="At first the answer is 9. Final answer: 8?", answer="48-2207")
    assert read(text, form="text", stage="refine").answer.text == "48-2207"


def test_a_null_answer_to_an_open_question_is_no_choice():
    assert read(reply(answer=None, choice="B")).answer.abstained


def test_the_rechecked_answer_goes_before_an_answer_that_is_quoted():
    text = "Rechecked Answer: 48-2207\nMy first words were:\nAnswer: 9"
    assert read(text, form="text", stage="refine").answer.text == "48-2207"


def test_reasoning_is_kept_as_the_explanation_and_shortened():
    assert read(reply()).answer.explanation == "Seen."
    assert read("The plate is **worn**.\n\nAnswer: 7").answer.explanation == "The plate is worn."
    long = read(reply(reasoning="One sentence of it. " * 100)).answer.explanation
    assert len(long) <= 600
    assert long.endswith("of it.")


@pytest.mark.parametrize(
    ("word", "evidence"),
    [
        ("legible", Evidence.LEGIBLE),
        ("too_small", Evidence.TOO_SMALL),
        ("Too small", Evidence.TOO_SMALL),
        ("cut-off", Evidence.CUT_OFF),
        ("not_here", Evidence.NOT_HERE),
        ("perhaps", Evidence.UNKNOWN),
        (None, Evidence.UNKNOWN),
    ],
)
def test_the_word_for_the_evidence_is_read(word, evidence):
    assert read(reply(evidence=word)).evidence is evidence


def test_a_reply_that_does_not_say_leaves_the_evidence_unknown():
    assert read("Answer: 7").evidence is Evidence.UNKNOWN


def test_a_first_look_that_only_boxes_leads_on_to_the_zoom():
    reading = read('[{"bbox_2d": [100, 200, 300, 400]}]', model="qwen3-vl")
    assert (reading.answer.abstained, boxes(reading)) == (True, [BOX])
    assert len(reading.warnings) == 1
    with pytest.raises(ReplyUnreadable):
        read('[{"bbox_2d": [100, 200, 300, 400]}]', model="qwen3-vl", stage="refine", pictures=(VIEW, CROP))


def test_a_box_that_the_end_of_the_reply_cuts_through_is_no_box():
    reading = read(
        '{"answer": "x", "regions": [{"picture": 1, "label": "a", "box": [100, 200, 300, 4', model="qwen3-vl"
    )
    assert reading.regions == ()


@given(st.text(alphabet="{}[]<>|/\\\"':,.0123456789 \nabcdexyzBox_Answer%", max_size=300))
def test_whatever_a_model_writes_is_read_or_called_unreadable(text):
    for form in ("json", "text"):
        for question in (OPEN, CHOICES):
            try:
                reading = read(text, form=form, question=question)
            except ReplyUnreadable:
                continue
            assert all(math.isfinite(value) for region in reading.regions for value in region.box.as_list())


@given(
    st.sampled_from([row[0] for row in (*ANSWERS, *LETTERS)] + ["Answer: x\n<box>[[100, 200, 300, 400]]</box>"]),
    st.integers(0, 200),
)
def test_a_reply_that_is_cut_off_anywhere_is_read_or_called_unreadable(text, at):
    try:
        read(text[:at], model="qwen3-vl")
    except ReplyUnreadable:
        return


def test_an_endless_reply_is_read_from_its_end():
    assert read("x " * MAX_REPLY_CHARS + "\nAnswer: 48-2207").answer.text == "48-2207"


@pytest.mark.parametrize("loop", ["\n", "\n> ", "\n- ", " \n", "\t", "_\n", "*\n#"])
def test_a_model_that_loops_in_spaces_and_bullets_costs_no_time(loop):
    # Read in time that grows with the square of its length, each of these would take minutes: the test would not end.
    text = "Answer: 48-2207" + loop * (MAX_REPLY_CHARS // len(loop)) + "evidence: legible"
    assert read(text[-MAX_REPLY_CHARS:] + "\nAnswer: 48-2207").answer.text == "48-2207"
    assert read(text[: MAX_REPLY_CHARS // 2] + "\nevidence: legible").evidence is Evidence.LEGIBLE


# A smile is two escapes in JSON; a half alone is what a reply that was cut between them holds.
SMILE, PAIR, HALF = "\U0001f600", "\\ud83d\\ude00", "\\ud83d"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (f'{{"answer": "it {PAIR}"}}', f"it {SMILE}"),
        (f"{{'answer': 'it {PAIR}',}}", f"it {SMILE}"),
        (f'{{"answer": "it {HALF}"}}', "it \ufffd"),
        (f"{{'answer': 'it {HALF}',}}", "it \ufffd"),
        (f'{{"answer": ["it {HALF}"]}}', "it \ufffd"),
        ("Answer: it \ud83d", "it \ufffd"),
        ("Answer: it \ud83d\ude00", f"it {SMILE}"),
        ('{"answer": "it \ud83d"}', "it \ufffd"),
    ],
)
def test_surrogates_become_characters_that_can_be_written(text, answer):
    assert read(text).answer.text == answer


@pytest.mark.parametrize(("written", "label"), [(PAIR, SMILE), (HALF, "\ufffd"), ("\ud83d", "\ufffd")])
@pytest.mark.parametrize("comma", ["", ","])  # strict JSON, and JSON to be mended
def test_a_label_of_surrogates_can_be_written(written, label, comma):
    text = f'{{"answer": "x", "regions": [{{"picture": 1, "label": "{written}", "box": {list(BOX)}}}]{comma}}}'
    region = read(text).regions[0]
    assert region.label == label
    region.raw.encode()


@pytest.mark.parametrize("depth", [50, 400, 900, 5_000])
def test_json_of_any_depth_costs_no_traceback(depth):
    text = '{"answer": "x", "regions": ' + '{"regions": ' * depth + "1" + "}" * (depth + 1)
    assert read(text).answer.text == "x"


MANY = read_question("Which plate?", [f"plate {number}" for number in range(100, 140)])


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        (reply(answer=None, choice="AB"), "AB"),
        (reply(answer="plate 127", choice="AB"), "AB"),
        (reply(answer="plate 127"), "AB"),
        (reply(answer=None, choice="A"), "A"),
        (reply(answer=None, choice="b"), "B"),
        ("Answer: AB", "AB"),
        ("Answer: (AB)", "AB"),
        ("Answer: AB. plate 127", "AB"),
        ("Answer: A. plate 100", "A"),
        ("Answer: Z", "Z"),
        ("**Answer: AN**", "AN"),
        ("The answer is option AB.", "AB"),
        ("Answer: it says so on the plate (AB)", "AB"),
        ("AB", "AB"),
    ],
)
def test_letters_beyond_z_are_read_like_any_other(text, letter):
    assert read(text, question=MANY).answer.choice == letter


@pytest.mark.parametrize("text", ["Answer: ZZ", "Answer: IS", reply(answer=None, choice="AO")])
def test_two_letters_that_no_option_has_choose_none(text):
    with pytest.raises(ReplyUnreadable):
        read(text, question=MANY)


@pytest.mark.parametrize(("answer", "letter"), [("NO", "B"), ("OK", "A"), ("Y", "C")])
def test_options_that_look_like_letters_are_read_by_their_words(answer, letter):
    assert read(f"Answer: {answer}", question=read_question("Pressed?", ["OK", "NO", "Y"])).answer.choice == letter

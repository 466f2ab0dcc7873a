"""A question and its options: from what a caller wrote to a ``Question``, and what counts as not telling."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice, product
from string import ascii_uppercase

from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.records import MAX_QUESTION_CHARS, Answer, Choice, Question
from zoomrefine_mcp.safe_text import whole_characters

MAX_CHOICES = len(ascii_uppercase) * (1 + len(ascii_uppercase))
"""As many as have letters: A to Z, then AA to ZZ."""
MAX_CHOICES_CHARS = 20_000
"""Of all choices together."""

_TWINS = str.maketrans(
    "\uff1a\uff0c\uff1b\uff08\uff09\uff3b\uff3d\uff5b\uff5d\uff05\uff1d\uff0e\u3010\u3011\u3001",
    ":,;()[]{}%=.[],",
)

_LETTERED = re.compile(
    r"""\s*(?: [(\[\uff08\u3010]\s*(?P<held>[A-Za-z]|[A-Z]{2})\s*[)\]\uff09\u3011]\s*[.:\uff1a]?
             | (?P<closed>[A-Za-z]|[A-Z]{2})\s*[)\]\uff09]                          # B) blue
             | (?P<dotted>[A-Za-z]|[A-Z]{2})\s*(?:[.:](?=\s|$)|[\uff1a\uff0e\u3001])  # "A.M." has no letter
        )\s*(?P<text>.*)""",
    re.VERBOSE | re.DOTALL,
)

_PICTURE = r"(?:(?:the|this) )?(?:(?:given|provided|whole) )?(?:image|picture|photo|photograph|figure|view|crop|scene)"
_NOT = r"(?:(?:does|do|did|is|are|was|were|can|could)(?: not|n't)|can't|cannot)"
_TELL = (
    r"(?:be )?(?:determined?|tell|told|see|seen|say|said|identify|identified|answer|answered|read|made? out"
    r"|known?|inferred|judged?|found?|find)"
)
_UNABLE = r"(?:(?:am|are|is) )?(?:unable|not able|not possible|impossible) to"
_SHOWN = (
    r"(?:shown|visible|present|legible|readable|depicted|featured|pictured|available|answerable|determinable|specified"
    r"|sure|clear)"
)
_UNKNOWN = (
    r"(?:un(?:answerable|determin(?:able|ed)|known|clear|readable)|illegible|indeterminate|too (?:small|blurry|low))"
)
_WHY = r"(?: (?:from|in|within|at|on|by|as|due|because|based|with|given|here|to|enough|for)\b.*)?"
_ABSTAINING = re.compile(
    "|".join(
        (
            rf"{_PICTURE} {_NOT} (?:feature|show|contain|include|depict|provide|display|mention|have|reveal|say)\b.*",
            rf"(?:(?:it|this|that|the answer|i|we) )?(?:{_NOT}|{_UNABLE}) {_TELL}\b.*",
            rf"(?:(?:it's|it is|this is|the answer is) )?(?:not (?:{_SHOWN}|in {_PICTURE})|{_UNKNOWN}){_WHY}",
            r"(?:there is )?(?:not enough|insufficient|no) (?:information|evidence|data)\b.*",
            r"(?:i )?(?:do not|don't) know\b.*",
            r"n/?a|null|no answer|not applicable",
            r".*[图圖画].{0,8}(?:没有|沒有|不存在|未显示|未出现|不包含).*",
            r".*(?:无法|不能)(?:确定|判断|回答|看清|得知).*|未知|看不清",
        )
    ),
    re.IGNORECASE,
)

_COUNT = re.compile(
    r"\bhow many\b|\bcount (?:the|all|every|how)\b|\bwie ?viele\b|\bcombien (?:de|d')|\bcu[aá]nt[oa]s\b"
    r"|\bquant[oai]s?\b|\bhoeveel\b|几个|幾個|多少(?:个|個|只|隻|台|辆|輛|人)|何(?:個|台|人|本|枚)",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    r"\s*(?:more |total |milli|kilo|mega|giga|centi|micro)*(?:volt|watt|amp|ohm|hertz|hz|gram|kg|ton|pound|lb|ounce"
    r"|met(?:er|re)|km|mile|feet|foot|inch|mm|cm|lit(?:er|re)|gallon|second|minute|hour|day|week|month|year|degree|percent"
    r"|euro|dollar|point|byte|pixel|calorie|joule|bar\b|psi\b|rpm\b|mb\b|gb\b|[vawm]\b)",
    re.IGNORECASE,
)
"""What is measured is read from where it is written."""


def read_question(text: str, choices: Sequence[str] | None = None) -> Question:
    """Check a question and letter its options.

    Options keep the letters that they are given with (``"A. red"``, ``"(B) blue"``) where every one has its own and
    together they are A, B, C, ... (AA, AB, ... after Z); else they are lettered in order, their text untouched. Options
    that are written inside the question are left there: they are words of the question.

    Args:
        text: The question, or the description of what to localize; at most 20,000 characters.
        choices: 2 to 702 options of at most 20,000 characters together; None or none at all for an open question.

    Raises:
        BadRequest: The question is empty or too long, the options are too few, too many, too long, empty, or twice the
            same, or one of them holds what is no character.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadRequest("The question is empty.", hint="Ask about something in the picture, in words.")
    if isinstance(choices, str):
        raise BadRequest("The choices are one string.", hint='Give them as a list: ["red", "blue"].')
    options = tuple(choices or ())
    _check_text("The question", text, MAX_QUESTION_CHARS)
    for option in options:
        if not isinstance(option, str) or not option.strip():
            raise BadRequest("A choice is empty.", hint="Give every choice a text.")
    _check_text("The list of choices", "".join(options), MAX_CHOICES_CHARS)
    return Question(text.strip(), _lettered(options) if options else ())


def abstains(text: str) -> bool:
    """Whether the words, taken as a whole, say that the picture does not tell.

    >>> abstains("It cannot be determined from the image."), abstains("None of them are red")
    (True, False)
    """
    words = " ".join(text.replace("\u2019", "'").split()).strip(" .!。\"'()[]*")
    return len(words) <= 300 and _ABSTAINING.fullmatch(words) is not None


def asks_for_a_count(text: str) -> bool:
    """Whether a question asks how many things there are, and not for a figure that is written somewhere.

    >>> asks_for_a_count("How many windows are lit?"), asks_for_a_count("How many volts does it take?")
    (True, False)
    """
    asked = _COUNT.search(text)
    return asked is not None and _MEASURE.match(text[asked.end() :]) is None


def half_width(text: str) -> str:
    r"""Full-width punctuation as its ASCII twin, one character for one, so that one reading serves both.

    >>> half_width("\uff08B\uff09\uff1ablue")
    '(B):blue'
    """
    return text.translate(_TWINS)


def _check_text(what: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise BadRequest(
            f"{what} has {len(text):,} characters; at most {limit:,} are read.", hint="Shorten it.", limit=limit
        )
    if text != whole_characters(text):
        raise BadRequest(
            f"{what} holds bytes or halves of characters that are no text.",
            hint="Write it in UTF-8; an emoji is one character and not two halves.",
        )


def _lettered(options: tuple[str, ...]) -> tuple[Choice, ...]:
    if not 2 <= len(options) <= MAX_CHOICES:
        raise BadRequest(
            f"A question takes 2 to {MAX_CHOICES} choices, not {len(options)}.",
            hint="Leave choices out for an open question.",
        )
    letters = _letters(len(options))
    given = [_LETTERED.fullmatch(option) for option in options]
    pairs = [(_letter(match), match["text"].strip()) for match in given if match is not None]
    if sorted(letter for letter, _ in pairs) != sorted(letters):
        pairs = list(zip(letters, (option.strip() for option in options), strict=True))
    if not all(text for _, text in pairs):
        raise BadRequest("A choice is a letter without a text.", hint='Write choices as "red" or "A. red".')
    if len({" ".join(text.casefold().split()) for _, text in pairs}) < len(pairs):
        raise BadRequest("Two choices are the same.", hint="Make the choices differ.")
    return tuple(Choice(letter, text, abstains(text)) for letter, text in pairs)


def _letters(number: int) -> list[str]:
    """The letters of so many options: A to Z, then AA, AB, ..."""
    pairs = (first + second for first, second in product(ascii_uppercase, repeat=2))
    return [*ascii_uppercase, *islice(pairs, max(0, number - len(ascii_uppercase)))][:number]


def _letter(match: re.Match[str]) -> str:
    return next(letter for letter in match.group("held", "closed", "dotted") if letter).upper()


def number_in(answer: Answer) -> int | None:
    """The first whole number that an answer says; None where it says none."""
    found = re.search(r"\d+", answer.text or "")
    return int(found[0]) if found else None


def number_as_answer(question: Question, number: int) -> Answer:
    """What was counted, as the option that says it where there are options; none where no option does."""
    counted = "Counted over disjoint tiles, with a box for each."
    if not question.choices:
        return Answer(str(number), explanation=counted)
    said = [choice for choice in question.choices if choice.text.split()[:1] == [str(number)]]
    if len(said) == 1:
        return Answer(said[0].text, said[0].letter, explanation=counted)
    return no_answer(question, f"{counted} {number} is none of the options.")


def no_answer(question: Question, explanation: str | None) -> Answer:
    """An answer that abstains, with the option that says so where there is one."""
    letter = next((choice.letter for choice in question.choices if choice.abstains), None)
    return Answer(None, letter, abstained=True, explanation=explanation)

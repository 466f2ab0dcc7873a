"""What an answer looks like: cutting the value out of the text beside a label, or saying that there is none."""

from __future__ import annotations

import re

from zoomrefine_mcp.backends.reading.wanted import Form
from zoomrefine_mcp.backends.reading.words import UNITS, squashed

_NUMBER = re.compile(
    r"(?<![A-Za-z\d])(?<![A-Za-z]-)(?:[~≈<>≤≥±]\s*)?(?:(?:EUR|USD|GBP|CHF)\s|[€$£]\s?)?"
    r"[+\-\u2212]?\d[\d.,:/ ]*(?:\s?(?:-|\u2013|to|x|\u00d7|±|\.\.\.?)\s?\d[\d.,/]*)*"
)
_MONTH = r"jan\w*|feb\w*|mar(?:ch)?|apr\w*|may|june?|july?|aug\w*|sept?\w*|oct\w*|nov\w*|dec\w*"
_WEEKDAY = (
    r"mon(?:day)?s?|tue(?:s|sday)?s?|wed(?:nesday)?s?|thu(?:rs|rsday)?s?|fri(?:day)?s?|sat(?:urday)?s?|sun(?:day)?s?"
)
_CLOCK = (
    r"(?<!\d)(?:[01]?\d|2[0-4])[:.h][0-5]\d(?!\d)(?:\s?(?:am|pm|h|hrs|o'clock))?|\d{1,2}\s?(?:am|pm|h\b|hrs|o'clock)"
)
_DATE = "|".join(
    (
        r"\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}",
        r"(?<![\d./-])(?:(?:0?[1-9]|1[0-2])[./\-](?:19|20|21)\d\d|(?:19|20|21)\d\d[./\-](?:0[1-9]|1[0-2]))(?![\d./-])",
        rf"\d{{1,2}}\.?\s?(?:{_MONTH})\.?,?(?:\s?\d{{2,4}})?",
        rf"(?:{_MONTH})\.?\s?\d{{1,2}}(?:st|nd|rd|th)?,?(?:\s?\d{{4}})?",
        rf"(?:{_MONTH})\.?\s?\d{{4}}",
        r"(?<![\w-])(?:1[5-9]|20|21)\d\d(?!\d)",
    )
)
_IS_DATE = re.compile(r"\d{4}[./\-]\d{1,2}[./\-]\d{1,2}|\d{1,2}[./\-]\d{1,2}[./\-]\d{4}")
_WHEN_PART = (
    rf"(?:{_DATE}|{_CLOCK}|(?<![a-z])(?:{_WEEKDAY})(?![a-z])|daily|noon|midnight|\d{{1,2}}(?=\s?(?:-|\u2013|to)\s?\d))"
)
_WHEN = re.compile(
    rf"{_WHEN_PART}(?:\s?(?:-|\u2013|,|;|/|&|and|to|until|at)?\s?(?:{_WHEN_PART}|\d{{1,2}}(?![\d])))*", re.IGNORECASE
)
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20|21)\d\d(?!\d)")
_PHONE = re.compile(r"(?<![\w-])\+?\(?\d[\d ()/.\-\u2013]{4,}\d(?![\w-])")  # no part of "A-2207-14C"
_PRICE = re.compile(
    r"(?:EUR|USD|GBP|CHF|Fr\.?|[€$£¥])\s?\d[\d.,]*(?:\s?[\u2013\-]{1,2})?|\d[\d.,]*(?:,-|\.-)?\s?(?:EUR|USD|GBP|CHF|Fr\.?|[€$£¥]|cents?|ct)",
    re.IGNORECASE,
)
_SUM = re.compile(r"\d[\d.,]*")
_EMAIL = re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+")
_WEB = re.compile(r"(?:https?://)?(?:www\.)?[\w\-]+(?:\.[\w\-]+)*\.[a-z]{2,}(?:/\S*)?", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:[\s:;.,=|\-\u2013\u2014_*•·>→]+|(?:by|of|on|at|from|is|in|to|for|the|us|no\.?)\s+)+", re.IGNORECASE
)
_TRAILING = re.compile(r"[\s:;,|=_\-\u2013\u2014.]+$")
_LABELLED = re.compile(r"[^\W\d]\W*[:=](?!\d)|[^\W\d]{3}\s*[:=]")
_MARK = re.compile(r"[^\W_]")
_SIGN = re.compile(r"\s*[*\u2020\u2021\u221e\u26ad]")
"""Born, died, married; or a footnote's."""
_BLANK = re.compile(r"[\s._\-\u2013\u2014:…*]*$")


def tidy(text: str) -> str:
    """A value without the punctuation and small words that tie it to its label.

    >>> tidy(": 48-2207 "), tidy("by M. Keller")
    ('48-2207', 'M. Keller')
    """
    return _TRAILING.sub("", _LEADING.sub("", text))


def is_blank(text: str) -> bool:
    """Whether a text holds no value: nothing, or a rule to write on."""
    return bool(_BLANK.match(text))


def extract(form: Form, text: str) -> str | None:
    """The value of a form in the text after a label; None where there is none.

    >>> extract(Form.NUMBER, "16.5 bar Year 1998"), extract(Form.CODE, "48-2207 Power 7 kW"), extract(Form.PHONE, "oak")
    ('16.5 bar', '48-2207', None)
    """
    cleaned = tidy(text)
    if is_blank(cleaned):
        return None
    if form is Form.ANY:
        return cleaned
    if form is Form.NUMBER:
        return None if _IS_DATE.fullmatch(cleaned) else _number(cleaned)
    if form is Form.CODE:
        return _code(cleaned)
    if form is Form.NAME:
        return _name(cleaned)
    if form is Form.PRICE:
        found = _PRICE.search(cleaned) or _SUM.fullmatch(cleaned)
        return found.group().strip() if found else None
    pattern = {Form.WHEN: _WHEN, Form.YEAR: _YEAR, Form.PHONE: _PHONE, Form.EMAIL: _EMAIL, Form.WEB: _WEB}[form]
    found = pattern.search(cleaned)
    if found is not None and form is Form.WHEN and _is_part(cleaned, found.start(), found.end()):
        return None  # a piece of a longer number
    if found is None or (form is Form.PHONE and sum(char.isdigit() for char in found.group()) < 5):
        return None
    return _TRAILING.sub("", found.group()).strip()


def _is_part(text: str, start: int, end: int) -> bool:
    """Whether a piece of a text is part of a longer number, as "2028" of "7/2028-11" is."""
    return bool(re.search(r"\d[./-]?$", text[:start]) or re.match(r"[./-]?\d", text[end:]))


def has_label(text: str) -> bool:
    """Whether a text begins with a label of its own, marked by a colon or an equals sign.

    >>> has_label("Key:1045"), has_label("Key: 1045"), has_label("A4:12:7F"), has_label("11:15")
    (True, True, False, False)
    """
    return bool(_LABELLED.search(text))


def is_pure(form: Form, text: str) -> bool:
    """Whether a text is a value of the form and little else: "48-2207" is a code, "Year 1998" is not.

    A line that stands alone beside or below a label counts as its value only if it is pure: otherwise it has a label
    of its own.
    """
    value = extract(form, text)
    if value is None:
        return False
    if form is Form.ANY:
        return (len(squashed(text)) >= 2 or squashed(text).isdigit()) and not has_label(text)
    if form is Form.NAME and any(char.isdigit() for char in text):
        return False
    return len(squashed(text)) - len(squashed(value)) <= 2


def is_marked(form: Form, text: str) -> bool:
    """Whether a mark of its own, however short, stands before the value in a text and says what it is the value of.

    >>> is_marked(Form.WHEN, "d. 25.1.1911"), is_marked(Form.WHEN, "on 25.1.1911"), is_marked(Form.PHONE, "F 6482 83")
    (True, False, True)
    """
    value = extract(form, text)
    before = _LEADING.sub("", text[: text.find(value)]) if value else ""
    return bool(_MARK.search(before) or _SIGN.match(text))


def _number(text: str) -> str | None:
    found = _NUMBER.search(text)
    if found is None:
        return None
    value = found.group().strip().rstrip(".,:/ ")
    rest = text[found.start() + len(found.group().rstrip()) :] if found.group().strip() else ""
    unit = re.match(r"\s?([^\s\d;,:]+\d?)", rest)
    if unit and unit.group(1).casefold().rstrip(".") in UNITS:
        value += unit.group().rstrip(".") if not unit.group().startswith(" ") else f" {unit.group(1).rstrip('.')}"
    return value


def _code(text: str) -> str | None:
    """The first run of words that have a digit or are short capitals: "48-2207", "RE 123", "VG 46"."""
    run: list[str] = []
    for word in text.split():
        letters = sum(char.isalpha() for char in word)
        coded = any(char.isdigit() for char in word) or (word.isupper() and letters <= 4) or not letters
        if coded:
            run.append(word)
        elif any(any(char.isdigit() for char in part) for part in run):
            break
        else:
            run = []
    value = _TRAILING.sub("", " ".join(run))
    return value if any(char.isdigit() for char in value) else None


def _name(text: str) -> str | None:
    run: list[str] = []
    for word in text.split():
        if any(char.isdigit() for char in word) or word.endswith(":"):
            break
        run.append(word)
    value = _TRAILING.sub("", " ".join(run))
    # "Inspection due 25 Dec": what is not written as a name is none.
    return value if sum(char.isalpha() for char in value) >= 3 and not value[0].islower() else None

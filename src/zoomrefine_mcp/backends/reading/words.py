"""Comparing words of a question with words that were read: misread letters, lost spaces, the usual abbreviations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MATCH = 0.75
"""A word counts as read from this quality on."""

_MONTHS = ("january", "february", "march", "april", "june", "july", "august", "october")
MONTHS = frozenset((*_MONTHS, "may", "september", "november", "december"))

SAME = [
    {"number", "no", "nr", "num", "nos", "numbers"},
    {"telephone", "phone", "tel", "call", "hotline"},
    {"temperature", "temp"},
    {"quantity", "qty"},
    {"maximum", "max", "maximal"},
    {"minimum", "min", "minimal"},
    {"weight", "weigh", "weighs", "mass", "heavy", "wt"},
    {"open", "opens", "opening", "hours", "opened"},
    {"closed", "close", "closes", "closing"},
    {"price", "cost", "costs", "fare", "fee"},
    {"serial", "ser"},
    {"registration", "reg", "registered"},
    {"address", "addr"},
    {"licence", "license", "lic"},
    {"height", "high", "tall", "h"},
    {"width", "wide", "w"},
    {"length", "long", "l"},
    {"depth", "deep"},
    {"diameter", "dia", "ø"},
    {"area", "a", "large"},
    {"volume", "vol"},
    {"departure", "depart", "departs", "dep", "leave", "leaves"},
    {"arrival", "arrive", "arrives", "arr"},
    {"owner", "own", "owns", "owned", "proprietor"},
    {"built", "build", "construction", "constructed", "manufactured", "manufacture"},
    {"revision", "rev"},
    {"version", "ver"},
    {"department", "dept"},
    {"reference", "ref"},
    {"apartment", "apt"},
    {"street", "str"},
    {"building", "bldg"},
    {"manufacturer", "mfr", "maker", "made"},
    {"email", "mail", "e-mail"},
    {"website", "web", "www", "url"},
    {"expiry", "expires", "expire", "exp", "expiration"},
    {"frequency", "freq"},
    {"current", "amps"},
    {"date", "dated"},
    *({day, day[:3], f"{day}s"} for day in ("monday", "wednesday", "friday", "saturday", "sunday")),
    {"tuesday", "tue", "tues", "tuesdays"},
    {"thursday", "thu", "thur", "thurs", "thursdays"},
    *({month, month[:3]} for month in _MONTHS),
    {"september", "sep", "sept"},
    {"november", "nov"},
    {"december", "dec"},
]
"""Abbreviations and forms of one word. Not a thesaurus: the reader does not know what a word means."""

EXPANDED = {"s/n": "serial number", "sn": "serial number", "p/n": "part number", "pn": "part number", "#": "number"}

LOOK_ALIKE = str.maketrans("oilszb", "011528")
_STROKES = str.maketrans("ij1", "lll")
_TOKEN = re.compile(r"[^\W_](?:[^\s:;,|()\[\]{}\"“”„=€$£¥]*[^\W_])?|[#ø]", re.UNICODE)
_GROUP = {word: index for index, group in enumerate(SAME) for word in group}


def word_set(words: str) -> frozenset[str]:
    """The words of a text, as a set: how lists of words are written down here."""
    return frozenset(words.split())


UNITS = word_set(
    "bar mbar kpa mpa pa psi kg g mg t lb lbs oz km m cm mm µm um nm in ft mi m2 m3 cm2 cm3 km2 m² m³ ft2 l ml dl cl "
    "gal hl kw w mw kva va v kv mv a ma ah kwh wh hz khz mhz ghz rpm min s ms h hrs hr sec °c °f c f k k/w db "
    "kn n nm kj j eur usd gbp chf € $ £ % ‰ px dpi mb gb tb kb km/h mph m/s l/min l/h m3/h kg/h persons people "
    "pers seats pcs pieces units x million thousand bn ppm"
)
"""Words that belong to the number before them."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word on a line, with where it stands in the line's text."""

    text: str
    start: int
    end: int


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[Token, ...]:
    """The words of a line, without the punctuation around them.

    >>> [token.text for token in tokens("Serial no.: 48-2207")]
    ['Serial', 'no', '48-2207']
    """
    return tuple(Token(found.group(), found.start(), found.end()) for found in _TOKEN.finditer(text))


def squashed(text: str) -> str:
    """Letters and digits only, in lower case: how identifiers are compared."""
    return "".join(char for char in text.casefold() if char.isalnum())


def look_alike(text: str) -> str:
    """``squashed`` with letters and digits that readers mix up made equal (O and 0, I and 1, S and 5, ...).

    >>> look_alike("P-2O4") == look_alike("p 204")
    True
    """
    return squashed(text).translate(LOOK_ALIKE)


def has_digit(text: str) -> bool:
    """Whether any character is a digit."""
    return any(char.isdigit() for char in text)


@lru_cache(maxsize=65536)
def alike(asked: str, read: str) -> float:
    """How well one word that was read matches one that was asked for, 0..1.

    >>> alike("number", "No"), alike("inspected", "Inspector") > 0.75, alike("V-289", "V-298")
    (0.95, True, 0.0)
    """
    one, other = asked.casefold(), read.casefold()
    if one == other:
        return 1.0
    if has_digit(one):
        return 0.97 if look_alike(one) == look_alike(other) and has_digit(other) else 0.0
    one, other = squashed(one), squashed(other)
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    if _GROUP.get(one, -1) == _GROUP.get(other, -2):
        return 0.95
    if has_digit(other):
        other = other.translate(str.maketrans("015", "ols"))  # a letter that was read as a digit
        if one == other:
            return 0.95
    if one.translate(_STROKES) == other.translate(_STROKES):
        return 0.92
    shorter, longer = sorted((one, other), key=len)
    if longer in {f"{shorter}s", f"{shorter}es"}:
        return 0.95
    prefix = 0
    while prefix < len(shorter) and shorter[prefix] == longer[prefix]:
        prefix += 1
    if longer.isalpha() and prefix >= 5 and prefix >= 0.6 * len(longer) and len(shorter) - prefix <= 3:
        return 0.88
    allowed = 0 if len(one) < 5 else 1 if len(one) < 9 else 2
    distance = _edits(one, other, allowed)
    return 1.0 - 0.2 * distance if 0 < distance <= allowed else 0.0


def _edits(one: str, other: str, allowed: int) -> int:
    """Edit distance; anything above ``allowed`` where it is more."""
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415  (an extra: this module must import without it)

    return Levenshtein.distance(one, other, score_cutoff=allowed)


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a word of the question stands in a line, and how surely."""

    quality: float
    start: int
    end: int


NO_HIT = Hit(0.0, 0, 0)


@lru_cache(maxsize=65536)
def find(word: str, line: str) -> Hit:
    """The best place of a word in a line: as a word, as an expanded abbreviation, or glued to its neighbours."""
    best = NO_HIT
    for token in tokens(line):
        expanded = EXPANDED.get(token.text.casefold())
        quality = (
            max((alike(word, part) for part in expanded.split()), default=0.0) if expanded else alike(word, token.text)
        )
        if quality > best.quality:
            best = Hit(quality, token.start, token.end)
        parts = [part for part in re.split(r"[-/.]", token.text) if part]
        if quality < MATCH and len(parts) > 1 and not has_digit(word):
            offset = token.start
            for part in parts:
                at = line.index(part, offset)
                offset = at + len(part)
                quality = 0.95 * alike(word, part)
                if quality > best.quality:
                    best = Hit(quality, at, offset)
    return best if best.quality >= MATCH else max(best, _glued(word, line), key=lambda hit: hit.quality)


def shape(text: str) -> str:
    """The letters of a name with one sign for every run of digits: names of one series have one shape.

    >>> shape("U43") == shape("u7"), shape("P-204") == shape("P-21"), shape("U43") == shape("R43")
    (True, True, False)
    """
    return re.sub(r"\d+", "#", "".join(text.split()).casefold())


def respaced(text: str, words: tuple[str, ...]) -> str:
    """A line with the spaces put back that were lost between words of the question.

    >>> respaced("HARBOURINN", ("Harbour", "Inn"))
    'HARBOUR INN'
    """
    for token in tokens(text):
        whole = squashed(token.text)
        for first in words if len(whole) >= 5 else ():
            rest = whole.removeprefix(squashed(first))
            if (
                rest
                and rest != whole
                and any(alike(second, rest) >= 0.95 for second in words)
                and whole.isalpha()
                and token.text.isalpha()
            ):
                at = token.start + len(squashed(first))
                return f"{text[:at]} {text[at:]}"
    return text


def _glued(word: str, line: str) -> Hit:
    """A word inside a run of letters whose spaces were lost ("Serialno.48-2207"), or split by stray ones."""
    wanted = look_alike(word) if has_digit(word) else squashed(word)
    if len(wanted) < (3 if has_digit(word) else 4):
        return NO_HIT
    places = [index for index, char in enumerate(line) if char.isalnum() and len(char.casefold()) == 1]
    text = "".join(line[index].casefold() for index in places)
    if has_digit(word):
        text = text.translate(LOOK_ALIKE)
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        before = line[places[at] - 1] if places[at] else " "
        after = line[places[end - 1] + 1] if places[end - 1] + 1 < len(line) else " "
        if has_digit(word):
            whole = not (line[places[at]].isdigit() and before.isdigit()) and not (
                line[places[end - 1]].isdigit() and after.isalnum()
            )
            quality = 0.9 if whole and (line[places[at]].isdigit() or not before.isdigit()) else 0.0
        else:
            quality = 0.85 if not before.isalpha() or not after.isalpha() else 0.78 if len(wanted) >= 7 else 0.0
        if quality:
            return Hit(quality, places[at], places[end - 1] + 1)
        at = text.find(wanted, at + 1)
    return NO_HIT

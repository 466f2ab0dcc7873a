"""Taking a question apart: what is asked for, of what, and what form the answer must have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise, takewhile

from zoomrefine_mcp.backends.reading.words import EXPANDED, MONTHS, UNITS, alike, has_digit, tokens, word_set


class Form(StrEnum):
    """What an answer must look like."""

    ANY = "any text"
    NUMBER = "a number"
    CODE = "a code with digits"
    PRICE = "a price"
    PHONE = "a telephone number"
    WHEN = "a date or time"
    YEAR = "a year"
    NAME = "a name"
    EMAIL = "an e-mail address"
    WEB = "a web address"

    @property
    def telling(self) -> bool:
        """Whether text of this form is recognized without a label beside it."""
        return self in {Form.PRICE, Form.PHONE, Form.WHEN, Form.YEAR, Form.EMAIL, Form.WEB}


class Side(StrEnum):
    """Where a question says the answer stands, as seen from the text it names."""

    BELOW = "below"
    ABOVE = "above"
    RIGHT = "right of"
    LEFT = "left of"
    NEAR = "at"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question taken apart.

    Attributes:
        head: The words of what is asked for ("serial", "number"), the noun itself last.
        owner: Words that must be read near the answer: names, identifiers, what the question is about.
        rest: Other words that help.
        form: What an answer must look like.
        side: Where the answer stands relative to the owner, where the question is about a place
            ("What is written below ..."): no label is then expected.
        closed: A yes-or-no question: printed text alone does not answer it.
        soft: Those of the owner's words that may be no print at all: the "resistor" of "resistor R17".
    """

    head: tuple[str, ...]
    owner: tuple[str, ...]
    rest: tuple[str, ...]
    form: Form
    side: Side | None = None
    closed: bool = False
    soft: frozenset[str] = frozenset()

    @property
    def words(self) -> tuple[str, ...]:
        """All of them, the owner's first."""
        return tuple(dict.fromkeys((*self.owner, *self.head, *self.rest)))

    def without(self, words: Iterable[str]) -> Wanted:
        """The same question without some of its soft words."""
        dropped = self.soft.intersection(words)
        return replace(self, owner=tuple(word for word in self.owner if word not in dropped)) if dropped else self

    @property
    def day(self) -> str | None:
        """The "22" of "22 May": a date in a calendar, whose sheet is headed with the month alone."""
        if not MONTHS.intersection(word.casefold() for word in self.owner):
            return None
        return next((word for word in self.owner if word.isdigit() and len(word) <= 2), None)

    @property
    def noun(self) -> str | None:
        """The word that names what is asked for: the last of the head that is not a general one."""
        return next((word for word in reversed(self.head) if not is_general(word)), None)


STOP = word_set(
    "a an the this that these those it its of for to in on at by with from and or as is are was were be been being am "
    "do does did done has have had can could should shall will would may must i we you he she they me us my your our "
    "their his her there here what which who whom whose when where why how s t not any some please tell according "
    "read give given given shown visible seen see show shows printed written stated stands stand says say listed "
    "mentioned named called about into than then so if image picture photo photograph scene drawing view"
)
"""Words that say nothing about where to look."""

GENERAL = word_set(
    "number no nr code id name value text word words label sign plate board notice table row column cell line entry "
    "time date day year what much many plan map panel page sheet document corner left right top bottom side room "
    "building place thing item information info type kind figure digit digits letter letters exact full whole box "
    "field small large tiny"
)
"""Words that are matched where they are printed, and not missed where they are not."""

_MEASURES = (
    "pressure|weight|mass|power|voltage|current|temperature|speed|height|width|length|depth|area|volume|capacity|load|"
    "diameter|distance|frequency|scale|limit|amount|total|sum|population|percentage|score"
)
_FORMS: list[tuple[Form, str]] = [
    (Form.EMAIL, r"e-?mail"),
    (Form.WEB, r"website|web ?site|web address|url|homepage"),
    (Form.PHONE, r"(tele)?phone|telephone|\btel\b|hotline|\bfax\b|\bcall\b|\bdial\b"),
    (Form.YEAR, r"(which|what) year|year of|the year\b"),
    (Form.WHEN, r"\bwhen\b|\btimes?\b|\bdates?\b|(what|which) (day|month|date)|hours|\buntil\b|deadline|expir|due\b"),
    (Form.PRICE, r"how much\b.*\b(pay|owed?|due)\b"),
    (Form.PRICE, r"price|\bcosts?\b|\bfare\b|\bfee\b|how much is|how much are|how expensive"),
    (Form.NAME, r"\bwho\b|\bwhose\b|\bwhom\b"),
    (Form.PRICE, r"how much (vat|tax)\b|\b(vat|tax)$|\b(vat|tax) (of|for|on|in|amount)\b"),
    (Form.NUMBER, r"how (many|much|high|large|big|long|wide|deep|far|fast|heavy|tall|old|thick|hot|steep)\b"),
    (Form.CODE, r"\b(number|no\.|code|id|serial|reference|postcode|zip|licen[cs]e plate|identifier)\b"),
    (Form.NUMBER, rf"(what|which) .*\b({_MEASURES})\b"),
    (Form.NUMBER, r"\b(total|amount|sum|balance)\b"),
]
_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]+)[\"“”„«»]|(?<!\w)['\u2018\u2019]([^'\u2018\u2019]+)['\u2018\u2019](?!\w)")
_CONTRACTED = re.compile(r"\b(what|who|where|when|how|which)['\u2019]s\b", re.IGNORECASE)
_APPOSED = re.compile(r"^([^,]+), ([^,]+)$")
"""A short question: "Net weight, the pump?"."""
_TOLD = re.compile(
    r"^(?:please )?(?:can you )?(?:read|tell|give|show)(?: out)? (?:me|us) (?:the )?(?!what|which|who|when|where|how)",
    re.IGNORECASE,
)
"""A question put as a request: "Read me the serial number of ..."."""
_SHORT = re.compile(r"\b[sp]/n\b", re.IGNORECASE)
_CLOSED = re.compile(r"(is|are|was|were|does|do|did|can|has|have|will|should|must)\b", re.IGNORECASE)
_SIDES: list[tuple[Side, str]] = [
    (Side.BELOW, r"(below|beneath|under(neath)?)"),
    (Side.ABOVE, r"(above|over)"),
    (Side.RIGHT, r"((to the )?right of|after|following|behind)"),
    (Side.LEFT, r"((to the )?left of|before)"),
    (Side.NEAR, r"(next to|beside|near|alongside|by|on|at|in|inside|with)"),
]
_PLACED = re.compile(
    r"\b(printed|written|stands?|says?|shown|engraved|stamped|marked|painted|displayed|labell?ed|noted|appears?|read|reads|"
    r"listed|given)\b",
    re.IGNORECASE,
)
_AUXILIARY = word_set("is are was were does do did has have can will would should must may")
_QUESTION_WORDS = word_set("what which whose how when who where")
_VERBS = word_set(
    "leave leaves depart departs arrive arrives open opens close closes due cost costs weigh weighs built made take "
    "takes use uses need needs run runs start starts end ends begin begins expire expires stop stops say says "
    "read reads"
)
_PARTICIPLES = word_set(
    "bought built made sold sent set left seen read found put cut paid held known given taken written drawn shown"
)
_PREPOSITIONS = word_set("of for at in on to from by about with near under below above beside between after behind via")


def is_general(word: str) -> bool:
    """Whether a word is matched where it is printed and not missed where it is not."""
    return word.casefold() in GENERAL


def take_apart(question: str) -> Wanted:
    """Read a question, or the description of something to find.

    >>> wanted = take_apart("What is the serial number of pump P-204?")
    >>> wanted.head, wanted.owner, wanted.form.name
    (('serial', 'number'), ('pump', 'P-204'), 'CODE')
    """
    text = _TOLD.sub("What is the ", _CONTRACTED.sub(r"\1 is", " ".join(question.split())))
    text = _SHORT.sub(lambda found: EXPANDED[found.group().casefold()], text)
    quoted = [one or other for one, other in _QUOTED.findall(text)]
    plain = _QUOTED.sub(lambda found: f" {found.group(1) or found.group(2)} ", text)
    if not _QUESTION_WORDS.intersection(token.text.casefold() for token in tokens(plain)):
        plain = _APPOSED.sub(r"\1 of \2", plain)
    words = _content(plain)
    spelled = [token.text for part in quoted for token in tokens(part)]
    first = next((token.text for token in tokens(plain)), "")
    shouting = plain.upper() == plain
    names = {
        word
        for word in words
        if word in spelled or has_digit(word) or (word[0].isupper() and word != first and not shouting)
    }
    head = _head(plain)
    # "the VAT of ...", "at which IP": an acronym that is asked for names nothing.
    numbered = {word for word, after in pairwise(token.text for token in tokens(plain)) if has_digit(after)}  # "LH 441"
    names -= {word for word in head if word.isupper() and word.isalpha() and word not in {*spelled, *numbered}}
    tail = _last_phrase(plain, names) | _kinds(plain, names) | _subject(plain) | _object(plain)
    owner = [
        word for word in words
        if word in names
        or (word in tail and word not in head and not is_general(word) and word.casefold() not in UNITS)
    ]  # fmt: skip
    kept_head = [word for word in head if word not in owner]
    rest = [
        word for word in words
        if word not in owner and word not in kept_head and word not in UNITS  # "in kg" labels no value
    ]  # fmt: skip
    named = any(word in names for word in owner)
    soft = frozenset(word for word in owner if word not in names and not has_digit(word)) if named else frozenset()
    side = _side(plain, owner)
    form = _form(plain)
    return Wanted(
        head=tuple(kept_head),
        owner=tuple(owner),
        rest=tuple(rest),
        form=form,
        side=side,
        closed=bool(_CLOSED.match(text)),
        soft=soft,
    )


def describe(description: str) -> Wanted:
    """Read the description of something to point at: every word of it names the thing itself."""
    plain = _QUOTED.sub(lambda found: f" {found.group(1) or found.group(2)} ", " ".join(description.split()))
    words = [word for word in _content(plain) if word.casefold() not in _POINTING]
    named = tuple(word for word in words if not is_general(word))
    return Wanted(head=(), owner=named, rest=tuple(w for w in words if is_general(w)), form=Form.ANY)


_POINTING = word_set("find locate point click box button icon region area where position")


def _content(text: str) -> list[str]:
    return list(dict.fromkeys(token.text for token in tokens(text) if _counts(token.text)))


def _counts(word: str) -> bool:
    if word.casefold() in STOP:
        return (len(word) == 1 and word.isupper() and word != "I") or word == "May"  # "room A", "22 May": names
    return True


def _form(text: str) -> Form:
    lowered = text.casefold()
    for form, pattern in _FORMS:
        if re.search(pattern, lowered):
            return form
    return Form.ANY


def _head(text: str) -> list[str]:
    """The noun phrase after the question word: "serial number" of "What is the serial number of ..."."""
    parts = [token.text for token in tokens(text)]
    lowered = [part.casefold() for part in parts]
    start = next((i for i, word in enumerate(lowered) if word in _QUESTION_WORDS), None)
    if start is None:
        return _short_head(parts, lowered)
    if _done(parts) is not None:
        return []  # "to what is the burner set": what is done to it is all that is asked for
    index = start + 1
    if lowered[start] in {"when", "who", "where"} and (index >= len(parts) or lowered[index] not in _AUXILIARY):
        return []  # "who inspected ...": a verb, no noun
    if lowered[start] == "how" and index < len(parts):
        if lowered[index] in {"much", "many"}:
            index += 1
            if index < len(parts) and lowered[index] in _AUXILIARY - {"is", "are", "was", "were"}:
                return []  # "how much does ... weigh": a verb, no noun
        else:
            return [parts[index]] if lowered[index] not in _AUXILIARY else []
    while index < len(parts) and lowered[index] in STOP and lowered[index] not in _PREPOSITIONS:
        index += 1
    head: list[str] = []
    while index < len(parts) and lowered[index] not in _AUXILIARY | _PREPOSITIONS:
        if head and (_governs(lowered, index) or (lowered[index] in _VERBS and lowered[index].endswith("s"))):
            break  # "which number takes calls": the verb ends the noun phrase
        if _counts(parts[index]):
            head.append(parts[index])
        index += 1
    if len(head) > 1 and index < len(parts) and lowered[index] not in _AUXILIARY | {"of", "for"} and _is_verb(head[-1]):
        head.pop()  # "which train goes to ..."
    if head and all(is_general(word) for word in head) and index < len(parts) and lowered[index] == "of":
        index += 1  # "the date of the next inspection of X": the date says less than the inspection
        more = []
        while index < len(parts) and lowered[index] not in _AUXILIARY | _PREPOSITIONS:
            if _counts(parts[index]):
                more.append(parts[index])
            index += 1
        if index < len(parts) and lowered[index] in _PREPOSITIONS:
            head.extend(more)
    return head


def _short_head(parts: list[str], lowered: list[str]) -> list[str]:
    """What a question without a question word asks for: "asset no." of "Asset no. on web-oslo-09?"."""
    end = next((i for i, word in enumerate(lowered) if word in _PREPOSITIONS), 0)
    head = parts[:end]
    return [word for word in head if _counts(word)] if len(head) <= 4 and lowered[:1] != ["the"] else []


def _governs(lowered: list[str], index: int) -> bool:
    """Whether a word is a verb by what follows it: "delivers the ..."."""
    verb = lowered[index].endswith("s") and not lowered[index].endswith("ss") and lowered[index] not in _AUXILIARY
    return verb and lowered[index + 1 : index + 2] in (["the"], ["a"], ["an"])


def _object(text: str) -> set[str]:
    """What such a verb is about: the "bearing cover" of "which supplier delivers the bearing cover"."""
    parts = [token.text for token in tokens(text)]
    lowered = [part.casefold() for part in parts]
    start = next((i for i, word in enumerate(lowered) if word in {"which", "what", "who"}), None)
    verb = next((i for i in range(start + 1, len(parts)) if _governs(lowered, i)), None) if start is not None else None
    if verb is None or _AUXILIARY.intersection(lowered[:verb]):
        return set()
    phrase = takewhile(lambda word: word.casefold() not in _PREPOSITIONS | _AUXILIARY, parts[verb + 2 :])
    return {word for word in phrase if _counts(word)}


def _subject(text: str) -> set[str]:
    """The noun phrase of several words between an auxiliary and the verb: "was the RECORD PLAYER bought"."""
    parts = [token.text for token in tokens(text)]
    lowered = [part.casefold() for part in parts]
    start = next((i for i, word in enumerate(lowered) if word in _AUXILIARY), None)
    if start is None or start == 0:
        return set()
    done = _done(parts)
    if done is not None:
        return {word for word in done if _counts(word)}
    phrase = []
    for word in parts[start + 1 :]:
        if word.casefold() in _PREPOSITIONS or _is_verb(word) or word.casefold() in _PARTICIPLES:
            break
        if _counts(word):
            phrase.append(word)
    else:
        return set()  # no verb: "what is the operating pressure" asks for that
    return set(phrase) if len(phrase) > 1 else set()


def _done(parts: list[str]) -> list[str] | None:
    """What something is done to: "the burner" of "to what is the burner set", "when was the burner set"."""
    lowered = [part.casefold() for part in parts]
    start = next((i for i, word in enumerate(lowered) if word in _QUESTION_WORDS), None)
    if start is None or len(parts) < start + 4 or lowered[start + 1] not in {"is", "are", "was", "were"}:
        return None
    last = lowered[-1]
    if not _counts(last) or not (last in _PARTICIPLES or last.endswith("ed")):
        return None
    phrase = parts[start + 2 : -1]
    named = any(part[0].isupper() for part in phrase)
    several = sum(_counts(part) for part in phrase) > 1  # one word is part of the label: "Loan returned"
    return phrase if several and not named and not _PREPOSITIONS.intersection(lowered[start + 2 : -1]) else None


def _kinds(text: str, names: set[str]) -> set[str]:
    """The words right before a name, which say what it names: the "mixer" of "does mixer V-229 weigh"."""
    parts = [token.text for token in tokens(text)]
    return {
        word for word, following in pairwise(parts)
        if following in names and word not in names and _counts(word) and not _is_verb(word)
    }  # fmt: skip


def _is_verb(word: str) -> bool:
    return word.casefold() in _VERBS or (word.endswith("s") and not word.endswith("ss")) or word.endswith("ed")


def _last_phrase(text: str, names: set[str]) -> set[str]:
    """The words after the last preposition, up to a name if there is one: what the question is about, mostly."""
    parts = [token.text for token in tokens(text)]
    lowered = [part.casefold() for part in parts]
    at = max(
        (i for i, word in enumerate(lowered[:-1]) if word in _PREPOSITIONS and lowered[i + 1] not in _QUESTION_WORDS),
        default=None,
    )
    if at is None:
        return set()
    phrase = []
    for word in parts[at + 1 :]:
        if word.casefold() in _AUXILIARY:
            break
        phrase.append(word)
    last = max((i for i, word in enumerate(phrase) if word in names), default=None)
    if last is not None:
        phrase = phrase[: last + 1]
    while phrase and (phrase[-1].casefold() in _VERBS or phrase[-1].casefold().endswith("ed")):
        phrase.pop()
    return {word for word in phrase if _counts(word)}


def _side(text: str, owner: list[str]) -> Side | None:
    """Which side of the owner the question asks about; None where it asks for a labelled value."""
    if not owner or not _PLACED.search(text):
        return None
    lowered = text.casefold()
    for side, pattern in _SIDES:
        for found in re.finditer(rf"\b{pattern}\b", lowered):
            following = [token.text for token in tokens(text[found.end() :])]
            if following and any(alike(word, owner_word) >= 1 for word in following for owner_word in owner):
                return side
    if re.search(r"\b(say|says|read|reads)\b", lowered):
        return Side.NEAR
    return None

"""What a reply says, field by field, before it is judged: from its JSON first, then from its labelled lines.

JSON is found in whatever stands around it: prose, fences, an outer object, one long string, or no braces at all (the
names of the fields written out as lines).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from zoomrefine_mcp.backends.base import Ask
from zoomrefine_mcp.backends.boxes import Mark
from zoomrefine_mcp.backends.lenient_json import values_in
from zoomrefine_mcp.backends.marks import (
    BOX_KEYS,
    MAX_MARKS,
    POINT_KEYS,
    REGION_KEYS,
    marks_in_text,
    marks_in_value,
    without_a_box,
    without_marks,
)
from zoomrefine_mcp.backends.verdicts import answer_words, chosen, reasoning_before
from zoomrefine_mcp.records import Evidence, Stage

MAX_BARE_WORDS = 40
"""A reply of no more words that chooses an option is its answer, without any label."""

_ANSWER_KEYS = ("rechecked_answer", "rechecked answer", "final_answer", "final answer", "answer")
_CHOICE_KEYS = ("choice", "option", "letter")
_REASONING_KEYS = ("reasoning", "explanation", "rationale")
_REPLY_KEYS = (*_ANSWER_KEYS, *_CHOICE_KEYS, *_REASONING_KEYS)
_PLACE_KEYS = (*REGION_KEYS, *BOX_KEYS, *POINT_KEYS)
LOCATING = (Stage.POINT, Stage.SHARPEN)
"""The stages whose answer is a region."""

_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BARE_MEMBER = re.compile(
    r"^(?:[ \t]*[-*•][ \t]+)?(?=[\"'](?:reasoning|evidence|answer|choice|regions)[\"']\s*:)", re.MULTILINE
)
_BULLET = re.compile(r"^[ \t]*[-*•][ \t]+(?=[\"'])", re.MULTILINE)
# Bounded, and within its line: a model that loops writes nothing but line breaks until its budget is spent.
_EVIDENCE_LINE = re.compile(
    r"^[ \t>*_#-]{0,12}evidence[*_\s]*:\s*[*_\"]*([a-z]+(?:[ _-][a-z]+)*)", re.IGNORECASE | re.MULTILINE
)


@dataclass(slots=True)
class Fields:
    """The fields of a reply before they are judged.

    ``said`` holds the keys that were there, null or not; ``lost`` counts the regions whose box cannot be read.
    """

    answer: str | None = None
    choice: str | None = None
    reasoning: str | None = None
    evidence: Evidence = Evidence.UNKNOWN
    marks: list[Mark] = field(default_factory=list)
    lost: int = 0
    said: set[str] = field(default_factory=set)


def fields_of(text: str, ask: Ask) -> Fields:
    """The fields of a reply without thinking."""
    text = _LINE_BREAK.sub("\n", _unquoted(text))
    values = values_in(text)
    if not any(map(_is_reply, values)):
        values = values_in(_braced(text)) or values
    return _merged(_from_json(values), _from_text(text, ask, prose_only=not values))


def _unquoted(text: str) -> str:
    """A reply that is one JSON string with the JSON inside, as it would have been written once."""
    if not re.match(r'"[\s\[]*[{\[]\s*\\', text):
        return text
    try:
        inside = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    return inside if isinstance(inside, str) else text


def _braced(text: str) -> str:
    """Members of the JSON form that were written without the braces around them, perhaps as a list with bullets."""
    first = _BARE_MEMBER.search(text)
    return "" if first is None else "{" + _BULLET.sub("", text[first.start() :])


def _is_reply(value: Any) -> bool:
    """Whether it is a reply or holds one. A schema that was echoed has the same keys, with objects behind them."""
    if isinstance(value, list):
        return any(isinstance(one, dict) and _is_reply(one) for one in value)
    if not isinstance(value, dict):
        return False
    own = any(str(key).strip().lower() in _REPLY_KEYS and not isinstance(one, dict) for key, one in value.items())
    return own or any(isinstance(one, dict) and _is_reply(one) for one in value.values())


def _from_json(values: list[Any]) -> Fields:
    fields = Fields()
    for value in values:
        for members in value if isinstance(value, list) else [value]:
            if isinstance(members, dict):
                _take(fields, _reply_in({str(key).strip().lower(): item for key, item in members.items()}))
    return fields


def _reply_in(members: dict[str, Any]) -> dict[str, Any]:
    """The object itself, or the reply inside it where it is only a wrapping: ``{"reply": {...}}``."""
    if any(key in members for key in (*_REPLY_KEYS, *_PLACE_KEYS, "evidence")):
        return members
    inside = next((one for one in members.values() if isinstance(one, dict) and _is_reply(one)), None)
    return members if inside is None else _reply_in({str(key).strip().lower(): one for key, one in inside.items()})


def _take(fields: Fields, members: dict[str, Any]) -> None:
    """A later reply goes before an earlier one, field by field; objects that are regions alone add up."""
    is_reply = any(key in members for key in _REPLY_KEYS)
    for names, name in ((_ANSWER_KEYS, "answer"), (_CHOICE_KEYS, "choice"), (_REASONING_KEYS, "reasoning")):
        key = next((key for key in names if key in members and not isinstance(members[key], dict)), None)
        if key is not None:
            setattr(fields, name, _words(members[key]))
            fields.said.add(name)
    if "evidence" in members:
        fields.evidence = _evidence(members["evidence"])
    if any(key in members for key in _PLACE_KEYS):
        marks, lost = marks_in_value(members), without_a_box(members)
        fields.marks = marks if is_reply else (fields.marks + marks)[:MAX_MARKS]
        fields.lost = lost if is_reply else fields.lost + lost
        fields.said.add("regions")


def _from_text(text: str, ask: Ask, *, prose_only: bool) -> Fields:
    fields = Fields()
    prose = without_marks(text)
    words = answer_words(prose, rechecked=ask.stage is Stage.REFINE)
    if words is None and ask.question.choices and prose_only and len(prose.split()) <= MAX_BARE_WORDS:
        words = prose.strip() if chosen(prose.strip(), ask.question) else None
    if words is not None:
        fields.answer = words
        fields.said.add("answer")
    fields.reasoning = reasoning_before(prose) if prose_only else None
    line = _EVIDENCE_LINE.search(prose)
    fields.evidence = _evidence(line[1]) if line else Evidence.UNKNOWN
    fields.marks = marks_in_text(text, anywhere=ask.stage in LOCATING)
    return fields


def _merged(first: Fields, second: Fields) -> Fields:
    if not ({"answer", "choice"} & first.said):
        first.answer, first.choice = second.answer, second.choice
    first.reasoning = first.reasoning or second.reasoning
    if first.evidence is Evidence.UNKNOWN:
        first.evidence = second.evidence
    if not first.marks and "regions" not in first.said:
        first.marks = second.marks
    first.said |= second.said
    return first


def _evidence(value: Any) -> Evidence:
    word = re.sub(r"[\s-]+", "_", str(value).strip().lower())
    return next((one for one in Evidence if one.value == word), Evidence.UNKNOWN)


def _words(value: Any) -> str | None:
    """A JSON value as the words of an answer."""
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(words for words in map(_words, value) if words) or None
    return str(value).strip() or None

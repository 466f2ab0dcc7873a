"""A model's reply, JSON or text, to an answer, regions on the original, and what the evidence is worth.

Whatever form was asked for, both are understood: what a JSON object in the reply holds goes first, and what it does
not hold is looked for in the labelled lines of the text form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zoomrefine_mcp.backends.base import Ask
from zoomrefine_mcp.backends.boxes import Mark, place
from zoomrefine_mcp.backends.lenient_json import values_in
from zoomrefine_mcp.backends.marks import (
    BOX_KEYS,
    MAX_MARKS,
    POINT_KEYS,
    REGION_KEYS,
    marks_in_text,
    marks_in_value,
    without_marks,
)
from zoomrefine_mcp.backends.profiles import Profile
from zoomrefine_mcp.backends.verdicts import (
    answer_words,
    choice_answer,
    chosen,
    open_answer,
    reasoning_before,
    shortened,
)
from zoomrefine_mcp.errors import ReplyUnreadable
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.questions import abstains, half_width
from zoomrefine_mcp.records import Answer, Evidence, Question, Region, Stage
from zoomrefine_mcp.safe_text import whole_characters

MAX_REPLY_CHARS = 100_000
"""What is read of a reply: its end, where the verdict is."""

MAX_BARE_WORDS = 40
"""A reply of no more words that chooses an option is its answer, without any label."""

_ANSWER_KEYS = ("rechecked_answer", "rechecked answer", "final_answer", "final answer", "answer")
_CHOICE_KEYS = ("choice", "option", "letter")
_REASONING_KEYS = ("reasoning", "explanation", "rationale")
_PLACE_KEYS = (*REGION_KEYS, *BOX_KEYS, *POINT_KEYS)
_LOCATING = (Stage.POINT, Stage.SHARPEN)
_THINKING_TAG = re.compile(
    r"(?P<opens><(?:think|thinking|thought)>|◁think▷|<\|begin_of_thought\|>)"
    r"|</(?:think|thinking|thought)>|◁/think▷|<\|end_of_thought\|>",
    re.IGNORECASE,
)
_EVIDENCE_LINE = re.compile(
    r"^[\s>*_#-]*evidence[*_\s]*:\s*[*_\"]*([a-z]+(?:[ _-][a-z]+)*)", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply says.

    Attributes:
        answer: The answer, abstaining included.
        regions: On the upright original, best first.
        evidence: What it says of the evidence.
        warnings: Sentences for the caller: contradictions and how they were resolved, what was dropped.
    """

    answer: Answer
    regions: tuple[Region, ...] = ()
    evidence: Evidence = Evidence.UNKNOWN
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Fields:
    """The fields of a reply before they are judged. ``said`` holds the keys that were there, null or not."""

    answer: str | None = None
    choice: str | None = None
    reasoning: str | None = None
    evidence: Evidence = Evidence.UNKNOWN
    marks: list[Mark] = field(default_factory=list)
    said: set[str] = field(default_factory=set)


def read_reply(text: str, *, ask: Ask, pictures: Sequence[Picture], profile: Profile) -> Reading:
    """Read a reply.

    Args:
        text: As it came.
        ask: What was asked.
        pictures: Every picture of the conversation so far, the new ones included, in order.
        profile: The facts of the model's family.

    Raises:
        ReplyUnreadable: It holds no answer: no JSON with one, no labelled line, no choice.
    """
    visible = half_width(without_thinking(whole_characters(text[-MAX_REPLY_CHARS:])))
    values = values_in(visible)
    fields = _merged(_from_json(values), _from_text(visible, ask, prose_only=not values))
    regions, warnings = _placed(fields.marks, ask, pictures, profile)
    answer, notes = _answer(fields, ask, regions)
    return Reading(answer, regions, fields.evidence, (*warnings, *notes))


def without_thinking(text: str) -> str:
    """The reply without the thinking that a model wrote into it; nothing is left of thinking that was cut off.

    >>> without_thinking("<think>A? No.</think>Answer: B")
    'Answer: B'
    """
    pieces: list[str] = []
    at, thinking = 0, False
    for tag in _THINKING_TAG.finditer(text):
        if tag["opens"]:
            pieces += [] if thinking else [text[at : tag.start()]]
        elif not thinking:
            pieces.clear()  # the opening tag was part of the prompt: all before was thinking
        thinking, at = bool(tag["opens"]), tag.end()
    return "".join(pieces if thinking else [*pieces, text[at:]]).strip()


def _from_json(values: list[Any]) -> _Fields:
    fields = _Fields()
    for value in values:
        for members in value if isinstance(value, list) else [value]:
            if isinstance(members, dict):
                _take(fields, {str(key).strip().lower(): item for key, item in members.items()})
    return fields


def _take(fields: _Fields, members: dict[str, Any]) -> None:
    """A later reply goes before an earlier one, field by field; objects that are regions alone add up."""
    is_reply = any(key in members for key in (*_ANSWER_KEYS, *_CHOICE_KEYS, *_REASONING_KEYS))
    for names, name in ((_ANSWER_KEYS, "answer"), (_CHOICE_KEYS, "choice"), (_REASONING_KEYS, "reasoning")):
        key = next((key for key in names if key in members), None)
        if key is not None:
            setattr(fields, name, _words(members[key]))
            fields.said.add(name)
    if "evidence" in members:
        fields.evidence = _evidence(members["evidence"])
    if any(key in members for key in _PLACE_KEYS):
        marks = marks_in_value(members)
        fields.marks = marks if is_reply else (fields.marks + marks)[:MAX_MARKS]
        fields.said.add("regions")


def _from_text(text: str, ask: Ask, *, prose_only: bool) -> _Fields:
    fields = _Fields()
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
    fields.marks = marks_in_text(text, anywhere=ask.stage in _LOCATING)
    return fields


def _merged(first: _Fields, second: _Fields) -> _Fields:
    if not ({"answer", "choice"} & first.said):
        first.answer, first.choice = second.answer, second.choice
    first.reasoning = first.reasoning or second.reasoning
    if first.evidence is Evidence.UNKNOWN:
        first.evidence = second.evidence
    if not first.marks and "regions" not in first.said:
        first.marks = second.marks
    first.said |= second.said
    return first


def _placed(
    marks: list[Mark], ask: Ask, pictures: Sequence[Picture], profile: Profile
) -> tuple[tuple[Region, ...], list[str]]:
    """The marks on the original. One without a picture's number is measured on the picture that was asked about."""
    regions: list[Region] = []
    warnings: list[str] = []
    habit = 1 if ask.stage is Stage.REFINE and profile.unnamed_on_view else len(pictures)
    for mark in marks:
        number = mark.picture if mark.picture is not None else habit
        if not 1 <= number <= len(pictures):
            warnings.append(f"The reply places {mark.raw} on picture {number}, which there is not; {habit} was taken.")
            number = habit
        placed = place(mark, pictures[number - 1], number=number, profile=profile, form=ask.form)
        warnings.extend(warning for warning in placed.warnings if warning not in warnings)
        if placed.region is not None and all(placed.region.box != one.box for one in regions):
            regions.append(placed.region)
    return tuple(regions), warnings


def _answer(fields: _Fields, ask: Ask, regions: tuple[Region, ...]) -> tuple[Answer, list[str]]:
    explanation = shortened(fields.reasoning)
    if ask.stage in _LOCATING:
        if not fields.said and not fields.marks and fields.answer is None:
            raise _unreadable()
        words = open_answer(fields.answer, explanation) if fields.answer else Answer(None, explanation=explanation)
        label = next((region.label for region in regions if region.label), None)
        return replace(words, text=words.text or label if regions else None, abstained=not regions), []
    if ask.question.choices:
        return _choice(fields, ask.question, explanation, regions=regions, stage=ask.stage)
    said = fields.answer if "answer" in fields.said else fields.choice
    if said is not None:
        return open_answer(said, explanation), []
    return _no_answer(fields, ask.stage, regions, explanation)


def _choice(
    fields: _Fields, question: Question, explanation: str | None, *, regions: tuple[Region, ...], stage: Stage
) -> tuple[Answer, list[str]]:
    by_letter = chosen(fields.choice, question) if fields.choice else None
    by_words = chosen(fields.answer, question) if fields.answer else None
    if by_letter and by_words and by_letter != by_words:
        note = f"The reply chose {by_letter} and wrote {fields.answer!r}; the letter stands."
        return choice_answer(by_letter, question, explanation), [note]
    letter = by_letter or by_words
    if letter is not None:
        noted = [f"The reply chose {fields.choice!r}, which is no option; its answer chooses {letter}."]
        return choice_answer(letter, question, explanation), noted if fields.choice and not by_letter else []
    said = [words for words in (fields.choice, fields.answer) if words]
    if said and not all(abstains(words) for words in said):
        raise _unreadable(f"it chooses none of the options: {said[-1][:80]!r}")
    if not said and not ({"answer", "choice"} & fields.said):
        return _no_answer(fields, stage, regions, explanation)
    option = next((choice.letter for choice in question.choices if choice.abstains), None)
    return Answer(None, option, abstained=True, explanation=explanation), []


def _no_answer(
    fields: _Fields, stage: Stage, regions: tuple[Region, ...], explanation: str | None
) -> tuple[Answer, list[str]]:
    """Null says that the picture does not tell; a first look that only says where to look leads on to the zoom."""
    if "answer" in fields.said:
        return Answer(None, abstained=True, explanation=explanation), []
    if stage is Stage.LOCALIZE and regions:
        note = "The first reply named a region and no answer."
        return Answer(None, abstained=True, explanation=explanation), [note]
    raise _unreadable()


def _unreadable(why: str = "it holds no answer") -> ReplyUnreadable:
    return ReplyUnreadable(
        f"The model's reply cannot be read: {why}.",
        hint="Try again, or use a model that keeps to a form; one behind structured output always does.",
    )


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

"""A model's reply, JSON or text, to an answer, regions on the original, and what the evidence is worth.

Whatever form was asked for, both are understood: what a JSON object in the reply holds goes first, and what it does
not hold is looked for in the labelled lines of the text form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from zoomrefine_mcp.backends.base import Ask
from zoomrefine_mcp.backends.boxes import Mark, place
from zoomrefine_mcp.backends.fields import LOCATING, Fields, fields_of
from zoomrefine_mcp.backends.profiles import THINK_TAGS, Profile
from zoomrefine_mcp.backends.verdicts import choice_answer, chosen, open_answer, shortened
from zoomrefine_mcp.errors import ReplyUnreadable
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.questions import abstains, half_width, no_answer
from zoomrefine_mcp.records import Answer, Evidence, Question, Region, Stage
from zoomrefine_mcp.safe_text import whole_characters

MAX_REPLY_CHARS = 100_000
"""What is read of a reply: its end, where the verdict is."""

_THINKING_OPENS = r"<(?:think|thinking|thought)>|◁think▷|<\|begin_of_thought\|>"
_THINKING_CLOSES = r"</(?:think|thinking|thought)>|◁/think▷|<\|end_of_thought\|>"


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
    visible = half_width(without_thinking(whole_characters(text[-MAX_REPLY_CHARS:]), profile.thinking))
    fields = fields_of(visible, ask)
    regions, warnings = _placed(fields.marks, ask, pictures, profile)
    if fields.lost:
        warnings.append(f"{fields.lost} of the reply's regions hold no box that can be read; left out.")
    answer, notes = _answer(fields, ask, regions)
    return Reading(answer, regions, fields.evidence, (*warnings, *notes))


def without_thinking(text: str, tags: tuple[str, str] = THINK_TAGS) -> str:
    """The reply without the thinking that a model wrote into it; nothing is left of thinking that was cut off.

    Args:
        text: The reply.
        tags: The family's own tags; the common ones are known whatever the family.

    >>> without_thinking("<think>A? No.</think>Answer: B")
    'Answer: B'
    """
    pieces: list[str] = []
    at, thinking = 0, False
    for tag in _thinking_tag(tags).finditer(text):
        if tag["opens"]:
            pieces += [] if thinking else [text[at : tag.start()]]
        elif not thinking:
            pieces.clear()  # the opening tag was part of the prompt: all before was thinking
        thinking, at = bool(tag["opens"]), tag.end()
    return "".join(pieces if thinking else [*pieces, text[at:]]).strip()


@cache
def _thinking_tag(tags: tuple[str, str]) -> re.Pattern[str]:
    opens, closes = map(re.escape, tags)
    return re.compile(f"(?P<opens>{_THINKING_OPENS}|{opens})|{_THINKING_CLOSES}|{closes}", re.IGNORECASE)


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


def _answer(fields: Fields, ask: Ask, regions: tuple[Region, ...]) -> tuple[Answer, list[str]]:
    explanation = shortened(fields.reasoning)
    if ask.stage in LOCATING:
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
    return _unanswered(fields, ask.stage, regions, explanation)


def _choice(
    fields: Fields, question: Question, explanation: str | None, *, regions: tuple[Region, ...], stage: Stage
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
        return _unanswered(fields, stage, regions, explanation)
    return no_answer(question, explanation), []


def _unanswered(
    fields: Fields, stage: Stage, regions: tuple[Region, ...], explanation: str | None
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

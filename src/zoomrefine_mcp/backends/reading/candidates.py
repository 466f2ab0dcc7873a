"""Which texts could be the answer: what a line holds beside its own label, or a line that stands alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from zoomrefine_mcp.backends.reading.layout import Frame, Spot
from zoomrefine_mcp.backends.reading.prose import is_fragment, marked
from zoomrefine_mcp.backends.reading.values import extract, is_blank, is_pure
from zoomrefine_mcp.backends.reading.wanted import STOP, Form, Wanted
from zoomrefine_mcp.backends.reading.words import MATCH, alike, find, has_digit, squashed, tokens

_FREE = {Form.ANY, Form.NAME}
"""Forms by which a value is not told from other text."""


class Candidate(NamedTuple):
    """A value that could be the answer.

    Attributes:
        value: The text that would be the answer.
        spot: The line it stands in.
        labels: The lines that speak for it, the strongest first.
        owned: Whether everything that the question is about was read near it.
        labelled: Whether what is asked for was read as its label.
        label: How well its label fits, 0..1.
        weight: How well all of it fits, 0..1.
    """

    value: str
    spot: Spot
    labels: tuple[Spot, ...]
    owned: bool
    labelled: bool
    label: float
    weight: float


def texts(frame: Frame, wanted: Wanted) -> Iterator[tuple[Spot, str, bool]]:
    """Every line that could answer, with the value that it would answer with, and whether it holds its own label."""
    for spot in frame.spots:
        text, running = spot.line.text, frame.spots.running(spot)
        own, value = own_value(spot, wanted, running=running)
        if value is not None and wanted.form in _FREE and not _labels(spot, wanted):
            value = None  # what follows a name on its own line is part of the name
        if value is None and not own and not running and is_pure(wanted.form, text):
            value = extract(wanted.form, text)
        if value is None and not own and wanted.form.telling:
            value = extract(wanted.form, text)
        if value is None or _repeats(value, wanted):
            continue
        if wanted.form not in _FREE or not is_fragment(value if own else text, cut=own):
            yield spot, value, own


def own_value(spot: Spot, wanted: Wanted, *, running: bool = False) -> tuple[bool, str | None]:
    """The value that a line holds beside its own label; whether it has such a label at all.

    Args:
        spot: The line.
        wanted: The question.
        running: The line is running text: only what stands out in it is a value.
    """
    text = spot.line.text
    hits = [
        [hit for hit in (find(word, text) for word in words) if hit.quality >= MATCH]
        for words in (wanted.head, wanted.rest, wanted.owner)
    ]
    groups = [group for group in hits if group]
    if not groups:
        return False, None
    free = wanted.form in _FREE
    tried = [[hit for group in groups for hit in group], *groups]
    if hits[2] and free:
        tried.remove(hits[2])  # what follows a name on its own line is part of the name
    names_end = max((hit.end for hit in hits[2]), default=0) if free else 0
    for placed in tried:
        end = max(hit.end for hit in placed)
        if free and names_end >= end:
            continue
        after = text[end:]
        colon = after.find(":")
        if colon > 0 and not after[colon + 1 : colon + 2].isdigit() and not is_blank(after[colon + 1 :]):
            after = after[colon + 1 :]
        if running and free:
            after = marked(after) or ""
        value = extract(wanted.form, after)
        if value is not None and wanted.form is Form.ANY and value.islower() and value.isalpha() and after[0] == " ":
            value = None  # the "due" of "Total due", the "point" of "Set point": more of the label
        if value is None and wanted.form in {Form.NUMBER, Form.PRICE, Form.WHEN}:
            value = extract(wanted.form, text[: min(hit.start for hit in placed)])
        if value is not None and wanted.form is Form.WHEN and not running:
            value = extract(Form.WHEN, text) or value
        if value is not None and not _repeats(value, wanted):
            return True, value
    return True, None


def _labels(spot: Spot, wanted: Wanted) -> bool:
    """Whether a line holds a word of what is asked for."""
    return any(find(word, spot.line.text).quality >= MATCH for word in (*wanted.head, *wanted.rest))


def _repeats(value: str, wanted: Wanted) -> bool:
    """Whether a text says only what the question says: "B-390" is no answer to a question about B-390."""
    return all(
        part.text.casefold() in STOP
        or any(
            alike(word, part.text) >= MATCH or (has_digit(part.text) and squashed(part.text) in squashed(word))
            for word in wanted.words
        )
        for part in tokens(value)
    )

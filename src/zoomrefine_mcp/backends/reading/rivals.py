"""Whose a text is: not the question's, where another name of the same kind reaches it at least as well."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zoomrefine_mcp.backends.reading.candidates import Candidate
from zoomrefine_mcp.backends.reading.hits import Hits
from zoomrefine_mcp.backends.reading.layout import TITLE, Spot, Spots, belongs, same_row
from zoomrefine_mcp.backends.reading.names import covered
from zoomrefine_mcp.backends.reading.wanted import Wanted, is_general
from zoomrefine_mcp.backends.reading.words import has_digit, shape

EVEN = 0.2
"""Of two names that reach a text within this of each other, the nearer one has it."""
ALIKE = (0.7, 1.4)
"""Names of one kind are printed within these ratios of one size."""


@dataclass(frozen=True, slots=True)
class Name:
    """A word of the name that a question is about, and what it could be taken for.

    Attributes:
        lines: The lines that hold the word.
        own: Those of them that hold most of the name, and least besides.
        others: The rest of them, and the lines with another name of its series ("U34" beside "U43").
    """

    lines: tuple[Spot, ...]
    own: tuple[Spot, ...]
    others: tuple[Spot, ...]


def names_of(words: Iterable[str], wanted: Wanted, hits: Hits) -> list[Name]:
    """Each of some words of what a question is about that stands in the lines."""
    return [_name(word, lines, wanted, hits) for word in words if (lines := hits.lines(word))]


def _name(word: str, lines: Sequence[Spot], wanted: Wanted, hits: Hits) -> Name:
    def fit(title: Spot) -> tuple[int, float]:
        return sum(title in hits.lines(one) for one in wanted.owner), round(covered(title, wanted), 2)

    fits = [fit(title) for title in lines]
    own = tuple(title for title, how in zip(lines, fits, strict=True) if how == max(fits))
    others = [title for title in lines if title not in own]
    if has_digit(word) and not word.isdigit():
        others += [one for one in hits.frame.spots if one not in lines and shape(word) in shape(one.line.text)]
    return Name(tuple(lines), own, tuple(others))


def is_anothers(found: Candidate, names: Iterable[Name], wanted: Wanted, hits: Hits) -> bool:
    """Whether a value belongs to another name than the question's.

    What is printed under "U34" says nothing of "U43"; in a table, where "Fernley" stands in the row of a value, under
    "Eastwick" in the column of names, it is Fernley's; and what has "Canteen" over it is not the archive's further up.

    Args:
        found: The value, and the lines that carry the question's words to it.
        names: The names in the question.
        wanted: The question.
        hits: Where its words stand.
    """
    spot = found.spot
    for name in names:
        if spot in name.lines:
            continue
        if is_nearer_to_another(spot, name, hits.frame.spots):
            return True
        if any(same_row(title, spot) for title in name.own):
            continue
        if all(_is_headed_by_another(spot, title, wanted, hits) for title in name.own):
            return True
        labelled = any(same_row(label, spot) for label in found.labels if label is not spot)
        if not labelled and any(_is_row_of_another(spot, title, wanted, hits) for title in name.own):
            return True
    return False


def is_nearer_to_another(spot: Spot, name: Name, spots: Spots) -> bool:
    """Whether a text is another name's of the series, or a namesake's with a word more.

    Args:
        spot: The text; it does not hold the name itself.
        name: The name in the question.
        spots: All lines.
    """
    in_row = any(same_row(title, spot) for title in name.own)
    others = [
        other for other in name.others
        if other is not spot and not (in_row and same_row(other, spot))  # a cell of the row: "feeds P-210"
    ]  # fmt: skip
    if not others:
        return False
    tie, near = max((belongs(title, spot, spots), -_apart(title, spot)) for title in name.own)
    reached = ((belongs(other, spot, spots), -_apart(other, spot)) for other in others)
    return any(other > tie or (other > tie - EVEN and nearer > near) for other, nearer in reached)


def _is_headed_by_another(spot: Spot, title: Spot, wanted: Wanted, hits: Hits) -> bool:
    """Whether another line like a title stands between the title and a text below it, over that text."""
    return title.tall >= TITLE * spot.tall and any(
        _is_another(one, title, wanted, hits)
        and title.bottom < one.middle < spot.top
        and one.left < spot.right
        and spot.left < one.right
        for one in hits.frame.spots
    )


def _is_row_of_another(spot: Spot, title: Spot, wanted: Wanted, hits: Hits) -> bool:
    """Whether another line like a title, in its column, heads the row of a text."""
    return any(
        _is_another(one, title, wanted, hits) and abs(one.left - title.left) < 0.5 * title.tall
        for one in hits.frame.spots.row(spot)
    )


def _is_another(one: Spot, title: Spot, wanted: Wanted, hits: Hits) -> bool:
    """Whether a line is another of a title's size, without a word of the question."""
    alike = one is not title and ALIKE[0] < one.tall / title.tall < ALIKE[1]
    return alike and not any(one in hits.lines(word) for word in wanted.words if not is_general(word))


def _apart(one: Spot, other: Spot) -> float:
    """How far apart two lines are, from middle to middle, in the units of the frame."""
    across = (one.left + one.right - other.left - other.right) / 2
    return math.hypot(across, one.middle - other.middle)

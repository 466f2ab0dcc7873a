"""Whose a text is: not the question's, where another name of the same kind reaches it at least as well."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zoomrefine_mcp.backends.reading.layout import Frame, Spot, belongs, same_row
from zoomrefine_mcp.backends.reading.names import covered
from zoomrefine_mcp.backends.reading.wanted import Wanted, is_general
from zoomrefine_mcp.backends.reading.words import MATCH, find, has_digit, shape

EVEN = 0.2
"""Of two names that reach a text within this of each other, the nearer one has it."""
TITLE = 1.25
"""A title is so many times as high as what it heads."""
ALIKE = (0.7, 1.4)
"""Names of one column are printed within these ratios of one size."""


def is_anothers(spot: Spot, labels: Sequence[Spot], wanted: Wanted, frame: Frame) -> bool:
    """Whether a value belongs to another name than the question's.

    What is printed under "U34" says nothing of "U43"; in a table, where "Fernley" stands in the row of a value, under
    "Eastwick" in the column of names, it is Fernley's; and what has "Canteen" over it is not the archive's further up.

    Args:
        spot: The line of the value.
        labels: The lines that carry the question's words to it.
        wanted: The question.
        frame: All lines.
    """
    for word in wanted.owner:
        titles = titles_of(word, frame)
        if not titles or spot in titles:
            continue
        if is_nearer_to_another(spot, word, titles, wanted, frame):
            return True
        own = _own(titles, wanted)
        if any(same_row(title, spot) for title in own):
            continue
        if all(_is_headed_by_another(spot, title, wanted, frame) for title in own):
            return True
        labelled = any(same_row(label, spot) for label in labels if label is not spot)
        if not labelled and any(_is_row_of_another(spot, title, wanted, frame) for title in own):
            return True
    return False


def titles_of(word: str, frame: Frame) -> list[Spot]:
    """The lines that hold a word."""
    return [spot for spot in frame.spots if find(word, spot.line.text).quality >= MATCH]


def is_nearer_to_another(spot: Spot, word: str, titles: Sequence[Spot], wanted: Wanted, frame: Frame) -> bool:
    """Whether a text is another name's of the series of ``word``, or of a namesake with a word more.

    Args:
        spot: The text.
        word: A word of the name that the question is about.
        titles: The lines that hold it.
        wanted: The question.
        frame: All lines.
    """
    own = _own(titles, wanted)
    others = [title for title in titles if title not in own]
    if has_digit(word) and not word.isdigit():
        others += [
            one for one in frame.spots if one not in titles and one is not spot and shape(word) in shape(one.line.text)
        ]
    if any(same_row(title, spot) for title in own):
        others = [other for other in others if not same_row(other, spot)]  # a cell of the row: "feeds P-210"
    if not others:
        return False
    tie, near = max((belongs(title, spot, frame.spots), -_apart(title, spot)) for title in own)
    reached = ((belongs(other, spot, frame.spots), -_apart(other, spot)) for other in others)
    return any(other > tie or (other > tie - EVEN and nearer > near) for other, nearer in reached)


def _is_headed_by_another(spot: Spot, title: Spot, wanted: Wanted, frame: Frame) -> bool:
    """Whether a line of a title's size stands between the title and a text below it, over that text."""
    return title.tall >= TITLE * spot.tall and any(
        ALIKE[0] < one.tall / title.tall < ALIKE[1]
        and title.bottom < one.middle < spot.top
        and one.left < spot.right
        and spot.left < one.right
        and not any(find(word, one.line.text).quality >= MATCH for word in wanted.words if not is_general(word))
        for one in frame.spots
    )


def _own(titles: Sequence[Spot], wanted: Wanted) -> list[Spot]:
    """The lines among those that hold a word of a name that hold most of it, and least besides."""
    fits = [
        (sum(find(word, title.line.text).quality >= MATCH for word in wanted.owner), round(covered(title, wanted), 2))
        for title in titles
    ]
    return [title for title, fit in zip(titles, fits, strict=True) if fit == max(fits)]


def _is_row_of_another(spot: Spot, title: Spot, wanted: Wanted, frame: Frame) -> bool:
    """Whether a line of a title's size, in its column, heads the row of a text."""
    return any(
        ALIKE[0] < one.tall / title.tall < ALIKE[1]
        and abs(one.left - title.left) < 0.5 * title.tall
        and one is not title
        and not any(find(word, one.line.text).quality >= MATCH for word in wanted.words if not is_general(word))
        for one in frame.spots.row(spot)
    )


def _apart(one: Spot, other: Spot) -> float:
    """How far apart two lines are, from middle to middle, in the units of the frame."""
    across = (one.left + one.right - other.left - other.right) / 2
    return math.hypot(across, one.middle - other.middle)

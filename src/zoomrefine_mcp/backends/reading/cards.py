"""Walls of like cards: titles in rows and columns, each of which stands for all of its card, however far off."""

from __future__ import annotations

from zoomrefine_mcp.backends.reading.layout import Card, Frame, Spot, aligned, overlap, same_row

LEAST_LIKE = 3
"""So many other titles in its row and column make a title one of a wall of cards ..."""
WIDEST, DEEPEST = 0.8, 0.4
"""... unless its card were larger than this, in shares of the picture's height."""

EVEN = 1.5
"""The next titles on both sides stand as far off as each other, up to this factor."""


def card_of(frame: Frame, title: Spot) -> Card | None:
    """The card of a title where its like stand around it in rows and columns; None where there is no such order.

    It reaches down to the next title, and as far to the sides as the row says: a title stands at the left or right
    end of its card, or in its middle, and the first and the last of a row stand so to the borders of the picture.
    """
    known = frame.cards
    if id(title) not in known:
        known[id(title)] = _card(frame, title)
    return known[id(title)]


def _card(frame: Frame, title: Spot) -> Card | None:
    like = [one for one in frame.spots if one is not title and 0.75 < one.tall / title.tall < 1.33]
    row = [one for one in like if same_row(one, title)]
    column = [
        one for one in like
        if aligned(one, title) and overlap((one.left, one.right), (title.left, title.right)) > 0.3
    ]  # fmt: skip
    after = min((one.left - title.right for one in row if one.left > title.right), default=None)
    before = min((title.left - one.right for one in row if one.right < title.left), default=None)
    below = min((one.top - title.bottom for one in column if one.top > title.bottom), default=None)
    above = min((title.top - one.bottom for one in column if one.bottom < title.top), default=None)
    rightward = after if after is not None else before
    down = below if below is not None else above
    if rightward is None or down is None or len(row) + len(column) < LEAST_LIKE:
        return None
    if not _even(before, after, title.right - title.left) or not _even(above, below, title.tall):
        return None
    leftward = before if before is not None else rightward
    first = min(one.left for one in (title, *row)) / leftward
    last = (frame.aspect - max(one.right for one in (title, *row))) / rightward
    sure = True
    if last < 0.4 and first > 0.6:
        rightward = 0.0
    elif first < 0.4 and last > 0.6:
        leftward = 0.0
    elif 0.3 < first < 0.9 and 0.3 < last < 0.9:
        leftward, rightward = 0.5 * leftward, 0.5 * rightward
    else:
        sure = False
    if title.right - title.left + leftward + rightward > WIDEST or not 3 * title.tall < down < DEEPEST:
        return None  # too large, or no card at all: the rows of a table
    slack = title.tall
    return Card(
        title.left - leftward - slack, title.top - slack, title.right + rightward + slack, title.bottom + down, sure
    )


def _even(one: float | None, other: float | None, size: float) -> bool:
    """Whether the distances to the neighbours on both sides are much the same, where there are both."""
    if one is None or other is None:
        return True
    return max(one, other) + size < EVEN * (min(one, other) + size)

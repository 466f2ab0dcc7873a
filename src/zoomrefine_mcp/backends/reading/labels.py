"""Which line that stands alone is the value of which label: forms, lists and tables told apart by where lines stand."""

from __future__ import annotations

import math

from zoomrefine_mcp.backends.reading.layout import Frame, Spot, aligned, beside, offset, overlap, under
from zoomrefine_mcp.backends.reading.wanted import Form
from zoomrefine_mcp.backends.reading.words import has_digit


def valued(frame: Frame, form: Form, label: Spot, value: Spot) -> float:
    """How surely a line that stands alone is the value of a label: beside it, under it, or in its column."""
    if value.tall > 1.7 * label.tall:
        return 0.0  # a value is hardly so much larger than its label: that is a title
    right = beside(label, value, frame.spots)
    if right:
        left = [
            spot for spot in frame.spots.row(value)
            if label.right <= spot.left and spot.right <= value.left + value.tall
        ]  # fmt: skip
        nearest = max(left, key=lambda spot: spot.right, default=None)
        named = nearest is not None and not any(char.isdigit() for char in nearest.line.text)
        return 0.45 if named and form is not Form.ANY and value.left - nearest.right < 8 * value.tall else right  # type: ignore[union-attr]
    below = under(label, value, frame.spots)
    if not below or is_header(label, value, frame):
        return below
    if label.tall >= 1.3 * value.tall:
        return below
    if any(has_digit(one.line.text) for one in _partners(label, frame)):
        return 0.0  # it has its value beside it
    if _partners(value, frame) or _has_sibling_values(label, frame):
        return 0.0
    gap = value.top - label.bottom
    following = [
        spot.top - value.bottom for spot in frame.spots
        if spot.top >= value.bottom - 0.3 * value.tall and _share_column(spot, value)
    ]  # fmt: skip
    preceding = [
        label.top - spot.bottom for spot in frame.spots
        if spot.bottom <= label.top + 0.3 * label.tall and _share_column(spot, label) and spot.tall < 1.3 * label.tall
    ]  # fmt: skip
    if any(gap > 0.85 * other for other in (min(following, default=math.inf), min(preceding, default=math.inf))):
        return 0.0  # as near to what precedes or follows: a line of a list, not a value under its label
    return below if gap <= 2.0 * max(label.tall, value.tall) else 0.0


def _share_column(one: Spot, other: Spot) -> bool:
    return overlap((one.left, one.right), (other.left, other.right)) > 0.3


def is_header(label: Spot, value: Spot, frame: Frame) -> bool:
    """Whether a line heads a column of a table in which the value stands: others in both rows, in the same columns."""
    if label.line.text.rstrip().endswith(":") or has_digit(label.line.text) or value.tall > 1.25 * label.tall:
        return False
    if not aligned(label, value) or _has_nearer_header(label, value, frame):
        return False
    row = frame.spots.row(value)
    to_left = min((value.left - spot.right for spot in row if spot.right <= value.left + value.tall), default=None)
    to_right = min((spot.left - value.right for spot in row if spot.left >= value.right - value.tall), default=None)
    if to_left is None or (to_right is not None and to_right < 0.4 * to_left):
        return False  # the first of its row, or nearer to what follows: a label itself
    return any(
        overlap((one.left, one.right), (other.left, other.right)) > 0.3 or abs(one.left - other.left) < 2 * one.tall
        for one in frame.spots.row(label)
        for other in row
    )


def _has_nearer_header(label: Spot, value: Spot, frame: Frame) -> bool:
    """Whether another line in the label's row stands more nearly above the value: the header of its own column."""
    mine = offset(label, value)
    return any(
        offset(other, value) < mine - 0.5 * value.tall
        for other in frame.spots.row(label)
        if 0.6 < other.tall / label.tall < 1.6
    )


def _partners(spot: Spot, frame: Frame) -> list[Spot]:
    """The lines to the right of one that may be its value."""
    return [other for other in frame.spots.row(spot) if 0 <= other.left - spot.right < 25 * spot.tall]


def _has_sibling_values(label: Spot, frame: Frame) -> bool:
    """Whether the labels above and below a label have their values to the right: then its own would stand there too."""
    siblings = [
        spot for spot in frame.spots
        if spot is not label and abs(spot.left - label.left) < 1.5 * label.tall
        and abs(spot.middle - label.middle) < 8 * label.tall and 0.75 < spot.tall / label.tall < 1.35
    ]  # fmt: skip
    return sum(bool(_partners(spot, frame)) for spot in siblings) >= max(1, len(siblings) // 2)

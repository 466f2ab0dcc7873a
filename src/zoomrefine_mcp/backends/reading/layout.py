"""Which text belongs to which: lines in a frame that is turned to the reading direction, and how they relate.

Lengths are shares of the original's height in both directions, so that a square is square. A frame is turned by the
angle of the text it is about (a plate that hangs askew reads like a straight one in its own frame).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self

from zoomrefine_mcp.backends.reading.lines import Line
from zoomrefine_mcp.backends.reading.prose import is_running
from zoomrefine_mcp.geometry import Box

STRAIGHT = math.radians(2.0)
"""Text that leans less than this is read as straight."""
TITLE = 1.25
"""A title is at least so many times as high as what it heads."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A line in a frame: its extent along and across the reading direction, and its capital height."""

    line: Line
    left: float
    top: float
    right: float
    bottom: float

    @property
    def tall(self) -> float:
        """Height of the capitals."""
        return self.line.capital_share

    @property
    def middle(self) -> float:
        """The height it stands at."""
        return (self.top + self.bottom) / 2


class Spots(tuple[Spot, ...]):  # noqa: SLOT001 - it remembers, so it has a __dict__
    """The lines of a frame, which remember how they lie to each other.

    A drawing has hundreds, and each pair is asked about several times.
    """

    _rows: dict[int, tuple[Spot, ...]]
    _titles: dict[int, list[tuple[float, Spot]]]
    _above: dict[int, Spot | None]
    _in_column: dict[int, bool]
    _in_header: dict[int, bool]
    _running: dict[int, bool]

    def __new__(cls, spots: Iterable[Spot]) -> Self:
        """The lines, and nothing remembered yet."""
        self = super().__new__(cls, spots)
        self._rows, self._titles, self._above = {}, {}, {}
        self._in_column, self._in_header, self._running = {}, {}, {}
        return self

    def row(self, spot: Spot) -> tuple[Spot, ...]:
        """The other lines at the height of one."""
        known = self._rows.get(id(spot))
        if known is None:
            known = self._rows[id(spot)] = tuple(one for one in self if one is not spot and same_row(one, spot))
        return known

    def titles(self, value: Spot) -> list[tuple[float, Spot]]:
        """The lines that are larger than a value, each with its distance to it, nearest first."""
        known = self._titles.get(id(value))
        if known is None:
            found = (
                (_distance(one, value), one) for one in self if one is not value and one.tall >= TITLE * value.tall
            )
            known = self._titles[id(value)] = sorted(found, key=lambda pair: pair[0])
        return known

    def running(self, spot: Spot) -> bool:
        """Whether a line is part of running text: a sentence by its words, or the next line of a paragraph."""
        if id(spot) not in self._running:
            self._running[id(spot)] = is_running(spot.line.text) or any(
                is_running(one.line.text)
                and abs(one.left - spot.left) < spot.tall
                and 0.8 < one.tall / spot.tall < 1.25
                and max(spot.top - one.bottom, one.top - spot.bottom) < 1.2 * spot.tall
                for one in self
                if one is not spot
            )
        return self._running[id(spot)]

    def above(self, spot: Spot) -> Spot | None:
        """The line that a line follows in its block: above the beginning of its row."""
        if id(spot) not in self._above:
            self._above[id(spot)] = _line_above(spot, self)
        return self._above[id(spot)]

    def in_column(self, label: Spot) -> bool:
        """Whether a label is one of a column of such labels, as in a table."""
        if id(label) not in self._in_column:
            self._in_column[id(label)] = _is_in_column(label, self)
        return self._in_column[id(label)]

    def in_header(self, header: Spot) -> bool:
        """Whether a line stands in an even row of such lines, as the headers of a table's columns do."""
        if id(header) not in self._in_header:
            self._in_header[id(header)] = _is_in_header(header, self)
        return self._in_header[id(header)]


class Card(NamedTuple):
    """What a title stands for, in a frame's lengths; ``sure`` where its sides are known, else it reaches too far."""

    left: float
    top: float
    right: float
    bottom: float
    sure: bool

    def holds(self, spot: Spot) -> bool:
        """Whether a line stands on the card."""
        across = self.left <= (spot.left + spot.right) / 2 <= self.right
        return across and self.top <= spot.middle <= self.bottom


class Frame:
    """Lines as seen along one reading direction.

    Args:
        lines: What was read. Unsure letters that stand alone (a bolt read as an "O") are left out.
        aspect: Width by height of the original.
        angle: The reading direction, in radians, clockwise on the picture.
    """

    def __init__(self, lines: Iterable[Line], aspect: float, angle: float = 0.0) -> None:
        self.aspect = aspect
        self.angle = angle
        self._cos, self._sin = math.cos(angle), math.sin(angle)
        self.cards: dict[int, Card | None] = {}
        self.spots = Spots(self._spot(line) for line in lines if line.score >= 0.8 or len(line.text) > 2)

    def box(self, left: float, top: float, right: float, bottom: float) -> Box | None:
        """A rectangle of this frame as the upright box around it on the original."""
        xs, ys = [], []
        for u, v in ((left, top), (right, top), (right, bottom), (left, bottom)):
            xs.append((u * self._cos - v * self._sin) / self.aspect)
            ys.append(u * self._sin + v * self._cos)
        return Box.clipped(min(xs), min(ys), max(xs), max(ys))

    def _spot(self, line: Line) -> Spot:
        us, vs = [], []
        for x, y in line.corners:
            x_square = x * self.aspect
            us.append(x_square * self._cos + y * self._sin)
            vs.append(-x_square * self._sin + y * self._cos)
        return Spot(line, min(us), min(vs), max(us), max(vs))


def lean(line: Line, aspect: float) -> float:
    """The angle of a line's own direction, in radians, clockwise; 0 for short text, whose corners say little."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = line.corners
    along_x, along_y = ((x1 - x0) + (x2 - x3)) / 2 * aspect, ((y1 - y0) + (y2 - y3)) / 2
    length = math.hypot(along_x, along_y)
    angle = math.atan2(along_y, along_x)
    return angle if length > 4 * line.capital_share and abs(angle) > STRAIGHT else 0.0


def overlap(one: tuple[float, float], other: tuple[float, float]) -> float:
    """How much of the shorter of two stretches lies on the other, 0..1."""
    common = min(one[1], other[1]) - max(one[0], other[0])
    shorter = min(one[1] - one[0], other[1] - other[0])
    return max(0.0, common / shorter) if shorter > 0 else 0.0


def same_row(one: Spot, other: Spot) -> bool:
    """Whether two lines stand at one height."""
    return overlap((one.top, one.bottom), (other.top, other.bottom)) >= 0.5


def beside(label: Spot, value: Spot, spots: Spots) -> float:
    """How surely ``value`` is what stands to the right of ``label``, 0..1: 1 next to it, less along a table's row.

    What stands far to the right of a large label, in the block of another one, is none of its business.
    """
    if label is value or not same_row(label, value) or value.left < label.right - label.tall:
        return 0.0
    if value.left - label.right > 10 * value.tall and label.tall >= TITLE * value.tall:
        away, tabular = _distance(label, value), spots.in_column(label)
        if any(
            spot is not label and spot.tall >= 0.8 * label.tall and spot.middle < value.top and distance < away
            and not (tabular and (abs(spot.left - label.left) < 1.5 * label.tall or spots.in_header(spot)))
            for distance, spot in spots.titles(value)
        ):  # fmt: skip
            return 0.2
        if not tabular:
            return 0.6  # far off, and no table: what stands below the label is meant more often
    between = sum(
        1 for spot in spots.row(value) if spot is not label
        and spot.left >= label.right - label.tall and spot.right <= value.left + value.tall
    )  # fmt: skip
    return 1.0 if between == 0 else 0.85


def _is_in_column(label: Spot, spots: Spots) -> bool:
    """Whether a label is one of a column of such labels, as in a table."""
    column = [
        spot for spot in spots
        if spot is not label and abs(spot.left - label.left) < 1.5 * label.tall and 0.8 < spot.tall / label.tall < 1.25
    ]  # fmt: skip
    return len(column) >= 2


def _is_in_header(header: Spot, spots: Spots) -> bool:
    """Whether a line stands in an even row of such lines, as the headers of a table's columns do."""
    row = [
        spot for spot in spots.row(header)
        if 0.6 < spot.tall / header.tall < 1.6
    ]  # fmt: skip
    return len(row) >= 2


def aligned(one: Spot, other: Spot) -> bool:
    """Whether two lines stand flush left, flush right or centred in one column; a little more slack far apart."""
    slack = 1.5 * max(one.tall, other.tall) + 0.03 * abs(one.middle - other.middle)
    return offset(one, other) <= slack


def offset(one: Spot, other: Spot) -> float:
    """How far two lines are from standing in one column, by the nearest of their left, right and middle."""
    centres = (one.left + one.right - other.left - other.right) / 2
    return min(abs(one.left - other.left), abs(one.right - other.right), abs(centres))


def under(label: Spot, value: Spot, spots: Spots) -> float:
    """How surely ``value`` stands under ``label`` as its value or in its column, 0..1."""
    if label is value or value.middle <= label.bottom - 0.2 * label.tall:
        return 0.0
    slack = 1.5 * max(label.tall, value.tall)
    common = overlap((label.left, label.right), (value.left, value.right))
    if common < 0.3 and abs(label.left - value.left) > slack:
        return 0.0
    gap = max(0.0, value.top - label.bottom)
    if gap <= 3.0 * max(label.tall, value.tall):
        return 0.95
    if not aligned(label, value):
        return 0.0  # far below, and in no column with it
    blocked = any(
        spot is not label and spot.tall >= max(0.8 * label.tall, 1.4 * value.tall)
        and label.bottom < spot.middle < value.top
        and overlap((spot.left, spot.right), (label.left, label.right)) > 0.3
        and sum(char.isalpha() for char in spot.line.text) >= 3  # the height of "12" alone says little
        for _, spot in spots.titles(value)
    )  # fmt: skip
    return 0.0 if blocked else max(0.7, 0.9 - 0.2 * gap)


def heads(title: Spot, value: Spot, spots: Spots) -> float:
    """How surely ``value`` belongs to the block that ``title`` names, 0..1: near it, and no other title nearer."""
    if title is value or title.tall < 0.85 * value.tall:
        return 0.0
    mine = _distance(title, value)
    reach = max(8.0 * title.tall, 0.16)
    if mine > 2 * reach:
        return 0.0
    if title.tall < TITLE * value.tall:
        return 0.75 if _follows(title, value, spots) else 0.0
    nearest = min(
        (distance for distance, spot in spots.titles(value) if spot is not title and spot.tall >= 0.8 * title.tall),
        default=math.inf,
    )
    strength = 0.85 if mine <= reach else 0.85 - 0.4 * (mine - reach) / reach
    return strength if mine <= nearest else 0.3 * strength


def in_section(title: Spot, value: Spot, spots: Spots) -> bool:
    """Whether a value stands in the part of a sheet that a large title heads, however far down.

    Titles of one row share the width among them; another large title below begins another part.
    """
    if value.top < title.bottom or title.tall < TITLE * value.tall:
        return False
    middle = (value.left + value.right) / 2

    def off(spot: Spot) -> float:
        return abs((spot.left + spot.right) / 2 - middle)

    row = [one for one in spots.row(title) if 0.75 < one.tall / title.tall < 1.33]
    below = [
        one for one in spots if title.bottom < one.middle < value.top and 0.8 < one.tall / title.tall < 1.33
        and off(one) < max(off(title), title.right - title.left)
    ]  # fmt: skip
    return not below and all(off(title) < off(one) for one in row)


def belongs(title: Spot, value: Spot, spots: Spots, *, cell: bool = True) -> float:
    """How surely a value belongs to what a line names, in whichever way, 0..1.

    Args:
        title: The line that names something.
        value: The line that holds the value.
        spots: All lines.
        cell: Whether the value may be a cell of the column that the title heads, however far below. A line that has
            a label of its own is none.
    """
    below = under(title, value, spots) if cell or value.top - title.bottom <= 3.0 * title.tall else 0.0
    return max(beside(title, value, spots), 0.9 * below, heads(title, value, spots))


def _follows(title: Spot, value: Spot, spots: Spots) -> bool:
    """Whether lines lead up from a value to a title of no larger size, as in one paragraph or on one plate.

    The title stands above the first line, or to the left of it, as on a card with its name in a column of its own.
    """
    reached: Spot | None = value
    for _ in range(12):
        reached = spots.above(reached) if reached is not None else None
        if reached is None or reached is title:
            return reached is title
        if 0 <= reached.left - title.right < 6 * title.tall and same_row(title, reached):
            return True
    return False


def _line_above(spot: Spot, spots: Spots) -> Spot | None:
    leftmost = min(
        (
            one
            for one in spots.row(spot)
            if one.right <= spot.left + spot.tall and spot.left - one.right < 12 * spot.tall
        ),
        key=lambda one: one.left,
        default=spot,
    )
    above = [
        one for one in spots
        if one.middle < min(spot.top, leftmost.top) + 0.2 * spot.tall
        and leftmost.top - one.bottom < 2.2 * max(spot.tall, one.tall)
        and overlap((one.left, one.right), (leftmost.left, max(leftmost.right, spot.right))) > 0.2
    ]  # fmt: skip
    return max(above, key=lambda one: one.bottom, default=None)


def _distance(title: Spot, value: Spot) -> float:
    """From a title to what it heads: text stands below or right of its title, and above is three times as far."""
    down = max(0.0, value.top - title.bottom)
    up = max(0.0, title.top - value.bottom)
    aside = max(0.0, value.left - title.right, title.left - value.right)
    return math.hypot(down + 3 * up, aside)

"""Sizes and boxes: pure functions on numbers, no picture in sight.

One convention inside the package: a ``Box`` is normalized xyxy on the *upright original* (x to the right, y down,
0..1 of its width and height). Pixels appear at the edges only, as ``PixelBox`` with the ``Size`` they refer to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels, each at least 1."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a size needs at least one pixel a side, not {self.width} x {self.height}")

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def long_edge(self) -> int:
        """The longer of the two sides."""
        return max(self.width, self.height)

    @property
    def short_edge(self) -> int:
        """The shorter of the two sides."""
        return min(self.width, self.height)

    def scaled(self, factor: float) -> Size:
        """The size times ``factor``, rounded half up, at least one pixel a side.

        >>> Size(7680, 4320).scaled(0.1)
        Size(width=768, height=432)
        """
        return Size(max(1, math.floor(self.width * factor + 0.5)), max(1, math.floor(self.height * factor + 0.5)))

    def within_edge(self, edge: int) -> Size:
        """The largest size of this aspect ratio with both sides at most ``edge``; never larger than it is.

        >>> Size(7680, 4320).within_edge(1568)
        Size(width=1568, height=882)
        """
        return self if self.long_edge <= edge else self.scaled(edge / self.long_edge)

    def scale_of(self, original: Size) -> float:
        """Pixels of this for each one of ``original``, along the longer edge, where rounding to pixels says least.

        >>> Size(1456, 819).scale_of(Size(7680, 4320))
        0.18958333333333333
        """
        return self.long_edge / original.long_edge

    def __str__(self) -> str:
        return f"{self.width} x {self.height}"


@dataclass(frozen=True, slots=True)
class PixelBox:
    """Whole pixels, ``right`` and ``bottom`` exclusive: ``picture[top:bottom, left:right]``."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> Size:
        """Width and height of the box.

        Raises:
            ValueError: The box is empty.
        """
        return Size(self.right - self.left, self.bottom - self.top)

    def as_list(self) -> list[int]:
        """``[left, top, right, bottom]``."""
        return [self.left, self.top, self.right, self.bottom]


@dataclass(frozen=True, slots=True)
class Box:
    """A normalized box on the upright original: ``0 <= x0 < x1 <= 1`` and ``0 <= y0 < y1 <= 1``.

    Raises:
        ValueError: Out of range, empty, or not a number. ``Box.clipped`` mends what can be mended.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.x0 < self.x1 <= 1.0 and 0.0 <= self.y0 < self.y1 <= 1.0):
            raise ValueError(f"not a normalized box: {self.x0}, {self.y0}, {self.x1}, {self.y1}")

    @classmethod
    def full(cls) -> Self:
        """The whole picture."""
        return cls(0.0, 0.0, 1.0, 1.0)

    @classmethod
    def clipped(cls, x0: float, y0: float, x1: float, y1: float) -> Self | None:
        """The part of a box that lies on the picture; None when nothing does (or a value is not finite).

        >>> Box.clipped(-0.1, 0.5, 0.2, 1.5)
        Box(x0=0.0, y0=0.5, x1=0.2, y1=1.0)
        """
        if not all(map(math.isfinite, (x0, y0, x1, y1))):
            return None
        x0, y0, x1, y1 = max(0.0, x0), max(0.0, y0), min(1.0, x1), min(1.0, y1)
        return cls(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    @classmethod
    def from_pixels(cls, box: PixelBox, size: Size) -> Self:
        """The normalized form of whole pixels on a picture of ``size``.

        Raises:
            ValueError: The pixels are empty or lie outside the picture.
        """
        return cls(box.left / size.width, box.top / size.height, box.right / size.width, box.bottom / size.height)

    @property
    def width(self) -> float:
        """Share of the picture's width."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Share of the picture's height."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Share of the picture's area."""
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        """The middle of the box, normalized."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def to_pixels(self, size: Size) -> PixelBox:
        """The whole pixels that the box touches on a picture of ``size`` (rounded outward, at least one each way).

        A value within 1e-6 of a pixel edge counts as on it, so that pixels -> Box -> pixels is exact.

        >>> Box(0.5, 0.5, 1.0, 1.0).to_pixels(Size(101, 101))
        PixelBox(left=50, top=50, right=101, bottom=101)
        """
        left = min(math.floor(self.x0 * size.width + 1e-6), size.width - 1)
        top = min(math.floor(self.y0 * size.height + 1e-6), size.height - 1)
        right = max(left + 1, min(size.width, math.ceil(self.x1 * size.width - 1e-6)))
        bottom = max(top + 1, min(size.height, math.ceil(self.y1 * size.height - 1e-6)))
        return PixelBox(left, top, right, bottom)

    def grown(self, dx: float, dy: float) -> Box:
        """The box grown by ``dx`` and ``dy`` of the picture on each side, clipped.

        >>> Box(0.5, 0.5, 0.6, 0.6).grown(0.1, 0.1)
        Box(x0=0.4, y0=0.4, x1=0.7, y1=0.7)
        """
        return Box(
            max(0.0, round(self.x0 - dx, 12)),
            max(0.0, round(self.y0 - dy, 12)),
            min(1.0, round(self.x1 + dx, 12)),
            min(1.0, round(self.y1 + dy, 12)),
        )

    def at_least(self, width: float, height: float) -> Box:
        """The box widened about its centre to at least these shares, shifted at the edges to keep its size.

        >>> Box(0.0, 0.4, 0.1, 0.6).at_least(0.5, 0.1)
        Box(x0=0.0, y0=0.4, x1=0.5, y1=0.6)
        """
        x0, x1 = _widened(self.x0, self.x1, width)
        y0, y1 = _widened(self.y0, self.y1, height)
        return Box(x0, y0, x1, y1)

    def union(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def intersection(self, other: Box) -> Box | None:
        """What both share; None when they do not overlap."""
        return Box.clipped(
            max(self.x0, other.x0), max(self.y0, other.y0), min(self.x1, other.x1), min(self.y1, other.y1)
        )

    def contains(self, other: Box) -> bool:
        """Whether ``other`` lies inside (edges included)."""
        return self.x0 <= other.x0 and self.y0 <= other.y0 and self.x1 >= other.x1 and self.y1 >= other.y1

    def compose(self, inner: Box) -> Box:
        """``inner``, measured on a crop that shows this box, as a box on the original.

        >>> Box(0.5, 0.5, 1.0, 1.0).compose(Box(0.0, 0.5, 0.5, 1.0))
        Box(x0=0.5, y0=0.75, x1=0.75, y1=1.0)
        """
        return Box(
            min(1.0, self.x0 + inner.x0 * self.width),
            min(1.0, self.y0 + inner.y0 * self.height),
            min(1.0, self.x0 + inner.x1 * self.width),
            min(1.0, self.y0 + inner.y1 * self.height),
        )

    def covered_by(self, boxes: Iterable[Box]) -> float:
        """The share of this box, 0 to 1, that lies in any of ``boxes``; where they overlap counts once.

        >>> Box(0.0, 0.0, 1.0, 1.0).covered_by([Box(0.0, 0.0, 0.5, 1.0), Box(0.25, 0.0, 0.75, 1.0)])
        0.75
        """
        parts = [part for box in boxes if (part := self.intersection(box)) is not None]
        columns = sorted({x for part in parts for x in (part.x0, part.x1)})
        area = 0.0
        for left, right in pairwise(columns):
            end = -math.inf
            for part in sorted((one for one in parts if one.x0 <= left and one.x1 >= right), key=lambda one: one.y0):
                area += (right - left) * max(0.0, part.y1 - max(end, part.y0))
                end = max(end, part.y1)
        return min(1.0, area / self.area)

    def likeness(self, other: Box) -> float:
        """What both share of what either covers, 0 to 1.

        >>> Box(0.0, 0.0, 1.0, 1.0).likeness(Box(0.0, 0.0, 0.5, 1.0))
        0.5
        """
        shared = self.intersection(other)
        return shared.area / (self.area + other.area - shared.area) if shared else 0.0

    def shared(self, other: Box) -> float:
        """What both share of the smaller one, 0 to 1: a place may be larger than a tile, or smaller.

        >>> Box(0.0, 0.0, 1.0, 1.0).shared(Box(0.5, 0.0, 1.0, 1.0))
        1.0
        """
        return max(self.covered_by([other]), other.covered_by([self]))

    def cells(self, columns: int, rows: int) -> list[Box]:
        """The box cut into a grid of equal cells, row by row.

        >>> [cell.as_list() for cell in Box.full().cells(2, 1)]
        [[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]]
        """
        xs = [self.x0 + self.width * column / columns for column in range(columns)] + [self.x1]
        ys = [self.y0 + self.height * row / rows for row in range(rows)] + [self.y1]
        return [Box(left, top, right, bottom) for top, bottom in pairwise(ys) for left, right in pairwise(xs)]

    def as_list(self) -> list[float]:
        """``[x0, y0, x1, y1]`` rounded to 6 places (finer than a pixel of any picture we read)."""
        return [round(value, 6) for value in (self.x0, self.y0, self.x1, self.y1)]


def _widened(low: float, high: float, wanted: float) -> tuple[float, float]:
    wanted = min(1.0, wanted)
    if high - low >= wanted:
        return low, high
    start = min(max(0.0, (low + high - wanted) / 2), 1.0 - wanted)
    return start, min(1.0, start + wanted)

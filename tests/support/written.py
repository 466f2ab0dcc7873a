"""A text reader that sees what a test says is written on a picture, as sharply as the picture it is given shows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from zoomrefine_mcp.backends.reading.engine import Corners, Found
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.pictures import Fit, Picture

ORIGINAL = Size(8000, 4000)
LEGIBLE_PX = 5.0


@dataclass(frozen=True, slots=True)
class Written:
    """Text on the original: where its capitals begin, how high they are (pixels), and how far the line leans."""

    text: str
    left: float
    top: float
    capital: float
    lean: float = 0.0
    score: float = 0.99


class WrittenReader:
    """Reads ``Written`` lines off pictures made by ``picture``. Text below 5 px of capital height is not seen."""

    def __init__(self, *lines: Written) -> None:
        self.lines = lines
        self.reads = 0

    def read(self, data: bytes, part: PixelBox | None = None, scale: float = 1.0) -> tuple[Found, ...]:
        self.reads += 1
        width, height, *shows = (float(number) for number in data.decode().split())
        box, found = Box(*shows), []
        zoom = width / (box.width * ORIGINAL.width)
        for line in self.lines:
            if line.capital * zoom < LEGIBLE_PX:
                continue
            corners = _corners(line, zoom, box)
            limits = (part.left, part.top, part.right, part.bottom) if part else (0, 0, width, height)
            xs, ys = [x for x, _ in corners], [y for _, y in corners]
            if min(xs) >= limits[0] and min(ys) >= limits[1] and max(xs) <= limits[2] and max(ys) <= limits[3]:
                found.append(Found(line.text, line.score, corners))
        return tuple(found)


def picture(shows: Box | None = None, edge: int = 1600) -> Picture:
    """A picture of a part of the original, with a long edge of ``edge`` pixels; its bytes say what it shows."""
    shows = shows or Box.full()
    cut = shows.to_pixels(ORIGINAL).size
    size = cut.scaled(edge / cut.long_edge)
    words = " ".join(str(number) for number in (size.width, size.height, *shows.as_list()))
    return Picture(words.encode(), "image/test", size, shows)


def _corners(line: Written, zoom: float, box: Box) -> Corners:
    letters = sum(0.4 if char in " .,:;'|!iljI()-" else 1.2 if char.isupper() else 0.95 for char in line.text)
    width, height = letters * line.capital, line.capital * 1.25 + 3 / zoom  # as RapidOCR's boxes are
    x, y = line.left, line.top - 0.15 * line.capital
    cos, sin = math.cos(line.lean), math.sin(line.lean)
    turned = [
        (x + u * cos - v * sin, y + u * sin + v * cos) for u, v in ((0, 0), (width, 0), (width, height), (0, height))
    ]
    placed = [((px - box.x0 * ORIGINAL.width) * zoom, (py - box.y0 * ORIGINAL.height) * zoom) for px, py in turned]
    return placed[0], placed[1], placed[2], placed[3]


class WrittenSource:
    """An open picture of ``ORIGINAL`` size whose renderings a ``WrittenReader`` reads."""

    size = ORIGINAL
    path = "written.png"
    page = pages = 1
    readable = 0.75
    parts = (Box.full(),)

    async def detail(self, boxes: Sequence[Box]) -> tuple[float, ...]:
        return tuple(1.0 for _ in boxes)

    async def render(self, region: Box, fit: Fit) -> Picture:
        shows = Box.from_pixels(region.to_pixels(ORIGINAL), ORIGINAL)
        words = " ".join(str(number) for number in (fit.size.width, fit.size.height, *shows.as_list()))
        return Picture(words.encode(), "image/test", fit.size, shows)

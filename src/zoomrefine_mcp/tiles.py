"""The picture in tiles, to be searched or counted over: how many, of what, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import ceil, sqrt
from typing import Any

from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.cuts import CROP_FLOOR, HELD, PADDING, Cut, as_seen, grids, padded
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.records import Stage

NEARLY = 1.05
"""A grid of longer tiles has to show this many times the scale: strips are what models see worst."""
SEARCHED = 0.995
"""From this share on, everything was seen at a readable scale."""


def tiles(bench: Bench[Any], part: Box, scale: float, stage: Stage) -> list[Cut]:
    """Disjoint tiles of a part, as few as show it at ``scale`` or more."""
    size = part.to_pixels(bench.size).size
    columns = rows = 1
    while True:
        cell = Size(ceil(size.width / columns), ceil(size.height / rows))
        if bench.fit(stage, cell).size.long_edge >= scale * cell.long_edge or cell.long_edge <= CROP_FLOOR.height:
            break
        if cell.width >= cell.height:
            columns += 1
        else:
            rows += 1
    return [as_seen(bench, box, stage) for box in part.cells(columns, rows)]


def few_tiles(bench: Bench[Any], within: Box, most: int, stage: Stage) -> list[Cut]:
    """A box in at most so many tiles, along the seams of the picture's parts, at the best scale that they can show."""
    best: list[Cut] = []
    scale = 0.0
    for columns, rows in grids(within.to_pixels(bench.size).size, most):
        cells = list(dict.fromkeys(_along(box, bench.parts) for box in within.cells(columns, rows)))
        cuts = [as_seen(bench, cell, stage) for cell in cells]
        shown = min(cut.scale(bench.size) for cut in cuts)
        if shown > NEARLY * scale:
            best, scale = cuts, shown
    return best


def unseen_tiles(bench: Bench[Any]) -> dict[Cut, float]:
    """The tiles of all parts at a readable scale that were not yet seen at one, each with the share that was."""
    fine = [cut for part in bench.parts for cut in tiles(bench, part, bench.readable, Stage.SCAN)]
    read = bench.shown_readably()
    return {cut: seen for cut in fine if (seen := cut.box.covered_by(read)) < SEARCHED}


async def in_order_of_promise(bench: Bench[Any], unseen: dict[Cut, float], likely: Sequence[Box]) -> list[Cut]:
    """Unseen tiles, first those in likely places, busy ones before blank ones; what was seen for the most part last.

    Raises:
        ImageDamaged: The file cannot be decoded (any more).
    """
    detail = dict(zip(unseen, await bench.detail([cut.box for cut in unseen]), strict=True))
    hopes = {cut: max((box.shared(cut.box) for box in likely), default=0.0) for cut in unseen}
    return sorted(unseen, key=lambda cut: (unseen[cut] >= HELD, hopes[cut] < HELD / 2, -detail[cut]))


def areas_to_count(bench: Bench[Any], boxes: Sequence[Box]) -> list[Box]:
    """What is counted over: what is about the boxes, and where nothing is there everything, which is not done twice."""
    about = [padded(reduce(Box.union, boxes), PADDING, CROP_FLOOR, bench.size)] if boxes else []
    return [*(area for area in about if area.area < SEARCHED), Box.full()]


def tiles_to_count(bench: Bench[Any], area: Box, most: int) -> list[Cut]:
    """Disjoint tiles of an area in which things are counted.

    They show it at a readable scale, or at the best that so many tiles show all of it at.
    """
    scale = bench.readable
    cuts = tiles(bench, area, scale, Stage.COUNT)
    while len(cuts) > max(1, most):
        scale *= min(0.95, sqrt(max(1, most) / len(cuts)))
        cuts = tiles(bench, area, scale, Stage.COUNT)
    return cuts


def _along(cell: Box, parts: Sequence[Box]) -> Box:
    """The cell with each side moved to the nearest seam between parts, where it is larger than they are."""
    largest = max(parts, key=lambda part: part.width * part.height)
    if len(parts) == 1 or cell.width * cell.height < largest.width * largest.height:
        return cell
    xs = [0.0, 1.0, *(x for part in parts for x in (part.x0, part.x1))]
    ys = [0.0, 1.0, *(y for part in parts for y in (part.y0, part.y1))]
    x0, x1 = (min(xs, key=lambda seam: abs(seam - x)) for x in (cell.x0, cell.x1))
    y0, y1 = (min(ys, key=lambda seam: abs(seam - y)) for y in (cell.y0, cell.y1))
    return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else cell

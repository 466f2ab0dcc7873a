"""Which part of the original is cut, and at which size, so that the model sees the most of it: crops, tiles, parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil, log, sqrt
from typing import Any

from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Fit
from zoomrefine_mcp.records import Stage

PADDING = 0.25
"""A box is grown by this share of its own size on every side ..."""
LESS_PADDING = (0.1, 0.05)
"""... or by less, where the model would not see that much at native resolution; a model's box is never exact."""
CROP_FLOOR = Size(560, 420)
"""... and to at least so many original pixels: measured to read all of 46 questions on real pictures."""
MOST_PARTS = 4
"""A region that one picture does not show at a readable scale is cut into so many, or shown reduced."""
OVERLAP = 0.04
"""Parts of a region reach over their seams by this share of their size, so that a word on a seam is whole once."""
NEARLY = 1.05
"""A grid of longer tiles has to show this many times the scale: strips are what models see worst."""
MOST_ENLARGED = 4.0
"""Nothing is enlarged by more: there is no more to see."""
HELD = 0.8
"""A region counts as shown by a picture that holds this share of it."""
SEARCHED = 0.995
"""From this share on, everything was seen at a readable scale."""
SHARPEN_SHARE = 0.25
"""A crop that sharpens a box holds at least this share of each side of what the box was pointed at in ..."""
SHARPEN_EDGE = 768
"""... and at least this many original pixels (a composition that GUI grounding is measured with)."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of the original, and how it is rendered."""

    box: Box
    fit: Fit

    def scale(self, size: Size) -> float:
        """Pixels shown for each one of an original of ``size``."""
        return self.fit.size.scale_of(self.box.to_pixels(size).size)


def crop_for_eye(bench: Bench[Any], region: Box, floor: Size = CROP_FLOOR) -> Cut:
    """The crop about a region, at the size at which the model sees the most of it.

    The region is grown by a share of its own size and to a floor in pixels. Where the model would not see all of
    that at native resolution, the padding gives way first. A small crop is brought up to ``profile.enlarge_to``.
    """
    size = bench.size
    for padding in (PADDING, *LESS_PADDING):
        box = snapped(_padded(region, padding, floor, size), size)
        cut = box.to_pixels(size).size
        fit = bench.fit(Stage.REFINE, _enlarged(cut, bench))
        if fit.size.width >= cut.width and fit.size.height >= cut.height:
            break
    return Cut(box, fit)


def crops_for(bench: Bench[Any], region: Box, most: int, floor: Size = CROP_FLOOR) -> list[Cut]:
    """The crops that show a region at a readable scale, or one that shows it reduced, to be narrowed by the next look.

    Args:
        bench: Knows the picture and the model's eye.
        region: On the upright original.
        most: How many there may be.
        floor: A crop's least size in original pixels.
    """
    whole = crop_for_eye(bench, region, floor)
    if whole.scale(bench.size) >= bench.readable:
        return [whole]
    for columns, rows in _grids(whole.box.to_pixels(bench.size).size, min(most, MOST_PARTS)):
        cells = [_overlapping(cell, whole.box, bench.size) for cell in whole.box.cells(columns, rows)]
        cuts = [_as_seen(bench, cell, Stage.REFINE) for cell in cells]
        if min(cut.scale(bench.size) for cut in cuts) >= bench.readable:
            return cuts
    return [whole]


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
    return [_as_seen(bench, box, stage) for box in part.cells(columns, rows)]


def few_tiles(bench: Bench[Any], within: Box, most: int, stage: Stage) -> list[Cut]:
    """A box in at most so many tiles, along the seams of the picture's parts, at the best scale that they can show."""
    best: list[Cut] = []
    scale = 0.0
    for columns, rows in _grids(within.to_pixels(bench.size).size, most):
        cells = list(dict.fromkeys(_along(box, bench.parts) for box in within.cells(columns, rows)))
        cuts = [_as_seen(bench, cell, stage) for cell in cells]
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
    hopes = {cut: max((shared(box, cut.box) for box in likely), default=0.0) for cut in unseen}
    return sorted(unseen, key=lambda cut: (unseen[cut] >= HELD, hopes[cut] < HELD / 2, -detail[cut]))


def tiles_to_count(bench: Bench[Any], boxes: Sequence[Box], most: int) -> list[Cut]:
    """Disjoint tiles about boxes, or of everything where there are none, in which things are counted.

    They show it at a readable scale, or at the best that so many tiles show all of it at.
    """
    area = Box.full()
    if boxes:
        area = _padded(reduce(Box.union, boxes), PADDING, CROP_FLOOR, bench.size)
    scale = bench.readable
    cuts = tiles(bench, area, scale, Stage.COUNT)
    while len(cuts) > max(1, most):
        scale *= min(0.95, sqrt(max(1, most) / len(cuts)))
        cuts = tiles(bench, area, scale, Stage.COUNT)
    return cuts


def crop_that_sharpens(bench: Bench[Any], box: Box, within: Box) -> Cut:
    """The crop about a box: a quarter of each side of what it was pointed at in, shifted rather than clipped."""
    size = bench.size
    around = box.grown(box.width * PADDING, box.height * PADDING).at_least(
        max(SHARPEN_SHARE * within.width, SHARPEN_EDGE / size.width),
        max(SHARPEN_SHARE * within.height, SHARPEN_EDGE / size.height),
    )
    return _as_seen(bench, around, Stage.SHARPEN)


def snapped(box: Box, size: Size) -> Box:
    """The box in whole pixels of the original."""
    return Box.from_pixels(box.to_pixels(size), size)


def holds(picture: Box, region: Box, share: float = HELD) -> bool:
    """Whether a picture shows a region."""
    return region.covered_by([picture]) >= share


def shared(box: Box, other: Box) -> float:
    """How much of the smaller one both share: a place may be larger than a tile, or smaller."""
    return max(box.covered_by([other]), other.covered_by([box]))


def _padded(region: Box, padding: float, floor: Size, size: Size) -> Box:
    grown = region.grown(region.width * padding, region.height * padding)
    return grown.at_least(floor.width / size.width, floor.height / size.height)


def _enlarged(cut: Size, bench: Bench[Any]) -> Size:
    """The size at which a small cut is sent."""
    edge = min(bench.info.profile.enlarge_to, MOST_ENLARGED * cut.long_edge)
    return cut if cut.long_edge >= edge else cut.scaled(edge / cut.long_edge)


def _as_seen(bench: Bench[Any], box: Box, stage: Stage) -> Cut:
    box = snapped(box, bench.size)
    return Cut(box, bench.fit(stage, _enlarged(box.to_pixels(bench.size).size, bench)))


def _grids(size: Size, most: int) -> Iterator[tuple[int, int]]:
    """Columns and rows of up to ``most`` cells, fewest cells first, of as many those whose cells are squarest."""

    def length(grid: tuple[int, int]) -> float:
        columns, rows = grid
        return abs(log(size.width * rows / (size.height * columns)))

    for number in range(2, most + 1):
        grids = [(columns, number // columns) for columns in range(1, number + 1) if number % columns == 0]
        yield from sorted(grids, key=length)


def _overlapping(cell: Box, within: Box, size: Size) -> Box:
    grown = cell.grown(cell.width * OVERLAP, cell.height * OVERLAP)
    return snapped(grown.intersection(within) or cell, size)


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

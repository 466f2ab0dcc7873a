"""Which part of the original is cut for a region, and at which size, so that the model sees the most of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log
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
MOST_ENLARGED = 4.0
"""Nothing is enlarged by more: there is no more to see."""
HELD = 0.8
"""A region counts as shown by a picture that holds this share of it."""
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
        box = snapped(padded(region, padding, floor, size), size)
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
    for columns, rows in grids(whole.box.to_pixels(bench.size).size, min(most, MOST_PARTS)):
        cells = [_overlapping(cell, whole.box, bench.size) for cell in whole.box.cells(columns, rows)]
        cuts = [as_seen(bench, cell, Stage.REFINE) for cell in cells]
        if min(cut.scale(bench.size) for cut in cuts) >= bench.readable:
            return cuts
    return [whole]


def crop_that_sharpens(bench: Bench[Any], box: Box, within: Box) -> Cut:
    """The crop about a box: a quarter of each side of what it was pointed at in, shifted rather than clipped."""
    size = bench.size
    around = box.grown(box.width * PADDING, box.height * PADDING).at_least(
        max(SHARPEN_SHARE * within.width, SHARPEN_EDGE / size.width),
        max(SHARPEN_SHARE * within.height, SHARPEN_EDGE / size.height),
    )
    return as_seen(bench, around, Stage.SHARPEN)


def snapped(box: Box, size: Size) -> Box:
    """The box in whole pixels of the original."""
    return Box.from_pixels(box.to_pixels(size), size)


def holds(picture: Box, region: Box, share: float = HELD) -> bool:
    """Whether a picture shows a region."""
    return region.covered_by([picture]) >= share


def padded(region: Box, padding: float, floor: Size, size: Size) -> Box:
    """A region grown by a share of its own size, and to a floor in pixels of an original of ``size``."""
    grown = region.grown(region.width * padding, region.height * padding)
    return grown.at_least(floor.width / size.width, floor.height / size.height)


def _enlarged(cut: Size, bench: Bench[Any]) -> Size:
    """The size at which a small cut is sent."""
    edge = min(bench.info.profile.enlarge_to, MOST_ENLARGED * cut.long_edge)
    return cut if cut.long_edge >= edge else cut.scaled(edge / cut.long_edge)


def as_seen(bench: Bench[Any], box: Box, stage: Stage) -> Cut:
    """A part in whole pixels, at the size at which the model sees the most of it."""
    box = snapped(box, bench.size)
    return Cut(box, bench.fit(stage, _enlarged(box.to_pixels(bench.size).size, bench)))


def grids(size: Size, most: int) -> Iterator[tuple[int, int]]:
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

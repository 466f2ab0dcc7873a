"""Things that are boxed in tiles, each of them once: the two halves of what a border cuts are one thing.

Every tile is asked for the things that its edge cuts too. Two boxes that meet at a border between tiles, along most of
the shorter one's side, are the halves of one; two of one tile that lie on each other are one that was named twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.records import Region

AT_BORDER = 0.005
"""A box reaches a border that it ends within this share of a tile of ..."""
ABOUT = 0.1
"""... and this share of its own side: a model's boxes are never exact."""
SAME_THING = 0.5
"""Two boxes of one tile that share so much of the smaller one are one thing named twice; so are two halves whose
sides meet along so much of the shorter."""
IN_TILE = 0.9
"""A box lies in the tile that holds more than this share of it: what it was boxed in, up to rounding."""

_Span = tuple[float, float]


def in_tiles(regions: Sequence[Region], tiles: Sequence[Box]) -> list[tuple[Region, Box]]:
    """The regions that lie in one of the tiles, each with that tile; boxes on other pictures are left out."""
    held = [(region, [tile for tile in tiles if region.box.covered_by([tile]) > IN_TILE]) for region in regions]
    return [(region, among[0]) for region, among in held if among]


def joined(found: Sequence[tuple[Region, Box]]) -> list[Region]:
    """The things that boxes in tiles stand for: halves that meet at a border joined, what is named twice once.

    Args:
        found: A box, and the tile that it was found in.
    """
    things: list[list[tuple[Region, Box]]] = []
    for one in found:
        same = [thing for thing in things if any(_is_same(one, other) for other in thing)]
        things = [thing for thing in things if thing not in same] + [[one, *(other for t in same for other in t)]]
    return [replace(thing[0][0], box=reduce(Box.union, (region.box for region, _ in thing))) for thing in things]


def _is_same(one: tuple[Region, Box], other: tuple[Region, Box]) -> bool:
    (a, tile), (b, next_tile) = (one[0].box, one[1]), (other[0].box, other[1])
    if tile == next_tile:
        return a.shared(b) >= SAME_THING
    across = _join((a.x0, a.x1), (b.x0, b.x1), (tile.x0, tile.x1), (next_tile.x0, next_tile.x1))
    down = _join((a.y0, a.y1), (b.y0, b.y1), (tile.y0, tile.y1), (next_tile.y0, next_tile.y1))
    return (across and _along(a.y0, a.y1, b.y0, b.y1)) or (down and _along(a.x0, a.x1, b.x0, b.x1))


def _join(one: _Span, other: _Span, tile: _Span, next_tile: _Span) -> bool:
    """Whether one ends at the border at which the other begins; tiles in whole pixels overlap by one."""
    if one[0] > other[0]:
        one, other, tile, next_tile = other, one, next_tile, tile
    border = AT_BORDER * (tile[1] - tile[0])
    near = border + ABOUT * min(one[1] - one[0], other[1] - other[0])
    return (
        abs(tile[1] - next_tile[0]) <= border and abs(one[1] - tile[1]) <= near and abs(other[0] - next_tile[0]) <= near
    )


def _along(low: float, high: float, other_low: float, other_high: float) -> bool:
    shared = min(high, other_high) - max(low, other_low)
    return shared >= SAME_THING * min(high - low, other_high - other_low)

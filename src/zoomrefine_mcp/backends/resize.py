"""How the processors of the model families resize a picture: pure functions from a size to a size.

Each is a fixed point of itself: a picture rendered at the size that comes out is left as it is by the processor, so
the pixels that are sent are the pixels that the model sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from zoomrefine_mcp.geometry import Size

STEEPEST = 200
"""Qwen's processors refuse a picture whose sides differ by more than this factor."""
INTERNVL_TILE = 448


def largest_fit(size: Size, edge: int, fits: Callable[[Size], bool]) -> Size:
    """The largest size of this aspect ratio, long edge at most ``edge``, that ``fits``; never larger than it is.

    The short edge is rounded half up. ``fits`` must hold for every smaller size once it holds for one.
    """
    long, short = size.long_edge, size.short_edge

    def at(length: int) -> Size:
        other = max(1, (2 * length * short + long) // (2 * long))
        return Size(length, other) if size.width >= size.height else Size(other, length)

    high = min(long, edge)
    if fits(at(high)):
        return at(high)
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(at(middle)) else (low, middle)
    return at(low)


def within_patches(size: Size, *, edge: int, patch: int, most: int) -> Size:
    """Both sides at most ``edge``, and at most ``most`` patches of ``patch`` px to cover the picture.

    Claude's rule with a patch of 28 px, OpenAI's with one of 32.

    >>> within_patches(Size(2000, 1500), edge=1568, patch=28, most=1568)
    Size(width=1269, height=952)
    """
    return largest_fit(size, edge, lambda one: -(-one.width // patch) * -(-one.height // patch) <= most)


def within_pixels(size: Size, most: int) -> Size:
    """At most ``most`` pixels in all."""
    return largest_fit(size, size.long_edge, lambda one: one.pixels <= most)


def within_bounds(size: Size, *, edge: int | None, most: int | None, multiple: int) -> Size:
    """Both sides at most ``edge``, at most ``most`` pixels in all, then down to multiples (one at least).

    >>> within_bounds(Size(4000, 3000), edge=1024, most=None, multiple=28)
    Size(width=1008, height=756)
    """
    fit = size if edge is None else size.within_edge(edge)
    fit = fit if most is None else within_pixels(fit, most)
    return Size(max(1, fit.width // multiple) * multiple, max(1, fit.height // multiple) * multiple)


def openai_tiles(size: Size) -> Size:
    """Into a square of 2048 px, then the short side to at most 768 px (OpenAI's models of 512-px tiles).

    >>> openai_tiles(Size(4096, 3072))
    Size(width=1024, height=768)
    """
    boxed = size.within_edge(2048)
    return boxed if boxed.short_edge <= 768 else boxed.scaled(768 / boxed.short_edge)


def smart_resize(size: Size, *, factor: int, min_pixels: int, max_pixels: int) -> Size:
    """Qwen's rule: sides to the nearest multiple of ``factor``, pixels between ``min_pixels`` and ``max_pixels``.

    >>> smart_resize(Size(1920, 1080), factor=28, min_pixels=3136, max_pixels=12_845_056)
    Size(width=1932, height=1092)
    """
    width = max(factor, round(size.width / factor) * factor)
    height = max(factor, round(size.height / factor) * factor)
    if width * height > max_pixels:
        shrink = math.sqrt(size.pixels / max_pixels)
        width = max(factor, math.floor(size.width / shrink / factor) * factor)
        height = max(factor, math.floor(size.height / shrink / factor) * factor)
    elif width * height < min_pixels:
        enlarge = math.sqrt(min_pixels / size.pixels)
        width = math.ceil(size.width * enlarge / factor) * factor
        height = math.ceil(size.height * enlarge / factor) * factor
    return Size(width, height)


def on_grid(size: Size, *, factor: int, min_pixels: int, max_pixels: int) -> Size:
    """A size that ``smart_resize`` leaves as it is: rounded up, so that no pixel is lost where all of them fit.

    A strip that the processor would refuse is squashed to the steepest shape that it takes; boxes are measured per
    axis, so they survive that.

    >>> on_grid(Size(1100, 825), factor=28, min_pixels=3136, max_pixels=3_211_264)
    Size(width=1120, height=840)
    """
    up = Size(-(-size.width // factor) * factor, -(-size.height // factor) * factor)
    if min_pixels <= up.pixels <= max_pixels and up.long_edge <= STEEPEST * up.short_edge:
        return up
    least = -(-size.long_edge // STEEPEST)
    strip = Size(max(size.width, least), max(size.height, least))
    fit = smart_resize(strip, factor=factor, min_pixels=min_pixels, max_pixels=max_pixels)
    if up.pixels > max_pixels:  # the vendor's rule lengthens a strip that only its rounding made too large
        fit = Size(min(fit.width, up.width), min(fit.height, up.height))
    return Size(min(fit.width, STEEPEST * fit.height), min(fit.height, STEEPEST * fit.width))


@cache
def _grids(most: int) -> tuple[tuple[int, int], ...]:
    every = ((i, j) for i in range(1, most + 1) for j in range(1, most + 1) if i * j <= most)
    return tuple(sorted(every, key=lambda grid: (grid[0] * grid[1], grid)))


def internvl_grid(size: Size, most: int = 12) -> tuple[int, int]:
    """Columns and rows of 448-px tiles that InternVL stretches a picture onto.

    The grid of at most ``most`` tiles whose ratio is nearest; of equally near ones the larger, if the picture has
    more than half of its pixels.

    >>> internvl_grid(Size(7680, 4320))
    (4, 2)
    """
    ratio = size.width / size.height
    best, nearest = (1, 1), math.inf
    for grid in _grids(most):
        distance = abs(ratio - grid[0] / grid[1])
        larger = size.pixels > INTERNVL_TILE**2 * grid[0] * grid[1] / 2
        if distance < nearest or (distance == nearest and larger):
            best, nearest = grid, distance
    return best


def internvl_tiles(size: Size) -> Size:
    """What is worth sending to InternVL: no more than its grid holds on either side.

    >>> internvl_tiles(Size(7680, 4320))
    Size(width=1792, height=896)
    """
    columns, rows = internvl_grid(size)
    return Size(min(size.width, columns * INTERNVL_TILE), min(size.height, rows * INTERNVL_TILE))


def within_tiles(size: Size, *, tile: int, most: int) -> Size:
    """The best fit into a canvas of at most ``most`` square tiles, padded to fill it (DeepSeek-VL2, Llama).

    >>> within_tiles(Size(4000, 3000), tile=384, most=9)
    Size(width=1152, height=864)
    """
    fits = (min(1.0, i * tile / size.width, j * tile / size.height) for i, j in _grids(most))
    return size.scaled(max(fits))


def tile_grid(size: Size, *, tile: int, most: int) -> tuple[int, int]:
    """Columns and rows of the canvas that a picture is put on: the one that shrinks it least, of these the smallest.

    >>> tile_grid(Size(1152, 864), tile=384, most=9)
    (3, 3)
    """
    return min(
        _grids(most),
        key=lambda grid: (-min(1.0, grid[0] * tile / size.width, grid[1] * tile / size.height), grid[0] * grid[1]),
    )


def square(size: Size, *, side: int) -> Size:
    """What is worth sending to a model that stretches every picture onto a square: no more than it has on either side.

    >>> square(Size(7680, 4320), side=896)
    Size(width=896, height=896)
    """
    return Size(min(size.width, side), min(size.height, side))


def up_to_patches(size: Size, *, edge: int, patch: int) -> Size:
    """Pixtral's rule: into a square of ``edge`` px, then both sides up to whole patches.

    >>> up_to_patches(Size(1920, 1080), edge=1024, patch=16)
    Size(width=1024, height=576)
    """
    long = max(size.long_edge, edge)
    sides = (max(1, side * edge // long) for side in (size.width, size.height))
    width, height = (-(-side // patch) * patch for side in sides)
    return Size(width, height)


def minicpm_grid(size: Size, most: int = 9) -> tuple[int, int]:
    """Columns and rows of the slices that MiniCPM-V cuts a picture into: near in number, then nearest in shape.

    >>> minicpm_grid(Size(1344, 1344))
    (3, 3)
    """
    wanted = min(-(-size.pixels // 448**2), most)
    if wanted <= 1:
        return 1, 1
    ratio = math.log(size.width / size.height)
    numbers = [number for number in (wanted - 1, wanted, wanted + 1) if 1 < number <= most]
    return min(
        ((i, number // i) for number in numbers for i in range(1, number + 1) if number % i == 0),
        key=lambda grid: abs(ratio - math.log(grid[0] / grid[1])),
    )

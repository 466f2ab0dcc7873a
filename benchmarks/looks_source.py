"""A scene as an open picture: any region is drawn at any size when it is asked for, and really encoded.

No file of the picture's size exists, so 600 megapixels cost no more than one. Edges are blended by the share of a pixel
that is covered, as a reduction by areas would do it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from looks_scenes import HUES, Rect, Scene
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Fit, Picture

HIGH, LOW = 230, 20
"""A plate's colours: full channels and empty ones, clear of what JPEG clips."""
PAPER, FIELD = 212, 228
"""The greys of the background and of a sign's area."""
_GLANCE = 512
"""Long edge in pixels of the rendering that says where there is something to see."""


class DrawnSource:
    """A scene as a ``pictures.Source``.

    Attributes:
        size: The original, in pixels.
        path: The scene's name.
        page: Always 1.
        pages: Always 1.
        readable: Shown pixels for each original one from which print can be read, as in a picture file.
        parts: The one picture.
        notes: None.
    """

    def __init__(self, scene: Scene) -> None:
        self.size = scene.size
        self.path = f"{scene.name}.scene"
        self.page: int | None = 1
        self.pages = 1
        self.readable = 0.75
        self.parts: tuple[Box, ...] = (Box.full(),)
        self.notes: tuple[str, ...] = ()
        rects: list[tuple[Rect, tuple[int, int, int]]] = [(area, (FIELD,) * 3) for area in scene.areas]
        rects += [(bar, (grey,) * 3) for bar, grey in scene.clutter]
        for plate in scene.plates:
            left, top, right, bottom = plate.rect
            middle = (left + right) / 2
            rects += [((left, top, middle, bottom), _rgb(plate.code[0]))]
            rects += [((middle, top, right, bottom), _rgb(plate.code[1]))]
        self._rects = np.array([rect for rect, _ in rects], dtype=np.float64)
        self._colours = [colour for _, colour in rects]
        self._glance: NDArray[np.float64] | None = None

    async def render(self, region: Box, fit: Fit) -> Picture:
        """Draw the region at ``fit.size`` and encode it as the pictures of files are."""
        cut = region.to_pixels(self.size)
        pixels = self._draw((cut.left, cut.top, cut.right, cut.bottom), fit.size)
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "JPEG", quality=fit.quality, subsampling=0)
        return Picture(encoded.getvalue(), "image/jpeg", fit.size, Box.from_pixels(cut, self.size))

    async def detail(self, boxes: Sequence[Box]) -> tuple[float, ...]:
        """How much there is to see in each box: the mean step in brightness between neighbours, from a small rendering."""
        if self._glance is None:
            size = self.size.within_edge(_GLANCE)
            grey = self._draw((0, 0, self.size.width, self.size.height), size).astype(np.float64).mean(axis=2)
            self._glance = np.zeros_like(grey)
            self._glance[:, 1:] += np.abs(np.diff(grey, axis=1))
            self._glance[1:, :] += np.abs(np.diff(grey, axis=0))
        glance = self._glance
        small = Size(glance.shape[1], glance.shape[0])
        cuts = [box.to_pixels(small) for box in boxes]
        return tuple(float(glance[cut.top : cut.bottom, cut.left : cut.right].mean()) for cut in cuts)

    def on_page(self, box: Box) -> tuple[int, Box, Size]:
        """The box on the only page."""
        return 1, box, self.size

    def _draw(self, cut: tuple[int, int, int, int], size: Size) -> NDArray[np.uint8]:
        left, top, right, bottom = cut
        canvas = np.full((size.height, size.width, 3), PAPER, dtype=np.uint8)
        scale_x, scale_y = size.width / (right - left), size.height / (bottom - top)
        shown = (self._rects - (left, top, left, top)) * (scale_x, scale_y, scale_x, scale_y)
        visible = (
            (shown[:, 2] > 0) & (shown[:, 3] > 0) & (shown[:, 0] < size.width) & (shown[:, 1] < size.height)
        ).nonzero()[0]
        for index in visible:
            _fill(canvas, shown[index], self._colours[index])
        return canvas


def _fill(canvas: NDArray[np.uint8], rect: NDArray[np.float64], colour: tuple[int, int, int]) -> None:
    x, across = _covered(rect[0], rect[2], canvas.shape[1])
    y, down = _covered(rect[1], rect[3], canvas.shape[0])
    if across.size == 0 or down.size == 0:
        return
    part = canvas[y : y + down.size, x : x + across.size]
    rims: tuple[Any, ...]
    if min(down.size, across.size) > 2 and down.size * across.size > 1024:
        part[1:-1, 1:-1] = colour  # covered fully: only the rim is blended
        rims = (np.s_[:1], np.s_[-1:], np.s_[1:-1, :1], np.s_[1:-1, -1:])
    else:
        rims = (np.s_[:],)
    share = (down[:, None] * across)[..., None]
    for rim in rims:
        part[rim] = part[rim] * (1 - share[rim]) + np.multiply(colour, share[rim]) + 0.5


def _covered(low: float, high: float, length: int) -> tuple[int, NDArray[np.float64]]:
    """The first pixel that is touched, and the share of each one that is covered."""
    first, last = max(0, math.floor(low)), min(length, math.ceil(high))
    at = np.arange(first, last)
    return first, np.clip(np.minimum(at + 1, high) - np.maximum(at, low), 0, 1)


def _rgb(hue: str) -> tuple[int, int, int]:
    bits = HUES[hue]
    red, green, blue = (HIGH if bits & bit else LOW for bit in (4, 2, 1))
    return red, green, blue

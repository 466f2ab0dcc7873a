"""One page of a picture file, as it is stored: not yet turned upright, in whatever colours it has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import pyvips

from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import PixelBox, Size

_HELD_BYTES = 400_000_000
"""The most that one open picture keeps in memory, decoded: 133 megapixels of RGB."""

_SHRINK_MARGIN = 2.0
"""How much a smaller copy must still be reduced. Both JPEG's shrink on load and common pyramids average blocks, which
alone would cost sharpness; a Lanczos step of two and more on top stays 45 dB and better from the full-size one."""

_RENDERED_PIXELS = 8_000_000
"""As large as a rendering gets: no model sees more at once."""


@dataclass(frozen=True, slots=True)
class Level:
    """The page at one of its sizes.

    Attributes:
        size: In pixels, as stored.
        factor: How many pixels of the page one of its pixels stands for, each way: 1 for the page itself.
        open: Gives the lazy image, which is to be read inside the context.
        tiled: Whether a region of it costs no more than the tiles that it touches.
    """

    size: Size
    factor: float
    open: Callable[[], AbstractContextManager[pyvips.Image]]
    tiled: bool = False


@dataclass(slots=True)
class Page:
    """One page of a file.

    Attributes:
        size: In pixels, as stored.
        orientation: The EXIF orientation, 1 to 8.
        number: Which page, from 1.
        pages: How many the file has.
        levels: The page itself, then smaller copies of it, largest first.
        whole: Whether every part of it costs decoding all of it. Then it is decoded once and kept, if it is not too
            large for that.
        margin: How much a smaller copy must still be reduced, to be taken instead of a larger one.
    """

    size: Size
    orientation: int
    number: int
    pages: int
    levels: tuple[Level, ...]
    whole: bool = False
    margin: float = _SHRINK_MARGIN
    _held: pyvips.Image | None = None
    _span: tuple[float, float] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def most_read(self) -> int:
        """The most pixels that have to be decoded for one rendering: all, but for a pyramid of tiles.

        There a level is read up to where the next one takes over, and the last as a whole.
        """
        reads = []
        for level, smaller in zip(self.levels, (*self.levels[1:], None), strict=True):
            reads.append(level.size.pixels)
            if level.tiled and smaller is not None:
                reach = self.margin * smaller.factor / level.factor
                reads[-1] = min(reads[-1], int(reach**2 * _RENDERED_PIXELS))
        return max(reads)

    @contextmanager
    def cut(self, box: PixelBox, target: Size) -> Iterator[pyvips.Image]:
        """The pixels of ``box`` (stored coordinates), lazily, no smaller than needed for ``target``.

        From a smaller copy the cut is rounded to its pixels: a quarter of a pixel of ``target`` at most.

        Raises:
            pyvips.Error: They cannot be decoded (here or when the image is read).
        """
        held = self._decoded() if self.whole else None
        if held is not None:
            yield held.crop(box.left, box.top, box.size.width, box.size.height)
            return
        level = self._level_for(box.size, target)
        with level.open() as image:
            # Rounded, then clipped: libjpeg drops what does not fill a last pixel.
            left, top = round(box.left / level.factor), round(box.top / level.factor)
            right = min(level.size.width, round(box.right / level.factor))
            bottom = min(level.size.height, round(box.bottom / level.factor))
            yield image.crop(left, top, right - left, bottom - top)

    def span(self) -> tuple[float, float]:
        """The smallest and largest value of the page: what black and white are where the numbers have no fixed range.

        Raises:
            pyvips.Error: It cannot be decoded.
        """
        with self._lock:
            if self._span is None:
                with self.levels[-1].open() as image:
                    stats = image.stats()  # the first row is for all bands: minimum, maximum, ...
                    self._span = (stats(0, 0)[0], stats(1, 0)[0])
            return self._span

    def _level_for(self, cut: Size, target: Size) -> Level:
        factor = min(cut.width / target.width, cut.height / target.height)
        best = self.levels[0]
        for level in self.levels[1:]:
            if factor >= self.margin * level.factor:
                best = level
        return best

    def _decoded(self) -> pyvips.Image | None:
        with self._lock:
            if self._held is None:
                with self.levels[0].open() as image:
                    bytes_a_band = {"uchar": 1, "char": 1, "ushort": 2, "short": 2}.get(image.format, 4)
                    if self.size.pixels * image.bands * bytes_a_band > _HELD_BYTES:
                        return None
                    self._held = image.copy_memory()
            return self._held


def page_index(number: int, pages: int, path: str) -> int:
    """The index of page ``number`` (from 1) in a file of ``pages``.

    Raises:
        BadRequest: There is no such page.
    """
    if 1 <= number <= pages:
        return number - 1
    have = "1 page" if pages == 1 else f"{pages} pages"
    raise BadRequest(
        f"page {number} does not exist: {path} has {have}",
        hint=f"Pass a page from 1 to {pages}." if pages > 1 else "Leave page out, or pass 1.",
        path=path,
        page=number,
        pages=pages,
    )

"""What a source draws from, in a worker's thread: a page of a picture file, a page of a document, a sheet of pages."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pyvips

from zoomrefine_mcp.geometry import Box, PixelBox, Size

PICTURE_READABLE = 0.75
"""Shown pixels for each pixel of a picture file, from which its small print can be read: it is seldom set larger than a
reader needs who sees every pixel."""

_SMALL_EDGE = 512
"""Long edge of the rendering that ``detail`` is judged by: lines of print are grey bands there, and noise is gone."""


class Drawing(ABC):
    """Something that is drawn region by region.

    Attributes:
        size: Upright, in pixels.
        page: Which page, from 1; None where it shows all.
        pages: How many there are.
        readable: As ``pictures.Source`` has it, and so are the others.
        parts: Disjoint parts.
        notes: Sentences for the reader of a result.
    """

    def __init__(self, size: Size, page: int | None, pages: int) -> None:
        self.size = size
        self.page = page
        self.pages = pages
        self.readable = PICTURE_READABLE
        self.parts: tuple[Box, ...] = (Box.full(),)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader of a result."""
        return ()

    @abstractmethod
    def render(self, cut: PixelBox, size: Size) -> pyvips.Image:
        """The pixels of ``cut`` at ``size``: three bands of 8-bit sRGB, in memory.

        Raises:
            pyvips.Error: They cannot be decoded.
            OSError: The file system failed.
            ImageDamaged: The page cannot be drawn.
        """

    def small(self) -> pyvips.Image:
        """The whole, small enough to be looked through at once. Raises as ``render``."""
        return self.render(Box.full().to_pixels(self.size), self.size.within_edge(_SMALL_EDGE))

    def on_page(self, box: Box) -> tuple[int, Box, Size]:
        """The page that a box lies on most, the box on it, and the page's size."""
        return self.page or 1, box, self.size

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what is held beside the file itself; harmless the second time. Blocks while something is drawn."""

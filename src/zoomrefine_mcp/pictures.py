"""What is sent to a model, and where it comes from: values and one Protocol, no imaging library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from zoomrefine_mcp.geometry import Box, Size

MAX_PICTURE_BYTES = 7_000_000
"""The largest encoded picture: 9.3 MB of base64, under Anthropic's 10; the bound of the paper's reference code too."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How to render a region for a model.

    Attributes:
        size: The exact size to encode, in pixels. A backend chooses it so that the model's own processor leaves it
            as it is; it may differ from the region's aspect ratio by the rounding of that processor.
        max_bytes: The largest encoded picture; quality is lowered only where this would be exceeded.
        quality: JPEG quality, 1 to 100. At 90 and more the chroma is not subsampled (4:4:4), so that small coloured
            text survives.
    """

    size: Size
    max_bytes: int = MAX_PICTURE_BYTES
    quality: int = 92


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture exactly as it is sent, encoded once.

    Attributes:
        data: The encoded bytes.
        mime_type: Their true type.
        size: Width and height of the encoded picture.
        shows: The part of the upright original that it shows.
    """

    data: bytes
    mime_type: str
    size: Size
    shows: Box

    def shorter_side(self, box: Box) -> float:
        """Pixels of this picture along the shorter side of a box on the original."""
        return min(
            box.width / self.shows.width * self.size.width,
            box.height / self.shows.height * self.size.height,
        )

    def __repr__(self) -> str:
        return f"Picture({self.mime_type}, {self.size}, {len(self.data)} bytes, shows {self.shows.as_list()})"


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest picture that a server takes, as far as it said: None where it did not.

    Attributes:
        size: What both sides have to stay within, in pixels.
        pixels: The most pixels in all.
        bytes: The largest encoded picture.
    """

    size: Size | None = None
    pixels: int | None = None
    bytes: int | None = None

    def holds(self, size: Size) -> bool:
        """Whether a picture of that size stays within what is said of pixels."""
        within = self.size is None or (size.width <= self.size.width and size.height <= self.size.height)
        return within and (self.pixels is None or size.pixels <= self.pixels)

    def brought(self, size: Size) -> Size:
        """The largest size of the same aspect ratio that stays within, up to the rounding; never larger than it is.

        >>> Limit(Size(1000, 1000), pixels=480_000).brought(Size(4000, 3000))
        Size(width=800, height=600)
        """
        factors = [1.0]
        if self.size is not None:
            factors += [self.size.width / size.width, self.size.height / size.height]
        if self.pixels is not None:
            factors.append(math.sqrt(self.pixels / size.pixels))
        return size.scaled(min(factors))


class Source(Protocol):
    """An open picture that renders any of its regions: a picture file, a page of a document, or all of its pages.

    Attributes:
        size: The upright original (EXIF orientation applied), in pixels. What has no pixels is measured at 300 dpi.
        path: How the user names it, for results and messages.
        page: Which page or frame of the file, from 1; None where all pages lie side by side in one picture.
        pages: How many there are.
        readable: From how many shown pixels for each original one print can be read.
        parts: Disjoint parts that are to be looked at one by one: the pages of a document, else the whole.
        notes: What a reader of the result has to know, as sentences: pages that cannot be drawn.
    """

    @property
    def size(self) -> Size: ...
    @property
    def path(self) -> str: ...
    @property
    def page(self) -> int | None: ...
    @property
    def pages(self) -> int: ...
    @property
    def readable(self) -> float: ...
    @property
    def parts(self) -> tuple[Box, ...]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...

    async def render(self, region: Box, fit: Fit) -> Picture:
        """Cut ``region`` from the original and encode it at ``fit.size``.

        The cut is ``region.to_pixels(size)``; ``Picture.shows`` is the box of exactly those pixels.

        Raises:
            ImageDamaged: The file ended or changed under us, or cannot be decoded.
        """
        ...

    async def detail(self, boxes: Sequence[Box]) -> tuple[float, ...]:
        """How much there is to see in each box, for ranking: 0 where nothing is; no unit.

        It is judged by one small rendering of the whole, made once.

        Raises:
            ImageDamaged: As ``render``.
        """
        ...

    def on_page(self, box: Box) -> tuple[int, Box, Size]:
        """Where a box lies: the number of the page that it overlaps most, the box on that page, and the page's size."""
        ...

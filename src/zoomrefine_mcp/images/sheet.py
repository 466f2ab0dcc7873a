"""The pages of a document side by side as one picture: its view is a contact sheet, and zooming in leads to a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import pyvips
from PIL import Image, ImageDraw, ImageFont

from zoomrefine_mcp.errors import BadRequest, ImageDamaged
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.drawing import Drawing
from zoomrefine_mcp.images.pdf import READABLE, PdfFile

MOST_PAGES = 500
"""Pages that are laid out together. Each costs some 10 ms at every view, and of more nothing could be told apart."""

_SHAPE = 1.5
"""Width to height of the sheet, about: between 4:3 and 16:9, which every model's view makes full use of."""

_GUTTER = 0.04
"""Space between pages, as a share of the long edge of the usual page."""

_NUMBER = 0.012
"""Height of the strip above each page, which holds its number, as a share of the sheet's width: 16 px in a view of
1,400. At most and at least these shares of the usual page's long edge:"""
_NUMBER_MOST, _NUMBER_LEAST = 0.12, 0.02

_SMALL_PAGE = 256  # long edge of a page in the rendering that detail is judged by, in pixels
_INK, _FRAME = "#404040", "#c0c0c0"  # grey of the numbers and of the line about each page
_LEGIBLE, _LARGEST = 6, 400  # heights in pixels between which a number is drawn


@dataclass(frozen=True, slots=True)
class Layout:
    """Where pages lie on a sheet.

    Attributes:
        size: Of the sheet, in pixels at the pages' resolution.
        places: Of each page, in reading order.
        strip: Height of the strip above each page, in pixels.
    """

    size: Size
    places: tuple[PixelBox, ...]
    strip: int


def lay_out(sizes: Sequence[Size]) -> Layout:
    """Pages in rows, left to right and top to bottom, in as many columns as give the sheet its shape.

    >>> lay_out([Size(2480, 3508)] * 60).size
    Size(width=31580, height=20160)
    """
    layouts = (_rows(sizes, columns) for columns in range(1, len(sizes) + 1))
    return min(layouts, key=lambda layout: abs(math.log(layout.size.width / layout.size.height / _SHAPE)))


def _rows(sizes: Sequence[Size], columns: int) -> Layout:
    usual = median(size.long_edge for size in sizes)
    gutter = max(1, round(_GUTTER * usual))
    rows = [sizes[start : start + columns] for start in range(0, len(sizes), columns)]
    width = max(sum(size.width + gutter for size in row) for row in rows) + gutter
    strip = max(1, round(min(max(_NUMBER * width, _NUMBER_LEAST * usual), _NUMBER_MOST * usual)))
    places: list[PixelBox] = []
    bottom = 0
    for row in rows:
        top, left = bottom + gutter + strip, gutter
        for size in row:
            places.append(PixelBox(left, top, left + size.width, top + size.height))
            left += size.width + gutter
        bottom = top + max(size.height for size in row)
    return Layout(Size(width, bottom + gutter), tuple(places), strip)


class Sheet(Drawing):
    """All pages of a document on one white sheet, each with its number above it.

    A page that cannot be drawn stays white, and ``notes`` says so.

    Args:
        document: Open, with two pages or more; closed with this.

    Raises:
        BadRequest: It has too many pages to be looked at together.
        ImageDamaged: None of its pages can be drawn.
    """

    def __init__(self, document: PdfFile) -> None:
        pages = len(document.sizes)
        if pages > MOST_PAGES:
            raise BadRequest(
                f"{document.path} has {pages:,} pages; without a page, up to {MOST_PAGES} are looked through",
                hint=f"Pass the page that you mean, from 1 to {pages}.",
                path=document.path,
                pages=pages,
            )
        known = [size for size in document.sizes if size is not None]
        if not known:
            raise document.damage(0)
        self._document = document
        self._blank = {index for index, size in enumerate(document.sizes) if size is None}
        self._sizes = tuple(size or known[0] for size in document.sizes)
        self.layout = lay_out(self._sizes)
        super().__init__(self.layout.size, None, pages)
        self.readable = READABLE
        self.parts = tuple(Box.from_pixels(place, self.size) for place in self.layout.places)

    @property
    def notes(self) -> tuple[str, ...]:
        if not self._blank:
            return ()
        numbers = ", ".join(str(index + 1) for index in sorted(self._blank))
        which = f"Page {numbers} is" if len(self._blank) == 1 else f"Pages {numbers} are"
        return (f"{which} damaged and could not be drawn: nothing there was seen.",)

    def render(self, cut: PixelBox, size: Size) -> pyvips.Image:
        return self._drawn(cut, size, marked=True)

    def small(self) -> pyvips.Image:
        usual = median(size.long_edge for size in self._sizes)
        size = self.size.scaled(min(1.0, _SMALL_PAGE / usual))
        return self._drawn(Box.full().to_pixels(self.size), size, marked=False)

    def on_page(self, box: Box) -> tuple[int, Box, Size]:
        """The page that the box overlaps most; beside all pages, the nearest, and the spot on it that is nearest."""
        wanted = box.to_pixels(self.size)
        index = max(range(self.pages), key=lambda one: _closeness(wanted, self.layout.places[one]))
        place, size = self.layout.places[index], self._sizes[index]
        left = min(max(wanted.left, place.left), place.right - 1)
        top = min(max(wanted.top, place.top), place.bottom - 1)
        right, bottom = max(left + 1, min(wanted.right, place.right)), max(top + 1, min(wanted.bottom, place.bottom))
        on_it = PixelBox(left - place.left, top - place.top, right - place.left, bottom - place.top)
        return index + 1, Box.from_pixels(on_it, size), size

    def close(self) -> None:
        self._document.close()

    def _drawn(self, cut: PixelBox, size: Size, *, marked: bool) -> pyvips.Image:
        across, down = size.width / cut.size.width, size.height / cut.size.height
        sheet = Image.new("RGB", (size.width, size.height), "white")
        pen = ImageDraw.Draw(sheet)
        font = _font(round(self.layout.strip * down)) if marked else None

        def on_target(x: int, y: int) -> tuple[int, int]:
            return round((x - cut.left) * across), round((y - cut.top) * down)

        for index, place in enumerate(self.layout.places):
            if _overlap(cut, place, above=self.layout.strip) == 0:
                continue
            left, top = on_target(place.left, place.top)
            if marked:
                right, bottom = on_target(place.right, place.bottom)
                pen.rectangle((left - 1, top - 1, right, bottom), outline=_FRAME)
            if font is not None:
                pen.text((left, top - 2), str(index + 1), font=font, fill=_INK, anchor="ls")
            part = _shared(cut, place)
            if part is None:
                continue
            left, top = on_target(part.left, part.top)
            right, bottom = on_target(part.right, part.bottom)
            image = self._page(index, part, right - left, bottom - top)
            if image is not None:
                sheet.paste(image, (left, top))
        return pyvips.Image.new_from_memory(sheet.tobytes(), size.width, size.height, 3, "uchar").copy(
            interpretation="srgb"
        )

    def _page(self, index: int, part: PixelBox, width: int, height: int) -> Image.Image | None:
        """The part (of the sheet) of a page; None where there is nothing to draw."""
        if not (width and height) or index in self._blank:
            return None
        place = self.layout.places[index]
        on_page = PixelBox(
            part.left - place.left, part.top - place.top, part.right - place.left, part.bottom - place.top
        )
        try:
            image = self._document.render(index, on_page, Size(width, height))
        except ImageDamaged:
            self._blank.add(index)
            return None
        return Image.frombytes("RGB", (width, height), bytes(image.write_to_memory()))


def _shared(cut: PixelBox, place: PixelBox) -> PixelBox | None:
    """What both have in common; None where they have nothing."""
    left, top = max(cut.left, place.left), max(cut.top, place.top)
    right, bottom = min(cut.right, place.right), min(cut.bottom, place.bottom)
    return PixelBox(left, top, right, bottom) if left < right and top < bottom else None


def _overlap(cut: PixelBox, place: PixelBox, above: int = 0) -> int:
    """How many pixels of ``place``, and of so many rows above it, lie in ``cut``."""
    across = min(cut.right, place.right) - max(cut.left, place.left)
    down = min(cut.bottom, place.bottom) - max(cut.top, place.top - above)
    return max(0, across) * max(0, down)


def _closeness(box: PixelBox, place: PixelBox) -> tuple[int, float]:
    """Larger for a page that shares more with the box, and among those that share nothing for one nearer to it."""
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    away_x = max(place.left - x, 0, x - place.right)
    away_y = max(place.top - y, 0, y - place.bottom)
    return _overlap(box, place), -math.hypot(away_x, away_y)


def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont | None:
    """For numbers in a strip of that height; None where they could not be read."""
    return ImageFont.load_default(min(height, _LARGEST)) if height >= _LEGIBLE else None

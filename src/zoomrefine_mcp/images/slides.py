"""Whole slides of microscopes, by OpenSlide: one picture of many levels, of which only the tiles in a cut are decoded.

OpenSlide opens files by their path, and each of its readings opens it again. The path that it is given is the verified
descriptor's own (``/proc/self/fd/N``, Linux), so that it reads that file whatever lies under the name meanwhile, and
finds nothing beside it: formats of several files are refused. It is called only for what is recognised here as a slide
of a maker, and only if it recognises the same maker; a plain pyramid of tiles is left to the TIFF reader, which knows
orientations, depths and pages. Needs the extra ``zoomrefine-mcp[slides]``; this module imports without it.
"""

from __future__ import annotations

import os
import re
import threading
from functools import partial
from typing import Any

from zoomrefine_mcp.errors import ImageDamaged, NotAnImage
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.images.czi import verify_tiles
from zoomrefine_mcp.images.formats import Format
from zoomrefine_mcp.images.page import Level, Page, page_index
from zoomrefine_mcp.images.pixels import Upright
from zoomrefine_mcp.images.reader import FileBytes
from zoomrefine_mcp.images.tiff import Directories, damaged, tiff_pages, verify_complete
from zoomrefine_mcp.images.tiles import Tiles

SLIDES_INSTALL = "pip install -e '.[slides]' in your clone (the extra zoomrefine-mcp[slides])"

_DESCRIPTORS = "/proc/self/fd"

_DESCRIPTION, _SOFTWARE, _XMP, _NDPI = 270, 305, 700, 65420
_SIGNS = {
    maker: (tag, re.compile(sign, re.DOTALL))
    for maker, tag, sign in (
        ("aperio", _DESCRIPTION, rb"Aperio"),
        ("leica", _DESCRIPTION, rb".*http://www\.leica-microsystems\.com/scn/"),
        ("philips", _SOFTWARE, rb"Philips"),
        ("trestle", _SOFTWARE, rb"MedScan"),
        ("ventana", _XMP, rb".*iScan"),
    )
}
"""OpenSlide's name of a maker: the tag of the first directory of its TIFFs that tells it, and how that begins."""

_HAMAMATSU, _ZEISS = "hamamatsu", "zeiss"
_BY_OPENSLIDE_ALONE = frozenset({_HAMAMATSU, _ZEISS})  # a level is one JPEG of any size; no TIFF at all
_MAX_TEXT = 65_536  # bytes of a tag that a sign is looked for in

_TILE_EDGE = 256  # pixels of what is asked for at once; libvips keeps two rows of these
_TILE_EDGES = range(128, 1025)  # what is taken from the slide instead, so that no tile of it is decoded twice
_MAX_TILE = 1 << 26  # pixels of a tile of the slide: 268 MB, as for TIFF
_MAX_TILES = 2_000_000  # of a level: 131 gigapixels

_MARGIN = 0.99
"""A level of a slide is made to be looked at pixel for pixel, so the smallest is taken that is not smaller than what is
wanted, up to the rounding of its size: steps of four between levels are common, and a finer one costs sixteen times."""


class Slide(Upright):
    """A whole slide: its label and its overview photograph are not shown.

    Args:
        page: Its levels.
        handle: What reads them; closed with this.
    """

    def __init__(self, page: Page, handle: _Handle) -> None:
        super().__init__(page)
        self._handle = handle

    def close(self) -> None:
        self._handle.close()


def slide_maker(data: FileBytes, found: Format, path: str) -> str | None:
    """OpenSlide's name for the maker of a slide, by what the file says of itself; None for any other picture.

    Raises:
        OSError: The file system failed.
    """
    if found is Format.CZI:
        return _ZEISS
    if found is not Format.TIFF:
        return None
    try:
        directories = Directories(data, path)
        first = directories.first
        # The offsets of NDPI have 64 bits, in a TIFF of 32: elsewhere what follows the first four bytes is no offset.
        wide = int.from_bytes(data.read_at(4, 8), "little")
        if data.read_at(0, 4) == b"II*\0" and first < wide < data.length:
            first = wide
        tags, _ = directories.read(first, frozenset({_DESCRIPTION, _SOFTWARE, _XMP, _NDPI}), _MAX_TEXT)
    except ImageDamaged:
        return None  # the TIFF reader says so, if it matters to it
    if _NDPI in tags:
        return _HAMAMATSU
    for maker, (tag, sign) in _SIGNS.items():
        if sign.match(bytes(value & 0xFF for value in tags.get(tag, ()))):
            return maker
    return None


def is_tiff_too(maker: str) -> bool:
    """Whether the TIFF reader can show something of such a slide: its first page, at one size."""
    return maker not in _BY_OPENSLIDE_ALONE


def open_slide(data: FileBytes, maker: str, number: int, path: str) -> Slide | None:
    """Open a slide, or say by None that OpenSlide does not take it for one of that maker.

    Args:
        data: The whole file.
        maker: As ``slide_maker`` has it.
        number: Which page is wanted; a slide has one.
        path: Its name, for messages.

    Raises:
        NotAnImage: What reads slides is not there.
        ImageDamaged: It cannot be read.
        BadRequest: There is no such page.
        OSError: The file system failed.
    """
    openslide = _library(maker, path)
    name = _name_of(data.file.fd, maker, path)
    _check_tiles(data, maker, path)
    if openslide.OpenSlide.detect_format(name) != maker:
        if maker == _ZEISS:
            raise damaged(path, "begins as a slide by Zeiss, and is none")
        return None
    page_index(number, 1, path)
    handle = _Handle(openslide, name, path)
    try:
        return Slide(Page(handle.sizes[0], 1, 1, 1, handle.levels(), margin=_MARGIN), handle)
    except BaseException:
        handle.close()
        raise


class _Handle:
    """An open slide, opened anew after a failure: OpenSlide answers nothing more after its first one.

    Attributes:
        sizes: Of its levels in pixels, largest first.
    """

    def __init__(self, openslide: Any, name: str, path: str) -> None:
        self._openslide, self._name, self._path = openslide, name, path
        self._lock = threading.Lock()
        self._closed = False
        try:
            self._slide = openslide.OpenSlide(name)
            sizes = self._slide.level_dimensions
            if any(min(size) < 1 for size in sizes):
                raise damaged(path, "is a slide with a level of no pixels")
            self.sizes = tuple(Size(*size) for size in sizes)
            self._factors = self._slide.level_downsamples
            # Every region names it, also one of no pixels. Asked for by itself it is parsed, and it may be broken.
            self._profile = self._slide.read_region((0, 0), 0, (0, 0)).info.get("icc_profile", b"")
        except openslide.OpenSlideError as error:
            raise self._damage(error) from error

    def levels(self) -> tuple[Level, ...]:
        """The slide itself, then its smaller copies.

        Raises:
            ImageDamaged: It claims to be larger than any is.
        """
        levels: list[Level] = []
        for index, (size, factor) in enumerate(zip(self.sizes, self._factors, strict=True)):
            last = levels[-1].size if levels else None
            if last is not None and (size.width >= last.width or size.height >= last.height):
                continue  # no smaller copy
            tile = self._tile(index)
            if size.pixels // tile.pixels > _MAX_TILES:
                raise damaged(self._path, f"claims to be a slide of {size} pixels")
            tiles = Tiles(size, tile, partial(self._paint, index, tile), self._profile)
            levels.append(Level(size, factor, tiles.open, tiled=True))
        return tuple(levels)

    def close(self) -> None:
        """Close it; harmless the second time."""
        with self._lock:
            self._closed = True
            slide, self._slide = self._slide, None
        if slide is not None:
            slide.close()

    def _tile(self, level: int) -> Size:
        """What is asked for at once: a tile of the slide, where it is such that TIFF could have it."""
        named = (f"openslide.level[{level}].tile-{side}" for side in ("width", "height"))
        width, height = (int(self._slide.properties.get(name, "0")) for name in named)
        if width * height > _MAX_TILE:  # of NDPI, a JPEG that can only be decoded as a whole
            raise damaged(self._path, f"has tiles of {width} x {height} pixels")
        return Size(*(edge if edge in _TILE_EDGES and edge % 16 == 0 else _TILE_EDGE for edge in (width, height)))

    def _paint(self, level: int, tile: Size, column: int, row: int) -> bytes:
        """One tile as RGBA."""
        # Places are told on the full size, also those of a smaller copy.
        place = (round(column * tile.width * self._factors[level]), round(row * tile.height * self._factors[level]))
        try:
            return self._region(place, level, tile)
        except ImageDamaged:  # perhaps another region's damage, met by the reader that both share
            return self._region(place, level, tile)

    def _region(self, place: tuple[int, int], level: int, size: Size) -> bytes:
        slide = self._opened()
        try:
            return bytes(slide.read_region(place, level, (size.width, size.height)).tobytes())
        except self._openslide.OpenSlideError as error:
            with self._lock:
                if self._slide is slide:
                    self._slide = None  # it closes itself after its last reader
            raise self._damage(error) from error

    def _opened(self) -> Any:
        with self._lock:
            if self._closed:
                raise ValueError(f"{self._path} is closed")
            if self._slide is None:
                try:
                    self._slide = self._openslide.OpenSlide(self._name)
                except self._openslide.OpenSlideError as error:
                    raise self._damage(error) from error
            return self._slide

    def _damage(self, error: Exception) -> ImageDamaged:
        reason = " ".join(str(error).replace(self._name, self._path).split())[:200]
        return damaged(self._path, f"cannot be read as a slide: {reason}")


def _library(maker: str, path: str) -> Any:
    try:
        import openslide  # noqa: PLC0415  an extra
    except (ImportError, OSError) as error:  # the second where its library does not load
        raise _missing(maker, path, "what reads those is not installed", f"{SLIDES_INSTALL}.") from error
    return openslide


def _name_of(descriptor: int, maker: str, path: str) -> str:
    """A path that leads to the open file and nowhere else.

    The ``/dev/fd`` of other systems would not do: what is opened by it shares one position with all that was before.
    """
    name = f"{_DESCRIPTORS}/{descriptor}"
    try:
        if os.path.samestat(os.stat(name), os.fstat(descriptor)):  # noqa: PTH116
            return name
    except OSError:
        pass
    raise _missing(
        maker,
        path,
        "those are read where a descriptor has a path of its own (Linux with /proc) only",
        "Write it as a pyramid of tiles first, with a libvips that has OpenSlide "
        "(vips tiffsave IN OUT.tif --tile --pyramid --bigtiff --compression jpeg).",
    )


def _missing(maker: str, path: str, why: str, hint: str) -> NotAnImage:
    what = f"a slide by {maker.title()}"
    return NotAnImage(f"{path} is {what}, and {why}", hint=hint, path=path, detected=what)


def _check_tiles(data: FileBytes, maker: str, path: str) -> None:
    """Refuse what ends early, and tiles of sizes that nobody has: OpenSlide ends the process where memory runs out."""
    if maker == _ZEISS:
        verify_tiles(data, path)
    elif is_tiff_too(maker):
        for page in tiff_pages(data, path):
            verify_complete(data, path, page)

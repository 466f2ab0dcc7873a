"""JPEG, PNG, TIFF, WebP and GIF by libvips: only the rows or tiles that a region needs, shrunk while loading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyvips

from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.images.formats import Format
from zoomrefine_mcp.images.heads import JpegHead, PngHead, jpeg_head
from zoomrefine_mcp.images.page import Level, Page, page_index
from zoomrefine_mcp.images.reader import FileBytes, vips_source
from zoomrefine_mcp.images.tiff import TiffLevel, TiffPage

pyvips.block_untrusted_set(state=True)  # the loaders named below are not among these; nothing else may ever run
pyvips.cache_set_max(0)  # the cache would return a picture as it was before its file was rewritten
# pyvips passes libvips' warnings on to logging and fails, on stderr, at those that are not UTF-8. See __init__.py.
getattr(pyvips, "_remove_log_handler", lambda: None)()

_JPEG_SHRINKS = (2, 4, 8)  # what libjpeg scales by while it decodes


def jpeg_page(data: FileBytes, number: int, path: str) -> Page:
    """A JPEG, or one picture of an MPO.

    Raises:
        BadRequest: There is no such page.
        ImageDamaged: It has no frame header.
        pyvips.Error: libvips cannot read the header.
    """
    head = jpeg_head(data, path)
    pictures = (data, *head.others)
    picture = pictures[page_index(number, len(pictures), path)]
    if number > 1:
        head = jpeg_head(picture, path, index=False)
    orientation = _header(picture, "jpegload_source")["orientation"]
    return Page(head.size, orientation, number, len(pictures), _jpeg_levels(picture, head), whole=head.progressive)


def png_page(data: FileBytes, head: PngHead) -> Page:
    """The still picture of a PNG, or the first frame of an animated one.

    Raises:
        pyvips.Error: libvips cannot read the header.
    """
    orientation = _header(data, "pngload_source")["orientation"]
    level = _level(data, "pngload_source", head.size, 1)
    return Page(head.size, orientation, 1, head.frames, (level,), whole=head.interlaced)


def tiff_page(page: TiffPage, number: int, pages: int) -> Page:
    """A page of a TIFF whose coding libvips reads, with the smaller copies of it that are coded alike."""
    full = page.levels[0].coding
    levels = tuple(
        _tiff_level(level, page)
        for level in page.levels
        if (level.coding.compression, level.coding.photometric) == (full.compression, full.photometric)
    )
    orientation = page.orientation if 1 <= page.orientation <= 8 else 1
    return Page(levels[0].size, orientation, number, pages, levels)


def frames_page(data: FileBytes, found: Format, number: int, path: str) -> Page:
    """A frame of a GIF or WebP. Both build a frame on those before it, so it is decoded as a whole.

    Raises:
        BadRequest: There is no such page.
        pyvips.Error: libvips cannot read the header.
    """
    loader = {Format.GIF: "gifload_source", Format.WEBP: "webpload_source"}[found]
    header = _header(data, loader)
    page = page_index(number, header["n-pages"], path)
    size = Size(header["width"], header["height"])
    return Page(
        size, header["orientation"], number, header["n-pages"], (_level(data, loader, size, 1, page=page),), whole=True
    )


def _jpeg_levels(picture: FileBytes, head: JpegHead) -> tuple[Level, ...]:
    levels = [_level(picture, "jpegload_source", head.size, 1)]
    for shrink in _JPEG_SHRINKS:
        if head.size.short_edge >= shrink:  # what does not fill a pixel is dropped
            shrunk = Size(head.size.width // shrink, head.size.height // shrink)
            levels.append(_level(picture, "jpegload_source", shrunk, shrink, shrink=shrink))
    return tuple(levels)


def _tiff_level(level: TiffLevel, page: TiffPage) -> Level:
    # The longer side tells the factor best: each was rounded when it was halved.
    full, small = page.levels[0].size, level.size
    factor = full.width / small.width if full.width >= full.height else full.height / small.height
    return Level(level.size, factor, partial(_open_tiff, level, page.bands), level.tiled)


@contextmanager
def _open_tiff(level: TiffLevel, bands: int | None) -> Iterator[pyvips.Image]:
    # Of broken pixels libtiff warns, and gives what it has; of tags that it does not know it warns elsewhere.
    with _open(level.data, "tiffload_source", fail_on="warning") as image:
        if bands is None or bands >= image.bands:
            yield image
        elif bands == 3:
            colours = {"uchar": "srgb", "ushort": "rgb16"}.get(image.format, image.interpretation)
            yield image.extract_band(0, n=3).copy(interpretation=colours)
        else:
            yield image.extract_band(0, n=bands)


def _level(data: FileBytes, loader: str, size: Size, factor: float, **options: Any) -> Level:
    return Level(size, factor, partial(_open, data, loader, **options))


@contextmanager
def _open(data: FileBytes, loader: str, **options: Any) -> Iterator[pyvips.Image]:
    """The lazy image, read from top to bottom: rows below the region are never decoded, nor are tiles beside it.

    Random access would decode a picture in rows as a whole first, and is no faster on tiles.
    """
    with vips_source(data) as source:
        yield getattr(pyvips.Image, loader)(source, access="sequential", **{"fail_on": "truncated", **options})


def _header(data: FileBytes, loader: str) -> dict[str, int]:
    with _open(data, loader) as image:
        orientation = image.get("orientation") if image.get_typeof("orientation") else 1
        return {
            "width": image.width,
            "height": image.height,
            "orientation": orientation if 1 <= orientation <= 8 else 1,
            "n-pages": image.get_n_pages(),
        }

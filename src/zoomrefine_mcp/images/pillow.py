"""AVIF, JPEG 2000, BMP, Netpbm, animated PNG and some TIFFs by Pillow: libvips' wheel has no loader, or a slow one.

Each plugin is made directly. ``Image.open`` would try others, and would check a limit that belongs to the whole
process and that another user of Pillow may rely on; ours is checked between header and pixels, in source.py.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pyvips
from PIL import ExifTags, Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile

from zoomrefine_mcp.errors import ImageDamaged, NotAnImage
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.images.formats import Format
from zoomrefine_mcp.images.page import Level, Page, page_index
from zoomrefine_mcp.images.reader import FileBytes, PositionedFile
from zoomrefine_mcp.images.tiff import TiffLevel


class _Tiff(TiffImageFile):
    """A TIFF whose pixels are made room for without asking the process-wide limit, as the other plugins do it."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.core.new(self.mode, self._tile_size)  # type: ignore[attr-defined]
        super().load_prepare()


_PLUGINS: dict[Format, type[ImageFile.ImageFile]] = {
    Format.AVIF: AvifImageFile,
    Format.JPEG2000: Jpeg2KImageFile,
    Format.BMP: BmpImageFile,
    Format.NETPBM: PpmImageFile,
    Format.PNG: PngImageFile,
    Format.TIFF: _Tiff,
}

_BAND_PIXELS = 16_000_000
"""Pixels are handed over in bands of whole rows: a copy of all at once would double the memory, and Pillow's ``crop``
checks the process-wide limit, which is 89 million by default."""

# What Pillow's plugins let escape on bytes that are not what they expected.
_FAILURES = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    UserWarning,  # where warnings are made errors; Pillow warns of odd tags
    Image.DecompressionBombError,
)

# How each mode's pixels are laid out for libvips: format, bands, interpretation.
_LAYOUTS = {
    "L": ("uchar", 1, "b-w"),
    "LA": ("uchar", 2, "b-w"),
    "RGB": ("uchar", 3, "srgb"),
    "RGBA": ("uchar", 4, "srgb"),
    "CMYK": ("uchar", 4, "cmyk"),
    "I;16": ("ushort", 1, "grey16"),
    "I": ("int", 1, "grey16"),
    "F": ("float", 1, "b-w"),
    "LAB": ("uchar", 3, "lab"),
}


def pillow_page(data: FileBytes, found: Format, number: int, path: str) -> Page:
    """A page of a picture that Pillow reads. It is decoded as a whole.

    Raises:
        BadRequest: There is no such page.
        ImageDamaged: The header cannot be read.
        NotAnImage: A variant that is decoded too slowly to be offered.
    """
    with _opened(data, found, path) as image:
        pages = max(1, int(getattr(image, "n_frames", 1)))
        size = Size(*image.size)
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1) if found is not Format.NETPBM else 1
        slow = found is Format.NETPBM and image.tile[0].codec_name != "raw"
    if slow:
        raise NotAnImage(
            f"{path} is a Netpbm picture with an unusual range of values",
            hint="Write it with 255 as its largest value, or as PNG.",
            path=path,
        )
    page_index(number, pages, path)
    orientation = orientation if orientation in range(1, 9) else 1
    level = Level(size, 1, partial(_decoded, data, found, number - 1, path))
    return Page(size, orientation, number, pages, (level,), whole=True)


def pillow_tiff_page(level: TiffLevel, number: int, pages: int, path: str) -> Page:
    """A page of a TIFF whose coding Pillow reads and libvips does not. It is decoded as a whole.

    Raises:
        NotAnImage: Its samples are laid out in a way that Pillow does not know.
    """
    try:
        with _opened(level.data, Format.TIFF, path) as image:
            size = Size(*image.size)  # upright: this plugin turns the picture by itself
    except ImageDamaged as error:
        # The directory was read before, and its pixels lie inside the file: only their layout is left.
        raise level.coding.layout_refusal(path) from error
    whole = Level(size, 1, partial(_decoded, level.data, Format.TIFF, 0, path))
    return Page(size, 1, number, pages, (whole,), whole=True)


@contextmanager
def _opened(data: FileBytes, found: Format, path: str) -> Iterator[ImageFile.ImageFile]:
    try:
        with _PLUGINS[found](io.BufferedReader(PositionedFile(data))) as image:
            yield image
    except _FAILURES as error:
        raise ImageDamaged(
            f"{path} cannot be read as {found}: {str(error)[:200] or type(error).__name__}",
            hint="It is damaged or incomplete: save or download it again.",
            path=path,
        ) from error


@contextmanager
def _decoded(data: FileBytes, found: Format, index: int, path: str) -> Iterator[pyvips.Image]:
    with _opened(data, found, path) as image:
        if index:
            image.seek(index)
        image.load()
        profile = image.info.get("icc_profile")
        pixels = _to_vips(image, narrow=found is not Format.TIFF)
    if isinstance(profile, bytes) and profile:
        pixels = pixels.copy()
        pixels.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    yield pixels


def _to_vips(image: Image.Image, *, narrow: bool) -> pyvips.Image:
    """The same pixels for libvips, palettes resolved, alpha kept.

    Args:
        image: Decoded.
        narrow: Whether 32-bit integers hold 16-bit ones, as they do in every format but TIFF.
    """
    rows = max(1, _BAND_PIXELS // image.width)
    bands = []
    for top in range(0, image.height, rows):
        band = _plain(image.crop((0, top, image.width, min(top + rows, image.height))))
        kind, count, interpretation = _LAYOUTS[band.mode]
        raw = pyvips.Image.new_from_memory(band.tobytes(), band.width, band.height, count, kind)
        if band.mode == "LAB":  # eight bits each: L* as a share of 255, a* and b* with a sign
            raw = raw.extract_band(0).linear(100 / 255, 0).bandjoin(raw.extract_band(1, n=2).copy(format="char"))
        bands.append(raw.cast("ushort") if kind == "int" and narrow else raw)
    joined = bands[0] if len(bands) == 1 else pyvips.Image.arrayjoin(bands, across=1)
    return joined.copy(interpretation=interpretation)


def _plain(band: Image.Image) -> Image.Image:
    if band.mode in _LAYOUTS:
        return band
    if band.mode in {"P", "PA"}:
        return band.convert("RGBA" if band.has_transparency_data else "RGB")
    plain = {"1": "L", "I;16L": "I;16", "I;16B": "I;16", "RGBa": "RGBA", "La": "LA"}
    return band.convert(plain.get(band.mode, "RGB"))

"""Makes the pictures that the tests open: small, exact, and telling which way is up."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageCms, ImageDraw

from zoomrefine_mcp.access import OpenFile
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.pictures import Picture

SIZE = Size(320, 240)
MARKER = PixelBox(200, 48, 264, 96)
"""Where the marker lies: four flat quarters of different colours, so that every turn and mirror image shows."""

RED, GREEN, BLUE, YELLOW = (220, 30, 40), (30, 180, 60), (40, 60, 210), (235, 215, 40)
QUARTERS = (RED, GREEN, BLUE, YELLOW)
"""Upper left, upper right, lower left, lower right."""

ORIENTATION = 274

# How a stored picture comes from an upright one, for each EXIF orientation.
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def scene(size: Size = SIZE, marker: PixelBox = MARKER) -> Image.Image:
    """A soft grey-blue gradient with the marker on it."""
    across = Image.linear_gradient("L").rotate(90).resize((size.width, size.height))
    down = Image.linear_gradient("L").resize((size.width, size.height))
    image = Image.merge("RGB", (across, down, Image.new("L", across.size, 120)))
    draw = ImageDraw.Draw(image)
    middle_x, middle_y = (marker.left + marker.right) // 2, (marker.top + marker.bottom) // 2
    xs, ys = (marker.left, middle_x, marker.right), (marker.top, middle_y, marker.bottom)
    for index, colour in enumerate(QUARTERS):
        column, row = index % 2, index // 2
        draw.rectangle((xs[column], ys[row], xs[column + 1] - 1, ys[row + 1] - 1), fill=colour)
    return image


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    """The picture as a camera held that way would store it."""
    return upright.transpose(_STORED[orientation]) if orientation in _STORED else upright


def exif(orientation: int) -> Image.Exif:
    """EXIF data with an orientation and a place on earth that nobody should learn."""
    data = Image.Exif()
    data[ORIENTATION] = orientation
    data[0x010E] = "SECRET-DESCRIPTION"
    return data


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def opened(path: Path) -> OpenFile:
    return OpenFile(os.open(path, os.O_RDONLY), str(path))


def decoded(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data), formats=("JPEG", "PNG"))
    image.load()
    return image


def colour_at(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place in 0..1 of a picture."""
    value = image.convert("RGB").getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(value, tuple)
    return tuple(int(part) for part in value)


def is_near(seen: Sequence[int], wanted: Sequence[int], tolerance: int = 10) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(seen, wanted, strict=True))


def shows_marker(image: Image.Image, wanted: Sequence[Sequence[int]] = QUARTERS, tolerance: int = 10) -> bool:
    """Whether a picture is the marker, upright and nothing else: the middle of each quarter, and near each corner."""
    places = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
    corners = ((0.03, 0.03), (0.97, 0.03), (0.03, 0.97), (0.97, 0.97))
    return all(
        is_near(colour_at(image, *place), colour, tolerance)
        for spots in (places, corners)
        for place, colour in zip(spots, wanted, strict=True)
    )


def marker_box(size: Size = SIZE, marker: PixelBox = MARKER) -> Box:
    return Box.from_pixels(marker, size)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, pixels: bytes, *extra: bytes, interlaced: bool = False) -> bytes:
    """An 8-bit grey PNG from its parts, for files that no writer would make."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, int(interlaced))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            *extra,
            png_chunk(b"IDAT", pixels),
            png_chunk(b"IEND", b""),
        )
    )


def tiff(tags: Sequence[tuple[int, int, int, int]], *, at: int = 0, data: bytes = b"", following: int = 0) -> bytes:
    """A little-endian TIFF of one directory, from (tag, type, count, value or offset), with ``data`` at offset ``at``.

    A value whose count does not fit into four bytes is looked for at ``value``: zeros lie there.
    """
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", following)
    return head.ljust(at, b"\0") + data

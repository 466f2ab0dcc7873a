"""What stands before the pixels of a JPEG or PNG and the imaging libraries do not tell.

How large, whether it has to be decoded as a whole, where the further pictures of an MPO lie, how many frames an
animated PNG has. Counts and lengths may be hostile, so each has a bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zoomrefine_mcp.errors import ImageDamaged
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.images.reader import FileBytes
from zoomrefine_mcp.images.tiff import Directories, damaged

_MAX_SEGMENTS = 4096  # of a JPEG before its pixels; a depth map in XMP takes a few hundred
_MAX_CHUNKS = 10_000  # of a PNG before its pixels
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn; the three are tables and reserved
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_APP2 = 0xE2

_MPF_ENTRIES = 0xB002
_MPF_UNDEFINED = 0x000000
_MPF_FULL_SIZE = frozenset({0x030000, 0x020001, 0x020002, 0x020003})  # primary, panorama, disparity, angles


@dataclass(frozen=True, slots=True)
class JpegHead:
    """A JPEG before its pixels.

    Attributes:
        size: As stored.
        progressive: Whether every part of it needs the whole file.
        others: The further pictures of an MPO.
    """

    size: Size
    progressive: bool
    others: tuple[FileBytes, ...] = ()


@dataclass(frozen=True, slots=True)
class PngHead:
    """A PNG before its pixels.

    Attributes:
        size: As stored.
        interlaced: Whether every part of it needs the whole file.
        frames: 1, or how many pictures an animation claims to show one after another.
    """

    size: Size
    interlaced: bool
    frames: int


def jpeg_head(data: FileBytes, path: str, *, index: bool = True) -> JpegHead:
    """Walk a JPEG's segments up to its frame header.

    Args:
        data: The JPEG.
        path: Its name, for messages.
        index: Whether to follow an index of further pictures. Not inside one: those could nest without end.

    Raises:
        ImageDamaged: There is none.
    """
    entries: list[tuple[int, FileBytes]] = []
    for marker, at in _segments(data):
        if marker in _FRAME_HEADERS:
            frame = data.read_at(at + 5, 4)
            height, width = int.from_bytes(frame[:2], "big"), int.from_bytes(frame[2:], "big")
            if not (width and height):
                break
            size = Size(width, height)
            others = tuple(picture for kind, picture in entries if _is_page(kind, picture, size, path))
            return JpegHead(size, progressive=marker in _PROGRESSIVE, others=others)
        if index and marker == _APP2 and data.read_at(at + 4, 4) == b"MPF\0":
            entries = _mpf_entries(data.window(at + 8, data.length), path)
    raise damaged(path, "is a JPEG without a frame header")


def _segments(data: FileBytes) -> Iterator[tuple[int, int]]:
    """Marker and offset of each segment before the pixels, as far as they can be followed."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        head = data.read_at(at, 4)
        if len(head) < 4 or head[0] != 0xFF:
            return
        if head[1] == 0xFF:  # padding
            at += 1
            continue
        yield head[1], at
        at += 2 + int.from_bytes(head[2:], "big")


def _mpf_entries(index: FileBytes, path: str) -> list[tuple[int, FileBytes]]:
    """Kind and bytes of each picture after the first, from the index of a multi-picture file (CIPA DC-007)."""
    try:
        directories = Directories(index, path)
        tags, _ = directories.read(directories.first, frozenset({_MPF_ENTRIES}))
    except ImageDamaged:
        return []  # the first picture stands without its index
    raw = bytes(tags.get(_MPF_ENTRIES, ()))
    entries = []
    for at in range(16, len(raw) - 15, 16):
        kind, length, offset = (directories.number(raw[at + part : at + part + 4]) for part in (0, 4, 8))
        entries.append((kind & 0xFFFFFF, index.window(offset, length)))
    return entries


def _is_page(kind: int, picture: FileBytes, size: Size, path: str) -> bool:
    """Whether it is a picture for people: not a preview, and not the gain map that phones append."""
    if picture.read_at(0, 3) != b"\xff\xd8\xff":
        return False
    if kind in _MPF_FULL_SIZE:
        return True
    try:
        return kind == _MPF_UNDEFINED and jpeg_head(picture, path, index=False).size == size
    except ImageDamaged:
        return False


def png_head(data: FileBytes, path: str) -> PngHead:
    """Walk a PNG's chunks up to its pixels.

    Raises:
        ImageDamaged: It does not begin with a header of a possible size.
    """
    head = data.read_at(8, 21)
    if len(head) < 21 or head[4:8] != b"IHDR":
        raise damaged(path, "is a PNG without a header")
    width, height = int.from_bytes(head[8:12], "big"), int.from_bytes(head[12:16], "big")
    if not (width and height):
        raise damaged(path, "is a PNG of no pixels")
    claimed, first_is_a_frame = 0, False
    at = 33
    for _ in range(_MAX_CHUNKS):
        chunk = data.read_at(at, 12)
        kind = chunk[4:8]
        if len(chunk) < 12 or kind == b"IDAT":
            break
        if kind == b"acTL":
            claimed = int.from_bytes(chunk[8:12], "big")
        first_is_a_frame |= kind == b"fcTL"
        at += 12 + int.from_bytes(chunk[:4], "big")
    frames = claimed + (not first_is_a_frame) if claimed else 1  # else the still picture stands before the animation
    return PngHead(Size(width, height), interlaced=head[20] != 0, frames=frames)

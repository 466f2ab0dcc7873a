"""The directories of a TIFF, read before anything is decoded: which are pages, which are smaller copies of one.

The imaging libraries number directories and leave that question open; they also walk all of them at each opening,
which takes seconds on a hostile file. So each directory is shown to them as a TIFF that holds nothing else. Every count
and offset here may be hostile, and has a bound.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import add
from typing import Literal

from zoomrefine_mcp.errors import ImageDamaged
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.images.coding import CODING_TAGS, Coding
from zoomrefine_mcp.images.formats import camera_raw
from zoomrefine_mcp.images.reader import FileBytes

_MAX_DIRECTORIES = 20_000  # more pages than any scan has; each costs two reads
_MAX_TAGS = 4096  # of one directory; real ones have 10 to 60
_MAX_VALUES = 1024  # of one tag, where each counts
_MAX_PIECES = 4_000_000  # strips or tiles; a gigapixel in tiles of 16 x 16 has as many

# Field types of TIFF 6.0 and BigTIFF that hold whole numbers, offsets, text or raw bytes, as struct writes them.
FIELD_TYPES = {1: "B", 2: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q", 18: "Q"}

_SUBFILE = 254  # NewSubfileType, a set of bits:
_REDUCED, _MASK = 1, 4
_OLD_SUBFILE = 255  # SubfileType, its predecessor: 2 is a reduced copy
_WIDTH, _HEIGHT, _ORIENTATION, _SUB_IFDS, _DNG_VERSION = 256, 257, 274, 330, 50706
_PHOTOMETRIC, _SAMPLES, _EXTRA_SAMPLES = 262, 277, 338
_GREY, _CMYK = frozenset({0, 1}), 5  # PhotometricInterpretation
_PIECES = ((273, 279), (324, 325))  # offsets and lengths of strips, of tiles
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_PIECE_TAGS = frozenset({_TILE_WIDTH, _TILE_HEIGHT, *(tag for pair in _PIECES for tag in pair)})
_MAX_TILE = 1 << 26  # pixels of a tile that is larger than its picture; the decoders allocate it before they look
_LARGE_TILE = 1 << 22  # pixels; of larger ones, a region costs many times its own pixels
_ALPHA = frozenset({1, 2})  # ExtraSamples: with and without the colours multiplied by it; 0 is data of another kind
_TIFF_TAGS = CODING_TAGS | frozenset(
    {
        _SUBFILE,
        _OLD_SUBFILE,
        _WIDTH,
        _HEIGHT,
        _ORIENTATION,
        _SUB_IFDS,
        _DNG_VERSION,
        _EXTRA_SAMPLES,
        _TILE_WIDTH,
        _TILE_HEIGHT,
    }
)

Tags = dict[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class TiffLevel:
    """One directory: a page at full size, or a smaller copy of it.

    Attributes:
        offset: Where it begins in the file.
        data: The file, as if this directory were its only one.
        size: In pixels, as stored.
        coding: How its pixels are coded.
        tiled: Whether a region of it is read from its own tiles, and not from the rows of all above it.
    """

    offset: int
    data: FileBytes
    size: Size
    coding: Coding
    tiled: bool


@dataclass(slots=True)
class TiffPage:
    """A page.

    Attributes:
        orientation: As the file says, unchecked.
        bands: How many of the samples are the picture, where further ones are neither colour nor alpha (the infrared
            of a satellite); None where all are.
        levels: At full size first, then its smaller copies, largest first.
    """

    orientation: int
    bands: int | None
    levels: list[TiffLevel] = field(default_factory=list)

    def add_copy(self, level: TiffLevel) -> None:
        """Keep ``level`` if it can be a smaller copy: smaller than the last, and of the page's shape."""
        full, last = self.levels[0].size, self.levels[-1].size
        factor = full.width / level.size.width
        # Halving k times rounds k times: the height may be off by a pixel or two, or so may the factor.
        alike = abs(full.height / factor - level.size.height) <= max(2.0, 0.01 * level.size.height)
        if alike and level.size.width < last.width:
            self.levels.append(level)


class Directories:
    """Directories of tagged values: the layout that TIFF, BigTIFF and the index of an MPO share."""

    def __init__(self, data: FileBytes, path: str) -> None:
        head = data.read_at(0, 16)
        self._little = head.startswith(b"II")
        self._big = b"+" in head[2:4]
        self._data, self._path = data, path
        self.first = self.number(head[8:16]) if self._big else self.number(head[4:8])

    def read(self, offset: int, wanted: frozenset[int], most: int = _MAX_VALUES) -> tuple[Tags, int]:
        """The wanted values of the directory at ``offset``, and where the next one lies (0: nowhere).

        Args:
            offset: Where it begins.
            wanted: Tags to read.
            most: How many values of one tag to read; further ones are left.

        Raises:
            ImageDamaged: It lies outside the file, or claims more tags than can be.
        """
        count_bytes, entry_bytes, offset_bytes = (8, 20, 8) if self._big else (2, 12, 4)
        count = self.number(self._bytes(offset, count_bytes))
        if count > _MAX_TAGS:
            raise damaged(self._path, f"has a directory of {count} tags")
        table = self._bytes(offset + count_bytes, count * entry_bytes + offset_bytes)
        values: Tags = {}
        for at in range(0, count * entry_bytes, entry_bytes):
            tag = self.number(table[at : at + 2])
            if tag in wanted:
                values[tag] = self._values(table[at : at + entry_bytes], offset_bytes, most)
        return values, self.number(table[count * entry_bytes :])

    def alone(self, offset: int) -> FileBytes:
        """The file with the directory at ``offset`` as its first and last."""
        count_bytes, entry_bytes, offset_bytes = (8, 20, 8) if self._big else (2, 12, 4)
        count = self.number(self._bytes(offset, count_bytes))
        order: Literal["little", "big"] = "little" if self._little else "big"
        first = (offset_bytes, offset.to_bytes(offset_bytes, order))
        following = (offset + count_bytes + count * entry_bytes, bytes(offset_bytes))
        return replace(self._data, patches=(first, following))

    def number(self, raw: bytes) -> int:
        """An unsigned whole number in the file's byte order."""
        return int.from_bytes(raw, "little" if self._little else "big")

    def _values(self, entry: bytes, offset_bytes: int, most: int) -> Sequence[int]:
        kind = FIELD_TYPES.get(self.number(entry[2:4]))
        if kind is None:
            return ()
        count = min(self.number(entry[4 : 4 + offset_bytes]), most)
        layout = struct.Struct(f"{'<' if self._little else '>'}{count}{kind}")
        raw = entry[4 + offset_bytes :]
        if layout.size > offset_bytes:
            raw = self._bytes(self.number(raw), layout.size)
        if count > _MAX_VALUES:  # of the tiles of a slide there are a million: eight bytes each, not forty
            values = array(kind, raw)
            if self._little != (sys.byteorder == "little"):
                values.byteswap()
            return values
        return layout.unpack_from(raw)

    def _bytes(self, offset: int, count: int) -> bytes:
        data = self._data.read_at(offset, count)
        if len(data) < count:
            raise damaged(self._path, "has a directory that lies outside the file")
        return data


def damaged(path: str, what: str) -> ImageDamaged:
    """The error for a picture whose structure does not hold together; ``what`` follows the path."""
    return ImageDamaged(f"{path} {what}", hint="It is damaged or incomplete: save or download it again.", path=path)


def tiff_pages(data: FileBytes, path: str) -> list[TiffPage]:
    """The pages of a TIFF, each with the smaller copies that are stored for it.

    A directory marked as reduced belongs to the page before it (libvips and GDAL write pyramids so), and so do the
    sub-directories of a page (OME and libvips with ``subifd``). Masks are neither.

    Raises:
        ImageDamaged: A directory that cannot be, or no page at all.
        NotAnImage: A camera raw file, whose pages are previews.
    """
    directories = Directories(data, path)
    pages: list[TiffPage] = []
    seen: set[int] = set()
    offset = directories.first
    while offset and offset not in seen and len(seen) < _MAX_DIRECTORIES:
        start = offset
        seen.add(start)
        tags, offset = directories.read(start, _TIFF_TAGS)
        level = _level(directories, tags, start)
        if level is None or _first(tags, _SUBFILE, 0) & _MASK:
            continue
        copies = _sub_levels(directories, tags)
        if _DNG_VERSION in tags or any(copy.size.pixels > level.size.pixels for copy in copies):
            raise camera_raw(path)  # the directory is a preview, and the raw pixels lie below it
        if _is_reduced(tags) and pages:
            pages[-1].add_copy(level)
            continue
        page = TiffPage(_first(tags, _ORIENTATION, 1), _bands(tags), [level])
        for copy in copies:
            page.add_copy(copy)
        pages.append(page)
    if not pages:
        raise damaged(path, "holds no picture that can be found")
    return pages


def verify_complete(data: FileBytes, path: str, page: TiffPage) -> None:
    """Check that every strip and tile of a page lies inside the file, and that no tile takes memory for nothing.

    libtiff mends a length that reaches beyond the end by itself, and gives black where the pixels should be.

    Raises:
        ImageDamaged: One does not.
    """
    directories = Directories(data, path)
    for level in page.levels:
        tags, _ = directories.read(level.offset, _PIECE_TAGS, _MAX_PIECES)
        tile = _first(tags, _TILE_WIDTH, 1) * _first(tags, _TILE_HEIGHT, 1)
        if tile > max(_MAX_TILE, 4 * level.size.pixels):
            raise damaged(path, f"has tiles of {tile:,} pixels")
        for offsets, lengths in _PIECES:
            starts = tags.get(offsets, ())
            ends = map(add, starts, tags.get(lengths, ())) if lengths in tags else starts
            if max(ends, default=0) > data.length:
                raise damaged(path, "ends before its pixels do")


def _sub_levels(directories: Directories, tags: Tags) -> list[TiffLevel]:
    levels = []
    for offset in tags.get(_SUB_IFDS, ())[:64]:
        sub_tags, _ = directories.read(offset, _TIFF_TAGS)
        level = _level(directories, sub_tags, offset)
        if level is not None:
            levels.append(level)
    return levels


def _level(directories: Directories, tags: Tags, offset: int) -> TiffLevel | None:
    width, height = _first(tags, _WIDTH, 0), _first(tags, _HEIGHT, 0)
    if not (width and height):
        return None
    tile = _first(tags, _TILE_WIDTH, 0) * _first(tags, _TILE_HEIGHT, 0)
    tiled = 0 < tile <= _LARGE_TILE
    return TiffLevel(offset, directories.alone(offset), Size(width, height), Coding.of(tags), tiled)


def _bands(tags: Tags) -> int | None:
    extras = tags.get(_EXTRA_SAMPLES)
    if not extras or extras[0] in _ALPHA:
        return None
    samples, photometric = _first(tags, _SAMPLES, 1), _first(tags, _PHOTOMETRIC, 1)
    if photometric in _GREY:
        return 3 if samples >= 3 else 1  # many bands that nobody named are written as grey ones
    return 4 if photometric == _CMYK else 3


def _is_reduced(tags: Tags) -> bool:
    return bool(_first(tags, _SUBFILE, 0) & _REDUCED) or _first(tags, _OLD_SUBFILE, 1) == 2


def _first(tags: Tags, tag: int, default: int) -> int:
    return tags[tag][0] if tags.get(tag) else default

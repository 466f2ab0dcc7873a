"""Pixels of another library for libvips, tile by tile: an uncompressed BigTIFF whose tiles are made when they are read.

libvips takes pixels from a file or from memory, and a slide fits into neither. What is read here is a file that nobody
wrote: its directory is put together once, and what lies at an offset behind it follows from the tile that begins there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyvips

from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.images.reader import vips_source
from zoomrefine_mcp.images.tiff import FIELD_TYPES

_BANDS = 4  # RGBA, 8 bits each
_SHORT, _LONG, _UNDEFINED, _LONG8 = 3, 4, 7, 16
_HEADER = 16  # bytes of a BigTIFF before its directory
_INLINE = 8  # bytes of values that stand in the directory itself


class Tiles:
    """A picture that is made tile by tile.

    Args:
        size: Of the picture, in pixels.
        tile: Of each tile, in pixels; both sides multiples of 16, as TIFF wants them.
        paint: Gives the tile of a column and a row as RGBA rows, full size also at the right and lower edges. Called in
            any thread; raises ``OSError`` or ``ImageDamaged``.
        profile: Its ICC profile; empty where it has none.
    """

    def __init__(self, size: Size, tile: Size, paint: Callable[[int, int], bytes], profile: bytes = b"") -> None:
        self._paint = paint
        self._columns = -(-size.width // tile.width)
        self._count = self._columns * -(-size.height // tile.height)
        self._tile_bytes = tile.pixels * _BANDS
        self._head = self._directory(size, tile, profile)

    @contextmanager
    def open(self) -> Iterator[pyvips.Image]:
        """The lazy image, to be read inside the context, from top to bottom: tiles beside a cut are never made.

        Raises:
            OSError: A tile could not be made.
            ImageDamaged: The same.
            pyvips.Error: libvips failed.
        """
        reading = _Reading(self._head, self._tile_bytes, self._count, self._made)
        with vips_source(reading) as source:
            yield pyvips.Image.tiffload_source(source, access="sequential", fail_on="truncated")

    def _made(self, index: int) -> bytes:
        return self._paint(index % self._columns, index // self._columns)

    def _directory(self, size: Size, tile: Size, profile: bytes) -> bytes:
        """All that stands before the first tile."""
        count, each = self._count, self._tile_bytes
        tags = {
            256: (_LONG, (size.width,)),
            257: (_LONG, (size.height,)),
            258: (_SHORT, (8,) * _BANDS),
            259: (_SHORT, (1,)),  # uncompressed
            262: (_SHORT, (2,)),  # RGB
            277: (_SHORT, (_BANDS,)),
            322: (_LONG, (tile.width,)),
            323: (_LONG, (tile.height,)),
            324: (_LONG8, range(0, count * each, each)),  # from the first tile; where that begins is added below
            325: (_LONG8, (each,) * count),
            338: (_SHORT, (2,)),  # the fourth sample is alpha that the colours are not multiplied by
        }
        if profile:
            tags[34675] = (_UNDEFINED, profile)
        layouts = {tag: struct.Struct(f"<{len(values)}{FIELD_TYPES[kind]}") for tag, (kind, values) in tags.items()}
        outside = _HEADER + 8 + 20 * len(tags) + 8  # where values lie that the directory has no room for
        first = outside + sum(_even(layout.size) for layout in layouts.values() if layout.size > _INLINE)
        directory, data = bytearray(struct.pack("<2sHHHQQ", b"II", 43, 8, 0, _HEADER, len(tags))), bytearray()
        for tag, (kind, values) in tags.items():
            packed = layouts[tag].pack(*(range(first, first + count * each, each) if tag == 324 else values))
            if len(packed) > _INLINE:
                place = struct.pack("<Q", outside + len(data))
                data += packed.ljust(_even(len(packed)), b"\0")
            else:
                place = packed.ljust(_INLINE, b"\0")
            directory += struct.pack("<HHQ", tag, kind, len(values)) + place
        return bytes(directory + bytes(8) + data)


def _even(length: int) -> int:
    return length + length % 2


@dataclass(slots=True)
class _Reading:
    """The file as one reader sees it: it keeps the tile that it read last, since a tile may be asked for in pieces."""

    head: bytes
    tile_bytes: int
    count: int
    made: Callable[[int], bytes]
    _last: tuple[int, bytes] = field(default=(-1, b""))

    @property
    def length(self) -> int:
        return len(self.head) + self.count * self.tile_bytes

    def read_at(self, offset: int, count: int) -> bytes:
        parts = []
        while count > 0 and offset < self.length:
            part = self._from(offset)[:count]
            parts.append(part)
            offset, count = offset + len(part), count - len(part)
        return b"".join(parts)

    def _from(self, offset: int) -> bytes:
        if offset < len(self.head):
            return self.head[offset:]
        index, inside = divmod(offset - len(self.head), self.tile_bytes)
        if self._last[0] != index:
            self._last = (index, self.made(index))
        return self._last[1][inside:]

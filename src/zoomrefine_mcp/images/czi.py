"""The tiles that a CZI (Zeiss) says it has, looked at before anything makes room for them.

OpenSlide makes room for a tile as large as the file says, and ends the process where there is none: a damaged byte
would do. A CZI is a row of named segments; one of them lists all tiles, each with its size and the place of the segment
that holds it.
"""

from __future__ import annotations

import struct

from zoomrefine_mcp.images.reader import FileBytes
from zoomrefine_mcp.images.tiff import damaged

_SEGMENT = 32  # bytes of a segment's head
_DIRECTORY_AT = _SEGMENT + 52  # where the file's first segment names the place of the directory
_LIST = _SEGMENT + 128  # bytes of a directory before its entries
_ENTRY = struct.Struct("<2s4xq14xi")  # kind, place of the tile's segment, how many dimensions
_DIMENSION = struct.Struct("<4s4xi4xi")  # name, pixels on the full size, pixels that are stored
_TILE = struct.Struct("<iiq")  # bytes of metadata, of attachments (which lie behind), of pixels
_MAX_DIMENSIONS = 40  # the format has 11 letters for them
_MAX_TILE = 1 << 24  # pixels; Zeiss writes tiles of up to 2056 x 2056
_MAX_LIST = 1 << 28  # bytes: two million tiles


def verify_tiles(data: FileBytes, path: str) -> None:
    """Check that each tile lies inside the file, has no more pixels than any has, and is not stored enlarged.

    Raises:
        ImageDamaged: One does not, or the list of them cannot be read.
        OSError: The file system failed.
    """
    start = int.from_bytes(data.read_at(_DIRECTORY_AT, 8), "little")
    head = data.read_at(start, _LIST)
    if len(head) < _LIST or not head.startswith(b"ZISRAWDIRECTORY"):
        raise damaged(path, "has no list of its tiles where it should be")
    count = int.from_bytes(head[_SEGMENT : _SEGMENT + 4], "little")
    length = min(int.from_bytes(head[24:32], "little"), _MAX_LIST)
    entries = data.read_at(start + _LIST, length)
    at = 0
    for _ in range(count):
        if at + _ENTRY.size > len(entries):
            raise damaged(path, "ends before the list of its tiles does")
        kind, place, dimensions = _ENTRY.unpack_from(entries, at)
        at += _ENTRY.size
        following = at + dimensions * _DIMENSION.size
        if kind != b"DV" or not 0 <= dimensions <= _MAX_DIMENSIONS or following > len(entries):
            raise damaged(path, "has a list of tiles that cannot be read")
        sides = {name[:1]: (size, kept) for name, size, kept in _DIMENSION.iter_unpack(entries[at:following])}
        at = following
        (wide, stored_wide), (high, stored_high) = sides.get(b"X", (0, 0)), sides.get(b"Y", (0, 0))
        # OpenSlide divides by what is stored.
        if not (1 <= stored_wide <= wide and 1 <= stored_high <= high and stored_wide * stored_high <= _MAX_TILE):
            raise damaged(path, f"has a tile of {stored_wide} x {stored_high} pixels")
        _verify_place(data, path, place)


def _verify_place(data: FileBytes, path: str, place: int) -> None:
    head = data.read_at(place + _SEGMENT, _TILE.size) if place >= 0 else b""
    if len(head) < _TILE.size:
        raise damaged(path, "ends before its tiles do")
    metadata, _, pixels = _TILE.unpack(head)
    if min(metadata, pixels) < 0 or place + _SEGMENT + metadata + pixels > data.length:
        raise damaged(path, "ends before its tiles do")

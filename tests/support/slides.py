"""Writes small slides as scanners do: mostly TIFFs of tiles in JPEG, each level a directory of its own."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence

from PIL import Image

from tests.support.pictures import encoded
from zoomrefine_mcp.geometry import Size

DESCRIPTION, SOFTWARE, XMP, PROFILE, NDPI = 270, 305, 700, 34675, 65420
APERIO = {DESCRIPTION: b"Aperio Image Library v12.0.15 \r\n1000x800 (240x240) JPEG/RGB Q=90|AppMag = 40|MPP = 0.25\0"}
TILE = 240

TRESTLE = {SOFTWARE: b"MedScan 1.0\0", DESCRIPTION: b"Background Color=ffffff;Objective Power=20\0"}

_TEXT, _SHORT, _LONG, _RAW = 2, 3, 4, 7
_LAYOUTS = {_TEXT: "B", _SHORT: "H", _LONG: "I", _RAW: "B"}


def slide(
    levels: Sequence[Image.Image],
    texts: dict[int, bytes],
    *,
    missing: Collection[int] = (),
    broken: Collection[int] = (),
    tile: int = TILE,
) -> bytes:
    """A TIFF of these levels, none marked as a smaller copy of another.

    Args:
        levels: Largest first.
        texts: Tags of every directory that hold text or raw bytes.
        missing: Tiles of the first level that the scanner left out.
        broken: Tiles of the first level that are no JPEG.
        tile: Edge of a tile, in pixels.
    """
    out = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for index, level in enumerate(levels):
        starts, lengths = [], []
        for number, (left, top) in enumerate(_corners(level, tile)):
            cut = level.convert("RGB").crop((left, top, left + tile, top + tile))
            data = encoded(cut, "JPEG", quality=95, subsampling=0)
            if index == 0 and number in missing:
                data = b""
            if index == 0 and number in broken:
                data = b"?" * len(data)
            starts.append(_put(out, data) if data else 0)
            lengths.append(len(data))
        link = _level(out, Size(*level.size), tile, starts, lengths, texts, link)
    return bytes(out)


def endless(sizes: Sequence[Size], one: Image.Image, texts: dict[int, bytes]) -> bytes:
    """A slide all of whose tiles, on every level, are the same one: of any size, in a small file."""
    out = bytearray(b"II*\0\0\0\0\0")
    data = encoded(one, "JPEG", quality=95, subsampling=0)
    start, link = _put(out, data), 4
    for size in sizes:
        count = -(-size.width // one.width) * -(-size.height // one.height)
        link = _level(out, size, one.width, [start] * count, [len(data)] * count, texts, link)
    return bytes(out)


def _level(
    out: bytearray,
    size: Size,
    tile: int,
    starts: list[int],
    lengths: list[int],
    texts: dict[int, bytes],
    link: int,
) -> int:
    tags = {
        256: (_LONG, [size.width]),
        257: (_LONG, [size.height]),
        258: (_SHORT, [8, 8, 8]),
        259: (_SHORT, [7]),
        262: (_SHORT, [6]),
        277: (_SHORT, [3]),
        322: (_LONG, [tile]),
        323: (_LONG, [tile]),
        324: (_LONG, starts),
        325: (_LONG, lengths),
        530: (_SHORT, [1, 1]),
        **{tag: (_TEXT if tag in {DESCRIPTION, SOFTWARE} else _RAW, list(data)) for tag, data in texts.items()},
    }
    return _directory(out, tags, link)


def ndpi(levels: Sequence[Image.Image]) -> bytes:
    """A slide as Hamamatsu writes it: each level one JPEG, found by offsets of 64 bits in a TIFF of 32."""
    out = bytearray(b"II*\0" + bytes(8))
    link = 4
    for level in levels:
        data = encoded(level.convert("RGB"), "JPEG", quality=95, subsampling=0, restart_marker_rows=1)
        lens = 40.0 * level.width / levels[0].width
        tags = (
            (256, 4, level.width),
            (257, 4, level.height),
            (259, 3, 7),
            (262, 3, 6),
            (273, 4, _put(out, data)),
            (277, 3, 3),
            (279, 4, len(data)),
            (NDPI, 4, 1),
            (65421, 11, int.from_bytes(struct.pack("<f", lens), "little")),
            (65424, 9, 0),
        )
        entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
        # Behind the link to the next directory, the upper halves of all values.
        at = _put(out, struct.pack("<H", len(tags)) + entries + bytes(8) + bytes(4 * len(tags)))
        out[link : link + 8] = struct.pack("<Q", at)
        link = at + 2 + len(entries)
    return bytes(out)


def czi(levels: Sequence[Image.Image]) -> bytes:
    """A slide as Zeiss writes it: segments with a name each, of which some hold a tile; not compressed."""
    full = levels[0]
    out = bytearray(_segment("ZISRAWFILE", bytes(512)))
    entries = []
    for level in levels:
        factor = full.width // level.width
        for left, top in _corners(level, TILE):
            width, height = min(TILE, level.width - left), min(TILE, level.height - top)
            red, green, blue = level.convert("RGB").crop((left, top, left + width, top + height)).split()
            data = Image.merge("RGB", (blue, green, red)).tobytes()
            # Name, first index, how many on the full size, how many are stored.
            dimensions = (
                (b"X", left * factor, width * factor, width),
                (b"Y", top * factor, height * factor, height),
                (b"C", 0, 1, 1),
                (b"S", 0, 1, 1),
            )
            entry = b"DV" + struct.pack("<iqiiB5xi", 3, len(out), 0, 0, 0 if factor == 1 else 2, len(dimensions))
            entry += b"".join(struct.pack("<4siifi", name, at, size, at, kept) for name, at, size, kept in dimensions)
            fixed = struct.pack("<iiq", 0, 0, len(data)) + entry
            out += _segment("ZISRAWSUBBLOCK", fixed.ljust(256, b"\0") + data)
            entries.append(entry)
    head = [len(out)]
    out += _segment("ZISRAWDIRECTORY", struct.pack("<i124x", len(entries)) + b"".join(entries))
    head.append(len(out))
    words = (
        "<ImageDocument><Metadata><Information><Image><PixelType>Bgr24</PixelType>"
        f"<SizeX>{full.width}</SizeX><SizeY>{full.height}</SizeY><SizeC>1</SizeC><SizeS>1</SizeS>"
        "</Image></Information></Metadata></ImageDocument>"
    ).encode()
    out += _segment("ZISRAWMETADATA", struct.pack("<i252x", len(words)) + words)
    head.append(len(out))
    out += _segment("ZISRAWATTDIR", bytes(256))
    # Version 1.0, two names of the file, its part of several; then where the three lie.
    struct.pack_into("<iiii16s16siqqiq", out, 32, 1, 0, 0, 0, b"a", b"a", 0, *head[:2], 0, head[2])
    return bytes(out)


def _segment(name: str, data: bytes) -> bytes:
    return struct.pack("<16sQQ", name.encode(), len(data), len(data)) + data


def _corners(level: Image.Image, tile: int) -> list[tuple[int, int]]:
    return [(left, top) for top in range(0, level.height, tile) for left in range(0, level.width, tile)]


def _directory(out: bytearray, tags: dict[int, tuple[int, list[int]]], link: int) -> int:
    """Add a directory, name its place at ``link``, and say where the next one's is to be named."""
    entries = b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}{_LAYOUTS[kind]}", *values)
        value = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", _put(out, packed))
        entries += struct.pack("<HHI", tag, kind, len(values)) + value
    at = _put(out, struct.pack("<H", len(tags)) + entries + bytes(4))
    out[link : link + 4] = struct.pack("<I", at)
    return at + 2 + len(entries)


def _put(out: bytearray, data: bytes) -> int:
    out.extend(bytes(len(out) % 2))
    at = len(out)
    out.extend(data)
    return at

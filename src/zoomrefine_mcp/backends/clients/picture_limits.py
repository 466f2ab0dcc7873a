"""How large a picture may be, as far as a refusal says."""

from __future__ import annotations

import re

from zoomrefine_mcp.backends.clients.decoded import at
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import Limit

PATCH_PIXELS = 32 * 32
"""Of one of OpenAI's patches, the only ones that a refusal counts."""

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_EDGE = re.compile(r"max\w{0,10} (?:allowed )?(?:size|edge|side)\D{0,40}(\d{3,5}) ?p(?:x|ixel)")
_PAIR = re.compile(r"\b([1-9]\d{1,5}) ?[x\u00d7] ?([1-9]\d{1,5})\b")
_AREA = re.compile(r"\b([1-9]\d{5,11}) ?pixels")
_PATCHES = re.compile(r"\b([1-9]\d{1,6}) ?(?:image )?patches")
_BYTES = re.compile(r"\b([1-9]\d{3,11}) ?bytes")
_MEGABYTES = re.compile(r"\b(\d{1,6}(?:\.\d{1,6})?) ?M(?:i?B|egabytes)")


def picture_limit(words: str, body: object = None) -> Limit:
    """The largest picture that a refusal names.

    A refusal names what was sent and what is allowed; what is allowed is the smaller.

    >>> picture_limit("image dimensions 4000x3000 exceed the model's maximum; the largest that fits is 1568x1176").size
    Size(width=1568, height=1176)
    >>> picture_limit("image exceeds 5 MB maximum: 6213764 bytes > 5242880 bytes").bytes
    5242880
    >>> picture_limit("This image has 41,000 patches; at most 30,000 patches are supported.").pixels
    30720000

    Args:
        words: The server's message.
        body: The decoded body, where Anthropic's ``max_side_length_pixels`` may stand.
    """
    words = _THOUSANDS.sub("", words)
    edges = [int(number) for number in _EDGE.findall(words)]
    edge = at(body, "error", "details", "max_side_length_pixels")
    if isinstance(edge, int) and 1 < edge < 10**6:
        edges.append(edge)
    pairs = [Size(int(width), int(height)) for width, height in _PAIR.findall(words)]
    sizes = [Size(edge, edge) for edge in edges] or (pairs if len(pairs) > 1 else [])
    areas = [int(number) for number in _AREA.findall(words)]
    areas += [int(number) * PATCH_PIXELS for number in _PATCHES.findall(words)]
    counts = [int(number) for number in _BYTES.findall(words)]
    counts = counts or [int(float(number) * 1e6) for number in _MEGABYTES.findall(words)]
    return Limit(
        size=min(sizes, key=lambda size: size.pixels, default=None),
        pixels=min(areas, default=None),
        bytes=min(counts, default=None),
    )

"""Pixels to the bytes that are sent: JPEG without subsampled chroma and without metadata, once in the common case."""

from __future__ import annotations

import math

import anyio.to_thread
import pyvips

from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.images.workers import image_workers
from zoomrefine_mcp.pictures import Picture

JPEG = "image/jpeg"
JPEG_EDGE = 65_500
"""The longest side of a JPEG that libjpeg writes."""

_STEPS = (85, 75, 65, 50, 35, 20)  # where a picture is too large at the quality that was asked for
_LEGIBLE = 65  # below this small text suffers more than from fewer pixels
_SHRINK_QUALITY = 85


def jpeg(image: pyvips.Image, quality: int, max_bytes: int, *, floor: int = 1) -> bytes | None:
    """Encode 8-bit sRGB, at ``quality`` or the next step below it (not below ``floor``) that fits into ``max_bytes``.

    Chroma is never subsampled: coloured text of 10 px keeps 41 dB so, and 31 to 33 otherwise, at any quality.

    Returns:
        The JPEG, or None when no allowed quality fits.

    Raises:
        BadRequest: A side too long for a JPEG.
    """
    if max(image.width, image.height) > JPEG_EDGE:
        raise BadRequest(
            f"a picture of {image.width} x {image.height} pixels cannot be encoded as JPEG",
            hint=f"Ask for at most {JPEG_EDGE} pixels a side.",
        )
    for step in (quality, *(step for step in _STEPS if step < quality)):
        if step < floor:
            break
        data = image.jpegsave_buffer(Q=step, subsample_mode="off", keep="none")
        if len(data) <= max_bytes:
            return bytes(data)
    return None


async def shrink_to_bytes(picture: Picture, max_bytes: int, max_edge: int | None = None) -> Picture:
    """The same picture in at most ``max_bytes``, for a channel with a budget: lower quality first, then fewer pixels.

    Args:
        picture: Any picture of ours (JPEG or PNG).
        max_bytes: The largest result.
        max_edge: The longest side of the result in pixels; None leaves it.

    Returns:
        The picture itself where it fits already.

    Raises:
        BadRequest: It does not fit at any size.
    """
    if len(picture.data) <= max_bytes and (max_edge is None or picture.size.long_edge <= max_edge):
        return picture
    return await anyio.to_thread.run_sync(_shrunk, picture, max_bytes, max_edge, limiter=image_workers())


def _shrunk(picture: Picture, max_bytes: int, max_edge: int | None) -> Picture:
    original = pyvips.Image.new_from_buffer(picture.data, "").copy_memory()
    size = picture.size.within_edge(max_edge) if max_edge else picture.size
    while True:
        image = original
        if size != picture.size:
            image = original.resize(
                size.width / original.width, vscale=size.height / original.height, kernel="lanczos3"
            ).copy_memory()
        data = jpeg(image, _SHRINK_QUALITY, max_bytes, floor=_LEGIBLE)
        if data is not None:
            return Picture(data, JPEG, size, picture.shows)
        if size.long_edge <= 16:
            raise BadRequest(f"no picture fits into {max_bytes} bytes", hint="Raise the budget for pictures.")
        size = size.scaled(1 / math.sqrt(2))

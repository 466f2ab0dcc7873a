"""Tool results, kept within what hosts accept: text, structured content and at most one image, all counted."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pybase64
from mcp_types import Annotations, CallToolResult, ContentBlock, ImageContent, Role, TextContent

from zoomrefine_mcp.errors import ZoomRefineError
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.results import LocalizeResult, ZoomResult
from zoomrefine_mcp.safe_text import sendable
from zoomrefine_mcp.server.words import error_in_words

RESULT_BUDGET = 690_000
"""Bytes of a serialized result, every block counted. Hosts refuse from 1 MiB on; this leaves room for theirs."""
TEXT_BUDGET = 200_000
"""Bytes of structured content; only a runaway reply reaches it."""
FRAME = 2_000
"""Bytes for what wraps the result: the JSON-RPC message, an image block's own fields, the server's stamp."""
LEAST_IMAGE = 20_000
"""Bytes under which an image shows nothing worth sending."""
MOST_REGIONS = 20
"""Regions that a result keeps where it is over ``TEXT_BUDGET``."""

Shrink = Callable[[Picture, int], Awaitable[Picture]]
"""Encodes a picture again so that it has at most so many bytes."""


def structured(result: ZoomResult | LocalizeResult) -> dict[str, Any]:
    """The structured content: the result's JSON, with runaway texts and lists cut."""
    data: dict[str, Any] = sendable(result.model_dump(mode="json"))
    if serialized_size(data) > TEXT_BUDGET:
        left_out = max(0, len(data["regions"]) - MOST_REGIONS) + max(0, len(data["warnings"]) - MOST_REGIONS)
        data["regions"], data["warnings"] = data["regions"][:MOST_REGIONS], data["warnings"][:MOST_REGIONS]
        data["warnings"].append(f"The reply was very long: {left_out} regions and warnings are left out here.")
    return data


async def within_budget(picture: Picture, shrink: Shrink, *rest: Any) -> Picture | None:
    """The picture, encoded again where the result would be too large with it; None where no room is left for one.

    Args:
        picture: What to attach.
        shrink: Encodes again within a number of bytes.
        rest: Everything else in the result, as JSON data.
    """
    room = (RESULT_BUDGET - FRAME - sum(map(serialized_size, rest))) * 3 // 4  # base64: four characters for three bytes
    if room < LEAST_IMAGE:
        return None
    return picture if len(picture.data) <= room else await shrink(picture, room)


def image_block(picture: Picture, audience: list[Role], priority: float) -> ImageContent:
    """An image for a host. The note in ``_meta`` asks for it to be shown to the model unshrunk."""
    return ImageContent(
        data=pybase64.b64encode(picture.data).decode("ascii"),
        mime_type=picture.mime_type,
        annotations=Annotations(audience=audience, priority=priority),
        _meta={"codex/imageDetail": "original"},
    )


def text_block(text: str) -> TextContent:
    """A text for a host."""
    return TextContent(text=text)


def tool_result(content: list[ContentBlock], data: dict[str, Any] | None = None) -> CallToolResult:
    """A tool's result."""
    return CallToolResult(content=content, structured_content=data)


def error_result(error: ZoomRefineError) -> CallToolResult:
    """A tool's error: words and ``_meta`` alone, since clients check structured content against the output schema."""
    return CallToolResult(content=[text_block(error_in_words(error))], is_error=True, _meta={"code": error.code})


def serialized_size(data: Any) -> int:
    """Bytes of JSON data on the wire."""
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())

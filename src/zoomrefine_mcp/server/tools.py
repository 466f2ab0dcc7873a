"""The three tools. How they present themselves is in ``catalogue.py``."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ContentBlock
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from zoomrefine_mcp.app import VIEW_EDGE, App, View
from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.images.encode import shrink_to_bytes
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.policies import Precision
from zoomrefine_mcp.results import LocalizeResult, ZoomResult
from zoomrefine_mcp.server.arguments import read_box
from zoomrefine_mcp.server.blocks import image_block, structured, text_block, tool_result, within_budget
from zoomrefine_mcp.server.progress import with_progress
from zoomrefine_mcp.server.words import answer_in_words, image_in_words, place_in_words, view_in_words
from zoomrefine_mcp.settings import PolicyChoice, budget_of

log = logging.getLogger(__name__)

SMALLEST_EDGE = 64
"""Long edge below which a view shows nothing, in pixels."""
LARGEST_EDGE = 4096
"""Long edge above which no view would fit into a tool result, in pixels."""


@dataclass(frozen=True, slots=True)
class Served:
    """What the tools work with while the server runs.

    Attributes:
        app: The application.
        heartbeat_s: Longest silence between progress notifications, in seconds.
    """

    app: App
    heartbeat_s: float


def _left_out(schema: dict[str, Any]) -> None:
    """An argument that may be left out has no default to show; ``null`` in a schema is more than some hosts take."""
    schema.pop("default", None)


ImagePath = Annotated[
    str,
    Field(
        description=(
            "Path of the picture file on the machine where this server runs, absolute or with ~ or file://. A picture "
            "pasted or attached to a chat has no such path; web addresses are not fetched."
        )
    ),
]
Page = Annotated[
    Annotated[int, Field(ge=1)] | SkipJsonSchema[None],
    Field(
        description=(
            "Page or frame of a file that has several, counted from 1. Left out: all pages of a PDF, the first of any "
            "other file."
        ),
        json_schema_extra=_left_out,
    ),
]
IncludeImage = Annotated[
    Literal["crop", "overlay", "none"],
    Field(
        description=(
            "Image to attach for the user: crop is the region as the model saw it, overlay the whole picture with the "
            "regions drawn in. The words are complete without it."
        )
    ),
]
Call = Context[Served, Any]


async def zoom_and_refine(
    ctx: Call,
    *,
    image_path: ImagePath,
    question: Annotated[
        str, Field(description="One question about the picture, as specific as possible; at most 20,000 characters.")
    ],
    choices: Annotated[
        list[str] | SkipJsonSchema[None],
        Field(
            description="The options of a multiple-choice question, in order, with or without letters.",
            json_schema_extra=_left_out,
        ),
    ] = None,
    policy: Annotated[
        PolicyChoice | SkipJsonSchema[None],
        Field(
            description=(
                "adaptive (usual): as many looks as pay, searching where nothing points at the answer. thorough: the "
                "same, and checks what it read. paper: Zoom-Refine as published. direct: one look, no zoom."
            ),
            json_schema_extra=_left_out,
        ),
    ] = None,
    budget: Annotated[
        str | SkipJsonSchema[None],
        Field(
            description="What the question may cost: 'looks=6,seconds=40,tokens=60000', any of the three.",
            json_schema_extra=_left_out,
        ),
    ] = None,
    page: Page = None,
    include_image: IncludeImage = "crop",
) -> Annotated[CallToolResult, ZoomResult]:
    """Answer a question about a picture."""
    served = ctx.request_context.lifespan_context
    result = await with_progress(
        ctx,
        lambda report: served.app.zoom_and_refine(
            image_path,
            question,
            choices,
            policy=policy,
            budget=None if budget is None else budget_of(budget),
            page=page,
            report=report,
        ),
        beginning="opening the picture",
        heartbeat_s=served.heartbeat_s,
    )
    return await _with_evidence(served.app, result, answer_in_words(result), include_image)


async def localize_region(
    ctx: Call,
    *,
    image_path: ImagePath,
    question: Annotated[str, Field(description="What to find, in words, e.g. 'the emergency stop button'.")],
    precision: Annotated[
        Precision,
        Field(description="sharp (usual) looks again into a crop for an exact box; quick is one look."),
    ] = "sharp",
    page: Page = None,
    include_image: IncludeImage = "overlay",
) -> Annotated[CallToolResult, LocalizeResult]:
    """Find something in a picture."""
    served = ctx.request_context.lifespan_context
    result = await with_progress(
        ctx,
        lambda report: served.app.localize_region(image_path, question, precision=precision, page=page, report=report),
        beginning="opening the picture",
        heartbeat_s=served.heartbeat_s,
    )
    return await _with_evidence(served.app, result, place_in_words(result), include_image)


async def view_region(
    ctx: Call,
    *,
    image_path: ImagePath,
    box: Annotated[
        Annotated[list[float], Field(min_length=4, max_length=4)] | SkipJsonSchema[None],
        Field(
            json_schema_extra=_left_out,
            description=(
                "Region to show at up to full resolution: [x0, y0, x1, y1] (left, top, right, bottom) in 0..1 of the "
                "whole upright original; never pixels, and never relative to a view that was returned before. Left "
                "out: the whole picture, downsampled."
            ),
        ),
    ] = None,
    max_edge: Annotated[
        int,
        Field(
            ge=SMALLEST_EDGE,
            le=LARGEST_EDGE,
            description="Longest edge of the returned image in pixels; it is never enlarged beyond the original.",
        ),
    ] = VIEW_EDGE,
    page: Page = None,
) -> CallToolResult:
    """Show a picture or a region of it."""
    served = ctx.request_context.lifespan_context
    view = await with_progress(
        ctx,
        lambda _: _view(served.app, image_path, box, max_edge, page),
        beginning="view: rendering the region" if box else "view: rendering the whole picture",
        heartbeat_s=served.heartbeat_s,
    )
    cut = view.picture.shows.to_pixels(view.size).size

    def said(picture: Picture) -> str:
        return view_in_words(picture, path=view.path, size=view.size, page=view.page, pages=view.pages, cut=cut)

    picture = await within_budget(view.picture, shrink_to_bytes, said(view.picture)) or view.picture
    return tool_result([text_block(said(picture)), image_block(picture, ["assistant", "user"], priority=1.0)])


async def _view(app: App, path: str, values: list[float] | None, max_edge: int, page: int | None) -> View:
    try:
        region = None if values is None else read_box(values)
    except BadRequest:
        # Read again with the picture's size, which the hint needs; a path that may not be read is reported first.
        region = read_box(values or [], await app.size_of(path, page))
    return await app.view(path, region, max_edge=max_edge, page=page)


async def _with_evidence(
    app: App, result: ZoomResult | LocalizeResult, words: str, include_image: Literal["crop", "overlay", "none"]
) -> CallToolResult:
    data = structured(result)
    content: list[ContentBlock] = []
    if include_image != "none":
        try:
            picture, note = await _evidence(app, result, words, data, include_image)
        except Exception:
            log.exception("the image for a result could not be made; the answer stands without it")
            picture, note = None, "Image: none, it could not be made"
        words = f"{words}\n{note}"
        if picture is not None:
            content = [image_block(picture, ["user", "assistant"], priority=0.5)]
    return tool_result([text_block(words), *content], data)


async def _evidence(
    app: App,
    result: ZoomResult | LocalizeResult,
    words: str,
    data: dict[str, Any],
    include_image: Literal["crop", "overlay"],
) -> tuple[Picture | None, str]:
    if include_image == "overlay":
        if not result.regions:
            return None, "Image: none, there is no region to draw"
        original, what = await app.overlay(result), "the whole picture with the regions drawn in"
    else:
        crops = [crop for crop in result.sent.crops if crop is not None]
        if not crops:
            return None, "Image: none, no crop was shown to the model"
        original, what = crops[0], "the crop that was shown to the model"
    picture = await within_budget(original, shrink_to_bytes, words, data)
    if picture is None:
        return None, "Image: none, the words left no room for it"
    return picture, image_in_words(picture, what, smaller_than=original.size)

"""Pictures for people: the view with what was found drawn into it, and a figure that tells the whole story.

Text is set in the face that comes inside Pillow, so that a picture looks the same on every machine. It covers Latin
scripts; a label that it cannot set is left out rather than shown as boxes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import anyio.to_thread
from PIL import Image, ImageDraw, ImageFont

from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.images.encode import JPEG, shrink_to_bytes
from zoomrefine_mcp.images.workers import image_workers
from zoomrefine_mcp.pictures import Picture

__all__ = ["Mark", "figure", "overlay", "shrink_to_bytes"]

_REGION = (255, 59, 48)
_CROP = (255, 214, 10)
_HALO = (0, 0, 0)
_WHITE = (255, 255, 255)
_INK = (28, 28, 30)
_MUTED = (99, 99, 102)
_QUALITY = 90

Kind = Literal["region", "crop"]
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_Edges = tuple[float, float, float, float]


class Mark(NamedTuple):
    """A box to draw.

    Attributes:
        box: On the upright original.
        label: Words beside it, or None.
        kind: ``region``: what was found, drawn bold. ``crop``: what was cut for a closer look, drawn thin.
    """

    box: Box
    label: str | None
    kind: Kind


async def overlay(view: Picture, marks: Sequence[tuple[Box, str | None, Kind]]) -> Picture:
    """The view with boxes drawn into it; a new picture of the same size that shows the same part.

    Args:
        view: Any rendered picture.
        marks: What to draw, as ``Mark`` or plain tuples. Boxes outside what ``view`` shows are left out.
    """
    return await anyio.to_thread.run_sync(_overlay, view, tuple(Mark(*mark) for mark in marks), limiter=image_workers())


async def figure(view: Picture, crop: Picture, box: Box, captions: Sequence[str]) -> Picture:
    """View and crop side by side, the crop's place joined to it by lines, and the captions below.

    Args:
        view: The picture that was seen first.
        crop: The picture that was seen second; its place is ``crop.shows``.
        box: What was found, on the upright original.
        captions: One line each, such as ``Question: ...``; what stands before the first colon is set in grey.
    """
    return await anyio.to_thread.run_sync(_figure, view, crop, box, tuple(captions), limiter=image_workers())


def _overlay(view: Picture, marks: Sequence[Mark]) -> Picture:
    image = _open(view)
    _draw_marks(image, view.shows, marks, _stroke(image))
    return Picture(_encode(image), JPEG, view.size, view.shows)


def _draw_marks(image: Image.Image, shows: Box, marks: Sequence[Mark], stroke: int) -> None:
    draw = ImageDraw.Draw(image)
    for mark in sorted(marks, key=lambda mark: mark.kind == "region"):  # the region lies on top
        edges = _place(mark.box, shows, image.size)
        if edges is None:
            continue
        bold = mark.kind == "region"
        colour = _REGION if bold else _CROP
        edges = _frame(draw, edges, colour, stroke if bold else max(1, stroke // 2), image.size)
        if mark.label and _can_set(mark.label):
            _draw_label(draw, mark.label, edges, colour, image.size)


def _stroke(image: Image.Image) -> int:
    """Line width of a region's box: 1/400 of the long edge, and thick enough to see."""
    return max(2, round(max(image.size) / 400))


def _place(box: Box, shows: Box, size: tuple[int, int]) -> _Edges | None:
    """Where a box of the original lies on a picture that shows a part of it; None when it does not."""
    inside = box.intersection(shows)
    if inside is None:
        return None
    across, down = size[0] / shows.width, size[1] / shows.height
    return (
        (inside.x0 - shows.x0) * across,
        (inside.y0 - shows.y0) * down,
        (inside.x1 - shows.x0) * across,
        (inside.y1 - shows.y0) * down,
    )


def _frame(
    draw: ImageDraw.ImageDraw, edges: _Edges, colour: tuple[int, int, int], stroke: int, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Draw around a box, not over it, with a dark halo on both sides so that it shows on any ground."""
    halo = max(1, stroke // 2)
    left, top, right, bottom = (round(edge) for edge in edges)
    reach = stroke + halo
    outer = (
        max(0, left - reach),
        max(0, top - reach),
        min(size[0] - 1, right + reach),
        min(size[1] - 1, bottom + reach),
    )
    draw.rectangle(outer, outline=_HALO, width=stroke + 2 * halo)
    inner = (outer[0] + halo, outer[1] + halo, outer[2] - halo, outer[3] - halo)
    if inner[0] < inner[2] and inner[1] < inner[3]:
        draw.rectangle(inner, outline=colour, width=stroke)
    return outer


def _draw_label(
    draw: ImageDraw.ImageDraw,
    label: str,
    edges: tuple[int, int, int, int],
    colour: tuple[int, int, int],
    size: tuple[int, int],
) -> None:
    """On a plate above the box, or below it where there is no room, never beyond the picture."""
    font = _font(max(12, round(max(size) / 70)))
    label = _shortened(draw, label, font, size[0] * 0.6)
    width, height = _extent(draw, label, font)
    pad = max(2, height // 4)
    plate_height = height + 2 * pad
    left = max(0, min(edges[0], size[0] - width - 2 * pad))
    top = edges[1] - plate_height
    if top < 0:
        top = min(edges[3], size[1] - plate_height)
    draw.rectangle((left, top, left + width + 2 * pad, top + plate_height), fill=colour)
    draw.text((left + pad, top + plate_height / 2), label, font=font, fill=_ink_on(colour), anchor="lm")


def _ink_on(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = colour
    return _INK if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else _WHITE


# The figure's measures, in pixels.
_WIDTH = 1600
_MARGIN = 36
_GAP = 72
_VIEW_SHARE = 0.58
_TEXT = 27
_LINE = 40
_TALLEST = 900
_BOLD = 4


def _figure(view: Picture, crop: Picture, box: Box, captions: Sequence[str]) -> Picture:
    inside = _WIDTH - 2 * _MARGIN - _GAP
    left = _fitted(_open(view), round(inside * _VIEW_SHARE), _TALLEST)
    right = _fitted(_open(crop), inside - left.width, max(left.height, 320))
    _draw_marks(left, view.shows, (Mark(box, None, "region"), Mark(crop.shows, None, "crop")), _BOLD)
    _draw_marks(right, crop.shows, (Mark(box, None, "region"),), _BOLD)
    height = max(left.height, right.height)

    font = _font(_TEXT)
    lines = [line for caption in captions for line in _wrapped(caption, font, _WIDTH - 2 * _MARGIN)]
    text_height = _LINE * len(lines) + (_MARGIN // 2 if lines else 0)
    sheet = Image.new("RGB", (_WIDTH, height + 2 * _MARGIN + text_height), _WHITE)
    draw = ImageDraw.Draw(sheet)

    at_left = (_MARGIN, _MARGIN + (height - left.height) // 2)
    at_right = (_MARGIN + left.width + _GAP, _MARGIN + (height - right.height) // 2)
    sheet.paste(left, at_left)
    sheet.paste(right, at_right)
    placed = _place(crop.shows, view.shows, left.size)
    if placed is not None:
        x, y = at_left
        corners = (
            ((placed[2] + x, placed[1] + y), at_right),
            ((placed[2] + x, placed[3] + y), _below(at_right, right)),
        )
        for start, end in corners:
            draw.line((*start, *end), fill=_HALO, width=5)
            draw.line((*start, *end), fill=_CROP, width=3)
    _outline(draw, at_right, right)

    y = height + 2 * _MARGIN
    for grey, ink in lines:
        draw.text((_MARGIN, y), grey, font=font, fill=_MUTED)
        draw.text((_MARGIN + draw.textlength(grey, font=font), y), ink, font=font, fill=_INK)
        y += _LINE
    return Picture(_encode(sheet), JPEG, Size(*sheet.size), view.shows)


def _fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    factor = min(width / image.width, height / image.height)
    size = Size(*image.size).scaled(factor)
    return image.resize((size.width, size.height), Image.Resampling.LANCZOS)


def _below(at: tuple[int, int], image: Image.Image) -> tuple[int, int]:
    return at[0], at[1] + image.height - 1


def _outline(draw: ImageDraw.ImageDraw, at: tuple[int, int], image: Image.Image) -> None:
    x, y = at
    draw.rectangle((x - 4, y - 4, x + image.width + 3, y + image.height + 3), outline=_HALO, width=1)
    draw.rectangle((x - 3, y - 3, x + image.width + 2, y + image.height + 2), outline=_CROP, width=3)


def _wrapped(caption: str, font: _Font, width: float) -> list[tuple[str, str]]:
    """A caption as lines of (grey, ink): the words before the first colon are grey."""
    name, colon, rest = caption.partition(": ")
    grey, words = (f"{name}:  ", rest.split()) if colon else ("", caption.split())
    lines, line = [], ""
    for word in words:
        longer = f"{line} {word}".strip()
        if line and font.getlength(grey + longer) > width:
            lines.append((grey, line))
            grey, line = "", word
        else:
            line = longer
    return [*lines, (grey, line)]


def _open(picture: Picture) -> Image.Image:
    """One of our own pictures, decoded."""
    return Image.open(io.BytesIO(picture.data), formats=("JPEG", "PNG")).convert("RGB")


def _encode(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY, subsampling=0)
    return out.getvalue()


@lru_cache(maxsize=16)
def _font(size: int) -> _Font:
    return ImageFont.load_default(size)


def _extent(draw: ImageDraw.ImageDraw, text: str, font: _Font) -> tuple[int, int]:
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    return round(right - left), round(bottom - top)


def _shortened(draw: ImageDraw.ImageDraw, text: str, font: _Font, width: float) -> str:
    text = " ".join(text.split())[:200]
    if draw.textlength(text, font=font) <= width:
        return text
    while text and draw.textlength(text + "...", font=font) > width:
        text = text[:-1]
    return text + "..."


def _can_set(text: str) -> bool:
    """Whether the face has a glyph for every character (a missing one is set as the same box each time)."""
    return all(character.isspace() or _has_glyph(character) for character in text)


@lru_cache(maxsize=1024)
def _has_glyph(character: str) -> bool:
    font = _font(16)
    return bytes(font.getmask(character)) != bytes(font.getmask("\U0010fffd"))

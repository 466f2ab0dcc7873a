"""Reads what a host sends: unknown, missing and ill-typed arguments become sentences that name the right ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.safe_text import one_line

ON_THE_EDGE = 1e-6
"""How far a box may leave 0..1 and still be read as rounded: far below a pixel of any picture."""

_MEANT = {
    "path": "image_path",
    "file": "image_path",
    "file_path": "image_path",
    "filename": "image_path",
    "picture": "image_path",
    "image": "image_path",
    "img": "image_path",
    "url": "image_path",
    "uri": "image_path",
    "query": "question",
    "prompt": "question",
    "text": "question",
    "target": "question",
    "description": "question",
    "options": "choices",
    "answers": "choices",
    "bbox": "box",
    "bbox_2d": "box",
    "region": "box",
    "crop": "box",
    "max_size": "max_edge",
    "size": "max_edge",
    "mode": "policy",
    "frame": "page",
    "overlay": "include_image",
}
"""Names that other tools give to these arguments and that no spelling distance would find."""

_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
}


def known_arguments(tool: str, schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, if the tool has all of them. A null for an optional one counts as left out.

    Args:
        tool: The tool's name, for the message.
        schema: The tool's input schema.
        arguments: As the host sent them.

    Raises:
        BadRequest: One is unknown; the hint names the one that was meant.
    """
    properties, required = list(schema.get("properties", {})), schema.get("required", [])
    for name in arguments:
        if name not in properties:
            raise BadRequest(
                f"{tool} has no argument {one_line(repr(name), 80)}",
                hint=_instead(name, properties),
                argument=name,
            )
    return {name: value for name, value in arguments.items() if value is not None or name in required}


def ill_typed(tool: str, schema: Mapping[str, Any], error: ValidationError) -> BadRequest:
    """The error for arguments that do not fit the tool's schema: one sentence an argument, no value at length."""
    sentences: dict[str, str] = {}
    for details in error.errors(include_url=False, include_context=True):
        name = str(details["loc"][0]) if details["loc"] else "arguments"
        sentences.setdefault(name, _sentence(name, details))
    properties: Mapping[str, Any] = schema.get("properties", {})
    hints = [f"{name}: {properties[name]['description']}" for name in sentences if name in properties]
    return BadRequest(f"{tool}: {'; '.join(sentences.values())}", hint=" ".join(hints), arguments=list(sentences))


def read_box(values: Sequence[float], size: Size | None = None) -> Box:
    """A region as a host's model wrote it.

    Args:
        values: As written.
        size: The upright original, where it is known: the hint then says how to mend just this box.

    Raises:
        BadRequest: Not four numbers in 0..1 in the right order.
    """
    written = _numbers(values)
    if len(values) != 4 or not all(map(math.isfinite, values)):
        raise BadRequest(f"box must be four numbers, not {written}", hint=_BOX_FORM)
    if max(values) > 1 + ON_THE_EDGE:
        known = f"; the picture is {size} pixels" if size else ""
        raise BadRequest(f"box {written} has values over 1{known}", hint=_conversion(values, size))
    if min(values) < -ON_THE_EDGE:
        raise BadRequest(f"box {written} reaches beyond the picture's left or upper edge", hint=_BOX_FORM)
    box = Box.clipped(*values)
    if box is None:
        raise BadRequest(
            f"box {written} is empty: x1 must be greater than x0, and y1 greater than y0",
            hint=f"{_BOX_FORM} It is not [x, y, width, height] and not [y0, x0, y1, x1].",
        )
    return box


_BOX_FORM = "Give [x0, y0, x1, y1] (left, top, right, bottom) in 0..1 of the upright original picture."


def _conversion(values: Sequence[float], size: Size | None) -> str:
    if size is None:
        return _BOX_FORM
    x0, y0, x1, y1 = values
    hint = f"{_BOX_FORM} From pixels of the original, divide x by {size.width} and y by {size.height}"
    if 0 <= x0 < x1 <= size.width and 0 <= y0 < y1 <= size.height:
        hint += f": {_numbers([x0 / size.width, y0 / size.height, x1 / size.width, y1 / size.height])}"
    if min(values) >= 0 and max(values) <= 1000:
        hint += f". From thousandths of the picture, divide each by 1000: {_numbers([v / 1000 for v in values])}"
    return f"{hint}."


def _numbers(values: Iterable[float]) -> str:
    return one_line(f"[{', '.join(f'{value:.6g}' for value in values)}]", 120)


def _instead(name: str, properties: Sequence[str]) -> str:
    lowered = name.strip().lower().replace("-", "_")
    squeezed = {known.replace("_", ""): known for known in properties}
    near = get_close_matches(lowered.replace("_", ""), list(squeezed), n=1, cutoff=0.6)
    meant = _MEANT.get(lowered)
    best = squeezed[near[0]] if near else meant if meant in properties else None
    listed = f"The arguments are: {', '.join(properties)}."
    return f"Use {best}. {listed}" if best else listed


def _sentence(name: str, details: ErrorDetails) -> str:
    kind, context = details["type"], details.get("ctx", {})
    index = next((part for part in details["loc"][1:] if isinstance(part, int)), None)
    if index is not None:
        name = f"{name}[{index}]"
    if kind == "missing":
        return f"{name} is missing"
    given = one_line(repr(details["input"]), 60)
    if kind == "literal_error":
        return f"{name} must be {context['expected']}, not {given}"
    if kind == "greater_than_equal":
        return f"{name} must be at least {context['ge']}, not {given}"
    if kind == "less_than_equal":
        return f"{name} must be at most {context['le']}, not {given}"
    if kind in {"too_short", "too_long"}:
        wanted = context.get("min_length", context.get("max_length"))
        return f"{name} must have {wanted} items, not {context['actual_length']}"
    if kind in _EXPECTED:
        return f"{name} must be {_EXPECTED[kind]}, not {given}"
    return f"{name}: {details['msg'][:1].lower()}{details['msg'][1:]}"

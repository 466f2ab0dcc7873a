"""Looks into decoded JSON of any shape: what is missing or of another type is empty, never an exception."""

from __future__ import annotations

from typing import Any

from zoomrefine_mcp.safe_text import whole_characters

MAX_TOKENS = 10**12
"""No request has more: a greater number (JSON's ``1e999`` is infinite) counts nothing."""


def at(value: Any, *path: str | int) -> Any:
    """What lies at ``path`` in decoded JSON, or None wherever a step is missing or of another type.

    >>> at({"choices": [{"finish_reason": "stop"}]}, "choices", 0, "finish_reason")
    'stop'
    >>> at({"choices": []}, "choices", 0, "finish_reason") is None
    True
    """
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def count(value: Any, *path: str | int) -> int:
    """The number of tokens at ``path``, zero where there is none or what stands there can be none.

    >>> count({"prompt_tokens": 1200.0}, "prompt_tokens"), count({"prompt_tokens": float("inf")}, "prompt_tokens")
    (1200, 0)
    """
    found = at(value, *path)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return int(found) if is_number and 0 < found <= MAX_TOKENS else 0


def text_at(value: Any, *path: str | int) -> str:
    """The text at ``path``, of whole characters, so that it can be sent again; empty where there is none."""
    found = at(value, *path)
    return whole_characters(found) if isinstance(found, str) else ""

"""JSON as models write it: in prose or fences, with raw control characters, single quotes, trailing commas, cut off.

Strict JSON is read by the standard library; what that refuses is read by a small reader that mends what has one
sensible meaning. A value that the end of the text cuts through is left out: half a number is a wrong number.
"""

from __future__ import annotations

import json
import re
from typing import Any

from zoomrefine_mcp.safe_text import whole_characters

MAX_DEPTH = 40
MAX_STARTS = 1000
"""How many opening brackets are tried."""
MAX_PASSES = 4
"""How often a text is gone through in all, so that a reply of brackets and quotes alone costs no time."""

_START = re.compile(r"\{|\[(?=\s*\{)")
_SPACE = re.compile(r"[\s,]*")
_BARE = re.compile(r"[^,{}\[\]:\"'\n]+")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_BARE_KEY = re.compile(r"[A-Za-z_][\w \-]{0,40}")
_WORDS: dict[str, Any] = {"null": None, "none": None, "true": True, "false": False}
_CLOSING = {'"': '"', "'": "'", "“": "”"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
# A quote ends a string where JSON can go on behind it; any other quote is a character of the text. Behind a value a
# comma may be missing.
_AFTER_KEY = re.compile(r"\s*:")
_AFTER_VALUE = re.compile(
    r"\s*(?:[}\]]|,\s*(?:[\"'“{}\[\]]|[-\d]|[A-Za-z_]\w*\s*:|null|true|false|$)|[\"'“]\w{1,40}[\"'”]\s*:|$)"
)
_DECODER = json.JSONDecoder(strict=False)
_CUT = object()


def values_in(text: str) -> list[Any]:
    r"""The outermost objects, and lists of objects, in a text, in order. Empty ones are left out.

    Their texts are of whole characters: escapes that make a pair are joined, and a half that stands alone is U+FFFD.

    >>> values_in("Here: ```json\n{'answer': 'red', \"regions\": [],}\n```")
    [{'answer': 'red', 'regions': []}]
    """
    found: list[Any] = []
    text, at, gone = text.rstrip(), 0, 0
    for _ in range(MAX_STARTS):
        start = _START.search(text, at)
        if start is None or gone > MAX_PASSES * len(text):
            break
        value, end = _read(text, start.start())
        gone += end - at
        if value:
            found.append(value)
            at = end
        else:
            at = start.end()
    return found


def _read(text: str, start: int) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text, start)
        return _whole(value, 0), end
    except (ValueError, RecursionError):
        reader = _Reader(text, start)
        return reader.value(0), reader.at


def _whole(value: Any, depth: int) -> Any:
    """The value with every text of whole characters.

    Raises:
        RecursionError: It is deeper than ``MAX_DEPTH``.
    """
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, list):
        return [_whole(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {whole_characters(key): _whole(item, depth + 1) for key, item in value.items()}
    return value


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at

    def value(self, depth: int) -> Any:
        """The value at this place; ``_CUT`` where the text ends inside it or holds none."""
        self.skip()
        opening = self.text[self.at : self.at + 1]
        if not opening or depth > MAX_DEPTH:
            return _CUT
        if opening == "{":
            return self.members(depth)
        if opening == "[":
            return self.items(depth)
        if opening in _CLOSING:
            return self.string(_AFTER_VALUE)
        return self.bare()

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def members(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        self.at += 1
        while True:
            self.skip()
            opening = self.text[self.at : self.at + 1]
            if opening in ("}", "]", ""):
                self.at += opening == "}"
                return members
            key = self.key()
            self.skip()
            if key is None or self.text[self.at : self.at + 1] != ":":
                return members
            self.at += 1
            value = self.value(depth + 1)
            if value is not _CUT:
                members[key] = value

    def key(self) -> str | None:
        if self.text[self.at] in _CLOSING:
            key = self.string(_AFTER_KEY)
            return key if isinstance(key, str) else None
        match = _BARE_KEY.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group().strip()

    def items(self, depth: int) -> Any:
        items: list[Any] = []
        self.at += 1
        while True:
            self.skip()
            opening = self.text[self.at : self.at + 1]
            if opening in ("}", "]", ""):
                self.at += opening == "]"
                # Two of the four numbers of a box would look like a point.
                return _CUT if not opening and any(isinstance(item, int | float) for item in items) else items
            before = self.at
            value = self.value(depth + 1)
            if value is not _CUT:
                items.append(value)
            if self.at == before:
                return items

    def string(self, after: re.Pattern[str]) -> Any:
        closing = _CLOSING[self.text[self.at]]
        at, pieces = self.at + 1, []
        while at < len(self.text):
            letter = self.text[at]
            if letter == "\\":
                piece, at = self.escape(at)
                pieces.append(piece)
                continue
            if letter == closing and after.match(self.text, at + 1):
                self.at = at + 1
                return whole_characters("".join(pieces))
            pieces.append(letter)
            at += 1
        self.at = at
        return _CUT

    def escape(self, at: int) -> tuple[str, int]:
        letter = self.text[at + 1 : at + 2]
        digits = self.text[at + 2 : at + 6]
        if letter == "u" and re.fullmatch(r"[0-9A-Fa-f]{4}", digits):
            return chr(int(digits, 16)), at + 6
        return _ESCAPES.get(letter, letter), at + 2

    def bare(self) -> Any:
        match = _BARE.match(self.text, self.at)
        if match is None:
            return _CUT
        self.at = match.end()
        word = match.group().strip()
        if self.at == len(self.text):
            return _CUT
        if _NUMBER.fullmatch(word):
            return float(word) if re.search(r"[.eE]", word) else int(word[:20])
        return _WORDS.get(word.lower(), word)

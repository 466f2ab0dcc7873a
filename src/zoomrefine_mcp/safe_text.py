"""Text that came from outside (a path, a picture, a model) made fit for a line of ours and for the wire.

A file's name or a model's reply may hold line breaks that forge a line of the result, control sequences that a
terminal obeys, characters that turn the reading direction round, and halves of surrogate pairs that no UTF-8 encoder
accepts (one of them would end the connection).
"""

from __future__ import annotations

import unicodedata
from typing import Any

LONGEST_LINE = 2_000
"""Characters of one quoted line; no path and no message of ours is longer."""
LONGEST_TEXT = 8_000
"""Characters of one text from a model that are passed on."""

_JOINERS = "\u200c\u200d"
"""Format characters that Persian, Indic scripts and emoji are written with."""


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    r"""The text on one line, with control and format characters written out, cut where it is too long.

    >>> one_line("a\nb\x1b[31m")
    'a\\nb\\x1b[31m'
    """
    return "".join(map(_visible, _shortened(text, longest)))


def paragraph(text: str, longest: int = LONGEST_TEXT) -> str:
    r"""The text with its line breaks kept but indented, so that none of its lines can pass for one of ours.

    >>> paragraph("first\nStatus: refined")
    'first\n  Status: refined'
    """
    return "\n  ".join(one_line(line, longest) for line in _shortened(text.strip(), longest).splitlines())


def sendable(value: Any, longest: int = LONGEST_TEXT) -> Any:
    """JSON data with every text cut to ``longest`` and free of what UTF-8 cannot carry."""
    if isinstance(value, str):
        return _shortened(value, longest).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [sendable(item, longest) for item in value]
    if isinstance(value, dict):
        return {key: sendable(item, longest) for key, item in value.items()}
    return value


def whole_characters(text: str) -> str:
    r"""The text with surrogate pairs joined, and with U+FFFD for each half that stands alone.

    JSON writes an emoji as two escapes (``\ud83d\ude00``), and a reply that is cut between them holds a half.

    >>> whole_characters("\ud83d\ude00, \ud83d") == "\U0001f600, \ufffd"
    True
    """
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text):,} characters in all)"


def _visible(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
        return character
    return character.encode("unicode_escape").decode("ascii")

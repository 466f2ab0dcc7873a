"""How well a line is the name that a question has: namesakes told apart."""

from __future__ import annotations

from zoomrefine_mcp.backends.reading.layout import Spot
from zoomrefine_mcp.backends.reading.wanted import Wanted
from zoomrefine_mcp.backends.reading.words import MATCH, find, tokens

NAMESAKE = -1.0
"""Stands for a share of covered words that lets a title reach nothing: with it, too little is left to own a value."""


def covered(spot: Spot, wanted: Wanted) -> float:
    """The share of a line's words that the question has too: "Hotel Adler" is fuller than "Hotel Adler Annex".

    A designator that the question lacks names another thing: "Plant room B" is not "Plant room".
    """
    parts = [part.text for part in tokens(spot.line.text)]
    asked = [any(find(word, part).quality >= MATCH for word in wanted.words) for part in parts]
    if not parts or (len(parts) > 1 and not asked[-1] and asked[-2] and _is_designator(parts[-1])):
        return NAMESAKE
    return sum(asked) / len(parts)


def _is_designator(text: str) -> bool:
    return len(text) <= 2 and (text.isdigit() or (text.isupper() and text.isalpha()))

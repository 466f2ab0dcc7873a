"""Where the words of a question stand in the lines of a frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from zoomrefine_mcp.backends.reading.layout import Frame, Spot
from zoomrefine_mcp.backends.reading.words import MATCH, Hit, find


class Reach(NamedTuple):
    """How strongly a word reaches a value, 0..1, and the line that carries it there."""

    strength: float
    spot: Spot | None


class Hits:
    """Where the words of a question stand in the lines, looked up once.

    Args:
        frame: The lines.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._lines: dict[str, list[tuple[Spot, Hit]]] = {}

    def of(self, word: str) -> list[tuple[Spot, Hit]]:
        """The lines that hold a word, and where in them."""
        if word not in self._lines:
            found = [(spot, find(word, spot.line.text)) for spot in self.frame.spots]
            self._lines[word] = [(spot, hit) for spot, hit in found if hit.quality >= MATCH]
        return self._lines[word]

    def lines(self, word: str) -> list[Spot]:
        """The lines that hold a word."""
        return [spot for spot, _ in self.of(word)]

    def reach(self, word: str, value: Spot, relation: Callable[[Spot, Spot], float]) -> Reach:
        """The strongest line that carries a word to a value."""
        best = Reach(0.0, None)
        for spot, hit in self.of(word):
            strength = hit.quality * relation(spot, value)
            if strength > best.strength:
                best = Reach(strength, spot)
        return best

"""Picking an option by what was read near the label."""

from __future__ import annotations

from collections.abc import Iterable

from zoomrefine_mcp.backends.reading.finding import Finding
from zoomrefine_mcp.backends.reading.hits import Hits
from zoomrefine_mcp.backends.reading.layout import Frame, Spot, belongs
from zoomrefine_mcp.backends.reading.rivals import Name, is_nearer_to_another, names_of
from zoomrefine_mcp.backends.reading.wanted import Wanted, is_general
from zoomrefine_mcp.backends.reading.words import MATCH, find, has_digit, look_alike, squashed
from zoomrefine_mcp.records import Choice

TIED = 0.55
"""Text belongs to what the question is about where every name in it reaches the text with this strength."""
LIKE = 0.85
"""An option was read where the text is at least this similar; one with digits only where they are the same."""


def similar(option: str, read: str) -> float:
    """How well a text that was read is an option, 0..1.

    >>> similar("48-2207", "48 2207"), similar("48-2207", "48-2201"), similar("oak parquet", "Oak parqet") > 0.85
    (1.0, 0.0, True)
    """
    one, other = squashed(option), squashed(read)
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    if has_digit(option):
        return 0.95 if look_alike(option) == look_alike(read) else 0.0
    from rapidfuzz.fuzz import ratio  # noqa: PLC0415  (an extra: this module must import without it)

    return float(ratio(one, other)) / 100


def choose(
    choices: Iterable[Choice], finding: Finding, frame: Frame, wanted: Wanted, *, strict: bool = False
) -> tuple[Choice, Spot] | None:
    """The one option that the text supports, with the line it was read in; None where none or several are.

    The value that answers the open question decides, if there is one. Otherwise an option counts as supported where
    it was read, surely and whole, in the text that belongs to what the question is about, and no other option was;
    with ``strict``, for text that a search has read, only where it is a line by itself.
    """
    options = [choice for choice in choices if not choice.abstains and squashed(choice.text)]
    best = finding.best
    if best is not None:
        ranked = sorted(options, key=lambda choice: -similar(choice.text, best.value))
        likeness = [similar(choice.text, best.value) for choice in ranked]
        if likeness and likeness[0] >= LIKE and (len(ranked) == 1 or likeness[0] - likeness[1] >= 0.1):
            return ranked[0], best.spot
        held = [choice for choice in options if _holds(choice.text, best.value)]
        return (held[0], best.spot) if len(held) == 1 else None
    if finding.blank is not None or wanted.closed:
        return None
    read = [
        (choice, spot)
        for choice in options
        for spot in _belonging(frame, wanted)
        if (similar(choice.text, spot.line.text) >= LIKE if strict else _holds(choice.text, spot.line.text))
    ]
    return read[0] if read and len({choice.letter for choice, _ in read}) == 1 else None


def _holds(option: str, text: str) -> bool:
    """Whether an option is the text, or stands in it as whole words."""
    if similar(option, text) >= LIKE:
        return True
    words = option.split()
    if len(squashed(option)) < 2:
        return False
    return all(_stands(word, text) for word in words if squashed(word))


def _stands(word: str, text: str) -> bool:
    """Whether a word stands in a text; "base" does not stand in "database"."""
    hit = find(word, text)
    whole = not text[hit.start - 1 : hit.start].isalpha() and not text[hit.end : hit.end + 1].isalpha()
    return whole and hit.quality >= (0.9 if has_digit(word) else MATCH)


def _belonging(frame: Frame, wanted: Wanted) -> list[Spot]:
    """The lines that belong to what the question is about: all of its names reach them.

    What another name of the same shape reaches better is that one's: what is printed under "U34" says nothing of "U43".
    """
    needed = [word for word in wanted.owner if not is_general(word)]
    names = names_of(needed, wanted, Hits(frame))
    if not needed or len(names) < len(needed):
        return []

    def tied(name: Name, spot: Spot) -> bool:
        reached = any(belongs(title, spot, frame.spots) >= TIED for title in name.lines)
        return spot in name.lines or (reached and not is_nearer_to_another(spot, name, frame.spots))

    return [spot for spot in frame.spots if spot.line.sure and all(tied(name, spot) for name in names)]

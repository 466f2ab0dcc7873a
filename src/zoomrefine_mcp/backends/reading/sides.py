"""Text that stands where a question says: below, above, left or right of the text it names."""

from __future__ import annotations

from zoomrefine_mcp.backends.reading.candidates import Candidate
from zoomrefine_mcp.backends.reading.layout import Frame, Spot, beside, under
from zoomrefine_mcp.backends.reading.names import covered
from zoomrefine_mcp.backends.reading.prose import is_fragment
from zoomrefine_mcp.backends.reading.values import extract, has_label
from zoomrefine_mcp.backends.reading.wanted import Side, Wanted, is_general
from zoomrefine_mcp.backends.reading.words import MATCH, find


def at_side(frame: Frame, wanted: Wanted) -> list[Candidate]:
    """Text that stands where the question says, next to the text it names."""
    found = []
    needed = [word for word in wanted.owner if not is_general(word)] or list(wanted.owner)
    for title in frame.spots:
        own = [find(word, title.line.text) for word in needed]
        if not own or any(hit.quality < MATCH for hit in own):
            continue
        full = 0.6 + 0.4 * covered(title, wanted)
        rest = extract(wanted.form, title.line.text[max(hit.end for hit in own) :])
        if rest is not None and wanted.side in {Side.NEAR, Side.RIGHT}:
            found.append(Candidate(rest, title, (title,), owned=True, labelled=False, label=0.0, weight=full))
        for spot in frame.spots:
            if spot is title or has_label(spot.line.text):
                continue
            tie = _stands(wanted.side or Side.NEAR, title, spot, frame)
            value = extract(wanted.form, spot.line.text)
            if wanted.side is None and value is not None and (len(value) < 2 or is_fragment(value, cut=False)):
                continue  # no place was named: a pin's number or a piece of a sentence beside it says nothing
            if tie > 0 and value is not None:
                found.append(Candidate(value, spot, (title,), owned=True, labelled=False, label=0.0, weight=tie * full))
    return found


def _stands(side: Side, title: Spot, spot: Spot, frame: Frame) -> float:
    unit = max(title.tall, spot.tall)
    right = beside(title, spot, frame.spots)
    left = beside(spot, title, frame.spots)
    below = under(title, spot, frame.spots) / (1 + max(0.0, spot.top - title.bottom) / unit / 8)
    above = under(spot, title, frame.spots) / (1 + max(0.0, title.top - spot.bottom) / unit / 8)
    right /= 1 + max(0.0, spot.left - title.right) / unit / 8
    left /= 1 + max(0.0, title.left - spot.right) / unit / 8
    near = {Side.BELOW: below, Side.ABOVE: above, Side.RIGHT: right, Side.LEFT: left}
    strength = near[side] if side in near else max(0.95 * right, below, 0.7 * left, 0.7 * above)
    return strength if strength >= 0.3 else 0.0

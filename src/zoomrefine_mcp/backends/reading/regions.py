"""Where to look next: the label that bears on the question, with the neighbourhood where its value is expected."""

from __future__ import annotations

from collections.abc import Iterable

from zoomrefine_mcp.backends.reading.candidates import Candidate
from zoomrefine_mcp.backends.reading.cards import card_of
from zoomrefine_mcp.backends.reading.layout import Frame, Spot, in_section, overlap, same_row
from zoomrefine_mcp.backends.reading.wanted import Wanted, is_general
from zoomrefine_mcp.backends.reading.words import MATCH, MONTHS, find, has_digit, look_alike, squashed
from zoomrefine_mcp.geometry import Box

LEFT, RIGHT, UP, DOWN = 4.0, 7.0, 2.0, 10.0
"""Capital heights around a label in which its value is expected: text stands below and right of its label."""
LEAST_LEFT, LEAST_RIGHT, LEAST_UP, LEAST_DOWN = 0.09, 0.14, 0.03, 0.15
"""The same at least, in shares of the picture's height: a small sign's notice hangs no nearer than a large one's."""

AS_WELL = 0.1
"""Lines whose fit to a name differs by less are places for it all."""


def around_value(frame: Frame, found: Candidate) -> Box | None:
    """The value with the labels that speak for it, so that a crop can be read again with its context."""
    near = [spot for spot in found.labels if _gap(spot, found.spot) <= max(14 * found.spot.tall, 0.12)]
    spots = [found.spot, *near]
    margin = 1.5 * found.spot.tall
    return frame.box(
        min(spot.left for spot in spots) - margin,
        min(spot.top for spot in spots) - margin,
        max(spot.right for spot in spots) + margin,
        max(spot.bottom for spot in spots) + margin,
    )


def anchor(frame: Frame, wanted: Wanted) -> Spot | None:
    """The line that names what the question is about; None where none does, or several do so equally well."""
    needed = [word for word in wanted.owner if not is_general(word)]
    words = needed or [word for word in (*wanted.head, *wanted.rest) if not is_general(word)] or list(wanted.words)
    if not words:
        return None
    if wanted.day:
        months = [word for word in wanted.owner if word.casefold() in MONTHS]
        days = [
            spot for spot in frame.spots if squashed(spot.line.text) == wanted.day and any(
                find(months[0], title.line.text).quality >= MATCH and in_section(title, spot, frame.spots)
                for title in frame.spots
            )
        ]  # fmt: skip
        if len(days) == 1:
            return days[0]
    ranked = sorted(((_named(spot, words, wanted), spot) for spot in frame.spots), key=lambda pair: -pair[0])
    if not ranked or ranked[0][0] < (0.55 if needed else 0.3):
        return None
    if needed and len(ranked) > 1 and ranked[1][0] > ranked[0][0] - 0.02 and ranked[0][0] < 0.9:
        return None
    return ranked[0][1]


def anchors(frame: Frame, wanted: Wanted) -> list[Spot]:
    """The lines that name what the question is about nearly as well as the best one does, best first."""
    needed = [word for word in wanted.owner if not is_general(word)]
    if not needed:
        return []
    ranked = sorted(((_named(spot, needed, wanted), spot) for spot in frame.spots), key=lambda pair: -pair[0])
    return [spot for fit, spot in ranked if fit >= max(0.55, ranked[0][0] - AS_WELL)]


def around_label(frame: Frame, label: Spot, wanted: Wanted) -> Box | None:
    """Where the value of a label, or of what it names, is to be looked for."""
    cell = _table_cell(frame, label, wanted)
    if cell is not None:
        return frame.box(*cell)
    unit = label.tall
    left = label.left - max(LEFT * unit, LEAST_LEFT)
    right = label.right + max(RIGHT * unit, LEAST_RIGHT)
    top = label.top - max(UP * unit, LEAST_UP)
    bottom = label.bottom + max(DOWN * unit, LEAST_DOWN)
    reached = label.bottom
    for spot in sorted(_titles(frame, label), key=lambda spot: spot.top):  # the next title's block is not this one's
        if overlap((spot.left, spot.right), (label.left, label.right)) > 0.3 and spot.top > label.bottom - 0.3 * unit:
            aligned = abs(spot.left - label.left) < unit
            if spot.tall < 1.6 * label.tall and spot.top - reached <= (8.0 if aligned else 3.0) * unit:
                reached = spot.bottom  # one more line of the same text
                continue
            bottom = min(bottom, max(spot.top, reached + unit))
        elif same_row(spot, label) and spot.left - label.right > 3 * unit:
            right = min(right, max(spot.left, label.right + unit))
        elif same_row(spot, label) and label.left - spot.right > 3 * unit:
            left = max(left, min(spot.right, label.left - unit))
    card = card_of(frame, label)
    if card is not None:
        left, top = min(left, card.left), min(top, card.top)
        right, bottom = max(right, card.right), max(bottom, card.bottom)
    return frame.box(left, top, right, bottom)


def matching(frame: Frame, wanted: Wanted) -> tuple[list[Spot], float]:
    """The lines that best fit a description, and how well (0..1): one line, or neighbours that share its words."""
    words = [*wanted.owner, *wanted.head, *wanted.rest]
    if not words:
        return [], 0.0
    specific = [word for word in words if not is_general(word)] or words
    scored = sorted(((_named(spot, specific, wanted), spot) for spot in frame.spots), key=lambda pair: -pair[0])
    if not scored or scored[0][0] <= 0:
        return [], 0.0
    best, chosen = scored[0][0], [scored[0][1]]
    missing = [word for word in specific if find(word, chosen[0].line.text).quality < MATCH]
    for _, spot in scored[1:]:
        if not missing:
            break
        gained = [word for word in missing if find(word, spot.line.text).quality >= MATCH]
        if gained and _gap(spot, chosen[0]) <= 2.5 * max(spot.tall, chosen[0].tall):
            chosen.append(spot)
            missing = [word for word in missing if word not in gained]
    if len(chosen) > 1:
        best = (len(specific) - len(missing)) / len(specific)
    elif len(scored) > 1 and scored[1][0] > best - 0.02 and scored[1][1].line.text != chosen[0].line.text:
        best *= 0.8
    return chosen, best


def box_of(frame: Frame, spots: Iterable[Spot]) -> Box | None:
    """The upright box around some lines."""
    chosen = list(spots)
    return frame.box(
        min(spot.left for spot in chosen),
        min(spot.top for spot in chosen),
        max(spot.right for spot in chosen),
        max(spot.bottom for spot in chosen),
    )


def _named(spot: Spot, words: list[str], wanted: Wanted) -> float:
    """How well a line names what is asked about, 0..1; a misread identifier counts for half."""
    text = spot.line.text
    total = 0.0
    for word in words:
        quality = find(word, text).quality
        if quality < MATCH and has_digit(word):
            quality = 0.6 * _nearly(word, text)
        total += quality if quality >= MATCH or has_digit(word) else 0.0
    fits = total / len(words)
    if fits <= 0:
        return 0.0
    parts = text.split()
    helped = sum(any(find(word, part).quality >= MATCH for word in wanted.words) for part in parts) / max(1, len(parts))
    return fits * (0.85 + 0.15 * helped)


def _nearly(word: str, text: str) -> float:
    from rapidfuzz.fuzz import ratio  # noqa: PLC0415  (an extra: this module must import without it)

    wanted = look_alike(word)
    best = max((ratio(wanted, look_alike(part)) for part in text.split()), default=0.0) / 100
    return best if best >= 0.7 and len(wanted) >= 4 else 0.0


def _titles(frame: Frame, label: Spot) -> list[Spot]:
    return [spot for spot in frame.spots if spot is not label and spot.tall >= 0.8 * label.tall]


def _table_cell(frame: Frame, label: Spot, wanted: Wanted) -> tuple[float, float, float, float] | None:
    """The cell where the row of a label crosses the column that the question asks for.

    Both labels were read in the view and stay in the transcript: the crop needs the cell, not the way to it.
    """
    asked = [word for word in (*wanted.head, *wanted.rest) if not is_general(word)] or list(wanted.head)
    noun = wanted.noun
    best: tuple[float, Spot] | None = None
    for spot in frame.spots:
        if spot is label or spot.tall < 0.7 * label.tall or same_row(spot, label) or spot.left < label.right:
            continue
        fit = sum(find(word, spot.line.text).quality for word in asked) + (
            find(noun, spot.line.text).quality if noun else 0
        )
        in_row = sum(
            1 for other in frame.spots if other is not spot and same_row(other, spot) and other.tall > 0.7 * spot.tall
        )
        if fit >= MATCH and in_row >= 2 and spot.bottom < label.top and (best is None or fit > best[0]):
            best = (fit, spot)
    column = sum(
        1 for other in frame.spots if other is not label and abs(other.left - label.left) < 2 * label.tall
        and 0.7 < other.tall / label.tall < 1.4
    )  # fmt: skip
    if best is None or column < 2:
        return None
    header = best[1]
    reach = max(1.5 * header.tall, 0.03)
    return header.left - reach, label.top - 0.8 * label.tall, header.right + reach, label.bottom + 0.8 * label.tall


def _gap(one: Spot, other: Spot) -> float:
    across = max(0.0, other.left - one.right, one.left - other.right)
    down = max(0.0, other.top - one.bottom, one.top - other.bottom)
    return max(across, down)

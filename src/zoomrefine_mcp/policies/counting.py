"""Counting: over disjoint tiles, by a box for every thing, so that a thing on a border counts once.

The rule for borders: every tile is asked for the things that an edge cuts too; two boxes that meet at a border between
tiles, along most of the shorter one's side, are the two halves of one thing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import sqrt
from typing import Any

from zoomrefine_mcp.backends.base import Ask, Look
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.errors import BackendError, ContextTooLong
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.policies.cuts import CROP_FLOOR, PADDING, Cut, affordable, pictures_a_look, tiles
from zoomrefine_mcp.policies.looking import DROPPED
from zoomrefine_mcp.policies.walk import is_refusal
from zoomrefine_mcp.records import Answer, Evidence, Outcome, Question, Region, ReplyForm, Stage, Status

AT_BORDER = 0.005
"""A box reaches a border that it ends within this share of a tile of ..."""
ABOUT = 0.1
"""... and this share of its own side: a model's boxes are never exact."""
SAME_THING = 0.5
"""Two boxes of one tile that share so much of the smaller one are one thing named twice; so are two halves whose
sides meet along so much of the shorter."""

_Span = tuple[float, float]


async def count(bench: Bench[Any], question: Question, first: Look[Any], before: Outcome, looks: int) -> bool:
    """Count what the question asks for over disjoint tiles, and keep the number.

    Returns:
        Whether that was it; if not (the figure is written there, or nothing was found), nothing was kept.
    """
    pointed = _area(bench, [region.box for region in first.regions] if first.evidence is not Evidence.NOT_HERE else [])
    for area in dict.fromkeys((pointed, Box.full())):  # nothing where the view pointed: everywhere
        tally = await _tally(bench, question, first, area, looks)
        if tally.dropped:
            bench.keep(replace(before, reason=DROPPED))
            return True
        ended = tally.evidence is Evidence.NOT_HERE
        if ended and not tally.pictures:
            bench.keep(replace(before, reason=before.reason or "budget"))
            return True
        if tally.things or ended:
            bench.keep(_counted(before, question, tally))
            return True
        if tally.written:
            return False
    return False


@dataclass(frozen=True, slots=True)
class _Tally:
    """What was counted in an area.

    Attributes:
        things: One region for each.
        pictures: The tiles as sent.
        evidence: LEGIBLE; TOO_SMALL where a tile said so; NOT_HERE where the budget ended before the last tile.
        contested: Whether a reply gave another number than it gave boxes.
        written: Whether a reply gave a number and boxed nothing: it may be written there.
        dropped: Whether the tiles did not reach the model.
    """

    things: tuple[Region, ...] = ()
    pictures: tuple[Picture, ...] = ()
    evidence: Evidence = Evidence.LEGIBLE
    contested: bool = False
    written: bool = False
    dropped: bool = False


async def _tally(bench: Bench[Any], question: Question, first: Look[Any], area: Box, looks: int) -> _Tally:
    most = pictures_a_look(bench)
    cuts = _tiles(bench, area, bench.looks_left(looks) * most)
    found: list[tuple[Region, Box]] = []
    pictures: list[Picture] = []
    evidence, contested, written = Evidence.LEGIBLE, False, False
    asked = replace(question, choices=())  # a part of the number is none of the options
    while cuts:
        batch = affordable(bench, cuts[:most]) if bench.looks_left(looks) else []
        if not batch:
            bench.warn("The budget ended before everything was counted.")
            evidence = Evidence.NOT_HERE
            break
        shown = tuple([await bench.render(Stage.COUNT, cut.box, cut.fit) for cut in batch])
        why = f"counting in {len(shown)} tiles" if len(shown) > 1 else "counting in a crop"
        try:
            look = await bench.look(Ask(Stage.COUNT, ReplyForm.JSON, asked, shown), first.transcript, why=why)
        except (BackendError, ContextTooLong) as refused:
            if len(batch) == 1 or not is_refusal(refused):
                raise
            most = len(batch) // 2
            continue
        cuts = cuts[len(batch) :]
        if look.dropped:
            return _Tally(dropped=True)
        pictures += look.pictures
        new = [(region, tile) for region in look.regions if (tile := _tile_of(region.box, look.pictures))]
        said = re.search(r"\d+", look.answer.text or "")
        written = written or (said is not None and int(said[0]) > 0 and not new)
        if said and new and int(said[0]) not in (len(new), len(joined(new))):
            bench.warn(f"A reply counted {said[0]} and gave {len(new)} boxes; the boxes were counted.")
            contested = True
        found += new
        if look.evidence is Evidence.TOO_SMALL:
            evidence = look.evidence
    return _Tally(tuple(joined(found)), tuple(pictures), evidence, contested, written)


def _counted(before: Outcome, question: Question, tally: _Tally) -> Outcome:
    ended = tally.evidence is Evidence.NOT_HERE
    reason = "budget" if ended else "contested" if tally.contested else None
    return replace(
        before,
        status=Status.REFINED,
        reason=reason or (None if tally.evidence is Evidence.LEGIBLE else "illegible"),
        answer=_answer(question, len(tally.things), ended=ended),
        regions=tally.things,
        crops=tuple(
            next((one for one in tally.pictures if one.shows.contains(_middle(thing.box))), None)
            for thing in tally.things
        ),
        evidence=tally.evidence,
        contested=tally.contested,
    )


def joined(found: Sequence[tuple[Region, Box]]) -> list[Region]:
    """The things that boxes in tiles stand for: halves that meet at a border joined, what is named twice once.

    Args:
        found: A box, and the tile that it was found in.
    """
    things: list[list[tuple[Region, Box]]] = []
    for one in found:
        same = [thing for thing in things if any(_is_same(one, other) for other in thing)]
        things = [thing for thing in things if thing not in same] + [[one, *(other for t in same for other in t)]]
    return [replace(thing[0][0], box=reduce(Box.union, (region.box for region, _ in thing))) for thing in things]


def _is_same(one: tuple[Region, Box], other: tuple[Region, Box]) -> bool:
    (a, tile), (b, next_tile) = (one[0].box, one[1]), (other[0].box, other[1])
    if tile == next_tile:
        shared = a.intersection(b)
        return shared is not None and shared.area >= SAME_THING * min(a.area, b.area)
    across = _join((a.x0, a.x1), (b.x0, b.x1), (tile.x0, tile.x1), (next_tile.x0, next_tile.x1))
    down = _join((a.y0, a.y1), (b.y0, b.y1), (tile.y0, tile.y1), (next_tile.y0, next_tile.y1))
    return (across and _along(a.y0, a.y1, b.y0, b.y1)) or (down and _along(a.x0, a.x1, b.x0, b.x1))


def _join(one: _Span, other: _Span, tile: _Span, next_tile: _Span) -> bool:
    """Whether one ends at the border at which the other begins; tiles in whole pixels overlap by one."""
    if one[0] > other[0]:
        one, other, tile, next_tile = other, one, next_tile, tile
    border = AT_BORDER * (tile[1] - tile[0])
    near = border + ABOUT * min(one[1] - one[0], other[1] - other[0])
    return (
        abs(tile[1] - next_tile[0]) <= border and abs(one[1] - tile[1]) <= near and abs(other[0] - next_tile[0]) <= near
    )


def _along(low: float, high: float, other_low: float, other_high: float) -> bool:
    shared = min(high, other_high) - max(low, other_low)
    return shared >= SAME_THING * min(high - low, other_high - other_low)


def _area(bench: Bench[Any], boxes: Sequence[Box]) -> Box:
    """Where to count: about what the view points at, or everywhere."""
    if not boxes:
        return Box.full()
    whole = reduce(Box.union, boxes)
    grown = whole.grown(PADDING * whole.width, PADDING * whole.height)
    return grown.at_least(CROP_FLOOR.width / bench.size.width, CROP_FLOOR.height / bench.size.height)


def _tiles(bench: Bench[Any], area: Box, most: int) -> list[Cut]:
    """Tiles of the area at a readable scale, or at the best that so many tiles show all of it at."""
    scale = bench.readable
    cuts = tiles(bench, area, scale, Stage.COUNT)
    while len(cuts) > max(1, most):
        scale *= min(0.95, sqrt(max(1, most) / len(cuts)))
        cuts = tiles(bench, area, scale, Stage.COUNT)
    return cuts


def _tile_of(box: Box, pictures: Sequence[Picture]) -> Box | None:
    """The tile that a box lies in; None for a box on another picture of the conversation."""
    return next((one.shows for one in pictures if box.covered_by([one.shows]) > 0.9), None)


def _middle(box: Box) -> Box:
    x, y = box.center
    return Box(max(0.0, x - 1e-9), max(0.0, y - 1e-9), min(1.0, x + 1e-9), min(1.0, y + 1e-9))


def _answer(question: Question, number: int, *, ended: bool) -> Answer:
    """The number, as the option that says it where there are options; none where not everything was counted."""
    out = next((choice.letter for choice in question.choices if choice.abstains), None)
    if ended:
        return Answer(None, out, abstained=True, explanation=f"{number} were counted before the budget ended.")
    counted = "Counted over disjoint tiles, with a box for each."
    if not question.choices:
        return Answer(str(number), explanation=counted)
    said = [choice for choice in question.choices if choice.text.split()[:1] == [str(number)]]
    if len(said) == 1:
        return Answer(said[0].text, said[0].letter, explanation=counted)
    return Answer(None, out, abstained=True, explanation=f"{counted} {number} is none of the options.")

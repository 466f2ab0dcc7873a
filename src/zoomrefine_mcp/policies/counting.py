"""Counting: over disjoint tiles, by a box for every thing, so that a thing on a border counts once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from zoomrefine_mcp.backends.base import Look
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.borders import in_tiles, joined
from zoomrefine_mcp.conversation import Conversation
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.policies.looking import DROPPED
from zoomrefine_mcp.questions import no_answer, number_as_answer, number_in
from zoomrefine_mcp.records import Evidence, Outcome, Question, Region, Stage
from zoomrefine_mcp.tiles import areas_to_count, tiles_to_count


async def count(bench: Bench[Any], question: Question, first: Look[Any], before: Outcome, looks: int) -> bool:
    """Count what the question asks for over disjoint tiles, and keep the number.

    Returns:
        Whether that was it; if not (the figure is written there, or nothing was found), what was there before is kept.
    """
    asked = replace(question, choices=())  # a part of the number is none of the options
    pointed = [] if first.evidence is Evidence.NOT_HERE else [region.box for region in first.regions]
    for area in areas_to_count(bench, pointed):
        conversation, tally = Conversation(bench, first, looks), _Tally()
        cuts = tiles_to_count(bench, area, conversation.looks_left * bench.room)
        while cuts:
            why = "counting in a crop" if len(cuts) == 1 else f"counting in {min(len(cuts), bench.room)} tiles"
            look = await conversation.show(Stage.COUNT, asked, cuts, why)
            if look is None:
                bench.warn("The budget ended before everything was counted.")
                counted = tally.outcome(before, question, "the budget ended")
                bench.keep(replace(counted if tally.tiles else before, reason=before.reason or "budget"))
                return True
            if look.dropped:
                bench.keep(replace(before, reason=DROPPED))
                return True
            cuts = cuts[len(look.pictures) :]
            tally.add(look, bench)
            bench.keep(tally.outcome(before, question, "the rest was looked at"))
        if tally.found:
            bench.keep(tally.outcome(before, question))
            return True
        if tally.written:
            break
    bench.keep(before)
    return False


@dataclass(slots=True)
class _Tally:
    """What was counted in an area.

    Attributes:
        tiles: What was shown.
        found: A box for each thing, and the tile that it was found in; what a border cuts has two.
        illegible: Whether a tile said that the things are too small in it.
        contested: Whether a reply gave another number than it gave boxes.
        written: Whether a reply gave a number and boxed nothing: it may be written there.
    """

    tiles: list[Picture] = field(default_factory=list)
    found: list[tuple[Region, Box]] = field(default_factory=list)
    illegible: bool = False
    contested: bool = False
    written: bool = False

    def add(self, look: Look[Any], bench: Bench[Any]) -> None:
        """Add what was boxed in the new tiles; boxes on the view, which the conversation begins with, do not count."""
        new = in_tiles(look.regions, [one.shows for one in look.pictures])
        said = number_in(look.answer)
        self.written |= bool(said) and not new
        if said is not None and new and said not in (len(new), len(joined(new))):
            bench.warn(f"A reply counted {said} and gave {len(new)} boxes; the boxes were counted.")
            self.contested = True
        self.tiles += look.pictures
        self.found += new
        self.illegible |= look.evidence is Evidence.TOO_SMALL

    def outcome(self, before: Outcome, question: Question, ended: str | None = None) -> Outcome:
        """What was counted so far; no answer where something ended that before everything was counted."""
        things = tuple(joined(self.found))
        if ended is not None:
            answer = no_answer(question, f"{len(things)} were counted before {ended}.")
            evidence, reason = Evidence.NOT_HERE, None
        else:
            answer = number_as_answer(question, len(things))
            evidence = Evidence.TOO_SMALL if self.illegible else Evidence.LEGIBLE
            reason = "contested" if self.contested else "illegible" if self.illegible else None
        crops = tuple(max(self.tiles, key=lambda tile: thing.box.covered_by([tile.shows])) for thing in things)
        return before.refined(answer, evidence, things, crops, reason=reason, contested=self.contested)

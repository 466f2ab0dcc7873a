"""What tiles hold of what is counted: the boxes that replies gave, added up to a number or to how far it came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from zoomrefine_mcp.backends.base import Look
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.borders import in_tiles, joined
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.questions import no_answer, number_as_answer, number_in
from zoomrefine_mcp.records import Evidence, Outcome, Question, Region


@dataclass(slots=True)
class Tally:
    """What was counted in an area: the boxes, each thing once, and what the replies said beside them.

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
        if self.written and self.found:
            bench.warn("A reply counted and gave no boxes; the boxes of the others were counted.")
            self.contested = True

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
            if reason is None and answer.abstained:
                reason = "no_option"
        crops = tuple(max(self.tiles, key=lambda tile: thing.box.covered_by([tile.shows])) for thing in things)
        return before.refined(answer, evidence, things, crops, reason=reason, contested=self.contested)

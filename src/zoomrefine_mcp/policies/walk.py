"""A question's walk over a picture: after each look, the next one follows from what the model said of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic

from zoomrefine_mcp.backends.base import Look, T
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.conversation import Conversation
from zoomrefine_mcp.cuts import CROP_FLOOR, HELD, Cut, crop_for_eye, crops_for, holds
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.policies.looking import DROPPED, is_settled, is_there
from zoomrefine_mcp.records import Evidence, Outcome, Question, Region, Stage, Status
from zoomrefine_mcp.tiles import SEARCHED, few_tiles, in_order_of_promise, unseen_tiles

MOST_REGIONS = 4
"""Regions of one reply that are looked at."""
LEAST_GAIN = 1.1
"""A crop that shows a region at less than this many times the scale it was shown at is not worth paying for ..."""
CLOSER_GAIN = 1.4
"""... and at less than this many times, where it was shown at native resolution and was too small all the same."""
WORTH_A_PASS = 1.3
"""A pass over the whole in a few tiles has to show it at this many times the scale that it was shown at."""
AS_LARGE_AS_IT_GETS = 2.0
"""What was shown at this many times its original size and could not be made out will not be at any scale."""
MISSES = 2
"""After so many looks in a row that held nothing, the model's next guess waits for the search."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next look.

    Attributes:
        stage: What it is for.
        cuts: What it shows, the best first, as far as one look holds them.
        why: In a few words.
        targets: The regions that it is cut for; none where it searches.
    """

    stage: Stage
    cuts: Sequence[Cut]
    why: str
    targets: tuple[Region, ...] = ()


class Walk(Generic[T]):
    """The looks after the first one.

    Args:
        bench: The working place.
        question: What is asked.
        first: The look at the view.
        before: What was kept of it.
        looks: How many looks there may be, that one included, where the budget does not say.

    Attributes:
        conversation: All looks, the first one included.
        outcome: What stands.
    """

    def __init__(self, bench: Bench[T], question: Question, first: Look[T], before: Outcome, looks: int) -> None:
        self._bench = bench
        self._question = question
        self.conversation = Conversation(bench, first, looks)
        self.outcome = before

    async def go(self) -> None:
        """Look until what is needed was read, the budget ends, or there is nothing left to look at.

        Raises:
            BackendFailure: A look failed; what was kept before stands.
        """
        step = await self._begin(self.conversation.last)
        while step is not None:
            look = await self._take(step)
            if look is None or look.dropped:
                self._end(DROPPED if look else "budget")
                return
            if is_settled(look):
                return
            step = await self._next(step, look)
        if self.outcome.status is Status.PRELIMINARY:
            self._end("no_gain" if self.conversation.last.regions else "no_box")
        else:
            self._end("illegible" if self.conversation.last.evidence is Evidence.TOO_SMALL else "not_found")

    async def _begin(self, first: Look[T]) -> Step | None:
        """Where the view points; without a place to look at, the search."""
        if cuts := self._crops(first.regions):
            return Step(Stage.REFINE, cuts, "the region that the view points at", first.regions)
        return None if is_settled(first) else await self._search()

    async def _next(self, step: Step, look: Look[T]) -> Step | None:
        """Closer to what is there, or wider where an edge cuts it; else another place that was named, or the search."""
        if is_there(look):
            wider = look.evidence is Evidence.CUT_OFF
            if cuts := self._wider(look) if wider else self._closer(step, look):
                return Step(Stage.REFINE, cuts, "wider" if wider else "closer", look.regions or step.targets)
            named = [region.box for region in look.regions] or [picture.shows for picture in look.pictures]
            magnified = self._bench.info.profile.magnifies and step.stage is not Stage.SCAN  # a tile is no close look
            largest = 1.0 if magnified else AS_LARGE_AS_IT_GETS
            large = any(self.conversation.scale_of(box) >= largest for box in named)
            return None if large and look.evidence is Evidence.TOO_SMALL else await self._search()
        astray = all(one in self.conversation.misses for one in self.conversation.looks[-MISSES:])
        if step.stage is not Stage.SCAN and not astray and (cuts := self._crops(look.regions)):
            return Step(Stage.REFINE, cuts, "another place", look.regions)
        return await self._search()

    async def _search(self) -> Step | None:
        """Tiles of what was not yet seen at a readable scale.

        Where the looks that are left hold them all, they come at once. Where not, the whole comes first, in a few tiles
        whose candidates are narrowed: that shows less of everything instead of nothing of the most.
        """
        bench, conversation = self._bench, self.conversation
        conversation.restart()
        unseen = unseen_tiles(bench)
        if not unseen:
            return None
        if len(unseen) > bench.room * conversation.looks_left:
            tiles = few_tiles(bench, Box.full(), bench.room, Stage.SCAN)
            few = [cut for cut in tiles if cut.scale(bench.size) >= WORTH_A_PASS * conversation.scale_of(cut.box)]
            if few:
                return Step(Stage.SCAN, few, "searching the whole in a few tiles")
        likely = [region.box for look in conversation.misses for region in look.regions]
        tiles = await in_order_of_promise(bench, unseen, likely)
        return Step(Stage.SCAN, tiles, f"searching, {bench.searched():.0%} of the picture seen")

    def _crops(self, regions: Sequence[Region], *, closer: bool = False) -> list[Cut]:
        """Crops of the regions that are worth a look; none of what was shown as well as it can be."""
        cuts: list[Cut] = []
        for region in regions[:MOST_REGIONS]:
            shown = self.conversation.scale_of(region.box)
            if (shown >= 1 and not closer) or any(holds(cut.box, region.box) for cut in cuts):
                continue
            floor = CROP_FLOOR if shown < 1 else CROP_FLOOR.scaled(0.5)
            new = crops_for(self._bench, region.box, self._bench.room - len(cuts), floor)
            cuts += [cut for cut in new if self._gains(cut, shown)]
        return cuts

    def _closer(self, step: Step, look: Look[T]) -> list[Cut]:
        """What the model names, narrower or enlarged; else the parts of what was shown reduced."""
        if cuts := self._crops(look.regions or step.targets, closer=True):
            return cuts
        # too small for this model, whatever is readable by rule
        pointed = (one for one in look.pictures if any(holds(one.shows, region.box) for region in look.regions))
        about = next(pointed, look.pictures[0])
        parts = few_tiles(self._bench, about.shows, self._bench.room, Stage.REFINE)
        return [part for part in parts if self._gains(part, self._bench.scale(about))]

    def _wider(self, look: Look[T]) -> list[Cut]:
        """About what an edge cuts: the region with as much again on every side."""
        boxes = [region.box for region in look.regions[:MOST_REGIONS]] or [look.pictures[0].shows]
        cuts = dict.fromkeys(crop_for_eye(self._bench, box.grown(box.width, box.height)) for box in boxes)
        return [cut for cut in cuts if self._gains(cut, self.conversation.scale_whole(cut.box))]

    def _gains(self, cut: Cut, shown: float) -> bool:
        """Whether a cut shows enough more of a region than the scale that it was shown at."""
        if shown >= 1 and self._bench.info.profile.magnifies:
            return False
        return cut.scale(self._bench.size) >= (LEAST_GAIN if shown < 1 else CLOSER_GAIN) * shown

    async def _take(self, step: Step) -> Look[T] | None:
        """Take the look and keep what it says; None where the budget pays for none."""
        look = await self.conversation.show(step.stage, self._question, step.cuts, step.why)
        if look is None or look.dropped:
            return look
        if is_there(look) or is_settled(look):
            self.conversation.go_on_from(look)
        else:
            self.conversation.misses.append(look)
        regions = self._regions(step, look)
        crops = tuple(self.conversation.crop_of(region.box) for region in regions)
        self.outcome = self.outcome.refined(look.answer, look.evidence, regions, crops)
        self._bench.keep(self.outcome)
        return look

    def _regions(self, step: Step, look: Look[T]) -> tuple[Region, ...]:
        """What the outcome points at.

        A crop's target stands before the model's box in it: asked for an answer, a model boxes less carefully than
        asked where to look. What was found in a tile or a reduced crop is news. What a look showed without holding it
        is pointed at no more.
        """
        if look in self.conversation.misses:
            shown = [picture.shows for picture in look.pictures if self._bench.shows_readably(picture)]
            return tuple(one for one in self.outcome.regions if one.box.covered_by(shown) < HELD)
        sharp = all(map(self._bench.shows_readably, look.pictures))
        if step.targets and ((len(look.pictures) <= len(step.targets) and sharp) or not look.regions):
            return step.targets
        return look.regions or self.outcome.regions

    def _end(self, reason: str) -> None:
        """Keep what stands with why nothing more is looked at.

        What was searched in full and not found is not there, where the model is one that can tell.
        """
        missing = self.outcome.answer.abstained and self.outcome.evidence in (Evidence.NOT_HERE, Evidence.UNKNOWN)
        if missing and reason != DROPPED and self._bench.searched() >= SEARCHED:
            reason = "not_in_picture" if self._bench.info.profile.tells_absence else "not_found"
        self.outcome = replace(self.outcome, reason=self.outcome.reason or reason)
        self._bench.keep(self.outcome)

"""A question's walk over a picture: after each look, the next one follows from what the model said of the evidence."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

from zoomrefine_mcp.backends.base import Ask, Look, T
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.errors import BackendError, BackendFailure, ContextTooLong
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.policies.cuts import (
    CROP_FLOOR,
    MOST_PICTURES,
    Cut,
    affordable,
    crop_for_eye,
    crops_for,
    few_tiles,
    pictures_a_look,
    tiles,
)
from zoomrefine_mcp.policies.looking import DROPPED, is_settled
from zoomrefine_mcp.records import Evidence, Outcome, Question, Region, ReplyForm, Stage, Status

log = logging.getLogger(__name__)

MOST_REGIONS = 4
"""Regions of one reply that are looked at."""
LEAST_GAIN = 1.1
"""A crop that shows a region at less than this many times the scale it was shown at is not worth paying for ..."""
CLOSER_GAIN = 1.4
"""... and at less than this many times, where it was shown at native resolution and was too small all the same."""
WORTH_A_PASS = 1.3
"""A pass over the whole in a few tiles has to show it at this many times the view's scale."""
HELD = 0.8
"""A region counts as shown by a picture that holds this share of it."""
AS_LARGE_AS_IT_GETS = 2.0
"""What was shown at this many times its original size and could not be made out will not be at any scale."""
SEARCHED = 0.995
"""From this share on, everything was seen at a readable scale."""
MISSES = 2
"""After so many looks in a row that held nothing, the model's next guess waits for the search."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next look.

    Attributes:
        stage: What it is for.
        cuts: What it shows.
        why: In a few words.
        targets: The regions that it was cut for; none where it searches.
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
    """

    def __init__(self, bench: Bench[T], question: Question, first: Look[T], before: Outcome, looks: int) -> None:
        self._bench = bench
        self._question = question
        self._first = first
        self._looks = looks
        self._stem = first.transcript
        self._trunk = first.transcript
        self._in_trunk = len(first.pictures)
        self._empty: list[Box] = []
        self._likely: list[Box] = []
        self._misses = 0
        self._passed_over = False
        self._shown: list[Picture] = []
        self._most = MOST_PICTURES
        self.outcome = before
        self.deciding: Picture | None = None

    @property
    def transcript(self) -> T:
        """What the conversation has come to, looks that held nothing left out."""
        return self._trunk

    async def go(self) -> None:
        """Look until what is needed was read, the budget ends, or there is nothing left to look at.

        Raises:
            BackendFailure: A look failed; what was kept before stands.
        """
        step = await self._begin()
        look = self._first
        while step is not None:
            step = self._within(step)
            if step is None:
                self.end("budget")
                return
            step, look = await self.take(step)
            if look.dropped:
                self.end(DROPPED)
                return
            if is_settled(look):
                self._bench.keep(self.outcome)
                return
            step = await self._next(step, look)
        if self.outcome.status is Status.PRELIMINARY:
            self.end("no_gain" if self._first.regions else "no_box")
        else:
            self.end("illegible" if look.evidence is Evidence.TOO_SMALL else "not_found")

    def end(self, reason: str) -> None:
        """Keep what stands with why nothing more is looked at; what was searched in full and not found is not there."""
        missing = self.outcome.answer.abstained and self.outcome.evidence in (Evidence.NOT_HERE, Evidence.UNKNOWN)
        if missing and reason != DROPPED and self._bench.searched() >= SEARCHED:
            reason = "not_in_picture"
        self.outcome = replace(self.outcome, reason=self.outcome.reason or reason)
        self._bench.keep(self.outcome)

    async def take(self, step: Step) -> tuple[Step, Look[T]]:
        """Render, look, and keep what it says; with fewer pictures where the server takes fewer.

        Returns:
            The step as it was taken, and the look.

        Raises:
            BackendFailure: By its kind.
        """
        most = self._bench.info.profile.images_per_request
        if most is not None and self._in_trunk + len(step.cuts) > most:
            self._back_to_the_stem()
        while True:
            pictures = await self._rendered(step)
            ask = Ask(step.stage, ReplyForm.JSON, replace(self._question, empty=tuple(self._empty)), pictures)
            try:
                look = await self._bench.look(ask, self._trunk, why=step.why)
            except (BackendError, ContextTooLong) as refused:
                if len(step.cuts) == 1 or not is_refusal(refused):
                    raise
                self._most = len(step.cuts) // 2
                log.warning("%d pictures in one request were refused; %d are tried", len(step.cuts), self._most)
                step = replace(step, cuts=step.cuts[: self._most])
                continue
            break
        if look.dropped:
            return step, look
        self._shown += look.pictures
        if look.evidence is not Evidence.NOT_HERE:
            self._trunk = look.transcript
            self._in_trunk += len(look.pictures)
        regions = self._regions(step, look)
        self.outcome = replace(
            self.outcome,
            status=Status.REFINED,
            reason=None,
            answer=look.answer,
            evidence=look.evidence,
            regions=regions,
            crops=tuple(self._crop_of(region.box) for region in regions),
        )
        self.deciding = next((crop for crop in self.outcome.crops if crop is not None), look.pictures[0])
        self._bench.keep(self.outcome)
        return step, look

    def _back_to_the_stem(self) -> None:
        """Go on from the first look alone."""
        self._trunk = self._stem
        self._in_trunk = len(self._first.pictures)

    async def _begin(self) -> Step | None:
        regions = self._first.regions
        cuts = self._crops(regions)
        if cuts:
            return Step(Stage.REFINE, cuts, "the region that the view points at", regions)
        return await self._search() if not is_settled(self._first) else None

    async def _next(self, step: Step, look: Look[T]) -> Step | None:
        if self._is_there(look):
            self._misses = 0
            wider = look.evidence is Evidence.CUT_OFF
            cuts = self._wider(step, look) if wider else self._closer(step, look)
            if cuts:
                return Step(Stage.REFINE, cuts, "wider" if wider else "closer", look.regions or step.targets)
            named = [region.box for region in look.regions] or [cut.box for cut in step.cuts]
            large = any(self._shown_at(box) >= AS_LARGE_AS_IT_GETS for box in named)
            return None if large and look.evidence is Evidence.TOO_SMALL else await self._search()
        self._misses += 1
        sharp = [cut.box for cut in step.cuts if self._bench.is_readable(cut.scale(self._bench.size))]
        self._empty += sharp  # what was shown reduced may hold it all the same
        self._likely += [region.box for region in look.regions]
        if step.stage is not Stage.SCAN and self._misses < MISSES:
            cuts = self._crops(look.regions)
            if cuts:
                return Step(Stage.REFINE, cuts, "another place", look.regions)
        return await self._search()

    def _is_there(self, look: Look[T]) -> bool:
        """Whether the look shows what is asked for, but not well enough.

        A reply may contradict itself: "legible" with a box and no answer, "not here" with an answer and a box in what
        was just shown. Both say that there is something to be looked at more closely.
        """
        if look.evidence in (Evidence.TOO_SMALL, Evidence.CUT_OFF):
            return True
        here = any(_holds(picture.shows, region.box) for region in look.regions for picture in look.pictures)
        return here and (look.evidence is Evidence.LEGIBLE or not look.answer.abstained)

    def _crops(self, regions: Sequence[Region], *, closer: bool = False) -> list[Cut]:
        """Crops of the regions that are worth a look; none of what was shown as well as it can be."""
        cuts: list[Cut] = []
        for region in regions[:MOST_REGIONS]:
            shown = self._shown_at(region.box)
            floor = CROP_FLOOR.scaled(0.5) if closer and shown >= 1 else CROP_FLOOR
            least = LEAST_GAIN if shown < 1 else CLOSER_GAIN
            if shown >= 1 and not closer:
                continue
            if any(_holds(cut.box, region.box) for cut in cuts):
                continue
            new = crops_for(self._bench, region.box, self._room() - len(cuts), floor)
            cuts += [cut for cut in new if cut.scale(self._bench.size) >= least * shown]
        return cuts[: self._room()]

    def _closer(self, step: Step, look: Look[T]) -> list[Cut]:
        """What the model names, narrower or enlarged; else the parts of what was shown reduced."""
        cuts = self._crops(look.regions or step.targets, closer=True)
        if cuts:
            return cuts
        size = self._bench.size  # too small for this model, whatever is readable by rule
        about = [cut for cut in step.cuts if any(_holds(cut.box, region.box) for region in look.regions)] or step.cuts
        parts = few_tiles(self._bench, about[0].box, self._room(), Stage.REFINE)
        shown = about[0].scale(size)
        return [part for part in parts if part.scale(size) >= (LEAST_GAIN if shown < 1 else CLOSER_GAIN) * shown]

    def _wider(self, step: Step, look: Look[T]) -> list[Cut]:
        """About what an edge cuts: the region with as much again on every side."""
        boxes = [region.box for region in look.regions[:MOST_REGIONS]] or [cut.box for cut in step.cuts[:1]]
        grown = [box.grown(box.width, box.height) for box in boxes]
        cuts = [crop_for_eye(self._bench, box) for box in grown]
        return [cut for cut in cuts if not any(_holds(one.shows, cut.box, 0.98) for one in self._shown)][: self._room()]

    async def _search(self) -> Step | None:
        """Tiles of what was not yet seen at a readable scale; first the whole in a few, where those are too many."""
        self._back_to_the_stem()
        bench = self._bench
        fine = [cut for part in bench.parts for cut in tiles(bench, part, bench.readable, Stage.SCAN)]
        read = bench.shown_readably()
        unseen = {cut: seen for cut in fine if (seen := cut.box.covered_by(read)) < SEARCHED}
        if not unseen:
            return None
        if len(unseen) > self._room() * bench.looks_left(self._looks) and not self._passed_over:
            self._passed_over = True
            few = few_tiles(bench, Box.full(), self._room(), Stage.SCAN)
            view = self._first.pictures[0]
            if few and min(cut.scale(bench.size) for cut in few) >= WORTH_A_PASS * bench.scale(view):
                return Step(Stage.SCAN, few, "searching the whole in a few tiles")
        detail = dict(zip(unseen, await bench.detail([cut.box for cut in unseen]), strict=True))
        likely = {cut: max((_shared(box, cut.box) for box in self._likely), default=0.0) for cut in unseen}
        best = sorted(unseen, key=lambda cut: (unseen[cut] >= HELD, likely[cut] < HELD / 2, -detail[cut]))
        searched = f"{bench.searched():.0%} of the picture seen"
        return Step(Stage.SCAN, best[: self._room()], f"searching, {searched}")

    def _within(self, step: Step) -> Step | None:
        """The step with as many pictures as the budget pays for; None where it pays for none."""
        if self._bench.looks_left(self._looks) == 0:
            return None
        cuts = affordable(self._bench, step.cuts)
        return replace(step, cuts=cuts) if cuts else None

    def _room(self) -> int:
        """How many new pictures a look may hold, beside the view."""
        return pictures_a_look(self._bench, self._most)

    async def _rendered(self, step: Step) -> tuple[Picture, ...]:
        return tuple([await self._bench.render(step.stage, cut.box, cut.fit) for cut in step.cuts])

    def _shown_at(self, box: Box) -> float:
        """The best scale at which one picture showed a region so far; 0 where none did."""
        shown = (self._first.pictures[0], *self._shown)
        return max((self._bench.scale(one) for one in shown if _holds(one.shows, box)), default=0.0)

    def _regions(self, step: Step, look: Look[Any]) -> tuple[Region, ...]:
        """What the outcome points at.

        A crop's target stands before the model's box in it: asked for an answer, a model boxes less carefully than
        asked where to look. What was found in a tile or a reduced crop is news.
        """
        sharp = all(cut.scale(self._bench.size) >= self._bench.readable for cut in step.cuts)
        if step.targets and ((len(step.cuts) <= len(step.targets) and sharp) or not look.regions):
            return step.targets
        found = look.evidence is not Evidence.NOT_HERE and look.regions
        return look.regions if found else self.outcome.regions

    def _crop_of(self, box: Box) -> Picture | None:
        """The newest crop that shows a region."""
        return next((one for one in reversed(self._shown) if _holds(one.shows, box, 0.5)), None)


def _holds(picture: Box, region: Box, share: float = HELD) -> bool:
    return region.covered_by([picture]) >= share


def _shared(box: Box, other: Box) -> float:
    """How much of the smaller one both share: a place may be larger than a tile, or smaller."""
    return max(box.covered_by([other]), other.covered_by([box]))


def is_refusal(failure: BackendFailure) -> bool:
    """Whether the server may take the same request with fewer pictures."""
    return isinstance(failure, ContextTooLong) or failure.context.get("status") in (400, 413, 422)

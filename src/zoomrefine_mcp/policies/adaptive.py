"""The default policy: as many looks as pay, each one following from what the one before said of the evidence.

``Adaptive``  a view, crops, and a search where the model does not know where to look, within a budget.
``Thorough``  the same with a larger budget, and a second, independent look at what decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from zoomrefine_mcp.backends.base import Look
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.cuts import CROP_FLOOR, crop_for_eye
from zoomrefine_mcp.policies.counting import count
from zoomrefine_mcp.policies.looking import held_nothing, is_settled, preliminary, unzoomed
from zoomrefine_mcp.policies.walk import Walk
from zoomrefine_mcp.questions import asks_for_a_count
from zoomrefine_mcp.records import Answer, Evidence, Question, Region, Stage, Status

LEGIBLE_LINE = 18.0
"""A box whose shorter side has so many pixels of the view is not looked at again where the model calls it legible: a
box about a line of print is half as high again as its capitals, and perception saturates at 12 pixels of detail."""
HALF = 0.5
"""A picture that shares so much with a region, or a region with it, shows what the answer was read from."""


@dataclass(frozen=True, slots=True)
class Adaptive:
    """A view, then whatever the evidence asks for: narrower, wider, elsewhere, or a search; usually two looks.

    Attributes:
        view_edge: Long edge of the view, if less than the model sees.
    """

    view_edge: int | None = None
    name: ClassVar[str] = "adaptive"
    looks: ClassVar[int] = 6

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """As many looks as pay, at most ``looks`` where the budget does not say."""
        await self.walked(bench, question)

    async def walked(self, bench: Bench[Any], question: Question) -> Walk[Any] | None:
        """The looks of the policy; None where the first one was enough or the things were counted."""
        first = await bench.look_at_all(Stage.LOCALIZE, question, self.view_edge)
        before = preliminary(first, () if held_nothing(first) else first.regions)
        bench.keep(before)
        counts = bench.info.profile.counts and asks_for_a_count(question.text)
        native = bench.is_native(first.pictures[0])
        if native or shows_enough(first, counts=counts):
            bench.keep(unzoomed(before, Status.DIRECT, "native_view" if native else "legible_view"))
            return None
        if counts and await count(bench, question, first, before, self.looks):
            return None
        walk = Walk(bench, question, first, before, self.looks)
        await walk.go()
        return walk


@dataclass(frozen=True, slots=True)
class Thorough(Adaptive):
    """``Adaptive`` with a larger budget; then what decided is shown once more, in a conversation of its own.

    Where the two answers differ, or the second look sees none, one more look at a finer scale with both in view
    decides; where it agrees with neither, or nothing is left of the budget, the result says that the answer is
    contested. Nothing is put to a vote.
    """

    name: ClassVar[str] = "thorough"
    looks: ClassVar[int] = 12

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """As many looks as pay, and one or two more on what decided."""
        walk = await self.walked(bench, question)
        if walk is None or walk.outcome.reason is not None:
            return
        regions = [region.box for region in walk.outcome.regions]
        pictures = walk.conversation.last.pictures
        deciding = [one for one in pictures if any(one.shows.shared(box) >= HALF for box in regions)] or pictures
        why = "the deciding crop, by itself" if len(deciding) == 1 else "the deciding crops, by themselves"
        second = await walk.conversation.ask_apart(Stage.VERIFY, question, deciding, why)
        if second is not None and not second.dropped and contradicts(second, walk.outcome.answer):
            await self._decide(bench, question, walk, second)

    async def _decide(self, bench: Bench[Any], question: Question, walk: Walk[Any], second: Look[Any]) -> None:
        """One more look with both answers in view."""
        rivals = (walk.outcome.answer, second.answer)
        named = () if held_nothing(second) else second.regions
        places = named or walk.conversation.last.regions or walk.outcome.regions
        place = places[0] if places else Region(second.pictures[0].shows)
        told = replace(question, rivals=tuple(rival.told for rival in rivals))
        finer = crop_for_eye(bench, place.box, CROP_FLOOR.scaled(0.5))
        why = "two answers: a finer scale decides"
        bench.keep(replace(walk.outcome, reason="contested", contested=True))
        third = await walk.conversation.show(Stage.REFINE, told, [finer], why)
        if third is None or third.dropped or not is_settled(third) or not any(map(third.answer.agrees, rivals)):
            bench.warn(f"Two looks at what decided disagree: {' and '.join(told.rivals)}.")
        elif third.answer.agrees(walk.outcome.answer):
            bench.keep(replace(walk.outcome, answer=third.answer, evidence=third.evidence))
        else:
            bench.keep(walk.outcome.refined(third.answer, third.evidence, (place,), third.pictures))


def contradicts(second: Look[Any], answer: Answer) -> bool:
    """Whether a second look stands against an answer: it read another, or sees none in what the first read it from.

    One that has an answer and says that it is too small or cut off is no judgement on the first.
    """
    judges = is_settled(second) or second.answer.abstained or second.evidence is Evidence.NOT_HERE
    return judges and not second.answer.agrees(answer)


def shows_enough(first: Look[Any], *, counts: bool) -> bool:
    """Whether the view shows what is asked for so large that a crop would show no more of it.

    Of things that are counted every one has to be boxed.
    """
    read = is_settled(first) and first.evidence is Evidence.LEGIBLE and not first.dropped
    every_one = not counts or first.answer.text == str(len(first.regions))
    sides = [first.pictures[0].shorter_side(region.box) for region in first.regions]
    return read and every_one and min(sides, default=0.0) >= LEGIBLE_LINE

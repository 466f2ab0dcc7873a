"""The default policy: as many looks as pay, each one following from what the one before said of the evidence.

``Adaptive``  a view, crops, and a search where the model does not know where to look, within a budget.
``Thorough``  the same with a larger budget, and a second, independent look at the crop that decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from zoomrefine_mcp.backends.base import Ask, Look
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.policies.counting import count
from zoomrefine_mcp.policies.cuts import CROP_FLOOR, crop_for_eye
from zoomrefine_mcp.policies.looking import is_native, is_settled, preliminary, render_view, unzoomed
from zoomrefine_mcp.policies.walk import Walk
from zoomrefine_mcp.questions import asks_for_a_count
from zoomrefine_mcp.records import Answer, Evidence, Question, ReplyForm, Stage, Status

LEGIBLE_LINE = 18.0
"""A box whose shorter side has so many pixels of the view is not looked at again where the model calls it legible: a
box about a line of print is half as high again as its capitals, and perception saturates at 12 pixels of detail."""


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
        view = await render_view(bench, Stage.LOCALIZE, self.view_edge)
        first = await bench.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, question, (view,)), why="the whole")
        before = preliminary(first, first.regions)
        bench.keep(before)
        if is_native(first.pictures[0], bench.size):
            bench.keep(unzoomed(before, Status.DIRECT, "native_view"))
            return None
        counts = bench.info.profile.counts and asks_for_a_count(question.text)
        if shows_enough(first, counts=counts):
            bench.keep(unzoomed(before, Status.DIRECT, "legible_view"))
            return None
        if counts and await count(bench, question, first, before, self.looks):
            return None
        walk = Walk(bench, question, first, before, self.looks)
        await walk.go()
        return walk


@dataclass(frozen=True, slots=True)
class Thorough(Adaptive):
    """``Adaptive`` with a larger budget; then the crop that decides is shown once more, in a conversation of its own.

    Where the two answers differ, one more look at a finer scale with both in view decides; where it agrees with
    neither, or nothing is left of the budget, the result says that the answer is contested. Nothing is put to a vote.
    """

    name: ClassVar[str] = "thorough"
    looks: ClassVar[int] = 12

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """As many looks as pay, and one or two more on what decided."""
        walk = await self.walked(bench, question)
        if walk is None or walk.deciding is None or bench.kept is None or bench.kept.reason is not None:
            return
        if not self._may_look(bench, walk.deciding):
            return
        ask = Ask(Stage.VERIFY, ReplyForm.JSON, question, (walk.deciding,))
        second = await bench.look(ask, why="the deciding crop, by itself")
        if is_settled(second) and not second.answer.agrees(walk.outcome.answer):
            await self._decide(bench, question, walk, second)

    async def _decide(self, bench: Bench[Any], question: Question, walk: Walk[Any], second: Look[Any]) -> None:
        """One more look with both answers in view."""
        outcome, rivals = walk.outcome, (walk.outcome.answer, second.answer)
        region = (second.regions or outcome.regions)[:1]
        box = region[0].box if region else second.pictures[0].shows
        cut = crop_for_eye(bench, box, CROP_FLOOR.scaled(0.5))
        third: Look[Any] | None = None
        if self._may_look(bench, second.pictures[0]):
            told = replace(question, rivals=tuple(map(_told, rivals)))
            picture = await bench.render(Stage.REFINE, cut.box, cut.fit)
            ask = Ask(Stage.REFINE, ReplyForm.JSON, told, (picture,))
            third = await bench.look(ask, walk.transcript, why="two answers: a finer scale decides")
        if third is not None and is_settled(third) and any(third.answer.agrees(rival) for rival in rivals):
            bench.keep(replace(outcome, answer=third.answer, evidence=third.evidence))
            return
        bench.warn(f"Two looks at the deciding crop disagree: {' and '.join(map(_told, rivals))}.")
        bench.keep(replace(outcome, reason="contested", contested=True))

    def _may_look(self, bench: Bench[Any], picture: Picture) -> bool:
        return bench.looks_left(self.looks) > 0 and bench.affords([picture.size])


def shows_enough(first: Look[Any], *, counts: bool) -> bool:
    """Whether the view shows what is asked for so large that a crop would show no more of it.

    Of things that are counted every one has to be boxed.
    """
    if first.dropped or first.evidence is not Evidence.LEGIBLE or not is_settled(first) or not first.regions:
        return False
    if counts and first.answer.text != str(len(first.regions)):
        return False
    view = first.pictures[0]
    shortest = min(
        min(one.box.width / view.shows.width * view.size.width, one.box.height / view.shows.height * view.size.height)
        for one in first.regions
    )
    return shortest >= LEGIBLE_LINE


def _told(answer: Answer) -> str:
    return f"{answer.choice}. {answer.text}" if answer.choice else str(answer.text)

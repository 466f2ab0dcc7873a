"""What every policy needs: the view, what a first look tells, and what a policy is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from zoomrefine_mcp.backends.base import Look
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import Evidence, Outcome, Question, Region, Stage, Status

DROPPED = "picture_dropped"
"""The reason of an outcome whose picture did not reach the model, by the tokens of its prompt."""


class Policy(Protocol):
    """Decides what to look at. Raises what its looks raise; what it kept before that stands."""

    @property
    def name(self) -> str: ...

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """Look as often as it pays, keeping each outcome at once."""
        ...


async def render_view(bench: Bench[Any], stage: Stage, view_edge: int | None) -> Picture:
    """The whole picture at the size that the model sees, or less where ``view_edge`` says so."""
    wanted = bench.size if view_edge is None else bench.size.within_edge(view_edge)
    return await bench.render(stage, Box.full(), bench.fit(stage, wanted))


def is_native(view: Picture, size: Size) -> bool:
    """Whether the view shows every pixel that there is."""
    return view.size.width >= size.width and view.size.height >= size.height


def is_settled(look: Look[Any]) -> bool:
    """Whether what the question needs was read; a reply that does not speak of evidence is taken at its word."""
    return not look.answer.abstained and look.evidence in (Evidence.LEGIBLE, Evidence.UNKNOWN)


def snapped(box: Box, size: Size) -> Box:
    """The box in whole pixels of the original."""
    return Box.from_pixels(box.to_pixels(size), size)


def preliminary(first: Look[Any], regions: tuple[Region, ...]) -> Outcome:
    """What stands after the first look."""
    reason = DROPPED if first.dropped else None
    view = first.pictures[0]
    return Outcome(Status.PRELIMINARY, reason, first.answer, first.answer, view, regions, evidence=first.evidence)


def unzoomed(first: Outcome, status: Status, reason: str) -> Outcome:
    """The first look is the last. A picture that did not reach the model is why, whatever else may be."""
    return replace(first, status=status, reason=first.reason or reason)


def refined(first: Outcome, second: Look[Any]) -> Outcome:
    """The answer after one crop. A model that did not get the crop had nothing to correct itself by."""
    if second.dropped:
        return replace(first, reason=DROPPED)
    crops = (second.pictures[0], *(None for _ in first.regions[1:]))
    return replace(
        first, status=Status.REFINED, reason=None, answer=second.answer, crops=crops, evidence=second.evidence
    )

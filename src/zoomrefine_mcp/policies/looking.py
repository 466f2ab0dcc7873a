"""What every policy needs: what a policy is, what a look tells, and what stands after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from zoomrefine_mcp.backends.base import Look
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.cuts import holds
from zoomrefine_mcp.records import Evidence, Outcome, Question, Region, Status

DROPPED = "picture_dropped"
"""The reason of an outcome whose picture did not reach the model, by the tokens of its prompt."""


class Policy(Protocol):
    """Decides what to look at. Raises what its looks raise; what it kept before that stands."""

    @property
    def name(self) -> str: ...

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """Look as often as it pays, keeping each outcome at once."""
        ...


def is_settled(look: Look[Any]) -> bool:
    """Whether what the question needs was read; a reply that does not speak of evidence is taken at its word."""
    return not look.answer.abstained and look.evidence in (Evidence.LEGIBLE, Evidence.UNKNOWN)


def is_there(look: Look[Any]) -> bool:
    """Whether a look shows what is asked for, well enough or not.

    A reply may contradict itself: "legible" with a box and no answer, "not here" with an answer and a box in what was
    just shown. Both say that there is something to be looked at more closely.
    """
    if look.evidence in (Evidence.TOO_SMALL, Evidence.CUT_OFF):
        return True
    here = any(holds(picture.shows, region.box) for region in look.regions for picture in look.pictures)
    return here and (look.evidence is Evidence.LEGIBLE or not look.answer.abstained)


def held_nothing(look: Look[Any]) -> bool:
    """Whether a look says that nothing of it is there; the regions that it names are guesses at where to look next."""
    return look.evidence is Evidence.NOT_HERE and not is_there(look)


def preliminary(first: Look[Any], regions: tuple[Region, ...]) -> Outcome:
    """What stands after the first look."""
    reason = DROPPED if first.dropped else None
    view = first.pictures[0]
    return Outcome(Status.PRELIMINARY, reason, first.answer, first.answer, view, regions, evidence=first.evidence)


def unzoomed(first: Outcome, status: Status, reason: str) -> Outcome:
    """The first look is the last. A picture that did not reach the model is why, whatever else may be."""
    return replace(first, status=status, reason=first.reason or reason)


def after_a_crop(first: Outcome, second: Look[Any]) -> Outcome:
    """The answer after one crop. A model that did not get the crop had nothing to correct itself by."""
    if second.dropped:
        return replace(first, reason=DROPPED)
    crops = (second.pictures[0], *(None for _ in first.regions[1:]))
    return first.refined(second.answer, second.evidence, first.regions, crops)

"""The policies whose looks are fixed beforehand: the baseline, and Zoom-Refine as published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.conversation import Conversation
from zoomrefine_mcp.cuts import Cut, snapped
from zoomrefine_mcp.policies.looking import after_a_crop, preliminary, unzoomed
from zoomrefine_mcp.records import Question, ReplyForm, Stage, Status

PAPER_VIEW_EDGE = 4096
"""Long edge up to which the paper's reference code sends a picture as it is."""
PAPER_LOOKS = 2
"""A view and a crop."""
PAPER_PADDING = 0.1
"""The paper grows its box by this share of the whole picture on every side."""


@dataclass(frozen=True, slots=True)
class Direct:
    """One look at the view, no zoom.

    Attributes:
        view_edge: Long edge of the view, if less than the model sees.
    """

    view_edge: int | None = None
    name: ClassVar[str] = "direct"

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """One look."""
        look = await bench.look_at_all(Stage.DIRECT, question, self.view_edge)
        reason = "native_view" if bench.is_native(look.pictures[0]) else "policy"
        bench.keep(unzoomed(preliminary(look, look.regions), Status.DIRECT, reason))


@dataclass(frozen=True, slots=True)
class Paper:
    """Zoom-Refine as published: the paper's text format, its padding, one crop that is never enlarged.

    Attributes:
        view_edge: Long edge of the view, if less than 4096 and what the model sees.
    """

    view_edge: int | None = None
    name: ClassVar[str] = "paper"

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """Two looks; one where no box was given."""
        edge = min(self.view_edge or PAPER_VIEW_EDGE, PAPER_VIEW_EDGE)
        first = await bench.look_at_all(Stage.LOCALIZE, question, edge, ReplyForm.TEXT)
        before = preliminary(first, first.regions[:1])
        if not first.regions:
            bench.keep(unzoomed(before, Status.PRELIMINARY, "no_box"))
            return
        bench.keep(before)
        box = snapped(first.regions[0].box.grown(PAPER_PADDING, PAPER_PADDING), bench.size)
        fit = bench.fit(Stage.REFINE, box.to_pixels(bench.size).size.within_edge(PAPER_VIEW_EDGE))
        conversation = Conversation(bench, first, PAPER_LOOKS, ReplyForm.TEXT)
        second = await conversation.show(Stage.REFINE, question, [Cut(box, fit)], "the region that was named")
        bench.keep(after_a_crop(before, second) if second else unzoomed(before, Status.PRELIMINARY, "budget"))

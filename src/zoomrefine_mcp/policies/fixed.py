"""The policies whose looks are fixed beforehand: the baseline, and Zoom-Refine as published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zoomrefine_mcp.backends.base import Ask
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.cuts import snapped
from zoomrefine_mcp.policies.looking import preliminary, refined, unzoomed
from zoomrefine_mcp.records import Question, ReplyForm, Stage, Status

PAPER_VIEW_EDGE = 4096
"""Long edge up to which the paper's reference code sends a picture as it is."""
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
        view = await bench.render_view(Stage.DIRECT, self.view_edge)
        look = await bench.look(Ask(Stage.DIRECT, ReplyForm.JSON, question, (view,)), why="the whole")
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
        view = await bench.render_view(Stage.LOCALIZE, min(self.view_edge or PAPER_VIEW_EDGE, PAPER_VIEW_EDGE))
        ask = Ask(Stage.LOCALIZE, ReplyForm.TEXT, question, (view,))
        first = await bench.look(ask, why="the whole")
        before = preliminary(first, first.regions[:1])
        if not first.regions:
            bench.keep(unzoomed(before, Status.PRELIMINARY, "no_box"))
            return
        bench.keep(before)
        box = snapped(first.regions[0].box.grown(PAPER_PADDING, PAPER_PADDING), bench.size)
        fit = bench.fit(Stage.REFINE, box.to_pixels(bench.size).size.within_edge(PAPER_VIEW_EDGE))
        crop = await bench.render(Stage.REFINE, box, fit)
        ask = Ask(Stage.REFINE, ReplyForm.TEXT, question, (crop,))
        second = await bench.look(ask, first.transcript, why="the region that was named")
        bench.keep(refined(before, second))

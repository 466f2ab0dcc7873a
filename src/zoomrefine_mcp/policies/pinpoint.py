"""Where something is: pointed at in the view, then narrowed in crops about it until the box no longer moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from zoomrefine_mcp.backends.base import Ask
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.policies.cuts import PADDING, Cut, enlarged
from zoomrefine_mcp.policies.looking import is_native, preliminary, refined, render_view, snapped, unzoomed
from zoomrefine_mcp.records import Evidence, Outcome, Question, ReplyForm, Stage, Status

SHARPEN_SHARE = 0.25
"""A crop about the box holds at least this share of each side of what the box was pointed at in ..."""
SHARPEN_EDGE = 768
"""... and at least this many original pixels (a composition that GUI grounding is measured with)."""
MOST_LOOKS = 3
"""GUI grounding gains most by the second look, a little by the third, and hardly by more."""
STABLE = 0.5
"""Two boxes that share so much of their union are the same: the box no longer moves."""

Precision = Literal["quick", "sharp"]


@dataclass(frozen=True, slots=True)
class Pinpoint:
    """A box that fits closely, and at most three looks for it.

    Attributes:
        precision: ``sharp`` looks again into crops, ``quick`` does not.
        view_edge: Long edge of the view, if less than the model sees.
    """

    precision: Precision = "sharp"
    view_edge: int | None = None
    name: ClassVar[str] = "pinpoint"

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """One look to three."""
        view = await render_view(bench, Stage.POINT, self.view_edge)
        look = await bench.look(Ask(Stage.POINT, ReplyForm.JSON, question, (view,)), why="the whole")
        kept = preliminary(look, look.regions)
        if self.precision == "quick":
            bench.keep(unzoomed(kept, Status.DIRECT, "policy"))
            return
        if not look.regions:
            bench.keep(unzoomed(kept, Status.PRELIMINARY, "no_box"))
            return
        bench.keep(kept if bench.looks_left(MOST_LOOKS) else unzoomed(kept, Status.PRELIMINARY, "budget"))
        within, native = look.pictures[0].shows, is_native(look.pictures[0], bench.size)
        while bench.looks_left(MOST_LOOKS) > 0:
            cut = _about(bench, kept.regions[0].box, within)
            if not bench.affords([cut.fit.size]):
                bench.keep(replace(kept, reason=kept.reason or "budget"))
                return
            if native and cut.box == Box.full():
                bench.keep(unzoomed(kept, Status.DIRECT, "native_view"))
                return
            bench.keep(kept)
            crop = await bench.render(Stage.SHARPEN, cut.box, cut.fit)
            why = "the box, sharper" if kept.status is Status.PRELIMINARY else "the box moved: sharper again"
            look = await bench.look(Ask(Stage.SHARPEN, ReplyForm.JSON, question, (crop,)), look.transcript, why=why)
            before, kept = kept, _sharpened(kept, look)
            bench.keep(kept)
            if kept.evidence is Evidence.NOT_HERE or kept.reason is not None:
                return
            if _same(before.regions[0].box, kept.regions[0].box) or cut.scale(bench.size) >= 1:
                return
            within = cut.box


def _about(bench: Bench[Any], box: Box, within: Box) -> Cut:
    """The crop about a box: a quarter of each side of what it was pointed at in, shifted rather than clipped."""
    size = bench.size
    around = box.grown(box.width * PADDING, box.height * PADDING).at_least(
        max(SHARPEN_SHARE * within.width, SHARPEN_EDGE / size.width),
        max(SHARPEN_SHARE * within.height, SHARPEN_EDGE / size.height),
    )
    around = snapped(around, size)
    return Cut(around, bench.fit(Stage.SHARPEN, enlarged(around.to_pixels(size).size, bench)))


def _sharpened(before: Outcome, look: Any) -> Outcome:
    """The box of the newest look stands; where it shows none, the one before, and that it was not seen there."""
    if not look.regions:
        look = replace(look, evidence=Evidence.NOT_HERE)
    after = refined(before, look)
    if after.reason is not None:
        return after
    return replace(after, regions=(look.regions[:1] or before.regions[:1]) + before.regions[1:])


def _same(box: Box, other: Box) -> bool:
    shared = box.intersection(other)
    return shared is not None and shared.area >= STABLE * (box.area + other.area - shared.area)

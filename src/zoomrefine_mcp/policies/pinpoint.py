"""Where something is: pointed at in the view, then narrowed in crops about it until the box no longer moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.conversation import Conversation
from zoomrefine_mcp.cuts import crop_that_sharpens
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.policies.looking import after_a_crop, preliminary, unzoomed
from zoomrefine_mcp.records import Evidence, Outcome, Question, Stage, Status

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
        look = await bench.look_at_all(Stage.POINT, question, self.view_edge)
        kept = preliminary(look, look.regions)
        if self.precision == "quick":
            bench.keep(unzoomed(kept, Status.DIRECT, "policy"))
            return
        if not look.regions:
            bench.keep(unzoomed(kept, Status.PRELIMINARY, "no_box"))
            return
        bench.keep(kept)
        conversation = Conversation(bench, look, MOST_LOOKS)
        within, native = look.pictures[0].shows, bench.is_native(look.pictures[0])
        while len(bench.trace) < MOST_LOOKS:
            cut = crop_that_sharpens(bench, kept.regions[0].box, within)
            if native and cut.box == Box.full():
                bench.keep(unzoomed(kept, Status.DIRECT, "native_view"))
                return
            why = "the box, sharper" if kept.status is Status.PRELIMINARY else "the box moved: sharper again"
            crop = await conversation.show(Stage.SHARPEN, question, [cut], why)
            if crop is None:
                bench.keep(replace(kept, reason=kept.reason or "budget"))
                return
            conversation.go_on_from(crop)
            before, kept = kept, _sharpened(kept, crop)
            bench.keep(kept)
            stable = before.regions[0].box.likeness(kept.regions[0].box) >= STABLE or cut.scale(bench.size) >= 1
            if stable or kept.evidence is Evidence.NOT_HERE or kept.reason is not None:
                return
            within = cut.box


def _sharpened(before: Outcome, look: Any) -> Outcome:
    """The box of the newest look stands; where it shows none, the one before, and that it was not seen there."""
    if not look.regions:
        look = replace(look, evidence=Evidence.NOT_HERE)
    after = after_a_crop(before, look)
    if after.reason is not None:
        return after
    return replace(after, regions=(look.regions[:1] or before.regions[:1]) + before.regions[1:])

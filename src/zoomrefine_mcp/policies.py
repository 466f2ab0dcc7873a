"""A policy is a value that decides the next look. It keeps what it has as soon as it has it.

``Direct``    one look at the view (the baseline).
``Paper``     Zoom-Refine to the letter (arXiv 2506.01663): one box, one crop at native pixels, two looks.
``Adaptive``  the same two looks, cut and scaled for the model's eye.
``Pinpoint``  what ``localize_region`` runs: point in the view, sharpen in the crop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Protocol

from zoomrefine_mcp.backends.base import Ask, Look
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Fit, Picture
from zoomrefine_mcp.records import Evidence, Outcome, Question, Region, ReplyForm, Stage, Status

PAPER_VIEW_EDGE = 4096
"""Long edge up to which the paper's reference code sends a picture as it is."""
PAPER_PADDING = 0.1
"""The paper grows its box by this share of the whole picture on every side."""
PADDING = 0.25
"""``Adaptive`` grows a box by this share of the box's own size on every side ..."""
LESS_PADDING = (0.1, 0.05)
"""... or by less, where the model would not see that much at native resolution; a model's box is never exact."""
CROP_FLOOR = Size(560, 420)
"""... and to at least so many original pixels: measured to read all of 46 questions on real pictures."""
LEAST_GAIN = 1.1
"""A crop that shows its region at less than this many times the view's scale is no look worth paying for."""
SHARPEN_SHARE = 0.25
"""The second look of ``Pinpoint`` cuts at least this share of each side ..."""
SHARPEN_EDGE = 768
"""... and at least this many original pixels (a composition that GUI grounding is measured with)."""

DROPPED = "picture_dropped"
"""The reason of an outcome whose picture did not reach the model, by the tokens of its prompt."""

Precision = Literal["quick", "sharp"]


class Policy(Protocol):
    """Decides what to look at. Raises what its looks raise; what it kept before that stands."""

    @property
    def name(self) -> str: ...

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """Look as often as it takes, keeping each outcome at once."""
        ...


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
        view = await _render_view(bench, Stage.DIRECT, self.view_edge)
        look = await bench.look(Ask(Stage.DIRECT, ReplyForm.JSON, question, (view,)))
        reason = "native_view" if _is_native(look.pictures[0], bench.size) else "policy"
        bench.keep(_unzoomed(_preliminary(look, look.regions), Status.DIRECT, reason))


@dataclass(frozen=True, slots=True)
class Paper:
    """Zoom-Refine as published: the paper's text format, its padding, one crop at native pixels.

    Attributes:
        view_edge: Long edge of the view, if less than 4096 and what the model sees.
    """

    view_edge: int | None = None
    name: ClassVar[str] = "paper"

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """Two looks; one where no box was given."""
        view = await _render_view(bench, Stage.LOCALIZE, min(self.view_edge or PAPER_VIEW_EDGE, PAPER_VIEW_EDGE))
        first = await bench.look(Ask(Stage.LOCALIZE, ReplyForm.TEXT, question, (view,)))
        preliminary = _preliminary(first, first.regions[:1])
        if not first.regions:
            bench.keep(_unzoomed(preliminary, Status.PRELIMINARY, "no_box"))
            return
        bench.keep(preliminary)
        crop_box = _snapped(first.regions[0].box.grown(PAPER_PADDING, PAPER_PADDING), bench.size)
        fit = bench.fit(Stage.REFINE, crop_box.to_pixels(bench.size).size.within_edge(PAPER_VIEW_EDGE))
        crop = await bench.render(Stage.REFINE, crop_box, fit)
        second = await bench.look(Ask(Stage.REFINE, ReplyForm.TEXT, question, (crop,)), first.transcript)
        bench.keep(_refined(preliminary, second))


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Two looks, with the view, the padding and the crop's size chosen for what the model truly sees.

    The regions are those of the first look: the crop was cut for them, and a model asked for an answer boxes it less
    carefully than one asked where to look. Who wants the sharpest box asks for it (``Pinpoint``).

    Attributes:
        view_edge: Long edge of the view, if less than the model sees.
    """

    view_edge: int | None = None
    name: ClassVar[str] = "adaptive"

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """Two looks; one where the view shows all there is, or where no crop would show more."""
        view = await _render_view(bench, Stage.LOCALIZE, self.view_edge)
        first = await bench.look(Ask(Stage.LOCALIZE, ReplyForm.JSON, question, (view,)))
        view = first.pictures[0]
        preliminary = _preliminary(first, first.regions)
        if _is_native(view, bench.size):
            bench.keep(_unzoomed(preliminary, Status.DIRECT, "native_view"))
            return
        if not first.regions:
            bench.keep(_unzoomed(preliminary, Status.PRELIMINARY, "no_box"))
            return
        bench.keep(preliminary)
        crop_box, fit = crop_for_eye(bench, first.regions[0].box)
        cut = crop_box.to_pixels(bench.size).size
        if _scale(fit.size, cut) < LEAST_GAIN * _scale(view.size, bench.size):
            bench.keep(_unzoomed(preliminary, Status.PRELIMINARY, "no_gain"))
            return
        crop = await bench.render(Stage.REFINE, crop_box, fit)
        second = await bench.look(Ask(Stage.REFINE, ReplyForm.JSON, question, (crop,)), first.transcript)
        bench.keep(_refined(preliminary, second))


@dataclass(frozen=True, slots=True)
class Pinpoint:
    """Where something is: pointed at in the view, then sharpened in a crop about it, where the sharper box wins.

    Attributes:
        precision: ``sharp`` takes the second look, ``quick`` does not.
        view_edge: Long edge of the view, if less than the model sees.
    """

    precision: Precision = "sharp"
    view_edge: int | None = None
    name: ClassVar[str] = "pinpoint"

    async def run(self, bench: Bench[Any], question: Question) -> None:
        """One look or two."""
        view = await _render_view(bench, Stage.POINT, self.view_edge)
        first = await bench.look(Ask(Stage.POINT, ReplyForm.JSON, question, (view,)))
        pointed = _preliminary(first, first.regions)
        if self.precision == "quick":
            bench.keep(_unzoomed(pointed, Status.DIRECT, "policy"))
            return
        if not first.regions:
            bench.keep(_unzoomed(pointed, Status.PRELIMINARY, "no_box"))
            return
        size, found = bench.size, first.regions[0]
        around = found.box.grown(found.box.width * PADDING, found.box.height * PADDING).at_least(
            max(SHARPEN_SHARE, SHARPEN_EDGE / size.width), max(SHARPEN_SHARE, SHARPEN_EDGE / size.height)
        )
        around = _snapped(around, size)
        fit = bench.fit(Stage.SHARPEN, _enlarged(around.to_pixels(size).size, bench))
        if _is_native(first.pictures[0], size) and around == Box.full():
            bench.keep(_unzoomed(pointed, Status.DIRECT, "native_view"))
            return
        bench.keep(pointed)
        crop = await bench.render(Stage.SHARPEN, around, fit)
        second = await bench.look(Ask(Stage.SHARPEN, ReplyForm.JSON, question, (crop,)), first.transcript)
        sharpened = (second.regions[:1] or (found,)) + first.regions[1:]
        if not second.regions:
            second = replace(second, evidence=Evidence.NOT_HERE)
        refined = _refined(pointed, second)
        bench.keep(replace(refined, regions=sharpened) if refined.status is Status.REFINED else refined)


POLICIES: dict[str, type[Direct | Paper | Adaptive]] = {kind.name: kind for kind in (Adaptive, Paper, Direct)}


def policy_named(name: str, view_edge: int | None = None) -> Policy:
    """The policy with that name.

    Raises:
        BadRequest: There is none; the hint lists them.
    """
    if name not in POLICIES:
        raise BadRequest(f"there is no policy named {name!r}", hint=f"Use one of: {', '.join(POLICIES)}.")
    return POLICIES[name](view_edge=view_edge)


def crop_for_eye(bench: Bench[Any], region: Box) -> tuple[Box, Fit]:
    """The crop about a region, and how to render it, so that the model sees the most of it.

    The region is grown by a share of its own size and to a floor in pixels. Where the model would not see all of
    that at native resolution, the padding gives way first. A small crop is brought up to ``profile.enlarge_to``.
    """
    size = bench.size
    for padding in (PADDING, *LESS_PADDING):
        grown = region.grown(region.width * padding, region.height * padding)
        box = _snapped(grown.at_least(CROP_FLOOR.width / size.width, CROP_FLOOR.height / size.height), size)
        cut = box.to_pixels(size).size
        fit = bench.fit(Stage.REFINE, _enlarged(cut, bench))
        if fit.size.width >= cut.width and fit.size.height >= cut.height:
            break
    return box, fit


def _enlarged(cut: Size, bench: Bench[Any]) -> Size:
    edge = bench.info.profile.enlarge_to
    return cut if cut.long_edge >= edge else cut.scaled(edge / cut.long_edge)


async def _render_view(bench: Bench[Any], stage: Stage, view_edge: int | None) -> Picture:
    wanted = bench.size if view_edge is None else bench.size.within_edge(view_edge)
    return await bench.render(stage, Box.full(), bench.fit(stage, wanted))


def _is_native(view: Picture, size: Size) -> bool:
    return view.size.width >= size.width and view.size.height >= size.height


def _scale(shown: Size, original: Size) -> float:
    """Pixels shown for each original one, along the longer edge, where rounding to whole pixels says least."""
    return shown.long_edge / original.long_edge


def _snapped(box: Box, size: Size) -> Box:
    return Box.from_pixels(box.to_pixels(size), size)


def _preliminary(first: Look[Any], regions: tuple[Region, ...]) -> Outcome:
    reason = DROPPED if first.dropped else None
    view = first.pictures[0]
    return Outcome(Status.PRELIMINARY, reason, first.answer, first.answer, view, regions, evidence=first.evidence)


def _unzoomed(preliminary: Outcome, status: Status, reason: str) -> Outcome:
    """The first look is the last. A picture that did not reach the model is why, whatever else may be."""
    return replace(preliminary, status=status, reason=preliminary.reason or reason)


def _refined(preliminary: Outcome, second: Look[Any]) -> Outcome:
    """The answer after the crop. A model that did not get the crop had nothing to correct itself by."""
    if second.dropped:
        return replace(preliminary, reason=DROPPED)
    crops = (second.pictures[0], *(None for _ in preliminary.regions[1:]))
    return replace(
        preliminary,
        status=Status.REFINED,
        reason=None,
        answer=second.answer,
        crops=crops,
        evidence=second.evidence,
    )

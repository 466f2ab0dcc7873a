"""What a policy works at: the open picture, the backend, what is kept, and the events that progress is made of."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic

from zoomrefine_mcp.backends.base import Ask, Backend, BackendInfo, Look, T
from zoomrefine_mcp.errors import BackendFailure, ImageTooLarge, PictureRefused
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import MAX_PICTURE_BYTES, Fit, Limit, Picture, Source
from zoomrefine_mcp.records import (
    WITHOUT_LIMIT,
    Budget,
    LookRecord,
    Outcome,
    Question,
    ReplyForm,
    Shown,
    Stage,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Event:
    """A step of the work, for progress.

    Attributes:
        stage: Which look it belongs to.
        message: What is happening, for a person.
        done: Steps done so far; grows by one an event.
    """

    stage: Stage
    message: str
    done: int


LEAST_EDGE = 64
"""A rendering whose long edge has fewer pixels shows nothing, so none is sent to a server that takes no larger one."""

_ROUNDING = 0.98
"""A picture whose size was rounded by a processor's grid shows a scale all the same."""
_WORDS_TOKENS = 400
"""Of the words of one look, generously."""

_ROUNDINGS = 12
"""How often a size is reduced by 5% until a processor's grid no longer rounds it up beyond a limit."""

MOST_PICTURES = 6
"""New pictures in one look, where the model takes so many."""

Report = Callable[[Event], None]
"""Takes an event; called on the event loop, must return at once."""


class Bench(Generic[T]):
    """One question's working place. A policy renders, looks and keeps; what it kept last is what the caller gets.

    Args:
        source: The open picture.
        backend: What answers.
        report: Told of every step.
        budget: What the question may cost.

    Attributes:
        kept: The last outcome that was kept.
        trace: Every look that was read, in order.
        usage: What all of them cost, failed ones included.
        warnings: What a caller should know.
        most_pictures: New pictures in one look, as far as its server has not refused so many.
        most_in_request: Pictures in one request, earlier ones of the conversation included; None: as many as one likes.
    """

    def __init__(
        self, source: Source, backend: Backend[T], report: Report | None = None, budget: Budget = WITHOUT_LIMIT
    ) -> None:
        self._source = source
        self._budget = budget
        self._backend = backend
        self._report = report
        self._steps = 0
        self._stage = Stage.LOCALIZE
        self._limit = Limit()
        self.kept: Outcome | None = None
        self.trace: list[LookRecord] = []
        self.usage = Usage()
        self.warnings: list[str] = []
        self.most_pictures = MOST_PICTURES
        self.most_in_request = backend.info.profile.images_per_request
        self.model_s = 0.0
        self.image_s = 0.0

    @property
    def size(self) -> Size:
        """The upright original, in pixels."""
        return self._source.size

    @property
    def info(self) -> BackendInfo:
        """What answers."""
        return self._backend.info

    @property
    def readable(self) -> float:
        """The scale, shown pixels for each original one, from which on print can be read: native at the most."""
        return min(1.0, self._source.readable)

    def shows_readably(self, shown: Picture | Shown) -> bool:
        """Whether print can be read in a picture as it was shown, up to the rounding of a processor's grid."""
        return self.scale(shown) >= self.readable * _ROUNDING

    @property
    def parts(self) -> tuple[Box, ...]:
        """Disjoint parts of the source that are looked at one by one."""
        return self._source.parts

    async def detail(self, boxes: Sequence[Box]) -> tuple[float, ...]:
        """How much there is to see in each box; 0 is blank.

        Raises:
            ImageDamaged: The file cannot be decoded (any more).
        """
        began = time.perf_counter()
        try:
            return await self._source.detail(boxes)
        finally:
            self.image_s += time.perf_counter() - began

    def scale(self, shown: Picture | Shown) -> float:
        """Pixels shown for each original one."""
        box = shown.shows if isinstance(shown, Picture) else shown.box
        return shown.size.scale_of(box.to_pixels(self.size).size)

    def shown_readably(self) -> list[Box]:
        """What was shown so far at a scale at which print can be read."""
        shown = (one for look in self.trace for one in look.pictures)
        return [one.box for one in shown if self.shows_readably(one)]

    def searched(self) -> float:
        """The share of all that is to be searched that was shown at a scale at which print can be read."""
        read, parts = self.shown_readably(), self.parts
        return sum(part.area * part.covered_by(read) for part in parts) / sum(part.area for part in parts)

    def looks_left(self, otherwise: int) -> int:
        """How many looks may still be taken, where the budget names none by ``otherwise``."""
        return max(0, (self._budget.looks or otherwise) - len(self.trace))

    @property
    def room(self) -> int:
        """How many new pictures one look may hold, beside the view: at least one."""
        beside = self.most_pictures if self.most_in_request is None else self.most_in_request - 1
        return max(1, min(self.most_pictures, beside))

    def affords(self, pictures: Sequence[Size], after: Look[T] | None) -> bool:
        """Whether one more look at pictures of these sizes, going on from ``after``, is within the budget of tokens.

        What that conversation came to is sent again. The look may cost its prompt and a reply twice, since a reply that
        cannot be read is asked for once more; a reply is reckoned at twice the longest so far.
        """
        if self._budget.tokens is None:
            return True
        profile = self.info.profile
        new = sum(map(profile.image_tokens, pictures))
        longest = max((look.usage.output_tokens for look in self.trace), default=0)
        reply = min(profile.reply_tokens, 2 * longest)
        earlier = after.usage.input_tokens + after.usage.output_tokens if after is not None else 0
        likely = 2 * (earlier + new + _WORDS_TOKENS + reply)
        spent = self.usage.input_tokens + self.usage.output_tokens
        return spent + likely <= self._budget.tokens

    def fit(self, stage: Stage, wanted: Size) -> Fit:
        """The largest rendering of ``wanted``, and no larger, that the model sees as it is sent."""
        fit = self._backend.fit(stage, self._limit.brought(wanted))
        return replace(fit, max_bytes=min(fit.max_bytes, self._limit.bytes or fit.max_bytes))

    async def render(self, stage: Stage, region: Box, fit: Fit) -> Picture:
        """Cut ``region`` from the original and encode it.

        Raises:
            ImageDamaged: The file cannot be decoded (any more).
        """
        what = "the whole picture" if region == Box.full() else f"the region {region.as_list()}"
        self._tell(stage, f"rendering {what} at {fit.size}")
        began = time.perf_counter()
        try:
            return await self._source.render(region, fit)
        finally:
            self.image_s += time.perf_counter() - began

    async def look_at_all(
        self, stage: Stage, question: Question, view_edge: int | None, form: ReplyForm = ReplyForm.JSON
    ) -> Look[T]:
        """The first look: the whole picture at the size that the model sees, or of ``view_edge`` where that is less.

        Raises:
            ImageDamaged: The file cannot be decoded (any more).
            BackendFailure: By its kind.
        """
        wanted = self.size if view_edge is None else self.size.within_edge(view_edge)
        view = await self.render(stage, Box.full(), self.fit(stage, wanted))
        return await self.look(Ask(stage, form, question, (view,)), why="the whole")

    def is_native(self, view: Picture) -> bool:
        """Whether the view shows every pixel that there is."""
        return view.size.width >= self.size.width and view.size.height >= self.size.height

    async def look(self, ask: Ask, after: T | None = None, *, why: str = "") -> Look[T]:
        """Ask the backend; where its server refuses a picture as too large, once more with a smaller rendering.

        Args:
            ask: The pictures and what to find out.
            after: The transcript to go on from.
            why: Why this look is taken, for the trace and for progress.

        Returns:
            The look, with the pictures as they were sent: those that its boxes are measured on.

        Raises:
            BackendFailure: By its kind.
        """
        try:
            return await self._asked(ask, after, why)
        except PictureRefused as refused:
            limit = refused.context.get("limit") or Limit()
            if self._limit == Limit():
                self._limit = limit
            smaller = await self._smaller(ask, limit)
            if smaller is None:
                raise
        look = await self._asked(smaller, after, why)
        if not _over(ask, limit):  # it said too little: what it took is what is known
            self._limit = replace(self._limit, pixels=max(one.size.pixels for one in smaller.pictures))
        return look

    async def _smaller(self, ask: Ask, limit: Limit) -> Ask | None:
        """The same ask with pictures within the limit, cut from the original again; None where they would show nothing.

        Those that are within already are left alone; where all are, the limit said too little, and all are halved.
        """
        over = _over(ask, limit)
        pictures = []
        for picture in ask.pictures:
            if over and picture not in over:
                pictures.append(picture)
                continue
            fit = self._fit_within(limit, ask.stage, picture) if over else self.fit(ask.stage, picture.size.scaled(0.5))
            if fit.size.long_edge < LEAST_EDGE:
                return None
            try:
                pictures.append(await self.render(ask.stage, picture.shows, fit))
            except ImageTooLarge:  # no quality brings it within the bytes
                return None
            self.warn(f"The server refused a picture of {picture.size} pixels; it was sent again with {fit.size}.")
        return replace(ask, pictures=tuple(pictures))

    def _fit_within(self, limit: Limit, stage: Stage, picture: Picture) -> Fit:
        size = limit.brought(picture.size)
        most_bytes = limit.bytes or MAX_PICTURE_BYTES
        if most_bytes < len(picture.data):  # fewer pixels rather than the quality that makes small print unreadable
            size = size.scaled(math.sqrt(most_bytes / len(picture.data)))
        fit = self.fit(stage, size)
        for _ in range(_ROUNDINGS):  # a processor's grid may round up beyond the limit
            if limit.holds(fit.size):
                break
            size = size.scaled(0.95)
            fit = self.fit(stage, size)
        return replace(fit, max_bytes=min(fit.max_bytes, most_bytes))

    def warn(self, warning: str) -> None:
        """Tell the caller something, once."""
        if warning not in self.warnings:
            self.warnings.append(warning)

    async def _asked(self, ask: Ask, after: T | None, why: str) -> Look[T]:
        """One exchange; its cost and warnings are added up here."""
        reason = f" ({why})" if why else ""
        self._tell(ask.stage, f"asking {self.info.name} {self.info.model}".rstrip() + reason)
        began = time.perf_counter()
        try:
            look = await self._backend.look(ask, after)
        except BackendFailure as failure:
            self.usage += failure.context.get("usage", Usage())  # a reply that nobody could read was paid for too
            raise
        finally:
            took = time.perf_counter() - began
            self.model_s += took
        self.usage += look.usage
        before = self.trace[-1].answer if self.trace else look.answer
        self.trace.append(
            LookRecord(
                stage=ask.stage,
                why=why,
                pictures=() if look.dropped else tuple(Shown(one.shows, one.size) for one in ask.pictures),
                evidence=look.evidence,
                answer=look.answer,
                regions=look.regions,
                changed=not look.answer.agrees(before),
                usage=look.usage,
                seconds=took,
            )
        )
        for warning in look.warnings:
            self.warn(warning)
        return replace(look, pictures=ask.pictures)

    def keep(self, outcome: Outcome) -> None:
        """Set down what there is so far: whatever goes wrong later, this is not lost."""
        self.kept = outcome
        self._tell(self._stage, f"kept what was found ({outcome.status})")

    def _tell(self, stage: Stage, message: str) -> None:
        self._steps += 1
        self._stage = stage
        if self._report is not None:
            self._report(Event(stage, message, self._steps))


def _over(ask: Ask, limit: Limit) -> list[Picture]:
    """The pictures of an ask that are beyond a limit."""
    return [one for one in ask.pictures if not limit.holds(one.size) or len(one.data) > (limit.bytes or math.inf)]

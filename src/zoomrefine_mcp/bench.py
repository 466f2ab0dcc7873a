"""What a policy works at: the open picture, the backend, what is kept, and the events that progress is made of."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from zoomrefine_mcp.backends.base import Ask, Backend, BackendInfo, Look, T
from zoomrefine_mcp.errors import BackendFailure
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Fit, Picture, Source
from zoomrefine_mcp.records import Outcome, Stage, Usage


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


Report = Callable[[Event], None]
"""Takes an event; called on the event loop, must return at once."""


class Bench(Generic[T]):
    """One question's working place. A policy renders, looks and keeps; what it kept last is what the caller gets.

    Args:
        source: The open picture.
        backend: What answers.
        report: Told of every step.
    """

    def __init__(self, source: Source, backend: Backend[T], report: Report | None = None) -> None:
        self._source = source
        self._backend = backend
        self._report = report
        self._steps = 0
        self._stage = Stage.LOCALIZE
        self.kept: Outcome | None = None
        self.usage = Usage()
        self.warnings: list[str] = []
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

    def fit(self, stage: Stage, wanted: Size) -> Fit:
        """The largest rendering of ``wanted``, and no larger, that the model sees as it is sent."""
        return self._backend.fit(stage, wanted)

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

    async def look(self, ask: Ask, after: T | None = None) -> Look[T]:
        """One exchange with the backend; its cost and warnings are added up here.

        Raises:
            BackendFailure: By its kind.
        """
        self._tell(ask.stage, f"asking {self.info.name} {self.info.model}".rstrip())
        began = time.perf_counter()
        try:
            look = await self._backend.look(ask, after)
        except BackendFailure as failure:
            self.usage += failure.context.get("usage", Usage())  # a reply that nobody could read was paid for too
            raise
        finally:
            self.model_s += time.perf_counter() - began
        self.usage += look.usage
        self.warnings.extend(warning for warning in look.warnings if warning not in self.warnings)
        return look

    def keep(self, outcome: Outcome) -> None:
        """Set down what there is so far: whatever goes wrong later, this is not lost."""
        self.kept = outcome
        self._tell(self._stage, f"kept what was found ({outcome.status})")

    def _tell(self, stage: Stage, message: str) -> None:
        self._steps += 1
        self._stage = stage
        if self._report is not None:
            self._report(Event(stage, message, self._steps))

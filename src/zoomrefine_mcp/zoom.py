"""ZoomRefine: opens the picture, runs a policy inside the deadline, and returns the last outcome that was kept."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from os import PathLike, fspath
from typing import Generic

import anyio

from zoomrefine_mcp.access import Access
from zoomrefine_mcp.backends.base import Backend, T
from zoomrefine_mcp.bench import Bench, Report
from zoomrefine_mcp.errors import BackendTimeout, InternalError, ModelRefused, ReplyUnreadable, ZoomRefineError
from zoomrefine_mcp.images.source import open_source
from zoomrefine_mcp.pictures import Source
from zoomrefine_mcp.policies import Pinpoint, Policy, Precision, policy_named
from zoomrefine_mcp.questions import read_question
from zoomrefine_mcp.records import WITHOUT_LIMIT, Budget, Evidence, Outcome, Question, Status
from zoomrefine_mcp.results import Account, LocalizeResult, ZoomResult, localize_result, zoom_result
from zoomrefine_mcp.settings import COMMAND_TIMEOUT_S

log = logging.getLogger(__name__)

_REASONS: dict[type[Exception], str] = {ReplyUnreadable: "refine_unreadable", ModelRefused: "refine_refused"}
"""Of a later look that failed; any other fault is ``refine_failed``."""


class ZoomRefine(Generic[T]):
    """Answers questions about pictures that are too large to be seen whole.

    Args:
        backend: What answers. ``open_app(settings)`` makes one from settings.
        policy: ``adaptive``, ``thorough``, ``paper``, ``direct``, or a policy of your own.
        view_edge: Long edge of the view in pixels, if less than the model sees.
        timeout_s: The deadline of one question, in seconds.
        budget: What one question may cost; the policy's own number of looks where it does not say.

    Example::

        async with open_app(Settings(backend="ocr")) as app:
            zoom = ZoomRefine(await app.backend())
            result = await zoom.zoom_and_refine("plan.tif", "What is the part number of the pump?")
    """

    def __init__(
        self,
        backend: Backend[T],
        policy: str | Policy = "adaptive",
        *,
        view_edge: int | None = None,
        timeout_s: float = COMMAND_TIMEOUT_S,
        budget: Budget = WITHOUT_LIMIT,
    ) -> None:
        self.backend = backend
        self.policy = policy_named(policy, view_edge) if isinstance(policy, str) else policy
        self.view_edge = view_edge
        self.timeout_s = timeout_s
        self.budget = budget

    async def zoom_and_refine(
        self,
        source: Source | str | PathLike[str],
        question: str,
        choices: Sequence[str] | None = None,
        *,
        page: int | None = None,
        report: Report | None = None,
    ) -> ZoomResult:
        """Answer a question, zooming into the region that holds the answer.

        Args:
            source: An open picture, or the path of one (read as it is named: no directory is shut).
            question: At most 20,000 characters.
            choices: The options of a multiple-choice question, with or without letters.
            page: Page or frame, from 1, where a path is given. Left out: all pages of a PDF, the first of other files.
            report: Told of every step.

        Raises:
            InputError: The question or the picture cannot be used.
            BackendFailure: Stage 1 failed. Later failures are in the result's ``status`` and ``status_reason``.
        """
        asked = read_question(question, choices)
        async with _opened(source, page) as picture:
            return zoom_result(*await self._run(picture, asked, self.policy, report))

    async def localize_region(
        self,
        source: Source | str | PathLike[str],
        question: str,
        *,
        precision: Precision = "sharp",
        page: int | None = None,
        report: Report | None = None,
    ) -> LocalizeResult:
        """Find where something is: a box, and its centre in original pixels.

        Args:
            source: An open picture, or the path of one.
            question: What to find, in words.
            precision: ``sharp`` looks again into a crop about the first box; ``quick`` does not.
            page: As for ``zoom_and_refine``.
            report: Told of every step.

        Raises:
            InputError: The description or the picture cannot be used.
            BackendFailure: The first look failed.
        """
        asked = read_question(question, None)
        policy = Pinpoint(precision=precision, view_edge=self.view_edge)
        async with _opened(source, page) as picture:
            return localize_result(*await self._run(picture, asked, policy, report))

    async def _run(
        self, source: Source, question: Question, policy: Policy, report: Report | None
    ) -> tuple[Outcome, Account]:
        began = time.perf_counter()
        bench = Bench(source, self.backend, report, self.budget)
        fault: Exception | None = None
        seconds = min(self.timeout_s, self.budget.seconds or self.timeout_s)
        with anyio.move_on_after(seconds) as deadline:
            try:
                await policy.run(bench, question)
            except Exception as error:  # noqa: BLE001 - nothing is lost: kept, logged and said, or raised below
                fault = error
        outcome = bench.kept
        warnings = list(bench.warnings)
        if outcome is None:
            raise fault or _nothing_kept(policy, timed_out=deadline.cancelled_caught)
        if fault is not None:
            log.warning("a later look failed; what was kept stands: %s", _said(fault), exc_info=_unless_ours(fault))
            outcome = _interrupted(outcome, _REASONS.get(type(fault), "refine_failed"))
            warnings.append(f"A later look failed, so what was found before it stands: {_said(fault)}")
        elif deadline.cancelled_caught:
            outcome = _interrupted(outcome, "deadline" if seconds == self.timeout_s else "budget")
            warnings.append("The time was up before a later look was done, so what was found before it stands.")
        info = self.backend.info
        return outcome, Account(
            source=source,
            backend=info.name,
            model=info.model,
            about=info.about,
            sent_to=info.sends_to,
            policy=policy.name,
            usage=bench.usage,
            total_s=time.perf_counter() - began,
            model_s=bench.model_s,
            image_s=bench.image_s,
            searched=bench.searched(),
            trace=tuple(bench.trace),
            warnings=tuple(warnings),
        )


def _interrupted(outcome: Outcome, reason: str) -> Outcome:
    """What was kept, with the reason if a look was still wanted; one that has its own reason keeps it."""
    without = outcome.evidence in (Evidence.TOO_SMALL, Evidence.CUT_OFF, Evidence.NOT_HERE)
    open_ended = outcome.answer.abstained or without
    wanted = outcome.status is Status.PRELIMINARY or (outcome.status is Status.REFINED and open_ended)
    return replace(outcome, reason=outcome.reason or reason) if wanted else outcome


def _nothing_kept(policy: Policy, *, timed_out: bool) -> ZoomRefineError:
    if timed_out:
        return past_deadline("the model gave its first answer")
    return InternalError(f"the policy {policy.name} ended and kept no outcome")


def past_deadline(what: str) -> BackendTimeout:
    """The error of a deadline that passed before ``what``, with nothing to return instead."""
    return BackendTimeout(
        f"the deadline passed before {what}",
        hint="Raise --timeout-s (ZOOMREFINE_TIMEOUT_S), or use a faster model.",
    )


def _unless_ours(fault: Exception) -> Exception | None:
    return None if isinstance(fault, ZoomRefineError) else fault


def _said(fault: Exception) -> str:
    if isinstance(fault, ZoomRefineError):
        return f"{fault.code}: {fault.told}"
    return f"internal error ({type(fault).__name__})"


@asynccontextmanager
async def _opened(source: Source | str | PathLike[str], page: int | None) -> AsyncIterator[Source]:
    if not isinstance(source, str | PathLike):
        yield source
        return
    opened = await anyio.to_thread.run_sync(Access.anything().open, fspath(source))
    async with await open_source(opened, page=page) as picture:
        yield picture

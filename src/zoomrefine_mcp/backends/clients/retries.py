"""Tries again what may pass: one rule for both wires, inside the caller's deadline.

The SDKs' own retries are off. They obey ``Retry-After`` past any deadline of ours, cannot see a page of HTML that came
with a 200, and differ from each other (docs/decisions/0006).
"""

from __future__ import annotations

import email.utils
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import anyio
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential, wait_random

from zoomrefine_mcp.errors import BackendFailure

log = logging.getLogger(__name__)

C = TypeVar("C")

LASTING, BRIEF = 5, 3
"""How many tries a fault is worth: of a server that is overloaded or broken, and of one where it may be the address
that is wrong. With the pauses below, 8 s and 1.5 s go by."""

LEAST_LEFT_S = 1.0
"""A try that could only begin later than so many seconds before the deadline is not waited for: no model answers a
question about a picture in less."""

IN_TIME_S = 0.2
"""What is only tried to mend a reply or an error ends so many seconds before the deadline, so that what there is can
be told."""

LONGEST_PAUSE_S = 65.0
"""A longer pause is never waited for, whatever the deadline: rates are counted by the minute, and who asks for more
means more than that."""

_LONGEST_NAMED_S = 366 * 24 * 3600.0  # a longer pause is not repeated in figures
_PAUSES = (("retry-after-ms", 1000.0), ("retry-after", 1.0))  # with their units a second, in the SDKs' own order


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a fault is borne.

    Attributes:
        tries: The most tries of one request, the first included. A fault names how many it is worth
            (``context["worth_tries"]``); the smaller number counts.
        first_pause_s: The pause before the second try, in seconds; it doubles with each, and a random share of as much
            again is added. A server that names a pause gets that one.
    """

    tries: int = LASTING
    first_pause_s: float = 0.5


PATIENCE = Patience()
"""What a question gets."""


async def persist(call: Callable[[], Awaitable[C]], patience: Patience) -> C:
    """Call, and call again while a fault is worth it and a pause fits into what is left of the deadline.

    The deadline is that of the cancel scopes around the call, so none has to be handed down.

    Args:
        call: Makes one try.
        patience: How often, and with which pauses.

    Raises:
        BackendFailure: The fault of the last try.
    """
    spread = wait_random(0, patience.first_pause_s)
    backoff = wait_exponential(multiplier=patience.first_pause_s) + spread

    def pause(state: RetryCallState) -> float:
        asked = float(_fault(state).context.get("retry_after_s") or 0.0)
        return asked + spread(state) if asked else backoff(state)

    def spent(state: RetryCallState) -> bool:
        worth = int(_fault(state).context.get("worth_tries", 1))
        return state.attempt_number >= min(worth, patience.tries) or _ends_too_late(state)

    def tell(state: RetryCallState) -> None:
        fault, number = _fault(state), state.attempt_number
        log.info("try %d failed, once more in %.1f s: %s: %s", number, state.upcoming_sleep, fault.code, fault.message)

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(BackendFailure),
        stop=spent,
        wait=pause,
        before_sleep=tell,
        sleep=anyio.sleep,
        reraise=True,
    )
    return await retrying(call)


def _fault(state: RetryCallState) -> BackendFailure:
    fault = None if state.outcome is None else state.outcome.exception()
    if not isinstance(fault, BackendFailure):
        raise TypeError("only a fault of the backend is tried again")
    return fault


def _ends_too_late(state: RetryCallState) -> bool:
    if state.upcoming_sleep > LONGEST_PAUSE_S:
        return True
    return anyio.current_time() + state.upcoming_sleep + LEAST_LEFT_S > anyio.current_effective_deadline()


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The pause that a server asks for, in seconds, by whichever header says so; None where it asks for none.

    >>> retry_after_s({"retry-after": "7", "retry-after-ms": "1500"})
    1.5

    Args:
        headers: The response's, with ``Retry-After`` as a number or a date.
    """
    pauses = (_number(headers.get(name)) / units for name, units in _PAUSES)
    pause = next((pause for pause in pauses if math.isfinite(pause)), math.nan)
    if math.isnan(pause):
        pause = _until(headers.get("retry-after"))
    return None if math.isnan(pause) else min(max(0.0, pause), _LONGEST_NAMED_S)


def _number(text: str | None) -> float:
    try:
        return math.nan if text is None else float(text)
    except ValueError:
        return math.nan


def _until(text: str | None) -> float:
    """Seconds from now to a date, not a number where it is none."""
    date = email.utils.parsedate_tz(text) if text else None
    try:
        return math.nan if date is None else email.utils.mktime_tz(date) - time.time()
    except (ValueError, OverflowError):  # in the year 99999
        return math.nan

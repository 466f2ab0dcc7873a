"""Progress notifications: every step of the work by its stage, and a sign of life while a step takes long."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.server.mcpserver import Context

from zoomrefine_mcp.bench import Event, Report
from zoomrefine_mcp.safe_text import one_line

log = logging.getLogger(__name__)

HEARTBEAT_S = 4.0
"""Longest silence, in seconds. Hosts that extend a time-out on progress look for one at least every 5 s."""

R = TypeVar("R")


async def with_progress(
    ctx: Context[Any, Any], work: Callable[[Report], Awaitable[R]], *, beginning: str, heartbeat_s: float = HEARTBEAT_S
) -> R:
    """Do the work and tell the client how far it is; without a progress token nothing is sent.

    The values count the notifications, so that they always grow; there is no total, since nobody knows how many
    looks a question takes. A notification that cannot be sent is the last one, and costs the work nothing. Cancelling
    this cancels the work at once.

    Args:
        ctx: The call's context.
        work: Gets the function to report steps to, which returns at once.
        beginning: What happens before the first step, for a person.
        heartbeat_s: The longest silence, in seconds.

    Raises:
        Exception: What ``work`` raises, as it is.
    """
    send, receive = anyio.create_memory_object_stream[Event](math.inf)
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_tell, ctx, receive, beginning, heartbeat_s)
        with send:  # closing it lets the teller pass on what is left, and then end
            try:
                result = await work(send.send_nowait)
            except Exception as error:  # noqa: BLE001 - raised below: the group would wrap it in an ExceptionGroup
                failure = error
    if failure is not None:
        raise failure
    return result


async def _tell(
    ctx: Context[Any, Any], events: MemoryObjectReceiveStream[Event], beginning: str, heartbeat_s: float
) -> None:
    message, since = beginning, anyio.current_time()
    teller = _Teller(ctx)
    with events:
        await teller.tell(message)
        while True:
            event: Event | None = None
            with anyio.move_on_after(heartbeat_s):
                try:
                    event = await events.receive()
                except anyio.EndOfStream:
                    return
            if event is None:
                await teller.tell(f"{message} ({anyio.current_time() - since:.0f} s)")
            else:
                message, since = one_line(f"{event.stage}: {event.message}", 300), anyio.current_time()
                await teller.tell(message)


class _Teller:
    """Sends notifications until one fails."""

    def __init__(self, ctx: Context[Any, Any]) -> None:
        self._ctx = ctx
        self._told = 0
        self._fell_silent = False

    async def tell(self, message: str) -> None:
        """Send one; the result that it announces is worth more than the announcement."""
        if self._fell_silent:
            return
        self._told += 1
        try:
            await self._ctx.report_progress(self._told, None, message)
        except Exception:
            self._fell_silent = True
            log.warning("progress can no longer be told; the work goes on", exc_info=True)

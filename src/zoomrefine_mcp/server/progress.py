"""Progress notifications: every step of the work by its stage, and a sign of life while a step takes long."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.server.mcpserver import Context

from zoomrefine_mcp.bench import Event, Report
from zoomrefine_mcp.server.safe_text import one_line

HEARTBEAT_S = 4.0
"""Longest silence, in seconds. Hosts that extend a time-out on progress look for one at least every 5 s."""

R = TypeVar("R")


async def with_progress(
    ctx: Context[Any, Any], work: Callable[[Report], Awaitable[R]], *, beginning: str, heartbeat_s: float = HEARTBEAT_S
) -> R:
    """Do the work and tell the client how far it is; without a progress token nothing is sent.

    The values count the notifications, so that they always grow; there is no total, since nobody knows how many
    looks a question takes. Cancelling this cancels the work at once.

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
    told, message, since = 1, beginning, anyio.current_time()
    with events:
        await ctx.report_progress(told, None, message)
        while True:
            event: Event | None = None
            with anyio.move_on_after(heartbeat_s):
                try:
                    event = await events.receive()
                except anyio.EndOfStream:
                    return
            told += 1
            if event is None:
                await ctx.report_progress(told, None, f"{message} ({anyio.current_time() - since:.0f} s)")
            else:
                message, since = one_line(f"{event.stage}: {event.message}", 300), anyio.current_time()
                await ctx.report_progress(told, None, message)

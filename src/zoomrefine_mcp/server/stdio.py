"""Serves on stdin and stdout, and ends at end of file, at Ctrl-C and at SIGTERM alike: cleanly and at once.

The SDK reads stdin in a worker thread that nothing can interrupt, so that a signal would have to wait for the next
line. Here a thread of our own reads it, one that the process does not wait for, and a signal does what end of file
does: calls in flight are cancelled and answered, the application is closed, the process leaves.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import anyio
import anyio.from_thread
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server.stdio import stdio_server

from zoomrefine_mcp.server.server import ZoomServer

log = logging.getLogger(__name__)

GRACE_S = 5.0
"""How long closing may take after a signal, in seconds; a client that reads no more must not hold the process."""
CHUNK = 65_536
"""Bytes that are read at once."""


async def serve_stdio(server: ZoomServer) -> None:
    """Serve until the client closes stdin, or SIGINT or SIGTERM arrives; the lifespan is closed in each case.

    Call it on the main thread. stdout carries the protocol alone: while this runs, whatever else writes to it is led
    to stderr.

    Raises:
        ZoomRefineError: The application could not be opened.
    """
    lines, incoming = anyio.create_memory_object_stream[str](0)
    try:
        with _private_stdin() as fd, lines, incoming:
            token = anyio.lowlevel.current_token()
            threading.Thread(target=_read_lines, args=(fd, lines, token), name="stdin", daemon=True).start()
            async with anyio.create_task_group() as group:
                group.start_soon(_end_at_a_signal, lines)
                # A stream of lines is all that stdio_server needs of a file.
                async with stdio_server(stdin=cast("Any", incoming)) as (read, write):
                    await server.serve(read, write)
                group.cancel_scope.cancel()
    except ExceptionGroup as errors:
        error = _single(errors)
        if not isinstance(error, BrokenPipeError):
            raise error from None
        log.info("the client is gone")


def _single(error: Exception) -> Exception:
    """The one exception in nested groups; the group itself where there are several."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


@contextmanager
def _private_stdin() -> Iterator[int]:
    """The client's bytes on a descriptor of our own; descriptor 0 reads as empty meanwhile, for children and libraries.

    The descriptor stays open afterwards: the reading thread may be blocked on it.
    """
    fd = os.dup(sys.stdin.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    try:
        yield fd
    finally:
        os.dup2(fd, sys.stdin.fileno())


def _read_lines(fd: int, lines: MemoryObjectSendStream[str], token: anyio.lowlevel.EventLoopToken) -> None:
    # os.read and not a buffered file: at exit the interpreter would wait for a buffer that a blocked thread has locked.
    rest = b""
    try:
        while chunk := os.read(fd, CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                anyio.from_thread.run(lines.send, line.decode("utf-8", "replace"), token=token)
        anyio.from_thread.run_sync(lines.close, token=token)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.RunFinishedError):
        return  # the server has ended
    except OSError as error:
        log.warning("reading stdin failed: %s", error)
        anyio.from_thread.run_sync(lines.close, token=token)


async def _end_at_a_signal(lines: MemoryObjectSendStream[str]) -> None:
    try:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            number = await anext(signals)
            log.info("%s: closing", signal.Signals(number).name)
            lines.close()
            _leave_in(GRACE_S, number)
            os._exit(128 + await anext(signals))  # who asks twice wants no clean-up
    except NotImplementedError:
        # Windows' event loop takes no signal handlers; Ctrl-C cancels the main task there, which ends this as well.
        await anyio.sleep_forever()


def _leave_in(seconds: float, number: int) -> None:
    timer = threading.Timer(seconds, os._exit, (128 + number,))
    timer.daemon = True
    timer.start()

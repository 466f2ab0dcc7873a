"""A file that is closed after its last user, whatever becomes of the tasks that wait for those users."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import anyio.to_thread

from zoomrefine_mcp.access import OpenFile


class SharedFile:
    """An open file, owned.

    A worker thread cannot be stopped. anyio waits for it when its task is cancelled, but asyncio's own cancellation
    (``task.cancel()``, ``wait_for``) does not; a descriptor closed at that moment may be given to another file while
    the worker still reads from it. So the workers are counted where they run.
    """

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._users = 0
        self._closing = False
        self._closed = threading.Event()

    @contextmanager
    def use(self) -> Iterator[OpenFile]:
        """Hold the file open, in the thread that reads it.

        Raises:
            ValueError: It is closed, or about to be.
        """
        with self._lock:
            if self._closing:
                raise ValueError(f"{self._file.path} is closed")
            self._users += 1
        try:
            yield self._file
        finally:
            with self._lock:
                self._users -= 1
                self._close_if_unused()

    def close(self) -> None:
        """Close the file now, or after its last user; harmless the second time."""
        with self._lock:
            self._closing = True
            self._close_if_unused()

    async def aclose(self) -> None:
        """Close the file, and wait for its last user."""
        self.close()
        if not self._closed.is_set():
            with anyio.CancelScope(shield=True):
                # A thread of its own: the workers' limiter may be full of the very users that are waited for.
                await anyio.to_thread.run_sync(self._closed.wait, limiter=anyio.CapacityLimiter(1))

    def _close_if_unused(self) -> None:
        if self._closing and not self._users:
            self._file.close()
            self._closed.set()

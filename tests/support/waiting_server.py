"""A server whose model never replies; run as a program by the tests of stdio. Says on stderr what happens to it.

Usage: python -m tests.support.waiting_server FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel

from tests.support.hosts import StuckModel, opening
from zoomrefine_mcp.app import App
from zoomrefine_mcp.server.server import make_server
from zoomrefine_mcp.server.stdio import serve_stdio


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@asynccontextmanager
async def open_application() -> AsyncIterator[App]:
    model = StuckModel()
    async with anyio.create_task_group() as group, opening(Path(sys.argv[1]), model)() as app:
        group.start_soon(tell, model)
        print("a library prints to stdout", flush=True)
        yield app
        await anyio.lowlevel.checkpoint()  # closing may wait: it is not under a cancelled scope
        say("closed")
        group.cancel_scope.cancel()


async def tell(model: StuckModel) -> None:
    await model.asked.wait()
    say("asked")
    await model.given_up.wait()
    say("given up")


if __name__ == "__main__":
    anyio.run(serve_stdio, make_server(open_application, version="1"))

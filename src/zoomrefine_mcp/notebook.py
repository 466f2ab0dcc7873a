"""For notebooks and scripts: a question in one line, without an event loop of your own."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

from anyio.from_thread import start_blocking_portal

from zoomrefine_mcp.access import Access
from zoomrefine_mcp.app import open_app
from zoomrefine_mcp.results import ZoomResult
from zoomrefine_mcp.settings import COMMAND_TIMEOUT_S, Settings


def ask(
    image: str | PathLike[str],
    question: str,
    choices: Sequence[str] | None = None,
    *,
    page: int | None = None,
    **settings: Any,
) -> ZoomResult:
    """Answer a question about a picture and wait for it.

    Works inside a running event loop too (a notebook's), since it has one of its own in another thread.

    Args:
        image: Path of the picture.
        question: At most 20,000 characters.
        choices: The options of a multiple-choice question.
        page: Page or frame of the file, from 1. Left out: all pages of a PDF, the first of other files.
        settings: As ``Settings`` takes them: ``backend="ocr"``, ``base_url=...``, ``policy="paper"``.

    Raises:
        ZoomRefineError: By its kind.

    Example::

        from zoomrefine_mcp import ask
        print(ask("plan.tif", "What is the part number of the pump?", backend="ocr").answer)
    """

    async def run() -> ZoomResult:
        read = Settings(**settings)
        async with open_app(read, access=Access.anything(), timeout_s=COMMAND_TIMEOUT_S) as app:
            return await app.zoom_and_refine(fspath(image), question, choices, page=page)

    with start_blocking_portal() as portal:
        return portal.call(run)

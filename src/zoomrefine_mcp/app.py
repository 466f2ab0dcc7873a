"""The one composition root: settings in, a working application out. It owns clients, limiters and the text reader."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

from zoomrefine_mcp.access import Access
from zoomrefine_mcp.backends.base import Backend, BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.base import ChatClient
from zoomrefine_mcp.backends.clients.scripted import ScriptedClient
from zoomrefine_mcp.backends.endpoints import Endpoint, choose_endpoint, unused_settings
from zoomrefine_mcp.backends.form import reply_schema
from zoomrefine_mcp.backends.profiles import Profile, chosen_profile
from zoomrefine_mcp.bench import Report
from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.images.draw import Mark, overlay
from zoomrefine_mcp.images.source import FileSource, Limits, open_source
from zoomrefine_mcp.pictures import Fit, Picture
from zoomrefine_mcp.policies import Precision
from zoomrefine_mcp.records import Budget
from zoomrefine_mcp.results import LocalizeResult, R, ZoomResult
from zoomrefine_mcp.saving import prepare_directory, save_evidence
from zoomrefine_mcp.settings import COMMAND_TIMEOUT_S, Settings
from zoomrefine_mcp.zoom import ZoomRefine, past_deadline

log = logging.getLogger(__name__)

VIEW_EDGE = 1568
"""Long edge of what ``view`` returns by default: what a host's model is likely to see unshrunk."""


@dataclass(frozen=True, slots=True)
class View:
    """What ``App.view`` returns: a rendering for eyes other than the backend's.

    Attributes:
        picture: The view or crop; ``picture.shows`` is what was cut.
        path: The picture's path.
        size: The upright original, in pixels.
        page: From 1; None where all lie side by side.
        pages: How many there are.
    """

    picture: Picture
    path: str
    size: Size
    page: int | None
    pages: int


class App:
    """Everything put together. Made by ``open_app``; the backend is made when it is first needed.

    Args:
        settings: As read.
        access: Which files may be read.
        timeout_s: The deadline of a question where the settings name none.
        closing: Closes with the application.
    """

    def __init__(self, settings: Settings, *, access: Access, timeout_s: float, closing: AsyncExitStack) -> None:
        self.settings = settings
        self.access = access
        self.timeout_s = settings.timeout_s or timeout_s
        self._closing = closing
        self._backend: Backend[Any] | None = None
        self._warnings: list[str] = []  # of what was set and is not used; known when the backend is
        self._making = anyio.Lock()

    async def backend(self) -> Backend[Any]:
        """What answers, by the settings.

        Raises:
            NoBackend: Nothing is configured that could answer.
            ModelRequired: The server lists several models and the settings name none.
            BackendFailure: The server could not be asked for its models.
        """
        async with self._making:
            if self._backend is None:
                self._backend = await self._make_backend()
        return self._backend

    async def zoom_and_refine(
        self,
        path: str,
        question: str,
        choices: Sequence[str] | None = None,
        *,
        policy: str | None = None,
        budget: Budget | None = None,
        page: int | None = None,
        report: Report | None = None,
    ) -> ZoomResult:
        """Answer a question about a picture; see ``ZoomRefine.zoom_and_refine``. Saves where the settings say so."""
        deadline = anyio.current_time() + self.timeout_s
        async with await self._open(path, page) as source:
            zoom = await self._zoom_refine(policy, budget, deadline)
            result = await zoom.zoom_and_refine(source, question, choices, report=report)
            return await self._finished(result)

    async def localize_region(
        self,
        path: str,
        question: str,
        *,
        precision: Precision = "sharp",
        page: int | None = None,
        report: Report | None = None,
    ) -> LocalizeResult:
        """Find something in a picture; see ``ZoomRefine.localize_region``. Saves where the settings say so."""
        deadline = anyio.current_time() + self.timeout_s
        async with await self._open(path, page) as source:
            zoom = await self._zoom_refine(None, None, deadline)
            result = await zoom.localize_region(source, question, precision=precision, report=report)
            return await self._finished(result)

    async def view(
        self, path: str, box: Box | None = None, *, max_edge: int = VIEW_EDGE, page: int | None = None
    ) -> View:
        """Render the picture, or a region of it at up to full resolution, without asking any model.

        Args:
            path: The picture.
            box: The region, in 0..1 of the upright original; None shows the whole.
            max_edge: Long edge of what comes back, in pixels; never enlarged beyond the original's pixels.
            page: From 1. Left out: all pages of a PDF side by side, the first of other files.

        Raises:
            BadRequest: A region of a document of several pages, and no page: boxes are measured on pages.
        """
        async with await self._open(path, page) as source:
            if box is not None and source.page is None:
                raise BadRequest(
                    f"{path} has {source.pages} pages, and a box is measured on one of them",
                    hint=f"Pass the page that you mean, from 1 to {source.pages}.",
                    pages=source.pages,
                )
            region = box or Box.full()
            size = region.to_pixels(source.size).size.within_edge(max_edge)
            picture = await source.render(region, Fit(size))
            return View(picture, source.path, source.size, source.page, source.pages)

    async def size_of(self, path: str, page: int | None = None) -> Size:
        """The upright size of a picture in pixels, from its header."""
        async with await self._open(path, page) as source:
            return source.size

    async def overlay(self, result: ZoomResult | LocalizeResult) -> Picture:
        """The view with the result's regions and crops drawn in."""
        return await overlay(result.sent.view, marks_of(result))

    def client(
        self, endpoint: Endpoint, model: str, profile: Profile, *, reply_schema: Mapping[str, Any] | None
    ) -> ChatClient:
        """What speaks to a model over its endpoint's wire. Closes with the application.

        Args:
            endpoint: Of the OpenAI or the Anthropic wire.
            model: The model's name as the server knows it.
            profile: The facts that hold for it.
            reply_schema: What replies of the JSON form are bound to, where the server can; None binds none.
        """
        from zoomrefine_mcp.backends.clients import anthropic, openai  # noqa: PLC0415  see _make_backend

        wire = anthropic.AnthropicClient if endpoint.wire == "anthropic" else openai.OpenAIClient
        client = wire(endpoint, model, profile, reply_schema=reply_schema)
        self._closing.push_async_callback(client.aclose)
        return client

    async def _open(self, path: str, page: int | None) -> FileSource:
        opened = await anyio.to_thread.run_sync(self.access.open, path)
        limits = Limits(
            max_pixels=int(self.settings.max_megapixels * 1_000_000),
            max_bytes=int(self.settings.max_file_mb * 1_000_000),
        )
        return await open_source(opened, page=page, limits=limits)

    async def _zoom_refine(self, policy: str | None, budget: Budget | None, deadline: float) -> ZoomRefine[Any]:
        """The pipeline with what is left of a question's time: asking a server for its models counts too."""
        backend: Backend[Any] | None = None
        with anyio.move_on_at(deadline):
            backend = await self.backend()
        if backend is None:
            raise past_deadline("the server said which models it has")
        return ZoomRefine(
            backend,
            policy or self.settings.policy,
            view_edge=self.settings.view_edge,
            timeout_s=max(0.0, deadline - anyio.current_time()),
            budget=budget or self.settings.budget,
        )

    async def _finished(self, result: R) -> R:
        """The result with what there is to say of the settings, saved where they say so."""
        result = result.model_copy(update={"warnings": [*self._warnings, *result.warnings]})
        if self.settings.save_dir is None:
            return result
        try:
            return await save_evidence(result, await self.overlay(result), self.settings.save_dir)
        except Exception as error:
            log.exception("crop and overlay could not be saved; the answer stands without them")
            warning = f"Crop and overlay could not be saved: internal error ({type(error).__name__})."
            return result.model_copy(update={"warnings": [*result.warnings, warning]})

    async def _make_backend(self) -> Backend[Any]:
        endpoint = choose_endpoint(self.settings, ocr_installed=ocr_is_installed())
        # Imported when used: a server that starts and waits pays for no wire and no reader.
        if endpoint.wire == "ocr":
            chosen_profile(self.settings, "", wire="ocr")  # a wrong name or file is told, whatever answers
            self._warnings = [said] if (said := unused_settings(self.settings, endpoint)) else []
            from zoomrefine_mcp.backends.ocr import OcrBackend  # noqa: PLC0415

            return OcrBackend()
        if endpoint.wire == "scripted":
            script = ScriptedClient.from_file(self.settings.script or "")
            model = self.settings.model or "script"
            return self._chat(script, endpoint, model, chosen_profile(self.settings, model, wire=endpoint.wire))
        from zoomrefine_mcp.backends.clients import models  # noqa: PLC0415

        model = self.settings.model or await models.pick_model(endpoint)
        profile = chosen_profile(self.settings, model, wire=endpoint.wire)
        schema = reply_schema() if profile.structured_output else None
        client = self.client(endpoint, model, profile, reply_schema=schema)
        return self._chat(client, endpoint, model, profile)

    def _chat(self, client: ChatClient, endpoint: Endpoint, model: str, profile: Profile) -> Backend[Any]:
        info = BackendInfo(name=endpoint.backend, model=model, profile=profile, sends_to=endpoint.address)
        return ChatBackend(client, info, max_tokens=self.settings.max_tokens)


@asynccontextmanager
async def open_app(
    settings: Settings, *, access: Access | None = None, timeout_s: float = COMMAND_TIMEOUT_S
) -> AsyncIterator[App]:
    """Put the application together, and take it apart at the end.

    Args:
        settings: As read.
        access: Which files may be read: the door decides; None reads whatever is named.
        timeout_s: The door's deadline of a question, where the settings name none.

    Raises:
        BadRequest: The settings name a directory to save to that cannot be written to.
    """
    if settings.save_dir is not None:
        await anyio.to_thread.run_sync(prepare_directory, settings.save_dir)
    async with AsyncExitStack() as closing:
        yield App(settings, access=access or Access.anything(), timeout_s=timeout_s, closing=closing)


def ocr_is_installed() -> bool:
    """Whether the ``[ocr]`` extra is there, without loading it."""
    return all(importlib.util.find_spec(name) for name in ("rapidocr", "onnxruntime", "rapidfuzz"))


def marks_of(result: ZoomResult | LocalizeResult) -> list[Mark]:
    """What the overlay draws: each region and the crop that was cut for it."""
    marks: list[Mark] = []
    sent = result.sent
    for region, place, crop in zip(result.regions, sent.places, sent.crops, strict=True):
        if crop is not None:
            marks.append(Mark(crop.shows, None, "crop"))
        marks.append(Mark(place, region.label, "region"))
    return marks

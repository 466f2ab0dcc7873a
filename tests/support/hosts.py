"""What stands around the server in its tests: pictures, a scripted model, and a host that reads results."""

from __future__ import annotations

import io
import json
import os
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, ImageContent, TextContent
from PIL import Image

from zoomrefine_mcp.access import Access
from zoomrefine_mcp.app import App
from zoomrefine_mcp.backends.base import Backend, BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.base import ChatClient, Completion, Message
from zoomrefine_mcp.backends.clients.scripted import Reply, ScriptedClient
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.errors import ZoomRefineError
from zoomrefine_mcp.records import ReplyForm, Usage
from zoomrefine_mcp.server.server import ZoomServer, make_server
from zoomrefine_mcp.settings import Settings

VERSION = "9.8.7"
SENT_TO = "http://localhost:9/v1"


class AppWithModel(App):
    """The application with a given model in place of one that the settings would name."""

    model: ChatClient | ZoomRefineError

    async def backend(self) -> Backend[Any]:
        if isinstance(self.model, ZoomRefineError):
            raise self.model
        profile = profile_for("unknown-model", wire="openai")
        info = BackendInfo(name="openai", model="unknown-model", profile=profile, sends_to=SENT_TO)
        return ChatBackend(self.model, info)


def opening(
    folder: Path, model: ChatClient | ZoomRefineError | Iterable[Reply], **settings: Any
) -> Callable[[], AbstractAsyncContextManager[App]]:
    """Opens the application on a folder of pictures, with a model or with what a scripted one replies."""

    @asynccontextmanager
    async def open_application() -> AsyncIterator[App]:
        access = Access.within((folder,), cwd=folder, home=folder.parent)
        async with AsyncExitStack() as closing:
            app = AppWithModel(Settings(**settings), access=access, timeout_s=30.0, closing=closing)
            is_model = isinstance(model, ZoomRefineError) or hasattr(model, "complete")
            app.model = model if is_model else ScriptedClient(model)  # type: ignore[assignment]
            yield app

    return open_application


def server_on(folder: Path, model: ChatClient | ZoomRefineError | Iterable[Reply], **settings: Any) -> ZoomServer:
    """A server on a folder of pictures."""
    return make_server(opening(folder, model, **settings), version=VERSION)


def connect(server: ZoomServer | StdioServerParameters, era: str = "2026-07-28", **options: Any) -> Any:
    """A host's connection; untyped, since a test looks for what the types leave open."""
    return Client(server, mode=era, **options)


def launching(backend: str, base_url: str, model: str, folder: Path) -> StdioServerParameters:
    """How a host launches the server on a folder of pictures, with a model behind an address."""
    source = Path(__file__).resolve().parents[2] / "src"
    command = ["-m", "zoomrefine_mcp", "serve", "--backend", backend, "--base-url", base_url, "--model", model]
    environment = {"PYTHONPATH": str(source), "PATH": os.environ["PATH"]}
    return StdioServerParameters(
        command=sys.executable, args=[*command, "--allow-dir", str(folder)], env=environment, cwd="/"
    )


class StuckModel:
    """A ``ChatClient`` that never replies, and tells when it was asked and when it was given up."""

    def __init__(self) -> None:
        self.asked = anyio.Event()
        self.given_up = anyio.Event()

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:
        self.asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.given_up.set()
        raise AssertionError


class PatientModel:
    """A ``ChatClient`` that replies once it is told to."""

    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.released = anyio.Event()

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:
        await self.released.wait()
        return Completion(text=self.reply, usage=Usage(calls=1))


class BrokenModel:
    """A ``ChatClient`` with a defect, whose exception holds a secret."""

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:
        raise RuntimeError("sk-planted-secret")


def reply(answer: str | None, box: list[float] | None = None, **more: Any) -> str:
    """What a model writes, in the JSON form."""
    regions = [{"picture": 1, "label": "the plate", "box": box}] if box else []
    fields = {"reasoning": "I looked.", "evidence": "legible", "answer": answer, "choice": None, "regions": regions}
    return json.dumps(fields | more)


def text_of(result: CallToolResult) -> str:
    """All words of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


def image_of(result: CallToolResult) -> tuple[Any, Any]:
    """The one image of a result, as a block and decoded."""
    [block] = [block for block in result.content if isinstance(block, ImageContent)]
    return block, Image.open(io.BytesIO(b64decode(block.data)))


def wire_size(result: CallToolResult) -> int:
    """Bytes of a result as a host receives it."""
    return len(result.model_dump_json(by_alias=True, exclude_none=True).encode())


def draw_picture(path: Path, size: tuple[int, int] = (2400, 1200), **save: Any) -> Path:
    """A white picture with a red plate in 0.4..0.6 of each side."""
    picture = Image.new("RGB", size, "white")
    width, height = size
    picture.paste("red", (int(width * 0.4), int(height * 0.4), int(width * 0.6), int(height * 0.6)))
    picture.save(path, **save)
    return path


def draw_noise(path: Path, edge: int) -> Path:
    """A picture that no codec makes small."""
    Image.effect_noise((edge, edge), 100).convert("RGB").save(path, quality=95)
    return path

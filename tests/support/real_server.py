"""A real vLLM as its tests see it, and a backend that remembers what it was told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pybase64

from zoomrefine_mcp.backends.base import Ask, Backend, BackendInfo, Look
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Fit, Picture
from zoomrefine_mcp.records import Evidence, Region, Stage

MIDDLE = Region(Box(0.45, 0.45, 0.55, 0.55))


@dataclass(frozen=True)
class RealServer:
    """A vLLM server on loopback.

    Attributes:
        address: Without ``/v1``.
        model: The name that it serves.
        images: How many pictures it takes in a conversation.
    """

    address: str
    model: str
    images: int

    def url(self, backend: str) -> str:
        return self.address if backend == "anthropic" else f"{self.address}/v1"

    def metric(self, name: str) -> float:
        """A metric's sum over its labels."""
        lines = httpx2.get(f"{self.address}/metrics", timeout=30).text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name}{{"))

    def image_tokens(self, picture: Picture) -> int:
        """How many tokens the server makes of a picture."""
        url = f"data:{picture.mime_type};base64,{pybase64.b64encode_as_string(picture.data)}"
        content = [{"type": "image_url", "image_url": {"url": url}}]
        asked = {"model": self.model, "max_tokens": 1, "messages": [{"role": "user", "content": content}]}
        answer = httpx2.post(f"{self.address}/v1/chat/completions", json=asked, timeout=120).raise_for_status()
        counted: int = answer.json()["usage"]["prompt_tokens_details"]["multimodal_tokens"]["image"]
        return counted


class Remembered:
    """A ``Backend`` that is another one, and remembers its looks."""

    def __init__(self, backend: Backend[Any]) -> None:
        self.backend = backend
        self.looks: list[Look[Any]] = []
        self.pictures: list[tuple[Picture, ...]] = []

    @property
    def info(self) -> BackendInfo:
        return self.backend.info

    def fit(self, stage: Stage, wanted: Size) -> Fit:
        return self.backend.fit(stage, wanted)

    async def look(self, ask: Ask, after: Any = None) -> Look[Any]:
        look = await self.backend.look(ask, after)
        self.looks.append(look)
        self.pictures.append(ask.pictures)
        return look


class Pointing(Remembered):
    """A ``Backend`` that is another one, but for its first look: that one always asks for a closer look at the middle.

    A model of random weights ends with its first look as often as not; so there is a second one.
    """

    async def look(self, ask: Ask, after: Any = None) -> Look[Any]:
        look = await super().look(ask, after)
        return look if after is not None else replace(look, evidence=Evidence.TOO_SMALL, regions=(MIDDLE,))

"""What arrived at the model server: a request taken apart, its pictures decoded from the bytes as received."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from PIL import Image, ImageChops

from tests.support.families import Pixels

MARKER = (255, 0, 255)
"""Pure magenta: what a test paints, and what the model looks for."""

Form = Literal["asked", "json", "text", "native"]
"""What the model writes: what the request's words ask for, or one of the forms whatever they ask."""


@dataclass(frozen=True)
class Received:
    """One request, as it arrived.

    Attributes:
        wire: ``openai`` or ``anthropic``.
        path: The path it was sent to.
        headers: Its headers, names in lower case.
        body: Its JSON; empty for a list of models.
        encoded: The pictures' bytes, in the order of the conversation.
        pictures: The same, decoded.
        text: All text of the conversation, the model's own turns left out.
        raw: The body's bytes.
        characters: How many the conversation has, the model's own turns included.
    """

    wire: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] = field(default_factory=dict)
    encoded: tuple[bytes, ...] = ()
    pictures: tuple[Image.Image, ...] = ()
    text: str = ""
    raw: bytes = b""
    characters: int = 0

    @property
    def look(self) -> int:
        """Which look it belongs to: how many pictures the conversation holds."""
        return len(self.pictures)


def take_apart(wire: str, path: str, headers: dict[str, str], raw: bytes) -> Received:
    """Take a request apart: the pictures' bytes decoded, the text that the model is asked by."""
    body = json.loads(raw)
    encoded: list[bytes] = []
    texts = [body["system"]] if isinstance(body.get("system"), str) else []
    characters = sum(map(len, texts))
    for message in body.get("messages", []):
        content = message["content"]
        parts: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            characters += len(part.get("text", ""))
            if part["type"] == "text" and message["role"] != "assistant":
                texts.append(part["text"])
            elif part["type"] == "image_url":
                encoded.append(base64.b64decode(part["image_url"]["url"].partition(";base64,")[2], validate=True))
            elif part["type"] == "image":
                encoded.append(base64.b64decode(part["source"]["data"], validate=True))
    pictures = tuple(Image.open(io.BytesIO(data)) for data in encoded)
    for picture in pictures:
        picture.load()
    return Received(wire, path, headers, body, tuple(encoded), pictures, "\n".join(texts), raw, characters)


def find_marker(picture: Image.Image) -> Pixels | None:
    """The box of the magenta pixels, right and bottom exclusive; None where there are none.

    A pixel counts when it is nearer to magenta than to anything a test scene may hold beside it (red and blue high,
    green low), so that resampling and JPEG may soften the edges.
    """
    red, green, blue = picture.convert("RGB").split()
    high = ImageChops.darker(red, blue).point(lambda value: 255 if value > 115 else 0)
    low = green.point(lambda value: 255 if value < 75 else 0)
    return ImageChops.darker(high, low).getbbox()


def asked_form(text: str) -> Form:
    """The form that a prompt asks for: the paper's lines, or JSON."""
    return "text" if "bounding box:" in text.lower() and "json" not in text.lower() else "json"

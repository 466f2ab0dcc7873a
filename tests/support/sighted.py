"""A loopback model that reads the doctor's test cards: it finds the coloured sign in the bytes it receives.

Which word stands on the sign it knows by where the sign is, so that what it answers depends on the picture alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from tests.support.model_server import ModelServer, _Handler
from tests.support.received import Received, find_marker
from zoomrefine_mcp.images.card import CARDS

PROMPT_TOKENS = 300


class SightedServer(ModelServer):
    """See the module.

    Args:
        family: How it writes boxes.
        named: The model's name, where it is not its family's.
        drops_pictures: Whether pictures get lost on the way to the model, as in a text-only model's server.
        binds: Whether replies are bound to the schema that a request holds.
        most_pixels: What the server shrinks larger pictures to.
        counts_pictures: Whether the token counts hold the pictures'.
        lists: What it lists, where that is not what it answers to.
        unreadable: Which looks at a card (from 1) are answered with nothing that could be read.
        faults: As in ``ModelServer``.
    """

    def __init__(
        self,
        family: str = "qwen2.5-vl",
        *,
        named: str | None = None,
        drops_pictures: bool = False,
        binds: bool = True,
        most_pixels: int = 10**9,
        counts_pictures: bool = True,
        lists: Sequence[str] | None = None,
        unreadable: Sequence[int] = (),
        **options: Any,
    ) -> None:
        super().__init__(family, **options)
        self.model = named or self.model
        self.models = options.get("models") or [self.model]
        self.drops_pictures, self.binds, self.counts_pictures = drops_pictures, binds, counts_pictures
        self.lists = lists
        self.most_pixels = most_pixels
        self.unreadable = unreadable
        self.cards_shown = 0
        self._http.RequestHandlerClass = _SightedHandler

    def reply(self, request: Received) -> str:
        """What the model writes: the word and the place of the sign, or words about nothing."""
        if not request.pictures:
            return self._without_pictures(request)
        if request.look == 1:
            self.cards_shown += 1
            if self.cards_shown in self.unreadable:
                return "It is a nice picture."
        if self.drops_pictures:
            return _written(None, [])
        box = find_marker(request.pictures[0])
        regions = []
        if request.look == 1 and box is not None:
            scale = self._shrunk(request.pictures[0])
            width, height = (round(side * scale) for side in request.pictures[0].size)
            left, top, right, bottom = (edge * scale for edge in box)
            numbers = self.family.numbers((left, top, right, bottom), (width, height))
            regions = [{"picture": 1, "label": "sign", "box": numbers}]
        return _written(_word_at(request.pictures[0]), regions)

    def tokens(self, request: Received) -> int:
        """What the prompt costs."""
        if self.drops_pictures or not self.counts_pictures:
            return PROMPT_TOKENS
        pixels = (image.width * image.height * self._shrunk(image) ** 2 for image in request.pictures)
        return PROMPT_TOKENS + sum(math.ceil(count / 28**2) for count in pixels)

    def _shrunk(self, picture: Image.Image) -> float:
        return min(1.0, math.sqrt(self.most_pixels / (picture.width * picture.height)))

    def _without_pictures(self, request: Received) -> str:
        schema = _schema(request.body)
        if self.binds and "colour" in schema.get("properties", {}):
            return json.dumps({"colour": schema["properties"]["colour"]["enum"][0]})
        return "Hello there!"


class _SightedHandler(_Handler):
    def _json(self, status: int, body: object, headers: Mapping[str, str] | None = None, *, whole: bool = True) -> None:
        lists = getattr(self.server.model_server, "lists", None)
        if lists is not None and isinstance(body, dict) and body.get("object") == "list":
            body = {**body, "data": [{"id": name} for name in lists]}
        super()._json(status, body, headers, whole=whole)

    def _answer(
        self, request: Received, text: str, *, stop: str = "stop", pictures: int | None = None, whole: bool = True
    ) -> None:
        """As ``ModelServer`` does, with tokens that grow with the pictures."""
        server = self.server.model_server
        assert isinstance(server, SightedServer)
        tokens, cached = server.tokens(request), server.tokens(request) // 2 if request.look > 1 else 0
        if request.wire == "anthropic":
            usage = {"input_tokens": tokens - cached, "cache_read_input_tokens": cached, "output_tokens": 20}
            content = [{"type": "text", "text": text}]
            self._json(200, {"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage})
            return
        counts = {"prompt_tokens": tokens, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": cached}}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": stop}
        self._json(200, {"object": "chat.completion", "choices": [choice], "usage": counts})


def _word_at(picture: Image.Image) -> str | None:
    box = find_marker(picture)
    if box is None:
        return None
    left, top = box[0] / picture.width, box[1] / picture.height
    return min(CARDS, key=lambda card: abs(card.box.x0 - left) + abs(card.box.y0 - top)).word


def _written(word: str | None, regions: list[dict[str, Any]]) -> str:
    return json.dumps(
        {
            "reasoning": "I looked.",
            "evidence": "legible" if word else "not_here",
            "answer": word,
            "choice": None,
            "regions": regions,
        }
    )


def _schema(body: dict[str, Any]) -> dict[str, Any]:
    if "response_format" in body:
        return body["response_format"]["json_schema"]["schema"]
    return body.get("output_config", {}).get("format", {}).get("schema", {})

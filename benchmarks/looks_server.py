"""The loopback model on the OpenAI wire: a real HTTP server on 127.0.0.1 that decodes every picture of every request.

Its prompt tokens are those of the profile's formula and a quarter of the characters; cached ones are those of the longest
beginning that it was sent before in the same conversation.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from looks_model import Mind, Place, Said, Shown, region_reply, written
from looks_scenes import Scene
from looks_sight import Sighting, sightings
from zoomrefine_mcp.backends.profiles import Axes, Profile, Unit
from zoomrefine_mcp.geometry import Box, Size

QUESTION = re.compile(r"^(?:Question|To find): (.+)$", re.MULTILINE)
_PART = re.compile(r"Picture (\d+)[^:\n]*: the part \[([^\]]+)\] of picture 1")
_EMPTY = re.compile(r"(\d+) to (\d+)% across and (\d+) to (\d+)% down")
_FULL_SCALE = {Unit.NORMALIZED: 1.0, Unit.PER_THOUSAND: 1000.0, Unit.PER_999: 999.0}


@dataclass(slots=True)
class Spent:
    """Input tokens of a conversation by what they are for."""

    image: int = 0
    image_cached: int = 0
    words: int = 0
    requests: int = 0


@dataclass(slots=True)
class Sloppiness:
    """How a talkative, careless model writes: shares of its replies.

    Attributes:
        prose: Around the JSON, in a Markdown fence.
        unit: Boxes in pixels where thousandths were asked for, or the reverse.
        whole: The whole picture instead of a region.
        same: The first box of the conversation again.
        contradiction: ``legible`` without an answer, ``not_here`` with one.
        words: The answer in a sentence.
        useless: Nothing that could be read.
    """

    prose: float = 0.5
    unit: float = 0.15
    whole: float = 0.15
    same: float = 0.15
    contradiction: float = 0.15
    words: float = 0.5
    useless: float = 0.05


class LookServer:
    """The model behind its server.

    Args:
        profile: The facts that its tokens and boxes follow.
        mind: How it reads and errs.
        sloppy: How it writes; None writes what was asked for.
        model: Its name.
    """

    def __init__(self, profile: Profile, mind: Mind, sloppy: Sloppiness | None = None, model: str = "loopback") -> None:
        self.profile, self.mind, self.sloppy, self.model = profile, mind, sloppy, model
        self.scene: Scene | None = None
        self.spent = Spent()
        self.faults: list[str] = []
        """What went wrong inside the server: empty, or the benchmark is broken."""
        self.sizes: list[list[tuple[int, int]]] = []
        """The sizes of the new pictures of each request, as received."""
        self._sent: set[bytes] = set()
        self._analysed: dict[bytes, tuple[Size, tuple[Sighting, ...]]] = {}
        self._first: Place | None = None
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.server = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Close the socket of a server that never ran, or runs no more."""
        self._http.server_close()

    def begin(self, scene: Scene) -> None:
        """A question about a scene comes next; nothing is cached or remembered."""
        self.scene, self.spent, self._first = scene, Spent(), None
        self._sent.clear()
        self._analysed.clear()
        self.sizes.clear()
        self.mind.begin()

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """A chat completion."""
        messages = body["messages"]
        shown = self._shown(messages)
        tokens, cached = self._tokens(messages, shown)
        text = self._reply(messages, shown)
        usage = {
            "prompt_tokens": tokens,
            "completion_tokens": -(-len(text) // 4),
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {
            "id": "look",
            "object": "chat.completion",
            "created": 0,
            "model": self.model,
            "choices": [choice],
            "usage": usage,
        }

    def _shown(self, messages: Sequence[dict[str, Any]]) -> list[Shown]:
        told = {int(number): box for number, box in _PART.findall(words_of(messages))}
        shown: list[Shown] = []
        last = max(at for at, message in enumerate(messages) if pictures_of(message)) if _any_picture(messages) else -1
        for at, message in enumerate(messages):
            for data in pictures_of(message):
                key = hashlib.sha1(data, usedforsecurity=False).digest()
                if key not in self._analysed:
                    self._analysed[key] = self._analyse(data)
                size, seen = self._analysed[key]
                number = len(shown) + 1
                part = Box.full() if number == 1 else None
                if number in told:
                    part = self._box(told[number], shown[0].size)
                is_new = at == last and at == len(messages) - 1
                shown.append(Shown(number, size, part, seen, is_new))
        self.sizes.append([(one.size.width, one.size.height) for one in shown if one.is_new])
        return shown

    def _analyse(self, data: bytes) -> tuple[Size, tuple[Sighting, ...]]:
        """What the model makes out in a picture: its size, and the plates."""
        return sightings(data)

    def _box(self, words: str, size: Size) -> Box | None:
        """A part of picture 1 as the prompt writes it: in fractions, or in the profile's own unit."""
        numbers = [float(number) for number in words.split(",")]
        unit = Unit.NORMALIZED if max(numbers) <= 1 else self.profile.unit
        full = (size.width, size.height) if unit is Unit.PIXELS else (_FULL_SCALE[unit],) * 2
        if self.profile.axes is Axes.YXYX and unit is not Unit.NORMALIZED:
            numbers = [numbers[1], numbers[0], numbers[3], numbers[2]]
        return Box.clipped(numbers[0] / full[0], numbers[1] / full[1], numbers[2] / full[0], numbers[3] / full[1])

    def _tokens(self, messages: Sequence[dict[str, Any]], shown: Sequence[Shown]) -> tuple[int, int]:
        """All tokens of a request, and those of its longest beginning that was sent before."""
        prefix = hashlib.sha256()
        total = cached = number = 0
        is_known = True
        self.spent.requests += 1
        for message in messages:
            prefix.update(message["role"].encode())
            for part in _parts(message):
                is_picture = part["type"] == "image_url"
                prefix.update(part["image_url"]["url"].encode() if is_picture else part["text"].encode())
                cost = self.profile.image_tokens(shown[number].size) if is_picture else -(-len(part["text"]) // 4)
                number += is_picture
                is_known = is_known and prefix.digest() in self._sent
                self._sent.add(prefix.digest())
                total, cached = total + cost, cached + (cost if is_known else 0)
                if is_picture:
                    self.spent.image += cost
                    self.spent.image_cached += cost if is_known else 0
                else:
                    self.spent.words += cost
        return total, cached

    def _reply(self, messages: Sequence[dict[str, Any]], shown: Sequence[Shown]) -> str:
        scene, asked = self.scene, words_of(messages, role="user")
        questions = QUESTION.findall(asked)
        if scene is None or not questions or questions[-1] != scene.question:
            raise ValueError(f"nobody asked {questions[-1:]} about {scene and scene.name}")
        is_text = '"evidence"' not in words_of(messages)
        label = (
            ("Rechecked Answer" if "Rechecked Answer:" in words_of(messages[-1:]) else "Answer") if is_text else None
        )
        said = self.mind.think(scene, shown, _known_empty(messages))
        if self.sloppy is None or is_text:
            return written(said, shown, profile=self.profile, text=label)
        return self._careless(said, shown, self.sloppy)

    def _careless(self, said: Said, shown: Sequence[Shown], how: Sloppiness) -> str:
        rng = random.Random(f"{self.scene and self.scene.name}/sloppy/{self.spent.requests}")
        if rng.random() < how.useless:
            return rng.choice(("What a nice picture!", '{"reasoning": "I see', "```json\n[]\n```"))
        places = list(said.places)
        if places and rng.random() < how.whole:
            places = [Place(places[0].picture, "everything", Box.full())]
        if self._first is not None and self._first.picture <= len(shown) and rng.random() < how.same:
            places = [self._first]
        if places and self._first is None:
            self._first = places[0]
        unit = self.profile.unit
        if rng.random() < how.unit:
            unit = Unit.PIXELS if unit is not Unit.PIXELS else Unit.PER_THOUSAND
        answer: str | None = said.answer
        evidence = said.evidence
        if rng.random() < how.contradiction:
            answer, evidence = (None, "legible") if rng.random() < 0.5 else (answer, "not_here")
        if answer is not None and rng.random() < how.words:
            answer = f"The plate says {answer}, I believe."
        regions = [region_reply(one, shown[one.picture - 1].size, unit, self.profile.axes) for one in places]
        reply: dict[str, Any] = {
            "reasoning": said.reasoning,
            "evidence": evidence,
            "answer": answer,
            "regions": regions,
        }
        if rng.random() < how.prose:
            return f"Sure! Let me look at it.\n\n```json\n{json.dumps(reply, indent=1)}\n```\nI hope that this helps."
        return json.dumps(reply)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def do_GET(self) -> None:
        server = self.server.server  # type: ignore[attr-defined]
        self._send(200, {"object": "list", "data": [{"id": server.model, "object": "model"}]})

    def do_POST(self) -> None:
        server: LookServer = self.server.server  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            reply = server.complete(body)
        except Exception as error:  # noqa: BLE001 - said to the run, which fails by it
            server.faults.append(repr(error))
            self._send(400, {"error": {"message": repr(error), "type": "benchmark"}})
            return
        self._send(200, reply)

    def _send(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def pictures_of(message: dict[str, Any]) -> list[bytes]:
    """The encoded pictures of a message, in its order."""
    urls = (part["image_url"]["url"] for part in _parts(message) if part["type"] == "image_url")
    return [base64.b64decode(url.partition(";base64,")[2]) for url in urls]


def _any_picture(messages: Sequence[dict[str, Any]]) -> bool:
    return any(part["type"] == "image_url" for message in messages for part in _parts(message))


def _known_empty(messages: Sequence[dict[str, Any]]) -> list[Box]:
    """The parts of the whole that the last message says hold nothing; none where picture 1 is not the whole."""
    words = words_of(messages)
    if ": the whole." not in words:
        return []
    corners = (map(int, found) for found in _EMPTY.findall(words))
    boxes = (Box.clipped(x0 / 100, y0 / 100, x1 / 100, y1 / 100) for x0, x1, y0, y1 in corners)
    return [box for box in boxes if box is not None]


def words_of(messages: Sequence[dict[str, Any]], role: str | None = None) -> str:
    """The texts of a request that are not the model's own."""
    return "\n".join(
        part["text"]
        for message in messages
        for part in _parts(message)
        if part["type"] == "text" and message["role"] != "assistant" and role in {None, message["role"]}
    )

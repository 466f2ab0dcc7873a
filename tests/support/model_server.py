"""A model behind a loopback server: it looks at the bytes that it receives and answers as a model family would.

It speaks the OpenAI wire (``/v1/chat/completions``, ``/v1/models``) and the Anthropic wire (``/v1/messages``). Its
"model" knows one thing: where the magenta rectangle is in the picture it was shown last::

    with ModelServer("qwen2.5-vl", faults={2: "hang"}) as server:
        ...  # ask at server.openai_url or server.anthropic_url for server.model
        server.requests[0].pictures[0].size

Faults are by look: a request that carries one picture is look 1, with two look 2. A fault holds for every try of its
look, so an SDK's retries meet it again; a list of faults meets the tries one after the other (``["500", "ok"]``).
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from PIL import Image

from tests.support.families import FAMILIES, Family, in_json_of_its_own
from tests.support.received import MARKER, Form, Received, asked_form, find_marker, take_apart

__all__ = ["FAULTS", "MARKER", "ModelServer", "Received"]

FAULTS = (
    "ok",
    "close",  # the connection breaks without an answer
    "reset",  # the same in the middle of the body
    "killed",  # the same, and nothing listens any more
    "hang",  # no answer until the client leaves or the server stops
    "slow",  # an answer after ``slow_s``
    "unreadable",  # a reply that holds no answer
    "dropped",  # an answer, and prompt tokens that show that the pictures were dropped
    "too_large",  # 400 that names a limit, where the newest picture's long edge is above ``largest_edge``
    "one_picture",  # 400 in vLLM's words, where there are more
    "html",  # 200 with a web page
    "garbage",  # 200 with bytes that are no JSON
    "not_an_object",  # 200 with JSON of another shape
    "error_inside",  # 200 with an error object inside
    "empty",  # a reply without text
    "no_choices",  # a reply without a reply
    "refusal",
    "cut_off",  # the output budget ran out
    "echo",  # 400 that repeats all request headers
    "redirect",  # 307 to ``redirect_to``
    "no_schema",  # 400 where the request binds the reply to a schema
    "400",
    "401",
    "404",
    "413",
    "429",
    "500",
    "503",
    "529",
)


class ModelServer:
    """See the module.

    Args:
        family: A name in ``FAMILIES``.
        form: What the model writes.
        faults: What goes wrong, by look.
        answers: What it answers at each look; the last holds for further ones. None abstains.
        evidence: What it says of the evidence at each look, likewise. At look 1 it wants to zoom.
        choices: Which letter it chooses at each look, likewise.
        models: What it lists; its family's model if not given.
        listing: ``hang`` where it never answers what it is asked for its models.
        key: The only key (or token) that it accepts; None accepts all.
        body_400: The body that goes with the fault ``400``.
        headers: Headers of all faults, e.g. ``{"Retry-After": "30"}``.
        redirect_to: Where the fault ``redirect`` leads.
        slow_s: How long the fault ``slow`` takes.
        largest_edge: Of a picture that the fault ``too_large`` lets pass, in pixels.
        counts: Whether the reported prompt tokens are about what the request holds, instead of 100.
    """

    def __init__(
        self,
        family: str = "unknown",
        *,
        form: Form = "asked",
        faults: Mapping[int, str | Sequence[str]] | None = None,
        answers: Sequence[str | None] = ("unsure", "the marker"),
        evidence: Sequence[str] = ("too_small", "legible"),
        choices: Sequence[str | None] = (None,),
        models: Sequence[str] | None = None,
        listing: str = "ok",
        key: str | None = None,
        body_400: object = None,
        headers: Mapping[str, str] | None = None,
        redirect_to: str = "",
        slow_s: float = 0.0,
        largest_edge: int = 0,
        counts: bool = False,
    ) -> None:
        self.family: Family = FAMILIES[family]
        self.model = self.family.model
        self.models = [self.model] if models is None else list(models)
        self.listing = listing
        self.form = form
        self.answers, self.evidence, self.choices = answers, evidence, choices
        self.key = key
        self.body_400 = body_400
        self.fault_headers = dict(headers or {})
        self.redirect_to = redirect_to
        self.slow_s, self.largest_edge, self.counts = slow_s, largest_edge, counts
        self.requests: list[Received] = []
        self.listings: list[Received] = []
        self.hanging = threading.Event()
        """Set while a request hangs: what a test waits for before it cancels."""
        self.client_left = threading.Event()
        """Set when a client went away from a request that hung."""
        self.left_at = 0.0
        """When that was, on the monotonic clock."""
        self._faults = {look: [told] if isinstance(told, str) else list(told) for look, told in (faults or {}).items()}
        self._tries: dict[int, int] = {}
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._wake_read, self._wake_write = socket.socketpair()
        self._http = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._http.model_server = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._listens = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._thread.join()
        self._http.join_handlers()
        self._wake_read.close()
        self._wake_write.close()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def openai_url(self) -> str:
        """The base URL of the OpenAI wire."""
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        """The base URL of the Anthropic wire."""
        return self.url

    def address(self, wire: str) -> str:
        """The base URL of a wire."""
        return self.anthropic_url if wire == "anthropic" else self.openai_url

    def kill(self) -> None:
        """Stop listening and break every connection, as a server that dies."""
        with self._lock:
            was_listening, self._listens = self._listens, False
            connections = list(self._connections)
        if was_listening:
            self._wake_write.send(b"!")
            with contextlib.suppress(OSError):  # closing alone would wait for the poll in the other thread
                self._http.socket.shutdown(socket.SHUT_RDWR)
            self._http.socket.close()  # refuses from here on; serve_forever is told next
            threading.Thread(target=self._http.shutdown, daemon=True).start()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def next_fault(self, look: int) -> str:
        """What this try of a look meets."""
        told = self._faults.get(look, [])
        with self._lock:
            number = self._tries[look] = self._tries.get(look, 0) + 1
        if not told:
            return "ok"
        fault = told[min(number, len(told)) - 1]
        assert fault in FAULTS, fault
        return fault

    def passed(self, look: int) -> int:
        """How many pictures of a look that drops them reach the model: those of the looks before that did not."""
        return 0 if "dropped" in self._faults.get(1, []) else look - 1

    def hang(self, connection: socket.socket, seconds: float | None = None) -> bool:
        """Answer nothing until the client leaves, the server stops or the time is over; tell whether it is."""
        self.hanging.set()
        readable, _, _ = select.select([connection, self._wake_read], [], [], seconds)
        if connection in readable:
            self.left_at = time.monotonic()
            self.client_left.set()
        return not readable

    def reply(self, request: Received) -> str:
        """What the model writes about the pictures that it was shown."""
        look = max(1, request.look)
        picture = request.pictures[-1] if request.pictures else Image.new("RGB", (1, 1))
        box = find_marker(picture)
        form = asked_form(request.text) if self.form == "asked" else self.form
        if form == "native":
            return in_json_of_its_own(self.family, box, picture.size) if box else "[]"
        answer, choice = _at(self.answers, look), _at(self.choices, look)
        if form == "text":
            word = "Answer" if look == 1 else "Rechecked Answer"
            lines = ["I looked at the picture.", f"{word}: {choice or answer or 'not visible'}"]
            if box:
                lines.append(f"Bounding box: {self.family.written(box, picture.size)}")
            return "\n".join(lines)
        regions = [{"picture": look, "label": "marker", "box": self.family.numbers(box, picture.size)}] if box else []
        return json.dumps(
            {
                "reasoning": "I looked at the picture.",
                "evidence": _at(self.evidence, look) if box else "not_here",
                "answer": answer,
                "choice": choice,
                "regions": regions,
            }
        )

    def track(self, connection: socket.socket, *, here: bool) -> None:
        """Remember open connections, to break them when the server dies."""
        with self._lock:
            (self._connections.add if here else self._connections.discard)(connection)
            if here and not self._listens:
                connection.shutdown(socket.SHUT_RDWR)


def _at(values: Sequence[Any], look: int) -> Any:
    return values[min(look, len(values)) - 1]


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    model_server: ModelServer

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._handlers: list[threading.Thread] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._handlers.append(thread)
        thread.start()

    def join_handlers(self) -> None:
        for thread in self._handlers:
            thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HTTPServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Say nothing: the tests read ``requests``."""

    def setup(self) -> None:
        super().setup()
        self.server.model_server.track(self.connection, here=True)

    def finish(self) -> None:
        self.server.model_server.track(self.connection, here=False)
        with contextlib.suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        model_server = self.server.model_server
        request = Received(self._wire(), self.path, self._names())
        model_server.listings.append(request)
        if not self._may(request):
            return
        if model_server.listing == "hang":
            model_server.hang(self.connection)
            self._drop()
            return
        if self.path.split("?")[0] != "/v1/models":
            self._json(404, {"detail": "Not Found"})
            return
        entries = [{"id": name, "object": "model", "type": "model"} for name in model_server.models]
        self._json(200, {"object": "list", "data": entries, "has_more": False})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        model_server = self.server.model_server
        request = take_apart(self._wire(), self.path, self._names(), raw)
        body = request.body
        model_server.requests.append(request)
        if not self._may(request):
            return
        if self.path not in {"/v1/chat/completions", "/v1/messages"}:
            self._json(404, {"detail": "Not Found"})
            return
        if body["model"] not in model_server.models:
            self._fault("404", request)
            return
        self._fault(model_server.next_fault(request.look), request)

    def _fault(self, fault: str, request: Received) -> None:
        """Do what goes wrong, or answer."""
        model_server = self.server.model_server
        match fault:
            case "close":
                self._drop()
            case "killed":
                model_server.kill()
                self._drop()
            case "hang":
                model_server.hang(self.connection)
                self._drop()
            case "slow":
                if model_server.hang(self.connection, model_server.slow_s):
                    self._answer(request, model_server.reply(request))
            case "reset":
                self._answer(request, model_server.reply(request), whole=False)
                self._drop()
            case "unreadable":
                self._answer(request, "I like trains.")
            case "dropped":
                self._answer(request, model_server.reply(request), pictures=model_server.passed(request.look))
            case "too_large" if max(request.pictures[-1].size) > model_server.largest_edge:
                self._too_large(request, model_server.largest_edge)
            case "one_picture" if len(request.pictures) > 1:
                said = "At most 1 image(s) may be provided in one prompt. Set `--limit-mm-per-prompt` to increase this."
                self._json(400, {"error": {"message": said, "type": "BadRequestError", "code": 400}})
            case "html":
                self._send(200, b"<!doctype html><html><body>Welcome</body></html>", "text/html")
            case "garbage":
                self._send(200, b"\x00\xffgarbage{{", "application/json")
            case "not_an_object":
                self._json(200, [1, 2, 3])
            case "error_inside":
                self._json(200, {"error": {"message": "upstream is overloaded", "code": 529}})
            case "redirect":
                self._json(307, {}, {"Location": model_server.redirect_to})
            case "echo":
                self._json(400, {"error": {"message": f"bad request with headers {request.headers}"}})
            case "no_schema" if "response_format" in request.body or "output_config" in request.body:
                name = "response_format" if "response_format" in request.body else "output_config"
                self._json(400, {"error": {"message": f"{name}: this server knows no such thing"}})
            case "400":
                self._json(400, model_server.body_400)
            case "401":
                sent = request.headers.get("authorization", "none").removeprefix("Bearer ")
                self._json(401, {"error": {"message": f"Incorrect API key provided: {sent[:8]}****{sent[-4:]}."}})
            case "404":
                name = request.body["model"]
                self._json(
                    404, {"error": {"message": f"The model `{name}` does not exist.", "code": "model_not_found"}}
                )
            case "413":
                self._json(413, {"error": {"message": "Request too large"}})
            case "429":
                self._json(429, {"error": {"message": "Rate limit reached"}})
            case "500":
                self._json(500, {"error": {"message": "Internal server error"}})
            case "503":
                self._json(503, {"error": {"message": "Service Unavailable"}})
            case "529":
                self._json(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
            case "no_choices":
                self._json(200, {"choices": [], "content": []})
            case "empty":
                self._answer(request, "")
            case "refusal":
                self._answer(request, "I cannot help with that.", stop="refusal")
            case "cut_off":
                self._answer(request, model_server.reply(request)[:40], stop="length")
            case _:
                self._answer(request, model_server.reply(request))

    def _answer(
        self, request: Received, text: str, *, stop: str = "stop", pictures: int | None = None, whole: bool = True
    ) -> None:
        """A reply in the form of the request's wire. From the second look on, part of the prompt came from a cache."""
        cached = 500 if request.look > 1 else 0
        prompt = 100 + cached
        if self.server.model_server.counts:
            shown = request.pictures[:pictures]
            prompt = int(request.characters / 4.3) + sum(one.width * one.height // 784 for one in shown)
        if request.wire == "anthropic":
            reason = {"stop": "end_turn", "length": "max_tokens"}.get(stop, stop)
            usage = {"input_tokens": prompt - cached, "cache_read_input_tokens": cached, "output_tokens": 20}
            content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": text}]
            reply = {"type": "message", "content": content, "stop_reason": reason, "usage": usage}
            self._json(200, reply, whole=whole)
            return
        reason = "content_filter" if stop == "refusal" else stop
        details = {"cached_tokens": cached}
        tokens = {"prompt_tokens": prompt, "completion_tokens": 20, "prompt_tokens_details": details}
        message = {"role": "assistant", "content": text, "reasoning_content": "Hm."}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        self._json(200, {"object": "chat.completion", "choices": [choice], "usage": tokens}, whole=whole)

    def _too_large(self, request: Received, edge: int) -> None:
        width, height = request.pictures[-1].size
        if request.wire == "openai":
            said = f"The image of {width} x {height} is too large; at most {edge} x {edge} are supported."
            self._json(400, {"error": {"message": said, "type": "invalid_request_error"}})
            return
        said = f"messages.0.content.1: image dimensions exceed max allowed size: {edge} pixels"
        details = {"error_code": "image_dimensions_too_large", "max_side_length_pixels": edge, "paths": []}
        error = {"type": "invalid_request_error", "message": said, "details": details}
        self._json(400, {"type": "error", "error": error})

    def _may(self, request: Received) -> bool:
        key = self.server.model_server.key
        if key is None or key in {request.headers.get("authorization", "")[7:], request.headers.get("x-api-key")}:
            return True
        self._fault("401", request)
        return False

    def _wire(self) -> str:
        return "anthropic" if "anthropic-version" in self.headers else "openai"

    def _names(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _drop(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _json(self, status: int, body: object, headers: Mapping[str, str] | None = None, *, whole: bool = True) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", headers, whole=whole)

    def _send(
        self,
        status: int,
        data: bytes,
        content_type: str,
        headers: Mapping[str, str] | None = None,
        *,
        whole: bool = True,
    ) -> None:
        self.send_response(status)
        extra = self.server.model_server.fault_headers if status != 200 else {}
        for name, value in {"Content-Type": content_type, **extra, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data if whole else data[: len(data) // 2])

"""What a model's server or the way to it did wrong, as one of our errors. Both wires share it.

Servers say the same thing in many words; the patterns here are those of OpenAI, Anthropic, vLLM, llama.cpp, Ollama
and common gateways. A message never holds a secret: what a provider echoes is scrubbed and cut short.

Some servers repeat the whole request, pictures included. Only what costs time in proportion to its length sees all of
a server's words; every pattern sees a few thousand characters of them, and looks ahead a bounded way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2

from zoomrefine_mcp.backends.clients.decoded import at
from zoomrefine_mcp.backends.clients.sealed import retry_after_s
from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.errors import (
    BackendAuth,
    BackendError,
    BackendFailure,
    BackendRateLimited,
    BackendTimeout,
    BackendUnreachable,
    ContextTooLong,
    ModelNotFound,
    ModelRefused,
    PictureRefused,
)
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.safe_text import whole_characters

MAX_ECHO_CHARS = 300
"""How much of a server's own words an error repeats."""

_WORDS_HEAD, _WORDS_TAIL = 3000, 1000
"""How much of a server's words is looked at: their beginning and their end, in characters."""

_MIN_SECRET_CHARS = 4
"""A shorter "secret" is a placeholder such as ``x``; replacing it would garble every message."""

_KEY_LIKE = re.compile(r"\bBearer +\S+|\b(?:sk|pk|xai|gsk|hf)[-_][\w*.\-]{8,}|\bAIza[\w*.\-]{8,}", re.IGNORECASE)
_RUN = re.compile(r"[\w\-.*…]+")
_MASK = re.compile(r"\*{2,}|\.{3,}|…")
_TAG = re.compile(r"<[^<>]*>")


def scrub(text: str, endpoint: Endpoint) -> str:
    """A server's words on one line, without this endpoint's secrets (also half masked ones), cut to a sentence or two.

    Args:
        text: What the server said.
        endpoint: Whose secrets it may have echoed.
    """
    text = _looked_at(text, endpoint)
    text = _KEY_LIKE.sub("[secret]", text)
    secrets = _secrets(endpoint)
    text = _RUN.sub(lambda run: "[secret]" if _is_masked(run[0], secrets) else run[0], text)
    text = " ".join(whole_characters(text).split())
    return text if len(text) <= MAX_ECHO_CHARS else text[: MAX_ECHO_CHARS - 1] + "…"


def _looked_at(text: str, endpoint: Endpoint) -> str:
    """Without whole secrets, then cut: the other way round, a cut through a secret would leave half of it."""
    for secret in _secrets(endpoint):
        text = text.replace(secret, "[secret]")
    if len(text) <= _WORDS_HEAD + _WORDS_TAIL:
        return text
    return f"{text[:_WORDS_HEAD]} … {text[-_WORDS_TAIL:]}"


def _secrets(endpoint: Endpoint) -> list[str]:
    """What must not be repeated, the longest first, since one may hold another."""
    return sorted((secret for secret in endpoint.secrets() if len(secret) >= _MIN_SECRET_CHARS), key=len, reverse=True)


def _is_masked(run: str, secrets: list[str]) -> bool:
    """Whether ``abc***xyz`` begins or ends as one of the secrets does."""
    head, *tails = _MASK.split(run)
    ends = [part for part in (head, *(tail.rstrip(".") for tail in tails)) if part]
    return bool(tails) and any(
        secret.startswith(ends_at) or secret.endswith(ends_at) for secret in secrets for ends_at in ends
    )


def connection_fault(cause: BaseException | None, endpoint: Endpoint) -> BackendFailure:
    """No answer at all: refused, unresolved, broken, or too late.

    Args:
        cause: What the HTTP client raised, beneath the SDK's own error.
        endpoint: Where it was sent.
    """
    address = endpoint.address
    if isinstance(cause, httpx2.ReadTimeout | httpx2.WriteTimeout | httpx2.PoolTimeout):
        return BackendTimeout(f"The server at {address} took too long.", hint="Try again, or ask a faster model.")
    words = scrub(str(cause or ""), endpoint)
    if isinstance(cause, httpx2.ReadError | httpx2.WriteError | httpx2.RemoteProtocolError):
        return BackendUnreachable(
            f"The connection to {address} broke before the answer came.",
            hint="Look into the server's log; it may have stopped, or run out of memory.",
            reason=words,
        )
    if isinstance(cause, httpx2.ConnectTimeout):
        words = "it does not answer"
    if "CERTIFICATE" in words.upper():
        hint = "Its certificate is not trusted here; set SSL_CERT_FILE to the authority's certificate."
    elif endpoint.official:
        hint = "Is this machine connected to the internet? Behind a proxy, set HTTPS_PROXY."
    elif endpoint.backend == "vllm":
        hint = "Is the server running there? Start it with `vllm serve MODEL`, or set another address with --base-url."
    else:
        hint = f"Is the server running at {address}? Another address is set with --base-url."
    return BackendUnreachable(f"Cannot reach {address}: {words or 'no connection'}.", hint=hint)


def status_fault(
    status: int, body: object, headers: Mapping[str, str], *, endpoint: Endpoint, model: str
) -> BackendFailure:
    """An answer with a status other than success (or a success whose body is an error).

    Args:
        status: The HTTP status.
        body: The body: decoded JSON, or text.
        headers: The response's headers.
        endpoint: Who answered.
        model: Which model was asked.
    """
    reply = _Reply(status, _looked_at(_words(body), endpoint), body, headers, endpoint, model)
    for told in (_by_status, _by_words):
        fault = told(reply)
        if fault is not None:
            return fault
    said = f": {reply.said}" if reply.said else ""
    hint = "Try again later; the server's log says more." if status >= 500 else ""
    return BackendError(f"The server at {endpoint.address} answered {status}{said}", hint=hint, status=status)


def unread_body(why: str, endpoint: Endpoint, status: int) -> BackendError:
    """A success whose body was not read to its end.

    Args:
        why: What was wrong with it, behind "answered with".
        endpoint: Who answered.
        status: The HTTP status.
    """
    return BackendError(
        f"The server at {endpoint.address} answered with {why}.",
        hint="Is --base-url the address of its API? A gateway on the way may have changed the answer.",
        status=status,
    )


def not_json(text: str, endpoint: Endpoint) -> BackendFailure:
    """A success whose body is not what the API speaks: a web page, or garbage."""
    if re.match(r"\s*<(!doctype|html|\?xml)", text, re.IGNORECASE):
        what = "answered with a web page instead of a model's reply"
    else:
        what = "answered with something that is no model's reply"
    end = "" if endpoint.wire == "anthropic" else ", usually with /v1 at its end"
    return BackendError(f"The server at {endpoint.address} {what}.", hint=f"Is --base-url the address of its API{end}?")


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer that is a fault, with as much of its words as is looked at."""

    status: int
    raw: str
    body: object
    headers: Mapping[str, str]
    endpoint: Endpoint
    model: str

    @property
    def words(self) -> str:
        return self.raw.lower()

    @property
    def said(self) -> str:
        return scrub(self.raw, self.endpoint)


def _words(body: object) -> str:
    """The message inside an error's body, in whichever of the usual places; else the body as text."""
    if isinstance(body, str):
        return _TAG.sub(" ", body) if body.lstrip().startswith("<") else body
    if isinstance(body, list) and body:
        body = body[0]  # Gemini's OpenAI-compatible address wraps its error in a list
    try:
        return _message(body)
    except RecursionError:  # nested almost as deep as can be decoded
        return ""


def _message(body: object) -> str:
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, str):
            return inner
        if isinstance(inner, dict):
            parts = [inner.get(name) for name in ("message", "detail", "code")]
            return " ".join(str(part) for part in parts if isinstance(part, str | list) and part)
    return "" if body is None else json.dumps(body, default=str)


def _by_status(reply: _Reply) -> BackendFailure | None:
    """What the status alone says."""
    address, said = reply.endpoint.address, f": {reply.said}" if reply.said else "."
    match reply.status:
        case 401 | 403:
            return _key_refused(reply)
        case 402:
            return BackendError(
                f"{address} wants to be paid{said}", hint="Look into the account's billing.", status=402
            )
        case 413:
            return _picture_refused(reply)
        case 404:
            return _by_words(reply) or _not_found(reply)
        case 408 | 504:
            return BackendTimeout(f"The server at {address} gave up waiting{said}", hint="Try again.")
        case 429 | 529:
            return _rate_limited(reply)
        case 503 if retry_after_s(reply.headers) is not None:
            return _rate_limited(reply)
        case status if 300 <= status < 400:
            target = scrub(reply.headers.get("location", "elsewhere").split("?")[0], reply.endpoint)
            return BackendError(
                f"{address} redirects to {target}; pictures and keys follow no redirect.",
                hint="If you trust that address, set it with --base-url.",
                status=status,
            )
    return None


def _by_words(reply: _Reply) -> BackendFailure | None:
    """What the message says, whatever the status."""
    return next((make(reply) for pattern, make in _SAYINGS if pattern.search(reply.words)), None)


def _key_refused(reply: _Reply) -> BackendFailure:
    endpoint, variable = reply.endpoint, reply.endpoint.key_variable
    if endpoint.api_key is None and endpoint.auth_token is None:
        what, hint = "wants a key and got none", f"Set {variable}; other keys do not go to this address."
    else:
        what, hint = "did not accept the key", f"Check {variable}."
    said = f": {reply.said}" if reply.said else "."
    return BackendAuth(f"{endpoint.address} {what}{said}", hint=hint, variable=variable)


def _rate_limited(reply: _Reply) -> BackendFailure:
    pause = retry_after_s(reply.headers)
    if "quota" in reply.words or "credit" in reply.words:
        hint = "The account's quota is spent; look into its billing."
    elif pause is not None:
        hint = f"It asks to wait {pause:.0f} s."
    else:
        hint = "Wait a moment and try again."
    said = f": {reply.said}" if reply.said else "."
    what = "is overloaded" if reply.status in {503, 529} else "limits the rate of requests"
    return BackendRateLimited(f"{reply.endpoint.address} {what}{said}", hint=hint, retry_after_s=pause)


def _no_model(reply: _Reply) -> BackendFailure:
    return ModelNotFound(
        f"{reply.endpoint.address} does not know the model {reply.model!r}: {reply.said}",
        hint="Set --model (ZOOMREFINE_MODEL) to a model that the server offers and that your key may use.",
        model=reply.model,
    )


def _not_found(reply: _Reply) -> BackendFailure:
    if "model" in reply.words or (reply.model and reply.model.lower() in reply.words):
        return _no_model(reply)
    end = "" if reply.endpoint.wire == "anthropic" else " It usually ends in /v1."
    return BackendError(
        f"{reply.endpoint.address} does not know what was asked of it (404): {reply.said}",
        hint=f"Is --base-url the address of the API?{end}",
        status=404,
    )


def _one_picture_only(reply: _Reply) -> BackendFailure:
    return BackendError(
        f"The server at {reply.endpoint.address} takes fewer pictures than a zoom needs: {reply.said}",
        hint="View and crop are two pictures; start vLLM with --limit-mm-per-prompt '{\"image\": 4}'.",
        status=reply.status,
    )


def _no_pictures(reply: _Reply) -> BackendFailure:
    return BackendError(
        f"The model {reply.model!r} takes no pictures: {reply.said}",
        hint="Choose a model with vision (--model).",
        status=reply.status,
    )


def _picture_refused(reply: _Reply) -> BackendFailure:
    limit, limit_bytes = picture_limit(reply.raw, reply.body)
    if limit_bytes is not None and reply.endpoint.wire == "anthropic":
        limit_bytes = limit_bytes * 3 // 4  # it counts the base64, which is a third longer than the picture
    return PictureRefused(
        f"The server at {reply.endpoint.address} refused a picture: {reply.said}",
        hint="Set a smaller --view-edge.",
        limit=limit,
        limit_bytes=limit_bytes,
    )


def _context_too_long(reply: _Reply) -> BackendFailure:
    return ContextTooLong(
        f"The conversation does not fit into the model's context: {reply.said}",
        hint="Set a smaller --view-edge or --max-tokens, or serve the model with a longer context.",
    )


def _refused(reply: _Reply) -> BackendFailure:
    return ModelRefused(f"{reply.endpoint.address} declined to answer: {reply.said}", hint="Ask in other words.")


_SAYINGS: tuple[tuple[re.Pattern[str], Callable[[_Reply], BackendFailure]], ...] = (
    (re.compile(r"at most \d+ (image|video|multimodal|\S*item)"), _one_picture_only),
    (
        re.compile(
            r"context.?length|context (size|window|limit)|maximum model length|max_model_len|prompt is too long"
            r"|input is too long|too many (input )?tokens"
        ),
        _context_too_long,
    ),
    (
        re.compile(
            r"image_dimensions_too_large"
            r"|(image|picture).{0,300}?(exceed|too (large|big)|larger than|decompression bomb)"
            r"|exceed.{0,300}?\b(image|picture)|(image|picture).{0,300}?largest .{0,100}?fit"
        ),
        _picture_refused,
    ),
    (
        re.compile(
            r"not a multimodal model|(not|n't) support (image|vision|multimodal)|support image input"
            r"|image input is not supported|unknown variant `?image_url"
        ),
        _no_pictures,
    ),
    (re.compile(r"content.?(policy|filter|management)|safety system"), _refused),
    (re.compile(r"model_not_found|\bmodel\b.{0,300}?(does not exist|not found|not exist)|unknown model"), _no_model),
    (re.compile(r"overloaded|at capacity|rate.?limit|resource.?exhausted"), _rate_limited),
    (re.compile(r"api key not valid|(invalid|incorrect|missing|no).{0,10}api.?key"), _key_refused),
)
"""What servers say, in lower case, and what it means; the first that matches counts."""


def picture_limit(words: str, body: object = None) -> tuple[Size | None, int | None]:
    """The largest picture that a refusal names, in pixels and in bytes, each None where it does not say.

    A refusal names what was sent and what is allowed; what is allowed is the smaller.

    >>> picture_limit("image dimensions 4000x3000 exceed the model's maximum; the largest that fits is 1568x1176")
    (Size(width=1568, height=1176), None)
    >>> picture_limit("image exceeds 5 MB maximum: 6213764 bytes > 5242880 bytes")
    (None, 5242880)

    Args:
        words: The server's message.
        body: The decoded body, where Anthropic's ``max_side_length_pixels`` may stand.
    """
    edges = [
        int(number) for number in re.findall(r"max\w{0,10} (?:allowed )?(?:size|edge|side)\D{0,40}(\d{3,5}) ?p", words)
    ]
    edge = at(body, "error", "details", "max_side_length_pixels")
    if isinstance(edge, int) and 1 < edge < 10**6:
        edges.append(edge)
    pairs = [
        Size(int(width), int(height))
        for width, height in re.findall(r"\b([1-9]\d{1,5}) ?[x\u00d7] ?([1-9]\d{1,5})\b", words)
    ]
    sizes = [Size(edge, edge) for edge in edges] or (pairs if len(pairs) > 1 else [])
    counts = [int(number) for number in re.findall(r"\b([1-9]\d{3,11}) ?bytes", words)]
    counts = counts or [
        int(float(number) * 1e6) for number in re.findall(r"\b(\d{1,6}(?:\.\d{1,6})?) ?M(?:i?B|egabytes)", words)
    ]
    return min(sizes, key=lambda size: size.pixels, default=None), min(counts, default=None)

"""What a model's server or the way to it did wrong, as one of our errors. Both wires share it.

Servers say the same thing in many words; the patterns here are those of OpenAI, Anthropic, vLLM, llama.cpp, Ollama
and common gateways. A message never holds a secret: what a provider echoes is scrubbed and cut short. Every pattern
sees a few thousand characters of it, and looks ahead a bounded way.

A fault that may pass says how many tries it is worth (``context["worth_tries"]``); ``retries.py`` obeys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import httpx2

from zoomrefine_mcp.backends.clients.picture_limits import picture_limit
from zoomrefine_mcp.backends.clients.retries import BRIEF, LASTING, retry_after_s
from zoomrefine_mcp.backends.clients.scrubbing import looked_at, scrub
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

_TAG = re.compile(r"<[^<>]*>")
_ABOUT_SCHEMAS = re.compile(
    r"response.?format|json.?schema|output.?config|structured.?output|guided|grammar", re.IGNORECASE
)


def connection_fault(cause: BaseException | None, endpoint: Endpoint) -> BackendFailure:
    """No answer at all: refused, unresolved, broken, or too late.

    Args:
        cause: What the HTTP client raised, beneath the SDK's own error.
        endpoint: Where it was sent.
    """
    address = endpoint.address
    if isinstance(cause, httpx2.ReadTimeout | httpx2.WriteTimeout | httpx2.PoolTimeout):
        return BackendTimeout(
            f"The server at {address} took too long.", hint="Try again, or ask a faster model.", worth_tries=BRIEF
        )
    words = scrub(str(cause or ""), endpoint)
    if isinstance(cause, httpx2.ReadError | httpx2.WriteError | httpx2.RemoteProtocolError):
        return BackendUnreachable(
            f"The connection to {address} broke before the answer came.",
            hint="Look into the server's log; it may have stopped, or run out of memory.",
            reason=words,
            worth_tries=LASTING,
        )
    if isinstance(cause, httpx2.ConnectTimeout):
        words = "it does not answer"
    certified = "CERTIFICATE" not in words.upper()
    if not certified:
        hint = "Its certificate is not trusted here; set SSL_CERT_FILE to the authority's certificate."
    elif endpoint.official:
        hint = "Is this machine connected to the internet? Behind a proxy, set HTTPS_PROXY."
    elif endpoint.backend == "vllm":
        hint = "Is the server running there? Start it with `vllm serve MODEL`, or set another address with --base-url."
    else:
        hint = f"Is the server running at {address}? Another address is set with --base-url."
    return BackendUnreachable(
        f"Cannot reach {address}: {words or 'no connection'}.", hint=hint, worth_tries=BRIEF if certified else 1
    )


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
    reply = _Reply(status, looked_at(_words(body), endpoint), body, headers, endpoint, model)
    for told in (_by_status, _by_words):
        fault = told(reply)
        if fault is not None:
            return fault
    said = f": {reply.said}" if reply.said else ""
    hint = "Try again later; the server's log says more." if status >= 500 else ""
    passes = status in {409, 425} or (status >= 500 and status != 501 and not is_about_schemas(reply.raw))
    return BackendError(
        f"The server at {endpoint.address} answered {status}{said}",
        hint=hint,
        status=status,
        worth_tries=LASTING if passes else 1,
    )


def is_about_schemas(words: str) -> bool:
    """Whether a server speaks of the reply schema that a request carried."""
    return bool(_ABOUT_SCHEMAS.search(words))


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
    """A success whose body is not what the API speaks: a web page, garbage, or a reply that was cut off on its way."""
    if re.match(r"\s*<(!doctype|html|\?xml)", text, re.IGNORECASE):
        what = "answered with a web page instead of a model's reply"
    else:
        what = "answered with something that is no model's reply"
    end = "" if endpoint.wire == "anthropic" else ", usually with /v1 at its end"
    return BackendError(
        f"The server at {endpoint.address} {what}.",
        hint=f"Is --base-url the address of its API{end}?",
        worth_tries=BRIEF,
    )


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
            return BackendTimeout(
                f"The server at {address} gave up waiting{said}", hint="Try again.", worth_tries=LASTING
            )
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
    spent = "insufficient_quota" in reply.words or "current quota" in reply.words or "credit" in reply.words
    if spent:
        hint = "The account's quota is spent; look into its billing."
    elif pause is not None:
        hint = f"It asks to wait {pause:.0f} s."
    else:
        hint = "Wait a moment and try again."
    said = f": {reply.said}" if reply.said else "."
    what = "is overloaded" if reply.status in {503, 529} else "limits the rate of requests"
    return BackendRateLimited(
        f"{reply.endpoint.address} {what}{said}", hint=hint, retry_after_s=pause, worth_tries=1 if spent else LASTING
    )


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


def _fewer_pictures(reply: _Reply) -> BackendFailure:
    if re.search(r"at most 0 ", reply.words):
        return _no_pictures(reply)
    return BackendError(
        f"The server at {reply.endpoint.address} takes fewer pictures than a zoom needs: {reply.said}",
        hint="View and crop are two pictures in one conversation; start vLLM with --limit-mm-per-prompt "
        "'{\"image\": 4}', or use --policy direct.",
        status=reply.status,
    )


def _no_pictures(reply: _Reply) -> BackendFailure:
    return BackendError(
        f"The model {reply.model!r} takes no pictures: {reply.said}",
        hint="Choose a model with vision (--model).",
        status=reply.status,
    )


def _picture_refused(reply: _Reply) -> BackendFailure:
    limit = picture_limit(reply.raw, reply.body)
    if limit.bytes is not None and reply.endpoint.wire == "anthropic":
        # It counts the base64, which is a third longer than the picture.
        limit = replace(limit, bytes=limit.bytes * 3 // 4)
    return PictureRefused(
        f"The server at {reply.endpoint.address} refused a picture: {reply.said}",
        hint="Set a smaller --view-edge.",
        limit=limit,
    )


def _context_too_long(reply: _Reply) -> BackendFailure:
    return ContextTooLong(
        f"The conversation does not fit into the model's context: {reply.said}",
        hint="Set a smaller --view-edge or --max-tokens, or serve the model with a longer context.",
    )


def _refused(reply: _Reply) -> BackendFailure:
    return ModelRefused(f"{reply.endpoint.address} declined to answer: {reply.said}", hint="Ask in other words.")


_SAYINGS: tuple[tuple[re.Pattern[str], Callable[[_Reply], BackendFailure]], ...] = (
    (re.compile(r"at most \d+ (image|video|multimodal|\S*item)"), _fewer_pictures),
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
            r"|(image|picture).{0,300}?(exceed|too (large|big|many (pixels|patches))|larger than|decompression bomb)"
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

"""One call through an SDK: its answer as decoded JSON, its exceptions as our errors.

The SDKs' typed results are not used: they hold whatever a server sent, an HTML page or an empty list included, and
lose what they do not know. Both wires read the decoded body themselves.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import anyio
import httpx2

from zoomrefine_mcp.backends.clients.base import Completion
from zoomrefine_mcp.backends.clients.bodies import unread
from zoomrefine_mcp.backends.clients.decoded import at, text_at
from zoomrefine_mcp.backends.clients.faults import (
    connection_fault,
    is_about_schemas,
    not_json,
    status_fault,
    unread_body,
)
from zoomrefine_mcp.backends.clients.retries import IN_TIME_S, Patience, persist
from zoomrefine_mcp.backends.clients.scrubbing import looked_at
from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.errors import BackendError, BackendFailure, ModelNotFound
from zoomrefine_mcp.records import ReplyForm

MAX_CANDIDATES = 10
"""How many models an error names."""

MAX_NAME_CHARS = 200
"""The longest name of a model that anybody would type."""

_MOST_COMPARED = 1000
"""How many names are compared with the one that was meant; the largest catalogues have some hundreds."""

_LONGEST_LISTING_S = 10.0
"""How long a list that only improves an error is waited for, in seconds."""


class RawResponse(Protocol):
    """What ``with_raw_response`` returns in both SDKs."""

    @property
    def http_response(self) -> httpx2.Response: ...


async def exchange(
    call: Callable[[], Awaitable[RawResponse]],
    sdk: Any,
    *,
    endpoint: Endpoint,
    model: str,
    patience: Patience,
    listing: Callable[[], Awaitable[tuple[str, ...]]] | None = None,
) -> dict[str, Any]:
    """Make a call of an SDK, again where a fault may pass, and decode what came.

    Args:
        call: Makes the request: ``client. ... .with_raw_response.create(...)``.
        sdk: The SDK's module, whose exceptions have the same names in both.
        endpoint: Who is asked.
        model: Which model, for messages.
        patience: How often a fault is met before it is told.
        listing: Asks the server for its models, where it may not know the one that is asked.

    Raises:
        BackendFailure: By its kind. It is not chained to the SDK's exception, whose words may repeat a key.
    """
    try:
        return await persist(partial(_try, call, sdk, endpoint, model), patience)
    except ModelNotFound as fault:
        if listing is None:
            raise
        raise await _with_candidates(fault, listing(), endpoint) from None


async def _try(call: Callable[[], Awaitable[RawResponse]], sdk: Any, endpoint: Endpoint, model: str) -> dict[str, Any]:
    """One request.

    Raises:
        BackendFailure: By its kind. It is not chained to the SDK's exception, whose words may repeat a key.
    """
    try:
        raw = await call()
    except sdk.APIStatusError as error:
        text = error.response.text
        body = _decoded(text)
        raise status_fault(
            error.status_code, text if body is None else body, error.response.headers, endpoint=endpoint, model=model
        ) from None
    except sdk.APIConnectionError as error:
        raise connection_fault(error.__cause__, endpoint) from None
    response = raw.http_response
    why = unread(response)
    if why is not None:
        raise unread_body(why, endpoint, response.status_code)
    body = _decoded(response.text)
    if not isinstance(body, dict):
        raise not_json(response.text, endpoint)
    if body.get("error") and not {"choices", "content", "data"} & body.keys():
        # Some gateways answer 200 and put the fault inside.
        code = body["error"].get("code") if isinstance(body["error"], dict) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
        raise status_fault(status, body, response.headers, endpoint=endpoint, model=model)
    return body


async def _with_candidates(
    fault: ModelNotFound, listing: Awaitable[tuple[str, ...]], endpoint: Endpoint
) -> ModelNotFound:
    """The same fault with the models that the server does offer, those of a similar name first.

    Args:
        fault: Says that the server does not know the model.
        listing: Asks the server for its models; that it cannot tell, or not soon, changes nothing.
        endpoint: Who is asked.
    """
    names: tuple[str, ...] = ()
    until = min(anyio.current_time() + _LONGEST_LISTING_S, anyio.current_effective_deadline() - IN_TIME_S)
    with anyio.move_on_at(until):
        try:
            names = await listing
        except BackendFailure:
            return fault
    shown = candidates(nearest_first(str(fault.context.get("model", "")), names), endpoint)
    if not shown:
        return fault
    hint = f"The server offers {listed(shown, len(names))}. Name one with --model (ZOOMREFINE_MODEL)."
    return ModelNotFound(fault.message, hint=hint, **{**fault.context, "candidates": shown})


def nearest_first(meant: str, names: Sequence[str]) -> tuple[str, ...]:
    """A server's models, those whose names are like the one that was meant first."""
    close = difflib.get_close_matches(meant, names[:_MOST_COMPARED], n=MAX_CANDIDATES, cutoff=0.5)
    return tuple(dict.fromkeys((*close, *names)))


def listed(shown: Sequence[str], of: int) -> str:
    """Some of ``of`` models in words.

    >>> listed(("a", "b"), 5)
    'a, b, and 3 more'
    """
    return ", ".join(shown) + (f", and {of - len(shown)} more" if of > len(shown) else "")


def candidates(names: Sequence[str], endpoint: Endpoint) -> tuple[str, ...]:
    """The first of a server's models, as an error may name them: a server may list what it was sent, the key too."""
    return tuple(looked_at(name, endpoint) for name in names[:MAX_CANDIDATES])


class Binding:
    """What binds replies to a schema, until the server refuses it: from then on they are read from text.

    Args:
        parameters: What a request carries for it; None binds nothing.
    """

    def __init__(self, parameters: Mapping[str, Any] | None) -> None:
        self._parameters = parameters

    async def send(
        self, send: Callable[[dict[str, Any]], Awaitable[Completion]], request: dict[str, Any], form: ReplyForm
    ) -> Completion:
        """Send a request, bound where its form and the server allow it.

        Raises:
            BackendFailure: By its kind.
        """
        if form is ReplyForm.TEXT or self._parameters is None:
            return await send(request)
        try:
            return await send({**request, **self._parameters})
        except BackendError as error:
            if not _refuses_schema(error):
                raise
        self._parameters = None  # from now on: replies are read tolerantly anyway
        return await send(request)


def _refuses_schema(fault: BackendError) -> bool:
    """Whether a server refused a request because of the reply schema in it: many compatible servers know none."""
    return fault.context.get("status") in {400, 404, 422, 500, 501} and is_about_schemas(fault.message)


def _decoded(text: str) -> Any:
    """The body as JSON, control characters inside strings allowed; None where it is none."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def model_names(body: Any) -> tuple[str, ...]:
    """The names in a list of models, in the server's order: those that somebody could type."""
    data = at(body, "data")
    names = [text_at(entry, "id") for entry in data] if isinstance(data, list) else []
    return tuple(dict.fromkeys(name for name in names if 0 < len(name) <= MAX_NAME_CHARS and name.isprintable()))

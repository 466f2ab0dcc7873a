"""Which model, where the user named none."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2

from zoomrefine_mcp.backends.clients import anthropic, openai
from zoomrefine_mcp.backends.clients.exchange import candidates, listed
from zoomrefine_mcp.backends.clients.sealed import LISTING_TIMEOUT_S
from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.errors import BackendError, ModelNotFound, ModelRequired


async def pick_model(
    endpoint: Endpoint,
    *,
    timeout_s: float = LISTING_TIMEOUT_S,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> str:
    """The only model that the server offers.

    Args:
        endpoint: A chat endpoint (the OpenAI or the Anthropic wire).
        timeout_s: The longest wait for each step on the socket, in seconds.
        transport: Stands in for the network in tests.

    Raises:
        ModelRequired: It offers several (``context["candidates"]`` names some), or does not say.
        BackendFailure: It cannot be asked; ``BackendTimeout`` where it takes the question and never answers.
    """
    list_models = anthropic.list_models if endpoint.wire == "anthropic" else openai.list_models
    try:
        names = await list_models(endpoint, timeout_s=timeout_s, transport=transport)
    except (BackendError, ModelNotFound):
        names = ()  # it answers, but has no list
    if len(names) == 1:
        return names[0]
    raise _choose_one(endpoint, names)


def _choose_one(endpoint: Endpoint, names: Sequence[str]) -> ModelRequired:
    shown = candidates(names, endpoint)
    what = f"offers {len(names)} models: {listed(shown, len(names))}" if shown else "lists no models"
    lacks_version = endpoint.wire == "openai" and not shown and not endpoint.address.endswith("/v1")
    return ModelRequired(
        f"Which model? {endpoint.address} {what}.",
        hint=(
            f"Most servers' address ends in /v1: try --base-url {endpoint.address}/v1. Else name"
            if lacks_version
            else "Name"
        )
        + " one with --model (ZOOMREFINE_MODEL); it has to take pictures.",
        candidates=shown,
    )

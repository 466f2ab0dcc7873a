"""Which model servers answer on this machine, and the flags that would use them.

They are only asked for their lists of models: no picture, no question and no key is sent.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio

from zoomrefine_mcp.backends.clients.exchange import listed
from zoomrefine_mcp.backends.clients.network import is_this_machine
from zoomrefine_mcp.backends.clients.openai import list_models
from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.doctor.checks import Check, Status, ok, skipped
from zoomrefine_mcp.errors import BackendAuth, BackendFailure, BackendTimeout, BackendUnreachable

ANSWERS_WITHIN_S = 3.0
"""A server on this machine that has not listed its models by then is not waited for, in seconds."""

MAX_NAMED = 5
"""How many of a server's models a finding names."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that people run on their own machine.

    Attributes:
        name: As it stands in the check's name.
        base_url: Where it listens by default.
    """

    name: str
    base_url: str


LOCAL_SERVERS = (
    LocalServer("vllm", "http://localhost:8000/v1"),
    LocalServer("ollama", "http://localhost:11434/v1"),
    LocalServer("lm_studio", "http://localhost:1234/v1"),
    LocalServer("llama_server", "http://localhost:8080/v1"),
)


async def look_around(servers: Sequence[LocalServer], configured: str) -> list[Check]:
    """Ask all of them at once.

    Args:
        servers: Whom to ask.
        configured: The address that questions go to; that server needs no flags.
    """
    found: dict[int, Check] = {}

    async def ask(number: int, server: LocalServer) -> None:
        found[number] = await _look_at(server, is_configured=_place(server.base_url) == _place(configured))

    async with anyio.create_task_group() as asking:
        for number, server in enumerate(servers):
            asking.start_soon(ask, number, server)
    return [found[number] for number in range(len(servers))]


async def _look_at(server: LocalServer, *, is_configured: bool) -> Check:
    name, address = f"local_{server.name}", server.base_url
    models: tuple[str, ...] | None = None
    try:
        with anyio.move_on_after(ANSWERS_WITHIN_S):
            models = await list_models(Endpoint("openai", "openai", address), timeout_s=ANSWERS_WITHIN_S)
    except BackendUnreachable:
        return skipped(name, f"Nothing answers at {address}.")
    except BackendAuth:
        advice = "" if is_configured else f"To use it: --base-url {address}, its key in ZOOMREFINE_API_KEY."
        return Check(name, Status.OK, f"A server at {address} wants a key.", advice)
    except BackendTimeout:
        models = None
    except BackendFailure:
        return skipped(name, f"What answers at {address} lists no models; it may be something else.")
    if models is None:
        return skipped(
            name, f"What listens at {address} did not say within {ANSWERS_WITHIN_S:.0f} s what models it has."
        )
    return ok(
        name,
        _told(address, models),
        "" if is_configured else _flags(address, models),
        models=list(models[:50]),
        base_url=address,
    )


def _told(address: str, models: Sequence[str]) -> str:
    named = f": {listed(models[:MAX_NAMED], len(models))}." if models else ", with no model."
    return f"A server answers at {address}{named}"


def _flags(address: str, models: Sequence[str]) -> str:
    """The flags that would use it, with a model that sees pictures as far as the names tell."""
    seeing = [model for model in models if profile_for(model, wire="openai").name != "unknown"]
    if seeing:
        return f"To use it: --base-url {address} --model {shlex.quote(seeing[0])}"
    if not models:
        return "Load a model that takes pictures there."
    return f"To use it: --base-url {address} --model NAME, with a model that takes pictures."


def _place(address: str) -> tuple[str, int | None]:
    """Host and port, every name of this machine being one."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    return "localhost" if is_this_machine(host) else host, parts.port or {"http": 80, "https": 443}.get(parts.scheme)

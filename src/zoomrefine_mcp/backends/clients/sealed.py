"""The HTTP client under both SDKs: what leaves this machine is decided here, header by header.

Both SDKs read the environment by themselves (keys, tokens, organization, project, custom headers) and send what they
find to whatever address they are given. Rather than closing each of those doors, every request is stripped of all its
headers just before it is sent and gets back a fixed set of plain ones and those that its endpoint owns.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

from zoomrefine_mcp.backends.clients.bodies import BoundedTransport
from zoomrefine_mcp.backends.clients.network import way_to
from zoomrefine_mcp.backends.clients.retries import Patience
from zoomrefine_mcp.backends.endpoints import Endpoint

TIMEOUT = httpx2.Timeout(connect=10.0, write=60.0, read=600.0, pool=10.0)
"""Of one step on the socket, in seconds. A model may think long, so reading waits; the caller's deadline cuts it."""

LISTING_TIMEOUT_S = 10.0
"""Of one step on the socket where a server is asked for its models, in seconds: nothing has to be thought about."""

LISTING_PATIENCE = Patience(tries=2)
"""How often it is asked for them."""

_FRAMING = ("content-length", "transfer-encoding")
_RAW = ("x-stainless-raw-response", {"true", "raw"})  # the SDKs look for their own mark on the request that was sent
_ANTHROPIC_VERSION = "2023-06-01"


class Seal:
    """Rewrites the headers of each request to what its endpoint may get.

    Args:
        endpoint: Whose headers these are.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        plain = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "keep-alive",
            "User-Agent": "zoomrefine-mcp",
        }
        if endpoint.wire == "anthropic":
            plain["anthropic-version"] = _ANTHROPIC_VERSION
        self._plain = plain
        self._owned = {name: value.get_secret_value() for name, value in endpoint.headers}
        for name, value in (("OpenAI-Organization", endpoint.organization), ("OpenAI-Project", endpoint.project)):
            if value is not None:
                self._owned.setdefault(name, value.get_secret_value())
        self._credentials: dict[str, str] = {}

    def admit(self, credentials: Mapping[str, str]) -> None:
        """Let these headers through too: how this wire's SDK writes the endpoint's own key."""
        self._credentials = dict(credentials)

    async def on_request(self, request: httpx2.Request) -> None:
        """The hook: drop every header, then write those that belong."""
        framing = {name: request.headers[name] for name in _FRAMING if name in request.headers}
        headers = httpx2.Headers({"Host": request.url.netloc.decode("ascii")})
        headers.update(self._plain)
        if framing:
            headers["Content-Type"] = "application/json"
        if request.headers.get(_RAW[0]) in _RAW[1]:
            headers[_RAW[0]] = request.headers[_RAW[0]]
        headers.update(self._credentials)
        headers.update(self._owned)
        headers.update(framing)
        request.headers = headers


def sealed_http(
    endpoint: Endpoint, transport: httpx2.AsyncBaseTransport | None = None
) -> tuple[httpx2.AsyncClient, Seal]:
    """An HTTP client for one endpoint, and its seal.

    It follows no redirect, since that would carry pictures and headers to an address that nobody chose, asks no
    proxy for this machine's own addresses, and reads no more of an answer than a model writes.

    Args:
        endpoint: Where it sends.
        transport: Stands in for the network in tests.

    Raises:
        BadRequest: The environment names a proxy or certificates that cannot be used.
    """
    seal = Seal(endpoint)
    client = httpx2.AsyncClient(
        timeout=TIMEOUT,
        follow_redirects=False,
        trust_env=False,  # what it says was read for this address alone
        transport=BoundedTransport(transport or way_to(endpoint)),
        event_hooks={"request": [seal.on_request]},
    )
    return client, seal

"""The HTTP client under both SDKs: what leaves this machine is decided here, header by header.

Both SDKs read the environment by themselves (keys, tokens, organization, project, custom headers) and send what they
find to whatever address they are given. Rather than closing each of those doors, every request is stripped of all its
headers just before it is sent and gets back a fixed set of plain ones and those that its endpoint owns.
"""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping

import httpx2

from zoomrefine_mcp.backends.clients.bodies import BoundedTransport
from zoomrefine_mcp.backends.clients.network import way_to
from zoomrefine_mcp.backends.endpoints import Endpoint

MAX_RETRIES = 2
"""Retries are the SDK's own: of a connection that broke, 408, 409, 429 and 5xx. At least one is needed, since a
connection kept from before a server's fault may be reset."""

LONGEST_RETRY_AFTER_S = 8.0
"""A server that asks for a longer pause is not waited for: an error that says so beats a deadline that passes. It is
the longest pause that the SDKs choose by themselves."""

TIMEOUT = httpx2.Timeout(connect=10.0, write=60.0, read=600.0, pool=10.0)
"""Of one step on the socket, in seconds. A model may think long, so reading waits; the caller's deadline cuts it."""

LISTING_TIMEOUT_S = 10.0
"""Of one step on the socket where a server is asked for its models, in seconds: nothing has to be thought about."""

LISTING_RETRIES = 1
"""How often it is asked again for them."""

_LONGEST_NAMED_S = 366 * 24 * 3600.0  # a longer pause is not repeated in figures
_PAUSES = (("retry-after-ms", 1000.0), ("retry-after", 1.0))  # with their units a second, in the SDKs' own order
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


async def refuse_long_pauses(response: httpx2.Response) -> None:
    """The hook that keeps an SDK from sleeping past any deadline because a server asked it to.

    The SDKs read several headers, and stumble over some dates: what they get is one number of seconds, or nothing.
    """
    pause = retry_after_s(response.headers)
    for name, _ in _PAUSES:
        response.headers.pop(name, None)
    if pause is None:
        return
    response.headers["retry-after"] = f"{pause:.3f}"
    if pause > LONGEST_RETRY_AFTER_S:
        response.headers["x-should-retry"] = "false"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The pause that a server asks for, in seconds, by whichever header says so; None where it asks for none.

    >>> retry_after_s({"retry-after": "7", "retry-after-ms": "1500"})
    1.5

    Args:
        headers: The response's, with ``Retry-After`` as a number or a date.
    """
    pauses = (_number(headers.get(name)) / units for name, units in _PAUSES)
    pause = next((pause for pause in pauses if math.isfinite(pause)), math.nan)
    if math.isnan(pause):
        pause = _until(headers.get("retry-after"))
    return None if math.isnan(pause) else min(max(0.0, pause), _LONGEST_NAMED_S)


def _number(text: str | None) -> float:
    try:
        return math.nan if text is None else float(text)
    except ValueError:
        return math.nan


def _until(text: str | None) -> float:
    """Seconds from now to a date, not a number where it is none."""
    date = email.utils.parsedate_tz(text) if text else None
    try:
        return math.nan if date is None else email.utils.mktime_tz(date) - time.time()
    except (ValueError, OverflowError):  # in the year 99999
        return math.nan


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
        event_hooks={"request": [seal.on_request], "response": [refuse_long_pauses]},
    )
    return client, seal

"""What comes back on the wire: too much of it, packed, in odd charsets and with odd headers."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.test_clients import ask, both_wires, client_for
from zoomrefine_mcp.backends.clients.base import Completion
from zoomrefine_mcp.backends.clients.bodies import MAX_BODY_BYTES
from zoomrefine_mcp.errors import BackendAuth, BackendError, BackendRateLimited

pytestmark = pytest.mark.anyio

REPLY = {
    "choices": [{"message": {"content": "größer"}, "finish_reason": "stop"}],
    "content": [{"type": "text", "text": "größer"}],
}
MEGABYTE = b" " * 2**20


class Server:
    """Answers every request with the same, and remembers how often it was asked and how much was taken from it."""

    def __init__(self, body: bytes | str, status: int = 200, *, endless: bool = False, **headers: str) -> None:
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.endless = endless
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.requests: list[httpx2.Request] = []
        self.taken = 0

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return httpx2.Response(self.status, headers=self.headers, content=self._pieces())

    async def _pieces(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += len(self.body)
            yield self.body
            if not self.endless:
                return


async def asked(server: Server, wire: str, **more: Any) -> Completion:
    async with client_for("http://box", wire, transport=httpx2.MockTransport(server), **more) as client:
        return await ask(client)


@both_wires
async def test_an_endless_body_is_left_at_the_bound_and_not_asked_for_again(wire):
    server = Server(MEGABYTE, endless=True)
    with pytest.raises(BackendError, match=r"http://box.* answered with more than 16 MiB") as caught:
        await asked(server, wire, tries=3)
    assert caught.value.hint
    assert len(server.requests) == 1
    assert server.taken <= MAX_BODY_BYTES + len(MEGABYTE)


@both_wires
async def test_a_small_body_that_unpacks_to_too_much_is_left_at_the_bound(wire):
    server = Server(gzip.compress(b" " * (MAX_BODY_BYTES + 1)), content_encoding="gzip")
    with pytest.raises(BackendError, match="more than 16 MiB"):
        await asked(server, wire)


@both_wires
async def test_what_follows_behind_a_packed_body_is_counted_too(wire):
    server = Server(gzip.compress(b"{}") + MEGABYTE, endless=True, content_encoding="gzip")
    with pytest.raises(BackendError, match="more than 16 MiB"):
        await asked(server, wire)
    assert server.taken <= MAX_BODY_BYTES + 2 * len(MEGABYTE)


@both_wires
async def test_a_refused_key_is_one_also_where_the_body_has_no_end(wire):
    with pytest.raises(BackendAuth, match="Unauthorized"):
        await asked(Server(b"Unauthorized " + MEGABYTE, 401, endless=True), wire)


@both_wires
async def test_an_answer_is_not_lost_for_a_header_in_another_charset(wire):
    headers = [(b"X-Served-By", "größer".encode()), (b"X-Cached-By", "größer".encode("latin-1"))]
    body = json.dumps(REPLY).encode()
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, headers=headers, content=body))
    async with client_for("http://box", wire, transport=transport) as client:
        assert (await ask(client)).text == "größer"


@both_wires
@pytest.mark.parametrize(
    ("packed", "packing"), [(gzip.compress, "gzip"), (zlib.compress, "deflate"), (bytes, "identity")]
)
async def test_a_packed_reply_is_read_although_none_was_asked_for(wire, packed, packing):
    server = Server(packed(json.dumps(REPLY).encode()), content_encoding=packing)
    assert (await asked(server, wire)).text == "größer"
    assert server.requests[0].headers["accept-encoding"] == "identity"


@both_wires
@pytest.mark.parametrize(
    ("body", "packing", "says"),
    [
        (b"no gzip", "gzip", "cannot be unpacked"),
        (gzip.compress(json.dumps(REPLY).encode())[:-12], "gzip", "ends early"),
        (b"\x0b\x02\x80{}\x03", "br", "packed as 'br'"),
        (gzip.compress(gzip.compress(b"{}")), "gzip, gzip", "packed as 'gzip, gzip'"),
    ],
)
async def test_a_body_that_cannot_be_unpacked_is_told_and_not_asked_for_again(wire, body, packing, says):
    server = Server(body, content_encoding=packing)
    with pytest.raises(BackendError, match=says):
        await asked(server, wire, tries=3)
    assert len(server.requests) == 1


@both_wires
@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "base64", "rot13", "latin-1", "nonsense"])
async def test_a_reply_is_utf8_whatever_charset_it_names(wire, charset):
    server = Server(json.dumps(REPLY, ensure_ascii=False), content_type=f"application/json; charset={charset}")
    assert (await asked(server, wire)).text == "größer"


@both_wires
@pytest.mark.parametrize("charset", ["utf-16", "base64", "rot13"])
async def test_a_refusal_is_read_whatever_charset_it_names(wire, charset):
    with pytest.raises(BackendError, match="zu groß"):
        await asked(Server("zu groß", 400, content_type=f"text/plain; charset={charset}"), wire)


@both_wires
async def test_a_byte_order_mark_and_bytes_that_are_no_text_do_no_harm(wire):
    assert (await asked(Server(b"\xef\xbb\xbf" + json.dumps(REPLY).encode()), wire)).text == "größer"
    with pytest.raises(BackendError, match="no model's reply"):
        await asked(Server(b"\xff\xfe{\x00}\x00"), wire)


@both_wires
@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e999", "-5", "true", '"many"', "9" * 400])
async def test_an_answer_is_not_lost_for_an_odd_count_of_tokens(wire, number):
    usage = f'{{"prompt_tokens": {number}, "input_tokens": {number}, "completion_tokens": 7, "output_tokens": 7}}'
    completion = await asked(Server(f'{json.dumps(REPLY)[:-1]}, "usage": {usage}}}'), wire)
    assert completion.text == "größer"
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (0, 7)


@both_wires
@pytest.mark.parametrize("pause", [{"retry_after_ms": "100000"}, {"retry_after": "100"}])
async def test_a_long_pause_is_reported_at_once_whichever_header_asks_for_it(wire, pause):
    server = Server("{}", 503, **pause)
    with pytest.raises(BackendRateLimited, match="is overloaded") as caught:
        await asked(server, wire, tries=3)
    assert len(server.requests) == 1
    assert caught.value.context["retry_after_s"] == 100


@both_wires
@pytest.mark.parametrize("when", ["Wed, 01 Jan 99999 00:00:00 GMT", "inf", "nan", "-1", "soon", "9" * 400])
async def test_an_odd_pause_does_not_hide_what_the_server_said(wire, when):
    with pytest.raises(BackendRateLimited, match="slow down"):
        await asked(Server("slow down", 429, retry_after=when), wire)


@both_wires
async def test_an_odd_pause_does_not_keep_a_call_from_being_tried_again(wire, monkeypatch):
    pauses: list[float] = []

    async def no_sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("anyio.sleep", no_sleep)
    server = Server("slow down", 429, retry_after="Wed, 01 Jan 99999 00:00:00 GMT")
    with pytest.raises(BackendRateLimited, match="slow down"):
        await asked(server, wire, tries=3)
    assert len(server.requests) == 3
    assert max(pauses) < 10

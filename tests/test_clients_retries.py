"""What is tried again, how often, and what is not waited for; both SDKs follow the same rule."""

from __future__ import annotations

import anyio
import httpx2
import pytest

from tests.test_clients import SCHEMA, ask, both_wires, client_for
from zoomrefine_mcp.errors import BackendFailure, BackendRateLimited

pytestmark = pytest.mark.anyio

REPLY = {"choices": [{"message": {"content": "x"}}], "content": [{"type": "text", "text": "x"}]}


class Server:
    """Answers with each of a list in turn, the last for ever: a response's status, body and headers, or an exception."""

    def __init__(self, *answers):
        self.answers, self.requests = answers, []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = (*answer, {})[:3]
        if isinstance(body, str):
            return httpx2.Response(status, text=body, headers=headers)
        return httpx2.Response(status, json=body, headers=headers)


def says(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, **more}}


async def asked(server: Server, wire: str, **more):
    async with client_for("http://box", wire, transport=httpx2.MockTransport(server), tries=9, **more) as client:
        return await ask(client)


@both_wires
@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        ((500, says("oops")), 5),
        ((502, "<html>Bad Gateway</html>"), 5),
        ((503, says("busy")), 5),
        ((504, ""), 5),
        ((529, says("Overloaded")), 5),
        ((408, ""), 5),
        ((409, says("locked")), 5),
        ((429, says("Rate limit reached")), 5),
        ((200, says("upstream is overloaded", code=529)), 5),
        (httpx2.ReadError("reset"), 5),
        (httpx2.RemoteProtocolError("Server disconnected"), 5),
        (httpx2.ConnectError("[Errno 111] Connection refused"), 3),
        (httpx2.ConnectTimeout(""), 3),
        (httpx2.ReadTimeout(""), 3),
        ((200, "<!doctype html><p>Welcome"), 3),
        ((200, '{"choices": [{"mess'), 3),
        (httpx2.ConnectError("CERTIFICATE_VERIFY_FAILED"), 1),
        ((400, says("bad request")), 1),
        ((401, says("no")), 1),
        ((403, says("no")), 1),
        ((404, says("no such model")), 1),
        ((413, says("too large")), 1),
        ((429, says("You exceeded your current quota", code="insufficient_quota")), 1),
        ((400, says("maximum context length is 4096")), 1),
        ((501, says("not here")), 1),
        ((500, says("failed to parse grammar")), 1),
    ],
)
async def test_a_fault_is_tried_as_often_as_it_is_worth(wire, answer, tries):
    server = Server(answer)
    with pytest.raises(BackendFailure):
        await asked(server, wire)
    assert sum(request.method == "POST" for request in server.requests) == tries


@both_wires
async def test_a_pause_that_does_not_fit_into_the_deadline_is_not_begun(wire):
    server = Server((429, says("slow down"), {"Retry-After": "30"}))
    with anyio.fail_after(20), pytest.raises(BackendRateLimited) as caught:
        await asked(server, wire)
    assert len(server.requests) == 1
    assert "30 s" in caught.value.hint


@both_wires
async def test_a_pause_of_the_sdks_own_headers_cannot_pass_the_deadline_either(wire):
    server = Server((503, says("busy"), {"retry-after-ms": "30000", "x-should-retry": "true"}))
    with anyio.fail_after(20), pytest.raises(BackendRateLimited):
        await asked(server, wire)
    assert len(server.requests) == 1


@both_wires
async def test_a_pause_that_fits_is_waited_for_and_the_answer_comes(wire):
    server = Server((429, says("slow down"), {"Retry-After": "0.01"}), (200, REPLY))
    with anyio.fail_after(20):
        assert (await asked(server, wire)).text == "x"
    assert len(server.requests) == 2


@both_wires
async def test_a_pause_of_our_own_that_does_not_fit_into_the_deadline_is_not_begun_either(wire):
    server = Server((500, says("oops")))
    with anyio.fail_after(20), pytest.raises(BackendFailure):
        await asked(server, wire, first_pause_s=30)
    assert len(server.requests) == 1


@both_wires
async def test_each_retry_repeats_the_request_byte_for_byte(wire):
    server = Server((500, says("oops")), httpx2.ReadError("reset"), (200, REPLY))
    await asked(server, wire)
    assert len({request.content for request in server.requests}) == 1


@both_wires
async def test_a_server_that_fails_at_a_schema_is_asked_without_one(wire):
    server = Server((500, says("failed to parse grammar")), (200, REPLY))
    assert (await asked(server, wire, reply_schema=SCHEMA)).text == "x"
    assert len(server.requests) == 2

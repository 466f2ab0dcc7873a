"""What the environment says of proxies and certificates, and what becomes of a question then."""

from __future__ import annotations

import ssl

import httpx2
import pytest

from tests.support.model_server import ModelServer
from tests.test_clients import ask, both_wires, client_for
from zoomrefine_mcp.backends.clients.network import way_to
from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.errors import BadRequest

pytestmark = pytest.mark.anyio

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def endpoint(address: str = "https://api.example/v1") -> Endpoint:
    return Endpoint("openai", "openai", address)


async def proxy_of(address: str) -> str | None:
    """Where a request to an address goes first, as the transport's own pool has it; None where it goes directly."""
    transport = way_to(endpoint(address))
    url = getattr(transport._pool, "_proxy_url", None)
    await transport.aclose()
    return None if url is None else f"{url.scheme.decode()}://{url.host.decode()}:{url.port}"


@both_wires
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1080"),
        ("all_proxy", "socks5h://127.0.0.1:1080"),
        ("HTTP_PROXY", "foo://u:p@x:1"),
        ("HTTPS_PROXY", "foo://u:p@x:1"),
        ("HTTP_PROXY", "http://[nonsense"),
        ("SSL_CERT_FILE", "/nope.pem"),
        ("NO_PROXY", "[::1, */, a b, ://"),
    ],
)
async def test_a_server_on_this_machine_is_asked_whatever_the_environment_says(wire, variable, value, monkeypatch):
    monkeypatch.setenv(variable, value)
    with ModelServer() as server:
        async with client_for(server, wire) as client:
            assert (await ask(client)).text


@both_wires
@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ALL_PROXY", "socks5://user:hunter2@127.0.0.1:1080", "SOCKS"),
        ("https_proxy", "socks5h://user:hunter2@127.0.0.1:1080", "SOCKS"),
        ("HTTPS_PROXY", "foo://user:hunter2@x:1", "of the kind 'foo'"),
        ("HTTPS_PROXY", "http://user:hunter2@x:port", "no address of a proxy"),
        ("HTTPS_PROXY", "http://user:hunter2@", "no address of a proxy"),
        ("HTTPS_PROXY", "hunter2@://", "no address of a proxy"),
        ("SSL_CERT_FILE", "/nope.pem", "No such file"),
        ("SSL_CERT_FILE", "/dev/null", "certificate"),
    ],
)
async def test_what_cannot_be_used_is_told_by_its_name_and_without_its_password(
    wire, variable, value, says, monkeypatch
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadRequest, match=says) as caught:
        async with client_for("https://api.example/v1", wire):
            pass
    assert caught.value.message.startswith(f"{variable} names") or caught.value.message.startswith(f"{variable} is")
    assert variable in caught.value.hint
    assert "hunter2" not in caught.value.told
    assert caught.value.context["variable"] == variable
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


async def test_a_variable_that_this_address_does_not_need_does_no_harm(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("HTTP_PROXY", "foo://x")
    assert await proxy_of("https://api.example/v1") == "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "address", "proxy"),
    [
        ({}, "https://api.example/v1", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://api.example/v1", "http://p:1"),
        ({"HTTPS_PROXY": "p:1"}, "https://api.example/v1", "http://p:1"),
        ({"HTTPS_PROXY": "https://p:1"}, "https://api.example/v1", "https://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://api.example/v1", None),
        ({"ALL_PROXY": "http://p:1"}, "http://api.example/v1", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1", "ALL_PROXY": "http://q:1"}, "http://api.example/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "http://0.0.0.0:8000/v1", None),
        ({"ALL_PROXY": "http://p:1"}, "http://[::1]:8000/v1", None),
        ({"ALL_PROXY": "http://p:1"}, "http://127.1.2.3:8000/v1", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://api.example/v1", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "other.example, api.example"}, "https://api.example/v1", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": ".example"}, "https://api.example/v1", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*.example"}, "https://api.example/v1", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "ample"}, "https://api.example/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "api.example:443"}, "https://api.example/v1", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "api.example:8443"}, "https://api.example/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "http://api.example"}, "https://api.example/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3/v1", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "http://11.1.2.3/v1", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "[fd00::]/8"}, "http://[fd00::7]/v1", None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "fd00::7"}, "http://[fd00::7]/v1", None),
    ],
)
async def test_the_proxy_is_the_one_that_the_environment_names_for_the_address(
    environment, address, proxy, monkeypatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert await proxy_of(address) == proxy


async def test_a_proxy_gets_the_request_for_another_machine(monkeypatch):
    with ModelServer() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with client_for("http://model.example/v1", "openai") as client:
            with pytest.raises(Exception, match=r"model\.example"):
                await ask(client)
        assert proxy.requests[0].path == "http://model.example/v1/chat/completions"


async def test_certificates_are_checked_on_every_way_out(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "https://p:1")
    for address in ("https://api.example/v1", "https://localhost/v1", "http://box/v1"):
        transport = way_to(endpoint(address))
        assert transport._pool._ssl_context.verify_mode is ssl.CERT_REQUIRED
        assert transport._pool._ssl_context.check_hostname
        await transport.aclose()


async def test_a_stand_in_for_the_network_reads_no_environment(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nope.pem")
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"choices": [{"message": None}]}))
    async with client_for("https://api.example/v1", "openai", transport=transport) as client:
        assert (await ask(client)).text == ""

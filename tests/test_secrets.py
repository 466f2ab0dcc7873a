"""Planted secrets appear nowhere but at the server that they belong to."""

from __future__ import annotations

import io
import logging
import traceback
from typing import Any

import pytest
from PIL import Image

from tests.support.model_server import ModelServer
from zoomrefine_mcp.backends.clients.anthropic import AnthropicClient
from zoomrefine_mcp.backends.clients.base import Message, Role
from zoomrefine_mcp.backends.clients.models import pick_model
from zoomrefine_mcp.backends.clients.openai import OpenAIClient
from zoomrefine_mcp.backends.clients.retries import Patience
from zoomrefine_mcp.backends.endpoints import Endpoint, choose_endpoint
from zoomrefine_mcp.backends.profiles import Axes, PartOrder, Profile, Unit
from zoomrefine_mcp.errors import BackendFailure
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import ReplyForm
from zoomrefine_mcp.settings import Settings, env_name

pytestmark = pytest.mark.anyio

PROFILE = Profile("test", Unit.NORMALIZED, Axes.XYXY, sees=lambda size: size, order=PartOrder.TEXT_FIRST)

OPENAI_PLANTED = {
    "OPENAI_API_KEY": "sk-planted-openai-key-0123",
    "OPENAI_ORG_ID": "org-planted-0123",
    "OPENAI_PROJECT_ID": "proj-planted-0123",
    "OPENAI_CUSTOM_HEADERS": "X-Planted: header-planted-openai\nUser-Agent: agent-planted-openai",
}
ANTHROPIC_PLANTED = {
    "ANTHROPIC_API_KEY": "sk-ant-planted-anthropic-key-0123",
    "ANTHROPIC_AUTH_TOKEN": "token-planted-anthropic-0123",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Planted: header-planted-anthropic\nAccept: accept-planted-anthropic",
}
NEVER_SENT = {
    "OPENAI_ADMIN_KEY": "admin-planted-openai-0123",
    "OPENAI_WEBHOOK_SECRET": "webhook-planted-openai-0123",
    "ANTHROPIC_WEBHOOK_SIGNING_KEY": "webhook-planted-anthropic-0123",
    "ANTHROPIC_PROFILE": "profile-planted-0123",
    "ANTHROPIC_IDENTITY_TOKEN": "identity-planted-0123",
    "ANTHROPIC_FEDERATION_RULE_ID": "rule-planted-0123",
    "ANTHROPIC_ORGANIZATION_ID": "org-planted-anthropic-0123",
}


@pytest.fixture(autouse=True)
def _planted(monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(env_name(field), raising=False)
    for name, value in (OPENAI_PLANTED | ANTHROPIC_PLANTED | NEVER_SENT).items():
        monkeypatch.setenv(name, value)


def conversation() -> tuple[Message, ...]:
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG")
    return (Message(Role.USER, (Picture(data.getvalue(), "image/png", Size(8, 8), Box.full()), "What is it?")),)


def make_client(endpoint: Endpoint, model: str) -> Any:
    make = AnthropicClient if endpoint.wire == "anthropic" else OpenAIClient
    return make(endpoint, model, PROFILE, patience=Patience(tries=1))


async def ask_once(endpoint: Endpoint, model: str) -> None:
    client = make_client(endpoint, model)
    try:
        await client.complete(conversation(), form=ReplyForm.JSON, max_tokens=64)
    finally:
        await client.aclose()


def everything_received(server: ModelServer) -> str:
    return "\n".join(
        f"{request.path} {request.headers} {request.body}" for request in [*server.requests, *server.listings]
    )


@pytest.mark.parametrize("backend", ["openai", "vllm", "anthropic"])
async def test_a_foreign_address_receives_none_of_the_providers_secrets(backend):
    with ModelServer() as server:
        endpoint = choose_endpoint(Settings(backend=backend, base_url=server.address(backend)), ocr_installed=False)
        assert await pick_model(endpoint) == server.model
        await ask_once(endpoint, server.model)
    assert len(server.requests) == len(server.listings) == 1
    assert "planted" not in everything_received(server)
    assert "authorization" not in server.requests[0].headers
    assert "x-api-key" not in server.requests[0].headers


@pytest.mark.parametrize("backend", ["openai", "anthropic"])
async def test_a_foreign_address_receives_the_key_that_was_set_for_it(backend, monkeypatch):
    monkeypatch.setenv("ZOOMREFINE_API_KEY", "key-of-the-box")
    with ModelServer(key="key-of-the-box") as server:
        endpoint = choose_endpoint(Settings(backend=backend, base_url=server.address(backend)), ocr_installed=False)
        await pick_model(endpoint)
        await ask_once(endpoint, server.model)
    assert "planted" not in everything_received(server)


async def test_the_address_in_openai_base_url_receives_openais_secrets_and_no_other(monkeypatch):
    monkeypatch.setenv("ZOOMREFINE_API_KEY", "key-planted-for-another")
    with ModelServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.openai_url)
        await ask_once(choose_endpoint(Settings(backend="openai"), ocr_installed=False), server.model)
    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer sk-planted-openai-key-0123"
    assert headers["openai-organization"] == "org-planted-0123"
    assert headers["openai-project"] == "proj-planted-0123"
    assert headers["x-planted"] == "header-planted-openai"
    assert headers["user-agent"] == "agent-planted-openai"
    received = everything_received(server)
    assert "anthropic" not in received
    assert "key-planted-for-another" not in received
    assert not any(secret in received for secret in NEVER_SENT.values())


@pytest.mark.parametrize("credential", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
async def test_the_address_in_anthropic_base_url_receives_one_credential_of_anthropics(monkeypatch, credential):
    monkeypatch.delenv(({"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"} - {credential}).pop())
    with ModelServer() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.anthropic_url)
        await ask_once(choose_endpoint(Settings(backend="anthropic"), ocr_installed=False), server.model)
    headers = server.requests[0].headers
    assert ANTHROPIC_PLANTED[credential] in (headers.get("authorization", "") + headers.get("x-api-key", ""))
    assert headers["x-planted"] == "header-planted-anthropic"
    assert headers["accept"] == "accept-planted-anthropic"
    assert "openai" not in everything_received(server)


@pytest.mark.parametrize("fault", ["echo", "401", "400", "404", "500", "html", "close", "redirect"])
@pytest.mark.parametrize("backend", ["openai", "anthropic"])
async def test_no_error_log_line_or_traceback_repeats_a_secret(backend, fault, monkeypatch, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with ModelServer(faults={1: fault}, redirect_to="http://x/?k") as server:
        monkeypatch.setenv(f"{backend.upper()}_BASE_URL", server.address(backend))
        settings = Settings(backend=backend)
        endpoint = choose_endpoint(settings, ocr_installed=False)
        server.body_400 = {"error": {"message": " ".join(endpoint.secrets())}}
        client = make_client(endpoint, server.model)
        try:
            await client.complete(conversation(), form=ReplyForm.JSON, max_tokens=64)
        except BackendFailure as error:
            logging.getLogger("test").exception("it failed")
            told = [error.message, error.hint, str(error.context), repr(error), traceback.format_exc()]
        else:
            raise AssertionError
        finally:
            await client.aclose()
    printed = capfd.readouterr()
    told += [caplog.text, printed.out, printed.err, repr(settings), repr(endpoint), repr(client)]
    assert len(endpoint.secrets()) >= 3
    for text in told:
        for secret in endpoint.secrets():
            assert secret not in text
            assert secret[:8] + "**" not in text

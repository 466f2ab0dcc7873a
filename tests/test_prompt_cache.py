"""Stage 2 re-reads stage 1 from a server's cache: its request begins as the first one did, and what it says is told."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from tests.support.fault_cases import draw_scene
from tests.support.model_server import ModelServer
from tests.test_clients import ask, client_for
from zoomrefine_mcp import ZoomRefine
from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.anthropic import AnthropicClient
from zoomrefine_mcp.backends.clients.openai import OpenAIClient
from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.backends.form import reply_schema
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.records import Usage

pytestmark = pytest.mark.anyio

MARK = b',"cache_control":{"type":"ephemeral"}'


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_scene(tmp_path_factory.mktemp("scene") / "scene.jpg")


def apart(raw: bytes) -> tuple[bytes, bytes, bytes]:
    """What stands before a request's messages, the messages without their closing bracket, and what stands behind."""
    text = raw.replace(MARK, b"").decode()
    start = text.index('"messages":') + len('"messages":')
    _, end = json.JSONDecoder().raw_decode(text, start)
    return text[:start].encode(), text[start : end - 1].encode(), text[end:].encode()


@pytest.mark.parametrize("policy", ["adaptive", "paper"])
@pytest.mark.parametrize(
    ("wire", "family", "model"),
    [
        ("openai", "gpt", "gpt-5.6"),
        ("openai", "qwen3-vl", "qwen3-vl-8b"),
        ("anthropic", "claude-high", "claude-opus-5"),
    ],
)
async def test_stage_2_repeats_stage_1_byte_for_byte_schema_and_pictures_included(scene, wire, family, model, policy):
    with ModelServer(family, models=[model], counts=True) as server:
        endpoint = Endpoint(wire, wire, server.address(wire), official=True)
        profile = profile_for(model, wire=wire)
        make = AnthropicClient if wire == "anthropic" else OpenAIClient
        client = make(endpoint, model, profile, reply_schema=reply_schema())
        backend = ChatBackend(client, BackendInfo(wire, model, profile, server.url))
        result = await ZoomRefine(backend, policy, view_edge=1200).zoom_and_refine(scene, "Where is the marker?")
        await client.aclose()
    first, second = server.requests
    (before, messages, behind), (before_2, messages_2, behind_2) = apart(first.raw), apart(second.raw)
    assert (before_2, behind_2) == (before, behind)
    assert messages_2.startswith(messages)
    assert (b"schema" in before + behind) is (policy == "adaptive")
    assert second.encoded[:1] == first.encoded
    assert result.status == "refined"
    assert result.usage.cached_input_tokens == 500
    if wire == "anthropic":
        assert first.raw.count(MARK) == second.raw.count(MARK) == 1
        marked = first.raw.index(MARK)
        assert second.raw[:marked] == first.raw[:marked], "the same block is marked"


async def test_on_the_anthropic_wire_what_was_read_from_the_cache_and_written_to_it_is_input_too():
    usage = {
        "input_tokens": 40,
        "cache_read_input_tokens": 2000,
        "cache_creation_input_tokens": 300,
        "output_tokens": 9,
    }
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"content": [], "usage": usage}))
    async with client_for("http://box", "anthropic", transport=transport) as client:
        assert (await ask(client)).usage == Usage(1, 2340, 2000, 9)


async def test_on_the_openai_wire_what_was_read_from_the_cache_is_part_of_the_input_already():
    usage = {"prompt_tokens": 2340, "prompt_tokens_details": {"cached_tokens": 2000}, "completion_tokens": 9}
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"choices": [], "usage": usage}))
    async with client_for("http://box", "openai", transport=transport) as client:
        assert (await ask(client)).usage == Usage(1, 2340, 2000, 9)

"""Both wires against a loopback server: what is sent, what is read, what a fault becomes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import httpx2
import pytest
from PIL import Image

from tests.support.model_server import MARKER, ModelServer
from zoomrefine_mcp.backends.clients.anthropic import AnthropicClient
from zoomrefine_mcp.backends.clients.base import Completion, Finish, Message, Role
from zoomrefine_mcp.backends.clients.models import pick_model
from zoomrefine_mcp.backends.clients.openai import OpenAIClient
from zoomrefine_mcp.backends.clients.retries import Patience
from zoomrefine_mcp.backends.endpoints import Endpoint, choose_endpoint
from zoomrefine_mcp.backends.profiles import Axes, PartOrder, Profile, Unit
from zoomrefine_mcp.errors import (
    BackendAuth,
    BackendError,
    BackendRateLimited,
    BackendTimeout,
    BackendUnreachable,
    ModelNotFound,
    ModelRequired,
    PictureRefused,
)
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import ReplyForm, Usage
from zoomrefine_mcp.settings import Settings, env_name

pytestmark = pytest.mark.anyio

PROFILE = Profile("test", Unit.NORMALIZED, Axes.XYXY, sees=lambda size: size, order=PartOrder.TEXT_FIRST)
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
WIRES = ("openai", "anthropic")
both_wires = pytest.mark.parametrize("wire", WIRES)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(env_name(field), raising=False)


@asynccontextmanager
async def client_for(
    server: ModelServer | str,
    wire: str,
    *,
    profile: Profile = PROFILE,
    model: str = "",
    tries: int = 1,
    first_pause_s: float = 0.001,
    **more: Any,
) -> AsyncIterator[OpenAIClient | AnthropicClient]:
    address = server if isinstance(server, str) else server.address(wire)
    endpoint = choose_endpoint(Settings(backend=wire, base_url=address), ocr_installed=False)
    make = AnthropicClient if wire == "anthropic" else OpenAIClient
    name = model or ("m" if isinstance(server, str) else server.model)
    client = make(endpoint, name, profile, patience=Patience(tries, first_pause_s), **more)
    try:
        yield client
    finally:
        await client.aclose()


def picture(marker: tuple[int, int, int, int] = (20, 30, 60, 50), kind: str = "PNG") -> Picture:
    image = Image.new("RGB", (200, 100), "white")
    image.paste(MARKER, marker)
    data = io.BytesIO()
    image.save(data, kind)
    return Picture(data.getvalue(), f"image/{kind.lower()}", Size(200, 100), Box.full())


def conversation(*pictures: Picture) -> tuple[Message, ...]:
    messages = [Message(Role.SYSTEM, ("You look at pictures.",))]
    for number, shown in enumerate(pictures, 1):
        if number > 1:
            messages.append(Message(Role.ASSISTANT, ('  {"answer": "it is\u2028so"}\n',)))
        messages.append(Message(Role.USER, (f"Picture {number}:", shown, "Answer in JSON.")))
    return tuple(messages)


async def ask(
    client: OpenAIClient | AnthropicClient, *pictures: Picture, form: ReplyForm = ReplyForm.JSON
) -> Completion:
    return await client.complete(conversation(*(pictures or (picture(),))), form=form, max_tokens=512)


# What is sent


@both_wires
async def test_pictures_arrive_byte_for_byte_and_in_order(wire):
    view, crop = picture(), picture(kind="JPEG")
    with ModelServer() as server:
        async with client_for(server, wire) as client:
            await ask(client, view, crop)
    assert server.requests[0].encoded == (view.data, crop.data)
    assert [image.format for image in server.requests[0].pictures] == ["PNG", "JPEG"]
    assert server.requests[0].text == "You look at pictures.\nPicture 1:\nAnswer in JSON.\nPicture 2:\nAnswer in JSON."


@both_wires
async def test_a_longer_conversation_begins_byte_for_byte_as_the_shorter_one(wire):
    bodies = []

    def record(request: httpx2.Request) -> httpx2.Response:
        bodies.append(request.content)
        return httpx2.Response(200, json={"choices": [{"message": {"content": "x"}}], "content": []})

    async with client_for("http://box", wire, transport=httpx2.MockTransport(record)) as client:
        await ask(client, picture())
        await ask(client, picture(), picture(kind="JPEG"))
    shorter, longer = (body[body.index(b'"messages":') :] for body in bodies)
    assert longer.startswith(shorter[: shorter.rindex(b"]")])


async def test_the_openai_wire_sends_what_the_profile_says():
    profile = replace(
        PROFILE, image_detail="original", completion_tokens_name="max_completion_tokens", accepts_temperature=False
    )
    with ModelServer() as server:
        async with client_for(server, "openai", profile=profile) as client:
            await ask(client)
    body = server.requests[0].body
    assert body["messages"][1]["content"][1]["image_url"]["detail"] == "original"
    assert body["max_completion_tokens"] == 512
    assert "max_tokens" not in body
    assert "temperature" not in body
    assert server.requests[0].path == "/v1/chat/completions"


@both_wires
async def test_where_the_model_takes_a_temperature_it_is_zero(wire):
    with ModelServer() as server:
        async with client_for(server, wire) as client:
            await ask(client)
    assert server.requests[0].body["temperature"] == 0
    assert server.requests[0].body["max_tokens"] == 512


async def test_the_anthropic_wire_has_the_system_text_apart_and_no_temperature_where_the_model_refuses_it():
    with ModelServer() as server:
        async with client_for(server, "anthropic", profile=replace(PROFILE, accepts_temperature=False)) as client:
            await ask(client)
    body = server.requests[0].body
    assert body["system"] == "You look at pictures."
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert "temperature" not in body
    assert server.requests[0].path == "/v1/messages"


async def test_only_anthropic_itself_is_asked_not_to_shrink_pictures_and_to_cache():
    bodies = []

    def record(request: httpx2.Request) -> httpx2.Response:
        bodies.append(request.read())
        return httpx2.Response(200, json={"content": []})

    for official in (True, False):
        endpoint = Endpoint("anthropic", "anthropic", "https://api.anthropic.com", official)
        for floor in (0, 1024):
            profile = replace(PROFILE, cache_floor=floor)
            client = AnthropicClient(endpoint, "m", profile, transport=httpx2.MockTransport(record))
            await ask(client, picture(), picture())
            await client.aclose()
    own, short, foreign, _ = bodies
    assert own.count(b'"transformations":{"oversized_image":"error"}') == 2
    assert own.count(b'"cache_control":{"type":"ephemeral"}') == 1
    assert b"cache_control" not in short, "a beginning below the floor is not cached"
    assert b"transformations" not in foreign
    assert b"cache_control" not in foreign


@both_wires
async def test_a_reply_schema_goes_with_the_json_form_alone(wire):
    with ModelServer() as server:
        async with client_for(server, wire, reply_schema=SCHEMA) as client:
            await ask(client, form=ReplyForm.JSON)
            await ask(client, form=ReplyForm.TEXT)
    field = {"openai": "response_format", "anthropic": "output_config"}[wire]
    assert field in server.requests[0].body
    assert field not in server.requests[1].body


@both_wires
async def test_a_server_that_knows_no_schema_is_asked_without_and_not_bothered_again(wire):
    with ModelServer(faults={1: "no_schema"}) as server:
        async with client_for(server, wire, reply_schema=SCHEMA) as client:
            assert (await ask(client)).text
            await ask(client)
    sent = ["response_format" in request.body or "output_config" in request.body for request in server.requests]
    assert sent == [True, False, False]


# What is read


@both_wires
async def test_a_reply_is_read_with_its_thinking_apart_and_what_it_cost(wire):
    with ModelServer() as server:
        async with client_for(server, wire) as client:
            first = await ask(client)
            second = await ask(client, picture(), picture())
    assert '"evidence": "too_small"' in first.text
    assert first.thinking == "Hm."
    assert first.usage == Usage(1, 100, 0, 20)
    assert second.usage == Usage(1, 600, 500, 20)


@both_wires
@pytest.mark.parametrize(
    ("fault", "finish", "text"),
    [
        ("refusal", Finish.REFUSAL, "I cannot help with that."),
        ("empty", Finish.STOP, ""),
        ("cut_off", Finish.LENGTH, '{"reasoning": "I looked at the picture."'),
    ],
)
async def test_how_a_reply_ended_is_told(wire, fault, finish, text):
    with ModelServer(faults={1: fault}) as server:
        async with client_for(server, wire) as client:
            completion = await ask(client)
    assert (completion.finish, completion.text) == (finish, text)


@pytest.mark.parametrize(
    ("message", "text", "thinking", "finish"),
    [
        ({"content": None}, "", "", Finish.STOP),
        ({"content": None, "reasoning": "so"}, "", "so", Finish.STOP),
        ({"content": None, "refusal": "No."}, "No.", "", Finish.REFUSAL),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab", "", Finish.STOP),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "so"}]},
                    {"type": "text", "text": "a"},
                ]
            },
            "a",
            "so",
            Finish.STOP,
        ),
        ({"content": 7}, "", "", Finish.STOP),
        (None, "", "", Finish.STOP),
    ],
)
async def test_odd_messages_of_compatible_servers_are_read_for_what_they_hold(message, text, thinking, finish):
    reply = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": None}}
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json=reply))
    async with client_for("http://box", "openai", transport=transport) as client:
        completion = await ask(client)
    assert completion == Completion(text, Usage(calls=1), finish, thinking)


@pytest.mark.parametrize("reply", [{"content": None}, {"content": "text"}, {"content": [None, 3]}, {"usage": []}])
async def test_odd_messages_on_the_anthropic_wire_count_as_empty(reply):
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json=reply))
    async with client_for("http://box", "anthropic", transport=transport) as client:
        assert await ask(client) == Completion("", Usage(calls=1))


@both_wires
async def test_halves_of_characters_in_a_reply_do_not_keep_the_conversation_from_going_on(wire):
    half = {"openai": {"choices": [{"message": {"content": "a \ud83d"}}]}}
    half["anthropic"] = {"content": [{"type": "text", "text": "a \ud83d"}]}
    body = json.dumps(half[wire])  # escaped, as a server writes it
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body))
    async with client_for("http://box", wire, transport=transport) as client:
        completion = await ask(client)
        more = (
            *conversation(picture()),
            Message(Role.ASSISTANT, (completion.text,)),
            Message(Role.USER, ("And now?",)),
        )
        await client.complete(more, form=ReplyForm.JSON, max_tokens=64)
    assert completion.text == "a \ufffd"


@both_wires
async def test_halves_of_characters_in_a_servers_error_can_be_shown(wire):
    body = json.dumps({"error": {"message": "bad \ud83d"}})
    transport = httpx2.MockTransport(lambda request: httpx2.Response(400, content=body))
    async with client_for("http://box", wire, transport=transport) as client:
        with pytest.raises(BackendError, match="bad \ufffd"):
            await ask(client)


@both_wires
async def test_a_reply_without_any_choice_is_an_empty_one_whose_cost_is_counted(wire):
    with ModelServer(faults={1: "no_choices"}) as server:
        async with client_for(server, wire) as client:
            completion = await ask(client)
    assert (completion.text, completion.finish, completion.usage.calls) == ("", Finish.STOP, 1)


# What goes wrong


@both_wires
async def test_a_model_that_the_server_does_not_know_is_told_with_those_it_does(wire):
    with ModelServer(faults={1: "404"}, models=("qwen3-vl-8b", "some-model-2")) as server:
        async with client_for(server, wire) as client:
            with pytest.raises(ModelNotFound) as caught:
                await ask(client)
    assert caught.value.context["candidates"] == ("some-model-2", "qwen3-vl-8b")
    assert "some-model-2, qwen3-vl-8b" in caught.value.hint


@both_wires
async def test_a_list_of_models_that_does_not_come_in_time_hides_no_wrong_name(wire):
    with ModelServer(faults={1: "404"}, listing="hang") as server:
        async with client_for(server, wire) as client:
            with anyio.fail_after(1.0), pytest.raises(ModelNotFound, match="does not know the model"):
                await ask(client)


@both_wires
async def test_models_are_named_without_secrets_and_only_those_that_can_be_typed(wire):
    key = "sk-planted-0123456789"
    listed = (f"echo-{key}", "\x1b[31mred", "two\nlines", "m" * 100_000, "fine")
    endpoint = choose_endpoint(Settings(backend=wire, base_url="http://box", api_key=key), ocr_installed=False)

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/models"):
            return httpx2.Response(200, json={"data": [{"id": name} for name in listed]})
        return httpx2.Response(404, json={"error": {"message": "The model `m` does not exist."}})

    transport = httpx2.MockTransport(answer)
    with pytest.raises(ModelRequired) as several:
        await pick_model(endpoint, transport=transport)
    client = (AnthropicClient if wire == "anthropic" else OpenAIClient)(endpoint, "m", PROFILE, transport=transport)
    with pytest.raises(ModelNotFound) as unknown:
        await ask(client)
    await client.aclose()
    for caught in (several.value, unknown.value):
        assert sorted(caught.context["candidates"]) == ["echo-[secret]", "fine"]
        assert key not in caught.told


@both_wires
@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("close", BackendUnreachable, "broke before the answer"),
        ("html", BackendError, "web page"),
        ("garbage", BackendError, "no model's reply"),
        ("not_an_object", BackendError, "no model's reply"),
        ("error_inside", BackendRateLimited, "upstream is overloaded"),
        ("400", BackendError, "answered 400"),
        ("401", BackendAuth, "wants a key and got none"),
        ("404", ModelNotFound, "does not know the model"),
        ("413", PictureRefused, "Request too large"),
        ("429", BackendRateLimited, "limits the rate"),
        ("500", BackendError, "Internal server error"),
    ],
)
async def test_each_fault_becomes_its_own_error_with_a_hint(wire, fault, kind, says):
    with ModelServer(faults={1: fault}) as server:
        async with client_for(server, wire) as client:
            with pytest.raises(kind, match=says) as caught:
                await ask(client)
    assert type(caught.value) is kind
    assert caught.value.hint or fault == "400"
    assert server.url in caught.value.message
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@both_wires
async def test_where_nothing_listens_the_error_names_the_address_and_asks_whether_it_runs(wire):
    with ModelServer() as server:
        server.kill()
        async with client_for(server, wire) as client:
            with pytest.raises(BackendUnreachable) as caught:
                await ask(client)
    assert server.url in caught.value.message
    assert "Is the server running" in caught.value.hint


@both_wires
async def test_a_server_killed_between_the_looks_is_unreachable_at_the_second(wire):
    with ModelServer(faults={2: "killed"}) as server:
        async with client_for(server, wire) as client:
            await ask(client)
            with pytest.raises(BackendUnreachable):
                await ask(client, picture(), picture())


@both_wires
async def test_a_fault_that_passes_is_tried_again(wire):
    with ModelServer(faults={1: ["500", "500", "ok"]}, headers={"retry-after-ms": "1"}) as server:
        async with client_for(server, wire, tries=3) as client:
            assert (await ask(client)).text
    assert len(server.requests) == 3


@both_wires
async def test_a_pause_longer_than_a_deadline_bears_is_reported_and_not_waited_for(wire):
    with ModelServer(faults={1: "429"}, headers={"Retry-After": "3600"}) as server:
        async with client_for(server, wire, tries=3) as client:
            with pytest.raises(BackendRateLimited) as caught:
                await ask(client)
    assert len(server.requests) == 1
    assert caught.value.context["retry_after_s"] == 3600
    assert "3600 s" in caught.value.hint


@both_wires
async def test_a_redirect_is_not_followed(wire):
    with ModelServer() as other, ModelServer(faults={1: "redirect"}, redirect_to=f"{other.url}/v1/x?token=t") as server:
        async with client_for(server, wire) as client:
            with pytest.raises(BackendError, match="redirects to") as caught:
                await ask(client)
    assert other.url in caught.value.message
    assert "token" not in caught.value.message
    assert other.requests == []


@both_wires
async def test_a_picture_for_this_machine_passes_no_proxy(wire, monkeypatch):
    with ModelServer() as proxy, ModelServer() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with client_for(server, wire) as client:
            await ask(client)
    assert (len(server.requests), len(proxy.requests)) == (1, 0)


@both_wires
async def test_cancelling_closes_the_connection_of_a_call_that_hangs(wire):
    with ModelServer(faults={1: "hang"}) as server:
        async with client_for(server, wire) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(ask, client)
            await anyio.to_thread.run_sync(server.hanging.wait, 10)
            tasks.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(server.client_left.wait, 10)


# Which model


@both_wires
async def test_the_only_model_of_a_server_is_picked(wire):
    with ModelServer("qwen3-vl") as server:
        endpoint = choose_endpoint(Settings(backend=wire, base_url=server.address(wire)), ocr_installed=False)
        assert await pick_model(endpoint) == "Qwen/Qwen3-VL-8B-Instruct"


@both_wires
@pytest.mark.parametrize(
    ("models", "says"),
    [
        (["a", "b"], "offers 2 models: a, b."),
        ([f"m{i}" for i in range(12)], "and 2 more"),
        ([], "lists no models"),
    ],
)
async def test_a_choice_of_models_is_the_users_and_the_error_names_candidates_and_the_flag(wire, models, says):
    with ModelServer(models=models) as server:
        endpoint = choose_endpoint(Settings(backend=wire, base_url=server.address(wire)), ocr_installed=False)
        with pytest.raises(ModelRequired) as caught:
            await pick_model(endpoint)
    assert says in caught.value.message
    assert "--model" in caught.value.hint
    assert caught.value.context["candidates"] == tuple(models[:10])


@both_wires
async def test_a_server_without_a_list_of_models_asks_for_a_name(wire):
    transport = httpx2.MockTransport(lambda request: httpx2.Response(404, json={"detail": "Not Found"}))
    endpoint = choose_endpoint(Settings(backend=wire, base_url="http://box"), ocr_installed=False)
    with pytest.raises(ModelRequired, match="lists no models"):
        await pick_model(endpoint, transport=transport)


@both_wires
async def test_a_server_that_never_lists_its_models_is_given_up_after_one_more_try(wire):
    with ModelServer(listing="hang") as server:
        endpoint = choose_endpoint(Settings(backend=wire, base_url=server.address(wire)), ocr_installed=False)
        with pytest.raises(BackendTimeout, match="took too long"):
            await pick_model(endpoint, timeout_s=0.5)
    assert len(server.listings) == 2


# The server itself


@pytest.mark.parametrize(
    ("family", "numbers"),
    [
        ("unknown", [0.1, 0.3, 0.3, 0.5]),
        ("qwen3-vl", [100, 300, 300, 500]),
        ("gemini", [300, 100, 500, 300]),
        ("deepseek-vl2", [100, 300, 300, 500]),
        ("gpt", [20, 30, 60, 50]),
        ("qwen2.5-vl", [20, 34, 59, 56]),
    ],
)
async def test_the_model_server_finds_the_marker_and_writes_it_as_its_family_does(family, numbers):
    with ModelServer(family) as server:
        async with client_for(server, "openai") as client:
            completion = await ask(client)
    assert f'"box": {numbers}' in completion.text


@pytest.mark.parametrize(
    ("family", "written"),
    [
        ("internvl", "<box>[[100, 300, 300, 500]]</box>"),
        ("minicpm", "<box>100 300 300 500</box>"),
        ("qwen2.5-vl", '{"bbox_2d": [20, 34, 59, 56], "label": "marker"}'),
        ("gemini", "[300, 100, 500, 300]"),
        ("kimi", "[0.1, 0.3, 0.3, 0.5]"),
    ],
)
async def test_the_model_server_answers_the_papers_prompt_in_the_papers_lines(family, written):
    asked = (Message(Role.USER, (picture(), "End with `Answer: [Letter]` and `Bounding box: [x1, y1, x2, y2]`.")),)
    with ModelServer(family, answers=("blue",)) as server:
        async with client_for(server, "openai") as client:
            completion = await client.complete(asked, form=ReplyForm.TEXT, max_tokens=64)
    assert completion.text == f"I looked at the picture.\nAnswer: blue\nBounding box: {written}"


def lines_of(names: Sequence[str]) -> str:
    return "; ".join(f"import {name}" for name in names)


def test_no_provider_sdk_is_imported_before_a_client_is_made():
    modules = ["zoomrefine_mcp.backends.clients.models", "zoomrefine_mcp.backends.endpoints"]
    code = f"import sys; {lines_of(modules)}; assert not {{'openai', 'anthropic'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

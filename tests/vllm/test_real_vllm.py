"""Against vLLM's own code, with tiny models of random weights: run by ``make test-vllm``, which starts the servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from tests.support.hosts import connect
from tests.support.real_server import Pointing, Remembered
from zoomrefine_mcp import Settings, ZoomRefine, ZoomRefineError, open_app
from zoomrefine_mcp.access import Access
from zoomrefine_mcp.backends.base import Ask, Look
from zoomrefine_mcp.backends.form import Reply
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.policies import Adaptive
from zoomrefine_mcp.records import Answer, Budget, Evidence
from zoomrefine_mcp.server.server import make_server

pytestmark = [pytest.mark.vllm, pytest.mark.anyio, pytest.mark.usefixtures("takes_both_pictures")]

SIZES = ((3000, 2000), (2400, 4200), (6400, 900))
"""Of pictures that no family here sees whole: broad, tall, and a strip."""
BUDGET = 3000
"""Tokens of a reply: a random model that runs on is cut off rather than waited for."""
WRAPPED = {"internvl": 2}
"""Tokens around a picture, which its formula leaves out: <img> and </img>."""
WIRES = ("openai", "anthropic")
WHERE_LOOKS_END = (None, "not_found", "not_in_picture", "illegible", "budget")
"""A random model's replies are of the form and mean nothing: the looks end wherever they lead."""
QUESTIONS = ("What does the plate say?", "How many masts has the ship?", "When was the tower built?")


def settings(server, backend="vllm", **more) -> Settings:
    return Settings(**{"backend": backend, "base_url": server.url(backend), "max_tokens": BUDGET} | more)


class SeesNothing(Remembered):
    """A backend whose pictures and prompts are the server's, and whose replies say that nothing is here."""

    async def look(self, ask: Ask, after: Any = None) -> Look[Any]:
        look = await super().look(ask, after)
        nothing = Answer(None, abstained=True)
        return replace(look, answer=nothing, evidence=Evidence.NOT_HERE, regions=())


@pytest.mark.parametrize("wire", WIRES)
async def test_every_reply_of_every_look_fits_the_schema_and_is_read(server, draw, wire, figures):
    path, read = draw(3000, 2000), 0
    async with open_app(settings(server, wire)) as app:
        for question in QUESTIONS:
            backend = Pointing(await app.backend())
            result = await ZoomRefine(backend).zoom_and_refine(path, question)
            for look in backend.looks:
                Reply.model_validate_json(look.transcript.messages[-1].parts[0])
            assert result.status == "refined"
            assert result.status_reason in WHERE_LOOKS_END
            assert result.model == server.model
            assert len(result.trace) == len(backend.looks) == result.usage.calls
            assert 2 <= len(backend.looks) <= Adaptive.looks
            read += len(backend.looks)
    figures(f"{wire} wire: all {read} replies to {len(QUESTIONS)} questions fit the schema and were read")


@pytest.mark.parametrize("wire", WIRES)
async def test_a_search_goes_on_with_as_many_pictures_a_look_as_the_server_takes(server, draw, wire, figures):
    async with open_app(settings(server, wire)) as app:
        backend = SeesNothing(await app.backend())
        result = await ZoomRefine(backend, budget=Budget(looks=2)).zoom_and_refine(draw(6000, 4000), QUESTIONS[0])
    assert [look.stage for look in result.trace] == ["localize", "scan"]
    shown = len(result.trace[1].pictures)
    figures(f"{wire} wire: a search showed {shown} tiles beside the view, where {server.images} pictures are taken")
    assert 1 <= shown < server.images
    assert (result.status, result.abstained) == ("refined", True)


@pytest.mark.parametrize("wire", WIRES)
async def test_the_second_look_finds_the_first_ones_prompt_in_the_prefix_cache(server, draw, wire, figures):
    async with open_app(settings(server, wire)) as app:
        backend = Pointing(await app.backend())
        result = await ZoomRefine(backend).zoom_and_refine(draw(3000, 2000), "What does the plate say?")
    first, second, *_ = (look.usage for look in backend.looks)
    share = min(1.0, second.cached_input_tokens / first.input_tokens)  # it may find stage 1's reply there too
    figures(
        f"{wire} wire: stage 1 {first.input_tokens} input tokens, {first.cached_input_tokens} cached; stage 2 "
        f"{second.input_tokens}, {second.cached_input_tokens} cached: {share:.0%} of stage 1's prompt"
    )
    assert share >= 0.9
    assert result.usage.cached_input_tokens == sum(look.usage.cached_input_tokens for look in backend.looks)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_server_counts_as_many_tokens_as_the_sent_size_says(server, draw, size, figures):
    async with open_app(settings(server)) as app:
        backend = Pointing(await app.backend())
        await ZoomRefine(backend).zoom_and_refine(draw(*size), "What does the plate say?")
    profile = profile_for(server.model, wire="openai")
    [view], [crop, *_], *_ = backend.pictures
    for name, picture in (("view", view), ("crop", crop)):
        counted = await anyio.to_thread.run_sync(server.image_tokens, picture)
        figures(f"{name} of {size[0]} x {size[1]} sent as {picture.size}: {counted} image tokens")
        assert profile.sees(picture.size) == picture.size
        assert counted == profile.image_tokens(picture.size) + WRAPPED.get(profile.name, 0)


async def test_a_cancelled_tool_call_ends_the_servers_work(server, draw, figures):
    path = draw(1200, 900)

    @asynccontextmanager
    async def opening():
        # The paper's text form binds no reply, so that this one goes on for its whole budget.
        endless = settings(server, policy="paper", max_tokens=10_000)
        access = Access.within((path.parent,), cwd=path.parent, home=path.parent.parent)
        async with open_app(endless, access=access) as app:
            yield app

    running, written, finished = (
        partial(server.metric, f"vllm:{name}")
        for name in ("num_requests_running", "generation_tokens_total", "request_success_total")
    )
    before = finished(), written()
    async with connect(make_server(opening, version="1")) as client:
        with anyio.fail_after(120):
            async with anyio.create_task_group() as tasks:
                arguments = {"image_path": str(path), "question": "What does the plate say?"}
                tasks.start_soon(client.call_tool, "zoom_and_refine", arguments)
                await until(running, 1)
                tasks.cancel_scope.cancel()
            cancelled_at = anyio.current_time()
            await until(running, 0)
    seconds = anyio.current_time() - cancelled_at
    figures(f"cancelled: the server stopped {seconds:.2f} s later, {written() - before[1]:.0f} of 10000 tokens written")
    assert finished() == before[0]
    assert written() - before[1] < 10_000


async def until(metric, value) -> None:
    while await anyio.to_thread.run_sync(metric) != value:
        await anyio.lowlevel.checkpoint()


async def test_a_wrong_model_name_is_told_apart(server, draw):
    path = str(draw(800, 600))
    for wire in WIRES:
        async with open_app(settings(server, wire, model="qwen3-vl-999b")) as app:
            with pytest.raises(ZoomRefineError) as raised:
                await app.zoom_and_refine(path, "What does the plate say?")
        assert raised.value.code == "model_not_found"
        assert "qwen3-vl-999b" in raised.value.message
        assert raised.value.context["candidates"] == (server.model,)


def test_the_command_line_asks_the_server_for_its_model_and_answers(server, draw):
    command = Path(sys.executable).with_name("zoomrefine-mcp")
    done = subprocess.run(
        [command, "ask", draw(3000, 2000), "What does the plate say?", "--json", "--max-tokens", str(BUDGET)],
        env={"PATH": os.environ["PATH"], "ZOOMREFINE_BASE_URL": server.url("openai")},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["model"] == server.model
    assert result["usage"]["calls"] == len(result["trace"])
    assert len(result["trace"]) >= 2 or result["status_reason"] == "legible_view"

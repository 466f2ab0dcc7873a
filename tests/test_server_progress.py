"""Progress names the stage and never falls silent; cancelling a call cancels the model's work."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from tests.support.hosts import PatientModel, StuckModel, connect, draw_picture, opening, reply, server_on
from zoomrefine_mcp.bench import Event
from zoomrefine_mcp.errors import NoBackend
from zoomrefine_mcp.records import Stage
from zoomrefine_mcp.server.progress import with_progress
from zoomrefine_mcp.server.server import make_server

pytestmark = pytest.mark.anyio

PLATE = [0.4, 0.4, 0.6, 0.6]


@pytest.fixture(params=["legacy", "2026-07-28"])
def era(request):
    return request.param


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return draw_picture(tmp_path / "plate.png")


@pytest.fixture
def arguments(picture: Path) -> dict[str, str]:
    return {"image_path": str(picture), "question": "Which number?"}


class Progress:
    """A client's progress callback that remembers what it was told."""

    def __init__(self):
        self.values: list[float] = []
        self.messages: list[str] = []
        self.news = anyio.Event()

    async def __call__(self, progress, total, message):
        self.values.append(progress)
        self.messages.append(message)
        self.news.set()
        self.news = anyio.Event()


async def test_progress_names_each_stage_in_order_and_its_values_grow(picture, arguments, era):
    told = Progress()
    server = server_on(picture.parent, [reply("7", PLATE, evidence="too_small"), reply("8")])
    async with connect(server, era) as client:
        await client.call_tool("zoom_and_refine", arguments, progress_callback=told)
    stages = [message.split(":")[0] for message in told.messages]
    assert stages[0] == "opening the picture"
    assert stages.index("localize") < stages.index("refine")
    assert told.values == sorted(set(told.values))


async def test_a_sign_of_life_comes_while_the_model_takes_its_time(picture, arguments, era):
    told, model = Progress(), PatientModel(reply("7"))
    server = make_server(opening(picture.parent, model), version="1", heartbeat_s=0.01)

    async def release_after_three_heartbeats():
        while sum(message.endswith(" s)") and "localize" in message for message in told.messages) < 3:
            await told.news.wait()
        model.released.set()

    with anyio.fail_after(20):
        async with connect(server, era) as client, anyio.create_task_group() as group:
            group.start_soon(release_after_three_heartbeats)
            result = await client.call_tool("zoom_and_refine", arguments, progress_callback=told)
    assert not result.is_error
    assert told.values == sorted(set(told.values))


async def test_nothing_is_reported_to_a_client_that_asked_for_no_progress(picture, arguments, era):
    received = []

    async def receive(message):
        received.append(message)

    server = server_on(picture.parent, [reply("7", PLATE, evidence="too_small"), reply("8")])
    async with connect(server, era, message_handler=receive) as client:
        await client.call_tool("zoom_and_refine", arguments)
    assert received == []


@pytest.mark.parametrize("tool", ["zoom_and_refine", "localize_region"])
async def test_cancelling_a_call_cancels_the_models_work_and_the_server_lives_on(picture, arguments, era, tool):
    model = StuckModel()
    with anyio.fail_after(20):
        async with connect(server_on(picture.parent, model), era) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, tool, arguments)
                await model.asked.wait()
                group.cancel_scope.cancel()
            await model.given_up.wait()
            shown = await client.call_tool("view_region", {"image_path": str(picture)})
    assert not shown.is_error


async def test_a_client_that_waits_no_longer_cancels_the_models_work(picture, arguments, era):
    model = StuckModel()
    with anyio.fail_after(20):
        async with connect(server_on(picture.parent, model), era) as client:
            with pytest.raises(Exception, match=r"(?i)tim(e|ed) ?out"):
                await client.call_tool("zoom_and_refine", arguments, read_timeout_seconds=0.5)
            await model.given_up.wait()


class BrokenLine:
    """A call's context whose client is gone."""

    def __init__(self):
        self.tried = 0

    async def report_progress(self, progress, total, message):
        self.tried += 1
        raise anyio.BrokenResourceError


async def test_progress_that_cannot_be_told_costs_no_result_and_is_not_tried_again(caplog):
    line = BrokenLine()

    async def work(report):
        for number in range(3):
            report(Event(Stage.LOCALIZE, f"step {number}", number))
            await anyio.lowlevel.checkpoint()
        return "the answer"

    assert await with_progress(line, work, beginning="opening") == "the answer"
    assert line.tried == 1
    assert "progress can no longer be told" in caplog.text


async def test_what_the_work_raises_is_not_hidden_by_progress_that_cannot_be_told():
    async def work(report):
        await anyio.lowlevel.checkpoint()
        raise NoBackend("nothing")

    with pytest.raises(NoBackend):
        await with_progress(BrokenLine(), work, beginning="opening")


async def test_work_is_cancelled_though_progress_cannot_be_told():
    started, given_up = anyio.Event(), anyio.Event()

    async def work(report):
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            given_up.set()

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(partial(with_progress, BrokenLine(), work, beginning="opening"))
            await started.wait()
            group.cancel_scope.cancel()
    assert given_up.is_set()

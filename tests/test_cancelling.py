"""A host that cancels a tool call: the request to the model's server ends, and the MCP server lives on."""

from __future__ import annotations

import sys

import anyio
import pytest

from tests.support.fault_cases import draw_scene
from tests.support.hosts import connect, launching
from tests.support.model_server import ModelServer

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="the launching of the process is as on POSIX"),
]

PATIENCE_S = 60


@pytest.mark.parametrize(
    ("era", "wire", "look"),
    [("legacy", "anthropic", 2), ("2026-07-28", "openai", 1)],
)
async def test_cancelling_a_tool_call_over_stdio_closes_the_connection_to_the_model_server(tmp_path, era, wire, look):
    picture = draw_scene(tmp_path / "scene.jpg")
    with ModelServer("claude", faults={look: "hang"}) as server, anyio.fail_after(PATIENCE_S):
        async with connect(launching(wire, server.address(wire), server.model, picture.parent), era) as client:
            async with anyio.create_task_group() as call:
                arguments = {"image_path": str(picture), "question": "Where is the marker?"}
                call.start_soon(client.call_tool, "zoom_and_refine", arguments)
                await anyio.to_thread.run_sync(server.hanging.wait, PATIENCE_S)
                call.cancel_scope.cancel()
            assert await anyio.to_thread.run_sync(server.client_left.wait, PATIENCE_S)
            assert server.left_at, "the client closed it, and not the server's end"
            shown = await client.call_tool("view_region", {"image_path": str(picture)})
    assert not shown.is_error
    assert len(server.requests) == look, "what was given up is not tried again"

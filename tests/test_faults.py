"""Stage 2 goes wrong, or the file does: the first answer stands, said so, and nothing dies."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.model_server import ModelServer
from tests.support.received import MARKER
from zoomrefine_mcp import ZoomRefine
from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.scripted import ScriptedClient
from zoomrefine_mcp.backends.profiles import profile_for

RED, BLUE = (200, 30, 30), (30, 30, 200)


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    picture = Image.new("RGB", (2400, 1600), (120, 120, 120))
    picture.paste(MARKER, (1500, 700, 1560, 760))
    path = tmp_path_factory.mktemp("scene") / "scene.png"
    picture.save(path, compress_level=1)
    return path


def run_cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "zoomrefine_mcp", *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("wire", "fault", "timeout_s", "reason"),
    [
        ("openai", "killed", "60", "refine_failed"),
        ("openai", "hang", "4", "deadline"),
        ("openai", "garbage", "60", "refine_failed"),
        ("openai", "empty", "60", "refine_unreadable"),
        ("anthropic", "killed", "60", "refine_failed"),
        ("anthropic", "hang", "4", "deadline"),
        ("anthropic", "garbage", "60", "refine_failed"),
        ("anthropic", "empty", "60", "refine_unreadable"),
    ],
)
def test_when_stage_2_fails_the_command_line_prints_the_first_answer_and_why_and_exits_0(
    scene, wire, fault, timeout_s, reason
):
    with ModelServer("claude", faults={2: fault}) as server:
        done = run_cli(
            "ask",
            str(scene),
            "Where is the marker?",
            "--json",
            "--timeout-s",
            timeout_s,
            "--view-edge",
            "600",
            "--backend",
            wire,
            "--base-url",
            server.address(wire),
            "--model",
            server.model,
        )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["answer"], result["status"], result["status_reason"]) == ("unsure", "preliminary", reason)
    assert result["regions"][0]["pixels"][0] == pytest.approx(1500, abs=8)
    assert result["warnings"]


@pytest.mark.parametrize(
    ("fault", "code"), [("killed", "backend_unreachable"), ("401", "backend_auth"), ("empty", "reply_unreadable")]
)
def test_when_stage_1_fails_the_command_line_says_one_line_and_exits_3(scene, fault, code):
    with ModelServer(faults={1: fault}) as server:
        done = run_cli("ask", str(scene), "Where?", "--json", "--base-url", server.openai_url, "--model", server.model)
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["code"] == code
    said = [line for line in done.stderr.splitlines() if line.startswith(code)]
    assert len(said) == 1


def _encoded(colour, kind: str) -> bytes:
    picture = Image.effect_noise((2400, 1600), 60).convert("RGB")
    picture = Image.blend(picture, Image.new("RGB", picture.size, colour), 0.85)
    held = io.BytesIO()
    options = {"PNG": {"compress_level": 1}, "TIFF": {"compression": "tiff_lzw"}, "WEBP": {"quality": 80, "method": 0}}
    picture.save(held, kind, **options.get(kind, {}))
    return held.getvalue()


@pytest.fixture(scope="module")
def encodings() -> dict[tuple[str, str], bytes]:
    return {
        (kind, name): _encoded(colour, kind)
        for kind in ("JPEG", "PNG", "TIFF", "WEBP")
        for name, colour in (("red", RED), ("blue", BLUE))
    }


def _delete(path: Path, other: bytes) -> None:
    path.unlink()


def _replace(path: Path, other: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(other)
    new.replace(path)


def _overwrite(path: Path, other: bytes) -> None:
    path.write_bytes(other)


def _truncate(path: Path, other: bytes) -> None:
    os.truncate(path, 3000)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("change", [_delete, _replace, _overwrite, _truncate])
async def test_a_file_changed_between_the_stages_gives_its_own_pixels_or_the_first_answer(
    tmp_path, encodings, kind, change
):
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(encodings[kind, "red"])
    first = {
        "reasoning": "",
        "evidence": "too_small",
        "answer": "first",
        "choice": None,
        "regions": [{"picture": 1, "label": "x", "box": [0.6, 0.6, 0.8, 0.8]}],
    }

    def look(_):
        change(path, encodings[kind, "blue"])
        return json.dumps(first)

    client = ScriptedClient([look, json.dumps(first | {"answer": "second", "evidence": "legible", "regions": []})])
    info = BackendInfo("scripted", "m", profile_for("m", wire="openai"), "this machine")
    result = await ZoomRefine(ChatBackend(client, info), view_edge=600).zoom_and_refine(path, "What?")

    if change in (_delete, _replace):
        assert (result.status, result.answer) == ("refined", "second")
    if result.status == "refined":
        crop = Image.open(io.BytesIO(result.sent.crops[0].data)).resize((1, 1)).getpixel((0, 0))
        assert crop[0] > crop[2] + 60, f"another file's pixels: {crop}"
    else:
        assert (result.status, result.status_reason, result.answer) == ("preliminary", "refine_failed", "first")
        assert any("image_damaged" in warning for warning in result.warnings)

"""A real server process over stdio: hostile calls get their codes, it lives on, and planted secrets stay inside."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from PIL import Image

from tests.support.model_server import ModelServer
from tests.support.received import MARKER

pytestmark = pytest.mark.anyio

PLANTED = {
    "OPENAI_API_KEY": "sk-planted-openai-key-0123",
    "OPENAI_ORG_ID": "org-planted-0123",
    "OPENAI_PROJECT_ID": "proj-planted-0123",
    "OPENAI_CUSTOM_HEADERS": "X-Planted: header-planted-openai",
    "ANTHROPIC_API_KEY": "sk-ant-planted-anthropic-key-0123",
    "ANTHROPIC_AUTH_TOKEN": "token-planted-anthropic-0123",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Planted: header-planted-anthropic",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("served")
    pictures = root / "pictures"
    pictures.mkdir()
    (root / "pictures-secret").mkdir()
    scene = Image.new("RGB", (1800, 1200), (120, 120, 120))
    scene.paste(MARKER, (1200, 500, 1260, 560))
    for place in (pictures / "scene.png", root / "pictures-secret" / "scene.png", root / "outside.png"):
        scene.save(place, compress_level=1)
    good = (pictures / "scene.png").read_bytes()
    (pictures / "link-out.png").symlink_to(root / "outside.png")
    (pictures / "cut.png").write_bytes(good[: len(good) // 2])
    (pictures / "empty.png").write_bytes(b"")
    (pictures / "page.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    (pictures / "drawing.jpg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    (pictures / "text.jpg").write_bytes(b"just words\n" * 99)
    (pictures / "bomb.png").write_bytes(_png(100_000, 100_000, b"\0" * 100))
    (pictures / "deflate.png").write_bytes(_png(30_000, 30_000, b"\0" * 60_000_000))
    os.mkfifo(pictures / "pipe.png")
    scene.convert("RGB").save(pictures / "mislabelled.png", "JPEG")
    return root


def _png(width: int, height: int, raw: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def launched(folder: Path, *arguments: str, **environment: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "zoomrefine_mcp", "serve", "--allow-dir", str(folder / "pictures"), *arguments],
        env={"PATH": os.environ["PATH"], **environment},
    )


HOSTILE = [
    ("{in}/../outside.png", "access_denied"),
    ("{root}/outside.png", "access_denied"),
    ("{root}/nothing-there.png", "access_denied"),
    ("{root}/pictures-secret/scene.png", "access_denied"),
    ("{in}/link-out.png", "access_denied"),
    ("/etc/passwd", "access_denied"),
    ("/dev/zero", "access_denied"),
    ("{in}", "not_a_file"),
    ("{in}/pipe.png", "not_a_file"),
    ("{in}/missing.png", "image_not_found"),
    ("{in}/a\0b.png", "bad_request"),
    ("{in}/" + "x" * 5000, "bad_request"),
    ("", "bad_request"),
    ("https://example.com/a.png", "url_not_supported"),
    ("s3://bucket/a.png", "url_not_supported"),
    ("data:image/png;base64,AAAA", "url_not_supported"),
    ("/mnt/user-data/uploads/a.png", "attachment_path"),
    ("/home/claude/a.png", "attachment_path"),
    ("{in}/cut.png", "image_damaged"),
    ("{in}/empty.png", "not_an_image"),
    ("{in}/page.png", "not_an_image"),
    ("{in}/drawing.jpg", "not_an_image"),
    ("{in}/text.jpg", "not_an_image"),
    ("{in}/bomb.png", "image_too_large"),
    ("{in}/deflate.png", "image_damaged"),
]


@pytest.mark.parametrize("tool", ["view_region", "zoom_and_refine"])
async def test_each_hostile_path_gets_its_stable_code_and_the_server_answers_the_next_call(folder, tool):
    script = folder / "replies.json"
    script.write_text('["{}"]')
    async with Client(stdio_client(launched(folder, "--backend", "scripted", "--script", str(script)))) as client:
        for path, code in HOSTILE:
            named = path.replace("{in}", str(folder / "pictures")).replace("{root}", str(folder))
            arguments = {"image_path": named} | ({"question": "What?"} if tool == "zoom_and_refine" else {})
            result = await client.call_tool(tool, arguments)
            assert result.is_error, path
            assert result.meta["code"] == code, (path, result.content)
            assert result.structured_content is None
        shown = await client.call_tool("view_region", {"image_path": str(folder / "pictures" / "mislabelled.png")})
        assert not shown.is_error


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("zoom_and_refine", {"question": "x" * 1_000_000}, "bad_request"),
        ("zoom_and_refine", {"question": ""}, "bad_request"),
        ("zoom_and_refine", {"question": ["a"]}, "bad_request"),
        ("zoom_and_refine", {"question": "a", "choises": ["b"]}, "bad_request"),
        ("zoom_and_refine", {"question": "a", "policy": "clever"}, "bad_request"),
        ("zoom_and_refine", {"question": "a", "page": 0}, "bad_request"),
        ("zoom_and_refine", {"question": "a", "page": 7}, "bad_request"),
        ("localize_region", {"question": "a", "precision": "very"}, "bad_request"),
        ("view_region", {"box": [0, 0, 400, 300]}, "bad_request"),
        ("view_region", {"box": [0.5, 0.5, 0.2, 0.9]}, "bad_request"),
        ("view_region", {"box": "everything"}, "bad_request"),
        ("view_region", {"max_edge": 10**9}, "bad_request"),
    ],
)
async def test_a_wrong_argument_is_refused_with_a_code(folder, server_client, tool, arguments, code):
    picture = {"image_path": str(folder / "pictures" / "scene.png")}
    result = await server_client.call_tool(tool, picture | arguments)
    assert result.is_error
    assert result.meta["code"] == code
    assert len(result.content[0].text) < 2000


@pytest.fixture
async def server_client(folder):
    script = folder / "replies.json"
    script.write_text('["{}"]')
    async with Client(stdio_client(launched(folder, "--backend", "scripted", "--script", str(script)))) as client:
        yield client


@pytest.mark.parametrize("fault", ["ok", "echo", "401", "500", "html", "garbage"])
async def test_planted_secrets_are_in_no_result_error_log_or_progress_and_reach_no_foreign_server(
    folder, tmp_path, fault
):
    log = tmp_path / "stderr.txt"
    said: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        said.append(f"{done} {total} {message}")

    with ModelServer(faults={1: fault}) as server, log.open("w") as errlog:
        parameters = launched(folder, "--base-url", server.openai_url, **PLANTED)
        async with Client(stdio_client(parameters, errlog=errlog)) as client:
            picture = {"image_path": str(folder / "pictures" / "scene.png"), "question": "Where is the marker?"}
            for tool in ("zoom_and_refine", "localize_region"):
                said.append((await client.call_tool(tool, picture, progress_callback=progress)).model_dump_json())
            said += [(await client.list_tools()).model_dump_json()]
    received = "\n".join(f"{request.headers} {request.body}" for request in [*server.requests, *server.listings])
    for text in (*said, log.read_text(), received):
        assert "planted" not in text.lower()
    assert len(server.requests) >= 2

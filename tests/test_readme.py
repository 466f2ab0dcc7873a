"""README is true: each host's registration is launched as it is written, and the Python example runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from PIL import Image, ImageDraw, ImageFont

from zoomrefine_mcp.settings import Settings, env_name, flag_name

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPT = Path(sys.executable).with_name("zoomrefine-mcp")


def registrations() -> list[tuple[str, dict[str, object]]]:
    """(host, entry) for each JSON block that registers the server."""
    found = []
    for heading, block in re.findall(r"^\*\*([\w ]+)\*\* \(.*?```json\n(.*?)```", README, re.DOTALL | re.MULTILINE):
        config = json.loads(block)
        servers = config.get("mcpServers") or config.get("servers")
        found.append((heading, servers["zoomrefine"]))
    return found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    picture = Image.new("RGB", (900, 300), "white")
    font = ImageFont.load_default(40)
    ImageDraw.Draw(picture).text((60, 120), "Serial number: 48-2207", fill="black", font=font)
    picture.save(folder / "plate.png")
    outside = tmp_path_factory.mktemp("outside")
    picture.save(outside / "plate.png")
    return folder


def test_there_is_a_registration_for_each_of_the_four_hosts():
    assert {host for host, _ in registrations()} == {"Claude Desktop", "Claude Code", "VS Code", "Cursor"}


@pytest.mark.parametrize(("host", "entry"), registrations())
async def test_a_registration_works_as_written_from_the_root_directory_with_a_minimal_path(host, entry, pictures):
    def filled(text: str) -> str:
        return text.replace("/ABSOLUTE/PATH/TO/zoomrefine-mcp", str(SCRIPT)).replace(
            "/ABSOLUTE/PATH/TO/PICTURES", str(pictures)
        )

    launched = StdioServerParameters(
        command=filled(entry["command"]),
        args=[filled(argument) for argument in entry["args"]],
        env={"PATH": "/usr/bin:/bin"} | {name: filled(value) for name, value in entry.get("env", {}).items()},
        cwd="/",
    )
    async with Client(stdio_client(launched)) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"zoom_and_refine", "localize_region", "view_region"}
        question = {"image_path": str(pictures / "plate.png"), "question": "What is the serial number?"}
        answered = await client.call_tool("zoom_and_refine", question)
        assert answered.structured_content["answer"] == "48-2207", host
        outside = pictures.with_name(pictures.name.replace("pictures", "outside")) / "plate.png"
        refused = await client.call_tool("zoom_and_refine", question | {"image_path": str(outside)})
        assert refused.is_error
        assert refused.meta["code"] == "access_denied"


def test_the_python_example_runs_as_it_is_written_and_prints_what_it_says():
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "None -> 1982"


async def test_the_asynchronous_example_finds_and_prints_the_code_of_what_goes_wrong(pictures, capsys):
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[1]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own README
    where = names["where"]
    assert await where(str(pictures / "plate.png"), "the serial number") is not None
    assert await where(str(pictures / "none.png"), "the serial number") is None
    assert capsys.readouterr().out.startswith("image_not_found ")


def test_every_flag_and_variable_of_the_settings_is_listed():
    for field in Settings.model_fields:
        if flag_name(field) is not None:
            assert env_name(field) in README, field

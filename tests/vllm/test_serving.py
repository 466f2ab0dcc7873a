"""What examples/serving.md says is so: against a real vLLM that takes one picture a conversation, and its parser."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.real_server import Pointing
from zoomrefine_mcp import Settings, ZoomRefine, open_app

pytestmark = [pytest.mark.vllm, pytest.mark.anyio, pytest.mark.usefixtures("takes_one_picture")]

ROOT = Path(__file__).parents[2]
PARSE = """
import json, sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
for arguments in json.load(sys.stdin):
    make_arg_parser(FlexibleArgumentParser()).parse_args(arguments)
"""


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_with_a_limit_of_one_picture_the_first_answer_stays_and_the_flag_is_named(server, draw, wire, figures):
    asked = Settings(backend=wire, base_url=server.url(wire), max_tokens=3000)
    async with open_app(asked) as app:
        backend = Pointing(await app.backend())
        result = await ZoomRefine(backend).zoom_and_refine(draw(3000, 2000), "What does the plate say?")
    assert (result.status, result.status_reason) == ("preliminary", "refine_failed")
    assert (result.answer, result.abstained) == (result.preliminary_answer, result.answer is None)
    [said] = [warning for warning in result.warnings if "later look" in warning]
    figures(f"{wire} wire: {said}")
    assert "takes fewer pictures than a zoom needs" in said
    assert "--limit-mm-per-prompt" in said


def test_vllm_knows_every_flag_of_the_serving_commands(server):
    text = (ROOT / "examples" / "serving.md").read_text(encoding="utf-8").replace("\\\n", " ")
    commands = [shlex.split(line) for line in re.findall(r"^vllm serve .*$", text, re.MULTILINE)]
    assert len(commands) == 4
    read = subprocess.run(
        [ROOT / ".venv-vllm" / "bin" / "python", "-c", PARSE],
        input=json.dumps([command[2:] for command in commands]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr

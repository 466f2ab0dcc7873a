"""Calls the server with the MCP inspector's command line, as a host outside of our own code base would.

    python scripts/run_inspector.py [IMAGE [QUESTION]] [-- SERVE-FLAGS...]

Needs Node 20 or newer. The inspector is installed into a temporary directory, or into INSPECTOR_DIR where that is set
(and is found there the next time). The server is the console script beside the interpreter that runs this.
Prints what the inspector said in short and exits with 1 where anything is not as it has to be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
TOOL_ERROR = 5
"""The inspector's exit code where a tool's result says that it is an error."""
ERAS = ("legacy", "modern")
DEFAULT_IMAGE = Path(__file__).parent.parent / "examples" / "scene.jpg"


def install(folder: Path) -> Path:
    program = folder / "node_modules" / ".bin" / "mcp-inspector"
    if not program.exists():
        command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder), INSPECTOR]
        subprocess.run(command, check=True)
    return program


def inspect(program: Path, serve: list[str], era: str, *flags: str) -> tuple[int, Any]:
    command = [str(program), "--cli", *serve, "--protocol-era", era, "--format", "json", *flags]
    environment = os.environ | {"MCP_INSPECTOR_SECRET_STORE": "memory"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    try:
        said = json.loads(done.stdout)
        return done.returncode, said.get("result", said)
    except ValueError:
        sys.exit(f"the inspector said no JSON (exit {done.returncode}):\n{done.stdout}\n{done.stderr}")


def call(program: Path, serve: list[str], era: str, tool: str, **arguments: Any) -> tuple[int, Any]:
    flags = ("--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
    return inspect(program, serve, era, *flags)


def shown(result: Any) -> str:
    blocks = result.get("content", [])
    texts = [block["text"] for block in blocks if block["type"] == "text"]
    images = [f"[image {block['mimeType']}, {len(block['data'])} characters]" for block in blocks if "data" in block]
    return "\n".join("    " + line for line in "\n".join(texts + images).splitlines())


def check(what: str, *, passed: bool) -> bool:
    print(f"{'ok  ' if passed else 'FAIL'} {what}")
    return passed


def run(program: Path, serve: list[str], image: str, question: str) -> bool:
    passed = []
    for era in ERAS:
        code, listed = inspect(program, serve, era, "--method", "tools/list")
        names = [tool["name"] for tool in listed.get("tools", [])]
        passed.append(check(f"{era}: tools/list: {', '.join(names)}", passed=code == 0 and len(names) == 3))

        code, result = call(program, serve, era, "zoom_and_refine", image_path=image, question=question)
        answer = result.get("structuredContent") or {}
        size = len(json.dumps(result))
        said = f"{era}: zoom_and_refine: {answer.get('answer')!r}, {answer.get('status')}, {size} bytes"
        passed.append(check(said, passed=code == 0 and "answer" in answer and size < 700_000))
        print(shown(result))

        code, result = call(program, serve, era, "view_region", image_path=image, box=[0.4, 0.4, 0.6, 0.6])
        has_image = any(block["type"] == "image" for block in result.get("content", []))
        passed.append(check(f"{era}: view_region", passed=code == 0 and has_image))
        print(shown(result))

        code, result = call(program, serve, era, "zoom_and_refine", image_path="/etc/passwd", question=question)
        passed.append(check(f"{era}: a path outside is a tool error", passed=code == TOOL_ERROR))
        print(shown(result))
    return all(passed)


def main() -> None:
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    given, serve_flags = arguments[:split], arguments[split + 1 :]
    image = str(Path(given[0] if given else DEFAULT_IMAGE).resolve())
    question = given[1] if len(given) > 1 else "What is the serial number?"
    console_script = str(Path(sys.executable).parent / "zoomrefine-mcp")
    serve = [console_script, "serve", "--allow-dir", str(Path(image).parent), *serve_flags]
    with tempfile.TemporaryDirectory() as temporary:
        program = install(Path(os.environ.get("INSPECTOR_DIR", temporary)))
        sys.exit(0 if run(program, serve, image, question) else 1)


if __name__ == "__main__":
    main()

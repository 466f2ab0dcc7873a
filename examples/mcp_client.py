"""A program that uses the server as an MCP client over stdio: lists the tools, asks, and saves the crop it gets.

python examples/mcp_client.py [IMAGE QUESTION]
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_types import ImageContent

HERE = Path(__file__).parent


async def main(image: Path, question: str) -> None:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "zoomrefine_mcp", "serve", "--allow-dir", str(image.parent)]
    )

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        print(f"  {progress:.0f} of {total or '?'} {message}", file=sys.stderr)

    async with Client(stdio_client(server)) as client:
        print("tools:", ", ".join(tool.name for tool in (await client.list_tools()).tools))
        arguments = {"image_path": str(image), "question": question, "include_image": "crop"}
        result = await client.call_tool("zoom_and_refine", arguments, progress_callback=progress)
        if result.is_error or result.structured_content is None:
            print("error:", result.content)
            return
        print("preliminary:", result.structured_content["preliminary_answer"])
        print("answer:", result.structured_content["answer"])
        for region in result.structured_content["regions"]:
            print("region:", region["pixels"], region["label"])
        for block in result.content:
            if isinstance(block, ImageContent):
                path = Path(tempfile.mkdtemp()) / "crop.jpg"
                path.write_bytes(base64.b64decode(block.data))
                print("crop:", path)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        anyio.run(main, Path(sys.argv[1]).resolve(), sys.argv[2])
    else:
        anyio.run(main, HERE / "scene.jpg", json.loads((HERE / "scene.json").read_text(encoding="utf-8"))["question"])

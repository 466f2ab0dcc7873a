"""Two files that no memory holds as pictures: a map of 2 gigapixels, and a document of 60 plans.

    python benchmarks/huge.py [--out DIR] [--make-only | --zoom]

- `map.tif`: 50,000 x 40,000 px, a pyramid of JPEG tiles (BigTIFF, some 120 MB). Twenty districts with their names,
  16 streets in each, 9 plates on each street. A plate is found over three levels: the district's name is legible in the
  view, the street's in the district, the plate's number (20 px) at full resolution.
- `plans.pdf`: 60 vector pages, each the plan of another station; one of their labels is set in 4 points.

Beside each file lies a `.json` with a question, its answer, and where it is found, level by level (pixels of the
original or of the page at 300 dpi). Everything is drawn from a seed, so the files are the same each time.

Then each is opened in a process of its own, as a question would: the view and a crop for each level. The table gives
seconds and the peak resident size.

At last each question is asked (with ``--zoom``, that alone): by the policy ``adaptive`` in a process of its own, and through
the tool ``zoom_and_refine`` of a server over stdio. A loopback model (``huge_model.py``) answers them in this process; it reads
what it is shown 8 pixels high. Of the document no page is named.

Exit code 1 where an answer is wrong or a process comes to 600 MB or more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from huge_files import CELL, CELLS, Truth, make_document, make_map
from huge_model import HugeServer, Task, map_task, plans_task
from zoomrefine_mcp import Settings, ZoomRefine, open_app
from zoomrefine_mcp.access import Access
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.geometry import Box, PixelBox
from zoomrefine_mcp.images.source import open_source
from zoomrefine_mcp.pictures import Fit

MOST_MB = 600
VIEW_EDGE = 1568
MODEL = "qwen3-vl-loopback"


def crops(truth: Truth, size: tuple[int, int]) -> Iterator[PixelBox]:
    """Three crops about the last level's box, each narrower, as a model would ask for them."""
    left, top, right, bottom = list(truth.levels.values())[-1]
    for share in (5, 20, 0):
        width = max(right - left, size[0] // share) if share else (right - left) * 3
        height = max(bottom - top, size[1] // share) if share else (right - left) * 2
        x = min(max(0, (left + right - width) // 2), size[0] - width)
        y = min(max(0, (top + bottom - height) // 2), size[1] - height)
        yield PixelBox(x, y, x + width, y + height)


async def _measured(path: Path, out: Path) -> dict[str, Any]:
    """Seconds of the view and the crops; the pictures are written to ``out``."""
    truth = Truth(**json.loads(path.with_suffix(".json").read_text()))
    seconds = []
    began = time.perf_counter()
    async with await open_source(Access.anything().open(str(path))) as source:
        opened = time.perf_counter() - began
        whole = Box.full() if truth.page is None else source.parts[truth.page - 1]
        page = source.size if truth.page is None else source.on_page(whole)[2]
        boxes = [Box.from_pixels(cut, page) for cut in crops(truth, (page.width, page.height))]
        for number, box in enumerate([Box.full(), *map(whole.compose, boxes)]):
            began = time.perf_counter()
            cut = box.to_pixels(source.size).size
            fit = Fit(cut.within_edge(VIEW_EDGE) if cut.long_edge > VIEW_EDGE // 2 else cut.scaled(2))
            picture = await source.render(box, fit)
            seconds.append(round(time.perf_counter() - began, 2))
            (out / f"{path.stem}-{number}.jpg").write_bytes(picture.data)
        began = time.perf_counter()
        await source.detail(source.parts)
        detail = time.perf_counter() - began
    return {
        "opened": round(opened, 2),
        "view": seconds[0],
        "crops": seconds[1:],
        "detail": round(detail, 2),
        "mb": _peak_mb(),
    }


async def _task(path: Path, truth: Truth) -> Task:
    """What the model knows of a file: its levels on all of it."""
    async with await open_source(Access.anything().open(str(path))) as source:
        if truth.page is None:
            return map_task(truth.question, truth.answer, truth.levels, source.size, CELL, CELLS)
        page = source.parts[truth.page - 1]
        label = truth.levels["label"]
        return plans_task(truth.question, truth.answer, label, source.size, page, source.on_page(page)[2])


async def _asked(path: Path, question: str, url: str) -> dict[str, Any]:
    """The question by ``adaptive``, in this process."""
    async with open_app(Settings(backend="vllm", base_url=url, model=MODEL)) as app:
        result = await ZoomRefine(await app.backend(), "adaptive").zoom_and_refine(str(path), question)
    return {**result.model_dump(mode="json"), "mb": _peak_mb()}


async def _called(path: Path, question: str, url: str) -> dict[str, Any]:
    """The question through the tool, of a server in a process of its own."""
    arguments = ["serve", "--allow-dir", str(path.parent), "--backend", "vllm", "--base-url", url]
    launched = StdioServerParameters(command=sys.executable, args=["-m", "zoomrefine_mcp", *arguments])
    before = _children()
    async with Client(stdio_client(launched)) as client:
        reply = await client.call_tool("zoom_and_refine", {"image_path": str(path), "question": question})
        mb = max((_peak_mb(child) for child in _children() - before), default=0.0)
    if reply.is_error or reply.structured_content is None:
        return {"answer": None, "status": "error", "status_reason": str(reply.content), "mb": mb}
    return {**reply.structured_content, "mb": mb}


def _children() -> set[str]:
    """Processes that this one started; Linux alone says which."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {child for one in lists for child in one.read_text().split()}


def _zoomed(path: Path, server: HugeServer) -> bool:
    """Ask a file's question both ways, and print what came; whether the answers are right and memory held."""
    truth = Truth(**json.loads(path.with_suffix(".json").read_text()))
    server.pose(anyio.run(_task, path, truth))
    command = [sys.executable, __file__, "--ask", str(path), "--server", server.url]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    for number, look in enumerate(found["trace"], start=1):
        _print_look(number, look)
    timing = found["timing"]
    spent = f"picture work {timing['image_s']:.2f} s, in all {timing['total_s']:.2f} s, peak {found['mb']:.0f} MB"
    print(f"{'adaptive':<10}{_verdict(found, truth)}, {spent}")
    server.pose(anyio.run(_task, path, truth))
    called = anyio.run(_called, path, truth.question, server.url)
    print(f"{'MCP tool':<10}{_verdict(called, truth)}, peak {called['mb']:.0f} MB")
    for fault in server.faults:
        print(f"{'':<10}the loopback model failed: {fault}")
    answered = all(_is_right(one, truth) for one in (found, called))
    return answered and not server.faults and max(found["mb"], called["mb"]) < MOST_MB


def _print_look(number: int, look: dict[str, Any]) -> None:
    pictures = ", ".join(
        f"{'' if one['page'] is None else 'page {} '.format(one['page'])}{one['pixels']} at {one['width']} x {one['height']}"
        for one in look["pictures"]
    )
    print(f"{'look':>6} {number}  {look['stage']} ({look['why']}), {look['seconds']:.2f} s: {pictures}")
    print(f"{'':<10}{look['evidence']}: {look['explanation']}")


def _verdict(result: dict[str, Any], truth: Truth) -> str:
    right = "right" if _is_right(result, truth) else f"wrong, {truth.answer} is"
    regions = result.get("regions") or [{}]
    page = "" if truth.page is None else f" on page {regions[0].get('page')}"
    reason = result["status_reason"]
    return f"{result['answer']}{page} ({right}), {result['status']}{f' ({reason})' if reason else ''}"


def _is_right(result: dict[str, Any], truth: Truth) -> bool:
    """The answer as printed and, of a document, the right page."""
    if truth.page is not None and [one["page"] for one in result.get("regions", [])][:1] != [truth.page]:
        return False
    return bool(result["answer"] == truth.answer)


def _peak_mb(process: str = "self") -> float:
    """Peak resident size. Linux counts what the parent had before it started this process into ru_maxrss."""
    status = Path(f"/proc/{process}/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+)", status.read_text())[0]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/huge"))
    parser.add_argument("--make-only", action="store_true", help="make the files and measure nothing")
    parser.add_argument("--zoom", action="store_true", help="ask the questions, and measure no views and crops")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ask", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--server", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(anyio.run(_measured, options.measure, options.out)))
        return 0
    if options.ask:
        truth = Truth(**json.loads(options.ask.with_suffix(".json").read_text()))
        print(json.dumps(anyio.run(_asked, options.ask, truth.question, options.server)))
        return 0
    out: Path = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    holds = True
    with HugeServer(profile_for(MODEL, wire="openai"), MODEL) as server:
        for name, make in (("map.tif", make_map), ("plans.pdf", make_document)):
            path = out / name
            _made(path, make)
            if options.make_only:
                continue
            if not options.zoom:
                holds &= _opened(path, out)
            holds &= _zoomed(path, server)
    return int(not holds)


def _made(path: Path, make: Callable[[Path], Truth]) -> None:
    """Make a file that is not there, and print the question about it."""
    if not path.with_suffix(".json").exists():
        began = time.perf_counter()
        truth = make(path)
        path.with_suffix(".json").write_text(json.dumps(asdict(truth), indent=2) + "\n")
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, made in {time.perf_counter() - began:.0f} s")
    truth = Truth(**json.loads(path.with_suffix(".json").read_text()))
    print(f"{path.name}: {truth.question} {truth.answer}", flush=True)


def _opened(path: Path, out: Path) -> bool:
    """Print the seconds of a view and crops of a file; whether memory held."""
    command = [sys.executable, __file__, "--out", str(out), "--measure", str(path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(
        f"{'':<10}opened in {found['opened']} s, view {found['view']} s, crops {found['crops']} s, "
        f"detail {found['detail']} s, peak {found['mb']:.0f} MB"
    )
    return bool(found["mb"] < MOST_MB)


if __name__ == "__main__":
    sys.exit(main())

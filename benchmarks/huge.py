"""Two files that no memory holds as pictures: a map of 2 gigapixels, and a document of 60 plans.

    python benchmarks/huge.py [--out DIR] [--make-only | --zoom]

- `map.tif`: 50,000 x 40,000 px, a pyramid of JPEG tiles (BigTIFF, some 200 MB). Twenty districts with their names,
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
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anyio
import pyvips
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from PIL import Image, ImageDraw, ImageFont

from huge_model import HugeServer, Task, map_task, plans_task
from vector_pdf import PdfSheet, pdf, rectangle, text
from zoomrefine_mcp import Settings, ZoomRefine, open_app
from zoomrefine_mcp.access import Access
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.geometry import Box, PixelBox
from zoomrefine_mcp.images.source import open_source
from zoomrefine_mcp.pictures import Fit

SEED = 20_260_601
MOST_MB = 600
VIEW_EDGE = 1568
MODEL = "qwen3-vl-loopback"

CELL = 2500  # one street, in pixels
ACROSS, DOWN = 5, 4  # districts
CELLS = 4  # streets of a district, each way

_DISTRICTS = [
    "HARBOUR",
    "NORTHGATE",
    "MILLFIELD",
    "OLDTOWN",
    "RIVERSIDE",
    "QUARRY",
    "ORCHARD",
    "STATION",
    "LAKESHORE",
    "FOUNDRY",
    "MARKET",
    "BEACON",
    "GARRISON",
    "MEADOWS",
    "VIADUCT",
    "CANAL",
    "ABBEY",
    "TERRACE",
    "COLLIERY",
    "WINDMILL",
]
_STREETS = [
    "Acacia",
    "Birch",
    "Cedar",
    "Dogwood",
    "Elm",
    "Fir",
    "Gorse",
    "Hazel",
    "Ivy",
    "Juniper",
    "Larch",
    "Maple",
    "Oak",
    "Poplar",
    "Rowan",
    "Willow",
]
_PLATES = ["PUMP", "VALVE", "METER", "FUSE", "VENT", "DRAIN", "RELAY", "SLUICE", "HYDRANT"]


@dataclass(frozen=True)
class Truth:
    """A question about a file.

    Attributes:
        question: As a person would put it.
        answer: As printed.
        page: Of a document, from 1.
        levels: What is found at each level, and its box in pixels.
    """

    question: str
    answer: str
    page: int | None
    levels: dict[str, list[int]]


def make_map(path: Path, seed: int = SEED) -> Truth:
    """Write the map, a few rows of tiles at a time, and say what is on it."""
    draw = random.Random(seed)
    blocks = [_blocks(draw) for _ in range(4)]
    across = ACROSS * CELLS
    wanted = draw.randrange(ACROSS * DOWN), draw.randrange(CELLS * CELLS), draw.randrange(len(_PLATES))
    levels: dict[str, list[int]] = {}
    cells = []
    answer = ""
    for index in range(across * DOWN * CELLS):
        row, column = divmod(index, across)
        district = row // CELLS * ACROSS + column // CELLS
        street = row % CELLS * CELLS + column % CELLS
        cell = blocks[draw.randrange(len(blocks))].linear([0.8 + 0.02 * (district % 9)] * 3, [18] * 3).cast("uchar")
        words = f"{_STREETS[street]} Street"
        cell, place = _written(cell, words, 110, 300, 730)
        for plate, what in enumerate(_PLATES):
            number = f"{draw.randrange(10_000, 100_000)}"
            x, y = 200 + plate % 3 * 760 + draw.randrange(300), 930 + plate // 3 * 490 + draw.randrange(220)
            cell, spot = _written(cell, f"{what} {number}", 20, x, y)
            if (district, street, plate) == wanted:
                answer = number
                levels = {"street": _moved(place, row, column), "plate": _moved(spot, row, column)}
        cells.append(cell)
    image = pyvips.Image.arrayjoin(cells, across=across)
    for district, name in enumerate(_DISTRICTS):
        row, column = divmod(district, ACROSS)
        image, place = _written(image, name, 580, column * CELLS * CELL + 1200, row * CELLS * CELL + CELL * 2 + 10)
        if district == wanted[0]:
            levels = {"district": place, **levels}
    image.tiffsave(
        str(path),
        tile=True,
        pyramid=True,
        bigtiff=True,
        compression="jpeg",
        Q=85,
        tile_width=256,
        tile_height=256,
    )
    asked = f"district {_DISTRICTS[wanted[0]]}, {_STREETS[wanted[1]]} Street"
    return Truth(f"In {asked}: what is the number of the {_PLATES[wanted[2]]} plate?", answer, None, levels)


def _blocks(draw: random.Random) -> pyvips.Image:
    """Houses and gardens of one street."""
    image = Image.new("RGB", (CELL, CELL), (236, 232, 222))
    pen = ImageDraw.Draw(image)
    for x in range(60, CELL - 200, 180):
        for y in range(910, CELL - 120, 140):
            shade = draw.randrange(170, 215)
            size = draw.randrange(60, 150), draw.randrange(50, 110)
            pen.rectangle((x, y, x + size[0], y + size[1]), fill=(shade, shade, shade - draw.randrange(40)))
    pen.rectangle((0, 710, CELL, 880), fill=(252, 250, 244))
    pen.rectangle((CELL - 70, 0, CELL, CELL), fill=(252, 250, 244))
    return pyvips.Image.new_from_memory(image.tobytes(), CELL, CELL, 3, "uchar").copy(interpretation="srgb")


def _written(image: pyvips.Image, words: str, capitals: int, x: int, y: int) -> tuple[pyvips.Image, list[int]]:
    """The picture with words on a white plate from (x, y), their capitals so many pixels high; and where they are."""
    font = ImageFont.load_default(capitals / 0.72)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(words))
    pad = max(4, capitals // 12)
    plate = Image.new("RGB", (right - left + 2 * pad, bottom - top + 2 * pad), "white")
    ImageDraw.Draw(plate).text((pad - left, pad - top), words, font=font, fill=(20, 20, 30))
    ink = pyvips.Image.new_from_memory(plate.tobytes(), plate.width, plate.height, 3, "uchar")
    return image.insert(ink, x, y), [x, y, x + plate.width, y + plate.height]


def _moved(place: list[int], row: int, column: int) -> list[int]:
    left, top, right, bottom = place
    return [left + column * CELL, top + row * CELL, right + column * CELL, bottom + row * CELL]


def make_document(path: Path, seed: int = SEED, pages: int = 60) -> Truth:
    """Write the plans, and say what is on them."""
    draw = random.Random(seed)
    wanted, width, height = draw.randrange(pages), 842, 595  # A4 across
    names = [f"{district.title()} {kind}" for kind in ("pumps", "valves", "meters") for district in _DISTRICTS]
    sheets = []
    truth = Truth("", "", None, {})
    for index in range(pages):
        content = [text(40, height - 46, 26, f"{names[index % len(names)]}", 2), b"0.6 w 0.3 G\n"]
        for at in range(24):
            x, y = 60 + at % 6 * 125 + draw.randrange(30), 70 + at // 6 * 110 + draw.randrange(30)
            content.append(rectangle(x, y, 58, 34, (0.9, 0.93, 0.97)))
            content.append(b"%d %d 58 34 re S %d %d m %d %d l S\n" % (x, y, x + 58, y + 17, x + 125, y + 17))
            content.append(text(x + 4, y + 20, 9, f"V-{at + 1}"))
            content.append(text(x + 4, y + 8, 6, f"DN {draw.randrange(2, 40) * 10}"))
        if index == wanted:
            serial = f"{draw.randrange(10_000, 100_000)}-{draw.randrange(10)}"
            x, y = draw.randrange(100, 700), draw.randrange(30, 60)
            content.append(text(x, y, 4, f"Relief valve RV-9: serial {serial}"))
            dots = 300 / 72
            box = [
                round(x * dots),
                round((height - y - 3) * dots),
                round((x + 70) * dots),
                round((height - y + 1) * dots),
            ]
            question = f"On the sheet {names[index % len(names)]}: what is the serial number of relief valve RV-9?"
            truth = Truth(question, serial, index + 1, {"label": box})
        sheets.append(PdfSheet(b"".join(content), width, height))
    path.write_bytes(pdf(sheets))
    return truth


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

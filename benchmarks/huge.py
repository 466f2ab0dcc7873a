"""Two files that no memory holds as pictures: a map of 2 gigapixels, and a document of 60 plans.

    python benchmarks/huge.py [--out DIR] [--make-only]

- `map.tif`: 50,000 x 40,000 px, a pyramid of JPEG tiles (BigTIFF, some 200 MB). Twenty districts with their names,
  16 streets in each, 9 plates on each street. A plate is found over three levels: the district's name is legible in the
  view, the street's in the district, the plate's number (20 px) at full resolution.
- `plans.pdf`: 60 vector pages, each the plan of another station; one of their labels is set in 4 points.

Beside each file lies a `.json` with a question, its answer, and where it is found, level by level (pixels of the
original or of the page at 300 dpi). Everything is drawn from a seed, so the files are the same each time.

Then each is opened in a process of its own, as a question would: the view and a crop for each level. The table gives
seconds and the peak resident size. Exit code 1 where that is 600 MB or more.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anyio
import pyvips
from PIL import Image, ImageDraw, ImageFont

from vector_pdf import PdfSheet, pdf, rectangle, text
from zoomrefine_mcp.access import Access
from zoomrefine_mcp.geometry import Box, PixelBox
from zoomrefine_mcp.images.source import open_source
from zoomrefine_mcp.pictures import Fit

SEED = 20_260_601
MOST_MB = 600
VIEW_EDGE = 1568

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


def _peak_mb() -> float:
    """Peak resident size. Linux counts what the parent had before it started this process into ru_maxrss."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+)", status.read_text())[0]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/huge"))
    parser.add_argument("--make-only", action="store_true", help="make the files and measure nothing")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(anyio.run(_measured, options.measure, options.out)))
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    worst = 0.0
    for name, make in (("map.tif", make_map), ("plans.pdf", make_document)):
        path: Path = options.out / name
        if not path.with_suffix(".json").exists():
            began = time.perf_counter()
            truth = make(path)
            path.with_suffix(".json").write_text(json.dumps(asdict(truth), indent=2) + "\n")
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, made in {time.perf_counter() - began:.0f} s")
        truth = Truth(**json.loads(path.with_suffix(".json").read_text()))
        print(f"{name}: {truth.question} {truth.answer}")
        if options.make_only:
            continue
        command = [sys.executable, __file__, "--out", str(options.out), "--measure", str(path)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        worst = max(worst, found["mb"])
        print(
            f"{'':<10}opened in {found['opened']} s, view {found['view']} s, crops {found['crops']} s, "
            f"detail {found['detail']} s, peak {found['mb']:.0f} MB"
        )
    return int(worst >= MOST_MB)


if __name__ == "__main__":
    sys.exit(main())

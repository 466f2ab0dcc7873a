"""The two files of ``huge.py``: a map of 2 gigapixels, and a document of 60 plans, drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pyvips
from PIL import Image, ImageDraw, ImageFont

from vector_pdf import PdfSheet, pdf, rectangle, text

SEED = 20_260_601

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

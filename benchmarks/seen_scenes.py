"""Scenes that were held out once and have been looked at since: drawn pictures of 33 megapixels with a known answer.

Six kinds of printed matter (a ferry board, a water certificate, a gallery plan, a star chart, a
trail panel and a herbarium sheet) carry labels that survive a view of 1024-1568 px and details that
mostly do not. Seeds from 3000 draw ten more kinds, of `seen_papers`, `seen_places` and `seen_walls`, that were held out
later and are dealt as `dealing` says. The reader's figures on all of them were read by whoever tunes it, so they are
development material now; what is still unseen is in `heldout_scenes`.

A picture of the six depends on its seed alone. Text is set in the font embedded in Pillow, so a bare machine
draws the same picture; `system_fonts=True` trades that for more typefaces. Each run of 40 seeds is
dealt the same mix (see `deal`). A question without an answer asks for a name that is absent beside
its namesakes, a field left empty, a thing foreign to the scene, or a colour or count not shown.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

import seen_papers
import seen_places
import seen_walls
from dealing import draw_scene
from samples import Sample

Box: TypeAlias = tuple[int, int, int, int]
Colour: TypeAlias = tuple[int, ...]
Maker: TypeAlias = Callable[[Random], str]

WIDE, TALL = (7680, 4320), (4320, 7680)
TOP, FOOT = 380, 200  # the bands of the title and of the small print, in pixels
BLOCK = 40  # seeds that share one dealt mix
GAPS = (*["absent"] * 3, *["blank"] * 3, *["alien"] * 2, *["unseen"] * 2)
DATES = ("%d %B %Y", "%Y-%m-%d", "%d/%m/%Y", "%B %d, %Y", "%d.%m.%Y", "%d %b %Y")
QUANTITY = re.compile(r"(?:\$|EUR )?(-?\d+(?:\.\d+)?)(?: (?:mg/L|ly|m|°C|sq m|EUR))?")
ABSTAIN = ("Not shown in the image", "The image does not say", "Cannot be read from the picture")
FONTS = Path("/usr/share/fonts")
FACES = re.compile(r"(DejaVuS|Liberation|NotoSans-|NotoSerif-|NotoSansMono-).*\.ttf")


@dataclass(frozen=True, slots=True)
class Field:
    """A detail: how it is shown ("Curator: {v}"), questions ("a {n}?|b {n}?"), its values."""

    shown: str
    ask: str
    make: Maker


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of scene. Names are `printed=asked`; those in one family are namesakes."""

    name: str
    style: str  # table; colon, right, paragraph; below: each name is itself the one field shown
    size: tuple[int, int]
    title: str
    families: tuple[tuple[str, ...], ...]
    fields: tuple[Field, ...]
    extras: tuple[str, ...]  # small print
    unseen: tuple[str, ...]  # questions about colours and counts that the picture does not show
    sky: tuple[Colour, Colour]
    papers: tuple[Colour, ...]
    paint: Callable[[ImageDraw.ImageDraw, Random, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed is dealt: its kind; why there is no answer, if so; options; two hardships."""

    kind: Kind
    gap: str  # absent, blank, alien, unseen or none
    options: str  # escape (one option abstains), plain or none
    small: bool
    tilted: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A run of text with its baseline's left end at (x, y); `cap` is its capital height."""

    x: float
    y: float
    text: str
    cap: float
    ink: Colour
    bold: int = 0
    spaced: float = 0.0
    wanted: bool = False


Entry: TypeAlias = tuple[str, tuple[Field, ...], list[str]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the layouts need: entries (name, fields, values), the one asked about, sizes."""

    rng: Random
    face: str
    kind: Kind
    entries: list[Entry]
    wanted: tuple[str, Field | None]
    label: float
    detail: float
    bold: int
    spaced: float
    tilted: bool


# --- values -------------------------------------------------------------------------------------


def _code(*patterns: str) -> Maker:
    """Codes in which A is a letter and # a digit, without the look-alikes I, O, Q and 0."""
    dice = {"A": "ABCDEFGHJKLMNPRSTUVWXYZ", "#": "123456789"}
    return lambda rng: "".join(rng.choice(dice.get(c, c)) for c in rng.choice(patterns))


def _number(low: float, high: float, form: str, *more: str) -> Maker:
    return lambda rng: rng.choice((form, *more)).format(rng.uniform(low, high))


def _date(rng: Random) -> str:
    day = date(rng.randint(1968, 2024), rng.randint(1, 12), rng.randint(13, 28))
    return day.strftime(rng.choice(DATES))


def _phrase(text: str) -> Maker:
    phrases = text.split("|")
    return lambda rng: rng.choice(phrases)


_surname = _phrase(
    "Halvorsen|Okafor|Lindqvist|Marchetti|Dubois|Petrova|Nakamura|Osei|Brennan|Castellan|Thornbury|Vasquez|Whitlock|"
    "Zielinski|Abernathy|Kowalczyk|Fairweather|Ramanujam|Strand"
)
_vessel = _phrase(
    "Kittiwake|Grey Heron|Sea Campion|Marguerite|Stormcock|Lady Ashdown|Fulmar|Northern Wren|Gannet|Queen Ottilie|"
    "Silver Darling|Turnstone|Wavecrest|Old Harrier|Petrel|Black Guillemot|Sandpiper|Windrush|Cormorant|Eider|Halcyon"
)
_remark = _phrase(
    "last bus connects|no foot passengers|cycles carried free|seats must be booked|livestock on lower deck|relief crew|"
    "tea served on board|calls at the pier|weather permitting|Saturdays only|school days only|freight only|full|"
    "dogs on lead|bring exact change|not in July|reduced lighting|wheelchair lift working"
)
_habitat = _phrase(
    "wet gravel by stream|north-facing ledge|burnt pine clearing|edge of salt marsh|limestone pavement|shaded ravine|"
    "drained peat|sandy roadside|oak coppice"
)
_place = _phrase(
    "Glen Orrin, east side|Skarvik peninsula|quarry above Thornbeck|Hale Moor|Long Drove|Ness of Quarran|"
    "Fen Ditch Farm|below Mardale dam|Saltwick sands"
)
# Telephone numbers that the United Kingdom's and North America's regulators keep for fiction.
_phone = _code("01632 96####", "(555) 555-01##", "020 7946 0###", "+44 1632 96####")
_price = _number(11, 99, "${:.2f}", "EUR {:.2f}", "{:.2f} EUR")


def _person(rng: Random) -> str:
    return f"{rng.choice('ABCDEFGHJKLMNPRSTVW')}. {_surname(rng)}"


def _clock(rng: Random) -> str:
    return f"{rng.randint(5, 23):02}:{rng.randint(0, 59):02}"


# --- what is printed ----------------------------------------------------------------------------


def _paint_sea(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int) -> None:
    for step in range(9):
        base, tone = h * (0.1 + 0.1 * step), rng.randint(0, 60)
        ridge = [(x, base + rng.uniform(-h, h) * 0.05) for x in range(0, w + 160, 80)]
        draw.polygon([(0, h), *ridge, (w, h)], (tone, tone + 30, tone + 45, 80))


def _paint_wood(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int) -> None:
    for x in range(0, w, 130):
        draw.rectangle((x, 0, x + 126, h), (60, 35, 15, rng.randint(10, 90)))
        for _ in range(60):
            grain, y = x + rng.randint(0, 126), rng.randint(0, h)
            draw.line((grain, y, grain + rng.randint(-3, 3), y + 300), (40, 20, 5, 40), 1)


def _paint_stars(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int) -> None:
    for r in range(100, w, 170):
        draw.ellipse((w // 2 - r, h // 2 - r, w // 2 + r, h // 2 + r), outline=(90, 120, 190, 70))
    dots = [(rng.randint(0, w), rng.randint(0, h)) for _ in range(900)]
    for near, far in zip(dots[:40:2], dots[1:40:2], strict=True):
        draw.line((near, far), (120, 140, 200, 60), 2)
    for x, y in dots:
        r = rng.choice((1, 1, 1, 2, 4))
        draw.ellipse((x - r, y - r, x + r, y + r), (250, 245, 225, rng.randint(90, 255)))


def _paint_rooms(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int) -> None:
    wide, high = w // 4, (h - (TOP + FOOT) // 4) // 4
    for x, y in ((x * wide, TOP // 4 + y * high) for x in range(4) for y in range(4)):
        tint = [rng.randint(150, 225) for _ in "rgb"]
        draw.rectangle((x, y, x + wide, y + high), (*tint, 120), (40, 40, 50, 255), 9)
        for stripe in range(x, x + wide, rng.choice((14, 22, 30))):
            draw.line((stripe, y, stripe, y + high), (90, 80, 70, 35), 1)
        door = x + rng.randint(60, wide - 120)
        draw.arc((door, y - 60, door + 120, y + 60), 0, 90, (60, 60, 70, 255), 3)


def _paint_plant(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int) -> None:
    for _ in range(9):
        x, y, lean = w / 2 + rng.uniform(-0.1, 0.1) * w, h * 0.93, rng.uniform(-0.5, 0.5)
        for step in range(70):
            root = (x, y)
            x, y, lean = x + 14 * lean, y - h * 0.011, lean + rng.uniform(-0.12, 0.12)
            draw.line((root, (x, y)), (70, 78, 40, 230), 7)
            if step % 3 == 0:
                side, green, size = rng.choice((-1, 1)), rng.randint(70, 125), rng.randint(50, 90)
                bend, tip = (x + side * size * 0.7, y - size), (x + side * size * 1.6, y - size * 0.5)
                draw.polygon((root, bend, tip, (x + side * size, y)), (green, green + 12, 50, 190))
    for stripe in range(20, w // 3, 12):
        draw.rectangle((stripe, h - 150, stripe + rng.randint(1, 9), h - 60), (20, 20, 20, 220))


def _fields(*rows: tuple[str, str, Maker]) -> tuple[Field, ...]:
    return tuple(Field(*row) for row in rows)


def _names(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(family.split("/")) for family in text.split("|"))


DARK, PALE = ((24, 26, 30), (18, 28, 62), (58, 24, 20)), ((244, 240, 228), (250, 222, 150))

FERRY = Kind(
    "ferry-board", "table", WIDE, "Island Sailings",
    _names(
        "Port Ellan/Port Erran/Port Askell|North Skerry/South Skerry/Skerry Sound|Little Carra/"
        "Great Carra/Carra Head|Tarbet East/Tarbet West/Tarbet Quay|Brenn Haven/Brenn Point|"
        "Loch Marran/Marran Bay|Stromvik|Kirkholm|Old Lighthouse"
    ),
    _fields(
        ("Departs", "What time does the ferry to {n} depart?|When does the {n} boat leave?", _clock),
        ("Vessel", "Which vessel sails to {n}?|What's the vessel on the {n} run?", _vessel),
        ("Berth No.", "What is the berth number for {n}?", _code("A-##", "##A", "AA #")),
        ("Adult fare", "How much is an adult fare to {n}?|Adult fare for {n}?", _price),
        ("Remarks", "What remark is given for the {n} sailing?", _remark),
        ("Enquiries", "Which phone number takes enquiries about {n}?", _phone),
    ),
    ("Boarding closes ten minutes early", "Summer timetable, issue 4", "Mind the gap at low tide"),
    ("What colour is the funnel of the {n} ferry?", "How many lifeboats hang on the {n} boat?"),
    ((150, 175, 190), (40, 70, 90)), ((18, 24, 34, 255), (10, 38, 44, 255), (46, 20, 26, 255)),
    _paint_sea,
)  # fmt: skip
WATER = Kind(
    "water-certificate", "table", TALL, "Certificate of Analysis",
    _names(
        "Total Nitrogen/Ammonia Nitrogen/Nitrate Nitrogen|Dissolved Iron/Total Iron|Free Chlorine/"
        "Total Chlorine/Bound Chlorine|Total Hardness/Calcium Hardness|Dissolved Copper/"
        "Total Copper|Total Phosphorus/Dissolved Phosphorus|Suspended Solids=suspended solid/"
        "Dissolved Solids=dissolved solid|Faecal Coliforms=faecal coliform/Other Coliforms="
        "other coliform|Sulphate|Fluoride|Potassium"
    ),
    _fields(
        ("Result", "What was the result for {n}?", _number(0.05, 9, "{:.2f} mg/L", "{:.3f} mg/L")),
        ("Limit", "What is the limit for {n}?|What limit applies to {n}?",
         _number(9, 60, "{:.1f} mg/L")),
        ("Analysed", "When was {n} analysed?|On what date was {n} analysed?", _date),
        ("Analyst", "Who was the analyst for {n}?|Who analysed {n}?", _person),
        ("Lot No.", "What is the lot number for {n}?", _code("A#A-####", "AA ###/##", "####-AAA")),
    ),
    ("Page 2 of 3", "Samples kept for six weeks", "Copies of this sheet are not valid"),
    ("What colour was the {n} solution?", "How many test tubes were filled for {n}?"),
    ((190, 140, 90), (110, 70, 40)), ((250, 249, 244, 255), (238, 243, 238, 255)),
    _paint_wood,
)  # fmt: skip
GALLERY = Kind(
    "gallery-plan", "colon", WIDE, "Museum of the Coast: Level 2",
    _names(
        "Asian Ceramics/Modern Ceramics/Ceramics Store|Bronze Age Hall/Bronze Foundry|Map Room/"
        "Map Archive|Textile Studies=textile study/Textile Gallery|Clock Tower/Clock Workshop|"
        "Print Room/Print Cabinet|Whale Hall|Costume Vault|Harbour Models=harbour model"
    ),
    _fields(
        ("Curator: {v}", "Who is the curator of the {n}?|Who's the {n} curator?", _person),
        ("Climate: {v}", "What is the climate set to in the {n}?", _number(14, 24, "{:.1f} °C")),
        ("Alarm code: {v}", "What's the alarm code of the {n}?", _code("####A", "##-AA-##")),
        ("Floor area: {v}", "What is the floor area of the {n}?", _number(101, 899, "{:.0f} sq m")),
        ("Last inspected: {v}", "When was the {n} last inspected?", _date),
        ("Signed off by {v}", "Who signed off the {n}?", _person),
    ),
    ("Scale 1:250", "Drawn for the fire service", "Revision C", "North is up"),
    ("What colour are the curtains in the {n}?", "How many benches stand in the {n}?"),
    ((235, 228, 205), (200, 190, 165)), ((248, 244, 232, 225),), _paint_rooms,
)  # fmt: skip
STARS = Kind(
    "star-chart", "right", WIDE, "Winter Sky, Plate VII",
    _names(
        "Alpha Tavris/Beta Tavris/Gamma Tavris|Velmora Major/Velmora Minor|Orrin's Gate/"
        "Orrin's Lamp|Delta Corvane/Zeta Corvane|Northern Cask/Southern Cask|Quillon|Marrab|"
        "Little Sickle|Tharsa"
    ),
    _fields(
        ("Mag {v}", "What magnitude is {n}?|What is the mag of {n}?", _number(0.1, 7, "{:.2f}")),
        ("Distance {v}", "What is the distance of {n}?|How distant is {n}?",
         _number(21, 980, "{:.1f} ly")),
        ("HRC {v}", "What's the HRC number of {n}?", _code("######", "#####-A")),
        ("Class {v}", "Which spectral class is {n}?", _code("K#A", "G#A", "M#A", "A#A")),
        ("First charted {v}", "When was {n} first charted?", _date),
    ),
    ("Epoch J2000", "Chart for latitude 52 north", "Clouds of gas are shaded"),
    ("What colour is the companion of {n}?", "How many moons circle {n}?"),
    ((14, 18, 48), (44, 30, 74)), ((10, 13, 34, 215),), _paint_stars,
)  # fmt: skip
TRAIL = Kind(
    "trail-panel", "paragraph", WIDE, "Welcome to the Corrin Range",
    _names(
        "Upper Corrin Hut/Lower Corrin Hut/Corrin Bothy|Raven Ridge/Raven Tarn/Raven Saddle|"
        "Eagle Gully/Eagle Spring|Old Mine Shelter/Mine Bridge|Birch Camp/Birch Landing|"
        "Wolf Stones=wolf stone|Grey Chapel|Salt Cave"
    ),
    _fields(
        ("Here {v} is the warden.", "Who is the warden at {n}?|Who looks after {n}?", _person),
        ("Ring ahead on {v} in bad weather.", "What number do I ring for {n}?", _phone),
        ("The cairn stands at {v} above the sea.", "How high does the cairn at {n} stand?",
         _number(410, 2890, "{:.0f} m")),
        ("Its key box opens with {v} at night.", "What opens the key box at {n}?",
         _code("A###", "####", "##AA")),
        ("Stores were last carried up on {v} by mule.", "When were stores last carried to {n}?",
         _date),
    ),
    ("Close all gates", "Paths are marked with paint", "Camp fires are forbidden"),
    ("What colour is the door of {n}?", "How many bunks are there at {n}?"),
    ((160, 190, 215), (70, 100, 70)), ((246, 245, 236, 235), (28, 44, 36, 235)),
    _paint_sea,
)  # fmt: skip
HERBARIUM = Kind(
    "herbarium-sheet", "below", TALL, "Flora of the Outer Fells",
    _names(
        "Collected by/Collected on/Collection No.|Determined by/Determined on|Mounted by/"
        "Mounted on|Soil temperature/Air temperature|Loan No./Loan returned|Sheet No.|Habitat|"
        "Locality|Altitude|Label signed"
    ),
    _fields(
        ("Collected by", "Who collected the specimen?|Who was this collected by?", _person),
        ("Collected on", "When was the specimen collected?", _date),
        ("Collection No.", "What is the collection number?", _code("####-A", "AA ###")),
        ("Determined by", "Who determined the specimen?", _person),
        ("Determined on", "When was the specimen determined?", _date),
        ("Mounted by", "Who mounted the plant?|Who was it mounted by?", _person),
        ("Mounted on", "On what date was the plant mounted?", _date),
        ("Soil temperature", "What was the temperature of the soil?", _number(1, 19, "{:.1f} °C")),
        ("Air temperature", "What was the air temperature?", _number(-19, -1, "{:.1f} °C")),
        ("Loan No.", "What is the loan number?", _code("A###/##", "##-####")),
        ("Loan returned", "When was the loan returned?", _date),
        ("Sheet No.", "What is the number of the sheet?", _code("AAA ######", "######")),
        ("Habitat", "What habitat is given?|In which habitat did it grow?", _habitat),
        ("Locality", "What is the locality?|Which locality is it from?", _place),
        ("Altitude", "At what altitude did it grow?", _number(120, 2400, "{:.0f} m")),
        ("Label signed", "Who signed the label?", _person),
    ),
    ("Do not bend", "Poisoned against insects", "Property of the Hartwell collection"),
    ("How many petals does the open flower have?", "What colour is the fruit of the specimen?"),
    ((238, 230, 205), (220, 208, 175)), ((252, 247, 230, 255), (240, 236, 214, 255)),
    _paint_plant,
)  # fmt: skip
LATER = 3000
"""The first seed of the kinds that were held out after the six."""
LATER_KINDS = (*seen_papers.KINDS, *seen_places.KINDS, *seen_walls.KINDS)
KINDS = (FERRY, WATER, GALLERY, STARS, TRAIL, HERBARIUM)
ALIEN = (
    "Which airline operates the helicopter?",
    "Who won the tennis match?",
    "What brand of toothpaste does the dentist recommend?",
    "What speed was the lorry doing?",
)


# --- how it is printed --------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _font(face: str, cap: float) -> ImageFont.FreeTypeFont:
    """The face (empty: Pillow's own) at the size that gives capitals of `cap` pixels."""

    def load(size: float) -> ImageFont.FreeTypeFont:
        font = ImageFont.truetype(face, size) if face else ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise TypeError("this Pillow was built without FreeType")
        return font

    _, top, _, bottom = load(400).getbbox("H", anchor="ls")
    return load(400 * cap / (bottom - top))


def _runs(face: str, item: Item) -> list[tuple[float, str]]:
    """An item as (left end, text): one run, or one a letter where letters are spaced."""
    if not item.spaced:
        return [(item.x, item.text)]
    font, x, runs = _font(face, item.cap), item.x, []
    for letter in item.text:
        runs.append((x, letter))
        x += font.getlength(letter) + item.spaced
    return runs


def _bounds(face: str, items: list[Item]) -> Box:
    """The pixels that items cover, rounded outwards."""
    boxes = [
        (x + left, item.y + top, x + right, item.y + bottom)
        for item in items
        for x, text in _runs(face, item)
        for left, top, right, bottom in [_font(face, item.cap).getbbox(text, anchor="ls", stroke_width=item.bold)]
    ]
    left, top, right, bottom = zip(*boxes, strict=True)
    return (
        math.floor(min(left)),
        math.floor(min(top)),
        math.ceil(max(right)),
        math.ceil(max(bottom)),
    )


def _write(face: str, draw: ImageDraw.ImageDraw, items: list[Item]) -> None:
    for item in items:
        for x, text in _runs(face, item):
            font = _font(face, item.cap)
            draw.text((x, item.y), text, item.ink, font, "ls", stroke_width=item.bold)


def _inks(rng: Random, paper: Colour) -> tuple[Colour, Colour]:
    """An ink that stands out on the paper for labels, and a fainter one for details."""
    ink, faint = rng.choice(DARK if sum(paper[:3]) > 3 * 128 else PALE), rng.uniform(0, 0.3)
    return ink, tuple(round(i + (p - i) * faint) for i, p in zip(ink, paper[:3], strict=True))


def _stick(scene: Image.Image, card: Image.Image, at: Box, angle: float, box: Box | None) -> Box | None:
    """Paste a card, turned about its centre, in the middle of `at`; return where `box` went."""
    smooth = Image.Resampling.BICUBIC if card.width < WIDE[0] // 4 else Image.Resampling.BILINEAR  # a third of the time
    turned = card.rotate(angle, smooth, expand=True) if angle else card
    left = (at[0] + at[2] - turned.width) // 2
    top = (at[1] + at[3] - turned.height) // 2
    shade = turned.getchannel("A").point([round(alpha * 0.3) for alpha in range(256)])
    scene.paste((12, 10, 8), (left + 12, top + 14), shade)
    scene.paste(turned, (left, top), turned)
    if box is None:
        return None
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    spots = [
        (left + turned.width / 2 + x * cos + y * sin, top + turned.height / 2 + y * cos - x * sin)
        for x in (box[0] - card.width / 2, box[2] - card.width / 2)
        for y in (box[1] - card.height / 2, box[3] - card.height / 2)
    ]
    xs, ys = zip(*spots, strict=True)
    return math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))


def _lay_table(sheet: Sheet, scene: Image.Image) -> Box | None:
    """A row a name, a column a field; on the ferry board one column stands left of the names."""
    rng, kind, face, label = sheet.rng, sheet.kind, sheet.face, sheet.label
    shrink = 0.8 if sheet.tilted else 0.94
    w, h = round(scene.width * shrink), round(scene.height * shrink)
    paper = rng.choice(kind.papers)
    ink, faint = _inks(rng, paper)
    card = Image.new("RGBA", (w, h), paper)
    draw = ImageDraw.Draw(card)
    names = [Item(0, 0, e[0], label, ink, sheet.bold, sheet.spaced) for e in sheet.entries]
    start = 160 + 620 * (kind is FERRY)
    after = start + _bounds(face, names)[2] + 140
    fields = sheet.entries[0][1]
    count = len(fields) - (kind is FERRY)
    lefts = [after + (w - 160 - after) * i / count for i in range(count)]
    lefts = [160, *lefts] if kind is FERRY else lefts
    head = min(label, 44 if kind is WATER else 62)
    items = [Item(160, 270, kind.title, 125, ink, 5)]
    items += [Item(x, 530, field.shown, head, ink, sheet.bold) for x, field in zip(lefts, fields, strict=True)]
    small = max(sheet.detail, 22)
    items.append(Item(160, h - 90, "   /   ".join(kind.extras), small, faint))
    pitch = (h - 860) / len(sheet.entries)
    for row, (name, _, values) in enumerate(sheet.entries):
        top, middle = 620 + pitch * row, 620 + pitch * (row + 0.5)
        stripe = Image.new("RGBA", (w - 240, round(pitch)), (*ink, 24 * (row % 2)))
        card.alpha_composite(stripe, (120, round(top)))
        draw.line((120, top, w - 120, top), faint, 2)
        items.append(Item(start, middle + label / 2, name, label, ink, sheet.bold, sheet.spaced))
        items += [
            Item(
                x,
                middle + sheet.detail / 2,
                v,
                sheet.detail,
                faint,
                wanted=(name, f) == sheet.wanted,
            )
            for x, f, v in zip(lefts, fields, values, strict=True)
        ]
    _write(face, draw, items)
    found = [item for item in items if item.wanted and item.text]
    angle = rng.choice((-1, 1)) * rng.uniform(3, 6) if sheet.tilted else 0.0
    box = _bounds(face, found) if found else None
    return _stick(scene, card, (0, 0, *scene.size), angle, box)


def _compose(sheet: Sheet, index: int, width: float, inks: tuple[Colour, Colour]) -> list[Item]:
    """One entry in the kind's style, from (0, 0) rightwards and down, at most `width` wide."""
    name, fields, values = sheet.entries[index]
    cap, (ink, faint), style = sheet.detail, inks, sheet.kind.style
    items = [Item(0, sheet.label, name, sheet.label, ink, sheet.bold, sheet.spaced)]
    edge, y = 0.0, sheet.label * 1.4 + 2 * cap
    if style == "right":
        edge, y = _bounds(sheet.face, items)[2] + cap + 0.7 * sheet.label, cap
    x, width = edge, min(width, cap * 36)
    for field, value in zip(fields, values, strict=True):
        before, _, after = field.shown.partition("{v}") if style != "below" else ("", "", "")
        for word in (*before.split(), "", *after.split()):  # the empty word is the value
            mark = not word and (name, field) == sheet.wanted
            item = Item(x, y, word or value, cap, faint, wanted=mark)
            reach = _font(sheet.face, cap).getlength(item.text)
            if style == "paragraph" and x + reach > width:
                x, y = edge, y + 1.9 * cap
                item = replace(item, x=x, y=y)
            items.append(item)
            x += reach + 0.5 * cap
        if style != "paragraph":
            x, y = edge, y + 1.9 * cap
    return items


def _card(sheet: Sheet, items: list[Item], paper: Colour) -> tuple[Image.Image, Box | None]:
    """Items on a piece of paper just large enough, and the box of the one that is wanted."""
    left, top, right, bottom = _bounds(sheet.face, items)
    pad = round(30 + 0.2 * sheet.label)
    moved = [replace(item, x=item.x - left + pad, y=item.y - top + pad) for item in items]
    card = Image.new("RGBA", (right - left + 2 * pad, bottom - top + 2 * pad), paper)
    _write(sheet.face, ImageDraw.Draw(card), moved)
    found = [item for item in moved if item.wanted and item.text.strip("_")]
    return card, _bounds(sheet.face, found) if found else None


def _lay_cards(sheet: Sheet, scene: Image.Image) -> Box | None:
    """A card an entry, each in a cell of a grid, under the title and over the small print."""
    rng, kind, found = sheet.rng, sheet.kind, None
    (w, h), (columns, rows) = scene.size, (4, 4) if kind.size == WIDE else (2, 8)
    wide, high = w // columns, (h - TOP - FOOT) // rows
    cells = [(x * wide, TOP + y * high) for x in range(columns) for y in range(rows)]
    paper = rng.choice(kind.papers)
    ink, faint = _inks(rng, paper)
    card, _ = _card(sheet, [Item(0, 0, kind.title, 125, ink, 5)], paper)
    _stick(scene, card, (0, 0, w, TOP), 0, None)
    small = Item(0, 0, "   /   ".join(kind.extras), max(sheet.detail, 22), faint)
    _stick(scene, _card(sheet, [small], paper)[0], (0, h - FOOT, w, h), 0, None)
    rng.shuffle(cells)
    for index, (x, y) in enumerate(cells):
        paper = rng.choice(kind.papers)
        inks = _inks(rng, paper)
        if index < len(sheet.entries):
            items = _compose(sheet, index, wide - 260, inks)
        else:  # what is left over holds more small print
            lines = enumerate(rng.sample(kind.extras, len(kind.extras)))
            items = [Item(0, 2 * i * sheet.detail, text, sheet.detail, inks[1]) for i, text in lines]
        card, box = _card(sheet, items, paper)
        angle = rng.choice((-1, 1)) * rng.uniform(3, 15) if sheet.tilted else 0.0
        slack = [max(0, wide - card.width - 60), max(0, high - card.height - 60)]
        dx, dy = (round(s * (0 if angle else rng.uniform(-0.5, 0.5))) for s in slack)
        place = _stick(scene, card, (x + dx, y + dy, x + dx + wide, y + dy + high), angle, box)
        found = place or found
    return found


def _cloud(gen: np.random.Generator, w: int, h: int) -> Image.Image:
    """Smooth noise of several scales as a grey picture."""
    total = Image.new("L", (w, h), 128)
    for scale in (3, 8, 24, 90):
        grid = (gen.random((scale, scale * 2)) * 255).astype(np.uint8)
        layer = Image.fromarray(grid).resize((w, h), Image.Resampling.BICUBIC)
        total = Image.blend(total, layer, 0.6 if scale < 9 else 0.2)
    return total


def _backdrop(kind: Kind, rng: Random, gen: np.random.Generator) -> Image.Image:
    """A soft coloured ground with the kind's shapes, drawn at a quarter and enlarged."""
    w, h = kind.size[0] // 4, kind.size[1] // 4
    low, high = (Image.new("RGB", (w, h), colour) for colour in kind.sky)
    ground = Image.composite(low, high, _cloud(gen, w, h))
    draw = ImageDraw.Draw(ground, "RGBA")
    kind.paint(draw, rng, w, h)
    for _ in range(160):  # dirt, stickers, passing things
        x, y, r, tone = rng.randint(0, w), rng.randint(0, h), rng.randint(2, 60), rng.randint(20, 235)
        shape = draw.ellipse if r < 35 else draw.rectangle
        shape((x, y, x + r, y + r * rng.uniform(0.3, 1.4)), (tone, tone, 255 - tone, rng.randint(10, 60)))
    return ground.resize(kind.size, Image.Resampling.BICUBIC)


def _develop(scene: Image.Image, gen: np.random.Generator) -> None:
    """Uneven light and the grain of a sensor, tile by tile, in place."""
    w, h = scene.width // 4, scene.height // 4
    light = _cloud(gen, w, h).point([round(205 + grey * 50 / 255) for grey in range(256)])
    light = light.resize(scene.size, Image.Resampling.BILINEAR)
    grain = np.clip(128 + gen.normal(0, 5, (h, w, 3)), 0, 255).astype(np.uint8)
    noise = Image.fromarray(grain)
    for box in ((x, y, x + w, y + h) for x in range(0, 4 * w, w) for y in range(0, 4 * h, h)):
        lit = ImageChops.multiply(scene.crop(box), light.crop(box).convert("RGB"))
        scene.paste(ImageChops.add(lit, noise, 1, -128), box)


# --- what is asked ------------------------------------------------------------------------------


def deal(seed: int) -> Plan:
    """What a seed draws and asks; each run of 40 seeds from a multiple of 40 holds the same mix.

    Of 40: 10 without an answer (3 absent, 3 blank, 2 alien, 2 unseen), 8 with options (2 of them
    without an answer, 5 with an option that abstains), 5 small labels, 4 tilted.
    """
    block, place = divmod(seed, BLOCK)
    order = list(range(BLOCK))
    Random(f"deal {block}").shuffle(order)
    turn = order[place]
    return Plan(
        kind=KINDS[(place + block) % len(KINDS)],
        gap=GAPS[turn] if turn < len(GAPS) else "",
        options="escape" if turn in (0, 3, 10, 11, 12) else "plain" if turn in (13, 14, 15) else "",
        small=turn in range(15, 20),
        tilted=turn in (4, 20, 21, 22),
    )


def normalize(text: str) -> str:
    """Fold case, drop marks that readers leave out, close up spaces.

    >>> normalize(" 19.5 °C. ")
    '19.5 c'
    """
    text = re.sub(r"(?<!\d)\.|\.(?!\d)|[°,;:]+(?!\d)", " ", text.casefold())
    return " ".join(text.split())


def _accepted(printed: str) -> tuple[str, ...]:
    """The normalized forms that count as what is printed: without spaces or unit, other dates."""
    forms = [printed]
    for style in DATES:
        try:
            day = date(*time.strptime(printed, style)[:3])
        except ValueError:
            continue
        forms += [day.strftime(other) for other in DATES]
    if amount := QUANTITY.fullmatch(printed):
        forms.append(amount[1])
    forms = [normalize(form) for form in forms]
    return tuple(dict.fromkeys((*forms, *(re.sub(r"[ ()/-]", "", form) for form in forms[:1]))))


def _choices(rng: Random, plan: Plan, answer: str, others: list[str], make: Maker) -> list[str]:
    """Options: the answer and a near miss of it, other values of the scene, made-up ones."""
    miss = re.sub(r"\d(?=\D*$)", lambda m: str((int(m[0]) + rng.randint(1, 8)) % 10), answer)
    count = 4 if plan.options == "escape" else rng.choice((4, 5))
    options = list(dict.fromkeys([option for option in (answer, miss, *others) if option]))[:count]
    while len(options) < count:
        options = list(dict.fromkeys((*options, make(rng))))
    rng.shuffle(options)
    return [*options, rng.choice(ABSTAIN)] if plan.options == "escape" else options


def _entries(plan: Plan, rng: Random, target: str, asked: Field) -> list[Entry]:
    """Names, the target's namesakes among them, each with its fields and values, in any order."""
    kind = plan.kind
    family = next(names for names in kind.families if target in names)
    rest = [names for names in kind.families if names is not family]
    rng.shuffle(rest)
    names = [*family, *(name for names in rest for name in names)]
    names = names if kind.style == "below" else names[: rng.randint(13, 16)]
    if plan.gap == "absent":
        names.remove(target)
    rng.shuffle(names)
    shared = [asked, *rng.sample([field for field in kind.fields if field is not asked], 3)]
    rng.shuffle(shared)
    if kind is FERRY:
        shared = [kind.fields[0], *(field for field in shared if field is not kind.fields[0])]
    used, entries = {""}, []
    for printed in (name.partition("=")[0] for name in names):
        fields = tuple(field for field in kind.fields if field.shown == printed) or tuple(shared)
        values = [""] * len(fields)
        for i, field in enumerate(fields):
            while values[i] in used:
                values[i] = field.make(rng)
            used.add(values[i])
        entries.append((printed, fields, values))
    return entries


def make_scene(seed: int, *, system_fonts: bool = False) -> tuple[Image.Image, Sample]:
    """Draw the scene of a seed and the question about it.

    Args:
        seed: Any whole number from 0; from 3000 the ten kinds that were held out later.
        system_fonts: Also set text in known typefaces of this machine, where it has any.

    Returns:
        The picture, 7680 x 4320 or 4320 x 7680 in RGB, and its sample.
    """
    if seed >= LATER:
        return draw_scene(seed, LATER_KINDS, "seen")
    plan, rng, gen = deal(seed), Random(f"scene {seed}"), np.random.default_rng(seed)
    kind, face = plan.kind, ""
    if system_fonts:
        found = sorted(str(path) for path in FONTS.rglob("*") if FACES.fullmatch(path.name))
        face = Random(f"face {seed}").choice(["", *found])

    crowds = [names for names in kind.families if len(names) > 1]
    turn = seed // len(KINDS)  # fields and namesakes take turns, lest chance favour one sort of value
    target = rng.choice(crowds[turn % len(crowds)])
    name, _, said = target.partition("=")
    field = next((field for field in kind.fields if field.shown == name), kind.fields[turn % len(kind.fields)])
    entries = _entries(plan, rng, target, field)
    answer, others = "", []
    for shown, own, values in entries:
        for i, column in enumerate(own):
            if (shown, column) == (name, field):
                answer = values[i]
            elif column == field:
                others.append(values[i])
            empty = plan.gap == "blank" if (shown, column) == (name, field) else rng.random() < 0.04
            values[i] = ("" if kind.style == "table" else "________") if empty else values[i]
    answer = "" if plan.gap else answer

    asks = field.ask.split("|")
    asks = list(ALIEN) if plan.gap == "alien" else asks
    asks = list(kind.unseen) if plan.gap == "unseen" else asks
    said = said or name
    question = rng.choice(asks).format(n=said.lower() if rng.random() < 0.3 else said)
    rng.shuffle(others)
    choices = _choices(rng, plan, answer, others, field.make) if plan.options else []

    detail = round(rng.uniform(10, 30 if plan.tilted else 40), 1)
    label, weight, air = rng.uniform(46, 108), rng.uniform(0, 0.05), rng.choice((0, 0, 0.08, 0.16))
    widest = max(_bounds(face, [Item(0, 0, e[0], 100, (), 5, 100 * air)])[2] for e in entries)
    room = {"table": 1000 if plan.tilted else 1250, "right": 1560 - 26 * detail}.get(kind.style, 1600)
    label = detail if plan.small else round(min(label, 100 * room / widest), 1)
    sheet = Sheet(
        rng, face, kind, entries, (name, None if plan.gap else field), label, detail,
        round(label * weight), label * air, plan.tilted,
    )  # fmt: skip
    scene = _backdrop(kind, rng, gen)
    box = (_lay_table if kind.style == "table" else _lay_cards)(sheet, scene)
    _develop(scene, gen)

    truth = answer or (choices[-1] if plan.options else "")
    marks = [plan.gap, "small" * plan.small, "tilted" * plan.tilted]
    sample = Sample(
        id="-".join(["seen", str(seed), kind.name, *(mark for mark in marks if mark)]),
        kind=kind.name,
        question=question,
        choices=tuple(choices),
        answer=truth or None,
        accepted=_accepted(truth) if truth else (),
        detail_px=detail,
        label_px=label,
        target=box,
    )
    return scene, sample


def main() -> None:
    """Write pictures and `samples.jsonl` (a sample a line, its picture's name under `image`)."""
    parser = argparse.ArgumentParser(description="Draw the scenes that were held out once.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="1000-1039", help="one seed, or FIRST-LAST")
    parser.add_argument("--system-fonts", action="store_true", help="less reproducible")
    args = parser.parse_args()
    first, _, last = args.seeds.partition("-")
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "samples.jsonl").open("w", encoding="utf-8") as lines:
        for seed in range(int(first), int(last or first) + 1):
            scene, sample = make_scene(seed, system_fonts=args.system_fonts)
            name = f"seen-{seed}.jpg"  # says nothing of the answer
            scene.save(args.out / name, quality=92, subsampling=0)
            row = {**asdict(sample), "image": name}
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

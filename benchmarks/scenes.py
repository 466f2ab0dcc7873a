"""Development scenes: 8K pictures with a question whose detail the downsampled view does not show.

``make_scene(seed)`` draws one of four kinds of scene (a machine hall with rating plates, a street of shop fronts, a
scanned floor plan, a timetable) and returns it with its question and truth. Labels are 48 to 105 px of capital height
and details 10 to 40 px, so that the view shows where to look and not what stands there. Two more kinds spoil that on
purpose: ``small_label`` (the label is as small as the detail) and ``rotated`` (the plate hangs askew). A quarter of
the seeds is unanswerable and a quarter is multiple choice.

Everything is drawn with the font that Pillow carries, so that a scene is the same on every machine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from samples import Sample

WIDTH, HEIGHT = 7680, 4320
CAP_SHARE = 0.7
"""Capital height of Pillow's own font as a share of its size (measured on "H")."""

Rgb = tuple[int, int, int]
PixelRect = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a plate or notice says of its owner."""

    printed: tuple[str, ...]
    asked: tuple[str, ...]
    value: Callable[[random.Random], str]


def _number(rng: random.Random, digits: int) -> str:
    return str(rng.randrange(10 ** (digits - 1), 10**digits))


def _serial(rng: random.Random) -> str:
    return rng.choice(
        [
            f"{_number(rng, 2)}-{_number(rng, 4)}",
            f"{rng.choice('ABCDEFHKMNPRTX')}{_number(rng, 6)}",
            f"{_number(rng, 4)}/{_number(rng, 3)}",
        ]
    )


def _person(rng: random.Random) -> str:
    last = rng.choice(["Keller", "Brandt", "Okafor", "Lindqvist", "Moreau", "Tanaka", "Novak", "Silva", "Hansen"])
    return f"{rng.choice('ABDEFHJKLMPRST')}. {last}"


def _date(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(2021, 2029)
    names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return rng.choice(
        [f"{day} {names[month - 1]} {year}", f"{day:02}.{month:02}.{year}", f"{year}-{month:02}-{day:02}"]
    )


def _clock(rng: random.Random) -> str:
    return f"{rng.randint(5, 22)}:{rng.choice(['00', '05', '12', '15', '24', '30', '38', '45', '50'])}"


def _phone(rng: random.Random) -> str:
    return f"0{_number(rng, 3)} {_number(rng, 2)} {_number(rng, 2)} {_number(rng, 2)}"


def _price(rng: random.Random) -> str:
    return rng.choice(
        [f"{rng.randint(2, 48)}.{rng.choice(['20', '50', '80', '90'])} EUR", f"${rng.randint(3, 95)}.{_number(rng, 2)}"]
    )


PLATE_FIELDS: dict[str, Field] = {
    "serial": Field(
        ("Serial no.", "Serial number", "Ser. No.", "S/N"),
        ("What is the serial number of {e}?", "Which serial no. does {e} have?"),
        _serial,
    ),
    "year": Field(
        ("Year built", "Built in", "Year of construction"),
        ("In which year was {e} built?", "What is the year of construction of {e}?"),
        lambda rng: str(rng.randint(1961, 2023)),
    ),
    "pressure": Field(
        ("Max. pressure", "Pressure", "Design pressure"),
        ("What is the maximum pressure of {e}?", "What pressure is {e} designed for?"),
        lambda rng: f"{rng.randint(4, 96)}.{rng.randint(0, 9)} bar",
    ),
    "weight": Field(
        ("Weight", "Mass", "Net weight"),
        ("How much does {e} weigh?", "What is the weight of {e}?"),
        lambda rng: f"{_number(rng, 4)} kg",
    ),
    "power": Field(
        ("Power", "Rated power"),
        ("What is the rated power of {e}?", "What power is {e} rated for?"),
        lambda rng: f"{rng.randint(2, 220)}.{rng.choice('05')} kW",
    ),
    "inspector": Field(
        ("Inspected by", "Inspector"),
        ("Who inspected {e}?", "Who is the inspector of {e}?"),
        _person,
    ),
    "due": Field(
        ("Next inspection", "Inspection due"),
        ("When is the next inspection of {e}?", "When is the inspection of {e} due?"),
        _date,
    ),
    "oil": Field(
        ("Lubricant", "Oil"),
        ("Which lubricant does {e} take?", "What oil is used in {e}?"),
        lambda rng: f"VG {rng.choice([32, 46, 68, 100, 150, 220])}",
    ),
    "hotline": Field(
        ("Service tel.", "Hotline", "Phone"),
        ("What is the service telephone number of {e}?", "Which phone number should be called about {e}?"),
        _phone,
    ),
}
SHOP_FIELDS: dict[str, Field] = {
    "open": Field(
        ("Open", "Opening hours", "Mon-Fri"),
        ("What are the opening hours of {e}?", "When is {e} open?"),
        lambda rng: f"{rng.randint(7, 11)}:{rng.choice(['00', '15', '30'])}-{rng.randint(16, 22)}:00",
    ),
    "phone": Field(
        ("Tel.", "Phone", "Call us:"),
        ("What is the phone number of {e}?", "What is the telephone number of {e}?"),
        _phone,
    ),
    "owner": Field(
        ("Owner", "Proprietor", "Owner:"),
        ("Who owns {e}?", "Who is the owner of {e}?"),
        _person,
    ),
    "closed": Field(
        ("Closed on", "Day of rest:"),
        ("On which day is {e} closed?",),
        lambda rng: rng.choice(["Monday", "Tuesday", "Wednesday", "Sunday"]),
    ),
    "offer": Field(
        ("Lunch menu", "Today's special", "Gift set"),
        ("How much is the {p} at {e}?", "What does the {p} at {e} cost?"),
        _price,
    ),
    "licence": Field(
        ("Licence no.", "Reg. no."),
        ("What is the {p} of {e}?",),
        lambda rng: f"{rng.choice('BCDHKLMW')}{rng.choice('RXTZ')}-{_number(rng, 4)}",
    ),
    "seats": Field(
        ("Seats", "Seats:"),
        ("How many seats does {e} have?",),
        lambda rng: str(rng.randint(12, 180)),
    ),
}
ROOM_FIELDS: dict[str, Field] = {
    "area": Field(
        ("Area", "A =", "Floor area"),
        ("What is the floor area of {e}?", "How large is the area of {e}?"),
        lambda rng: f"{rng.randint(9, 140)}.{_number(rng, 2)} m2",
    ),
    "height": Field(
        ("Clear height", "Height", "H ="),
        ("What is the clear height of {e}?", "How high is {e}?"),
        lambda rng: f"{rng.randint(2, 4)}.{_number(rng, 2)} m",
    ),
    "door": Field(
        ("Door",), ("Which door leads to {e}?", "What is the door of {e}?"), lambda rng: f"D-{_number(rng, 3)}"
    ),
    "key": Field(("Key no.", "Key"), ("What is the key number of {e}?",), lambda rng: f"{_number(rng, 4)}"),
    "floor": Field(
        ("Floor finish", "Finish"),
        ("What is the floor finish of {e}?",),
        lambda rng: rng.choice(["oak parquet", "terrazzo", "linoleum", "epoxy coating", "slate", "rubber tiles"]),
    ),
}
MACHINES = ["PUMP", "BOILER", "COMPRESSOR", "TURBINE", "FILTER", "CONVEYOR", "CHILLER", "MIXER", "GENERATOR"]
SHOPS = ["CAFE LINDEN", "HOTEL ADLER", "BOOKSHOP MERIDIAN", "PHARMACY ROSE", "BAKERY HOLM", "HARBOUR INN",
         "CINEMA ASTRA", "TAILOR NIELSEN", "GALLERY NORD", "BICYCLES VEGA", "CAFE LINDEN NORTH", "HOTEL ADLER ANNEX"]  # fmt: skip
ROOMS = ["Archive", "Laboratory", "Server room", "Workshop", "Library", "Meeting room", "Plant room", "Storage",
         "Office", "Canteen", "Print room", "First aid"]  # fmt: skip
TOWNS = ["Aldmoor", "Brenhill", "Castleford", "Dunbridge", "Eastwick", "Fernley", "Greyport", "Hartwell", "Inverlea",
         "Kingsdale", "Lowick", "Marston", "Northam", "Oakhurst"]  # fmt: skip
NOWHERE = [
    "How many people are in the picture?",
    "What colour is the roof?",
    "Is the lamp switched on?",
    "What animal is lying on the floor?",
    "What brand is the bicycle?",
]
ABSTAIN_CHOICES = ["Not shown in the picture", "Cannot be determined", "This feature is not in the image"]


@cache
def font(cap: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font with capitals ``cap`` pixels high."""
    made = ImageFont.load_default(cap / CAP_SHARE)
    if not isinstance(made, ImageFont.FreeTypeFont):
        raise TypeError("this Pillow was built without FreeType, whose font the scenes are drawn with")
    return made


class Board:
    """A tile that text is written on, then hung into the scene, straight or askew."""

    def __init__(self, size: tuple[int, int], fill: Rgb, ink: Rgb) -> None:
        self.image = Image.new("RGBA", size, (*fill, 255))
        self.draw = ImageDraw.Draw(self.image)
        self.ink = ink

    def write(
        self, at: tuple[float, float], text: str, cap: int, ink: Rgb | None = None, *, bold: bool = False
    ) -> PixelRect:
        """Write with the capitals' top left at ``at``; returns the text's box on the board."""
        made = font(cap)
        x, y = at[0], at[1] - made.getbbox("H")[1]
        stroke = max(1, cap // 18) if bold else 0
        self.draw.text((x, y), text, font=made, fill=ink or self.ink, stroke_width=stroke)
        left, top, right, bottom = self.draw.textbbox((x, y), text, font=made)
        return int(left), int(top), math.ceil(right), math.ceil(bottom)

    def hang(self, scene: Image.Image, at: tuple[int, int], degrees: float = 0.0) -> Callable[[PixelRect], PixelRect]:
        """Put the board into the scene; returns how a box on the board becomes a box in the scene."""
        width, height = self.image.size
        turned = self.image.rotate(degrees, Image.Resampling.BICUBIC, expand=True) if degrees else self.image
        scene.paste(turned, at, turned)
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

        def place(box: PixelRect) -> PixelRect:
            corners = [(box[i] - width / 2, box[j] - height / 2) for i in (0, 2) for j in (1, 3)]
            xs = [at[0] + turned.width / 2 + x * cos + y * sin for x, y in corners]
            ys = [at[1] + turned.height / 2 - x * sin + y * cos for x, y in corners]
            return math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys))

        return place


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed decides before anything is drawn."""

    seed: int
    kind: str
    answerable: bool
    multiple_choice: bool
    detail: int
    label: int
    degrees: float


KINDS = ("plates", "street", "plan", "timetable", "plates", "rotated", "street", "plan", "timetable", "small_label")


def make_scene(seed: int) -> tuple[Image.Image, Sample]:
    """Draw the scene of a seed: the picture (RGB, 7680 x 4320) and its question with the truth."""
    rng = random.Random(f"zoomrefine development scene {seed}")
    kind = KINDS[seed % len(KINDS)]
    detail = rng.randint(10, 16) if rng.random() < 0.4 else rng.randint(17, 40)
    plan = Plan(
        seed=seed,
        kind=kind,
        answerable=(seed // 3 + seed // 20) % 4 != 1,
        multiple_choice=(seed // 2 + seed // 20) % 4 == 2,
        detail=detail,
        label=detail if kind == "small_label" else rng.randint(48, 105),
        degrees=rng.choice([-1, 1]) * rng.uniform(5, 12) if kind == "rotated" else 0.0,
    )
    if kind == "street":
        return _street(plan, rng)
    if kind == "plan":
        return _floor_plan(plan, rng)
    if kind == "timetable":
        return _timetable(plan, rng)
    return _machine_hall(plan, rng)


def demo_scene(seed: int) -> tuple[Image.Image, Sample]:
    """A machine hall whose question can be answered, by zooming only: capitals of 12 to 18 px in 7680."""
    rng = random.Random(f"zoomrefine demo scene {seed}")
    plan = Plan(seed, "demo", True, False, rng.randint(12, 18), rng.randint(72, 96), 0.0)  # noqa: FBT003
    return _machine_hall(plan, rng)


def _backdrop(rng: random.Random, top: Rgb, bottom: Rgb, mottle: int = 10) -> Image.Image:
    """A soft vertical gradient with mottling, drawn small and enlarged (a tenth of a second instead of two)."""
    small = Image.new("RGB", (96, 54))
    for y in range(54):
        share = y / 53
        for x in range(96):
            shade = rng.randint(-mottle, mottle)
            red, green, blue = (round(a + (b - a) * share) + shade for a, b in zip(top, bottom, strict=True))
            small.putpixel((x, y), (red, green, blue))
    return small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def _lines(fields: dict[str, Field], names: list[str], rng: random.Random) -> list[tuple[str, str, str]]:
    return [(name, rng.choice(fields[name].printed), fields[name].value(rng)) for name in names]


def _ask(field: Field, printed: str, entity: str, rng: random.Random) -> str:
    return rng.choice(field.asked).format(e=entity, p=printed.rstrip(":.").lower())


def _sample(
    plan: Plan,
    rng: random.Random,
    question: str,
    value: str | None,
    others: list[str],
    box: PixelRect | None,
    printed_with: tuple[str, ...] = (),
) -> Sample:
    """The sample of a scene; ``printed_with`` are words before the value that an answer may hold too ("Mon-Fri")."""
    choices: tuple[str, ...] = ()
    if plan.multiple_choice:
        pool = sorted({other for other in others if other != value})
        rng.shuffle(pool)
        options = pool[:3] if value is None else [value, *pool[:3]]
        rng.shuffle(options)
        if value is None or rng.random() < 0.5:
            options.append(rng.choice(ABSTAIN_CHOICES))
        choices = tuple(options)
    accepted = () if value is None else (value, *(f"{printed} {value}" for printed in printed_with))
    return Sample(
        f"{plan.kind}-{plan.seed}", plan.kind, question, choices, value, accepted, plan.detail, plan.label, box
    )


def _write_field(
    board: Board, at: tuple[float, float], cap: int, texts: tuple[str, str], style: str, column: float
) -> PixelRect:
    """One field in a style: ``inline``, ``colon``, ``columns`` or ``stacked``; returns the value's box."""
    printed, value = texts
    if style == "inline":
        box = board.write(at, f"{printed} ", cap)
        return board.write((box[2] + cap * 0.6, at[1]), value, cap)
    if style == "colon":
        box = board.write(at, f"{printed.rstrip(':')}:", cap)
        return board.write((box[2] + cap * 0.6, at[1]), value, cap)
    if style == "columns":
        board.write(at, printed, cap)
        return board.write((at[0] + column, at[1]), value, cap)
    board.write(at, printed, max(10, round(cap * 0.8)))
    return board.write((at[0], at[1] + cap * 1.55), value, cap, bold=True)


def _notice(
    board: Board, at: tuple[int, int], plan: Plan, lines: list[tuple[str, str, str]], style: str
) -> dict[str, PixelRect]:
    """Fields below each other; a blank value gets a rule to write on."""
    boxes: dict[str, PixelRect] = {}
    cap = plan.detail
    column = max(font(cap).getlength(printed) for _, printed, _ in lines) + cap * 2
    step = cap * (4.3 if style == "stacked" else 2.3)
    for row, (name, printed, value) in enumerate(lines):
        y = at[1] + row * step
        boxes[name] = _write_field(board, (at[0], y), cap, (printed, value), style, column)
        if not value:
            board.draw.line((boxes[name][0] + cap, y + cap, boxes[name][0] + cap * 9, y + cap), board.ink, 1)
    return boxes


def _machine_hall(plan: Plan, rng: random.Random) -> tuple[Image.Image, Sample]:
    scene = _backdrop(rng, (70, 84, 98), (38, 44, 52))
    draw = ImageDraw.Draw(scene)
    draw.rectangle((0, 3500, WIDTH, HEIGHT), fill=(58, 60, 62))
    for x in range(-400, WIDTH, 640):
        draw.line((x + 700, 3500, x, HEIGHT), fill=(66, 68, 70), width=10)
    for y in (230, 330, 1980):
        tone = rng.randint(95, 150)
        draw.rectangle((0, y, WIDTH, y + 56), fill=(tone, tone, tone + 8))
        draw.rectangle((0, y + 12, WIDTH, y + 22), fill=(tone + 45, tone + 45, tone + 52))
    machine = rng.choice(MACHINES)
    prefix = rng.choice("PKVTBR")
    numbers = rng.sample(range(101, 399), 4)
    numbers.append(numbers[0] // 100 * 100 + numbers[0] % 10 * 10 + numbers[0] // 10 % 10)  # digits swapped
    tags = list(dict.fromkeys(f"{machine} {prefix}-{number}" for number in numbers))
    tags += [f"{rng.choice([m for m in MACHINES if m != machine])} {prefix}-{numbers[0] + 400}"]
    rng.shuffle(tags)
    places = [
        (260 + 1240 * column + rng.randint(0, 90), row + rng.randint(0, 120))
        for row in (560, 2260)
        for column in range(6)
    ]
    places = rng.sample(places, len(tags))
    asked = rng.choice([tag for tag in tags if tag.startswith(machine)])
    names = rng.sample(sorted(PLATE_FIELDS), 5)
    wanted = rng.choice(names)
    missing = "" if plan.answerable else rng.choice(["blank", "no field", "no entity", "nowhere"])
    value: str | None = None
    printed_label = PLATE_FIELDS[wanted].printed[0]
    target: PixelRect | None = None
    others: list[str] = [PLATE_FIELDS[wanted].value(rng) for _ in range(3)]
    for tag, (x, y) in zip(tags, places, strict=True):
        _machine(draw, rng, (x - 60, y - 130), (1120, 1230))
        style = rng.choice(["inline", "colon", "columns", "stacked"])
        lines = _lines(PLATE_FIELDS, rng.sample(names, len(names)), rng)
        if tag == asked and missing == "blank":
            lines = [(name, printed, "" if name == wanted else text) for name, printed, text in lines]
        if tag == asked and missing == "no field":
            lines = [line for line in lines if line[0] != wanted]
        if plan.detail >= 26 and style == "stacked":
            style = "inline"
        tall = 100 + plan.label + round(plan.detail * (4.3 if style == "stacked" else 2.3) * len(lines)) + 40
        plate = Board((940, max(560, tall)), rng.choice([(214, 214, 208), (226, 206, 120), (40, 52, 78)]), (18, 20, 24))
        if sum(plate.image.getpixel((5, 5))[:3]) < 300:  # type: ignore[index]
            plate.ink = (236, 238, 240)
        plate.draw.rectangle((6, 6, plate.image.width - 7, plate.image.height - 7), outline=plate.ink, width=4)
        cap = plan.label
        while font(cap).getlength(tag) > 860:
            cap -= 1
        plate.write((36, 40), tag, cap, bold=True)
        boxes = _notice(plate, (40, 40 + cap + 60), plan, lines, style)
        place = plate.hang(scene, (x, y), plan.degrees if tag == asked else 0.0)
        for name, printed, text in lines:
            if name == wanted and tag == asked:
                value, target, printed_label = text or None, place(boxes[name]) if text else None, printed
            elif name == wanted:
                others.append(text)
    entity = f"{asked.split()[0].lower()} {asked.split()[1]}"
    if missing == "no entity":
        entity, value, target = f"{machine.lower()} {prefix}-{rng.randint(801, 899)}", None, None
    question = _ask(PLATE_FIELDS[wanted], printed_label, entity, rng)
    if missing == "nowhere":
        question, value, target = rng.choice(NOWHERE), None, None
    return scene, _sample(plan, rng, question, value, others, target)


def _machine(draw: ImageDraw.ImageDraw, rng: random.Random, at: tuple[int, int], size: tuple[int, int]) -> None:
    x, y = at
    hue = rng.choice([(66, 104, 120), (92, 112, 84), (120, 96, 70), (88, 88, 110)])
    draw.rounded_rectangle((x, y, x + size[0], y + size[1]), 60, fill=hue, outline=(24, 26, 30), width=8)
    draw.rounded_rectangle((x + 30, y + 30, x + size[0] - 30, y + 90), 24, fill=tuple(min(255, c + 26) for c in hue))
    for bolt in range(6):
        left = x + 60 + bolt * (size[0] - 140) // 5
        draw.ellipse(
            (left, y + size[1] - 70, left + 36, y + size[1] - 34), fill=(150, 150, 150), outline=(30, 30, 30), width=4
        )
    cx, cy = x + size[0] - 190, y + size[1] - 260
    draw.ellipse((cx - 110, cy - 110, cx + 110, cy + 110), fill=(232, 232, 226), outline=(20, 20, 20), width=12)
    angle = rng.uniform(0.6, 2.5)
    draw.line((cx, cy, cx + 80 * math.cos(angle), cy - 80 * math.sin(angle)), fill=(170, 30, 30), width=9)


def _street(plan: Plan, rng: random.Random) -> tuple[Image.Image, Sample]:
    scene = _backdrop(rng, (150, 182, 214), (196, 206, 214), 6)
    draw = ImageDraw.Draw(scene)
    draw.rectangle((0, 3760, WIDTH, HEIGHT), fill=(92, 92, 96))
    shops = rng.sample(SHOPS, 5)
    asked = rng.choice(shops)
    names = rng.sample(sorted(SHOP_FIELDS), 4)
    wanted = rng.choice(names)
    missing = "" if plan.answerable else rng.choice(["blank", "no field", "no entity", "nowhere"])
    value: str | None = None
    printed_label = SHOP_FIELDS[wanted].printed[0]
    target: PixelRect | None = None
    others: list[str] = [SHOP_FIELDS[wanted].value(rng) for _ in range(3)]
    width = WIDTH // len(shops)
    for index, shop in enumerate(shops):
        left = index * width
        wall = rng.choice([(178, 120, 92), (206, 186, 150), (150, 150, 158), (190, 164, 160), (140, 158, 140)])
        top = rng.randint(300, 1100)
        draw.rectangle((left, top, left + width - 24, 3760), fill=wall)
        for row in range(top + 140, 2200, 520):
            for column in range(3):
                x = left + 150 + column * 430
                draw.rectangle((x, row, x + 240, row + 330), fill=(70, 84, 100), outline=(236, 232, 222), width=14)
        lines = _lines(SHOP_FIELDS, rng.sample(names, len(names)), rng)
        if shop == asked and missing == "blank":
            lines = [(name, printed, "" if name == wanted else text) for name, printed, text in lines]
        if shop == asked and missing == "no field":
            lines = [line for line in lines if line[0] != wanted]
        sign = Board(
            (width - 200, 250),
            rng.choice([(30, 60, 50), (120, 24, 32), (24, 30, 60), (240, 236, 220)]),
            (246, 240, 220),
        )
        if sum(sign.image.getpixel((5, 5))[:3]) > 600:  # type: ignore[index]
            sign.ink = (40, 30, 24)
        cap = plan.label
        while font(cap).getlength(shop) > sign.image.width - 60:
            cap -= 1
        sign.write(((sign.image.width - font(cap).getlength(shop)) / 2, 125 - cap / 2), shop, cap, bold=True)
        sign.hang(scene, (left + 90, 2330))
        draw.rectangle((left + 120, 2640, left + 820, 3760), fill=(60, 70, 84), outline=(230, 226, 214), width=16)
        draw.rectangle((left + 900, 2640, left + 1380, 3760), fill=(88, 62, 44), outline=(40, 28, 20), width=12)
        longest = max(font(plan.detail).getlength(f"{printed}: {text}") for _, printed, text in lines)
        notice = Board(
            (min(980, round(longest) + 3 * plan.detail + 48), 120 + round(plan.detail * 2.6 * len(lines)) + 40),
            (244, 242, 234),
            (28, 28, 32),
        )
        style = rng.choice(["inline", "colon"])
        boxes = _notice(notice, (24, 36), plan, lines, style)
        place = notice.hang(
            scene,
            (
                left + rng.randint(140, 170) + rng.choice([0, max(0, 1180 - notice.image.width)]),
                rng.randint(2680, 2800),
            ),
        )
        for name, printed, text in lines:
            if name == wanted and shop == asked:
                value, target, printed_label = text or None, place(boxes[name]) if text else None, printed
            elif name == wanted:
                others.append(text)
    entity = asked.title()
    if missing == "no entity":
        entity, value, target = (
            rng.choice(["the Museum of Glass", "Restaurant Palermo", "Florist Bergamot"]),
            None,
            None,
        )
    question = _ask(SHOP_FIELDS[wanted], printed_label, entity, rng)
    if missing == "nowhere":
        question, value, target = rng.choice(NOWHERE), None, None
    days = ("Mon-Fri",) if printed_label == "Mon-Fri" else ()
    return scene, _sample(plan, rng, question, value, others, target, days)


def _floor_plan(plan: Plan, rng: random.Random) -> tuple[Image.Image, Sample]:
    scene = _backdrop(rng, (240, 236, 224), (232, 228, 214), 4)
    draw = ImageDraw.Draw(scene)
    columns, rows = 4, 3
    cell_w, cell_h = (WIDTH - 600) // columns, (HEIGHT - 700) // rows
    rooms = rng.sample(ROOMS, 8)
    rooms += [f"{rooms[0]} 2", f"{rooms[1]} B", f"{rooms[2]} 3", f"{rooms[3]} C"]
    rng.shuffle(rooms)
    asked = rng.choice(rooms)
    names = rng.sample(sorted(ROOM_FIELDS), 4)
    wanted = rng.choice(names)
    missing = "" if plan.answerable else rng.choice(["blank", "no field", "no entity", "nowhere"])
    value: str | None = None
    printed_label = ROOM_FIELDS[wanted].printed[0]
    target: PixelRect | None = None
    others: list[str] = [ROOM_FIELDS[wanted].value(rng) for _ in range(3)]
    ink = (34, 36, 48)
    for index, room in enumerate(rooms):
        x, y = 300 + index % columns * cell_w, 300 + index // columns * cell_h
        draw.rectangle((x, y, x + cell_w, y + cell_h), outline=ink, width=14)
        draw.arc((x + cell_w - 260, y + cell_h - 260, x + cell_w + 240, y + cell_h + 240), 180, 270, fill=ink, width=4)
        lines = _lines(ROOM_FIELDS, rng.sample(names, len(names)), rng)
        if room == asked and missing == "blank":
            lines = [(name, printed, "" if name == wanted else text) for name, printed, text in lines]
        if room == asked and missing == "no field":
            lines = [line for line in lines if line[0] != wanted]
        tile = Board((1000, 560), (238, 234, 222), ink)
        tile.write((20, 20), room, plan.label)
        boxes = _notice(tile, (22, 20 + plan.label + 40), plan, lines, rng.choice(["inline", "colon", "columns"]))
        place = tile.hang(scene, (x + rng.randint(60, 500), y + rng.randint(80, 480)))
        for name, printed, text in lines:
            if name == wanted and room == asked:
                value, target, printed_label = text or None, place(boxes[name]) if text else None, printed
            elif name == wanted:
                others.append(text)
    entity = f"the {asked[0].lower()}{asked[1:]}" if rng.random() < 0.5 else f"room '{asked}'"
    if missing == "no entity":
        entity, value, target = "the sauna", None, None
    question = _ask(ROOM_FIELDS[wanted], printed_label, entity, rng)
    if missing == "nowhere":
        question, value, target = rng.choice(NOWHERE), None, None
    return scene, _sample(plan, rng, question, value, others, target)


def _timetable(plan: Plan, rng: random.Random) -> tuple[Image.Image, Sample]:
    scene = _backdrop(rng, (28, 34, 46), (22, 26, 36), 3)
    draw = ImageDraw.Draw(scene)
    headers = ["Departure", "Arrival", "Platform", "Fare", "Train"]
    makers: dict[str, Callable[[random.Random], str]] = {
        "Departure": _clock,
        "Arrival": _clock,
        "Platform": lambda rng: f"{rng.randint(1, 24)}{rng.choice(['', 'a', 'b'])}",
        "Fare": _price,
        "Train": lambda rng: f"{rng.choice(['RE', 'IC', 'S'])} {_number(rng, 3)}",
    }
    asked_by = {
        "Departure": "When is the departure of the train to {e}?",
        "Arrival": "What is the arrival time of the train to {e}?",
        "Platform": "From which platform does the train to {e} leave?",
        "Fare": "What is the fare to {e}?",
        "Train": "Which train goes to {e}?",
    }
    towns = rng.sample(TOWNS, 9)
    towns[8] = f"{towns[0]} {rng.choice(['East', 'Central', 'Harbour'])}"
    rng.shuffle(towns)
    town, header = rng.choice(towns), rng.choice(headers)
    left, top, step = 500, 700, 370
    across = [left + 1500 + 1080 * column for column in range(len(headers))]
    missing = "" if plan.answerable else rng.choice(["blank", "no entity", "nowhere"])
    value: str | None = None
    target: PixelRect | None = None
    others = [makers[header](rng) for _ in range(3)]
    board = Board((WIDTH - 400, HEIGHT - 400), (18, 22, 32), (240, 214, 120))
    for x, text in zip(across, headers, strict=True):
        board.write((x - 200, top - 400), text, plan.label)
    for row, name in enumerate(towns):
        y = top + row * step - 200
        board.draw.line((100, y - 130, WIDTH - 500, y - 130), fill=(60, 66, 80), width=4)
        board.write((left - 200, y), name, plan.label)
        for x, column in zip(across, headers, strict=True):
            text = makers[column](rng)
            if name == town and column == header and missing == "blank":
                continue
            shift = rng.choice([0, 0, 40])
            box = board.write((x - 200 + shift, y + (plan.label - plan.detail) // 2), text, plan.detail)
            if name == town and column == header:
                value, target = text, box
            elif column == header:
                others.append(text)
    place = board.hang(scene, (200, 200))
    draw.rectangle((190, 190, WIDTH - 190, HEIGHT - 190), outline=(90, 96, 110), width=16)
    entity = town
    if missing == "no entity":
        entity, value, target = "Zellmark", None, None
    question = asked_by[header].format(e=entity)
    if missing == "nowhere":
        question, value, target = rng.choice(NOWHERE), None, None
    return scene, _sample(plan, rng, question, value, others, place(target) if target else None)

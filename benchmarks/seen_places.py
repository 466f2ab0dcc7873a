"""Scenes (once held out) of things in a place: a server rack, a pharmacy's shelves, a container yard."""

from __future__ import annotations

import math
from random import Random

from canvas import (
    BLACK,
    WHITE,
    Board,
    Entry,
    Field,
    Kind,
    Rgb,
    Task,
    amount,
    code,
    day,
    fitting,
    font,
    ground,
    pick,
    whole,
)


def _column(
    board: Board,
    task: Task,
    entry: Entry,
    at: tuple[float, float],
    pitch: float,
    *,
    face: str = "sans",
    mark: str = ":",
) -> float:
    """The owner's values below each other, each after its label; returns where the next would stand."""
    x, y, cap = *at, task.detail
    for field in task.fields:
        if field.key not in entry.values:
            continue
        start = board.write((x, y), field.printed + mark, cap, face) + 0.6 * cap if field.printed else x
        board.write((start, y), entry.values[field.key], cap, face, mark=task.wanted(entry, field.key))
        if field.printed and not entry.values[field.key]:
            board.rule((start, y + cap), 8 * cap)
        y += pitch * cap
    return y


def _bars(board: Board, rng: Random, box: tuple[float, float, float, float]) -> None:
    """A barcode."""
    x = box[0]
    while x < box[2]:
        wide = rng.choice((2, 2, 3, 5))
        board.draw.rectangle((x, box[1], x + wide, box[3]), fill=BLACK)
        x += wide + rng.choice((2, 3, 5))


# --- server rack ----------------------------------------------------------------------------------


def _hosts(rng: Random) -> list[str]:
    stems = rng.sample(
        ["db-oslo", "web-oslo", "mail-graz", "db-graz", "cache-turin", "web-turin", "build-lille", "git-lille"], 6
    )
    names = [f"{stem}-{number:02}" for stem in stems for number in rng.sample(range(1, 13), rng.randint(4, 5))]
    spare = f"{stems[0]}-{rng.randint(21, 29)}"
    return [*rng.sample(names, len(names)), spare]


def _draw_rack(task: Task) -> Board:
    rng = task.rng
    room = ground(rng, (52, 56, 62), (26, 28, 32), 5)
    label = task.fit("mono-bold", 560)
    per = math.ceil(len(task.entries) / 4)
    pitch = (4200 - 330) // per
    task.detail = min(task.detail, int((pitch - 120) / (2.0 * len(task.fields))))
    for rack in range(4):
        left = 110 + rack * 1890
        room.draw.rectangle((left, 60, left + 1790, 4280), fill=(14, 15, 17), outline=(80, 84, 88), width=14)
        room.write(
            (left + 895, 110),
            f"RACK {'ABCD'[rack]}{rng.randint(11, 49)}",
            70,
            "wide-bold",
            ink=(230, 230, 226),
            anchor="m",
        )
        for unit, entry in enumerate(task.entries[rack * per : rack * per + per]):
            top = 270 + unit * pitch
            grey = rng.choice([(44, 46, 50), (66, 68, 72), (150, 152, 154)])
            room.draw.rectangle((left + 60, top, left + 1730, top + pitch - 40), fill=grey, outline=(8, 8, 8), width=6)
            for x in range(left + 100, left + 760, 34):
                room.draw.rectangle((x, top + 150, x + 20, top + pitch - 90), fill=(20, 20, 22))
            for light in range(5):
                x = left + 100 + light * 46
                room.draw.ellipse(
                    (x, top + pitch - 76, x + 18, top + pitch - 58),
                    fill=rng.choice([(60, 220, 90), (60, 220, 90), (240, 170, 40)]),
                )
            name = Board((640, 110), rng.choice([(240, 226, 90), WHITE, (30, 60, 120)]))
            name.ink = WHITE if name.fill[0] < 100 else BLACK
            name.write((30, 55 - label / 2), entry.name, label, "mono-bold" if label > 40 else "mono")
            room.hang(name, (left + 100 + 320, top + 80), rng.uniform(-0.8, 0.8), shade=60)
            _sticker(task, room, entry, (left + 820, top + 20, left + 1710, top + pitch - 60))
    return room


def _sticker(task: Task, room: Board, entry: Entry, box: tuple[int, int, int, int]) -> None:
    """An asset sticker, straight or on its side."""
    rng, cap = task.rng, task.detail
    wide = max(
        font("sans", cap).getlength(f"{field.printed}: {entry.values.get(field.key, '') or '_' * 14}")
        for field in task.fields
    )
    sticker = Board(
        (round(wide) + 4 * cap + 30, round(2 * cap * len(task.fields)) + 70),
        rng.choice([WHITE, (250, 244, 214), (226, 234, 240)]),
    )
    _bars(sticker, rng, (24, 14, sticker.size[0] - 24, 40))
    _column(sticker, task, entry, (1.5 * cap, 54), 2.0)
    turned = task.turns(entry) and sticker.size[0] <= box[3] - box[1] + 60
    slack = max(0, (box[2] - box[0] - sticker.size[0]) // 2)
    room.hang(sticker, ((box[0] + box[2]) / 2 + rng.randint(-slack, slack) * 0.8, (box[1] + box[3]) / 2),
              90.0 if turned else rng.uniform(6, 9) if task.turns(entry) else rng.uniform(-1.5, 1.5), shade=60)  # fmt: skip


SERVER_RACK = Kind(
    "server-rack", _hosts,
    (
        Field("asset", "Asset", ("What is the asset number of {o}?", "Asset no. on {o}?"), code("##-####", "A#####")),
        Field("serial", "S/N", ("What is the S/N of {o}?", "Read me the serial number of {o}."), code("AA#A####", "#A##AA##")),
        Field("address", "Mgmt IP", ("What is the mgmt IP of {o}?", "At which IP do I manage {o}?"),
              lambda rng: f"10.{rng.randint(1, 40)}.{rng.randint(2, 200)}.{rng.randint(11, 250)}"),
        Field("team", "Team", ("Which team owns {o}?", "team for {o}?"),
              pick("Billing|Search|Archive|Telephony|Maps|Payroll|Identity|Fraud|Catalog|Streaming|Printing|Claims")),
        Field("warranty", "Warranty to", ("How long does {o} have warranty?", "Warranty of {o} runs to when?"),
              day(2024, 2031, "{m:02}/{y}", "{y}-{m:02}-{d:02}")),
    ),
    ("Which operating system runs on {o}?", "How much memory is in {o}?", "What is the MAC address of {o}?", "Who installed {o}?"),
    _draw_rack, detail=(10, 24), label=(40, 64),
)  # fmt: skip

# --- pharmacy -------------------------------------------------------------------------------------


MEDICINES = "Dolorene|Cardivar|Nasomint|Velatrin|Sobrexa|Gastrilon|Ferrovit|Pantorel|Oculave|Dermazin|Lumicort|Tussadel"


def _medicines(rng: Random) -> list[str]:
    stems = rng.sample(
        MEDICINES.split("|"),
        9,
    )
    names = [
        f"{stem} {dose} mg" for stem in stems for dose in rng.sample((5, 10, 20, 40, 80, 200, 400), rng.randint(2, 3))
    ]
    spare = f"{stems[0]} {rng.choice((15, 30, 60, 120))} mg"
    return [*rng.sample(names, len(names))[:24], spare]


def _draw_pharmacy(task: Task) -> Board:
    rng = task.rng
    room = ground(rng, (214, 220, 216), (190, 198, 196), 4)
    columns, rows = 6, 4
    label = task.fit("bold", 820)
    task.detail = min(task.detail, 26)
    cap = task.detail
    for row in range(rows):
        room.draw.rectangle(
            (0, 930 + 1070 * row, 7680, 1080 + 1070 * row), fill=(236, 238, 240), outline=(150, 156, 160), width=5
        )
    for i, entry in enumerate(task.entries[: columns * rows]):
        x, floor = 60 + i % columns * 1270, 930 + i // columns * 1070
        tint = rng.choice([(30, 96, 160), (190, 60, 60), (40, 130, 90), (220, 150, 40), (110, 70, 150), (60, 140, 160)])
        pack = Board((1090, 740), WHITE, BLACK)
        pack.draw.rectangle((0, 0, 1090, 200), fill=tint)
        pack.draw.ellipse((800, 420, 1160, 780), fill=(*tint, 90))
        pack.write((50, 100 - label / 2), entry.name, label, "bold" if label > 40 else "sans", ink=WHITE)
        pack.write(
            (50, 250),
            rng.choice(["film-coated tablets", "for oral use", "capsules", "read the leaflet before use"]),
            max(cap, 18),
            "italic",
        )
        _fine_print(task, pack, entry)
        pack.draw.rectangle((0, 0, 1089, 739), outline=(140, 140, 140), width=3)
        room.hang(pack, (x + 600 + rng.randint(-30, 30), floor - 370), 0.0, shade=70)
        tag = Board((760, 118), (250, 246, 190), BLACK)
        tag.write((24, 40 if cap > 20 else 24), entry.name, min(cap, 18), "sans")
        start = tag.write((24, 72), "Shelf price", cap, "condensed") + cap
        tag.write((start, 72), entry.values.get("price", ""), cap, "condensed", mark=task.wanted(entry, "price"))
        room.hang(tag, (x + 600, floor + 78), rng.uniform(-0.6, 0.6), shade=50)
    return room


def _fine_print(task: Task, pack: Board, entry: Entry) -> None:
    """What is stamped on a pack; on the pack that is turned it stands on end."""
    rng, cap = task.rng, task.detail
    fields = [field for field in task.fields if field.key != "price"]
    note = Board((680, round(2.1 * cap * len(fields)) + 20), WHITE, (40, 40, 46))
    y = 8.0
    for field in rng.sample(fields, len(fields)):
        if field.key in entry.values:
            start = note.write((8, y), field.printed, cap, "condensed") + 0.7 * cap
            note.write((start, y), entry.values[field.key], cap, "condensed", mark=task.wanted(entry, field.key))
            y += 2.1 * cap
    if task.turns(entry) and note.size[1] < 400:
        note.wear(note.image.crop((0, 0, 500, note.size[1])))
        pack.hang(note, (1060 - note.size[1] / 2, 470), 90.0, shade=0)
    else:
        pack.hang(note, (400, 330 + note.size[1] / 2), 0.0, shade=0)


PHARMACY = Kind(
    "pharmacy-shelf", _medicines,
    (
        Field("exp", "EXP", ("What is the EXP date of {o}?", "When does {o} expire?", "exp. of {o}?"), day(2025, 2030, "{m:02}/{y}", "{s} {y}")),
        Field("lot", "LOT", ("What is the lot number of {o}?", "LOT on the pack of {o}?"), code("A####A", "##A###", "######")),
        Field("price", "Shelf price", ("What is the shelf price of {o}?", "How much is {o}?"), amount(2, 79, "{:.2f} EUR"), may_lack=False),
        Field("count", "Contents:", ("What are the contents of the pack of {o}?", "How many tablets are in a pack of {o}?"),
              lambda rng: f"{rng.choice((7, 10, 12, 14, 20, 21, 28, 30, 42, 50, 56, 60, 84, 90, 98, 100))} tablets"),
        Field("maker", "Made by", ("Who makes {o}?", "By whom is {o} made?"),
              pick("Halvex|Corbin & Roe|Medisan|Astoria Labs|Brunnen|Pharmadale|Weston Bio|Kestrel|Ottavia|Linden AG|Sanquil|Norbio")),
        Field("storage", "Store below", ("Below which temperature is {o} stored?", "Store {o} below what?"), whole(8, 40, "{} °C")),
    ),
    ("What is the daily dose of {o}?", "Which side effects does {o} have?", "What is the active ingredient of {o}?",
     "Who prescribed {o}?"),
    _draw_pharmacy, detail=(10, 24), label=(44, 84),
)  # fmt: skip

# --- container yard -------------------------------------------------------------------------------


def _boxes(rng: Random) -> list[str]:
    stems = [f"{stem}U" for stem in rng.sample(["NOR", "PAZ", "VEL", "KRA", "TOS", "WYK"], 4)]
    base = rng.randint(210000, 880000)
    numbers = [base + step for step in rng.sample(range(0, 9000, 37), 26)]
    names = [f"{rng.choice(stems)} {number} {rng.randint(0, 9)}" for number in numbers]
    names.append(f"{names[0][:4]} {numbers[0] + 10} {rng.randint(0, 9)}")
    return [f"{name}=container {name}" for name in names]


def _draw_yard(task: Task) -> Board:
    rng, columns, rows = task.rng, 5, 5
    yard = ground(rng, (170, 190, 210), (120, 122, 126), 8)
    label = task.fit("narrow", 760)
    task.detail = min(task.detail, 28)
    for i, entry in enumerate(task.entries[: columns * rows]):
        x, y = 40 + i % columns * 1525 + rng.randint(-12, 12), 130 + i // columns * 830
        paint: Rgb = rng.choice(
            [(150, 62, 40), (38, 78, 130), (60, 104, 72), (196, 186, 170), (110, 112, 118), (214, 140, 50)]
        )
        dark = sum(paint) < 400
        box = Board((1490, 790), paint, WHITE if dark else BLACK)
        for rib in range(0, 1490, 46):
            box.draw.rectangle((rib, 24, rib + 20, 766), fill=tuple(max(0, c - 14) for c in paint))
        box.draw.rectangle((0, 0, 1489, 789), outline=tuple(max(0, c - 50) for c in paint), width=20)
        line = rng.choice(["NORDANIA", "PAZIFIC", "VELOCEAN", "KRANTZ LINE"])
        box.write((60, 420), line, fitting("wide-bold", line, 92, 800), "wide-bold")
        box.write((1430, 60), entry.name, label, "narrow", anchor="r")
        box.write(
            (1430, 76 + label),
            rng.choice(["22G1", "42G1", "45G1", "45R1"]),
            max(24, label * 2 // 3),
            "narrow",
            anchor="r",
        )
        _weights(task, box, entry)
        lean = rng.choice([-1, 1]) * rng.uniform(4, 7) if task.turns(entry) else rng.uniform(-0.4, 0.4)
        yard.hang(box, (x + 745, y + 395), lean, shade=50)
    return yard


def _weights(task: Task, box: Board, entry: Entry) -> None:
    """The block of masses, kilograms above pounds, and a plate with the rest."""
    cap, y, face = task.detail, 230.0, "narrow"
    for field in task.fields[:4]:
        if field.key not in entry.values:
            continue
        text = entry.values[field.key]
        box.write((940, y), field.printed, cap, face)
        box.write((1410, y), text, cap, face, anchor="r", mark=task.wanted(entry, field.key))
        y += 1.5 * cap
        if text:
            figure = float(text.split()[0].replace(",", ""))
            other = f"{figure * 2.20462:,.0f} LB" if text.endswith("KG") else f"{figure * 35.3147:,.0f} CU.FT"
            box.write((1410, y), other, cap, face, anchor="r")
        y += 2.0 * cap
    plate = Board((600, round(5.2 * cap) + 30), (206, 206, 200), BLACK)
    y = 18.0
    for field in task.fields[4:]:
        if field.key in entry.values:
            right = plate.write((20, y), field.printed, cap, "condensed")
            plate.write((right + cap, y), entry.values[field.key], cap, "condensed", mark=task.wanted(entry, field.key))
            y += 2.2 * cap
    box.hang(plate, (380, 620), 0.0, shade=0)


CONTAINERS = Kind(
    "container-yard", _boxes,
    (
        Field("gross", "MAX GROSS", ("What is the max gross of {o} in kg?", "Max. gross weight of {o} in kilograms?"), amount(24000, 32500, "{:,.0f} KG")),
        Field("tare", "TARE", ("What is the tare of {o} in kg?", "How many kg does {o} weigh empty?", "tare of {o} (kg)?"), amount(2100, 4900, "{:,.0f} KG")),
        Field("net", "PAYLOAD", ("What payload in kg may {o} carry?", "Payload of {o}, in kg?"), amount(20000, 28900, "{:,.0f} KG")),
        Field("volume", "CU.CAP.", ("What is the cu. cap. of {o} in cubic metres?", "How many cubic metres does {o} hold?"), amount(28, 88, "{:.1f} CU.M")),
        Field("seal", "Seal", ("Which seal number does {o} have?", "seal on {o}?"), code("AA#####", "######")),
        Field("survey", "Next survey", ("When is the next survey of {o}?", "Next survey, {o}?"), day(2025, 2029, "{m:02}-{y}", "{s} {y}")),
    ),
    ("Where is {o} going?", "Who owns the goods in {o}?", "In which year was {o} built?", "Which ship brought {o}?"),
    _draw_yard, detail=(10, 26), label=(44, 76),
)  # fmt: skip

KINDS = (SERVER_RACK, PHARMACY, CONTAINERS)

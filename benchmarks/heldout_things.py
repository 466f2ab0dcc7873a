"""Held-out scenes of things that carry their own small print: book spines, breakers in a cabinet, a circuit board."""

from __future__ import annotations

from random import Random

from canvas import BLACK, WHITE, Board, Entry, Field, Kind, Rgb, Task, code, fitting, ground, person, pick, whole

# --- book spines ----------------------------------------------------------------------------------

FIRST = "Salt|Paper|Winter|Copper|Silent|Hollow|Northern|Glass|Borrowed|Second|Amber|Broken"
LAST = "Road|Harbour|Orchard|Letters|Garden|Bridge|Summer|Daughter|Atlas|Machine|House|Winter"


def _titles(rng: Random) -> list[str]:
    titles = [f"{a} {b}" for a in FIRST.split("|") for b in LAST.split("|") if a != b]
    return [f"{title}=\u201c{title}\u201d" for title in rng.sample(titles, 61)]


def _draw_books(task: Task) -> Board:
    rng = task.rng
    case = ground(rng, (92, 64, 44), (70, 48, 34), 5)
    left = list(task.entries)
    for shelf in range(3):
        base = 1370 + 1430 * shelf
        case.draw.rectangle((0, base, 7680, base + 62), (134, 98, 66), (60, 42, 30), 5)
        x = 60
        for i in range(20):
            entry = left.pop(0)
            wide, tall = rng.randint(220, 330), rng.randint(1060, 1290)
            spine = _spine(task, entry, (tall, wide))
            upward = task.turns(entry)
            case.hang(spine, (x + wide / 2, base - tall / 2), 90 if upward else -90, shade=0)
            x += wide + 4
            edge = x
            if i % 3 == 1 and x + 334 * (19 - i) < 7200:  # thin ones whose titles have worn off
                for _ in range(rng.randint(1, 4)):
                    thin, high = rng.randint(50, 110), rng.randint(900, 1240)
                    case.draw.rectangle((x, base - high, x + thin, base), _cloth(rng), (30, 24, 20), 4)
                    x += thin + 4
            x += rng.choice((0, 0, 40, 130))
            if (rest := 19 - i) and x + 334 * rest > 7660:
                x = max(edge, 7660 - 334 * rest)
    return case


def _cloth(rng: Random) -> Rgb:
    return rng.choice(
        [(122, 34, 38), (34, 62, 88), (40, 76, 52), (196, 180, 140), (58, 54, 60), (150, 106, 40), (214, 208, 196)]
    )


def _spine(task: Task, entry: Entry, size: tuple[int, int]) -> Board:
    """A spine lying down: author, title and publisher along it, and the library's sticker at its foot, which lies right."""
    rng, cap, (long, wide) = task.rng, task.detail, size
    cloth = _cloth(rng)
    spine = Board(size, cloth, (238, 214, 150) if sum(cloth) < 360 else BLACK)
    spine.draw.rectangle((0, 0, long - 1, wide - 1), None, (24, 20, 18), 4)
    for at in (26, 40, long - 260):
        spine.draw.line((at, 4, at, wide - 4), spine.ink, 3)
    face = rng.choice(["serif-bold", "bold", "serif", "condensed"])
    label = min(task.label, fitting(face, entry.name, task.label, long - 360))
    spine.write((70, wide / 2 - label - 8), entry.name, label, face)
    y = wide / 2 + 0.8 * cap
    right = spine.write((70, y), entry.values.get("author", ""), cap, face, mark=task.wanted(entry, "author"))
    spine.write(
        (max(right + 2 * cap, long * 0.42), y),
        entry.values.get("house", ""),
        cap,
        "italic",
        mark=task.wanted(entry, "house"),
    )
    spine.write(
        (long - 280, 24), entry.values.get("year", ""), cap, "sans", anchor="r", mark=task.wanted(entry, "year")
    )
    shown = [entry.values.get(key, "") for key in ("mark", "copy")]
    sticker = Board((min(wide - 16, max(150, 12 * cap)), 200), (246, 244, 236), BLACK)
    small = min(cap, *(fitting("sans", text, cap, sticker.size[0] - 12) for text in shown))
    for row, key in enumerate(("mark", "copy")):
        sticker.write(
            (sticker.size[0] / 2, 46 + row * 2.4 * small),
            shown[row],
            small,
            "sans",
            anchor="m",
            mark=task.wanted(entry, key),
        )
    spine.hang(sticker, (long - 130, wide / 2), 90, shade=0)
    return spine


BOOKS = Kind(
    "book-spines", _titles,
    (
        Field("author", "", ("Who wrote {o}?", "By whom is the book {o}?"), person),
        Field("house", "", ("Which publisher brought out {o}?", "By which house was {o} published?"),
              pick("Tern Press|Aldine & Cox|Meridian|Lark House|Ostrava|Nine Elms|Halcyon|Fenwick|Quill|Boreas|Old Mint|Pallas|Rook & Co|Tamarind|Vellum|Kestrel|Inkwell|Marlow")),
        Field("year", "", ("Which year is on the spine of {o}?", "From what year is the copy of {o}?"), whole(1921, 2019)),
        Field("mark", "", ("What is the shelf mark on the sticker of {o}?", "Under which shelf mark does {o} stand?"), code("A##.#", "AA ##.#", "###.#A")),
    ),
    ("Who translated {o}?", "How many pages does {o} have?", "What is the ISBN of {o}?", "By when must {o} be returned?"),
    _draw_books, detail=(11, 28), label=(20, 62),
)  # fmt: skip

# --- breakers in a cabinet ------------------------------------------------------------------------

ROOM = "Kitchen|Hall|Cellar|Bath|Workshop|Nursery|Attic|Garage|Study|Terrace|Laundry|Larder"
LOAD = "lights|sockets|heating|blinds"


def _circuits(rng: Random) -> list[str]:
    names = [f"{room} {load}" for room in ROOM.split("|") for load in LOAD.split("|")]
    return [f"{name}=the {name.lower()}" for name in rng.sample(names, 45)]


def _draw_breakers(task: Task) -> Board:
    rng, cap = task.rng, min(task.detail, 26)
    task.detail = cap
    label = task.fit("condensed", 560)
    cabinet = ground(rng, (196, 198, 196), (170, 174, 172), 3)
    cabinet.write((3840, 40), "SUB-DISTRIBUTION 3  -  HOUSE B", 50, "bold", anchor="m")
    left = list(task.entries)
    for rail in range(4):
        top = 150 + 1035 * rail
        cabinet.draw.rectangle((60, top + 330, 7620, top + 560), (150, 154, 156), (90, 94, 96), 4)
        for place in range(11):
            entry = left.pop(0)
            _breaker(task, cabinet, entry, (90 + 683 * place, top))
            strip = Board((600, label + 40), WHITE if rng.random() < 0.8 else (250, 240, 170), BLACK)
            strip.write((300, 20), entry.name, label, "condensed", anchor="m")
            lean = rng.choice([-1, 1]) * rng.uniform(4, 7) if task.turns(entry) else rng.uniform(-0.8, 0.8)
            cabinet.hang(strip, (90 + 683 * place + 320, top + 905), lean, shade=30)
    return cabinet


def _breaker(task: Task, cabinet: Board, entry: Entry, at: tuple[int, int]) -> None:
    """A breaker: its mark above, its current on the front, the cable's sleeve on end beside it, the terminal below."""
    rng, cap, values = task.rng, task.detail, entry.values
    body = Board((640, 840), (204, 206, 204), BLACK)
    body.draw.rectangle((150, 60, 500, 800), (236, 236, 232), (120, 122, 120), 4)
    body.draw.rectangle((250, 330, 400, 520), (30, 32, 36), None)
    body.draw.rectangle((280, 340, 370, 420), rng.choice([(60, 90, 190), (200, 60, 40), (230, 230, 230)]))
    for y in (100, 750):
        body.draw.ellipse((305, y - 26, 345, y + 14), (150, 150, 146), BLACK, 3)
    body.write((325, 14), values.get("tag", ""), cap, "bold", anchor="m", mark=task.wanted(entry, "tag"))
    body.write((325, 190), values.get("amps", ""), cap, "bold", anchor="m", mark=task.wanted(entry, "amps"))
    body.write((325, 190 + 2.2 * cap), rng.choice(("6000  3", "10000  3")), cap, anchor="m")
    body.write((325, 560), rng.choice(("ON / OFF", "I - O")), max(10, cap - 4), anchor="m")
    body.write((325, 640), values.get("row", ""), cap, anchor="m", mark=task.wanted(entry, "row"))
    sleeve = Board((380, 2 * cap + 10), (248, 246, 236), BLACK)
    sleeve.write((190, 5 + cap / 2), values.get("cable", ""), cap, "mono", anchor="m", mark=task.wanted(entry, "cable"))
    body.draw.line((75, 0, 75, 840), rng.choice([(150, 90, 40), (30, 30, 34), (120, 120, 124)]), 26)
    body.hang(sleeve, (75, 420), 90, shade=0)
    cabinet.hang(body, (at[0] + 320, at[1] + 420), 0.0, shade=0)


BREAKERS = Kind(
    "breaker-cabinet", _circuits,
    (
        Field("tag", "", ("Which breaker do I switch off for {o}?", "What is the designation of the breaker for {o}?"), code("F##", "F#.#"), may_lack=False),
        Field("amps", "", ("How many amps is the breaker of {o} rated for?", "What is the rating on the breaker for {o}?"),
              lambda rng: f"{rng.choice((6, 10, 13, 16, 20, 25, 32, 40, 50, 63))} A"),
        Field("cable", "", ("What is written on the sleeve of the cable to {o}?", "Which cable number goes with {o}?"), code("W###-#", "W##.###")),
        Field("row", "", ("Which terminal belongs to {o}?", "What terminal number is printed on the breaker for {o}?"), code("X#:##", "X##:#")),
    ),
    ("Which residual-current device protects {o}?", "How long is the cable to {o}?", "When was the breaker for {o} last tested?", "Who installed the breaker for {o}?"),
    _draw_breakers, detail=(12, 26), label=(14, 40),
)  # fmt: skip

# --- circuit board --------------------------------------------------------------------------------


def _chips(rng: Random) -> list[str]:
    return [f"U{number}=chip U{number}" for number in rng.sample(range(1, 60), 25)]


def _draw_circuit(task: Task) -> Board:
    rng, cap = task.rng, min(task.detail, 30)
    task.detail = cap
    board = ground(rng, rng.choice([(18, 84, 52), (20, 46, 92), (30, 30, 34)]), (16, 66, 50), 3)
    board.ink = (232, 236, 230)
    for _ in range(150):  # tracks
        x, y = rng.randint(0, 7680), rng.randint(0, 4320)
        bend = rng.randint(60, 500)
        board.draw.line(
            [(x, y), (x + bend, y), (x + bend + 120, y + 120), (x + bend + 120, y + rng.randint(200, 900))],
            (60, 130, 96, 110),
            10,
        )
    for place, entry in enumerate(task.entries):
        x, y = 660 + place % 6 * 1272, 560 + place // 6 * 1060
        chip, turned = _chip(task, entry), rng.choice([90, 270]) if task.turns(entry) or rng.random() < 0.15 else 0
        board.hang(chip, (x, y), turned, shade=40)
        wide, high = (chip.size[1], chip.size[0]) if turned else chip.size
        board.write((x - wide / 2, y - high / 2 - task.label - 20), entry.name, task.label, "bold")
        for i in range(3):  # passives beside it, with values of their own
            px, py = x - 400 + 300 * i, y + high / 2 + 70
            board.draw.rectangle((px, py, px + 90, py + 44), (168, 132, 92), (210, 214, 214), 10)
            name, value = rng.choice((("R", ("4k7", "10k", "220R", "1M")), ("C", ("100n", "22p", "4u7", "10u"))))
            board.write((px, py + 60), f"{name}{rng.randint(1, 99)}", min(task.label, 24))
            board.write((px + 110, py + 10), rng.choice(value), cap)
    return board


def _chip(task: Task, entry: Entry) -> Board:
    """A black package with pins; type, lot and week, and where it was made, line below line."""
    rng, cap = task.rng, task.detail
    wide, high = max(420, 16 * cap), max(260, round(2 * cap * 4) + 60)
    whole_part = Board((wide, high + 80), (40, 62, 56))
    for i in range(9):
        x = 30 + (wide - 80) * i / 8
        whole_part.draw.rectangle((x, 0, x + 22, high + 80), (196, 200, 202))
    body = Board((wide, high), rng.choice([(28, 28, 30), (44, 42, 44)]), rng.choice([(206, 206, 204), (168, 170, 170)]))
    body.draw.ellipse((18, high - 54, 52, high - 20), (16, 16, 18), (70, 70, 70), 3)
    body.write((60, 30), entry.values.get("type", ""), cap, "bold", mark=task.wanted(entry, "type"))
    right = body.write((60, 30 + 2 * cap), entry.values.get("week", ""), cap, mark=task.wanted(entry, "week"))
    if lot := entry.values.get("lot", ""):
        lead = body.write((max(right, 60) + cap, 30 + 2 * cap), "LOT", cap)
        body.write((lead + 0.5 * cap, 30 + 2 * cap), lot, cap, mark=task.wanted(entry, "lot"))
    body.write((60, 30 + 4 * cap), entry.values.get("made", ""), cap, mark=task.wanted(entry, "made"))
    whole_part.hang(body, (wide / 2, high / 2 + 40), 0.0, shade=0)
    return whole_part


CIRCUIT = Kind(
    "circuit-board", _chips,
    (
        Field("type", "", ("What type is {o}?", "Which part number is printed on {o}?"), code("AAA####A", "AA##A###", "AAA##-#A"), may_lack=False),
        Field("week", "", ("Which four-digit date code is on {o}?", "What does the date code of {o} say?"), lambda rng: f"{rng.randint(15, 24)}{rng.randint(10, 52)}"),
        Field("lot", "LOT", ("From which lot is {o}?", "What lot number does {o} carry?"), code("A#A##", "##A#A")),
        Field("made", "", ("In which country was {o} made?", "Where was {o} made?"), pick("MALAYSIA|PORTUGAL|THAILAND|TAIWAN|KOREA|MEXICO|MALTA|PHILIPPINES|MOROCCO|VIETNAM|JAPAN|CHINA|GERMANY|ITALY")),
    ),
    ("What is the supply voltage of {o}?", "How hot may {o} get?", "What is the firmware version in {o}?", "Who made the heat sink on {o}?"),
    _draw_circuit, detail=(11, 28), label=(14, 44),
)  # fmt: skip

KINDS = (BOOKS, BREAKERS, CIRCUIT)

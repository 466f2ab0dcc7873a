"""Held-out scenes of what is posted up or handed out: signposts, a board of tickets on a screen, till receipts."""

from __future__ import annotations

import math
from random import Random

from canvas import (
    BLACK,
    WHITE,
    WIDE,
    Board,
    Entry,
    Field,
    Kind,
    Maker,
    Rgb,
    Task,
    amount,
    code,
    family,
    fitting,
    ground,
    person,
    pick,
    scanned,
)

# --- signposts ------------------------------------------------------------------------------------

POSTS = "Wolf Gate/Wolf Bridge|Upper Tarn/Lower Tarn|Saddle Hut|Chapel Fork/Chapel Well|Larch Bend|Quarry Stile|Heron Ford|Bell Cairn"
GOALS = ("Ansby", "Corrie Lodge", "Dunmore", "High Linn", "Low Linn", "Marl Edge", "Marl End")


def _walk(rng: Random) -> str:
    return f"{rng.randint(0, 5)} h {rng.choice((5, 10, 15, 20, 25, 35, 40, 45, 50, 55)):02}"


def _draw_posts(task: Task) -> Board:
    rng, cap = task.rng, task.detail
    scene = ground(rng, (176, 206, 232), (110, 140, 84), 8)
    for ridge in range(3):
        peaks = [(x, 1500 + 500 * ridge - rng.randint(0, 700)) for x in range(-200, 8001, 700)]
        scene.draw.polygon([*peaks, (8000, 4320), (-200, 4320)], (96 - 14 * ridge, 126 - 10 * ridge, 96 - 20 * ridge))
    label = min(task.label, *(fitting("bold", entry.name, task.label, 560) for entry in task.entries))
    task.label = label
    for i, entry in enumerate(task.entries):
        x, y = 930 + i % 4 * 1920 + rng.randint(-90, 90), 160 + i // 4 * 2080 + rng.randint(0, 90)
        scene.draw.rectangle((x - 34, y, x + 34, y + 1990), (116, 92, 66), (70, 54, 40), 6)
        head = Board((760, label + 3 * cap + 60), WHITE, BLACK)
        head.write((380, 26), entry.name, label, "bold", anchor="m")
        text = entry.values.get("height", "")
        head.write((380, 50 + label + cap / 2), text, cap, anchor="m", mark=task.wanted(entry, "height"))
        scene.hang(head, (x, y + 40 + head.size[1] / 2), 0.0, shade=60)
        top: float = y + head.size[1] + 130
        for field in rng.sample(task.fields[1:], len(task.fields) - 1):
            if field.key not in entry.values:
                continue
            side = rng.choice((-1, 1))
            lean = side * rng.uniform(-9, -5) if task.turns(entry) else rng.uniform(-1.5, 1.5)
            arm = _arm(field.printed, entry.values[field.key], cap, side, mark=task.wanted(entry, field.key))
            scene.hang(arm, (x + side * 250, top + arm.size[1] / 2), lean, shade=60)
            top += (1900 - head.size[1] - 130) / 7
    return scene


def _arm(place: str, time: str, cap: int, side: int, *, mark: bool) -> Board:
    """An arm that points to a side, with where it leads and how long that takes."""
    high = min(max(90, 3 * cap), 150)
    arm = Board((860, high), (250, 214, 40), BLACK)
    tip = (
        (860, 0, 760, 0, 860, high / 2, 760, high, 860, high)
        if side > 0
        else (0, 0, 100, 0, 0, high / 2, 100, high, 0, high)
    )
    arm.draw.polygon(list(zip(tip[::2], tip[1::2], strict=True)), (64, 86, 62))
    left = 50 if side > 0 else 120
    arm.write((left, (high - cap) / 2), place, cap, "bold")
    arm.write((left + 690, (high - cap) / 2), time, cap, anchor="r", mark=mark)
    return arm


SIGNPOSTS = Kind(
    "signposts", lambda rng: [f"{name}=the {name} signpost" for name in family(rng, POSTS, 9)[-9:]],
    (
        Field("height", "", ("How high above the sea does {o} stand?", "At what altitude is {o}?"), amount(410, 2480, "{:,.0f} m"), may_lack=False),
        *(Field(goal, goal, (f"I am at {{o}}: how long do I walk to {goal}?", f"How long does the way to {goal} take, according to {{o}}?"), _walk) for goal in GOALS),
    ),
    ("How far is it to Ravensholm, according to {o}?", "I am at {o}: how long is the way to the station?", "Who looks after {o}?"),
    _draw_posts, detail=(12, 36), label=(24, 60),
)  # fmt: skip

# --- tickets on a screen --------------------------------------------------------------------------

STAGES = ("Backlog", "Ready", "In progress", "In review", "Done")
WORK = "Export hangs on|Wrong total in|Add a filter to|Translate|Speed up|Broken link in|Drop support for|Test coverage of|Redraw icons of|Log errors of"
PART = "the basket|the invoice page|user settings|the search box|the mail digest|sign-in|the price list|the mobile menu|the audit trail"


def _tickets(rng: Random) -> list[str]:
    made = code("#2#", "#4#", "##7", "2#1")
    numbers: list[str] = []
    while len(numbers) < 31:
        number = made(rng)
        numbers += [number] * (number not in numbers)
    return [f"SHOP-{number}=ticket {number}" if rng.random() < 0.4 else f"SHOP-{number}" for number in numbers]


def _draw_tickets(task: Task) -> Board:
    rng, cap = task.rng, min(task.detail, 22)
    task.detail, dark = cap, rng.random() < 0.4
    sheet = Board(WIDE, (28, 32, 40) if dark else (240, 242, 246), (226, 230, 236) if dark else (34, 40, 54))
    paper: Rgb = (44, 50, 62) if dark else WHITE
    sheet.draw.rectangle((0, 0, 7680, 120), (36, 74, 140))
    sheet.write((60, 42), "Web shop / Sprint 31", 36, "bold", ink=WHITE)
    sheet.write((7500, 46), person(rng), 24, ink=WHITE, anchor="r")
    columns: dict[str, list[Entry]] = {stage: [] for stage in STAGES}
    for entry in task.entries:
        columns[entry.values["stage"]].append(entry)
    for i, (stage, cards) in enumerate(columns.items()):
        x = 60 + 1525 * i
        sheet.draw.rounded_rectangle((x, 170, x + 1465, 4270), 16, (20, 24, 30, 120) if dark else (226, 230, 238))
        asked = next((card for card in cards if task.wanted(card, "stage")), None)
        right = sheet.write((x + 30, 200), stage, 34, "bold", mark=asked is not None)
        sheet.write((right + 24, 204), str(len(cards)), 26)
        pitch = min(90 + round(task.label + 7 * cap), 3950 // max(1, len(cards)))
        for row, entry in enumerate(cards):
            _ticket(task, sheet, entry, (x + 24, 280 + pitch * row, x + 1440, 256 + pitch * (row + 1)), paper)
    return scanned(sheet, rng.choice([-1, 1]) * rng.uniform(2, 4) if task.turned else 0.0)


def _ticket(task: Task, sheet: Board, entry: Entry, box: tuple[int, int, int, int], paper: Rgb) -> None:
    """A card: number and title, then who, when and how much in places that are always the same."""
    rng, cap, (left, top, right, bottom) = task.rng, task.detail, box
    sheet.draw.rounded_rectangle(box, 12, paper, None, 3)
    edge = sheet.write((left + 24, top + 24), entry.name, task.label, "bold", ink=(70, 130, 220))
    title = f"{rng.choice(WORK.split('|'))} {rng.choice(PART.split('|'))}"
    sheet.write((edge + 1.2 * cap, top + 24 + (task.label - cap) / 2), title, cap)
    low, third = top + 60 + task.label + cap, (right - left - 40) / 3
    cells = {"who": (0, 0), "due": (1, 0), "points": (2, 0), "found": (0, 1), "branch": (1, 1)}
    for field in task.fields:
        if field.key not in cells or field.key not in entry.values:
            continue
        column, row = cells[field.key]
        x, y = left + 24 + third * column, low + 2.2 * cap * row
        if y + cap > bottom - 8:
            y = bottom - 8 - cap
        x = sheet.write((x, y), field.printed, cap, "wide", ink=(140, 146, 156)) + 0.5 * cap
        sheet.write((x, y), entry.values[field.key] or "\u2013", cap, "wide", mark=task.wanted(entry, field.key))


TICKETS = Kind(
    "ticket-board", _tickets,
    (
        Field("stage", "", ("In which column is {o}?", "How far has {o} got: in which column is it?"), pick("|".join(STAGES)), may_lack=False),
        Field("who", "Assignee", ("Who is working on {o}?", "Whose job is {o}?"), person),
        Field("due", "Due", ("By when must {o} be finished?", "What is the deadline of {o}?"), lambda rng: f"{rng.randint(1, 28)} {rng.choice(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'])}"),
        Field("points", "Estimate", ("How many points is {o} estimated at?", "How much effort is put down for {o}?"),
              lambda rng: f"{rng.randint(1, 29)}.{rng.choice('05')} pts", ("{v}",)),
        Field("found", "Reporter", ("Who reported {o}?", "Who raised {o}?"), person),
        Field("branch", "Branch", ("On which branch is {o} being done?", "What is the git branch for {o} called?"), code("fix/A#A##", "feat/##A#", "wip/A###")),
    ),
    ("How many comments does {o} have?", "Which ticket blocks {o}?", "When was {o} opened?", "What did the reviewer of {o} say?"),
    _draw_tickets, detail=(10, 22), label=(12, 30),
)  # fmt: skip

# --- receipts -------------------------------------------------------------------------------------

SHOPS = "Brook & Sons/Brook & Daughters|Mill Lane Stores/Mill Street Stores|Hansa Market|The Green Basket/The Bread Basket|Fairway Foods|Corner Pantry"
GOODS = ("Oat milk 1 l", "Coffee 500 g", "Butter", "Rye bread", "Apples 1 kg", "Eggs x10")
SAID = ("oat milk", "coffee", "butter", "rye bread", "apples", "eggs")
CLUTTER = (
    "Tomatoes|Basil|Matches|Yoghurt 4-pack|Salt|Batteries AA|Lemons|Olives|Napkins|Gouda|Pears|Lentils|Candles|Honey"
)


def _draw_receipts(task: Task) -> Board:
    rng, cap = task.rng, min(task.detail, 26)
    task.detail = cap
    desk = ground(rng, (150, 112, 78), (128, 92, 62), 6)
    for _ in range(60):
        y = rng.randint(0, 4320)
        desk.draw.line((0, y, 7680, y + rng.randint(-60, 60)), (110, 78, 52, 120), rng.randint(2, 8))
    for _ in range(40):  # coins
        x, y, r = (
            rng.randint(0, 7680),
            rng.choice((rng.randint(60, 200), rng.randint(2100, 2260), rng.randint(4150, 4300))),
            rng.randint(50, 80),
        )
        desk.draw.ellipse(
            (x - r, y - r, x + r, y + r), rng.choice([(196, 160, 80), (176, 178, 180), (170, 110, 70)]), BLACK, 3
        )
    spots = [(960 + 1920 * (i % 4), 1080 + 2140 * (i // 4)) for i in range(8)]
    for entry, (x, y) in zip(task.entries, rng.sample(spots, len(spots)), strict=False):
        slip = _slip(task, entry)
        lean = rng.choice([-1, 1]) * rng.uniform(6, 10) if task.turns(entry) else rng.uniform(-2, 2)
        desk.hang(slip, (x + rng.randint(-60, 60), y + rng.randint(-20, 20)), lean)
    return desk


def _slip(task: Task, entry: Entry) -> Board:
    """A till receipt, as high as its lines need, in a face of one width."""
    rng, cap = task.rng, task.detail
    face, wide = "mono", max(720, 38 * cap)
    label = min(task.label, fitting("mono-bold", entry.name, task.label, wide - 80))
    slip = Board((wide, 1900), rng.choice([(246, 246, 242), (240, 238, 228)]), rng.choice([(40, 40, 52), (70, 66, 84)]))
    slip.write((wide / 2, 50), entry.name, label, "mono-bold", anchor="m")
    slip.write(
        (wide / 2, 80 + label + cap),
        f"{rng.randint(2, 88)} {rng.choice(('High Road', 'Quay', 'Station Square'))}",
        cap,
        face,
        anchor="m",
    )
    bought = [
        (field.printed, entry.values[field.key], field.key)
        for field in task.fields
        if field.key in GOODS and field.key in entry.values
    ]
    bought += [(name, amount(0.4, 19, "{:.2f}")(rng), "") for name in rng.sample(CLUTTER.split("|"), 6)]
    rng.shuffle(bought)
    y: float = 150 + label + 3 * cap
    step = min(1.9 * cap, (1860 - y) / 24)
    for name, price, key in bought:
        slip.write((40, y), name.upper(), cap, face)
        slip.write((wide - 40, y), price, cap, face, anchor="r", mark=bool(key) and task.wanted(entry, key))
        y += step
        if rng.random() < 0.25:
            slip.write((80, y), f"{rng.randint(2, 4)} x {rng.uniform(0.2, 4):.2f}", cap, face)
            y += step
    slip.draw.line((40, y, wide - 40, y), slip.ink, 3)
    y += step
    rest = {field.key: field for field in task.fields if field.key not in GOODS}
    slip.write((40, y), "SUBTOTAL", cap, face)
    slip.write((wide - 40, y), f"{rng.uniform(20, 90):.2f}", cap, face, anchor="r")
    for field in rest.values():
        if field.key in entry.values:
            y += step
            slip.write((40, y), field.printed, cap, "mono-bold" if field.key == "total" else face)
            slip.write(
                (wide - 40, y), entry.values[field.key], cap, face, anchor="r", mark=task.wanted(entry, field.key)
            )
    y += 1.6 * step
    slip.write((wide / 2, y), "THANK YOU FOR SHOPPING", cap, face, anchor="m")
    high = math.ceil(y + 3 * cap)
    cut = Board((wide, high), slip.fill, slip.ink).wear(slip.image.crop((0, 0, wide, high)))
    cut.marked = slip.marked
    return cut


def _price(low: float, high: float) -> Maker:
    return amount(low, high, "{:.2f}")


RECEIPTS = Kind(
    "receipts", lambda rng: [f"{name}=the receipt from {name}" for name in family(rng, SHOPS, 8)[-9:]],
    (
        *(Field(good, good, (f"How much was the {said} on {{o}}?", f"What did I pay for {said}, going by {{o}}?"), _price(0.9, 19.9), ("EUR {v}", "{v} EUR"))
          for good, said in zip(GOODS, SAID, strict=True)),
        Field("total", "TOTAL EUR", ("What does {o} come to?", "How much did I spend in all, going by {o}?"), _price(31, 140), ("EUR {v}", "{v} EUR")),
        Field("card", "CARD ENDING", ("Which are the last digits of the card on {o}?",), code("####")),
        Field("till", "SERVED BY", ("Who served me, going by {o}?", "Who sat at the till for {o}?"), pick("Mandy|Ulf|Iris|Tarek|Jo|Svea|Remy|Ana|Piet|Lou|Kim|Noor")),
        Field("time", "TIME", ("At what time was {o} printed?", "When in the day did I shop, going by {o}?"), lambda rng: f"{rng.randint(7, 20):02}:{rng.randint(10, 59)}:{rng.randint(10, 59)}"),
    ),
    ("How much was the washing powder on {o}?", "How many loyalty points did I get on {o}?", "What is the telephone number on {o}?"),
    _draw_receipts, detail=(11, 26), label=(20, 54),
)  # fmt: skip

KINDS = (SIGNPOSTS, TICKETS, RECEIPTS)

"""Scenes (once held out) of what hangs on a wall: an organisation chart, a wall planner, posters, a control panel."""

from __future__ import annotations

import calendar
import math
from random import Random

from canvas import (
    BLACK,
    PAPER,
    WHITE,
    WIDE,
    Board,
    Entry,
    Field,
    Kind,
    Rgb,
    Task,
    amount,
    clock,
    code,
    day,
    family,
    fitting,
    font,
    ground,
    person,
    phone,
    pick,
    scanned,
)

# --- organisation chart ---------------------------------------------------------------------------

ROLES = (
    "Head of Purchasing/Deputy Head of Purchasing/Purchasing Clerk|Head of Payroll/Payroll Officer|Fleet Manager/Fleet Clerk|"
    "Legal Counsel/Legal Secretary|Press Officer/Deputy Press Officer|Data Protection Officer/Data Steward|Lead Architect/"
    "Solutions Architect|Safety Engineer/Safety Trainer|Travel Desk|Post Room Supervisor|Translator|Works Doctor|Head of Training/"
    "Training Planner"
)

DUTIES = (
    "signs contracts up to the limit|keeps the files|answers enquiries|plans the week|reports to the board|trains newcomers|"
    "orders supplies|keeps the register|looks after visitors|checks the books|advises the works council|runs the archive"
)


def _draw_chart(task: Task) -> Board:
    rng, cap = task.rng, task.detail
    sheet = Board(WIDE, (250, 250, 252), (32, 40, 60))
    sheet.write((200, 140), "Lowenfeld Group: who does what", 96, "wide-bold")
    sheet.write((200, 290), "Status of the new year. Changes to the secretary's office, please.", 30, "wide")
    label, columns = task.fit("wide-bold", 1150), 5
    rows = math.ceil(len(task.entries) / columns)
    pitch = (4200 - 520) // rows
    tint = rng.choice([(214, 228, 244), (226, 240, 222), (246, 232, 214)])
    for i, entry in enumerate(task.entries):
        x, y = 160 + i % columns * 1490, 480 + i // columns * pitch
        sheet.draw.line((x + 690, y - 60, x + 690, y + 20), sheet.ink, 6)
        sheet.draw.line((160 + 690, y - 60, 160 + 690 + 1490 * (columns - 1), y - 60), sheet.ink, 6)
        box = Board((1380, pitch - 130), tint, sheet.ink)
        box.draw.rectangle((0, 0, box.size[0] - 1, box.size[1] - 1), outline=sheet.ink, width=5)
        box.write((60, 50), entry.name, label, "wide-bold" if label > 40 else "wide")
        left = 60 if i % 2 else 110
        top = 60 + label + round(1.4 * cap)
        for field in task.fields:
            if field.key in entry.values:
                start = left if not field.printed else box.write((left, top), field.printed, cap, "wide") + 0.6 * cap
                box.write((start, top), entry.values[field.key], cap, "wide", mark=task.wanted(entry, field.key))
                if field.printed and not entry.values[field.key]:
                    box.rule((start, top + cap), 9 * cap)
                top += round(1.95 * cap)
        duties = "; ".join(rng.sample(DUTIES.split("|"), 3))
        box.write((60, box.size[1] - 70), f"Duties: {duties}.", fitting("italic", duties, 18, 1150), "italic")
        sheet.hang(box, (x + 690, y + 20 + box.size[1] / 2), shade=40)
    return scanned(sheet, rng.choice([-1, 1]) * rng.uniform(2, 4) if task.turned else 0.0)


ORG_CHART = Kind(
    "org-chart", lambda rng: [f"{name}=the {name}" for name in family(rng, ROLES, 17)],
    (
        Field("holder", "", ("Who is {o}?", "What is the name of {o}?", "name of {o}?"), person, may_lack=False),
        Field("room", "Room", ("In which room does {o} sit?", "room of {o}?"), code("#.###", "A-###"), ("Room {v}",)),
        Field("ext", "Ext.", ("What is the extension of {o}?", "On which ext. do I reach {o}?"), code("####"), ("Ext. {v}",)),
        Field("centre", "Cost centre", ("What is the cost centre of {o}?", "Cost centre, {o}?"), code("#####", "###-##"), ("Cost centre {v}",)),
        Field("stand", "Stand-in:", ("Who is the stand-in for {o}?", "Who covers for {o} on holiday?"), person),
        Field("since", "In post since", ("Since when has {o} been in post?", "{o}: in post since?"), day(2001, 2024, "{n} {y}", "{d}.{m}.{y}")),
    ),
    ("What is the e-mail address of {o}?", "What does {o} earn?", "When was {o} born?", "What is the mobile number of {o}?"),
    _draw_chart, detail=(10, 30), label=(44, 80),
)  # fmt: skip

# --- wall planner ---------------------------------------------------------------------------------


def _days(rng: Random) -> list[str]:
    """The days of two months as ``MONTH DAY=DAY MONTH``, and one of a third month."""
    months = rng.sample(range(1, 13), 3)
    shown = [(month, number) for month in sorted(months[:2]) for number in range(1, 29)]
    return [
        f"{month} {number}={number} {calendar.month_name[month]}"
        for month, number in [*shown, (months[2], rng.randint(1, 28))]
    ]


def _draw_planner(task: Task) -> Board:
    rng, cap = task.rng, min(task.detail, 22)
    task.detail = cap
    sheet = Board(WIDE, WHITE, (36, 36, 44))
    year, label = rng.randint(2024, 2028), min(task.label, 64)
    task.label = label
    sheet.write((3840, 80), f"Fire station 5: planner {year}", 70, "bold", anchor="m")
    cells = {entry.name: entry for entry in task.entries}
    for half, month in enumerate(sorted({int(name.split()[0]) for name in cells})):
        left = 100 + half * 3780
        sheet.write((left + 1850, 240), calendar.month_name[month], 90, "bold", anchor="m")
        for column, name in enumerate(calendar.day_abbr):
            sheet.write((left + 528 * column + 264, 410), name, 38, anchor="m")
        weeks = calendar.monthcalendar(year, month)
        pitch = 3650 // len(weeks)
        for row, week in enumerate(weeks):
            for column, number in enumerate(week):
                x, y = left + 528 * column, 490 + pitch * row
                sheet.draw.rectangle(
                    (x, y, x + 528, y + pitch), (255, 255, 255, 0) if column < 5 else (236, 236, 214), sheet.ink, 4
                )
                if number:
                    sheet.write((x + 20, y + 20), str(number), label, "bold" if label > 40 else "sans")
                if entry := cells.get(f"{month} {number}"):
                    _write_day(task, sheet, entry, (x + 24, y + label + 30 + cap))
    return scanned(sheet, rng.choice([-1, 1]) * rng.uniform(1.5, 2.5) if task.turned else 0.0)


def _write_day(task: Task, sheet: Board, entry: Entry, at: tuple[float, float]) -> None:
    """A day's entries: the one asked for, if any, and some of the rest."""
    rng, cap, top = task.rng, task.detail, at[1]
    keys = [field.key for field in task.fields]
    keep = set(rng.sample(keys, rng.randint(2, 4))) | ({task.asked[1]} if entry.name == task.asked[0] else set())
    for field in rng.sample(task.fields, len(task.fields)):
        if field.key in keep and field.key in entry.values:
            right = sheet.write((at[0], top), field.printed + ":", cap, "condensed")
            sheet.write(
                (right + 0.5 * cap, top), entry.values[field.key], cap, "condensed", mark=task.wanted(entry, field.key)
            )
            top += round(2 * cap)


PLANNER = Kind(
    "wall-planner", _days,
    (
        Field("night", "Night watch", ("Who has the night watch on {o}?", "night watch {o}?"), person),
        Field("drill", "Drill", ("At what time is the drill on {o}?", "When does the drill on {o} start?"), clock),
        Field("cook", "Cook", ("Who is the cook on {o}?", "Who cooks on {o}?"), person),
        Field("vehicle", "Wash", ("Which vehicle is down for a wash on {o}?", "wash on {o}?"), code("LF-##", "DL-#", "RW-#")),
        Field("visit", "Visit", ("Whose visit is entered for {o}?", "Who visits on {o}?"),
              pick("Elm School|Class 4b|Mayor|Scouts|Insurers|Red Cross|Town band|Choir|Rotary|Brewers|Pilots|Kindergarten|Dog club|TV crew")),
    ),
    ("What is the weather on {o}?", "Whose birthday is on {o}?", "How long is the drill on {o}?"),
    _draw_planner, detail=(10, 20), label=(40, 64),
)  # fmt: skip

# --- posters --------------------------------------------------------------------------------------

BANDS = "Copper Foxes|Copper Owls|Paper Lanterns|Paper Tigers|Velvet Harbour|Northern Velvet|Sleepy Cartel|Ghost Ferry|Ghost Orchard|Tin Parade|Marble Choir|Glass Rooster"


def _evening(rng: Random) -> str:
    """When doors open."""
    return f"{rng.randint(17, 21)}:{rng.choice(('00', '15', '30', '45'))}"


def _bands(rng: Random) -> list[str]:
    names = rng.sample(BANDS.split("|"), 11)
    twins = [name for name in names if sum(name.split()[0] in other for other in names) > 1]
    names.remove(spare := rng.choice(twins))
    return [
        f"{name}=the {name} show" if rng.random() < 0.5 else f"{name}=the {name} concert" for name in [*names, spare]
    ]


def _draw_wall(task: Task) -> Board:
    rng, label = task.rng, task.fit("serif-bold", 1080)
    wall = ground(rng, (150, 84, 66), (120, 66, 54), 10)
    for row, y in enumerate(range(0, 4320, 90)):
        wall.draw.line((0, y, 7680, y), (196, 182, 168), 8)
        for x in range(-90 * (row % 2), 7680, 180):
            wall.draw.line((x, y, x, y + 90), (196, 182, 168), 7)
    cells = [(780 + 1530 * column, 1100 + 2110 * row) for row in range(2) for column in range(5)]
    task.detail = min(task.detail, 40)
    for entry, cell in zip(task.entries, rng.sample(cells, len(cells)), strict=True):
        lean = rng.choice([-1, 1]) * rng.uniform(7, 11) if task.turns(entry) else rng.uniform(-2, 2)
        wall.hang(_poster(task, entry, label), (cell[0] + rng.randint(-20, 20), cell[1] + rng.randint(-25, 25)), lean)
    return wall


def _poster(task: Task, entry: Entry, label: int) -> Board:
    """A poster set about its middle: name, picture, and what to know."""
    rng, cap = task.rng, task.detail
    paper: Rgb = rng.choice([(240, 226, 190), (36, 34, 52), (226, 92, 60), (92, 160, 150), PAPER])
    poster = Board((1230, 1700), paper, WHITE if sum(paper) < 300 else BLACK)
    face = rng.choice(["serif-bold", "bold", "wide-bold"])
    big = min(label, fitting(face, entry.name, label, 1120))
    poster.write((615, 90), entry.name, big, face, anchor="m")
    top = 150 + big
    for _ in range(7):
        east, down, r = rng.randint(300, 930), rng.randint(top + 240, top + 520), rng.randint(60, 220)
        poster.draw.ellipse(
            (east - r, down - r, east + r, down + r),
            (rng.randint(0, 255), rng.randint(0, 200), rng.randint(60, 255), 120),
        )
    y: float = top + 760
    fields = [field for field in task.fields if field.key in entry.values]
    pitch = min(2.4 * cap, (1660 - y) / (len(fields) + 1))
    for field in fields:
        text, made = entry.values[field.key], font("sans", cap)
        lead = field.printed + " " if field.printed else ""
        x = 615 - made.getlength(lead + text) / 2
        if lead:
            poster.write((x, y), lead, cap)
        poster.write((x + made.getlength(lead), y), text, cap, mark=task.wanted(entry, field.key))
        y += pitch
    poster.write((615, 1650), "Printed by the town's own press. Please do not paste over.", 11, "italic", anchor="m")
    return poster


POSTERS = Kind(
    "poster-wall", _bands,
    (
        Field("date", "", ("On which date is {o}?", "When is {o}?"), day(2025, 2027, "{d} {n} {y}", "{n} {d}, {y}", "{d}.{m}.{y}"), may_lack=False),
        Field("venue", "at the", ("Where is {o}?", "At which venue is {o}?"),
              pick("Corn Exchange|Tram Depot|Old Dairy|Assembly Rooms|Docklands Hall|Cattle Market|Roundhouse|Guildhall|Sugar Mill|Bandstand|Ice House|Pump Rooms"),
              ("the {v}", "at the {v}"), may_lack=False),
        Field("support", "with special guest", ("Who is the special guest at {o}?", "Which act supports at {o}?"),
              pick("DJ Marrow|Lena Voss|The Dry Docks|Oskar Plum|Tide Tables|Mimi Crane|Slow Trams|Hollow Oak|Juno Park|Small Thunder|Ray Delft|Ida Moss")),
        Field("doors", "Doors", ("When do doors open for {o}?", "Doors at {o}?"), _evening),
        Field("price", "Tickets", ("How much are tickets for {o}?", "What do tickets for {o} cost?"), amount(9, 68, "{:.2f} EUR")),
        Field("phone", "Box office", ("What is the box office number for {o}?", "Which number to ring for tickets to {o}?"), phone),
    ),
    ("Who is the drummer at {o}?", "How long does {o} last?", "Is there parking at {o}, and what does it cost?", "What is the age limit at {o}?"),
    _draw_wall, detail=(12, 40), label=(56, 105),
)  # fmt: skip

# --- control panel --------------------------------------------------------------------------------

INSTRUMENTS = (
    "Feed water temperature|Feed water level|Flue gas temperature|Flue gas oxygen|Steam drum level|Brine inlet temperature|"
    "Brine outlet temperature|Cooling tower fan|Ash conveyor speed|Raw water flow|Treated water flow|Silo 1 level|Silo 2 level|"
    "Air preheater|Gas burner left|Gas burner right|Condensate return|Dosing station|Stack opacity"
)


def _instruments(rng: Random) -> list[str]:
    names = INSTRUMENTS.split("|")
    spare = rng.choice([name for name in names if name.split()[0] in {"Feed", "Flue", "Brine", "Silo", "Gas"}])
    names.remove(spare)
    rng.shuffle(names)
    return [
        f"{name}={name.lower()}" if rng.random() < 0.5 else f"{name}=the {name.lower()}" for name in [*names, spare]
    ]


def _draw_panel(task: Task) -> Board:
    rng = task.rng
    panel = ground(rng, (176, 182, 174), (150, 156, 150), 3)
    panel.write((3840, 60), "BOILER HOUSE - MIMIC PANEL 2", 90, "bold", anchor="m")
    label, cap = task.fit("narrow", 900), task.detail
    for i, entry in enumerate(task.entries):
        x, y = 80 + i % 6 * 1260, 240 + i // 6 * 1350
        box = Board((1190, 1280), rng.choice([(60, 66, 64), (92, 98, 96), (206, 208, 202)]))
        box.ink = WHITE if box.fill[0] < 150 else BLACK
        for corner in ((30, 30), (1160, 30), (30, 1250), (1160, 1250)):
            box.draw.ellipse(
                (corner[0] - 16, corner[1] - 16, corner[0] + 16, corner[1] + 16),
                fill=(180, 180, 176),
                outline=BLACK,
                width=3,
            )
        plate = Board((1050, label + 64), (16, 18, 20), WHITE)
        plate.write((525, 32), entry.name, label, "narrow", anchor="m")
        box.hang(plate, (595, 60 + plate.size[1] / 2), 0.0, shade=0)
        _gauge(box, rng, (595, 480))
        shown = Board(
            (max(430, 16 * cap), 3 * cap + 40), (8, 12, 8), rng.choice([(90, 255, 120), (255, 90, 60), (255, 190, 60)])
        )
        shown.write(
            (shown.size[0] - 1.5 * cap, 20 + cap),
            entry.values["reading"],
            cap,
            "mono-bold",
            anchor="r",
            mark=task.wanted(entry, "reading"),
        )
        box.hang(shown, (595, 760 + shown.size[1] / 2), 0.0, shade=0)
        card = Board((1050, round(2 * cap * 5) + 30), rng.choice([WHITE, (236, 226, 160)]), BLACK)
        _card(task, card, entry)
        room = 1260 - card.size[1] / 2
        tilt = rng.choice([-1, 1]) * rng.uniform(4, 6) if task.turns(entry) and card.size[1] < 300 else 0.0
        box.hang(card, (595, min(room, 930 + 3 * cap + card.size[1] / 2)), tilt, shade=40)
        panel.hang(box, (x + 595, y + 640), rng.uniform(-5, 5) if task.turns(entry) and not tilt else 0.0, shade=50)
    return panel


def _gauge(box: Board, rng: Random, centre: tuple[int, int]) -> None:
    """A round gauge with a needle and no figures."""
    x, y = centre
    box.draw.ellipse((x - 230, y - 230, x + 230, y + 230), fill=(236, 236, 230), outline=BLACK, width=14)
    for step in range(11):
        angle = math.radians(225 - 27 * step)
        box.draw.line(
            (
                x + 190 * math.cos(angle),
                y - 190 * math.sin(angle),
                x + 215 * math.cos(angle),
                y - 215 * math.sin(angle),
            ),
            BLACK,
            6,
        )
    angle = math.radians(rng.uniform(-40, 220))
    box.draw.line((x, y, x + 180 * math.cos(angle), y - 180 * math.sin(angle)), (190, 30, 30), 10)


def _card(task: Task, card: Board, entry: Entry) -> None:
    """Tag and limits in two columns."""
    cap, y = task.detail, 18.0
    for field in task.fields[1:]:
        if field.key in entry.values:
            card.write((30, y), field.printed, cap)
            card.write((30 + 15 * cap, y), entry.values[field.key], cap, mark=task.wanted(entry, field.key))
            y += 2 * cap


CONTROL_PANEL = Kind(
    "control-panel", _instruments,
    (
        Field("reading", "", ("What does the display for {o} read?", "What is the reading of {o}?", "current reading, {o}?"),
              amount(-19, 980, "{:.1f}"), may_lack=False),
        Field("point", "Set point", ("What is the set point of {o}?", "To what is {o} set?", "set point for {o}?"), amount(10, 900, "{:.1f}")),
        Field("high", "High alarm", ("What is the high alarm of {o}?", "Above what does the alarm of {o} go off?"), amount(10, 990, "{:.1f}")),
        Field("low", "Low alarm", ("What is the low alarm of {o}?", "low alarm {o}?"), amount(1, 400, "{:.1f}")),
        Field("tag", "Loop tag", ("What is the loop tag of {o}?", "loop tag, {o}?"), code("AA-###", "AAA-##")),
        Field("checked", "Calibrated", ("When was {o} calibrated?", "Calibrated when: {o}?"), day(2019, 2024, "{y}-{m:02}-{d:02}", "{d:02}/{m:02}/{y}")),
    ),
    ("Who calibrated {o}?", "What is the serial number of {o}?", "When is {o} due for replacement?", "Which fuse protects {o}?"),
    _draw_panel, detail=(10, 32), label=(44, 72),
)  # fmt: skip

KINDS = (ORG_CHART, PLANNER, POSTERS, CONTROL_PANEL)

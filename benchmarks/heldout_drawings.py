"""Held-out scenes of what is drawn: a family tree, allotments, a bar chart, a weather map."""

from __future__ import annotations

import math
from random import Random

from canvas import (
    BLACK,
    PAPER,
    WHITE,
    WIDE,
    Board,
    Field,
    Kind,
    Rgb,
    Task,
    amount,
    code,
    day,
    family,
    font,
    ground,
    person,
    pick,
    scanned,
    whole,
)

# --- family tree ----------------------------------------------------------------------------------

GIVEN = "Otto|Clara|August|Helene|Viktor|Mathilde|Konrad|Agnes|Julius|Emma"
MIDDLE = "Karl|Emil|Johann|Luise|Maria|Friedrich|Georg|Anna|Heinrich|Sophie|Ludwig|Therese"
HOUSE = ("Brandauer", "Halvorsen", "Lindgren", "Marchetti", "Okonjo")


def _kin(rng: Random) -> list[str]:
    """Twenty-one of one house, many of whom share a first name or a middle one."""
    house = rng.choice(HOUSE)
    names = [f"{a} {b} {house}" for a in rng.sample(GIVEN.split("|"), 6) for b in rng.sample(MIDDLE.split("|"), 5)]
    return rng.sample(names, 21)


def _draw_tree(task: Task) -> Board:
    rng = task.rng
    sheet = Board(WIDE, rng.choice([PAPER, (238, 228, 204), WHITE]), (52, 40, 30))
    sheet.write((3840, 70), f"Descent of the house of {task.entries[0].name.split()[-1]}", 90, "serif-bold", anchor="m")
    label, cap, born = task.fit("serif-bold", 820), task.detail, rng.choice(["*", "b."])
    died, wed = ("\u2020", "\u221e") if born == "*" else ("d.", "m.")
    high = min(740, 130 + label + 8 * cap)
    left, below = list(task.entries), 0.0
    for row, count in enumerate((2, 4, 6, 8)):
        top, width = 260 + 1010 * row, 7400 / count
        for place in range(count):
            entry, middle = left.pop(0), 140 + width * (place + 0.5)
            if row:
                sheet.draw.line((middle, below, middle, top), sheet.ink, 4)
            if row < 3:
                sheet.draw.line((middle, top + high, middle, top + 800), sheet.ink, 4)
            sheet.draw.rectangle(
                (middle - 440, top, middle + 440, top + high), fill=(255, 255, 250), outline=sheet.ink, width=4
            )
            sheet.write((middle, top + 40), entry.name, label, "serif-bold", anchor="m")
            y, x = top + 90 + label, middle - 400
            for lead, key, between, more in (
                (born, "born", "in", "place"),
                (died, "died", "", ""),
                ("", "trade", "", ""),
                (wed, "spouse", "", "wed"),
            ):
                right = sheet.write((x, y), lead, cap, "wide") + 0.5 * cap if lead else x
                right = (
                    sheet.write((right, y), entry.values.get(key, ""), cap, "serif", mark=task.wanted(entry, key))
                    + 0.5 * cap
                )
                if second := entry.values.get(more, ""):
                    right = sheet.write((right, y), between, cap, "serif") + 0.4 * cap if between else right
                    sheet.write((right, y), second, cap, "serif", mark=task.wanted(entry, more))
                y += 2 * cap
        below = top + 800
        if row < 3:
            sheet.draw.line((140 + 7400 / count / 2, below, 7540 - 7400 / count / 2, below), sheet.ink, 4)
            span = 7400 / (2, 4, 6, 8)[row + 1] / 2
            sheet.draw.line((140 + span, below, 7540 - span, below), sheet.ink, 4)
    return scanned(sheet, rng.choice([-1, 1]) * rng.uniform(3, 6) if task.turned else 0.0)


FAMILY_TREE = Kind(
    "family-tree", _kin,
    (
        Field("born", "", ("When was {o} born?", "On what day did {o} come into the world?"), day(1790, 1829, "{d} {n} {y}", "{d}.{m}.{y}")),
        Field("place", "", ("Where was {o} born?", "In which town did {o} come into the world?"),
              pick("Aalborg|Bergamo|Linz|Turku|Ghent|Trieste|Riga|Bremen|Basel|Odense|Cork|Lucca|Malm\u00f6|Graz|Utrecht|Nantes|Porto|Brno|Lviv|Bath|Varna|Zagreb")),
        Field("died", "", ("When did {o} die?", "What is the date of death of {o}?"), day(1875, 1915, "{d} {n} {y}", "{d}.{m}.{y}")),
        Field("trade", "", ("What did {o} do for a living?", "What was the occupation of {o}?"),
              pick("miller|shipwright|midwife|cooper|notary|baker|organist|saddler|teacher|glazier|brewer|tanner|ferryman|weaver|surgeon|farrier|bookbinder|forester|clockmaker|innkeeper|chandler|dyer")),
        Field("spouse", "", ("Whom did {o} marry?", "Who was the husband or wife of {o}?"), person),
        Field("wed", "", ("In which year did {o} marry?", "What year was the wedding of {o}?"), whole(1846, 1871)),
    ),
    ("Where is {o} buried?", "How many siblings did the mother of {o} have?", "Of what illness did {o} die?", "How tall was {o}?"),
    _draw_tree, detail=(10, 28), label=(14, 56),
)  # fmt: skip

# --- allotments -----------------------------------------------------------------------------------


def _plots(rng: Random) -> list[str]:
    return [f"{number}=plot {number}" for number in rng.sample(range(1, 80), 33)]


def _draw_plots(task: Task) -> Board:
    rng, cap = task.rng, task.detail
    sheet = ground(rng, (214, 226, 196), (224, 226, 206), 3)
    sheet.ink = (30, 44, 34)
    sheet.write((120, 70), "Allotment society Millbrook - plan of plots", 80, "bold")
    sheet.draw.line([(0, 2240), (2400, 2150), (5000, 2260), (7680, 2160)], (206, 190, 160), 90)
    sheet.write((3840, 2190), "Willow Path", 40, "italic", anchor="m")
    left = list(task.entries)
    for block in range(4):
        holder = next((e for e in left[:8] if task.turns(e)), None)
        lean = rng.choice([-1, 1]) * (rng.uniform(6, 8) if holder else rng.uniform(1, 5))
        field = Board((3300, 1500), (200, 186, 158), sheet.ink)
        for place in range(8):
            entry = left.pop(0)
            x, y = 10 + place % 4 * 823, 10 + place // 4 * 745
            tone = rng.choice([(222, 234, 206), (236, 238, 214), (214, 228, 214), (240, 232, 216)])
            field.draw.rectangle((x, y, x + 803, y + 735), tone, sheet.ink, 4)
            field.draw.rectangle((x + 560, y + 40, x + 740, y + 180), (178, 150, 120), sheet.ink, 3)
            for _ in range(6):
                r, cx, cy = rng.randint(14, 44), x + rng.randint(540, 740), y + rng.randint(250, 640)
                field.draw.ellipse((cx - r, cy - r, cx + r, cy + r), (120, 168, 104, 180))
            field.write((x + 40, y + 40), entry.name, task.label, "bold")
            top = y + 80 + task.label + cap
            for item in task.fields:
                if item.key in entry.values:
                    lead = (
                        field.write((x + 40, top), item.printed, cap, "condensed") + 0.5 * cap
                        if item.printed
                        else x + 40.0
                    )
                    field.write(
                        (lead, top), entry.values[item.key], cap, "condensed", mark=task.wanted(entry, item.key)
                    )
                    if not entry.values[item.key]:
                        field.rule((lead, top + cap), 8 * cap)
                    top += round(2.1 * cap)
        sheet.hang(field, (1920 + block % 2 * 3840, 1230 + block // 2 * 2090), lean, shade=0)
    return sheet


ALLOTMENTS = Kind(
    "allotment-plan", _plots,
    (
        Field("tenant", "", ("Who rents {o}?", "Whose garden is {o}?", "Which member has {o}?"), person, may_lack=False),
        Field("area", "", ("How big is {o}?", "How many square metres does {o} have?"), whole(160, 690, "{} m\u00b2"), may_lack=False),
        Field("rent", "Lease", ("How much does {o} cost a year?", "What is the yearly rent for {o}?"), amount(41, 290, "{:.2f}/yr")),
        Field("until", "ends", ("Until which year is {o} let?", "When does the lease of {o} run out?"), whole(2025, 2060)),
        Field("meter", "Water", ("What number does the water meter of {o} have?", "water meter on {o}?"), code("##-####", "A-#####")),
    ),
    ("What is grown on {o}?", "What is the telephone number of the tenant of {o}?", "Which key opens the shed on {o}?"),
    _draw_plots, detail=(10, 28), label=(20, 70),
)  # fmt: skip

# --- bar chart ------------------------------------------------------------------------------------

LANDS = (
    "Norway/North Macedonia|Ireland/Iceland|Slovakia/Slovenia|Latvia/Lithuania|Austria/Australia|Spain|Portugal|Poland|"
    "Denmark|Sweden|Estonia|Croatia|Romania|Greece|Cyprus|Malta|Belgium|Czechia|Hungary|Bulgaria|Luxembourg|Finland"
)
YEARS = (2019, 2021, 2023)
TONES: tuple[Rgb, ...] = ((58, 98, 160), (214, 124, 44), (96, 152, 82))


def _draw_bars(task: Task) -> Board:
    cap = min(task.detail, 24)
    task.detail, task.label = cap, min(task.label, 36)
    sheet = Board(WIDE, WHITE, (40, 44, 52))
    sheet.write((160, 60), "Guests from abroad: nights and arrivals, by country of residence", 72, "bold")
    for chart, (group, title) in enumerate(
        (("night", "Nights spent, in thousands"), ("guest", "Arrivals, in thousands"))
    ):
        top, base = 300 + 2000 * chart, 1780 + 2000 * chart
        sheet.write((160, top - 90), title, 46, "bold")
        for i, (year, tone) in enumerate(zip(YEARS, TONES, strict=True)):
            sheet.draw.rectangle((5900 + 480 * i, top - 100, 5960 + 480 * i, top - 40), tone)
            sheet.write((5990 + 480 * i, top - 90), str(year), 40)
        most = max(_height(entry.values.get(f"{group}{year}", "")) for entry in task.entries for year in YEARS)
        for step in range(6):
            y = base - (base - top - 160) * step / 5
            sheet.draw.line((300, y, 7560, y), (214, 216, 220), 2)
            sheet.write((280, y - 12), f"{most * step / 5:,.0f}", 24, anchor="r")
        wide = 7240 / len(task.entries)
        for column, entry in enumerate(task.entries):
            x = 320 + wide * column
            for i, (year, tone) in enumerate(zip(YEARS, TONES, strict=True)):
                key = f"{group}{year}"
                text = entry.values.get(key, "")
                if not text:
                    continue
                y, bar = base - (base - top - 160) * _height(text) / most, wide / 3.6
                sheet.draw.rectangle((x + bar * i, y, x + bar * (i + 0.9), base), tone)
                tag = _tag(text, cap, sheet, mark=task.wanted(entry, key))
                sheet.hang(tag, (x + bar * (i + 0.45), y - 12 - tag.size[0] / 2), 90, shade=0)
            name = _tag(entry.name, task.label, sheet)
            if task.turned:  # the names stand on end
                sheet.hang(name, (x + wide * 0.42, base + 30 + name.size[0] / 2), 90, shade=0)
            else:
                sheet.hang(name, (x + wide * 0.42 - name.size[0] * 0.33, base + 40 + name.size[0] * 0.37), 45, shade=0)
        sheet.draw.line((300, base, 7560, base), BLACK, 5)
    sheet.write((160, 4250), "Source: survey of inns and campsites. No bar: not surveyed.", max(cap, 16), "italic")
    return sheet


def _height(text: str) -> float:
    return float(text.replace(",", "") or 0)


def _tag(text: str, cap: int, sheet: Board, *, mark: bool = False) -> Board:
    """A word on ground of the sheet's own colour, just large enough, to be hung on end or slanting."""
    tag = Board((math.ceil(font("sans", cap).getlength(text)) + 4, round(1.5 * cap)), sheet.fill, sheet.ink)
    tag.write((2, round(0.15 * cap)), text, cap, mark=mark)
    return tag


BAR_CHART = Kind(
    "bar-chart", lambda rng: family(rng, LANDS, 22),
    (
        *(Field(f"night{year}", "", (f"How many thousand nights did guests from {{o}} spend in {year}?", f"Nights of visitors from {{o}} in {year}, in thousands?"),
                whole(212, 4890, "{:,}")) for year in YEARS),
        *(Field(f"guest{year}", "", (f"How many thousand guests from {{o}} arrived in {year}?", f"Arrivals from {{o}} in {year}, in thousands?"),
                amount(12, 980, "{:.1f}")) for year in YEARS),
    ),
    ("How many thousand guests from {o} arrived in 2017?", "How much did guests from {o} spend in 2021?", "How old are guests from {o} on average?"),
    _draw_bars, detail=(12, 24), label=(18, 36),
)  # fmt: skip

# --- weather map ----------------------------------------------------------------------------------

PLACES = (
    "Lamby/North Lamby/Lamby Head|Skerrow/Skerrow Bay|Port Tarvin/Tarvin Moor|Ellwick/Ellwick Sands|Garth|Hestan|"
    "Drumore/Drumore Point|Oransay|Pennick|Ruddon|St Bride/St Bride's Cross|Thorlby|Usk Weir|Vennor|Wrayton|Kelda|Malling"
)


def _draw_weather(task: Task) -> Board:
    rng, cap = task.rng, min(task.detail, 26)
    task.detail = cap
    sheet = ground(rng, (150, 186, 214), (128, 170, 206), 2)
    shore: list[tuple[float, float]] = []
    for step in range(60):
        angle, far = math.tau * step / 60, rng.uniform(0.93, 1.0)
        shore.append((3500 + 3350 * far * math.cos(angle), 2200 + 1980 * far * math.sin(angle)))
    sheet.draw.polygon(shore, (216, 222, 190), (120, 130, 110))
    for _ in range(22):
        x, y, r = rng.randint(1100, 5900), rng.randint(700, 3600), rng.randint(60, 300)
        sheet.draw.ellipse((x - r, y - r // 2, x + r, y + r // 2), (190, 204, 160, 90))
    spots = [
        (1450 + 1010 * c + 160 * (r % 2), 720 + 590 * r)
        for r in range(6)
        for c in range(5)
        if (r, c) not in ((0, 0), (0, 4), (5, 0), (5, 4))
    ]
    red, blue = (176, 24, 30), (24, 54, 150)
    for entry, (cx, cy) in zip(task.entries, rng.sample(spots, len(spots)), strict=False):
        x, y = cx + rng.randint(-70, 70), cy + rng.randint(-60, 60)
        sheet.draw.ellipse((x - 12, y - 12, x + 12, y + 12), BLACK)
        _sky(sheet, rng, (x - 130, y - 20))
        sheet.write((x + 30, y - task.label / 2), entry.name, task.label, "bold")
        high = y - task.label / 2 - 2.1 * cap
        low = y + task.label / 2 + 1.1 * cap
        for key, spot, ink, tail in (
            ("high", (x + 30, high), red, ""),
            ("low", (x + 30, low), blue, ""),
            ("wind", (x + 40 + 5 * cap, low), BLACK, ""),
            ("rain", (x + 40 + 5 * cap, high), (70, 30, 110), ""),
        ):
            if text := entry.values.get(key, ""):
                sheet.write(spot, text + tail, cap, "sans", ink=ink, mark=task.wanted(entry, key))
    card = Board((1250, 620), WHITE, BLACK)
    card.write((40, 40), "Outlook for tomorrow", 50, "bold")
    for i, (ink, text) in enumerate(
        (
            (red, "red, above the name: highest"),
            (blue, "blue, below: lowest temperature"),
            ((70, 30, 110), "violet, above right: rain"),
            (BLACK, "black, below right: wind and gusts"),
        )
    ):
        card.write((40, 150 + 105 * i), text, 36, ink=ink)
    sheet.hang(card, (6980, 3960), 0.0)
    return scanned(sheet, rng.choice([-1, 1]) * rng.uniform(4, 7) if task.turned else 0.0)


def _sky(sheet: Board, rng: Random, at: tuple[float, float]) -> None:
    """A sun, a cloud, or both."""
    x, y = at
    if rng.random() < 0.6:
        sheet.draw.ellipse((x - 60, y - 60, x + 40, y + 40), (250, 206, 60), (200, 150, 20))
    if rng.random() < 0.7:
        for dx in (-50, 0, 50):
            sheet.draw.ellipse((x + dx - 45, y - 15, x + dx + 45, y + 65), (236, 238, 242))


WEATHER = Kind(
    "weather-map", lambda rng: family(rng, PLACES, 22),
    (
        Field("high", "", ("How warm will it get in {o}?", "What is the highest temperature forecast for {o}?"), amount(2, 34, "{:.1f}\u00b0"), ("{v}C", "{v} C")),
        Field("low", "", ("How cold will it get in {o}?", "What is the lowest temperature expected at {o}?"), amount(-14, 12, "{:.1f}\u00b0"), ("{v}C", "{v} C")),
        Field("wind", "", ("What wind is forecast for {o}?", "How hard will it blow at {o}?"), lambda rng: f"{rng.choice(['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'])} {rng.randint(11, 49)}-{rng.randint(50, 95)}"),
        Field("rain", "", ("How much rain is expected at {o}?", "How wet will it get in {o}?"), amount(0.2, 48, "{:.1f} mm")),
    ),
    ("When does the sun rise at {o}?", "How warm is the sea off {o}?", "What is the pollen count for {o}?", "When is high water at {o}?"),
    _draw_weather, detail=(10, 26), label=(16, 44),
)  # fmt: skip

KINDS = (FAMILY_TREE, ALLOTMENTS, BAR_CHART, WEATHER)

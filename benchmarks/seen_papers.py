"""Scenes (once held out) of printed matter: a parts list, papers on a desk, a page of small ads."""

from __future__ import annotations

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
    Task,
    amount,
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
    whole,
)

# --- parts list -----------------------------------------------------------------------------------

PARTS = (
    "Bearing cover, drive side=the drive-side bearing cover/Bearing cover, fan side=the fan-side bearing cover/"
    "Bearing sleeve=the bearing sleeve|Shaft seal, outer=the outer shaft seal/Shaft seal, inner=the inner shaft seal/"
    "Shaft key=the shaft key|Wear ring, front=the front wear ring/Wear ring, rear=the rear wear ring|"
    "Impeller=the impeller/Impeller nut=the impeller nut/Impeller shim=the impeller shim|Drain plug=the drain plug/"
    "Vent plug=the vent plug|Volute casing=the volute casing/Casing gasket=the casing gasket|Coupling guard=the coupling guard/"
    "Coupling spider=the coupling spider|Lantern bracket=the lantern bracket"
)


def _draw_parts(task: Task) -> Board:
    rng, cap = task.rng, task.detail
    sheet = Board(WIDE, rng.choice([(244, 242, 234), (236, 240, 244)]), (30, 34, 52))
    draw, ink = sheet.draw, sheet.ink
    draw.rectangle((90, 90, 7590, 4230), outline=ink, width=8)
    for i in range(8):
        sheet.write((500 + i * 940, 105), str(i + 1), 26)
        sheet.write((105, 300 + i * 500), "ABCDEFGH"[i], 26)
    for i in range(len(task.entries)):  # the exploded view, a part after the other along its axis
        x, y = 420 + i * 145 + 60 * (i % 2), 3500 - i * 165
        tall, wide = rng.randint(110, 330), rng.randint(50, 110)
        draw.ellipse((x - wide, y - tall, x + wide, y + tall), fill=(214, 216, 216), outline=ink, width=5)
        draw.ellipse((x - wide // 3, y - tall // 3, x + wide // 3, y + tall // 3), outline=ink, width=4)
        bx, by = x + 60, y + (tall + 190) * (1 if i % 2 else -1)
        draw.line((x, y, bx, by), ink, 3)
        draw.ellipse((bx - 58, by - 58, bx + 58, by + 58), fill=sheet.fill, outline=ink, width=4)
        sheet.write((bx, by - 20), str(i + 1), 40, anchor="m")
    widths = {"ITEM": 200, "DESCRIPTION": 1480}
    columns = rng.sample(task.fields, len(task.fields))
    share = (7520 - 3330 - 1680) / len(columns)
    pitch = min(150, 2500 // (len(task.entries) + 1))
    label = task.fit("bold", widths["DESCRIPTION"] - 60)
    heads = ["ITEM", "DESCRIPTION", *(column.printed.upper() for column in columns)]
    lefts = [3330, 3530, *(5010 + round(share * i) for i in range(len(columns)))]
    head = min(fitting("bold", text, min(max(label, 20), 46), share - 60) for text in heads[2:])
    bottom = 240 + pitch * (len(task.entries) + 1)
    for left, text in zip(lefts, heads, strict=True):
        sheet.write((left + 24, 240 + (pitch - head) / 2), text, head, "bold")
        draw.line((left, 240, left, bottom), ink, 4)
    draw.rectangle((3330, 240, 7520, bottom), outline=ink, width=6)
    for row, entry in enumerate(task.entries, 1):
        y = 240 + pitch * row
        draw.line((3330, y, 7520, y), ink, 3)
        sheet.write((3354, y + (pitch - cap) / 2), str(row), cap)
        sheet.write((3554, y + (pitch - label) / 2), entry.name, label, "bold" if label > 40 else "sans")
        for left, column in zip(lefts[2:], columns, strict=True):
            text = entry.values.get(column.key, "")
            sheet.write((left + 24, y + (pitch - cap) / 2), text, cap, mark=task.wanted(entry, column.key))
    block = [("TITLE", f"Pump {rng.randint(20, 90)}-160, exploded view"), ("DRAWING NO.", code("AA-####-##")(rng)),
             ("SCALE", "1 : 4"), ("DRAWN", person(rng)), ("CHECKED", person(rng)),
             ("DATE", day(2009, 2024, "{y}-{m:02}-{d:02}")(rng)), ("SHEET", "3 of 7"), ("REVISION", rng.choice("BCDEF"))]  # fmt: skip
    for i, (caption, text) in enumerate(block):
        x, y = 5000 + i % 2 * 1260, 3130 + i // 2 * 250
        draw.rectangle((x, y, x + 1260, y + 250), outline=ink, width=4)
        sheet.write((x + 24, y + 24), caption, 18)
        sheet.write((x + 24, y + 120), text, max(cap, 24), "bold")
    sheet.write((3354, 3180), "Tighten all screws crosswise. Grease seals before fitting.", max(cap, 16), "italic")
    sheet.write(
        (3354, 3280),
        "Spare parts are ordered with their part number and the pump's own number.",
        max(cap, 16),
        "italic",
    )
    sheet.write((3354, 3380), "Masses without oil.", max(cap, 16), "italic")
    return scanned(sheet, rng.choice([90.0, 270.0]) if task.turned else rng.choice([0.0, 0.0, 0.4, -0.5]))


PARTS_LIST = Kind(
    "parts-list", lambda rng: family(rng, PARTS, 13),
    (
        Field("part", "Part no.", ("What is the part number of {o}?", "part no. of {o}?", "I need to order {o}: under which part no.?"),
              code("##-###-A", "A#####-##")),
        Field("material", "Material", ("What material is {o} made of?", "Which material is listed for {o}?"),
              pick("GG-25|1.4408|CuSn10|EPDM|S235JR|FKM 75|1.4021|PTFE|C45E|AlSi12|POM-C|NBR 70|GJS-400|1.4571|PA 6.6")),
        Field("qty", "Qty", ("What quantity is listed for {o}?", "Qty for {o}?"), whole(1, 24)),
        Field("mass", "Mass", ("What is the mass of {o}?", "How heavy is {o}?"), amount(0.02, 38, "{:.2f} kg")),
        Field("supplier", "Supplier", ("Who is the supplier of {o}?", "Which supplier delivers {o}?"),
              pick("Ostermann|Kivi Oy|Delacroix|Brancato|Pellman|Hruska|Vantongeren|Ashdale|Torvik|Rosenau|Medek|Sundby|"
                   "Carrow|Lenzburg|Iwaki")),
    ),
    ("What is the price of {o}?", "Which thread does {o} have?", "What is the hardness of {o}?", "When was {o} last replaced?"),
    _draw_parts, detail=(10, 34), label=(30, 56),
)  # fmt: skip

# --- papers on a desk -----------------------------------------------------------------------------

FIRMS = (
    "Norwell Timber/Norwell Tiles/Norwell Tools|Harcastle Printing/Harcastle Paper|Sabine Catering/Sabine Flowers|"
    "Quarry Lane Glass|Bexley Freight/Bexley Storage"
)


def _firms(rng: Random) -> list[str]:
    return [f"{name}=the {name} invoice" for name in family(rng, FIRMS, 6)]


def _paper(task: Task, entry: Entry) -> Board:
    rng, cap = task.rng, task.detail
    page = Board((1620, 1850), rng.choice([WHITE, PAPER, (238, 242, 236)]), rng.choice([BLACK, (20, 30, 70)]))
    tint = rng.choice([(150, 40, 40), (30, 90, 70), (40, 60, 130), (90, 70, 40)])
    page.write((110, 110), entry.name, task.label, "serif-bold" if task.label > 40 else "serif", ink=tint)
    page.write((110, 130 + task.label), "Established trade, fair terms", 14, "italic")
    page.draw.line((110, 240, 1510, 240), tint, 6)
    page.write((110, 290), "INVOICE", 44, "bold")
    x, y, style = 110, 410, rng.choice(["aligned", "right", "inline"])
    head = [field for field in task.fields if field.key not in ("total", "vat")]
    rng.shuffle(head)
    column = max(font("sans", cap).getlength(field.printed) for field in head) + 2.5 * cap
    for field in head:
        if field.key not in entry.values:
            continue
        mark, text = task.wanted(entry, field.key), entry.values[field.key]
        right = page.write((x, y), field.printed + (":" if style == "inline" else ""), cap)
        if style == "right":
            page.write((1000, y), text, cap, anchor="r", mark=mark)
            for dot in range(round(right) + cap, round(1000 - font("sans", cap).getlength(text)) - cap, 16):
                page.draw.rectangle((dot, y + cap - 2, dot + 2, y + cap), fill=page.ink)
        else:
            page.write((right + 0.7 * cap if style == "inline" else x + column, y), text, cap, mark=mark)
        y += round(2.1 * cap)
    y = max(y + 60, 820)
    page.draw.rectangle((100, y, 1520, y + 2.2 * cap), fill=(*tint, 40))
    for left, text in ((120, "Description"), (900, "Qty"), (1500, "Amount")):
        page.write((left, y + 0.6 * cap), text, cap, "bold", anchor="r" if left > 1000 else "l")
    goods = rng.sample(["Delivery", "Hire of trestles", "Labour", "Packing", "Sundries", "Site visit", "Materials"], 4)
    for line in goods:
        y += round(2.4 * cap) + 8
        page.write((120, y), line, cap)
        page.write((900, y), str(rng.randint(1, 9)), cap)
        page.write((1500, y), f"{rng.uniform(12, 900):,.2f}", cap, anchor="r")
    y += round(2.4 * cap) + 20
    page.draw.line((850, y, 1520, y), page.ink, 3)
    for key in ("vat", "total"):
        field = next(field for field in task.fields if field.key == key)
        y += 24
        page.write((870, y), field.printed, cap, "bold" if key == "total" else "sans")
        page.write(
            (1500, y),
            entry.values[key],
            cap,
            "bold" if key == "total" else "sans",
            anchor="r",
            mark=task.wanted(entry, key),
        )
        y += round(1.9 * cap)
    page.write((110, 1740), "Goods remain ours until paid for. Please quote our number with your payment.", 12, "serif")
    return page


def _draw_desk(task: Task) -> Board:
    rng = task.rng
    desk = ground(rng, (128, 92, 60), (104, 72, 46), 6)
    for _ in range(260):
        y = rng.randint(0, 4320)
        desk.draw.line((0, y, 7680, y + rng.randint(-60, 60)), (70, 44, 24, rng.randint(10, 50)), rng.randint(2, 9))
    task.fit("serif-bold", 1380)
    cells = [(960 + 1920 * column, 1080 + 2160 * row) for row in range(2) for column in range(4)]
    for entry, (x, y) in zip(task.entries, rng.sample(cells, len(task.entries)), strict=False):
        angle = rng.choice([90.0, -90.0]) if task.turns(entry) else rng.uniform(-4, 4)
        desk.hang(_paper(task, entry), (x + rng.randint(-20, 20), y + rng.randint(-25, 25)), angle)
    return desk


INVOICES = Kind(
    "invoice-desk", _firms,
    (
        Field("number", "Invoice no.", ("What is the invoice number on {o}?", "invoice no. of {o}?"), code("AA-#####", "####/##", "A#####")),
        Field("due", "Payable by", ("By which date is {o} payable?", "When must {o} be paid?"),
              day(2024, 2026, "{d} {n} {y}", "{d:02}.{m:02}.{y}", "{y}-{m:02}-{d:02}")),
        Field("customer", "Customer ref.", ("What customer ref. does {o} carry?", "Which customer reference is on {o}?"), code("#####", "A-####")),
        Field("total", "Total due", ("What is the total due on {o}?", "How much do we have to pay on {o}?", "total of {o}?"),
              amount(1100, 9800, "{:,.2f} EUR"), may_lack=False),
        Field("account", "Account", ("Which account is given on {o}?", "Which account should the money for {o} go to?"),
              code("##-##-## ########", "## #### ####")),
        Field("vat", "VAT 19%", ("How much VAT is on {o}?",), amount(100, 990, "{:,.2f} EUR"), may_lack=False),
        Field("clerk", "Your contact", ("Who is the contact named on {o}?", "Your contact on {o}?"), person),
        Field("issued", "Issued", ("When was {o} issued?", "Issue date of {o}?"),
              day(2022, 2023, "{d} {n} {y}", "{d:02}.{m:02}.{y}", "{y}-{m:02}-{d:02}")),
    ),
    ("What is the phone number on {o}?", "What delivery address does {o} give?", "Which discount does {o} grant?",
     "Who signed {o}?"),
    _draw_desk, detail=(10, 26), label=(44, 90),
)  # fmt: skip

# --- small ads ------------------------------------------------------------------------------------

ADS = (
    "Kitchen table/Garden table/Card table|Rowing boat/Sailing boat|Upright piano/Digital piano|Wedding dress/Ball dress|"
    "Racing bicycle/Folding bicycle|Camping stove/Pellet stove|Bookcase/Display case|Rabbit hutch/Dog kennel|Sewing machine/"
    "Washing machine|Box of records/Record player|Cot/Cradle|Greenhouse/Potting shed|Typewriter"
)
REMARKS = (
    "Well kept, from a house without smokers.|Some scratches, otherwise sound.|Buyer collects.|Hardly used.|A little rust.|"
    "Needs a new home soon.|Swap considered.|Can be seen after work.|Heavy, bring a friend.|With all papers.|No dealers, please."
)


def _draw_ads(task: Task) -> Board:
    rng, cap = task.rng, task.detail
    sheet = Board(WIDE, rng.choice([(232, 228, 216), (240, 238, 232)]), (34, 32, 30))
    sheet.write((3840, 130), "The Fenwick Messenger", 130, "serif-bold", anchor="m")
    sheet.write((3840, 330), "Small advertisements - Saturday edition - Page 14", 34, "serif", anchor="m")
    sheet.draw.line((200, 420, 7480, 420), sheet.ink, 8)
    columns, wide = 5, 1400
    label = task.fit("serif-bold", wide - 80)
    column, y = 0, 480
    per = math.ceil((len(task.entries) + 3) / columns)
    slots: list[Entry | None] = [*task.entries, None, None, None]
    rng.shuffle(slots)
    for i, entry in enumerate(slots):
        if i and i % per == 0:
            column, y = column + 1, 480
            sheet.draw.line((210 + 1456 * column - 28, 470, 210 + 1456 * column - 28, 4200), sheet.ink, 3)
        x = 210 + 1456 * column
        room = (4180 - 480) // per
        if entry is None:
            sheet.draw.rectangle((x + 20, y + 40, x + wide - 20, y + room - 60), outline=sheet.ink, width=6)
            sheet.write(
                (x + wide / 2, y + 110),
                rng.choice(["DANCE LESSONS", "WE BUY GOLD", "CHIMNEY SWEEP"]),
                56,
                "bold",
                anchor="m",
            )
            sheet.write((x + wide / 2, y + 230), f"Ring {phone(rng)} any day", max(cap, 18), "serif", anchor="m")
        else:
            sheet.write((x, y), entry.name, label, "serif-bold")
            _running(task, sheet, entry, (x, y + label + round(1.3 * cap), wide))
        y += room
        sheet.draw.line((x, y - 40, x + wide, y - 40), sheet.ink, 2)
    return scanned(sheet, rng.choice([-1, 1]) * rng.uniform(2, 3.5) if task.turned else 0.0)


def _running(task: Task, sheet: Board, entry: Entry, where: tuple[float, float, float]) -> None:
    """An ad's sentences, broken into lines; a value stays in one piece."""
    rng, cap, (x0, y, wide) = task.rng, task.detail, where
    said = [(field, field.printed) for field in task.fields if entry.values.get(field.key)]
    lines = [("", remark) for remark in rng.sample(REMARKS.split("|"), 3)]
    parts = [(field.key, text) for field, text in said] + lines
    rng.shuffle(parts)
    words = [
        (entry.values[key], key)
        if word == "{v}"
        else (word.replace("{v}", entry.values.get(key, "")), key if "{v}" in word else "")
        for key, text in parts
        for word in text.split()
    ]
    x, wide = x0, min(wide, max(560, cap * 44))
    for word, key in words:
        reach = font("serif", cap).getlength(word)
        if x + reach > x0 + wide:
            x, y = x0, y + round(1.75 * cap)
        sheet.write((x, y), word, cap, "serif", mark=bool(key) and task.wanted(entry, key))
        x += reach + 0.42 * cap


SMALL_ADS = Kind(
    "small-ads", lambda rng: [f"{name}=the {name[0].lower() + name[1:]}" for name in family(rng, ADS, 20)],
    (
        Field("price", "Price {v} firm.", ("What is the price of {o}?", "How much does the seller want for {o}?"),
              whole(15, 990, "{} EUR")),
        Field("phone", "Ring {v} evenings.", ("Which number do I ring about {o}?", "Telephone number for {o}?"), phone),
        Field("seller", "Ask for {v} at home.", ("Who should one ask for about {o}?", "Ask for whom about {o}?"), person),
        Field("year", "Bought in {v} new.", ("In what year was {o} bought?", "Since when has the seller had {o}?"), whole(1958, 2021)),
        Field("size", "Measures {v} overall.", ("What does {o} measure?", "How big is {o}?"),
              lambda rng: f"{rng.randint(40, 290)}x{rng.randint(30, 190)} cm"),
        Field("box", "Or write to box {v} here.", ("Which box number can one write to about {o}?", "box no. for {o}?"),
              code("A###", "####"), ("box {v}",)),
    ),
    ("What colour is {o}?", "Which brand is {o}?", "What was the new price of {o}?", "In which street can {o} be seen?"),
    _draw_ads, detail=(10, 24), label=(44, 76),
)  # fmt: skip

KINDS = (PARTS_LIST, INVOICES, SMALL_ADS)

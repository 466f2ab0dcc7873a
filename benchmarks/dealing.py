"""Deals a seed its kind, its hardships and its question: what the scenes of `seen_scenes` and `heldout_scenes` share.

Any run of eight times as many seeds as there are kinds holds one mix: of each kind two scenes without an answer, one or
two with options, two with labels as small as the details, one with the answer turned and one taken roughly. A question
without an answer asks for an owner that is absent beside its like, for a value that is blank or left out where the
others have it, or for something that is printed of none. A scene depends on its seed and the set's kinds alone (and on
the faces that are installed: `canvas`).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from PIL import Image

from canvas import Entry, Field, Kind, Task, developed
from samples import Sample

TURNS = 8
"""Scenes of a kind that hold one mix; see ``deal``."""
ABSTAIN = ("Not shown in the picture", "Cannot be determined from the image", "The image does not say", "Not visible")
UNIT = re.compile(
    r"(?:\$|EUR |GBP )?(-?\d[\d,]*(?:\.\d+)?)\s?(?:kg|g|m|EUR|GBP|KG|CU\.M|V|%|°C|bar|l/min|min|rpm|tablets|cm|mm|m²|A|pts|/yr|°)?"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed is dealt."""

    kind: Kind
    gap: str = ""  # absent, foreign, blank, omitted or none
    options: str = ""  # escape (one option abstains), closed (none does) or none
    small: bool = False
    turned: bool = False
    rough: bool = False


def deal(seed: int, kinds: tuple[Kind, ...]) -> Plan:
    """The kind of a seed and its hardships."""
    place = seed % len(kinds)
    order = list(range(TURNS))
    Random(f"held-out kind {place}").shuffle(order)
    turn, kind = order[seed // len(kinds) % TURNS], kinds[place]
    odd = bool(place % 2) ^ bool(place % 4 > 1)
    if turn == 2:
        return Plan(kind, small=True)
    if turn == 3:
        return Plan(kind, turned=True)
    if turn == 4:
        return Plan(kind, rough=True)
    if turn == 5:
        return Plan(kind, gap="absent" if odd else "foreign")
    if turn == 6:
        return Plan(kind, gap="blank" if place % 2 else "omitted", options="escape" if odd else "")
    if turn == 7:
        return Plan(kind, options="closed" if odd else "escape", small=True)
    return Plan(kind)


def _entries(kind: Kind, rng: Random, asked: Field) -> tuple[list[Entry], Entry]:
    """The owners in the picture, each with its values, and the one kept out of it."""
    used: set[str] = set()

    def fresh(field: Field) -> str:
        for _ in range(40):
            if (value := field.make(rng)) not in used:
                break
        used.add(value)
        return value

    made = []
    for name in kind.owners(rng):
        printed, _, said = name.partition("=")
        values = {field.key: fresh(field) for field in kind.fields}
        for field in kind.fields:  # here and there something is missing, as in life
            if field.may_lack and field is not asked and rng.random() < 0.05:
                del values[field.key]
        made.append(Entry(printed, said or printed, values))
    spare = made.pop()
    return made, spare


def _accepted(field: Field, value: str) -> tuple[str, ...]:
    """The value, without its unit, and the field's other ways of giving it."""
    forms = [value, *(form.format(v=value) for form in field.also)]
    if amount := UNIT.fullmatch(value):
        forms += [amount[1], value.replace(",", ""), amount[1].replace(",", "")]
    return tuple(dict.fromkeys(forms))


def _choices(plan: Plan, rng: Random, value: str, others: list[str], field: Field) -> tuple[str, ...]:
    """The value, if there is one, a near miss of it and what the picture says of others; four in all."""
    near = re.sub(r"\d(?=\D*$)", lambda m: str((int(m[0]) + rng.randint(1, 8)) % 10), value)
    rng.shuffle(others)
    options = list(dict.fromkeys(option for option in (value, near, *others) if option))[:4]
    while len(options) < 4:
        options = list(dict.fromkeys((*options, field.make(rng))))
    rng.shuffle(options)
    return (*options, rng.choice(ABSTAIN)) if plan.options == "escape" else tuple(options)


def draw_scene(seed: int, kinds: tuple[Kind, ...], collection: str) -> tuple[Image.Image, Sample]:
    """Draw the scene of a seed and the question about it.

    Args:
        seed: Any whole number from 0.
        kinds: The kinds that take turns.
        collection: What its id begins with.

    Returns:
        The picture in RGB, 7680 x 4320 (on its side, or a little larger, where a sheet was scanned so), and its sample.
    """
    plan, rng = deal(seed, kinds), Random(f"held-out scene {seed}")
    kind, turn = plan.kind, seed // len(kinds)
    fields = [field for field in kind.fields if field.may_lack or plan.gap not in ("blank", "omitted")]
    field = fields[turn % len(fields)]
    entries, spare = _entries(kind, rng, field)
    owner = rng.choice(entries)
    others = [entry.values[field.key] for entry in entries if entry is not owner and field.key in entry.values]
    value = "" if plan.gap else owner.values[field.key]
    if plan.gap == "blank":
        owner.values[field.key] = ""
    elif plan.gap == "omitted":
        del owner.values[field.key]
    asked = spare if plan.gap == "absent" else owner
    question = rng.choice(kind.foreign if plan.gap == "foreign" else field.asks).format(o=asked.said)

    detail = rng.randint(*kind.detail)
    label = detail if plan.small else rng.randint(*kind.label)
    task = Task(rng, kind.fields, entries, (asked.name, "" if plan.gap else field.key), label, detail, plan.turned)
    board = kind.draw(task)
    marks = [plan.gap, "small" * plan.small, "turned" * plan.turned, "rough" * plan.rough]
    sample = Sample(
        id="-".join([collection, str(seed), kind.name, *(mark for mark in marks if mark)]),
        kind=kind.name,
        question=question[0].upper() + question[1:],
        choices=_choices(plan, rng, value, others, field) if plan.options else (),
        answer=value or None,
        accepted=_accepted(field, value) if value else (),
        detail_px=task.detail,
        label_px=task.label,
        target=board.marked if value else None,
    )
    return developed(board.image, rng, rough=plan.rough), sample


def export(make_scene: Callable[[int], tuple[Image.Image, Sample]], collection: str, seeds: str) -> None:
    """Write pictures and ``samples.jsonl`` (a sample a line, its picture's name under ``image``) as the command line says."""
    parser = argparse.ArgumentParser(description=f"Draw the {collection} scenes.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default=seeds, help="one seed, or FIRST-LAST")
    args = parser.parse_args()
    first, _, last = args.seeds.partition("-")
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "samples.jsonl").open("w", encoding="utf-8") as lines:
        for seed in range(int(first), int(last or first) + 1):
            scene, sample = make_scene(seed)
            name = f"{collection}-{seed}.jpg"  # says nothing of the answer
            scene.save(args.out / name, quality=92, subsampling=0)
            lines.write(json.dumps({**asdict(sample), "image": name}, ensure_ascii=False) + "\n")

"""The embedded text reader, with and without the zoom: right, abstained, and wrong-but-answered counted apart.

    python benchmarks/ocr.py --set dev --seeds 0-59 [--edges 1024,1568] [--out FILE.jsonl]
    python benchmarks/ocr.py --set seen --seeds 1000-1039   (or 3000-3199: ten more kinds)
    python benchmarks/ocr.py --set heldout --seeds 4000-4079
    python benchmarks/ocr.py --set real --pictures DIR      (made by benchmarks/real_pictures.py --out DIR)

Each question is answered three times at each view edge: ``direct`` (one look at the view), ``paper`` (one crop) and
``adaptive`` (as many looks as pay). A question that the picture does not answer is right when the reader abstains. Prints
a Markdown table; seconds are those of reading alone, of a reading that was remembered those that it took. With --bound P
the exit code is 1 when more than P percent of the answers of ``adaptive`` are wrong (abstaining is not wrong). --cache DIR
remembers readings from one run to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from statistics import mean

import anyio

import heldout_scenes
import scenes
import seen_scenes
from zoomrefine_mcp import ZoomRefine, ZoomResult
from zoomrefine_mcp.backends.ocr import OcrBackend
from zoomrefine_mcp.backends.reading.engine import Found, RapidReader
from zoomrefine_mcp.geometry import PixelBox
from zoomrefine_mcp.questions import abstains

POLICIES = ("direct", "paper", "adaptive")
QUALITY = 92


@dataclass(frozen=True, slots=True)
class Item:
    """One question with its truth.

    Attributes:
        id: Names it in the log.
        kind: Kind of scene or picture.
        picture: The file.
        question: As asked.
        choices: Options, without letters; empty for an open question.
        answer: What counts as right; None where the picture does not say.
        accepted: Other ways of writing it.
    """

    id: str
    kind: str
    picture: Path
    question: str
    choices: tuple[str, ...]
    answer: str | None
    accepted: tuple[str, ...]

    @property
    def answerable(self) -> bool:
        """Whether the picture answers it."""
        return self.answer is not None and not abstains(self.answer)


def normalized(text: str) -> str:
    """What is compared: letters and digits, and the punctuation that belongs to a number; case and width do not count.

    A space in print is a gap of no certain width, so "0595 64 82 83" and "059564 82 83", "6.9 C" and "6.9C" are one
    reading.

    >>> normalized(" 82.9 BAR. "), normalized("J. Tanaka"), normalized("6.9 \u00b0C"), normalized("-4,5 %")
    ('82.9bar', 'jtanaka', '6.9c', '-4,5%')
    """
    folded = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    return re.sub(r"(?<!\d)[^\w%+-]|[^\w%+-](?!\d)|[+-](?!\d)|_", "", folded)


def scored(item: Item, result: ZoomResult) -> str:
    """``right``, ``abstained`` or ``wrong``."""
    if result.abstained:
        return "abstained" if item.answerable else "right"
    said = item.choices[ord(result.choice) - ord("A")] if result.choice else result.answer or ""
    right = {normalized(text) for text in (item.answer, *item.accepted) if text}
    return "right" if normalized(said) in right else "wrong"


def generated(module: object, first: int, last: int, folder: Path) -> Iterator[Item]:
    """The scenes of seeds ``first`` to ``last``, drawn into ``folder`` one at a time."""
    for seed in range(first, last + 1):
        picture, sample = module.make_scene(seed)  # type: ignore[attr-defined]  # either scene module
        path = folder / f"{seed}.jpg"
        picture.save(path, quality=QUALITY, subsampling=0)
        yield Item(str(seed), sample.kind, path, sample.question, sample.choices, sample.answer, tuple(sample.accepted))
        path.unlink()


def real(pictures: Path) -> Iterator[Item]:
    """The hand-labelled questions whose picture has been made."""
    rows = (Path(__file__).with_name("real_questions.jsonl")).read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, rows):
        path = pictures / f"{row['image']}.png"
        if not path.exists():
            print(f"skipped {row['id']}: no {path}", file=sys.stderr)
            continue
        yield Item(
            row["id"], row["kind"], path, row["question"], tuple(row["choices"]), row["answer"], tuple(row["accepted"])
        )


class RememberingReader:
    """The text reader, reading each picture once: all policies see the same view, and many questions share a picture.

    Args:
        folder: Where readings are kept from one run to the next, if anywhere.

    Attributes:
        seconds: What the readings took, remembered ones by what they took at first.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.threads = 2
        self.seconds = 0.0
        self._reader = RapidReader(self.threads)
        self._folder = folder
        self._read: dict[str, tuple[tuple[Found, ...], float]] = {}

    def read(self, data: bytes, part: PixelBox | None = None, scale: float = 1.0) -> tuple[Found, ...]:
        """As ``RapidReader.read``."""
        key = blake2b(data + repr((part, scale)).encode(), digest_size=20).hexdigest()
        if key not in self._read:
            self._read[key] = self._remembered(key) or self._fresh(key, data, part, scale)
        found, took = self._read[key]
        self.seconds += took
        return found

    def _remembered(self, key: str) -> tuple[tuple[Found, ...], float] | None:
        path = self._folder / f"{key}.json" if self._folder is not None else None
        if path is None or not path.exists():
            return None
        rows, took = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            Found(text, score, ((a[0], a[1]), (b[0], b[1]), (c[0], c[1]), (d[0], d[1])))
            for text, score, (a, b, c, d) in rows
        ), took

    def _fresh(self, key: str, data: bytes, part: PixelBox | None, scale: float) -> tuple[tuple[Found, ...], float]:
        began = time.perf_counter()
        found = self._reader.read(data, part, scale)
        took = time.perf_counter() - began
        if self._folder is not None:
            rows = [(one.text, one.score, one.corners) for one in found]
            fresh = self._folder / f"{key}.{os.getpid()}"
            fresh.write_text(json.dumps((rows, took)), encoding="utf-8")
            fresh.rename(self._folder / f"{key}.json")
        return found, took


async def run(items: Iterator[Item], edges: list[int], log: Path | None, cache: Path | None) -> list[dict[str, object]]:
    """Ask every item under each policy and edge; one record each."""
    reader = RememberingReader(cache)
    backend, records = OcrBackend(reader, workers=1), []
    for item in items:
        for edge in edges:
            for policy in POLICIES:
                zoom = ZoomRefine(backend, policy, view_edge=edge, timeout_s=3600)
                reader.seconds = 0.0
                result = await zoom.zoom_and_refine(item.picture, item.question, item.choices or None)
                record: dict[str, object] = {
                    "id": item.id,
                    "kind": item.kind,
                    "answerable": item.answerable,
                    "edge": edge,
                    "policy": policy,
                    "score": scored(item, result),
                    "said": result.answer,
                    "choice": result.choice,
                    "truth": item.answer,
                    "question": item.question,
                    "status": result.status,
                    "reason": result.status_reason,
                    "why": result.explanation,
                    "searched": result.searched,
                    "looks": len(result.trace),
                    "seconds": round(reader.seconds, 2),
                    "trace": [
                        f"{look.stage} {len(look.pictures)} {look.evidence} {look.answer!r} {look.why}"
                        for look in result.trace
                    ],
                }
                records.append(record)
                if log is not None:
                    with log.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(record) + "\n")
    return records


def table(records: list[dict[str, object]]) -> list[str]:
    """Markdown: a row for each view edge, policy, and answerable or not; kinds below."""
    lines = [
        "| view edge | policy | questions | n | right | abstained | wrong but answered | looks | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    edges = sorted({int(str(record["edge"])) for record in records})
    for edge in edges:
        for policy in POLICIES:
            for name, wanted in (("all", (True, False)), ("answerable", (True,)), ("not answerable", (False,))):
                rows = [r for r in records if r["edge"] == edge and r["policy"] == policy and r["answerable"] in wanted]
                lines.append(f"| {edge} | {policy} | {name} | {_counts(rows)} |")
    lines += [
        "",
        "| kind | view edge | policy | n | right | abstained | wrong but answered | looks | seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in sorted({str(record["kind"]) for record in records}):
        for edge in edges:
            for policy in POLICIES:
                rows = [r for r in records if (r["kind"], r["edge"], r["policy"]) == (kind, edge, policy)]
                lines.append(f"| {kind} | {edge} | {policy} | {_counts(rows)} |")
    return lines


def _counts(rows: list[dict[str, object]]) -> str:
    counts = Counter(str(row["score"]) for row in rows)
    cells = [counts[name] for name in ("right", "abstained", "wrong")]
    looks, seconds = (mean([float(str(row[name])) for row in rows] or [0.0]) for name in ("looks", "seconds"))
    return f"{len(rows)} | {' | '.join(map(str, cells))} | {looks:.1f} | {seconds:.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("dev", "seen", "heldout", "real"), default="dev")
    parser.add_argument("--seeds", default="0-59", help="first-last")
    parser.add_argument("--edges", default="1024,1568")
    parser.add_argument("--pictures", type=Path, default=Path("out/real"))
    parser.add_argument("--out", type=Path, help="append a JSON line a question")
    parser.add_argument("--cache", type=Path, help="remember readings here")
    parser.add_argument("--bound", type=float, help="largest share of wrong answers after the zoom, in percent")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    if options.cache is not None:
        options.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if options.set == "real":
            items = real(options.pictures)
        else:
            module = {"dev": scenes, "seen": seen_scenes, "heldout": heldout_scenes}[options.set]
            items = generated(module, int(first), int(last or first), Path(folder))
        records = anyio.run(run, items, [int(edge) for edge in options.edges.split(",")], options.out, options.cache)
    print("\n".join(table(records)))
    zoomed = [record for record in records if record["policy"] == "adaptive"]
    wrong = 100 * sum(record["score"] == "wrong" for record in zoomed) / max(1, len(zoomed))
    print(f"\nwrong but answered of adaptive: {wrong:.1f}% of {len(zoomed)}")
    return int(options.bound is not None and wrong > options.bound)


if __name__ == "__main__":
    sys.exit(main())

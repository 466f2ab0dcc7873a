"""Which policy finds what, in how many looks: generated pictures, and a model that sees only what it is sent.

    python benchmarks/looks.py [--quick] [--jsonl FILE] [--plot docs/looks.svg] [--report docs/looks.md]
    python benchmarks/looks.py --kinds search --policies adaptive --rates 0.1 --questions 10 --verbose
    python benchmarks/looks.py --from FILE --plot docs/looks.svg        (no run: the table, the bounds and the plot)

A loopback server decodes every picture that it gets. It reads a coloured plate where a picture shows it 12 pixels high or
more (with --thresholds also 8 and 16), names a wrong region as often as the error rate says, and offers what a weak model
would where it sees nothing. No trained model is run. A second run of every kind has a model that writes carelessly. The
exit code is 1 when a bound is missed; the bounds are in ``looks_record.py``.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio

from looks_model import Mind, is_right
from looks_plot import RATE, plot
from looks_record import POLICIES, RATES, Record, append, load, missed, table
from looks_scenes import KINDS, scene, sees
from looks_server import LookServer, Sloppiness
from looks_source import DrawnSource
from zoomrefine_mcp import ZoomRefine
from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.openai import OpenAIClient
from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.backends.form import reply_schema
from zoomrefine_mcp.backends.profiles import Profile, profile_for
from zoomrefine_mcp.errors import BadRequest, ZoomRefineError
from zoomrefine_mcp.policies import policy_named
from zoomrefine_mcp.records import Budget

FULL, SHORT, QUICK = 40, 10, 4
"""Questions of a kind: in the main table, in the others, and with --quick."""


SLOPPY_TOKENS = 60_000
"""What a question may cost that a careless model is asked."""
MOST_LOOKS = {"direct": 1, "paper": 2}
"""Of the policies that name no number themselves."""


ABOUT = """\
# How often which policy finds what

![Right answers against image tokens, by kind of question](looks.svg)

Made by `make bench-looks`: generated pictures of 7,680 to 30,000 pixels, and a loopback server that speaks the OpenAI wire,
decodes every picture that it is sent, and sees nothing else. No trained model was run: these tables say what the server's side
of the work is worth with a model of known faults, not how well any model does.

- The model reads a coloured plate where a picture shows it so many pixels high (12 in the main table). Lower, it says
  `too_small` and boxes it where it sees it; where a crop's edge cuts it, `cut_off`. It follows signs to the area that they name.
- As often as the error rate says, a region that it names is a wrong one, a box elsewhere. Where it sees nothing it offers the
  whole picture, a random box or nothing, equally often.
- It sees at most a megapixel of each picture (1,344 x 768 of 8K), as a model with 1,024 tokens a picture does.
- Kinds: *legible* in the view; *one region* of 13 to 36 px; *two regions* far apart; *two levels* (16,000 px: a district's sign,
  then the plate) and *three* (30,000 px: district, street, plate); *search*, with nothing in the view that tells where;
  *wrong first*, where the first box is always wrong; *count* of 5 to 15; *not there*, with a plate that shares a colour.
- "Right" includes abstaining where the picture does not answer. Tokens of pictures are by the formula of Qwen3-VL; cached are those
  of what a conversation repeats. Picture work is drawing and encoding; seconds depend on the machine and on what else it does.
- The last table is of the same model writing carelessly: prose and fences about its JSON, boxes in the wrong unit, the whole
  picture or the first box again instead of a region, fields that contradict each other, answers in sentences, and replies that
  nobody can read. A question is allowed 60,000 tokens there.
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """Questions of one kind under one policy.

    Attributes:
        kind: A name in ``KINDS``.
        policy: A name in ``POLICIES``.
        rate: How often the model names a wrong region.
        threshold: From which height in pixels it reads.
        sloppy: Whether it writes carelessly.
        numbers: Of the scenes.
        model: Its name, which picks the profile.
    """

    kind: str
    policy: str
    rate: float
    threshold: float
    sloppy: bool
    numbers: tuple[int, ...]
    model: str


def main() -> int:
    arguments = _arguments()
    began = time.perf_counter()
    records = (
        load(arguments.source) if arguments.source else _run_all(_cells(arguments), arguments.jobs, arguments.jsonl)
    )
    if arguments.plot:
        arguments.plot.write_text(plot(records))
    if arguments.report:
        arguments.report.write_text(f"{ABOUT}{table(records)}\n")
    if arguments.verbose:
        for one in records:
            print(one)
    print(table(records))
    said = missed(records)
    print(f"\n{len(records)} questions in {time.perf_counter() - began:.0f} s.")
    print("\n".join(["Bounds missed:", *(f"- {line}" for line in said)]) if said else "All bounds hold.")
    return 1 if said else 0


def profile_of(model: str) -> Profile:
    """The family's facts, with a small eye: at most a megapixel of every picture, on the family's grid of 32 px."""
    return replace(profile_for(model, wire="openai"), sees=sees)


async def run_cell(cell: Cell) -> list[Record]:
    """Ask all questions of a cell, one after the other, of a server that is there for this cell alone."""
    profile = profile_of(cell.model)
    sloppy = Sloppiness() if cell.sloppy else None
    with LookServer(profile, Mind(cell.threshold, cell.rate), sloppy, cell.model) as server:
        endpoint = Endpoint(backend="vllm", wire="openai", base_url=server.url)
        client = OpenAIClient(endpoint, cell.model, profile, reply_schema=reply_schema())
        info = BackendInfo("vllm", cell.model, profile, server.url)
        try:
            budget = Budget(tokens=SLOPPY_TOKENS if cell.sloppy else None)
            zoom = ZoomRefine(ChatBackend(client, info), cell.policy, budget=budget)
            records = [await _ask(zoom, server, cell, number) for number in cell.numbers]
        finally:
            await client.aclose()
        if server.faults:
            raise RuntimeError(f"the loopback model failed: {server.faults[0]}")
    return records


async def _ask(zoom: ZoomRefine[Any], server: LookServer, cell: Cell, number: int) -> Record:
    asked = scene(cell.kind, number, threshold=cell.threshold)
    server.begin(asked)
    blank = Record(
        cell.kind,
        number,
        cell.policy,
        cell.rate,
        cell.threshold,
        cell.sloppy,
        "failed",
        truth=asked.answer,
        most_looks=MOST_LOOKS.get(cell.policy) or int(getattr(zoom.policy, "looks", 1)),
        most_tokens=SLOPPY_TOKENS if cell.sloppy else None,
    )
    try:
        result = await zoom.zoom_and_refine(DrawnSource(asked), asked.question)
    except ZoomRefineError as error:
        return replace(blank, error=error.code, looks=server.spent.requests)
    answer = None if result.abstained else result.answer
    verdict = "right" if is_right(answer, asked) else "abstained" if answer is None else "wrong"
    spent, usage = server.spent, result.usage
    return replace(
        blank,
        verdict=verdict,
        answer=answer,
        looks=usage.calls,
        unreadable=usage.unreadable_replies,
        fresh=spent.image - spent.image_cached,
        cached=spent.image_cached,
        tokens=usage.input_tokens + usage.output_tokens,
        status=str(result.status),
        reason=result.status_reason,
        searched=result.searched,
        image_s=result.timing.image_s,
        total_s=result.timing.total_s,
        trace=[entry.model_dump(mode="json") for entry in result.trace],
    )


def _run_cell(cell: Cell) -> list[Record]:
    logging.getLogger("zoomrefine_mcp").setLevel(logging.ERROR)  # unreadable replies are counted in the records
    return anyio.run(run_cell, cell)


def _run_all(cells: Sequence[Cell], jobs: int, jsonl: Path | None) -> list[Record]:
    """In ``jobs`` processes; tells on stderr how far it is, and sets down what there is after every cell."""
    records: list[Record] = []
    if jsonl:
        jsonl.parent.mkdir(parents=True, exist_ok=True)
        jsonl.write_text("")
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done, some in enumerate(pool.map(_run_cell, cells), start=1):
            records += some
            if jsonl:
                append(some, jsonl)
            if done % 12 == 0 or done == len(cells):
                print(f"{done} of {len(cells)} cells, {len(records)} questions", file=sys.stderr, flush=True)
    return records


def _cells(arguments: argparse.Namespace) -> list[Cell]:
    policies = [name for name in arguments.policies if _exists(name)]
    number = arguments.questions or (QUICK if arguments.quick else FULL)
    plans = [(threshold, False, number, arguments.rates) for threshold in arguments.thresholds[:1]]
    if not arguments.quick:
        plans += [(threshold, False, min(number, SHORT), (0.1,)) for threshold in arguments.thresholds[1:]]
    if arguments.sloppy:
        plans += [(arguments.thresholds[0], True, min(number, SHORT), arguments.rates)]
    cells = [
        Cell(kind, policy, rate, threshold, sloppy, tuple(range(count)), arguments.model)
        for threshold, sloppy, count, rates in plans
        for kind in arguments.kinds
        for rate in rates
        for policy in policies
    ]
    return sorted(cells, key=lambda cell: cell.rate != RATE)  # what the bounds and the plot are about comes first


def _exists(policy: str) -> bool:
    try:
        policy_named(policy)
    except BadRequest:
        print(f"There is no policy {policy}: left out.", file=sys.stderr)
        return False
    return True


def _arguments() -> argparse.Namespace:
    def listed(kind: type) -> Any:
        return lambda text: [kind(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", type=listed(str), default=list(KINDS))
    parser.add_argument("--policies", type=listed(str), default=list(POLICIES))
    parser.add_argument("--rates", type=listed(float), default=list(RATES))
    parser.add_argument("--thresholds", type=listed(float), default=[12.0, 8.0, 16.0], help="the first in full")
    parser.add_argument("--questions", type=int, help=f"of each kind; {FULL} unless given")
    parser.add_argument("--model", default="qwen3-vl-loopback", help="its name picks the profile: how it writes boxes")
    parser.add_argument("--no-sloppy", dest="sloppy", action="store_false")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} questions of each kind at one threshold")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--jsonl", type=Path, help="a record for each question")
    parser.add_argument("--from", dest="source", type=Path, help="records of an earlier run instead of a run")
    parser.add_argument("--plot", type=Path, help="an SVG")
    parser.add_argument("--report", type=Path, help="the tables with what they mean, as Markdown")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

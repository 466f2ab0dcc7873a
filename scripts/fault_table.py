"""Prints what becomes of a question while something goes wrong: every fault, once and lasting, at either look.

A model behind a loopback server does what goes wrong; both SDKs ask it, with the pauses that a user gets.

    python scripts/fault_table.py [--deadline-s 10] [--fault hanging]

Exit code 0: no answer was lost, and no question took longer than its deadline and 2 s; 1: else. Takes about a minute.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import anyio  # noqa: E402 - the folder that it needs has to be named first

from tests.support.fault_cases import Became, Case, cases, draw_scene, run  # noqa: E402
from zoomrefine_mcp.backends.clients.retries import PATIENCE  # noqa: E402

OVERRUN_S = 2.0
"""What a question may take beyond its deadline, in seconds."""
AT_ONCE = 24
"""Cases that run at the same time; they wait far more than they work."""
LOST = "ANSWER LOST"
SLOW_SHARE = 0.2
"""Of the deadline: what a slow answer takes."""


async def ask_all(chosen: list[Case], deadline_s: float) -> dict[Case, Became]:
    became: dict[Case, Became] = {}
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def one(case: Case, scene: Path) -> None:
        async with limit:
            became[case] = await run(
                case,
                scene,
                deadline_s=deadline_s,
                patience=PATIENCE,
                slow_s=SLOW_SHARE * deadline_s,
                retry_after=case.fault.retry_after,
            )

    with tempfile.TemporaryDirectory() as folder:
        scene = draw_scene(Path(folder) / "scene.jpg")
        async with anyio.create_task_group() as tasks:
            for case in chosen:
                tasks.start_soon(one, case, scene)
    return became


def wrong(case: Case, became: Became, deadline_s: float) -> str:
    """What is not as it has to be; empty where all is."""
    said = []
    if (became.answer, became.status, became.why) != case.expected():
        said.append(f"EXPECTED {' / '.join(str(part) for part in case.expected())}")
    if became.answer is None and (case.look > 1 or (case.fault.passes and not case.lasts)):
        said.append(LOST)
    if became.seconds > deadline_s + OVERRUN_S:
        said.append("PAST THE DEADLINE")
    return ", ".join(said)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deadline-s", type=float, default=10.0, help="the deadline of each question (default: 10)")
    parser.add_argument("--fault", help="only faults whose name holds this")
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    chosen = [case for case in cases() if not options.fault or options.fault in case.fault.name]
    began = time.monotonic()
    became = anyio.run(ask_all, chosen, options.deadline_s)
    print(f"| fault | lasts | look | wire | answer | status | reason or code | tries | s of {options.deadline_s:g} | |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    faults = lost = 0
    for case in chosen:
        one = became[case]
        not_right = wrong(case, one, options.deadline_s)
        faults += bool(not_right)
        lost += LOST in not_right
        cells = (
            case.fault.name,
            "for ever" if case.lasts else "once",
            case.look,
            case.wire,
            one.answer or "-",
            one.status,
            one.why or "-",
            one.tries,
            f"{one.seconds:.1f}",
            not_right,
        )
        print(f"| {' | '.join(str(cell) for cell in cells)} |")
    latest = max(one.seconds for one in became.values()) - options.deadline_s
    print(
        f"\n{len(chosen)} cases in {time.monotonic() - began:.0f} s: {lost} answers lost, the latest came "
        f"{latest:+.1f} s from its deadline, {faults} not as expected."
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

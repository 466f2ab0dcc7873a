"""A diagnosis as a table for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby

from zoomrefine_mcp.doctor.checks import Check, Diagnosis, Status
from zoomrefine_mcp.safe_text import one_line

_SIGNS = {Status.OK: "ok", Status.WARNING: "warning", Status.FAILED: "FAILED", Status.SKIPPED: "-"}
_WIDTH = 118
"""Of a line where nobody says how wide the terminal is, in characters."""


def table(diagnosis: Diagnosis, *, width: int = _WIDTH) -> list[str]:
    """One row a check: its name, what came of it, what was found, and below it what to do; then a last line.

    Args:
        diagnosis: What was found.
        width: Of a line, in characters.
    """
    checks = _gathered(diagnosis.checks)
    names = max(len(check.name) for check in checks)
    signs = max(map(len, _SIGNS.values()))
    lines: list[str] = []
    for check in checks:
        start = f"{check.name:<{names}}  {_SIGNS[check.status]:<{signs}}  "
        told = [one_line(check.finding)]
        if check.advice:
            told.append(f"-> {one_line(check.advice)}")
        for number, text in enumerate(told):
            first = start if number == 0 else " " * len(start)
            further = " " * (len(start) + 3 * (number > 0))
            lines += textwrap.wrap(
                text,
                max(width, len(start) + 40),
                initial_indent=first,
                subsequent_indent=further,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return [*lines, "", _verdict(diagnosis)]


def _gathered(checks: Sequence[Check]) -> list[Check]:
    """The checks, with those that were left out for one reason in one row."""
    rows: list[Check] = []
    for finding, same in groupby(checks, key=lambda check: check.finding):
        found = list(same)
        if len(found) > 2:
            names = ", ".join(check.name for check in found)
            found = [Check("further", Status.SKIPPED, f"{finding} Not looked at: {names}.")]
        rows += found
    return rows


def _verdict(diagnosis: Diagnosis) -> str:
    failed = [check.name for check in diagnosis.checks if check.status is Status.FAILED]
    warned = [check.name for check in diagnosis.checks if check.status is Status.WARNING]
    if failed:
        return f"To be mended: {', '.join(failed)}."
    return f"Works; worth a look: {', '.join(warned)}." if warned else "All is well."

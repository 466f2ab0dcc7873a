"""A check and all of them together: what was found, what to do, and with which code a command ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from zoomrefine_mcp.errors import BackendFailure, ZoomRefineError

BAD_SETTINGS = 2
"""Exit code where a setting has to be mended."""
BACKEND_FAULT = BackendFailure.exit_code
"""Exit code where what answers, or the way to it, has to be mended."""


class Status(StrEnum):
    """What came of a check."""

    OK = "ok"
    WARNING = "warning"
    """It works, and could work better, or may mislead."""
    FAILED = "failed"
    """Has to be mended: questions fail or go wrong."""
    SKIPPED = "skipped"
    """Not looked at, or there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Stable, for scripts.
        status: What came of it.
        finding: What was found, in a sentence or two; never a secret.
        advice: What to do; empty where there is nothing to do.
        code: A stable word for what is wrong, an error's code where there is one; None where nothing is.
        facts: Numbers for scripts.
        exit_code: What the command ends with where this failed.
    """

    name: str
    status: Status
    finding: str
    advice: str = ""
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    exit_code: int = BACKEND_FAULT

    def as_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "name": self.name,
            "status": self.status.value,
            "finding": self.finding,
            "advice": self.advice,
            "code": self.code,
            "facts": self.facts,
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, in their order."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """0 where nothing has to be mended, 2 where a setting has, 3 where what answers has."""
        failed = [check.exit_code for check in self.checks if check.status is Status.FAILED]
        return min(failed, default=0)

    def check(self, name: str) -> Check:
        """The check of that name."""
        return next(check for check in self.checks if check.name == name)

    def as_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "ok": self.exit_code == 0,
            "exit_code": self.exit_code,
            "checks": [check.as_json() for check in self.checks],
        }


def ok(name: str, finding: str, advice: str = "", **facts: Any) -> Check:
    """Nothing wrong."""
    return Check(name, Status.OK, finding, advice, facts=facts)


def warned(name: str, finding: str, advice: str, code: str, **facts: Any) -> Check:
    """It works, but."""
    return Check(name, Status.WARNING, finding, advice, code, facts)


def failed(name: str, finding: str, advice: str, code: str, *, exit_code: int = BACKEND_FAULT, **facts: Any) -> Check:
    """To be mended."""
    return Check(name, Status.FAILED, finding, advice, code, facts, exit_code)


def failed_by(name: str, error: ZoomRefineError) -> Check:
    """To be mended, as an error says: what a question would have ended with."""
    candidates = error.context.get("candidates")
    facts = {"candidates": list(candidates)} if candidates else {}
    advice = error.hint or "The server's log may say more."
    return Check(name, Status.FAILED, error.message, advice, error.code, facts, error.exit_code)


def skipped(name: str, why: str) -> Check:
    """Not looked at."""
    return Check(name, Status.SKIPPED, why)


def skipped_all(names: Iterable[str], why: str) -> list[Check]:
    """None of these was looked at."""
    return [skipped(name, why) for name in names]

"""One question's record, the table of all of them, and the bounds that they are held to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from looks_scenes import KINDS

POLICIES = ("direct", "paper", "adaptive", "thorough")
RATES = (0.0, 0.1, 0.3, 0.5)
LEAST_QUESTIONS = 30
"""Shares and means of fewer questions are not held to a bound."""
LEAST_RIGHT = {"legible": 0.95, "one_region": 0.95, "two_regions": 0.95, "two_levels": 0.95, "search": 0.80}
MOST_MEAN_LOOKS = {"legible": 1.2, "one_region": 2.2}
"""At an error rate of 10%, of ``adaptive``."""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a question.

    Attributes:
        kind: Of the scene.
        number: Of the scene.
        policy: How it was looked at.
        rate: How often the model names a wrong region.
        threshold: From which height in pixels it reads.
        sloppy: Whether it wrote carelessly.
        verdict: ``right``, ``wrong`` (answered, and not so), ``abstained`` (and there was an answer) or ``failed``.
        answer: What was answered.
        truth: None where the picture does not say.
        looks: Replies that came.
        most_looks: How many the policy promises at most, one that nobody could read and that was asked for again not counted.
        unreadable: How many of them nobody could read.
        fresh: Image tokens that were paid in full.
        cached: Image tokens of a beginning that had been sent before.
        tokens: Of all requests and replies, words included, cached or not.
        most_tokens: What the question was allowed; None where nothing was said.
        status: Of the result.
        reason: Of the result.
        searched: The share of the picture that was seen at a readable scale, as the result says.
        image_s: Seconds of picture work.
        total_s: Seconds of the question, the model's decoding included.
        error: The code, where there is no result.
        trace: What the result says of its looks.
    """

    kind: str
    number: int
    policy: str
    rate: float
    threshold: float
    sloppy: bool
    verdict: str
    answer: str | None = None
    truth: str | None = None
    looks: int = 0
    most_looks: int = 1
    unreadable: int = 0
    fresh: int = 0
    cached: int = 0
    tokens: int = 0
    most_tokens: int | None = None
    status: str = ""
    reason: str | None = None
    searched: float | None = None
    image_s: float = 0.0
    total_s: float = 0.0
    error: str | None = None
    trace: list[dict[str, Any]] = field(default_factory=list)


def load(path: Path) -> list[Record]:
    """Records from a JSONL file."""
    return [Record(**json.loads(line)) for line in path.read_text().splitlines()]


def append(records: Iterable[Record], path: Path) -> None:
    """Records to the end of a JSONL file."""
    with path.open("a") as file:
        file.writelines(json.dumps(asdict(one)) + "\n" for one in records)


def share(records: Sequence[Record], verdict: str) -> float:
    """How many of them, in 0..1."""
    return sum(one.verdict == verdict for one in records) / len(records)


def mean(records: Sequence[Record], name: str) -> float:
    """Of a number in the records."""
    return float(sum(getattr(one, name) for one in records)) / len(records)


def picked(records: Iterable[Record], **wanted: object) -> list[Record]:
    """Those with these values."""
    return [one for one in records if all(getattr(one, name) == value for name, value in wanted.items())]


def table(records: Sequence[Record]) -> str:
    """A Markdown table for each threshold and manner of writing: a row for each kind and error rate."""
    lines: list[str] = []
    for threshold, sloppy in sorted({(one.threshold, one.sloppy) for one in records}, key=lambda key: (key[1], key[0])):
        some = picked(records, threshold=threshold, sloppy=sloppy)
        policies = [name for name in POLICIES if picked(some, policy=name)]
        manner = "talkative and careless" if sloppy else "to the form"
        lines += [
            f"\nReads from {threshold:g} px, writes {manner}. Right / wrong / abstained in %, mean looks, image tokens"
        ]
        lines += ["in thousands (in full + cached), seconds of picture work / in all:\n"]
        lines += [f"| kind | error | {' | '.join(policies)} |", f"|---|---|{'---|' * len(policies)}"]
        for kind in KINDS:
            for rate in sorted({one.rate for one in picked(some, kind=kind)}):
                cells = (_cell(picked(some, kind=kind, rate=rate, policy=policy)) for policy in policies)
                lines.append(f"| {kind} | {rate:.0%} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(records: Sequence[Record]) -> str:
    if not records:
        return ""
    shares = [f"{100 * share(records, verdict):.0f}" for verdict in ("right", "wrong", "abstained")]
    failed = share(records, "failed")
    return (
        f"**{shares[0]}** / {shares[1]} / {shares[2]}"
        + (f" ({100 * failed:.0f} failed)" if failed else "")
        + f", {mean(records, 'looks'):.1f}, {mean(records, 'fresh') / 1000:.1f} + {mean(records, 'cached') / 1000:.1f}"
        + f", {mean(records, 'image_s'):.2f} / {mean(records, 'total_s'):.2f}"
    )


def missed(records: Sequence[Record]) -> list[str]:
    """Every bound that does not hold, in a sentence."""
    said: list[str] = []
    at_ten = picked(records, policy="adaptive", rate=0.1, threshold=12.0, sloppy=False)
    for kind, least in LEAST_RIGHT.items():
        some = picked(at_ten, kind=kind)
        if len(some) >= LEAST_QUESTIONS and share(some, "right") < least:
            said.append(f"adaptive on {kind} at 10%: {share(some, 'right'):.1%} right, at least {least:.0%} wanted")
    for kind, most in MOST_MEAN_LOOKS.items():
        some = picked(at_ten, kind=kind)
        if len(some) >= LEAST_QUESTIONS and mean(some, "looks") >= most:
            said.append(f"adaptive on {kind} at 10%: {mean(some, 'looks'):.2f} looks, below {most} wanted")
    for one in records:
        who = f"{one.policy} on {one.kind}-{one.number} at {one.rate:.0%}{', sloppy' if one.sloppy else ''}"
        if one.reason == "not_in_picture" and (one.searched is None or one.searched < 0.999):
            said.append(f"{who}: says that it is not in the picture, of which {one.searched} was searched")
        if one.reason == "not_in_picture" and one.truth is not None and not one.sloppy:
            said.append(f"{who}: says that it is not in the picture, and it is")
        if one.looks - one.unreadable > one.most_looks:
            said.append(f"{who}: {one.looks} looks, {one.unreadable} of them unreadable, {one.most_looks} allowed")
        if one.most_tokens is not None and one.tokens > one.most_tokens:
            said.append(f"{who}: {one.tokens:,} tokens, {one.most_tokens:,} allowed")
        if one.verdict == "failed" and not (one.sloppy and one.error == "reply_unreadable"):
            said.append(f"{who}: no result ({one.error})")
    return said

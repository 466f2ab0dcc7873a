"""What can go wrong between us and a model's server, case by case, and what becomes of a question meanwhile.

``scripts/fault_table.py`` runs the cases with the real pauses and prints them; the tests run them with short ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from PIL import Image

from tests.support.model_server import ModelServer
from tests.support.received import MARKER
from zoomrefine_mcp import ZoomRefine
from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.anthropic import AnthropicClient
from zoomrefine_mcp.backends.clients.openai import OpenAIClient
from zoomrefine_mcp.backends.clients.retries import Patience
from zoomrefine_mcp.backends.endpoints import choose_endpoint
from zoomrefine_mcp.backends.form import reply_schema
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.errors import ZoomRefineError
from zoomrefine_mcp.settings import Settings

FIRST, SECOND = "unsure", "the marker"
"""What the model answers at each look."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        name: As a table says it.
        told: What the model server is told to do.
        code: The error where it lasts and meets the first look; empty where there is an answer all the same.
        reason: Why the first answer stands where it lasts and meets the second look; empty where it does not.
        passes: Whether a question is answered in full where it happens once.
        retry_after: The pause that it asks for, in seconds.
        edge: Of pictures that pass where it happens once, in pixels.
    """

    name: str
    told: str
    code: str
    reason: str = "refine_failed"
    passes: bool = True
    retry_after: str = ""
    edge: int = 0


FAULTS = (
    Fault("429, Retry-After 1", "429", "backend_rate_limited", retry_after="1"),
    Fault("429, Retry-After 300", "429", "backend_rate_limited", passes=False, retry_after="300"),
    Fault("500", "500", "backend_error"),
    Fault("503", "503", "backend_error"),
    Fault("529", "529", "backend_rate_limited"),
    Fault("slow", "slow", "", ""),
    Fault("hanging", "hang", "backend_timeout", "deadline", passes=False),
    Fault("reset before the body", "close", "backend_unreachable"),
    Fault("reset in the middle of it", "reset", "backend_unreachable"),
    Fault("HTML with 200", "html", "backend_error"),
    Fault("invalid JSON", "garbage", "backend_error"),
    Fault("an error with 200", "error_inside", "backend_rate_limited"),
    Fault("empty choices", "no_choices", "reply_unreadable", "refine_unreadable"),
    Fault("empty text", "empty", "reply_unreadable", "refine_unreadable"),
    Fault("unreadable reply", "unreadable", "reply_unreadable", "refine_unreadable"),
    Fault("length cut-off", "cut_off", "reply_unreadable", "refine_unreadable"),
    Fault("schema refused", "no_schema", "", ""),
    Fault("refusal", "refusal", "model_refused", "refine_refused", passes=False),
    Fault("auth", "401", "backend_auth", passes=False),
    Fault("model not found", "404", "model_not_found", passes=False),
    Fault("image too large", "too_large", "picture_refused", edge=500),
    Fault("images dropped", "dropped", "", "picture_dropped", passes=False),
    Fault("one picture at most", "one_picture", "", "refine_failed", passes=False),
)


@dataclass(frozen=True)
class Case:
    """A fault, how long it lasts, which look it meets, and over which wire."""

    fault: Fault
    lasts: bool
    look: int
    wire: str

    def expected(self) -> tuple[str | None, str, str]:
        """Answer, status and reason, or no answer, ``error`` and the code."""
        fault = self.fault
        refined = (SECOND, "refined", "")
        if fault.told in {"slow", "no_schema"} or (fault.told == "one_picture" and self.look == 1 and not self.lasts):
            return refined
        if fault.told == "dropped":  # there is no second try of a look that was answered
            return refined if self.look == 1 and not self.lasts else (FIRST, "preliminary", fault.reason)
        if not self.lasts and fault.passes:
            return refined
        if self.look == 1 and fault.told != "one_picture":
            return None, "error", fault.code
        return FIRST, "preliminary", fault.reason


def cases(wires: tuple[str, ...] = ("openai", "anthropic")) -> Iterator[Case]:
    """Every fault, once and lasting, at either look, over each wire."""
    for fault, lasts, look, wire in product(FAULTS, (False, True), (1, 2), wires):
        yield Case(fault, lasts, look, wire)


@dataclass(frozen=True)
class Became:
    """What became of a question.

    Attributes:
        answer: The answer that came back; None where there was an error.
        status: The result's status, or ``error``.
        why: The result's reason, or the error's code.
        tries: How many requests the server got.
        seconds: How long it took.
        told: The error's words, or the warnings.
        calls: How many replies the result counts.
        unreadable: How many of them nobody could read.
    """

    answer: str | None
    status: str
    why: str
    tries: int
    seconds: float
    told: str
    calls: int = 0
    unreadable: int = 0


def draw_scene(path: Path) -> Path:
    """A picture whose marker is found in the view and in the crop."""
    scene = Image.new("RGB", (2400, 1600), (120, 120, 120))
    scene.paste(MARKER, (1500, 700, 1560, 760))
    scene.save(path)
    return path


async def run(
    case: Case, scene: Path, *, deadline_s: float, patience: Patience, slow_s: float, retry_after: str
) -> Became:
    """Ask a question while the case's fault happens.

    Args:
        case: What goes wrong.
        scene: By ``draw_scene``.
        deadline_s: Of the question, in seconds.
        patience: Of the client.
        slow_s: How long a slow answer takes.
        retry_after: What the fault asks for, in seconds; empty where it asks for nothing.
    """
    fault = case.fault
    at = {look: fault.told if case.lasts else [fault.told, "ok"] for look in ((1, 2) if case.lasts else (case.look,))}
    if case.look > 1:
        at.pop(1, None)
    if fault.told == "one_picture":
        at = dict.fromkeys((1, 2), fault.told) if case.lasts or case.look > 1 else {}
    if fault.edge and not case.lasts:
        at = dict.fromkeys(at, fault.told)
    edge = 0 if case.lasts else fault.edge
    headers = {"Retry-After": retry_after} if retry_after else {}
    with ModelServer(faults=at, counts=True, headers=headers, slow_s=slow_s, largest_edge=edge) as server:
        endpoint = choose_endpoint(Settings(backend=case.wire, base_url=server.address(case.wire)), ocr_installed=False)
        profile = profile_for(server.model, wire=case.wire)
        wire = AnthropicClient if case.wire == "anthropic" else OpenAIClient
        client = wire(endpoint, server.model, profile, reply_schema=reply_schema(), patience=patience)
        backend = ChatBackend(client, BackendInfo(case.wire, server.model, profile, server.url))
        began = time.monotonic()
        try:
            result = await ZoomRefine(backend, view_edge=800, timeout_s=deadline_s).zoom_and_refine(scene, "Where?")
        except ZoomRefineError as error:
            return Became(None, "error", error.code, len(server.requests), time.monotonic() - began, error.told)
        finally:
            took = time.monotonic() - began
            await client.aclose()
        told = " ".join(result.warnings)
        return Became(
            result.answer,
            result.status,
            result.status_reason or "",
            len(server.requests),
            took,
            told,
            result.usage.calls,
            result.usage.unreadable_replies,
        )

"""A picture of any size that costs nothing to render, and a model that decides by what it was shown of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoomrefine_mcp import Budget, ZoomRefine
from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.base import ChatClient, Completion, Message
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.errors import BackendFailure
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Fit, Picture
from zoomrefine_mcp.records import ReplyForm, Usage

SHEET = Size(4000, 3000)
"""Seen at a quarter of its size by a model that sees 1000 pixels; twelve tiles show it at a readable scale."""


class Sheet:
    """A ``Source`` without pixels.

    Args:
        size: In pixels.
        busy: What there is to see in a box.
    """

    def __init__(self, size: Size = SHEET, busy: Callable[[Box], float] = lambda _: 1.0) -> None:
        self.size, self.path, self.page, self.pages = size, "sheet", 1, 1
        self.readable = 0.75
        self.parts: tuple[Box, ...] = (Box.full(),)
        self.notes: tuple[str, ...] = ()
        self._busy = busy

    async def detail(self, boxes: Sequence[Box]) -> tuple[float, ...]:
        return tuple(map(self._busy, boxes))

    def on_page(self, box: Box) -> tuple[int, Box, Size]:
        return 1, box, self.size

    async def render(self, region: Box, fit: Fit) -> Picture:
        cut = region.to_pixels(self.size)
        return Picture(f"{cut} at {fit.size}".encode(), "image/jpeg", fit.size, Box.from_pixels(cut, self.size))


@dataclass(frozen=True)
class Shown:
    """What a model is shown in one request.

    Attributes:
        look: Which request it is, from 1.
        new: The pictures of the last turn.
        pictures: All of the conversation, in order.
        text: The words of the last turn.
        turns: How many turns the conversation has.
    """

    look: int
    new: tuple[Picture, ...]
    pictures: tuple[Picture, ...]
    text: str
    turns: int

    def scale(self, box: Box, size: Size = SHEET) -> float:
        """The best scale at which a new picture shows a box whole; 0 where none does."""
        held = [one for one in self.new if one.shows.contains(box)]
        return max((one.size.width / (one.shows.width * size.width) for one in held), default=0.0)

    def holds(self, box: Box) -> bool:
        return any(one.shows.contains(box) for one in self.new)

    def on_newest(self, box: Box) -> dict[str, Any]:
        """The box as a region of the newest picture that holds it."""
        number, held = max((n, one.shows) for n, one in enumerate(self.pictures, start=1) if one.shows.contains(box))
        x0, y0, x1, y1 = (box.x0 - held.x0, box.y0 - held.y0, box.x1 - held.x0, box.y1 - held.y0)
        numbers = [x0 / held.width, y0 / held.height, x1 / held.width, y1 / held.height]
        return {"picture": number, "label": "it", "box": numbers}


Reply = str | BackendFailure
Says = Callable[[Shown], Reply]


def said(answer: str | None = None, evidence: str = "legible", regions: Sequence[Any] = (), **more: Any) -> str:
    """A reply; regions are boxes on picture 1 or what ``on_newest`` made."""
    listed = [one if isinstance(one, dict) else {"picture": 1, "label": "it", "box": one.as_list()} for one in regions]
    fields = {"reasoning": "Seen.", "evidence": evidence, "answer": answer, "choice": None, "regions": listed}
    return json.dumps(fields | more)


class Seer:
    """A ``ChatClient`` that says what a function, or a list of replies, makes of what it is shown.

    Args:
        says: A function of what is shown, or one reply (or function) for each request, the last for all that follow.
        tokens: What each reply reports: input and output.
    """

    def __init__(self, says: Says | Sequence[Reply | Says], tokens: tuple[int, int] = (0, 0)) -> None:
        self._says = says
        self._tokens = tokens
        self.requests: list[tuple[Message, ...]] = []

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:
        self.requests.append(messages)
        shown = self.shown[-1]
        says = self._says if callable(self._says) else self._says[min(shown.look, len(self._says)) - 1]
        reply = says(shown) if callable(says) else says
        if isinstance(reply, BackendFailure):
            raise reply
        return Completion(text=reply, usage=Usage(1, self._tokens[0], 0, self._tokens[1]))

    @property
    def shown(self) -> list[Shown]:
        """What each request held, in order."""
        return [
            Shown(
                look,
                messages[-1].pictures,
                tuple(picture for message in messages for picture in message.pictures),
                "\n".join(part for part in messages[-1].parts if isinstance(part, str)),
                len(messages),
            )
            for look, messages in enumerate(self.requests, start=1)
        ]


def ask_command(path: Path, script: Path) -> list[str]:
    """The arguments that ask for a number on a picture seen at 200 px, answered by a script."""
    asked = ["ask", str(path), "Which number?", "--view-edge", "200"]
    return [*asked, "--backend", "scripted", "--script", str(script)]


def refine(client: ChatClient, policy: str = "adaptive", budget: Budget | None = None, **facts: Any) -> ZoomRefine[Any]:
    """The pipeline before a model that sees 1000 pixels a side."""
    eye = {"sees": lambda size: size.within_edge(1000), "enlarge_to": 1000} | facts
    profile = replace(profile_for("a-model-nobody-knows", wire="openai"), **eye)
    backend = ChatBackend(client, BackendInfo("scripted", "a-model", profile, "this machine"))
    return ZoomRefine(backend, policy, budget=budget or Budget())


async def ask(
    says: Says | Sequence[Reply | Says],
    *,
    source: Sheet | None = None,
    question: str = "Which number?",
    choices: Sequence[str] | None = None,
    policy: str = "adaptive",
    budget: Budget | None = None,
    tokens: tuple[int, int] = (0, 0),
    **facts: Any,
) -> tuple[Any, Seer]:
    """One question: the result, and the model with what it was sent."""
    seer = Seer(says, tokens)
    made = await refine(seer, policy, budget, **facts).zoom_and_refine(source or Sheet(), question, choices)
    return made, seer

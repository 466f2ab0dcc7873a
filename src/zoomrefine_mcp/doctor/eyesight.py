"""Shows a backend test cards, as a question would show it a picture, and keeps what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio

from zoomrefine_mcp.backends.base import Ask, Backend, Look
from zoomrefine_mcp.backends.chat import ChatTranscript
from zoomrefine_mcp.backends.clients.base import ChatClient, Message, Role
from zoomrefine_mcp.errors import BackendFailure, ModelRefused, ReplyUnreadable, ZoomRefineError
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.images.card import CARD_SIZE, CARDS, QUESTION, Card, show_card
from zoomrefine_mcp.questions import read_question
from zoomrefine_mcp.records import ReplyForm, Stage
from zoomrefine_mcp.zoom import past_deadline

T = TypeVar("T")

VIEW_SIZE = Size(CARD_SIZE.width // 2, CARD_SIZE.height // 2)
"""What is sent of a card, where the model sees that much: small, since a check costs what its pictures cost."""

_AROUND = 0.1  # how much is shown around the rectangle in the second look, as the paper does

PROBE: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
"""A schema that no reply to ``_HELLO`` keeps to by itself."""
_FEW = 16  # tokens of a reply that nobody reads: its prompt is what is counted
_HELLO = "Say hello in one short sentence."


@dataclass(frozen=True, slots=True)
class Try:
    """One look at a card.

    Attributes:
        card: Which one.
        ask: What was asked.
        seconds: How long it took.
        look: What was read; None where the reply could not be.
        fault: Why not: ``ReplyUnreadable`` or ``ModelRefused``.
    """

    card: Card
    ask: Ask
    seconds: float
    look: Look[Any] | None = None
    fault: BackendFailure | None = None

    @property
    def is_read(self) -> bool:
        """Whether the answer is the card's word."""
        return self.look is not None and self.card.word.casefold() in (self.look.answer.text or "").casefold()


@dataclass(slots=True)
class Sight:
    """Everything that came of showing cards; filled as it goes, so that what ends it loses nothing.

    Attributes:
        tries: First looks, one a card.
        second: The second look, at the first card whose reply could be read.
        second_fault: Why there is none, where it was tried.
        large: A look at a card as large as a question's view of an 8K picture.
        large_fault: Why there is none, where it was tried.
        tokens_without_picture: What the first look's words cost without its picture, in tokens; 0 where not known.
        binds: Whether a reply kept to a schema that its prompt did not ask for; None where that could not be tried.
        fault: What ended it early.
    """

    tries: list[Try] = field(default_factory=list)
    second: Try | None = None
    second_fault: BackendFailure | None = None
    large: Try | None = None
    large_fault: ZoomRefineError | None = None
    tokens_without_picture: int = 0
    binds: bool | None = None
    fault: BackendFailure | None = None

    @property
    def read(self) -> list[Try]:
        """The tries whose replies could be read."""
        return [one for one in self.tries if one.look is not None]

    def tokens_of(self, one: Try | None) -> int | None:
        """What a first look's picture added to the prompt, in tokens; None where the server does not say."""
        if one is None or one.look is None or not self.tokens_without_picture:
            return None
        usage = one.look.usage
        return usage.input_tokens - self.tokens_without_picture if usage.calls == 1 and usage.input_tokens else None


async def show(
    backend: Backend[Any], number: int, form: ReplyForm, timeout_s: float, *, wanted: Size = VIEW_SIZE
) -> Try:
    """A first look at a card, as stage 1 of a question.

    Args:
        backend: Who looks.
        number: Which card, from 0.
        form: The reply form that questions use.
        timeout_s: The deadline of a question.
        wanted: How large a view is wanted; the model is sent what it sees of that.

    Raises:
        BackendFailure: Every kind but an unreadable or refused reply, which is a result here.
    """
    card = CARDS[number % len(CARDS)]
    view = await show_card(card, Box.full(), backend.fit(Stage.LOCALIZE, wanted))
    return await _look(backend, card, Ask(Stage.LOCALIZE, form, read_question(QUESTION), (view,)), None, timeout_s)


async def show_closer(backend: Backend[Any], first: Try, timeout_s: float) -> Try:
    """A second look, after the first: the rectangle from the original, as stage 2 of a question.

    Raises:
        BackendFailure: As ``show``.
    """
    region = first.card.box.grown(_AROUND, _AROUND)
    crop = await show_card(first.card, region, backend.fit(Stage.REFINE, region.to_pixels(CARD_SIZE).size))
    ask = Ask(Stage.REFINE, first.ask.form, first.ask.question, (crop,))
    return await _look(backend, first.card, ask, first.look.transcript if first.look else None, timeout_s)


async def count_without_picture(client: ChatClient, first: Try, timeout_s: float) -> int:
    """What the words of the first look cost without its picture, in tokens; 0 where the server does not say.

    Raises:
        BackendFailure: By its kind.
    """
    transcript: ChatTranscript | None = first.look.transcript if first.look else None
    if transcript is None:
        return 0
    asked = transcript.messages[:2]  # the instructions and the question
    words = tuple(
        Message(message.role, tuple(part for part in message.parts if isinstance(part, str))) for message in asked
    )
    completion = await _within(timeout_s, client.complete(words, form=first.ask.form, max_tokens=_FEW))
    return completion.usage.input_tokens


async def keeps_to_schema(client: ChatClient, max_tokens: int, timeout_s: float) -> bool:
    """Whether a reply keeps to ``PROBE``, which its prompt does not ask for.

    Args:
        client: One whose replies are bound to ``PROBE``.
        max_tokens: The output budget.
        timeout_s: The deadline.

    Raises:
        BackendFailure: By its kind.
    """
    hello = (Message(Role.USER, (_HELLO,)),)
    completion = await _within(timeout_s, client.complete(hello, form=ReplyForm.JSON, max_tokens=max_tokens))
    try:
        reply = json.loads(completion.text, strict=False)
    except (ValueError, RecursionError):
        return False
    return isinstance(reply, dict) and set(reply) == set(PROBE["required"])


async def _look(backend: Backend[Any], card: Card, ask: Ask, after: Any, timeout_s: float) -> Try:
    began = time.perf_counter()
    try:
        look = await _within(timeout_s, backend.look(ask, after))
    except (ReplyUnreadable, ModelRefused) as fault:
        return Try(card, ask, time.perf_counter() - began, fault=fault)
    return Try(card, ask, time.perf_counter() - began, look)


async def _within(timeout_s: float, work: Awaitable[T]) -> T:
    with anyio.move_on_after(timeout_s):
        return await work
    raise past_deadline("the model replied")

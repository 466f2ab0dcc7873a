"""One wire each: what a chat client takes and gives. Retries and keys live in the clients alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import ReplyForm, Usage


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. Parts are text and pictures in the order in which they are sent.

    An assistant's message holds its text exactly as it came, so that a later request repeats the earlier one byte
    for byte.
    """

    role: Role
    parts: tuple[str | Picture, ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures of this turn, in order."""
        return tuple(part for part in self.parts if isinstance(part, Picture))


class Finish(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back, with thinking already apart from the answer.

    Attributes:
        text: The reply. May be empty; ``chat.py`` decides what that means.
        usage: Tokens of this call (``calls`` is 1).
        finish: Why it ended.
        thinking: The model's separate thinking, where the wire gives it.
    """

    text: str
    usage: Usage
    finish: Finish = Finish.STOP
    thinking: str = ""


class ChatClient(Protocol):
    """One wire to one model."""

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:
        """Send the whole conversation and return the model's reply.

        Raises:
            BackendFailure: By its kind (unreachable, auth, rate limit, model not found, picture refused, ...).
        """
        ...

"""A client that replays replies and records requests: for our tests, for yours, and for ``--backend scripted``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from zoomrefine_mcp.backends.clients.base import Completion, Message
from zoomrefine_mcp.errors import BackendError, BackendFailure, BadRequest
from zoomrefine_mcp.records import ReplyForm, Usage
from zoomrefine_mcp.safe_text import whole_characters

Reply = str | Completion | BackendFailure | Callable[[tuple[Message, ...]], str]
"""What a scripted client can be told to do: say this, return this, raise this, or say what a function makes of it."""


class ScriptedClient:
    """A ``ChatClient`` without a model.

    >>> client = ScriptedClient(["Answer: A", lambda messages: f"{len(messages)} turns"])

    Args:
        replies: What it does, in order, one for each request.

    Attributes:
        requests: The conversations that it was sent, in order.
    """

    def __init__(self, replies: Iterable[Reply]) -> None:
        self._replies = tuple(replies)
        self.requests: list[tuple[Message, ...]] = []

    @classmethod
    def from_file(cls, path: Path | str) -> Self:
        """Read a script: a JSON list of strings, or one JSON string a line.

        Raises:
            BadRequest: The file cannot be read or holds something else.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise BadRequest(
                f"The script {path} cannot be read: {reason}.", hint="Name a file of replies with --script FILE."
            ) from error
        return cls(_replies_in(text, path))

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:  # noqa: ARG002
        """Record the conversation and do what the script says next.

        Raises:
            BackendFailure: The one that the script holds here; ``BackendError`` when it has run out.
        """
        self.requests.append(messages)
        if len(self.requests) > len(self._replies):
            raise BackendError(
                f"The script has {len(self._replies)} replies and was asked for one more.",
                hint="Add a reply for each look; a zoom takes two.",
            )
        reply = self._replies[len(self.requests) - 1]
        if isinstance(reply, BackendFailure):
            raise reply
        if isinstance(reply, Completion):
            return reply
        return Completion(text=reply if isinstance(reply, str) else reply(messages), usage=Usage(calls=1))

    async def aclose(self) -> None:
        """Nothing to close; here because every client has it."""


def _replies_in(text: str, path: Path | str) -> list[str]:
    """The strings of a script in either form."""
    try:
        replies = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in _lines(text)]
    except ValueError:
        replies = []
    if not replies or not all(isinstance(reply, str) for reply in replies):
        raise BadRequest(
            f"The script {path} is neither a JSON list of strings nor one JSON string a line.",
            hint='Write replies like ["Answer: A", "Rechecked Answer: B"].',
        )
    return [whole_characters(reply) for reply in replies]  # as the wires do


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]

"""A backend from any chat client: prompts in, one exchange, the reply read through the model's profile.

Which client, which model and which facts are given; nothing here knows a wire or a family by name.
"""

from __future__ import annotations

from dataclasses import dataclass

from zoomrefine_mcp.backends.base import Ask, BackendInfo, Look
from zoomrefine_mcp.backends.clients.base import ChatClient, Completion, Finish, Message, Role
from zoomrefine_mcp.backends.profiles import PartOrder
from zoomrefine_mcp.backends.prompts import picture_text, stage_text, system_text
from zoomrefine_mcp.backends.replies import Reading, read_reply
from zoomrefine_mcp.errors import ModelRefused, ReplyUnreadable
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import Fit, Picture
from zoomrefine_mcp.records import Stage


@dataclass(frozen=True, slots=True)
class ChatTranscript:
    """A conversation up to and including a reply. Going on from one twice is a fork.

    Attributes:
        messages: Every turn, the assistant's text exactly as it came.
    """

    messages: tuple[Message, ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture so far; the first one is picture 1."""
        return tuple(picture for message in self.messages for picture in message.pictures)


class ChatBackend:
    """A ``Backend`` from a ``ChatClient``.

    Args:
        client: The wire.
        info: What answers; its profile decides sizes, words, part order and how boxes are read.
        max_tokens: The output budget of a reply, thinking included; None takes the profile's.
    """

    def __init__(self, client: ChatClient, info: BackendInfo, *, max_tokens: int | None = None) -> None:
        self._client = client
        self._info = info
        self._max_tokens = max_tokens if max_tokens is not None else info.profile.reply_tokens

    @property
    def info(self) -> BackendInfo:
        """What answers."""
        return self._info

    def fit(self, stage: Stage, wanted: Size) -> Fit:  # noqa: ARG002 - the same eye in every stage
        """What the model sees of ``wanted``, by its profile."""
        profile = self._info.profile
        return Fit(profile.sees(wanted), max_bytes=profile.max_bytes)

    async def look(self, ask: Ask, after: ChatTranscript | None = None) -> Look[ChatTranscript]:
        """Show the pictures, ask, and read the reply.

        Raises:
            BackendFailure: What the client raises; ``ModelRefused``; ``ReplyUnreadable`` (``context`` holds the usage
                and the beginning of the reply).
        """
        messages = self._conversation(ask, after)
        completion = await self._client.complete(messages, form=ask.form, max_tokens=self._max_tokens)
        transcript = ChatTranscript((*messages, Message(Role.ASSISTANT, (completion.text,))))
        reading = self._read(completion, ask, transcript.pictures)
        warnings = reading.warnings
        if completion.finish is Finish.LENGTH:
            warnings = (*warnings, f"The reply was cut off at {self._max_tokens} tokens; what it held was read.")
        return Look(reading.answer, reading.regions, reading.evidence, completion.usage, transcript, warnings)

    def _conversation(self, ask: Ask, after: ChatTranscript | None) -> tuple[Message, ...]:
        """The transcript so far and one more turn: the earlier messages are the same objects, whatever is asked."""
        profile = self._info.profile
        earlier = after.messages if after else (Message(Role.SYSTEM, (system_text(ask.form, profile),)),)
        seen = after.pictures if after else ()
        pictures = (*seen, *ask.pictures)
        shown: list[str | Picture] = []
        for number, picture in enumerate(ask.pictures, start=len(seen) + 1):
            shown += [picture_text(number, picture, pictures[0], profile=profile, form=ask.form), picture]
        words = stage_text(ask, new=len(pictures))
        parts = (*shown, words) if profile.order is PartOrder.IMAGE_FIRST else (words, *shown)
        return (*earlier, Message(Role.USER, parts))

    def _read(self, completion: Completion, ask: Ask, pictures: tuple[Picture, ...]) -> Reading:
        model, text = self._info.model, completion.text
        facts = {"usage": completion.usage, "reply": text[:500]}
        if completion.finish is Finish.REFUSAL:
            raise ModelRefused(
                f"The model {model} declined to answer.",
                hint="Put the question differently, or ask another model.",
                **facts,
            )
        cut = completion.finish is Finish.LENGTH
        if not text.strip():
            spent = f"The model {model} spent all {self._max_tokens} tokens of its reply without an answer."
            raise ReplyUnreadable(
                spent if cut else f"The model {model} replied with nothing.",
                hint="Turn its thinking down, or use another model." if cut else "Try again, or use another model.",
                **facts,
            )
        try:
            return read_reply(text, ask=ask, pictures=pictures, profile=self._info.profile)
        except ReplyUnreadable as error:
            message = f"The reply was cut off at {self._max_tokens} tokens before its answer." if cut else error.message
            raise ReplyUnreadable(message, hint=error.hint, **facts) from error

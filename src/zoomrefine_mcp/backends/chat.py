"""A backend from any chat client: prompts in, the reply read through the model's profile, or asked for once more.

Which client, which model and which facts are given; nothing here knows a wire or a family by name.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

import anyio

from zoomrefine_mcp.backends.arrival import were_dropped
from zoomrefine_mcp.backends.base import Ask, BackendInfo, Look
from zoomrefine_mcp.backends.clients.base import ChatClient, Completion, Finish, Message, Role
from zoomrefine_mcp.backends.clients.retries import IN_TIME_S
from zoomrefine_mcp.backends.profiles import PartOrder
from zoomrefine_mcp.backends.prompts import again_text, picture_text, stage_text, system_text
from zoomrefine_mcp.backends.replies import Reading, read_reply
from zoomrefine_mcp.errors import BackendFailure, ModelRefused, ReplyUnreadable
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import Fit, Picture
from zoomrefine_mcp.records import Stage, Usage

log = logging.getLogger(__name__)

MORE_ROOM = 2
"""How many times the room of a reply that was cut off its second try gets."""

_NOTHING = "Try again, or use another model; some providers answer so when they filter a question."


@dataclass(frozen=True, slots=True)
class ChatTranscript:
    """A conversation up to and including a reply. Going on from one twice is a fork.

    Attributes:
        messages: Every turn, the assistant's text exactly as it came.
        usage: What the last exchange cost: how many tokens the prompt had that a later one is compared with.
    """

    messages: tuple[Message, ...]
    usage: Usage = field(default_factory=Usage, compare=False)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture so far; the first one is picture 1."""
        return tuple(picture for message in self.messages for picture in message.pictures)


@dataclass(frozen=True, slots=True)
class _Reply:
    """One reply: what was asked, what came, and either what it says or why nobody can tell.

    Attributes:
        messages: The request.
        completion: What came.
        room: Its output budget, in tokens.
        usage: What this and the tries before it cost.
        reading: What it says; None where it cannot be read.
        fault: Why it cannot.
    """

    messages: tuple[Message, ...]
    completion: Completion
    room: int
    usage: Usage
    reading: Reading | None = None
    fault: ReplyUnreadable | None = None

    @property
    def transcript(self) -> ChatTranscript:
        """The conversation with this reply at its end."""
        turn = Message(Role.ASSISTANT, (self.completion.text,))
        return ChatTranscript((*self.messages, turn), self.completion.usage)


class ChatBackend:
    """A ``Backend`` from a ``ChatClient``.

    Args:
        client: The wire.
        info: What answers; its profile decides sizes, words, part order and how boxes are read.
        max_tokens: The most that a reply may have, thinking included; None takes the profile's budget, and more where
            a reply was cut off.
    """

    def __init__(self, client: ChatClient, info: BackendInfo, *, max_tokens: int | None = None) -> None:
        self._client = client
        self._info = info
        self._is_most = max_tokens is not None
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
        """Show the pictures, ask, and read the reply; where that fails, ask once more.

        A reply that was cut off gets one more try with more room, unless the room was set by hand. One that cannot be
        read is asked for once more in the same conversation. Both happen within the deadline; what could be read
        before stands where they fail.

        Raises:
            BackendFailure: What the client raises at the first try; ``ModelRefused``; ``ReplyUnreadable`` (``context``
                holds the usage of every try and the beginning of the reply).
        """
        reply = await self._ask(self._conversation(ask, after), ask, self._max_tokens, Usage())
        if reply.completion.finish is Finish.LENGTH:
            if not self._is_most:
                longer = await self._once_more(reply, reply.messages, ask, MORE_ROOM * self._max_tokens)
                stands = reply.reading is not None and longer.reading is None
                reply = replace(reply, usage=longer.usage) if stands else longer
        elif reply.reading is None:
            reply = await self._once_more(reply, _reminded(reply, ask), ask, self._max_tokens)
        if reply.reading is None:
            raise self._unreadable(reply)
        dropped = self._dropped(reply, after)
        return Look(
            reply.reading.answer,
            reply.reading.regions,
            reply.reading.evidence,
            reply.usage,
            reply.transcript,
            (*reply.reading.warnings, *_warnings(reply, dropped=dropped)),
            dropped,
        )

    async def _ask(self, messages: tuple[Message, ...], ask: Ask, room: int, spent: Usage) -> _Reply:
        """One exchange, read where it can be.

        Raises:
            ModelRefused: The model declined to answer; ``context["usage"]`` is what was spent, this reply included.
        """
        completion = await self._client.complete(messages, form=ask.form, max_tokens=room)
        usage = spent + completion.usage
        if completion.finish is Finish.REFUSAL:
            raise ModelRefused(
                f"The model {self._info.model} declined to answer.",
                hint="Put the question differently, or ask another model.",
                usage=usage,
                reply=completion.text[:500],
            )
        reply = _Reply(messages, completion, room, usage)
        try:
            return replace(reply, reading=self._read(reply, ask))
        except ReplyUnreadable as error:
            log.warning(
                "a reply of %s to %s could not be read (%d characters, %s)",
                self._info.model,
                ask.stage,
                len(completion.text),
                completion.finish,
            )
            return replace(reply, fault=error, usage=usage + Usage(unreadable_replies=1))

    def _read(self, reply: _Reply, ask: Ask) -> Reading:
        if not reply.completion.text.strip():
            raise ReplyUnreadable(f"The model {self._info.model} replied with nothing.", hint=_NOTHING)
        pictures = reply.transcript.pictures
        return read_reply(reply.completion.text, ask=ask, pictures=pictures, profile=self._info.profile)

    async def _once_more(self, reply: _Reply, messages: tuple[Message, ...], ask: Ask, room: int) -> _Reply:
        """Another exchange in what is left of the deadline; the reply that there was, where nothing comes of it.

        Raises:
            ModelRefused: The model declined to answer, and nothing that was read before can stand.
        """
        with anyio.move_on_at(anyio.current_effective_deadline() - IN_TIME_S):
            try:
                return await self._ask(messages, ask, room, reply.usage)
            except BackendFailure as fault:
                log.warning("asking %s once more failed: %s: %s", self._info.model, fault.code, fault.message)
                if isinstance(fault, ModelRefused) and reply.reading is None:
                    raise
                return replace(reply, usage=fault.context.get("usage", reply.usage))
        return reply

    def _dropped(self, reply: _Reply, after: ChatTranscript | None) -> bool:
        """Whether the pictures of this look did not reach the model, by the tokens of its last request."""
        profile, tokens = self._info.profile, reply.completion.usage.input_tokens
        if not profile.in_prompt:
            return False
        if after is None:
            return were_dropped(reply.messages, tokens, profile.image_tokens)
        before = len(after.messages) - 1
        return were_dropped(reply.messages, tokens, profile.image_tokens, before=before, last=after.usage)

    def _unreadable(self, reply: _Reply) -> ReplyUnreadable:
        """The fault of a look whose every try could not be read."""
        fault, cut = reply.fault, reply.completion.finish is Finish.LENGTH
        message, hint = (fault.message, fault.hint) if fault else ("", "")
        if cut:
            message = f"The reply was cut off at {reply.room} tokens before its answer."
            hint = "Turn the model's thinking down, raise --max-tokens, or use another model."
        failure = ReplyUnreadable(message, hint=hint, usage=reply.usage, reply=reply.completion.text[:500])
        failure.__cause__ = fault
        return failure

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


def _reminded(reply: _Reply, ask: Ask) -> tuple[Message, ...]:
    """The conversation with the reply and a word on its form; where it was empty, the same again."""
    if not reply.completion.text.strip():
        return reply.messages  # an empty turn is refused by some servers
    return (*reply.transcript.messages, Message(Role.USER, (again_text(ask),)))


def _warnings(reply: _Reply, *, dropped: bool) -> list[str]:
    """What a caller should know of how a reply came about."""
    warnings = []
    if reply.completion.finish is Finish.LENGTH:
        warnings.append(f"The reply was cut off at {reply.room} tokens; what it held was read.")
    if reply.usage.unreadable_replies:
        warnings.append("A reply could not be read and was asked for once more.")
    if dropped:
        warnings.append(
            "The server counted no more prompt tokens than the words alone have: it seems to have dropped the picture, "
            "and what was answered is not read from it. Is the model one that takes pictures?"
        )
    return warnings

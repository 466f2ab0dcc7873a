"""The Anthropic wire: messages, as Anthropic and servers that imitate it speak them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx2
import pybase64

from zoomrefine_mcp.backends.clients.base import Completion, Finish, Message, Role
from zoomrefine_mcp.backends.clients.decoded import at, count, text_at
from zoomrefine_mcp.backends.clients.exchange import Binding, exchange, model_names
from zoomrefine_mcp.backends.clients.retries import PATIENCE, Patience
from zoomrefine_mcp.backends.clients.sealed import LISTING_PATIENCE, LISTING_TIMEOUT_S, TIMEOUT, sealed_http
from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.backends.profiles import Profile
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import ReplyForm, Usage

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_NO_KEY = "none"  # without any, the SDK looks for profiles on the disk; the seal sends this one nowhere


class AnthropicClient:
    """A ``ChatClient`` over ``AsyncAnthropic``.

    Args:
        endpoint: The address and what may go there. Only Anthropic's own address is asked to refuse pictures that it
            would shrink, and to cache: a server that imitates the wire may not know the fields.
        model: The model's name.
        profile: The facts of its family.
        reply_schema: A JSON schema that replies of the JSON form are bound to. Anthropic's own address gets it in the
            subset that it takes (no bounds, no lengths), which others would lose for nothing. A server that refuses it
            is asked without; None never sends one.
        patience: How long a fault is borne that may pass.
        transport: Stands in for the network in tests.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        profile: Profile,
        *,
        reply_schema: Mapping[str, Any] | None = None,
        patience: Patience = PATIENCE,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.model = model
        self.profile = profile
        schema = _in_subset(reply_schema) if endpoint.official else reply_schema
        bound = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
        self._binding = Binding(None if schema is None else bound)
        self._patience = patience
        self._transport = transport
        self._sdk = _connect(endpoint, transport)

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:
        """Send the whole conversation and return the model's reply.

        Raises:
            BackendFailure: By its kind.
        """
        turns = [self._turn(message) for message in messages if message.role is not Role.SYSTEM]
        if self.endpoint.official and _prefix_tokens(messages, self.profile) >= self.profile.cache_floor:
            # The first turn goes into the prompt cache: a quarter more for the first look, nine tenths less for it in
            # each further one. Always the same block, so that a longer conversation begins as the shorter one did.
            turns[0]["content"][-1]["cache_control"] = {"type": "ephemeral"}
        request: dict[str, Any] = {"model": self.model, "max_tokens": max_tokens, "messages": turns}
        system = "\n\n".join(_text(message) for message in messages if message.role is Role.SYSTEM)
        if system:
            request["system"] = system
        if self.profile.accepts_temperature:
            request["extra_body"] = {"temperature": 0}  # the SDK's own parameter is gone; older models still take it
        return await self._binding.send(self._send, request, form)

    async def _send(self, request: dict[str, Any]) -> Completion:
        import anthropic  # noqa: PLC0415  loaded with the client: 0.5 s and more that others need not pay

        call = partial(self._sdk.messages.with_raw_response.create, **request)
        listing = partial(list_models, self.endpoint, transport=self._transport)
        body = await exchange(
            call, anthropic, endpoint=self.endpoint, model=self.model, patience=self._patience, listing=listing
        )
        return _completion(body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.close()

    def _turn(self, message: Message) -> dict[str, Any]:
        content = [
            {"type": "text", "text": part} if isinstance(part, str) else self._image(part) for part in message.parts
        ]
        return {"role": message.role.value, "content": content}

    def _image(self, picture: Picture) -> dict[str, Any]:
        """A picture as a base64 block; encoded anew in each request, since 8 MB take 0.4 ms."""
        data = pybase64.b64encode_as_string(picture.data)
        source = {"type": "base64", "media_type": picture.mime_type, "data": data}
        block: dict[str, Any] = {"type": "image", "source": source}
        if self.endpoint.official:
            # By default a picture that is too large is shrunk in silence, which would shift every pixel box.
            block["transformations"] = {"oversized_image": "error"}
        return block


async def list_models(
    endpoint: Endpoint,
    *,
    timeout_s: float = LISTING_TIMEOUT_S,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> tuple[str, ...]:
    """The names of the models that the server offers, newest first; the first page is enough to choose from.

    Args:
        endpoint: Who is asked.
        timeout_s: The longest wait for each step on the socket, in seconds.
        transport: Stands in for the network in tests.

    Raises:
        BackendFailure: By its kind.
    """
    import anthropic  # noqa: PLC0415  see above

    timeout = httpx2.Timeout(timeout_s)
    async with _connect(endpoint, transport, timeout) as sdk:
        listed = await exchange(
            sdk.models.with_raw_response.list, anthropic, endpoint=endpoint, model="", patience=LISTING_PATIENCE
        )
        return model_names(listed)


def _connect(
    endpoint: Endpoint, transport: httpx2.AsyncBaseTransport | None, timeout: httpx2.Timeout = TIMEOUT
) -> AsyncAnthropic:
    """The SDK's client. An explicit credential keeps it from looking for one, and the seal has the last word."""
    from anthropic import AsyncAnthropic  # noqa: PLC0415  see above

    http, seal = sealed_http(endpoint, transport)
    key, token = endpoint.api_key, endpoint.auth_token
    sdk = AsyncAnthropic(
        api_key=key.get_secret_value() if key else (None if token else _NO_KEY),
        auth_token=token.get_secret_value() if token and not key else None,
        webhook_key="",
        base_url=endpoint.base_url,
        timeout=timeout,
        max_retries=0,  # retries.py tries again, by one rule for both wires
        open_telemetry=False,  # traces may carry questions and answers to where the environment says
        http_client=http,
    )
    if key or token:
        seal.admit(sdk.auth_headers)
    return sdk


def _in_subset(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The schema without what Anthropic's structured output refuses (bounds, array lengths)."""
    from anthropic import transform_schema  # noqa: PLC0415  see above

    return None if schema is None else transform_schema(dict(schema))


def _prefix_tokens(messages: tuple[Message, ...], profile: Profile) -> float:
    """About how many tokens the system text and the first turn have: one for 4 characters, pictures by the profile."""
    system = [message for message in messages if message.role is Role.SYSTEM]
    first = [message for message in messages if message.role is not Role.SYSTEM][:1]
    return sum(
        len(_text(message)) / 4 + sum(profile.image_tokens(picture.size) for picture in message.pictures)
        for message in (*system, *first)
    )


def _text(message: Message) -> str:
    return "".join(part for part in message.parts if isinstance(part, str))


def _completion(body: dict[str, Any]) -> Completion:
    """Read a message; what is missing or of another type counts as empty."""
    content = at(body, "content")
    blocks = content if isinstance(content, list) else []
    cached = count(body, "usage", "cache_read_input_tokens")
    written = count(body, "usage", "cache_creation_input_tokens")
    return Completion(
        text="".join(text_at(block, "text") for block in blocks if at(block, "type") == "text"),
        usage=Usage(
            calls=1,
            input_tokens=count(body, "usage", "input_tokens") + cached + written,  # this wire counts them apart
            cached_input_tokens=cached,
            output_tokens=count(body, "usage", "output_tokens"),
        ),
        finish=_finish(text_at(body, "stop_reason")),
        thinking="".join(text_at(block, "thinking") for block in blocks if at(block, "type") == "thinking"),
    )


def _finish(reason: str) -> Finish:
    if reason in {"max_tokens", "model_context_window_exceeded"}:
        return Finish.LENGTH
    return Finish.REFUSAL if reason == "refusal" else Finish.STOP

"""The OpenAI wire: chat completions, as OpenAI, vLLM and every compatible server speak them."""

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
from zoomrefine_mcp.safe_text import whole_characters

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_NO_KEY = "none"  # the SDK wants one; the seal sends it nowhere


class OpenAIClient:
    """A ``ChatClient`` over ``AsyncOpenAI``.

    Args:
        endpoint: The address and what may go there.
        model: The model's name.
        profile: The facts of its family: which parameters it takes, what ``detail`` its pictures are sent at.
        reply_schema: A JSON schema that replies of the JSON form are bound to. A server that refuses it is asked
            without; None never sends one.
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
        named = {"name": "reply", "strict": True, "schema": reply_schema}
        bound = {"response_format": {"type": "json_schema", "json_schema": named}}
        self._binding = Binding(None if reply_schema is None else bound)
        self._patience = patience
        self._transport = transport
        self._sdk = _connect(endpoint, transport)

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:
        """Send the whole conversation and return the model's reply.

        Raises:
            BackendFailure: By its kind.
        """
        request: dict[str, Any] = {
            "model": self.model,
            "messages": [_message(message, self.profile.image_detail) for message in messages],
            self.profile.completion_tokens_name: max_tokens,
        }
        if self.profile.accepts_temperature:
            request["temperature"] = 0
        return await self._binding.send(self._send, request, form)

    async def _send(self, request: dict[str, Any]) -> Completion:
        import openai  # noqa: PLC0415  loaded with the client: 0.4 s that a server without questions need not pay

        call = partial(self._sdk.chat.completions.with_raw_response.create, **request)
        listing = partial(list_models, self.endpoint, transport=self._transport)
        body = await exchange(
            call, openai, endpoint=self.endpoint, model=self.model, patience=self._patience, listing=listing
        )
        return _completion(body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.close()


async def list_models(
    endpoint: Endpoint,
    *,
    timeout_s: float = LISTING_TIMEOUT_S,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> tuple[str, ...]:
    """The names of the models that the server offers, in its order.

    Args:
        endpoint: Who is asked.
        timeout_s: The longest wait for each step on the socket, in seconds.
        transport: Stands in for the network in tests.

    Raises:
        BackendFailure: By its kind.
    """
    import openai  # noqa: PLC0415  see above

    timeout = httpx2.Timeout(timeout_s)
    async with _connect(endpoint, transport, timeout) as sdk:
        listed = await exchange(
            sdk.models.with_raw_response.list, openai, endpoint=endpoint, model="", patience=LISTING_PATIENCE
        )
        return model_names(listed)


def _connect(
    endpoint: Endpoint, transport: httpx2.AsyncBaseTransport | None, timeout: httpx2.Timeout = TIMEOUT
) -> AsyncOpenAI:
    """The SDK's client. What it would look up in the environment is given as empty, and the seal has the last word."""
    from openai import AsyncOpenAI  # noqa: PLC0415  see above

    http, seal = sealed_http(endpoint, transport)
    sdk = AsyncOpenAI(
        api_key=endpoint.api_key.get_secret_value() if endpoint.api_key else _NO_KEY,
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=endpoint.base_url,
        timeout=timeout,
        max_retries=0,  # retries.py tries again, by one rule for both wires
        http_client=http,
    )
    if endpoint.api_key:
        seal.admit(sdk.auth_headers)
    return sdk


def _message(message: Message, detail: str | None) -> dict[str, Any]:
    """One turn as the wire writes it: a plain string where there is no picture, which every server reads."""
    if message.role is not Role.USER or not message.pictures:
        return {"role": message.role.value, "content": "".join(part for part in message.parts if isinstance(part, str))}
    content = [
        {"type": "text", "text": part} if isinstance(part, str) else _image(part, detail) for part in message.parts
    ]
    return {"role": message.role.value, "content": content}


def _image(picture: Picture, detail: str | None) -> dict[str, Any]:
    """A picture as a data URI. Encoded anew in each request: 8 MB take 0.4 ms, and nothing is kept."""
    url = f"data:{picture.mime_type};base64,{pybase64.b64encode_as_string(picture.data)}"
    return {"type": "image_url", "image_url": {"url": url} if detail is None else {"url": url, "detail": detail}}


def _completion(body: dict[str, Any]) -> Completion:
    """Read a chat completion; what is missing or of another type, all choices included, counts as empty."""
    choice = at(body, "choices", 0)
    message = at(choice, "message")
    text, thinking = _content(at(message, "content"))
    refusal = text_at(message, "refusal")
    return Completion(
        text=text or refusal,
        usage=Usage(
            calls=1,
            input_tokens=count(body, "usage", "prompt_tokens"),
            cached_input_tokens=count(body, "usage", "prompt_tokens_details", "cached_tokens"),
            output_tokens=count(body, "usage", "completion_tokens"),
        ),
        finish=Finish.REFUSAL if refusal else _finish(text_at(choice, "finish_reason")),
        thinking=thinking or text_at(message, "reasoning_content") or text_at(message, "reasoning"),
    )


def _content(content: Any) -> tuple[str, str]:
    """Text and thinking of a message's content: a string, or parts as some servers write them."""
    if isinstance(content, str):
        return whole_characters(content), ""
    parts = content if isinstance(content, list) else []
    text = "".join(text_at(part, "text") for part in parts if at(part, "type") == "text")
    thoughts = [at(part, "thinking") for part in parts if at(part, "type") == "thinking"]
    return text, "".join(_content(thought)[0] for thought in thoughts)


def _finish(reason: str) -> Finish:
    if reason == "length":
        return Finish.LENGTH
    return Finish.REFUSAL if reason.startswith("content_filter") else Finish.STOP

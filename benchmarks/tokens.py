"""Input tokens of both stages, cached ones apart, for the policies ``paper`` and ``adaptive``, as a Markdown table.

    python benchmarks/tokens.py [BASE_URL]

The real pipeline asks about a small thing on an 8K picture; the replies are given, so that every model is asked for the
same region. Claude, OpenAI and Gemini: pictures by the vendors' own formulas, text at four characters a token, and
"cached" is what stage 2 repeats of stage 1, which is the most that a cache can hold. With BASE_URL also the model behind
that OpenAI-compatible server (vLLM needs ``--enable-prompt-tokens-details``): all counts are the server's own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
from PIL import Image

from zoomrefine_mcp import Settings, ZoomRefine
from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.boxes import write_box
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.base import ChatClient, Completion, Finish, Message
from zoomrefine_mcp.backends.clients.models import pick_model
from zoomrefine_mcp.backends.clients.openai import OpenAIClient
from zoomrefine_mcp.backends.endpoints import choose_endpoint
from zoomrefine_mcp.backends.profiles import Axes, Profile, Unit, profile_for
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import ReplyForm, Usage

PICTURE = Size(7680, 4320)
BOX = Box(0.575, 0.375, 0.625, 0.425)
"""A twentieth of each side: a label and what stands around it."""
QUESTION = "What is the serial number on the plate of the second pump from the left?"
SEEN = (
    "The plate of the second pump is in the right half, a little above the middle; its digits are too small to be sure."
)
POLICIES = ("paper", "adaptive")
CHARACTERS_A_TOKEN = 4
"""A rule of thumb for English text, by OpenAI's help pages; pictures are nine tenths of the whole."""


HOSTED = (
    ("claude-sonnet-4-6", "anthropic"),
    ("claude-opus-4-8", "anthropic"),
    ("gpt-4o", "openai"),
    ("gpt-5.4", "openai"),
    ("gemini-3-pro", "openai"),
)


def main() -> None:
    base_url = sys.argv[1] if len(sys.argv) > 1 else None
    print(f"Picture {PICTURE}, region {BOX.to_pixels(PICTURE).size} px.\n")
    print("| model | policy | view | crop | stage 1 input | cached | stage 2 input | cached | paid in full, both |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "8k.jpg"
        _draw(path)
        anyio.run(_rows, path, base_url)


def _draw(path: Path) -> None:
    """Noise, with a corner that no earlier run has shown the server: its cache is to know nothing of the picture."""
    picture = Image.effect_noise((PICTURE.width, PICTURE.height), 40).convert("RGB")
    picture.paste(Image.frombytes("RGB", (16, 16), os.urandom(768)).resize((1024, 1024)), (0, 0))
    picture.save(path, quality=85)


async def _rows(path: Path, base_url: str | None) -> None:
    for model, wire in HOSTED:
        for policy in POLICIES:
            profile = profile_for(model, wire=wire)
            await _row(path, model, profile, policy, ByFormula(profile.image_tokens))
    if base_url is None:
        return
    endpoint = choose_endpoint(Settings(backend="vllm", base_url=base_url), ocr_installed=False)
    model = await pick_model(endpoint)
    profile = profile_for(model, wire="openai")
    client = OpenAIClient(endpoint, model, profile)
    try:
        for policy in POLICIES:
            await _row(path, model, profile, policy, client)
    finally:
        await client.aclose()


async def _row(path: Path, model: str, profile: Profile, policy: str, counter: ChatClient) -> None:
    told = Told(counter, profile)
    info = BackendInfo(name="tokens", model=model, profile=profile, sends_to="")
    result = await ZoomRefine(ChatBackend(told, info), policy).zoom_and_refine(path, QUESTION)
    view = result.sent.view.size
    [crop] = result.sent.crops
    if crop is None or len(told.usages) != 2:
        print(f"| {model} | {policy} | {view} | no second look: {result.status_reason} | | | | | |")
        return
    first, second = told.usages
    fresh = first.input_tokens - first.cached_input_tokens + second.input_tokens - second.cached_input_tokens
    counts = [count for usage in (first, second) for count in (usage.input_tokens, usage.cached_input_tokens)]
    print(
        f"| {model} | {policy} | {view} | {crop.size} | "
        + " | ".join(f"{count:,}" for count in (*counts, fresh))
        + " |"
    )


@dataclass
class Told:
    """A ``ChatClient`` that counts by another one and replies with what is given."""

    counter: ChatClient
    profile: Profile
    usages: list[Usage] = field(default_factory=list)

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:  # noqa: ARG002
        counted = await self.counter.complete(messages, form=form, max_tokens=1)
        self.usages.append(counted.usage)
        view = next(picture for message in messages for picture in message.pictures)
        said = _reply(view.size, self.profile, form, last=len(self.usages) > 1)
        return replace(counted, text=said, finish=Finish.STOP)


@dataclass
class ByFormula:
    """A ``ChatClient`` that counts what it is sent by a vendor's formula, and remembers what it has seen."""

    image_tokens: Callable[[Size], int]
    seen: dict[Message, int] = field(default_factory=dict)

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:  # noqa: ARG002
        known = [self.seen.get(message, 0) for message in messages]
        counts = [self._tokens(message) for message in messages]
        cached = 0
        for before, now in zip(known, counts, strict=True):
            if before == 0:
                break
            cached += now
        self.seen = dict(zip(messages, counts, strict=True))
        return Completion(text="", usage=Usage(calls=1, input_tokens=sum(counts), cached_input_tokens=cached))

    def _tokens(self, message: Message) -> int:
        parts = (
            self.image_tokens(part.size) if isinstance(part, Picture) else -(-len(part) // CHARACTERS_A_TOKEN)
            for part in message.parts
        )
        return sum(parts)


def _reply(view: Size, profile: Profile, form: ReplyForm, *, last: bool) -> str:
    if form is ReplyForm.TEXT:
        box = write_box(BOX, view, Unit.NORMALIZED, Axes.XYXY)
        return f"{SEEN}\n" + ("Rechecked Answer: 48-2207" if last else f"Answer: unclear\nBounding box: {box}")
    numbers = json.loads(write_box(BOX, view, profile.unit, profile.axes))
    region = {"picture": 1, "label": "plate of the second pump", "box": numbers}
    evidence, answer = ("legible", "48-2207") if last else ("too_small", None)
    fields = {"reasoning": SEEN, "evidence": evidence, "answer": answer, "choice": None, "regions": [region]}
    return json.dumps(fields)


if __name__ == "__main__":
    main()

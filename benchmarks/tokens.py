"""Input tokens of every look, cached ones apart, for the policies ``paper`` and ``adaptive``, as Markdown tables.

    python benchmarks/tokens.py [BASE_URL]

The real pipeline asks about a small thing on a large picture; the replies are given, so that every model is asked for
the same regions: one look closer, three looks closer, and a search. Claude, OpenAI and Gemini: pictures by the vendors'
own formulas, text at four characters a token, and "cached" is what a look repeats of those before it, which is the most
that a cache can hold. With BASE_URL also the model behind that OpenAI-compatible server (vLLM needs
``--enable-prompt-tokens-details``): all counts are the server's own; and a last table where it writes its own replies.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
from zoomrefine_mcp.errors import ReplyUnreadable
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import ReplyForm, Usage
from zoomrefine_mcp.results import LookInfo, ZoomResult

PICTURE = Size(7680, 4320)
BOX = Box(0.575, 0.375, 0.625, 0.425)
"""A twentieth of each side: a label and what stands around it."""
LARGER = Size(15360, 8640)
"""Of the search: on 8K three looks at tiles are more than most of these models need to have seen it all."""
QUESTION = "What is the serial number on the plate of the second pump from the left?"
SEEN = (
    "The plate of the second pump is in the right half, a little above the middle; its digits are too small to be sure."
)
POLICIES = ("paper", "adaptive")
OWN_TOKENS = 1500
"""Of a reply of the served model's own; one of random weights would go on for ever."""
CHARACTERS_A_TOKEN = 4
"""A rule of thumb for English text, by OpenAI's help pages; pictures are nine tenths of the whole."""


@dataclass(frozen=True, slots=True)
class Said:
    """A reply: what it says of the evidence, and the region that it names on the view, if any."""

    evidence: str
    box: Box | None


TWO_LOOKS = (Said("too_small", BOX), Said("legible", BOX))
DEEPER = (
    Said("too_small", Box(0.3, 0.2, 0.8, 0.7)),
    Said("too_small", Box(0.57, 0.37, 0.63, 0.43)),
    Said("too_small", Box(0.59, 0.39, 0.61, 0.41)),
    Said("legible", Box(0.59, 0.39, 0.61, 0.41)),
)
SEARCH = (Said("not_here", None), Said("not_here", None), Said("not_here", None), Said("legible", BOX))

HOSTED = (
    ("claude-sonnet-4-6", "anthropic"),
    ("claude-opus-4-8", "anthropic"),
    ("gpt-4o", "openai"),
    ("gpt-5.4", "openai"),
    ("gemini-3-pro", "openai"),
)


def main() -> None:
    base_url = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(_tables, Path(folder), base_url)


async def _tables(folder: Path, base_url: str | None) -> None:
    path, larger = folder / "8k.jpg", folder / "16k.jpg"
    print(f"Picture {PICTURE}, region {BOX.to_pixels(PICTURE).size} px.\n")
    print("| model | policy | view | crop | stage 1 input | cached | stage 2 input | cached | paid in full, both |")
    print("|---|---|---|---|---|---|---|---|---|")
    await _each(path, PICTURE, TWO_LOOKS, _two_looks, base_url)
    print(f"\nToo small three times, and read at the fourth look; picture {PICTURE}.", HOW_TO_READ)
    print(_HEAD)
    await _each(path, PICTURE, DEEPER, _all_looks, base_url)
    print(
        f"\nNo idea where to look: two looks at tiles hold nothing, the next one does; picture {LARGER}.", HOW_TO_READ
    )
    print(_HEAD)
    await _each(larger, LARGER, SEARCH, _all_looks, base_url)
    if base_url is not None:
        print(f"\nThe served model's own replies, whatever they are; picture {PICTURE}.", HOW_TO_READ)
        print(_HEAD)
        await _own_replies(path, base_url)


HOW_TO_READ = 'A look: its new pictures, and input - cached = uncached tokens. "Paper" takes two looks at most.\n'
_HEAD = """\
| model | policy | look 1 | look 2 | look 3 | look 4 | further | input, all | cached | uncached | ended by |
|---|---|---|---|---|---|---|---|---|---|---|"""


def _draw(path: Path, size: Size) -> None:
    """Noise, with a corner that no earlier run has shown the server: its cache is to know nothing of the picture."""
    noise = Image.effect_noise((PICTURE.width, PICTURE.height), 40)
    picture = Image.new("RGB", (size.width, size.height))
    for x in range(0, size.width, PICTURE.width):
        for y in range(0, size.height, PICTURE.height):
            picture.paste(noise.convert("RGB"), (x, y))
    picture.paste(Image.frombytes("RGB", (16, 16), os.urandom(768)).resize((1024, 1024)), (0, 0))
    picture.save(path, quality=85)


Row = Callable[[str, str, ZoomResult], str]
"""Writes a line of a table of a model, a policy and what came of the question."""


async def _each(path: Path, size: Size, replies: tuple[Said, ...], row: Row, base_url: str | None) -> None:
    """The rows of a table, in which every model gives the same replies."""
    _draw(path, size)
    for model, wire in HOSTED:
        profile = profile_for(model, wire=wire)
        for policy in POLICIES:
            told = Told(ByFormula(profile.image_tokens), profile, replies)
            print(row(model, policy, await _asked(path, told, model, profile, policy)), flush=True)
    if base_url is None:
        return
    for policy in POLICIES:
        _draw(path, size)
        async with _served(base_url) as (client, model, profile):
            told = Told(client, profile, replies)
            print(row(model, policy, await _asked(path, told, model, profile, policy)), flush=True)


async def _own_replies(path: Path, base_url: str) -> None:
    for policy in POLICIES:
        _draw(path, PICTURE)
        async with _served(base_url) as (client, model, profile):
            short = replace(profile, reply_tokens=min(OWN_TOKENS, profile.reply_tokens))
            try:
                print(_all_looks(model, policy, await _asked(path, client, model, short, policy)), flush=True)
            except ReplyUnreadable as unread:  # a first look by random weights, in a form that nothing binds
                print(f"| {model} | {policy} | | | | | | | | | {unread.code} |", flush=True)


@asynccontextmanager
async def _served(base_url: str) -> AsyncIterator[tuple[ChatClient, str, Profile]]:
    endpoint = choose_endpoint(Settings(backend="vllm", base_url=base_url), ocr_installed=False)
    model = await pick_model(endpoint)
    profile = profile_for(model, wire="openai")
    client = OpenAIClient(endpoint, model, profile)
    try:
        yield client, model, profile
    finally:
        await client.aclose()


async def _asked(path: Path, client: ChatClient, model: str, profile: Profile, policy: str) -> ZoomResult:
    info = BackendInfo(name="tokens", model=model, profile=profile, sends_to="")
    return await ZoomRefine(ChatBackend(client, info), policy).zoom_and_refine(path, QUESTION)


def _two_looks(model: str, policy: str, result: ZoomResult) -> str:
    view = result.sent.view.size
    [crop] = result.sent.crops
    if crop is None or len(result.trace) != 2:
        return f"| {model} | {policy} | {view} | no second look: {result.status_reason} | | | | | |"
    counts = [count for look in result.trace for count in (look.input_tokens, look.cached_input_tokens)]
    columns = (*counts, sum(look.input_tokens - look.cached_input_tokens for look in result.trace))
    return f"| {model} | {policy} | {view} | {crop.size} | " + " | ".join(f"{count:,}" for count in columns) + " |"


def _all_looks(model: str, policy: str, result: ZoomResult) -> str:
    looks = [_look(look) for look in result.trace] + [""] * 4
    further = "; ".join(look for look in looks[4:] if look)
    all_of_them = sum(look.input_tokens for look in result.trace)
    cached = sum(look.cached_input_tokens for look in result.trace)
    sums = " | ".join(f"{count:,}" for count in (all_of_them, cached, all_of_them - cached))
    ended = result.status_reason or result.status
    return f"| {model} | {policy} | " + " | ".join((*looks[:4], further)) + f" | {sums} | {ended} |"


def _look(look: LookInfo) -> str:
    fresh = look.input_tokens - look.cached_input_tokens
    return f"{look.stage}, {len(look.pictures)}: {look.input_tokens:,} - {look.cached_input_tokens:,} = {fresh:,}"


@dataclass
class Told:
    """A ``ChatClient`` that counts by another one and replies with what is given."""

    counter: ChatClient
    profile: Profile
    replies: tuple[Said, ...]
    said: int = 0

    async def complete(self, messages: tuple[Message, ...], *, form: ReplyForm, max_tokens: int) -> Completion:  # noqa: ARG002
        counted = await self.counter.complete(messages, form=form, max_tokens=1)
        view = next(picture for message in messages for picture in message.pictures)
        said = self.replies[min(self.said, len(self.replies) - 1)]
        written = _reply(said, view.size, self.profile, form, first=self.said == 0)
        self.said += 1
        return replace(counted, text=written, finish=Finish.STOP)


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
        self.seen |= dict(zip(messages, counts, strict=True))
        return Completion(text="", usage=Usage(calls=1, input_tokens=sum(counts), cached_input_tokens=cached))

    def _tokens(self, message: Message) -> int:
        parts = (
            self.image_tokens(part.size) if isinstance(part, Picture) else -(-len(part) // CHARACTERS_A_TOKEN)
            for part in message.parts
        )
        return sum(parts)


def _reply(said: Said, view: Size, profile: Profile, form: ReplyForm, *, first: bool) -> str:
    read = said.evidence == "legible"
    if form is ReplyForm.TEXT:
        if not first:
            return f"{SEEN}\nRechecked Answer: {'48-2207' if read else 'unclear'}"
        box = "" if said.box is None else f"\nBounding box: {write_box(said.box, view, Unit.NORMALIZED, Axes.XYXY)}"
        return f"{SEEN}\nAnswer: unclear{box}"
    regions = []
    if said.box is not None:
        numbers = json.loads(write_box(said.box, view, profile.unit, profile.axes))
        regions.append({"picture": 1, "label": "plate of the second pump", "box": numbers})
    answer = "48-2207" if read else None
    fields = {"reasoning": SEEN, "evidence": said.evidence, "answer": answer, "choice": None, "regions": regions}
    return json.dumps(fields)


if __name__ == "__main__":
    main()

"""Facts of each model family, and nowhere else: how it writes a box, what it sees, what it refuses.

A model's name picks its profile (``profile_for``). A name that no profile knows is read by its wire's own habit:
Claude's pixels on the anthropic wire, else the paper's 0..1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from zoomrefine_mcp.backends.resize import (
    deepseek_tiles,
    internvl_tiles,
    on_grid,
    openai_tiles,
    within_patches,
    within_pixels,
)
from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import MAX_PICTURE_BYTES

LOCAL_TOKENS = 4096
"""Most tokens of one picture for models that are served locally. Their processors would take more (Qwen2.5-VL 16,384),
but llama.cpp and Ollama shrink to this by default and a client cannot see it; zooming costs less than a larger view."""
HOSTED_REPLY_TOKENS = 16_000
"""Output budget of hosted models, whose thinking counts toward it."""


class Unit(StrEnum):
    """What a model's box numbers count."""

    NORMALIZED = "0..1"
    PER_THOUSAND = "0-1000"
    PER_999 = "0-999"
    PIXELS = "pixels"
    """Pixels of the picture as the model sees it, which is the picture as sent."""


class Axes(StrEnum):
    """The order of a box's four numbers."""

    XYXY = "x0, y0, x1, y1"
    YXYX = "y0, x0, y1, x1"


class PartOrder(StrEnum):
    """What comes first in a message."""

    IMAGE_FIRST = "image first"
    TEXT_FIRST = "text first"


@dataclass(frozen=True, slots=True)
class Profile:
    """The facts of one model family.

    Attributes:
        name: The family, as ``--profile`` names it.
        unit: What its box numbers count.
        axes: Their order.
        sees: The size at which the model's processor sees a picture of a given size: never larger than it is, but
            for the rounding of the processor. A picture rendered at ``sees(size)`` is seen as it is.
        order: Whether pictures or text come first in a message.
        accepts_temperature: Whether a request may carry ``temperature`` (sent as 0).
        completion_tokens_name: Which parameter carries the output budget on the OpenAI wire.
        image_detail: The ``detail`` of an image part on the OpenAI wire; None leaves it out.
        tell_size: Whether the prompt tells the model the width and height of each picture.
        enlarge_to: A crop whose long edge is shorter is brought up to this many pixels (adaptive policy).
        max_bytes: The largest encoded picture that is sent, in bytes. 7 MB is 9.3 MB of base64, under Anthropic's 10.
        native: How the family writes a box by itself, where the prompt should remind it; empty otherwise.
        unnamed_on_view: Where a reply does not name the picture of a box and the prompt did not either: on the first
            picture (True) or on the newest.
        reply_tokens: The output budget of a reply, thinking included.
        source: Where these facts come from.
    """

    name: str
    unit: Unit
    axes: Axes
    sees: Callable[[Size], Size]
    order: PartOrder
    accepts_temperature: bool = True
    completion_tokens_name: str = "max_tokens"
    image_detail: str | None = None
    tell_size: bool = False
    enlarge_to: int = 1100
    max_bytes: int = MAX_PICTURE_BYTES
    native: str = ""
    unnamed_on_view: bool = False
    reply_tokens: int = 4096
    source: str = ""


def _grid(factor: int, least: int, most_tokens: int = LOCAL_TOKENS) -> Callable[[Size], Size]:
    return partial(on_grid, factor=factor, min_pixels=least, max_pixels=most_tokens * factor * factor)


def _family(
    name: str,
    unit: Unit,
    sees: Callable[[Size], Size],
    source: str,
    *,
    axes: Axes = Axes.XYXY,
    order: PartOrder = PartOrder.IMAGE_FIRST,
    native: str = "",
    tell_size: bool = False,
    unnamed_on_view: bool = False,
) -> Profile:
    return Profile(
        name=name,
        unit=unit,
        axes=axes,
        sees=sees,
        order=order,
        native=native,
        tell_size=tell_size,
        unnamed_on_view=unnamed_on_view,
        source=source,
    )


QWEN2 = _family(
    "qwen2-vl",
    Unit.PER_THOUSAND,
    _grid(28, 56 * 56),
    "QwenLM/Qwen2-VL: boxes in 0-1000; preprocessor_config.json: patch 14, merge 2, min_pixels 3136",
)
QWEN25 = _family(
    "qwen2.5-vl",
    Unit.PIXELS,
    _grid(28, 56 * 56),
    "QwenLM/Qwen2.5-VL cookbooks: absolute pixels after smart_resize; preprocessor_config.json: patch 14, merge 2, "
    "min_pixels 3136, max_pixels 12845056; llama.cpp clip.cpp: at most 4096 tokens",
    native="bbox_2d",
    tell_size=True,
)
QWEN3 = _family(
    "qwen3-vl",
    Unit.PER_THOUSAND,
    _grid(32, 256 * 256),
    "QwenLM/Qwen3-VL cookbooks: bbox_2d in 0-1000, of the original image after a crop; preprocessor_config.json: "
    "patch 16, merge 2, 65536 to 16777216 pixels; llama.cpp clip.cpp: at most 4096 tokens",
    native="bbox_2d",
    unnamed_on_view=True,
)
INTERNVL = _family(
    "internvl",
    Unit.PER_THOUSAND,
    internvl_tiles,
    "OpenGVLab/InternVL: <box> in 0-1000; dynamic_preprocess: 1 to 12 tiles of 448 px and a thumbnail",
    native="<box>[[x0, y0, x1, y1]]</box>",
)
GLM = _family(
    "glm-v",
    Unit.PER_THOUSAND,
    _grid(28, 112 * 112),
    "zai-org/GLM-V README and issue 114: per thousand of width and height, between <|begin_of_box|> and "
    "<|end_of_box|>; Glm4vImageProcessor: factor 28, at least 112 x 112",
    native="<|begin_of_box|>[[x0, y0, x1, y1]]<|end_of_box|>",
)
MINICPM = _family(
    "minicpm-v",
    Unit.PER_THOUSAND,
    partial(within_pixels, most=9 * 448 * 448),
    "OpenBMB/MiniCPM-V issues 982 (<box> in 0-1000) and 158 (at most 9 slices of 448 px, any aspect ratio)",
    native="<box>x0 y0 x1 y1</box>",
)
DEEPSEEK = _family(
    "deepseek-vl2",
    Unit.PER_999,
    deepseek_tiles,
    "deepseek-ai/DeepSeek-VL2: <|det|> in 0-999; arXiv 2412.10302 section 2: at most 9 tiles of 384 px, padded",
    native="<|det|>[[x0, y0, x1, y1]]<|/det|>",
)
KIMI_VL = _family(
    "kimi-vl",
    Unit.NORMALIZED,
    _grid(28, 28 * 28, 1024),
    "MoonshotAI/Kimi-VL issues 52 and 56: 0..1; preprocessor of A3B-Instruct: at most 4096 patches of 14 px",
)
KIMI_K2 = _family(
    "kimi-k2.5",
    Unit.NORMALIZED,
    _grid(28, 28 * 28, 4096),
    "as kimi-vl; preprocessor of Kimi-VL-A3B-Thinking-2506 and of Kimi-K2.5: at most 16384 patches of 14 px",
)
UNKNOWN = _family(
    "unknown",
    Unit.NORMALIZED,
    lambda size: size.within_edge(2048),
    "arXiv 2506.01663: boxes in 0..1; a long edge of 2048 px is what OpenAI's high detail takes, which others copy",
)
GEMINI = Profile(
    name="gemini",
    unit=Unit.PER_THOUSAND,
    axes=Axes.YXYX,
    sees=lambda size: size.within_edge(3072),
    order=PartOrder.TEXT_FIRST,
    max_bytes=6_000_000,  # two of them in base64 stay under the 20 MB of a request with inline pictures
    native="box_2d",
    reply_tokens=HOSTED_REPLY_TOKENS,
    source="ai.google.dev image understanding: box_2d, y first, in 0-1000; 20 MB inline; at most 3072 px an edge",
)


def _claude(name: str, *, edge: int, most: int, accepts_temperature: bool, source: str) -> Profile:
    return Profile(
        name=name,
        unit=Unit.PIXELS,
        axes=Axes.XYXY,
        sees=partial(within_patches, edge=edge, patch=28, most=most),
        order=PartOrder.TEXT_FIRST,
        accepts_temperature=accepts_temperature,
        tell_size=True,
        reply_tokens=HOSTED_REPLY_TOKENS,
        source=f"platform.claude.com vision: pixels of the resized image; {source}",
    )


CLAUDE_STANDARD = _claude(
    "claude-standard",
    edge=1568,
    most=1568,
    accepts_temperature=True,
    source="edges up to 1568 px, 1568 patches of 28 px",
)
CLAUDE_HIGH = _claude(
    "claude-high",
    edge=2576,
    most=4784,
    accepts_temperature=False,
    source="Opus 4.7, Sonnet 5 and later: edges up to 2576 px, 4784 patches of 28 px, no temperature",
)
CLAUDE = _claude(
    "claude",
    edge=1568,
    most=1568,
    accepts_temperature=False,
    source="a tier that the name does not tell: the standard size passes both unchanged, no temperature suits both",
)


def _openai(
    name: str, sees: Callable[[Size], Size], *, detail: str, source: str, accepts_temperature: bool = False
) -> Profile:
    return Profile(
        name=name,
        unit=Unit.PIXELS,
        axes=Axes.XYXY,
        sees=sees,
        order=PartOrder.TEXT_FIRST,
        accepts_temperature=accepts_temperature,
        completion_tokens_name="max_completion_tokens",
        image_detail=detail,
        tell_size=True,
        reply_tokens=HOSTED_REPLY_TOKENS,
        source=f"developers.openai.com images and vision: {source}; no official box convention, pixels work",
    )


_high_patches = partial(within_patches, edge=2048, patch=32, most=1536)
_original = partial(within_patches, edge=6000, patch=32, most=10_000)

OPENAI_4O = _openai(
    "openai-4o",
    openai_tiles,
    detail="high",
    accepts_temperature=True,
    source="gpt-4o, 4.1, 4.5, high: into 2048 px, short side 768 px, tiles of 512 px",
)
OPENAI_41_MINI = _openai(
    "openai-4.1-mini",
    _high_patches,
    detail="high",
    accepts_temperature=True,
    source="gpt-4.1-mini and nano, high: 2048 px, 1536 patches of 32 px",
)
OPENAI_5 = _openai(
    "openai-5",
    openai_tiles,
    detail="high",
    source="gpt-5, 5.1, o1, o3, high: into 2048 px, short side 768 px, tiles of 512 px; no temperature",
)
OPENAI_5_MINI = _openai(
    "openai-5-mini",
    _high_patches,
    detail="high",
    source="gpt-5 mini and nano, 5.2, 5.3, o4-mini, high: 2048 px, 1536 patches of 32 px; no temperature",
)
OPENAI_54 = _openai(
    "openai-5.4",
    _original,
    detail="original",
    source="gpt-5.4 and 5.5, original: 6000 px, 10,000 patches of 32 px; no temperature",
)
OPENAI_56 = _openai(
    "openai-5.6",
    _original,
    detail="original",
    source="gpt-5.6 and later, original: refuses over 30,000 patches of 32 px; held to gpt-5.4's 10,000 for cost; "
    "no temperature",
)
OCR_EDGE, OCR_PIXELS = 2048, 2_800_000
"""What the embedded reader is given at once: a view of 2048 x 1152 takes two to three seconds on one core."""
OCR = Profile(
    name="ocr",
    unit=Unit.NORMALIZED,
    axes=Axes.XYXY,
    sees=lambda size: within_pixels(size.within_edge(OCR_EDGE), OCR_PIXELS),
    order=PartOrder.IMAGE_FIRST,
    enlarge_to=1600,
    source="measured on generated scenes: capitals of 6 px and more are read right, and larger pictures only cost time",
)

_EVERY = (
    *(QWEN2, QWEN25, QWEN3, INTERNVL, GLM, MINICPM, DEEPSEEK, KIMI_VL, KIMI_K2, GEMINI),
    *(CLAUDE_STANDARD, CLAUDE_HIGH, CLAUDE),
    *(OPENAI_4O, OPENAI_41_MINI, OPENAI_5, OPENAI_5_MINI, OPENAI_54, OPENAI_56),
    *(UNKNOWN, OCR),
)
PROFILES = {profile.name: profile for profile in _EVERY}

_PATTERNS: tuple[tuple[re.Pattern[str], Profile], ...] = tuple(
    (re.compile(pattern), profile)
    for pattern, profile in (
        # The first that is found in the name wins. "." is often written "_", "-" or "p" (5.2 as 5p2), or left out.
        (r"qwen[-_ ]?2[._p-]?5[-_ ]?vl|qwen-vl-(max|plus)", QWEN25),
        (r"qwen[-_ ]?2[-_ ]?vl", QWEN2),
        (r"qwen[-_ ]?3[-_ ]?(vl|omni)|qwen[-_ ]?3[._p][5-9]|qwen[-_ ]?([4-9]|\d\d)(?!\d*b\b)", QWEN3),
        (r"intern[-_]?(vl|s1)", INTERNVL),
        (r"glm[-_ ]?(4[._p]\d|[5-9]([._p]\d)?)v", GLM),
        (r"minicpm[-_]?[vo]", MINICPM),
        (r"deepseek[-_]?vl[-_]?(v)?2", DEEPSEEK),
        (r"kimi[-_]?vl.*2506|kimi[-_]?k(2[._p][5-9]|[3-9])", KIMI_K2),
        (r"kimi[-_]?vl", KIMI_VL),
        (r"gemini", GEMINI),
        (r"claude.*(opus-(4[.-][7-9]|[5-9])|sonnet-[5-9]|fable|mythos)(?!\d{3})", CLAUDE_HIGH),
        (r"claude-(instant|[123])|claude.*(opus|sonnet|haiku)-4|claude-4", CLAUDE_STANDARD),
        (r"claude", CLAUDE),
        (r"gpt-?4\.1-(mini|nano)", OPENAI_41_MINI),
        (r"gpt-?(4o|4\.[15]|4-turbo|4-vision)", OPENAI_4O),
        (r"gpt-?5(\.[1-5])?-(mini|nano)|gpt-?5\.[23]|o4-mini|codex-mini", OPENAI_5_MINI),
        (r"gpt-?5\.[45]", OPENAI_54),
        (r"gpt-?(5\.[6-9]|[6-9])", OPENAI_56),
        (r"gpt-?5|(^|[/:])o[13]($|-)", OPENAI_5),
    )
)


def profile_for(model: str, *, wire: str) -> Profile:
    """The profile of a model, by its name as the server knows it.

    Provider prefixes, quantization suffixes, file names and the tags of local servers are all right. What follows
    the last slash decides; the folders before it only where that says nothing.

    Args:
        model: E.g. ``Qwen/Qwen2.5-VL-7B-Instruct-AWQ``, ``qwen2.5vl:7b``, ``anthropic/claude-sonnet-5``.
        wire: ``openai``, ``anthropic`` or ``ocr``: whose habit a name falls back on that no profile knows.

    >>> profile_for("qwen2.5vl:7b", wire="openai").name
    'qwen2.5-vl'
    """
    if wire == "ocr":
        return OCR
    name = model.strip().lower()
    for part in (name.rstrip("/").rpartition("/")[2], name):
        for pattern, profile in _PATTERNS:
            if pattern.search(part):
                return profile
    return CLAUDE if wire == "anthropic" else UNKNOWN


def profile_named(name: str) -> Profile:
    """The profile of that name, for a model whose own name does not tell.

    Raises:
        BadRequest: There is none; the hint lists them.
    """
    if name not in PROFILES:
        raise BadRequest(f"there is no profile named {name!r}", hint=f"Use one of: {', '.join(PROFILES)}.")
    return PROFILES[name]

"""Which profile a model's name picks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from zoomrefine_mcp.backends.costs import gemini_tile_tokens
from zoomrefine_mcp.backends.profiles.hosted import (
    CLAUDE,
    CLAUDE_HIGH,
    CLAUDE_STANDARD,
    GEMINI,
    HOSTED,
    OCR,
    OPENAI_4O,
    OPENAI_5,
    OPENAI_5_MINI,
    OPENAI_41_MINI,
    OPENAI_54,
    OPENAI_56,
    openai_patch_tokens,
    openai_tile_cost,
)
from zoomrefine_mcp.backends.profiles.open_weights import (
    DEEPSEEK,
    GEMMA3,
    GLM,
    INTERNVL,
    KIMI_K2,
    KIMI_VL,
    LLAMA4,
    LLAMA32,
    MINICPM,
    MISTRAL3,
    OPEN_WEIGHTS,
    PIXTRAL,
    QWEN2,
    QWEN3,
    QWEN25,
    UNKNOWN,
)
from zoomrefine_mcp.backends.profiles.record import Profile
from zoomrefine_mcp.errors import BadRequest

PROFILES = {profile.name: profile for profile in (*OPEN_WEIGHTS, *HOSTED, UNKNOWN, OCR)}

_PATTERNS: tuple[tuple[re.Pattern[str], Profile], ...] = tuple(
    (re.compile(pattern), profile)
    for pattern, profile in (
        # The first that is found in the name wins. "." is often written "_", "-" or "p" (5.2 as 5p2), or left out.
        (r"qwen[-_ ]?2[._p-]?5[-_ ]?vl|qwen-vl-(max|plus)", QWEN25),
        (r"qwen[-_ ]?2[-_ ]?vl|qvq-72b", QWEN2),
        (r"qwen[-_ ]?3[-_ ]?(vl|omni)|qwen[-_ ]?3[._p][5-9]|qwen[-_ ]?([4-9]|\d\d)(?!\d*b\b)", QWEN3),
        (r"intern[-_]?(vl|s1)", INTERNVL),
        (r"glm[-_ ]?(4[._p]\d|[5-9]([._p]\d)?)v", GLM),
        (r"minicpm[-_]?[vo]", MINICPM),
        (r"deepseek[-_]?vl[-_]?(v)?2", DEEPSEEK),
        (r"kimi[-_]?vl.*2506|kimi[-_]?k(2[._p][5-9]|[3-9])", KIMI_K2),
        (r"kimi[-_]?vl", KIMI_VL),
        (r"llama[-_ ]?v?3[._p-]?2[-_ ]?(vision|11b|90b)", LLAMA32),
        (r"llama[-_ ]?v?4(?!\d|b\b)", LLAMA4),
        (r"gemma[-_ ]?3(?!n|\d|b\b)", GEMMA3),
        (r"pixtral", PIXTRAL),
        (r"mistral[-_ ]?small[-_ ]?(3[._p]?[1-9]|[4-9](?!\d)|2[56]\d\d|latest)", MISTRAL3),
        (r"mistral[-_ ]?(medium|large)[-_ ]?(3|2[56]\d\d|latest)|ministral[-_ ]?3(?!b)", MISTRAL3),
        (r"magistral.*(2509|1[._]2|latest)", MISTRAL3),
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

_VARIANTS: tuple[tuple[re.Pattern[str], Profile, dict[str, Any]], ...] = tuple(
    (re.compile(pattern), profile, facts)
    for pattern, profile, facts in (
        # Where models of one family differ in a fact; the first that is found counts.
        (r"gemini-?(1|2)", GEMINI, {"token_formula": gemini_tile_tokens}),
        (r"opus-4[.-]7|mythos-preview", CLAUDE_HIGH, {"cache_floor": 2048}),
        (r"opus-4[.-]8|sonnet-5", CLAUDE_HIGH, {"cache_floor": 1024}),
        (r"opus-4[.-][56]|haiku-4", CLAUDE_STANDARD, {"cache_floor": 4096}),
        (r"claude-3.*haiku", CLAUDE_STANDARD, {"cache_floor": 2048, "structured_output": False}),
        # Structured output came with Sonnet 4.5 and Opus 4.1.
        (
            r"claude-(instant|[123])|claude-4(?![.-]\d(?!\d))|(opus|sonnet)-4(?![.-]\d(?!\d))",
            CLAUDE_STANDARD,
            {"structured_output": False},
        ),
        (r"gpt-?4o-mini", OPENAI_4O, {"token_formula": openai_tile_cost(2833, 5667)}),
        (r"gpt-?4-(turbo|vision)|gpt-?4o-2024-05", OPENAI_4O, {"structured_output": False}),
        (r"gpt-?4\.1-nano", OPENAI_41_MINI, {"token_formula": openai_patch_tokens("2.46")}),
        (r"gpt-?5-nano", OPENAI_5_MINI, {"token_formula": openai_patch_tokens("1.5")}),
        (r"o4-mini|codex-mini", OPENAI_5_MINI, {"token_formula": openai_patch_tokens("1.72")}),
        (r"(^|[/:])o[13]($|-)", OPENAI_5, {"token_formula": openai_tile_cost(75, 150)}),
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
                return _variant(profile, part)
    return CLAUDE if wire == "anthropic" else UNKNOWN


def profile_named(name: str) -> Profile:
    """The profile of that name, for a model whose own name does not tell.

    Raises:
        BadRequest: There is none; the hint lists them.
    """
    if name not in PROFILES:
        raise BadRequest(f"there is no profile named {name!r}", hint=f"Use one of: {', '.join(PROFILES)}.")
    return PROFILES[name]


def _variant(profile: Profile, name: str) -> Profile:
    for pattern, family, facts in _VARIANTS:
        if family is profile and pattern.search(name):
            return replace(profile, **facts)
    return profile

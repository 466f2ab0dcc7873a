"""Families that only their vendors serve: Claude, Gemini, OpenAI. And what the embedded reader is given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from zoomrefine_mcp.backends.costs import openai_tile_tokens, patch_tokens
from zoomrefine_mcp.backends.profiles.record import Axes, PartOrder, Profile, Unit
from zoomrefine_mcp.backends.resize import openai_tiles, within_patches, within_pixels
from zoomrefine_mcp.geometry import Size

HOSTED_REPLY_TOKENS = 16_000
"""Output budget of hosted models, whose thinking counts toward it."""

GEMINI = Profile(
    name="gemini",
    unit=Unit.PER_THOUSAND,
    axes=Axes.YXYX,
    sees=lambda size: size.within_edge(3072),
    order=PartOrder.TEXT_FIRST,
    token_formula=lambda _: 1120,
    max_bytes=6_000_000,  # two of them in base64 stay under the 20 MB of a request with inline pictures
    request_bytes=20_000_000,
    images_per_request=3600,
    native="box_2d",
    reply_tokens=HOSTED_REPLY_TOKENS,
    cache_floor=4096,
    sources=(
        "boxes: ai.google.dev image understanding, box_2d, y first, in 0-1000",
        "size, limits: ai.google.dev image understanding, at most 3072 px an edge, 3600 pictures, 20 MB inline",
        "tokens: ai.google.dev media resolution, 1120 a picture by default from Gemini 3 on; before, 258 a tile",
        "cache: ai.google.dev context caching, from 1024 (Flash) or 4096 (Pro) tokens; the higher counts here",
    ),
)


def _claude(
    name: str, *, edge: int, most: int, images: int, accepts_temperature: bool, cache_floor: int, source: str
) -> Profile:
    return Profile(
        name=name,
        unit=Unit.PIXELS,
        axes=Axes.XYXY,
        sees=partial(within_patches, edge=edge, patch=28, most=most),
        order=PartOrder.TEXT_FIRST,
        token_formula=partial(patch_tokens, patch=28),
        accepts_temperature=accepts_temperature,
        tell_size=True,
        request_bytes=32_000_000,
        images_per_request=images,
        reply_tokens=HOSTED_REPLY_TOKENS,
        cache_floor=cache_floor,
        sources=(
            "boxes: platform.claude.com vision coordinates, pixels of the resized image",
            f"size, tokens: platform.claude.com vision, {source}; a token for each 28 x 28 px",
            "limits: platform.claude.com vision, 32 MB and 100 to 600 pictures; above 20, at most 2000 px an edge",
            "cache: platform.claude.com prompt caching, from 512, 1024, 2048 or 4096 tokens by model",
        ),
    )


CLAUDE_STANDARD = _claude(
    "claude-standard",
    edge=1568,
    most=1568,
    images=100,
    accepts_temperature=True,
    cache_floor=1024,
    source="edges up to 1568 px, 1568 patches of 28 px",
)
CLAUDE_HIGH = _claude(
    "claude-high",
    edge=2576,
    most=4784,
    images=20,
    accepts_temperature=False,
    cache_floor=512,
    source="Opus 4.7, Sonnet 5 and later, edges up to 2576 px, 4784 patches of 28 px, no temperature",
)
CLAUDE = _claude(
    "claude",
    edge=1568,
    most=1568,
    images=100,
    accepts_temperature=False,
    cache_floor=4096,
    source="a tier that the name does not tell, the standard size passes both unchanged, no temperature suits both",
)


def _openai(
    name: str,
    sees: Callable[[Size], Size],
    tokens: Callable[[Size], int],
    *,
    detail: str,
    size: str,
    cost: str,
    accepts_temperature: bool = False,
) -> Profile:
    return Profile(
        name=name,
        unit=Unit.PIXELS,
        axes=Axes.XYXY,
        sees=sees,
        order=PartOrder.TEXT_FIRST,
        token_formula=tokens,
        accepts_temperature=accepts_temperature,
        completion_tokens_name="max_completion_tokens",
        image_detail=detail,
        tell_size=True,
        request_bytes=512_000_000,
        images_per_request=1500,
        reply_tokens=HOSTED_REPLY_TOKENS,
        cache_floor=1024,
        sources=(
            "boxes: no official convention; pixels of the sent picture work",
            f"size: developers.openai.com images and vision, {size}",
            f"tokens: {cost}",
            "limits: developers.openai.com images and vision, 512 MB and 1500 pictures a request",
            "cache: developers.openai.com prompt caching, from 1024 tokens",
        ),
    )


_high_patches = partial(within_patches, edge=2048, patch=32, most=1536)
_original = partial(within_patches, edge=6000, patch=32, most=10_000)
_DOCUMENTED = "developers.openai.com images and vision"
_MEASURED = "1.2 a patch, as billed (community.openai.com, topic 1377015; older pages of the vendor say 1.62)"


def openai_patch_tokens(multiplier: str) -> Callable[[Size], int]:
    """A token for each patch of 32 px, times a model's own factor."""
    return partial(patch_tokens, patch=32, multiplier=multiplier)


def openai_tile_cost(base: int, tile: int) -> Callable[[Size], int]:
    """A base, and so many tokens for each tile of 512 px."""
    return partial(openai_tile_tokens, base=base, tile=tile)


OPENAI_4O = _openai(
    "openai-4o",
    openai_tiles,
    openai_tile_cost(85, 170),
    detail="high",
    accepts_temperature=True,
    size="gpt-4o, 4.1, 4.5, high, into 2048 px, short side 768 px, tiles of 512 px",
    cost=f"{_DOCUMENTED}, 85 and 170 a tile (gpt-4o-mini 2833 and 5667)",
)
OPENAI_41_MINI = _openai(
    "openai-4.1-mini",
    _high_patches,
    openai_patch_tokens("1.62"),
    detail="high",
    accepts_temperature=True,
    size="gpt-4.1-mini and nano, high, 2048 px, 1536 patches of 32 px",
    cost=f"{_DOCUMENTED}, 1.62 a patch (nano 2.46)",
)
OPENAI_5 = _openai(
    "openai-5",
    openai_tiles,
    openai_tile_cost(70, 140),
    detail="high",
    size="gpt-5, 5.1, o1, o3, high, into 2048 px, short side 768 px, tiles of 512 px; no temperature",
    cost=f"{_DOCUMENTED}, 70 and 140 a tile (o1 and o3 75 and 150)",
)
OPENAI_5_MINI = _openai(
    "openai-5-mini",
    _high_patches,
    openai_patch_tokens("1.2"),
    detail="high",
    size="gpt-5 mini and nano, 5.2, 5.3, o4-mini, high, 2048 px, 1536 patches of 32 px; no temperature",
    cost=f"{_MEASURED}; gpt-5-nano 1.5, o4-mini 1.72",
)
OPENAI_54 = _openai(
    "openai-5.4",
    _original,
    openai_patch_tokens("1.2"),
    detail="original",
    size="gpt-5.4 and 5.5, original, 6000 px, 10,000 patches of 32 px; no temperature",
    cost=_MEASURED,
)
OPENAI_56 = _openai(
    "openai-5.6",
    _original,
    openai_patch_tokens("1.2"),
    detail="original",
    size="gpt-5.6 and later, original, refuses over 30,000 patches of 32 px; held to gpt-5.4's 10,000 for cost; no "
    "temperature",
    cost="as gpt-5.4; none is published for it",
)
OCR_EDGE, OCR_PIXELS = 2048, 2_800_000
"""What the embedded reader is given at once: a view of 2048 x 1152 takes two to three seconds on one core."""
OCR = Profile(
    name="ocr",
    unit=Unit.NORMALIZED,
    axes=Axes.XYXY,
    sees=lambda size: within_pixels(size.within_edge(OCR_EDGE), OCR_PIXELS),
    order=PartOrder.IMAGE_FIRST,
    token_formula=lambda _: 0,
    enlarge_to=1600,
    structured_output=False,
    counts=False,
    tells_absence=False,
    magnifies=True,
    sources=(
        "size: measured on generated scenes, capitals of 6 px and more are read right; more only costs time",
        "absence: of 147 questions of kinds new to it that it left after all was shown, 109 had an answer",
    ),
)

HOSTED = (
    *(GEMINI, CLAUDE_STANDARD, CLAUDE_HIGH, CLAUDE),
    *(OPENAI_4O, OPENAI_41_MINI, OPENAI_5, OPENAI_5_MINI, OPENAI_54, OPENAI_56),
)

"""Values to check the profiles against: the vendors' worked examples, and their rules worked out by hand.

The tests and ``zoomrefine-mcp profiles --checks`` go through the same table.
"""

from __future__ import annotations

from dataclasses import dataclass

from zoomrefine_mcp.backends.profiles.names import profile_for
from zoomrefine_mcp.geometry import Size


@dataclass(frozen=True, slots=True)
class Check:
    """One value that is known of a family.

    Attributes:
        model: A model's name; it picks the profile.
        size: The picture, in pixels.
        expected: The size at which the model sees it, or what it costs in tokens.
        source: Where the value stands. "by rule": worked out by hand from the rule named there.
    """

    model: str
    size: Size
    expected: Size | int
    source: str

    @property
    def family(self) -> str:
        """The profile that the name picks."""
        return profile_for(self.model, wire="openai").name

    def found(self) -> Size | int:
        """What the profile says."""
        profile = profile_for(self.model, wire="openai")
        return profile.sees(self.size) if isinstance(self.expected, Size) else profile.image_tokens(self.size)


def _seen(model: str, source: str, *pairs: tuple[int, int, int, int]) -> tuple[Check, ...]:
    return tuple(Check(model, Size(w, h), Size(seen_w, seen_h), source) for w, h, seen_w, seen_h in pairs)


def _costs(model: str, source: str, *pairs: tuple[int, int, int]) -> tuple[Check, ...]:
    return tuple(Check(model, Size(w, h), tokens, source) for w, h, tokens in pairs)


_CLAUDE = "platform.claude.com, images and vision"
_OPENAI = "developers.openai.com, images and vision"

CHECKS: tuple[Check, ...] = (
    *_seen(
        "claude-sonnet-4-5",
        _CLAUDE,
        (1075, 1520, 924, 1307),
        (1920, 1080, 1456, 819),
        (2000, 1500, 1269, 952),
        (3840, 2160, 1456, 819),
    ),
    *_costs("claude-sonnet-4-5", _CLAUDE, (1000, 1000, 1296), (1280, 720, 1196), (1920, 1080, 1560)),
    *_seen("claude-opus-4-7", _CLAUDE, (1920, 1080, 1920, 1080), (3840, 2160, 2576, 1449)),
    *_costs("claude-opus-4-7", _CLAUDE, (1920, 1080, 2691), (3840, 2160, 4784)),
    *_seen("claude-haiku-5", f"the standard tier of {_CLAUDE}", (1920, 1080, 1456, 819)),
    *_seen("gpt-4o", _OPENAI, (1024, 1024, 768, 768), (2048, 4096, 768, 1536), (4096, 8192, 768, 1536)),
    *_costs("gpt-4o", _OPENAI, (1024, 1024, 765), (2048, 4096, 1105)),
    *_costs("gpt-4o-mini", f"by rule: {_OPENAI}", (1024, 1024, 25_501)),
    *_seen("gpt-4.1-mini", _OPENAI, (1024, 1024, 1024, 1024), (1056, 1408, 1056, 1408)),
    *_costs("gpt-4.1-mini", f"{_OPENAI}, 1024 and 1452 patches", (1024, 1024, 1659), (1056, 1408, 2353)),
    *_costs("gpt-5", f"by rule: {_OPENAI}", (1024, 1024, 630)),
    *_costs("o3", f"by rule: {_OPENAI}", (1024, 1024, 675)),
    *_costs("gpt-5.4-mini", "by rule: community.openai.com, topic 1377015", (1024, 1024, 1229)),
    *_seen(
        "gpt-5.4", f"by rule: {_OPENAI}, 10,000 patches, 6000 px", (3200, 3200, 3200, 3200), (12000, 1000, 6000, 500)
    ),
    *_seen("gpt-5.6", f"by rule: {_OPENAI}, held to 10,000 patches", (3200, 3200, 3200, 3200)),
    *_costs("gemini-2.5-flash", "ai.google.dev, image understanding", (384, 384, 258), (960, 540, 1548)),
    *_seen("gemini-3-pro", "ai.google.dev, image understanding, 3072 px", (6144, 3072, 3072, 1536)),
    *_costs("gemini-3-pro", "ai.google.dev, media resolution", (3840, 2160, 1120)),
    *_seen(
        "internvl3-8b",
        "by rule: OpenGVLab/InternVL, dynamic_preprocess",
        (7680, 4320, 1792, 896),
        (4000, 3000, 1792, 1344),
        (600, 400, 600, 400),
    ),
    *_costs("internvl3-8b", "by rule: the same, 256 a tile and a thumbnail", (7680, 4320, 2304), (448, 448, 256)),
    *_seen("qwen2-vl-7b", "by rule: smart_resize, factor 28", (1288, 728, 1288, 728), (1280, 720, 1288, 728)),
    *_costs("qwen2-vl-7b", "by rule: the same, a token for each 28 x 28 px", (1288, 728, 1196)),
    *_seen("qwen2.5-vl-7b", "by rule: smart_resize, factor 28, 4096 tokens", (7680, 4320, 2380, 1344)),
    *_costs("qwen2.5-vl-7b", "by rule: the same, a token for each 28 x 28 px", (1288, 728, 1196), (7680, 4320, 4080)),
    *_seen("qwen3-vl-8b", "by rule: smart_resize, factor 32, 4096 tokens", (7680, 4320, 2720, 1536)),
    *_costs("qwen3-vl-8b", "by rule: the same, a token for each 32 x 32 px", (7680, 4320, 4080), (320, 320, 100)),
    *_seen("glm-4.5v", "by rule: Glm4vImageProcessor, factor 28", (1280, 720, 1288, 728), (50, 50, 112, 112)),
    *_seen("minicpm-v-4.5", "by rule: 9 slices of 448 px", (1344, 1344, 1344, 1344)),
    *_costs("minicpm-v-4.5", "by rule: 64 a slice and an overview", (1344, 1344, 640), (448, 448, 64)),
    *_seen("deepseek-vl2", "by rule: arXiv 2412.10302, 9 tiles of 384 px", (4000, 3000, 1152, 864)),
    *_costs("deepseek-vl2", "by rule: the same, 14 x 15 + 1 and 42 x 43", (4000, 3000, 2017)),
    *_seen("kimi-vl-a3b-instruct", "by rule: 4096 patches of 14 px", (1792, 448, 1792, 448), (896, 896, 896, 896)),
    *_costs("kimi-vl-a3b-instruct", "by rule: four patches to a token", (896, 896, 1024)),
    *_seen("kimi-k2.5", "by rule: 16384 patches of 14 px", (1792, 1792, 1792, 1792)),
    *_costs("kimi-k2.5", "by rule: four patches to a token", (1792, 1792, 4096)),
    *_seen("llama-3.2-11b-vision", "by rule: 4 tiles of 560 px", (7680, 4320, 1120, 630), (4000, 1000, 2240, 560)),
    *_costs("llama-3.2-11b-vision", "by rule: the same, 1601 a tile", (7680, 4320, 6404), (500, 500, 1601)),
    *_seen("llama-4-scout", "by rule: 16 tiles of 336 px", (7680, 4320, 1680, 945), (1000, 1000, 1000, 1000)),
    *_costs("llama-4-scout", "by rule: the same, 144 a tile and an overview", (1000, 1000, 1440), (336, 336, 144)),
    *_seen("gemma-3-27b-it", "ai.google.dev/gemma, 896 x 896", (7680, 4320, 896, 896)),
    *_costs("gemma-3-27b-it", "ai.google.dev/gemma, 256 a picture", (7680, 4320, 256)),
    *_seen("pixtral-12b-2409", "by rule: 1024 px, patches of 16 px", (1920, 1080, 1024, 576), (4096, 4096, 1024, 1024)),
    *_costs("pixtral-12b-2409", "by rule: 64 rows of 64 patches and a break", (1024, 1024, 4160)),
    *_seen(
        "mistral-small-3.2", "by rule: 1540 px, patches of 28 px", (3080, 1540, 1540, 784), (1540, 1540, 1540, 1540)
    ),
    *_costs("mistral-small-3.2", "by rule: 55 rows of 55 patches and a break", (1540, 1540, 3080)),
)

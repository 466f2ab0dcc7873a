"""Families of open weights, as they are served by vLLM, SGLang, llama.cpp, Ollama and LM Studio.

How many pictures a request may hold and how long it may be, only the server knows; thinking may be left in the text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from zoomrefine_mcp.backends.costs import (
    deepseek_tokens,
    estimated_tokens,
    internvl_tokens,
    minicpm_tokens,
    patch_tokens,
    row_tokens,
    tiled_tokens,
)
from zoomrefine_mcp.backends.profiles.record import Axes, PartOrder, Profile, Unit
from zoomrefine_mcp.backends.resize import internvl_tiles, on_grid, square, up_to_patches, within_pixels, within_tiles
from zoomrefine_mcp.geometry import Size

LOCAL_TOKENS = 4096
"""Most tokens of one picture for models that are served locally. Their processors would take more (Qwen2.5-VL 16,384),
but llama.cpp and Ollama shrink to this by default and a client cannot see it; zooming costs less than a larger view."""

_NO_CONVENTION = "boxes: no convention is published; asked for as in arXiv 2506.01663, in 0..1"


def _family(
    name: str,
    unit: Unit,
    sees: Callable[[Size], Size],
    tokens: Callable[[Size], int],
    *sources: str,
    **facts: Any,
) -> Profile:
    return Profile(
        name=name,
        unit=unit,
        axes=Axes.XYXY,
        sees=sees,
        order=PartOrder.IMAGE_FIRST,
        token_formula=tokens,
        sources=sources,
        **facts,
    )


def _grid(factor: int, least: int, most_tokens: int = LOCAL_TOKENS) -> Callable[[Size], Size]:
    return partial(on_grid, factor=factor, min_pixels=least, max_pixels=most_tokens * factor * factor)


QWEN2 = _family(
    "qwen2-vl",
    Unit.PER_THOUSAND,
    _grid(28, 56 * 56),
    partial(patch_tokens, patch=28),
    "boxes: QwenLM/Qwen2-VL, 0-1000",
    "size, tokens: preprocessor_config.json, patch 14, merge 2, min_pixels 3136; a token for each 28 x 28 px",
)
QWEN25 = _family(
    "qwen2.5-vl",
    Unit.PIXELS,
    _grid(28, 56 * 56),
    partial(patch_tokens, patch=28),
    "boxes: QwenLM/Qwen2.5-VL cookbooks, absolute pixels after smart_resize",
    "size, tokens: preprocessor_config.json, patch 14, merge 2, min_pixels 3136, max_pixels 12845056; llama.cpp "
    "clip.cpp, at most 4096 tokens",
    native="bbox_2d",
    tell_size=True,
)
QWEN3 = _family(
    "qwen3-vl",
    Unit.PER_THOUSAND,
    _grid(32, 256 * 256),
    partial(patch_tokens, patch=32),
    "boxes: QwenLM/Qwen3-VL cookbooks, bbox_2d in 0-1000, of the original image after a crop",
    "size, tokens: preprocessor_config.json, patch 16, merge 2, 65536 to 16777216 pixels; llama.cpp clip.cpp, at most "
    "4096 tokens",
    native="bbox_2d",
    unnamed_on_view=True,
)
INTERNVL = _family(
    "internvl",
    Unit.PER_THOUSAND,
    internvl_tiles,
    internvl_tokens,
    "boxes: OpenGVLab/InternVL, <box> in 0-1000",
    "size, tokens: dynamic_preprocess, 1 to 12 tiles of 448 px and a thumbnail, 256 tokens each",
    native="<box>[[x0, y0, x1, y1]]</box>",
)
GLM = _family(
    "glm-v",
    Unit.PER_THOUSAND,
    _grid(28, 112 * 112),
    partial(patch_tokens, patch=28),
    "boxes: zai-org/GLM-V README and issue 114, per thousand of width and height, between <|begin_of_box|> and "
    "<|end_of_box|>",
    "size, tokens: Glm4vImageProcessor, factor 28, at least 112 x 112; a token for each 28 x 28 px",
    native="<|begin_of_box|>[[x0, y0, x1, y1]]<|end_of_box|>",
)
MINICPM = _family(
    "minicpm-v",
    Unit.PER_THOUSAND,
    partial(within_pixels, most=9 * 448 * 448),
    minicpm_tokens,
    "boxes: OpenBMB/MiniCPM-V issue 982, <box> in 0-1000",
    "size, tokens: OpenBMB/MiniCPM-V issue 158 and preprocessor_config.json, at most 9 slices of 448 px in any aspect "
    "ratio and an overview, 64 tokens each",
    native="<box>x0 y0 x1 y1</box>",
)
DEEPSEEK = _family(
    "deepseek-vl2",
    Unit.PER_999,
    partial(within_tiles, tile=384, most=9),
    deepseek_tokens,
    "boxes: deepseek-ai/DeepSeek-VL2, <|det|> in 0-999",
    "size, tokens: arXiv 2412.10302 section 2, at most 9 tiles of 384 px, padded, and an overview; 14 x 14 tokens each",
    "limits: processing_deepseek_vl_v2.py, with more than two pictures each is seen at 384 px alone",
    native="<|det|>[[x0, y0, x1, y1]]<|/det|>",
    images_per_request=2,
)
KIMI_VL = _family(
    "kimi-vl",
    Unit.NORMALIZED,
    _grid(28, 28 * 28, 1024),
    partial(patch_tokens, patch=28),
    "boxes: MoonshotAI/Kimi-VL issues 52 and 56, 0..1",
    "size, tokens: preprocessor of A3B-Instruct, at most 4096 patches of 14 px, four to a token",
    thinking=("◁think▷", "◁/think▷"),
)
KIMI_K2 = _family(
    "kimi-k2.5",
    Unit.NORMALIZED,
    _grid(28, 28 * 28, 4096),
    partial(patch_tokens, patch=28),
    "boxes: as kimi-vl",
    "size, tokens: preprocessors of Kimi-VL-A3B-Thinking-2506 and Kimi-K2.5, at most 16384 patches of 14 px, four to a "
    "token",
    thinking=("◁think▷", "◁/think▷"),
)
LLAMA32 = _family(
    "llama-3.2-vision",
    Unit.NORMALIZED,
    partial(within_tiles, tile=560, most=4),
    partial(tiled_tokens, tile=560, most=4, each=1601, overview=False),
    _NO_CONVENTION,
    "size, tokens: transformers image_processing_mllama.py, a canvas of at most 4 tiles of 560 px; 1601 each in the "
    "vision encoder, which is attended to and fills no prompt",
    in_prompt=False,
)
LLAMA4 = _family(
    "llama-4",
    Unit.NORMALIZED,
    partial(within_tiles, tile=336, most=16),
    partial(tiled_tokens, tile=336, most=16, each=144, overview=True),
    _NO_CONVENTION,
    "size, tokens: transformers image_processing_llama4_fast.py, a canvas of at most 16 tiles of 336 px and an "
    "overview, 144 tokens each",
)
GEMMA3 = _family(
    "gemma-3",
    Unit.NORMALIZED,
    partial(square, side=896),
    lambda _: 256,
    _NO_CONVENTION,
    "size, tokens: ai.google.dev/gemma vision, stretched onto 896 x 896 px, 256 tokens; pan and scan is off unless the "
    "server turns it on, and leaves a square alone",
)
PIXTRAL = _family(
    "pixtral",
    Unit.NORMALIZED,
    partial(up_to_patches, edge=1024, patch=16),
    partial(row_tokens, patch=16),
    _NO_CONVENTION,
    "size, tokens: transformers image_processing_pixtral.py, into 1024 px, patches of 16 px, a break after each row",
    "limits: docs.mistral.ai vision, 8 pictures a request",
    images_per_request=8,
)
MISTRAL3 = _family(
    "mistral-3",
    Unit.NORMALIZED,
    partial(up_to_patches, edge=1540, patch=28),
    partial(row_tokens, patch=28),
    _NO_CONVENTION,
    "size, tokens: processor_config.json of Mistral-Small-3.1, into 1540 px, patches of 14 px merged by two, a break "
    "after each row",
    "limits: docs.mistral.ai vision, 8 pictures a request",
    images_per_request=8,
    thinking=("[THINK]", "[/THINK]"),
)
UNKNOWN = _family(
    "unknown",
    Unit.NORMALIZED,
    lambda size: size.within_edge(2048),
    estimated_tokens,
    "boxes: arXiv 2506.01663, in 0..1",
    "size: what OpenAI's high detail takes, which others copy",
    "tokens: an estimate, one for each 28 x 28 px as most models count",
)

OPEN_WEIGHTS = (
    *(QWEN2, QWEN25, QWEN3, INTERNVL, GLM, MINICPM, DEEPSEEK, KIMI_VL, KIMI_K2),
    *(LLAMA32, LLAMA4, GEMMA3, PIXTRAL, MISTRAL3),
)

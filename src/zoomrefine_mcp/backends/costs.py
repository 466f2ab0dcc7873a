"""What a picture costs in input tokens, by the formulas that the vendors publish: pure functions of the size as sent.

Each expects a size that the vendor leaves as it is (``Profile.sees``); the profiles put the two together.
"""

from __future__ import annotations

import math
from fractions import Fraction

from zoomrefine_mcp.backends.resize import internvl_grid, minicpm_grid, tile_grid
from zoomrefine_mcp.geometry import Size


def patch_tokens(size: Size, *, patch: int, multiplier: str = "1") -> int:
    """One token for each patch that it takes to cover the picture, times what the vendor multiplies by, rounded up.

    Claude with patches of 28 px, OpenAI's newer models with 32, Qwen and its kin with their merged patches.

    Args:
        size: As sent.
        patch: Side of a patch in pixels.
        multiplier: A decimal, as text: 1.62 is no exact float.

    >>> patch_tokens(Size(1456, 819), patch=28)
    1560
    """
    return math.ceil(-(-size.width // patch) * -(-size.height // patch) * Fraction(multiplier))


def estimated_tokens(size: Size) -> int:
    """What most models would count, for one that publishes no formula: a token for each 28 x 28 px."""
    return patch_tokens(size, patch=28)


def row_tokens(size: Size, *, patch: int) -> int:
    """Pixtral's: a token for each patch, and one at the end of each row of patches.

    >>> row_tokens(Size(1024, 1024), patch=16)
    4160
    """
    columns, rows = -(-size.width // patch), -(-size.height // patch)
    return (columns + 1) * rows


def openai_tile_tokens(size: Size, *, base: int, tile: int) -> int:
    """OpenAI's older models: a base, and so many tokens for each tile of 512 px.

    >>> openai_tile_tokens(Size(768, 1536), base=85, tile=170)
    1105
    """
    return base + tile * -(-size.width // 512) * -(-size.height // 512)


def gemini_tile_tokens(size: Size) -> int:
    """Gemini before 3: 258 tokens for each tile; tiles have two thirds of the short edge as their side.

    >>> gemini_tile_tokens(Size(960, 540))
    1548
    """
    if size.long_edge <= 384:
        return 258
    side = max(1, math.floor(size.short_edge / 1.5))
    return 258 * -(-size.width // side) * -(-size.height // side)


def internvl_tokens(size: Size) -> int:
    """InternVL: 256 tokens for each tile of 448 px, and for the thumbnail where there are several.

    >>> internvl_tokens(Size(1792, 896))
    2304
    """
    columns, rows = internvl_grid(size)
    return 256 * (columns * rows + (columns * rows > 1))


def minicpm_tokens(size: Size) -> int:
    """MiniCPM-V: 64 tokens for each slice, and for the overview.

    >>> minicpm_tokens(Size(1344, 1344))
    640
    """
    columns, rows = minicpm_grid(size)
    return 64 * (columns * rows + (columns * rows > 1))


def deepseek_tokens(size: Size) -> int:
    """DeepSeek-VL2: 14 x 14 tokens for each tile of 384 px and for the overview, one at the end of each row of tokens.

    >>> deepseek_tokens(Size(1152, 864))
    2017
    """
    columns, rows = tile_grid(size, tile=384, most=9)
    return 14 * 15 + 1 + 14 * rows * (14 * columns + 1)


def tiled_tokens(size: Size, *, tile: int, most: int, each: int, overview: bool) -> int:
    """Llama's: so many tokens for each tile of the canvas, and for an overview where there are several.

    >>> tiled_tokens(Size(1120, 1120), tile=560, most=4, each=1601, overview=False)
    6404
    """
    columns, rows = tile_grid(size, tile=tile, most=most)
    return each * (columns * rows + (overview and columns * rows > 1))

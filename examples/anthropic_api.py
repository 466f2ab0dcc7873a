"""Claude through Anthropic's API, with the paper's policy and the default one side by side.

ANTHROPIC_API_KEY=... python examples/anthropic_api.py IMAGE QUESTION [MODEL]
"""

from __future__ import annotations

import sys

import anyio

from zoomrefine_mcp import Settings, open_app


async def main(image: str, question: str, model: str) -> None:
    async with open_app(Settings(backend="anthropic", model=model)) as app:
        for policy in ("direct", "paper", "adaptive"):
            result = await app.zoom_and_refine(image, question, policy=policy)
            tokens = result.usage.input_tokens + result.usage.output_tokens
            print(f"{policy:<9} {result.answer} ({result.status}), {tokens} tokens, {result.timing.total_s:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    anyio.run(main, sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "claude-sonnet-5")

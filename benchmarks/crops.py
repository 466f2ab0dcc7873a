"""What a policy sends for a box: the crop's share of the picture and its pixels, for boxes of 0.1% to 30%.

The real pipeline runs on a generated 8K picture; a scripted model answers with the box, so the figures are those of
the result object. Prints Markdown tables: ``python benchmarks/crops.py``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import anyio
from PIL import Image

from zoomrefine_mcp import ZoomRefine
from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.scripted import ScriptedClient
from zoomrefine_mcp.backends.profiles import Profile, Unit, profile_for
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.results import RegionInfo

PICTURE = Size(7680, 4320)
SHARES = (0.001, 0.01, 0.05, 0.30)
MODELS = (("some-new-model", "openai"), ("qwen2.5-vl-7b-instruct", "openai"), ("claude-sonnet-4-6", "anthropic"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "8k.jpg"
        Image.effect_noise((PICTURE.width, PICTURE.height), 40).convert("RGB").save(path, quality=85)
        for model, wire in MODELS:
            profile = profile_for(model, wire=wire)
            print(f"\n{model} (profile {profile.name}), picture {PICTURE}\n")
            print(
                "| box, share of each side | of the area | policy | view | cut, pixels | of the area | sent as | scale |"
            )
            print("|---|---|---|---|---|---|---|---|")
            for share in SHARES:
                for policy in ("paper", "adaptive"):
                    print(anyio.run(_row, path, profile, policy, share))


async def _row(path: Path, profile: Profile, policy: str, share: float) -> str:
    box = Box(0.6 - share / 2, 0.4 - share / 2, 0.6 + share / 2, 0.4 + share / 2)
    view_edge = None
    client = ScriptedClient([lambda _: _reply(box, profile, policy), _reply(None, profile, policy)])
    info = BackendInfo(name="scripted", model=profile.name, profile=profile, sends_to="this machine")
    result = await ZoomRefine(ChatBackend(client, info), policy, view_edge=view_edge).zoom_and_refine(
        path, "What is it?"
    )
    head = f"| {share:.1%} | {share * share:.4%} | {policy} | {result.image.view.width} x {result.image.view.height} |"
    return f"{head} {_cells(result.regions[0])}"


def _cells(region: RegionInfo) -> str:
    crop = region.crop
    if crop is None:
        return "no second look | | | |"
    width, height = crop.pixels[2] - crop.pixels[0], crop.pixels[3] - crop.pixels[1]
    share = width * height / PICTURE.pixels
    return f"{width} x {height} | {share:.2%} | {crop.width} x {crop.height} | {crop.width / width:.2f} |"


def _reply(box: Box | None, profile: Profile, policy: str) -> str:
    if policy == "paper":
        numbers = None if box is None else [round(value, 5) for value in box.as_list()]
        return "Rechecked Answer: seen" if numbers is None else f"Answer: unclear\nBounding box: {numbers}"
    view = profile.sees(PICTURE)
    written: list[float] = []
    if box is not None:
        scale = {Unit.NORMALIZED: (1, 1), Unit.PER_THOUSAND: (1000, 1000), Unit.PER_999: (999, 999)}.get(
            profile.unit, (view.width, view.height)
        )
        written = [round(value * scale[side % 2], 5) for side, value in enumerate(box.as_list())]
    regions = [{"picture": 1, "label": "it", "box": written}] if box else []
    return json.dumps(
        {
            "reasoning": "r",
            "evidence": "too_small" if box else "legible",
            "answer": "seen",
            "choice": None,
            "regions": regions,
        }
    )


if __name__ == "__main__":
    main()

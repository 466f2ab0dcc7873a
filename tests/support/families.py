"""How model families write a box: the other side of the wire, written apart from the package's own profiles.

A family sees a picture at the size that its own processor makes of it, and writes boxes in its own unit, order and
dress. Nothing here imports the package, so that a mistake in a profile cannot hide in its test.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

Pixels = tuple[float, float, float, float]
Seen = tuple[int, int]


@dataclass(frozen=True)
class Family:
    """One family's habits.

    Attributes:
        model: A model name of the family, as servers list it.
        unit: What its numbers count: 1 for 0..1, 999, 1000, or None for pixels of the picture as it sees it.
        yx: Whether y comes first.
        dress: How four written numbers look in its replies.
        sees: The size at which its processor sees a picture of a size.
    """

    model: str
    unit: int | None
    dress: str = "[{0}, {1}, {2}, {3}]"
    yx: bool = False
    sees: Callable[[Seen], Seen] = lambda size: size

    def numbers(self, box: Pixels, sent: Seen) -> list[float]:
        """The four numbers that the family writes for a box in pixels of the picture as sent."""
        seen = self.sees(sent)
        scale = seen if self.unit is None else (self.unit, self.unit)
        values = [box[i] / sent[i % 2] * scale[i % 2] for i in range(4)]
        numbers: list[float] = [round(v, 4) for v in values] if self.unit == 1 else [round(v) for v in values]
        return [numbers[i] for i in (1, 0, 3, 2)] if self.yx else numbers

    def written(self, box: Pixels, sent: Seen) -> str:
        """The box as it stands in a reply of free text."""
        return self.dress.format(*self.numbers(box, sent))


def smart_resize(size: Seen, *, factor: int, least: int, most: int) -> Seen:
    """Qwen's processor: sides to multiples of ``factor``, the area between ``least`` and ``most`` pixels."""
    width, height = size
    w, h = (max(factor, round(side / factor) * factor) for side in size)
    if w * h > most:
        shrink = math.sqrt(width * height / most)
        w, h = (max(factor, math.floor(side / shrink / factor) * factor) for side in size)
    elif w * h < least:
        grow = math.sqrt(least / (width * height))
        w, h = (math.ceil(side * grow / factor) * factor for side in size)
    return w, h


def claude_sees(size: Seen, *, edge: int = 1568, tokens: int = 1568) -> Seen:
    """Claude's largest size: both edges at most ``edge``, and at most ``tokens`` tiles of 28 pixels."""
    long, short = max(size), min(size)
    for candidate in range(min(edge, long), 0, -1):
        other = max(1, math.floor(candidate * short / long + 0.5))
        if math.ceil(candidate / 28) * math.ceil(other / 28) <= tokens:
            return (candidate, other) if size[0] >= size[1] else (other, candidate)
    raise AssertionError(size)


def openai_patches(size: Seen, *, edge: int, budget: int) -> Seen:
    """OpenAI's rule as its guide gives it: into ``edge``; over the budget, shrunk so that whole patches of 32 fit."""
    width, height = size
    scale = min(1.0, edge / max(size))
    if scale < 1:
        width, height = round(width * scale), round(height * scale)
    if math.ceil(width / 32) * math.ceil(height / 32) <= budget:
        return width, height
    shrink = math.sqrt(budget * 32 * 32 / (width * height))
    across, down = width * shrink / 32, height * shrink / 32
    shrink *= min(max(1, math.floor(across)) / across, max(1, math.floor(down)) / down)
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def openai_tiles(size: Seen) -> Seen:
    """The older rule: into a square of 2048, then the short side down to 768."""
    for scale in (2048 / max(size), 768 / (min(size) * min(1.0, 2048 / max(size)))):
        if scale < 1:
            size = (max(1, math.floor(size[0] * scale + 0.5)), max(1, math.floor(size[1] * scale + 0.5)))
    return size


def pixtral_sees(size: Seen, *, edge: int, patch: int) -> Seen:
    """Pixtral's processor: floor into the edge, then up to whole patches."""
    ratio = max(size) / edge
    if ratio > 1:
        size = (max(1, math.floor(size[0] / ratio)), max(1, math.floor(size[1] / ratio)))
    return ((size[0] - 1) // patch + 1) * patch, ((size[1] - 1) // patch + 1) * patch


def tiled(size: Seen, *, tile: int, most: int) -> Seen:
    """Llama's and DeepSeek's canvases: the picture is shrunk only where none of them holds it, and then least."""
    canvases = [(i * tile, j * tile) for i in range(1, most + 1) for j in range(1, most + 1) if i * j <= most]
    if any(w >= size[0] and h >= size[1] for w, h in canvases):
        return size
    scale = max(min(w / size[0], h / size[1]) for w, h in canvases)
    return math.floor(size[0] * scale), math.floor(size[1] * scale)


FAMILIES = {
    "qwen2-vl": Family(
        "Qwen/Qwen2-VL-7B-Instruct",
        1000,
        "<|box_start|>({0},{1}),({2},{3})<|box_end|>",
        sees=lambda size: smart_resize(size, factor=28, least=56 * 56, most=12_845_056),
    ),
    "qwen2.5-vl": Family(
        "Qwen/Qwen2.5-VL-7B-Instruct",
        None,
        '{{"bbox_2d": [{0}, {1}, {2}, {3}], "label": "marker"}}',
        sees=lambda size: smart_resize(size, factor=28, least=56 * 56, most=12_845_056),
    ),
    "qwen3-vl": Family(
        "Qwen/Qwen3-VL-8B-Instruct",
        1000,
        '{{"bbox_2d": [{0}, {1}, {2}, {3}], "label": "marker"}}',
        sees=lambda size: smart_resize(size, factor=32, least=256 * 256, most=16_777_216),
    ),
    "internvl": Family("OpenGVLab/InternVL3-8B", 1000, "<box>[[{0}, {1}, {2}, {3}]]</box>"),
    "glm": Family("zai-org/GLM-4.5V", 1000, "<|begin_of_box|>[[{0}, {1}, {2}, {3}]]<|end_of_box|>"),
    "minicpm": Family("openbmb/MiniCPM-V-4_5", 1000, "<box>{0} {1} {2} {3}</box>"),
    "deepseek-vl2": Family(
        "deepseek-ai/deepseek-vl2",
        999,
        "<|det|>[[{0}, {1}, {2}, {3}]]<|/det|>",
        sees=lambda size: tiled(size, tile=384, most=9),
    ),
    "kimi": Family("moonshotai/Kimi-VL-A3B-Instruct", 1),
    "llama-3.2": Family("meta-llama/Llama-3.2-11B-Vision-Instruct", 1, sees=lambda size: tiled(size, tile=560, most=4)),
    "llama-4": Family("meta-llama/Llama-4-Scout-17B-16E-Instruct", 1, sees=lambda size: tiled(size, tile=336, most=16)),
    "gemma-3": Family("google/gemma-3-27b-it", 1),
    "pixtral": Family("mistralai/Pixtral-12B-2409", 1, sees=lambda size: pixtral_sees(size, edge=1024, patch=16)),
    "mistral": Family(
        "mistralai/Mistral-Small-3.2-24B-Instruct-2506", 1, sees=lambda size: pixtral_sees(size, edge=1540, patch=28)
    ),
    "gemini": Family("gemini-2.5-pro", 1000, yx=True),
    "claude": Family("claude-sonnet-4-6", None, sees=claude_sees),
    "claude-high": Family("claude-opus-4-8", None, sees=lambda size: claude_sees(size, edge=2576, tokens=4784)),
    "gpt": Family("gpt-5.4", None, sees=lambda size: openai_patches(size, edge=6000, budget=10_000)),
    "gpt-mini": Family("gpt-5-mini", None, sees=lambda size: openai_patches(size, edge=2048, budget=1536)),
    "gpt-4o": Family("gpt-4o", None, sees=openai_tiles),
    "unknown": Family("some-vision-model", 1),
}


def in_json_of_its_own(family: Family, box: Pixels, sent: Seen) -> str:
    """What the family writes when asked for boxes and nothing else."""
    if "bbox_2d" in family.dress:
        return f"```json\n[{family.written(box, sent)}]\n```"
    return json.dumps([{"box_2d": family.numbers(box, sent), "label": "marker"}])

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


FAMILIES = {
    "qwen2-vl": Family("Qwen/Qwen2-VL-7B-Instruct", 1000, "<|box_start|>({0},{1}),({2},{3})<|box_end|>"),
    "qwen2.5-vl": Family(
        "Qwen/Qwen2.5-VL-7B-Instruct",
        None,
        '{{"bbox_2d": [{0}, {1}, {2}, {3}], "label": "marker"}}',
        sees=lambda size: smart_resize(size, factor=28, least=56 * 56, most=12_845_056),
    ),
    "qwen3-vl": Family("Qwen/Qwen3-VL-8B-Instruct", 1000, '{{"bbox_2d": [{0}, {1}, {2}, {3}], "label": "marker"}}'),
    "internvl": Family("OpenGVLab/InternVL3-8B", 1000, "<box>[[{0}, {1}, {2}, {3}]]</box>"),
    "glm": Family("zai-org/GLM-4.5V", 1000, "<|begin_of_box|>[[{0}, {1}, {2}, {3}]]<|end_of_box|>"),
    "minicpm": Family("openbmb/MiniCPM-V-4_5", 1000, "<box>{0} {1} {2} {3}</box>"),
    "deepseek-vl2": Family("deepseek-ai/deepseek-vl2", 999, "<|det|>[[{0}, {1}, {2}, {3}]]<|/det|>"),
    "kimi": Family("moonshotai/Kimi-VL-A3B-Instruct", 1),
    "gemini": Family("gemini-2.5-pro", 1000, yx=True),
    "claude": Family("claude-sonnet-4-6", None, sees=claude_sees),
    "gpt": Family("gpt-5.4", None),
    "unknown": Family("some-vision-model", 1),
}


def in_json_of_its_own(family: Family, box: Pixels, sent: Seen) -> str:
    """What the family writes when asked for boxes and nothing else."""
    if "bbox_2d" in family.dress:
        return f"```json\n[{family.written(box, sent)}]\n```"
    return json.dumps([{"box_2d": family.numbers(box, sent), "label": "marker"}])

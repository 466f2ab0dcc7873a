"""Replies of recorded shape: every convention in every form, damaged in every way that models and servers damage them.

All say the same: the serial number is 48-2207, and it stands at (0.1, 0.2, 0.3, 0.4) of a picture of 1400 x 700.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

Numbers = list[float]

CONVENTIONS: dict[str, tuple[str, Numbers]] = {
    "fractions": ("unknown", [0.1, 0.2, 0.3, 0.4]),
    "thousandths": ("qwen3-vl", [100, 200, 300, 400]),
    "0-999": ("deepseek-vl2", [100, 200, 300, 400]),
    "pixels": ("claude-high", [140, 140, 420, 280]),
    "y first": ("gemini", [200, 100, 400, 300]),
}


def _form(numbers: object, **others: object) -> str:
    region = {"picture": 1, "label": "plate", "box": numbers}
    fields = {"reasoning": "It is on the plate.", "evidence": "legible", "answer": "48-2207", "choice": None}
    return json.dumps(fields | {"regions": [region]} | others)


def _named(numbers: Numbers, family: str) -> dict[str, float]:
    names = ("ymin", "xmin", "ymax", "xmax") if family == "gemini" else ("x1", "y1", "x2", "y2")
    return dict(zip(names, numbers, strict=True))


def _spaced(numbers: Numbers) -> str:
    return " ".join(map(str, numbers))


# How the answer and the box are put. Each gives a reply that nobody has damaged yet.
FORMS: dict[str, Callable[[Numbers, str], str]] = {
    "the JSON form": lambda n, _: _form(n),
    "the JSON form, indented": lambda n, _: json.dumps(json.loads(_form(n)), indent=2),
    "JSON, corners by name": lambda n, family: _form(_named(n, family)),
    "JSON, numbers in a string": lambda n, _: _form(str(n)),
    "JSON, numbers as strings": lambda n, _: _form([str(one) for one in n]),
    "JSON, a list in the list": lambda n, _: _form([n]),
    "JSON, tags in a string": lambda n, _: _form(f"<box>[{n}]</box>"),
    "JSON, bbox_2d": lambda n, _: json.dumps({"answer": "48-2207", "objects": [{"bbox_2d": n, "label": "plate"}]}),
    "JSON, an outer object": lambda n, _: json.dumps({"reply": json.loads(_form(n))}),
    "JSON, a list around": lambda n, _: f"[{_form(n)}]",
    "JSON, fields in another case": lambda n, _: _form(n).replace('"answer"', '"Answer"').replace('"box"', '"BBox"'),
    "lines": lambda n, _: f"It is on the plate.\nAnswer: 48-2207\nBounding box: {n}",
    "lines, bold": lambda n, _: f"**Answer:** 48-2207\n**Bounding box:** `{n}`",
    "lines, two corners": lambda n, _: f"Answer: 48-2207\nBounding box: ({n[0]}, {n[1]}) to ({n[2]}, {n[3]})",
    "field names as prose": lambda n, _: (
        f"reasoning: seen.\nevidence: legible\nanswer: 48-2207\nregions: plate, box: {n}"
    ),
    "box tag": lambda n, _: f"Answer: 48-2207\n<ref>plate</ref><box>[{n}]</box>",
    "box tag, bare numbers": lambda n, _: f"Answer: 48-2207\n<box>{_spaced(n)}</box>",
    "begin_of_box": lambda n, _: f"Answer: 48-2207\n<|begin_of_box|>[{n}]<|end_of_box|>",
    "det": lambda n, _: f"Answer: 48-2207\n<|ref|>plate<|/ref|><|det|>[{n}]<|/det|>",
    "box_start": lambda n, _: f"Answer: 48-2207\n<|box_start|>({n[0]},{n[1]}),({n[2]},{n[3]})<|box_end|>",
}

# What happens to it on the way. The first ones suit every form, the others JSON alone.
DAMAGE: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "thought first": lambda text: f"<think>Perhaps [1, 2, 3, 4]? Answer: 7</think>\n{text}",
    "thought, its opening tag in the prompt": lambda text: f"Perhaps. Answer: 7\n</think>\n\n{text}",
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
    "blank lines around": lambda text: f"\n\n  {text}\n\n",
}
JSON_DAMAGE: dict[str, Callable[[str], str]] = {
    "in a fence": lambda text: f"```json\n{text}\n```",
    "prose around": lambda text: f"Here is what I found:\n\n{text}\n\nLet me know if you need more.",
    "a raw line break in a string": lambda text: text.replace("48-2207", "48-2207\n", 1),
    "a raw tab and a bell in a string": lambda text: text.replace("48-2207", "48-2207\t\x07", 1),
    "a comma too many": lambda text: text.replace("}]", "},]"),
    "single quotes": lambda text: text.replace('"', "'"),
    "the last bracket cut off": lambda text: text.rstrip()[:-1],
    "everything behind the box cut off": lambda text: text[: text.rindex("]")],
    "written twice": lambda text: f"{text}\n{text}",
    "one JSON string": json.dumps,
}


def replies() -> Iterator[tuple[str, str, str]]:
    """(what it is, the family, the reply)."""
    for convention, (family, numbers) in CONVENTIONS.items():
        for form, put in FORMS.items():
            text = put(numbers, family)
            damages = DAMAGE | (JSON_DAMAGE if text.lstrip().startswith(("{", "[")) else {})
            for damage, harm in damages.items():
                yield f"{convention}; {form}; {damage}", family, harm(text)


# (what it shows, family, form, the reply, the box or None, words of the warning)
CONTRADICTIONS = [
    ("above 1 for fractions", "unknown", "json", _form([100, 200, 300, 400]), (0.1, 0.2, 0.3, 0.4), "read as 0-1000"),
    ("above 1 for fractions, Kimi", "kimi-k2.5", "json", _form([100, 200, 300, 400]), (0.1, 0.2, 0.3, 0.4), "read as 0-1000"),
    ("above 1000 for fractions", "gemma-3", "json", _form([1120, 140, 1260, 280]), (0.8, 0.2, 0.9, 0.4), "read as pixels"),
    ("above 1000 for 0-1000", "internvl", "json", _form([1120, 140, 1260, 280]), (0.8, 0.2, 0.9, 0.4), "read as pixels"),
    ("above 1000 for 0-999", "deepseek-vl2", "json", _form([1120, 140, 1260, 280]), (0.8, 0.2, 0.9, 0.4), "read as pixels"),
    ("above 1000 and beyond the picture", "glm-v", "json", _form([500, 500, 9000, 9000]), (0.5, 0.5, 1.0, 1.0), "clipped"),
    ("fractions for 0-1000", "qwen3-vl", "json", _form([0.1, 0.2, 0.3, 0.4]), (0.1, 0.2, 0.3, 0.4), "fractions"),
    ("fractions for pixels", "openai-5.4", "json", _form([0.1, 0.2, 0.3, 0.4]), (0.1, 0.2, 0.3, 0.4), "fractions"),
    ("fractions, y first, for 0-1000", "gemini", "json", _form([0.2, 0.1, 0.4, 0.3]), (0.1, 0.2, 0.3, 0.4), "fractions"),
    ("0-1000 for pixels", "claude-high", "json", _form([100, 800, 300, 900]), (0.1, 0.8, 0.3, 0.9), "0-1000"),
    ("percents for pixels", "claude-high", "json", _form(["10%", "20%", "30%", "40%"]), (0.1, 0.2, 0.3, 0.4), "percents"),
    ("percents for 0-1000", "minicpm-v", "json", _form("10%, 20%, 30%, 40%"), (0.1, 0.2, 0.3, 0.4), "percents"),
    ("percents, y first", "gemini", "json", _form(["20%", "10%", "40%", "30%"]), (0.1, 0.2, 0.3, 0.4), "percents"),
    ("both corners exchanged", "internvl", "json", _form([300, 400, 100, 200]), (0.1, 0.2, 0.3, 0.4), "wrong order"),
    ("left and right exchanged", "claude-high", "json", _form([420, 140, 140, 280]), (0.1, 0.2, 0.3, 0.4), "wrong order"),
    ("exchanged and fractions", "qwen2.5-vl", "json", _form([0.3, 0.4, 0.1, 0.2]), (0.1, 0.2, 0.3, 0.4), "wrong order"),
    ("a line without area", "qwen3-vl", "json", _form([100, 200, 100, 400]), None, "no area"),
    ("wholly outside", "claude-high", "json", _form([1410, 10, 1500, 20]), None, "no area"),
    ("three numbers", "qwen3-vl", "json", _form([100, 200, 300]), None, "no box that can be read"),
    ("words for numbers", "qwen3-vl", "json", _form("top left"), None, "no box that can be read"),
    ("a box cut off in its numbers", "qwen3-vl", "json", _form([100, 200, 300, 400])[:-6], None, "no box that can be read"),
    ("a picture that there is not", "qwen3-vl", "json", _form([100, 200, 300, 400]).replace('"picture": 1', '"picture": 4'), (0.1, 0.2, 0.3, 0.4), "which there is not"),
    ("Gemini's key from a model of fractions", "unknown", "json", '{"answer": "x", "box_2d": [200, 100, 400, 300]}', (0.1, 0.2, 0.3, 0.4), "y first"),
    ("0-1000 where the paper's line asks for fractions", "llama-4", "text", "Answer: x\nBounding box: [100, 200, 300, 400]", (0.1, 0.2, 0.3, 0.4), "0-1000"),
]  # fmt: skip

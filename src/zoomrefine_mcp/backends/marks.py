"""Finds what a model marked: boxes and points in the values of a JSON reply, and in text."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any

from zoomrefine_mcp.backends.boxes import Mark

MAX_MARKS = 50
"""A reply that marks more than this has lost the question."""
MAX_PICTURE_NUMBER = 1000
"""A number from here on is none of a picture, as in text, where three digits are read."""

BOX_KEYS = ("box", "bbox", "bbox_2d", "box_2d", "bounding_box", "boundingbox", "bounding box", "coordinates")
POINT_KEYS = ("point", "point_2d", "points", "center", "centre")
REGION_KEYS = ("regions", "region", "boxes", "bboxes", "bounding_boxes", "objects", "detections", "results")
_LABEL_KEYS = ("label", "name", "description", "text_content", "text", "class")
_PICTURE_KEYS = ("picture", "image", "picture_number", "image_number", "image_index")
_CORNERS = (
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
    ("left", "top", "right", "bottom"),
)
_ORIGIN_AND_SIZE = (
    ("left", "top", "width", "height"),
    ("x", "y", "width", "height"),
    ("x", "y", "w", "h"),
)
_CENTRE_AND_SIZE = (
    ("x_center", "y_center", "width", "height"),
    ("center_x", "center_y", "width", "height"),
    ("cx", "cy", "w", "h"),
)

# "x1" and "box_2d" hold digits that are no numbers.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,9}\.?\d{0,18}|\.\d{1,18})(?![\w.]*[A-Za-z_])(?!\d)\s?(%)?")
_TAGGED = re.compile(
    r"<\|?(?P<tag>box_start|begin_of_box|bounding_box|bbox|box|det|points?)\|?(?P<inside>[^<>|]*)>"
    r"(?P<body>[^<]*)"
    r"(?P<end><\|?/?(?:box_end|end_of_box|bounding_box|bbox|box|det|points?)\|?>)?"
)
_REFERENCE = re.compile(
    r"<\|?(?:ref|object_ref_start)\|?>([^<]*)<\|?(?:/ref|object_ref_end)\|?>[^<]{0,8}$",
)
_LABELLED = re.compile(
    r"(?:bounding[ _-]?box(?:es)?|bbox(?:_2d)?|box_2d|\b(?:box|region|coordinates|location)|边界框|包围盒|坐标)"
    r"[\s*_`\"']*(?:\([^()\d]*\)[\s*_`\"']*)?(?:[:=]|is\b|at\b)"
    r"|\b(?:bounding[ _-]?box|bbox(?:_2d)?|box(?:_2d)?)[\s*_`\"']*(?=[\[(]\s*[-\d.])",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"[\[(]\s*x_?\w{1,3}\s*,\s*y_?\w{1,3}\s*,\s*x_?\w{1,3}\s*,\s*y_?\w{1,3}\s*[\])]", re.IGNORECASE)
_NUMERIC = re.compile(r"[\s\d.,;:\[\](){}%+\-]*")
_PERCENT = re.compile(r"[\s\])}]*(?:%|per ?cent\b)", re.IGNORECASE)
_PIXELS = re.compile(r"(?<=\d) ?px\b")
# What may stand between a label and the first number, and between two numbers of one box.
_LEAD = re.compile(r"(?:<[^<>]{1,24}>|-\s|[\s*_`\"'\[\](){}:=,]|(?:x|y)_?(?:[012]|min|max)|left|top)*", re.IGNORECASE)
_GAP = re.compile(
    r"(?:<[^<>]{1,24}>|[\s;,:=\[\](){}\"'|/%-]|(?:x|y)_?(?:[012]|min|max)|right|bottom|left|top|and|to)*",
    re.IGNORECASE,
)


def marks_in_value(value: Any, *, label: str | None = None, picture: int | None = None) -> list[Mark]:
    """The marks in a JSON value: a reply's ``regions``, one region, or a bare list of numbers; at most ``MAX_MARKS``.

    >>> [mark.numbers for mark in marks_in_value([{"bbox_2d": [10, 20, 30, 40], "label": "plate"}])]
    [(10.0, 20.0, 30.0, 40.0)]
    """
    if isinstance(value, str):
        return _in_string(value, label, picture)
    if isinstance(value, list):
        return _in_list(value, label, picture)
    if isinstance(value, dict):
        return _in_object({str(key).strip().lower(): item for key, item in value.items()}, label, picture)
    return []


def without_a_box(members: dict[str, Any]) -> int:
    """How many regions of a reply say that they have a box and hold none that can be read: cut off, three numbers.

    >>> without_a_box({"regions": [{"label": "plate", "box": [1, 2, 3]}, {"label": "no place", "box": None}]})
    1
    """
    lists = (members[key] for key in REGION_KEYS if isinstance(members.get(key), list))
    regions = [item for one in lists for item in one if isinstance(item, dict)]
    return sum(_says_a_place(region) and not marks_in_value(region) for region in (*regions, members))


def _says_a_place(region: dict[str, Any]) -> bool:
    if any(region.get(key) for key in (*BOX_KEYS, *POINT_KEYS)):
        return True  # a null there says that there is no place
    return "picture" in region and not any(key in region for key in (*BOX_KEYS, *POINT_KEYS))


def marks_in_text(text: str, *, anywhere: bool) -> list[Mark]:
    """The marks in prose: the LAST ``Bounding box: [..]``, else every tagged box, else (``anywhere``) bare lists.

    >>> marks_in_text("Bounding box: [0.1, 0.2, 0.3, 0.4]", anywhere=False)[0].numbers
    (0.1, 0.2, 0.3, 0.4)
    """
    text = _PIXELS.sub("", _TEMPLATE.sub(" ", text))
    for match in reversed(list(_LABELLED.finditer(text))):
        mark = _labelled(text[match.end() : match.end() + 240])
        if mark is not None:
            return [mark]
    tags = islice(_TAGGED.finditer(text), MAX_MARKS)
    tagged = [mark for match in tags for mark in _tagged(text, match)]
    if tagged or not anywhere:
        return tagged[:MAX_MARKS]
    groups = islice(re.finditer(r"[\[(][^\[\]A-Za-z]{3,80}[\])]", text), MAX_MARKS)
    return [mark for group in groups for mark in _in_string(group.group(), None, None)][:MAX_MARKS]


def without_marks(text: str) -> str:
    """The text with tagged boxes and ``Bounding box:`` lines taken out; tags around words leave the words."""
    text = re.sub(r"<\|?(?:ref|object_ref_start)\|?>([^<]*)<\|?(?:/ref|object_ref_end)\|?>", r"\1", text)
    text = _TAGGED.sub(lambda match: " " if _mark_body(match) else match["body"], text)
    pieces, at = [], 0
    for match in _LABELLED.finditer(text):
        named = match.group().lower().startswith("bounding")
        if match.start() < at or not (named or _labelled(text[match.end() : match.end() + 240])):
            continue
        pieces.append(text[at : match.start()].rstrip(" \t\n*_`#>-"))
        line_end = text.find("\n", match.end())
        at = len(text) if line_end < 0 else line_end
    return "".join(pieces) + text[at:]


def _in_list(value: list[Any], label: str | None, picture: int | None) -> list[Mark]:
    numbers = [_number(item) for item in value]
    if len(value) in (2, 4) and all(number is not None for number in numbers):
        percent = any(isinstance(item, str) and "%" in item for item in value)
        return [
            _mark([number for number in numbers if number is not None], _raw(value), label, picture, percent=percent)
        ]
    pairs = [item for item in value if isinstance(item, list) and len(item) == 2]
    if len(pairs) == len(value) and len(value) in (2, 4):  # two corners, or the four of a quadrilateral
        points = [[_number(x), _number(y)] for x, y in pairs]
        xs, ys = [x for x, _ in points if x is not None], [y for _, y in points if y is not None]
        if len(xs) == len(ys) == len(value):
            return [_mark([min(xs), min(ys), max(xs), max(ys)], _raw(value), label, picture)]
    nested = (item for item in value if isinstance(item, list | dict | str))
    marks = (mark for item in nested for mark in marks_in_value(item, label=label, picture=picture))
    return list(islice(marks, MAX_MARKS))


def _in_object(value: dict[str, Any], label: str | None, picture: int | None) -> list[Mark]:
    label = next((value[key].strip() for key in _LABEL_KEYS if isinstance(value.get(key), str)), None) or label
    numbers = (_picture_number(value[key]) for key in _PICTURE_KEYS if key in value)
    picture = next((number for number in numbers if number is not None), picture)
    named = _named(value)
    if named is not None:
        percent = any("%" in str(item) for item in value.values())
        return [_mark(named, _raw(value), label, picture, named=True, percent=percent)]
    for key in (*BOX_KEYS, *POINT_KEYS, *REGION_KEYS):
        if value.get(key):
            marks = marks_in_value(value[key], label=label, picture=picture)
            return [_keyed(mark, key) for mark in marks]
    return []


def _keyed(mark: Mark, key: str) -> Mark:
    if key != "box_2d":
        return mark
    return Mark(mark.numbers, mark.raw, mark.label, mark.picture, mark.percent, mark.named, y_first=not mark.named)


def _named(value: dict[str, Any]) -> list[float] | None:
    for keys in _CORNERS:
        corners = _all_numbers(value, keys)
        if corners is not None:
            return corners
    for keys in _ORIGIN_AND_SIZE:
        corners = _all_numbers(value, keys)
        if corners is not None:
            x, y, width, height = corners
            return [x, y, x + width, y + height]
    for keys in _CENTRE_AND_SIZE:
        corners = _all_numbers(value, keys)
        if corners is not None:
            x, y, width, height = corners
            return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    return _all_numbers(value, ("x", "y"))


def _all_numbers(value: dict[str, Any], keys: tuple[str, ...]) -> list[float] | None:
    numbers = [_number(value.get(key)) for key in keys]
    found = [number for number in numbers if number is not None]
    return found if len(found) == len(keys) else None


def _in_string(text: str, label: str | None, picture: int | None) -> list[Mark]:
    text = _PIXELS.sub("", text)
    tagged = list(islice(_TAGGED.finditer(text), MAX_MARKS))
    if tagged:
        marks = [mark for match in tagged for mark in _tagged(text, match)][:MAX_MARKS]
        return [Mark(mark.numbers, mark.raw, mark.label or label, picture, mark.percent) for mark in marks]
    return _grouped(text, label, picture)


def _tagged(text: str, match: re.Match[str]) -> list[Mark]:
    reference = _REFERENCE.search(text, max(0, match.start() - 300), match.start())
    label = reference[1].strip() if reference else None
    attributes = re.search(r"\bx\d?\s*=\s*[\"']?([\d.]+).{0,200}?\by\d?\s*=\s*[\"']?([\d.]+)", match["inside"])
    if attributes:  # Molmo's <point x="61.5" y="40.2">, in percent
        x, y = _number(attributes[1]), _number(attributes[2])
        if x is None or y is None:
            return []
        return [_mark([x, y], match.group().strip(), label, None, percent=True)]
    body = _mark_body(match)
    return _grouped(body, label, None, raw=match.group().strip()) if body else []


def _grouped(text: str, label: str | None, picture: int | None, raw: str | None = None) -> list[Mark]:
    """Numbers that stand alone: four make a box, two a point, more a box for every four."""
    found = list(_NUMBER.finditer(text))
    size = 2 if len(found) == 2 else 4
    if not found or len(found) % size:
        return []
    groups = [found[start : start + size] for start in range(0, len(found), size)][:MAX_MARKS]
    return [
        _mark(
            [_float(one) for one in group],
            raw if raw is not None and len(groups) == 1 else text[group[0].start() : group[-1].end()].strip(),
            label,
            picture,
            percent=any(one[1] for one in group),
        )
        for group in groups
    ]


def _labelled(segment: str) -> Mark | None:
    lead = _LEAD.match(segment)
    at = lead.end() if lead else 0
    found: list[re.Match[str]] = []
    while len(found) < 4:
        number = _NUMBER.match(segment, at)
        if number is None:
            break
        found.append(number)
        gap = _GAP.match(segment, number.end())
        at = gap.end() if gap else number.end()
        if gap and "\n\n" in gap.group():
            break
    if len(found) < 4:
        return None
    raw = segment[: found[-1].end()].strip().lstrip("*_` \"'")
    closing = re.match(r"[\s\])}]*(?:<[^<>]{1,24}>)?", segment[found[-1].end() :])
    raw += closing.group().rstrip() if closing else ""
    percent = any(one[1] for one in found) or bool(_PERCENT.match(segment, found[-1].end()))
    return _mark([_float(one) for one in found], raw, None, None, percent=percent)


def _mark_body(match: re.Match[str]) -> str:
    """What stands between box tags, if it is numbers; GLM wraps its answers in the same tags as its boxes."""
    body = match["body"] if match["end"] else _NUMERIC.match(match["body"]).group()  # type: ignore[union-attr]  # can be empty
    numbers = len(_NUMBER.findall(body))
    is_answer = match["tag"] == "begin_of_box" and not re.search(r"[\[(]", body)
    return (
        body if _NUMERIC.fullmatch(body) and (numbers == 2 or (numbers and numbers % 4 == 0)) and not is_answer else ""
    )


def _mark(
    numbers: list[float],
    raw: str,
    label: str | None,
    picture: int | None,
    *,
    percent: bool = False,
    named: bool = False,
) -> Mark:
    return Mark(tuple(numbers), " ".join(raw.split())[:200], label or None, picture, percent, named)


def _raw(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e9 else None
    match = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    return _float(match) if match else None


def _float(match: re.Match[str]) -> float:
    return float(match.group().rstrip("% \t\n"))


def _picture_number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if abs(value) < MAX_PICTURE_NUMBER and value == int(value) else None
    digits = re.search(r"\d{1,3}", value) if isinstance(value, str) else None
    return int(digits.group()) if digits else None

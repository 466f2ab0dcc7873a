"""The plot of ``looks.py``: a panel for each kind, a point for each policy, what was right against what it took. Plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log

from looks_record import POLICIES, Record, mean, picked, share
from looks_scenes import KINDS

RATE, THRESHOLD = 0.1, 12.0
"""What is drawn: the model that reads from 12 pixels and names a wrong region once in ten times."""
_COLOURS = {"direct": "#8a8a8a", "paper": "#d9822b", "adaptive": "#1f6fb4", "thorough": "#6b3fa0"}
_RADII = {"direct": 7, "paper": 6, "adaptive": 5, "thorough": 3.5}
"""Points that coincide are seen as rings."""
_TITLES = {
    "legible": "legible in the view",
    "one_region": "one region",
    "two_regions": "two far regions",
    "two_levels": "two levels (16,000 px)",
    "three_levels": "three levels (30,000 px)",
    "search": "no cue where to look",
    "wrong_first": "wrong first box",
    "count": "count of 5 to 15",
    "not_there": "not there, with a namesake",
}
_COLUMNS = 3
_WIDTH, _HEIGHT = 300, 208
"""Of a panel, its title and numbers included."""
_LEFT, _TOP, _ACROSS, _DOWN = 40, 42, 236, 126
"""Where in a panel its axes lie."""
_HEAD = 74
_TICKS = (0.8, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Of the axis of tokens, in thousands; the first is where it begins."""


@dataclass(frozen=True, slots=True)
class _Point:
    policy: str
    right: float
    tokens: float
    looks: float


def plot(records: Sequence[Record]) -> str:
    """An SVG. A kind without records has an empty panel."""
    some = picked(records, rate=RATE, threshold=THRESHOLD, sloppy=False)
    kinds = list(KINDS)
    points = {kind: _points(picked(some, kind=kind)) for kind in kinds}
    most = _rounded(max([1.0, *(one.tokens for of_kind in points.values() for one in of_kind)]))
    rows = -(-len(kinds) // _COLUMNS)
    width, height = _COLUMNS * _WIDTH + 20, _HEAD + rows * _HEIGHT + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_heading([policy for policy in POLICIES if picked(some, policy=policy)]),
    ]
    for at, kind in enumerate(kinds):
        x, y = 10 + at % _COLUMNS * _WIDTH, _HEAD + at // _COLUMNS * _HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_panel(_TITLES[kind], points[kind], most), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _points(records: Sequence[Record]) -> list[_Point]:
    points = []
    for policy in POLICIES:
        some = picked(records, policy=policy)
        if some:
            tokens = (mean(some, "fresh") + mean(some, "cached")) / 1000
            points.append(_Point(policy, share(some, "right"), tokens, mean(some, "looks")))
    return points


def _heading(policies: Sequence[str]) -> list[str]:
    said = "Right answers against image tokens; beside each point its mean number of looks"
    how = (
        "image tokens in thousands, cached ones included; generated pictures, a loopback model that reads from "
        f"{THRESHOLD:g} px and names a wrong region {RATE:.0%} of the time"
    )
    parts = [_text(20, 22, said, size=14, weight="bold"), _text(20, 39, how, colour="#555")]
    for at, policy in enumerate(policies):
        x = 26 + at * 100
        parts += [f'<circle cx="{x}" cy="56" r="5" fill="{_COLOURS[policy]}"/>', _text(x + 10, 60, policy, size=12)]
    return parts


def _panel(title: str, points: Sequence[_Point], most: float) -> list[str]:
    parts = [_text(_LEFT, 16, title, size=12, weight="bold")]
    for percent in (0, 50, 100):
        y = _at(0, percent / 100, most)[1]
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _ACROSS}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{percent}%", anchor="end", colour="#555"))
    for tokens in [tokens for tokens in _TICKS[1:] if tokens <= most]:
        x = _at(tokens, 0, most)[0]
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP + _DOWN}" y2="{_TOP + _DOWN + 4}" stroke="#999"/>')
        parts.append(_text(x, _TOP + _DOWN + 16, f"{tokens:g}k", anchor="middle", colour="#555"))
    places = {one.policy: _at(one.tokens, one.right, most) for one in points}
    for one in points:
        x, y = places[one.policy]
        parts.append(
            f'<circle stroke="white" cx="{x:.1f}" cy="{y:.1f}" r="{_RADII[one.policy]}" fill="{_COLOURS[one.policy]}"/>'
        )
    return [*parts, *_labels(points, places)]


def _labels(points: Sequence[_Point], places: dict[str, tuple[float, float]]) -> list[str]:
    """The looks of each point, to its right and clear of the other points and labels."""
    taken: list[tuple[float, float]] = []
    parts = []
    for one in sorted(points, key=lambda point: places[point.policy][0]):
        x, y = places[one.policy]
        others = [place for policy, place in places.items() if policy != one.policy]
        spots = [(x + 8, y + 4), (x - 7, y + 19), (x - 7, y - 9), (x - 26, y + 4), (x + 6, y + 18), (x - 7, y + 33)]
        free = (spot for spot in spots if _is_free(spot, others, taken))
        spot = next(free, spots[0])
        taken.append(spot)
        parts.append(_text(*spot, f"{one.looks:.1f}", colour=_COLOURS[one.policy]))
    return parts


def _is_free(
    spot: tuple[float, float], points: Sequence[tuple[float, float]], taken: Sequence[tuple[float, float]]
) -> bool:
    left, bottom = spot
    hits = any(left - 6 < x < left + 24 and bottom - 15 < y < bottom + 6 for x, y in points)
    meets = any(abs(left - x) < 22 and abs(bottom - y) < 12 for x, y in taken)
    return not hits and not meets and _LEFT - 8 <= left <= _LEFT + _ACROSS + 4 and bottom <= _TOP + _DOWN + 2


def _at(tokens: float, right: float, most: float) -> tuple[float, float]:
    """Where in a panel; tokens on a logarithmic scale."""
    least = _TICKS[0]
    return _LEFT + log(max(tokens, least) / least) / log(most / least) * _ACROSS, _TOP + (1 - right) * _DOWN


def _rounded(value: float) -> float:
    """The next number that reads well on the axis."""
    return next((tick for tick in _TICKS[1:] if tick >= value), value)


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 11,
    weight: str = "normal",
    anchor: str = "start",
    colour: str = "#222",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(words)}</text>'
    )

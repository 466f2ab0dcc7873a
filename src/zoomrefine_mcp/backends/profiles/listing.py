"""The profiles as a person reads them in a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from zoomrefine_mcp.backends.profiles.checks import CHECKS, Check
from zoomrefine_mcp.backends.profiles.record import Axes, Profile
from zoomrefine_mcp.geometry import Size

EXAMPLE = Size(7680, 4320)
"""The picture of which the listing says how a model sees it and what it costs."""

OURS = "(ours)"
"""Behind a fact that nobody published: our own choice."""

_TOPICS = {
    "box_unit": "boxes",
    "box_order": "boxes",
    "native_box": "boxes",
    "in_prompt": "tokens",
    "images_per_request": "limits",
    "request_bytes": "limits",
    "cache_floor": "cache",
}
"""What the source of a fact begins with; a profile file's begins with the facts' own names."""

_LEGEND = (
    "in prompt: whether a picture's tokens are part of the prompt, and counted there.",
    "native box: how the family writes a box by itself; the prompt reminds it of that.",
    "unnamed on view: whether a box that names no picture is read on the first picture, the view, or on the newest.",
    f"{OURS}: our own choice; no source says it. -: nothing, or only the server knows.",
)


def facts_of(profile: Profile) -> dict[str, Any]:
    """A profile as a JSON object: sizes as [width, height], limits in bytes, null where only the server knows."""
    seen = profile.sees(EXAMPLE)
    return {
        "family": profile.name,
        "box_unit": profile.unit.value,
        "box_order": profile.axes.value,
        "native_box": profile.native or None,
        "part_order": profile.order.value,
        "example": {
            "picture": [EXAMPLE.width, EXAMPLE.height],
            "seen": [seen.width, seen.height],
            "tokens": profile.image_tokens(EXAMPLE),
        },
        "in_prompt": profile.in_prompt,
        "images_per_request": profile.images_per_request,
        "request_bytes": profile.request_bytes,
        "max_bytes": profile.max_bytes,
        "enlarge_to": profile.enlarge_to,
        "tell_size": profile.tell_size,
        "unnamed_on_view": profile.unnamed_on_view,
        "accepts_temperature": profile.accepts_temperature,
        "completion_tokens_name": profile.completion_tokens_name,
        "image_detail": profile.image_detail,
        "structured_output": profile.structured_output,
        "thinking": list(profile.thinking),
        "reply_tokens": profile.reply_tokens,
        "cache_floor": profile.cache_floor,
        "sources": list(profile.sources),
    }


def check_of(check: Check) -> dict[str, Any]:
    """A check value as a JSON object: what is expected and what the profile says, [width, height] or tokens."""
    return {
        "family": check.family,
        "model": check.model,
        "picture": [check.size.width, check.size.height],
        "expected": _plain(check.expected),
        "found": _plain(check.found()),
        "source": check.source,
    }


def table(profiles: Iterable[Profile]) -> list[str]:
    """One line a family, and the source of each of its facts below."""
    profiles = list(profiles)
    rows = [
        (
            profile.name,
            _boxes(profile),
            str(profile.sees(EXAMPLE)),
            f"{profile.image_tokens(EXAMPLE):,}",
            profile.order.value,
            _count(profile.images_per_request),
            _megabytes(profile.request_bytes),
            str(profile.cache_floor or "any"),
        )
        for profile in profiles
    ]
    head = ("family", "boxes", f"{EXAMPLE} seen as", "tokens", "first part", "pictures", "request", "cache from")
    sources = [line for profile in profiles for line in (profile.name, *(f"  {one}" for one in profile.sources))]
    return [*_aligned(head, rows), "", "Pictures and bytes of a request: - where only the server knows.", "", *sources]


def details(profile: Profile) -> list[str]:
    """Everything about one profile, one fact a line, the sources, and what the lines mean."""
    facts = facts_of(profile)
    example, sources, family = facts.pop("example"), facts.pop("sources"), facts.pop("family")
    told = {topic for source in sources for topic in source.partition(":")[0].split(", ")}
    rows = [("family", family)]
    for name, value in facts.items():
        ours = value is not None and not told & {name, _TOPICS.get(name, name)}
        rows.append((name.replace("_", " "), f"{_told(value)} {OURS}" if ours else _told(value)))
    rows.append((f"{EXAMPLE}", f"seen as {Size(*example['seen'])}, {example['tokens']:,} tokens"))
    rows += [("source", one) for one in sources]
    width = max(len(name) for name, _ in rows)
    return [*(f"{name:<{width}}  {value}" for name, value in rows), "", *_LEGEND]


def check_table() -> list[str]:
    """Each check value: what is published, what the profile says, and where the value stands."""
    rows = [
        (
            check.family,
            str(check.size),
            _shown(check.expected),
            _shown(check.found()),
            "agrees" if check.found() == check.expected else "DIFFERS",
            check.source,
        )
        for check in CHECKS
    ]
    agree = sum(check.found() == check.expected for check in CHECKS)
    families = len({check.family for check in CHECKS})
    head = ("family", "picture", "expected", "found", "", "source")
    rule = "By rule: computed from the rule that the vendor published, not a number that it published."
    return [*_aligned(head, rows), "", f"{agree} of {len(CHECKS)} values agree, {families} families.", rule]


def _boxes(profile: Profile) -> str:
    return f"{profile.unit.value}, y first" if profile.axes is Axes.YXYX else profile.unit.value


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _megabytes(value: int | None) -> str:
    return "-" if value is None else f"{value / 1e6:g} MB"


def _told(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plain(value: Size | int) -> list[int] | int:
    return [value.width, value.height] if isinstance(value, Size) else value


def _shown(value: Size | int) -> str:
    return str(value) if isinstance(value, Size) else f"{value:,} tokens"


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (head, *rows))
    return ["  ".join(cells).rstrip() for cells in lines]

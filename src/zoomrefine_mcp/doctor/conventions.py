"""Which way of reading a model's boxes puts them where they belong: every convention is tried on the same replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.chat import ChatTranscript
from zoomrefine_mcp.backends.profiles import PROFILES, Axes, Profile, chosen_profile
from zoomrefine_mcp.backends.replies import read_reply
from zoomrefine_mcp.doctor.eyesight import Try
from zoomrefine_mcp.errors import ReplyUnreadable
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.settings import BoxConvention, Settings

WITHIN = 0.1
"""How far each edge of a box may lie off, as a share of the picture's width or height."""

BETTER = 0.2
"""By what share of the replies another convention has to do better: one box at the edge of what is right proves
nothing."""


@dataclass(frozen=True, slots=True)
class Score:
    """How a convention does on the replies.

    Attributes:
        boxed: Replies with a box.
        right: Boxes that are where they belong.
        clean: Those of them that were read without a contradiction.
    """

    boxed: int
    right: int
    clean: int


@dataclass(frozen=True, slots=True)
class Fitting:
    """What fits.

    Attributes:
        own: How the profile's own convention does.
        convention: The value of ``--box-convention`` that does better; None where none does.
        score: How that one does.
        families: Families of that convention, for ``--profile``.
    """

    own: Score
    convention: str | None = None
    score: Score | None = None
    families: tuple[str, ...] = ()


def is_right(box: Box, truth: Box) -> bool:
    """Whether every edge is where it belongs, within a tenth of the picture.

    >>> is_right(Box(0.4, 0.1, 0.7, 0.25), Box(0.42, 0.12, 0.72, 0.24))
    True
    """
    return all(abs(one - two) <= WITHIN for one, two in zip(box.as_list(), truth.as_list(), strict=True))


def fitting(tries: Sequence[Try], info: BackendInfo, settings: Settings, *, wire: str) -> Fitting:
    """Read the same replies under the profile's convention and under every other one that a flag could set.

    Args:
        tries: Those that were read, of a chat model.
        info: What replied.
        settings: To which each flag is added.
        wire: The wire that it replied over.
    """
    own = _score(tries, info.profile)
    best: Fitting | None = None
    for convention in get_args(BoxConvention):
        profile = chosen_profile(settings.model_copy(update={"box_convention": convention}), info.model, wire=wire)
        score = _score(tries, profile)
        if best is None or best.score is None or (score.clean, score.right) > (best.score.clean, best.score.right):
            best = Fitting(own, convention, score, _families(profile))
    if best is None or best.score is None or 2 * best.score.clean < len(tries):
        return Fitting(own)
    return best if best.score.clean - own.clean > BETTER * len(tries) else Fitting(own)


def written(profile: Profile) -> str:
    """How a profile's boxes are written, in a few words."""
    return f"{profile.unit.value}, y first" if profile.axes is Axes.YXYX else profile.unit.value


def _score(tries: Sequence[Try], profile: Profile) -> Score:
    boxed = right = clean = 0
    for one in tries:
        transcript: Any = one.look.transcript if one.look else None
        if not isinstance(transcript, ChatTranscript):
            continue
        text = "".join(part for part in transcript.messages[-1].parts if isinstance(part, str))
        try:
            reading = read_reply(text, ask=one.ask, pictures=transcript.pictures, profile=profile)
        except ReplyUnreadable:
            continue
        hit = bool(reading.regions) and is_right(reading.regions[0].box, one.card.box)
        boxed += bool(reading.regions)
        right += hit
        clean += hit and not reading.warnings
    return Score(boxed, right, clean)


def _families(profile: Profile) -> tuple[str, ...]:
    return tuple(
        name
        for name, family in PROFILES.items()
        if (family.unit, family.axes) == (profile.unit, profile.axes) and name not in {"unknown", "ocr"}
    )

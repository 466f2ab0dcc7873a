"""The one JSON reply form. Both stages of a conversation use it, because hosted prompt caches key on the schema too.

The order of the fields is the order in which a model writes them: what it sees before what it concludes.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class RegionReply(_Strict):
    """One place in one of the pictures."""

    picture: int
    """Number of the picture that the box is measured on."""
    label: str
    """What is there, in a few words."""
    box: list[float] = Field(min_length=4, max_length=4)
    """Four numbers, in the convention of the instructions."""


class Reply(_Strict):
    """What a model writes in every look. Fields that a stage does not need are null or empty."""

    reasoning: str
    """What the pictures show of it, in a few short sentences."""
    evidence: Literal["legible", "too_small", "cut_off", "not_here"]
    """Whether the pictures show what is needed."""
    answer: str | None
    """The answer in a few words; null when the pictures do not show it."""
    choice: str | None
    """The letter of the chosen option; null when no options were listed."""
    regions: list[RegionReply]
    """Where the evidence is, or where to look next; best first."""


@cache
def reply_schema() -> dict[str, Any]:
    """The JSON schema of ``Reply``: every field required, nothing else allowed (OpenAI's ``strict`` asks for both)."""
    return Reply.model_json_schema()

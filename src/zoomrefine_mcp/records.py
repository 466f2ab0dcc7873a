"""The typed values that travel between the rooms. What a caller gets back is in ``results.py``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.pictures import Picture

MAX_QUESTION_CHARS = 20_000


class Stage(StrEnum):
    """What a look is for."""

    LOCALIZE = "localize"
    """Stage 1 of a question: a preliminary answer and where to look."""
    REFINE = "refine"
    """Stage 2 of a question: re-examine the crop and correct the answer."""
    POINT = "point"
    """First look of ``localize_region``: where is it in the view."""
    SHARPEN = "sharpen"
    """Second look of ``localize_region``: where is it in the crop."""
    DIRECT = "direct"
    """One look, one answer, no zoom (the baseline)."""


class ReplyForm(StrEnum):
    """What the model is asked to write."""

    TEXT = "text"
    """The paper's lines: ``Answer:``, ``Bounding box:``, ``Rechecked Answer:``."""
    JSON = "json"
    """One JSON object, the same schema for every stage."""


class Evidence(StrEnum):
    """What the pictures shown so far hold of what the question needs."""

    LEGIBLE = "legible"
    TOO_SMALL = "too_small"
    CUT_OFF = "cut_off"
    NOT_HERE = "not_here"
    UNKNOWN = "unknown"
    """The reply did not say."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a multiple-choice question.

    Attributes:
        letter: ``A``, ``B``, ... as shown to the model.
        text: The option without its letter.
        abstains: Whether the option says that the picture does not show it.
    """

    letter: str
    text: str
    abstains: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a picture, or the description of what to localize. Made by ``questions.read_question``."""

    text: str
    choices: tuple[Choice, ...] = ()

    def choice(self, letter: str | None) -> Choice | None:
        """The option with that letter."""
        return next((choice for choice in self.choices if choice.letter == letter), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look answered.

    Attributes:
        text: The answer in words; None when abstaining.
        choice: The letter of the option, for multiple choice.
        abstained: The model said that it cannot tell, or chose the option that says so.
        explanation: The model's reasoning, shortened to what a person reads.
    """

    text: str | None
    choice: str | None = None
    abstained: bool = False
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """A box on the upright original, with how the model wrote it.

    Attributes:
        box: Where.
        label: What the model says is there.
        raw: The model's own numbers, as it wrote them.
        convention: How they were read, e.g. ``"pixels of 1456 x 819"`` or ``"0-1000"``.
    """

    box: Box
    label: str | None = None
    raw: str | None = None
    convention: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the looks cost; adds up with ``+``. Tokens are zero where a backend has none.

    Attributes:
        calls: Replies that came, unreadable ones included; a request that was refused or failed is none.
        input_tokens: What the requests held, cached or not.
        cached_input_tokens: How many of those the server read from its cache.
        output_tokens: What the model wrote, thinking included.
        unreadable_replies: How many of the replies nobody could read.
    """

    calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    unreadable_replies: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.output_tokens + other.output_tokens,
            self.unreadable_replies + other.unreadable_replies,
        )


class Status(StrEnum):
    """How far an outcome got."""

    REFINED = "refined"
    """Stage 2 was read."""
    DIRECT = "direct"
    """No zoom needed, or none asked for."""
    PRELIMINARY = "preliminary"
    """A zoom was wanted and did not happen or failed; stage 1's answer stands."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A snapshot that a policy keeps as soon as it has it; the last one kept is what the caller gets.

    Attributes:
        status: How far this got.
        reason: A stable word for why (``native_view``, ``policy``, ``no_box``, ``refine_failed``, ...); None when
            refined.
        preliminary: Stage 1's answer.
        answer: The answer that stands.
        regions: What matters, on the upright original, best first.
        view: The view as sent.
        crops: The crop that was sent for each region (None where none was).
        evidence: What the last look said of it.
    """

    status: Status
    reason: str | None
    preliminary: Answer
    answer: Answer
    view: Picture
    regions: tuple[Region, ...] = ()
    crops: tuple[Picture | None, ...] = ()
    evidence: Evidence = Evidence.UNKNOWN

"""The typed values that travel between the rooms. What a caller gets back is in ``results.py``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture

MAX_QUESTION_CHARS = 20_000


class Stage(StrEnum):
    """What a look is for."""

    LOCALIZE = "localize"
    """Stage 1 of a question: a preliminary answer and where to look."""
    REFINE = "refine"
    """Stage 2 of a question, and every later look at a region that was asked for: correct the answer."""
    SCAN = "scan"
    """Several disjoint tiles in one look: which of them holds what the question needs?"""
    COUNT = "count"
    """Disjoint tiles in one look: box every thing that is to be counted."""
    VERIFY = "verify"
    """The crops that decided, in a conversation of their own: a second, independent answer."""
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
    """A question about a picture, or the description of what to localize. Made by ``questions.read_question``.

    Attributes:
        text: In words.
        choices: The options of a multiple-choice question.
        empty: Parts of the original that earlier looks showed without holding it, where those looks are left out of
            the conversation: told with the question, so that they are not asked for again.
        rivals: Answers of earlier looks that stand against each other, told with the question.
    """

    text: str
    choices: tuple[Choice, ...] = ()
    empty: tuple[Box, ...] = ()
    rivals: tuple[str, ...] = ()

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

    @property
    def told(self) -> str:
        """The answer in a line, with the letter of its option."""
        words = self.text or "that it does not tell"
        return f"{self.choice}. {words}" if self.choice else words

    def agrees(self, other: Answer) -> bool:
        """Whether both say the same: by option where one was chosen, else by their words, blanks and case aside.

        >>> Answer("48-2207.").agrees(Answer("48-2207")), Answer("red").agrees(Answer("red pump"))
        (True, False)
        """
        if self.choice or other.choice:
            return self.choice == other.choice
        return _plain(self.text) == _plain(other.text)


def _plain(text: str | None) -> str:
    return "".join((text or "").casefold().split()).strip(".,:;!?\"'")


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


@dataclass(frozen=True, slots=True)
class Budget:
    """What one question may cost.

    Attributes:
        looks: Exchanges with the model, a reply that is asked for once more not counted; None: as the policy has it.
        seconds: From the question to the answer, if less than the deadline.
        tokens: Input and output together, cached or not; checked before each look against what it may cost.
    """

    looks: int | None = None
    seconds: float | None = None
    tokens: int | None = None


WITHOUT_LIMIT = Budget()
"""As many looks as the policy has, until the deadline."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a look, without its bytes.

    Attributes:
        box: The part of the upright original that it showed.
        size: As sent, in pixels.
    """

    box: Box
    size: Size


@dataclass(frozen=True, slots=True)
class LookRecord:
    """One look, for the trace of a question.

    Attributes:
        stage: What it was for.
        why: Why it was taken, in a few words.
        pictures: What was new in it.
        evidence: What the model said of the evidence.
        answer: What it answered.
        regions: What it named.
        changed: Whether its answer differs from that of the look before.
        usage: What it cost.
        seconds: From the request to the reply.
    """

    stage: Stage
    why: str
    pictures: tuple[Shown, ...]
    evidence: Evidence
    answer: Answer
    regions: tuple[Region, ...]
    changed: bool
    usage: Usage
    seconds: float


class Status(StrEnum):
    """How far an outcome got."""

    REFINED = "refined"
    """A crop was examined and the reply read."""
    DIRECT = "direct"
    """No zoom needed, or none asked for."""
    PRELIMINARY = "preliminary"
    """A zoom was wanted and did not happen or failed; stage 1's answer stands."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A snapshot that a policy keeps as soon as it has it; the last one kept is what the caller gets.

    Attributes:
        status: How far this got.
        reason: A stable word for why it ends here (``native_view``, ``policy``, ``no_box``, ``refine_failed``,
            ``budget``, ``not_in_picture``, ...); None where a crop showed what the question needs.
        preliminary: Stage 1's answer.
        answer: The answer that stands.
        regions: What matters, on the upright original, best first.
        view: The view as sent.
        crops: The crop that was sent for each region (None where none was).
        evidence: What the last look said of it.
        contested: Whether a second, independent look at what decided answered otherwise or saw no answer, and nothing
            decided; or whether a count is not that of the boxes given for it.
    """

    status: Status
    reason: str | None
    preliminary: Answer
    answer: Answer
    view: Picture
    regions: tuple[Region, ...] = ()
    crops: tuple[Picture | None, ...] = ()
    evidence: Evidence = Evidence.UNKNOWN
    contested: bool = False

    def refined(
        self,
        answer: Answer,
        evidence: Evidence,
        regions: tuple[Region, ...],
        crops: tuple[Picture | None, ...],
        *,
        reason: str | None = None,
        contested: bool = False,
    ) -> Outcome:
        """What stands after a crop was examined: stage 1's answer and the view stay, the rest is new."""
        view, before = self.view, self.preliminary
        return Outcome(Status.REFINED, reason, before, answer, view, regions, crops, evidence, contested)

"""The one seam: a backend does one thing, a look, and its transcript is an immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from zoomrefine_mcp.backends.profiles import Profile
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import Fit, Picture
from zoomrefine_mcp.records import Answer, Evidence, Question, Region, ReplyForm, Stage, Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """What a policy wants to know in one look.

    Attributes:
        stage: What the look is for; picks the words.
        form: What the model is asked to write. The same in all looks of a conversation.
        question: The user's question, the same in all looks.
        pictures: The pictures that are new in this look; a transcript holds the earlier ones.
    """

    stage: Stage
    form: ReplyForm
    question: Question
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """What one look found.

    Attributes:
        answer: The answer so far.
        regions: Where what matters is, already on the upright original (composed through ``Picture.shows``).
        evidence: Whether what was shown holds what the question needs, or why not.
        usage: What it cost.
        transcript: The conversation including this look; hand it to the next look, or to another one (a fork).
        warnings: Sentences for the caller, e.g. that a box contradicted the model's convention.
        dropped: The prompt had no more tokens than its words: the new pictures did not reach the model.
        pictures: The new pictures as they were sent; set by the bench, which may have had to send smaller ones.
    """

    answer: Answer
    regions: tuple[Region, ...]
    evidence: Evidence
    usage: Usage
    transcript: T
    warnings: tuple[str, ...] = ()
    dropped: bool = False
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """What answers, for results and for the policies.

    Attributes:
        name: ``openai``, ``vllm``, ``anthropic``, ``ocr`` or ``scripted``.
        model: The model's name as the server knows it.
        profile: The facts of its family.
        sends_to: Where pictures go: an address, or ``this machine``.
        about: One sentence on what kind of answer this is; every result carries it where it is not empty.
    """

    name: str
    model: str
    profile: Profile
    sends_to: str
    about: str = ""


class Backend(Protocol[T]):
    """Everything that answers: a chat model behind a wire, or the embedded reader."""

    @property
    def info(self) -> BackendInfo: ...

    def fit(self, stage: Stage, wanted: Size) -> Fit:
        """The largest rendering of ``wanted``, and no larger than it, that the model sees as it is sent. Pure.

        Args:
            stage: What the look is for.
            wanted: The size in pixels that the policy would like to send: the region's own, or an enlarged one.
        """
        ...

    async def look(self, ask: Ask, after: T | None = None) -> Look[T]:
        """Show the pictures, ask, and read the reply.

        Args:
            ask: The pictures and what to find out.
            after: The transcript to go on from; None starts a conversation.

        Raises:
            BackendFailure: By its kind; a refused, empty or unreadable reply included.
        """
        ...

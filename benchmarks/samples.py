"""What a scene module gives beside its picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One question about one picture, with its truth; lengths are pixels of the original.

    Attributes:
        id: Names the sample in tables: the set, the seed and the kind, then what is special about it.
        kind: Kind of scene; figures are given by kind.
        question: As a person would put it.
        choices: Options without letters; empty where the question is open.
        answer: As printed; None where the picture does not hold it.
        accepted: Every way of writing the answer that counts as right; empty where there is none.
        detail_px: Capital height of the text that answers.
        label_px: Capital height of the text that says where it is.
        target: Left, top, right, bottom of the printed answer; None where there is none.
    """

    id: str
    kind: str
    question: str
    choices: tuple[str, ...]
    answer: str | None
    accepted: tuple[str, ...]
    detail_px: float
    label_px: float
    target: tuple[int, int, int, int] | None

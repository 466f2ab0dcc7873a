"""Deciding which text answers: every line that could hold the value is weighed by the labels that belong to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from zoomrefine_mcp.backends.reading.labels import is_header, valued
from zoomrefine_mcp.backends.reading.layout import Frame, Spot, belongs, beside, heads, under
from zoomrefine_mcp.backends.reading.values import extract, has_label, is_blank, is_pure
from zoomrefine_mcp.backends.reading.wanted import Form, Side, Wanted, is_general
from zoomrefine_mcp.backends.reading.words import MATCH, Hit, alike, find, has_digit, squashed, tokens

OWNED = 0.4
"""Every word that names what the question is about has to reach a value with this strength."""
LABELLED = 0.5
"""The word that names what is asked for has to reach a value with this strength."""
NAMESAKE = -1.0
"""Stands for a share of covered words that lets a title reach nothing (with it, less than ``OWNED`` is left)."""
MARGIN = 0.04
"""Two different values whose weights differ by less are ambiguous."""
BETTER_LABEL = 0.25
"""A label that fits so much better than the best value's own, and stands without a value, is a blank field."""


class Candidate(NamedTuple):
    """A value that could be the answer.

    Attributes:
        value: The text that would be the answer.
        spot: The line it stands in.
        labels: The lines that speak for it, the strongest first.
        owned: Whether everything that the question is about was read near it.
        labelled: Whether what is asked for was read as its label.
        label: How well its label fits, 0..1.
        weight: How well all of it fits, 0..1.
    """

    value: str
    spot: Spot
    labels: tuple[Spot, ...]
    owned: bool
    labelled: bool
    label: float
    weight: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What was decided.

    Attributes:
        best: The value that answers, read surely or not; None where nothing answers.
        why_not: Why nothing answers, in words; empty where something does.
        candidates: All that belongs to what the question is about, best first.
        blank: The label that was found without a value, if that is why.
    """

    best: Candidate | None
    why_not: str
    candidates: tuple[Candidate, ...]
    blank: Spot | None = None


class _Reach(NamedTuple):
    strength: float
    spot: Spot | None


def decide(frame: Frame, wanted: Wanted) -> Finding:
    """Which text on a frame answers."""
    if wanted.closed:
        return Finding(None, "a yes-or-no question is not answered by printed text alone", ())
    if not wanted.words and wanted.form is Form.ANY:
        return Finding(None, "the question names nothing that could be printed", ())
    hits = _Hits(frame)
    weighed = sorted(_candidates(frame, wanted, hits), key=lambda one: -one.weight)
    owned = tuple(one for one in weighed if one.owned)
    bare = bool(wanted.head) and not wanted.rest  # "the value of R17": what stands there is all that can be meant
    by_place = (wanted.side is not None or bare) and all(map(is_general, wanted.head))  # "people beside it": no text
    if not owned and not by_place:
        return Finding(None, _missing(frame, wanted, hits), ())
    labelled = [one for one in owned if one.labelled]
    label, fit = _best_label(frame, wanted, hits)
    if label is not None and fit >= LABELLED and (not labelled or fit >= labelled[0].label + BETTER_LABEL):
        return Finding(None, f"'{label.line.text}' stands there without a value", owned, blank=label)
    if labelled:
        return _unless_ambiguous(labelled, owned)
    if by_place:
        sided = sorted(_at_side(frame, wanted), key=lambda one: -one.weight)
        if sided:
            return _unless_ambiguous(sided, tuple(sided))
    named = any(
        not is_general(word) for word in wanted.owner
    )  # else the only date of a picture would answer any "when"
    said = any(hits.of(word) for word in (*wanted.head, *wanted.rest) if not is_general(word))
    if wanted.form.telling and named and not said:
        values = {
            squashed(one.value): one for one in reversed(owned)
            if is_pure(wanted.form, one.spot.line.text)
            and (wanted.form is not Form.PRICE or not squashed(one.value).isdigit())  # a bare number tells nothing
        }  # fmt: skip
        if len(values) == 1:
            return Finding(next(iter(values.values())), "", owned)
        if values:
            return Finding(None, f"there are {len(values)} texts of that form and no label tells them apart", owned)
    return Finding(None, f"no label for {_listed(wanted.head or wanted.rest)} was read there", owned)


def settled(frame: Frame, wanted: Wanted) -> Wanted:
    """The question without the soft words that need not be near the answer.

    "Resistor R17" is not written out on a drawing, and "flight BA 902" stands in a column headed "Flight". But where
    a "TURBINE P-300" is written elsewhere, "turbine P-204" is not the pump of that number.
    """
    hits = _Hits(frame)
    names = {spot for word in wanted.owner if word not in wanted.soft for spot, _ in hits.of(word)}
    free = [
        word for word in wanted.soft
        if not hits.of(word)
        or any(
            spot not in names and _covered(spot, wanted) >= 1 and under(spot, name, frame.spots) > 0
            for spot, _ in hits.of(word) for name in names
        )
    ]  # fmt: skip
    return wanted.without(free)


def _unless_ambiguous(ranked: list[Candidate], owned: tuple[Candidate, ...]) -> Finding:
    best = ranked[0]
    rival = next(
        (
            one
            for one in ranked[1:]
            if squashed(one.value) != squashed(best.value) and one.weight > best.weight - MARGIN
        ),
        None,
    )
    if rival is not None:
        return Finding(None, f"both '{best.value}' and '{rival.value}' could be meant", owned)
    return Finding(best, "", owned)


class _Hits:
    """Where the words of a question stand in the lines, looked up once."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._lines: dict[str, list[tuple[Spot, Hit]]] = {}

    def of(self, word: str) -> list[tuple[Spot, Hit]]:
        """The lines that hold a word."""
        if word not in self._lines:
            found = [(spot, find(word, spot.line.text)) for spot in self.frame.spots]
            self._lines[word] = [(spot, hit) for spot, hit in found if hit.quality >= MATCH]
        return self._lines[word]

    def reach(self, word: str, value: Spot, relation: Callable[[Spot, Spot], float]) -> _Reach:
        """The strongest line that carries a word to a value."""
        best = _Reach(0.0, None)
        for spot, hit in self.of(word):
            strength = hit.quality * relation(spot, value)
            if strength > best.strength:
                best = _Reach(strength, spot)
        return best


def _candidates(frame: Frame, wanted: Wanted, hits: _Hits) -> list[Candidate]:
    found = []
    for spot in frame.spots:
        own, value = _own_value(spot, wanted)
        if value is not None and wanted.form in {Form.ANY, Form.NAME} and not _labels(spot, wanted):
            value = None  # what follows a name on its own line is part of the name
        if value is None and is_pure(wanted.form, spot.line.text) and not own:
            value = extract(wanted.form, spot.line.text)
        if value is None and not own and wanted.form.telling:
            value = extract(wanted.form, spot.line.text)
        if value is not None and not _repeats(value, wanted):
            found.append(_weigh(wanted, hits, spot, value, own=own))
    return found


def _own_value(spot: Spot, wanted: Wanted) -> tuple[bool, str | None]:
    """The value that a line holds beside its own label; whether it has such a label at all."""
    text = spot.line.text
    hits = [
        [hit for hit in (find(word, text) for word in words) if hit.quality >= MATCH]
        for words in (wanted.head, wanted.rest, wanted.owner)
    ]
    groups = [group for group in hits if group]
    if not groups:
        return False, None
    tried = [[hit for group in groups for hit in group], *groups]
    if hits[2] and wanted.form in {Form.ANY, Form.NAME}:
        tried.remove(hits[2])  # what follows a name on its own line is part of the name
    for placed in tried:
        after = text[max(hit.end for hit in placed) :]
        colon = after.find(":")
        if colon > 0 and not after[colon + 1 : colon + 2].isdigit() and not is_blank(after[colon + 1 :]):
            after = after[colon + 1 :]
        value = extract(wanted.form, after)
        if value is None and wanted.form in {Form.NUMBER, Form.PRICE, Form.WHEN}:
            value = extract(wanted.form, text[: min(hit.start for hit in placed)])
        if value is not None and wanted.form is Form.WHEN:
            value = extract(Form.WHEN, text) or value
        if value is not None and not _repeats(value, wanted):
            return True, value
    return True, None


def _labels(spot: Spot, wanted: Wanted) -> bool:
    """Whether a line holds a word of what is asked for."""
    return any(find(word, spot.line.text).quality >= MATCH for word in (*wanted.head, *wanted.rest))


def _is_spent(label: Spot, value: Spot, wanted: Wanted, frame: Frame) -> bool:
    """Whether a line holds a label and its value, and so is no other line's label ("Fare EUR" heads a column)."""
    text = label.line.text.rstrip(": ")
    ends = [hit.end for hit in (find(word, text) for word in wanted.words) if hit.quality >= MATCH]
    if ends and (has_digit(text[max(ends) :]) or ":" in text[max(ends) :]):
        return True
    if _own_value(label, wanted)[1] is None:
        return False
    return wanted.form is not Form.ANY or not is_header(label, value, frame)


def _repeats(value: str, wanted: Wanted) -> bool:
    """Whether a text says only what the question says: "B-390" is no answer to a question about B-390."""
    parts = tokens(value)
    return not parts or all(
        any(
            alike(word, part.text) >= MATCH or (has_digit(part.text) and squashed(part.text) in squashed(word))
            for word in wanted.words
        )
        for part in parts
    )


def _weigh(wanted: Wanted, hits: _Hits, spot: Spot, value: str, *, own: bool) -> Candidate:
    frame = hits.frame

    def carries(label: Spot, target: Spot) -> float:
        if label is target:
            return 1.0 if own else 0.0
        if not wanted.head and any(find(word, label.line.text).quality >= MATCH for word in wanted.owner):
            return 0.0  # "Who inspected pump P-204?": the pump's own name is no label of the inspector
        title = heads(label, target, frame.spots) if label.tall >= 1.25 * target.tall else 0.0
        tie = max(valued(frame, wanted.form, label, target), 0.9 * title)
        return (
            0.4 * tie if _is_spent(label, target, wanted, frame) else tie
        )  # a label that has its value beside it is not another's

    def names(title: Spot, target: Spot) -> float:
        if title is target:
            return 1.0 if own else 0.0
        return belongs(title, target, frame.spots) * (0.6 + 0.4 * _covered(title, wanted))

    owners = {word: hits.reach(word, spot, names) for word in wanted.owner}
    asked = {word: hits.reach(word, spot, carries) for word in wanted.head}
    helping = {word: hits.reach(word, spot, carries) for word in wanted.rest}
    labelled, label = _label_fit(wanted, hits, asked, helping)
    owner = _average(owners)
    parts = [(0.5, owner if wanted.owner else None), (0.4, label), (0.1, _average(helping) if wanted.rest else None)]
    total = sum(share for share, part in parts if part is not None)
    weight = sum(share * part for share, part in parts if part is not None) / total
    reached = sorted((*asked.values(), *helping.values(), *owners.values()), key=lambda reach: -reach.strength)
    labels = tuple(dict.fromkeys(reach.spot for reach in reached if reach.spot is not None and reach.strength >= OWNED))
    owned = all(reach.strength >= OWNED for word, reach in owners.items() if not is_general(word))
    return Candidate(value, spot, labels, owned, labelled, label, weight)


def _label_fit(wanted: Wanted, hits: _Hits, asked: dict[str, _Reach], helping: dict[str, _Reach]) -> tuple[bool, float]:
    noun = wanted.noun
    if noun is not None:
        return asked[noun].strength >= LABELLED, _average(asked)
    pool = {**asked, **{word: reach for word, reach in helping.items() if not is_general(word)}}
    if not pool:
        return not wanted.head and not wanted.rest, 0.0
    specific = {word: reach for word, reach in pool.items() if not is_general(word)}
    if not any(hits.of(word) for word in specific):
        specific = {}  # "What time does ... leave?", and a column named "Time": the general word is all there is
    best = max((reach.strength for reach in (specific or pool).values()), default=0.0)
    return best >= LABELLED, best


def _average(reached: dict[str, _Reach]) -> float:
    """The mean strength; a general word counts only where it was read."""
    counted = [
        (0.3 if is_general(word) else 1.0, reach.strength)
        for word, reach in reached.items()
        if reach.strength > 0 or not is_general(word)
    ]
    return sum(share * strength for share, strength in counted) / sum(share for share, _ in counted) if counted else 0.0


def _covered(spot: Spot, wanted: Wanted) -> float:
    """The share of a line's words that the question has too: "Hotel Adler" is fuller than "Hotel Adler Annex".

    A designator that the question lacks names another thing: "Plant room B" is not "Plant room".
    """
    parts = [part.text for part in tokens(spot.line.text)]
    asked = [any(find(word, part).quality >= MATCH for word in wanted.words) for part in parts]
    if not parts or (len(parts) > 1 and not asked[-1] and asked[-2] and _is_designator(parts[-1])):
        return NAMESAKE
    return sum(asked) / len(parts)


def _is_designator(text: str) -> bool:
    return len(text) <= 2 and (text.isdigit() or (text.isupper() and text.isalpha()))


def _best_label(frame: Frame, wanted: Wanted, hits: _Hits) -> tuple[Spot | None, float]:
    """The best label without a value in what the question is about."""
    best: tuple[Spot | None, float] = (None, 0.0)
    noun = wanted.noun
    words = wanted.head if noun is not None else tuple(word for word in wanted.rest if not is_general(word))
    if not words:
        return best

    def names(title: Spot, target: Spot) -> float:
        return 1.0 if title is target else belongs(title, target, frame.spots)

    for spot in frame.spots:
        own, value = _own_value(spot, wanted)
        if not own or value is not None or not spot.line.sure:
            continue
        found = {word: _Reach(find(word, spot.line.text).quality, spot) for word in words}
        if noun is not None and found[noun].strength < MATCH:
            continue
        if any(hits.reach(word, spot, names).strength < OWNED for word in wanted.owner if not is_general(word)):
            continue
        if _is_answered(frame, wanted, spot):
            continue
        fit = _average(found) if noun is not None else max(reach.strength for reach in found.values())
        if fit > best[1]:
            best = (spot, fit)
    return best


def _is_answered(frame: Frame, wanted: Wanted, label: Spot) -> bool:
    """Whether some line of the form that is wanted stands where a label's value would."""
    return any(
        extract(wanted.form, spot.line.text) is not None
        and is_pure(wanted.form, spot.line.text)
        and max(valued(frame, wanted.form, label, spot), 0.9 * heads(label, spot, frame.spots)) >= LABELLED
        for spot in frame.spots
        if spot is not label
    )


def _at_side(frame: Frame, wanted: Wanted) -> list[Candidate]:
    """Text that stands where the question says, next to the text it names."""
    found = []
    needed = [word for word in wanted.owner if not is_general(word)] or list(wanted.owner)
    for title in frame.spots:
        own = [find(word, title.line.text) for word in needed]
        if not own or any(hit.quality < MATCH for hit in own):
            continue
        full = 0.6 + 0.4 * _covered(title, wanted)
        rest = extract(wanted.form, title.line.text[max(hit.end for hit in own) :])
        if rest is not None and wanted.side in {Side.NEAR, Side.RIGHT}:
            found.append(Candidate(rest, title, (title,), owned=True, labelled=False, label=0.0, weight=full))
        for spot in frame.spots:
            if spot is title or has_label(spot.line.text):
                continue
            tie = _stands(wanted.side or Side.NEAR, title, spot, frame)
            value = extract(wanted.form, spot.line.text)
            if tie > 0 and value is not None:
                found.append(Candidate(value, spot, (title,), owned=True, labelled=False, label=0.0, weight=tie * full))
    return found


def _stands(side: Side, title: Spot, spot: Spot, frame: Frame) -> float:
    unit = max(title.tall, spot.tall)
    right = beside(title, spot, frame.spots)
    left = beside(spot, title, frame.spots)
    below = under(title, spot, frame.spots) / (1 + max(0.0, spot.top - title.bottom) / unit / 8)
    above = under(spot, title, frame.spots) / (1 + max(0.0, title.top - spot.bottom) / unit / 8)
    right /= 1 + max(0.0, spot.left - title.right) / unit / 8
    left /= 1 + max(0.0, title.left - spot.right) / unit / 8
    near = {Side.BELOW: below, Side.ABOVE: above, Side.RIGHT: right, Side.LEFT: left}
    strength = near[side] if side in near else max(0.95 * right, below, 0.7 * left, 0.7 * above)
    return strength if strength >= 0.3 else 0.0


def _missing(frame: Frame, wanted: Wanted, hits: _Hits) -> str:
    unread = [word for word in wanted.owner if not is_general(word) and not hits.of(word)]
    if unread:
        return f"{_listed(tuple(unread))} was not read anywhere"
    if not frame.spots:
        return "no text was read"
    return f"no value was read near {_listed(wanted.owner or wanted.words)}"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words[:5]) or "what is asked for"

"""Deciding which text answers: every line that could hold the value is weighed by the labels that belong to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from zoomrefine_mcp.backends.reading.candidates import Candidate, own_value, texts
from zoomrefine_mcp.backends.reading.cards import card_of
from zoomrefine_mcp.backends.reading.hits import Hits, Reach
from zoomrefine_mcp.backends.reading.labels import is_header, valued
from zoomrefine_mcp.backends.reading.layout import TITLE, Frame, Spot, belongs, heads, in_section, same_row, under
from zoomrefine_mcp.backends.reading.names import covered
from zoomrefine_mcp.backends.reading.rivals import is_anothers, names_of
from zoomrefine_mcp.backends.reading.sides import at_side
from zoomrefine_mcp.backends.reading.values import extract, is_marked, is_pure
from zoomrefine_mcp.backends.reading.wanted import Form, Wanted, is_general
from zoomrefine_mcp.backends.reading.words import MATCH, MONTHS, NO_HIT, find, has_digit, squashed, tokens

OWNED = 0.4
"""Every word that names what the question is about has to reach a value with this strength."""
LABELLED = 0.5
"""The word that names what is asked for has to reach a value with this strength."""
MARGIN = 0.04
"""Two different values whose weights differ by less are ambiguous ..."""
WIDE_MARGIN = 0.15
"""... and by less than this where the picture was searched: more text that is read has more namesakes in it."""
FAR = 12.0
"""A label so many capital heights beside a value, and not below the title above that, is of another block; and so is
one half as far above it."""
_RATE = re.compile(r"\d[\d.,]*\s?%")
_CAMEL = re.compile(r"[a-z][A-Z]")
BETTER_LABEL = 0.25
"""A label that fits so much better than the best value's own, and stands without a value, is a blank field."""


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


def decide(frame: Frame, wanted: Wanted) -> Finding:
    """Which text on a frame answers."""
    if wanted.closed:
        return Finding(None, "a yes-or-no question is not answered by printed text alone", ())
    if not wanted.words and wanted.form is Form.ANY:
        return Finding(None, "the question names nothing that could be printed", ())
    hits = Hits(frame)
    found = (_weigh(wanted, hits, spot, value, own=own) for spot, value, own in texts(frame, wanted))
    weighed = sorted(found, key=lambda one: -one.weight)
    names = names_of(wanted.owner, wanted, hits)
    owned = tuple(
        one for one in weighed
        if one.owned and not _is_namesake(one, wanted, hits) and not is_anothers(one, names, wanted, hits)
    )  # fmt: skip
    bare = bool(wanted.head) and not wanted.rest  # "the value of R17": what stands there is all that can be meant
    by_place = (wanted.side is not None or bare) and all(map(is_general, wanted.head))  # "people beside it": no text
    if not owned and not by_place:
        return Finding(None, _missing(frame, wanted, hits), ())
    labelled = [one for one in owned if one.labelled and not _is_far_from_its_label(one, wanted)]
    label, fit = _best_label(frame, wanted, hits)
    if label is not None and fit >= LABELLED and (not labelled or fit >= labelled[0].label + BETTER_LABEL):
        return Finding(None, f"'{label.line.text}' stands there without a value", owned, blank=label)
    if labelled:
        return _unless_ambiguous(labelled, owned)
    if by_place:
        sided = sorted(at_side(frame, wanted), key=lambda one: -one.weight)
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
            and not is_marked(wanted.form, one.spot.line.text)
            and (wanted.form is not Form.PRICE or not squashed(one.value).isdigit())  # a bare number tells nothing
        }  # fmt: skip
        if len(values) == 1:
            return Finding(next(iter(values.values())), "", owned)
        if values:
            return Finding(None, f"there are {len(values)} texts of that form and no label tells them apart", owned)
    return Finding(None, f"no label for {_listed(wanted.head or wanted.rest)} was read there", owned)


def strictly(finding: Finding, wanted: Wanted) -> Finding:
    """What a search has found, by the stricter rule: named by the question, labelled, and without a close rival."""
    best = finding.best
    if best is None:
        return finding
    if not any(not is_general(word) for word in wanted.owner):
        return replace(finding, best=None, why_not="found by searching, and the question names nothing to tell it by")
    if not best.owned or not best.labelled:
        return replace(finding, best=None, why_not=f"'{best.value}' was found by searching, and no label speaks for it")
    other = next((name for spot in best.labels if (name := _names_another(spot, wanted))), None)
    if other is not None:
        return replace(finding, best=None, why_not=f"'{best.value}' was found by searching, in a line about '{other}'")
    for one in finding.candidates:
        differs = squashed(one.value) != squashed(best.value)
        if differs and one.owned and one.labelled and one.weight > best.weight - WIDE_MARGIN:
            return replace(finding, best=None, why_not=f"both '{best.value}' and '{one.value}' could be meant")
    return finding


def _names_another(label: Spot, wanted: Wanted) -> str | None:
    """The name that a line begins with before the word that is asked for, where it is none of the question's."""
    hit = find(wanted.noun, label.line.text) if wanted.noun is not None else NO_HIT
    if hit.quality < MATCH:
        return None
    before = tokens(label.line.text[: hit.start])
    if not before or any(find(word, part.text).quality >= MATCH for part in before for word in wanted.words):
        return None
    return before[0].text if has_digit(before[0].text) or _CAMEL.search(before[0].text) else None


def _is_far_from_its_label(found: Candidate, wanted: Wanted) -> bool:
    """Whether a label lies outside of the block that a title above a value heads, or far above the value in it.

    Only where the name stands in the row of the value may a label head its column from afar.
    """
    spot = found.spot
    titles = [one for one in found.labels if any(find(word, one.line.text).quality >= MATCH for word in wanted.owner)]
    label = next((one for one in found.labels if one not in titles), None)
    if label is None or label is spot or not titles or any(same_row(title, spot) for title in titles):
        return False
    if same_row(label, spot):
        gap = max(spot.left - label.right, label.left - spot.right)
        headed = any(title.left < label.right and label.left < title.right for title in titles)
        return gap > FAR * spot.tall and not headed
    return spot.top - label.bottom > FAR / 2 * max(spot.tall, label.tall)


def settled(frame: Frame, wanted: Wanted) -> Wanted:
    """The question without the soft words that need not be near the answer.

    "Resistor R17" is not written out on a drawing, and "flight BA 902" stands in a column headed "Flight". But where
    a "TURBINE P-300" is written elsewhere, "turbine P-204" is not the pump of that number.
    """
    hits = Hits(frame)
    names = {spot for word in wanted.owner if word not in wanted.soft for spot, _ in hits.of(word)}
    free = [
        word for word in wanted.soft
        if not hits.of(word)
        or any(
            spot not in names and covered(spot, wanted) >= 1 and under(spot, name, frame.spots) > 0
            for spot, _ in hits.of(word) for name in names
        )
    ]  # fmt: skip
    return wanted.without(free)


def _is_namesake(found: Candidate, wanted: Wanted, hits: Hits) -> bool:
    """Whether a value belongs to a line that has more words than the name, while another line of its kind is the name.

    "Aldmoor Central" in a list that has an "Aldmoor" too is another place, whatever was or was not read beside that.
    """
    names = [word for word in wanted.owner if word not in wanted.soft and not is_general(word)]
    full = [
        spot
        for spot in hits.frame.spots
        if names and all(find(word, spot.line.text).quality >= MATCH for word in names)
    ]
    own = next((spot for spot in found.labels if spot in full), None)
    if own is None or own is found.spot:
        return False
    share = covered(own, wanted)
    return not any(spot in full and covered(spot, wanted) > share for spot in found.labels) and any(
        covered(spot, wanted) > share + 0.01 and 0.7 < spot.tall / own.tall < 1.4 for spot in full
    )


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


def _is_spent(label: Spot, value: Spot, wanted: Wanted, frame: Frame) -> bool:
    """Whether a line holds a label and its value, and so is no other line's label ("Fare EUR" heads a column)."""
    text = label.line.text.rstrip(": ")
    ends = [hit.end for hit in (find(word, text) for word in wanted.words) if hit.quality >= MATCH]
    rest = text[max(ends, default=len(text)) :]
    if wanted.form is Form.PRICE:
        rest = _RATE.sub("", rest)  # "VAT 19 %" has its sum beside it
    if has_digit(rest) or ":" in rest:
        return True
    if own_value(label, wanted, running=frame.spots.running(label))[1] is None:
        return False
    return wanted.form is not Form.ANY or not is_header(label, value, frame)


def _weigh(wanted: Wanted, hits: Hits, spot: Spot, value: str, *, own: bool) -> Candidate:
    frame = hits.frame

    def carries(label: Spot, target: Spot) -> float:
        if label is target:
            return 1.0 if own else 0.0
        if frame.spots.running(label):
            return 0.0  # a sentence labels nothing
        if not wanted.head and any(find(word, label.line.text).quality >= MATCH for word in wanted.owner):
            return 0.0  # "Who inspected pump P-204?": the pump's own name is no label of the inspector
        title = heads(label, target, frame.spots) if label.tall >= TITLE * target.tall else 0.0
        tie = max(valued(frame, wanted.form, label, target), 0.9 * title)
        return (
            0.4 * tie if _is_spent(label, target, wanted, frame) else tie
        )  # a label that has its value beside it is not another's

    def names(title: Spot, target: Spot) -> float:
        if title is target:
            return 1.0 if own else 0.0
        tie = _on_card(frame, title, target, belongs(title, target, frame.spots, cell=not own))
        return tie * (0.6 + 0.4 * covered(title, wanted))

    def in_month(title: Spot, target: Spot) -> float:
        return max(names(title, target), 0.6 if in_section(title, target, frame.spots) else 0.0)

    owners = {
        word: hits.reach(word, spot, in_month if word.casefold() in MONTHS and wanted.day else names)
        for word in wanted.owner
    }
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


def _label_fit(wanted: Wanted, hits: Hits, asked: dict[str, Reach], helping: dict[str, Reach]) -> tuple[bool, float]:
    noun = wanted.noun
    if noun is not None:
        if _is_other(wanted, hits, asked, noun):
            return False, _average(asked)
        return asked[noun].strength >= LABELLED, _average(asked)
    pool = {**asked, **{word: reach for word, reach in helping.items() if not is_general(word)}}
    if not pool:
        # "What did Ada do for a living?": where that word is not printed, not all that stands by the name answers
        return not wanted.head and not wanted.rest and wanted.soft.issubset(wanted.owner), 0.0
    specific = {word: reach for word, reach in pool.items() if not is_general(word)}
    if not any(hits.of(word) for word in specific):
        specific = {}  # "What time does ... leave?", and a column named "Time": the general word is all there is
    best = max((reach.strength for reach in (specific or pool).values()), default=0.0)
    if not wanted.owner and specific:  # then these words name what the question is about, too: most have to be there
        return best >= LABELLED and _average(specific) >= LABELLED, best
    return best >= LABELLED, best


def _is_other(wanted: Wanted, hits: Hits, asked: dict[str, Reach], noun: str) -> bool:
    """Whether a label names another thing of the kind: a "High alarm" where a "Low alarm" is printed, and asked for."""
    label = asked[noun].spot
    needed = [word for word in asked if not is_general(word)]
    if label is None or all(asked[word].strength >= LABELLED for word in needed):
        return False
    before = tokens(label.line.text[: find(noun, label.line.text).start])
    if not before or any(find(word, before[-1].text).quality >= MATCH for word in wanted.words):
        return False
    return any(
        all(find(word, spot.line.text).quality >= MATCH for word in needed) and not hits.frame.spots.running(spot)
        for spot in hits.frame.spots
    )


def _average(reached: dict[str, Reach]) -> float:
    """The mean strength; a general word counts only where it was read."""
    counted = [
        (0.3 if is_general(word) else 1.0, reach.strength)
        for word, reach in reached.items()
        if reach.strength > 0 or not is_general(word)
    ]
    return sum(share * strength for share, strength in counted) / sum(share for share, _ in counted) if counted else 0.0


def _best_label(frame: Frame, wanted: Wanted, hits: Hits) -> tuple[Spot | None, float]:
    """The best label without a value in what the question is about."""
    best: tuple[Spot | None, float] = (None, 0.0)
    noun = wanted.noun
    words = wanted.head if noun is not None else tuple(word for word in wanted.rest if not is_general(word))
    if not words:
        return best

    def names(title: Spot, target: Spot) -> float:
        return 1.0 if title is target else _on_card(frame, title, target, belongs(title, target, frame.spots))

    for spot in frame.spots:
        own, value = own_value(spot, wanted, running=frame.spots.running(spot))
        if not own or value is not None or not spot.line.sure:
            continue
        found = {word: Reach(find(word, spot.line.text).quality, spot) for word in words}
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


def _on_card(frame: Frame, title: Spot, target: Spot, tie: float) -> float:
    """How surely a value belongs to a title that may be one of a wall of cards: to all of its own, to no other."""
    card = card_of(frame, title)
    if card is None or not card.sure:
        return tie
    return max(tie, 0.8) if card.holds(target) else 0.4 * tie


def _is_answered(frame: Frame, wanted: Wanted, label: Spot) -> bool:
    """Whether some line of the form that is wanted stands where a label's value would."""
    return any(
        extract(wanted.form, spot.line.text) is not None
        and is_pure(wanted.form, spot.line.text)
        and max(valued(frame, wanted.form, label, spot), 0.9 * heads(label, spot, frame.spots)) >= LABELLED
        for spot in frame.spots
        if spot is not label
    )


def _missing(frame: Frame, wanted: Wanted, hits: Hits) -> str:
    unread = [word for word in wanted.owner if not is_general(word) and not hits.of(word)]
    if unread:
        return f"{_listed(tuple(unread))} was not read anywhere"
    if not frame.spots:
        return "no text was read"
    return f"no value was read near {_listed(wanted.owner or wanted.words)}"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words[:5]) or "what is asked for"

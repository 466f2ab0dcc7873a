"""The embedded, offline backend: an honest reader of printed text.

It reads the view, finds the text that bears on the question (label matching that tolerates misread letters, layout),
says where to look, reads the crops, or tiles of the whole where the view does not show what the question names, and
answers with the value the question asks for, or with the option that was read. It knows no objects, colours or counts
and no meaning of words; where the picture's text does not answer, it abstains. Nothing leaves the machine. Needs the
extra ``zoomrefine-mcp[ocr]``; this module imports without it.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread

from zoomrefine_mcp.backends.base import Ask, BackendInfo, Look
from zoomrefine_mcp.backends.endpoints import THIS_MACHINE
from zoomrefine_mcp.backends.profiles import OCR, OCR_PIXELS, Profile
from zoomrefine_mcp.backends.reading.candidates import Candidate
from zoomrefine_mcp.backends.reading.choices import choose
from zoomrefine_mcp.backends.reading.engine import Found, RapidReader, TextReader
from zoomrefine_mcp.backends.reading.finding import Finding, decide, settled, strictly
from zoomrefine_mcp.backends.reading.layout import Frame, Spot, lean
from zoomrefine_mcp.backends.reading.lines import Line, aspect, merged, missed, placed
from zoomrefine_mcp.backends.reading.regions import anchor, anchors, around_label, around_value, box_of, matching
from zoomrefine_mcp.backends.reading.wanted import Wanted, describe, take_apart
from zoomrefine_mcp.backends.reading.words import respaced, squashed
from zoomrefine_mcp.errors import ZoomRefineError
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.pictures import Fit, Picture
from zoomrefine_mcp.questions import no_answer
from zoomrefine_mcp.records import Answer, Evidence, Question, Region, Stage, Usage

R = TypeVar("R")
ABOUT = "embedded text reader: reads printed text only, no objects, colours or counts"
MODEL = "PP-OCRv6 small (RapidOCR)"
FROM_AFAR = 0.55
"""A crop in which nothing answers is read once more at this scale."""
CLEAR_PX = 24.0
"""A line whose capitals are smaller is read once more before it answers, enlarged ..."""
ENLARGED = ((30.0, 3.0), (22.0, 5.0))
"""... to these capital heights, with so many of them around it, until two readings agree; if none do, it abstains.
(Bold names of 14 px were misread in half of the readings.)"""
SMALL_PX = 16.0
"""Where nothing answers, lines of smaller capitals near what the question is about are read once more, enlarged."""
LEGIBLE_PX = 8.0
"""What a view shows with smaller capitals is looked at again, whatever was read: "14b" of 5 px was read as "140" twice.
(Print of 9 points on a screen of 96 dpi has capitals of 8.6 px.)"""
STEADY_PX = 9.0
"""Below this height the first two readings have to agree; where those of an earlier look differed, all of them."""
LARGER = 1.25
"""What was read two ways is read anew only where it is shown at so many times that size."""
ON_PICTURE = 0.9
"""What a picture shows so much of stands on it."""
MOST_PLACES = 4
"""Places that one look names."""
POINTED = 0.6
"""A description has to fit the text that it points at this well."""


@dataclass(frozen=True, slots=True)
class OcrTranscript:
    """What has been read so far: an immutable value, so that it can be gone on from twice.

    Attributes:
        lines: The lines, those of later looks in place of what they cover.
        looks: How many looks there were.
        aspect: Width by height of the original.
        searches: Which of the looks searched, instead of looking where the text had pointed.
        unsteady: The largest capitals, in pixels, of a line that would answer and whose readings differed; else 0.
    """

    lines: tuple[Line, ...]
    looks: int
    aspect: float
    searches: frozenset[int] = frozenset()
    unsteady: float = 0.0

    def after(self, readings: Iterable[tuple[Picture, tuple[Found, ...]]], *, searched: bool = False) -> OcrTranscript:
        """With one more look: what was read on each of its pictures."""
        lines = self.lines
        for picture, found in readings:
            lines = merged(lines, placed(found, picture, self.looks), picture.shows)
        searches = self.searches | ({self.looks} if searched else set())
        return replace(self, lines=lines, looks=self.looks + 1, searches=searches)

    def beside(self, found: Iterable[Found], picture: Picture) -> OcrTranscript:
        """With what was missed on a picture of the last look."""
        return replace(self, lines=missed(self.lines, placed(found, picture, self.looks - 1)))

    def closer(self, found: Iterable[Found], picture: Picture, part: PixelBox) -> OcrTranscript:
        """With a part of a picture of the last look read once more, enlarged."""
        shown = picture.shows.compose(Box.from_pixels(part, picture.size))
        return replace(self, lines=merged(self.lines, placed(found, picture, self.looks - 1, shown), shown))

    def is_new(self, line: Line) -> bool:
        """Whether the last look read it."""
        return line.look == self.looks - 1


class OcrBackend:
    """A ``Backend`` that reads printed text on the CPU.

    Args:
        reader: Reads the lines of a picture. By default RapidOCR, whose models load at the first look.
        profile: How large a picture it is given.
        workers: Pictures read at once; by default as many as keep every core busy once.
    """

    def __init__(self, reader: TextReader | None = None, *, profile: Profile = OCR, workers: int | None = None) -> None:
        rapid = RapidReader()
        self._reader: TextReader = reader if reader is not None else rapid
        self._limiter = anyio.CapacityLimiter(workers or max(1, (os.cpu_count() or 1) // rapid.threads))
        self.info = BackendInfo(name="ocr", model=MODEL, profile=profile, sends_to=THIS_MACHINE, about=ABOUT)

    def fit(self, stage: Stage, wanted: Size) -> Fit:  # noqa: ARG002  (every stage is read alike)
        """The largest rendering of ``wanted``, and no larger than it, that is read as it is."""
        return Fit(self.info.profile.sees(wanted), max_bytes=self.info.profile.max_bytes)

    async def look(self, ask: Ask, after: OcrTranscript | None = None) -> Look[OcrTranscript]:
        """Read the pictures, several at once, and answer from what has been read so far; things are not counted.

        Raises:
            NoBackend: The extra is not installed.
            BackendError: A picture could not be read.
        """
        before = after or OcrTranscript((), 0, aspect(ask.pictures[0]) if ask.pictures else 1.0)
        if ask.stage is Stage.COUNT:
            answer = no_answer(ask.question, f"Things are not counted; {ABOUT}.")
            return Look(answer, (), Evidence.NOT_HERE, Usage(calls=1), before)
        found = await self._all_read(ask.pictures)
        return await self._in_thread(functools.partial(self._look, ask, before, found))

    async def _all_read(self, pictures: Sequence[Picture]) -> list[tuple[Found, ...]]:
        """What stands on each picture, in as many threads as there are workers."""
        found: dict[int, tuple[Found, ...]] = {}
        failures: list[ZoomRefineError] = []

        async def read(index: int, picture: Picture) -> None:
            try:
                found[index] = await self._in_thread(functools.partial(self._read, picture.data))
            except ZoomRefineError as failure:  # by itself, and not in a group
                failures.append(failure)
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for index, picture in enumerate(pictures):
                group.start_soon(read, index, picture)
        if failures:
            raise failures[0]
        return [found[index] for index in range(len(pictures))]

    async def _in_thread(self, work: Callable[[], R]) -> R:
        # A thread that reads is never abandoned: it would go on using cores that the limiter believes to be free.
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=False, limiter=self._limiter)

    def _look(self, ask: Ask, before: OcrTranscript, found: Sequence[tuple[Found, ...]]) -> Look[OcrTranscript]:
        searches = ask.stage is Stage.SCAN
        transcript = before.after(zip(ask.pictures, found, strict=True), searched=searches)
        if ask.stage in {Stage.POINT, Stage.SHARPEN}:
            look = _point(transcript, ask.question)
            for picture in ask.pictures if ask.stage is Stage.SHARPEN else ():
                if look.answer.abstained:
                    transcript = transcript.beside(self._read(picture.data, scale=FROM_AFAR), picture)
                    look = _point(transcript, ask.question)
            return look
        look = _answer(transcript, ask.question)
        for picture in ask.pictures if ask.stage in {Stage.REFINE, Stage.SCAN, Stage.VERIFY} else ():
            if not look.answer.abstained:
                break
            if not searches:
                # The detector misses a short text alone in a wide empty field, and finds it in a smaller picture.
                again = self._read(picture.data, scale=FROM_AFAR)
                look = _answer(look.transcript.beside(again, picture), ask.question)
            if look.answer.abstained:
                look = self._reread(look, ask.question, picture)
        look = self._confirmed(look, ask.question, ask.pictures)
        if ask.stage is Stage.LOCALIZE and look.evidence is Evidence.LEGIBLE:
            line = _deciding(look.transcript, ask.question)
            if line is None or line.capital_px < LEGIBLE_PX:  # an option without its label, too
                return replace(look, evidence=Evidence.TOO_SMALL)
        if searches and look.evidence is Evidence.NOT_HERE and _names_more(look, before, ask.question):
            return replace(look, evidence=Evidence.TOO_SMALL)
        return look

    def _read(self, data: bytes, part: PixelBox | None = None, scale: float = 1.0) -> tuple[Found, ...]:
        """One reading; a question that was given up meanwhile ends here, before it costs another one."""
        anyio.from_thread.check_cancelled()
        return self._reader.read(data, part, scale)

    def _reread(self, look: Look[OcrTranscript], question: Question, picture: Picture) -> Look[OcrTranscript]:
        """The same look with the small text near what the question is about read once more, enlarged."""
        wanted = take_apart(question.text)
        frame, _, wanted = _framed(look.transcript, wanted)
        finding = decide(frame, wanted)
        small = [
            one.spot.line for one in finding.candidates
            if one.spot.line.capital_px < SMALL_PX
            and look.transcript.is_new(one.spot.line)
            and one.spot.line.box.covered_by([picture.shows]) > ON_PICTURE
        ]  # fmt: skip
        if not small:
            return look
        part = _surroundings(small, picture)
        area = (part.right - part.left) * (part.bottom - part.top)
        scale = min(3.0, ENLARGED[0][0] / max(line.capital_px for line in small), (OCR_PIXELS / area) ** 0.5)
        if scale < 1.3:
            return look
        transcript = look.transcript.closer(self._read(picture.data, part, scale), picture, part)
        checked = _answer(transcript, question)
        return replace(checked, regions=checked.regions or look.regions)

    def _confirmed(
        self, look: Look[OcrTranscript], question: Question, pictures: Sequence[Picture]
    ) -> Look[OcrTranscript]:
        """The same look with the line that answers read once more, enlarged: small letters are often misread."""
        line = _deciding(look.transcript, question)
        if line is None or line.capital_px >= CLEAR_PX:
            return look
        picture = next((one for one in pictures if line.box.covered_by([one.shows]) > ON_PICTURE), None)
        if line.capital_px < LARGER * look.transcript.unsteady:
            return _withheld(look, question, line)
        if picture is None or not look.transcript.is_new(line):
            return look if line.capital_px >= STEADY_PX else _withheld(look, question, line)
        first = squashed(look.answer.text or "")
        readings = {first: look} if not look.answer.abstained else {}
        for capital_px, margin in ENLARGED:
            part = _surroundings([line], picture, margin)
            again = self._read(picture.data, part, min(4.0, capital_px / line.capital_px))
            checked = _answer(look.transcript.closer(again, picture, part), question)
            checked = replace(checked, regions=checked.regions or look.regions)
            text = squashed(checked.answer.text or "")
            agree = text in readings or not readings
            if agree and not look.transcript.unsteady:
                return checked
            if not agree and (line.capital_px < STEADY_PX or look.transcript.unsteady):
                return _withheld(checked, question, line)
            readings[text] = checked
        return checked if len(readings) == 1 else _withheld(checked, question, line)


def _answer(transcript: OcrTranscript, question: Question) -> Look[OcrTranscript]:
    wanted = take_apart(question.text)
    frame, named, wanted = _framed(transcript, wanted)
    finding = decide(frame, wanted)
    strict = bool(transcript.searches or question.empty)  # not where the text had pointed
    if strict:
        finding = strictly(finding, wanted)
    best = finding.best if finding.best is not None and finding.best.spot.line.sure else None
    if question.choices:
        answer = _chosen(question, finding, frame, wanted, strict=strict)
    elif best is not None:
        answer = Answer(best.value, explanation=_read_at(best))
    else:
        answer = no_answer(question, _unread(finding, transcript))
    regions = _where(frame, finding, named, wanted)
    if answer.abstained and (named is None or transcript.looks > 1):
        regions = _elsewhere(frame, regions, wanted)
    return Look(answer, regions, _evidence(answer, finding, regions, transcript), Usage(calls=1), transcript)


def _evidence(answer: Answer, finding: Finding, regions: Sequence[Region], transcript: OcrTranscript) -> Evidence:
    """Legible where what is asked for was read surely with its label; what other looks read does not count."""
    if not answer.abstained:
        return Evidence.LEGIBLE
    line = finding.best.spot.line if finding.best is not None else None
    if line is not None and transcript.is_new(line) and not line.sure:
        return Evidence.CUT_OFF if line.cut else Evidence.TOO_SMALL
    if transcript.looks == 1 and (line is not None or regions):
        return Evidence.TOO_SMALL
    return Evidence.NOT_HERE


def _names_more(look: Look[OcrTranscript], before: OcrTranscript, question: Question) -> bool:
    """Whether a search read the name of what the question is about where none was known before."""
    wanted = take_apart(question.text)
    _, named, _ = _framed(look.transcript, wanted)
    if named is None or not look.regions or not look.transcript.is_new(named.line):
        return False
    _, known, _ = _framed(before, wanted)
    return known is None or known.line.box.intersection(named.line.box) is None


def _elsewhere(frame: Frame, regions: tuple[Region, ...], wanted: Wanted) -> tuple[Region, ...]:
    """The regions, and those of the other lines that name what the question is about nearly as well."""
    found = list(regions)
    for spot in anchors(frame, wanted):
        box = around_label(frame, spot, wanted)
        if box is not None and box.covered_by([region.box for region in found]) < ON_PICTURE:
            found.append(Region(box, label=spot.line.text))
    return tuple(found[:MOST_PLACES])


def _chosen(question: Question, finding: Finding, frame: Frame, wanted: Wanted, *, strict: bool) -> Answer:
    sure = finding if finding.best is None or finding.best.spot.line.sure else None
    picked = choose(question.choices, sure, frame, wanted, strict=strict) if sure else None
    if picked is not None:
        choice, spot = picked
        return Answer(choice.text, choice.letter, explanation=f"Read '{spot.line.text}' at {_place(spot)}; {ABOUT}.")
    reason = (
        finding.why_not
        or f"what was read there, '{finding.best.value if finding.best else ''}', is none of the options"
    )
    return no_answer(question, f"No option was read: {reason}; {ABOUT}.")


def _framed(transcript: OcrTranscript, wanted: Wanted) -> tuple[Frame, Spot | None, Wanted]:
    """The lines in the reading direction of what the question is about, the line that names that, and the question.

    The question comes back without the words that need not be near the answer.
    """
    lines = [replace(line, text=respaced(line.text, wanted.words)) for line in transcript.lines]
    frame = Frame(lines, transcript.aspect)
    wanted = settled(frame, wanted)
    named = anchor(frame, wanted)
    angle = lean(named.line, transcript.aspect) if named is not None else 0.0
    if angle:
        frame = Frame(lines, transcript.aspect, angle)
        named = anchor(frame, wanted)
    return frame, named, wanted


def _where(frame: Frame, finding: Finding, named: Spot | None, wanted: Wanted) -> tuple[Region, ...]:
    best = finding.best
    value = around_value(frame, best) if best is not None else None
    astray = named is not None and best is not None and named not in (best.spot, *best.labels)
    if best is not None and value is not None and best.spot.line.sure and not astray:
        return (Region(value, label=best.spot.line.text),)
    label = around_label(frame, named, wanted) if named is not None else None
    if named is None or label is None:
        return (Region(value, label=best.spot.line.text),) if best is not None and value is not None else ()
    return (Region(label.union(value) if value is not None and not astray else label, label=named.line.text),)


def _point(transcript: OcrTranscript, question: Question) -> Look[OcrTranscript]:
    wanted = describe(question.text)
    frame = Frame(transcript.lines, transcript.aspect)
    spots, fit = matching(frame, wanted)
    box = box_of(frame, spots) if spots and fit >= POINTED else None
    if box is None:
        reason = f"No text like '{question.text[:80]}' was read; {ABOUT}."
        return Look(Answer(None, abstained=True, explanation=reason), (), Evidence.NOT_HERE, Usage(calls=1), transcript)
    text = " ".join(spot.line.text for spot in sorted(spots, key=lambda spot: (spot.top, spot.left)))
    answer = Answer(text, explanation=f"Read '{text}' at {box.as_list()}; {ABOUT}.")
    return Look(answer, (Region(box, label=text),), Evidence.LEGIBLE, Usage(calls=1), transcript)


def _read_at(found: Candidate) -> str:
    labels = [spot.line.text for spot in found.labels if spot is not found.spot][:2]
    beside = f" with {' and '.join(repr(label) for label in labels)}" if labels else ""
    return f"Read '{found.spot.line.text}' at {_place(found.spot)}{beside}; {ABOUT}."


def _unread(finding: Finding, transcript: OcrTranscript) -> str:
    if finding.best is not None:
        return f"There is text at {_place(finding.best.spot)} that is too small or unclear to read surely; {ABOUT}."
    return f"Not answered from {len(transcript.lines)} lines of text: {finding.why_not}; {ABOUT}."


def _withheld(look: Look[OcrTranscript], question: Question, line: Line) -> Look[OcrTranscript]:
    reason = f"The text that answers is so small that its readings differ; {ABOUT}."
    transcript = replace(look.transcript, unsteady=max(look.transcript.unsteady, line.capital_px))
    return replace(look, answer=no_answer(question, reason), evidence=Evidence.TOO_SMALL, transcript=transcript)


def _deciding(transcript: OcrTranscript, question: Question) -> Line | None:
    """The line that answers, or would if it were read better."""
    wanted = take_apart(question.text)
    frame, _, wanted = _framed(transcript, wanted)
    finding = decide(frame, wanted)
    return finding.best.spot.line if finding.best is not None else None


def _surroundings(lines: Sequence[Line], picture: Picture, margins: float = 3.0) -> PixelBox:
    """Some lines with a few capital heights around them, in pixels of the picture that they were read from."""
    shows, size = picture.shows, picture.size
    box = functools.reduce(Box.union, (line.box for line in lines))
    margin = margins * max(line.capital_px for line in lines)
    left = (box.x0 - shows.x0) / shows.width * size.width - 2 * margin
    right = (box.x1 - shows.x0) / shows.width * size.width + 2 * margin
    top = (box.y0 - shows.y0) / shows.height * size.height - margin
    bottom = (box.y1 - shows.y0) / shows.height * size.height + margin
    return PixelBox(
        max(0, math.floor(left)),
        max(0, math.floor(top)),
        min(size.width, math.ceil(right)),
        min(size.height, math.ceil(bottom)),
    )


def _place(spot: Spot) -> list[float]:
    box: Box = spot.line.box
    return [round(value, 4) for value in box.as_list()]

"""What the loopback model makes of the pictures that it was shown: the words of its reply. No wire in here.

It knows of each scene which number stands on which plate, and may tell it where a picture shows the plate high enough. Where
it looks on, it learns from pictures and words alone, as a model does: the numbers of the pictures, and which part of picture
1 each shows.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from looks_scenes import AREA, ASPECT, Code, Scene, code_name
from looks_sight import Sighting
from zoomrefine_mcp.backends.boxes import write_box
from zoomrefine_mcp.backends.profiles import Axes, Profile, Unit
from zoomrefine_mcp.geometry import Box, Size

MISREAD = "It cannot be made out"
"""What the paper's text form gets where there is no answer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the request, as the model sees it.

    Attributes:
        number: From 1, in the order of the request.
        size: As received, in pixels.
        part: The part of picture 1 that it shows, by the words beside it; None where they do not say.
        seen: What is in it.
        is_new: It came with the last message.
    """

    number: int
    size: Size
    part: Box | None
    seen: tuple[Sighting, ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A box on a picture, in fractions of it."""

    picture: int
    label: str
    box: Box


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply says, before it is written down.

    Attributes:
        evidence: The form's word.
        answer: None where there is none.
        places: Where the evidence is, or where to look next.
        reasoning: A sentence.
    """

    evidence: str
    answer: str | None
    places: tuple[Place, ...]
    reasoning: str


@dataclass(slots=True)
class Mind:
    """The model: how well it reads and how often it points wrong.

    Attributes:
        threshold: The height in pixels from which it reads a plate.
        error_rate: How often a region that it names is a wrong one.
    """

    threshold: float = 12.0
    error_rate: float = 0.0
    _looks: int = field(default=0, init=False)

    def begin(self) -> None:
        """A new question: nothing is remembered."""
        self._looks = 0

    def think(self, scene: Scene, shown: Sequence[Shown], empty: Sequence[Box] = ()) -> Said:
        """One look at all pictures of the conversation.

        Args:
            scene: The truth.
            shown: The pictures.
            empty: The parts of picture 1 that the words say were seen enlarged and held nothing.
        """
        self._looks += 1
        shown = [_without(one, empty) for one in shown]
        rng = random.Random(f"{scene.name}/{self._looks}")
        said = self._counted(scene, shown) if scene.counts else self._read(scene, shown)
        if said is None:
            return _at_a_loss(shown, rng)
        return self._erring(scene, said, rng)

    def _read(self, scene: Scene, shown: Sequence[Shown]) -> Said | None:
        found = [self._best(code, scene, shown) for code in scene.targets]
        read = [one for one in found if one is not None and one[0] == "legible"]
        if len(read) == len(scene.targets) and scene.numbers:
            answer = " and ".join(map(str, scene.numbers))
            return Said("legible", answer, tuple(place for _, place in read), "The plate can be read.")
        missing = [one for one in found if one is not None and one[0] != "legible"]
        if missing:
            places = tuple(place for _, place in missing)
            return Said(missing[0][0], None, places, "It is there and cannot be read yet.")
        if all(one is None for one in found):
            sign = self._sign(scene, shown)
            return None if sign is None else Said("too_small", None, (sign,), "A sign leads to it.")
        return None

    def _best(self, code: Code, scene: Scene, shown: Sequence[Shown]) -> tuple[str, Place] | None:
        """The sighting that shows most of a plate, with what it is worth."""
        best: tuple[tuple[int, float], str, Place] | None = None
        for picture in shown:
            for one in picture.seen:
                worth = self._worth(one, code, scene)
                if worth is None or (worth != "legible" and _is_shown_larger(one.box, picture, shown)):
                    continue
                rank = (("too_small", "cut_off", "legible").index(worth), one.height)
                if best is None or rank > best[0]:
                    best = rank, worth, Place(picture.number, f"{code_name(code)} plate", one.box)
        return best and (best[1], best[2])

    def _worth(self, one: Sighting, code: Code, scene: Scene) -> str | None:
        """Whether a sighting may be that plate, and how much of it is to be seen."""
        if one.height < scene.notices_from:
            return None
        if one.code is not None and one.code != code:
            return None
        if one.left_hue not in {code[0], None} or (one.left_hue is None and one.right_hue != code[1]):
            return None
        if one.is_cut:
            return "cut_off"
        return "legible" if one.code == code and one.height >= self.threshold else "too_small"

    def _sign(self, scene: Scene, shown: Sequence[Shown]) -> Place | None:
        """The area of the innermost sign that can be read."""
        for code in reversed(scene.cues):
            signs = [
                (one.height, picture, one)
                for picture in shown
                for one in picture.seen
                if one.code == code and one.height >= self.threshold and not one.is_cut
            ]
            if signs:
                _, picture, one = max(signs, key=lambda sign: sign[0])
                unit_x, unit_y = one.box.width / ASPECT, one.box.height
                area = Box.clipped(one.box.x0, one.box.y0, one.box.x0 + AREA[0] * unit_x, one.box.y0 + AREA[1] * unit_y)
                return Place(picture.number, f"{code_name(code)} area", area or one.box)
        return None

    def _counted(self, scene: Scene, shown: Sequence[Shown]) -> Said | None:
        """Everything in the newest pictures that can be read, things that an edge cuts included."""
        [code] = scene.targets
        newest = [picture for picture in shown if picture.is_new] or list(shown)
        things: list[Place] = []
        noticed: list[Place] = []
        for picture in newest:
            for one in picture.seen:
                if self._worth(one, code, scene) is None:
                    continue
                reads = one.height >= self.threshold or one.is_cut
                place = Place(picture.number, f"{code_name(code)} plate", one.box)
                (things if reads else noticed).append(place)
        if things and noticed:
            return Said("too_small", str(len(things)), (*things, *noticed), "Some are too small to be sure of.")
        if things:
            return Said("legible", str(len(things)), tuple(things), f"I count {len(things)}.")
        if noticed:
            return Said("too_small", None, tuple(_joined(noticed, newest)), "There are some, too small to be sure of.")
        return Said("not_here", "0", (), "There are none here.") if len(shown) > 1 else None

    def _erring(self, scene: Scene, said: Said, rng: random.Random) -> Said:
        """The same with regions that are wrong as often as the error rate says."""
        always = scene.starts_wrong and self._looks == 1
        places: list[Place] = []
        one_of = rng.randrange(len(said.places)) if said.places else 0
        for at, place in enumerate(said.places):
            errs = rng.random() < self.error_rate or always
            other = _elsewhere(place.box, rng)
            counted = scene.counts and said.evidence == "legible" and at != one_of  # of many boxes one goes astray
            places.append(Place(place.picture, place.label, other) if errs and not counted else place)
        return Said(said.evidence, said.answer, tuple(places), said.reasoning)


def written(said: Said, shown: Sequence[Shown], *, profile: Profile, text: str | None) -> str:
    """A reply in the form that was asked for.

    Args:
        said: What it says.
        shown: The pictures that its boxes are on.
        profile: In whose convention boxes are written.
        text: None for JSON; else the label of the text form's answer line (``Answer``, ``Rechecked Answer``).
    """
    if text is not None:
        lines = [said.reasoning, f"{text}: {said.answer or MISREAD}"]
        if said.places and text == "Answer":
            box = said.places[0].box
            for place in said.places[1:]:
                box = box.union(place.box)
            lines.append(f"Bounding box: {write_box(box, shown[0].size, Unit.NORMALIZED, Axes.XYXY)}")
        return "\n".join(lines)
    regions = [region_reply(place, shown[place.picture - 1].size, profile.unit, profile.axes) for place in said.places]
    return json.dumps(
        {
            "reasoning": said.reasoning,
            "evidence": said.evidence,
            "answer": said.answer,
            "choice": None,
            "regions": regions,
        }
    )


def region_reply(place: Place, size: Size, unit: Unit, axes: Axes) -> dict[str, Any]:
    """A region of the JSON form."""
    return {
        "picture": place.picture,
        "label": place.label,
        "box": json.loads(write_box(place.box, size, unit, axes)),
    }


def is_right(answer: str | None, scene: Scene) -> bool:
    """Whether the numbers in an answer are those of the truth; no answer is right where there is none."""
    if answer is None or scene.answer is None:
        return answer is None and scene.answer is None
    return re.findall(r"\d+", answer) == re.findall(r"\d+", scene.answer)


def _is_shown_larger(box: Box, picture: Shown, shown: Sequence[Shown]) -> bool:
    """Whether another picture shows the same place at a higher scale: then that one tells what is there."""
    part = picture.part or Box.full()
    x, y = part.compose(box).center
    scale = picture.size.width / part.width
    return any(
        other.part is not None
        and other.size.width / other.part.width > 1.05 * scale
        and other.part.grown(-0.02 * other.part.width, -0.02 * other.part.height).contains(
            Box(x, y, x + 1e-9, y + 1e-9)
        )
        for other in shown
        if other.number != picture.number
    )


def _without(picture: Shown, empty: Sequence[Box]) -> Shown:
    """The picture without what is too small to be told and lies where there is known to be nothing."""
    if picture.number != 1 or not empty:
        return picture
    seen = (one for one in picture.seen if one.code is not None or not any(_is_within(one.box, box) for box in empty))
    return replace(picture, seen=tuple(seen))


def _is_within(box: Box, whole: Box) -> bool:
    x, y = box.center
    return whole.x0 <= x <= whole.x1 and whole.y0 <= y <= whole.y1


def _joined(places: Sequence[Place], newest: Sequence[Shown]) -> list[Place]:
    """One box for each picture, around all that was noticed in it."""
    joined = []
    for picture in newest:
        boxes = [place.box for place in places if place.picture == picture.number]
        if boxes:
            box = boxes[0]
            for other in boxes[1:]:
                box = box.union(other)
            joined.append(Place(picture.number, places[0].label, box))
    return joined


def _at_a_loss(shown: Sequence[Shown], rng: random.Random) -> Said:
    """What a weak model offers that sees nothing: everything, anything, or nothing, equally often."""
    number = shown[-1].number if shown else 1
    offers: tuple[tuple[Place, ...], ...] = (
        (Place(1, "the picture", Box.full()),),
        (Place(number, "perhaps here", _elsewhere(None, rng)),),
        (),
    )
    return Said("not_here", None, rng.choice(offers), "I do not see it.")


def _elsewhere(right: Box | None, rng: random.Random) -> Box:
    """A random box that does not meet the right one, nor is near it."""
    for _ in range(50):
        width, height = rng.uniform(0.04, 0.16), rng.uniform(0.04, 0.16)
        x, y = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
        box = Box(x, y, x + width, y + height)
        if right is None or box.grown(0.05, 0.05).intersection(right) is None:
            return box
    return Box(0.0, 0.0, 0.1, 0.1)

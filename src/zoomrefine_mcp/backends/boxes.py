"""Numbers to boxes and back: every convention in which a model writes where something is, converted once, here.

What a model wrote is a ``Mark``. ``place`` reads it by the model's profile and the exact size of the picture it is
measured on, and composes it onto the upright original. A mark that contradicts the profile is read by these rules,
and the caller is told:

1. Percent signs are percents. All values within 0..1 are fractions, whatever was asked for.
2. Values above 1 where fractions were asked for: the family's own unit if it has one, else 0-1000 (y first under
   ``box_2d``, as that key is known from Gemini), or pixels where a value is above 1000.
3. Values far above 1000 in a family of 0-1000 are pixels where they fit the picture. A little above, they are clipped.
4. Values up to 1000 that lie far outside the picture, in a family of pixels, are 0-1000.
5. Corners in the wrong order are exchanged.

Not a contradiction, and read without a word:

6. Corners by name (``xmin``, ``left``) are what their names say, in whatever order; so are a corner and a size.
7. A point is a box that reaches ``POINT_REACH`` of the picture to each side.
8. Of several boxes all are read, in their order; of several ``Bounding box:`` lines the last, as in the paper.

"Far" is more than a tenth over the edge. What lies outside is clipped; a box of which nothing remains is dropped, and
a region without a readable box is left out, both with a warning. docs/box-conventions.md says the same to users.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from zoomrefine_mcp.backends.profiles import Axes, Profile, Unit
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import Region, ReplyForm

FAR = 1.1
"""How far over the edge a value may lie (as a factor) and still be an overshoot in its own unit."""
POINT_REACH = 0.02
"""A point becomes a box that reaches this share of the picture to each side."""
_FULL_SCALE = {Unit.NORMALIZED: 1.0, Unit.PER_THOUSAND: 1000.0, Unit.PER_999: 999.0}


@dataclass(frozen=True, slots=True)
class Mark:
    """A box or a point as a model wrote it.

    Attributes:
        numbers: Four for a box, two for a point, in the order written.
        raw: The text that they stood in.
        label: What is there.
        picture: Number of the picture that it is measured on, where the reply says so.
        percent: The numbers carry percent signs.
        named: The numbers came with names (``x0``, ``left``, ...) and are x first whatever the family's order.
        y_first: The numbers came under Gemini's key ``box_2d``.
    """

    numbers: tuple[float, ...]
    raw: str
    label: str | None = None
    picture: int | None = None
    percent: bool = False
    named: bool = False
    y_first: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark on the original, if anything of it lies there, and what the caller should know about its reading."""

    region: Region | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Scale:
    """How numbers are read: what a full side counts, per axis."""

    name: str
    x: float
    y: float
    axes: Axes


def write_box(box: Box, size: Size, unit: Unit, axes: Axes) -> str:
    """A box on a picture of ``size`` as a family writes it; the inverse of reading it.

    >>> write_box(Box(0.25, 0.5, 0.5, 1.0), Size(1456, 819), Unit.PIXELS, Axes.XYXY)
    '[364, 410, 728, 819]'
    >>> write_box(Box(0.25, 0.5, 0.5, 1.0), Size(1456, 819), Unit.PER_THOUSAND, Axes.YXYX)
    '[500, 250, 1000, 500]'
    """
    full_x, full_y = _sides(unit, size)
    corners = (box.x0 * full_x, box.y0 * full_y, box.x1 * full_x, box.y1 * full_y)
    numbers = [f"{value:.3f}" if unit is Unit.NORMALIZED else str(math.floor(value + 0.5)) for value in corners]
    if axes is Axes.YXYX:
        numbers = [numbers[1], numbers[0], numbers[3], numbers[2]]
    return f"[{', '.join(numbers)}]"


def place(mark: Mark, picture: Picture, *, number: int, profile: Profile, form: ReplyForm) -> Placed:
    """Read a mark that is measured on ``picture`` and compose it onto the upright original.

    Args:
        mark: As written.
        picture: The picture as it was sent.
        number: Its number in the conversation, for the convention's name.
        profile: The facts of the model's family.
        form: What was asked for: fractions in the text form, the family's own unit in JSON.
    """
    scale, warnings = _scale(mark, picture.size, profile, form)
    convention = f"{scale.name}, picture {number}"
    numbers = mark.numbers
    if scale.axes is Axes.YXYX:
        numbers = tuple(value for pair in zip(numbers[1::2], numbers[::2], strict=True) for value in pair)
    fractions = [value / full for value, full in zip(numbers, (scale.x, scale.y) * 2, strict=False)]
    if len(fractions) == 2:
        box = _about(fractions[0], fractions[1])
        convention = f"a point, {convention}"
    else:
        x0, y0, x1, y1 = fractions
        if x1 < x0 or y1 < y0:
            warnings.append(f"The corners of the box {mark.raw} are in the wrong order; they were exchanged.")
            x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
        box = Box.clipped(x0, y0, x1, y1)
    composed = None if box is None or min(box.width, box.height) < 1e-9 else picture.shows.compose(box)
    if composed is None or not _has_area(composed):
        warnings.append(f"The box {mark.raw} has no area on picture {number} ({scale.name}); it was dropped.")
        return Placed(None, tuple(warnings))
    return Placed(Region(composed, mark.label, mark.raw, convention), tuple(warnings))


def _has_area(box: Box) -> bool:
    """Whether anything is left of a box in the rounded numbers in which a result gives it."""
    x0, y0, x1, y1 = box.as_list()
    return x0 < x1 and y0 < y1


def _sides(unit: Unit, size: Size) -> tuple[float, float]:
    if unit is Unit.PIXELS:
        return float(size.width), float(size.height)
    return _FULL_SCALE[unit], _FULL_SCALE[unit]


def _scale(mark: Mark, size: Size, profile: Profile, form: ReplyForm) -> tuple[_Scale, list[str]]:
    asked = Unit.NORMALIZED if form is ReplyForm.TEXT else profile.unit
    axes = Axes.XYXY if mark.named else profile.axes
    if mark.percent:
        note = [] if asked is Unit.NORMALIZED else [_contradiction(mark, asked, "percents")]
        return _Scale("percent", 100.0, 100.0, Axes.XYXY if form is ReplyForm.TEXT else axes), note
    if _are_fractions(mark.numbers):
        if asked is Unit.NORMALIZED:
            return _of(Unit.NORMALIZED, size, Axes.XYXY if form is ReplyForm.TEXT else axes), []
        return _of(Unit.NORMALIZED, size, axes), [_contradiction(mark, asked, "fractions of 0..1")]
    if profile.unit is Unit.NORMALIZED:
        unit = Unit.PER_THOUSAND if max(mark.numbers) <= 1000 else Unit.PIXELS
        scale = _of(unit, size, Axes.YXYX if mark.y_first and unit is Unit.PER_THOUSAND else axes)
        return scale, [_contradiction(mark, asked, scale.name)]
    scale = _of(profile.unit, size, axes)
    xs, ys = (mark.numbers[1::2], mark.numbers[::2]) if axes is Axes.YXYX else (mark.numbers[::2], mark.numbers[1::2])
    most_x, most_y = max(xs), max(ys)
    if most_x <= scale.x * FAR and most_y <= scale.y * FAR:
        return scale, []
    if profile.unit is Unit.PIXELS and max(most_x, most_y) <= 1000:
        return _of(Unit.PER_THOUSAND, size, axes), [_contradiction(mark, profile.unit, Unit.PER_THOUSAND)]
    if profile.unit is not Unit.PIXELS and most_x <= size.width * FAR and most_y <= size.height * FAR:
        return _of(Unit.PIXELS, size, axes), [_contradiction(mark, profile.unit, Unit.PIXELS)]
    return scale, [f"The box {mark.raw} reaches far outside the picture ({scale.name}); it was clipped."]


def _of(unit: Unit, size: Size, axes: Axes) -> _Scale:
    name = f"pixels of {size}" if unit is Unit.PIXELS else str(unit)
    return _Scale(f"{name}, y first" if axes is Axes.YXYX else name, *_sides(unit, size), axes)


def _are_fractions(numbers: tuple[float, ...]) -> bool:
    if max(numbers) <= 1:
        return True
    # An overshoot of fractions, [0.8, 0.7, 1.02, 0.9]: no unit of whole numbers writes that.
    return max(numbers) <= 1.5 and sum(0 < value < 1 for value in numbers) >= 2


def _contradiction(mark: Mark, asked: Unit, read_as: str) -> str:
    return f"The model was asked for boxes in {asked} and wrote {mark.raw}; it was read as {read_as}."


def _about(x: float, y: float) -> Box | None:
    """A box with the point in its middle, smaller at the edges so that the middle stays where it is."""
    if not (0 <= x <= 1 and 0 <= y <= 1):
        return None
    reach_x, reach_y = (max(1e-4, min(POINT_REACH, at, 1 - at)) for at in (x, y))
    return Box.clipped(x - reach_x, y - reach_y, x + reach_x, y + reach_y)

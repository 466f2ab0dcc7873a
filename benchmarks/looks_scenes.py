"""The pictures of ``looks.py``: what stands in each, and what is asked about it. Nothing is drawn here.

A plate is three times as wide as high: its left half in one saturated colour, its right half in another, and the pair is
its name ("the red-blue plate"). What number stands on it only the model knows, who may tell it where it saw the plate
large enough. Everything that is no plate is grey. A sign is a plate at the upper left corner of an area that it names, 20
times as wide and 12 times as high as the sign: who reads the sign knows where to look on.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from zoomrefine_mcp.backends.resize import on_grid
from zoomrefine_mcp.geometry import Size

HUES = {"red": 0b100, "yellow": 0b110, "green": 0b010, "cyan": 0b011, "blue": 0b001, "magenta": 0b101}
"""Each colour of a plate: a bit for red, green and blue, high or low."""
ASPECT = 3
"""Width of a plate by its height."""
AREA = (20, 12)
"""Width and height of the area that a sign names, by the sign's height."""
SIGHT_PIXELS = 1024 * 1024
"""What the model sees of a picture: a profile with 1024 tokens, so that thousands of questions take minutes."""

LARGE, LARGER, LARGEST = Size(7680, 4320), Size(16_000, 9_000), Size(30_000, 20_000)

sees: Callable[[Size], Size] = partial(on_grid, factor=32, min_pixels=256 * 256, max_pixels=SIGHT_PIXELS)
"""The size at which the model sees a picture: Qwen3-VL's rule."""

Code = tuple[str, str]
"""The two colours of a plate, left and right."""
Rect = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels of the original."""


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate or a sign.

    Attributes:
        code: Its colours.
        left: Of its upper left corner, in pixels of the original.
        top: Likewise.
        height: Likewise; it is three times as wide.
    """

    code: Code
    left: float
    top: float
    height: float

    @property
    def rect(self) -> Rect:
        """All of it."""
        return self.left, self.top, self.left + ASPECT * self.height, self.top + self.height

    @property
    def area(self) -> Rect:
        """What it names, as a sign."""
        return self.left, self.top, self.left + AREA[0] * self.height, self.top + AREA[1] * self.height


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, a question about it, and the truth.

    Attributes:
        name: Kind and number.
        kind: A name in ``KINDS``.
        size: The original, in pixels.
        question: As asked; no two scenes ask the same.
        answer: None where the picture does not answer.
        targets: The plates that have to be read, by their colours.
        numbers: What stands on each of them.
        cues: Signs that lead there, the outermost first.
        plates: Everything coloured.
        areas: Light grey fields, the areas of the signs among them.
        clutter: Grey bars, with their brightness.
        counts: Whether the question is how many there are.
        notices_from: From which height in pixels of a picture the model notices a plate.
        starts_wrong: Whether its first region is wrong whatever its error rate.
    """

    name: str
    kind: str
    size: Size
    question: str
    answer: str | None
    targets: tuple[Code, ...]
    numbers: tuple[int, ...] = ()
    cues: tuple[Code, ...] = ()
    plates: tuple[Plate, ...] = ()
    areas: tuple[Rect, ...] = ()
    clutter: tuple[tuple[Rect, int], ...] = ()
    counts: bool = False
    notices_from: float = 2.0
    starts_wrong: bool = False


@dataclass(slots=True)
class _Desk:
    """Where a scene is laid out: what is taken already, and the colours that nothing else may wear."""

    rng: random.Random
    size: Size
    plates: list[Plate] = field(default_factory=list)
    clutter: list[tuple[Rect, int]] = field(default_factory=list)
    busy: list[Rect] = field(default_factory=list)
    hues: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hues = list(HUES)
        self.rng.shuffle(self.hues)
        width, height = self.size.width, self.size.height
        for _ in range(5):
            w, h = self.rng.uniform(0.15, 0.3) * width, self.rng.uniform(0.15, 0.3) * height
            left, top = self.rng.uniform(0, width - w), self.rng.uniform(0, height - h)
            self.busy.append((left, top, left + w, top + h))
            unit = width / 960
            for _ in range(16):
                bar_w, bar_h = self.rng.uniform(3, 14) * unit, self.rng.uniform(0.8, 2) * unit
                x, y = self.rng.uniform(left, left + w - bar_w), self.rng.uniform(top, top + h - bar_h)
                self.clutter.append(((x, y, x + bar_w, y + bar_h), self.rng.choice((70, 110, 150, 240))))

    def put(self, code: Code, height: float, within: Rect | None = None) -> Plate:
        """A plate in a free place, away from the picture's edges."""
        left, top, right, bottom = within or (0, 0, self.size.width, self.size.height)
        edge = 2 * height
        for _ in range(1000):
            x = self.rng.uniform(max(left, edge), min(right, self.size.width - edge) - ASPECT * height)
            y = self.rng.uniform(max(top, edge), min(bottom, self.size.height - edge) - height)
            plate = Plate(code, x, y, height)
            if not any(_near(plate, other) for other in self.plates):
                self.plates.append(plate)
                return plate
        raise RuntimeError("no room for a plate")

    def decoys(self, number: int, low: float, high: float) -> None:
        """Plates of the two colours that nothing asked for wears."""
        first, second = self.hues[-2:]
        for _ in range(number):
            self.put(self.rng.choice(((first, second), (second, first))), self.rng.uniform(low, high))

    def anywhere(self) -> Rect | None:
        """A busy place, four times of five."""
        return self.rng.choice(self.busy) if self.rng.random() < 0.8 else None


def scene(kind: str, number: int, *, threshold: float = 12.0) -> Scene:
    """The scene of that kind and number; the same for every policy and error rate.

    Args:
        kind: A name in ``KINDS``.
        number: From 0.
        threshold: The height in pixels from which the model reads: signs are as large as it takes.
    """
    desk = _Desk(random.Random(f"{kind}/{number}"), _SIZES.get(kind, LARGE))
    made = KINDS[kind](desk, threshold)
    question = f"Sheet {kind}-{number}: {made.question}"
    return replace(
        made,
        name=f"{kind}-{number}",
        kind=kind,
        size=desk.size,
        question=question,
        plates=tuple(desk.plates),
        clutter=tuple(desk.clutter),
    )


def view_scale(size: Size) -> float:
    """Pixels of the view for each original one."""
    return sees(size).width / size.width


def code_name(code: Code) -> str:
    """What a person calls it."""
    return "-".join(code)


def _near(one: Plate, other: Plate) -> bool:
    gap = 1.5 * max(one.height, other.height)
    a, b = one.rect, other.rect
    return a[0] - gap < b[2] and b[0] - gap < a[2] and a[1] - gap < b[3] and b[1] - gap < a[3]


def _asks_for(codes: tuple[Code, ...], desk: _Desk, where: str = "", **more: object) -> Scene:
    numbers = tuple(desk.rng.sample(range(100, 1000), len(codes)))
    plates = " and on ".join(f"the {code_name(code)} plate" for code in codes)
    return Scene(
        name="",
        kind="",
        size=desk.size,
        question=f"What number stands on {plates}{where}?",
        answer=" and ".join(map(str, numbers)),
        targets=codes,
        numbers=numbers,
        **more,  # type: ignore[arg-type]
    )


def _legible(desk: _Desk, threshold: float) -> Scene:
    """Read in the view."""
    code = (desk.hues[0], desk.hues[1])
    scale = view_scale(desk.size)
    desk.put(code, desk.rng.uniform(max(22.0, 1.4 * threshold), 44) / scale)
    desk.decoys(8, 18, 160)
    return _asks_for((code,), desk)


def _one_region(desk: _Desk, threshold: float) -> Scene:  # noqa: ARG001 - every kind takes it
    """Noticed in the view, and too small to be read there."""
    code = (desk.hues[0], desk.hues[1])
    desk.put(code, desk.rng.uniform(13, 36))
    desk.decoys(10, 16, 60)
    return _asks_for((code,), desk)


def _wrong_first(desk: _Desk, threshold: float) -> Scene:
    """The same, and the model begins with a wrong region."""
    return replace(_one_region(desk, threshold), starts_wrong=True)


def _two_regions(desk: _Desk, threshold: float) -> Scene:  # noqa: ARG001
    """Two plates at opposite ends."""
    codes = ((desk.hues[0], desk.hues[1]), (desk.hues[2], desk.hues[3]))
    width, height = desk.size.width, desk.size.height
    desk.put(codes[0], desk.rng.uniform(13, 36), (0, 0, 0.3 * width, height))
    desk.put(codes[1], desk.rng.uniform(13, 36), (0.7 * width, 0, width, height))
    desk.decoys(10, 16, 60)
    return _asks_for(codes, desk)


def _sign(desk: _Desk, code: Code, height: float, within: Rect) -> Plate:
    """A sign whose whole area lies inside."""
    x = desk.rng.uniform(within[0], max(within[0], within[2] - AREA[0] * height))
    y = desk.rng.uniform(within[1], max(within[1], within[3] - AREA[1] * height))
    sign = Plate(code, x, y, height)
    desk.plates.append(sign)
    return sign


def _inside(sign: Plate) -> Rect:
    """Where in a sign's area further things stand: below the sign and clear of the border."""
    left, top, right, bottom = sign.area
    return left + sign.height, top + 2 * sign.height, right - sign.height, bottom - sign.height


def _margin(size: Size) -> Rect:
    return 0.02 * size.width, 0.02 * size.height, 0.98 * size.width, 0.98 * size.height


def _two_levels(desk: _Desk, threshold: float) -> Scene:
    """The view shows the district's sign, and nothing yet of the plate."""
    a, b, c, d, x, y = desk.hues
    district = _sign(desk, (a, x), desk.rng.uniform(1.25, 1.6) * threshold / view_scale(desk.size), _margin(desk.size))
    desk.put((b, c), desk.rng.uniform(14, 19), _inside(district))
    desk.decoys(3, 0.8 * district.height, 1.2 * district.height)
    desk.decoys(12, 14, 22)
    where = f" in the {code_name(district.code)} district"
    del d, y
    return _asks_for(((b, c),), desk, where, cues=(district.code,), areas=(district.area,))


def _three_levels(desk: _Desk, threshold: float) -> Scene:
    """The view shows the district's sign, the district shows the street's, and the street the plate."""
    a, b, c, d, x, y = desk.hues
    height = desk.rng.uniform(1.25, 1.6) * threshold / view_scale(desk.size)
    district = _sign(desk, (a, x), height, _margin(desk.size))
    street = _sign(desk, (d, y), 0.5 * height, _inside(district))
    desk.put((b, c), desk.rng.uniform(0.75, 0.95) * threshold, _inside(street))
    desk.decoys(3, 0.8 * height, 1.2 * height)
    desk.decoys(12, 0.75 * threshold, 1.2 * threshold)
    where = f" of the {code_name(street.code)} street in the {code_name(district.code)} district"
    areas = (district.area, street.area)
    return _asks_for(((b, c),), desk, where, cues=(district.code, street.code), areas=areas)


def _search(desk: _Desk, threshold: float) -> Scene:  # noqa: ARG001
    """Among bars and plates of its size, so that it is not noticed before it is 6 pixels high."""
    code = (desk.hues[0], desk.hues[1])
    desk.put(code, desk.rng.uniform(22, 30), desk.anywhere())
    desk.decoys(24, 18, 32)
    return _asks_for((code,), desk, notices_from=6.0)


def _count(desk: _Desk, threshold: float) -> Scene:  # noqa: ARG001
    """5 to 15 of the same, in one part of the picture."""
    code = (desk.hues[0], desk.hues[1])
    number = desk.rng.randint(5, 15)
    w, h = desk.rng.uniform(2000, 3000), desk.rng.uniform(1100, 1700)
    left, top = desk.rng.uniform(100, desk.size.width - w - 100), desk.rng.uniform(100, desk.size.height - h - 100)
    for _ in range(number):
        desk.put(code, desk.rng.uniform(22, 30), (left, top, left + w, top + h))
    desk.decoys(16, 18, 32)
    return Scene(
        name="",
        kind="",
        size=desk.size,
        question=f"How many {code_name(code)} plates are there?",
        answer=str(number),
        targets=(code,),
        counts=True,
    )


def _not_there(desk: _Desk, threshold: float) -> Scene:  # noqa: ARG001
    """Only a plate that shares its left colour."""
    code, namesake = (desk.hues[0], desk.hues[1]), (desk.hues[0], desk.hues[2])
    desk.put(namesake, desk.rng.uniform(13, 36), desk.anywhere())
    desk.decoys(10, 16, 60)
    return replace(_asks_for((code,), desk), answer=None, numbers=())


KINDS: dict[str, Callable[[_Desk, float], Scene]] = {
    "legible": _legible,
    "one_region": _one_region,
    "two_regions": _two_regions,
    "two_levels": _two_levels,
    "three_levels": _three_levels,
    "search": _search,
    "wrong_first": _wrong_first,
    "count": _count,
    "not_there": _not_there,
}
_SIZES = {"two_levels": LARGER, "three_levels": LARGEST}

"""The model that looks at the two files of ``huge.py``: it reads what it was really shown high enough, and nothing else.

It knows what is written at each level (district, street, plate; page, label) and where. Whether it may tell follows from the
pictures that it received: their decoded size and the part of picture 1 that the words beside each give say how high the
capitals are shown, and the pixels there have to have the contrast of print.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from looks_model import Mind, Place, Said, Shown, written
from looks_server import QUESTION, LookServer, pictures_of, words_of
from looks_sight import Sighting
from zoomrefine_mcp.backends.profiles import Profile
from zoomrefine_mcp.geometry import Box, Size

READS_FROM = 8.0
"""The height in pixels from which the model reads capitals."""
CONTRAST = 100
"""Between the lightest and the darkest of 256 levels, where there is print; between houses and ground it is less."""
COLUMNS = 4
"""Every one of so many pieces of a line has to show print."""
ROUNDING = 0.0005
"""By how much of picture 1 the words beside a picture may be off: half a thousandth."""


@dataclass(frozen=True, slots=True)
class Level:
    """Something that is written, and what it leads to.

    Attributes:
        name: In a word.
        capitals: Their height, in pixels of the original.
        sign: Where it is written, on the whole.
        area: Where the next level has to be looked for, on the whole; at the last level the sign itself.
        noticed_from: The shown height from which its line stands out before it can be read. Infinite where it is one among
            many of its kind.
    """

    name: str
    capitals: float
    sign: Box
    area: Box
    noticed_from: float = math.inf


@dataclass(frozen=True, slots=True)
class Task:
    """A question about a file of ``huge.py``.

    Attributes:
        question: As it is asked.
        answer: As printed at the last level.
        size: The whole, in pixels.
        levels: From what leads there to what is asked for.
    """

    question: str
    answer: str
    size: Size
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """A picture as received.

    Attributes:
        number: From 1.
        part: The part of the whole that it shows, as far as the words say.
        grey: Its pixels, (height, width), 0 to 255.
        is_new: It came with the last message.
    """

    number: int
    part: Box
    grey: NDArray[np.uint8]
    is_new: bool


def think(task: Task, sights: Sequence[Sight]) -> Said:
    """What the model says of all pictures of a conversation, the first of which is the whole.

    The levels are followed as far as each can be read in one of the pictures. The last one is the answer; before, the
    area of the one that was read last is boxed on the picture that shows most of it.
    """
    read: list[tuple[Level, Sight]] = []
    for level in task.levels:
        sight = _largest(task, level, sights, READS_FROM)
        if sight is None:
            break
        read.append((level, sight))
    if not read:
        return Said("not_here", None, (), "Nothing that is asked about can be made out.")
    level, sight = read[-1]
    if len(read) == len(task.levels):
        place = Place(sight.number, level.name, _on(sight, level.sign))
        return Said("legible", task.answer, (place,), f"The {level.name} can be read.")
    wanted = task.levels[len(read)]
    noticed = _largest(task, wanted, sights, wanted.noticed_from)
    if noticed is not None:
        place = Place(noticed.number, wanted.name, _on(noticed, wanted.sign))
        return Said("too_small", None, (place,), f"There is a {wanted.name}, too small to be read.")
    shows = [one for one in sights if level.area.covered_by([one.part]) >= 0.5]
    if not shows or not any(one.is_new and level.area.intersection(one.part) for one in sights):
        return Said("not_here", None, (), f"The {wanted.name} is not in here.")
    best = max(shows, key=lambda one: (_scale(task, one), one.number))
    place = Place(best.number, level.name, _on(best, level.area))
    return Said("too_small", None, (place,), f"The {level.name} can be read, the {wanted.name} in it cannot.")


def has_print(sight: Sight, sign: Box) -> bool:
    """Whether the pixels where a sign has to be show print along all of it."""
    height, width = sight.grey.shape
    where = _on(sight, sign).grown(ROUNDING / sight.part.width, ROUNDING / sight.part.height)
    box = where.to_pixels(Size(width, height))
    area = sight.grey[box.top : box.bottom, box.left : box.right]
    pieces = np.array_split(area, COLUMNS, axis=1)
    return all(piece.size > 0 and int(piece.max()) - int(piece.min()) >= CONTRAST for piece in pieces)


def _largest(task: Task, level: Level, sights: Sequence[Sight], least: float) -> Sight | None:
    """The picture that shows a level's sign whole, as print, and largest, if at least so many pixels high."""
    able = [
        one
        for one in sights
        if level.capitals * _scale(task, one) >= least
        and one.part.grown(ROUNDING, ROUNDING).contains(level.sign)
        and has_print(one, level.sign)
    ]
    return max(able, key=lambda one: (_scale(task, one), one.number), default=None)


def _scale(task: Task, sight: Sight) -> float:
    """Pixels shown for each one of the original."""
    height, width = sight.grey.shape
    return float(min(width / (sight.part.width * task.size.width), height / (sight.part.height * task.size.height)))


def _on(sight: Sight, box: Box) -> Box:
    """A box of the whole in fractions of a picture, as far as it shows it."""
    part = sight.part
    corners = (
        (box.x0 - part.x0) / part.width,
        (box.y0 - part.y0) / part.height,
        (box.x1 - part.x0) / part.width,
        (box.y1 - part.y0) / part.height,
    )
    return Box.clipped(*corners) or Box.full()


class HugeServer(LookServer):
    """That model behind the loopback server of the looks.

    Args:
        profile: The facts that its tokens and boxes follow.
        model: Its name.
    """

    def __init__(self, profile: Profile, model: str) -> None:
        super().__init__(profile, Mind(), model=model)
        self.task: Task | None = None

    def pose(self, task: Task) -> None:
        """A question about this file comes next; of the one before nothing is remembered."""
        self.task = task
        self._sent.clear()
        self._analysed.clear()

    def _analyse(self, data: bytes) -> tuple[Size, tuple[Sighting, ...]]:
        height, width = grey(data).shape
        return Size(width, height), ()

    def _reply(self, messages: Sequence[dict[str, Any]], shown: Sequence[Shown]) -> str:
        asked = QUESTION.findall(words_of(messages, role="user"))
        if self.task is None or not asked or asked[-1] != self.task.question:
            raise ValueError(f"nobody asked {asked[-1:]}")
        pictures = [data for message in messages for data in pictures_of(message)]
        sights = [
            Sight(one.number, one.part, grey(data), one.is_new)
            for one, data in zip(shown, pictures, strict=True)
            if one.part is not None
        ]
        said = think(self.task, sights)
        return written(said, shown, profile=self.profile, text=None)


@lru_cache(maxsize=32)
def grey(data: bytes) -> NDArray[np.uint8]:
    """The pixels of an encoded picture, (height, width)."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def map_task(question: str, answer: str, levels: dict[str, list[int]], size: Size, cell: int, cells: int) -> Task:
    """The three levels of the map: a district is ``cells`` by ``cells`` streets, and a street ``cell`` pixels wide."""
    steps = {"district": (580.0, cell * cells), "street": (110.0, cell), "plate": (20.0, 0)}
    made = []
    for name, (capitals, edge) in steps.items():
        x0, y0, x1, y1 = levels[name]
        sign = _box((x0, y0, x1, y1), size)
        left, top = (x0 // edge * edge, y0 // edge * edge) if edge else (x0, y0)
        area = _box((left, top, left + edge, top + edge), size) if edge else sign
        made.append(Level(name, capitals, sign, area))
    return Task(question, answer, size, tuple(made))


def plans_task(question: str, answer: str, label: Sequence[int], size: Size, page: Box, page_size: Size) -> Task:
    """The two levels of the document: a page by its title (26 points), and a label (4 points) that stands alone.

    Args:
        question: Names the page's title after "On the sheet".
        answer: As printed.
        label: Its box in pixels of the page.
        size: All pages side by side, in pixels.
        page: The page, on that.
        page_size: The page in pixels, 300 to the inch.
    """
    dots, capitals = 300 / 72, 0.718  # Helvetica's
    named = re.search(r"On the sheet ([^:]+):", question)
    length = 0.45 * 26 * len(named[1] if named else "")  # its narrowest: all of that is print
    title = (40 * dots, (46 - 26 * capitals) * dots, (40 + length) * dots, 46 * dots)
    first = Level("page", 26 * capitals * dots, page.compose(_box(title, page_size)), page)
    sign = page.compose(_box(label, page_size))
    return Task(question, answer, size, (first, Level("label", 4 * capitals * dots, sign, sign, noticed_from=3.0)))


def _box(pixels: Sequence[float], size: Size) -> Box:
    x0, y0, x1, y1 = pixels
    return Box(x0 / size.width, y0 / size.height, min(1.0, x1 / size.width), min(1.0, y1 / size.height))

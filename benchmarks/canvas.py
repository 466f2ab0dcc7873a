"""What the dealt scenes are drawn with: typefaces, boards that remember where the answer stands, grounds and grain.

Text is set in Debian's Liberation and DejaVu faces (fonts-liberation, fonts-dejavu-core) where they are installed, and in
Pillow's own font where they are not: what a scene says is the same on every machine, how it looks depends on the faces.
"""

from __future__ import annotations

import calendar
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Box: TypeAlias = tuple[int, int, int, int]
Rgb: TypeAlias = tuple[int, int, int]
Maker: TypeAlias = Callable[[Random], str]

WIDE = (7680, 4320)
BLACK, WHITE, PAPER = (24, 24, 28), (246, 246, 244), (243, 240, 230)

FOLDER = Path("/usr/share/fonts/truetype")
FACES = {
    "sans": "liberation/LiberationSans-Regular.ttf",
    "bold": "liberation/LiberationSans-Bold.ttf",
    "italic": "liberation/LiberationSans-Italic.ttf",
    "narrow": "liberation/LiberationSansNarrow-Bold.ttf",
    "serif": "liberation/LiberationSerif-Regular.ttf",
    "serif-bold": "liberation/LiberationSerif-Bold.ttf",
    "wide": "dejavu/DejaVuSans.ttf",
    "wide-bold": "dejavu/DejaVuSans-Bold.ttf",
    "condensed": "dejavu/DejaVuSansCondensed.ttf",
    "mono": "dejavu/DejaVuSansMono.ttf",
    "mono-bold": "dejavu/DejaVuSansMono-Bold.ttf",
}


@dataclass(frozen=True, slots=True)
class Field:
    """Something that is printed of each owner.

    Attributes:
        key: Names it; unique within a kind.
        printed: The label that stands beside it; empty where the value speaks for itself.
        asks: Questions, with ``{o}`` for the owner.
        make: Draws a value.
        also: Other ways of giving it that are as right, with ``{v}`` for the value.
        may_lack: Whether it can be blank or left out and the question then has no answer.
    """

    key: str
    printed: str
    asks: tuple[str, ...]
    make: Maker
    also: tuple[str, ...] = ()
    may_lack: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """An owner as printed and as asked about, with its values by key: blank is empty, left out is absent."""

    name: str
    said: str
    values: dict[str, str]


@dataclass(slots=True)
class Task:
    """What a kind is to draw; a kind may lower the sizes to what its layout holds.

    Attributes:
        rng: All chance in the picture.
        fields: The kind's fields.
        entries: The owners, in order.
        asked: The printed name and the key of the value whose place is wanted.
        label: Capital height of labels in pixels.
        detail: Capital height of details in pixels.
        turned: Whether what answers hangs askew or stands on its side.
    """

    rng: Random
    fields: tuple[Field, ...]
    entries: list[Entry]
    asked: tuple[str, str]
    label: int
    detail: int
    turned: bool

    def wanted(self, entry: Entry, key: str) -> bool:
        """Whether this value is the one asked for."""
        return (entry.name, key) == self.asked

    def turns(self, entry: Entry) -> bool:
        """Whether this owner is the one that hangs askew."""
        return self.turned and entry.name == self.asked[0]

    def fit(self, face: str, width: float) -> int:
        """Lower the labels until every name is at most ``width`` wide in a face; returns their capital height."""
        self.label = min(self.label, *(fitting(face, entry.name, self.label, width) for entry in self.entries))
        return self.label


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of scene.

    Attributes:
        name: As in tables.
        owners: Draws the owners as ``printed=asked``, or ``printed`` alone; the last one is kept out of the picture.
        fields: What is printed of each.
        foreign: Questions about what is printed of none, with ``{o}`` for an owner.
        draw: Draws it.
        detail: Least and largest capital height of details in pixels.
        label: The same of labels.
    """

    name: str
    owners: Callable[[Random], list[str]]
    fields: tuple[Field, ...]
    foreign: tuple[str, ...]
    draw: Callable[[Task], Board]
    detail: tuple[int, int] = (10, 30)
    label: tuple[int, int] = (44, 90)


@lru_cache(maxsize=512)
def font(face: str, cap: int) -> ImageFont.FreeTypeFont:
    """A face with capitals ``cap`` pixels high."""

    def load(size: float) -> ImageFont.FreeTypeFont:
        path = FOLDER / FACES[face]
        made = ImageFont.truetype(str(path), size) if path.exists() else ImageFont.load_default(size)
        if not isinstance(made, ImageFont.FreeTypeFont):
            raise TypeError("this Pillow was built without FreeType")
        return made

    _, top, _, bottom = load(400).getbbox("H", anchor="ls")
    return load(400 * cap / (bottom - top))


def fitting(face: str, text: str, cap: int, width: float) -> int:
    """The largest capital height of at most ``cap`` at which the text is no wider than ``width``."""
    return next((size for size in range(cap, 8, -1) if font(face, size).getlength(text) <= width), 8)


@dataclass(slots=True)
class Board:
    """A surface that text is written on; it remembers the box of the text that was marked."""

    size: tuple[int, int]
    fill: Rgb
    ink: Rgb = BLACK
    marked: Box | None = None
    image: Image.Image = field(init=False)
    draw: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.wear(Image.new("RGB", self.size, self.fill))

    def wear(self, image: Image.Image) -> Board:
        """Take a picture as the surface."""
        self.image, self.size = image, image.size
        self.draw = ImageDraw.Draw(image, "RGBA")
        return self

    def write(
        self,
        at: tuple[float, float],
        text: str,
        cap: int,
        face: str = "sans",
        *,
        ink: Rgb | None = None,
        anchor: str = "l",
        mark: bool = False,
    ) -> float:
        """Write with the capitals' top at ``at``, from there (l), about it (m) or up to it (r); returns the right end."""
        made, spot = font(face, cap), (at[0], at[1] + cap)
        self.draw.text(spot, text, ink or self.ink, made, anchor + "s")
        left, top, right, bottom = self.draw.textbbox(spot, text, made, anchor + "s")
        if mark and text:
            self.marked = (math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
        return float(right)

    def hang(self, board: Board, centre: tuple[float, float], degrees: float = 0.0, shade: int = 90) -> None:
        """Put a board on this one, turned anticlockwise about its centre, with a shadow of a strength of 0 to 255."""
        whole = board.image.convert("RGBA")
        turned = whole.rotate(degrees, Image.Resampling.BICUBIC, expand=True) if degrees else whole
        left, top = round(centre[0] - turned.width / 2), round(centre[1] - turned.height / 2)
        mask = turned.getchannel("A")
        if shade:
            self.image.paste((10, 10, 14), (left + 10, top + 12), mask.point([a * shade // 255 for a in range(256)]))
        self.image.paste(turned.convert("RGB"), (left, top), mask)
        if board.marked is None:
            return
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        x0, y0, x1, y1 = board.marked
        corners = [(x - whole.width / 2, y - whole.height / 2) for x in (x0, x1) for y in (y0, y1)]
        xs = [left + turned.width / 2 + x * cos + y * sin for x, y in corners]
        ys = [top + turned.height / 2 - x * sin + y * cos for x, y in corners]
        self.marked = (math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)), math.ceil(max(ys)))

    def rule(self, at: tuple[float, float], length: float) -> None:
        """An empty line to write on, below capitals that would stand at ``at``."""
        self.draw.line((at[0], at[1], at[0] + length, at[1]), self.ink, 2)


def ground(rng: Random, low: Rgb, high: Rgb, mottle: int = 12) -> Board:
    """A surface of 7680 x 4320 that runs softly between two colours, top to bottom."""
    gen = np.random.default_rng(rng.getrandbits(32))
    share = np.linspace(0, 1, 68)[:, None, None]
    small = np.asarray(low) * (1 - share) + np.asarray(high) * share + gen.normal(0, mottle, (68, 120, 1))
    picture = Image.fromarray(np.clip(small, 0, 255).astype(np.uint8))
    return Board((1, 1), low).wear(picture.resize(WIDE, Image.Resampling.BICUBIC))


def scanned(sheet: Board, degrees: float) -> Board:
    """A sheet that fills the picture, laid askew on the dark lid of a scanner, or on its side."""
    if not degrees:
        return sheet
    cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    (width, height) = sheet.size
    size = (round(width * cos + height * sin), round(width * sin + height * cos))  # nothing is cut off
    lid = Board(size, (58, 58, 60))
    lid.hang(sheet, (size[0] / 2, size[1] / 2), degrees, shade=0)
    return lid


def developed(picture: Image.Image, rng: Random, *, rough: bool) -> Image.Image:
    """Uneven light and grain; where rough, also a soft lens and a strong JPEG."""
    gen = np.random.default_rng(rng.getrandbits(32))
    light = Image.fromarray(gen.integers(225, 256, (5, 8), dtype=np.uint8))
    picture = ImageChops.multiply(picture, light.resize(picture.size, Image.Resampling.BICUBIC).convert("RGB"))
    if rough:
        picture = picture.filter(ImageFilter.GaussianBlur(0.6))
    tile = Image.fromarray(np.clip(128 + gen.normal(0, 6 if rough else 3, (1080, 1920, 3)), 0, 255).astype(np.uint8))
    grain = Image.new("RGB", picture.size)
    for x in range(0, picture.width, tile.width):
        for y in range(0, picture.height, tile.height):
            grain.paste(tile, (x, y))
    picture = ImageChops.add(picture, grain, 1, -128)
    if not rough:
        return picture
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=rng.randint(62, 80))
    return Image.open(file).convert("RGB")


# --- values that several kinds draw ---------------------------------------------------------------


def code(*patterns: str) -> Maker:
    """Codes in which A is a letter and # a digit, without the look-alikes I, O, Q and 0."""
    dice = {"A": "ABCDEFGHJKLMNPRSTUVWXYZ", "#": "123456789"}
    return lambda rng: "".join(rng.choice(dice.get(c, c)) for c in rng.choice(patterns))


def pick(text: str) -> Maker:
    """One of phrases parted by bars."""
    phrases = text.split("|")
    return lambda rng: rng.choice(phrases)


def amount(low: float, high: float, form: str) -> Maker:
    """A number in a form such as ``{:,.2f} EUR``."""
    return lambda rng: form.format(rng.uniform(low, high))


def whole(low: int, high: int, form: str = "{}") -> Maker:
    """A whole number in a form."""
    return lambda rng: form.format(rng.randint(low, high))


def day(first: int, last: int, *forms: str) -> Maker:
    """A date between two years; forms take ``{d}``, ``{m}``, ``{y}`` and the month's name ``{n}``."""
    names = [calendar.month_name[number] for number in range(1, 13)]

    def make(rng: Random) -> str:
        month = rng.randint(1, 12)
        return rng.choice(forms).format(
            d=rng.randint(1, 28), m=month, y=rng.randint(first, last), n=names[month - 1], s=names[month - 1][:3]
        )

    return make


def clock(rng: Random) -> str:
    """A time of day."""
    return f"{rng.randint(7, 21):02}:{rng.choice((0, 10, 15, 20, 25, 30, 40, 45, 50)):02}"


_first = pick("Ada|Bea|Carl|Dora|Emil|Fay|Gus|Ines|Jon|Lena|Milo|Nia|Otto|Pia|Rolf|Tess|A.|C.|G.|H.|L.|R.")
_last = pick(
    "Aldana|Birch|Castro|Drummond|Eriksen|Fontaine|Gallo|Hartmann|Ivers|Jansen|Kaminski|Laurent|Mbeki|Nolan|Ortega|"
    "Pereira|Quist|Rahman|Sato|Tierney|Ueda|Varga|Wyss|Yilmaz|Zander"
)


def person(rng: Random) -> str:
    """A first name or initial, and a surname."""
    return f"{_first(rng)} {_last(rng)}"


phone = code("01632 960 1##", "01632 960 4##", "01632 960 8##")
"""Numbers that the United Kingdom's regulator keeps for fiction."""


def family(rng: Random, families: str, least: int) -> list[str]:
    """Names of families in any order, at least so many and whole families only; the last shares its family with another."""
    groups = [group.split("/") for group in families.split("|")]
    rng.shuffle(groups)
    first = next(group for group in groups if len(group) > 1)
    rest = [group for group in groups if group is not first]
    rng.shuffle(first)
    names = first[1:]
    while rest and len(names) < least:
        names += rest.pop()
    rng.shuffle(names)
    return [*names, first[0]]

"""Lines of text, kept where they stand on the original, whichever picture they were read from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from zoomrefine_mcp.backends.reading.engine import Corners, Found
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.pictures import Picture

SURE_SCORE = 0.8
"""Lines below this mean confidence are text that could not be read (measured: right ones score 0.9 and more)."""

PIECES_PX = 60.0
"""Height of a box, in pixels, from which on the detector finds words and not lines."""

WORSE = 0.2
"""A later reading of a line whose confidence is so much lower does not replace the earlier one."""

SURE_PX = 5.0
"""Capital height, in pixels as read, below which digits come out plausible and wrong (measured: 5 px read 1998 as
1988 at a confidence of 0.98)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text that was read.

    Attributes:
        text: What was read.
        score: Mean confidence, 0..1.
        box: Its upright box on the upright original.
        corners: Top left, top right, bottom right, bottom left in reading direction, as shares of the original.
        capital_px: Height of its capitals in pixels of the picture it was read from. (The backend is not told the
            original's size; ``capital_share`` holds the height on the original.)
        capital_share: The same as a share of the original's height.
        look: Which look read it, from 0.
        cut: It touches a border of its picture where the original goes on: its end may be missing.
    """

    text: str
    score: float
    box: Box
    corners: Corners
    capital_px: float
    capital_share: float
    look: int
    cut: bool = False

    @property
    def sure(self) -> bool:
        """Whether it was read whole and well enough to answer with it."""
        return self.score >= SURE_SCORE and self.capital_px >= SURE_PX and not self.cut


def aspect(picture: Picture) -> float:
    """Width by height of the whole original, by one picture of it (exact to its rounding)."""
    return (picture.size.width / picture.shows.width) / (picture.size.height / picture.shows.height)


def placed(found: Iterable[Found], picture: Picture, look: int, shown: Box | None = None) -> tuple[Line, ...]:
    """What was read on a picture, or on the part of it that shows ``shown``, as lines on the original."""
    lines = []
    for one in _joined(found):
        corners = tuple(
            (
                picture.shows.x0 + x / picture.size.width * picture.shows.width,
                picture.shows.y0 + y / picture.size.height * picture.shows.height,
            )
            for x, y in one.corners
        )
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        box = Box.clipped(min(xs), min(ys), max(xs), max(ys))
        if box is None:
            continue
        capital = _capital_px(one)
        share = capital / picture.size.height * picture.shows.height
        placed_corners = (corners[0], corners[1], corners[2], corners[3])
        cut = _touches(box, shown or picture.shows)
        lines.append(Line(one.text, one.score, box, placed_corners, capital, share, look, cut))
    return tuple(lines)


def _joined(found: Iterable[Found]) -> list[Found]:
    """Pieces of one line put together: letters taller than a hand are detected in pieces that overlap."""
    pieces: list[Found] = []
    for one in sorted(found, key=lambda piece: piece.corners[0][0]):
        for index, other in enumerate(pieces):
            (_, top), (right, top_right), (_, bottom_right), (_, bottom) = other.corners
            (left, next_top), _, _, (_, next_bottom) = one.corners
            tall, next_tall = bottom_right - top_right, next_bottom - next_top
            level = min(bottom_right, next_bottom) - max(top_right, next_top)
            if (
                tall > PIECES_PX
                and -0.6 * tall < left - right < 0.15 * tall
                and level > 0.6 * min(tall, next_tall)
                and 0.6 < next_tall / max(1.0, tall) < 1.6
                and top < bottom
            ):
                (a, _, _, d), (_, b, c, _) = other.corners, one.corners
                text = f"{other.text} {one.text}"
                pieces[index] = Found(text, min(other.score, one.score), (a, b, c, d))
                break
        else:
            pieces.append(one)
    return pieces


def _capital_px(found: Found) -> float:
    """The height of a line's capitals, in pixels, by its box and by how wide its letters run.

    The detector's margin differs with the surroundings (a word alone in a field gets a box of twice its height), so
    the width says more where there is enough of it. Letter widths are shares of the capital height, for sans-serifs.
    """
    (x0, y0), (x1, y1), _, (x3, y3) = found.corners
    by_height = 0.8 * math.hypot(x3 - x0, y3 - y0) - 2.4  # fitted on lines of 5 to 32 px
    letters = sum(
        0.4 if char in " .,:;'|!iljI()-" else 1.2 if char.isupper() else 0.9 if char.isalpha() else 1.0
        for char in found.text
    )
    by_width = math.hypot(x1 - x0, y1 - y0) / max(1.0, letters)
    return max(1.0, min(by_height, 1.05 * by_width) if len(found.text) >= 3 else by_height)


def merged(earlier: tuple[Line, ...], later: tuple[Line, ...], shown: Box) -> tuple[Line, ...]:
    """Earlier lines where nothing better was read, then the later ones.

    A later line replaces what it covers, unless it is clearly less sure (letters taller than a hand are read in
    pieces). An earlier one that was too small to trust goes too where the later picture
    shows its place. A later line that the crop's border cut off gives way to the whole one read before.
    """
    kept_later = [line for line in later if not _cut_by(line, shown, earlier)]
    kept = []
    for line in earlier:
        inside = [by for by in kept_later if _share_covered(by.box, line.box) >= 0.6]
        if line.sure and inside and line.score > min(by.score for by in inside) + WORSE:
            kept_later = [by for by in kept_later if by not in inside]
            kept.append(line)
        elif not _is_replaced(line, kept_later, inside, shown):
            kept.append(line)
    return (*kept, *kept_later)


def missed(lines: tuple[Line, ...], more: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines, and those of a second reading that stand where none was read the first time."""
    new = (
        line for line in more
        if not any(_share_covered(line.box, by.box) > 0.3 or _share_covered(by.box, line.box) > 0.3 for by in lines)
    )  # fmt: skip
    return (*lines, *new)


def _share_covered(box: Box, by: Box) -> float:
    common = box.intersection(by)
    return common.area / box.area if common else 0.0


def _is_replaced(line: Line, later: list[Line], inside: list[Line], shown: Box) -> bool:
    if any(_share_covered(line.box, by.box) >= 0.5 for by in later):
        return True
    if any(line.box.width <= 1.5 * by.box.width for by in inside):
        return True
    return _share_covered(line.box, shown) >= 0.9 and (bool(inside) or not line.sure)


def _touches(box: Box, shown: Box) -> bool:
    near = box.height * 0.2
    return (
        (shown.x0 > 0 and box.x0 - shown.x0 < near)
        or (shown.x1 < 1 and shown.x1 - box.x1 < near)
        or (shown.y0 > 0 and box.y0 - shown.y0 < near)
        or (shown.y1 < 1 and shown.y1 - box.y1 < near)
    )


def _cut_by(line: Line, shown: Box, earlier: tuple[Line, ...]) -> bool:
    return line.cut and any(
        other.sure and _share_covered(line.box, other.box) >= 0.6 and _share_covered(other.box, shown) < 0.9
        for other in earlier
    )

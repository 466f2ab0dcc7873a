"""A test card: a plain sheet with a word in a coloured rectangle, for finding out whether a model sees.

Each card has its own word and its own place, so that nobody can answer without seeing it. The places are chosen so
that a box read in the wrong unit, or with x and y exchanged, is far off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import anyio.to_thread
import pyvips
from PIL import Image, ImageDraw, ImageFont

from zoomrefine_mcp.errors import ImageTooLarge
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.encode import JPEG, jpeg
from zoomrefine_mcp.images.workers import image_workers
from zoomrefine_mcp.pictures import Fit, Picture

CARD_SIZE = Size(1344, 896)
"""The original, of which a view of half its sides is a multiple of every processor's patch (28, 32, 14, 16)."""

QUESTION = "What is the station?"
"""In words that the embedded text reader understands too."""

_PAPER, _INK, _COLOUR = (246, 246, 242), (0, 0, 0), (255, 0, 255)
_LABEL = "Station: "
_FILLS = 0.92
"""How much of the rectangle's width the words take, so that a box about the words is nearly the rectangle's."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is drawn.

    Attributes:
        word: The word that answers ``QUESTION``.
        box: The coloured rectangle about it.
    """

    word: str
    box: Box


def _card(word: str, left: float, top: float) -> Card:
    return Card(word, Box(left, top, round(left + 0.3, 3), round(top + 0.12, 3)))


CARDS = (
    # The first lies where thousandths can be taken for pixels of a view, and the reverse, without a contradiction.
    _card("KESTREL", 0.42, 0.12),
    _card("LANTERN", 0.66, 0.06),
    _card("QUARTZ", 0.04, 0.70),
    _card("MEADOW", 0.62, 0.24),
    _card("PILGRIM", 0.10, 0.84),
    _card("COBALT", 0.40, 0.05),
    _card("SATURN", 0.68, 0.34),
    _card("WALNUT", 0.02, 0.52),
    _card("GLACIER", 0.36, 0.18),
    _card("THIMBLE", 0.22, 0.82),
)
"""One for each of ten tries; further tries begin again."""


async def show_card(card: Card, region: Box, fit: Fit) -> Picture:
    """Render a region of a card as a file's would be: cut from the original, at exactly ``fit.size``.

    Args:
        card: Which one.
        region: On the card.
        fit: How to render it.

    Raises:
        ImageTooLarge: It does not fit into ``fit.max_bytes``, as a file's might not.
    """
    return await anyio.to_thread.run_sync(_show, card, region, fit, limiter=image_workers())


def _show(card: Card, region: Box, fit: Fit) -> Picture:
    cut = region.to_pixels(CARD_SIZE)
    size = (fit.size.width, fit.size.height)
    edges = (cut.left, cut.top, cut.right, cut.bottom)
    image = _draw(card).resize(size, Image.Resampling.LANCZOS, box=edges)
    pixels = pyvips.Image.new_from_memory(image.tobytes(), *size, 3, "uchar").copy(interpretation="srgb")
    data = jpeg(pixels, fit.quality, fit.max_bytes)
    if data is None:
        raise ImageTooLarge(
            f"no test card of {fit.size} pixels fits into {fit.max_bytes} bytes",
            hint="Set a smaller --view-edge, or a larger max_bytes in the profile file.",
        )
    return Picture(data, JPEG, fit.size, Box.from_pixels(cut, CARD_SIZE))


@lru_cache(maxsize=2)
def _draw(card: Card) -> Image.Image:
    sheet = Image.new("RGB", (CARD_SIZE.width, CARD_SIZE.height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    place: PixelBox = card.box.to_pixels(CARD_SIZE)
    draw.rectangle((place.left, place.top, place.right - 1, place.bottom - 1), fill=_COLOUR)
    words = _LABEL + card.word
    font = ImageFont.load_default(100)
    font = ImageFont.load_default(100 * _FILLS * place.size.width / font.getlength(words))
    middle = ((place.left + place.right) / 2, (place.top + place.bottom) / 2)
    draw.text(middle, words, font=font, fill=_INK, anchor="mm")
    return sheet

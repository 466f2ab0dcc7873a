"""The test cards: rendered as a file's regions are, and placed so that no convention is taken for another."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.support.pictures import decoded
from tests.support.received import find_marker
from zoomrefine_mcp.doctor.conventions import is_right
from zoomrefine_mcp.errors import ImageTooLarge
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.card import CARD_SIZE, CARDS, show_card
from zoomrefine_mcp.pictures import Fit

pytestmark = pytest.mark.anyio

VIEW = Size(672, 448)
FULL = {"fractions": (1, 1), "thousandths": (1000, 1000), "pixels": (VIEW.width, VIEW.height)}


@pytest.mark.parametrize("card", CARDS, ids=[card.word for card in CARDS])
async def test_the_sign_is_where_the_card_says_at_exactly_the_size_that_was_asked_for(card):
    picture = await show_card(card, Box.full(), Fit(VIEW))
    assert (picture.size, picture.shows, picture.mime_type) == (VIEW, Box.full(), "image/jpeg")
    image = decoded(picture)
    assert image.size == (VIEW.width, VIEW.height)
    for edge, side, truth in zip(find_marker(image), image.size * 2, card.box.as_list(), strict=True):
        assert abs(edge / side - truth) < 0.005


async def test_a_region_is_cut_from_the_original_and_says_what_it_shows():
    region = CARDS[0].box.grown(0.1, 0.1)
    crop = await show_card(CARDS[0], region, Fit(region.to_pixels(CARD_SIZE).size))
    seen = find_marker(decoded(crop))
    assert seen is not None
    found = crop.shows.compose(Box.from_pixels(PixelBox(*seen), crop.size))
    for edge, truth in zip(found.as_list(), CARDS[0].box.as_list(), strict=True):
        assert abs(edge - truth) < 0.005


async def test_a_budget_that_no_card_fits_into_is_refused_as_a_files_would_be():
    with pytest.raises(ImageTooLarge, match="200 bytes"):
        await show_card(CARDS[0], Box.full(), Fit(VIEW, max_bytes=200))


@pytest.mark.parametrize("card", CARDS, ids=[card.word for card in CARDS])
def test_a_box_in_one_convention_is_off_in_every_other(card):
    written = [(name, swapped) for name in FULL for swapped in (False, True)]
    for (wrote, wrote_y_first), (read, read_y_first) in permutations(written, 2):
        numbers = [value * full for value, full in zip(card.box.as_list(), FULL[wrote] * 2, strict=True)]
        swap = wrote_y_first != read_y_first
        numbers = [numbers[i] for i in ((1, 0, 3, 2) if swap else (0, 1, 2, 3))]
        box = Box.clipped(*(value / full for value, full in zip(numbers, FULL[read] * 2, strict=True)))
        assert box is None or not is_right(box, card.box), (wrote, wrote_y_first, read, read_y_first)

"""Pictures for people, and pictures for a budget."""

from __future__ import annotations

import io
from itertools import product

import pytest
from PIL import Image, ImageChops

from tests.support.pictures import colour_at, decoded, encoded, is_near
from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.images.draw import Mark, figure, overlay, shrink_to_bytes
from zoomrefine_mcp.pictures import Picture

pytestmark = pytest.mark.anyio


def picture(image: Image.Image, shows: Box | None = None) -> Picture:
    return Picture(encoded(image, "JPEG", quality=95), "image/jpeg", Size(*image.size), shows or Box.full())


def plain(grey: int = 128, size: tuple[int, int] = (800, 600)) -> Picture:
    return picture(Image.new("RGB", size, (grey, grey, grey)))


def noise(edge: int = 512) -> Picture:
    return picture(Image.merge("RGB", [Image.effect_noise((edge, edge), 90) for _ in range(3)]))


def changed(before: Picture, after: Picture) -> Image.Image:
    """Where two pictures differ by more than their encoding, as white on black."""
    difference = ImageChops.difference(decoded(before).convert("RGB"), decoded(after).convert("RGB"))
    return difference.convert("L").point(lambda value: 255 if value > 40 else 0)


@pytest.mark.parametrize("grey", [0, 128, 255])
async def test_the_box_is_drawn_around_the_region_on_any_ground(grey: int) -> None:
    drawn = await overlay(plain(grey), [Mark(Box(0.25, 0.25, 0.5, 0.5), None, "region")])
    image = decoded(drawn)
    where = changed(plain(grey), drawn).getbbox()
    assert where is not None
    assert where[0] < 200 < where[0] + 12
    assert 400 < where[2] < 412
    assert is_near(colour_at(image, 0.375, 0.375), (grey, grey, grey)), "what was found is not painted over"
    assert (drawn.size, drawn.mime_type, drawn.shows) == (Size(800, 600), "image/jpeg", Box.full())


async def test_the_crop_is_drawn_thinner_than_the_region() -> None:
    box = Box(0.2, 0.2, 0.8, 0.8)
    bold = await overlay(plain(size=(2400, 1800)), [(box, None, "region")])
    thin = await overlay(plain(size=(2400, 1800)), [(box, None, "crop")])
    blank = plain(size=(2400, 1800))
    counts = [changed(blank, drawn).histogram()[255] for drawn in (bold, thin)]
    assert counts[0] > 1.5 * counts[1] > 0


async def test_lines_grow_with_the_picture() -> None:
    box = Box(0.2, 0.2, 0.8, 0.8)
    small = changed(plain(size=(400, 300)), await overlay(plain(size=(400, 300)), [(box, None, "region")]))
    large = changed(plain(size=(4000, 3000)), await overlay(plain(size=(4000, 3000)), [(box, None, "region")]))
    assert large.histogram()[255] > 15 * small.histogram()[255]


@pytest.mark.parametrize(("x", "y"), list(product((0.0, 0.97), (0.0, 0.97))))
async def test_a_label_stays_inside_the_picture(x: float, y: float) -> None:
    box = Box(x, y, x + 0.03, y + 0.03)
    bare = await overlay(plain(), [Mark(box, None, "region")])
    labelled = await overlay(plain(), [Mark(box, "Serial no. 48-2207", "region")])
    where = changed(bare, labelled).getbbox()
    assert where is not None
    assert where[2] - where[0] > 60


async def test_a_label_that_cannot_be_set_is_left_out_and_a_long_one_cut() -> None:
    box = Box(0.4, 0.4, 0.6, 0.6)
    bare = await overlay(plain(), [Mark(box, None, "region")])
    assert (await overlay(plain(), [Mark(box, "出口", "region")])).data == bare.data
    where = changed(bare, await overlay(plain(), [Mark(box, "word " * 400, "region")])).getbbox()
    assert where is not None
    assert where[2] - where[0] < 600


async def test_boxes_are_placed_on_a_view_that_shows_a_part() -> None:
    half = picture(Image.new("RGB", (800, 600), (128, 128, 128)), Box(0.5, 0.0, 1.0, 1.0))
    drawn = await overlay(half, [Mark(Box(0.75, 0.5, 0.8, 0.6), None, "region")])
    where = changed(half, drawn).getbbox()
    assert where is not None
    assert where[0] < 400 < where[0] + 12
    outside = await overlay(half, [Mark(Box(0.1, 0.1, 0.2, 0.2), None, "region")])
    assert changed(half, outside).getbbox() is None


async def test_a_figure_shows_view_crop_and_words() -> None:
    crop = picture(Image.new("RGB", (300, 200), (20, 90, 200)), Box(0.4, 0.4, 0.6, 0.6))
    captions = ["Question: what is the serial number?", "Answer: " + "48-2207 " * 60]
    drawn = await figure(plain(200), crop, Box(0.45, 0.45, 0.5, 0.5), captions)
    image = decoded(drawn)
    assert (image.width, image.height) == (drawn.size.width, drawn.size.height)
    assert drawn.size.width == 1600
    assert any(is_near(colour_at(image, x / 100, 0.3), (20, 90, 200), 20) for x in range(60, 100))
    wordless = await figure(plain(200), crop, Box(0.45, 0.45, 0.5, 0.5), [])
    assert wordless.size.height < drawn.size.height


async def test_a_picture_within_its_budget_is_left_as_it_is() -> None:
    given = plain()
    assert await shrink_to_bytes(given, len(given.data), 800) is given


async def test_a_picture_over_its_budget_loses_quality_before_pixels() -> None:
    given = noise()
    shrunk = await shrink_to_bytes(given, int(len(given.data) * 0.6), None)
    assert len(shrunk.data) <= len(given.data) * 0.6
    assert (shrunk.size, shrunk.shows) == (given.size, given.shows)


@pytest.mark.parametrize("budget", [2_000, 20_000, 60_000])
async def test_a_picture_far_over_its_budget_fits_in_the_end(budget: int) -> None:
    shrunk = await shrink_to_bytes(noise(), budget, None)
    image = Image.open(io.BytesIO(shrunk.data))
    assert len(shrunk.data) <= budget
    assert Size(*image.size) == shrunk.size
    assert shrunk.size.width == shrunk.size.height < 512


async def test_the_longest_edge_is_kept_to() -> None:
    assert (await shrink_to_bytes(plain(), 10**6, 400)).size == Size(400, 300)


async def test_a_budget_for_nothing_is_refused() -> None:
    with pytest.raises(BadRequest):
        await shrink_to_bytes(noise(), 10, None)

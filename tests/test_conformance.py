"""Every family against what its vendor publishes, and against its own habits, written apart from the package."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.families import FAMILIES, Family, in_json_of_its_own
from tests.support.replies import read
from zoomrefine_mcp.backends.profiles import PROFILES, profile_for
from zoomrefine_mcp.backends.profiles.checks import CHECKS
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.pictures import Picture

EDGES = st.integers(64, 16_000)
EACH_FAMILY = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.model}: {check.size} -> {check.expected}")
def test_a_profile_agrees_with_a_published_value(check):
    assert check.found() == check.expected


def test_every_family_has_a_check_value_and_each_value_its_source():
    assert {check.family for check in CHECKS} == PROFILES.keys() - {"unknown", "ocr"}
    assert len({check.family for check in CHECKS}) >= 16
    assert all(check.source for check in CHECKS)


def test_at_least_sixteen_families_are_written_apart_from_the_package():
    assert len({profile_for(family.model, wire="openai").name for family in FAMILIES.values()}) >= 16


@EACH_FAMILY
@given(width=EDGES, height=EDGES)
@example(width=64, height=16_000)
@example(width=7680, height=4320)
@example(width=4032, height=3024)
def test_a_picture_as_rendered_passes_the_vendors_own_resize_unchanged(family, width, height):
    sent = profile_for(family.model, wire="openai").sees(Size(width, height))
    assert family.sees((sent.width, sent.height)) == (sent.width, sent.height)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Family, Picture, tuple[float, float, float, float], bool]:
    """A family, a region of a picture as it is sent to it, a box on it in pixels, and JSON or free text."""
    family = draw(st.sampled_from(list(FAMILIES.values())))
    original = Size(draw(st.integers(64, 40_000)), draw(st.integers(64, 40_000)))
    left, top = (draw(st.integers(0, side * 3 // 4)) for side in (original.width, original.height))
    right = draw(st.integers(min(original.width, left + 40), original.width))
    bottom = draw(st.integers(min(original.height, top + 40), original.height))
    region = PixelBox(left, top, max(right, left + 1), max(bottom, top + 1)) if draw(st.booleans()) else None
    shows = Box.full() if region is None else Box.from_pixels(region, original)
    sent = profile_for(family.model, wire="openai").sees(original if region is None else region.size)
    sides = sent.width, sent.height
    low = [draw(st.floats(0, 0.9)) * side for side in sides]
    high = [
        min(side, start + max(2.0, draw(st.floats(0.01, 1)) * side)) for start, side in zip(low, sides, strict=True)
    ]
    return family, Picture(b"", "image/jpeg", sent, shows), (low[0], low[1], high[0], high[1]), draw(st.booleans())


@settings(max_examples=400)
@given(asked())
def test_a_box_in_a_familys_own_writing_comes_back_to_a_pixel_or_half_a_unit(drawn):
    family, picture, box, in_json = drawn
    sent = (picture.size.width, picture.size.height)
    text = in_json_of_its_own(family, box, sent) if in_json else f"Found it: {family.written(box, sent)}"
    reading = read(text, model=family.model, stage="point", pictures=(picture,))
    numbers = family.numbers(box, sent)
    if numbers[0] == numbers[2] or numbers[1] == numbers[3]:
        return  # thinner than the family can say
    (region,) = reading.regions
    unit = 1e-4 if family.unit == 1 else 1 / family.unit if family.unit else 0.0
    shows = picture.shows
    for axis, side in enumerate(sent):
        origin, whole = ((shows.x0, shows.width), (shows.y0, shows.height))[axis]
        for corner in (axis, axis + 2):
            value = (region.box.x0, region.box.y0, region.box.x1, region.box.y1)[corner]
            assert abs((value - origin) / whole * side - box[corner]) <= max(1, unit / 2 * side) + 1e-6

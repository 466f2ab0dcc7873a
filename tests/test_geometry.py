"""Boxes and sizes: exact where pixels are exact, clipped where a picture ends."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomrefine_mcp import geometry
from zoomrefine_mcp.geometry import Box, PixelBox, Size

sizes = st.builds(Size, st.integers(1, 60_000), st.integers(1, 60_000))
unit = st.floats(0, 1, allow_nan=False)


@st.composite
def pixel_boxes(draw):
    size = draw(sizes)
    left, top = draw(st.integers(0, size.width - 1)), draw(st.integers(0, size.height - 1))
    right, bottom = draw(st.integers(left + 1, size.width)), draw(st.integers(top + 1, size.height))
    return PixelBox(left, top, right, bottom), size


@st.composite
def boxes(draw):
    x0, x1 = sorted(draw(st.tuples(st.integers(0, 1000), st.integers(0, 1000)).filter(lambda p: p[0] != p[1])))
    y0, y1 = sorted(draw(st.tuples(st.integers(0, 1000), st.integers(0, 1000)).filter(lambda p: p[0] != p[1])))
    return Box(x0 / 1000, y0 / 1000, x1 / 1000, y1 / 1000)


def test_the_worked_examples_of_the_docstrings_hold():
    assert doctest.testmod(geometry).failed == 0


@given(pixel_boxes())
def test_pixels_to_a_box_and_back_are_the_same_pixels(case):
    pixels, size = case
    assert Box.from_pixels(pixels, size).to_pixels(size) == pixels


@given(boxes(), sizes)
def test_a_box_always_touches_at_least_one_pixel_inside_the_picture(box, size):
    pixels = box.to_pixels(size)
    assert 0 <= pixels.left < pixels.right <= size.width
    assert 0 <= pixels.top < pixels.bottom <= size.height


@given(boxes(), boxes())
def test_a_box_composed_through_a_crop_lies_inside_that_crop(outer, inner):
    composed = outer.compose(inner)
    slack = 1e-9
    assert composed.x0 >= outer.x0 - slack
    assert composed.y1 <= outer.y1 + slack


@given(boxes(), unit, unit)
def test_growing_never_loses_what_was_inside(box, dx, dy):
    grown = box.grown(dx, dy)
    assert grown.x0 <= box.x0 + 1e-11
    assert grown.y1 >= box.y1 - 1e-11


@given(boxes(), unit, unit)
def test_widening_keeps_the_asked_size_at_the_edges_by_shifting(box, width, height):
    wide = box.at_least(width, height)
    assert wide.width >= min(1.0, max(width, box.width)) - 1e-9
    assert wide.height >= min(1.0, max(height, box.height)) - 1e-9
    assert wide.x0 <= box.x0 + 1e-9
    assert wide.x1 >= box.x1 - 1e-9


@pytest.mark.parametrize("values", [(0, 0, 0, 1), (-1, 0, 1, 1), (0, 0, 2, 1), (float("nan"), 0, 1, 1)])
def test_what_is_no_normalized_box_cannot_be_made(values):
    with pytest.raises(ValueError, match="not a normalized box"):
        Box(*values)


@pytest.mark.parametrize("values", [(1.1, 0, 1.5, 1), (0.5, 0.5, 0.5, 0.9), (float("inf"), 0, 1, 1)])
def test_a_box_beside_the_picture_is_clipped_to_nothing(values):
    assert Box.clipped(*values) is None


def test_a_size_within_its_edge_is_left_alone():
    assert Size(100, 50).within_edge(100) == Size(100, 50)


@given(sizes, st.integers(1, 5000))
def test_a_size_brought_within_an_edge_is_within_it(size, edge):
    assert size.within_edge(edge).long_edge <= max(edge, 1)


def test_no_overlap_means_no_intersection():
    assert Box(0, 0, 0.2, 0.2).intersection(Box(0.5, 0.5, 1, 1)) is None
    assert Box(0, 0, 0.6, 0.6).intersection(Box(0.5, 0.5, 1, 1)) == Box(0.5, 0.5, 0.6, 0.6)

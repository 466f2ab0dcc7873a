"""What ``from zoomrefine_mcp import ...`` offers: a name that is added or lost is a decision, not an accident."""

from __future__ import annotations

import pytest

import zoomrefine_mcp

NAMES = [
    "Adaptive",
    "App",
    "BackendFailure",
    "Box",
    "Budget",
    "Direct",
    "InputError",
    "LocalizeResult",
    "Paper",
    "PixelBox",
    "Policy",
    "Settings",
    "Size",
    "Thorough",
    "ZoomRefine",
    "ZoomRefineError",
    "ZoomResult",
    "ask",
    "open_app",
]


def test_the_public_names_are_these_and_no_others():
    assert zoomrefine_mcp.__all__ == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there_and_says_what_it_is(name):
    assert getattr(zoomrefine_mcp, name).__doc__.strip()

"""Facts of each model family, and nowhere else: how it writes a box, what it sees and costs, what it refuses.

A model's name picks its profile (``profile_for``). A name that no profile knows is read by its wire's own habit:
Claude's pixels on the anthropic wire, else the paper's 0..1. ``open_weights.py`` and ``hosted.py`` hold the records,
``names.py`` the patterns, ``overrides.py`` what a user says instead, ``checks.py`` the values they are held against.
"""

from __future__ import annotations

from zoomrefine_mcp.backends.profiles.hosted import OCR, OCR_PIXELS
from zoomrefine_mcp.backends.profiles.names import PROFILES, profile_for, profile_named
from zoomrefine_mcp.backends.profiles.overrides import chosen_profile
from zoomrefine_mcp.backends.profiles.record import THINK_TAGS, Axes, PartOrder, Profile, Unit

__all__ = [
    "OCR",
    "OCR_PIXELS",
    "PROFILES",
    "THINK_TAGS",
    "Axes",
    "PartOrder",
    "Profile",
    "Unit",
    "chosen_profile",
    "profile_for",
    "profile_named",
]

"""What can be made out in a picture's bytes: coloured plates, where they are, and how high. Knows nothing of any scene."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from looks_scenes import ASPECT, HUES, Code
from zoomrefine_mcp.geometry import Box, Size

COLOURED = 90
"""A pixel is part of a plate from this difference between its highest and its lowest channel."""
SURE = 150
"""A patch has to reach this somewhere: what two colours mix to where they meet does not."""
FULL = 210
"""The difference inside a plate; rows that are covered in part count by their share of it."""
TELLS_FROM = 5.0
"""From this height in pixels the right half's colour can be told."""

_NAMES = {bits: hue for hue, bits in HUES.items()}


@dataclass(frozen=True, slots=True)
class Sighting:
    """A coloured patch that may be a plate.

    Attributes:
        left_hue: Of its left half; None where only a right half is seen at the picture's left edge.
        right_hue: Of its right half; None where that is too small to tell, or cut off.
        box: All of the plate that is seen, in fractions of the picture.
        height: In pixels of the picture.
        is_cut: The picture's edge cuts it.
    """

    left_hue: str | None
    right_hue: str | None
    box: Box
    height: float
    is_cut: bool = False

    @property
    def code(self) -> Code | None:
        """Its colours, where both are seen."""
        return (self.left_hue, self.right_hue) if self.left_hue and self.right_hue else None


@dataclass(slots=True)
class _Patch:
    hue: str
    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def sightings(data: bytes) -> tuple[Size, tuple[Sighting, ...]]:
    """Decode a picture and list the plates in it, whole or cut.

    Returns:
        The decoded size in pixels, and what was seen, larger ones first.
    """
    with Image.open(io.BytesIO(data)) as picture:
        red, green, blue = (np.asarray(band) for band in picture.convert("RGB").split())
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    vivid = high - low
    rows, columns = np.divmod(np.flatnonzero(vivid > COLOURED), vivid.shape[1])
    middle = (high[rows, columns].astype(np.int16) + low[rows, columns]) // 2
    bits = sum(
        (band[rows, columns] > middle).astype(np.int8) << shift for band, shift in ((red, 2), (green, 1), (blue, 0))
    )
    size = Size(vivid.shape[1], vivid.shape[0])
    patches = [one for one in _patches(rows, columns, np.asarray(bits)) if _is_sure(one, vivid)]
    found = [_plate(one, patches, vivid) for one in patches]
    seen = sorted((one for one in found if one is not None), key=lambda one: -one.height)
    return size, tuple(seen)


def _patches(rows: NDArray[np.intp], columns: NDArray[np.intp], bits: NDArray[np.int8]) -> list[_Patch]:
    """Connected pixels of one hue, by runs along the rows."""
    if rows.size == 0:
        return []
    starts = np.flatnonzero(
        np.concatenate(([True], (np.diff(rows) != 0) | (np.diff(columns) != 1) | (np.diff(bits) != 0)))
    )
    ends = np.concatenate((starts[1:], [rows.size])) - 1
    runs = zip(
        rows[starts].tolist(),
        columns[starts].tolist(),
        (columns[ends] + 1).tolist(),
        bits[starts].tolist(),
        strict=True,
    )
    patches: list[_Patch] = []
    above: list[tuple[int, int, str, _Patch]] = []
    current: list[tuple[int, int, str, _Patch]] = []
    row = -2
    for y, left, right, hue_bits in runs:
        if y != row:
            above, current, row = (current if y == row + 1 else []), [], y
        hue = _NAMES.get(hue_bits)
        if hue is None:
            continue
        over = [patch for x0, x1, name, patch in above if name == hue and x0 < right and left < x1]
        if over:
            patch = over[0]
        else:
            patch = _Patch(hue, left, y, right, y + 1)
            patches.append(patch)
        patch.left, patch.right, patch.bottom = min(patch.left, left), max(patch.right, right), y + 1
        current.append((left, right, hue, patch))
    return patches


def _is_sure(patch: _Patch, vivid: NDArray[np.uint8]) -> bool:
    part = vivid[patch.top : patch.bottom, patch.left : patch.right]
    return int(part.max()) >= SURE and patch.width >= 0.9 * min(patch.height, 3)


def _plate(patch: _Patch, patches: list[_Patch], vivid: NDArray[np.uint8]) -> Sighting | None:
    """What a patch is: a left half with its right one beside it, a right half alone at the left edge, or neither."""
    size = Size(vivid.shape[1], vivid.shape[0])
    beside = [one for one in patches if one is not patch and _share_rows(one, patch)]
    reach = max(2, patch.width // 8)
    if any(abs(one.right - patch.left) <= reach for one in beside):
        return None  # the right half of a plate that is listed by its left one
    right = next((one for one in beside if abs(one.left - patch.right) <= reach), None)
    height = _height(patch, vivid)
    if right is None:
        return _cut_in_half(patch, size, height)
    pixels = (patch.left, patch.top, right.right, patch.bottom)
    is_cut = (
        (patch.left == 0 and patch.width < 0.8 * right.width)
        or (right.right == size.width and right.width < 0.8 * patch.width)
        or ((pixels[1] == 0 or pixels[3] == size.height) and pixels[2] - pixels[0] > 1.2 * ASPECT * height)
    )
    told = height >= TELLS_FROM
    return Sighting(patch.hue, right.hue if told else None, _on(size, pixels), height, is_cut)


def _cut_in_half(patch: _Patch, size: Size, height: float) -> Sighting | None:
    pixels = (patch.left, patch.top, patch.right, patch.bottom)
    if patch.right == size.width:
        return Sighting(patch.hue, None, _on(size, pixels), height, is_cut=True)
    if patch.left == 0:
        return Sighting(None, patch.hue, _on(size, pixels), height, is_cut=True)
    return Sighting(patch.hue, None, _on(size, pixels), height) if height < TELLS_FROM else None


def _height(patch: _Patch, vivid: NDArray[np.uint8]) -> float:
    """Rows of its middle, each by how much of it is covered."""
    third = patch.width // 3
    top, bottom = max(0, patch.top - 1), patch.bottom + 1
    core = vivid[top:bottom, patch.left + third : max(patch.left + third + 1, patch.right - third)]
    return float(np.minimum(core.mean(axis=1) / FULL, 1.0).sum())


def _share_rows(one: _Patch, other: _Patch) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return 2 * shared > min(one.height, other.height)


def _on(size: Size, pixels: tuple[int, int, int, int]) -> Box:
    left, top, right, bottom = pixels
    return Box(left / size.width, top / size.height, right / size.width, bottom / size.height)

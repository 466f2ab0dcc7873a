"""From stored pixels to what a model is shown: opaque, upright, 8-bit sRGB, at the exact size."""

from __future__ import annotations

import math

import pyvips

from zoomrefine_mcp.geometry import PixelBox, Size
from zoomrefine_mcp.images.drawing import Drawing
from zoomrefine_mcp.images.page import Page

_FIXED_RANGE = frozenset({"uchar", "ushort"})  # formats whose white is the largest number they hold
_DEVICE_FREE = frozenset({"lab", "labs", "labq", "xyz", "scrgb", "cmc", "lch", "hsv", "yxy", "oklab", "oklch"})
_COLOURED = frozenset({"srgb", "rgb", "rgb16", "cmyk"})


class Upright(Drawing):
    """A page of a picture file, turned as its EXIF orientation says.

    Attributes:
        stored: The page as it is stored.
    """

    def __init__(self, page: Page, notes: tuple[str, ...] = ()) -> None:
        size = Size(page.size.height, page.size.width) if page.orientation >= 5 else page.size
        super().__init__(size, page.number, page.pages)
        self.stored = page
        self._notes = notes

    @property
    def notes(self) -> tuple[str, ...]:
        return self._notes

    def render(self, cut: PixelBox, size: Size) -> pyvips.Image:
        return render(self.stored, cut, size)


def render(page: Page, cut: PixelBox, size: Size) -> pyvips.Image:
    """The pixels of ``cut`` (of the upright page) at ``size``: three bands of 8-bit sRGB, in memory.

    Raises:
        pyvips.Error: They cannot be decoded.
        OSError: The file system failed.
    """
    stored = stored_box(cut, page.size, page.orientation)
    target = Size(size.height, size.width) if page.orientation >= 5 else size
    with page.cut(stored, target) as image:
        ranged = _stretched(image, page.span()) if _is_open_ended(image) else image
        pixels = _srgb(_resized(_opaque(ranged), target)).copy_memory()
    return _turned(pixels, page.orientation)


def stored_box(box: PixelBox, stored: Size, orientation: int) -> PixelBox:
    """Where pixels of the upright picture lie in the picture as stored.

    Args:
        box: On the upright picture.
        stored: Size as stored.
        orientation: EXIF orientation, 1 to 8.

    >>> stored_box(PixelBox(0, 0, 10, 20), Size(400, 300), 6)
    PixelBox(left=0, top=290, right=20, bottom=300)
    """
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    if orientation >= 5:  # stored on its side: 5 is the plain transposition, 6 to 8 mirror it too
        left, top, right, bottom = top, left, bottom, right
    if orientation in {2, 3, 7, 8}:
        left, right = stored.width - right, stored.width - left
    if orientation in {3, 4, 6, 7}:
        top, bottom = stored.height - bottom, stored.height - top
    return PixelBox(left, top, right, bottom)


def _turned(image: pyvips.Image, orientation: int) -> pyvips.Image:
    if orientation in {5, 6}:
        image = image.rot90()
    elif orientation in {7, 8}:
        image = image.rot270()
    elif orientation == 3:
        image = image.rot180()
    if orientation in {2, 5, 7}:
        image = image.fliphor()
    elif orientation == 4:
        image = image.flipver()
    return image


def _opaque(image: pyvips.Image) -> pyvips.Image:
    """Over white. Before resizing, so that colours hidden under alpha do not bleed into their neighbours."""
    if not image.hasalpha():
        return image
    if image.interpretation == "cmyk":
        return image.flatten(background=[0])
    return image.flatten(background=[{"ushort": 65535, "uchar": 255}.get(image.format, 1)])


def _resized(image: pyvips.Image, target: Size) -> pyvips.Image:
    """Lanczos downward; upward libvips uses a bicubic, whose difference to Lanczos no reader of text has shown."""
    if (image.width, image.height) == (target.width, target.height):
        return image
    if target.width > image.width or target.height > image.height:
        image = image.copy_memory()  # enlarging reads rows again, which a source read top to bottom cannot give
    return image.resize(target.width / image.width, vscale=target.height / image.height, kernel="lanczos3")


def _is_open_ended(image: pyvips.Image) -> bool:
    return image.format not in _FIXED_RANGE and image.interpretation not in _DEVICE_FREE


def _stretched(image: pyvips.Image, span: tuple[float, float]) -> pyvips.Image:
    """Numbers of no fixed range (floats, 32-bit integers) as 16-bit ones: 0..1 as it is, else smallest to largest."""
    low, high = span
    if not (math.isfinite(low) and math.isfinite(high)) or (
        low >= 0 and high <= 1 and image.format in {"float", "double"}
    ):
        low, high = 0.0, 1.0
    scale = 65535 / ((high - low) or 1)
    grey = "grey16" if image.bands < 3 else "rgb16"
    return image.linear(scale, -low * scale).cast("ushort").copy(interpretation=grey)


def _srgb(image: pyvips.Image) -> pyvips.Image:
    """8-bit sRGB: through the embedded profile if there is one that fits, else by the usual meaning of the numbers."""
    profiled = _through_profile(image)
    if profiled is not None:
        return profiled
    if image.interpretation == "cmyk":
        return image.icc_transform("srgb", input_profile="cmyk", intent="relative", depth=8)
    if image.interpretation in {"lab", "labs"}:  # of files: for the white of paper (D50), not of screens
        return image.colourspace("lab").icc_export(output_profile="srgb", pcs="lab", intent="relative", depth=8)
    if image.interpretation not in _DEVICE_FREE | _COLOURED:
        # Grey, or bands that nobody named (satellite pictures): the first three are shown, or the first alone.
        wide = image.format == "ushort"
        image = image.extract_band(0, n=3) if image.bands >= 3 else image.extract_band(0)
        names = ("rgb16", "grey16") if wide else ("srgb", "b-w")
        image = image.copy(interpretation=names[0] if image.bands == 3 else names[1])
    elif image.bands > 3 and image.interpretation in _COLOURED:
        image = image.extract_band(0, n=3)
    return image.colourspace("srgb").cast("uchar")


def _through_profile(image: pyvips.Image) -> pyvips.Image | None:
    if not image.get_typeof("icc-profile-data") or image.interpretation in _DEVICE_FREE:
        return None
    profile = bytes(image.get("icc-profile-data"))
    if _is_srgb(profile):
        return None
    try:
        return image.icc_transform("srgb", embedded=True, intent="relative", depth=8)
    except pyvips.Error:
        return None  # a profile for another kind of picture, or a broken one: viewers ignore it too


def _is_srgb(profile: bytes) -> bool:
    """Whether a profile says that it is sRGB, so that nothing is to be done (most pictures with a profile)."""
    return b"RGB " in profile[16:20] and (b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile)

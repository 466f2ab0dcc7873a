"""Results in words: all that the structured content holds for a reader, for hosts that pass on text alone."""

from __future__ import annotations

from collections.abc import Sequence

from zoomrefine_mcp.errors import ZoomRefineError
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import Status
from zoomrefine_mcp.results import CropInfo, LocalizeResult, RegionInfo, ZoomResult
from zoomrefine_mcp.safe_text import one_line, paragraph

MOST_LISTED = 10
"""Regions and warnings that are put in words; the structured content holds more."""

_STATUS = {
    Status.REFINED: "parts of the picture were examined as crops",
    Status.DIRECT: "answered from one look, without a zoom",
    Status.PRELIMINARY: "this is the first look's answer; the zoom that was wanted did not succeed",
}
_NOT_ZOOMED = {"no_box", "no_gain"}
"""Reasons of a first look that stands because there was nothing to zoom into: no fault."""
_REASON = {
    "native_view": "the first look showed the picture at its full resolution already",
    "policy": "no zoom was asked for",
    "no_box": "the model named no region to zoom into",
    "no_gain": "a crop would have shown no more than the first look",
    "legible_view": "the first look showed what is asked for large enough",
    "refine_failed": "a later look failed",
    "refine_unreadable": "the reply of a later look could not be read",
    "refine_refused": "the model declined to answer at a later look",
    "budget": "the budget ended before it was read",
    "illegible": "it was shown as large as it can be, and is too small or unclear all the same",
    "not_found": "it was not found, and what is left to look at would show nothing new",
    "not_in_picture": "all of the picture was shown at a readable scale, and it was not found there",
    "no_option": "what was counted is none of the options",
    "contested": "a second look at what decides said otherwise",
    "picture_dropped": "the server seems not to have passed the picture on to the model",
    "deadline": "the deadline passed",
}


def answer_in_words(result: ZoomResult) -> str:
    """A question's result."""
    lines = [f"Answer: {_answer(result.answer, result.choice)}"]
    if result.changed:
        before = _answer(result.preliminary_answer, result.preliminary_choice)
        lines.append(f"Before the zoom: {before} (the zoom changed it)")
    return "\n".join(lines + _common(result))


def place_in_words(result: LocalizeResult) -> str:
    """A localization's result."""
    return "\n".join(["Found: yes" if result.found else "Found: no", *_common(result)])


def view_in_words(picture: Picture, *, path: str, size: Size, page: int | None, pages: int, cut: Size) -> str:
    """What ``view_region`` returns beside its image.

    Args:
        picture: As returned.
        path: The picture's path.
        size: The upright original.
        page: From 1; None where all lie side by side.
        pages: How many there are.
        cut: What was cut from the original, in its pixels.
    """
    scale = picture.size.width / cut.width
    if page is None:
        return (
            f"Source: {one_line(path)}, {pages} pages\n"
            f"Returned: all pages side by side, each with its number above it, {picture.size.width} x "
            f"{picture.size.height} px, {scale:.1%} of full resolution ({_weight(picture)})\n"
            "To look at one, call view_region again with its page; boxes are measured on a page."
        )
    shows = "at full resolution" if scale >= 1 else f"at {scale:.1%} of full resolution"
    lines = [
        f"Source: {one_line(path)}, {size.width} x {size.height} px (upright)" + _of_pages(page, pages),
        f"Crop: box {picture.shows.as_list()} in 0..1, pixels {picture.shows.to_pixels(size).as_list()}",
        f"Returned: {picture.size.width} x {picture.size.height} px, {shows} ({_weight(picture)})",
    ]
    if scale < 1:
        lines.append("For more detail call view_region again with a smaller box.")
    lines.append("Box coordinates always refer to the upright original, never to a previously returned view.")
    return "\n".join(lines)


def image_in_words(picture: Picture, what: str, *, smaller_than: Size) -> str:
    """One line on an attached image, and whether it had to be made smaller than it was."""
    smaller = f", made smaller (it was {smaller_than} px) to fit" if picture.size != smaller_than else ""
    return f"Image: {what}, {picture.size} px ({_weight(picture)}){smaller}"


def error_in_words(error: ZoomRefineError) -> str:
    """Code, message and hint."""
    said = f"{error.code}: {one_line(error.message)}"
    return f"{said}\nHint: {one_line(error.hint)}" if error.hint else said


def _common(result: ZoomResult | LocalizeResult) -> list[str]:
    why = _REASON.get(result.status_reason or "", one_line(result.status_reason or ""))
    lines = [f"Status: {result.status} - {_status(result)}" + (f" ({result.status_reason}: {why})" if why else "")]
    if result.evidence_visible is not None:
        lines.append(f"Evidence visible: {'yes' if result.evidence_visible else 'no'}")
    for number, region in enumerate(result.regions[:MOST_LISTED], 1):
        lines += _region(number, region, len(result.regions))
    if len(result.regions) > MOST_LISTED:
        lines.append(f"... and {len(result.regions) - MOST_LISTED} more regions")
    if len(result.trace) > 2:
        lines.append(f"Looks: {'; '.join(f'{look.why} ({look.evidence})' for look in result.trace)}")
    lines.append(f"Searched: {result.searched:.0%} of the picture was seen at a scale at which print can be read")
    if result.overlay_path:
        lines.append(f"Overlay saved: {one_line(result.overlay_path)}")
    if result.explanation:
        lines.append(f"Explanation: {paragraph(result.explanation)}")
    image = result.image
    lines.append(
        f"Picture: {one_line(image.path)}, {image.width} x {image.height} px"
        f"{_of_pages(image.page, image.pages)}; first look at {image.view.width} x {image.view.height} px"
    )
    lines.append(f"Answered by: {_backend(result)}; policy {one_line(result.policy)}")
    if result.about:
        lines.append(f"About this backend: {one_line(result.about)}")
    lines += [f"Warning: {one_line(warning)}" for warning in result.warnings[:MOST_LISTED]]
    return lines


def _status(result: ZoomResult | LocalizeResult) -> str:
    crop = next((region.crop for region in result.regions if region.crop is not None), None)
    if result.status is Status.REFINED and crop is not None:
        return f"a region was examined as a crop, {_scale(crop)}"
    if result.status is Status.PRELIMINARY and result.status_reason in _NOT_ZOOMED:
        return "this is what the first look showed; no zoom was made"
    return _STATUS[result.status]


def _scale(crop: CropInfo) -> str:
    """The scale that a crop was shown at; processors round sides to multiples, by a percent or two."""
    left, _, right, _ = crop.pixels
    scale = crop.width / (right - left)
    if scale < 0.97:
        return f"at {scale:.2g} of full resolution" if scale < 0.01 else f"at {scale:.0%} of full resolution"
    return "at full resolution" if scale < 1.05 else f"enlarged {scale:.2g}x"


def _region(number: int, region: RegionInfo, of: int) -> list[str]:
    name = "Region" if of == 1 else f"Region {number}"
    label = f" ({one_line(region.label, 200)})" if region.label else ""
    page = f" page {region.page}," if region.page is not None else ""
    lines = [f"{name}:{page} pixels {region.pixels}, centre {region.point}, box {_box(region.box)}{label}"]
    if region.crop is not None:
        crop = region.crop
        saved = f", saved: {one_line(crop.path)}" if crop.path else ""
        lines.append(
            f"Crop shown to the model: pixels {crop.pixels}, as {crop.width} x {crop.height} px, {_scale(crop)}{saved}"
        )
    return lines


def _backend(result: ZoomResult | LocalizeResult) -> str:
    model = f" {one_line(result.model, 200)}" if result.model else ""
    return f"{one_line(result.backend, 200)}{model}; pictures sent to: {one_line(result.sent_to, 300)}"


def _answer(text: str | None, choice: str | None) -> str:
    if text is None:
        said = "none: what could be seen of the picture does not answer the question"
        return f"{choice}. ({said})" if choice else said
    return f"{choice}. {paragraph(text)}" if choice else paragraph(text)


def _of_pages(page: int | None, pages: int) -> str:
    if pages == 1:
        return ""
    return f", {pages} pages" if page is None else f", page {page} of {pages}"


def _weight(picture: Picture) -> str:
    return f"{picture.mime_type}, {max(1, round(len(picture.data) / 1000))} KB"


def _box(values: Sequence[float]) -> str:
    return f"[{', '.join(f'{value:.4g}' for value in values)}]"

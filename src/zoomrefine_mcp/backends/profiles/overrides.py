"""A user's own word on a model: a family, a box convention, or a file of facts that go before the family's.

Each goes before the one that follows: ``--box-convention``, ``--profile-file``, ``--profile``, the model's name.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zoomrefine_mcp.backends.profiles.names import profile_for, profile_named
from zoomrefine_mcp.backends.profiles.record import Axes, PartOrder, Profile, Unit
from zoomrefine_mcp.backends.resize import largest_fit, on_grid, up_to_patches, within_bounds
from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import MAX_PICTURE_BYTES
from zoomrefine_mcp.settings import BoxConvention, Settings

MAX_FILE_BYTES = 100_000
"""A file of facts is a page; what is larger is another file."""

_UNITS = {
    "normalized": Unit.NORMALIZED,
    "per-thousand": Unit.PER_THOUSAND,
    "per-999": Unit.PER_999,
    "pixels": Unit.PIXELS,
}


class ProfileFile(BaseModel):
    """What a file may say; whatever it leaves out is the family's."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    family: str | None = None
    """The family to start from, where neither the model's name nor --profile tells."""
    box_convention: BoxConvention | None = None
    """normalized, per-thousand, per-999 or pixels; with -yxyx where y comes first."""
    part_order: Literal["image first", "text first"] | None = None
    """What comes first in a message."""
    max_edge: int | None = Field(None, ge=64, le=65_535)
    """The longest edge of a picture in pixels that the model sees unshrunk."""
    max_pixels: int | None = Field(None, ge=64 * 64)
    """The most pixels of a picture that the model sees unshrunk."""
    multiple_of: int | None = Field(None, ge=1, le=64)
    """What both sides are a multiple of. With it these three take the place of the family's rule of resizing; without
    it a family that rounds to multiples keeps its rule, within the other two."""
    accepts_temperature: bool | None = None
    """Whether a request may carry a temperature."""
    completion_tokens_name: Literal["max_tokens", "max_completion_tokens"] | None = None
    """Which parameter carries the output budget on the OpenAI wire."""
    image_detail: Literal["none", "low", "high", "auto", "original"] | None = None
    """The detail of an image part on the OpenAI wire."""
    tell_size: bool | None = None
    """Whether the prompt tells the width and height of each picture."""
    enlarge_to: int | None = Field(None, ge=64, le=65_535)
    """A crop whose long edge is shorter is brought up to this many pixels."""
    max_bytes: int | None = Field(None, ge=10_000, le=MAX_PICTURE_BYTES)
    """The largest encoded picture, in bytes."""
    unnamed_on_view: bool | None = None
    """Whether a box that names no picture lies on the first one."""
    structured_output: bool | None = None
    """Whether a reply can be bound to a JSON schema."""
    reply_tokens: int | None = Field(None, ge=64, le=128_000)
    """The output budget of a reply."""
    cache_floor: int | None = Field(None, ge=0)
    """The shortest prompt prefix in tokens that a prompt cache keeps."""


def chosen_profile(settings: Settings, model: str, *, wire: str) -> Profile:
    """The profile that holds for a model under these settings.

    Raises:
        BadRequest: ``--profile`` names none, or the file cannot be read or says what it may not.
    """
    path = settings.profile_file
    file = ProfileFile() if path is None else read_profile_file(path)
    family = settings.profile or file.family
    profile = profile_for(model, wire=wire) if family is None else profile_named(family)
    if path is not None:
        profile = _with_facts(profile, file, path)
    if settings.box_convention is not None:
        profile = _with_convention(profile, settings.box_convention, "--box-convention")
    return profile


def read_profile_file(path: Path) -> ProfileFile:
    """Read a file of facts, TOML or JSON by its name.

    Raises:
        BadRequest: It is not there, is neither, or says what it may not; the hint says what to correct.
    """
    if path.is_fifo():  # opening one waits for a writer, and a server reads the file twice
        raise BadRequest(f"The profile file {path} is a pipe.", hint="Name a file on the disk.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BadRequest(f"The profile file {path} cannot be read: {why}.", hint="Check the path.") from error
    if len(data) > MAX_FILE_BYTES:
        raise BadRequest(f"The profile file {path} has more than {MAX_FILE_BYTES:,} bytes.", hint="Check the path.")
    try:
        text = data.decode("utf-8-sig")  # Windows' editors write a mark in front
        facts: Any = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        hint = "A file whose name ends in .json is JSON, any other TOML."
        raise BadRequest(f"The profile file {path} is no valid {kind}: {error}.", hint=hint) from error
    try:
        return ProfileFile.model_validate(facts)
    except ValidationError as error:
        raise _bad_file(path, error) from error


def _bad_file(path: Path, error: ValidationError) -> BadRequest:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    known = list(ProfileFile.model_fields)
    if first["type"] == "extra_forbidden":
        near = get_close_matches(field, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"It may hold: {', '.join(known)}."
        return BadRequest(f"The profile file {path} may not hold {field!r}.", hint=hint)
    if not field:
        return BadRequest(f"The profile file {path} holds no fields.", hint=f"It may hold: {', '.join(known)}.")
    return BadRequest(
        f"The profile file {path}: {field}: {first['msg']}, not {str(first['input'])[:80]!r}.", hint=f"Correct {field}."
    )


def _with_facts(profile: Profile, file: ProfileFile, path: Path) -> Profile:
    given = file.model_dump(exclude_none=True, exclude={"family"})
    changes: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if name not in {"box_convention", "part_order", "max_edge", "max_pixels", "multiple_of", "image_detail"}
    }
    if file.part_order is not None:
        changes["order"] = PartOrder(file.part_order)
    if file.image_detail is not None:
        changes["image_detail"] = None if file.image_detail == "none" else file.image_detail
    if {"max_edge", "max_pixels", "multiple_of"} & given.keys():
        changes["sees"] = _sees(profile, file.max_edge, file.max_pixels, file.multiple_of)
    if file.box_convention is not None:
        profile = _with_convention(profile, file.box_convention, str(path))
    rest = ", ".join(name for name in given if name != "box_convention")
    sources = (*profile.sources, f"{rest}: {path}") if rest else profile.sources
    return replace(profile, **changes, sources=sources)


def _with_convention(profile: Profile, convention: BoxConvention, source: str) -> Profile:
    """The profile with another convention. How the family writes by itself is then no help to it any more."""
    name = convention.removesuffix("-yxyx")
    unit, axes = _UNITS[name], Axes.XYXY if name == convention else Axes.YXYX
    if (unit, axes) == (profile.unit, profile.axes):
        return profile
    sources = (f"boxes: {source}", *(one for one in profile.sources if not one.startswith("boxes:")))
    tell_size = profile.tell_size or unit is Unit.PIXELS
    return replace(profile, unit=unit, axes=axes, native="", tell_size=tell_size, sources=sources)


def _sees(profile: Profile, edge: int | None, most: int | None, multiple: int | None) -> Callable[[Size], Size]:
    """How a model sees that is held to an edge or a number of pixels.

    A family whose processor rounds to multiples keeps its rule: a size that is no multiple would be resized once more
    on the server, which shifts boxes in pixels.
    """
    rule = profile.sees
    if multiple is not None or not (isinstance(rule, partial) and rule.func in {on_grid, up_to_patches}):
        return partial(within_bounds, edge=edge, most=most, multiple=multiple or 1)
    if most is not None and rule.func is on_grid:  # its own parameter, so that the vendor's very sizes come out
        rule = partial(rule, min_pixels=min(rule.keywords["min_pixels"], most), max_pixels=most)
    return partial(_held, rule=rule, edge=edge, most=most if rule.func is up_to_patches else None)


def _held(size: Size, *, rule: Callable[[Size], Size], edge: int | None, most: int | None) -> Size:
    """By the family's rule, within the bounds as far as the rule goes down to them."""

    def fits(one: Size) -> bool:
        seen = rule(one)
        return (edge is None or seen.long_edge <= edge) and (most is None or seen.pixels <= most)

    return rule(largest_fit(size, size.long_edge, fits))

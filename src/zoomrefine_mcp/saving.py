"""Writes what an answer rests on: the crops as the model got them, and the view with the regions drawn in."""

from __future__ import annotations

import os
import re
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile

import anyio

from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.results import R

LONGEST_STEM = 120
"""Bytes of a picture's name that a saved file's name keeps; file systems take 255 in all."""
_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}


async def save_evidence(result: R, overlay: Picture, directory: Path) -> R:
    """Write overlay and crops into ``directory`` and return the result with their paths filled in.

    A name holds a digest of the bytes, so that nothing else is ever overwritten: a file of the same name is the same
    picture. Where writing fails the result comes back with a warning: an answer is not lost for a full disk.
    """
    return await anyio.to_thread.run_sync(_save, result, overlay, directory)


def prepare_directory(directory: Path) -> None:
    """Make the directory, so that a wrong one is known before a question is paid for.

    Raises:
        BadRequest: It cannot be made or written to.
    """
    hint = "Give --save-dir (ZOOMREFINE_SAVE_DIR) a directory that may be written to."
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(f"cannot make the directory {directory}: {error.strerror}", hint=hint) from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise BadRequest(f"cannot write to the directory {directory}", hint=hint)


def _save(result: R, overlay: Picture, directory: Path) -> R:
    stem = _stem(Path(result.image.path).stem)
    name = f"{stem}-p{result.image.page}" if result.image.pages > 1 and result.image.page else stem
    try:
        regions = list(result.regions)
        for number, crop in enumerate(result.sent.crops):
            info = regions[number].crop
            if crop is not None and info is not None:
                saved = info.model_copy(update={"path": _write(directory, f"{name}-crop{number + 1}", crop)})
                regions[number] = regions[number].model_copy(update={"crop": saved})
        path = _write(directory, f"{name}-overlay", overlay)
    except OSError as error:
        warning = f"Crop and overlay could not be saved in {directory}: {error.strerror}."
        return result.model_copy(update={"warnings": [*result.warnings, warning]})
    return result.model_copy(update={"regions": regions, "overlay_path": path})


def _stem(name: str) -> str:
    """A picture's name as the beginning of a file's name: plain, no flag, not hidden, short in bytes too."""
    plain = re.sub(r"[^\w.-]+", "_", name).lstrip(".-").encode("utf-8", "replace")[:LONGEST_STEM]
    return plain.decode("utf-8", "ignore") or "picture"


def _write(directory: Path, name: str, picture: Picture) -> str:
    digest = blake2b(picture.data, digest_size=4).hexdigest()
    path = directory / f"{name}-{digest}{_SUFFIXES.get(picture.mime_type, '.bin')}"
    with NamedTemporaryFile(dir=directory, prefix=".partial-", delete=False) as partial:
        unfinished = Path(partial.name)
        try:
            partial.write(picture.data)
            partial.close()
            unfinished.chmod(0o644)
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
    return str(path.resolve())

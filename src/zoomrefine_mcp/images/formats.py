"""Which picture a file holds, by its first bytes; its name says nothing (but that of MIRAX, which hides behind a JPEG).

Only the loader of the format named here ever sees the bytes: nothing is guessed a second time by a library that
would also run Ghostscript or render SVG.
"""

from __future__ import annotations

import re
from enum import StrEnum

from zoomrefine_mcp.errors import NotAnImage

HEAD_BYTES = 2048
"""How much of a file ``identify`` wants to see."""


class Format(StrEnum):
    """The formats that are read, by the name a person knows."""

    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    WEBP = "WebP"
    GIF = "GIF"
    AVIF = "AVIF"
    JPEG2000 = "JPEG 2000"
    BMP = "BMP"
    NETPBM = "Netpbm"
    PDF = "PDF"
    CZI = "CZI"


READABLE = ", ".join(Format)

_SIGNATURES: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"II+\0", Format.TIFF),
    (b"MM\0+", Format.TIFF),
    (b"ZISRAWFILE\0", Format.CZI),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Format.JPEG2000),
    (b"\xff\x4f\xff\x51", Format.JPEG2000),
    (b"P4", Format.NETPBM),
    (b"P5", Format.NETPBM),
    (b"P6", Format.NETPBM),
)

_AS_PNG = "Convert it to PNG or JPEG first."
_RENDER = "Render it to a PNG at the resolution you need, and ask about that."

_SLIDE_OF_FILES = (
    "Only the file that is named is read: write the slide as a pyramid of tiles first, with a libvips that has "
    "OpenSlide (vips tiffsave IN OUT.tif --tile --pyramid --bigtiff --compression jpeg)."
)

_REFUSED: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), what, hint)
    for pattern, what, hint in (
        (rb"%!PS|\xc5\xd0\xd3\xc6|\x04%!PS", "a PostScript document", _RENDER),
        (rb"(?:\xef\xbb\xbf)?\s*<(?:.{0,1500}<)?svg[\s>]", "an SVG drawing", _RENDER),
        (
            rb"(?:\xef\xbb\xbf)?\s*(?:<!doctype html|<html|<head|<\?xml.{0,1500}<html)",
            "a web page",
            "The download was probably answered by a page; save the picture itself.",
        ),
        (rb"version https://git-lfs", "a Git LFS pointer", "Fetch the picture itself with `git lfs pull`."),
        (rb"\x1f\x8b|PK\x03\x04|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ", "an archive", "Unpack it and name a picture inside."),
        (rb"8BPS", "a Photoshop document", _AS_PNG),
        (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", _AS_PNG),
        (rb"qoif", "a QOI picture", _AS_PNG),
        (rb"\0\0[\1\2]\0(?!\0\0)", "an icon", _AS_PNG),  # as many as the number that follows: none is no icon
        (rb"v/1\x01|#\?RADIANCE", "a high-dynamic-range picture", _AS_PNG),
        (rb"SIMPLE  =", "a FITS picture", _AS_PNG),
        (rb".{128}DICM", "a DICOM picture", _AS_PNG),
        (
            rb"\[(?:Uncompressed )?Virtual Microscope Specimen\]",
            "the index of a slide whose pixels lie in other files",
            _SLIDE_OF_FILES,
        ),
        (rb"gimp xcf", "a GIMP document", _AS_PNG),
        (rb"AT&TFORM", "a DjVu document", _RENDER),
        (rb"P[123]\s", "a Netpbm picture in plain text", "Write it in the binary form (P4, P5 or P6), or as PNG."),
        # Last, since it has no signature: no palette or one, a type that there is, a depth that there is.
        (
            rb".(?:\x00[\x02\x03\x0a\x0b]\x00{5}|\x01[\x01\x09].{5}).{8}[\x08\x0f\x10\x18\x20][\x00-\x3f]",
            "a Truevision TGA picture",
            _AS_PNG,
        ),
    )
)

_PDF = re.compile(rb".{0,1024}%PDF-", re.DOTALL)  # every reader takes one with something before its first line

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_HINT = "Convert it to JPEG or PNG first (iPhones take JPEG under Settings, Camera, Formats, Most Compatible)."
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})  # the sizes of every bitmap header there is


def identify(head: bytes, path: str) -> Format:
    """The format of a file that begins with ``head`` (its first ``HEAD_BYTES``).

    Raises:
        NotAnImage: Empty, or nothing that is read; the hint says what to do with what it is.
    """
    if not head:
        raise NotAnImage(f"{path} is empty", hint="Name a picture that is complete.", path=path)
    if path.lower().endswith(".mrxs"):  # by its bytes a small JPEG: the slide's overview, in which nothing can be read
        what = "the index of a MIRAX slide, whose pixels lie in other files"
        raise NotAnImage(f"{path} is {what}", hint=_SLIDE_OF_FILES, path=path, detected=what)
    for signature, found in _SIGNATURES:
        if head.startswith(signature):
            if head[8:10] == b"CR" and found is Format.TIFF:
                raise camera_raw(path)
            return found
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Format.WEBP
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return Format.BMP
    if head[4:8] == b"ftyp":
        return _iso_media(head, path)
    if _PDF.match(head):
        return Format.PDF
    for pattern, what, hint in _REFUSED:
        if pattern.match(head):
            raise NotAnImage(f"{path} is {what}, which is not read", hint=hint, path=path, detected=what)
    what = "text" if _is_text(head) else "no picture format that is read"
    raise NotAnImage(f"{path} is {what}, by its first bytes", hint=f"Name a picture: {READABLE}.", path=path)


def camera_raw(path: str) -> NotAnImage:
    """The refusal of a camera's raw file, whose only finished picture is a small preview."""
    return NotAnImage(
        f"{path} is a camera raw file, which is not read",
        hint="Develop it to a JPEG, PNG or TIFF first.",
        path=path,
        detected="a camera raw file",
    )


def _iso_media(head: bytes, path: str) -> Format:
    """AVIF by its brands; every other file of this family is HEIC or a video."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))}
    if brands & _AVIF_BRANDS:
        return Format.AVIF
    if brands & _HEIC_BRANDS or head[8:12] in {b"mif1", b"msf1"}:
        raise NotAnImage(f"{path} is a HEIC picture, which is not read", hint=_HEIC_HINT, path=path, detected="HEIC")
    raise NotAnImage(
        f"{path} is a video or audio file", hint="Save the frame you mean as a PNG.", path=path, detected="a video"
    )


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # not merely a character cut in two at the end
            return False
        text = head[: error.start].decode()
    return all(character.isprintable() or character.isspace() for character in text)

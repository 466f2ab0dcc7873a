"""How a TIFF directory codes its pixels, and which library reads that rightly.

The libtiff inside libvips' wheel lacks some codecs, and gives zeros for what it cannot decode: black pixels rather than
an error. So nothing is tried. What each library was seen to read pixel for pixel is listed here (the tests hold both to
it), and what neither reads is refused by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from zoomrefine_mcp.errors import NotAnImage
from zoomrefine_mcp.images.formats import camera_raw

_BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _SAMPLE_FORMAT, _SUBSAMPLING = 258, 259, 262, 277, 339, 530
CODING_TAGS = frozenset({_BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _SAMPLE_FORMAT, _SUBSAMPLING})

_NONE, _OLD_JPEG, _JPEG = 1, 6, 7
_COMPRESSIONS = {
    2: "CCITT RLE",
    3: "CCITT Group 3",
    4: "CCITT Group 4",
    5: "LZW",
    _OLD_JPEG: "old-style JPEG",
    _JPEG: "JPEG",
    8: "deflate",
    32766: "NeXT",
    32771: "CCITT RLE by words",
    32773: "PackBits",
    32809: "ThunderScan",
    32946: "deflate (old code)",
    33003: "JPEG 2000 (Aperio, YCbCr)",
    33004: "JPEG 2000 (lossy)",
    33005: "JPEG 2000 (Aperio, RGB)",
    34661: "JBIG",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv 24",
    34712: "JPEG 2000",
    34715: "JBIG 2",
    34887: "LERC",
    34892: "lossy JPEG (DNG)",
    34925: "LZMA",
    34926: "ZSTD (old code)",
    34927: "WebP (old code)",
    34933: "PNG",
    34934: "JPEG XR",
    50000: "ZSTD",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL (DNG)",
}
_BY_LIBVIPS = frozenset({_NONE, 2, 3, 4, 5, _JPEG, 8, 32773, 32946, 50001})
_BY_PILLOW = frozenset({_NONE, 5, _OLD_JPEG, _JPEG, 8, 32773, 32946, 34925, 50000})

_YCBCR, _LAB = 6, 8
_CAMERA = frozenset({32803, 34892})
_COLOURS = {_YCBCR: "YCbCr", _LAB: "CIELab", 9: "ICCLab", 10: "ITULab", 32844: "LogL", 32845: "LogLuv"}
_PLAIN = frozenset({0, 1, 2, 3, 4, 5})  # grey (0 is white, 1 is black), RGB, palette, mask, separated inks

_DEPTHS = frozenset({1, 2, 4, 8, 16, 32})  # Pillow shows 12 bits as if they were the lower ones of 16
_UNSIGNED, _COMPLEX = 1, frozenset({5, 6})  # SampleFormat
_REWRITE = "Write it with deflate or LZW compression first (tiffcp -c zip, or gdal_translate -co COMPRESS=DEFLATE)."


@dataclass(frozen=True, slots=True)
class Coding:
    """What a directory says about its pixels.

    Attributes:
        compression: TIFF's number for it.
        photometric: TIFF's number for what the samples mean.
        bits: Of each sample of a pixel; one number stands for all.
        samples: Per pixel.
        kinds: SampleFormat of each; one number stands for all.
        subsampling: Across and down, of the colours of YCbCr.
    """

    compression: int
    photometric: int
    bits: tuple[int, ...]
    samples: int
    kinds: tuple[int, ...]
    subsampling: tuple[int, ...]

    @classmethod
    def of(cls, tags: Mapping[int, Sequence[int]]) -> Self:
        """From the values of a directory, with TIFF's defaults for those that it lacks."""

        def value(tag: int, *default: int) -> tuple[int, ...]:
            return tuple(tags.get(tag, ())) or default

        compression = value(_COMPRESSION, _NONE)[0]
        return cls(
            compression=compression,
            photometric=_YCBCR if compression == _OLD_JPEG else value(_PHOTOMETRIC, 1)[0],
            bits=value(_BITS, 1),
            samples=value(_SAMPLES, 1)[0],
            kinds=value(_SAMPLE_FORMAT, _UNSIGNED),
            subsampling=value(_SUBSAMPLING, 2, 2),
        )

    @property
    def name(self) -> str:
        """What a person calls the compression."""
        return _COMPRESSIONS.get(self.compression, f"scheme {self.compression}")

    def reader(self, path: str) -> Literal["libvips", "pillow"]:
        """The library that reads it. Pillow decodes a directory as a whole, so libvips wherever both can.

        Raises:
            NotAnImage: None does; the message names what stands in the way, and the hint says how to rewrite it.
        """
        if self.photometric in _CAMERA:
            raise camera_raw(path)
        if self._is_for_libvips():
            return "libvips"
        if self.compression not in _BY_LIBVIPS | _BY_PILLOW:
            raise self._refusal(path, f"compressed with {self.name}", _REWRITE)
        if self.photometric not in _PLAIN | {_YCBCR, _LAB} or self._is_packed():
            colours = _COLOURS.get(self.photometric, f"of scheme {self.photometric}")
            colours += ", subsampled and uncompressed" if self._is_packed() else ""
            raise self._refusal(path, f"in the colours {colours}", "Convert it to RGB first, or save it as PNG.")
        wraps = self.bits[0] == 32 and self.kinds[0] == _UNSIGNED  # Pillow has signed numbers only
        if self.compression not in _BY_PILLOW or wraps or not _DEPTHS.issuperset(self.bits):
            raise self.layout_refusal(path)
        return "pillow"

    def layout_refusal(self, path: str) -> NotAnImage:
        """The refusal of samples that no library reads in this compression."""
        bits = "+".join(map(str, sorted(set(self.bits))))
        kind = {2: " (signed)", 3: " (floats)", 5: " (complex)", 6: " (complex)"}.get(self.kinds[0], "")
        colours = f" in the colours {_COLOURS[self.photometric]}" if self.photometric in _COLOURS else ""
        samples = "sample" if self.samples == 1 else "samples"
        coded = "uncompressed" if self.compression == _NONE else f"compressed with {self.name}"
        what = f"of {self.samples} {samples} a pixel with {bits} bits{kind}{colours}, {coded}"
        hint = "Write it with 8 or 16 bits a sample and deflate compression first, or save it as PNG."
        return self._refusal(path, what, hint)

    def _is_for_libvips(self) -> bool:
        """Whether libvips decodes the compression, and takes the samples for what they are."""
        if self.compression not in _BY_LIBVIPS or len(set(self.bits)) > 1 or _COMPLEX.intersection(self.kinds):
            return False
        depth = self.bits[0]
        if depth not in {8, 16, 32} and not (depth in {1, 2, 4} and self.samples == 1):
            return False
        if self.photometric == _YCBCR:
            return self.compression == _JPEG  # any other it shows as if it were RGB
        if self.photometric == _LAB:
            return depth == 16 and self.samples == 3
        return self.photometric in _PLAIN

    def _is_packed(self) -> bool:
        """Whether the colours of YCbCr lie subsampled between the samples of brightness, which Pillow overlooks."""
        return self.photometric == _YCBCR and self.compression == _NONE and self.subsampling[:2] != (1, 1)

    @staticmethod
    def _refusal(path: str, what: str, hint: str) -> NotAnImage:
        return NotAnImage(
            f"{path} is a TIFF {what}, which is not read", hint=hint, path=path, detected=f"a TIFF {what}"
        )

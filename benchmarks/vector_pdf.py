"""A PDF of drawing operators, written plainly: what the benchmarks and the tests look at, without a library.

data = pdf([PdfSheet(text(72, 700, 24, "Pump station 3")), PdfSheet(b"", width=842, height=595)])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PdfSheet:
    """One page: its drawing operators, its size in points, and what its dictionary says besides."""

    content: bytes
    width: float = 595
    height: float = 842
    entries: bytes = b""


def pdf(
    sheets: Sequence[PdfSheet], *, objects: Sequence[bytes] = (), catalog: bytes = b"", trailer: bytes = b""
) -> bytes:
    """The document. Its fonts are /F1 (Helvetica) and /F2 (bold).

    Args:
        sheets: The pages.
        objects: Further objects; the first has the number ``5 + 2 * len(sheets)``.
        catalog: Entries of the catalog.
        trailer: Entries of the trailer's dictionary.
    """
    kids = b" ".join(b"%d 0 R" % (5 + 2 * index) for index in range(len(sheets)))
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(sheets)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold>>",
    ]
    for index, sheet in enumerate(sheets):
        bodies += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %.9g %.9g]/Resources<</Font<</F1 3 0 R/F2 4 0 R>>>>/Contents %d 0 R%s>>"
            % (sheet.width, sheet.height, 6 + 2 * index, sheet.entries),
            b"<</Length %d>>stream\n%s\nendstream" % (len(sheet.content), sheet.content),
        ]
    bodies += objects
    out, starts = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, 1):
        starts.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % start for start in starts)
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, trailer, table)
    return bytes(out)


def text(x: float, y: float, size: float, words: str, font: int = 1) -> bytes:
    """Operators that write ``words`` from (x, y), in points from the lower left corner."""
    escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("latin-1")
    return b"BT /F%d %.9g Tf %.9g %.9g Td (%s) Tj ET\n" % (font, size, x, y, escaped)


def rectangle(x: float, y: float, width: float, height: float, rgb: tuple[float, float, float]) -> bytes:
    """Operators that fill a rectangle; what follows is black again."""
    return b"%.9g %.9g %.9g rg %.9g %.9g %.9g %.9g re f 0 g\n" % (*rgb, x, y, width, height)

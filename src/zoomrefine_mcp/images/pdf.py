"""Pages of a PDF, by PDFium: each region is drawn at the resolution that is asked for, and nothing beside it.

PDFium is not thread-safe, so one lock stands around every call of it. It reads by position from the descriptor that was
verified. It runs no scripts (the wheel's build has none) and reaches no network. Needs the extra
``zoomrefine-mcp[pdf]``; this module imports without it.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from dataclasses import dataclass, field
from typing import Any

import pyvips

from zoomrefine_mcp.errors import ImageDamaged, ImageEncrypted, NotAnImage
from zoomrefine_mcp.geometry import PixelBox, Size
from zoomrefine_mcp.images.drawing import Drawing
from zoomrefine_mcp.images.page import page_index
from zoomrefine_mcp.images.reader import FileBytes

DPI = 300
"""What a page's size in pixels is measured at: print of 4 points, the smallest that is set, has capitals of 12 px then,
which models still read. Regions are drawn finer where more is asked for, so nothing is lost by it."""

READABLE = 100 / DPI
"""From 100 dpi on ordinary print (8 points and more) can be read."""

_POINTS = 72  # an inch
_LONGEST = 60_000
"""Pixels of a page's long edge at most: 200 inches, PDF's own limit, at 300 dpi. A larger one is measured coarser."""

_pdfium_lock = threading.RLock()  # entered again by a finalizer that runs while its thread holds it

PDF_INSTALL = "pip install -e '.[pdf]' in your clone (the extra zoomrefine-mcp[pdf])"


@dataclass(slots=True)
class _Handles:
    """What PDFium holds of one document. The callback has to outlive the document."""

    pdfium: Any
    document: Any
    access: Any
    form: Any = None
    form_info: Any = None
    page: Any = None
    index: int = -1
    failures: list[OSError] = field(default_factory=list)

    def open_form(self) -> None:
        """Make ready to draw form fields, which PDFium counts among its viewer's parts, not the page's."""
        if self.pdfium.FPDF_GetFormType(self.document) != self.pdfium.FORMTYPE_NONE:
            self.form_info = self.pdfium.FPDF_FORMFILLINFO(version=2)
            self.form = self.pdfium.FPDFDOC_InitFormFillEnvironment(self.document, self.form_info)

    def open_page(self, index: int) -> None:
        self.close_page()
        self.page = self.pdfium.FPDF_LoadPage(self.document, index)
        if self.page:
            self.index = index
            if self.form:
                self.pdfium.FORM_OnAfterLoadPage(self.page, self.form)

    def close_page(self) -> None:
        if self.page:
            if self.form:
                self.pdfium.FORM_OnBeforeClosePage(self.page, self.form)
            self.pdfium.FPDF_ClosePage(self.page)
            self.page, self.index = None, -1

    def close(self) -> None:
        with _pdfium_lock:
            if self.document:
                self.close_page()
                if self.form:
                    self.pdfium.FPDFDOC_ExitFormFillEnvironment(self.form)
                self.pdfium.FPDF_CloseDocument(self.document)
                self.document = None


class PdfFile:
    """An open document.

    Args:
        data: The file.
        path: Its name, for messages.

    Attributes:
        sizes: The pages, upright and cropped as the document says, in pixels at ``DPI``; None for one that is damaged.

    Raises:
        NotAnImage: The extra is not installed.
        ImageEncrypted: It opens with a password only.
        ImageDamaged: It cannot be read, or has no pages.
        OSError: The file system failed.
    """

    def __init__(self, data: FileBytes, path: str) -> None:
        pdfium = _library(path)
        self.path = path
        with _pdfium_lock:
            access, failures = _access(pdfium, data)
            document = pdfium.FPDF_LoadCustomDocument(access, None)
            if not document:
                if failures:
                    raise failures[0]
                raise _refusal(pdfium, path)
            self._handles = _Handles(pdfium, document, access, failures=failures)
            self._handles.open_form()
            # Not at the interpreter's end: PDFium is taken down before, and the memory goes back anyway.
            self._closing = weakref.finalize(self, self._handles.close)
            self._closing.atexit = False
            self.sizes = tuple(self._size(index) for index in range(pdfium.FPDF_GetPageCount(document)))
        if not self.sizes:
            self.close()
            raise ImageDamaged(f"{path} is a PDF without pages", hint="Export or download it again.", path=path)

    def render(self, index: int, cut: PixelBox, size: Size) -> pyvips.Image:
        """The pixels of ``cut`` (of ``sizes[index]``) drawn at ``size``, on white: three bands of 8-bit sRGB.

        Annotations and form fields are drawn as they print.

        Raises:
            ImageDamaged: The page cannot be drawn.
            OSError: The file system failed.
        """
        with _pdfium_lock:
            pdfium, page = self._handles.pdfium, self._page(index)
            whole = self.sizes[index]
            if not page or whole is None:
                raise self.damage(index)
            across, down = size.width / cut.size.width, size.height / cut.size.height
            # PDFium's own space for a page drawn by a matrix: one pixel a point, upright, from the top left.
            matrix = pdfium.FS_MATRIX(
                across * whole.width / pdfium.FPDF_GetPageWidthF(page),
                0,
                0,
                down * whole.height / pdfium.FPDF_GetPageHeightF(page),
                -cut.left * across,
                -cut.top * down,
            )
            pixels = (ctypes.c_ubyte * (size.pixels * 3))()
            bitmap = pdfium.FPDFBitmap_CreateEx(size.width, size.height, pdfium.FPDFBitmap_BGR, pixels, size.width * 3)
            if not bitmap:
                raise MemoryError(f"PDFium has no room for {size} pixels")
            pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, size.width, size.height, 0xFFFFFFFF)
            flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER | pdfium.FPDF_RENDER_LIMITEDIMAGECACHE
            clip = pdfium.FS_RECTF(0, 0, size.width, size.height)
            pdfium.FPDF_RenderPageBitmapWithMatrix(bitmap, page, matrix, clip, flags)
            if self._handles.form:
                left, top = round(-cut.left * across), round(-cut.top * down)
                whole_size = round(whole.width * across), round(whole.height * down)
                pdfium.FPDF_FFLDraw(self._handles.form, bitmap, page, left, top, *whole_size, 0, flags)
            pdfium.FPDFBitmap_Destroy(bitmap)
            self._raise_failure()
        image = pyvips.Image.new_from_memory(pixels, size.width, size.height, 3, "uchar")
        return image.copy(interpretation="srgb")

    def damage(self, index: int) -> ImageDamaged:
        """The error for a page that cannot be drawn."""
        return ImageDamaged(
            f"page {index + 1} of {self.path} cannot be drawn",
            hint="The document is damaged or incomplete: export or download it again.",
            path=self.path,
            page=index + 1,
        )

    def close(self) -> None:
        """Close the document; harmless the second time."""
        self._closing()

    def _size(self, index: int) -> Size | None:
        pdfium = self._handles.pdfium
        points = pdfium.FS_SIZEF()
        drawn = pdfium.FPDF_GetPageSizeByIndexF(self._handles.document, index, points)
        if not drawn or not (0 < points.width < 1e9 and 0 < points.height < 1e9):
            return None
        scale = min(DPI / _POINTS, _LONGEST / max(points.width, points.height))
        return Size(max(1, round(points.width * scale)), max(1, round(points.height * scale)))

    def _page(self, index: int) -> Any:
        """The page, read. The last one is kept: a plan takes seconds to read, and is drawn again and again."""
        handles = self._handles
        if not handles.document:
            raise ValueError(f"{self.path} is closed")
        if handles.index != index:
            handles.open_page(index)
            self._raise_failure()
        return handles.page

    def _raise_failure(self) -> None:
        """What the file system said while PDFium read; an exception cannot cross its callback."""
        if self._handles.failures:
            raise self._handles.failures.pop()


class PdfPage(Drawing):
    """One page of a document.

    Args:
        document: Open; closed with this.
        number: From 1.

    Raises:
        BadRequest: There is no such page.
        ImageDamaged: It cannot be drawn.
    """

    def __init__(self, document: PdfFile, number: int) -> None:
        self._document = document
        self._index = page_index(number, len(document.sizes), document.path)
        size = document.sizes[self._index]
        if size is None:
            raise document.damage(self._index)
        super().__init__(size, number, len(document.sizes))
        self.readable = READABLE

    def render(self, cut: PixelBox, size: Size) -> pyvips.Image:
        return self._document.render(self._index, cut, size)

    def close(self) -> None:
        self._document.close()


def _library(path: str) -> Any:
    """PDFium's functions, as ``pypdfium2`` binds them."""
    try:
        with _pdfium_lock:
            import pypdfium2.raw as pdfium  # noqa: PLC0415  an extra
    except ImportError as error:
        raise NotAnImage(
            f"{path} is a PDF document, and what reads those is not installed",
            hint=f"{PDF_INSTALL}, or render the page to a PNG first (pdftoppm -png -r 300 -f PAGE -l PAGE).",
            path=path,
            detected="a PDF document",
        ) from error
    return pdfium


def _access(pdfium: Any, data: FileBytes) -> tuple[Any, list[OSError]]:
    """PDFium's way to the file, and what the file system says meanwhile."""
    failures: list[OSError] = []

    def read(_: Any, position: int, buffer: Any, count: int) -> int:
        try:
            block = data.read_at(position, count)
        except OSError as error:
            failures.append(error)
            return 0
        if len(block) < count:
            return 0
        ctypes.memmove(buffer, block, count)
        return 1

    access = pdfium.FPDF_FILEACCESS()
    access.m_FileLen = data.length
    access.m_GetBlock = type(access.m_GetBlock)(read)
    return access, failures


def _refusal(pdfium: Any, path: str) -> ImageEncrypted | ImageDamaged:
    """Why a document did not open."""
    if pdfium.FPDF_GetLastError() in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}:
        return ImageEncrypted(
            f"{path} is an encrypted PDF",
            hint="Save a copy without a password first (qpdf --decrypt --password=... IN OUT).",
            path=path,
        )
    return ImageDamaged(
        f"{path} cannot be read as a PDF", hint="It is damaged or incomplete: export or download it again.", path=path
    )

"""A file as a source: opened once by its descriptor, rendered as often as it takes, off the event loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from types import TracebackType
from typing import Self

import anyio
import anyio.to_thread
import pyvips

from zoomrefine_mcp.access import OpenFile
from zoomrefine_mcp.errors import BadRequest, ImageDamaged, ImageTooLarge, NotAnImage
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.drawing import Drawing
from zoomrefine_mcp.images.encode import JPEG, jpeg
from zoomrefine_mcp.images.formats import HEAD_BYTES, Format, identify
from zoomrefine_mcp.images.heads import png_head
from zoomrefine_mcp.images.page import Page, page_index
from zoomrefine_mcp.images.pdf import PdfFile, PdfPage
from zoomrefine_mcp.images.pillow import pillow_page, pillow_tiff_page
from zoomrefine_mcp.images.pixels import Upright
from zoomrefine_mcp.images.reader import FileBytes, Fingerprint
from zoomrefine_mcp.images.shared import SharedFile
from zoomrefine_mcp.images.sheet import Sheet
from zoomrefine_mcp.images.slides import is_tiff_too, open_slide, slide_maker
from zoomrefine_mcp.images.tiff import tiff_pages, verify_complete
from zoomrefine_mcp.images.vips import frames_page, jpeg_page, png_page, tiff_page
from zoomrefine_mcp.images.workers import image_workers
from zoomrefine_mcp.pictures import Fit, Picture

__all__ = ["FileSource", "Limits", "image_workers", "open_source"]

_READ_WHOLE = frozenset({Format.GIF, Format.WEBP, Format.AVIF, Format.JPEG2000, Format.BMP, Format.NETPBM})
"""Formats whose loaders want all bytes in memory, or all pixels."""

_TO_PYRAMID = (
    "Make a pyramid of tiles of it, for which no limit holds (vips tiffsave IN OUT.tif --tile --pyramid --bigtiff "
    "--compression deflate)"
)
_TO_PARTS = "Convert it to a tiled TIFF, a baseline JPEG or a PNG without interlacing"
_TIFF_TO_PARTS = "Write it with deflate compression (tiffcp -c zip, or gdal_translate -co COMPRESS=DEFLATE)"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused by a file's size and header, before anything is decoded.

    Attributes:
        max_pixels: What has to be decoded for one rendering: width times height, but for a pyramid of tiles, where it
            is the tiles that a rendering touches, however large the picture is. A PDF has none.
        max_bytes: Size of the file; it does not hold for a pyramid of tiles either, which nobody reads as a whole.
        max_whole_pixels: Width times height where a picture can only be decoded as a whole (WebP, GIF, AVIF, JPEG 2000,
            BMP, Netpbm, interlaced PNG, progressive JPEG, TIFF with ZSTD or LZMA). These take memory for each pixel:
            progressive JPEG 6 bytes, GIF 7, WebP 9, BMP and Netpbm 11, TIFF 11 (16 in floats) and the file's own
            bytes once, AVIF 13, JPEG 2000 19 (measured at 50 and 100 megapixels); the others none.
        max_whole_bytes: Size of the file where all of it has to be in memory.
    """

    max_pixels: int = 1_000_000_000
    max_bytes: int = 4_000_000_000
    max_whole_pixels: int = 200_000_000
    max_whole_bytes: int = 1_000_000_000


async def open_source(
    opened: OpenFile,
    *,
    page: int | None = None,
    limits: Limits = Limits(),
    workers: anyio.CapacityLimiter | None = None,
) -> FileSource:
    """Read the header of a verified, open file.

    Args:
        opened: The file. It is owned from here on, and closed on failure.
        page: Which page or frame, from 1. None is all pages of a PDF, side by side, and the first of any other file.
        limits: What is too large.
        workers: Limits the threads of image work; by default one for each core.

    Raises:
        NotAnImage: By its first bytes it is nothing that is read, or a TIFF coded in a way that is not.
        ImageTooLarge: It exceeds ``limits``.
        ImageDamaged: Its header cannot be read.
        ImageEncrypted: It is a PDF that opens with a password only.
        BadRequest: It has no such page, or is a PDF of too many pages to be looked at together.
    """
    workers = workers or image_workers()
    file = SharedFile(opened)
    try:
        header = await anyio.to_thread.run_sync(_read_header, file, page, limits, limiter=workers)
    except BaseException:
        file.close()
        raise
    return FileSource(file, header, workers)


@dataclass(frozen=True, slots=True)
class _Header:
    path: str
    format: Format
    drawing: Drawing
    fingerprint: Fingerprint


class FileSource:
    """An open picture file or document; implements ``pictures.Source`` and is an async context manager.

    Attributes:
        path: How the user names it.
        format: What it is, by its content.
        size: The upright original, in pixels.
        page: Which page or frame, from 1; None where all lie side by side.
        pages: How many there are.
        readable: From how many shown pixels for each original one print can be read.
        parts: What is looked at one by one.
    """

    def __init__(self, file: SharedFile, header: _Header, workers: anyio.CapacityLimiter) -> None:
        drawing = header.drawing
        self.path = header.path
        self.format: str = header.format.value
        self.size, self.page, self.pages = drawing.size, drawing.page, drawing.pages
        self.readable, self.parts = drawing.readable, drawing.parts
        self._file, self._drawing, self._fingerprint = file, drawing, header.fingerprint
        self._workers = workers
        self._detail: pyvips.Image | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the result has to know; a damaged page of a document is known once it was to be drawn."""
        return self._drawing.notes

    async def render(self, region: Box, fit: Fit) -> Picture:
        """Cut ``region`` from the original and encode it at ``fit.size``, in a worker thread that is never abandoned.

        Raises:
            ImageDamaged: The file ended or changed under us, or cannot be decoded.
            ImageTooLarge: ``fit.max_bytes`` holds no picture of this size at any quality.
            ValueError: The source is closed.
        """
        cut = region.to_pixels(self.size)
        data = await anyio.to_thread.run_sync(self._render, cut, fit, limiter=self._workers, abandon_on_cancel=False)
        return Picture(data, JPEG, fit.size, Box.from_pixels(cut, self.size))

    async def detail(self, boxes: Sequence[Box]) -> tuple[float, ...]:
        """The mean gradient of each box in a small rendering of the whole, of 255: 0 where all is of one colour.

        Raises:
            ImageDamaged: As ``render``.
            ValueError: The source is closed.
        """
        return await anyio.to_thread.run_sync(self._gradients, boxes, limiter=self._workers, abandon_on_cancel=False)

    def on_page(self, box: Box) -> tuple[int, Box, Size]:
        """The page that a box lies on most, the box on it, and the page's size."""
        return self._drawing.on_page(box)

    async def aclose(self) -> None:
        """Wait for the last worker, then close the file; harmless the second time."""
        await self._file.aclose()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._drawing.close, limiter=self._workers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _render(self, cut: PixelBox, fit: Fit) -> bytes:
        with self._reading():
            image = self._drawing.render(cut, fit.size)
        data = jpeg(image, fit.quality, fit.max_bytes)
        if data is None:
            raise ImageTooLarge(
                f"no JPEG of {fit.size} pixels fits into {fit.max_bytes} bytes",
                hint="Ask for a smaller picture.",
                max_bytes=fit.max_bytes,
            )
        return data

    def _gradients(self, boxes: Sequence[Box]) -> tuple[float, ...]:
        if self._detail is None:
            with self._reading():
                small = self._drawing.small()
            self._detail = small.colourspace("b-w").sobel().copy_memory()
        size = Size(self._detail.width, self._detail.height)
        cuts = (box.to_pixels(size) for box in boxes)
        return tuple(self._detail.crop(cut.left, cut.top, *astuple(cut.size)).avg() for cut in cuts)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """The file open and as it was, in the thread that reads it; what goes wrong there is damage."""
        with self._file.use() as file:
            self._fingerprint.verify(file)
            with _as_damage(self.path):
                yield
            self._fingerprint.verify(file)


def _read_header(shared: SharedFile, number: int | None, limits: Limits) -> _Header:
    if number is not None and number < 1:
        raise BadRequest(f"page {number} does not exist", hint="Pages count from 1.", page=number)
    with shared.use() as file:
        fingerprint = Fingerprint.of(file)
        data = FileBytes(file, 0, fingerprint.bytes)
        with _as_damage(file.path):
            found = identify(data.read_at(0, HEAD_BYTES), file.path)
            maker = slide_maker(data, found, file.path)
            if maker is None:
                drawing = _open_picture(data, found, number, limits)
            else:
                drawing = _open_slide(data, found, maker, number, limits)
        return _Header(file.path, found, drawing, fingerprint)


def _open_picture(
    data: FileBytes, found: Format, number: int | None, limits: Limits, notes: tuple[str, ...] = ()
) -> Drawing:
    path = data.file.path
    if found is not Format.TIFF:
        _check_bytes(data.length, found, limits, path)
    if found is Format.PDF:
        return _open_document(data, number, path)
    page = _open_page(data, found, number or 1, path)
    if found is Format.TIFF and page.most_read == page.size.pixels:
        _check_bytes(data.length, found, limits, path)
    _check_pixels(page, found, limits, path)
    if page.whole and found is Format.TIFF:
        _check_whole_bytes(data.length, found, limits, path)
    return Upright(page, notes)


def _open_slide(data: FileBytes, found: Format, maker: str, number: int | None, limits: Limits) -> Drawing:
    """A slide; or the TIFF that it is as well, where what reads slides is not there or takes it for none."""
    path = data.file.path
    try:
        slide = open_slide(data, maker, number or 1, path)
    except NotAnImage as missing:
        if not is_tiff_too(maker):
            raise
        note = f"Shown is one page of the file, not the slide: {missing.told}"
        try:
            return _open_picture(data, found, number, limits, (note,))
        except (NotAnImage, ImageTooLarge) as error:
            raise missing from error
    if slide is None:
        return _open_picture(data, found, number, limits)
    try:
        _check_pixels(slide.stored, found, limits, path)
    except ImageTooLarge:
        slide.close()
        raise
    return slide


def _open_document(data: FileBytes, number: int | None, path: str) -> Drawing:
    document = PdfFile(data, path)
    try:
        if number is None and len(document.sizes) > 1:
            return Sheet(document)
        return PdfPage(document, number or 1)
    except BaseException:
        document.close()
        raise


def _open_page(data: FileBytes, found: Format, number: int, path: str) -> Page:
    if found is Format.JPEG:
        return jpeg_page(data, number, path)
    if found is Format.TIFF:
        return _open_tiff(data, number, path)
    if found in {Format.GIF, Format.WEBP}:
        return frames_page(data, found, number, path)
    if found is Format.PNG and number == 1:
        return png_page(data, png_head(data, path))
    return pillow_page(data, found, number, path)  # the further frames of an animated PNG among them


def _open_tiff(data: FileBytes, number: int, path: str) -> Page:
    pages = tiff_pages(data, path)
    page = pages[page_index(number, len(pages), path)]
    verify_complete(data, path, page)
    full = page.levels[0]
    if full.coding.reader(path) == "pillow":
        return pillow_tiff_page(full, number, len(pages), path)
    return tiff_page(page, number, len(pages))


def _check_bytes(size: int, found: Format, limits: Limits, path: str) -> None:
    if size > limits.max_bytes:
        raise ImageTooLarge(
            f"{path} has {size / 1e6:,.0f} megabytes; the limit is {limits.max_bytes / 1e6:,.0f}",
            hint="Raise the limit with --max-file-mb (ZOOMREFINE_MAX_FILE_MB)."
            + ("" if found is Format.PDF else f" Or: {_TO_PYRAMID[0].lower()}{_TO_PYRAMID[1:]}."),
            path=path,
            bytes=size,
            max_bytes=limits.max_bytes,
        )
    if found in _READ_WHOLE:
        _check_whole_bytes(size, found, limits, path)


def _check_whole_bytes(size: int, found: Format, limits: Limits, path: str) -> None:
    if size > limits.max_whole_bytes:
        raise ImageTooLarge(
            f"{path} has {size / 1e6:,.0f} megabytes; for {found}, which has to be read as a whole, "
            f"the limit is {limits.max_whole_bytes / 1e6:,.0f}",
            hint=f"{_TIFF_TO_PARTS if found is Format.TIFF else 'Convert it to a tiled TIFF'}, or cut it first.",
            path=path,
            bytes=size,
            max_bytes=limits.max_whole_bytes,
        )


def _check_pixels(page: Page, found: Format, limits: Limits, path: str) -> None:
    size = page.size
    facts = {"path": path, "width": size.width, "height": size.height}
    if page.most_read > limits.max_pixels:
        raise ImageTooLarge(
            f"{path} has {_megapixels(size)} megapixels ({size}); the limit of what has to be read at once is "
            f"{limits.max_pixels / 1e6:,.0f}",
            hint=f"{_TO_PYRAMID}, or raise the limit with --max-megapixels (ZOOMREFINE_MAX_MEGAPIXELS).",
            max_pixels=limits.max_pixels,
            **facts,
        )
    if page.whole and size.pixels > limits.max_whole_pixels:
        raise ImageTooLarge(
            f"{path} has {_megapixels(size)} megapixels ({size}) and can only be decoded as a whole; "
            f"the limit for that is {limits.max_whole_pixels / 1e6:,.0f}",
            hint=f"{_TIFF_TO_PARTS if found is Format.TIFF else _TO_PARTS}, or cut it first.",
            max_pixels=limits.max_whole_pixels,
            **facts,
        )


def _megapixels(size: Size) -> str:
    return f"{size.pixels / 1e6:,.0f}"


@contextmanager
def _as_damage(path: str) -> Iterator[None]:
    """What the decoder or the file system says, as our error."""
    try:
        yield
    except pyvips.Error as error:
        reason = next((line.strip() for line in error.detail.splitlines() if line.strip()), "no reason given")
        raise ImageDamaged(
            f"{path} cannot be decoded: {reason[:200]}",
            hint="It is damaged or incomplete: save or download it again.",
            path=path,
        ) from error
    except OSError as error:
        raise ImageDamaged(
            f"{path} cannot be read: {error.strerror or type(error).__name__}",
            hint="Look at the disk or the network share that it lies on.",
            path=path,
        ) from error

"""The bytes of one verified file, always by position and never by path.

libvips and Pillow both open files, and libvips maps them: a mapped file that is truncated kills the process
(SIGBUS), and a path may name another file a moment later. Here both read through ``os.pread`` on the descriptor
that was verified, each reader with a position of its own, so that many threads can read one file at once.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import pyvips

from zoomrefine_mcp.access import OpenFile
from zoomrefine_mcp.errors import ImageDamaged

_seeking = threading.Lock()  # for systems without pread, where the position belongs to the descriptor


class Readable(Protocol):
    """Bytes that are read by position.

    Attributes:
        length: How many there are.
    """

    @property
    def length(self) -> int: ...

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset``; fewer at the end.

        Raises:
            OSError: They cannot be read.
            ImageDamaged: They are made from something that is damaged.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A window on an open file: all of it, or one picture inside a container.

    Attributes:
        file: The open file. Not owned.
        start: Where the window begins, in bytes.
        length: How long it is, in bytes.
        patches: Offset in the window and bytes that are read there instead of the file's.
    """

    file: OpenFile
    start: int
    length: int
    patches: tuple[tuple[int, bytes], ...] = ()

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset`` of the window; fewer at its end.

        Raises:
            OSError: The file system failed.
        """
        count = min(count, self.length - offset)
        if count <= 0:
            return b""
        data = self._read(self.start + offset, count)
        for at, patch in self.patches:
            data = _patched(data, at - offset, patch)
        return data

    def _read(self, offset: int, count: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self.file.fd, count, offset)
        with _seeking:
            os.lseek(self.file.fd, offset, os.SEEK_SET)
            return os.read(self.file.fd, count)

    def window(self, start: int, length: int) -> FileBytes:
        """A part of this window, clipped to it, without its patches."""
        start = min(start, self.length)
        return FileBytes(self.file, self.start + start, min(length, self.length - start))


def _patched(data: bytes, at: int, patch: bytes) -> bytes:
    """``data`` with ``patch`` laid over it from ``at``, which may be before its beginning or beyond its end."""
    start, end = max(0, at), min(len(data), at + len(patch))
    return data[:start] + patch[start - at : end - at] + data[end:] if start < end else data


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What must not change while a picture is open: another size or time means that somebody wrote into it."""

    bytes: int
    modified_ns: int

    @classmethod
    def of(cls, file: OpenFile) -> Fingerprint:
        """The fingerprint as it is now."""
        now = os.fstat(file.fd)
        return cls(now.st_size, now.st_mtime_ns)

    def verify(self, file: OpenFile) -> None:
        """Refuse a file that was written to since, rather than show pixels of another picture.

        Raises:
            ImageDamaged: It was. (A file that was deleted or replaced by a rename is still the one that was opened.)
        """
        if Fingerprint.of(file) != self:
            raise ImageDamaged(
                f"{file.path} was written to while it was being read",
                hint="Ask again when the file is complete.",
                path=file.path,
            )


@dataclass(slots=True)
class _Cursor:
    """A position in what is read."""

    source: Readable
    position: int = 0

    def read(self, count: int) -> bytes:
        data = self.source.read_at(self.position, count)
        self.position += len(data)
        return data

    def seek(self, offset: int, whence: int) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.source.length}[whence]
        self.position = max(0, base + offset)
        return self.position


class PositionedFile(io.RawIOBase):
    """The window as a binary file for Pillow; it has no descriptor to hand out and no name to map."""

    def __init__(self, source: FileBytes) -> None:
        super().__init__()
        self._cursor = _Cursor(source)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._cursor.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._cursor.seek(offset, whence)

    def tell(self) -> int:
        return self._cursor.position


@contextmanager
def vips_source(data: Readable) -> Iterator[pyvips.SourceCustom]:
    """A libvips source over ``data``, to be left only when the pixels are out.

    The images made from it are lazy. A source that is collected while libvips still reads from it aborts the
    process, hence a context: pixels are copied to memory inside it.

    Raises:
        OSError: The file system failed while libvips read. (An exception cannot cross the C callback; libvips saw
            an early end instead.)
        ImageDamaged: What was to be read is made from something damaged.
    """
    cursor = _Cursor(data)
    failures: list[OSError | ImageDamaged] = []

    def read(count: int) -> bytes | None:
        try:
            return cursor.read(count)
        except (OSError, ImageDamaged) as error:
            failures.append(error)
            return None

    source = pyvips.SourceCustom()
    source.on_read(read)
    source.on_seek(cursor.seek)
    try:
        yield source
    except pyvips.Error:
        if failures:
            raise failures[0] from None
        raise
    if failures:
        raise failures[0]

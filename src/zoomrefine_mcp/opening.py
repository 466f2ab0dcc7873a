"""Opens regular files in a way that cannot lead elsewhere than a check saw. What to check is ``access.py``'s matter."""

from __future__ import annotations

import errno
import os
import stat
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import PurePath, PureWindowsPath
from unicodedata import category, normalize

from zoomrefine_mcp.errors import AccessDenied, BadRequest, ImageNotFound, InputError, NotAFile
from zoomrefine_mcp.paths import shown

MAX_LISTED = 10_000
"""Entries of a directory that are looked through for the same name spelt differently."""
MAX_COMPARED = 1_000
"""How many of them are compared with a missing name for suggestions: 0.1 s for common names."""
MAX_SUGGESTED = 3

# O_PATH (Linux) opens a directory to pass through without reading it: that needs the x permission alone.
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_PASS = _DIRECTORY | getattr(os, "O_PATH", 0)
# Nothing opened by mistake may block (a FIFO) or become the controlling terminal.
_FILE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class Place:
    """A resolved path inside an allowed directory: checked, not yet opened.

    Attributes:
        root: The allowed directory, resolved.
        names: What leads from there to the file, without links and ``..`` as far as the check saw.
    """

    root: str
    names: tuple[str, ...]


def open_beneath(place: Place) -> tuple[int, str]:
    """Open a regular file inside its allowed directory, following no link.

    Returns:
        The descriptor, which the caller owns, and the path as the file system spells it.

    Raises:
        AccessDenied: A name on the way is a link by now, or may not be read.
        ImageNotFound: Nothing is there, or what is on the way is no directory (any more).
        NotAFile: A directory, device, FIFO or socket.
    """
    path = str(PurePath(place.root, *place.names))
    try:
        if sys.platform == "win32":
            return _open_on_windows(place, path), _sendable(path)
        return _open_by_steps(place)
    except (FileNotFoundError, NotADirectoryError):
        raise _not_found(path, place.root, []) from None
    except OSError as error:
        raise _cannot_open(path, error) from None


def open_named(path: str) -> tuple[int, str]:
    """Open a regular file wherever it is, links followed.

    Returns:
        The descriptor, which the caller owns, and the path that it was found at.

    Raises:
        AccessDenied: It may not be read.
        ImageNotFound: Nothing is there.
        NotAFile: A directory, device, FIFO or socket.
    """
    try:
        fd = _open_regular(path, path)
    except (FileNotFoundError, NotADirectoryError):
        parent, name = os.path.split(path)
        raise _not_found(path, parent, _alike(name, parent or os.curdir)) from None
    except OSError as error:
        raise _cannot_open(path, error) from None
    return fd, _sendable(os.path.realpath(path))


def _open_by_steps(place: Place) -> tuple[int, str]:
    *passed, name = place.names or (os.curdir,)
    path = place.root
    directory = os.open(place.root, _PASS)
    try:
        for step in passed:
            spelled = _as_spelled(step, path, directory)
            below = os.open(spelled, _PASS, dir_fd=directory)
            os.close(directory)
            directory, path = below, str(PurePath(path, spelled))
        spelled = _as_spelled(name, path, directory)
        path = str(PurePath(path, spelled))
        return _open_regular(spelled, path, directory=directory), _sendable(path)
    finally:
        os.close(directory)


def _as_spelled(name: str, parent: str, directory: int) -> str:
    """The name as the directory spells it.

    The same name, or else the only one that differs in nothing but the kind of its spaces and the composition of its
    accents: macOS writes a narrow no-break space into the names of its screenshots, which no assistant repeats.

    Raises:
        ImageNotFound: There is neither.
    """
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        same = [entry for entry in _entries(directory) if _folded(entry) == _folded(name)]
        if len(same) == 1:
            return same[0]
        raise _not_found(str(PurePath(parent, name)), parent, _alike(name, directory)) from None
    return name


def _open_regular(name: str, path: str, *, directory: int | None = None) -> int:
    """Open a regular file: by ``name`` in ``directory`` without following a link, or wherever it is.

    What is no regular file is not even opened where that can be seen beforehand: opening wakes the writer of a FIFO,
    rewinds a tape and arms a watchdog. What counts is the second look, at the descriptor.
    """
    inside = directory is not None
    _check_kind(os.stat(name, dir_fd=directory, follow_symlinks=not inside).st_mode, path)
    fd = os.open(name, _FILE | (_NO_LINK if inside else 0), dir_fd=directory)
    try:
        _check_kind(os.fstat(fd).st_mode, path)
        if sys.platform != "win32":
            os.set_blocking(fd, True)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _open_on_windows(place: Place, path: str) -> int:
    """Open, then ask the handle where it really leads: Windows has no opening relative to a directory's descriptor.

    So a link that is swapped in after the check is opened, and closed again unread. Not run by the tests, which have
    no Windows: read it with care before relying on it.
    """
    if sys.platform != "win32":
        raise NotImplementedError
    fd = _open_regular(path, path)
    try:
        inside = PureWindowsPath(_path_of_handle(fd)).is_relative_to(place.root)
    except BaseException:
        os.close(fd)
        raise
    if not inside:
        os.close(fd)
        raise _swapped()
    return fd


def _path_of_handle(fd: int) -> str:
    r"""Where an open file really is (Windows), without the ``\\?\`` that Windows puts before it."""
    if sys.platform != "win32":
        raise NotImplementedError
    import ctypes  # noqa: PLC0415 - needed on Windows alone
    import msvcrt  # noqa: PLC0415

    path = ctypes.create_unicode_buffer(32_768)  # the longest that Windows knows
    ask = ctypes.windll.kernel32.GetFinalPathNameByHandleW
    ask.argtypes = (ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint32, ctypes.c_uint32)
    if not 0 < ask(msvcrt.get_osfhandle(fd), path, len(path), 0) < len(path):
        raise ctypes.WinError()
    return path.value.replace("\\\\?\\UNC\\", "\\\\", 1).removeprefix("\\\\?\\")


def _check_kind(mode: int, path: str) -> None:
    if stat.S_ISLNK(mode):
        raise _swapped()
    if not stat.S_ISREG(mode):
        kind = next((word for test, word in _KINDS if test(mode)), "no regular file")
        raise NotAFile(f"{shown(path)} is {kind}", hint="Give the path of a picture file.")


def _swapped() -> OSError:
    """What opening with ``O_NOFOLLOW`` says of a link."""
    return OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _cannot_open(path: str, error: OSError) -> InputError:
    if error.errno == errno.ELOOP:
        return AccessDenied(
            f"{shown(path)} is a link that is not followed: it leads in a circle, or was put there just now",
            hint="Give the path of the picture itself.",
        )
    if error.errno == errno.ENAMETOOLONG:
        return BadRequest(f"{shown(path)} is too long for its file system", hint="Give a shorter path.")
    if isinstance(error, PermissionError):
        return AccessDenied(
            f"the user whom this program runs as may not read {shown(path)}",
            hint="Give that user the right to read the file, and to pass through the directories above it.",
        )
    return AccessDenied(f"{shown(path)} cannot be opened: {error.strerror}", hint="Try again, or copy it elsewhere.")


def _not_found(path: str, parent: str, alike: list[str]) -> ImageNotFound:
    found = [str(PurePath(parent, name)) for name in alike]
    hint = f"Did you mean {' or '.join(map(shown, found))}?" if found else "Check the name and the directory."
    return ImageNotFound(f"there is no file {shown(path)}", hint=hint, alike=[_sendable(name) for name in found])


def _alike(name: str, directory: int | str) -> list[str]:
    names = [entry for entry in _entries(directory) if not entry.startswith(".") or name.startswith(".")]
    spelled = {_folded(entry).casefold(): entry for entry in names[:MAX_COMPARED]}
    return [spelled[close] for close in get_close_matches(_folded(name).casefold(), spelled, n=MAX_SUGGESTED)]


def _entries(directory: int | str) -> list[str]:
    """Some of the names in a directory; none where it may not be listed."""
    listed = -1
    try:
        if isinstance(directory, int):  # a descriptor to pass through cannot be listed itself
            listed = os.open(os.curdir, _DIRECTORY, dir_fd=directory)
        with os.scandir(directory if listed < 0 else listed) as entries:
            return [entry.name for entry in islice(entries, MAX_LISTED)]
    except OSError:
        return []
    finally:
        if listed >= 0:
            os.close(listed)


def _folded(name: str) -> str:
    return "".join(" " if category(character) == "Zs" else character for character in normalize("NFC", name))


def _sendable(path: str) -> str:
    """A path without the halves of characters that stand for bytes that are no UTF-8: no JSON can carry those."""
    return path.encode("utf-8", "backslashreplace").decode()


_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

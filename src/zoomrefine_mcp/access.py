"""Which pictures may be read at all. Hands out an open, verified descriptor, never a checked path.

A path is read (``paths.py``), resolved, checked, and then opened in a way that cannot lead elsewhere than the check
saw: from the allowed directory's own descriptor, one name at a time, following no link. Whatever is swapped in between
makes the opening fail. Where the path leads outside, nothing there is opened, and the answer is the same whether or
not anything is there.

What cannot be told: a hard link inside to a file outside is a file inside. Capital letters count in the names of
directories, also on file systems where they do not: such a path is refused, never let through.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PureWindowsPath
from types import TracebackType
from typing import Self

from zoomrefine_mcp.errors import AccessDenied, ImageNotFound, NotAFile
from zoomrefine_mcp.opening import Place, open_beneath, open_named
from zoomrefine_mcp.paths import attachment, is_attached, read_path, shown, why_too_wide

HOW_TO_ALLOW = "--allow-dir DIR (or ZOOMREFINE_ALLOW_DIRS) in the MCP host's configuration, and restart the server"


@dataclass(slots=True)
class OpenFile:
    """A regular file that was verified and is open for reading by position (``os.pread``).

    Attributes:
        fd: The descriptor. Owned: ``close`` closes it.
        path: The path as the user should see it (resolved).
    """

    fd: int
    path: str

    def close(self) -> None:
        """Close the descriptor; harmless the second time."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Access:
    """What may be read. Made by ``within`` or ``anything``.

    Attributes:
        allowed: The directories, resolved; none at all where nothing may be read; None where everything may.
        cwd: Where relative paths start.
        home: What ``~`` stands for.
        closed: Why nothing may be read; empty where something may.

    Example::

        access = Access.within(["/data/plans"], cwd=Path.cwd(), home=Path.home())
        with access.open("site/north.tif") as file:
            header = os.pread(file.fd, 16, 0)
    """

    allowed: tuple[str, ...] | None
    cwd: str = ""
    home: str = field(default="", repr=False)
    closed: str = ""

    @classmethod
    def within(cls, dirs: Sequence[str | Path], *, cwd: Path, home: Path) -> Access:
        """Allow these directories, or where none is given the working directory, unless that is too wide to be meant.

        The directories are resolved here, once. One that does not exist yet may come to exist.

        Args:
            dirs: Absolute, or relative to ``cwd``; ``~`` is the home directory.
            cwd: The working directory.
            home: This user's home directory.

        Raises:
            InputError: No path of a directory (``paths.read_path`` says why).
        """
        start, own = os.path.realpath(cwd), os.path.realpath(home)
        chosen = [text for text in map(str, dirs) if text]
        if chosen:
            named = (read_path(text, home=str(home), where="a directory") for text in chosen)
            allowed = tuple(dict.fromkeys(os.path.realpath(PurePath(start, path)) for path in named))
            return cls(allowed, start, str(home))
        if reason := why_too_wide(PurePath(start), PurePath(own)):
            return cls(
                (), start, str(home), f"The working directory {shown(start)} is not read by itself: it is {reason}."
            )
        return cls((start,), start, str(home))

    @classmethod
    def anything(cls) -> Access:
        """Allow every regular file that the user can read: for doors where the user names the file."""
        return cls(None, home=os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none

    def open(self, path: str) -> OpenFile:
        """Open a picture file. Blocks on the file system: call it in a thread.

        A relative path is looked for in the working directory and then in each allowed directory, in the order in
        which they were given: an assistant does not know where its host started the server.

        Args:
            path: A path as people, assistants and hosts write it; ``paths.read_path`` says what is understood.

        Raises:
            AccessDenied: It leads outside (whether or not anything is there), or may not be read.
            ImageNotFound: Nothing of that name inside; the hint suggests names that are alike.
            NotAFile: A directory, device, FIFO or socket, or a path that ends in a slash.
            AttachmentPath: It leads outside, to where chat hosts keep attached files.
            UrlNotSupported: An address.
            BadRequest: No path at all.
        """
        if self.closed:
            raise AccessDenied("this server may not read any directory yet", hint=f"Add {HOW_TO_ALLOW}. {self.closed}")
        named = read_path(path, home=self.home, where=self._where())
        if self.allowed is None:
            return self._open_anything(path, named)
        missing: ImageNotFound | None = None
        for candidate in self._candidates(named):
            place = self.resolve(candidate)
            if place is None:
                continue
            try:
                return _unless_a_directory_was_named(named, OpenFile(*open_beneath(place)))
            except ImageNotFound as error:
                if missing is None or (error.context["alike"] and not missing.context["alike"]):
                    missing = error
        if missing is not None:
            raise missing
        if is_attached(named, home=self.home):
            raise attachment(path, self._where())
        raise AccessDenied(
            f"{shown(path)} is not in a directory that this server may read",
            hint=f"Put the picture in {self._where()}, or add its directory with {HOW_TO_ALLOW}.",
            allowed=list(self.allowed),
        )

    def resolve(self, path: str) -> Place | None:
        """Say where inside the allowed directories an absolute path leads, or None where it leads outside.

        ``..`` takes back the name before it, as it does in an address, whatever that name is; then links are followed
        by reading them. Nothing is opened. The answer holds for this moment alone: ``open_beneath`` makes it good.
        """
        plain = os.path.normpath(path)
        if os.name == "nt" and not self._is_on_an_allowed_share(plain):
            return None
        plain = re.sub("^//+", "/", plain) if os.name == "posix" else plain
        try:
            resolved = PurePath(os.path.realpath(plain))
        except (OSError, RecursionError):  # a link that vanished while being read; a thousand links in a row
            return None
        for root in self.allowed or ():
            if resolved.is_relative_to(root):
                return Place(root, resolved.relative_to(root).parts)
        return None

    def _candidates(self, named: str) -> Sequence[str]:
        if PurePath(named).is_absolute():
            return (named,)
        return tuple(str(PurePath(start, named)) for start in dict.fromkeys((self.cwd, *(self.allowed or ()))))

    def _open_anything(self, path: str, named: str) -> OpenFile:
        try:
            return OpenFile(*open_named(named))
        except ImageNotFound:
            if is_attached(named, home=self.home) and not Path(named).parent.is_dir():
                raise attachment(path, self._where()) from None
            raise

    def _is_on_an_allowed_share(self, path: str) -> bool:
        r"""Whether a Windows path is on the drive or share of an allowed directory.

        Asked before anything else: only to look at ``\\host\share`` sends this user's credentials to that host.
        """
        drives = {PureWindowsPath(root).drive.lower() for root in self.allowed or ()}
        return PureWindowsPath(path).drive.lower() in drives

    def _where(self) -> str:
        if self.allowed is None:
            return "any directory"
        first = ", ".join(map(shown, self.allowed[:5]))
        more = f" and {len(self.allowed) - 5} more" if len(self.allowed) > 5 else ""
        return f"an allowed directory ({first}{more})"


def _unless_a_directory_was_named(named: str, file: OpenFile) -> OpenFile:
    if named.endswith(("/", os.sep, "/.")):
        file.close()
        raise NotAFile(f"{shown(named)} names a directory", hint="Leave out what follows the file's name.")
    return file

"""What a caller writes for a picture, read into a path of this machine, or refused with the reason.

Words only: nothing in this module touches the file system, so nothing it says can depend on what lies there.
``access.py`` takes the path from here and decides whether it may be opened.
"""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from pathlib import PurePath, PureWindowsPath
from urllib.parse import unquote_to_bytes

from zoomrefine_mcp.errors import AttachmentPath, BadRequest, NotAFile, UrlNotSupported

MAX_PATH_BYTES = 4096
"""Linux's PATH_MAX; macOS allows 1,024, and its own error is passed on."""
MAX_NAME_BYTES = 255
"""NAME_MAX of every common POSIX file system."""
MAX_SHOWN = 300
"""How much of a path an error repeats, in characters."""

WINDOWS = os.name == "nt"

_ATTACHED = ("/mnt/user-data/", "/mnt/data/", "/home/claude/")
"""Where chat hosts keep attached files inside their own sandbox: Claude, ChatGPT, Claude."""
_ATTACHMENT_SCHEMES = frozenset({"attachment", "sandbox", "file-service"})
_BARE_SCHEMES = frozenset({"http", "https", "ftp", "s3", "gs", "data", "blob"})
"""Addresses even without ``//``; any other word before a colon may be part of a file's name."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?")
_DRIVE = re.compile(r"[A-Za-z]:")

_RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{n}" for port in ("COM", "LPT") for n in "123456789¹²³"}
)
"""Names that Windows takes for devices in every directory, whatever suffix they carry."""

_SYSTEM = frozenset(
    {"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/proc", "/run", "/sbin", "/snap"}
    | {"/sys", "/usr", "/var", "/Applications", "/Library", "/System", "/cores", "/private/etc", "/private/var"}
)
"""Shut with all that is in them, temporary directories aside."""
_TEMPORARY = frozenset({"/var/tmp", "/var/folders", "/private/var/tmp", "/private/var/folders"})  # noqa: S108 - names
_SHARED = frozenset({"/home", "/Users", "/media", "/mnt", "/opt", "/srv", "/Volumes"})
"""Shut themselves: they hold what belongs to many. A directory in them is somebody's choice."""
_WINDOWS_SYSTEM = frozenset({"windows", "program files", "program files (x86)", "programdata"})


def read_path(text: str, *, home: str, where: str, windows: bool = WINDOWS) -> str:
    """Read a path as a person, an assistant or a host would write one.

    ``~`` is this user's home; ``~name`` is a file of that name, since the homes of others are nobody's business.
    A ``file:`` address is percent-decoded once; ``?`` and ``#`` in it are taken literally, as file names have them.

    Args:
        text: What the caller gave.
        home: The home directory.
        where: What to call the places that pictures can be read from, for hints.
        windows: Read by Windows' rules.

    Returns:
        A path, absolute or relative, neither normalized nor looked at.

    Raises:
        BadRequest: Empty, with NUL bytes, too long, or of another operating system.
        UrlNotSupported: An address instead of a path.
        AttachmentPath: A chat host's name for an attached file.
        NotAFile: A device by its very name (Windows).
    """
    scheme, slashes = _scheme(text)
    if scheme == "file":
        path = _from_file_address(text, windows)
    elif scheme == "sandbox" and is_attached(text.removeprefix("sandbox:"), home=home):
        path = text.removeprefix("sandbox:")  # a directory of that name may exist here, and be allowed
    elif scheme in _ATTACHMENT_SCHEMES:
        raise attachment(text, where)
    elif scheme in _BARE_SCHEMES or slashes:
        raise _address(scheme, where)
    else:
        path = _expanded(text, home, windows)
    _check_characters(path, windows)
    if windows:
        _check_windows(path)
    elif _looks_like_windows(path.removeprefix("/")):
        raise BadRequest(
            f"{shown(path)} is a Windows path, and this program does not run on Windows",
            hint=_wsl_hint(path.removeprefix("/")),
        )
    return path


def is_attached(path: str, *, home: str) -> bool:
    """Whether a path is where chat hosts keep attached files (unless this user lives there).

    >>> is_attached("/mnt/user-data/uploads/plan.png", home="/home/me")
    True
    >>> is_attached("/mnt/data/../../etc/passwd", home="/home/me")
    False
    """
    plain = posixpath.normpath(path.replace("\\", "/"))
    return any(plain.startswith(prefix) and not f"{home}/".startswith(prefix) for prefix in _ATTACHED)


def attachment(path: str, where: str) -> AttachmentPath:
    """The error for a file that was attached to a chat."""
    return AttachmentPath(
        f"{shown(path)} is a file attached to a chat: it exists where the chat runs, not on this machine",
        hint=f"Save the picture on this machine, in {where}, and give the path of that file.",
    )


def why_too_wide(directory: PurePath, home: PurePath) -> str:
    """Why a directory that nobody chose is too much to be read from; empty where it is not.

    >>> from pathlib import PurePosixPath
    >>> why_too_wide(PurePosixPath("/"), PurePosixPath("/home/me"))
    'the root of the file system'
    >>> why_too_wide(PurePosixPath("/home/me/plans"), PurePosixPath("/home/me"))
    ''
    """
    root = type(directory)(directory.anchor)
    if directory == root:
        return "the root of the file system"
    if directory == home:
        return "the home directory"
    if home.is_relative_to(directory):
        return "above the home directory"
    if directory.is_relative_to(home) and home != root and home.as_posix() not in _SYSTEM:
        return ""  # before the next: homes lie under /var on some systems
    return "a system directory" if _is_system(directory) else ""


def shown(path: str) -> str:
    r"""A path as a message repeats it: on one line, of bearable length, free of what a terminal would obey.

    >>> shown("a\nb")
    'a\\nb'
    """
    cut = path if len(path) <= MAX_SHOWN else f"{path[:MAX_SHOWN]}... ({len(path):,} characters)"
    return "".join(map(_visible, cut))


def _scheme(text: str) -> tuple[str, bool]:
    match = _SCHEME.match(text)
    return (match[1].lower(), match[2] is not None) if match else ("", False)


def _expanded(text: str, home: str, windows: bool) -> str:
    if text == "~" or text.startswith(("~/", "~\\") if windows else "~/"):
        return home + text[1:]
    return text


def _from_file_address(text: str, windows: bool) -> str:
    rest = text[len("file:") :]
    host = ""
    if rest.startswith("//"):
        host, _, rest = rest[2:].partition("/")
        if windows and _DRIVE.fullmatch(host):  # file://C:/plan.png, a slash short but common
            return _percent_decoded(f"{host}/{rest}")
        rest = f"/{rest}"
    if not rest.startswith("/"):
        raise BadRequest("a file: address holds an absolute path", hint="Write file:///directory/picture.png.")
    path = _percent_decoded(rest)
    if host.lower() not in {"", "localhost"}:
        if windows:
            return f"//{host}{path}"
        raise UrlNotSupported(
            f"the file: address names the machine {shown(host)!r}, and only files of this machine are read",
            hint="Write file:///directory/picture.png with three slashes, or a plain path.",
        )
    return path.removeprefix("/") if windows and _DRIVE.match(path, 1) else path


def _percent_decoded(text: str) -> str:
    try:
        return os.fsdecode(unquote_to_bytes(text))
    except UnicodeError:
        raise _not_encodable() from None


def _address(scheme: str, where: str) -> UrlNotSupported:
    # Never the address itself: it may hold a password or a signature.
    if scheme == "data":
        what, save = "picture data was given instead of a path", "Save the data as a file in"
    else:
        what, save = f"{scheme}: addresses are not read: this program fetches nothing", "Download the picture into"
    return UrlNotSupported(what, hint=f"{save} {where}, and give the path of that file.", scheme=scheme)


def _check_characters(path: str, windows: bool) -> None:
    if not path.strip():
        raise BadRequest("the path of the picture is empty", hint="Give the path of a picture file on this machine.")
    if "\0" in path:
        raise BadRequest("the path holds a NUL byte", hint="Give the path as the file manager shows it.")
    try:
        encoded = os.fsencode(path)
    except UnicodeError:
        raise _not_encodable() from None
    longest = 0 if windows else max(map(len, encoded.split(b"/")))
    if len(encoded) > MAX_PATH_BYTES or longest > MAX_NAME_BYTES:
        raise BadRequest(
            f"the path is too long: at most {MAX_PATH_BYTES:,} bytes, and {MAX_NAME_BYTES} for each name in it",
            hint="Give the path of a picture file, not the picture's data.",
        )


def _not_encodable() -> BadRequest:
    return BadRequest("the path holds characters that no file name can have", hint="Give the path in plain Unicode.")


def _looks_like_windows(path: str) -> bool:
    return path.startswith("\\\\") or bool(re.match(r"[A-Za-z]:[\\/]", path))


def _wsl_hint(path: str) -> str:
    if path.startswith("\\\\"):
        return "Mount the share, and give the path under the mount point."
    mounted = f"/mnt/{path[0].lower()}/{path[3:]}".replace("\\", "/")
    return f"Give the path as this machine names it; under WSL that is {shown(mounted)}."


def _check_windows(path: str) -> None:
    plain = path.replace("/", "\\")
    if plain.startswith(("\\\\?\\", "\\\\.\\", "\\??\\")):
        raise _device(path, "Write the path with its drive letter, as in C:\\plans\\one.png.")
    drive, rest = PureWindowsPath(plain).drive, plain
    if drive:
        rest = plain[len(drive) :]
        if not rest.startswith("\\"):
            raise BadRequest(
                f"{shown(path)} depends on the drive's own directory", hint=f"Write {drive}\\ and the path."
            )
    if ":" in rest:
        raise BadRequest(f"{shown(path)} has a colon after the drive", hint="Name the file itself, not a stream of it.")
    if any(name.split(".")[0].rstrip(" ").upper() in _RESERVED for name in rest.split("\\")):
        raise _device(path, "Give the path of a picture file.")


def _device(path: str, hint: str) -> NotAFile:
    return NotAFile(f"{shown(path)} is the name of a device", hint=hint)


def _is_system(directory: PurePath) -> bool:
    if isinstance(directory, PureWindowsPath):
        names = [name.lower() for name in directory.parts[1:]]
        return names == ["users"] or names[0] in _WINDOWS_SYSTEM
    above = [parent.as_posix() for parent in directory.parents]
    if not _TEMPORARY.isdisjoint(above):
        return False
    here = directory.as_posix()
    return here in _SHARED or not _SYSTEM.isdisjoint([here, *above])


def _visible(character: str) -> str:
    # Spaces of every kind stay: a name that is suggested must be one that can be copied.
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode("ascii")

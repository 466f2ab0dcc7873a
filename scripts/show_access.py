"""Shows at the level of system calls that nothing outside the allowed directories is opened.

Lays out a small world (an allowed directory, forbidden files beside it, links, pipes, devices), asks for a batch of
hostile paths in a process that runs under strace, and reads the log: each path with its code, and every attempt to
open something forbidden, of which there must be none. Meanwhile a directory inside is swapped for a link to the
outside and back, as fast as it goes.

    python scripts/show_access.py                           # asks Access.open itself
    python scripts/show_access.py --command zoomrefine-mcp serve --allow-dir {allowed}      # asks an MCP server

Exit code 0: as it should be; 1: something was opened, or a code is not the expected one; 4: strace cannot run here.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SWAPS_ASKED = 300
OPENS = frozenset(
    {"open", "openat", "openat2", "creat", "open_by_handle_at", "name_to_handle_at", "execve", "execveat"}
)
CANNOT_TRACE = 4

_CALL = re.compile(
    r"^(?P<name>\w+)\("
    r"(?:(?:AT_FDCWD|\d+)(?:<(?P<base>[^>]*)>)?, )?"
    r'"(?P<path>(?:[^"\\]|\\.)*)"'
    r"(?P<rest>.*)\) = (?P<result>-?\d+|\?)(?:<(?P<got>[^>]*)>)?(?: (?P<error>E\w+))?"
)


@dataclass(frozen=True)
class Case:
    """A path to ask for, what kind it is, and the codes of which one must come back."""

    kind: str
    path: str
    codes: frozenset[str]


@dataclass(frozen=True)
class Call:
    """One system call on a named file: what it named, and what it got."""

    name: str
    named: str
    got: str
    error: str
    rest: str

    @property
    def opens(self) -> bool:
        return self.name in OPENS


@dataclass(frozen=True)
class World:
    """The allowed directory, what is forbidden, and the paths to ask for."""

    allowed: Path
    forbidden: tuple[str, ...]
    cases: tuple[Case, ...]


Door = Callable[["subprocess.Popen[str]", Sequence[str]], Iterator[str]]
"""Asks a running process for paths, and yields the code of each: ``ok`` where it was opened."""


def build(base: Path) -> World:
    """Lay out the world under ``base``."""
    allowed, outside, alike = base / "data", base / "outside", base / "data-secret"
    for directory in (allowed / "plans", allowed / "swap", outside, alike):
        directory.mkdir(parents=True)
    for path in (allowed / "plan.png", allowed / "plans" / "north.png", allowed / "swap" / "plan.png"):
        path.write_bytes(_png(64, 64))
    for path in (outside / "plan.png", alike / "plan.png"):
        path.write_bytes(_png(32, 32))
    links = {
        "file": "../outside/plan.png",
        "nothing": "../outside/missing.png",
        "directory": "../outside",
        "root": "/",
        "inside": "plans/north.png",
        "circle": "circle",
        "aside": "../outside",
    }
    for name, target in links.items():
        (allowed / name).symlink_to(target)
    os.mkfifo(allowed / "pipe")
    os.mkfifo(outside / "pipe")
    rows = {
        "allowed": ("ok", [f"{allowed}/plan.png", "plan.png", f"file://{allowed}/plan.png", f"{allowed}/inside"]),
        "missing inside": ("image_not_found", [f"{allowed}/plam.png", f"{allowed}/none/plan.png"]),
        "outside": ("access_denied", [f"{outside}/plan.png", f"{outside}/missing.png", "/etc/shadow", "/etc/missing"]),
        "traversal": ("access_denied", [f"{allowed}/../outside/plan.png", "../outside/plan.png", "../outside/none"]),
        "encoded": ("access_denied", [f"file://{allowed}/%2e%2e/outside/plan.png"]),
        "look-alike": ("access_denied", [f"{alike}/plan.png", f"{alike}/missing.png"]),
        "link out": (
            "access_denied",
            [f"{allowed}/{path}" for path in ("file", "nothing", "directory/plan.png", "root/etc/shadow", "circle")],
        ),
        "magic link": ("access_denied", ["/proc/self/root/etc/shadow", f"/proc/self/cwd/../..{outside}/plan.png"]),
        "no file": ("not_a_file", [f"{allowed}/pipe", f"{allowed}/plans", f"{allowed}/plan.png/", str(allowed)]),
        "device": ("access_denied", ["/dev/zero", "/dev/watchdog", f"{outside}/pipe", f"{allowed}/root/dev/zero"]),
        "malformed": ("bad_request", ["", f"{outside}/plan.png\0.png", "x" * 300, "d/" * 3000, "C:\\secret.png"]),
        "address": ("url_not_supported", ["https://example.org/a.png", "s3://b/a.png", "data:image/png;base64,AAAA"]),
        "attachment": ("attachment_path", ["/mnt/user-data/uploads/a.png", "sandbox:/mnt/data/a.png"]),
    }
    cases = [Case(kind, path, frozenset({code})) for kind, (code, paths) in rows.items() for path in paths]
    swapped = frozenset({"ok", "image_not_found", "access_denied"})
    cases += [Case("swapped", f"{allowed}/swap/plan.png", swapped)] * SWAPS_ASKED
    cases.append(Case("alive", f"{allowed}/plan.png", frozenset({"ok"})))
    forbidden = (str(outside), str(alike), "/etc/shadow", "/etc/missing", "/dev/zero", "/dev/watchdog")
    return World(allowed, forbidden, tuple(cases))


def trace(
    argv: Sequence[str], paths: Sequence[str], door: Door, *, cwd: Path, logs: Path
) -> tuple[list[str], list[Call]]:
    """Run ``argv`` under strace, ask it for the paths, and return their codes and every call on a named file."""
    strace = [
        "strace",
        "-ff",
        "-qq",
        "-y",
        "-s",
        "65536",
        "-e",
        "trace=%file,?open_by_handle_at",
        "-o",
        str(logs / "log"),
    ]
    with subprocess.Popen(
        [*strace, *argv], cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as child:
        codes = list(door(child, paths))
        if child.stdin is not None:
            child.stdin.close()
    log = (call for file in sorted(logs.iterdir()) for call in read_log(file.read_text(errors="replace").splitlines()))
    return codes, list(log)


def read_log(lines: Iterable[str]) -> Iterator[Call]:
    """Read strace's lines (with ``-y``, so that descriptors carry their paths) into calls.

    >>> line = 'openat(3</data>, "a.png", O_RDONLY|O_NOFOLLOW) = -1 ELOOP (Too many levels of symbolic links)'
    >>> [(call.name, call.named, call.error) for call in read_log([line])]
    [('openat', '/data/a.png', 'ELOOP')]
    """
    for line in lines:
        found = _CALL.match(line)
        if found:
            named = os.path.normpath(os.path.join(found["base"] or "", found["path"]))  # noqa: PTH118 - words, not files
            yield Call(found["name"], named, found["got"] or "", found["error"] or "", found["rest"])
        elif re.match(r"\w*open\w*\(", line):
            raise ValueError(f"a call that opens something and cannot be read: {line[:200]}")


def touching(calls: Iterable[Call], places: Sequence[str]) -> list[Call]:
    """The calls that named something in these places, or that got something there by whatever name."""
    return [call for call in calls if any(_is_in(path, place) for path in (call.named, call.got) for place in places)]


def ask_child(child: subprocess.Popen[str], paths: Sequence[str]) -> Iterator[str]:
    """Ask this script's own ``--child``: a JSON string a line, a code a line."""
    for path in paths:
        yield _exchange(child, path)


def ask_server(child: subprocess.Popen[str], paths: Sequence[str]) -> Iterator[str]:
    """Ask an MCP server over stdio, through its tool ``view_region``."""
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "show-access", "version": "0"}}
    _request(child, 0, "initialize", about)
    _send(child, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    for number, path in enumerate(paths, 1):
        reply = _request(child, number, "tools/call", {"name": "view_region", "arguments": {"image_path": path}})
        result = reply.get("result", {})
        yield str(result.get("_meta", {}).get("code", "no code")) if result.get("isError", True) else "ok"


def serve_child(allowed: str) -> None:
    """Open what is asked for, and say the code of each: the process under strace."""
    sys.path.insert(0, str(ROOT / "src"))
    from zoomrefine_mcp.access import Access  # noqa: PLC0415 - the parent does without the package
    from zoomrefine_mcp.errors import ZoomRefineError  # noqa: PLC0415

    access = Access.within([allowed], cwd=Path(allowed), home=Path("/nonexistent"))
    for line in sys.stdin:
        try:
            access.open(json.loads(line)).close()
            code = "ok"
        except ZoomRefineError as error:
            code = error.code
        print(json.dumps(code), flush=True)


@contextmanager
def swapping(allowed: Path) -> Iterator[None]:
    """Swap the directory ``swap`` for a link to the outside and back, as fast as it goes."""
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for here, aside in (("real", "aside"), ("aside", "real")):
                (allowed / "swap").rename(allowed / here)
                (allowed / aside).rename(allowed / "swap")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def report(world: World, codes: Sequence[str], calls: Sequence[Call]) -> bool:
    """Print what was asked, answered and opened; say whether all is as it should be."""
    wrong = [(case, code) for case, code in zip(world.cases, codes, strict=True) if code not in case.codes]
    told = [(case, code) for case, code in zip(world.cases, codes, strict=True) if case.kind != "swapped"]
    for case, code in told:
        print(f"{case.kind:15} {code:18} {_brief(case.path)}")
    swapped = Counter(code for case, code in zip(world.cases, codes, strict=True) if case.kind == "swapped")
    print(f"{'swapped':15} {', '.join(f'{code} {count}' for code, count in swapped.most_common())}")

    opens = [call for call in calls if call.opens]
    inside = touching(opens, [str(world.allowed)])
    refused = sum(call.error in {"ENOTDIR", "ELOOP"} and call.named == f"{world.allowed}/swap" for call in inside)
    print(f"\n{len(calls):,} calls on named files, {len(opens):,} of them open something, {len(inside):,} inside.")
    print(f"Swapped for a link between check and opening, and not followed: {refused} times.")
    attempts = touching(opens, world.forbidden)
    looks = Counter(call.name for call in touching(calls, world.forbidden) if not call.opens)
    print(f"Forbidden places looked at by name, to resolve links: {dict(looks)}.")
    print(f"Attempts to open anything in {', '.join(world.forbidden)}: {len(attempts)}.")
    for call in attempts:
        print(f"  {call.name} {call.named}{call.rest} -> {call.got or call.error}")
    for case, code in wrong:
        print(f"WRONG: {_brief(case.path)} gave {code}, not {' or '.join(sorted(case.codes))}")
    if not inside:
        print("WRONG: the log shows no opening inside either, so it proves nothing")
    print("FAILED" if attempts or wrong or not inside else "nothing outside was opened")
    return not attempts and not wrong and bool(inside)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration; the exit code is its outcome."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--command", nargs=argparse.REMAINDER, help="an MCP server; {allowed} is its directory")
    parser.add_argument("--child", metavar="DIR", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        serve_child(options.child)
        return 0
    if (why := _why_no_trace()) is not None:
        print(f"cannot show it here: {why}", file=sys.stderr)
        return CANNOT_TRACE
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as logs:
        world = build(Path(name).resolve())
        command, door = [sys.executable, "-P", str(Path(__file__).resolve()), "--child", "{allowed}"], ask_child
        if options.command:
            program, *arguments = options.command
            command, door = [os.path.abspath(shutil.which(program) or program), *arguments], ask_server  # noqa: PTH100 - resolving would leave a virtual environment
        command = [part.replace("{allowed}", str(world.allowed)) for part in command]
        paths = [case.path for case in world.cases]
        with swapping(world.allowed):
            codes, calls = trace(command, paths, door, cwd=world.allowed, logs=Path(logs))
        return 0 if report(world, codes, calls) else 1


def _why_no_trace() -> str | None:
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt-get install strace)"
    tried = subprocess.run(["strace", "-qq", "-e", "trace=openat", "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"strace may not trace: {tried.stderr.strip()[:200]}"


def _exchange(child: subprocess.Popen[str], message: Any) -> Any:
    _send(child, message)
    return _receive(child)


def _request(child: subprocess.Popen[str], number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
    _send(child, {"jsonrpc": "2.0", "id": number, "method": method, "params": params})
    while True:
        message: dict[str, Any] = _receive(child)
        if message.get("id") == number:
            return message


def _send(child: subprocess.Popen[str], message: Any) -> None:
    if child.stdin is None:
        raise RuntimeError("the process has no stdin")
    child.stdin.write(json.dumps(message) + "\n")
    child.stdin.flush()


def _receive(child: subprocess.Popen[str]) -> Any:
    line = child.stdout.readline() if child.stdout is not None else ""
    if not line:
        raise RuntimeError("the process ended before it answered")
    return json.loads(line)


def _is_in(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _brief(path: str) -> str:
    text = json.dumps(path)
    return text if len(text) <= 100 else f"{text[:80]}... ({len(path):,} characters)"


def _png(width: int, height: int) -> bytes:
    """A grey picture, written by hand: the script needs no imaging library."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


if __name__ == "__main__":
    sys.exit(main())

"""The command line: the one place that prints."""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import anyio

from zoomrefine_mcp.access import Access
from zoomrefine_mcp.app import App, ocr_is_installed, open_app
from zoomrefine_mcp.backends.endpoints import choose_endpoint
from zoomrefine_mcp.backends.profiles import PROFILES, chosen_profile, profile_for
from zoomrefine_mcp.backends.profiles.checks import CHECKS
from zoomrefine_mcp.backends.profiles.listing import check_of, check_table, details, facts_of, table
from zoomrefine_mcp.bench import Event
from zoomrefine_mcp.errors import BadRequest, InternalError, ZoomRefineError
from zoomrefine_mcp.logs import log_to_stderr
from zoomrefine_mcp.results import ErrorResult, LocalizeResult, LookInfo, RegionInfo, ZoomResult
from zoomrefine_mcp.safe_text import one_line, sendable
from zoomrefine_mcp.settings import COMMAND_TIMEOUT_S, TOOL_TIMEOUT_S, Settings, help_of, misspelt_variables

log = logging.getLogger(__name__)

INTERRUPTED = 130
"""The shell's exit code for Ctrl-C."""

SHARED_SETTINGS = (
    "backend",
    "model",
    "base_url",
    "profile",
    "box_convention",
    "profile_file",
    "view_edge",
    "budget",
    "timeout_s",
    "max_tokens",
    "save_dir",
    "max_megapixels",
    "max_file_mb",
    "script",
)
"""The settings that every command takes as flags. ``Settings`` reads their values, so it alone says what is wrong."""

PROFILE_SETTINGS = ("backend", "model", "profile", "box_convention", "profile_file")
"""The settings that decide which profile holds."""

ABOUT = """\
Answers questions about details in very large pictures: looks at the whole, zooms into the region that matters, looks
again. Without arguments it serves MCP on stdio. Keys are read from the environment only (OPENAI_API_KEY,
ANTHROPIC_API_KEY, ZOOMREFINE_API_KEY), so that no process list shows them."""


_TAKEN_BY = {"--allow-dir": "serve and doctor", "--policy": "ask, serve and doctor"}
"""Settings that not every command takes, and which do."""


class _Parser(argparse.ArgumentParser):
    """Turns a usage error into one of ours, so that it is reported like every other."""

    def error(self, message: str) -> NoReturn:
        raise BadRequest(message, hint=f"See `{self.prog} --help`.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 answered (or all is well), 2 bad input, 3 the backend failed."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter costs no answer
    try:
        options = _options(arguments)
        settings = _settings(options)
        serves = options.command in (None, "serve")
        log_to_stderr(logging.INFO if serves else logging.WARNING)
        if options.command != "doctor":  # which has a row for it
            for said in misspelt_variables():
                log.warning("%s", said)
        if serves:
            return _serve(settings)
        if options.command == "profiles":
            return _profiles(options, settings)
        if options.command == "doctor":
            return anyio.run(_doctor, options, settings)
        return anyio.run(_answer, options, settings)
    except ZoomRefineError as error:
        return _fail(error, as_json="--json" in arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads the output, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as defect:
        log.exception("an internal error")
        internal = InternalError(
            f"something failed unexpectedly ({type(defect).__name__})", hint="The log on stderr holds the details."
        )
        return _fail(internal, as_json="--json" in arguments)


def _parser() -> argparse.ArgumentParser:
    # SUPPRESS: a flag that a subcommand was not given must not undo the same flag given before it.
    shared = _Parser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    for name in SHARED_SETTINGS:
        _add_setting(shared, name)

    asking = _Parser(add_help=False, allow_abbrev=False)
    asking.add_argument("image", help="path of the picture")
    asking.add_argument("--page", type=int, help="page or frame, from 1; else all of a PDF, the first of other files")
    asking.add_argument("--json", action="store_true", help="print one JSON object")

    parser = _Parser(prog="zoomrefine-mcp", allow_abbrev=False, description=ABOUT, parents=[shared])
    parser.add_argument("--version", action="version", version=f"zoomrefine-mcp {version('zoomrefine-mcp')}")
    _add_setting(parser, "policy")
    _add_allow_dir(parser, 1)  # one each time: what follows may be the command
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    serve = commands.add_parser(
        "serve", allow_abbrev=False, parents=[shared], help="the MCP server on stdio (also without a command)"
    )
    _add_setting(serve, "policy")
    _add_allow_dir(serve, "+")
    ask = commands.add_parser(
        "ask", allow_abbrev=False, parents=[shared, asking], help="answer a question about a picture"
    )
    ask.add_argument("question", help="what to ask about it, in words")
    _add_setting(ask, "policy")
    ask.add_argument("--choice", action="append", default=[], metavar="TEXT", help="an option; repeat for each")
    localize = commands.add_parser(
        "localize", allow_abbrev=False, parents=[shared, asking], help="find something in a picture"
    )
    localize.add_argument("question", help="what to find")
    localize.add_argument("--precision", choices=("sharp", "quick"), default="sharp")
    profiles = commands.add_parser(
        "profiles",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        help="what is known of each model family, or with --model what holds for one model",
    )
    for name in PROFILE_SETTINGS:
        _add_setting(profiles, name)
    profiles.add_argument("--checks", action="store_true", default=False, help="hold them against published values")
    profiles.add_argument("--json", action="store_true", default=False, help="print JSON")
    doctor = commands.add_parser(
        "doctor",
        allow_abbrev=False,
        parents=[shared],
        help="what works and what has to be mended: settings, servers, the model and what it sees",
    )
    _add_setting(doctor, "policy")
    _add_allow_dir(doctor, "+")
    doctor.add_argument("--tries", type=_tries, default=10, help="how many test cards a model is shown, 1 to 100")
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    options, unknown = _parser().parse_known_args(arguments)
    if unknown:
        raise _unknown(unknown, options.command)
    return options


def _unknown(words: Sequence[str], command: str | None) -> BadRequest:
    """Of arguments that a command does not take; named without what may be their values, which may be a key."""
    flags = [word.partition("=")[0] for word in words if word.startswith("-")]
    hint = f"See `zoomrefine-mcp {command} --help`." if command else "See `zoomrefine-mcp --help`."
    if flags and flags[0] in _TAKEN_BY:
        return BadRequest(f"only {_TAKEN_BY[flags[0]]} take {flags[0]}", hint=hint)
    if any(word in flag.lower() for flag in flags for word in ("key", "token", "secret", "password")):
        hint += " Keys are read from the environment, since every process list shows flags."
    message = f"unknown arguments: {', '.join(flags)}" if flags else "there are more arguments than it takes"
    return BadRequest(message, hint=hint)


def _tries(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 100):
        raise argparse.ArgumentTypeError("it takes a whole number from 1 to 100")
    return int(text)


def _add_setting(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(f"--{name.replace('_', '-')}", default=argparse.SUPPRESS, help=help_of(name))


def _add_allow_dir(parser: argparse.ArgumentParser, nargs: int | str) -> None:
    parser.add_argument(
        "--allow-dir",
        dest="allow_dirs",
        action="extend",
        nargs=nargs,
        default=argparse.SUPPRESS,
        metavar="DIR",
        help=help_of("allow_dirs"),
    )


def _settings(options: argparse.Namespace) -> Settings:
    given = {name: getattr(options, name, None) for name in Settings.model_fields}
    return Settings(**{name: value for name, value in given.items() if value is not None})


def _serve(settings: Settings) -> int:
    # Imported here: the commands that only ask need no protocol.
    from zoomrefine_mcp.server.server import make_server  # noqa: PLC0415
    from zoomrefine_mcp.server.stdio import serve_stdio  # noqa: PLC0415

    try:  # said at the start, and by every question: hosts show a tool's error, and hide why a server ended
        choose_endpoint(settings, ocr_installed=ocr_is_installed())
        chosen_profile(settings, settings.model or "", wire="openai")
    except ZoomRefineError as error:
        log.warning("questions will be refused: %s: %s", error.code, error.told)
    access = Access.within(settings.allow_dirs, cwd=Path.cwd(), home=Path.home())
    server = make_server(
        lambda: open_app(settings, access=access, timeout_s=TOOL_TIMEOUT_S), version=version("zoomrefine-mcp")
    )
    for directory in settings.allow_dirs:
        if not directory.is_dir():
            log.warning("--allow-dir %s: there is no such directory yet", directory)
    if sys.stdin.isatty():
        print("serving MCP on stdin and stdout; Ctrl-C ends it. See `zoomrefine-mcp ask --help`.", file=sys.stderr)
    anyio.run(serve_stdio, server)
    return 0


def _profiles(options: argparse.Namespace, settings: Settings) -> int:
    if options.checks:
        lines, facts = check_table(), [check_of(check) for check in CHECKS]
    elif any(getattr(options, name, None) is not None for name in PROFILE_SETTINGS):
        wire = settings.backend if settings.backend in {"anthropic", "ocr"} else "openai"
        profile = chosen_profile(settings, settings.model or "", wire=wire)
        lines, facts = details(profile), [facts_of(profile)]
        own_word = settings.profile or settings.box_convention
        if settings.model and not own_word and profile_for(settings.model, wire="openai").name == "unknown":
            held = {"unknown": "the paper's convention holds", "claude": "what is common to Claude's models holds"}
            if profile.name in held:
                what = held[profile.name]
                lines[:0] = [f"No family's pattern fits this name, so {what}; name one with --profile.", ""]
    else:
        lines, facts = table(PROFILES.values()), [facts_of(profile) for profile in PROFILES.values()]
    print(json.dumps(facts, indent=2) if options.json else "\n".join(map(one_line, lines)), flush=True)
    return 0


async def _doctor(options: argparse.Namespace, settings: Settings) -> int:
    from zoomrefine_mcp import doctor  # noqa: PLC0415  loads both wires, which the other commands need not pay for

    def tell(step: str) -> None:
        print(one_line(step), file=sys.stderr)

    diagnosis = await doctor.diagnose(settings, tries=options.tries, tell=tell)
    if options.json:
        print(json.dumps(sendable(diagnosis.as_json()), indent=2))
    else:
        width = min(160, shutil.get_terminal_size((118, 24)).columns)
        print("\n".join(doctor.table(diagnosis, width=width)))
    return diagnosis.exit_code


async def _answer(options: argparse.Namespace, settings: Settings) -> int:
    async with open_app(settings, access=Access.anything(), timeout_s=COMMAND_TIMEOUT_S) as app:
        result = await _COMMANDS[options.command](app, options)
    if options.json:
        print(json.dumps(sendable(result.model_dump(mode="json")), indent=2))
    else:
        print("\n".join(_told(result)))
    return 0


async def _ask(app: App, options: argparse.Namespace) -> ZoomResult:
    return await app.zoom_and_refine(
        options.image, options.question, options.choice or None, page=options.page, report=_report
    )


async def _localize(app: App, options: argparse.Namespace) -> LocalizeResult:
    return await app.localize_region(
        options.image, options.question, precision=options.precision, page=options.page, report=_report
    )


_COMMANDS: dict[str, Callable[[App, argparse.Namespace], Awaitable[ZoomResult | LocalizeResult]]] = {
    "ask": _ask,
    "localize": _localize,
}


def _report(event: Event) -> None:
    print(one_line(f"{event.stage}: {event.message}"), file=sys.stderr)


def _fail(error: ZoomRefineError, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(ErrorResult.of(error).model_dump()))
    print(one_line(f"{error.code}: {error.told}"), file=sys.stderr)
    return error.exit_code


def _told(result: ZoomResult | LocalizeResult) -> list[str]:
    image = result.image
    which = f"page {image.page} of " if image.page is not None else ""
    page = f", {which}{image.pages}{'' if which else ' pages'}" if image.pages > 1 else ""
    rows: list[tuple[str, str]] = [
        ("picture", f"{image.path} ({image.width} x {image.height}{page})"),
        ("view", f"{image.view.width} x {image.view.height}, to {_backend(result)}"),
    ]
    if isinstance(result, ZoomResult):
        rows.append(("preliminary", _worded(result.preliminary_answer, result.preliminary_choice, _UNREAD)))
    rows += [(f"look {number}", _look_row(look)) for number, look in enumerate(result.trace, start=1)]
    rows += [row for region in result.regions for row in _region_rows(region)]
    if isinstance(result, ZoomResult):
        rows.append(("answer", _worded(result.answer, result.choice) + (" (changed)" if result.changed else "")))
    else:
        rows.append(("found", "yes" if result.found else "no"))
    rows.append(("status", result.status + (f" ({result.status_reason})" if result.status_reason else "")))
    rows.append(("searched", f"{result.searched:.0%} of the picture seen at a readable scale"))
    about = None if result.about and result.about in (result.explanation or "") else result.about
    optional = (("why", result.explanation), ("about", about), ("overlay", result.overlay_path))
    rows += [(name, text) for name, text in optional if text]
    rows += [("warning", text) for text in result.warnings]
    return [f"{name:<12} {one_line(text)}" for name, text in rows]


def _backend(result: Any) -> str:
    return (
        f"{result.backend} {result.model} at {result.sent_to}"
        if result.model
        else f"{result.backend}, {result.sent_to}"
    )


def _region_rows(region: RegionInfo) -> list[tuple[str, str]]:
    label = f" {region.label}" if region.label else ""
    page = f"page {region.page}, " if region.page is not None else ""
    rows = [("region", f"{page}{region.pixels} px, centre {region.point}{label}")]
    if region.crop is not None:
        crop = region.crop
        saved = f", saved as {crop.path}" if crop.path else ""
        rows.append(("crop", f"{crop.pixels} px, sent as {crop.width} x {crop.height} {crop.mime_type}{saved}"))
    return rows


def _look_row(look: LookInfo) -> str:
    """One look in a line: what was shown and why, what came of it, what it cost."""
    places = [f"page {one.page} {one.pixels}" if one.page else f"{one.pixels}" for one in look.pictures]
    shown = ", ".join(places[:3])
    more = f" and {len(look.pictures) - 3} more" if len(look.pictures) > 3 else ""
    cost = f", {look.input_tokens + look.output_tokens} tokens" if look.input_tokens else ""
    said = _worded(look.answer, look.choice, "no answer")
    return f"{look.stage}, {look.why}: {shown}{more}: {look.evidence}, {said}{cost}, {look.seconds:.1f} s"


_UNREAD = "(none: it could not be made out)"
"""In place of the first look's answer where it gave none."""


def _worded(answer: str | None, choice: str | None, nothing: str = "(no answer: see why)") -> str:
    if answer is None:
        return f"{choice}. (abstains)" if choice else nothing
    return f"{choice}. {answer}" if choice else answer

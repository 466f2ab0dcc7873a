"""What can be known without asking anybody: the settings, where the keys go, the directories, the text reader."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from zoomrefine_mcp.access import HOW_TO_ALLOW, Access
from zoomrefine_mcp.backends.endpoints import OCR_INSTALL, Endpoint
from zoomrefine_mcp.backends.profiles import chosen_profile
from zoomrefine_mcp.doctor.checks import BAD_SETTINGS, Check, Status, failed, ok, skipped, warned
from zoomrefine_mcp.errors import InputError
from zoomrefine_mcp.settings import Settings, env_name, flag_name, misspelt_variables

BAD_DIRECTORY = "bad_directory"


def settings_as_read(settings: Settings) -> Check:
    """Every setting that is not its default. No key, and no address: the one that counts is the backend's."""
    set_to = [
        f"{flag_name(name)} {_shown(value)}"
        for name in Settings.model_fields
        if flag_name(name) is not None
        and name != "base_url"
        and (value := getattr(settings, name)) != Settings.model_fields[name].default
    ]
    if settings.base_url:
        set_to.insert(0, "--base-url (see backend)")
    try:
        chosen_profile(settings, settings.model or "", wire="openai")
    except InputError as error:  # a profile, or a file of facts, that there is not
        return failed("settings", error.message, error.hint, error.code, exit_code=BAD_SETTINGS)
    finding = f"Set: {', '.join(set_to)}." if set_to else "Nothing is set: every default holds."
    misspelt = misspelt_variables()
    if misspelt:
        advice = "Correct the variable's name, or remove it."
        return warned("settings", f"{finding} {' '.join(misspelt)}", advice, "unknown_variable")
    return ok("settings", finding)


def keys_as_read(settings: Settings, endpoint: Endpoint | None) -> Check:
    """Which secrets are set and where each would go: by name, never by value.

    Args:
        settings: As read.
        endpoint: Where questions go; None where the settings do not say.
    """
    going = _going(endpoint)
    secrets = {
        env_name(name): value
        for name in Settings.model_fields
        if isinstance(value := getattr(settings, name), SecretStr)
    }
    told = []
    for variable, secret in secrets.items():
        goes = endpoint is not None and (any(secret is one for one in going) or _is_headers(variable, endpoint))
        told.append(f"{variable} is set and goes {f'to {endpoint.address}' if goes and endpoint else 'nowhere'}")
    return ok("keys", f"{'; '.join(told)}." if told else "None is set.")


def directories(settings: Settings, *, cwd: Path, home: Path) -> Check:
    """Whether the server can read the directories that it may read."""
    name = "directories"
    try:
        access = Access.within(settings.allow_dirs, cwd=cwd, home=home)
    except InputError as error:
        return failed(name, error.message, error.hint, error.code, exit_code=BAD_SETTINGS)
    if access.closed:
        finding = f"The server may read nothing yet. {access.closed} Commands such as ask read any file that you name."
        return warned(name, finding, f"Add {HOW_TO_ALLOW}.", "no_directory")
    allowed = access.allowed or ()
    bad = [f"{path} {why}" for path in allowed if (why := _why_unreadable(Path(path)))]
    if not bad:
        default = "" if settings.allow_dirs else " (the working directory, since none is named)"
        return ok(name, f"The server may read {_joined(allowed)}{default}.")
    finding = f"{_joined(bad)}."
    advice = "Correct --allow-dir (ZOOMREFINE_ALLOW_DIRS), or make the directory readable."
    if len(bad) < len(allowed):
        return warned(name, finding, advice, BAD_DIRECTORY)
    return failed(name, finding, advice, BAD_DIRECTORY, exit_code=BAD_SETTINGS)


def save_directory(settings: Settings) -> Check:
    """Whether crops and overlays can be written. Makes nothing."""
    name, directory = "save_dir", settings.save_dir
    if directory is None:
        return skipped(name, "Crops and overlays are not saved: no --save-dir.")
    there = next((path for path in (directory, *directory.absolute().parents) if path.exists()), directory)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return ok(name, f"Crops and overlays are saved in {directory}.")
    what = f"{directory} cannot be written to." if there == directory else f"{directory} cannot be made."
    advice = "Give --save-dir (ZOOMREFINE_SAVE_DIR) a directory that may be written to."
    return failed(name, what, advice, BAD_DIRECTORY, exit_code=BAD_SETTINGS)


def text_reader(*, installed: bool) -> Check:
    """Whether the ``[ocr]`` extra is there. Whether it is needed is the backend's check."""
    if installed:
        return ok("text_reader", "The embedded text reader (the extra [ocr]) is installed.")
    return Check("text_reader", Status.SKIPPED, "The extra [ocr] is not installed.", f"To add it: {OCR_INSTALL}")


def _going(endpoint: Endpoint | None) -> Sequence[SecretStr]:
    held = (endpoint.api_key, endpoint.auth_token, endpoint.organization, endpoint.project) if endpoint else ()
    return [secret for secret in held if secret is not None]


def _is_headers(variable: str, endpoint: Endpoint) -> bool:
    """Custom headers are taken apart on their way; they go where the provider of that name is asked."""
    return bool(endpoint.headers) and variable == f"{endpoint.wire.upper()}_CUSTOM_HEADERS"


def _why_unreadable(path: Path) -> str:
    if not path.exists():
        return "does not exist"
    if not path.is_dir():
        return "is no directory"
    return "" if os.access(path, os.R_OK | os.X_OK) else "may not be read by this user"


def _shown(value: object) -> str:
    return _joined([str(part) for part in value]) if isinstance(value, tuple) else str(value)


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts)

"""What a user can set: flags over ``ZOOMREFINE_*`` environment over defaults. Pure values.

``Settings(**flags_that_were_given)`` reads the environment itself. The providers' own variables
(``OPENAI_API_KEY`` and so on) are read here too and nowhere else; ``backends/endpoints.py`` decides which address
may receive them. Secrets are ``SecretStr``: they are in no ``repr``, log line or error.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.records import WITHOUT_LIMIT, Budget

PREFIX = "ZOOMREFINE_"

TOOL_TIMEOUT_S = 50.0
"""The deadline of a tool call where none is set: MCP clients give up at 60 s, and the answer has to reach them."""

COMMAND_TIMEOUT_S = 300.0
"""The deadline of a question on the command line where none is set: a person can press Ctrl-C."""

BackendChoice = Literal["auto", "openai", "vllm", "anthropic", "ocr", "scripted"]
PolicyChoice = Literal["adaptive", "thorough", "paper", "direct"]
BoxConvention = Literal[
    "normalized",
    "per-thousand",
    "per-999",
    "pixels",
    "normalized-yxyx",
    "per-thousand-yxyx",
    "per-999-yxyx",
    "pixels-yxyx",
]
"""What box numbers count; with ``-yxyx`` y comes first."""


def _setting(default: Any, description: str, allowed: str, **bounds: Any) -> Any:
    """A field whose description is the flag's help, and whose ``allowed`` completes "it takes ..." in an error."""
    return Field(default, description=description, json_schema_extra={"allowed": allowed}, **bounds)


def _provider(variable: str, description: str, *, secret: bool = True) -> Any:
    """A provider's own environment variable. It has no flag: a key on a command line is in everyone's ``ps``."""
    return Field(
        None,
        validation_alias=variable,
        description=description,
        repr=False,
        json_schema_extra={"allowed": "one line of printable ASCII" if secret else "an http or https address"},
    )


class Settings(BaseSettings):
    """Everything that can be set, with its default.

    Each field is the flag ``--field-name`` and the variable ``ZOOMREFINE_FIELD_NAME``. The key has no flag; the
    providers' own variables, at the end, have none either and keep their names. An empty variable counts as unset. No
    ``.env`` file is read.

    Args:
        given: The flags that were given. A flag that was not given is left out, so that the environment counts.

    Raises:
        BadRequest: A value that is not allowed. The message names the setting, its flag and what it takes, and
            repeats the value unless it may be a secret.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=False,
    )

    backend: BackendChoice = _setting(
        "auto",
        "What answers: auto takes an explicit base URL, else the one provider whose key is set, else ocr.",
        "auto, openai, vllm, anthropic, ocr or scripted",
    )
    model: str | None = _setting(
        None,
        "The model's name as the server knows it; may be left out where the server offers exactly one.",
        "the name of a model, without spaces at its ends",
        min_length=1,
        max_length=300,
    )
    base_url: str | None = Field(
        None,
        description="The address of the model's server, e.g. http://localhost:8000/v1.",
        max_length=2000,
        repr=False,  # someone may have written a password into it; endpoints.py refuses that
        json_schema_extra={"allowed": "an http or https address"},
    )
    api_key: SecretStr | None = _setting(
        None,
        "The key for the server at base_url. A provider's own variable is used for the provider's own address.",
        "one line of printable ASCII",
    )
    profile: str | None = _setting(
        None,
        "The model family whose conventions hold, where the model's name does not tell; `profiles` lists them.",
        "the name of a family",
        min_length=1,
        max_length=100,
    )
    box_convention: BoxConvention | None = _setting(
        None,
        "How the model writes boxes, where its family's convention is not its own.",
        "normalized, per-thousand, per-999 or pixels, with -yxyx where y comes first",
    )
    profile_file: Path | None = _setting(
        None,
        "A TOML or JSON file of facts of the model that go before its family's.",
        "a path",
    )
    policy: PolicyChoice = _setting(
        "adaptive",
        "How to look: adaptive looks as often as it pays, thorough checks what it read as well, paper is "
        "Zoom-Refine to the letter, direct never zooms.",
        "adaptive, thorough, paper or direct",
    )
    budget: Annotated[Budget, NoDecode] = _setting(
        WITHOUT_LIMIT,
        "What one question may cost, e.g. looks=6,seconds=40,tokens=60000; adaptive takes 6 looks and thorough 12 "
        "where not set.",
        "looks=, seconds= and tokens= with a number above 0 each, separated by commas",
    )
    view_edge: int | None = _setting(
        None,
        "The longest edge of the downsampled view in pixels; holds up to what the model sees, which is the default.",
        "a whole number of pixels from 64 to 65535",
        ge=64,
        le=65_535,
    )
    timeout_s: float | None = _setting(
        None,
        "The deadline of one question in seconds; 50 for a tool call and 300 on the command line where not set.",
        "a number of seconds above 0, up to 86400",
        gt=0,
        le=86_400,
        allow_inf_nan=False,
    )
    max_tokens: int | None = _setting(
        None,
        "The most tokens of one reply, thinking included; what the model's family needs where not set.",
        "a whole number from 64 to 128000",
        ge=64,
        le=128_000,
    )
    allow_dirs: Annotated[tuple[Path, ...], NoDecode] = _setting(
        (),
        "The directories whose pictures the server may read; none means the working directory, where that is safe.",
        f"directories separated by {os.pathsep!r}",
    )
    save_dir: Path | None = _setting(
        None,
        "Where crops and overlays are written; nothing is written without it.",
        "a directory",
    )
    max_megapixels: float = _setting(
        1000,
        "The largest picture that is opened, in millions of pixels, by its header.",
        "a number above 0, up to 100000",
        gt=0,
        le=100_000,
        allow_inf_nan=False,
    )
    max_file_mb: float = _setting(
        4000,  # what 1000 megapixels take uncompressed, with alpha: the pixel limit decides before this one does
        "The largest picture file that is opened, in millions of bytes.",
        "a number above 0, up to 1000000",
        gt=0,
        le=1_000_000,
        allow_inf_nan=False,
    )
    script: Path | None = _setting(
        None,
        "The file of replies that the scripted backend plays back (JSON).",
        "a path",
    )

    openai_api_key: SecretStr | None = _provider("OPENAI_API_KEY", "OpenAI's key.")
    openai_base_url: str | None = _provider("OPENAI_BASE_URL", "Where OpenAI's key belongs.", secret=False)
    openai_org_id: SecretStr | None = _provider("OPENAI_ORG_ID", "OpenAI's organization.")
    openai_project_id: SecretStr | None = _provider("OPENAI_PROJECT_ID", "OpenAI's project.")
    openai_custom_headers: SecretStr | None = _provider("OPENAI_CUSTOM_HEADERS", "Lines of 'Name: value'.")
    anthropic_api_key: SecretStr | None = _provider("ANTHROPIC_API_KEY", "Anthropic's key.")
    anthropic_auth_token: SecretStr | None = _provider("ANTHROPIC_AUTH_TOKEN", "A bearer token instead of the key.")
    anthropic_base_url: str | None = _provider("ANTHROPIC_BASE_URL", "Where Anthropic's key belongs.", secret=False)
    anthropic_custom_headers: SecretStr | None = _provider("ANTHROPIC_CUSTOM_HEADERS", "Lines of 'Name: value'.")

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            # Not chained: pydantic's own words may repeat what was given, and that may be a key.
            raise _bad_setting(error, given) from None

    @field_validator("budget", mode="before")
    @classmethod
    def _budget(cls, value: Any) -> Any:
        return _read_budget(value) if isinstance(value, str) else value

    @field_validator("allow_dirs", mode="before")
    @classmethod
    def _split_directories(cls, value: Any) -> Any:
        """The variable is one string, separated as PATH is; the flag gives one directory each time."""
        parts: Any = value.split(os.pathsep) if isinstance(value, str) else value
        if not isinstance(parts, Sequence):
            return parts
        directories = tuple(part for part in parts if part != "")
        if parts and not directories:
            raise ValueError("empty")  # an unset variable in a launcher must not open the working directory
        return directories

    @field_validator(
        "api_key",
        "openai_api_key",
        "openai_org_id",
        "openai_project_id",
        "anthropic_api_key",
        "anthropic_auth_token",
    )
    @classmethod
    def _one_line(cls, value: SecretStr | None) -> SecretStr | None:
        """What goes into a header: a key pasted with its newline is mended, one with a newline inside is refused."""
        if value is None:
            return None
        text = value.get_secret_value().strip()
        if not (text.isascii() and text.isprintable()):
            raise ValueError("not one line of printable ASCII")
        return SecretStr(text) if text else None

    @field_validator("save_dir", "script", "profile_file", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if value == "":
            raise ValueError("empty")  # an unset variable in a launcher: not the working directory
        return value

    @field_validator("model", "profile", "base_url", "openai_base_url", "anthropic_base_url")
    @classmethod
    def _without_blanks(cls, value: str | None) -> str | None:
        return (value.strip() or None) if value is not None else None


def budget_of(text: str) -> Budget:
    """The budget that ``looks=6,seconds=40,tokens=60000`` says, in any order, any of them left out.

    Raises:
        BadRequest: It says something else.

    >>> budget_of("looks=3, tokens=20000")
    Budget(looks=3, seconds=None, tokens=20000)
    """
    try:
        return _read_budget(text)
    except ValueError:
        raise BadRequest(
            f"The budget {text[:80]!r} cannot be read.",
            hint="Write looks=6,seconds=40,tokens=60000: any of the three, each with a number above 0.",
        ) from None


def _read_budget(text: str) -> Budget:
    values: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        amount = float(number) if name == "seconds" else int(number)
        if name not in ("looks", "seconds", "tokens") or name in values or not 0 < amount < 1e9:
            raise ValueError(text)
        values[name] = amount
    return Budget(**values)  # type: ignore[arg-type]


def env_name(field: str) -> str:
    """The variable that sets a field.

    >>> env_name("view_edge"), env_name("openai_org_id")
    ('ZOOMREFINE_VIEW_EDGE', 'OPENAI_ORG_ID')
    """
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def misspelt_variables() -> list[str]:
    """What is said of each variable that is set, begins as ours do and sets nothing. Never a value.

    Their names are read from the environment, as the settings are.
    """
    known = {
        env_name(field).removeprefix(PREFIX) for field in Settings.model_fields if env_name(field).startswith(PREFIX)
    }
    said = []
    for name, value in sorted(os.environ.items()):
        rest = name.upper().removeprefix(PREFIX)
        if not value or not name.upper().startswith(PREFIX) or rest in known:
            continue
        near = get_close_matches(rest, known, n=1)
        said.append(
            f"{name[:80]} is no setting" + (f"; did you mean {PREFIX}{near[0]}?" if near else "; README lists them.")
        )
    return said


def flag_name(field: str) -> str | None:
    """The flag that sets a field; None for keys and the providers' other variables: every process list shows flags.

    >>> flag_name("view_edge"), flag_name("allow_dirs"), flag_name("api_key")
    ('--view-edge', '--allow-dir', None)
    """
    if field == "api_key" or Settings.model_fields[field].validation_alias is not None:
        return None
    return "--allow-dir" if field == "allow_dirs" else "--" + field.replace("_", "-")


def help_of(field: str) -> str:
    """What a setting does, what it takes, and its default, for a person."""
    info = Settings.model_fields[field]
    default = "" if info.default in (None, (), WITHOUT_LIMIT) else f" Default: {info.default}."
    return f"{info.description} It takes {_allowed(field)}.{default}"


def _allowed(field: str) -> str:
    extra = Settings.model_fields[field].json_schema_extra
    return str(extra.get("allowed", "another value")) if isinstance(extra, dict) else "another value"


def _bad_setting(error: ValidationError, given: dict[str, Any]) -> BadRequest:
    """One error for the first bad value: which setting, its flag, what it takes; never a secret."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = str(first["loc"][0]) if first["loc"] else ""
    field = next((name for name in Settings.model_fields if where in {name, env_name(name)}), None)
    if field is None:
        return BadRequest(f"There is no setting {where!r}.", hint="README lists the settings.", setting=where)
    info = Settings.model_fields[field]
    allowed = _allowed(field)
    variable, flag = env_name(field), flag_name(field)
    named = f"{flag} ({variable})" if flag else variable
    value = first.get("input")
    shown = info.repr and field != "api_key" and isinstance(value, str | int | float)
    got = f", not {str(value)[:80]!r}" if shown else ""
    came_from = flag if flag and field in given else variable
    return BadRequest(f"{named} takes {allowed}{got}.", hint=f"Correct {came_from}, or leave it out.", setting=field)

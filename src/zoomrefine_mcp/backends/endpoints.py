"""Which backend, at which address, with which key. Pure functions over ``Settings``.

A key goes only where it belongs. A provider's own key, token, organization, project and custom headers go to the
provider's own address or to the address in its ``*_BASE_URL`` set beside them. ``ZOOMREFINE_API_KEY`` goes to the
address that the user named with ``--base-url`` (and to vLLM's usual one, on this machine), in place of a provider's key
where that is not set, and never anywhere by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from zoomrefine_mcp.errors import BackendAuth, BadRequest, NoBackend
from zoomrefine_mcp.settings import Settings, env_name, flag_name

Wire = Literal["openai", "anthropic", "ocr", "scripted"]

OPENAI_ADDRESS = "https://api.openai.com/v1"
ANTHROPIC_ADDRESS = "https://api.anthropic.com"
VLLM_ADDRESS = "http://localhost:8000/v1"
THIS_MACHINE = "this machine"

OCR_INSTALL = "pip install -e '.[ocr]' in your clone (the extra zoomrefine-mcp[ocr])"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where questions go, and everything secret that may go there. Its ``repr`` shows no secret.

    Attributes:
        backend: ``openai``, ``vllm``, ``anthropic``, ``ocr`` or ``scripted``.
        wire: The protocol it speaks.
        base_url: The address in canonical form, without credentials; empty where nothing leaves this machine.
        official: Whether it is the provider's own address (a proxy in ``*_BASE_URL`` is not), so that requests may
            use what only the provider is sure to understand.
        api_key: The key for this address.
        auth_token: Anthropic's bearer token, where no key is set.
        organization: OpenAI's organization header.
        project: OpenAI's project header.
        headers: Further headers of the provider, as (name, value).
        key_variable: The variable that holds, or would hold, the key for this address.
    """

    backend: str
    wire: Wire
    base_url: str = ""
    official: bool = False
    api_key: SecretStr | None = None
    auth_token: SecretStr | None = None
    organization: SecretStr | None = None
    project: SecretStr | None = None
    headers: tuple[tuple[str, SecretStr], ...] = ()
    key_variable: str = "ZOOMREFINE_API_KEY"

    @property
    def address(self) -> str:
        """Where pictures are sent, for results: the address, or ``this machine``."""
        return self.base_url or THIS_MACHINE

    def secrets(self) -> tuple[str, ...]:
        """Every secret value that goes to this address, for scrubbing what comes back."""
        held = (self.api_key, self.auth_token, self.organization, self.project, *(value for _, value in self.headers))
        return tuple(secret.get_secret_value() for secret in held if secret is not None)


def choose_endpoint(settings: Settings, *, ocr_installed: bool) -> Endpoint:
    """Decide what answers, where it is and which secrets go there.

    Args:
        settings: What the user set.
        ocr_installed: Whether the ``[ocr]`` extra can be imported.

    Raises:
        NoBackend: Nothing is configured, or ``ocr`` is asked for and not installed.
        BadRequest: Two providers' keys and no choice between them, an address that is none or has no use, a script
            that is missing.
        BackendAuth: A provider's own address without its key; no picture is sent to find that out.
    """
    if settings.base_url and settings.backend in ("ocr", "scripted"):
        raise BadRequest(
            f"The {settings.backend} backend works here, and --base-url (ZOOMREFINE_BASE_URL) names a server.",
            hint=(
                f"Drop --base-url (ZOOMREFINE_BASE_URL) to use {settings.backend}, or drop --backend "
                f"{settings.backend} (ZOOMREFINE_BACKEND) to ask that server."
            ),
        )
    match settings.backend if settings.backend != "auto" else _auto(settings, ocr_installed=ocr_installed):
        case "ocr":
            if not ocr_installed:
                raise NoBackend("The ocr backend is not installed.", hint=f"Install it: {OCR_INSTALL}")
            return Endpoint("ocr", "ocr")
        case "scripted":
            if settings.script is None:
                raise BadRequest(
                    "The scripted backend has no script.", hint="Name the file of its replies with --script FILE."
                )
            return Endpoint("scripted", "scripted")
        case "anthropic":
            return _anthropic(settings)
        case "vllm":
            return _openai_wire(settings, "vllm", settings.base_url or VLLM_ADDRESS)
        case _:
            return _openai_wire(settings, "openai", settings.base_url)


def unused_settings(settings: Settings, endpoint: Endpoint) -> str:
    """What is said where a model, or facts of one, are set and the text reader answers; empty where nothing is.

    Args:
        settings: What the user set.
        endpoint: What they led to.
    """
    about_models = {name: getattr(settings, name) for name in ("model", "profile", "box_convention", "profile_file")}
    given = [f"{flag_name(name)} {value}" for name, value in about_models.items() if value is not None]
    if endpoint.wire != "ocr" or not given:
        return ""
    unused = f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} not used"
    if settings.backend == "ocr":
        return f"{unused}: --backend ocr is the text reader, and asks no model; drop it and name the server."
    return f"{unused}: no server and no key is named, so the text reader answers; name the server with --base-url."


def read_address(text: str, named: str, *, drop_version: bool = False) -> str:
    """An http(s) address in canonical form: host in lower case, no default port, no slash at its end.

    >>> read_address("HTTPS://API.OpenAI.com:443/v1/", "--base-url")
    'https://api.openai.com/v1'

    Args:
        text: What the user wrote.
        named: The setting, for errors.
        drop_version: Whether a ``/v1`` at the end is dropped (the Anthropic wire adds its own).

    Raises:
        BadRequest: Not such an address, or one with a user name, a password, a query or a fragment. The message does
            not repeat it, since it may hold a password.
    """
    hint = f"Set {named} to an address like http://localhost:8000/v1."
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadRequest(f"{named} is not an address.", hint=hint) from None
    if "@" in parts.netloc:
        raise BadRequest(
            f"{named} holds a user name or a password.",
            hint="Leave it out of the address; the key goes into ZOOMREFINE_API_KEY.",
        )
    host = (parts.hostname or "").lower()
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        raise BadRequest(f"{named} is not an http or https address.", hint=hint)
    if parts.query or parts.fragment or not _plain(parts):
        raise BadRequest(
            f"{named} is more than an address: it takes no query, fragment, space or backslash.", hint=hint
        )
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port is None or port == _DEFAULT_PORTS[parts.scheme] else f":{port}"
    path = parts.path.rstrip("/")
    if drop_version:
        path = path.removesuffix("/v1")
    return f"{parts.scheme}://{shown_host}{shown_port}{path}"


def _plain(parts: SplitResult) -> bool:
    whole = parts.geturl()
    return whole.isascii() and whole.isprintable() and not any(sign in whole for sign in ' \\"<>')


def _auto(settings: Settings, *, ocr_installed: bool) -> str:
    """The backend where the user named none: base URL, the one key, the one provider's base URL, ocr."""
    if settings.base_url:
        return "openai"
    keys = {
        "openai": settings.openai_api_key is not None,
        "anthropic": settings.anthropic_api_key is not None or settings.anthropic_auth_token is not None,
    }
    addresses = {
        "openai": settings.openai_base_url is not None,
        "anthropic": settings.anthropic_base_url is not None,
    }
    for what, given in (("keys", keys), ("base URLs", addresses)):
        providers = [name for name, is_set in given.items() if is_set]
        if len(providers) == 1:
            return providers[0]
        if providers:
            raise BadRequest(
                f"The {what} of two providers are set: OpenAI's and Anthropic's.",
                hint="Choose with --backend openai or --backend anthropic (ZOOMREFINE_BACKEND).",
                backends=providers,
            )
    if ocr_installed:
        return "ocr"
    raise NoBackend(
        "Nothing is configured that could answer questions about pictures.",
        hint=(
            "Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or name a server of your own with --base-url (its key goes into "
            f"ZOOMREFINE_API_KEY), or install the offline reader of printed text: {OCR_INSTALL}. "
            "A host whose own model sees pictures needs none of these: it can zoom with the tool view_region."
        ),
    )


def _openai_wire(settings: Settings, backend: str, base_url: str | None) -> Endpoint:
    """An endpoint of the OpenAI wire. With no ``base_url``: the provider's, as its own variables say."""
    beside = read_address(settings.openai_base_url, "OPENAI_BASE_URL") if settings.openai_base_url else None
    address = read_address(base_url, "--base-url (ZOOMREFINE_BASE_URL)") if base_url else beside or OPENAI_ADDRESS
    official = _same_origin(address, OPENAI_ADDRESS)
    if not official and address != beside:
        return Endpoint(backend, "openai", address, api_key=settings.api_key)
    key = settings.openai_api_key or (settings.api_key if base_url else None)
    if official and key is None:
        raise _no_key("OpenAI", "OPENAI_API_KEY", settings)
    return Endpoint(
        backend,
        "openai",
        address,
        official,
        api_key=key,
        organization=settings.openai_org_id,
        project=settings.openai_project_id,
        headers=_read_headers(settings.openai_custom_headers, env_name("openai_custom_headers")),
        key_variable="OPENAI_API_KEY",
    )


def _anthropic(settings: Settings) -> Endpoint:
    """The same on Anthropic's wire. Where both are set, the key goes and the token does not, as in its SDK."""
    given, from_env = settings.base_url, settings.anthropic_base_url
    beside = read_address(from_env, "ANTHROPIC_BASE_URL", drop_version=True) if from_env else None
    named = "--base-url (ZOOMREFINE_BASE_URL)"
    address = read_address(given, named, drop_version=True) if given else beside or ANTHROPIC_ADDRESS
    official = _same_origin(address, ANTHROPIC_ADDRESS)
    if not official and address != beside:
        return Endpoint("anthropic", "anthropic", address, api_key=settings.api_key)
    key, token = settings.anthropic_api_key, settings.anthropic_auth_token
    if key is None and token is None and given:
        key = settings.api_key
    if official and key is None and token is None:
        raise _no_key("Anthropic", "ANTHROPIC_API_KEY", settings)
    return Endpoint(
        "anthropic",
        "anthropic",
        address,
        official,
        api_key=key,
        auth_token=token if key is None else None,
        headers=_read_headers(settings.anthropic_custom_headers, env_name("anthropic_custom_headers")),
        key_variable="ANTHROPIC_API_KEY" if token is None or key is not None else "ANTHROPIC_AUTH_TOKEN",
    )


def _same_origin(address: str, other: str) -> bool:
    """Whether scheme, host and port agree. Both are canonical."""
    one, two = urlsplit(address), urlsplit(other)
    return (one.scheme, one.netloc) == (two.scheme, two.netloc)


def _no_key(provider: str, variable: str, settings: Settings) -> BackendAuth:
    own = " ZOOMREFINE_API_KEY goes only to an address that --base-url names." if settings.api_key else ""
    return BackendAuth(
        f"{provider} needs a key and {variable} is not set.",
        hint=f"Set {variable}, or name a server of your own with --base-url.{own}",
        variable=variable,
    )


def _read_headers(text: SecretStr | None, variable: str) -> tuple[tuple[str, SecretStr], ...]:
    """Lines of ``Name: value``, as the providers' SDKs read them; a line without a colon is passed over."""
    headers: list[tuple[str, SecretStr]] = []
    for line in text.get_secret_value().splitlines() if text else ():
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            continue
        if not _HEADER_NAME.fullmatch(name) or not (value.isascii() and (value.isprintable())):
            raise BadRequest(
                f"{variable} holds a line that is no header.",
                hint="Write one 'Name: value' a line, in printable ASCII.",
            )
        headers.append((name, SecretStr(value)))
    return tuple(headers)

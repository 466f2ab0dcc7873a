"""A server's words made fit to be repeated: no secret in them, and no more than a sentence or two.

Some servers repeat the whole request, pictures included. Only what costs time in proportion to its length sees all of
a server's words; every pattern sees a few thousand characters of them.
"""

from __future__ import annotations

import re

from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.safe_text import whole_characters

MAX_ECHO_CHARS = 300
"""How much of a server's own words an error repeats."""

_WORDS_HEAD, _WORDS_TAIL = 3000, 1000
"""How much of a server's words is looked at: their beginning and their end, in characters."""

_MIN_SECRET_CHARS = 4
"""A shorter "secret" is a placeholder such as ``x``; replacing it would garble every message."""

_KEY_LIKE = re.compile(r"\bBearer +\S+|\b(?:sk|pk|xai|gsk|hf)[-_][\w*.\-]{8,}|\bAIza[\w*.\-]{8,}", re.IGNORECASE)
_RUN = re.compile(r"[\w\-.*…]+")
_MASK = re.compile(r"\*{2,}|\.{3,}|…")


def scrub(text: str, endpoint: Endpoint) -> str:
    """A server's words on one line, without this endpoint's secrets (also half masked ones), cut to a sentence or two.

    Args:
        text: What the server said.
        endpoint: Whose secrets it may have echoed.
    """
    text = looked_at(text, endpoint)
    text = _KEY_LIKE.sub("[secret]", text)
    secrets = _secrets(endpoint)
    text = _RUN.sub(lambda run: "[secret]" if _is_masked(run[0], secrets) else run[0], text)
    text = " ".join(whole_characters(text).split())
    return text if len(text) <= MAX_ECHO_CHARS else text[: MAX_ECHO_CHARS - 1] + "…"


def looked_at(text: str, endpoint: Endpoint) -> str:
    """As much of a server's words as any pattern sees.

    Without whole secrets, then cut: the other way round, a cut through a secret would leave half of it.
    """
    for secret in _secrets(endpoint):
        text = text.replace(secret, "[secret]")
    if len(text) <= _WORDS_HEAD + _WORDS_TAIL:
        return text
    return f"{text[:_WORDS_HEAD]} … {text[-_WORDS_TAIL:]}"


def _secrets(endpoint: Endpoint) -> list[str]:
    """What must not be repeated, the longest first, since one may hold another."""
    return sorted((secret for secret in endpoint.secrets() if len(secret) >= _MIN_SECRET_CHARS), key=len, reverse=True)


def _is_masked(run: str, secrets: list[str]) -> bool:
    """Whether ``abc***xyz`` begins or ends as one of the secrets does."""
    head, *tails = _MASK.split(run)
    ends = [part for part in (head, *(tail.rstrip(".") for tail in tails)) if part]
    return bool(tails) and any(
        secret.startswith(ends_at) or secret.endswith(ends_at) for secret in secrets for ends_at in ends
    )

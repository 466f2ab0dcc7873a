"""The tree of what can go wrong.

Every error carries a stable ``code``, a sentence that says what happened, a ``hint`` that says what to do about
it, and the facts that a caller may want (``context``). The tree::

    ZoomRefineError
    ├── InputError                     the caller can mend it; exit code 2
    │   ├── BadRequest                 bad_request
    │   ├── ImageNotFound              image_not_found
    │   ├── AccessDenied               access_denied
    │   ├── NotAFile                   not_a_file
    │   ├── UrlNotSupported            url_not_supported
    │   ├── AttachmentPath             attachment_path
    │   ├── NotAnImage                 not_an_image
    │   ├── ImageDamaged               image_damaged
    │   ├── ImageEncrypted             image_encrypted
    │   ├── ImageTooLarge              image_too_large
    │   ├── NoBackend                  no_backend
    │   └── ModelRequired              model_required
    ├── InternalError                  internal_error: a defect of ours; exit code 3
    └── BackendFailure                 what answers the questions failed; exit code 3
        ├── BackendUnreachable         backend_unreachable
        ├── BackendAuth                backend_auth
        ├── BackendRateLimited         backend_rate_limited
        ├── BackendTimeout             backend_timeout
        ├── ModelNotFound              model_not_found
        ├── ModelRefused               model_refused
        ├── ReplyUnreadable            reply_unreadable
        ├── PictureRefused             picture_refused
        ├── ContextTooLong             context_too_long
        └── BackendError               backend_error
"""

from __future__ import annotations

from typing import Any, ClassVar


class ZoomRefineError(Exception):
    """Anything this package raises on purpose.

    Args:
        message: What happened, in one sentence, without secrets.
        hint: What to do next, in one sentence; empty when there is nothing to say.
        context: Facts for programs (sizes, limits, candidates). Never a key.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str = "", **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.context = context

    @property
    def told(self) -> str:
        """Message and hint in one line, as sentences."""
        sentences = (part.strip() for part in (self.message, self.hint) if part.strip())
        return " ".join(part if part[-1] in ".!?" else f"{part}." for part in sentences)


class InputError(ZoomRefineError):
    """The caller can mend it: an argument, a path, a picture or a setting."""

    exit_code = 2


class BadRequest(InputError):
    """An argument is missing, empty, misspelt, of the wrong type or out of range."""

    code = "bad_request"


class ImageNotFound(InputError):
    """No file there, inside a directory that may be read."""

    code = "image_not_found"


class AccessDenied(InputError):
    """The path lies outside the allowed directories (whether or not anything is there)."""

    code = "access_denied"


class NotAFile(InputError):
    """A directory, device, FIFO or socket."""

    code = "not_a_file"


class UrlNotSupported(InputError):
    """An address instead of a path."""

    code = "url_not_supported"


class AttachmentPath(InputError):
    """The path of a chat attachment, which exists only where the chat host runs."""

    code = "attachment_path"


class NotAnImage(InputError):
    """The bytes are no picture that this package reads."""

    code = "not_an_image"


class ImageDamaged(InputError):
    """A picture that ends early or cannot be decoded."""

    code = "image_damaged"


class ImageEncrypted(InputError):
    """A document that opens with a password only."""

    code = "image_encrypted"


class ImageTooLarge(InputError):
    """More pixels or bytes than the configured limits, by the header."""

    code = "image_too_large"


class NoBackend(InputError):
    """Nothing is configured that could answer."""

    code = "no_backend"


class ModelRequired(InputError):
    """The server offers several models, or none, and the settings name none."""

    code = "model_required"


class InternalError(ZoomRefineError):
    """A defect of ours. What happened is in the log; the caller learns its name only, since it may hold secrets."""

    code = "internal_error"


class BackendFailure(ZoomRefineError):
    """What answers the questions failed."""

    exit_code = 3


class BackendUnreachable(BackendFailure):
    """Nothing listens there, or the connection broke."""

    code = "backend_unreachable"


class BackendAuth(BackendFailure):
    """The key is missing, wrong, or not allowed to do this."""

    code = "backend_auth"


class BackendRateLimited(BackendFailure):
    """Too many requests, or the provider is overloaded."""

    code = "backend_rate_limited"


class BackendTimeout(BackendFailure):
    """No answer inside the deadline, and nothing kept that could stand in for it."""

    code = "backend_timeout"


class ModelNotFound(BackendFailure):
    """The server does not know the model."""

    code = "model_not_found"


class ModelRefused(BackendFailure):
    """The model declined to answer."""

    code = "model_refused"


class ReplyUnreadable(BackendFailure):
    """The model replied, but with nothing that can be read as an answer."""

    code = "reply_unreadable"


class PictureRefused(BackendFailure):
    """The model's server refused a picture as too large; ``context["limit"]`` is a ``Limit`` of what it said."""

    code = "picture_refused"


class ContextTooLong(BackendFailure):
    """The conversation does not fit into the model's context."""

    code = "context_too_long"


class BackendError(BackendFailure):
    """Anything else that the model's server answered."""

    code = "backend_error"

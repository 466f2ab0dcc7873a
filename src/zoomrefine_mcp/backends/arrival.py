"""Whether the pictures of a request reached the model, by the prompt tokens that its server reports anyway.

Some endpoints answer 200 and drop the pictures. Then the prompt has no more tokens than its words make. How many those
are can only be bounded from outside, so nothing is said unless the bounds leave room for no picture at all, and unless
they are narrow enough to show one: a long question in the first look, or a server that counts nothing or only what was
not in its cache, stays undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zoomrefine_mcp.backends.clients.base import Message, Role
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import Usage

MOST_EXPECTED = 256
"""No more tokens than these are expected of one picture, whatever the profile says: the name may have picked the wrong
one, and a server may have shrunk the picture."""
LEAST_PICTURE_PIXELS = 400_000
"""A smaller picture may have fewer tokens and proves nothing."""

_FEWEST, _MOST = 1 / 5.0, 1 / 3.6
"""Tokens of a character of English prose or of our prompts, by any tokenizer of 30,000 to 260,000 entries."""
_MOST_OF_A_REPLY = 1 / 2.0
"""The same of a model's reply, where numbers may be spelt digit by digit."""
_FEWEST_FOREIGN, _MOST_FOREIGN = 0.25, 1.5
"""The same outside ASCII: Cyrillic at its best, rare characters at their worst."""
_FRAME = 16
"""The most tokens that a chat template puts around one message."""


def were_dropped(
    messages: Sequence[Message],
    prompt_tokens: int,
    image_tokens: Callable[[Size], int],
    *,
    before: int = 0,
    last: Usage | None = None,
) -> bool:
    """Whether the pictures that are new in a request did not reach the model.

    Args:
        messages: The request.
        prompt_tokens: What its server says that the request held, cached or not; 0 where it says nothing.
        image_tokens: What a picture costs, by the model's profile.
        before: How many of the messages the request before this one held.
        last: What that request cost, whose reply is the message behind those; None where there was none.
    """
    pictures = [picture for message in messages[before:] for picture in message.pictures]
    if not _tell_something(pictures) or not prompt_tokens:
        return False
    if last is not None and not last.input_tokens:
        return False
    grown = prompt_tokens - (last.input_tokens if last else 0)
    fewest = most = 0.0
    for number, message in enumerate(messages[before:]):
        low, high = _bounds(message, written=last.output_tokens if last and number == 0 else 0)
        fewest, most = fewest + low, most + high
    of_pictures = sum(min(MOST_EXPECTED, image_tokens(picture.size)) for picture in pictures)
    return most < fewest + of_pictures and fewest <= grown <= most


def _tell_something(pictures: Sequence[Picture]) -> bool:
    return bool(pictures) and all(picture.size.pixels >= LEAST_PICTURE_PIXELS for picture in pictures)


def _bounds(message: Message, written: int) -> tuple[float, float]:
    """The fewest and the most tokens of a message's words; of a reply no more than its model wrote, where known."""
    text = "".join(part for part in message.parts if isinstance(part, str))
    foreign = sum(character > "\x7f" for character in text)
    plain = len(text) - foreign
    is_reply = message.role is Role.ASSISTANT
    fewest = plain * _FEWEST + foreign * _FEWEST_FOREIGN
    most = plain * (_MOST_OF_A_REPLY if is_reply else _MOST) + foreign * _MOST_FOREIGN
    if is_reply and written:
        most = max(fewest, min(most, written))
    return fewest, most + _FRAME

"""What a profile holds: one record of facts per model family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from zoomrefine_mcp.backends.costs import estimated_tokens
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import MAX_PICTURE_BYTES

THINK_TAGS = ("<think>", "</think>")
"""What most open-weight models put around their thinking where the server leaves it in the text."""


class Unit(StrEnum):
    """What a model's box numbers count."""

    NORMALIZED = "0..1"
    PER_THOUSAND = "0-1000"
    PER_999 = "0-999"
    PIXELS = "pixels"
    """Pixels of the picture as the model sees it, which is the picture as sent."""


class Axes(StrEnum):
    """The order of a box's four numbers."""

    XYXY = "x0, y0, x1, y1"
    YXYX = "y0, x0, y1, x1"


class PartOrder(StrEnum):
    """What comes first in a message."""

    IMAGE_FIRST = "image first"
    TEXT_FIRST = "text first"


@dataclass(frozen=True, slots=True)
class Profile:
    """The facts of one model family.

    Attributes:
        name: The family, as ``--profile`` names it.
        unit: What its box numbers count.
        axes: Their order.
        sees: The size at which the model's processor sees a picture of a given size: never larger than it is, but
            for the rounding of the processor. A picture rendered at ``sees(size)`` is seen as it is.
        order: Whether pictures or text come first in a message.
        token_formula: What a picture costs in input tokens, by the size at which the model sees it; ask
            ``image_tokens``.
        in_prompt: Whether the tokens of a picture are part of the prompt, and counted there.
        sources: Where each fact comes from: sentences that begin with what they are about (``boxes: ...``).
        accepts_temperature: Whether a request may carry ``temperature`` (sent as 0).
        completion_tokens_name: Which parameter carries the output budget on the OpenAI wire.
        image_detail: The ``detail`` of an image part on the OpenAI wire; None leaves it out.
        tell_size: Whether the prompt tells the model the width and height of each picture.
        enlarge_to: A crop whose long edge is shorter is brought up to this many pixels (adaptive policy).
        max_bytes: The largest encoded picture that is sent, in bytes. 7 MB is 9.3 MB of base64, under Anthropic's 10.
        request_bytes: The largest request body in bytes, base64 included; None where only the server knows.
        images_per_request: How many pictures one request may hold, those of earlier turns included, without the model
            seeing less of each; None where only the server knows (vLLM's ``--limit-mm-per-prompt``).
        native: How the family writes a box by itself, where the prompt should remind it; empty otherwise.
        unnamed_on_view: Where a reply does not name the picture of a box and the prompt did not either: on the first
            picture (True) or on the newest.
        counts: Whether the model can count things; where it cannot, a number is read from where it is written.
        tells_absence: Whether what the model did not find in all of a picture is not in it, as far as it can tell; a
            reader that knows neither objects nor every layout overlooks what is there.
        magnifies: Whether the model enlarges small print by itself, so that a crop larger than its original shows it
            nothing new.
        structured_output: Whether a reply can be bound to a JSON schema where the family is usually served.
        thinking: The tags around thinking that is left in the text of a reply.
        reply_tokens: The output budget of a reply, thinking included.
        cache_floor: The shortest prompt prefix in tokens that the vendor's prompt cache keeps; 0 where a server keeps
            any (vLLM: whole blocks of 16 tokens).
    """

    name: str
    unit: Unit
    axes: Axes
    sees: Callable[[Size], Size]
    order: PartOrder
    token_formula: Callable[[Size], int] = estimated_tokens
    in_prompt: bool = True
    sources: tuple[str, ...] = ()
    accepts_temperature: bool = True
    completion_tokens_name: str = "max_tokens"
    image_detail: str | None = None
    tell_size: bool = False
    enlarge_to: int = 1100
    max_bytes: int = MAX_PICTURE_BYTES
    request_bytes: int | None = None
    images_per_request: int | None = None
    native: str = ""
    unnamed_on_view: bool = False
    structured_output: bool = True
    counts: bool = True
    tells_absence: bool = True
    magnifies: bool = False
    thinking: tuple[str, str] = THINK_TAGS
    reply_tokens: int = 4096
    cache_floor: int = 0

    def image_tokens(self, size: Size) -> int:
        """What a picture of ``size`` pixels costs in input tokens, by the vendor's own resize and formula.

        What stands around a picture in the prompt (a start and an end token, a separator) is not counted.
        """
        return self.token_formula(self.sees(size))

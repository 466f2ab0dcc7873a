"""What came of the test cards, as checks."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from zoomrefine_mcp.backends.costs import estimated_tokens
from zoomrefine_mcp.backends.profiles import Profile
from zoomrefine_mcp.doctor.checks import Check, failed, failed_by, ok, skipped, warned
from zoomrefine_mcp.doctor.conventions import Fitting, is_right, written
from zoomrefine_mcp.doctor.eyesight import Sight, Try
from zoomrefine_mcp.errors import PictureRefused, ReplyUnreadable
from zoomrefine_mcp.settings import TOOL_TIMEOUT_S

LEAST_PICTURE_TOKENS = 16
"""No model that sees a picture counts fewer for it (the fewest published are 64)."""

SHRUNK = 0.7
"""A picture that counts less than this share of what the formula says was shrunk: a formula may lie a little off."""

_KEEPS_TO_A_FORM = "Use a server that binds replies to a schema, or a model that keeps to a form."
_TAKES_PICTURES = (
    "Serve a model that takes pictures, or name one with --model (llama-server needs its --mmproj file; "
    "`ollama show MODEL` lists vision)."
)
_SHRINKS = (
    "Let the server see more (vLLM: max_pixels in --mm-processor-kwargs; Ollama: num_ctx), or say what it sees in a "
    "--profile-file: max_pixels alone, which leaves the family's own rule in force."
)
_NO_REPLY = "No reply could be read."


def picture_check(sight: Sight, profile: Profile) -> Check:
    """Whether pictures reach the model at all."""
    name, adds = "picture", sight.tokens_of(sight.read[0] if sight.read else None)
    seen = any(one.is_read for one in sight.tries)
    if not sight.read:
        return skipped(name, _NO_REPLY)
    by_profile = _tokens_by_profile(sight.read[0], profile)
    facts: dict[str, Any] = {"picture_tokens": adds, "tokens_by_profile": by_profile}
    if seen and adds is None:
        return ok(name, "The model sees it.", **facts)
    if seen and adds is not None and adds < LEAST_PICTURE_TOKENS:
        return ok(name, "The model sees it; the server's token counts leave pictures out.", **facts)
    if adds is None:
        finding = "The word on the test card was not read, and the server counts no tokens that would tell more."
        return failed(name, finding, _TAKES_PICTURES, "not_seen", **facts)
    if adds < LEAST_PICTURE_TOKENS:
        finding = (
            f"The server answers and drops the picture: with it the prompt counts {max(adds, 0)} tokens more than "
            "without, and its word was not read."
        )
        return failed(name, finding, _TAKES_PICTURES, "images_dropped", **facts)
    return ok(
        name, f"It reaches the model: it adds {adds:,} tokens ({by_profile:,} by the profile's formula).", **facts
    )


def word_check(sight: Sight) -> Check:
    """Whether the word on the card is read."""
    name, of = "word", len(sight.read)
    read = sum(one.is_read for one in sight.read)
    if not of:
        return skipped(name, _NO_REPLY)
    finding = f"The word on the test card was read in {read} of {of}."
    if read == of:
        return ok(name, finding, read=read, of=of)
    one = next(one for one in sight.read if not one.is_read)
    said = (one.look.answer.text or "")[:80] if one.look else ""
    finding += f" Instead of {one.card.word!r}: {said!r}." if said else f" Instead of {one.card.word!r}: no answer."
    advice = "Large print on an empty sheet should be no question: use a stronger model."
    if 2 * read < of:
        return failed(name, finding, advice, "word_unread", read=read, of=of)
    return warned(name, finding, advice, "word_unread", read=read, of=of)


def box_check(sight: Sight, found: Fitting, profile: Profile, *, confirmed: bool | None) -> Check:
    """Whether the box is where it belongs, and in the profile's convention.

    Args:
        sight: What came of the cards.
        found: Which conventions fit.
        profile: The one that holds.
        confirmed: Whether the box was right in a further look under the convention that fits better; None where
            there was none.
    """
    name, of, own = "box", len(sight.read), found.own
    if not of:
        return skipped(name, _NO_REPLY)
    facts: dict[str, Any] = {"right": own.right, "of": of, "convention": written(profile), "fits": found.convention}
    if found.convention is not None and found.score is not None:
        flag = f"--box-convention {found.convention}"
        tested = f" With {flag} it was right in a further look." if confirmed else ""
        advice = f"Set {flag}"
        if found.families:
            advice += f", or --profile with the model's family if it is one of: {', '.join(found.families)}"
        advice += "."
        if confirmed is False:
            advice += f" (In a further look with {flag} the box was not right: the model may not keep to one habit.)"
        rest = f"read as {found.convention} it fits {found.score.clean} of {of}.{tested}"
        if own.right >= found.score.right:
            finding = f"The box is right, but contradicts the profile's convention ({written(profile)}); {rest}"
            return warned(name, finding, advice, "box_convention", **facts)
        finding = f"The box is right in {own.right} of {of} as the profile reads it ({written(profile)}); {rest}"
        return failed(name, finding, advice, "box_convention", **facts)
    if not own.boxed:
        advice = (
            "Zooming needs a model that says where it looks: use one that was trained to (zoomrefine-mcp profiles)."
        )
        return failed(name, f"No box: 0 of {of} replies hold one.", advice, "no_box", **facts)
    finding = f"The box is right within a tenth of the picture in {own.right} of {of}, read as {written(profile)}."
    if own.right == of:
        return ok(name, finding, **facts)
    advice = (
        "No other convention fits better. Does the server shrink pictures (vLLM: max_pixels)? Say so with the same "
        "max_pixels in a --profile-file; else use a model that points more exactly."
    )
    if 2 * own.right < of:
        return failed(name, finding, advice, "box_off", **facts)
    return warned(name, finding, advice, "box_off", **facts)


def second_check(sight: Sight) -> Check:
    """Whether a second picture is taken in the same conversation, and read."""
    name = "second_look"
    fault = sight.second_fault or (sight.second.fault if sight.second else None)
    if fault is not None:
        return failed_by(name, fault)
    if sight.second is None:
        return skipped(name, _NO_REPLY)
    if sight.second.is_read:
        return ok(name, "The crop was taken in the same conversation, and its word read.")
    finding = "The crop was taken in the same conversation, but its word was not read."
    advice = (
        "Where the view's word was read and the crop's is not, only the first picture may be seen: use another model."
    )
    return warned(name, finding, advice, "word_unread")


def large_check(sight: Sight, profile: Profile) -> Check:
    """Whether a view as large as a question's is taken, and seen at that size."""
    name, fault, one = "large_view", sight.large_fault, sight.large
    if isinstance(fault, PictureRefused):  # a question renders again, once
        return warned(name, fault.message, fault.hint, fault.code)
    if fault is not None:
        return failed_by(name, fault)
    if one is None or one.look is None:
        return skipped(name, _NO_REPLY)
    size, adds, by_profile = one.ask.pictures[0].size, sight.tokens_of(one), _tokens_by_profile(one, profile)
    facts: dict[str, Any] = {"size": [size.width, size.height], "tokens": adds, "tokens_by_profile": by_profile}
    finding = f"A view of {size}, as a question about an 8K picture sends it, is taken"
    is_off = _is_boxed(sight.read[0]) and not _is_boxed(one)
    if adds is None or profile.token_formula is estimated_tokens or adds >= SHRUNK * by_profile:
        if is_off:
            return warned(name, f"{finding}, but its box is off.", _SHRINKS, "box_off", **facts)
        told = f" for {adds:,} tokens ({by_profile:,} by the profile's formula)." if adds is not None else "."
        return ok(name, finding + told, **facts)
    about = size.pixels * adds // by_profile
    finding = f"{finding}, but counts {adds:,} tokens where the profile's formula says {by_profile:,}: it is shrunk"
    advice = f"{_SHRINKS} That would be about {about:,}."
    if is_off:
        return failed(name, f"{finding}, and its box is off.", advice, "picture_shrunk", **facts)
    return warned(name, f"{finding} on its way.", advice, "picture_shrunk", **facts)


def structure_check(sight: Sight) -> Check:
    """Whether the server binds replies to a schema. Nothing has to be mended where it does not."""
    name = "structured_output"
    if sight.binds is None:
        return skipped(name, "It could not be tried.")
    if sight.binds:
        return ok(name, "The server binds replies to the reply's JSON schema.", binds=True)
    finding = "The server does not bind replies to a JSON schema (it refuses or ignores one): they are read from text."
    advice = "Nothing has to be done while replies can be read; vLLM, llama-server and newer Ollama can bind them."
    return warned(name, finding, advice, "no_structured_output", binds=False)


def cache_check(sight: Sight, profile: Profile) -> Check:
    """Whether the second look re-reads the first from the server's cache."""
    name = "prefix_cache"
    first = sight.read[0].look if sight.read else None
    second = sight.second.look if sight.second else None
    if first is None or second is None:
        return skipped(name, "Two looks are needed to tell.")
    cached, prompt = second.usage.cached_input_tokens, first.usage.input_tokens
    facts: dict[str, Any] = {"cached_tokens": cached, "first_prompt_tokens": prompt}
    if cached:
        return ok(name, f"The second look found {cached:,} of the first's {prompt:,} tokens in the cache.", **facts)
    if profile.cache_floor > prompt:
        floor = f"{prompt:,} tokens are under its floor of {profile.cache_floor:,}; a question's view has more."
        return skipped(name, f"The test card is too small for the provider's prompt cache: {floor}")
    finding = "The second look found nothing of the first in a cache, or the server does not say."
    advice = (
        "It costs time and money only. vLLM: --enable-prefix-caching, and --enable-prompt-tokens-details to see it."
    )
    return warned(name, finding, advice, "no_cached_prefix", **facts)


def latency_check(sight: Sight, timeout_s: float | None) -> Check:
    """How long both looks take, against the deadline of a tool call.

    Args:
        sight: What came of the cards.
        timeout_s: The deadline that was set; None for a tool call's own.
    """
    name = "latency"
    if not sight.read:
        return skipped(name, _NO_REPLY)
    typical = statistics.median(one.seconds for one in sight.tries)
    large = sight.large.seconds if sight.large else typical
    second = sight.second.seconds if sight.second else 0.0
    facts: dict[str, Any] = {
        "first_s": round(sight.tries[0].seconds, 3),
        "median_s": round(typical, 3),
        "large_s": round(large, 3),
        "second_s": round(second, 3),
    }
    told = f"First look {sight.tries[0].seconds:.1f} s"
    told += f" (median of {len(sight.tries)}: {typical:.1f} s)" if len(sight.tries) > 1 else ""
    told += f"; at a large view {large:.1f} s" if sight.large else ""
    told += f"; second look {second:.1f} s." if sight.second else "."
    deadline = timeout_s or TOOL_TIMEOUT_S
    if large + second <= deadline / 2:
        return ok(name, told, **facts)
    advice = (
        f"A tool call ends after {deadline:.0f} s: raise --timeout-s (ZOOMREFINE_TIMEOUT_S) together with your MCP "
        "host's own limit, or set a smaller --view-edge."
    )
    return warned(name, told, advice, "slow", **facts)


def replies_check(sight: Sight, warnings: Sequence[str]) -> Check:
    """How many replies could not be read."""
    name, of = "replies", len(sight.tries)
    lost = sum(isinstance(one.fault, ReplyUnreadable) for one in sight.tries)
    refused = sum(one.fault is not None for one in sight.tries) - lost
    mended = sum(one.look is not None and one.look.usage.unreadable_replies > 0 for one in sight.tries)
    unreadable = lost + mended
    if not of:
        return skipped(name, "There was none.")
    facts: dict[str, Any] = {"tries": of, "unreadable": unreadable, "mended": mended, "refused": refused}
    finding = f"{unreadable} of {of} could not be read" if unreadable else f"{of} of {of} could be read"
    finding += f", {mended} of them until asked for once more" if mended else ""
    finding += f"; {refused} declined to answer." if refused else "."
    fault = next((one.fault for one in sight.tries if one.fault is not None), None)
    if fault is not None:
        finding += f" {fault.message}"
        advice = fault.hint or _KEEPS_TO_A_FORM
        make = failed if 2 * (unreadable + refused) >= of else warned
        return make(name, finding, advice, fault.code, **facts)
    if mended:
        return warned(name, finding, _KEEPS_TO_A_FORM, "reply_unreadable", **facts)
    if warnings:
        finding += f" Read with a warning, the first being: {warnings[0]}"
    return ok(name, finding, **facts)


def _tokens_by_profile(one: Try, profile: Profile) -> int:
    return profile.image_tokens(one.ask.pictures[0].size)


def _is_boxed(one: Try) -> bool:
    return one.look is not None and bool(one.look.regions) and is_right(one.look.regions[0].box, one.card.box)

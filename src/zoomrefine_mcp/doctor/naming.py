"""What answers, which model it is, and which facts hold for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.clients.exchange import MAX_CANDIDATES, listed, nearest_first
from zoomrefine_mcp.backends.endpoints import Endpoint, unused_settings
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.backends.profiles.listing import EXAMPLE
from zoomrefine_mcp.doctor.checks import Check, Status, failed, failed_by, ok, warned
from zoomrefine_mcp.doctor.conventions import written
from zoomrefine_mcp.errors import ModelNotFound
from zoomrefine_mcp.settings import Settings, flag_name


def backend_check(endpoint: Endpoint, settings: Settings, neighbours: Iterable[Check]) -> Check:
    """What answers and where; a warning where a model is named that nobody asks.

    Args:
        endpoint: What the settings led to.
        settings: As read.
        neighbours: The checks so far; those of this machine's servers hold which models they list, and where.
    """
    where = f"at {endpoint.base_url}" if endpoint.base_url else "on this machine"
    finding, unused = f"{endpoint.backend}, {where}.", unused_settings(settings, endpoint)
    if not unused:
        return ok("backend", finding)
    asked = {settings.model, f"{settings.model}:latest"}  # Ollama takes a name without its tag
    listing = (check.facts for check in neighbours if asked & set(check.facts.get("models", ())))
    address = next((facts["base_url"] for facts in listing), None)
    if address is not None:
        advice = f"Add --base-url {address} (ZOOMREFINE_BASE_URL): the server there lists {settings.model}."
    else:
        advice = "Name the server with --base-url (ZOOMREFINE_BASE_URL), or set the key of its provider."
    return warned("backend", f"{finding} {unused}", advice, "model_not_used")


def model_check(info: BackendInfo, models: Sequence[str]) -> Check:
    """The model's name, and whether the server lists it. Whether it answers is for a look to say.

    Args:
        info: What answers.
        models: What the server lists; none where it has no list.
    """
    if not models or info.model in models:
        return ok("model", f"{info.model}.")
    finding = f"{info.model} is not in the server's list ({_offered(info.model, models)})."
    advice = "Where a server answers to any name, set --model to the model's own: the name picks the profile."
    return warned("model", finding, advice, "model_not_listed", candidates=_candidates(info.model, models))


def unknown_model(fault: ModelNotFound, model: str, models: Sequence[str]) -> Check:
    """The server does not know the model: what it has instead, names alike first."""
    candidates = _candidates(model, models)
    if not candidates:
        return failed_by("model", fault)
    nearest = shlex.quote(candidates[0])
    advice = f"Set --model {nearest} (ZOOMREFINE_MODEL), or another that it offers: {_offered(model, models)}."
    return failed("model", fault.message, advice, fault.code, candidates=candidates)


def profile_check(info: BackendInfo, settings: Settings, *, wire: str) -> Check:
    """Which facts hold for the model, why these, and what it sees of an 8K picture."""
    profile, seen = info.profile, info.profile.sees(EXAMPLE)
    tokens = profile.image_tokens(EXAMPLE)
    known = wire not in {"openai", "anthropic"} or profile_for(info.model, wire="openai").name != "unknown"
    if settings.profile:
        why = "by --profile"
    elif profile.name != profile_for(info.model, wire=wire).name:
        why = "by --profile-file"
    else:
        why = "by the model's name" if known else "since no family's pattern fits the model's name"
    further = [f"{flag_name(name)} {value}" for name in _OVERRIDES if (value := getattr(settings, name))]
    finding = (
        f"{profile.name}, {', with '.join((why, *further))}: boxes in {written(profile)}; "
        f"of a picture of {EXAMPLE} it sees {seen}{f', for {tokens:,} tokens' if tokens else ''}."
    )
    facts = {"profile": profile.name, "known": known, "seen": [seen.width, seen.height], "tokens": tokens}
    if known or settings.profile or further:
        return Check("profile", Status.OK, finding, facts=facts)
    advice = "If it is a fine-tune of a known family, name that with --profile (`zoomrefine-mcp profiles` lists them)."
    return Check("profile", Status.WARNING, finding, advice, "unknown_model", facts)


_OVERRIDES = ("profile_file", "box_convention")


def _candidates(model: str, models: Sequence[str]) -> list[str]:
    """What the server offers, names alike first."""
    return list(nearest_first(model, models)[:MAX_CANDIDATES])


def _offered(model: str, models: Sequence[str]) -> str:
    return listed(_candidates(model, models), len(models))

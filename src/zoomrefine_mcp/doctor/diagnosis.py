"""Goes through the checks: from what the settings say to what the model makes of a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from zoomrefine_mcp.app import App, ocr_is_installed, open_app
from zoomrefine_mcp.backends.base import Backend, BackendInfo
from zoomrefine_mcp.backends.clients import anthropic, openai
from zoomrefine_mcp.backends.clients.scrubbing import looked_at
from zoomrefine_mcp.backends.endpoints import Endpoint, choose_endpoint
from zoomrefine_mcp.backends.form import reply_schema
from zoomrefine_mcp.backends.profiles.listing import EXAMPLE
from zoomrefine_mcp.doctor.checks import Check, Diagnosis, failed_by, ok, skipped, skipped_all
from zoomrefine_mcp.doctor.conventions import fitting, is_right
from zoomrefine_mcp.doctor.eyesight import (
    PROBE,
    Sight,
    count_without_picture,
    keeps_to_schema,
    show,
    show_closer,
)
from zoomrefine_mcp.doctor.judging import (
    box_check,
    cache_check,
    large_check,
    latency_check,
    picture_check,
    replies_check,
    second_check,
    structure_check,
    word_check,
)
from zoomrefine_mcp.doctor.naming import backend_check, model_check, profile_check, unknown_model
from zoomrefine_mcp.doctor.neighbours import LOCAL_SERVERS, LocalServer, look_around
from zoomrefine_mcp.doctor.surroundings import (
    directories,
    keys_as_read,
    save_directory,
    settings_as_read,
    text_reader,
)
from zoomrefine_mcp.errors import (
    BackendAuth,
    BackendError,
    BackendFailure,
    BackendRateLimited,
    BackendTimeout,
    BackendUnreachable,
    ImageTooLarge,
    ModelNotFound,
    ModelRequired,
    ZoomRefineError,
)
from zoomrefine_mcp.records import ReplyForm
from zoomrefine_mcp.settings import COMMAND_TIMEOUT_S, Settings

TRIES = 10
"""How many test cards a model is shown."""

SEEING = (
    "picture",
    "word",
    "box",
    "large_view",
    "second_look",
    "structured_output",
    "prefix_cache",
    "latency",
    "replies",
)
"""The checks that take a look."""

NOT_REACHED = "The server has to be reached first."
NO_MODEL = "The model and what holds for it have to be known first."

_ABOUT_REACH = (BackendAuth, BackendUnreachable, BackendTimeout, BackendRateLimited)

Tell = Callable[[str], None]


async def diagnose(
    settings: Settings,
    *,
    tries: int = TRIES,
    local_servers: Sequence[LocalServer] = LOCAL_SERVERS,
    tell: Tell = lambda _: None,
) -> Diagnosis:
    """Check everything that a question depends on.

    A model is shown ``tries`` test cards, one of them twice, and one card at the size of a question's view, and asked
    two short questions without a picture; where another way of reading its boxes fits better, one card more. What
    fails early leaves the rest out.

    Args:
        settings: As read. Nothing is written anywhere, whatever they say.
        tries: How many test cards, from 1.
        local_servers: The servers of this machine that are asked for their models.
        tell: Told of every step.
    """
    installed = ocr_is_installed()
    chosen = _chosen(settings, ocr_installed=installed)
    endpoint = chosen if isinstance(chosen, Endpoint) else None
    checks = [
        settings_as_read(settings),
        keys_as_read(settings, endpoint),
        directories(settings, cwd=Path.cwd(), home=Path.home()),
        save_directory(settings),
        text_reader(installed=installed),
    ]
    tell("asking the local servers which models they have")
    checks += await look_around(local_servers, endpoint.base_url if endpoint else "")
    if isinstance(chosen, ZoomRefineError):
        checks += [failed_by("backend", chosen), *skipped_all(("reach", "model", "profile", *SEEING), "No backend.")]
        return Diagnosis(tuple(checks))
    checks.append(backend_check(chosen, settings, checks))
    quiet = settings.model_copy(update={"save_dir": None})  # nothing is made that was only named
    async with open_app(quiet, timeout_s=COMMAND_TIMEOUT_S) as app:
        checks += await _Examination(app, chosen, tries, tell).run()
    return Diagnosis(tuple(checks))


def _chosen(settings: Settings, *, ocr_installed: bool) -> Endpoint | ZoomRefineError:
    try:
        return choose_endpoint(settings, ocr_installed=ocr_installed)
    except ZoomRefineError as error:
        return error


class _Examination:
    """The checks of what answers.

    Args:
        app: The application, as a question would have it.
        endpoint: What answers.
        tries: How many test cards.
        tell: Told of every step.
    """

    def __init__(self, app: App, endpoint: Endpoint, tries: int, tell: Tell) -> None:
        self.app = app
        self.endpoint = endpoint
        self.tries = tries
        self.tell = tell
        self.models: tuple[str, ...] = ()
        self.form = ReplyForm.TEXT if app.settings.policy == "paper" else ReplyForm.JSON

    async def run(self) -> list[Check]:
        """All of them, in their order."""
        is_chat = self.endpoint.wire in {"openai", "anthropic"}
        reach = await self._reach() if is_chat else skipped("reach", "Nothing leaves this machine.")
        if reach.code is not None:
            return [reach, *skipped_all(("model", "profile", *SEEING), NOT_REACHED)]
        try:
            backend = await self.app.backend()
        except BackendFailure as error:
            return [failed_by("reach", error), *skipped_all(("model", "profile", *SEEING), NOT_REACHED)]
        except ModelRequired as error:
            return [reach, failed_by("model", error), *skipped_all(("profile", *SEEING), NO_MODEL)]
        except ZoomRefineError as error:  # a script that cannot be read, or a profile that there is not
            names = ("model", "profile") if self.endpoint.wire == "scripted" else ("profile", "model")
            found = {names[0]: failed_by(names[0], error), names[1]: skipped(names[1], NO_MODEL)}
            return [reach, found["model"], found["profile"], *skipped_all(SEEING, NO_MODEL)]
        model = model_check(backend.info, self.models)
        profile = profile_check(backend.info, self.app.settings, wire=self.endpoint.wire)
        if self.endpoint.wire == "scripted":
            return [reach, model, profile, *skipped_all(SEEING, "Its replies come from a file: nothing looks.")]
        sight = await self._look(backend) if is_chat else await self._read(backend)
        fault = sight.fault
        if isinstance(fault, ModelNotFound):
            return [
                reach,
                unknown_model(fault, backend.info.model, self.models),
                profile,
                *skipped_all(SEEING, NO_MODEL),
            ]
        if fault is not None and not sight.tries and self._is_about_reach(fault):
            return [failed_by("reach", fault), model, profile, *skipped_all(SEEING, NOT_REACHED)]
        return [reach, model, profile, *await self._judged(sight, backend, is_chat=is_chat)]

    async def _reach(self) -> Check:
        """Whether the server answers, by its list of models."""
        self.tell(f"asking {self.endpoint.address} which models it has")
        list_models = anthropic.list_models if self.endpoint.wire == "anthropic" else openai.list_models
        try:
            listed = await list_models(self.endpoint)
            # A server may list what it was sent, the key too.
            self.models = tuple(looked_at(name, self.endpoint) for name in listed)
        except (BackendError, ModelNotFound, BackendRateLimited):
            return ok("reach", f"{self.endpoint.address} answers, and lists no models.")
        except ZoomRefineError as error:
            return failed_by("reach", error)
        count = "1 model" if len(self.models) == 1 else f"{len(self.models)} models"
        return ok("reach", f"{self.endpoint.address} answers, with {count}.")

    def _is_about_reach(self, fault: BackendFailure) -> bool:
        """Whether a first look failed for the server's sake: it cannot be asked, or what is there is no such server."""
        if isinstance(fault, _ABOUT_REACH):
            return True
        return isinstance(fault, BackendError) and not self.models and fault.context.get("status") in {None, 404, 405}

    async def _look(self, backend: Backend[Any]) -> Sight:
        """Show a chat model the cards. What ends it early is in ``fault``; what was seen before it stands."""
        sight = Sight()
        try:
            for number in range(self.tries):
                self.tell(f"test card {number + 1} of {self.tries}")
                sight.tries.append(await show(backend, number, self.form, self.app.timeout_s))
                if len(sight.read) == 1 and sight.tries[-1].look is not None:
                    await self._look_closer(backend, sight)
                    await self._ask_without_picture(backend.info, sight)
                    if picture_check(sight, backend.info.profile).code == "images_dropped":
                        break  # nothing else would be seen either
                    await self._look_large(backend, sight)
        except BackendFailure as fault:
            sight.fault = fault
        if sight.tries and not sight.read:  # does the server bind replies at all?
            await self._ask_without_picture(backend.info, sight)
        return sight

    async def _ask_without_picture(self, info: BackendInfo, sight: Sight) -> None:
        """Two short questions that only explain: a fault of theirs is one that the cards meet too."""
        budget = self.app.settings.max_tokens or info.profile.reply_tokens
        limit = self.app.timeout_s
        self.tell("two short questions without a picture")
        with suppress(BackendFailure):
            plain = self.app.client(self.endpoint, info.model, info.profile, reply_schema=reply_schema())
            if sight.read:
                sight.tokens_without_picture = await count_without_picture(plain, sight.read[0], limit)
        with suppress(BackendFailure):
            bound = self.app.client(self.endpoint, info.model, info.profile, reply_schema=PROBE)
            sight.binds = await keeps_to_schema(bound, budget, limit)

    async def _look_closer(self, backend: Backend[Any], sight: Sight) -> None:
        """The second look at a card. What goes wrong in it leaves the further cards to be shown."""
        self.tell("a second look at it")
        try:
            sight.second = await show_closer(backend, sight.read[0], self.app.timeout_s)
        except BackendFailure as fault:
            sight.second_fault = fault

    async def _look_large(self, backend: Backend[Any], sight: Sight) -> None:
        """A look at a card as large as a question's view; what goes wrong in it is its own check's."""
        edge = self.app.settings.view_edge
        wanted = EXAMPLE.within_edge(edge) if edge else EXAMPLE
        self.tell("a test card as large as the view of an 8K picture")
        try:
            sight.large = await show(backend, 1, self.form, self.app.timeout_s, wanted=wanted)
        except (BackendFailure, ImageTooLarge) as fault:
            sight.large_fault = fault

    async def _read(self, backend: Backend[Any]) -> Sight:
        """Show the embedded reader one card: it reads alike every time."""
        sight = Sight()
        try:
            self.tell("reading a test card")
            sight.tries.append(await show(backend, 0, self.form, self.app.timeout_s))
            await self._look_closer(backend, sight)
        except BackendFailure as fault:
            sight.fault = fault
        return sight

    async def _judged(self, sight: Sight, backend: Backend[Any], *, is_chat: bool) -> list[Check]:
        profile = backend.info.profile
        if sight.fault is not None and not sight.tries:
            return [failed_by("picture", sight.fault), *skipped_all(SEEING[1:], "A picture has to arrive first.")]
        latency = latency_check(sight, self.app.settings.timeout_s)
        if not is_chat:
            why = "Only a chat model has it."
            return [
                ok("picture", "The reader got it."),
                word_check(sight),
                *skipped_all(("box", "large_view"), why),
                second_check(sight),
                *skipped_all(("structured_output", "prefix_cache"), why),
                latency,
                replies_check(sight, ()),
            ]
        picture = picture_check(sight, profile)
        if picture.code == "images_dropped":
            seen = skipped_all(("word", "box", "large_view", "second_look"), "The picture has to arrive first.")
        else:
            box = await self._box(sight, backend.info)
            seen = [word_check(sight), box, large_check(sight, profile), second_check(sight)]
        warnings = [warning for one in sight.read if one.look for warning in one.look.warnings]
        replies = failed_by("replies", sight.fault) if sight.fault else replies_check(sight, warnings)
        structure, cache = structure_check(sight), cache_check(sight, profile)
        return [picture, *seen, structure, cache, latency, replies]

    async def _box(self, sight: Sight, info: BackendInfo) -> Check:
        """The box's check; where another convention fits, after one more look under it."""
        found = fitting(sight.read, info, self.app.settings, wire=self.endpoint.wire)
        confirmed: bool | None = None
        if found.convention is not None:
            self.tell(f"a further look with --box-convention {found.convention}")
            changed = self.app.settings.model_copy(update={"box_convention": found.convention, "model": info.model})
            with suppress(BackendFailure):
                async with open_app(changed, timeout_s=self.app.timeout_s) as app:
                    again = await show(await app.backend(), 0, self.form, app.timeout_s)
                regions = again.look.regions if again.look else ()
                confirmed = bool(regions) and is_right(regions[0].box, again.card.box)
        return box_check(sight, found, info.profile, confirmed=confirmed)

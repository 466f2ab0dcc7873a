"""A conversation about the picture: cuts of it are shown, as many in a look as model, server and budget take."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Generic

from zoomrefine_mcp.backends.base import Ask, Look, T
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.cuts import HELD, Cut, holds
from zoomrefine_mcp.errors import BackendError, BackendFailure, ContextTooLong
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.records import Question, ReplyForm, Stage

log = logging.getLogger(__name__)

WHOLE = 0.98
"""A picture that holds so much of a box shows all of it, up to rounding."""
FEW = 4
"""So many pictures or fewer are tried again with one less where a server refuses them; more, with half."""


class Conversation(Generic[T]):
    """The looks after a first one. Those that are worth it are gone on from; the others are as if they had not been.

    Args:
        bench: The working place.
        first: The look that it begins with.
        most_looks: How many looks the question may have, where the budget does not say.
        form: What the model is asked to write.

    Attributes:
        looks: All that ``show`` took, after the first one, those too that are not gone on from.
        misses: Those of them that held nothing; what they showed is told in words instead.
    """

    def __init__(self, bench: Bench[T], first: Look[T], most_looks: int, form: ReplyForm = ReplyForm.JSON) -> None:
        self._bench = bench
        self._form = form
        self._most_looks = most_looks
        self._trunk = [first]
        self.looks = [first]
        self.misses: list[Look[T]] = []

    @property
    def looks_left(self) -> int:
        """How many looks may still be taken."""
        return self._bench.looks_left(self._most_looks)

    @property
    def last(self) -> Look[T]:
        """The newest look."""
        return self.looks[-1]

    @property
    def shown(self) -> list[Picture]:
        """Every picture that was shown, the view first."""
        return [picture for look in self.looks for picture in look.pictures]

    def scale_of(self, box: Box) -> float:
        """The best scale at which one picture, or several together, showed a region so far; 0 where none did."""
        read = [(self._bench.scale(one), one.shows) for one in self.shown if one.shows.intersection(box)]
        together = (scale for scale, _ in read if box.covered_by([one for at, one in read if at >= scale]) >= HELD)
        return max(together, default=0.0)

    def scale_whole(self, box: Box) -> float:
        """The best scale at which one picture showed all of a box so far; 0 where none did."""
        return max((self._bench.scale(one) for one in self.shown if holds(one.shows, box, WHOLE)), default=0.0)

    def crop_of(self, box: Box) -> Picture | None:
        """The newest picture but the view that shows the better part of a region."""
        return next((one for one in reversed(self.shown[1:]) if holds(one.shows, box, 0.5)), None)

    def go_on_from(self, look: Look[T]) -> None:
        """Show what comes next after this look."""
        self._trunk.append(look)

    def restart(self) -> None:
        """Show what comes next after the first look alone."""
        del self._trunk[1:]

    async def show(self, stage: Stage, question: Question, cuts: Sequence[Cut], why: str) -> Look[T] | None:
        """Render as many of the cuts, from the first on, as one look may hold, and ask.

        Returns:
            The look, with what was shown in its ``pictures``; None where the budget has no look left, or pays for none.

        Raises:
            ImageDamaged: The file cannot be decoded (any more).
            BackendFailure: By its kind.
        """
        cuts = cuts[: self._paid_for([cut.fit.size for cut in cuts], self._trunk[-1])]
        pictures = tuple([await self._bench.render(stage, cut.box, cut.fit) for cut in cuts])
        asked = replace(question, empty=self._empty())
        while pictures:
            most = self._bench.most_in_request
            if most is not None and self._held + len(pictures) > most:
                self.restart()
            ask = Ask(stage, self._form, asked, pictures)
            try:
                look = await self._bench.look(ask, self._trunk[-1].transcript, why=why)
            except (BackendError, ContextTooLong) as refused:
                if not _may_take_fewer(refused) or (len(self._trunk) == 1 and len(pictures) == 1):
                    raise
                self._note(refused, len(pictures))
                self.restart()
                if self._bench.most_in_request == 1:  # nothing beside the view
                    raise
                pictures = pictures[: self._bench.room]
                log.warning("a request was refused; %d new pictures are shown after the first look", len(pictures))
            else:
                self.looks.append(look)
                return look
        return None

    async def ask_apart(
        self, stage: Stage, question: Question, pictures: Sequence[Picture], why: str
    ) -> Look[T] | None:
        """Show all of the pictures in a conversation of their own, in which nothing was said before.

        Returns:
            The look; None where the budget or a request does not hold them all: a part may lack what was read.

        Raises:
            BackendFailure: By its kind.
        """
        if self._paid_for([one.size for one in pictures], None) < len(pictures):
            return None
        return await self._bench.look(Ask(stage, self._form, question, tuple(pictures)), why=why)

    def _empty(self) -> tuple[Box, ...]:
        """What the misses showed readably: what was shown reduced may hold it all the same."""
        shown = (picture for look in self.misses for picture in look.pictures)
        return tuple(picture.shows for picture in shown if self._bench.shows_readably(picture))

    @property
    def _held(self) -> int:
        """How many pictures are sent again with the next look."""
        return sum(len(look.pictures) for look in self._trunk)

    def _paid_for(self, sizes: Sequence[Size], after: Look[T] | None) -> int:
        """How many pictures one look may hold within its room and the budget: as many as that, from the first on."""
        if self.looks_left == 0:
            return 0
        most = min(len(sizes), self._bench.room)
        return next((number for number in range(most, 0, -1) if self._bench.affords(sizes[:number], after)), 0)

    def _note(self, refused: BackendFailure, pictures: int) -> None:
        """Remember for every later look how many pictures the server takes: as it says, or by trying fewer.

        Where it does not say, those of earlier looks are left out first.
        """
        said = re.search(r"(?i)at most (\d+) (image|picture)", str(refused))
        if said and int(said[1]) < self._held + pictures:
            self._bench.most_in_request = int(said[1])
        elif len(self._trunk) > 1:
            self._bench.most_in_request = self._held + pictures - 1
        else:
            self._bench.most_pictures = pictures - 1 if pictures <= FEW else (pictures + 1) // 2


def _may_take_fewer(refused: BackendFailure) -> bool:
    """Whether the server may take the same request with fewer pictures."""
    return isinstance(refused, ContextTooLong) or refused.context.get("status") in (400, 413, 422)

"""Counting: over disjoint tiles, by a box for every thing, so that a thing on a border counts once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zoomrefine_mcp.backends.base import Look
from zoomrefine_mcp.bench import Bench
from zoomrefine_mcp.conversation import Conversation
from zoomrefine_mcp.policies.looking import DROPPED
from zoomrefine_mcp.records import Evidence, Outcome, Question, Stage
from zoomrefine_mcp.tally import Tally
from zoomrefine_mcp.tiles import areas_to_count, tiles_to_count


async def count(bench: Bench[Any], question: Question, first: Look[Any], before: Outcome, looks: int) -> bool:
    """Count what the question asks for over disjoint tiles, and keep the number.

    Returns:
        Whether that was it; if not (the figure is written there, or nothing was found), what was there before is kept.
    """
    asked = replace(question, choices=())  # a part of the number is none of the options
    pointed = [] if first.evidence is Evidence.NOT_HERE else [region.box for region in first.regions]
    for area in areas_to_count(bench, pointed):
        conversation, tally = Conversation(bench, first, looks), Tally()
        cuts = tiles_to_count(bench, area, conversation.looks_left * bench.room)
        while cuts:
            look = await conversation.show(Stage.COUNT, asked, cuts, "counting in tiles")
            if look is None or look.dropped:
                ended = "the pictures no longer reached the model" if look else "the budget ended"
                bench.warn(f"Not everything was counted: {ended}.")
                counted = tally.outcome(before, question, ended) if tally.tiles else before
                bench.keep(replace(counted, reason=before.reason or (DROPPED if look else "budget")))
                return True
            cuts = cuts[len(look.pictures) :]
            tally.add(look, bench)
            if tally.found:
                bench.keep(tally.outcome(before, question, "the rest was looked at"))
        if tally.found:
            bench.keep(tally.outcome(before, question))
            return True
        if tally.written:
            break
    return False

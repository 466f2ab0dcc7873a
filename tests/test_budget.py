"""What a question may cost is never exceeded, what was kept stands, and what is no budget is refused with a hint."""

from __future__ import annotations

import json

import anyio
import pytest

from tests.support.hosts import connect, draw_picture, server_on
from tests.support.walking import Seer, Sheet, ask, ask_command, refine, said
from zoomrefine_mcp import Budget
from zoomrefine_mcp.backends.clients.base import Completion
from zoomrefine_mcp.cli import main
from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import Box
from zoomrefine_mcp.records import Usage
from zoomrefine_mcp.settings import Settings, budget_of

pytestmark = pytest.mark.anyio

SPOT = Box(0.5, 0.5, 0.51, 0.51)
WANTS_MORE = [said("5", "too_small", [SPOT]), said("6", "cut_off"), said(None, "not_here")]


@pytest.mark.parametrize("policy", ["adaptive", "thorough"])
@pytest.mark.parametrize("looks", [1, 2, 3, 4, 7])
async def test_no_more_looks_are_taken_than_the_budget_names(looks, policy):
    result, seer = await ask(WANTS_MORE, budget=Budget(looks=looks), policy=policy)
    assert len(seer.requests) <= looks
    assert len(result.trace) == len(seer.requests)


@pytest.mark.parametrize(("looks", "answer", "status"), [(1, "5", "preliminary"), (2, "6", "refined")])
async def test_what_was_kept_stands_when_the_looks_are_spent(looks, answer, status):
    result, _ = await ask(WANTS_MORE, budget=Budget(looks=looks))
    assert (result.answer, result.status, result.status_reason) == (answer, status, "budget")


PAPERS = "Answer: 5\nBounding box: (500, 500), (520, 520)"


@pytest.mark.parametrize("budget", [Budget(looks=1), Budget(tokens=4_000)])
async def test_the_paper_takes_one_look_where_the_budget_pays_for_no_more(budget):
    result, seer = await ask([PAPERS], policy="paper", budget=budget, tokens=(2500, 120))
    assert (result.answer, result.status, result.status_reason) == ("5", "preliminary", "budget")
    assert (len(seer.requests), len(result.regions)) == (1, 1)


@pytest.mark.parametrize("tokens", [3_000, 8_000, 16_000, 40_000])
async def test_no_more_tokens_are_spent_than_the_budget_names(tokens):
    result, _ = await ask(WANTS_MORE, budget=Budget(tokens=tokens), tokens=(2500, 120))
    assert result.usage.input_tokens + result.usage.output_tokens <= tokens
    assert result.status_reason in {"budget", "not_in_picture"}


async def test_a_look_that_would_cost_too_much_is_taken_with_fewer_pictures():
    nothing = said(None, "not_here")
    _, plenty = await ask([nothing], tokens=(1500, 50))
    _, short = await ask([nothing], tokens=(1500, 50), budget=Budget(tokens=14_000))
    assert 1 <= len(short.shown[1].new) < len(plenty.shown[1].new)


class Hangs(Seer):
    """Answers so many times and never again."""

    def __init__(self, says, times):
        super().__init__(says)
        self.times = times

    async def complete(self, messages, *, form, max_tokens):
        if len(self.requests) == self.times:
            await anyio.sleep_forever()
        return await super().complete(messages, form=form, max_tokens=max_tokens)


@pytest.mark.parametrize(("budget", "reason"), [(Budget(seconds=1.0), "budget"), (Budget(), "deadline")])
async def test_when_the_time_is_up_in_the_middle_of_the_walk_the_last_outcome_stands(budget, reason):
    zoom = refine(Hangs(WANTS_MORE, 2), budget=budget)
    zoom.timeout_s = 60.0 if budget.seconds else 1.0
    result = await zoom.zoom_and_refine(Sheet(), "Which number?")
    assert (result.answer, result.status, result.status_reason) == ("6", "refined", reason)
    assert any("time was up" in warning for warning in result.warnings)


async def test_a_deadline_that_is_shorter_than_the_seconds_is_the_one_that_is_named():
    zoom = refine(Hangs(WANTS_MORE, 2), budget=Budget(seconds=600))
    zoom.timeout_s = 1.0
    assert (await zoom.zoom_and_refine(Sheet(), "Which number?")).status_reason == "deadline"


async def test_an_unreadable_reply_counts_in_tokens():
    unreadable = Completion(text="Well.", usage=Usage(1, 2500, 0, 120))

    class Babbles(Seer):
        async def complete(self, messages, *, form, max_tokens):
            reply = await super().complete(messages, form=form, max_tokens=max_tokens)
            return unreadable if len(self.requests) % 2 else reply

    seer = Babbles(lambda _: said("6", "cut_off", [SPOT]), (2500, 120))
    result = await refine(seer, budget=Budget(tokens=20_000)).zoom_and_refine(Sheet(), "Which number?")
    assert result.usage.input_tokens + result.usage.output_tokens <= 20_000
    assert result.usage.unreadable_replies >= 1


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("looks=6,seconds=40,tokens=60000", Budget(6, 40.0, 60000)),
        ("tokens=9000", Budget(tokens=9000)),
        (" seconds = 1.5 , looks = 2 ", Budget(2, 1.5)),
    ],
)
def test_a_budget_is_written_in_any_order_and_in_part(text, budget):
    assert budget_of(text) == budget
    assert Settings(budget=text).budget == budget


BAD = ["", "6", "looks", "looks=", "looks=0", "looks=-1", "looks=1.5", "seconds=inf", "seconds=nan", "calls=3",
       "looks=2,looks=3", "looks=2;tokens=3", "looks=2,", "tokens=1e4", "looks=9999999999"]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_budget_is_refused_with_how_to_write_one(text):
    with pytest.raises(BadRequest) as caught:
        budget_of(text)
    assert "looks=6,seconds=40,tokens=60000" in caught.value.hint


async def test_the_tool_takes_a_budget_and_refuses_what_is_none_with_the_hint(tmp_path):
    path = draw_picture(tmp_path / "plate.png")
    arguments = {"image_path": str(path), "question": "Which number?"}
    server = server_on(tmp_path, [said("5", "too_small", [SPOT]), said("6", "cut_off")], view_edge=200)
    async with connect(server) as client:
        result = await client.call_tool("zoom_and_refine", arguments | {"budget": "looks=2"})
        refused = await client.call_tool("zoom_and_refine", arguments | {"budget": "looks=many"})
    assert result.structured_content["status_reason"] == "budget"
    assert len(result.structured_content["trace"]) == 2
    assert refused.is_error
    assert "looks=6,seconds=40,tokens=60000" in refused.content[0].text


@pytest.mark.parametrize("place", ["flag", "environment"])
def test_the_command_line_and_the_environment_take_a_budget(tmp_path, capsys, monkeypatch, place):
    path = draw_picture(tmp_path / "plate.png")
    script = tmp_path / "script.json"
    script.write_text(json.dumps([said("5", "too_small", [SPOT])]), encoding="utf-8")
    given = ["--budget", "looks=1"] if place == "flag" else []
    if place == "environment":
        monkeypatch.setenv("ZOOMREFINE_BUDGET", "looks=1")
    command = ask_command(path, script)
    assert main([*command, *given, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["answer"], result["status_reason"], len(result["trace"])) == ("5", "budget", 1)

"""One line in a script or a notebook: ``ask``."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.support.hosts import draw_picture, reply
from zoomrefine_mcp import ZoomResult, ask
from zoomrefine_mcp.errors import BackendFailure, BadRequest, ImageNotFound, ReplyUnreadable


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    return draw_picture(tmp_path_factory.mktemp("pictures") / "plan.png", (1200, 600))


@pytest.fixture
def model(tmp_path):
    """Settings of a model that replies with these, one after the other."""

    def settings(*replies):
        script = tmp_path / "script.json"
        script.write_text(json.dumps(replies), encoding="utf-8")
        return {"backend": "scripted", "script": script, "view_edge": 400}

    return settings


ZOOMS = (reply("7", [0.4, 0.4, 0.6, 0.6], evidence="too_small"), reply("48-2207"))


@pytest.mark.parametrize("named", [str, lambda path: path])
def test_a_script_gets_its_answer_in_one_line(picture, model, named):
    result = ask(named(picture), "What is the serial number?", **model(*ZOOMS))
    assert isinstance(result, ZoomResult)
    assert (result.preliminary_answer, result.answer, result.status) == ("7", "48-2207", "refined")


@pytest.mark.anyio
async def test_a_notebook_whose_event_loop_is_running_gets_its_answer_too(picture, model):
    result = ask(picture, "What is the serial number?", **model(*ZOOMS))
    assert result.answer == "48-2207"


def test_choices_are_asked_and_answered_by_letter(picture, model):
    result = ask(picture, "Which colour?", ["red", "blue"], policy="direct", **model(reply(None, choice="B")))
    assert (result.choice, result.answer, result.policy) == ("B", "blue", "direct")


def test_the_pictures_that_were_sent_come_back_with_the_result(picture, model):
    sent = ask(picture, "What?", **model(*ZOOMS)).sent
    assert sent.view.size.width == 400
    assert [crop.size.width for crop in sent.crops if crop] == [1100]


@pytest.mark.parametrize("loop", ["none", "running"])
@pytest.mark.parametrize(
    ("question", "settings", "kind"),
    [
        ("", {}, BadRequest),
        ("What?", {"policy": "papre"}, BadRequest),
        ("What?", {"no_such_setting": 1}, BadRequest),
        ("What?", {"script": "/nowhere/at/all.json"}, BadRequest),
    ],
)
def test_an_error_arrives_as_itself(picture, model, question, settings, kind, loop):
    def fail():
        with pytest.raises(kind):
            ask(picture, question, **(model(*ZOOMS) | settings))

    _inside(loop, fail)


@pytest.mark.parametrize("loop", ["none", "running"])
def test_a_missing_picture_and_a_failing_model_are_told_apart(picture, model, loop):
    def fail():
        with pytest.raises(ImageNotFound):
            ask(picture.with_name("missing.png"), "What?", **model(*ZOOMS))
        with pytest.raises(ReplyUnreadable) as caught:
            ask(picture, "What?", **model(""))
        assert isinstance(caught.value, BackendFailure)

    _inside(loop, fail)


def _inside(loop, work):
    if loop == "none":
        work()
        return

    async def run():
        work()

    asyncio.run(run())

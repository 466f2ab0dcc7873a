"""The shipped test double: replays, records, and says when it has run out."""

from __future__ import annotations

import json

import pytest

from zoomrefine_mcp.backends.clients.base import Completion, Finish, Message, Role
from zoomrefine_mcp.backends.clients.scripted import ScriptedClient
from zoomrefine_mcp.errors import BackendError, BackendTimeout, BadRequest
from zoomrefine_mcp.records import ReplyForm, Usage

pytestmark = pytest.mark.anyio

ASKED = (Message(Role.USER, ("What is it?",)),)


async def say(client: ScriptedClient, messages: tuple[Message, ...] = ASKED) -> Completion:
    return await client.complete(messages, form=ReplyForm.TEXT, max_tokens=10)


async def test_replies_come_in_order_and_requests_are_recorded():
    client = ScriptedClient(
        ["one", Completion("two", Usage(1, 5, 0, 2), Finish.LENGTH), lambda messages: f"{len(messages)} turn"]
    )
    longer = (*ASKED, Message(Role.ASSISTANT, ("one",)))
    assert (await say(client)).text == "one"
    assert (await say(client, longer)) == Completion("two", Usage(1, 5, 0, 2), Finish.LENGTH)
    assert (await say(client)).text == "1 turn"
    assert client.requests == [ASKED, longer, ASKED]


async def test_a_failure_in_the_script_is_raised():
    client = ScriptedClient([BackendTimeout("too late"), "then"])
    with pytest.raises(BackendTimeout, match="too late"):
        await say(client)
    assert (await say(client)).text == "then"


async def test_a_script_that_has_run_out_says_so():
    client = ScriptedClient(["one"])
    await say(client)
    with pytest.raises(BackendError, match="has 1 replies and was asked for one more"):
        await say(client)


@pytest.mark.parametrize("text", ['["one", "two\\n"]', '"one"\n\n"two\\n"\n', '  ["one",\n "two\\n"]'])
async def test_a_script_is_a_json_list_or_one_string_a_line(tmp_path, text):
    (tmp_path / "script").write_text(text)
    client = ScriptedClient.from_file(tmp_path / "script")
    assert [(await say(client)).text for _ in range(2)] == ["one", "two\n"]


@pytest.mark.parametrize("text", ["", "one", "[1]", '{"a": 1}', json.dumps(["one"])[:-1], "[]"])
async def test_what_is_no_script_is_refused(tmp_path, text):
    (tmp_path / "script").write_text(text)
    with pytest.raises(BadRequest, match="neither a JSON list"):
        ScriptedClient.from_file(tmp_path / "script")


async def test_a_script_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path, tmp_path / "missing", tmp_path / "binary"):
        with pytest.raises(BadRequest, match="cannot be read"):
            ScriptedClient.from_file(path)

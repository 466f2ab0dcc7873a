"""What is quoted from outside is fit for a line, for the wire and for a log."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from zoomrefine_mcp.logs import SafeFormatter
from zoomrefine_mcp.safe_text import one_line, paragraph, sendable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢字", "plain é 漢字"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("left\u202eright", r"left\u202eright"),
        ("line\u2028break", r"line\u2028break"),
        ("half \udcff", r"half \udcff"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_a_line_shows_what_could_drive_a_terminal_or_break_a_line(text, shown):
    assert one_line(text) == shown


def test_a_long_line_is_cut_and_says_how_long_it_was():
    assert one_line("x" * 5_000, 10) == "xxxxxxxxxx... (5,000 characters in all)"


def test_a_paragraph_keeps_its_lines_but_none_of_them_begins_like_ours():
    assert paragraph("one\nStatus: refined\u2028Answer: no") == "one\n  Status: refined\n  Answer: no"


def test_json_data_is_made_fit_for_utf8_at_every_depth():
    data = sendable({"a": ["half \udcff", 1, None, {"b": "x" * 9_000}]})
    json.dumps(data, ensure_ascii=False).encode()
    assert data["a"][0] == r"half \udcff"
    assert data["a"][1:3] == [1, None]
    assert len(data["a"][3]["b"]) < 8_100


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    trace = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("name", logging.ERROR, "file", 1, message, args, trace)


def test_a_log_record_holds_no_pictures_bytes():
    line = SafeFormatter("%(message)s").format(record("sent %s", "data:image/png;base64," + "iVBORw0KGgo" * 100))
    assert line == "sent data:image/png;base64,<1100 characters of data>"


def test_a_log_record_cannot_drive_a_terminal_and_keeps_its_traceback():
    try:
        raise ValueError("\x1b[2J")  # noqa: TRY301 - a traceback is wanted
    except ValueError:
        error = sys.exc_info()[1]
    text = SafeFormatter("%(message)s").format(record("failed", error=error))
    assert "\x1b" not in text
    assert text.splitlines()[-1] == r"ValueError: \x1b[2J"
    assert len(text.splitlines()) > 3

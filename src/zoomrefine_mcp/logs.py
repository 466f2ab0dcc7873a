"""Logging to stderr (stdout is the protocol), one safe line a record and no picture's bytes in it."""

from __future__ import annotations

import logging
import re

from zoomrefine_mcp.safe_text import one_line

_DATA = re.compile(r"[A-Za-z0-9+/=_-]{200,}")
LONGEST_RECORD = 20_000
"""Characters of one record, its traceback included."""


class SafeFormatter(logging.Formatter):
    """Cuts long runs of base64 out of a record and writes control characters out; a traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        text = _DATA.sub(lambda run: f"<{len(run[0])} characters of data>", super().format(record))
        return "\n".join(one_line(line) for line in text[:LONGEST_RECORD].splitlines())


def log_to_stderr(level: int = logging.INFO) -> None:
    """Log this package from ``level`` on, and everything else from warnings on, unless logging is set up already."""
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("zoomrefine_mcp").setLevel(level)

"""Reading a reply in one line, and writing one in the JSON form."""

from __future__ import annotations

import json

from zoomrefine_mcp.backends.base import Ask
from zoomrefine_mcp.backends.profiles import PROFILES, profile_for
from zoomrefine_mcp.backends.replies import read_reply
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.pictures import Picture
from zoomrefine_mcp.questions import read_question
from zoomrefine_mcp.records import ReplyForm, Stage

VIEW = Picture(b"view", "image/jpeg", Size(1400, 700), Box.full())
CROP = Picture(b"crop", "image/jpeg", Size(800, 400), Box(0.5, 0.25, 0.75, 0.5))
OPEN = read_question("What is the serial number?")
CHOICES = read_question("Which colour?", ["red", "blue", "light blue", "The image does not feature the door"])
BOX = (0.1, 0.2, 0.3, 0.4)


def read(text, *, model="unknown", form="json", stage="localize", question=OPEN, pictures=(VIEW,)):
    ask = Ask(Stage(stage), ReplyForm(form), question, pictures[-1:])
    profile = PROFILES.get(model) or profile_for(model, wire="openai")
    return read_reply(text, ask=ask, pictures=pictures, profile=profile)


def boxes(reading):
    return [tuple(round(value, 3) for value in region.box.as_list()) for region in reading.regions]


def reply(box=None, answer="48-2207", **fields):
    regions = [] if box is None else [{"picture": 1, "label": "plate", "box": box}]
    return json.dumps(
        {"reasoning": "Seen.", "evidence": "legible", "answer": answer, "choice": None, "regions": regions} | fields
    )

"""Several questions about one picture, side by side, through one application that makes its backend once.

    python examples/python_api.py [IMAGE QUESTION...]

Uses whatever backend the environment configures, else the embedded text reader.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio

from zoomrefine_mcp import Settings, ZoomRefineError, open_app

HERE = Path(__file__).parent


def default_questions() -> list[str]:
    """The question that belongs to the scene beside this file, and one that it does not answer."""
    truth = json.loads((HERE / "scene.json").read_text(encoding="utf-8"))
    return [truth["question"], "What is the wavelength of the laser?"]


async def main(image: str, questions: list[str]) -> None:
    async with open_app(Settings()) as app, anyio.create_task_group() as tasks:

        async def ask(question: str) -> None:
            try:
                result = await app.zoom_and_refine(image, question)
            except ZoomRefineError as error:
                print(f"{question} -> {error.code}: {error.told}")
                return
            where = result.regions[0].pixels if result.regions else "nowhere"
            answer = "(not shown)" if result.abstained else result.answer
            print(f"{question} -> {answer}  [{result.status}, read at {where}, by {result.backend}]")

        for question in questions:
            tasks.start_soon(ask, question)


if __name__ == "__main__":
    anyio.run(main, *((sys.argv[1], sys.argv[2:]) if sys.argv[2:] else (str(HERE / "scene.jpg"), default_questions())))

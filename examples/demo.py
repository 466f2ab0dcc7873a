"""The main job, on an 8K picture, with the embedded text reader: no key, no server.

    python examples/demo.py [--seed N] [--out DIR] [--view-edge PX]

Prints the answer from the downsampled view, the region, the answer from the crop, and where crop, overlay and figure
were saved. Compares the answer with the scene's truth: exit code 0 when it is right and was read from the crop, else 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import anyio

from make_scene import HERE, SEED, make
from zoomrefine_mcp import Box, Settings, ZoomResult, open_app
from zoomrefine_mcp.images.draw import figure

VIEW_EDGE = 1568
"""Long edge of the view: what many hosted models see of a picture, however much is sent."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=HERE.parent / "out")
    parser.add_argument("--view-edge", type=int, default=VIEW_EDGE)
    options = parser.parse_args()
    scene = HERE / "scene.jpg" if options.seed == SEED else make(options.seed, options.out / f"seed-{options.seed}")
    truth = json.loads(scene.with_suffix(".json").read_text(encoding="utf-8"))
    return anyio.run(run, scene, truth, options.out, options.view_edge)


async def run(scene: Path, truth: dict[str, object], out: Path, view_edge: int) -> int:
    question = str(truth["question"])
    print(f"picture      {scene}\nquestion     {question}")
    settings = Settings(backend="ocr", policy="adaptive", view_edge=view_edge, save_dir=out)
    async with open_app(settings) as app:
        result = await app.zoom_and_refine(str(scene), question)
    view = result.image.view
    print(f"preliminary  {result.preliminary_answer or '(cannot be read)'}, in a view of {view.width} x {view.height}")
    for region in result.regions:
        print(f"region       {region.pixels} px: {region.label or ''}")
        if region.crop is not None:
            print(f"crop         {region.crop.pixels} px, saved as {region.crop.path}")
    print(f"answer       {result.answer or '(cannot be read)'}\noverlay      {result.overlay_path}")
    accepted = truth["accepted"] if isinstance(truth["accepted"], list) else []
    right = normalized(result.answer) in {normalized(text) for text in (truth["answer"], *accepted)}
    from_crop = result.status == "refined" and normalized(result.preliminary_answer) != normalized(result.answer)
    if right and from_crop:
        print(f"figure       {await save_figure(result, question, out)}")
    print(
        f"truth        {truth['answer']}: {'right' if right else 'WRONG'}{'' if from_crop else ', NOT FROM THE CROP'}"
    )
    return 0 if right and from_crop else 1


async def save_figure(result: ZoomResult, question: str, out: Path) -> Path:
    """The view beside the crop, with the question and both answers: README's picture."""
    crop = next(crop for crop in result.sent.crops if crop is not None)
    captions = [
        question,
        f"From the view: {result.preliminary_answer or 'cannot be read'}",
        f"From the crop: {result.answer}",
        "Frames: red, the region that was found; yellow, the crop that was cut from the original and shown",
    ]
    picture = await figure(result.sent.view, crop, Box(*result.regions[0].box), captions)
    path = out / "demo.jpg"
    path.write_bytes(picture.data)
    return path


def normalized(text: object) -> str:
    return "".join(str(text or "").casefold().split())


if __name__ == "__main__":
    sys.exit(main())

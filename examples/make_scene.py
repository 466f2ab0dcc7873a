"""Makes the 8K scene beside this file and its truth: ``python examples/make_scene.py [--seed N] [--out DIR]``.

The scenes themselves are drawn in benchmarks/scenes.py; no picture of someone else's is in them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

from scenes import demo_scene  # noqa: E402 - the folder has to be on the path first

SEED = 1
QUALITY = 82
"""JPEG quality of the committed scene: 4:4:4, under 4 MB."""


def make(seed: int, directory: Path) -> Path:
    """Write scene.jpg and scene.json for a seed; returns the picture's path."""
    directory.mkdir(parents=True, exist_ok=True)
    picture, sample = demo_scene(seed)
    path = directory / "scene.jpg"
    picture.save(path, quality=QUALITY, subsampling=0)
    truth = {"seed": seed, "question": sample.question, "answer": sample.answer, "accepted": sample.accepted}
    truth |= {"target": sample.target, "detail_px": sample.detail_px, "label_px": sample.label_px}
    path.with_suffix(".json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    print(make(options.seed, options.out))

"""Held-out scenes for the embedded text reader: pictures of 33 megapixels with a known answer, of kinds it was not made for.

Ten kinds: what is drawn (`heldout_drawings`), what stands about (`heldout_things`) and what is posted up
(`heldout_notices`), by someone who did not know the reader. Seeds count from 4000; any 80 in a row hold the same mix
(`dealing`). What has been looked at is held out no longer: whoever tunes a reader looks at neither pictures nor
modules, and a run's seeds count as spent once its answers have been read.

    python benchmarks/heldout_scenes.py --out DIR [--seeds 4000-4079]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import heldout_drawings
import heldout_notices
import heldout_things
from dealing import draw_scene, export

if TYPE_CHECKING:
    from PIL import Image

    from samples import Sample

KINDS = (*heldout_drawings.KINDS, *heldout_notices.KINDS, *heldout_things.KINDS)


def make_scene(seed: int) -> tuple[Image.Image, Sample]:
    """Draw the scene of a seed and the question about it."""
    return draw_scene(seed, KINDS, "heldout")


if __name__ == "__main__":
    export(make_scene, "heldout", "4000-4079")

"""View and crop of large pictures: this package against plain Pillow, at equal output sizes.

    python benchmarks/images.py [--rounds N] [--out DIR] [--only NAME ...]

Every variant makes the same two JPEGs (quality 92, 4:4:4) from a file: a view of 1568 px on its long edge, and a crop
of 30% of each side at the original's pixels.

- ours: `open_source`, two `render` calls.
- plain: as the reference code of Zoom-Refine does it: decode for the view, decode again for the crop.
- once: Pillow, decoded once for both.

Times are medians of interleaved rounds in one process. Memory is the peak resident size of a process of its own that
does it once (interpreter and libraries included). PSNR compares our view, before it is encoded, with a Lanczos
reduction of the full-resolution picture.

The pictures are generated from a seed: noise of every scale as in photographs, and lines of text. Exit code 1 if a
bound is missed: at least 3 times faster than plain on the 8K JPEG, at least 45 dB everywhere.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pyvips
from PIL import Image, ImageDraw, ImageFont

from zoomrefine_mcp.access import OpenFile
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.source import open_source
from zoomrefine_mcp.pictures import Fit

VIEW_EDGE = 1568
CROP = Box(0.35, 0.35, 0.65, 0.65)
QUALITY = 92
FASTER, DECIBEL = 3.0, 45.0

FOUR_K, EIGHT_K, HUNDRED = Size(3840, 2160), Size(7680, 4320), Size(12000, 9000)
_TILES: dict[str, Any] = {"tile": True, "tile_width": 256, "tile_height": 256}


@dataclass(frozen=True, eq=False)
class Case:
    """One picture file: its size, its ending, and how libvips writes it."""

    name: str
    size: Size
    ending: str
    options: dict[str, Any]


CASES = (
    Case("4K JPEG", FOUR_K, "jpg", {"Q": 90, "subsample_mode": "on"}),
    Case("8K JPEG", EIGHT_K, "jpg", {"Q": 90, "subsample_mode": "on"}),
    Case("108 MP JPEG", HUNDRED, "jpg", {"Q": 90, "subsample_mode": "on"}),
    Case("8K PNG", EIGHT_K, "png", {"compression": 6}),
    Case("108 MP tiled TIFF", HUNDRED, "tif", {**_TILES, "compression": "deflate", "predictor": "horizontal"}),
    Case("8K progressive JPEG", EIGHT_K, "jpg", {"Q": 90, "subsample_mode": "on", "interlace": True}),
    Case("108 MP pyramidal TIFF", HUNDRED, "tif", {**_TILES, "compression": "jpeg", "Q": 90, "pyramid": True}),
)


def photograph(size: Size, seed: int) -> pyvips.Image:
    """Noise of every scale, stronger the larger it is, in three correlated bands; and text of 10 to 60 px."""
    bands = []
    for band in range(3):
        total = pyvips.Image.black(size.width, size.height) + 128.0
        for octave in range(9):
            step = 2**octave
            field = pyvips.Image.gaussnoise(
                size.width // step + 2,
                size.height // step + 2,
                mean=0,
                sigma=4.0 * 1.35**octave,
                seed=seed * 100 + octave * 3 + band % 2,
            )
            grown = field if step == 1 else field.resize(step, kernel="cubic")
            total += grown.crop(0, 0, size.width, size.height)
        bands.append(total.cast("uchar"))
    image = bands[0].bandjoin(bands[1:]).copy(interpretation="srgb").copy_memory()
    canvas = Image.frombuffer("RGB", (size.width, size.height), image.write_to_memory()).copy()
    draw, dice = ImageDraw.Draw(canvas), random.Random(seed)
    for _ in range(size.pixels // 60_000):
        words = "".join(dice.choices("ABCDEFGHKLMNPRSTUVXYZ0123456789 -", k=dice.randint(6, 24)))
        ink = tuple(dice.randrange(256) for _ in range(3))
        place = (dice.randrange(size.width), dice.randrange(size.height))
        draw.text(place, words, font=ImageFont.load_default(dice.randint(10, 60)), fill=ink)
    return pyvips.Image.new_from_memory(canvas.tobytes(), size.width, size.height, 3, "uchar").copy(
        interpretation="srgb"
    )


def write_pictures(folder: Path, cases: tuple[Case, ...]) -> dict[Case, Path]:
    """Generate what is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {case: folder / f"{case.name.replace(' ', '-')}.{case.ending}" for case in cases}
    for size in {case.size for case in cases}:
        missing = [case for case in cases if case.size == size and not paths[case].exists()]
        if not missing:
            continue
        image = photograph(size, seed=7)
        for case in missing:
            print(f"writing {paths[case]}", file=sys.stderr)
            image.write_to_file(str(paths[case]), **case.options)
    return paths


Sizes = tuple[int, int]


def ours(path: Path) -> tuple[Sizes, Sizes]:
    """This package, through its public door."""

    async def run() -> tuple[Sizes, Sizes]:
        opened = OpenFile(os.open(path, os.O_RDONLY), str(path))
        async with await open_source(opened) as source:
            view = await source.render(Box.full(), Fit(source.size.within_edge(VIEW_EDGE), quality=QUALITY))
            crop = await source.render(CROP, Fit(CROP.to_pixels(source.size).size, quality=QUALITY))
        return (view.size.width, view.size.height), (crop.size.width, crop.size.height)

    return anyio.run(run)


def plain(path: Path) -> tuple[Sizes, Sizes]:
    """Pillow, decoding for each of the two."""
    with Image.open(path) as image:
        view = _pillow_view(image.convert("RGB"))
    with Image.open(path) as image:
        crop = _pillow_crop(image.convert("RGB"))
    return view, crop


def once(path: Path) -> tuple[Sizes, Sizes]:
    """Pillow, decoding once."""
    with Image.open(path) as image:
        full = image.convert("RGB")
    return _pillow_view(full), _pillow_crop(full)


def _pillow_view(image: Image.Image) -> Sizes:
    size = Size(*image.size).within_edge(VIEW_EDGE)
    return _pillow_jpeg(image.resize((size.width, size.height), Image.Resampling.LANCZOS))


def _pillow_crop(image: Image.Image) -> Sizes:
    box = CROP.to_pixels(Size(*image.size))
    return _pillow_jpeg(image.crop((box.left, box.top, box.right, box.bottom)))


def _pillow_jpeg(image: Image.Image) -> Sizes:
    image.save(io.BytesIO(), "JPEG", quality=QUALITY, subsampling=0)
    return image.size


VARIANTS: dict[str, Callable[[Path], tuple[Sizes, Sizes]]] = {"ours": ours, "plain": plain, "once": once}


def view_psnr(path: Path) -> float:
    """Our view before encoding against the full-resolution Lanczos reduction, in dB."""

    async def run() -> bytes:
        async with await open_source(OpenFile(os.open(path, os.O_RDONLY), str(path))) as source:
            whole = PixelBox(0, 0, source.size.width, source.size.height)
            view = source._drawing.render(whole, source.size.within_edge(VIEW_EDGE))  # noqa: SLF001 - before encoding
            return bytes(view.write_to_memory())

    view = anyio.run(run)
    with Image.open(path) as image:
        size = Size(*image.size).within_edge(VIEW_EDGE)
        wanted = image.convert("RGB").resize((size.width, size.height), Image.Resampling.LANCZOS).tobytes()
    seen, best = (pyvips.Image.new_from_memory(data, size.width, size.height, 3, "uchar") for data in (view, wanted))
    error = float(((seen - best) ** 2).avg())
    return 10 * math.log10(255**2 / error) if error else math.inf


def peak_megabytes(variant: str, path: Path) -> float:
    """Peak resident size of a new process that runs one variant once."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", variant, str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout) / 1024


def child(variant: str, path: Path) -> None:
    VARIANTS[variant](path)
    status = Path("/proc/self/status").read_text()
    print(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def measure(paths: dict[Case, Path], rounds: int) -> dict[tuple[Case, str], list[float]]:
    """Seconds of each variant on each picture; the rounds interleave everything, so that a busy machine is fair."""
    seconds: dict[tuple[Case, str], list[float]] = {}
    for path in paths.values():
        if len({run(path) for run in VARIANTS.values()}) != 1:  # also warms up
            raise SystemExit(f"the variants differ in output size on {path}")
    for turn in range(rounds):
        for case, path in paths.items():
            names = list(VARIANTS)
            for name in names[turn % 3 :] + names[: turn % 3]:
                start = time.perf_counter()
                VARIANTS[name](path)
                seconds.setdefault((case, name), []).append(time.perf_counter() - start)
        print(f"round {turn + 1} of {rounds}", file=sys.stderr)
    return seconds


def report(paths: dict[Case, Path], seconds: dict[tuple[Case, str], list[float]]) -> bool:
    """Print the table; whether the bounds are kept."""
    print(
        "| picture | ours, ms | plain, ms | once, ms | plain / ours | once / ours | peak MB: ours / plain / once | view, dB |"
    )
    print("|---|---|---|---|---|---|---|---|")
    kept = True
    for case, path in paths.items():
        mine, twice, single = (statistics.median(seconds[case, name]) for name in VARIANTS)
        peaks = " / ".join(f"{peak_megabytes(name, path):.0f}" for name in VARIANTS)
        psnr = view_psnr(path)
        print(
            f"| {case.name} | {mine * 1e3:.0f} | {twice * 1e3:.0f} | {single * 1e3:.0f} "
            f"| {twice / mine:.1f} | {single / mine:.1f} | {peaks} | {psnr:.1f} |"
        )
        kept &= psnr >= DECIBEL and (case.name != "8K JPEG" or twice / mine >= FASTER)
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="keep the pictures here and use those that are there")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], help="these pictures alone")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    Image.MAX_IMAGE_PIXELS = None  # for the variants that use Image.open
    if options.child:
        child(options.child[0], Path(options.child[1]))
        return 0
    cases = tuple(case for case in CASES if not options.only or case.name in options.only)
    with tempfile.TemporaryDirectory() as scratch:
        paths = write_pictures(options.out or Path(scratch), cases)
        print(f"{len(os.sched_getaffinity(0))} cores, medians of {options.rounds} rounds\n")
        kept = report(paths, measure(paths, options.rounds))
    print("\nbounds kept" if kept else "\nA BOUND IS MISSED")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

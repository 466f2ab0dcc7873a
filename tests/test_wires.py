"""Both wires end to end: a loopback model finds a marker in the bytes it receives and boxes it as its family does."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.model_server import ModelServer
from tests.support.received import MARKER, find_marker
from zoomrefine_mcp.access import Access
from zoomrefine_mcp.app import open_app
from zoomrefine_mcp.settings import Settings

pytestmark = pytest.mark.anyio

FAMILIES = {
    "openai": [
        "qwen2-vl",
        "qwen2.5-vl",
        "qwen3-vl",
        "internvl",
        "glm",
        "minicpm",
        "deepseek-vl2",
        "kimi",
        "gemini",
        "claude",
        "gpt",
        "unknown",
    ],
    "anthropic": ["claude", "qwen2.5-vl", "qwen3-vl"],
}
VIEW_EDGE = 640
TOLERANCE = 0.01


def _scene(size, box):
    noise = np.random.default_rng(7).integers(90, 150, (size[1] // 8 + 1, size[0] // 8 + 1), dtype=np.uint8)
    picture = Image.fromarray(noise).resize(size, Image.Resampling.BILINEAR).convert("RGB")
    picture.paste(MARKER, box)
    return picture


def landscape(path: Path):
    box = (1510, 707, 1561, 753)
    _scene((2001, 1127), box).save(path / "landscape.jpg", quality=92, subsampling=0)
    return path / "landscape.jpg", box, (2001, 1127)


def portrait(path: Path):
    box = (201, 1804, 260, 1851)
    _scene((1101, 2003), box).save(path / "portrait.png", compress_level=1)
    return path / "portrait.png", box, (1101, 2003)


def exif_turned(path: Path):
    box = (1510, 207, 1561, 253)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = _scene((2000, 1126), box).transpose(Image.Transpose.ROTATE_90)
    stored.save(path / "turned.jpg", quality=92, subsampling=0, exif=exif)
    return path / "turned.jpg", box, (2000, 1126)


def alpha(path: Path):
    box = (1100, 1000, 1160, 1050)
    picture = _scene((1800, 1300), box).convert("RGBA")
    hidden = Image.new("RGBA", (300, 300), (*MARKER, 0))  # magenta that nobody sees
    picture.paste(hidden, (200, 200))
    picture.save(path / "alpha.png", compress_level=1)
    return path / "alpha.png", box, (1800, 1300)


def sixteen_bit(path: Path):
    box = (600, 200, 660, 250)
    eight = np.asarray(_scene((1800, 1300), box))
    wide = (eight.astype(np.uint16) * 257)[..., ::-1]
    import cv2  # noqa: PLC0415 - comes with the text reader; Pillow writes no 16-bit colour

    assert cv2.imwrite(str(path / "sixteen.png"), wide)
    return path / "sixteen.png", box, (1800, 1300)


def cmyk(path: Path):
    box = (1300, 800, 1370, 860)
    _scene((1800, 1300), box).convert("CMYK").save(path / "cmyk.jpg", quality=95, subsampling=0)
    return path / "cmyk.jpg", box, (1800, 1300)


KINDS = [landscape, portrait, exif_turned, alpha, sixteen_bit, cmyk]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    return {kind.__name__: kind(folder) for kind in KINDS}


@pytest.mark.parametrize("policy", ["adaptive", "paper"])
@pytest.mark.parametrize(("wire", "family"), [(wire, family) for wire, names in FAMILIES.items() for family in names])
async def test_the_region_is_where_the_model_meant_and_the_crop_holds_it_at_full_resolution(
    scenes, wire, family, policy
):
    with ModelServer(family) as server:
        settings = Settings(
            backend=wire, base_url=server.address(wire), model=server.model, policy=policy, view_edge=VIEW_EDGE
        )
        async with open_app(settings, access=Access.anything(), timeout_s=30) as app:
            for kind, (path, truth, size) in scenes.items():
                server.requests.clear()
                result = await app.zoom_and_refine(str(path), "Where is the marker?")
                assert (result.image.width, result.image.height) == size, kind
                assert result.status == "refined", (kind, result.status_reason, result.warnings)
                assert result.answer == "the marker"
                for got, meant, side in zip(result.regions[0].pixels, truth, size * 2, strict=True):
                    assert abs(got - meant) <= TOLERANCE * side, (kind, result.regions[0].pixels, truth)
                view, crop = server.requests[-1].pictures
                assert max(view.size) <= VIEW_EDGE + 32
                seen = find_marker(crop)
                assert seen is not None, kind
                assert 0 < seen[0] < seen[2] < crop.width, kind
                assert 0 < seen[1] < seen[3] < crop.height, kind
                assert seen[2] - seen[0] >= truth[2] - truth[0] - 1, kind
                assert seen[3] - seen[1] >= truth[3] - truth[1] - 1, kind


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_the_second_request_repeats_the_first_exactly_and_adds_to_it(scenes, wire):
    with ModelServer("claude") as server:
        settings = Settings(backend=wire, base_url=server.address(wire), model=server.model, view_edge=VIEW_EDGE)
        async with open_app(settings, access=Access.anything(), timeout_s=30) as app:
            await app.zoom_and_refine(str(scenes["landscape"][0]), "Where is the marker?")
        first, second = (request.body["messages"] for request in server.requests)
        assert second[: len(first)] == first
        assert [turn["role"] for turn in second[len(first) :]] == ["assistant", "user"]


@pytest.mark.parametrize("seed", range(8))
async def test_localizing_comes_within_two_pixels_of_the_truth(tmp_path, seed):
    rng = random.Random(seed)
    left, top = rng.randint(0, 3940), rng.randint(0, 2950)
    truth = (left, top, left + rng.randint(20, 60), top + rng.randint(20, 50))
    _scene((4000, 3000), truth).save(tmp_path / "screen.png", compress_level=1)
    with ModelServer("qwen2.5-vl") as server:
        settings = Settings(base_url=server.openai_url, model=server.model, view_edge=VIEW_EDGE)
        async with open_app(settings, access=Access.anything(), timeout_s=30) as app:
            result = await app.localize_region(str(tmp_path / "screen.png"), "the marker")
    assert result.found
    assert result.evidence_visible
    for got, meant in zip(result.regions[0].pixels, truth, strict=True):
        assert abs(got - meant) <= 2

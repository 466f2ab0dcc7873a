"""Which picture of a file is meant: pages, frames, and the smaller copies that are neither."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import pyvips
from PIL import Image

from tests.support.pictures import colour_at, decoded, encoded, is_near, opened, scene, shows_marker, written
from zoomrefine_mcp.errors import BadRequest, NotAnImage
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.pixels import Upright
from zoomrefine_mcp.images.source import FileSource, open_source
from zoomrefine_mcp.pictures import Fit

pytestmark = pytest.mark.anyio

COLOURS = ((200, 30, 30), (30, 160, 30), (30, 30, 200))
PAGED: dict[str, dict[str, object]] = {
    "TIFF": {},
    "GIF": {},
    "WEBP": {"lossless": True},
    "PNG": {},
    "AVIF": {"quality": 95},
    "MPO": {"quality": 95},
}


def pages_of(form: str) -> bytes:
    first, *rest = (Image.new("RGB", (64, 48), colour) for colour in COLOURS)
    return encoded(first, form, save_all=True, append_images=rest, **PAGED[form])


async def colour_of(source: FileSource) -> tuple[int, ...]:
    return colour_at(decoded(await source.render(Box.full(), Fit(Size(32, 24)))), 0.5, 0.5)


@pytest.mark.parametrize("form", PAGED)
async def test_each_page_shows_its_own_picture_and_knows_how_many_there_are(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", pages_of(form))
    for number, colour in enumerate(COLOURS, start=1):
        async with await open_source(opened(path), page=number) as source:
            assert (source.page, source.pages) == (number, 3)
            assert is_near(await colour_of(source), colour, 14)


@pytest.mark.parametrize("form", PAGED)
@pytest.mark.parametrize("page", [0, -1, 4, 10**9])
async def test_a_page_that_does_not_exist_is_refused_with_the_number_of_pages(
    tmp_path: Path, form: str, page: int
) -> None:
    path = written(tmp_path / "picture", pages_of(form))
    with pytest.raises(BadRequest, match=r"3 pages|does not exist") as caught:
        await open_source(opened(path), page=page)
    assert page < 1 or caught.value.context["pages"] == 3


async def test_a_picture_of_one_page_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "p.png", encoded(scene(), "PNG"))
    async with await open_source(opened(path)) as source:
        assert (source.page, source.pages) == (1, 1)
    with pytest.raises(BadRequest, match="1 page"):
        await open_source(opened(path), page=2)


async def test_the_still_picture_before_an_animation_is_a_page_of_its_own(tmp_path: Path) -> None:
    first, *rest = (Image.new("RGB", (64, 48), colour) for colour in COLOURS)
    path = written(tmp_path / "p.png", encoded(first, "PNG", save_all=True, default_image=True, append_images=rest))
    for number, colour in enumerate(COLOURS, start=1):
        async with await open_source(opened(path), page=number) as source:
            assert source.pages == 3
            assert is_near(await colour_of(source), colour)


async def test_pages_of_a_tiff_have_their_own_sizes(tmp_path: Path) -> None:
    rest = [Image.new("RGB", (40, 90), COLOURS[1])]
    path = written(tmp_path / "p.tif", encoded(Image.new("RGB", (64, 48)), "TIFF", save_all=True, append_images=rest))
    async with await open_source(opened(path), page=2) as source:
        assert source.size == Size(40, 90)
        assert is_near(await colour_of(source), COLOURS[1])


@pytest.mark.parametrize("form", ["TIFF", "MPO"])
async def test_each_page_has_its_own_size_and_the_pixels_that_pillow_reads(tmp_path: Path, form: str) -> None:
    first, *rest = (scene(size, PixelBox(8, 4, 28, 20)) for size in (Size(64, 48), Size(40, 90), Size(101, 33)))
    # An MPO tells its pages from its previews by their size, unless it is said to be of several views.
    sizes = [first.size, *(image.size for image in rest)] if form == "TIFF" else [first.size] * 3
    rest = [image.resize(size) for image, size in zip(rest, sizes[1:], strict=True)]
    options = {"quality": 95, "subsampling": 0} if form == "MPO" else {}
    path = written(tmp_path / "picture", encoded(first, form, save_all=True, append_images=rest, **options))
    with Image.open(path) as image:
        for number, size in enumerate(sizes, start=1):
            image.seek(number - 1)
            async with await open_source(opened(path), page=number) as source:
                assert source.size == Size(*size)
                ours = source._drawing.render(PixelBox(0, 0, *size), source.size)
            assert _difference(bytes(ours.write_to_memory()), image.convert("RGB").tobytes()) <= 1


def _difference(one: bytes, other: bytes) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("subifd", [True, False])
@pytest.mark.parametrize("bigtiff", [True, False])
async def test_the_levels_of_a_pyramid_are_no_pages(tmp_path: Path, subifd: bool, bigtiff: bool) -> None:
    size, marker = Size(1400, 1000), PixelBox(900, 200, 1100, 500)
    path = tmp_path / "p.tif"
    _pyramid(scene(size, marker), path, subifd=subifd, bigtiff=bigtiff)
    async with await open_source(opened(path)) as source:
        assert (source.pages, source.size) == (1, size)
        assert isinstance(source._drawing, Upright)
        assert len(source._drawing.stored.levels) > 2
        crop = decoded(await source.render(Box.from_pixels(marker, size), Fit(marker.size)))
        small = decoded(await source.render(Box.from_pixels(marker, size), Fit(Size(40, 60))))
    assert shows_marker(crop)
    assert shows_marker(small, tolerance=30)


@pytest.mark.parametrize("subifd", [True, False])
async def test_a_view_is_made_from_a_level_of_the_pyramid(tmp_path: Path, subifd: bool) -> None:
    size = Size(1400, 1000)
    path = tmp_path / "p.tif"
    _pyramid(scene(size), path, subifd=subifd)
    # Every tile of the full-size level is made unreadable: what can still be shown came from a smaller one.
    data = bytearray(path.read_bytes())
    for at, length in _tiles_of_the_first_directory(bytes(data)):
        data[at : at + length] = b"\xff" * length
    written(path, bytes(data))
    async with await open_source(opened(path)) as source:
        view = decoded(await source.render(Box.full(), Fit(Size(140, 100))))
    wanted = scene(size).resize((140, 100), Image.Resampling.BOX)
    assert is_near(colour_at(view, 0.9, 0.9), colour_at(wanted, 0.9, 0.9))


def _pyramid(image: Image.Image, path: Path, **options: object) -> None:
    pixels = pyvips.Image.new_from_memory(image.tobytes(), image.width, image.height, 3, "uchar")
    pixels.copy(interpretation="srgb").tiffsave(
        str(path), tile=True, pyramid=True, tile_width=128, tile_height=128, compression="deflate", **options
    )


def _tiles_of_the_first_directory(data: bytes) -> list[tuple[int, int]]:
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    tags = {tag: (n, at) for tag, _, n, at in struct.iter_unpack("<HHII", data[start + 2 : start + 2 + 12 * count])}
    number, offsets = tags[324]
    kinds = {tag: kind for tag, kind, _, _ in struct.iter_unpack("<HHII", data[start + 2 : start + 2 + 12 * count])}
    lengths = struct.unpack_from(f"<{number}{'H' if kinds[325] == 3 else 'I'}", data, tags[325][1])
    return list(zip(struct.unpack_from(f"<{number}I", data, offsets), lengths, strict=True))


async def test_a_gain_map_after_a_photograph_is_no_page(tmp_path: Path) -> None:
    rest = [Image.new("L", (16, 12), 90)]
    path = written(tmp_path / "p.jpg", encoded(Image.new("RGB", (64, 48)), "MPO", save_all=True, append_images=rest))
    async with await open_source(opened(path)) as source:
        assert source.pages == 1


async def test_a_camera_raw_file_is_refused_rather_than_its_preview_shown(tmp_path: Path) -> None:
    entry = struct.Struct("<HHII")
    directory = lambda tags: struct.pack("<H", len(tags)) + b"".join(entry.pack(*tag) for tag in tags) + bytes(4)  # noqa: E731
    preview = directory([(254, 4, 1, 1), (256, 3, 1, 160), (257, 3, 1, 120), (330, 4, 1, 200)])
    raw = directory([(254, 4, 1, 0), (256, 3, 1, 6000), (257, 3, 1, 4000)])
    data = (b"II*\0" + struct.pack("<I", 8) + preview).ljust(200, b"\0") + raw
    with pytest.raises(NotAnImage, match="camera raw"):
        await open_source(opened(written(tmp_path / "p.nef", data)))


async def test_a_page_far_down_a_long_chain_is_its_own(tmp_path: Path) -> None:
    """Each directory shares its pixels' place with no other: page n is grey of value n."""
    pages, entries = 250, 6
    length = 2 + entries * 12 + 4
    pixels = 8 + pages * length
    out = bytearray(b"II*\0" + struct.pack("<I", 8))
    for page in range(pages):
        tags = ((256, 8), (257, 8), (258, 8), (262, 1), (273, pixels + 64 * page), (279, 64))
        out += struct.pack("<H", entries) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        out += struct.pack("<I", 8 + (page + 1) * length if page < pages - 1 else 0)
    out += b"".join(bytes([page]) * 64 for page in range(pages))
    path = written(tmp_path / "p.tif", bytes(out))
    for number in (1, 128, 250):
        async with await open_source(opened(path), page=number) as source:
            assert source.pages == pages
            assert is_near(await colour_of(source), (number - 1,) * 3, 2)

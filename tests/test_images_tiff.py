"""Every way to code a TIFF: shown as it is, or refused by its name, never black and never in wrong colours."""

from __future__ import annotations

import io
import struct
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pyvips
from PIL import Image, ImageCms

from tests.support.pictures import (
    QUARTERS,
    colour_at,
    decoded,
    encoded,
    exif,
    is_near,
    marker_box,
    opened,
    scene,
    shows_marker,
    stored,
    tiff,
    written,
)
from zoomrefine_mcp.errors import ImageDamaged, ImageTooLarge, NotAnImage, ZoomRefineError
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.page import Level, Page
from zoomrefine_mcp.images.source import Limits, open_source
from zoomrefine_mcp.pictures import Fit

pytestmark = pytest.mark.anyio

BY_PILLOW_ALONE = ("zstd", "lzma")


async def seen(path: Path, page: int = 1, limits: Limits | None = None) -> Image.Image:
    """The pixels of a whole page, before they are encoded."""
    async with await open_source(opened(path), page=page, limits=limits or Limits()) as source:
        width, height = source.size.width, source.size.height
        image = source._drawing.render(PixelBox(0, 0, width, height), source.size)
    return Image.frombytes("RGB", (width, height), bytes(image.write_to_memory()))


async def shown(path: Path) -> Image.Image:
    """The whole page as it is sent."""
    async with await open_source(opened(path)) as source:
        return decoded(await source.render(Box.full(), Fit(source.size)))


def difference(one: Image.Image, other: Image.Image) -> int:
    """The largest, over all samples of all pixels."""
    assert one.size == other.size
    return max(abs(a - b) for a, b in zip(one.tobytes(), other.convert("RGB").tobytes(), strict=True))


def as_vips(image: Image.Image) -> pyvips.Image:
    return pyvips.Image.new_from_memory(image.tobytes(), image.width, image.height, 3, "uchar").copy(
        interpretation="srgb"
    )


def directory(
    size: Size, data: bytes, *, bits: tuple[int, ...], more: dict[int, int] | None = None, kind: int = 1
) -> bytes:
    """A TIFF of one strip, from its tags: ``more`` sets or replaces those that every one has."""
    depth = len(bits)
    tags = {
        256: size.width,
        257: size.height,
        258: bits[0] if depth == 1 else 290,
        259: 1,
        262: 2 if depth >= 3 else 1,
        273: 400,
        277: depth,
        278: size.height,
        279: len(data),
        339: kind,
        **(more or {}),
    }
    counts = {258: depth}
    short = {258, 259, 262, 277, 339, 530}
    entries = [(tag, 3 if tag in short else 4, counts.get(tag, 1), value) for tag, value in sorted(tags.items())]
    made = bytearray(tiff(entries, at=400, data=data))
    made[290 : 290 + 2 * depth] = struct.pack(f"<{depth}H", *bits)
    return bytes(made)


@pytest.mark.parametrize(
    "compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd", "lzma"]
)
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P"])
async def test_each_lossless_compression_gives_the_pixels_that_went_in(
    tmp_path: Path, compression: str, mode: str
) -> None:
    image = scene().quantize(64) if mode == "P" else scene().convert(mode)
    path = written(tmp_path / "p.tif", encoded(image, "TIFF", compression=compression))
    assert difference(await seen(path), image) == 0


@pytest.mark.parametrize("compression", ["tiff_ccitt", "group3", "group4"])
async def test_each_fax_compression_gives_the_pixels_that_went_in(tmp_path: Path, compression: str) -> None:
    image = scene().convert("1")
    path = written(tmp_path / "p.tif", encoded(image, "TIFF", compression=compression))
    assert difference(await seen(path), image) == 0


@pytest.mark.parametrize("tile", [True, False])
@pytest.mark.parametrize("compression", ["none", "lzw", "deflate", "packbits", "webp"])
async def test_tiles_and_strips_give_the_pixels_that_went_in(tmp_path: Path, compression: str, tile: bool) -> None:
    path = tmp_path / "p.tif"
    as_vips(scene()).tiffsave(
        str(path), compression=compression, tile=tile, tile_width=64, tile_height=64, lossless=True
    )
    assert difference(await seen(path), scene()) == 0


@pytest.mark.parametrize("quality", [85, 95])  # with and without subsampled colours
@pytest.mark.parametrize("tile", [True, False])
async def test_jpeg_inside_a_tiff_is_near_what_went_in(tmp_path: Path, tile: bool, quality: int) -> None:
    path = tmp_path / "p.tif"
    as_vips(scene()).tiffsave(
        str(path), compression="jpeg", Q=quality, tile=tile, tile_width=64, tile_height=64, rgbjpeg=False
    )
    async with await open_source(opened(path)) as source:
        assert shows_marker(decoded(await source.render(marker_box(), Fit(Size(64, 48)))), tolerance=20)


async def test_old_style_jpeg_inside_a_tiff_is_near_what_went_in(tmp_path: Path) -> None:
    stream = encoded(scene(), "JPEG", quality=95, subsampling=0)
    more = {259: 6, 262: 6, 512: 1, 513: 400, 514: len(stream)}
    path = written(tmp_path / "p.tif", directory(Size(320, 240), stream, bits=(8, 8, 8), more=more))
    with Image.open(io.BytesIO(stream)) as wanted:
        assert difference(await seen(path), wanted) <= 2


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (34887, "LERC"),
        (34712, "JPEG 2000"),
        (33003, "JPEG 2000 (Aperio, YCbCr)"),
        (50002, "JPEG XL"),
        (34934, "JPEG XR"),
        (32771, "CCITT RLE by words"),
        (32809, "ThunderScan"),
        (65432, "scheme 65432"),
    ],
)
async def test_a_compression_that_nothing_here_decodes_is_refused_by_its_name(
    tmp_path: Path, code: int, name: str
) -> None:
    data = directory(Size(64, 64), encoded(scene(), "JPEG2000"), bits=(8, 8, 8), more={259: code})
    with pytest.raises(NotAnImage) as caught:
        await seen(written(tmp_path / "p.tif", data))
    assert f"compressed with {name}," in caught.value.message
    assert "deflate" in caught.value.hint


@pytest.mark.parametrize("compression", BY_PILLOW_ALONE)
async def test_wide_samples_look_the_same_in_every_compression(tmp_path: Path, compression: str) -> None:
    ramp = Image.linear_gradient("L")
    signed = ramp.convert("I").point(lambda value: value * 70_000 - 9_000_000)
    images = {
        "16 bits": Image.frombytes("I;16", ramp.size, b"".join(struct.pack("<H", 257 * v) for v in ramp.tobytes())),
        "32 bits": signed,
        "floats": ramp.convert("F").point(lambda value: value / 255 + 0.0),
        "wide floats": ramp.convert("F").point(lambda value: value * 90.0 - 50.0),
    }
    for name, image in images.items():
        plain = written(tmp_path / f"{name} plain.tif", encoded(image, "TIFF"))
        path = written(tmp_path / f"{name}.tif", encoded(image, "TIFF", compression=compression))
        assert difference(await seen(path), await seen(plain)) <= 1
        assert difference(await seen(path), ramp) <= 1


@pytest.mark.parametrize("compression", BY_PILLOW_ALONE)
@pytest.mark.parametrize("mode", ["RGBA", "LA", "CMYK"])
async def test_alpha_and_inks_look_the_same_in_every_compression(tmp_path: Path, compression: str, mode: str) -> None:
    image = scene().convert(mode)
    if mode != "CMYK":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    plain = written(tmp_path / "plain.tif", encoded(image, "TIFF"))
    path = written(tmp_path / "p.tif", encoded(image, "TIFF", compression=compression))
    assert difference(await seen(path), await seen(plain)) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_turned_page_that_pillow_decodes_is_upright(tmp_path: Path, orientation: int) -> None:
    image = stored(scene(), orientation)
    path = written(tmp_path / "p.tif", encoded(image, "TIFF", compression="zstd", exif=exif(orientation)))
    assert difference(await seen(path), scene()) == 0


async def test_each_page_is_decoded_by_what_reads_its_own_compression(tmp_path: Path) -> None:
    codings = ("zstd", "tiff_lzw", "lzma", "packbits")
    sizes = [(64, 48), (40, 90), (33, 21), (100, 10)]
    images = [scene().resize(size) for size in sizes]
    path = tmp_path / "p.tif"
    for image, compression in zip(images, codings, strict=True):
        image.info["compression"] = compression
    images[0].save(path, "TIFF", save_all=True, append_images=images[1:])
    with Image.open(path) as written_pages:
        assert [_compression(written_pages, index) for index in range(4)] == [50000, 5, 34925, 32773]
    for number, image in enumerate(images, start=1):
        assert difference(await seen(path, number), image) == 0


def _compression(image: Image.Image, index: int) -> int:
    image.seek(index)
    return int(image.tag_v2[259])  # type: ignore[attr-defined]


@pytest.mark.parametrize("compression", BY_PILLOW_ALONE)
async def test_what_pillow_decodes_keeps_the_limits_of_pictures_decoded_whole(tmp_path: Path, compression: str) -> None:
    path = written(tmp_path / "p.tif", encoded(scene(), "TIFF", compression=compression))
    for limits in (Limits(max_whole_pixels=320 * 240 - 1), Limits(max_whole_bytes=100), Limits(max_pixels=76_799)):
        with pytest.raises(ImageTooLarge) as caught:
            await seen(path, limits=limits)
        assert limits.max_pixels == 76_799 or "deflate" in caught.value.hint


async def test_more_pixels_than_pillow_allows_by_itself_are_read_without_a_warning(tmp_path: Path) -> None:
    image = Image.new("1", (14_000, 13_000), 1)  # 182 megapixels
    path = written(tmp_path / "p.tif", encoded(image, "TIFF", compression="zstd"))
    async with await open_source(opened(path)) as source:
        assert is_near(colour_at(decoded(await source.render(Box.full(), Fit(Size(14, 13)))), 0.5, 0.5), (255,) * 3)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", *BY_PILLOW_ALONE])
async def test_a_strip_that_is_broken_is_damage_never_black(tmp_path: Path, compression: str) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((320, 240), 60)] * 3)
    data = bytearray(encoded(noise, "TIFF", compression=compression))
    data[len(data) // 2 : len(data) // 2 + 3000] = b"\xff" * 3000
    with pytest.raises(ImageDamaged):
        await shown(written(tmp_path / "p.tif", bytes(data)))


@pytest.mark.parametrize("compression", ["lzw", "deflate", "webp", "jpeg"])
async def test_a_tile_that_is_broken_is_damage_never_black(tmp_path: Path, compression: str) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((320, 240), 60)] * 3)
    path = tmp_path / "p.tif"
    as_vips(noise).tiffsave(str(path), compression=compression, tile=True, tile_width=64, tile_height=64)
    with Image.open(path) as image:
        at, length = image.tag_v2[324][7], image.tag_v2[325][7]  # type: ignore[attr-defined]
    data = bytearray(path.read_bytes())
    data[at : at + length] = b"\xff" * length
    with pytest.raises(ImageDamaged):
        await shown(written(path, bytes(data)))


@pytest.mark.parametrize("compression", BY_PILLOW_ALONE)
async def test_flipped_bytes_of_what_pillow_decodes_raise_nothing_but_our_errors(
    tmp_path: Path, compression: str
) -> None:
    data = encoded(Image.new("RGB", (16, 12), (9, 99, 199)), "TIFF", compression=compression)
    for at in range(4, len(data)):
        flipped = bytearray(data)
        flipped[at] ^= (0xFF, 0x80, 0x01)[at % 3]
        path = written(tmp_path / f"{at}", bytes(flipped))
        try:
            async with await open_source(opened(path), limits=Limits(max_pixels=1_000_000)) as source:
                await source.render(Box.full(), Fit(Size(8, 6)))
        except ZoomRefineError:
            continue


async def test_unknown_tags_are_no_damage(tmp_path: Path) -> None:
    data = directory(Size(8, 8), bytes([90, 120, 30]) * 64, bits=(8, 8, 8), more={42113: 7, 65000: 9})
    assert is_near(colour_at(await seen(written(tmp_path / "p.tif", data)), 0.5, 0.5), (90, 120, 30), 0)


async def test_tiles_far_larger_than_their_picture_are_damage(tmp_path: Path) -> None:
    more = {259: 50000, 322: 30_000, 323: 30_000, 324: 400, 325: 10}
    with pytest.raises(ImageDamaged, match="tiles of 900,000,000 pixels"):
        await seen(written(tmp_path / "p.tif", directory(Size(8, 8), bytes(64), bits=(8,), more=more)))


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma", "jpeg"])
async def test_brightness_and_colour_differences_are_turned_into_rgb(tmp_path: Path, compression: str | None) -> None:
    image = scene().convert("YCbCr")
    path = written(tmp_path / "p.tif", encoded(image, "TIFF", compression=compression))
    view = await seen(path)
    with Image.open(path) as wanted:
        assert difference(view, wanted) <= (2 if compression == "jpeg" else 0)
    assert difference(view, scene()) <= (120 if compression == "jpeg" else 3)  # at the marker's edges


async def test_subsampled_colours_without_compression_are_refused_by_name(tmp_path: Path) -> None:
    packed = directory(Size(8, 8), bytes(96), bits=(8, 8, 8), more={262: 6})
    with pytest.raises(NotAnImage, match="YCbCr, subsampled"):
        await seen(written(tmp_path / "p.tif", packed))


def _lab() -> Image.Image:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(scene(), *profiles, outputMode="LAB")
    assert lab is not None
    return lab


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "zstd"])
async def test_lab_is_turned_into_srgb(tmp_path: Path, compression: str) -> None:
    path = written(tmp_path / "p.tif", encoded(_lab(), "TIFF", compression=compression))
    view = await seen(path)
    assert shows_marker(view.crop((200, 48, 264, 96)), QUARTERS, 4)
    assert difference(view, scene()) <= 20  # eight bits lose as much at the edge of what a screen can show


async def test_lab_of_16_bits_is_turned_into_srgb(tmp_path: Path) -> None:
    pixel_bytes = bytearray()
    for light, a, b in struct.iter_unpack("<Bbb", _lab().tobytes()):
        pixel_bytes += struct.pack("<Hhh", light * 257, a * 256, b * 256)
    data = directory(Size(320, 240), bytes(pixel_bytes), bits=(16, 16, 16), more={262: 8})
    assert shows_marker((await seen(written(tmp_path / "p.tif", data))).crop((200, 48, 264, 96)), QUARTERS, 6)


@pytest.mark.parametrize(
    ("more", "bits", "kind", "said"),
    [
        ({262: 9}, (8, 8, 8), 1, "colours ICCLab"),
        ({262: 8}, (8, 8, 8, 8), 1, "4 samples a pixel with 8 bits in the colours CIELab"),
        ({}, (64,), 3, r"64 bits \(floats\), uncompressed"),
        ({}, (32,), 5, r"32 bits \(complex\)"),
        ({}, (12, 12, 12), 1, "12 bits, uncompressed"),
        ({}, (12,), 1, "12 bits, uncompressed"),
        ({259: 50000}, (32,), 1, "32 bits, compressed with ZSTD"),
        ({259: 50000}, (8,) * 7, 1, "7 samples a pixel with 8 bits, compressed with ZSTD"),
        ({262: 32803}, (8,), 1, "camera raw"),
    ],
)
async def test_samples_that_are_not_read_are_refused_for_what_they_are(
    tmp_path: Path, more: dict[int, int], bits: tuple[int, ...], kind: int, said: str
) -> None:
    data = directory(Size(8, 8), bytes(8 * sum(bits)), bits=bits, more=more, kind=kind)
    with pytest.raises(NotAnImage, match=said) as caught:
        await seen(written(tmp_path / "p.tif", data))
    assert "damaged" not in caught.value.told
    assert caught.value.hint


VAST = Size(16_384, 12_288)
"""201 megapixels: more than the limit of the tests below."""
LIMITED = Limits(max_pixels=150_000_000, max_bytes=20_000)


@pytest.fixture(scope="module")
def vast(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same picture as a pyramid of tiles, as tiles, and as rows."""
    mark = (pyvips.Image.black(400, 300) + 200).cast("uchar")
    image = pyvips.Image.black(VAST.width, VAST.height).insert(mark, 12_000, 9_000)
    folder = tmp_path_factory.mktemp("vast")
    ways: dict[str, dict[str, Any]] = {
        "pyramid": {"tile": True, "pyramid": True, "bigtiff": True},
        "tiles": {"tile": True},
        "rows": {},
    }
    for name, options in ways.items():
        image.tiffsave(str(folder / name), compression="deflate", **options)
    return {name: folder / name for name in ways}


async def test_no_limit_holds_for_a_pyramid_of_tiles_and_its_regions_are_right(vast: dict[str, Path]) -> None:
    async with await open_source(opened(vast["pyramid"]), limits=LIMITED) as source:
        assert source.size == VAST
        view = decoded(await source.render(Box.full(), Fit(Size(512, 384))))
        assert is_near(colour_at(view, 12_200 / VAST.width, 9_150 / VAST.height), (200,) * 3)
        box = Box.from_pixels(PixelBox(11_900, 8_950, 12_500, 9_350), VAST)
        crop = decoded(await source.render(box, Fit(Size(600, 400))))
        assert [colour_at(crop, x / 600, 0.5)[0] > 100 for x in (95, 105, 495, 505)] == [False, True, True, False]
        empty, marked = await source.detail([Box(0, 0, 0.5, 0.5), Box(0.7, 0.7, 0.8, 0.8)])
        assert empty == 0 < marked


@pytest.mark.parametrize("way", ["tiles", "rows"])
async def test_without_smaller_copies_the_limit_holds_and_the_hint_says_how_to_make_them(
    vast: dict[str, Path], way: str
) -> None:
    with pytest.raises(ImageTooLarge, match="201 megapixels") as caught:
        await open_source(opened(vast[way]), limits=Limits(max_pixels=LIMITED.max_pixels))
    assert "--tile --pyramid --bigtiff" in caught.value.hint
    assert "--max-megapixels" in caught.value.hint
    with pytest.raises(ImageTooLarge, match="megabytes"):
        await open_source(opened(vast[way]), limits=Limits(max_bytes=LIMITED.max_bytes))


@pytest.mark.parametrize(("factor", "is_pyramid"), [(2, True), (4, False), (64, False)])
def test_smaller_copies_with_a_wide_gap_between_them_are_no_pyramid(factor: int, is_pyramid: bool) -> None:
    def level(by: int) -> Level:
        return Level(Size(VAST.width // by, VAST.height // by), by, partial(nullcontext, None), tiled=True)

    page = Page(VAST, 1, 1, 1, (level(1), level(factor)))
    assert (page.most_read < VAST.pixels) is is_pyramid

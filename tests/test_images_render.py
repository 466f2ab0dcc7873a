"""Any region of any picture, upright, opaque, in sRGB, at the exact size."""

from __future__ import annotations

from pathlib import Path

import pytest
import pyvips
from PIL import Image, ImageCms, ImageOps

from tests.support.pictures import (
    MARKER,
    QUARTERS,
    SIZE,
    colour_at,
    decoded,
    encoded,
    exif,
    is_near,
    marker_box,
    opened,
    scene,
    shows_marker,
    srgb_profile,
    stored,
    tiff,
    written,
)
from zoomrefine_mcp.errors import ImageTooLarge
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.source import open_source
from zoomrefine_mcp.pictures import Fit, Picture

pytestmark = pytest.mark.anyio

LOSSLESS: dict[str, dict[str, object]] = {
    "PNG": {},
    "TIFF": {},
    "WEBP": {"lossless": True},
    "BMP": {},
    "PPM": {},
    "JPEG2000": {},
}
ALL_FORMATS: dict[str, dict[str, object]] = {
    **LOSSLESS,
    "JPEG": {"quality": 95, "subsampling": 0},
    "GIF": {},
    "AVIF": {"quality": 95, "subsampling": "4:4:4"},
}
TURNED = ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"]


async def render(path: Path, region: Box, size: Size | None = None, **fit: int) -> Picture:
    async with await open_source(opened(path)) as source:
        size = size or region.to_pixels(source.size).size
        return await source.render(region, Fit(size, **fit))


async def cut(path: Path, region: Box | None = None) -> Image.Image:
    return decoded(await render(path, region or marker_box()))


@pytest.mark.parametrize("form", ALL_FORMATS)
async def test_the_crop_of_the_marker_is_the_marker_in_every_format(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **ALL_FORMATS[form]))
    picture = await render(path, marker_box())
    assert shows_marker(decoded(picture))
    assert picture.size == MARKER.size
    assert picture.shows == marker_box()


@pytest.mark.parametrize("form", ALL_FORMATS)
async def test_the_view_has_the_exact_size_and_shows_the_whole_in_every_format(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **ALL_FORMATS[form]))
    picture = await render(path, Box.full(), Size(97, 73))
    image = decoded(picture)
    assert (image.width, image.height) == (97, 73)
    assert picture.shows == Box.full()
    box = marker_box().to_pixels(Size(97, 73))
    assert shows_marker(image.crop((box.left + 1, box.top + 1, box.right - 1, box.bottom - 1)), tolerance=40)


@pytest.mark.parametrize("form", LOSSLESS)
async def test_pixels_before_encoding_are_those_that_pillow_reads(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **LOSSLESS[form]))
    box = PixelBox(191, 41, 275, 109)
    async with await open_source(opened(path)) as source:
        ours = source._drawing.render(box, box.size)
    with Image.open(path) as image:
        wanted = image.convert("RGB").crop((box.left, box.top, box.right, box.bottom))
    assert bytes(ours.write_to_memory()) == wanted.tobytes()


KINDS: dict[str, tuple[str, str, dict[str, object]]] = {
    **{f"palette in {form}": (form, "P", {}) for form in ("PNG", "GIF", "BMP", "TIFF")},
    **{f"palette of 16 in {form}": (form, "P16", {}) for form in ("PNG", "BMP", "TIFF")},
    **{f"black and white in {form}": (form, "1", {}) for form in ("PNG", "BMP", "TIFF", "PPM")},
    **{f"grey in {form}": (form, "L", {}) for form in ("PNG", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")},
    "baseline JPEG": ("JPEG", "RGB", {"quality": 80}),
    "grey JPEG": ("JPEG", "L", {"quality": 80}),
    "progressive JPEG": ("JPEG", "RGB", {"quality": 80, "progressive": True}),
    "progressive JPEG in full colour": ("JPEG", "RGB", {"quality": 95, "progressive": True, "subsampling": 0}),
    "progressive grey JPEG": ("JPEG", "L", {"quality": 80, "progressive": True}),
    "lossy WebP": ("WEBP", "RGB", {"quality": 80}),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_picture_has_the_pixels_that_pillow_reads(tmp_path: Path, kind: str) -> None:
    form, mode, options = KINDS[kind]
    image = scene().quantize(16 if mode == "P16" else 200) if mode.startswith("P") else scene().convert(mode)
    path = written(tmp_path / "picture", encoded(image, form, **options))
    box = PixelBox(191, 41, 275, 109)
    async with await open_source(opened(path)) as source:
        ours = bytes(source._drawing.render(box, box.size).write_to_memory())
    with Image.open(path) as reread:
        wanted = reread.convert("RGB").crop((box.left, box.top, box.right, box.bottom)).tobytes()
    lossy = form in {"JPEG", "WEBP"}
    assert max(abs(a - b) for a, b in zip(ours, wanted, strict=True)) <= (2 if lossy else 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", TURNED)
async def test_a_turned_picture_is_cut_upright(tmp_path: Path, form: str, orientation: int) -> None:
    image = stored(scene(), orientation)
    path = written(tmp_path / "picture", encoded(image, form, exif=exif(orientation), **ALL_FORMATS[form]))
    async with await open_source(opened(path)) as source:
        assert source.size == SIZE
        crop = decoded(await source.render(marker_box(), Fit(MARKER.size)))
        view = decoded(await source.render(Box.full(), Fit(Size(160, 120))))
    assert shows_marker(crop)
    assert shows_marker(
        view.crop((MARKER.left // 2, MARKER.top // 2, MARKER.right // 2, MARKER.bottom // 2)), tolerance=45
    )


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_crop_of_a_turned_picture_is_pixel_exact(tmp_path: Path, orientation: int) -> None:
    path = written(tmp_path / "p.png", encoded(stored(scene(), orientation), "PNG", exif=exif(orientation)))
    box = PixelBox(3, 17, 250, 111)
    async with await open_source(opened(path)) as source:
        ours = source._drawing.render(box, box.size)
    with Image.open(path) as image:
        wanted = ImageOps.exif_transpose(image).crop((box.left, box.top, box.right, box.bottom))
    assert bytes(ours.write_to_memory()) == wanted.tobytes()


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "AVIF"])
async def test_alpha_is_laid_over_white_and_hidden_colours_stay_hidden(tmp_path: Path, form: str) -> None:
    image = scene().convert("RGBA")
    image.paste((255, 0, 255, 0), (0, 0, 100, 240))
    path = written(tmp_path / "picture", encoded(image, form, **ALL_FORMATS[form]))
    view = await cut(path, Box.full())
    assert is_near(colour_at(view, 0.1, 0.5), (255, 255, 255))
    assert shows_marker(await cut(path))


async def test_half_transparent_black_is_grey(tmp_path: Path) -> None:
    path = written(tmp_path / "p.png", encoded(Image.new("LA", (64, 64), (0, 128)), "PNG"))
    assert is_near(colour_at(await cut(path, Box.full()), 0.5, 0.5), (127, 127, 127), 3)


@pytest.mark.parametrize("form", ["PNG", "GIF", "TIFF"])
async def test_a_palette_is_resolved(tmp_path: Path, form: str) -> None:
    image = Image.new("P", (64, 64))
    image.putpalette([part for colour in QUARTERS for part in colour])
    for index, corner in enumerate(((0, 0), (32, 0), (0, 32), (32, 32))):
        image.paste(index, (*corner, corner[0] + 32, corner[1] + 32))
    path = written(tmp_path / "picture", encoded(image, form))
    assert shows_marker(await cut(path, Box.full()))


@pytest.mark.parametrize("form", ["PNG", "GIF"])
async def test_the_transparent_colour_of_a_palette_is_white(tmp_path: Path, form: str) -> None:
    image = Image.new("P", (64, 64), 1)
    image.putpalette([0, 0, 0, 200, 10, 10])
    image.paste(0, (0, 0, 32, 64))
    path = written(tmp_path / "picture", encoded(image, form, transparency=0))
    seen = await cut(path, Box.full())
    assert is_near(colour_at(seen, 0.2, 0.5), (255, 255, 255))
    assert is_near(colour_at(seen, 0.8, 0.5), (200, 10, 10))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM", "JPEG2000"])
async def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path, form: str) -> None:
    image = Image.new("I;16", (64, 64), 100 * 257)
    image.paste(200 * 257, (32, 0, 64, 64))
    path = written(tmp_path / "picture", encoded(image, form))
    seen = await cut(path, Box.full())
    assert is_near(colour_at(seen, 0.2, 0.5), (100, 100, 100), 2)
    assert is_near(colour_at(seen, 0.8, 0.5), (200, 200, 200), 2)


@pytest.mark.parametrize("kind", ["png", "tif"])
async def test_sixteen_bit_colour_with_alpha_is_scaled_and_laid_over_white(tmp_path: Path, kind: str) -> None:
    black = pyvips.Image.black(32, 64).cast("ushort")
    opaque, clear = (black.new_from_image(values) for values in ([200 * 257, 30 * 257, 10 * 257, 65535], [0] * 4))
    image = clear.join(opaque, "horizontal").copy(interpretation="rgb16")
    image.write_to_file(str(tmp_path / f"p.{kind}"))
    seen = await cut(tmp_path / f"p.{kind}", Box.full())
    assert is_near(colour_at(seen, 0.2, 0.5), (255, 255, 255), 2)
    assert is_near(colour_at(seen, 0.8, 0.5), (200, 30, 10), 4)


@pytest.mark.parametrize(
    ("mode", "form"), [("1", "PNG"), ("1", "TIFF"), ("1", "BMP"), ("1", "PPM"), ("L", "JPEG"), ("L", "WEBP")]
)
async def test_bilevel_and_grey_become_grey_rgb(tmp_path: Path, mode: str, form: str) -> None:
    image = Image.new("L", (64, 64), 255)
    image.paste(0, (32, 0, 64, 64))
    path = written(tmp_path / "picture", encoded(image.convert(mode), form))
    seen = await cut(path, Box.full())
    assert seen.mode == "RGB"
    assert is_near(colour_at(seen, 0.2, 0.5), (255, 255, 255), 3)
    assert is_near(colour_at(seen, 0.8, 0.5), (0, 0, 0), 3)


@pytest.mark.parametrize(("photometric", "grey"), [(0, 255), (1, 0)])
async def test_a_scan_is_not_shown_as_its_negative(tmp_path: Path, photometric: int, grey: int) -> None:
    tags = [
        (256, 3, 1, 32),
        (257, 3, 1, 32),
        (258, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, 200),
        (279, 4, 1, 128),
    ]
    path = written(tmp_path / "p.tif", tiff(tags, at=200, data=bytes(128)))
    assert is_near(colour_at(await cut(path, Box.full()), 0.5, 0.5), (grey, grey, grey), 3)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
async def test_cmyk_has_its_colours_and_is_not_inverted(tmp_path: Path, form: str) -> None:
    options = {"quality": 95, "subsampling": 0} if form == "JPEG" else {}
    path = written(tmp_path / "picture", encoded(scene().convert("CMYK"), form, **options))
    seen = await cut(path)
    for place, (red, green, blue) in zip(((0.25, 0.25), (0.75, 0.25), (0.25, 0.75)), QUARTERS[:3], strict=True):
        shown = colour_at(seen, *place)
        assert shown.index(max(shown)) == (red, green, blue).index(max(red, green, blue))
    white = written(tmp_path / "white", encoded(Image.new("CMYK", (64, 64), (0, 0, 0, 0)), form, **options))
    assert is_near(colour_at(await cut(white, Box.full()), 0.5, 0.5), (255, 255, 255), 4)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-300.0, 5000.0)])
async def test_floats_are_shown_between_their_own_black_and_white(tmp_path: Path, low: float, high: float) -> None:
    image = Image.new("F", (64, 64), low)
    image.paste(high, (32, 0, 64, 64))
    path = written(tmp_path / "p.tif", encoded(image, "TIFF"))
    async with await open_source(opened(path)) as source:
        whole = decoded(await source.render(Box.full(), Fit(Size(32, 32))))
        right = decoded(await source.render(Box(0.6, 0.0, 1.0, 1.0), Fit(Size(16, 16))))
    assert is_near(colour_at(whole, 0.2, 0.5), (0, 0, 0), 3)
    assert is_near(colour_at(right, 0.5, 0.5), (255, 255, 255), 3)


@pytest.mark.parametrize(("bands", "photometric"), [(4, 2), (5, 2), (5, 1)])
async def test_infrared_is_not_taken_for_alpha(tmp_path: Path, bands: int, photometric: int) -> None:
    values = bytes([10, 200, 30, 99, 99][:bands])
    extras = bands - (3 if photometric == 2 else 1)
    tags = [
        (256, 3, 1, 32),
        (257, 3, 1, 32),
        (258, 3, 1, 8),
        (262, 3, 1, photometric),
        (273, 4, 1, 200),
        (277, 3, 1, bands),
        (278, 3, 1, 32),
        (279, 4, 1, 32 * 32 * bands),
        (338, 3, extras, 180 if extras > 2 else 0),
    ]
    path = written(tmp_path / "p.tif", tiff(tags, at=200, data=values * 32 * 32))
    assert is_near(colour_at(await cut(path, Box.full()), 0.5, 0.5), (10, 200, 30), 3)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
async def test_an_embedded_profile_is_converted_to_srgb(tmp_path: Path, form: str) -> None:
    image = Image.new("LAB", (64, 64), (150, 90, 170))
    lab = ImageCms.createProfile("LAB")
    wanted = ImageCms.profileToProfile(image, lab, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert wanted is not None
    swapped = _swapped_profile()
    blue_as_red = Image.merge("RGB", wanted.split()[::-1])
    path = written(tmp_path / "picture", encoded(blue_as_red, form, icc_profile=swapped, **ALL_FORMATS[form]))
    assert is_near(colour_at(await cut(path, Box.full()), 0.5, 0.5), colour_at(wanted, 0.5, 0.5), 12)


def _swapped_profile() -> bytes:
    """sRGB with its red and blue primaries exchanged: a profile that cannot be overlooked."""
    profile = bytearray(
        srgb_profile().replace(b"sRGB", b"test").replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    )
    for at in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12):
        swap = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(bytes(profile[at : at + 4]))
        if swap:
            profile[at : at + 4] = swap
    return bytes(profile)


async def test_a_broken_profile_is_ignored(tmp_path: Path) -> None:
    path = written(tmp_path / "p.png", encoded(scene(), "PNG", icc_profile=b"\0" * 128 + b"nonsense"))
    assert shows_marker(await cut(path))


@pytest.mark.parametrize("form", TURNED)
async def test_no_metadata_reaches_the_encoded_picture(tmp_path: Path, form: str) -> None:
    secrets: dict[str, object] = {"exif": exif(1), "icc_profile": srgb_profile()}
    path = written(tmp_path / "picture", encoded(scene(), form, **secrets, **ALL_FORMATS[form]))
    assert b"SECRET" in path.read_bytes()
    for region in (Box.full(), marker_box()):
        picture = await render(path, region)
        assert b"SECRET" not in picture.data
        assert not decoded(picture).getexif()
        assert "icc_profile" not in decoded(picture).info


async def test_the_picture_is_a_jpeg_without_subsampled_chroma(tmp_path: Path) -> None:
    picture = await render(written(tmp_path / "p.png", encoded(scene(), "PNG")), Box.full())
    image = decoded(picture)
    assert (picture.mime_type, image.format) == ("image/jpeg", "JPEG")
    assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


async def test_quality_is_lowered_only_as_far_as_the_budget_asks(tmp_path: Path) -> None:
    path = written(tmp_path / "p.png", encoded(Image.effect_noise((256, 256), 80).convert("RGB"), "PNG"))
    free = await render(path, Box.full())
    tight = await render(path, Box.full(), max_bytes=len(free.data) // 2)
    assert len(free.data) // 8 < len(tight.data) <= len(free.data) // 2
    assert tight.size == free.size
    with pytest.raises(ImageTooLarge):
        await render(path, Box.full(), max_bytes=300)


@pytest.mark.parametrize("size", [Size(640, 480), Size(64, 333), Size(1, 1), Size(5, 700)])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
async def test_enlarging_and_unequal_scales_give_the_exact_size(tmp_path: Path, form: str, size: Size) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **ALL_FORMATS[form]))
    image = decoded(await render(path, marker_box(), size))
    assert (image.width, image.height) == (size.width, size.height)
    if size.short_edge >= 64:
        assert shows_marker(image)


async def test_a_single_pixel_can_be_cut(tmp_path: Path) -> None:
    path = written(tmp_path / "p.png", encoded(scene(), "PNG"))
    corner = Box.from_pixels(PixelBox(SIZE.width - 1, SIZE.height - 1, SIZE.width, SIZE.height), SIZE)
    assert (await render(path, corner)).size == Size(1, 1)


async def test_a_view_shrunk_on_load_lies_where_the_original_does(tmp_path: Path) -> None:
    size, marker = Size(2049, 1537), PixelBox(1600, 1200, 2000, 1500)
    path = written(tmp_path / "p.jpg", encoded(scene(size, marker), "JPEG", quality=95, subsampling=0))
    image = decoded(await render(path, Box.full(), Size(256, 192)))
    wanted = scene(size, marker).resize((256, 192), Image.Resampling.LANCZOS)
    for x, y in ((196, 148), (204, 148), (196, 156), (253, 190), (224, 168), (230, 175)):
        assert is_near(colour_at(image, x / 256, y / 192), colour_at(wanted, x / 256, y / 192), 30)


async def test_a_large_region_shrunk_on_load_shows_what_it_says(tmp_path: Path) -> None:
    size, marker = Size(2049, 1537), PixelBox(1001, 601, 1801, 1201)
    path = written(tmp_path / "p.jpg", encoded(scene(size, marker), "JPEG", quality=95, subsampling=0))
    assert shows_marker(decoded(await render(path, Box.from_pixels(marker, size), Size(100, 75))))

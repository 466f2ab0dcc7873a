"""Whole slides: one picture of all levels, of which a region costs its tiles on the lowest level that suffices."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import anyio
import pytest
import pyvips
from PIL import Image, ImageChops, ImageDraw, ImageStat

from tests.support.hosts import connect, image_of, reply, server_on, text_of
from tests.support.pictures import colour_at, decoded, encoded, is_near, opened, scene, written
from tests.support.slides import APERIO, DESCRIPTION, PROFILE, SOFTWARE, TRESTLE, XMP, czi, endless, ndpi, slide
from zoomrefine_mcp.cli import main
from zoomrefine_mcp.errors import BadRequest, ImageDamaged, ImageTooLarge, NotAnImage
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images import slides
from zoomrefine_mcp.images.source import FileSource, Limits, open_source
from zoomrefine_mcp.pictures import Fit, Source

pytest.importorskip("openslide", reason="the [slides] extra is not installed")
pytestmark = pytest.mark.anyio

SIZE = Size(1000, 800)
NUMBER = PixelBox(600, 430, 840, 510)
"""Where a number stands on the full size, over the border of tiles."""
LEVEL_1, LEVEL_2 = (60, 160, 60), (60, 60, 200)


@cache
def specimen() -> Image.Image:
    image = scene(SIZE, PixelBox(100, 100, 400, 400))
    ImageDraw.Draw(image).text((NUMBER.left + 5, NUMBER.top), "48-2207", font_size=60, fill="black")
    return image


def told_apart() -> list[Image.Image]:
    """Levels of three colours, so that it shows which one was read."""
    return [specimen(), Image.new("RGB", (250, 200), LEVEL_1), Image.new("RGB", (62, 50), LEVEL_2)]


@cache
def reduced() -> list[Image.Image]:
    full = specimen()
    return [full, full.resize((250, 200), Image.Resampling.BOX), full.resize((62, 50), Image.Resampling.BOX)]


def of_two_levels() -> list[Image.Image]:
    """Both of a width that blocks of JPEG fill, as Hamamatsu's are."""
    return [specimen(), specimen().resize((200, 160), Image.Resampling.BOX)]


async def drawn(source: FileSource, cut: PixelBox, size: Size | None = None) -> Image.Image:
    return decoded(await source.render(Box.from_pixels(cut, source.size), Fit(size or cut.size, quality=100)))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Root of the mean square, of 255."""
    bands = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).rms
    return sum(bands) / len(bands)


def cut_of(image: Image.Image, cut: PixelBox) -> Image.Image:
    return image.crop((cut.left, cut.top, cut.right, cut.bottom))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "specimen.svs", slide(told_apart(), APERIO))


async def test_a_slide_is_one_picture_of_its_full_size(path: Path) -> None:
    async with await open_source(opened(path)) as source:
        asked: Source = source
        assert (asked.size, asked.page, asked.pages, asked.parts, asked.notes) == (SIZE, 1, 1, (Box.full(),), ())
        assert asked.readable == pytest.approx(0.75)
        [detail] = await source.detail([Box.full()])
        assert detail >= 0
    with pytest.raises(BadRequest, match="has 1 page"):
        await open_source(opened(path), page=2)


async def test_what_is_small_on_the_full_size_comes_back_at_its_own_pixels(path: Path) -> None:
    async with await open_source(opened(path)) as source:
        assert difference(await drawn(source, NUMBER), cut_of(specimen(), NUMBER)) < 4
        odd = PixelBox(133, 271, 571, 527)
        assert difference(await drawn(source, odd), cut_of(specimen(), odd)) < 4
        corner = PixelBox(SIZE.width - 100, SIZE.height - 60, SIZE.width, SIZE.height)
        assert difference(await drawn(source, corner), cut_of(specimen(), corner)) < 4


@pytest.mark.parametrize(
    ("cut", "size", "colour"),
    [
        (PixelBox(0, 0, 1000, 800), Size(62, 50), LEVEL_2),
        (PixelBox(0, 0, 1000, 800), Size(125, 100), LEVEL_1),
        (PixelBox(0, 0, 1000, 800), Size(250, 200), LEVEL_1),
        (PixelBox(200, 200, 800, 800), Size(100, 100), LEVEL_1),
    ],
)
async def test_the_lowest_level_that_suffices_is_read_and_no_other(
    path: Path, cut: PixelBox, size: Size, colour: tuple[int, ...]
) -> None:
    async with await open_source(opened(path)) as source:
        image = await drawn(source, cut, size)
        assert all(is_near(colour_at(image, x, y), colour) for x in (0.1, 0.5, 0.9) for y in (0.1, 0.5, 0.9))


async def test_every_level_shows_a_region_where_it_is(tmp_path: Path) -> None:
    path = written(tmp_path / "a.svs", slide(reduced(), APERIO))
    cut = PixelBox(160, 80, 800, 720)
    async with await open_source(opened(path)) as source:
        for factor in (2, 4, 8, 16):
            size = cut.size.scaled(1 / factor)
            wanted = cut_of(specimen(), cut).resize((size.width, size.height), Image.Resampling.LANCZOS)
            assert difference(await drawn(source, cut, size), wanted) < 8, factor


async def test_regions_are_read_side_by_side(tmp_path: Path) -> None:
    path = written(tmp_path / "a.svs", slide(reduced(), APERIO))
    cuts = [PixelBox(50 * at, 40 * at, 50 * at + 300, 40 * at + 260) for at in range(12)]
    async with await open_source(opened(path), workers=anyio.CapacityLimiter(4)) as source:

        async def check(cut: PixelBox) -> None:
            assert difference(await drawn(source, cut), cut_of(specimen(), cut)) < 4

        async with anyio.create_task_group() as group:
            for cut in cuts:
                group.start_soon(check, cut)


async def test_what_the_scanner_left_out_is_white(tmp_path: Path) -> None:
    path = written(tmp_path / "a.svs", slide(reduced()[:1], APERIO, missing={0, 6}))
    async with await open_source(opened(path)) as source:
        assert is_near(colour_at(await drawn(source, PixelBox(20, 20, 220, 220)), 0.5, 0.5), (255, 255, 255), 2)
        left_out = cut_of(specimen(), PixelBox(1, 1, 480, 480))
        left_out.paste("white", (0, 0, 239, 239))
        left_out.paste("white", (239, 239, 479, 479))  # of five tiles a row, the second of the second row
        assert difference(await drawn(source, PixelBox(1, 1, 480, 480)), left_out) < 5


async def test_the_colours_of_a_slide_go_through_its_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = pyvips.Operation.call("profile_load", "p3")
    plain = written(tmp_path / "plain.svs", slide(reduced()[:1], APERIO))
    path = written(tmp_path / "a.svs", slide(reduced()[:1], {**APERIO, PROFILE: wide}))
    cut = PixelBox(100, 100, 400, 400)
    async with await open_source(opened(plain)) as one, await open_source(opened(path)) as other:
        without, through = await drawn(one, cut), await drawn(other, cut)
    monkeypatch.setitem(sys.modules, "openslide", None)
    async with await open_source(opened(path)) as source:
        assert difference(through, await drawn(source, cut)) < 2  # as the TIFF reader shows it
    assert difference(through, without) > 4


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: slide(of_two_levels(), TRESTLE), id="Trestle"),
        pytest.param(lambda: ndpi(of_two_levels()), id="Hamamatsu, of one JPEG a level"),
        pytest.param(lambda: czi(of_two_levels()), id="Zeiss, no TIFF"),
    ],
)
async def test_the_formats_of_other_makers_are_read_alike(tmp_path: Path, data: Callable[[], bytes]) -> None:
    path = written(tmp_path / "a.slide", data())
    async with await open_source(opened(path)) as source:
        assert (source.size, source.pages, source.notes) == (SIZE, 1, ())
        assert difference(await drawn(source, NUMBER), cut_of(specimen(), NUMBER)) < 4
        small = of_two_levels()[1]
        assert difference(await drawn(source, PixelBox(0, 0, 1000, 800), Size(200, 160)), small) < 6


async def test_a_pyramid_of_tiles_of_no_maker_stays_an_ordinary_tiff(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", slide(reduced(), {SOFTWARE: b"A program, not Aperio's\0"}))
    async with await open_source(opened(path)) as source:
        assert (source.size, source.pages, source.notes) == (SIZE, 3, ())
        assert difference(await drawn(source, NUMBER), cut_of(specimen(), NUMBER)) < 4


async def test_what_names_a_maker_and_is_no_slide_of_it_stays_an_ordinary_tiff(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    specimen().save(path, tiffinfo={DESCRIPTION: "Aperio in a title"}, compression="tiff_lzw")  # in rows, not tiles
    async with await open_source(opened(path)) as source:
        assert (source.size, source.notes) == (SIZE, ())
        assert difference(await drawn(source, NUMBER), cut_of(specimen(), NUMBER)) < 3


async def test_no_limit_of_pixels_or_bytes_holds_for_a_slide_of_many_levels(tmp_path: Path) -> None:
    one = Image.new("RGB", (512, 512), "white")
    one.paste(LEVEL_1, (128, 128, 384, 384))
    full = Size(100_000, 80_000)
    many, alone = [Size(full.width // factor, full.height // factor) for factor in (1, 4, 16, 64)], [full]
    path = written(tmp_path / "a.svs", endless(many, one, APERIO))
    async with await open_source(opened(path), limits=Limits(max_bytes=1000)) as source:
        assert source.size == full
        place = PixelBox(98_304 + 64, 51_200 + 64, 98_304 + 448, 51_200 + 448)  # in the tile 192, 100
        assert difference(await drawn(source, place), one.crop((64, 64, 448, 448))) < 4
        assert (await drawn(source, PixelBox(0, 0, 100_000, 80_000), Size(500, 400))).size == (500, 400)
    with pytest.raises(ImageTooLarge, match="8,000 megapixels") as caught:
        await open_source(opened(written(path, endless(alone, one, APERIO))))
    assert "pyramid" in caught.value.hint


@pytest.mark.parametrize("number", [0, 1, 11])
async def test_a_broken_tile_is_damage_and_costs_no_other_region(tmp_path: Path, number: int) -> None:
    path = written(tmp_path / "a.svs", slide(reduced(), APERIO, broken={number}))
    left, top = number % 5 * 240, number // 5 * 240
    async with await open_source(opened(path)) as source:
        with pytest.raises(ImageDamaged, match=r"a\.svs cannot be read as a slide") as caught:
            await drawn(source, PixelBox(left + 10, top + 10, left + 100, top + 100))
        assert "/proc/" not in str(caught.value)
        assert difference(await drawn(source, NUMBER), cut_of(specimen(), NUMBER)) < 4
        assert await drawn(source, PixelBox(0, 0, *(SIZE.width, SIZE.height)), Size(125, 100))


async def test_a_slide_that_ends_early_is_damage(path: Path) -> None:
    whole = slide(told_apart(), APERIO)
    for share in (0.2, 0.9, 0.999):
        with pytest.raises(ImageDamaged):
            await open_source(opened(written(path, whole[: int(len(whole) * share)])))
    nothing = slide([specimen()], {XMP: b"<iScan Magnification='40'/>\0"})  # no level of it says that it is one
    with pytest.raises(ImageDamaged, match="cannot be read as a slide"):
        await open_source(opened(written(path, nothing)))


async def test_tiles_of_a_size_that_nobody_has_are_damage_and_not_the_end_of_the_process(tmp_path: Path) -> None:
    whole = czi([specimen()])
    sizes = [at for at in range(len(whole) - 4000, len(whole) - 8) if whole[at : at + 4] == struct.pack("<i", 240)]
    assert sizes
    for data in (whole[:at] + odd + whole[at + 4 :] for at in sizes[-4:] for odd in (b"\xf0\0\xff\0", bytes(4))):
        with pytest.raises(ImageDamaged):
            async with await open_source(opened(written(tmp_path / "a.czi", data))) as source:
                await drawn(source, PixelBox(0, 0, SIZE.width, SIZE.height), Size(500, 400))
    for share in (0.01, 0.5, 0.999):
        with pytest.raises(ImageDamaged):
            await open_source(opened(written(tmp_path / "a.czi", whole[: int(len(whole) * share)])))


async def test_a_slide_stays_the_one_that_was_opened(path: Path) -> None:
    async with await open_source(opened(path)) as source:
        other = written(path.with_name("other.svs"), slide([Image.new("RGB", (1000, 800), "red")], APERIO))
        other.replace(path)
        assert difference(await drawn(source, NUMBER), cut_of(specimen(), NUMBER)) < 4
    with pytest.raises(ValueError, match="closed"):
        await source.render(Box.full(), Fit(Size(10, 10)))


async def test_formats_of_several_files_are_refused_whatever_lies_beside_them(tmp_path: Path) -> None:
    beside = tmp_path / "cmu"
    beside.mkdir()
    (beside / "Slidedat.ini").write_text("[GENERAL]\nSLIDE_VERSION = 1.9\n")
    overview = encoded(specimen().resize((200, 160)), "JPEG")
    index = b"[Virtual Microscope Specimen]\r\nNoLayers=1\r\nImageFile=a.jpg\r\n"
    dicom = bytes(128) + b"DICM" + bytes(64)
    for name, data in (("cmu.mrxs", overview), ("a.vms", index), ("a.dcm", dicom)):
        with pytest.raises(NotAnImage) as caught:
            await open_source(opened(written(tmp_path / name, data)))
        assert caught.value.hint
    with pytest.raises(ImageDamaged, match="no list of its tiles"):
        await open_source(opened(written(tmp_path / "a.czi", b"ZISRAWFILE".ljust(400, b"\0"))))


async def test_without_the_extra_a_slide_is_the_first_page_of_its_tiff_with_a_word_on_what_is_missing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openslide", None)
    async with await open_source(opened(path)) as source:
        assert (source.size, source.pages) == (SIZE, 3)
        assert difference(await drawn(source, NUMBER), cut_of(specimen(), NUMBER)) < 4
        [note] = source.notes
    assert "slide by Aperio" in note
    assert "zoomrefine-mcp[slides]" in note
    with pytest.raises(NotAnImage, match="not installed") as caught:  # where the TIFF reader gives up, the same
        await open_source(opened(path), limits=Limits(max_pixels=100_000))
    assert "zoomrefine-mcp[slides]" in caught.value.hint


@pytest.mark.parametrize("kind", ["ndpi", "ndpi beyond 4 GB", "czi"])
async def test_without_the_extra_a_slide_that_is_no_tiff_of_pages_is_refused_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(sys.modules, "openslide", None)
    data = b"ZISRAWFILE".ljust(400, b"\0") if kind == "czi" else ndpi(reduced()[:1])
    path = written(tmp_path / "a.slide", data)
    if "beyond" in kind:
        far = 1 << 32
        first = int.from_bytes(data[4:12], "little")
        with path.open("r+b") as file:  # a hole in the file, which takes no room
            file.seek(far + first)
            file.write(data[first:])
            file.seek(4)
            file.write((far + first).to_bytes(8, "little"))
    with pytest.raises(
        NotAnImage, match=r"slide by (Hamamatsu|Zeiss), and what reads those is not installed"
    ) as caught:
        await open_source(opened(path))
    assert "zoomrefine-mcp[slides]" in caught.value.hint


@pytest.mark.parametrize(
    ("texts", "maker"),
    [
        (
            {DESCRIPTION: b'<?xml version="1.0"?>\n<scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">\0'},
            "Leica",
        ),
        ({SOFTWARE: b"Philips DP v1.0\0"}, "Philips"),
        (TRESTLE, "Trestle"),
        ({XMP: b"<EncodeInfo><SlideStitchInfo/><iScan Magnification='40'/>\0"}, "Ventana"),
    ],
)
async def test_the_makers_of_slides_are_known_by_what_their_files_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: dict[int, bytes], maker: str
) -> None:
    monkeypatch.setitem(sys.modules, "openslide", None)
    path = written(tmp_path / "a.tif", slide([scene(Size(480, 480))], texts))
    async with await open_source(opened(path)) as source:
        assert f"slide by {maker}" in source.notes[0]


async def test_where_a_descriptor_has_no_path_the_error_says_what_to_do(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slides, "_DESCRIPTORS", str(tmp_path / "none"))
    async with await open_source(opened(path)) as source:
        assert "Linux" in source.notes[0]
    with pytest.raises(NotAnImage, match="Linux") as caught:
        await open_source(opened(written(tmp_path / "a.ndpi", ndpi(reduced()[:1]))))
    assert "tiffsave" in caught.value.hint


async def test_a_host_is_shown_a_region_of_a_slide_at_its_own_pixels(path: Path) -> None:
    box = Box.from_pixels(NUMBER, SIZE).as_list()
    async with connect(server_on(path.parent, [])) as client:
        result = await client.call_tool("view_region", {"image_path": str(path), "box": box})
    assert not result.is_error, text_of(result)
    _, image = image_of(result)
    shown = cut_of(specimen(), NUMBER).resize(image.size, Image.Resampling.LANCZOS)
    assert difference(image, shown) < 12


def test_the_command_line_says_once_that_a_slide_was_read_as_a_page(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box.from_pixels(NUMBER, SIZE).as_list()
    script = written(tmp_path / "script.json", json.dumps([reply("48-2207", box)] * 4).encode())
    ask = ["ask", str(path), "Which number is on the slide?", "--backend", "scripted", "--script", str(script)]
    assert main(ask) == 0
    said = capsys.readouterr()
    assert "48-2207" in said.out
    assert "slides]" not in said.out + said.err
    monkeypatch.setitem(sys.modules, "openslide", None)
    assert main(ask) == 0
    said = capsys.readouterr()
    assert (said.out + said.err).count("zoomrefine-mcp[slides]") == 1

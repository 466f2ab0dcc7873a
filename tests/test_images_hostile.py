"""Bytes that mean harm, or came to harm: each its own error, before the memory or the time is spent."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from tests.support.pictures import (
    decoded,
    encoded,
    exif,
    marker_box,
    opened,
    png,
    png_chunk,
    scene,
    shows_marker,
    tiff,
    written,
)
from zoomrefine_mcp.errors import ImageDamaged, ImageTooLarge, NotAnImage, ZoomRefineError
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.images.source import Limits, open_source
from zoomrefine_mcp.pictures import Fit, Picture

pytestmark = pytest.mark.anyio

FORMATS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 90},
    "PNG": {},
    "TIFF": {},
    "WEBP": {"lossless": True},
    "GIF": {},
    "AVIF": {},
    "JPEG2000": {},
    "BMP": {},
    "PPM": {},
}


async def view(path: Path, limits: Limits | None = None) -> Picture:
    async with await open_source(opened(path), limits=limits or Limits()) as source:
        return await source.render(Box.full(), Fit(Size(32, 24)))


NOT_PICTURES = {
    "nothing": (b"", "complete"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10", "Render"),
    "DOS EPS": (b"\xc5\xd0\xd3\xc6" + bytes(40), "Render"),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>', "Render"),
    "SVG with a prologue": (b'<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C">\n<svg width="1"/>', "Render"),
    "compressed SVG": (b"\x1f\x8b\x08\0\0\0\0\0", "Unpack"),
    "HTML": (b"<!DOCTYPE html><html><body>404</body></html>", "download"),
    "text": ("Grüße aus dem Süden\n".encode() * 200, "Name a picture"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "git lfs pull"),
    "ZIP": (b"PK\x03\x04" + bytes(30), "Unpack"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(30), "JPEG"),
    "video": (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(30), "frame"),
    "JPEG XL": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30), "Convert"),
    "Photoshop": (b"8BPS\0\1" + bytes(30), "Convert"),
    "Canon raw": (b"II*\0\x10\0\0\0CR\2\0" + bytes(30), "Develop"),
    "plain PGM": (b"P2\n2 2\n255\n0 1 2 3\n", "binary"),
    "zeros": (bytes(4096), "Name a picture"),
    "MVG": (b"push graphic-context\nviewbox 0 0 640 480\nimage over 0,0 0,0 'https://127.0.0.1/'", "Name a picture"),
    "libvips matrix": (b"2 2\n1 2\n3 4\n", "Name a picture"),
    "libvips own": (b"\x08\xf2\xa6\xb6" + bytes(100), "Name a picture"),
}


@pytest.mark.parametrize("name", NOT_PICTURES)
async def test_what_is_no_picture_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    data, hint = NOT_PICTURES[name]
    for ending in ("png", "jpg", "svg"):
        with pytest.raises(NotAnImage) as caught:
            await open_source(opened(written(tmp_path / f"picture.{ending}", data)))
        assert hint in caught.value.hint


@pytest.mark.parametrize("form", FORMATS)
async def test_a_name_that_lies_does_not_matter(tmp_path: Path, form: str) -> None:
    for ending in ("txt", "svg", "pdf", "jpg", "png"):
        assert (await view(written(tmp_path / f"p.{ending}", encoded(scene(), form, **FORMATS[form])))).data


def _codestream(edge: int) -> bytes:
    """A JPEG 2000 whose header claims another size."""
    data = bytearray(encoded(Image.new("L", (64, 64)), "JPEG2000", no_jp2=True))
    at = data.index(b"\xff\x51") + 6
    data[at : at + 8] = struct.pack(">II", edge, edge)
    return bytes(data)


BOMBS = {
    "PNG": png(100_000, 100_000, zlib.compress(bytes(1000))),
    "interlaced PNG": png(100_000, 100_000, zlib.compress(bytes(1000)), interlaced=True),
    "TIFF": tiff(
        [(256, 4, 1, 100_000), (257, 4, 1, 100_000), (273, 4, 1, 200), (279, 4, 1, 10)], at=200, data=bytes(10)
    ),
    "BMP": b"BM" + struct.pack("<IIIIiiHHIIiiII", 100, 0, 54, 40, 100_000, 100_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "PPM": b"P6\n100000 100000\n255\n" + bytes(100),
    "JPEG 2000": _codestream(100_000),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_header_of_more_pixels_than_allowed_is_refused_by_its_numbers(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageTooLarge) as caught:
        await open_source(opened(written(tmp_path / "bomb", BOMBS[name])))
    assert "10,000 megapixels" in caught.value.message
    assert "ZOOMREFINE_MAX_MEGAPIXELS" in caught.value.hint


async def test_a_jpeg_of_the_largest_size_is_refused_by_its_numbers(tmp_path: Path) -> None:
    data = bytearray(encoded(Image.new("L", (64, 64)), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_000, 65_000)
    with pytest.raises(ImageTooLarge, match="4,225 megapixels"):
        await open_source(opened(written(tmp_path / "bomb.jpg", bytes(data))))


@pytest.mark.parametrize("form", FORMATS)
async def test_the_limit_on_pixels_is_exact_in_every_format(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **FORMATS[form]))
    assert (await view(path, Limits(max_pixels=320 * 240))).data
    with pytest.raises(ImageTooLarge) as caught:
        await view(path, Limits(max_pixels=320 * 240 - 1))
    assert (caught.value.context["width"], caught.value.context["height"]) == (320, 240)


async def test_more_pixels_than_pillow_warns_of_are_read_without_a_warning(tmp_path: Path) -> None:
    path = written(tmp_path / "p.bmp", encoded(Image.new("1", (14_000, 13_000), 1), "BMP"))  # 182 megapixels
    before = Image.MAX_IMAGE_PIXELS
    assert (await view(path)).data
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("form", ["GIF", "WEBP", "AVIF", "BMP", "JPEG2000"])
async def test_what_has_to_be_decoded_whole_has_a_limit_of_its_own(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **FORMATS[form]))
    with pytest.raises(ImageTooLarge, match="as a whole") as caught:
        await view(path, Limits(max_whole_pixels=70_000))
    assert "tiled TIFF" in caught.value.hint
    with pytest.raises(ImageTooLarge, match="read as a whole"):
        await view(path, Limits(max_whole_bytes=100))


async def test_progressive_and_interlaced_pictures_count_as_whole(tmp_path: Path) -> None:
    jpeg = written(tmp_path / "p.jpg", encoded(scene(), "JPEG", progressive=True))
    with pytest.raises(ImageTooLarge, match="as a whole"):
        await view(jpeg, Limits(max_whole_pixels=70_000))
    rows = b"".join(
        b"\0" + bytes(width)
        for width, height in ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
        for _ in range(height)
    )
    interlaced = written(tmp_path / "p.png", png(8, 8, zlib.compress(rows), interlaced=True))
    assert (await view(interlaced)).data
    with pytest.raises(ImageTooLarge, match="as a whole"):
        await view(interlaced, Limits(max_whole_pixels=63))


async def test_the_limit_on_bytes_names_its_setting(tmp_path: Path) -> None:
    path = written(tmp_path / "p.png", encoded(scene(), "PNG"))
    with pytest.raises(ImageTooLarge) as caught:
        await view(path, Limits(max_bytes=100))
    assert "ZOOMREFINE_MAX_FILE_MB" in caught.value.hint
    assert caught.value.context["bytes"] == path.stat().st_size


@cache
def _deflated(megabytes: int) -> bytes:
    """Zeros: a kilobyte for each 200 or so of them."""
    pump = zlib.compressobj(1)
    return b"".join(pump.compress(bytes(1_000_000)) for _ in range(megabytes)) + pump.flush()


async def test_a_chunk_that_inflates_without_end_takes_no_memory(tmp_path: Path) -> None:
    rows = zlib.compress((b"\0" + b"\x80" * 16) * 16)
    paths = []
    for kind, start in {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"eXIf": b"", b"iTXt": b"a\0\1\0\0\0"}.items():
        paths.append(written(tmp_path / kind.decode(), png(16, 16, rows, png_chunk(kind, start + _deflated(80)))))
    assert _growth_kb(*paths) < 60_000


async def test_pixels_that_inflate_without_end_take_no_memory(tmp_path: Path) -> None:
    assert _growth_kb(written(tmp_path / "p.png", png(16, 16, _deflated(120)))) < 60_000


async def test_a_large_empty_picture_takes_memory_for_rows_not_for_all(tmp_path: Path) -> None:
    assert _growth_kb(written(tmp_path / "p.png", png(20_000, 12_000, _deflated(241)))) < 200_000


_CHILD = """
import os, sys, anyio
from zoomrefine_mcp.access import OpenFile
from zoomrefine_mcp.errors import ZoomRefineError
from zoomrefine_mcp.geometry import Box, Size
from zoomrefine_mcp.images.source import open_source
from zoomrefine_mcp.pictures import Fit

def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])

async def main(path):
    try:
        async with await open_source(OpenFile(os.open(path, os.O_RDONLY), path)) as source:
            await source.render(Box.full(), Fit(Size(32, 24)))
    except ZoomRefineError:
        pass

before = peak()
for path in sys.argv[1:]:
    anyio.run(main, path)
print(peak() - before)
"""


def _growth_kb(*paths: Path) -> int:
    """By how much a process of its own grows at most while it makes a view of each; it says nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *map(str, paths)], capture_output=True, text=True, check=True, timeout=60
    )
    assert not done.stderr
    return int(done.stdout)


async def test_what_libvips_thinks_of_a_damaged_picture_is_not_on_stderr(tmp_path: Path) -> None:
    data = encoded(Image.effect_noise((640, 480), 60), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    cut = encoded(scene(), "TIFF")[:-500]
    bad = {"scans": data[:-2] + scan * 200 + b"\xff\xd9", "cut": data[:-900], "tiff": cut}
    assert _growth_kb(*(written(tmp_path / name, content) for name, content in bad.items())) < 100_000


def _loop() -> bytes:
    return tiff(
        [(256, 3, 1, 8), (257, 3, 1, 8), (273, 4, 1, 100), (279, 4, 1, 64)], at=100, data=bytes(64), following=8
    )


ABSURD = {
    "directory outside the file": b"II*\0\xff\xff\xff\x7f",
    "no directory": b"II*\0\0\0\0\0" + bytes(16),
    "too many tags": b"II*\0\x08\0\0\0\xff\xff" + bytes(65_536 * 12),
    "a directory that is cut off": b"II*\0\x08\0\0\0\x10\0" + bytes(8),
    "no size": tiff([(258, 3, 1, 8)]),
    "a value of four billion numbers": tiff([(256, 3, 0xFFFFFFFF, 8), (257, 3, 1, 8)]),
    "BigTIFF beyond the file": b"II+\0\x08\0\0\0" + b"\xff" * 8,
    "sub-directories nowhere": tiff([(256, 3, 1, 8), (257, 3, 1, 8), (330, 4, 1, 0x7FFFFFFF)]),
    "strips nowhere": tiff([(256, 3, 1, 8), (257, 3, 1, 8), (273, 4, 1, 0x7FFFFFFF), (279, 4, 1, 64)]),
    "huge tiles": tiff(
        [
            (256, 4, 1, 8),
            (257, 4, 1, 8),
            (322, 4, 1, 2**31 - 16),
            (323, 4, 1, 2**31 - 16),
            (324, 4, 1, 8),
            (325, 4, 1, 8),
        ]
    ),
}


@pytest.mark.parametrize("name", ABSURD)
async def test_absurd_tags_of_a_tiff_are_damage(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageDamaged):
        await view(written(tmp_path / "p.tif", ABSURD[name]))


async def test_directories_that_run_in_a_circle_end(tmp_path: Path) -> None:
    async with await open_source(opened(written(tmp_path / "p.tif", _loop()))) as source:
        assert source.pages == 1


async def test_an_index_of_pictures_that_names_itself_ends(tmp_path: Path) -> None:
    data = bytearray(encoded(scene(), "MPO", save_all=True, append_images=[scene()]))
    base = data.index(b"MPF\0") + 4
    second = base + 50 + 16  # its entry, of 16 bytes, as Pillow lays the index out
    assert data[second : second + 4] == bytes(4)
    data[second + 8 : second + 12] = bytes(4)  # its offset: the index itself
    async with await open_source(opened(written(tmp_path / "p.jpg", bytes(data)))) as source:
        assert source.pages == 1


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7])
async def test_a_picture_that_ends_early_is_damaged_never_shown_in_part(tmp_path: Path, form: str, kept: float) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((320, 240), 60)] * 3)
    data = encoded(noise, form, **FORMATS[form])
    path = written(tmp_path / "picture", data[: max(40, int(len(data) * kept))])
    with pytest.raises(ImageDamaged) as caught:
        await view(path)
    assert caught.value.hint


@pytest.mark.parametrize("form", FORMATS)
async def test_flipped_bytes_never_raise_anything_but_our_errors(tmp_path: Path, form: str) -> None:
    data = (
        encoded(scene(), form, exif=exif(6), **FORMATS[form])
        if form in {"JPEG", "PNG", "WEBP"}
        else encoded(scene(), form, **FORMATS[form])
    )
    step = max(1, min(len(data), 600) // 24)
    for index, at in enumerate(range(8, min(len(data), 600), step)):
        damaged = bytearray(data)
        damaged[at] ^= (0xFF, 0x80, 0x01)[index % 3]
        path = written(tmp_path / f"{index}", bytes(damaged))
        try:
            await view(path, Limits(max_pixels=10_000_000, max_whole_pixels=10_000_000))
        except ZoomRefineError:
            continue


CHANGED = ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"]


@pytest.mark.parametrize("form", CHANGED)
async def test_a_file_deleted_after_opening_is_still_the_picture(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **FORMATS[form]))
    async with await open_source(opened(path)) as source:
        await source.render(Box.full(), Fit(Size(32, 24)))
        path.unlink()
        crop = await source.render(marker_box(), Fit(Size(64, 48)))
    assert shows_marker(decoded(crop), tolerance=40)


@pytest.mark.parametrize("form", CHANGED)
async def test_a_file_replaced_after_opening_is_still_the_picture(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **FORMATS[form]))
    other = written(tmp_path / "other", encoded(Image.new("RGB", (320, 240)), form))
    async with await open_source(opened(path)) as source:
        await source.render(Box.full(), Fit(Size(32, 24)))
        other.replace(path)
        crop = await source.render(marker_box(), Fit(Size(64, 48)))
    assert shows_marker(decoded(crop), tolerance=40)


@pytest.mark.parametrize("form", CHANGED)
async def test_a_file_truncated_after_opening_is_damage_not_a_dead_process(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **FORMATS[form]))
    async with await open_source(opened(path)) as source:
        await source.render(Box.full(), Fit(Size(32, 24)))
        os.truncate(path, 2000)
        with pytest.raises(ImageDamaged, match="written to"):
            await source.render(marker_box(), Fit(Size(64, 48)))


@pytest.mark.parametrize("form", CHANGED)
async def test_another_picture_written_into_the_file_is_never_shown(tmp_path: Path, form: str) -> None:
    path = written(tmp_path / "picture", encoded(scene(), form, **FORMATS[form]))
    os.utime(path, (1, 1))
    async with await open_source(opened(path)) as source:
        written(path, encoded(Image.new("RGB", (320, 240)), form))
        with pytest.raises(ImageDamaged, match="written to"):
            await source.render(marker_box(), Fit(Size(64, 48)))


async def test_a_file_truncated_while_it_is_read_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((1000, 800), 60)] * 3)
    path = written(tmp_path / "p.png", encoded(noise, "PNG"))
    pread = os.pread
    async with await open_source(opened(path)) as source:

        def truncating(fd: int, count: int, offset: int) -> bytes:
            if offset > 500_000:
                os.truncate(path, 400_000)
            return pread(fd, count, offset)

        monkeypatch.setattr(os, "pread", truncating)
        with pytest.raises(ImageDamaged):
            await source.render(Box.full(), Fit(Size(100, 80)))


async def test_a_disk_that_fails_while_it_is_read_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "p.tif", encoded(scene(), "TIFF"))
    async with await open_source(opened(path)) as source:

        def failing(fd: int, count: int, offset: int) -> bytes:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "pread", failing)
        with pytest.raises(ImageDamaged, match="Input/output error"):
            await source.render(Box.full(), Fit(Size(100, 80)))


async def test_refusals_close_the_file(tmp_path: Path) -> None:
    for name, data in {"text": b"hello", "cut": encoded(scene(), "PNG")[:30], "bomb": BOMBS["PNG"]}.items():
        file = opened(written(tmp_path / name, data))
        with pytest.raises(ZoomRefineError):
            await open_source(file)
        assert file.fd == -1

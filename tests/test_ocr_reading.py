"""The embedded backend with its real models, on small drawn pictures."""

from __future__ import annotations

import io
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image, ImageDraw, ImageFont

from zoomrefine_mcp import ZoomRefine
from zoomrefine_mcp.backends.ocr import OcrBackend
from zoomrefine_mcp.backends.reading.engine import RapidReader
from zoomrefine_mcp.errors import BackendError
from zoomrefine_mcp.geometry import PixelBox

pytest.importorskip("rapidocr", reason="the [ocr] extra is not installed")

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # RapidOCR's dependencies, not ours
]


@pytest.fixture(scope="module")
def reader() -> RapidReader:
    return RapidReader()


def drawn(size: tuple[int, int], *texts: tuple[str, tuple[int, int], int]) -> Image.Image:
    picture = Image.new("RGB", size, (226, 222, 206))
    draw = ImageDraw.Draw(picture)
    for text, at, font_size in texts:
        draw.text(at, text, fill=(20, 24, 60), font=ImageFont.load_default(font_size))
    return picture


def encoded(picture: Image.Image, kind: str = "JPEG") -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, quality=92)
    return data.getvalue()


PLATE = encoded(drawn((640, 240), ("PUMP P-204", (40, 30), 48), ("Serial no. 48-2207", (40, 130), 28)))


def test_lines_are_read_with_their_place_and_confidence(reader):
    title, serial = reader.read(PLATE)
    assert (title.text, serial.text.replace(" ", "")) == ("PUMP P-204", "Serialno.48-2207")
    assert serial.score > 0.9
    assert serial.corners[0][0] == pytest.approx(40, abs=8)
    assert 125 < serial.corners[0][1] < 150


def test_a_part_is_read_enlarged_and_still_placed_on_the_picture(reader):
    (serial,) = reader.read(PLATE, PixelBox(20, 110, 620, 190), 2.0)
    assert "48-2207" in serial.text
    assert serial.corners[0][0] == pytest.approx(40, abs=8)
    assert 125 < serial.corners[0][1] < 150


def test_two_threads_read_the_same_as_one(reader):
    pictures = [PLATE, encoded(drawn((500, 160), ("Gate 17 closed", (30, 50), 40)), "PNG")] * 2
    alone = [reader.read(data) for data in pictures]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(reader.read, pictures)) == alone


def test_a_picture_without_text_gives_no_lines(reader):
    assert reader.read(encoded(drawn((400, 300)))) == ()


def test_bytes_that_are_no_picture_are_an_error_with_a_hint(reader):
    for part in (None, PixelBox(0, 0, 10, 10)):
        with pytest.raises(BackendError) as caught:
            reader.read(b"no picture", part)
        assert caught.value.hint


def test_the_models_load_and_read_without_a_network(monkeypatch):
    def refused(*_):
        raise AssertionError("the reader tried to reach a network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert len(RapidReader().read(PLATE)) == 2


async def test_a_detail_that_the_view_does_not_show_is_read_from_the_crop(tmp_path):
    texts = [
        ("PUMP P-204", (600, 500), 120),
        ("Serial no. 48-2207", (610, 720), 24),
        ("PUMP P-240", (3600, 500), 120),
        ("Serial no. 51-3310", (3610, 720), 24),
    ]
    path = tmp_path / "hall.jpg"
    path.write_bytes(encoded(drawn((6000, 3000), *texts)))
    zoom = ZoomRefine(OcrBackend(), "adaptive", view_edge=1024)
    result = await zoom.zoom_and_refine(path, "What is the serial number of pump P-204?")
    assert (result.status, result.preliminary_answer, result.answer) == ("refined", None, "48-2207")
    assert "printed text only" in (result.about or "")

"""Documents: a page is drawn region by region, as sharp as it is asked for; pages together are one picture."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.support.pictures import colour_at, decoded, is_near, opened, written
from vector_pdf import PdfSheet, pdf, rectangle, text
from zoomrefine_mcp.errors import BadRequest, ImageDamaged, ImageEncrypted, NotAnImage
from zoomrefine_mcp.geometry import Box, PixelBox, Size
from zoomrefine_mcp.images.source import FileSource, open_source
from zoomrefine_mcp.pictures import Fit, Source

pytest.importorskip("pypdfium2", reason="the [pdf] extra is not installed")
pytestmark = pytest.mark.anyio

A4 = Size(2479, 3508)
RED, GREEN, BLUE = (1.0, 0.0, 0.0), (0.0, 0.6, 0.0), (0.0, 0.0, 1.0)


def plan(seed: int = 0) -> bytes:
    """Operators of a page with lines of print of several sizes."""
    lines = (
        text(40, 800 - 20 * at, 3 + at % 9, f"Line {at} of plan {seed}: valve V-{at * 37 + seed}") for at in range(35)
    )
    return rectangle(300, 20, 200, 60, BLUE) + b"".join(lines)


async def drawn(source: FileSource, region: Box, size: Size) -> Image.Image:
    return decoded(await source.render(region, Fit(size, quality=100)))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Root of the mean square, of 255."""
    bands = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).rms
    return float(sum(bands) / len(bands))


@pytest.fixture
def plan_path(tmp_path: Path) -> Path:
    return written(tmp_path / "plan.pdf", pdf([PdfSheet(plan())]))


async def test_a_page_is_measured_at_300_dpi(plan_path: Path) -> None:
    async with await open_source(opened(plan_path)) as source:
        asked: Source = source
        assert (asked.size, asked.page, asked.pages, asked.parts, asked.notes) == (A4, 1, 1, (Box.full(),), ())
        assert asked.readable == pytest.approx(1 / 3)
        assert asked.on_page(Box(0.1, 0.1, 0.2, 0.2)) == (1, Box(0.1, 0.1, 0.2, 0.2), A4)


async def test_a_region_is_the_same_as_that_part_of_the_whole_page(plan_path: Path) -> None:
    async with await open_source(opened(plan_path)) as source:
        whole = await drawn(source, Box.full(), A4)
        cut = PixelBox(101, 203, 1103, 907)
        part = await drawn(source, Box.from_pixels(cut, A4), cut.size)
        assert difference(part, whole.crop((cut.left, cut.top, cut.right, cut.bottom))) < 1.0
        assert difference(part, whole.crop((cut.left + 1, cut.top, cut.right + 1, cut.bottom))) > 5.0


async def test_an_enlarged_region_is_drawn_again_and_not_enlarged(plan_path: Path) -> None:
    async with await open_source(opened(plan_path)) as source:
        cut = PixelBox(150, 150, 550, 350)
        native = await drawn(source, Box.from_pixels(cut, A4), cut.size)
        large = Size(cut.size.width * 4, cut.size.height * 4)
        sharp = (await drawn(source, Box.from_pixels(cut, A4), large)).convert("L")
        blurred = native.resize((large.width, large.height), Image.Resampling.BICUBIC).convert("L")
        greys = [sum(image.histogram()[64:192]) for image in (sharp, blurred)]  # edges that are neither ink nor paper
        assert greys[0] * 2 < greys[1]


async def test_a_page_is_turned_and_cropped_as_it_says(tmp_path: Path) -> None:
    content = rectangle(0, 0, 600, 900, GREEN) + rectangle(100, 100, 50, 50, RED)
    entries = b"/Rotate 90/CropBox[100 100 400 300]"
    path = written(tmp_path / "turned.pdf", pdf([PdfSheet(content, 600, 900, entries)]))
    async with await open_source(opened(path)) as source:
        assert source.size == Size(833, 1250)  # 200 x 300 points once turned
        page = await drawn(source, Box.full(), Size(200, 300))
        assert is_near(colour_at(page, 0.1, 0.05), (255, 0, 0))  # the lower left corner, turned to the upper left
        assert is_near(colour_at(page, 0.9, 0.9), (0, 153, 0))


async def test_notes_and_form_fields_are_drawn(tmp_path: Path) -> None:
    number = 5 + 2
    square = b"<</Type/Annot/Subtype/%s/Rect[%d 100 %d 200]/F 4/AP<</N %d 0 R>>/FT/Tx/T(a)>>"
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 100 100]/Length %d>>stream\n%s\nendstream"
    blue = rectangle(0, 0, 100, 100, BLUE)
    objects = [
        square % (b"Stamp", 100, 200, number + 2),
        square % (b"Widget", 300, 400, number + 2),
        form % (len(blue), blue),
    ]
    entries = b"/Annots[%d 0 R %d 0 R]" % (number, number + 1)
    catalog = b"/AcroForm<</Fields[%d 0 R]>>" % (number + 1)
    path = written(tmp_path / "form.pdf", pdf([PdfSheet(b"", 500, 300, entries)], objects=objects, catalog=catalog))
    async with await open_source(opened(path)) as source:
        page = await drawn(source, Box.full(), Size(500, 300))
        assert is_near(colour_at(page, 0.3, 0.5), (0, 0, 255))
        assert is_near(colour_at(page, 0.7, 0.5), (0, 0, 255))


async def test_a_huge_page_is_measured_coarser_and_drawn_all_the_same(tmp_path: Path) -> None:
    path = written(tmp_path / "huge.pdf", pdf([PdfSheet(rectangle(1e6, 0, 1e6, 1e6, RED), 2e6, 1e6)]))
    async with await open_source(opened(path)) as source:
        assert source.size == Size(60_000, 30_000)
        assert is_near(colour_at(await drawn(source, Box.full(), Size(200, 100)), 0.75, 0.5), (255, 0, 0))


ENCRYPTED = b"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O(%s)/U(%s)>>/ID[(0123456789abcdef)(0123456789abcdef)]" % (
    b"o" * 32,
    b"u" * 32,
)


async def test_an_encrypted_document_is_said_to_be_one(tmp_path: Path) -> None:
    path = written(tmp_path / "locked.pdf", pdf([PdfSheet(plan())], trailer=ENCRYPTED))
    with pytest.raises(ImageEncrypted, match="encrypted") as caught:
        await open_source(opened(path))
    assert caught.value.code == "image_encrypted"
    assert "password" in caught.value.hint


@pytest.mark.parametrize("data", [b"%PDF-1.7\n1 0 obj", b"%PDF-1.4\n" + bytes(4000), pdf([PdfSheet(plan())])[:400]])
async def test_a_damaged_document_is_said_to_be_one(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ImageDamaged, match=r"cannot be read as a PDF|without pages"):
        await open_source(opened(written(tmp_path / "broken.pdf", data)))


async def test_a_document_without_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageDamaged):
        await open_source(opened(written(tmp_path / "empty.pdf", pdf([]))))


async def test_a_document_that_begins_late_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "late.pdf", b"From a mail program\n\n" + pdf([PdfSheet(plan())]))
    async with await open_source(opened(path)) as source:
        assert source.size == A4


async def test_a_page_that_a_document_does_not_have_is_refused_with_their_number(tmp_path: Path) -> None:
    path = written(tmp_path / "two.pdf", pdf([PdfSheet(b"")] * 2))
    for page in (0, -1, 3, 10**9):
        with pytest.raises(BadRequest, match="does not exist"):
            await open_source(opened(path), page=page)


async def test_without_the_extra_a_document_is_refused_with_how_to_install_it(
    plan_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2.raw", None)
    with pytest.raises(NotAnImage, match="not installed") as caught:
        await open_source(opened(plan_path))
    assert "zoomrefine-mcp[pdf]" in caught.value.hint
    assert "pdftoppm" in caught.value.hint


async def test_a_document_that_is_written_to_meanwhile_is_not_mixed_up(plan_path: Path) -> None:
    async with await open_source(opened(plan_path)) as source:
        await drawn(source, Box.full(), Size(100, 140))
        with plan_path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(ImageDamaged, match="written to"):
            await source.render(Box.full(), Fit(Size(100, 140)))


PAGES = [
    PdfSheet(rectangle(150, 200, 300, 400, (at / 10, 1 - at / 10, 0.5)) + text(60, 760, 24, f"P{at}"))
    for at in range(7)
]


@pytest.fixture
def document_path(tmp_path: Path) -> Path:
    return written(tmp_path / "seven.pdf", pdf(PAGES))


async def test_a_page_of_a_document_is_that_page_alone(document_path: Path) -> None:
    async with await open_source(opened(document_path), page=3) as source:
        assert (source.size, source.page, source.pages) == (A4, 3, 7)
        assert is_near(colour_at(await drawn(source, Box.full(), Size(248, 351)), 0.5, 0.5), (51, 204, 128))


async def test_a_document_without_a_page_is_all_its_pages_in_reading_order(document_path: Path) -> None:
    async with await open_source(opened(document_path)) as source:
        assert (source.page, source.pages, len(source.parts)) == (None, 7, 7)
        assert 4 / 3 * 0.8 < source.size.width / source.size.height < 16 / 9 * 1.2
        view = await drawn(source, Box.full(), source.size.within_edge(1200))
        for at, part in enumerate(source.parts):
            x, y = part.center
            assert is_near(colour_at(view, x, y), (25.5 * at, 255 - 25.5 * at, 128), 14)
            assert source.on_page(part) == (at + 1, Box.full(), A4)
        assert [(part.y0, part.x0) for part in source.parts] == sorted((part.y0, part.x0) for part in source.parts)


async def test_a_region_of_the_sheet_is_as_sharp_as_the_page_itself(document_path: Path) -> None:
    async with (
        await open_source(opened(document_path)) as sheet,
        await open_source(opened(document_path), page=5) as page,
    ):
        cut = PixelBox(200, 200, 700, 600)
        on_page = Box.from_pixels(cut, A4)
        on_sheet = sheet.parts[4].compose(on_page)
        number, box, size = sheet.on_page(on_sheet)
        assert (number, box.to_pixels(size), size) == (5, cut, A4)
        for target in (cut.size, Size(1000, 800)):
            assert difference(await drawn(sheet, on_sheet, target), await drawn(page, on_page, target)) < 2.0


async def test_a_box_over_two_pages_belongs_to_the_one_that_it_covers_most(document_path: Path) -> None:
    async with await open_source(opened(document_path)) as source:
        first, second = source.parts[:2]
        number, box, _ = source.on_page(Box(first.x0 + 0.9 * first.width, 0.1, second.x0 + 0.5 * second.width, 0.2))
        assert (number, box.x0) == (2, 0)
        between = Box(first.x1 + 0.1 * (second.x0 - first.x1), 0.1, first.x1 + 0.3 * (second.x0 - first.x1), 0.2)
        number, box, size = source.on_page(between)
        assert (number, box.x1, round(box.width * size.width)) == (1, 1, 1)


async def test_each_page_has_its_number_above_it(document_path: Path) -> None:
    async with await open_source(opened(document_path)) as source:
        for part in source.parts:
            above = Box(part.x0, part.y0 - 0.03, part.x0 + part.width / 4, part.y0 - 0.002)
            assert min((await drawn(source, above, Size(120, 30))).convert("L").tobytes()) < 120


async def test_detail_is_nothing_on_blank_paper_and_most_where_there_is_most_to_see(tmp_path: Path) -> None:
    sheets = [PdfSheet(b""), PdfSheet(plan()), PdfSheet(text(300, 400, 12, "Only this"))]
    path = written(tmp_path / "three.pdf", pdf(sheets))
    async with await open_source(opened(path)) as source:
        blank, full, sparse = await source.detail(source.parts)
        assert blank == 0 < sparse < full
    async with await open_source(opened(path), page=3) as source:
        around, empty = await source.detail([Box(0.4, 0.45, 0.7, 0.55), Box(0, 0, 0.4, 0.4)])
        assert empty < 0.01 < around


async def test_a_damaged_page_is_blank_in_its_document_and_an_error_by_itself(tmp_path: Path) -> None:
    data = re.sub(rb"(?<=11 0 obj\n)[^\n]+", lambda found: b"null".ljust(len(found[0])), pdf(PAGES))
    path = written(tmp_path / "hole.pdf", data)
    async with await open_source(opened(path)) as source:
        view = await drawn(source, Box.full(), source.size.within_edge(800))
        assert is_near(colour_at(view, *source.parts[3].center), (255, 255, 255))
        assert is_near(colour_at(view, *source.parts[4].center), (102, 153, 128), 14)
        assert source.notes == ("Page 4 is damaged and could not be drawn: nothing there was seen.",)
    with pytest.raises(ImageDamaged, match="page 4"):
        async with await open_source(opened(path), page=4) as source:
            await source.render(Box.full(), Fit(Size(100, 140)))


async def test_pages_of_several_sizes_keep_them(tmp_path: Path) -> None:
    sizes = [(595, 842), (1191, 842), (842, 595), (2384, 1684)]
    path = written(tmp_path / "mixed.pdf", pdf([PdfSheet(b"", *size) for size in sizes]))
    async with await open_source(opened(path)) as source:
        found = [source.on_page(part)[2] for part in source.parts]
        assert found == [Size(2479, 3508), Size(4962, 3508), Size(3508, 2479), Size(9933, 7017)]
        for one, other in zip(source.parts, source.parts[1:], strict=False):
            assert one.intersection(other) is None


async def test_a_document_of_very_many_pages_asks_for_one(tmp_path: Path) -> None:
    path = written(tmp_path / "book.pdf", pdf([PdfSheet(b"")] * 501))
    with pytest.raises(BadRequest, match="501 pages") as caught:
        await open_source(opened(path))
    assert "from 1 to 501" in caught.value.hint
    async with await open_source(opened(path), page=501) as source:
        assert source.page == 501

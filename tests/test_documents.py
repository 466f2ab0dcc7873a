"""Questions about documents through the doors: a page that is named, and all pages where none is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.hosts import connect, image_of, reply, server_on, text_of
from vector_pdf import PdfSheet, pdf, rectangle, text
from zoomrefine_mcp import Settings, open_app
from zoomrefine_mcp.cli import main
from zoomrefine_mcp.geometry import Box

pytest.importorskip("pypdfium2", reason="the [pdf] extra is not installed")
pytestmark = pytest.mark.anyio

QUESTION = "What is the serial number of the pump?"
WANTED = 5
ON_PAGE = Box(0.5, 0.6, 0.9, 0.7)
"""Where the label is, on page 5."""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    folder = tmp_path / "plans"
    folder.mkdir()
    sheets = [
        PdfSheet(text(60, 760, 24, f"Station {at}") + rectangle(300, 260, 200, 60, (0.9, 0.9, 1))) for at in range(7)
    ]
    path = folder / "plans.pdf"
    path.write_bytes(pdf(sheets))
    return path


async def on_sheet(document: Path) -> list[float]:
    """``ON_PAGE`` of page 5, as a model sees it that is shown all pages."""
    async with open_app(Settings()) as app, await app._open(str(document), None) as source:
        return source.parts[WANTED - 1].compose(ON_PAGE).as_list()


def is_on_page(box: list[float]) -> bool:
    return box == pytest.approx(ON_PAGE.as_list(), abs=0.003)


@pytest.mark.parametrize("page", [None, WANTED])
async def test_the_tool_gives_page_and_box_on_it_whether_or_not_the_page_was_named(
    document: Path, page: int | None
) -> None:
    box = ON_PAGE.as_list() if page else await on_sheet(document)
    server = server_on(document.parent, [reply(None, box, evidence="too_small"), reply("48-2207", box)])
    named = {} if page is None else {"page": page}
    async with connect(server, "2026-07-28") as client:
        result = await client.call_tool(
            "zoom_and_refine", {"image_path": str(document), "question": QUESTION, "include_image": "overlay", **named}
        )
    data = result.structured_content
    assert data["answer"] == "48-2207"
    region = data["regions"][0]
    assert (region["page"], is_on_page(region["box"])) == (WANTED, True)
    assert region["pixels"] == pytest.approx([1239, 2104, 2232, 2456], abs=8)
    assert region["crop"]["page"] == WANTED
    assert (data["image"]["page"], data["image"]["pages"]) == (WANTED, 7)
    assert (data["image"]["width"], data["image"]["height"]) == (2479, 3508)
    assert f"page {WANTED}" in text_of(result)
    others = [warning for warning in data["warnings"] if "other pages" in warning]
    assert bool(others) is (page is not None)


async def test_where_nothing_is_found_no_page_is_named(document: Path) -> None:
    server = server_on(document.parent, [reply(None)] * 4)
    async with connect(server, "2026-07-28") as client:
        result = await client.call_tool("localize_region", {"image_path": str(document), "question": "a boiler"})
    data = result.structured_content
    assert (data["found"], data["image"]["page"], data["image"]["pages"]) == (False, None, 7)
    assert "7 pages" in text_of(result)


async def test_a_document_is_shown_as_a_sheet_of_its_pages_and_a_box_needs_a_page(document: Path) -> None:
    async with connect(server_on(document.parent, []), "2026-07-28") as client:
        sheet = await client.call_tool("view_region", {"image_path": str(document)})
        assert "7 pages" in text_of(sheet)
        assert image_of(sheet)
        refused = await client.call_tool("view_region", {"image_path": str(document), "box": ON_PAGE.as_list()})
        assert refused.is_error
        assert "from 1 to 7" in text_of(refused)
        shown = await client.call_tool(
            "view_region", {"image_path": str(document), "box": ON_PAGE.as_list(), "page": 5}
        )
        assert "page 5 of 7" in text_of(shown)


@pytest.mark.parametrize("page", [(), ("--page", str(WANTED))])
def test_the_command_line_finds_the_page(
    document: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], page: tuple[str, ...]
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([reply(None, [0.1, 0.1, 0.2, 0.2], evidence="too_small"), reply("48-2207")]))
    flags = ["--backend", "scripted", "--script", str(script), "--save-dir", str(tmp_path / "out"), *page]
    assert main(["ask", str(document), QUESTION, *flags]) == 0
    said = capsys.readouterr().out
    assert "48-2207" in said
    assert f"page {WANTED if page else 1} of 7" in said
    assert list((tmp_path / "out").glob("plans-p*-overlay-*.jpg"))


async def test_a_file_of_another_kind_without_a_page_is_its_first(tmp_path: Path) -> None:
    from PIL import Image  # noqa: PLC0415

    path = tmp_path / "scan.tif"
    pages = [Image.new("L", (40 * at, 30), 50 * at) for at in (1, 2, 3)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    async with open_app(Settings()) as app:
        view = await app.view(str(path))
        assert (view.page, view.pages, view.size.width) == (1, 3, 40)

"""What a picture that is not read is called, by its first bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pictures import encoded, opened, scene, written
from zoomrefine_mcp.errors import NotAnImage
from zoomrefine_mcp.images.source import open_source

pytestmark = pytest.mark.anyio

TGA = {
    "true colour": encoded(scene(), "TGA"),
    "true colour, packed": encoded(scene(), "TGA", compression="tga_rle"),
    "with alpha": encoded(scene().convert("RGBA"), "TGA"),
    "grey": encoded(scene().convert("L"), "TGA"),
    "palette": encoded(scene().quantize(64), "TGA"),
    "named": encoded(scene(), "TGA", id_section=b"a name"),
}


@pytest.mark.parametrize("kind", TGA)
async def test_a_tga_is_called_one(tmp_path: Path, kind: str) -> None:
    with pytest.raises(NotAnImage, match="a Truevision TGA picture") as caught:
        await open_source(opened(written(tmp_path / "p.tga", TGA[kind])))
    assert "PNG" in caught.value.hint


async def test_an_icon_is_called_one(tmp_path: Path) -> None:
    with pytest.raises(NotAnImage, match="an icon"):
        await open_source(opened(written(tmp_path / "p.ico", encoded(scene(), "ICO"))))

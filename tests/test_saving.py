"""What ``--save-dir`` writes, where, and what becomes of an answer when it cannot be written."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.support.hosts import draw_picture, reply
from zoomrefine_mcp import Settings, open_app
from zoomrefine_mcp.backends.base import BackendInfo
from zoomrefine_mcp.backends.chat import ChatBackend
from zoomrefine_mcp.backends.clients.scripted import ScriptedClient
from zoomrefine_mcp.backends.profiles import profile_for
from zoomrefine_mcp.errors import BadRequest

pytestmark = pytest.mark.anyio

FIRST = reply("7", [0.4, 0.4, 0.6, 0.6], evidence="too_small")
SECOND = reply("48-2207")
SAVED_NAME = re.compile(r"[\w][\w.-]*-(crop1|overlay)-[0-9a-f]{8}\.(jpg|png)")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    return draw_picture(tmp_path / "pictures" / "plan.png", (1200, 600))


@pytest.fixture
def save_dir(tmp_path: Path) -> Path:
    return tmp_path / "saved"


@asynccontextmanager
async def application(model, **settings):
    """The application as its settings make it, answered by a model whose replies may be functions."""
    async with open_app(Settings(view_edge=400, **settings)) as app:
        info = BackendInfo("scripted", "m", profile_for("m", wire="openai"), "this machine")
        app._backend = ChatBackend(ScriptedClient(model), info)
        yield app


async def ask(picture, model=(FIRST, SECOND), **settings):
    async with application(model, **settings) as app:
        return await app.zoom_and_refine(str(picture), "What is the serial number?")


def content(path: str) -> bytes:
    return Path(path).read_bytes()


async def test_the_saved_crop_is_the_picture_that_the_model_got_byte_for_byte(picture, save_dir):
    result = await ask(picture, save_dir=save_dir)
    crop = result.regions[0].crop
    data = content(crop.path)
    assert data == result.sent.crops[0].data
    assert len(data) == crop.bytes
    assert Image.open(io.BytesIO(data)).size == (crop.width, crop.height)


async def test_the_overlay_is_the_view_with_something_drawn_into_it(picture, save_dir):
    result = await ask(picture, save_dir=save_dir)
    data = content(result.overlay_path)
    assert Image.open(io.BytesIO(data)).size == (result.image.view.width, result.image.view.height)
    assert data != result.sent.view.data


async def test_two_files_are_written_into_the_directory_that_is_made_for_them_and_nothing_else(picture, save_dir):
    directory = save_dir / "deep" / "down"
    result = await ask(picture, save_dir=directory)
    written = {str(path) for path in directory.iterdir()}
    assert written == {result.regions[0].crop.path, result.overlay_path}
    assert all(SAVED_NAME.fullmatch(Path(path).name) for path in written)
    assert all(Path(path).name.startswith("plan-") for path in written)
    assert [path.name for path in picture.parent.iterdir()] == ["plan.png"]


async def test_the_same_question_again_writes_the_same_files_and_another_crop_overwrites_none(picture, save_dir):
    first = await ask(picture, save_dir=save_dir)
    before = {path: path.read_bytes() for path in save_dir.iterdir()}
    again = await ask(picture, save_dir=save_dir)
    assert again.regions[0].crop.path == first.regions[0].crop.path
    assert {path: path.read_bytes() for path in save_dir.iterdir()} == before

    other = await ask(picture, (reply("7", [0.1, 0.1, 0.2, 0.2], evidence="too_small"), SECOND), save_dir=save_dir)
    assert other.regions[0].crop.path != first.regions[0].crop.path
    assert {path: path.read_bytes() for path in before} == before


async def test_a_users_own_files_in_the_directory_stay_as_they_are(picture, save_dir):
    save_dir.mkdir()
    (save_dir / "plan-crop1.jpg").write_bytes(b"mine")
    (save_dir / "plan.png").write_bytes(b"mine too")
    await ask(picture, save_dir=save_dir)
    assert (save_dir / "plan-crop1.jpg").read_bytes() == b"mine"
    assert (save_dir / "plan.png").read_bytes() == b"mine too"


async def test_without_a_crop_the_overlay_alone_is_saved(picture, save_dir):
    result = await ask(picture, (reply("guess", evidence="too_small"),), save_dir=save_dir)
    assert [str(path) for path in save_dir.iterdir()] == [result.overlay_path]


async def test_localizing_saves_its_crop_and_overlay_too(picture, save_dir):
    model = (reply(None, [0.4, 0.4, 0.6, 0.6]), reply(None, [0.4, 0.4, 0.6, 0.6], evidence="legible"))
    async with application(model, save_dir=save_dir) as app:
        result = await app.localize_region(str(picture), "the plate")
    assert content(result.regions[0].crop.path) == result.sent.crops[0].data
    assert content(result.overlay_path)


async def test_pages_of_one_file_are_told_apart_by_name(tmp_path, save_dir):
    pages = [Image.new("RGB", (1200, 600), colour) for colour in ("white", "grey")]
    path = tmp_path / "scan.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    async with application((FIRST, SECOND), save_dir=save_dir) as app:
        await app.zoom_and_refine(str(path), "What?", page=2)
    assert {path.name.split("-crop")[0].split("-overlay")[0] for path in save_dir.iterdir()} == {"scan-p2"}


async def test_nothing_is_written_where_no_directory_is_set(picture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    result = await ask(picture)
    assert (result.overlay_path, result.regions[0].crop.path) == (None, None)
    assert sorted(tmp_path.rglob("*")) == before


async def test_a_relative_directory_is_below_the_working_directory_and_reported_whole(picture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = await ask(picture, save_dir=Path("out/here"))
    for path in (result.overlay_path, result.regions[0].crop.path):
        assert Path(path).is_absolute()
        assert Path(path).parent == tmp_path / "out" / "here"
        assert content(path)


@pytest.mark.parametrize("below", ["", "deeper"])
async def test_a_file_where_the_directory_should_be_is_refused_before_the_question_is_asked(picture, tmp_path, below):
    taken = tmp_path / "taken"
    taken.write_text("a file", encoding="utf-8")
    asked = []

    def model(messages):
        asked.append(messages)
        return FIRST

    with pytest.raises(BadRequest) as caught:
        await ask(picture, (model, SECOND), save_dir=taken / below if below else taken)
    assert asked == []
    assert "--save-dir" in caught.value.hint
    assert taken.read_text(encoding="utf-8") == "a file"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
async def test_a_directory_that_may_not_be_written_to_is_refused_before_the_question_is_asked(picture, save_dir):
    save_dir.mkdir(mode=0o500)
    with pytest.raises(BadRequest, match=re.escape(str(save_dir))):
        await ask(picture, (), save_dir=save_dir)


@pytest.mark.parametrize("becomes", ["nothing", "a file"])
async def test_a_directory_that_goes_away_during_the_question_costs_the_files_and_not_the_answer(
    picture, save_dir, becomes
):
    def model(_):
        save_dir.rmdir()
        if becomes == "a file":
            save_dir.write_bytes(b"")
        return SECOND

    result = await ask(picture, (FIRST, model), save_dir=save_dir)
    assert (result.status, result.answer) == ("refined", "48-2207")
    assert (result.overlay_path, result.regions[0].crop.path) == (None, None)
    [warning] = result.warnings
    assert "saved" in warning
    assert str(save_dir) in warning


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_disk_that_is_full_costs_the_files_and_not_the_answer_and_leaves_no_half_written_file(
    picture, save_dir, tmp_path
):
    script = tmp_path / "script.json"
    script.write_text(json.dumps([FIRST, SECOND]), encoding="utf-8")
    program = (
        "import resource, sys; from zoomrefine_mcp import cli; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); sys.exit(cli.main())"
    )
    flags = ["--backend", "scripted", "--script", script, "--view-edge", "400", "--save-dir", save_dir, "--json"]
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, "ask", picture, "What?", *flags],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["status"], result["answer"], result["overlay_path"]) == ("refined", "48-2207", None)
    assert any("saved" in warning for warning in result["warnings"])
    assert list(save_dir.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "two words.png",
        "two\nlines.png",
        "\x1b[31mred.png",
        ".hidden.png",
        "..png",
        "-dash.png",
        "a" * 240 + ".png",
        "\u00fc" * 120 + ".png",
        "C:\\up\\..\\con.png",
        "CON.png",
        "$(touch x);'\"`.png",
        "\u202egnp.exe.png",
        "???.png",
    ],
)
async def test_whatever_the_picture_is_called_the_files_get_safe_names_inside_the_directory(
    tmp_path, picture, save_dir, name
):
    try:
        named = picture.rename(picture.with_name(name))
    except OSError:
        pytest.skip("this file system has no such names")
    result = await ask(named, save_dir=save_dir)
    assert result.status == "refined"
    assert not [warning for warning in result.warnings if "saved" in warning]
    paths = [Path(result.overlay_path), Path(result.regions[0].crop.path)]
    assert sorted(save_dir.iterdir()) == sorted(paths)
    for path in paths:
        assert path.parent == save_dir
        assert path.name.isprintable()
        assert re.fullmatch(r"[\w][\w.-]*", path.name), path.name
        assert len(os.fsencode(path.name)) <= 255


async def test_a_picture_named_by_a_path_that_climbs_is_saved_under_its_own_name_alone(picture, save_dir):
    (picture.parent / "sub").mkdir()
    await ask(Path(os.path.join(picture.parent, "sub", "..", picture.name)), save_dir=save_dir)  # noqa: PTH118
    written = [path.name for path in save_dir.iterdir()]
    assert len(written) == 2
    assert all(SAVED_NAME.fullmatch(name) and name.startswith("plan-") for name in written)

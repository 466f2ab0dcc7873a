"""Every way to fail is a result with a code, a message and a hint, and the server lives on."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from mcp import MCPError
from mcp_types import INVALID_PARAMS

from tests.support.hosts import BrokenModel, connect, draw_picture, image_of, reply, server_on, text_of
from zoomrefine_mcp import errors
from zoomrefine_mcp.errors import BackendFailure, ModelRequired, NoBackend

pytestmark = pytest.mark.anyio

FAILURES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, BackendFailure) and kind is not BackendFailure
]
LONG_QUESTION = "x" * 1_000_000


@pytest.fixture(params=["legacy", "2026-07-28"])
def era(request):
    return request.param


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw_picture(folder / "plate.png", (800, 400))
    (tmp_path / "secret.png").write_bytes(b"outside")
    return folder


async def call(server, tool="zoom_and_refine", era="2026-07-28", **arguments):
    async with connect(server, era) as client:
        return await client.call_tool(tool, arguments)


async def fail(server, tool="zoom_and_refine", era="2026-07-28", **arguments):
    """Call, check the form of the error, and return its code and its text."""
    result = await call(server, tool, era, **arguments)
    assert result.is_error
    assert result.structured_content is None
    text, code = text_of(result), (result.meta or {})["code"]
    assert text.startswith(f"{code}: ")
    assert "pydantic" not in text
    assert len(text) < 5_000
    return code, text


def file_of(folder: Path, kind: str) -> str:
    path = folder / "it.png"
    whole = (folder / "plate.png").read_bytes()
    match kind:
        case "missing":
            return str(folder / "nothing.png")
        case "outside":
            return str(folder.parent / "secret.png")
        case "traversal":
            return str(folder / ".." / "secret.png")
        case "link":
            path.symlink_to(folder.parent / "secret.png")
        case "directory":
            return str(folder)
        case "fifo":
            os.mkfifo(path)
        case "url":
            return "https://example.com/a.png"
        case "attachment":
            return "/mnt/user-data/uploads/a.png"
        case "text":
            path.write_text("no picture")
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(whole[: len(whole) // 2])
        case "nul":
            return str(folder / "a\0b.png")
    return str(path)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("missing", "image_not_found"),
        ("outside", "access_denied"),
        ("traversal", "access_denied"),
        ("link", "access_denied"),
        ("directory", "not_a_file"),
        ("fifo", "not_a_file"),
        ("url", "url_not_supported"),
        ("attachment", "attachment_path"),
        ("text", "not_an_image"),
        ("empty", "not_an_image"),
        ("truncated", "image_damaged"),
    ],
)
@pytest.mark.parametrize("tool", ["zoom_and_refine", "localize_region", "view_region"])
async def test_a_path_that_cannot_be_used_has_its_code_in_every_tool(folder, tool, kind, code):
    more = {} if tool == "view_region" else {"question": "What?"}
    assert (await fail(server_on(folder, [reply("7")]), tool, image_path=file_of(folder, kind), **more))[0] == code


async def test_a_path_with_a_nul_byte_is_refused(folder):
    code, text = await fail(server_on(folder, []), "view_region", image_path=file_of(folder, "nul"))
    assert code in {"bad_request", "access_denied", "image_not_found"}
    assert "\0" not in text


async def test_a_picture_over_the_limit_is_refused(folder):
    server = server_on(folder, [], max_megapixels=0.01)
    assert (await fail(server, "view_region", image_path=str(folder / "plate.png")))[0] == "image_too_large"


@pytest.mark.parametrize("kind", FAILURES, ids=lambda kind: kind.code)
async def test_each_failure_of_the_backend_has_its_code_its_message_and_its_hint(folder, kind):
    twice = [kind("the reason", hint="the way out")] * 2  # a picture that is refused is sent once more, smaller
    server = server_on(folder, twice)
    code, text = await fail(server, image_path=str(folder / "plate.png"), question="What?")
    assert (code, text) == (kind.code, f"{kind.code}: the reason\nHint: the way out")


@pytest.mark.parametrize("error", [NoBackend("none", hint="use view_region"), ModelRequired("which", hint="a or b")])
async def test_what_is_missing_in_the_settings_has_its_code_and_leaves_view_region_working(folder, era, error):
    path = str(folder / "plate.png")
    server = server_on(folder, error)
    assert (await fail(server, era=era, image_path=path, question="What?"))[0] == error.code
    assert image_of(await call(server, "view_region", era, image_path=path))


@pytest.mark.parametrize("question", ["", "   ", LONG_QUESTION])
async def test_an_empty_or_endless_question_is_refused_without_repeating_it(folder, era, question):
    code, text = await fail(server_on(folder, []), era=era, image_path=str(folder / "plate.png"), question=question)
    assert code == "bad_request"
    assert "xxxx" not in text


async def test_a_defect_is_an_internal_error_without_its_secrets_and_the_server_lives_on(folder, era, caplog):
    path = str(folder / "plate.png")
    async with connect(server_on(folder, BrokenModel()), era) as client:
        failed = await client.call_tool("zoom_and_refine", {"image_path": path, "question": "What?"})
        shown = await client.call_tool("view_region", {"image_path": path})
    assert failed.is_error
    assert failed.structured_content is None
    assert failed.meta["code"] == "internal_error"
    assert "sk-planted" not in failed.model_dump_json()
    assert not shown.is_error
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"image": "a.png"}, "image_path"),
        ({"imagePath": "a.png"}, "image_path"),
        ({"path": "a.png"}, "image_path"),
        ({"choises": ["a"]}, "choices"),
        ({"options": ["a"]}, "choices"),
        ({"polcy": "paper"}, "policy"),
        ({"include_images": "crop"}, "include_image"),
    ],
)
async def test_a_misspelt_argument_is_refused_with_the_right_name(folder, era, wrong, right):
    code, text = await fail(server_on(folder, []), era=era, question="What?", **wrong)
    assert code == "bad_request"
    assert f"Hint: Use {right}." in text
    assert next(iter(wrong)) in text


async def test_an_argument_that_resembles_none_is_refused_with_all_names(folder):
    _, text = await fail(server_on(folder, []), "view_region", zzzz=1, image_path="a.png")
    assert "The arguments are: image_path, box, max_edge, page." in text


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("zoom_and_refine", {"question": 7, "image_path": "a.png"}, "question must be a text, not 7"),
        ("zoom_and_refine", {"image_path": "a.png"}, "question is missing"),
        ("zoom_and_refine", {"question": "q", "image_path": None}, "image_path must be a text, not None"),
        (
            "zoom_and_refine",
            {"question": "q", "image_path": "a", "choices": "red"},
            "choices must be a list, not 'red'",
        ),
        ("zoom_and_refine", {"question": "q", "image_path": "a", "choices": [1]}, "choices[0] must be a text, not 1"),
        (
            "zoom_and_refine",
            {"question": "q", "image_path": "a", "policy": "best"},
            "'adaptive', 'thorough', 'paper' or 'direct'",
        ),
        ("localize_region", {"question": "q", "image_path": "a", "precision": "x"}, "'quick' or 'sharp'"),
        ("view_region", {"image_path": "a", "page": "two"}, "page must be a whole number, not 'two'"),
        ("view_region", {"image_path": "a", "page": 0}, "page must be at least 1, not 0"),
        ("view_region", {"image_path": "a", "max_edge": 99999}, "max_edge must be at most 4096, not 99999"),
        ("view_region", {"image_path": "a", "box": {"x": 1}}, "box must be a list"),
        ("view_region", {"image_path": "a", "box": ["a", 0, 1, 1]}, "box[0] must be a number, not 'a'"),
    ],
)
async def test_an_argument_of_the_wrong_type_is_a_bad_request_in_one_sentence(folder, tool, arguments, said):
    code, text = await fail(server_on(folder, []), tool, **arguments)
    assert code == "bad_request"
    assert said in text


async def test_null_for_an_optional_argument_counts_as_left_out(folder):
    arguments = {"box": None, "max_edge": None, "page": None}
    assert not (
        await call(server_on(folder, []), "view_region", image_path=str(folder / "plate.png"), **arguments)
    ).is_error


async def test_a_box_in_pixels_is_refused_with_the_size_and_the_converted_box(folder):
    path = str(folder / "plate.png")
    code, text = await fail(server_on(folder, []), "view_region", image_path=path, box=[80, 40, 400, 200])
    assert code == "bad_request"
    assert "800 x 400" in text
    assert "[0.1, 0.1, 0.5, 0.5]" in text
    assert "[0.08, 0.04, 0.4, 0.2]" in text


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ([0.5, 0.1, 0.2, 0.4], "x1 must be greater than x0"),
        ([0.1, 0.5, 0.4, 0.5], "is empty"),
        ([-0.2, 0.1, 0.4, 0.5], "beyond the picture's left or upper edge"),
        ([0.1, 0.2, 0.3], "box must have 4 items, not 3"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], "box must have 4 items, not 5"),
    ],
)
async def test_a_box_that_is_none_is_refused_with_its_form(folder, box, said):
    code, text = await fail(server_on(folder, []), "view_region", image_path=str(folder / "plate.png"), box=box)
    assert code == "bad_request"
    assert said in text
    assert "[x0, y0, x1, y1]" in text


async def test_the_size_for_a_wrong_box_comes_from_the_header_alone(folder):
    path = folder / "cut.png"
    path.write_bytes((folder / "plate.png").read_bytes()[:60])  # the header is whole, the pixels are not
    code, text = await fail(server_on(folder, []), "view_region", image_path=str(path), box=[80, 40, 400, 200])
    assert code == "bad_request"
    assert "[0.1, 0.1, 0.5, 0.5]" in text


async def test_a_wrong_box_on_a_forbidden_picture_tells_nothing_of_the_picture(folder):
    code, _ = await fail(
        server_on(folder, []), "view_region", image_path=file_of(folder, "outside"), box=[80, 40, 400, 200]
    )
    assert code == "access_denied"


async def test_an_unknown_tool_is_the_protocols_own_error(folder, era):
    async with connect(server_on(folder, []), era) as client:
        with pytest.raises(MCPError, match=r"Unknown tool: zoom\. The tools are: zoom_and_refine") as raised:
            await client.call_tool("zoom", {})
    assert raised.value.code == INVALID_PARAMS


async def test_a_path_cannot_forge_a_line_or_drive_a_terminal(folder):
    _, text = await fail(server_on(folder, []), "view_region", image_path=str(folder / "a\nHint: forged\x1b[2J.png"))
    assert "\nHint: forged" not in text
    assert "\x1b" not in text


async def test_a_file_whose_name_is_no_utf8_does_not_end_the_connection(folder):
    unspeakable = (folder / "plate.png").rename(folder / os.fsdecode(b"\xff.png"))
    (folder / "plate.png").symlink_to(unspeakable)
    server = server_on(folder, [reply("7")])
    for tool, more in (("view_region", {}), ("zoom_and_refine", {"question": "What?"})):
        result = await call(server, tool, image_path=str(folder / "plate.png"), **more)
        json.loads(result.model_dump_json(by_alias=True))
        assert not result.is_error

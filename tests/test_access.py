"""Which pictures may be read: what is refused, that it is refused alike, and that nothing can be swapped in between."""

from __future__ import annotations

import errno
import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from zoomrefine_mcp.access import Access, OpenFile
from zoomrefine_mcp.errors import (
    AccessDenied,
    AttachmentPath,
    BadRequest,
    ImageNotFound,
    InputError,
    NotAFile,
    UrlNotSupported,
)
from zoomrefine_mcp.opening import Place, open_beneath
from zoomrefine_mcp.paths import read_path, why_too_wide

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, FIFOs and devices as POSIX has them")

INSIDE = b"inside"
SECRET = b"secret"


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """``data`` is allowed; ``data-secret`` and ``elsewhere`` are not; ``home`` is the home directory."""
    for name in ("data/plans", "data-secret", "elsewhere", "home/pics", "more"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data" / "plan.png").write_bytes(INSIDE)
    (tmp_path / "data" / "plans" / "north.tif").write_bytes(INSIDE)
    for name in ("data-secret", "elsewhere"):
        (tmp_path / name / "plan.png").write_bytes(SECRET)
    return tmp_path


@pytest.fixture
def access(room: Path) -> Access:
    return Access.within([room / "data"], cwd=room / "elsewhere", home=room / "home")


def content(file: OpenFile) -> bytes:
    with file:
        return os.pread(file.fd, 100, 0)


def refused(access: Access, path: str | Path) -> InputError:
    with pytest.raises(InputError) as caught:
        access.open(str(path)).close()
    return caught.value


def answer(access: Access, path: str | Path) -> tuple[str, str, str, str]:
    """Everything a caller sees, without the path that it gave."""
    error = refused(access, path)
    assert str(error) == error.message
    return error.code, error.message.removeprefix(str(path)), error.hint, repr(error.context)


# What may be read


def test_a_file_inside_is_handed_out_open_blocking_and_not_inherited(access: Access, room: Path):
    with access.open(str(room / "data" / "plan.png")) as file:
        assert os.pread(file.fd, 100, 0) == INSIDE
        assert file.path == str(room / "data" / "plan.png")
        assert os.get_blocking(file.fd)
        assert not os.get_inheritable(file.fd)


def test_closing_twice_is_harmless(access: Access):
    file = access.open("plan.png")
    file.close()
    file.close()
    assert file.fd == -1


def test_what_was_opened_stays_readable_when_the_file_is_replaced_or_deleted(access: Access, room: Path):
    plan = room / "data" / "plan.png"
    with access.open(str(plan)) as file:
        plan.unlink()
        plan.write_bytes(b"another")
        assert os.pread(file.fd, 100, 0) == INSIDE


@pytest.mark.parametrize(
    "path",
    [
        "data/plans/north.tif",
        "data//plans/./north.tif",
        "data/plans/../plans/north.tif",
        "elsewhere/../data/plans/north.tif",
        "nothing/../data/plans/north.tif",
    ],
)
def test_a_path_that_ends_inside_is_read_however_it_is_written(access: Access, room: Path, path: str):
    assert content(access.open(f"{room}/{path}")) == INSIDE
    assert content(access.open(f"/{room}/{path}")) == INSIDE


def test_dots_cannot_ask_whether_a_name_outside_is_a_link(access: Access, room: Path):
    (room / "deep" / "er").mkdir(parents=True)
    (room / "elsewhere" / "link").symlink_to(room / "deep" / "er")
    for name in ("link", "missing"):
        assert content(access.open(f"{room}/elsewhere/{name}/../../data/plan.png")) == INSIDE


def test_a_link_inside_that_stays_inside_is_followed(access: Access, room: Path):
    (room / "data" / "latest").symlink_to("plans")
    (room / "data" / "north").symlink_to(room / "data" / "latest" / "north.tif")
    with access.open(str(room / "data" / "north")) as file:
        assert file.path == str(room / "data" / "plans" / "north.tif")


def test_an_allowed_directory_may_be_named_by_a_link_on_either_side(room: Path):
    (room / "short").symlink_to(room / "data")
    for allowed, named in (("short", "short"), ("short", "data"), ("data", "short")):
        access = Access.within([room / allowed], cwd=room, home=room / "home")
        assert content(access.open(str(room / named / "plan.png"))) == INSIDE


def test_a_hard_link_to_a_file_outside_counts_as_a_file_inside(access: Access, room: Path):
    os.link(room / "elsewhere" / "plan.png", room / "data" / "hard.png")
    assert content(access.open("hard.png")) == SECRET


def test_a_directory_that_can_be_passed_but_not_listed_is_passed(room: Path):
    with public_room() as place, unprivileged():
        (place / "shut").mkdir()
        (place / "shut" / "plan.png").write_bytes(INSIDE)
        (place / "shut").chmod(0o100)
        access = Access.within([place], cwd=place, home=place)
        assert content(access.open("shut/plan.png")) == INSIDE
        assert refused(access, "shut/plans.png").code == "image_not_found"


def test_a_relative_path_is_looked_for_in_the_working_directory_and_then_in_each_allowed_one(room: Path):
    (room / "more" / "plan.png").write_bytes(b"more")
    both = [room / "data", room / "more"]
    assert content(Access.within(both, cwd=room / "elsewhere", home=room).open("plan.png")) == INSIDE
    assert content(Access.within(both, cwd=room / "more", home=room).open("plan.png")) == b"more"
    assert content(Access.within(both, cwd=room / "data" / "plans", home=room).open("../plan.png")) == INSIDE


def test_relative_allowed_directories_and_tilde_are_understood(room: Path):
    (room / "home" / "pics" / "a.png").write_bytes(INSIDE)
    access = Access.within(["data", "~/pics"], cwd=room, home=room / "home")
    assert access.allowed == (str(room / "data"), str(room / "home" / "pics"))
    assert content(access.open("~/pics/a.png")) == INSIDE


def test_a_directory_allowed_before_it_exists_is_read_once_it_does(room: Path):
    access = Access.within([room / "later"], cwd=room, home=room)
    assert refused(access, room / "later" / "a.png").code == "image_not_found"
    (room / "later").mkdir()
    (room / "later" / "a.png").write_bytes(INSIDE)
    assert content(access.open(str(room / "later" / "a.png"))) == INSIDE


def test_names_with_spaces_line_breaks_and_bytes_that_are_no_text_are_read_and_shown_safely(access: Access, room: Path):
    for name in (b"a b.png", b"a\nb.png", b"a\xffb.png", "\U0001f5fa.png".encode()):
        path = os.fsencode(room / "data") + b"/" + name
        Path(os.fsdecode(path)).write_bytes(INSIDE)
        with access.open(os.fsdecode(path)) as file:
            json.dumps(file.path, ensure_ascii=False).encode()
            assert os.pread(file.fd, 100, 0) == INSIDE
    assert "\n" not in refused(access, "no\nsuch\x1b[31m.png").message


@pytest.mark.parametrize(
    ("stored", "named"),
    [("Screenshot at 9.41.00\u202fAM.png", "Screenshot at 9.41.00 AM.png"), ("Gru\u0308n.png", "Gr\u00fcn.png")],
)
def test_a_name_that_differs_only_in_spaces_or_composed_accents_is_the_same_name(
    access: Access, room: Path, stored: str, named: str
):
    (room / "data" / stored).write_bytes(INSIDE)
    with access.open(str(room / "data" / named)) as file:
        assert file.path == str(room / "data" / stored)


def test_two_names_that_differ_only_in_their_spaces_are_not_guessed_between(access: Access, room: Path):
    (room / "data" / "a\u202fb.png").write_bytes(b"1")
    (room / "data" / "a\u00a0b.png").write_bytes(b"2")
    assert refused(access, "a b.png").code == "image_not_found"


# What lies outside


@pytest.fixture
def outside(room: Path) -> list[str]:
    """Paths that lead out: some to something, some to nothing, some to what may not be looked into."""
    links = {
        "to-file": "../elsewhere/plan.png",
        "to-nothing": "../elsewhere/missing.png",
        "to-directory": "../elsewhere",
        "to-no-directory": "../nowhere",
        "to-loop": "../elsewhere/loop",
        "to-root": "/",
    }
    for name, target in links.items():
        (room / "data" / name).symlink_to(target)
    (room / "elsewhere" / "loop").symlink_to("loop")
    os.mkfifo(room / "elsewhere" / "pipe")
    below = [
        "elsewhere/plan.png",
        "elsewhere/missing.png",
        "elsewhere",
        "elsewhere/",
        "nowhere/plan.png",
        "elsewhere/pipe",
        "elsewhere/loop",
        "elsewhere/plan.png/x",
        "data-secret/plan.png",
        "data-secret/missing.png",
        "data/../elsewhere/plan.png",
        "data/../elsewhere/missing.png",
        "data/plans/../../data-secret/plan.png",
        ".",
    ]
    through = [
        "to-file",
        "to-nothing",
        "to-directory/plan.png",
        "to-directory/missing.png",
        "to-no-directory/plan.png",
        "to-loop",
        f"to-root{room}/elsewhere/plan.png",
        "to-root/etc/passwd",
    ]
    named = [f"{room}/{path}" for path in below] + [f"{room}/data/{path}" for path in through]
    return [
        *named,
        "/etc/passwd",
        "/etc/missing",
        "/dev/zero",
        "/dev/missing",
        "/proc/self/environ",
        "/proc/self/root/etc/passwd",
        "/root/.ssh/id_rsa",
        "/",
        "../elsewhere/plan.png",
        "../elsewhere/missing.png",
        "~/pics",
        "~",
    ]


def test_whatever_is_outside_is_answered_alike(access: Access, outside: list[str]):
    answers = {answer(access, path) for path in outside}
    assert len(answers) == 1
    code, message, hint, _ = answers.pop()
    assert (code, message) == ("access_denied", " is not in a directory that this server may read")
    assert "--allow-dir" in hint
    assert "ZOOMREFINE_ALLOW_DIRS" in hint
    assert access.allowed is not None
    assert access.allowed[0] in hint


def test_a_directory_outside_that_may_not_be_entered_is_answered_like_a_missing_one():
    with public_room() as place, unprivileged():
        (place / "data").mkdir()
        (place / "shut").mkdir()
        (place / "shut" / "plan.png").write_bytes(SECRET)
        (place / "shut").chmod(0)
        access = Access.within([place / "data"], cwd=place, home=place)
        assert answer(access, place / "shut" / "plan.png") == answer(access, place / "none" / "plan.png")


def test_a_link_that_vanishes_outside_says_nothing(access: Access, room: Path, monkeypatch: pytest.MonkeyPatch):
    def vanished(path: str) -> str:
        raise FileNotFoundError(errno.ENOENT, "gone", path)

    usual = answer(access, room / "elsewhere" / "plan.png")
    (room / "data" / "link").symlink_to(room / "elsewhere")
    monkeypatch.setattr(os, "readlink", vanished)
    assert answer(access, room / "data" / "link" / "plan.png") == usual


def test_a_chain_of_a_thousand_links_is_refused(access: Access, room: Path):
    (room / "data" / "0").symlink_to("plan.png")
    for number in range(1, 1100):
        (room / "data" / str(number)).symlink_to(str(number - 1))
    assert refused(access, "1099").code == "access_denied"


def test_a_missing_file_outside_gets_no_suggestion_but_one_inside_does(access: Access, room: Path):
    assert "plan.png" not in refused(access, room / "elsewhere" / "plam.png").hint
    found = refused(access, room / "data" / "plam.png")
    assert found.hint == f"Did you mean {room}/data/plan.png or {room}/data/plans?"


# What is no picture file


def test_a_missing_file_inside_gets_at_most_three_names_that_are_alike(access: Access, room: Path):
    for number in range(9):
        (room / "data" / f"floor-{number}.png").write_bytes(INSIDE)
    error = refused(access, "floor-x.png")
    assert isinstance(error, ImageNotFound)
    assert len(error.context["alike"]) == 3
    assert refused(access, "plan/north.tif").context["alike"][0].startswith(f"{room}/data/plan")


def test_a_missing_relative_path_suggests_from_the_directory_that_has_something_alike(room: Path):
    access = Access.within([room / "more", room / "data"], cwd=room / "more", home=room)
    assert f"{room}/data/plan.png" in refused(access, "plan.jpg").hint


@pytest.mark.parametrize("path", ["plans", "plans/", "plan.png/", "plan.png/.", ".", "pipe", "socket"])
def test_directories_pipes_and_sockets_are_no_files_and_nothing_waits_on_them(access: Access, room: Path, path: str):
    os.mkfifo(room / "data" / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(room / "data")  # a socket's path is short
    listener.bind("socket")
    os.chdir(here)
    with listener:
        assert refused(access, path).code == "not_a_file"


def test_the_allowed_directory_itself_is_no_file(access: Access, room: Path):
    assert isinstance(refused(access, room / "data"), NotAFile)
    assert isinstance(refused(access, f"{room}/data/"), NotAFile)


def test_a_device_is_no_file_even_where_it_is_allowed():
    access = Access.within(["/dev"], cwd=Path("/"), home=Path("/root"))
    assert isinstance(refused(access, "/dev/zero"), NotAFile)
    assert isinstance(refused(Access.anything(), "/dev/zero"), NotAFile)


def test_a_file_taken_for_a_directory_is_not_found(access: Access):
    assert isinstance(refused(access, "plan.png/north.tif"), ImageNotFound)


def test_a_circle_of_links_inside_is_refused(access: Access, room: Path):
    (room / "data" / "a").symlink_to("b")
    (room / "data" / "b").symlink_to("a")
    error = refused(access, "a")
    assert error.code == "access_denied"
    assert "circle" in error.message
    assert refused(access, "a/north.tif").code in {"access_denied", "image_not_found"}


def test_a_file_inside_without_the_right_to_read_it_says_so():
    with public_room() as place, unprivileged():
        (place / "plan.png").write_bytes(INSIDE)
        (place / "plan.png").chmod(0)
        for access in (Access.within([place], cwd=place, home=place), Access.anything()):
            error = refused(access, place / "plan.png")
            assert error.code == "access_denied"
            assert "right to read" in error.hint


# Between the check and the opening


def swap_for_link(victim: Path, target: Path) -> None:
    victim.rename(victim.with_name("aside"))
    victim.symlink_to(target)


def resolved(access: Access, path: Path) -> Place:
    place = access.resolve(str(path))
    assert place is not None
    return place


def test_a_file_swapped_for_a_link_after_the_check_is_not_followed(access: Access, room: Path):
    place = resolved(access, room / "data" / "plan.png")
    swap_for_link(room / "data" / "plan.png", room / "elsewhere" / "plan.png")
    with pytest.raises(AccessDenied):
        open_beneath(place)


def test_a_directory_swapped_for_a_link_after_the_check_is_not_followed(access: Access, room: Path):
    (room / "elsewhere" / "north.tif").write_bytes(SECRET)
    place = resolved(access, room / "data" / "plans" / "north.tif")
    swap_for_link(room / "data" / "plans", room / "elsewhere")
    with pytest.raises((AccessDenied, ImageNotFound)):
        open_beneath(place)


def test_the_allowed_directory_swapped_for_a_link_after_the_check_is_not_followed(access: Access, room: Path):
    place = resolved(access, room / "data" / "plan.png")
    swap_for_link(room / "data", room / "elsewhere")
    with pytest.raises((AccessDenied, ImageNotFound)):
        open_beneath(place)


def test_a_link_turned_round_after_the_check_still_opens_what_was_checked(access: Access, room: Path):
    link = room / "data" / "link"
    link.symlink_to("plan.png")
    place = resolved(access, link)
    link.unlink()
    link.symlink_to(room / "elsewhere" / "plan.png")
    descriptor, path = open_beneath(place)
    assert content(OpenFile(descriptor, path)) == INSIDE


def test_a_file_swapped_for_a_pipe_after_the_check_is_refused_without_waiting(access: Access, room: Path):
    place = resolved(access, room / "data" / "plan.png")
    (room / "data" / "plan.png").unlink()
    os.mkfifo(room / "data" / "plan.png")
    with pytest.raises(NotAFile):
        open_beneath(place)


@pytest.mark.parametrize(("to", "code"), [("pipe", "not_a_file"), ("link", "access_denied")])
def test_a_file_swapped_after_the_last_look_at_its_name_is_judged_by_its_descriptor(
    access: Access, room: Path, monkeypatch: pytest.MonkeyPatch, to: str, code: str
):
    plan, look = room / "data" / "plan.png", os.stat
    looks = 0

    def look_then_swap(name: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        nonlocal looks
        seen = look(name, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        looks += name == "plan.png"
        if name == "plan.png" and looks == 2:  # the first is for the name's spelling, this one for what it is
            plan.unlink()
            os.mkfifo(plan) if to == "pipe" else plan.symlink_to(room / "elsewhere" / "plan.png")
        return seen

    monkeypatch.setattr(os, "stat", look_then_swap)
    assert refused(access, "plan.png").code == code
    assert looks == 2


def test_no_descriptor_is_left_open_by_refusals(access: Access, room: Path, outside: list[str]):
    def count() -> int:
        return sum(1 for _ in Path("/dev/fd").iterdir())

    before = count()
    for path in [
        *outside,
        "missing.png",
        "plans",
        "plan.png/",
        "plan.png/x",
        "to-file",
        str(room / "data" / "plans" / "x"),
    ]:
        refused(access, path)
        with pytest.raises(InputError):
            Access.anything().open(f"{room}/missing/{len(path)}")
    assert count() == before


# What a caller may write


@pytest.mark.parametrize(
    "path",
    [
        "",
        "  ",
        "\n",
        "a\0.png",
        "/data/\0",
        "x" * 256,
        "d/" * 3000,
        "\ud800.png",
        "file:///a%00.png",
        "file:plan.png",
        "C:\\Users\\me\\plan.png",
        "c:/plan.png",
        "file:///C:/plan.png",
        "\\\\host\\share\\plan.png",
    ],
)
def test_what_cannot_be_a_path_here_is_a_bad_request_that_says_what_to_do(access: Access, path: str):
    for door in (access, Access.anything()):
        error = refused(door, path)
        assert isinstance(error, BadRequest), error
        assert error.hint
        error.message.encode()


def test_a_windows_path_under_linux_is_translated_for_wsl(access: Access):
    assert "/mnt/c/Users/me/plan.png" in refused(access, "C:\\Users\\me\\plan.png").hint


def test_a_name_that_its_file_system_finds_too_long_is_a_bad_request(access: Access, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoomrefine_mcp.paths.MAX_NAME_BYTES", 10_000)
    assert isinstance(refused(access, "x" * 300), BadRequest)


@pytest.mark.parametrize(
    "path",
    [
        "https://me:hunter2@example.org/a.png",
        "HTTP://example.org/hunter2",
        "https:/example.org/hunter2",
        "s3://bucket/hunter2",
        "gs://hunter2",
        "ftp://hunter2",
        "data:image/png;base64,hunter2",
        "blob:hunter2",
        "resource://hunter2",
        "file://hunter2/share/a.png?",
    ],
)
def test_an_address_is_refused_with_the_reason_and_not_repeated(access: Access, path: str):
    for door in (access, Access.anything()):
        error = refused(door, path)
        assert isinstance(error, UrlNotSupported)
        assert error.hint
        if "hunter2/share" not in path:
            assert "hunter2" not in error.message + error.hint


def test_a_megabyte_of_picture_data_is_answered_briefly(access: Access):
    for path in ("data:image/png;base64," + "A" * 1_000_000, "iVBORw0KGgo" + "A" * 1_000_000):
        error = refused(access, path)
        assert error.code in {"url_not_supported", "bad_request"}
        assert len(error.message + error.hint) < 1000


@pytest.mark.parametrize("address", ["file://{}", "file://localhost{}", "FILE://LOCALHOST{}", "file:{}"])
def test_a_file_address_is_a_path(access: Access, room: Path, address: str):
    (room / "data" / "a b#1?.png").write_bytes(INSIDE)
    assert content(access.open(address.format(f"{room}/data/a%20b%231%3F.png"))) == INSIDE
    assert content(access.open(address.format(f"{room}/data/a%20b#1?.png"))) == INSIDE


def test_a_file_address_is_decoded_once_and_checked_after(access: Access, room: Path):
    (room / "data" / "%2e%2e").write_bytes(INSIDE)
    assert content(access.open(f"file://{room}/data/%252e%252e")) == INSIDE
    assert refused(access, f"file://{room}/data/%2e%2e/elsewhere/plan.png").code == "access_denied"
    assert refused(access, f"file://{room}/data%2F..%2Felsewhere%2Fplan.png").code == "access_denied"


def test_a_colon_in_a_name_is_no_address(access: Access, room: Path):
    (room / "data" / "scan:1.png").write_bytes(INSIDE)
    assert content(access.open("scan:1.png")) == INSIDE


def test_another_users_home_is_not_looked_up(access: Access, room: Path):
    (room / "data" / "~root").write_bytes(INSIDE)
    assert content(access.open("~root")) == INSIDE


@pytest.mark.parametrize(
    "path",
    [
        "/mnt/user-data/uploads/plan.png",
        "/mnt/data/plan.png",
        "/home/claude/plan.png",
        "sandbox:/mnt/data/plan.png",
        "file:///mnt/data/plan.png",
        "attachment:plan.png",
        "attachment://1/plan.png",
        "sandbox:/plan.png",
        "file-service://file-abc",
    ],
)
def test_a_file_attached_to_a_chat_gets_its_own_explanation(access: Access, path: str):
    for door in (access, Access.anything()):
        error = refused(door, path)
        assert isinstance(error, AttachmentPath)
        assert "not on this machine" in error.message
        assert "Save the picture on this machine" in error.hint


def test_an_attachments_path_that_climbs_out_is_an_ordinary_refusal(access: Access):
    assert refused(access, "/mnt/data/../../etc/passwd").code == "access_denied"


def test_a_place_that_only_looks_like_a_chats_is_read_where_it_is_allowed(room: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoomrefine_mcp.paths._ATTACHED", (f"{room}/data/",))
    access = Access.within([room / "data"], cwd=room, home=room / "home")
    assert content(access.open(f"{room}/data/plan.png")) == INSIDE
    assert content(access.open(f"sandbox:{room}/data/plan.png")) == INSIDE
    assert isinstance(refused(access, f"{room}/data/missing.png"), ImageNotFound)
    assert isinstance(refused(Access.anything(), f"{room}/data/missing.png"), ImageNotFound)


def test_a_user_whose_name_is_claude_has_a_home(room: Path):
    access = Access.within([room / "data"], cwd=room, home=Path("/home/claude"))
    assert refused(access, "/home/claude/plan.png").code == "access_denied"


WINDOWS_PATHS = {
    "file:///C:/plans/a%20b.png": "C:/plans/a b.png",
    "file:///c%3A/plans/one.png": "c:/plans/one.png",
    "file://C:/plans/one.png": "C:/plans/one.png",
    "file://host/share/one.png": "//host/share/one.png",
    "C:\\plans\\one.png": "C:\\plans\\one.png",
    "\\\\host\\share\\one.png": "\\\\host\\share\\one.png",
    "~\\plans\\one.png": "C:\\Users\\me\\plans\\one.png",
    "plans/one.png": "plans/one.png",
}


@pytest.mark.parametrize("text", WINDOWS_PATHS)
def test_drive_letters_and_shares_are_understood_on_windows(text: str):
    assert read_path(text, home="C:\\Users\\me", where="a directory", windows=True) == WINDOWS_PATHS[text]


@pytest.mark.parametrize(
    "text",
    [
        "\\\\?\\C:\\a.png",
        "\\\\.\\PhysicalDrive0",
        "//./pipe/x",
        "C:\\a\\NUL",
        "con.png",
        "a/Com1.tar.gz",
        "C:a.png",
        "C:\\a.png:stream",
        "a.png::$DATA",
    ],
)
def test_devices_streams_and_drive_relative_paths_are_refused_on_windows(text: str):
    with pytest.raises((NotAFile, BadRequest)):
        read_path(text, home="C:\\Users\\me", where="a directory", windows=True)


# No directory configured


def test_without_a_directory_the_working_directory_is_read(room: Path):
    access = Access.within([], cwd=room / "data", home=room / "home")
    assert content(access.open("plan.png")) == INSIDE
    assert refused(access, room / "elsewhere" / "plan.png").code == "access_denied"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "plan.png", "missing.png", "https://example.org", "", "/mnt/data/a.png"]
)
@pytest.mark.parametrize("cwd", ["/", "/usr/bin", "/etc", "HOME"])
def test_a_working_directory_that_nobody_chose_is_shut_and_says_what_to_add(room: Path, cwd: str, path: str):
    (room / "home" / "plan.png").write_bytes(SECRET)
    access = Access.within([], cwd=room / "home" if cwd == "HOME" else Path(cwd), home=room / "home")
    error = refused(access, path)
    assert isinstance(error, AccessDenied)
    assert "--allow-dir DIR" in error.hint
    assert "ZOOMREFINE_ALLOW_DIRS" in error.hint
    assert "MCP host's configuration" in error.hint


def test_a_link_to_the_home_directory_is_the_home_directory(room: Path):
    (room / "link").symlink_to(room / "home")
    assert Access.within([], cwd=room / "link", home=room / "home").allowed == ()
    assert Access.within([], cwd=room / "home", home=room / "link").allowed == ()


def test_the_root_is_read_where_somebody_asked_for_it(room: Path):
    assert content(Access.within(["/"], cwd=Path("/"), home=room).open(str(room / "data" / "plan.png"))) == INSIDE


def test_an_empty_directory_counts_as_none(room: Path):
    assert Access.within([""], cwd=room / "home", home=room / "home").allowed == ()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/home",
        "/home/me",
        "/usr",
        "/usr/share/pictures",
        "/etc",
        "/var",
        "/var/www",
        "/bin",
        "/opt",
        "/Applications/X.app",
        "/private/var/db",
        "/mnt",
        "/private/var/folders",
    ],
)
def test_posix_system_directories_are_too_wide(path: str):
    assert why_too_wide(PurePosixPath(path), PurePosixPath("/home/me"))


@pytest.mark.parametrize(
    "path",
    [
        "/home/me/plans",
        "/home/me/.cache/x",
        "/data",
        "/opt/plans",
        "/mnt/disk",
        "/varied",
        "/private/var/folders/a",
    ],
)
def test_directories_of_ones_own_are_not_too_wide(path: str):
    assert not why_too_wide(PurePosixPath(path), PurePosixPath("/home/me"))


def test_homes_under_a_system_directory_keep_their_projects_and_no_more():
    home = PurePosixPath("/var/home/me")
    assert not why_too_wide(home / "plans", home)
    assert why_too_wide(home, home)
    assert why_too_wide(home.parent, home)
    assert why_too_wide(PurePosixPath("/etc/x"), PurePosixPath("/"))
    assert why_too_wide(PurePosixPath("/usr/x"), PurePosixPath("/usr"))


@pytest.mark.parametrize(
    "path",
    [
        "C:\\",
        "D:\\",
        "c:\\windows\\System32",
        "C:\\Program Files\\Host",
        "C:\\Program Files (x86)",
        "C:\\ProgramData\\x",
        "C:\\Users",
        "c:\\users\\ME",
        "\\\\host\\share\\",
    ],
)
def test_windows_system_directories_are_too_wide(path: str):
    assert why_too_wide(PureWindowsPath(path), PureWindowsPath("C:\\Users\\me"))


@pytest.mark.parametrize("path", ["C:\\Users\\me\\plans", "D:\\plans", "\\\\host\\share\\plans"])
def test_windows_directories_of_ones_own_are_not_too_wide(path: str):
    assert not why_too_wide(PureWindowsPath(path), PureWindowsPath("C:\\Users\\me"))


# What the user names


def test_the_command_line_reads_what_its_user_names_links_included(room: Path, monkeypatch: pytest.MonkeyPatch):
    anything = Access.anything()
    (room / "data" / "link").symlink_to(room / "elsewhere" / "plan.png")
    with anything.open(str(room / "data" / "link")) as file:
        assert file.path == str(room / "elsewhere" / "plan.png")
    monkeypatch.chdir(room / "data")
    assert content(anything.open("plan.png")) == INSIDE
    assert content(anything.open("../elsewhere/plan.png")) == SECRET
    monkeypatch.setenv("HOME", str(room))
    assert content(Access.anything().open("~/data/plan.png")) == INSIDE


def test_the_command_line_reads_regular_files_only_and_waits_for_none(room: Path):
    os.mkfifo(room / "pipe")
    assert refused(Access.anything(), room / "pipe").code == "not_a_file"
    assert refused(Access.anything(), room / "data").code == "not_a_file"
    error = refused(Access.anything(), room / "data" / "plam.png")
    assert error.code == "image_not_found"
    assert "plan.png" in error.hint


# At the level of system calls


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace shows the system calls")
def test_strace_sees_nothing_outside_opened():
    script = Path(__file__).parents[1] / "scripts" / "show_access.py"
    shown = subprocess.run(
        [sys.executable, "-P", str(script)], capture_output=True, text=True, check=False, timeout=120
    )
    if shown.returncode == 4:
        pytest.skip(shown.stderr)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "nothing outside was opened" in shown.stdout


def test_the_log_reader_sees_an_opening_by_name_by_descriptor_and_through_a_link():
    script = runpy.run_path(str(Path(__file__).parents[1] / "scripts" / "show_access.py"))
    lines = [
        'openat(AT_FDCWD</>, "/out/a.png", O_RDONLY) = -1 ENOENT (No such file or directory)',
        'openat(5</data>, "../out/a.png", O_RDONLY) = 6</out/a.png>',
        'openat(AT_FDCWD</data>, "link", O_RDONLY) = 6</out/a.png>',
        'open("/data/link", O_RDONLY) = 6</out>',
        'openat(5</data>, "a.png", O_RDONLY|O_NOFOLLOW) = 6</data/a.png>',
        'openat(5</data>, "link", O_RDONLY|O_NOFOLLOW) = -1 ELOOP (Too many levels of symbolic links)',
        'openat(AT_FDCWD</>, "/outer/a.png", O_RDONLY) = 6</outer/a.png>',
    ]
    calls = list(script["read_log"](lines))
    assert len(calls) == 7
    assert script["touching"](calls, ["/out"]) == calls[:4]
    with pytest.raises(ValueError, match="cannot be read"):
        list(script["read_log"](["openat(garbage"]))


@contextmanager
def public_room() -> Iterator[Path]:
    """A directory that any user may write to (pytest's own is for its user alone)."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        place = Path(name).resolve()
        place.chmod(0o777)
        yield place
        for path in place.iterdir():
            path.chmod(0o700)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Rights count for everybody but root: step down where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)

"""The command line as a person and as a program use it: what is printed where, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from PIL import Image

from tests.support.hosts import draw_picture, reply
from tests.support.model_server import ModelServer
from zoomrefine_mcp import LocalizeResult, Settings, ZoomResult
from zoomrefine_mcp.cli import main
from zoomrefine_mcp.results import ErrorResult
from zoomrefine_mcp.settings import flag_name

FIRST = reply("7", [0.4, 0.4, 0.6, 0.6], evidence="too_small")
SECOND = reply("48-2207")
BOX_IN_PIXELS = "480, 240, 720, 360"
QUESTION = "What is the serial number?"


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> str:
    return str(draw_picture(tmp_path_factory.mktemp("pictures") / "plan.png", (1200, 600)))


@pytest.fixture
def model(tmp_path):
    """Flags of a model that replies with these, one after the other."""

    def flags(*replies):
        script = tmp_path / "script.json"
        script.write_text(json.dumps(replies), encoding="utf-8")
        return ["--backend", "scripted", "--script", str(script), "--view-edge", "400"]

    return flags


@pytest.fixture
def run(capsys):
    """Run the command line in this process: exit code, stdout, stderr."""

    def run_main(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as left:  # --help and --version leave by themselves
            code = int(left.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_main


def start(*arguments, **environment) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, as it is installed."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "zoomrefine_mcp", *arguments],
        env=kept | environment,
        capture_output=True,
        encoding=environment.get("PYTHONIOENCODING", "utf-8"),
        timeout=120,
        check=False,
    )


def rows(out: str) -> dict[str, str]:
    """The lines of an answer by their first word; a line without a second word fails."""
    found = re.findall(r"(?m)^(look \d+|\S+) +(\S.*)$", out)
    assert len(found) == len(out.splitlines())
    return dict(found)


# What a person sees


def test_a_person_sees_each_step_of_the_answer_on_stdout_and_progress_on_stderr(picture, model, tmp_path):
    done = start("ask", picture, QUESTION, *model(FIRST, SECOND), "--save-dir", str(tmp_path / "saved"))
    assert done.returncode == 0, done.stderr
    said = rows(done.stdout)
    assert said["preliminary"] == "7"
    assert BOX_IN_PIXELS in said["region"]
    assert said["answer"].startswith("48-2207")
    assert said["status"] == "refined"
    for kind in ("crop", "overlay"):
        saved = [path for path in (tmp_path / "saved").iterdir() if f"-{kind}" in path.name]
        assert len(saved) == 1
        assert str(saved[0]) in said[kind]
    assert "1200 x 600" in said["picture"]
    assert "400 x 200" in said["view"]
    assert "scripted" in said["view"]

    progress = done.stderr.splitlines()
    assert progress
    assert {line.partition(":")[0] for line in progress} >= {"localize", "refine"}
    assert not set(progress) & set(done.stdout.splitlines())


def test_without_a_directory_to_save_to_no_file_is_named(picture, model, run):
    code, out, _ = run("ask", picture, QUESTION, *model(FIRST, SECOND))
    assert code == 0
    assert "overlay" not in rows(out)
    assert "saved" not in out


def test_localizing_shows_whether_it_was_found_where_and_its_centre(picture, model, run):
    found = reply(None, [0.4, 0.4, 0.6, 0.6])
    code, out, _ = run("localize", picture, "the plate", "--precision", "quick", *model(found))
    assert code == 0
    assert rows(out)["found"] == "yes"
    assert BOX_IN_PIXELS in rows(out)["region"]
    assert "600, 300" in rows(out)["region"]


def test_what_is_not_found_is_said_and_is_no_failure(picture, model, run):
    code, out, _ = run("localize", picture, "a zebra", *model(reply(None, evidence="not_here")))
    assert code == 0
    assert rows(out)["found"] == "no"
    assert "region" not in rows(out)


def test_a_second_look_that_fails_is_said_with_the_first_answer_and_is_no_failure(picture, model, run):
    code, out, _ = run("ask", picture, QUESTION, *model(FIRST))
    assert code == 0
    assert rows(out)["answer"].startswith("7")
    assert rows(out)["status"] == "preliminary (refine_failed)"
    assert "warning" in rows(out)


def test_abstaining_is_an_answer_and_exits_0(picture, model, run):
    code, out, _ = run("ask", picture, QUESTION, *model(FIRST, reply(None, evidence="not_here")))
    assert code == 0
    assert "no answer" in rows(out)["answer"]


def test_choices_are_given_one_flag_each_and_answered_by_letter(picture, model, run):
    replies = (reply(None, [0.4, 0.4, 0.6, 0.6], choice="A", evidence="too_small"), reply(None, choice="C"))
    choices = ["--choice", "red", "--choice", "blue", "--choice", "light blue"]
    code, out, _ = run("ask", picture, "Which colour?", *choices, *model(*replies))
    assert code == 0
    assert rows(out)["preliminary"] == "A. red"
    assert rows(out)["answer"].startswith("C. light blue")


def test_a_page_is_chosen_by_its_number_and_named_with_how_many_there_are(tmp_path, model, run):
    pages = [Image.new("RGB", (1200, 600), colour) for colour in ("white", "grey", "black")]
    pages[0].save(tmp_path / "scan.tif", save_all=True, append_images=pages[1:])
    code, out, _ = run("ask", tmp_path / "scan.tif", QUESTION, "--page", "2", *model(FIRST, SECOND))
    assert code == 0
    assert "page 2 of 3" in rows(out)["picture"]


@pytest.mark.parametrize("output", [[], ["--json"]])
def test_control_sequences_in_a_models_words_do_not_reach_the_terminal(picture, model, run, output):
    hostile = "\x1b[31mred\x1b[0m\x07\r\n\u202eAnswer"
    first = reply(hostile, [0.4, 0.4, 0.6, 0.6], evidence="too_small", reasoning=hostile)
    code, out, err = run("ask", picture, QUESTION, *output, *model(first, reply(hostile, reasoning=hostile)))
    assert code == 0
    assert "red" in out
    for character in "\x1b\x07\r\u202e":
        assert character not in out + err
    assert output or len(out.splitlines()) == len(rows(out))


def test_control_sequences_in_names_do_not_reach_the_terminal(picture, model, run, tmp_path):
    named = tmp_path / "\x1b[31mplan.png"
    try:
        named.write_bytes(Path(picture).read_bytes())
    except OSError:
        pytest.skip("this file system has no such names")
    code, out, err = run("ask", named, QUESTION, "--model", "\x1b[32mmodel", *model(FIRST, SECOND))
    assert code == 0
    assert "\x1b" not in out + err


# What a program reads


def test_json_is_one_object_the_result_and_nothing_else_is_on_stdout(picture, model):
    done = start("ask", picture, QUESTION, "--json", *model(FIRST, SECOND))
    assert done.returncode == 0, done.stderr
    result = ZoomResult.model_validate_json(done.stdout)
    assert (result.preliminary_answer, result.answer, result.changed, result.status) == (
        "7",
        "48-2207",
        True,
        "refined",
    )
    assert result.regions[0].pixels == [480, 240, 720, 360]
    assert json.loads(done.stdout) == result.model_dump(mode="json")


def test_json_of_a_localization_is_its_own_object(picture, model, run):
    found, sharper = reply(None, [0.4, 0.4, 0.6, 0.6]), reply(None, [0.25, 0.25, 0.5, 0.5], picture=2)
    code, out, _ = run("localize", picture, "the plate", "--json", *model(found, sharper))
    assert code == 0
    result = LocalizeResult.model_validate_json(out)
    assert result.found is True
    assert json.loads(out) == result.model_dump(mode="json")


def test_json_of_an_abstention_has_no_answer_and_exits_0(picture, model, run):
    code, out, _ = run("ask", picture, QUESTION, "--json", *model(FIRST, reply(None, evidence="not_here")))
    result = ZoomResult.model_validate_json(out)
    assert (code, result.answer, result.abstained) == (0, None, True)


def test_json_names_the_files_that_were_saved(picture, model, run, tmp_path):
    code, out, _ = run("ask", picture, QUESTION, "--json", "--save-dir", tmp_path / "saved", *model(FIRST, SECOND))
    result = ZoomResult.model_validate_json(out)
    assert code == 0
    crop = result.regions[0].crop
    assert crop is not None
    assert {result.overlay_path, crop.path} == {str(path) for path in (tmp_path / "saved").iterdir()}


@pytest.mark.parametrize(
    ("arguments", "replies", "code", "exit_code"),
    [
        (["ask", "{picture}", ""], [FIRST], "bad_request", 2),
        (["ask", "{picture}", "x" * 20_001], [FIRST], "bad_request", 2),
        (["ask", "{picture}", "Which?", "--choice", "red"], [FIRST], "bad_request", 2),
        (["ask", "{folder}/missing.png", QUESTION], [FIRST], "image_not_found", 2),
        (["ask", "{folder}", QUESTION], [FIRST], "not_a_file", 2),
        (["ask", "https://example.com/plan.png", QUESTION], [FIRST], "url_not_supported", 2),
        (["ask", "{script}", QUESTION], [FIRST], "not_an_image", 2),
        (["ask", "{picture}", QUESTION, "--page", "2"], [FIRST], "bad_request", 2),
        (["ask", "{picture}", QUESTION, "--page", "0"], [FIRST], "bad_request", 2),
        (["ask", "{picture}", QUESTION, "--max-megapixels", "0.5"], [FIRST], "image_too_large", 2),
        (["ask", "{picture}", QUESTION, "--save-dir", "{picture}"], [FIRST], "bad_request", 2),
        (["ask", "{picture}", QUESTION, "--profile", "no-such-family"], [FIRST], "bad_request", 2),
        (["ask", "{picture}", QUESTION], [""], "reply_unreadable", 3),
        (["localize", "{picture}", ""], [FIRST], "bad_request", 2),
        (["localize", "{folder}/missing.png", "it"], [FIRST], "image_not_found", 2),
        (["localize", "{picture}", "it"], [""], "reply_unreadable", 3),
    ],
)
@pytest.mark.parametrize("output", [[], ["--json"]])
def test_an_error_is_one_line_on_stderr_and_with_json_an_object_too(
    picture, model, run, arguments, replies, code, exit_code, output
):
    flags = model(*replies)
    places = {"picture": picture, "folder": Path(picture).parent, "script": flags[3]}
    filled = [argument.format(**places) for argument in arguments]
    exited, out, err = run(*filled, *flags, *output)
    assert exited == exit_code
    assert [line.startswith(f"{code}: ") for line in err.splitlines()].count(True) == 1
    assert err.splitlines()[-1].startswith(f"{code}: ")
    assert exit_code == 3 or len(err.splitlines()) == 1
    assert "Traceback" not in err
    if output:
        error = ErrorResult.model_validate_json(out).error
        assert error.code == code
        assert error.message
    else:
        assert out == ""


@pytest.mark.parametrize("output", [[], ["--json"]])
def test_a_defect_is_an_internal_error_whose_words_stay_out_of_what_is_printed(
    picture, model, run, monkeypatch, output
):
    def broken(*_, **__):
        raise RuntimeError("sk-planted")

    monkeypatch.setattr(anyio, "run", broken)
    code, out, err = run("ask", picture, QUESTION, *output, *model(FIRST))
    assert code == 3
    said = [line for line in err.splitlines() if line.startswith("internal_error: ")]
    assert len(said) == 1
    assert "RuntimeError" in said[0]
    assert "planted" not in said[0] + out
    if output:
        assert ErrorResult.model_validate_json(out).error.code == "internal_error"
    else:
        assert out == ""


# Settings


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_flag_counts_before_and_after_the_command(picture, model, run, place):
    flags = [*model(reply("seen")), "--policy", "direct"]
    arguments = ["ask", picture, QUESTION, "--json"]
    code, out, err = run(*flags, *arguments) if place == "before" else run(*arguments, *flags)
    assert code == 0, err
    assert ZoomResult.model_validate_json(out).policy == "direct"


def test_a_flag_after_the_command_goes_before_the_same_flag_before_it(picture, model, run):
    code, out, _ = run(
        "--policy", "direct", *model(FIRST, SECOND), "ask", picture, QUESTION, "--json", "--policy", "adaptive"
    )
    assert code == 0
    assert ZoomResult.model_validate_json(out).policy == "adaptive"


def test_the_environment_counts_where_no_flag_is_given_and_a_flag_goes_before_it(picture, model, run, monkeypatch):
    flags = model(FIRST, SECOND)
    monkeypatch.setenv("ZOOMREFINE_BACKEND", "scripted")
    monkeypatch.setenv("ZOOMREFINE_SCRIPT", flags[3])
    monkeypatch.setenv("ZOOMREFINE_VIEW_EDGE", "300")
    monkeypatch.setenv("ZOOMREFINE_POLICY", "direct")
    code, out, _ = run("ask", picture, QUESTION, "--json")
    result = ZoomResult.model_validate_json(out)
    assert (code, result.policy, result.image.view.width) == (0, "direct", 300)
    code, out, _ = run("ask", picture, QUESTION, "--json", "--policy", "adaptive", "--view-edge", "400")
    result = ZoomResult.model_validate_json(out)
    assert (code, result.policy, result.image.view.width) == (0, "adaptive", 400)


@pytest.mark.parametrize(
    ("flag", "value", "allowed"),
    [
        ("--view-edge", "wide", "64 to 65535"),
        ("--view-edge", "10", "64 to 65535"),
        ("--policy", "papre", "adaptive, thorough, paper or direct"),
        ("--budget", "looks=0", "seconds="),
        ("--budget", "calls=3", "tokens="),
        ("--budget", "looks=2,looks=3", "separated by commas"),
        ("--budget", "seconds=nan", "above 0"),
        ("--backend", "gpt", "openai"),
        ("--timeout-s", "-1", "above 0"),
        ("--timeout-s", "nan", "above 0"),
        ("--max-tokens", "1.5", "128000"),
    ],
)
@pytest.mark.parametrize("place", ["flag", "environment"])
def test_a_value_that_is_not_allowed_is_named_with_what_is(picture, run, monkeypatch, flag, value, allowed, place):
    variable = "ZOOMREFINE_" + flag.strip("-").replace("-", "_").upper()
    if place == "environment":
        monkeypatch.setenv(variable, value)
    given = [f"{flag}={value}"] if place == "flag" else []
    code, out, err = run("ask", picture, QUESTION, *given, "--json")
    assert code == 2
    error = ErrorResult.model_validate_json(out).error
    assert error.code == "bad_request"
    assert allowed in error.message
    assert value in error.message
    assert (flag if place == "flag" else variable) in error.message
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "environment",
    [
        {"ZOOMREFINE_API_KEY": "sk-planted\nsecret"},
        {"OPENAI_API_KEY": "sk-planted-s\u00e9cret"},
        {"ANTHROPIC_AUTH_TOKEN": "sk-planted\tsecret"},
        {"ZOOMREFINE_BACKEND": "openai", "ZOOMREFINE_BASE_URL": "http://someone:sk-planted@localhost:9/v1"},
    ],
)
def test_a_bad_value_that_may_be_a_secret_is_not_repeated(picture, run, monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, out, err = run("ask", picture, QUESTION, "--json")
    assert code == 2
    assert ErrorResult.model_validate_json(out).error.code == "bad_request"
    assert "planted" not in out + err
    assert list(environment)[-1] in out


@pytest.mark.parametrize("flag", ["--api-key", "--openai-api-key", "--key"])
@pytest.mark.parametrize("joined", [False, True])
def test_a_key_that_is_given_as_a_flag_is_refused_and_not_repeated(picture, run, flag, joined):
    given = [f"{flag}=sk-planted"] if joined else [flag, "sk-planted"]
    code, out, err = run("ask", picture, QUESTION, *given, "--json")
    assert code == 2
    assert ErrorResult.model_validate_json(out).error.code == "bad_request"
    assert "planted" not in out + err


def test_every_setting_that_has_a_flag_is_in_the_help_of_every_command_that_uses_it(run):
    flags = {name: flag for name in Settings.model_fields if (flag := flag_name(name))}
    not_used = {"serve": set(), "ask": {"allow_dirs"}, "localize": {"allow_dirs", "policy"}, "doctor": set()}
    for command, unused in not_used.items():
        code, out, _ = run(command, "--help")
        assert code == 0
        words = set(out.replace("[", " ").replace("]", " ").split())
        assert {flag for name, flag in flags.items() if name not in unused} <= words, command


# Usage


@pytest.mark.parametrize(
    "arguments",
    [
        ["answer", "plan.png", QUESTION],
        ["ask"],
        ["ask", "plan.png"],
        ["ask", "plan.png", QUESTION, "more"],
        ["ask", "plan.png", QUESTION, "--no-such-flag"],
        ["ask", "plan.png", QUESTION, "--page", "two"],
        ["ask", "plan.png", QUESTION, "--page"],
        ["localize", "plan.png"],
        ["localize", "plan.png", "it", "--precision", "sharpest"],
        ["localize", "plan.png", "it", "--choice", "red"],
        ["serve", "--no-such-flag"],
        ["--no-such-flag"],
    ],
)
@pytest.mark.parametrize("output", [[], ["--json"]])
def test_wrong_usage_is_one_line_that_points_to_the_help_and_exits_2(run, arguments, output):
    code, out, err = run(*arguments, *output)
    assert code == 2
    [line] = err.splitlines()
    assert line.startswith("bad_request: ")
    assert "--help" in line
    if output:
        assert ErrorResult.model_validate_json(out).error.code == "bad_request"
    else:
        assert out == ""


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["localize", "-h"], ["serve", "--help"]])
def test_help_is_printed_on_stdout_and_exits_0(run, arguments):
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert "--backend" in out


def test_version_is_printed_on_stdout_and_exits_0():
    done = start("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"zoomrefine-mcp {version('zoomrefine-mcp')}\n"


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="arguments are Unicode there")
@pytest.mark.parametrize("where", ["path", "question", "choice", "model"])
@pytest.mark.parametrize("output", [[], ["--json"]])
def test_bytes_that_are_no_text_are_refused_with_a_code(picture, model, where, output):
    given = {"path": picture, "question": QUESTION, "choice": "red", "model": "m"}
    broken = {name: os.fsencode(value) for name, value in given.items()}
    broken[where] += b"\xff"
    choices = ["--choice", broken["choice"], "--choice", "blue"]
    done = start(
        "ask", broken["path"], broken["question"], *choices, "--model", broken["model"], *output, *model(FIRST)
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    code = "image_not_found" if where == "path" else "bad_request"
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{code}: ")
    if output:
        assert ErrorResult.model_validate_json(done.stdout).error.code == code
    else:
        assert done.stdout == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_a_letter_costs_no_answer(picture, model, encoding):
    done = start("ask", picture, QUESTION, *model(FIRST, reply("\u6e29\u5ea6 -5 \u00b0C")), PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert "-5" in rows(done.stdout)["answer"]


@pytest.fixture
def _heeded_ctrl_c():
    """What starts in the background of a shell ignores Ctrl-C, and so would everything that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeded_ctrl_c")
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to one process")
def test_ctrl_c_stops_the_model_call_and_exits_130_without_a_traceback(picture):
    with ModelServer(faults={1: "hang"}) as server:
        arguments = ["ask", picture, QUESTION, "--base-url", server.openai_url, "--model", server.model]
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with subprocess.Popen(
            [sys.executable, "-m", "zoomrefine_mcp", *arguments],
            env=kept,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert server.hanging.wait(60)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
            finally:
                process.kill()
        assert server.client_left.wait(60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


# What was set and is not used, or stands in the way


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--model", "qwen2.5vl:7b"), "--model qwen2.5vl:7b is not used: no server and no key is named"),
        (
            ("--backend", "ocr", "--profile", "qwen3-vl", "--box-convention", "pixels"),
            "--profile qwen3-vl and --box-convention pixels are not used: --backend ocr",
        ),
    ],
)
def test_a_model_that_nobody_asks_is_said_in_the_result_of_the_text_reader(tmp_path, run, flags, said):
    small = str(draw_picture(tmp_path / "small.png", (160, 80)))
    code, out, _ = run("ask", small, QUESTION, *flags, "--json")
    assert code == 0
    assert json.loads(out)["warnings"][0].startswith(said)


def test_a_family_that_there_is_not_is_refused_even_where_the_text_reader_answers(picture, run):
    code, _, err = run("ask", picture, QUESTION, "--profile", "qwen9")
    assert code == 2
    assert "qwen3-vl" in err


@pytest.mark.parametrize("wrong", [("--profile", "qwen9"), ("--base-url", "localhost"), ("--backend", "anthropic")])
def test_a_server_whose_questions_will_be_refused_says_why_at_the_start_and_in_every_question(wrong, picture):
    launched = StdioServerParameters(
        command=sys.executable,
        args=["-m", "zoomrefine_mcp", "serve", *wrong, "--allow-dir", str(Path(picture).parent)],
        env={"PATH": os.environ["PATH"]},
    )

    async def ask() -> tuple[str, bool]:
        async with Client(stdio_client(launched, errlog=log)) as client:
            refused = await client.call_tool("zoom_and_refine", {"image_path": picture, "question": QUESTION})
            shown = await client.call_tool("view_region", {"image_path": picture})
            assert refused.is_error
            return refused.content[0].text, bool(shown.is_error)

    with tempfile.TemporaryFile("w+") as log:
        said, is_broken = anyio.run(ask)
        log.seek(0)
        logged = log.read()
    message = said.splitlines()[0]
    assert f"questions will be refused: {message}" in logged
    assert "Hint: " in said
    assert not is_broken


def test_a_misspelt_variable_is_said_once_with_the_name_it_may_stand_for_and_never_its_value(picture, run, monkeypatch):
    monkeypatch.setenv("ZOOMREFINE_POLCY", "direct-value")
    monkeypatch.setenv("ZOOMREFINE_XQ", "other-value")
    code, out, err = run("profiles", "--model", "qwen3-vl", "--json")
    done = start("profiles", "--json", ZOOMREFINE_POLCY="direct-value", ZOOMREFINE_XQ="other-value")
    assert (code, done.returncode) == (0, 0)
    assert done.stderr.count("ZOOMREFINE_POLCY is no setting; did you mean ZOOMREFINE_POLICY?") == 1
    assert "ZOOMREFINE_XQ is no setting; README lists them." in done.stderr
    assert "-value" not in done.stdout + done.stderr + out + err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("ask", "a.png", "What?", "--allow-dir", "/x"),
            "only serve and doctor take --allow-dir. See `zoomrefine-mcp ask",
        ),
        (("ask", "a.png", "What?", "--fast"), "unknown arguments: --fast. See `zoomrefine-mcp ask --help`.\n"),
        (("--fast", "x"), None),
        (
            ("localize", "a.png", "it", "--api-key=planted"),
            "--api-key. See `zoomrefine-mcp localize --help`. Keys are read",
        ),
        (("ask", "a.png", "What?", "more"), "more arguments than it takes. See `zoomrefine-mcp ask --help`.\n"),
    ],
)
def test_an_argument_that_a_command_does_not_take_is_said_with_that_commands_help(arguments, said, run):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said is None or said in err
    assert "planted" not in err


def test_a_first_look_that_could_not_read_it_is_said_so_beside_the_answer(picture, model, run):
    code, out, _ = run(
        "ask", picture, QUESTION, *model(reply(None, [0.4, 0.4, 0.6, 0.6], evidence="too_small"), SECOND)
    )
    assert code == 0
    assert rows(out)["preliminary"] == "(none: it could not be made out)"
    assert rows(out)["answer"].startswith("48-2207")

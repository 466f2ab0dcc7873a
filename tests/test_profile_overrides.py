"""A user's own word goes before the family's: a flag, a variable, a file; and `profiles` says what holds."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

import pytest

from tests.support.hosts import draw_picture, reply
from zoomrefine_mcp.app import open_app
from zoomrefine_mcp.backends.profiles import PROFILES, Axes, PartOrder, Unit, chosen_profile
from zoomrefine_mcp.backends.profiles.checks import CHECKS
from zoomrefine_mcp.backends.profiles.overrides import ProfileFile
from zoomrefine_mcp.cli import main
from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.settings import Settings, env_name

DOCUMENT = (Path(__file__).parent.parent / "docs" / "box-conventions.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(env_name(field), raising=False)


@pytest.fixture
def written(tmp_path):
    def write(text: str, name: str = "model.toml") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


@pytest.fixture
def run(capsys):
    def run_main(*arguments):
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_main


def chosen(model="my-finetune", **settings):
    return chosen_profile(Settings(**settings), model, wire="openai")


@pytest.mark.parametrize(
    ("convention", "unit", "axes"),
    [
        ("normalized", Unit.NORMALIZED, Axes.XYXY),
        ("per-thousand", Unit.PER_THOUSAND, Axes.XYXY),
        ("per-999", Unit.PER_999, Axes.XYXY),
        ("pixels", Unit.PIXELS, Axes.XYXY),
        ("normalized-yxyx", Unit.NORMALIZED, Axes.YXYX),
        ("per-thousand-yxyx", Unit.PER_THOUSAND, Axes.YXYX),
        ("per-999-yxyx", Unit.PER_999, Axes.YXYX),
        ("pixels-yxyx", Unit.PIXELS, Axes.YXYX),
    ],
)
def test_a_convention_can_be_said_by_flag(convention, unit, axes):
    profile = chosen("qwen2.5vl:7b", box_convention=convention)
    assert (profile.unit, profile.axes) == (unit, axes)


def test_a_convention_can_be_said_by_variable(monkeypatch):
    monkeypatch.setenv("ZOOMREFINE_BOX_CONVENTION", "per-thousand-yxyx")
    assert (chosen().unit, chosen().axes) == (Unit.PER_THOUSAND, Axes.YXYX)


def test_another_convention_drops_the_reminder_of_the_familys_own_and_tells_the_size_for_pixels():
    profile = chosen("internvl3-8b", box_convention="pixels")
    assert (profile.native, profile.tell_size) == ("", True)


def test_the_familys_own_convention_changes_nothing():
    assert chosen("internvl3-8b", box_convention="per-thousand") == PROFILES["internvl"]


@pytest.mark.parametrize(
    ("family", "bound", "seen"),
    [
        ("qwen2.5-vl", "max_pixels = 1003520", Size(1316, 728)),  # transformers' smart_resize of 7680 x 4320
        ("qwen3-vl", "max_pixels = 1003520", Size(1312, 736)),
        ("qwen2.5-vl", "max_pixels = 12845056", Size(4760, 2688)),
        ("qwen2.5-vl", "max_edge = 1000", Size(980, 560)),
        ("mistral-3", "max_pixels = 1003520", Size(1316, 756)),
        ("unknown", "max_edge = 4000", Size(4000, 2250)),
    ],
)
def test_a_bound_in_a_file_leaves_the_familys_rule_and_its_multiple_in_force(family, bound, seen, written):
    profile = chosen(profile_file=written(f'family = "{family}"\n{bound}\n'))
    assert profile.sees(Size(7680, 4320)) == seen
    assert profile.sees(seen) == seen


def test_a_convention_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(BadRequest, match="per-thousand"):
        Settings(box_convention="per-million")


def test_a_file_changes_what_it_names_and_leaves_the_rest(written):
    path = written('family = "qwen2.5-vl"\nmax_pixels = 1003520\nmultiple_of = 28\nenlarge_to = 900\n')
    profile = chosen(profile_file=path)
    assert (profile.unit, profile.enlarge_to) == (Unit.PIXELS, 900)
    seen = profile.sees(Size(7680, 4320))
    assert (seen.width % 28, seen.height % 28) == (0, 0)
    assert seen.pixels <= 1_003_520
    assert profile.sees(seen) == seen
    assert str(path) in profile.sources[-1]


def test_a_file_may_be_json(written):
    path = written('{"box_convention": "pixels", "part_order": "text first", "image_detail": "none"}', "model.json")
    profile = chosen("gpt-5.4", profile_file=path)
    assert (profile.unit, profile.order, profile.image_detail) == (Unit.PIXELS, PartOrder.TEXT_FIRST, None)


def test_a_flag_goes_before_the_file_and_both_before_the_name(written):
    path = written('family = "gemini"\nbox_convention = "pixels"\n')
    assert chosen("internvl3-8b", profile_file=path).unit is Unit.PIXELS
    assert chosen("internvl3-8b", profile_file=path).name == "gemini"
    assert chosen("internvl3-8b", profile_file=path, profile="glm-v").name == "glm-v"
    assert chosen("internvl3-8b", profile_file=path, box_convention="per-999").unit is Unit.PER_999


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("box_convention = pixels", "model.toml", "no valid TOML"),
        ("{", "model.json", "no valid JSON"),
        ('box_convenion = "pixels"', "model.toml", "may not hold 'box_convenion'"),
        ('box_convention = "feet"', "model.toml", "box_convention"),
        ("max_edge = 3", "model.toml", "max_edge"),
        ('max_edge = "large"', "model.toml", "max_edge"),
        ("tell_size = 1", "model.toml", "tell_size"),
        ('family = "qwen9"', "model.toml", "no profile named 'qwen9'"),
        ("[1, 2]", "model.json", "holds no fields"),
        ("#" * 200_000, "model.toml", "more than"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_what_is_wrong(written, text, name, words):
    with pytest.raises(BadRequest, match=re.escape(words)) as refused:
        chosen(profile_file=written(text, name))
    assert refused.value.hint


def test_a_file_of_other_bytes_or_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    for path, words in (
        (tmp_path / "bytes.toml", "no valid TOML"),
        (tmp_path / "none.toml", "cannot be read"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(BadRequest, match=words):
            chosen(profile_file=path)


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(BadRequest, match="is a pipe"):
        chosen(profile_file=tmp_path / "pipe.toml")


@pytest.mark.parametrize(("name", "text"), [("a.toml", "max_edge = 1024"), ("a.json", '{"max_edge": 1024}')])
def test_a_file_may_begin_with_the_mark_that_windows_editors_write(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    assert chosen(profile_file=tmp_path / name).sees(Size(4096, 2048)) == Size(1024, 512)


def test_a_misspelt_field_is_told_the_nearest_one(written):
    with pytest.raises(BadRequest) as refused:
        chosen(profile_file=written('box_convenion = "pixels"'))
    assert "box_convention" in str(refused.value.hint)


def test_the_file_that_the_documentation_shows_is_valid_and_names_every_field():
    shown = re.search(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    facts = tomllib.loads(shown[1])
    assert ProfileFile.model_validate(facts)
    assert facts.keys() == ProfileFile.model_fields.keys()


def test_every_convention_and_flag_is_documented():
    assert all(
        word in DOCUMENT for word in ("normalized", "per-thousand", "per-999", "pixels", "-yxyx", "--profile-file")
    )


@pytest.mark.anyio
async def test_a_box_is_read_as_the_user_says(tmp_path):
    picture = draw_picture(tmp_path / "plan.png", (1200, 600))
    script = tmp_path / "script.json"
    first = reply("7", [100, 400, 200, 600], evidence="too_small")
    script.write_text(json.dumps([first, reply("48-2207")]), encoding="utf-8")
    settings = Settings(backend="scripted", script=script, view_edge=400, box_convention="per-thousand-yxyx")
    async with open_app(settings) as app:
        result = await app.zoom_and_refine(str(picture), "What is the serial number?")
    assert result.regions[0].box == [0.4, 0.1, 0.6, 0.2]
    assert "y first" in str(result.regions[0].raw)
    assert not result.warnings


# The command


def test_the_families_are_listed_with_their_boxes_what_they_see_and_where_that_is_known_from(run):
    code, out, _ = run("profiles")
    assert code == 0
    for profile in PROFILES.values():
        (line,) = [line for line in out.splitlines() if line.startswith(f"{profile.name} ")]
        assert profile.unit.value in line
        assert str(profile.sees(Size(7680, 4320))) in line
        assert all(source in out for source in profile.sources)


def test_the_families_are_listed_as_json(run):
    code, out, _ = run("profiles", "--json")
    facts = {one["family"]: one for one in json.loads(out)}
    assert (code, facts.keys()) == (0, PROFILES.keys())
    assert facts["claude-standard"]["example"] == {"picture": [7680, 4320], "seen": [1456, 819], "tokens": 1560}
    assert facts["gemini"]["box_order"] == "y0, x0, y1, x1"


def test_a_model_is_told_which_profile_its_name_picks(run):
    code, out, _ = run("profiles", "--model", "hf.co/unsloth/Qwen3-VL-8B-Instruct-GGUF:Q4_K_M")
    assert code == 0
    assert out.splitlines()[0].split() == ["family", "qwen3-vl"]
    assert "0-1000" in out


def test_a_model_is_told_what_holds_after_the_users_own_word(run, written):
    path = written("max_edge = 1024\n")
    code, out, _ = run("profiles", "--model", "mine", "--profile-file", path, "--box-convention", "pixels", "--json")
    (facts,) = json.loads(out)
    assert code == 0
    assert (facts["box_unit"], facts["example"]["seen"]) == ("pixels", [1024, 576])


def test_facts_without_a_source_are_told_as_our_own_and_the_lines_are_explained(run):
    _, out, _ = run("profiles", "--model", "qwen2.5vl:7b")
    facts = dict(re.split(r"  +", line, maxsplit=1) for line in out.split("\n\n")[0].splitlines())
    assert (facts["box unit"], facts["images per request"]) == ("pixels", "-")
    assert facts["enlarge to"].endswith(" (ours)")
    for explained in ("(ours): our own choice", "in prompt: ", "native box: ", "unnamed on view: "):
        assert explained in out.split("\n\n")[1]


def test_a_fact_of_a_users_file_has_that_file_as_its_source(run, written):
    path = written("enlarge_to = 900\n")
    _, out, _ = run("profiles", "--model", "qwen2.5vl:7b", "--profile-file", path)
    (line,) = (line for line in out.splitlines() if line.startswith("enlarge to"))
    assert line.endswith(" 900")


@pytest.mark.parametrize(
    ("flags", "held"), [((), "the paper's convention holds"), (("--backend", "anthropic"), "Claude's models holds")]
)
def test_a_name_that_no_family_has_is_told_with_what_holds_instead(run, flags, held):
    _, out, _ = run("profiles", "--model", "nosuch", *flags)
    assert out.startswith("No family's pattern fits this name, so ")
    assert held in out.splitlines()[0]
    assert "--profile" in out.splitlines()[0]
    assert "No family" not in run("profiles", "--model", "nosuch", "--profile", "qwen3-vl")[1]


def test_an_unknown_name_has_the_habit_of_its_wire(run):
    assert "pixels" in run("profiles", "--backend", "anthropic", "--model", "mine")[1]
    assert "0..1" in run("profiles", "--model", "mine")[1]


def test_the_check_values_are_shown_with_what_is_found_and_their_source(run):
    code, out, _ = run("profiles", "--checks")
    assert code == 0
    assert out.count(" agrees ") == len(CHECKS)
    assert "DIFFERS" not in out
    assert f"{len(CHECKS)} of {len(CHECKS)} values agree" in out
    assert "By rule: computed from the rule" in out
    facts = json.loads(run("profiles", "--checks", "--json")[1])
    assert all(one["expected"] == one["found"] and one["source"] for one in facts)


@pytest.mark.parametrize("command", ["profiles", "ask"])
def test_a_bad_file_is_refused_by_every_command_that_answers(run, written, command, tmp_path):
    draw_picture(tmp_path / "plan.png", (120, 60))
    script = written('["Answer: A"]', "script.json")
    rest = {"ask": [tmp_path / "plan.png", "What?", "--script", script], "profiles": []}
    code, _, err = run(command, *rest[command], "--backend", "scripted", "--profile-file", written("max_edge = 3"))
    assert code == 2
    assert "max_edge" in err


def test_a_family_that_there_is_not_is_refused_with_those_there_are(run):
    code, _, err = run("profiles", "--profile", "qwen9")
    assert code == 2
    assert "qwen3-vl" in err

"""What ``doctor`` finds: each fault told apart, with advice that mends it, and nothing sent that does not have to be."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

from tests.support.model_server import ModelServer
from tests.support.received import find_marker
from tests.support.sighted import SightedServer
from zoomrefine_mcp import Settings
from zoomrefine_mcp.cli import main
from zoomrefine_mcp.doctor import Diagnosis, LocalServer, Status, diagnose, table

pytestmark = pytest.mark.anyio

SEEING = (
    "picture",
    "word",
    "box",
    "large_view",
    "second_look",
    "structured_output",
    "prefix_cache",
    "latency",
    "replies",
)
NAMES = ["settings", "keys", "directories", "save_dir", "text_reader", "backend", "reach", "model", "profile", *SEEING]
LOCAL = ["local_vllm", "local_ollama", "local_lm_studio", "local_llama_server"]
KEY = "planted-key-0123456789"


async def examined(
    server: ModelServer, *, tries: int = 3, wire: str = "openai", view_edge: int | None = 1000, **settings
) -> Diagnosis:
    """What is found of a server; a large view is held to 1000 px, which saves time, unless it is what is looked at."""
    given = Settings(backend=wire, base_url=server.address(wire), view_edge=view_edge, **settings)
    return await diagnose(given, tries=tries, local_servers=())


def statuses(diagnosis: Diagnosis) -> dict[str, str]:
    return {check.name: check.status.value for check in diagnosis.checks}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def start(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run the command in a process of its own, as it is installed: exit code, stdout, stderr."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-m", "zoomrefine_mcp", "doctor", *arguments]
    done = subprocess.run(command, env=kept | environment, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


# What all is well looks like


@pytest.mark.parametrize(("wire", "family"), [("openai", "qwen2.5-vl"), ("openai", "glm"), ("anthropic", "claude")])
async def test_with_a_good_server_every_check_is_ok_and_the_command_may_end_with_0(wire, family):
    with SightedServer(family) as server:
        diagnosis = await examined(server, wire=wire, tries=4)
    assert diagnosis.exit_code == 0
    assert [check.name for check in diagnosis.checks] == NAMES
    found = statuses(diagnosis)
    assert {found[name] for name in ("backend", "reach", "model", "profile", *SEEING) if name != "prefix_cache"} == {
        "ok"
    }
    assert diagnosis.check("word").facts == {"read": 4, "of": 4}
    assert diagnosis.check("box").facts["right"] == 4
    assert diagnosis.check("replies").facts == {"tries": 4, "unreadable": 0, "mended": 0, "refused": 0}


async def test_the_model_is_shown_ten_different_cards_and_one_large_one_and_asked_twice_without_a_picture():
    with SightedServer() as server:
        await examined(server, tries=10)
    looks = [request.look for request in server.requests]
    assert sorted(looks) == [0, 0, *[1] * 11, 2]
    cards = [request.pictures[0] for request in server.requests if request.look == 1]
    places = {find_marker(card) for card in cards if card.width == 672}
    assert len(places) == 10
    assert None not in places


async def test_the_profile_is_named_with_why_and_with_what_it_sees_of_an_8k_picture():
    with SightedServer() as server:
        check = (await examined(server, tries=1)).check("profile")
    assert "qwen2.5-vl, by the model's name" in check.finding
    assert "7680 x 4320" in check.finding
    assert check.facts["seen"] == [2380, 1344]


async def test_a_name_that_no_family_has_is_a_warning_and_a_profile_flag_settles_it():
    with SightedServer("unknown", named="house-model") as server:
        unknown = (await examined(server, tries=1)).check("profile")
        named = (await examined(server, tries=1, profile="kimi-vl")).check("profile")
    assert (unknown.status, unknown.code) == (Status.WARNING, "unknown_model")
    assert "--profile" in unknown.advice
    assert (named.status, named.code) == (Status.OK, None)
    assert "kimi-vl, by --profile" in named.finding


async def test_the_second_look_is_held_against_the_first_ones_prompt_in_the_cache():
    with SightedServer() as server:
        check = (await examined(server, tries=1)).check("prefix_cache")
    assert check.status is Status.OK
    assert 0 < check.facts["cached_tokens"] < check.facts["first_prompt_tokens"] == 300 + 24 * 16


async def test_with_the_papers_policy_the_cards_are_asked_about_in_the_papers_words():
    with SightedServer() as server:
        diagnosis = await examined(server, tries=1, policy="paper")
    first = next(request for request in server.requests if request.look == 1)
    assert "Bounding box: [x1, y1, x2, y2]" in first.text
    assert diagnosis.exit_code == 0


# Pictures that do not arrive


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_a_server_that_drops_pictures_is_told_by_its_token_counts_and_shown_no_more_cards(wire):
    with SightedServer("claude", drops_pictures=True) as server:
        diagnosis = await examined(server, wire=wire, tries=10)
    check = diagnosis.check("picture")
    assert (check.status, check.code) == (Status.FAILED, "images_dropped")
    assert "--model" in check.advice
    assert "--mmproj" in check.advice
    assert diagnosis.exit_code == 3
    assert server.cards_shown == 1
    assert {statuses(diagnosis)[name] for name in ("word", "box", "large_view", "second_look")} == {"skipped"}


async def test_a_server_that_leaves_pictures_out_of_its_counts_is_not_taken_for_one_that_drops_them():
    with SightedServer(counts_pictures=False) as server:
        diagnosis = await examined(server)
    assert diagnosis.check("picture").status is Status.OK
    assert diagnosis.exit_code == 0


async def test_a_model_that_says_it_takes_no_pictures_is_told_so():
    body = {"error": {"message": "llava-text is not a multimodal model"}}
    with SightedServer(faults={1: "400"}, body_400=body) as server:
        diagnosis = await examined(server)
    assert diagnosis.check("reach").status is Status.OK
    assert diagnosis.check("picture").status is Status.FAILED
    assert "vision" in diagnosis.check("picture").advice


async def test_a_server_that_takes_one_picture_only_fails_at_the_second_look_with_the_servers_flag():
    body = {"error": {"message": "At most 1 image(s) may be provided in one request."}}
    with SightedServer(faults={2: "400"}, body_400=body) as server:
        diagnosis = await examined(server, tries=3)
    check = diagnosis.check("second_look")
    assert check.status is Status.FAILED
    assert "--limit-mm-per-prompt" in check.advice
    assert server.cards_shown == 4
    assert diagnosis.check("box").status is Status.OK


async def test_a_server_that_shrinks_large_pictures_is_told_by_its_token_counts():
    with SightedServer("qwen3-vl", most_pixels=1_000_000) as in_thousandths:
        harmless = (await examined(in_thousandths, tries=1, view_edge=None)).check("large_view")
    with SightedServer("qwen2.5-vl", most_pixels=1_000_000) as in_pixels:
        diagnosis = await examined(in_pixels, tries=1, view_edge=None)
    harmful = diagnosis.check("large_view")
    assert (harmless.status, harmful.status) == (Status.WARNING, Status.FAILED)
    assert harmless.code == harmful.code == "picture_shrunk"
    assert "box is off" in harmful.finding
    assert "max_pixels" in harmful.advice
    assert diagnosis.check("box").status is Status.OK
    assert diagnosis.exit_code == 3


async def test_a_context_too_short_for_a_questions_view_is_told_though_small_cards_are_seen():
    body = {"error": {"message": "This model's maximum context length is 2048 tokens."}}
    with SightedServer(faults={1: ["ok", "400", "ok"]}, body_400=body) as server:
        diagnosis = await examined(server, tries=2)
    assert diagnosis.check("large_view").code == "context_too_long"
    assert diagnosis.check("word").facts == {"read": 2, "of": 2}
    assert diagnosis.exit_code == 3


# Boxes in another convention


@pytest.mark.parametrize(
    ("writes", "named", "convention", "family", "status"),
    [
        ("qwen3-vl", "Qwen/Qwen2.5-VL-7B-Instruct", "per-thousand", "qwen3-vl", "failed"),
        ("qwen2.5-vl", "Qwen/Qwen3-VL-8B-Instruct", "pixels", "qwen2.5-vl", "failed"),
        ("gemini", "Qwen/Qwen3-VL-8B-Instruct", "per-thousand-yxyx", "gemini", "failed"),
        ("internvl", "gemini-2.5-pro", "per-thousand", "internvl", "failed"),
        ("qwen2.5-vl", "house-model", "pixels", "qwen2.5-vl", "failed"),
        ("qwen3-vl", "house-model", "per-thousand", "qwen3-vl", "warning"),
        ("kimi", "Qwen/Qwen3-VL-8B-Instruct", "normalized", "kimi-vl", "warning"),
    ],
)
async def test_boxes_in_another_convention_than_the_names_are_told_with_the_flag_that_mends_it(
    writes, named, convention, family, status
):
    with SightedServer(writes, named=named) as server:
        check = (await examined(server, tries=4)).check("box")
        mended = await examined(server, tries=2, box_convention=convention)
    assert (check.status.value, check.code, check.facts["fits"]) == (status, "box_convention", convention)
    assert f"Set --box-convention {convention}, or --profile" in check.advice
    assert family in check.advice
    assert "it was right in a further look" in check.finding
    assert mended.check("box").status is Status.OK
    assert mended.exit_code == 0


async def test_one_card_is_enough_to_tell_thousandths_from_pixels():
    with SightedServer("qwen3-vl", named="Qwen/Qwen2.5-VL-7B-Instruct") as server:
        check = (await examined(server, tries=1)).check("box")
    assert (check.status, check.facts["fits"]) == (Status.FAILED, "per-thousand")


# What the way to the server says


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_a_wrong_key_is_told_by_its_variable_and_never_by_its_value(wire):
    with SightedServer(key="right") as server:
        diagnosis = await examined(server, wire=wire, api_key=KEY)
    check = diagnosis.check("reach")
    assert (check.status, check.code) == (Status.FAILED, "backend_auth")
    assert "ZOOMREFINE_API_KEY" in check.advice
    assert diagnosis.exit_code == 3
    shown = json.dumps(diagnosis.as_json()) + "\n".join(table(diagnosis))
    for part in (KEY, KEY[:8], KEY[-4:]):
        assert part not in shown
    assert server.requests == []


async def test_a_key_that_is_refused_only_for_questions_is_a_wrong_key_too():
    with SightedServer(faults={1: "401"}) as server:
        diagnosis = await examined(server, api_key=KEY)
    assert diagnosis.check("reach").code == "backend_auth"
    assert KEY[-4:] not in json.dumps(diagnosis.as_json())


async def test_a_wrong_model_name_is_told_with_the_names_that_the_server_has_the_nearest_first():
    models = ["llama3:8b", "qwen2.5vl:7b", "nomic-embed-text"]
    with SightedServer(models=models) as server:
        diagnosis = await examined(server, model="qwen2.5-vl:7b")
    check = diagnosis.check("model")
    assert (check.status, check.code) == (Status.FAILED, "model_not_found")
    assert check.facts["candidates"] == ["qwen2.5vl:7b", "llama3:8b", "nomic-embed-text"]
    assert "--model qwen2.5vl:7b " in check.advice
    assert diagnosis.exit_code == 3


async def test_a_name_that_is_not_listed_and_answered_to_all_the_same_is_a_warning():
    with SightedServer(named="gpt-4-vision", family="qwen2.5-vl", lists=["Qwen2.5-VL-7B-Q4_K_M.gguf"]) as server:
        check = (await examined(server, tries=1, model="gpt-4-vision")).check("model")
    assert (check.status, check.code) == (Status.WARNING, "model_not_listed")
    assert "Qwen2.5-VL-7B-Q4_K_M.gguf" in check.finding
    assert "profile" in check.advice


async def test_several_models_and_none_named_is_a_missing_setting():
    with SightedServer(models=["llama3:8b", "qwen2.5vl:7b"]) as server:
        diagnosis = await examined(server)
    check = diagnosis.check("model")
    assert (check.code, diagnosis.exit_code) == ("model_required", 2)
    assert check.facts["candidates"] == ["llama3:8b", "qwen2.5vl:7b"]
    assert server.requests == []


async def test_nothing_listening_is_told_with_the_address_and_nothing_further_is_tried():
    address = f"http://127.0.0.1:{free_port()}/v1"
    diagnosis = await diagnose(Settings(base_url=address, model="m"), local_servers=())
    check = diagnosis.check("reach")
    assert (check.code, diagnosis.exit_code) == ("backend_unreachable", 3)
    assert address in check.finding
    assert "--base-url" in check.advice
    assert {statuses(diagnosis)[name] for name in SEEING} == {"skipped"}


async def test_an_address_without_its_v1_is_told_with_the_right_one():
    with SightedServer() as server:
        diagnosis = await diagnose(Settings(base_url=server.url), local_servers=())
    assert f"--base-url {server.openai_url}" in diagnosis.check("model").advice


async def test_a_server_that_never_answers_a_look_ends_at_the_deadline():
    with SightedServer(faults={1: "hang"}) as server:
        diagnosis = await examined(server, timeout_s=0.3)
    assert diagnosis.check("reach").code == "backend_timeout"
    assert "--timeout-s" in diagnosis.check("reach").advice


# Replies


async def test_a_server_that_refuses_a_schema_works_and_is_told_of_as_advice_only():
    refusing = dict.fromkeys((0, 1, 2), "no_schema")
    with SightedServer(binds=False, faults=refusing) as server:
        diagnosis = await examined(server)
    check = diagnosis.check("structured_output")
    assert (check.status, check.code) == (Status.WARNING, "no_structured_output")
    assert diagnosis.exit_code == 0
    assert {statuses(diagnosis)[name] for name in ("picture", "word", "box", "replies")} == {"ok"}


async def test_a_server_that_ignores_a_schema_is_told_of_alike():
    with SightedServer(binds=False) as server:
        diagnosis = await examined(server)
    assert diagnosis.check("structured_output").code == "no_structured_output"
    assert all("response_format" in request.body for request in server.requests)


async def test_unreadable_replies_are_counted_and_a_few_are_a_warning():
    with SightedServer(unreadable=[1, 4]) as server:
        diagnosis = await examined(server, tries=8)
    check = diagnosis.check("replies")
    assert (check.status, check.code) == (Status.WARNING, "reply_unreadable")
    assert check.facts == {"tries": 8, "unreadable": 2, "mended": 2, "refused": 0}
    assert diagnosis.check("word").facts == {"read": 8, "of": 8}
    assert diagnosis.check("second_look").status is Status.OK
    assert diagnosis.exit_code == 0


async def test_where_no_reply_can_be_read_that_has_to_be_mended():
    with SightedServer(unreadable=range(1, 99), binds=False) as server:
        diagnosis = await examined(server, tries=2)
    assert diagnosis.check("replies").status is Status.FAILED
    assert diagnosis.check("structured_output").status is Status.WARNING
    assert diagnosis.exit_code == 3


async def test_a_fault_midway_leaves_what_was_seen_before_it():
    with SightedServer(faults={1: ["ok", "ok", "ok", "401"]}) as server:
        diagnosis = await examined(server, tries=5)
    assert diagnosis.check("box").facts["right"] == diagnosis.check("box").facts["of"] == 2
    assert diagnosis.check("replies").code == "backend_auth"
    assert diagnosis.exit_code == 3


# Other backends


async def test_the_embedded_reader_is_shown_a_card_and_nobody_is_asked():
    diagnosis = await diagnose(Settings(backend="ocr"), local_servers=())
    found = statuses(diagnosis)
    assert (found["word"], found["second_look"], found["reach"], found["box"]) == ("ok", "ok", "skipped", "skipped")
    assert diagnosis.exit_code == 0


async def test_a_script_is_read_and_none_of_its_replies_is_used_up(tmp_path):
    (tmp_path / "script.json").write_text('["Answer: A"]', encoding="utf-8")
    settings = Settings(backend="scripted", script=tmp_path / "script.json")
    diagnosis = await diagnose(settings, local_servers=())
    assert diagnosis.exit_code == 0
    assert {statuses(diagnosis)[name] for name in SEEING} == {"skipped"}
    missing = Settings(backend="scripted", script=tmp_path / "none.json")
    assert (await diagnose(missing, local_servers=())).exit_code == 2


async def test_settings_that_choose_no_backend_are_told_as_a_question_would_tell_them(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    diagnosis = await diagnose(Settings(), local_servers=())
    check = diagnosis.check("backend")
    assert (check.code, diagnosis.exit_code) == ("bad_request", 2)
    assert "--backend openai" in check.advice


# Keys and directories


async def test_a_misspelt_variable_is_a_warning_of_the_settings_and_its_value_is_nowhere(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOOMREFINE_MODLE", KEY)
    (tmp_path / "script.json").write_text('["Answer: A"]', encoding="utf-8")
    diagnosis = await diagnose(Settings(backend="scripted", script=tmp_path / "script.json"), local_servers=())
    check = diagnosis.check("settings")
    assert (check.status, check.code, diagnosis.exit_code) == (Status.WARNING, "unknown_variable", 0)
    assert "did you mean ZOOMREFINE_MODEL?" in check.finding
    assert KEY not in json.dumps(diagnosis.as_json())


async def test_keys_are_named_with_where_they_would_go_and_their_values_are_nowhere(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ZOOMREFINE_API_KEY", KEY + "-own")
    with SightedServer() as server:
        diagnosis = await diagnose(Settings(base_url=server.openai_url), tries=1, local_servers=())
    finding = diagnosis.check("keys").finding
    assert "OPENAI_API_KEY is set and goes nowhere" in finding
    assert f"ZOOMREFINE_API_KEY is set and goes to {server.openai_url}" in finding
    assert KEY not in json.dumps(diagnosis.as_json())


async def test_a_password_in_an_address_is_refused_and_nowhere():
    diagnosis = await diagnose(Settings(base_url=f"http://me:{KEY}@localhost:9/v1"), local_servers=())
    assert (diagnosis.check("backend").code, diagnosis.exit_code) == ("bad_request", 2)
    assert KEY not in json.dumps(diagnosis.as_json()) + "\n".join(table(diagnosis))


async def test_a_directory_that_is_not_there_is_a_bad_setting_and_one_of_several_a_warning(tmp_path):
    (tmp_path / "script.json").write_text('["Answer: A"]', encoding="utf-8")
    given = {"backend": "scripted", "script": tmp_path / "script.json"}
    missing = tmp_path / "missing"
    alone = await diagnose(Settings(allow_dirs=[missing], **given), local_servers=())
    beside = await diagnose(Settings(allow_dirs=[missing, tmp_path], **given), local_servers=())
    assert (alone.check("directories").status, alone.exit_code) == (Status.FAILED, 2)
    assert f"{missing} does not exist" in alone.check("directories").finding
    assert (beside.check("directories").status, beside.exit_code) == (Status.WARNING, 0)


async def test_a_profile_that_there_is_not_is_a_bad_setting_even_where_nothing_listens():
    address = f"http://127.0.0.1:{free_port()}/v1"
    diagnosis = await diagnose(Settings(base_url=address, profile="qwen4"), local_servers=())
    assert (diagnosis.check("settings").status, diagnosis.exit_code) == (Status.FAILED, 2)
    assert "qwen3-vl" in diagnosis.check("settings").advice


async def test_nothing_is_made_where_crops_would_be_saved(tmp_path):
    (tmp_path / "script.json").write_text('["Answer: A"]', encoding="utf-8")
    settings = Settings(backend="scripted", script=tmp_path / "script.json", save_dir=tmp_path / "out" / "crops")
    diagnosis = await diagnose(settings, local_servers=())
    assert diagnosis.check("save_dir").status is Status.OK
    assert not (tmp_path / "out").exists()


# The servers of this machine


async def test_local_servers_are_asked_for_their_models_alone_and_told_with_the_flags_that_use_them(monkeypatch):
    monkeypatch.setenv("ZOOMREFINE_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with (
        SightedServer(models=["llama3:8b", "qwen2.5vl:7b"]) as several,
        SightedServer(key="right") as locked,
        SightedServer(models=["house-model"]) as configured,
    ):
        servers = (
            LocalServer("several", several.openai_url),
            LocalServer("locked", locked.openai_url),
            LocalServer("nobody", f"http://127.0.0.1:{free_port()}/v1"),
            LocalServer("other", f"{several.url}/else/v1"),
            LocalServer("configured", configured.openai_url.replace("127.0.0.1", "localhost")),
        )
        settings = Settings(base_url=configured.openai_url)
        diagnosis = await diagnose(settings, tries=1, local_servers=servers)
    found = diagnosis.check("local_several")
    assert found.status is Status.OK
    assert f"--base-url {several.openai_url} --model qwen2.5vl:7b" in found.advice
    assert f"--base-url {locked.openai_url}" in diagnosis.check("local_locked").advice
    assert "ZOOMREFINE_API_KEY" in diagnosis.check("local_locked").advice
    assert diagnosis.check("local_nobody").status is Status.SKIPPED
    assert diagnosis.check("local_other").status is Status.SKIPPED
    assert "house-model" in diagnosis.check("local_configured").finding
    assert diagnosis.check("local_configured").advice == ""
    for server in (several, locked):
        assert server.requests == []
        assert not any("authorization" in request.headers for request in server.listings)


async def test_a_model_that_nobody_asks_is_a_warning_with_the_flag_of_the_server_that_lists_it():
    with SightedServer(models=["llama3:8b", "qwen2.5vl:7b"]) as server:
        neighbours = (LocalServer("ollama", server.openai_url),)
        diagnosis = await diagnose(Settings(model="qwen2.5vl:7b"), tries=1, local_servers=neighbours)
    check = diagnosis.check("backend")
    assert (check.status, check.code, diagnosis.exit_code) == (Status.WARNING, "model_not_used", 0)
    assert "--model qwen2.5vl:7b is not used" in check.finding
    assert f"--base-url {server.openai_url}" in check.advice


# The command


def test_the_command_prints_one_object_with_stable_names_and_ends_with_0(capsys):
    with SightedServer() as server:
        assert main(["doctor", "--base-url", server.openai_url, "--tries", "2", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["ok"], told["exit_code"]) == (True, 0)
    assert [check["name"] for check in told["checks"]] == [*NAMES[:5], *LOCAL, *NAMES[5:]]
    assert {"name", "status", "finding", "advice", "code", "facts"} == set(told["checks"][0])
    assert {check["status"] for check in told["checks"]} <= {"ok", "warning", "failed", "skipped"}
    assert "test card 2 of 2" in err


@pytest.mark.parametrize(
    ("options", "key", "failing", "advice"),
    [
        ({"drops_pictures": True}, "", "picture", "--mmproj"),
        ({"key": "right"}, KEY, "reach", "Check ZOOMREFINE_API_KEY"),
        ({"family": "qwen3-vl", "named": "Qwen2.5-VL-7B"}, "", "box", "--box-convention per-thousand"),
    ],
)
def test_the_command_prints_a_table_with_what_to_do_and_ends_with_3_where_the_backend_has_to_be_mended(
    options, key, failing, advice
):
    with SightedServer(**options) as server:
        code, out, err = start("--base-url", server.openai_url, "--tries", "2", ZOOMREFINE_API_KEY=key)
    assert code == 3, err
    [row] = [line for line in out.splitlines() if " FAILED " in line]
    assert row.startswith(failing)
    assert advice in " ".join(out.split())
    assert out.splitlines()[-1] == f"To be mended: {failing}."
    assert KEY not in out + err


def test_the_command_ends_with_2_where_a_setting_is_missing(capsys):
    with SightedServer(models=["a", "b"]) as server:
        assert main(["doctor", "--base-url", server.openai_url]) == 2
    assert "To be mended: model." in capsys.readouterr().out


def test_what_could_not_be_looked_at_takes_one_row_and_the_command_ends_with_3_where_nothing_listens(capsys):
    assert main(["doctor", "--base-url", f"http://127.0.0.1:{free_port()}/v1", "--model", "m"]) == 3
    out = capsys.readouterr().out
    assert "To be mended: reach." in out
    [row] = [line for line in out.splitlines() if line.startswith("further")]
    assert "reached first" in row


@pytest.mark.parametrize("arguments", [["--tries", "0"], ["--tries", "many"], ["--backend", "none"], ["picture.jpg"]])
def test_the_command_refuses_what_it_does_not_take_in_one_line(arguments, capsys):
    assert main(["doctor", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


async def test_control_sequences_in_a_models_name_do_not_reach_the_terminal():
    with SightedServer(models=["\x1b[31mred", "blue"]) as server:
        lines = table(await examined(server))
    assert "\x1b" not in "\n".join(lines)
    assert not any("31mred" in line for line in lines)  # a name that cannot be typed is none to choose from
    assert any("blue" in line for line in lines)


async def test_a_key_that_a_server_lists_as_a_model_is_not_repeated():
    with SightedServer(lists=[KEY, "blue"]) as server:
        diagnosis = await examined(server, api_key=KEY, model="red")
    assert KEY not in "\n".join(table(diagnosis))
    assert KEY not in str(diagnosis.as_json())
    assert "blue" in str(diagnosis.as_json())

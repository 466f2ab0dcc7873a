"""Flags over environment over defaults; bad values named, secrets never repeated."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from zoomrefine_mcp.errors import BadRequest
from zoomrefine_mcp.settings import Settings, env_name, flag_name

SECRET_FIELDS = [
    "api_key",
    "openai_api_key",
    "openai_org_id",
    "openai_project_id",
    "openai_custom_headers",
    "anthropic_api_key",
    "anthropic_auth_token",
    "anthropic_custom_headers",
]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(env_name(field), raising=False)


def test_without_flags_and_environment_the_defaults_hold():
    settings = Settings()
    assert (settings.backend, settings.policy, settings.model, settings.timeout_s) == ("auto", "adaptive", None, None)
    assert (settings.max_megapixels, settings.allow_dirs, settings.save_dir) == (1000, (), None)


def test_a_flag_beats_the_environment_which_beats_the_default(monkeypatch):
    monkeypatch.setenv("ZOOMREFINE_POLICY", "paper")
    monkeypatch.setenv("ZOOMREFINE_VIEW_EDGE", "1024")
    settings = Settings(policy="direct")
    assert (settings.policy, settings.view_edge) == ("direct", 1024)


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("ZOOMREFINE_MODEL", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("ZOOMREFINE_VIEW_EDGE", "")
    settings = Settings()
    assert (settings.model, settings.openai_api_key, settings.view_edge) == (None, None, None)


def test_the_allowed_directories_are_separated_as_path_is(monkeypatch):
    monkeypatch.setenv("ZOOMREFINE_ALLOW_DIRS", os.pathsep.join(["/data", "", "/scans of mine"]))
    assert Settings().allow_dirs == (Path("/data"), Path("/scans of mine"))


def test_a_directory_given_by_flag_may_hold_the_separator():
    assert Settings(allow_dirs=[f"/data{os.pathsep}x"]).allow_dirs == (Path(f"/data{os.pathsep}x"),)


def test_the_providers_variables_keep_their_names_and_have_no_other(monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("ZOOMREFINE_OPENAI_PROJECT_ID", "not read")
    settings = Settings()
    assert settings.openai_org_id is not None
    assert settings.openai_org_id.get_secret_value() == "org-1"
    assert settings.openai_project_id is None


def test_a_dotenv_file_in_the_working_directory_is_not_read(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("ZOOMREFINE_MODEL=from-file\n")
    monkeypatch.chdir(tmp_path)
    assert Settings().model is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("backend", "gpt"),
        ("policy", "fast"),
        ("view_edge", "12"),
        ("view_edge", "wide"),
        ("timeout_s", "0"),
        ("timeout_s", "inf"),
        ("timeout_s", "nan"),
        ("max_megapixels", "-1"),
        ("max_file_mb", "much"),
        ("max_tokens", "1.5"),
        ("model", "m" * 301),
    ],
)
def test_a_bad_value_is_an_error_that_names_the_setting_its_flag_and_what_it_takes(monkeypatch, field, value):
    monkeypatch.setenv(env_name(field), value)
    with pytest.raises(BadRequest) as caught:
        Settings()
    assert str(flag_name(field)) in caught.value.message
    assert env_name(field) in caught.value.message
    assert "takes" in caught.value.message
    assert value[:80] in caught.value.message
    assert env_name(field) in caught.value.hint
    assert caught.value.context == {"setting": field}


def test_an_error_in_a_flag_sends_to_the_flag():
    with pytest.raises(BadRequest) as caught:
        Settings(view_edge=1)
    assert "--view-edge" in caught.value.hint
    assert "ZOOMREFINE" not in caught.value.hint


def test_a_setting_that_does_not_exist_is_refused():
    with pytest.raises(BadRequest, match="no setting 'viewedge'"):
        Settings(viewedge=1)


@pytest.mark.parametrize("field", ["api_key", "openai_api_key", "openai_project_id", "anthropic_auth_token"])
def test_a_broken_key_is_refused_without_being_repeated(monkeypatch, field):
    monkeypatch.setenv(env_name(field), "sk-plan\nted")
    with pytest.raises(BadRequest) as caught:
        Settings()
    assert env_name(field) in caught.value.message
    assert "plan" not in f"{caught.value.message}{caught.value.hint}{caught.value.context}{caught.value!r}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_key_pasted_with_its_newline_is_mended(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", " sk-1\n")
    key = Settings().openai_api_key
    assert key is not None
    assert key.get_secret_value() == "sk-1"


def test_no_secret_shows_in_the_settings_own_words(monkeypatch):
    for field in SECRET_FIELDS:
        monkeypatch.setenv(env_name(field), f"planted-{field}")
    monkeypatch.setenv("ZOOMREFINE_BASE_URL", "https://me:planted@host")
    settings = Settings()
    assert "planted" not in repr(settings)
    assert "planted" not in str(settings)


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        Settings().policy = "direct"  # type: ignore[misc]


def test_every_setting_has_words_for_its_help_and_its_errors():
    for field in Settings.model_fields.values():
        assert field.description
        assert isinstance(field.json_schema_extra, dict)
        assert field.json_schema_extra["allowed"]


def test_keys_have_no_flag():
    assert [flag_name(field) for field in SECRET_FIELDS] == [None] * len(SECRET_FIELDS)

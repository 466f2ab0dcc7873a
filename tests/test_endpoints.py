"""Which backend, at which address, with which key."""

from __future__ import annotations

from typing import Any

import pytest

from zoomrefine_mcp.backends.endpoints import Endpoint, choose_endpoint, read_address
from zoomrefine_mcp.errors import BackendAuth, BadRequest, NoBackend
from zoomrefine_mcp.settings import Settings, env_name

EVERY_SECRET = {
    "api_key": "own-key",
    "openai_api_key": "openai-key",
    "openai_org_id": "openai-org",
    "openai_project_id": "openai-project",
    "openai_custom_headers": "X-Gate: openai-header\nX-Other: openai-header",
    "anthropic_api_key": "anthropic-key",
    "anthropic_auth_token": "anthropic-token",
    "anthropic_custom_headers": "X-Gate: anthropic-header",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(env_name(field), raising=False)


def choose(*, ocr_installed: Any = True, **given: Any) -> Endpoint:
    return choose_endpoint(Settings(**given), ocr_installed=ocr_installed)


@pytest.mark.parametrize(
    ("given", "backend", "address"),
    [
        ({"openai_api_key": "k"}, "openai", "https://api.openai.com/v1"),
        ({"anthropic_api_key": "k"}, "anthropic", "https://api.anthropic.com"),
        ({"anthropic_auth_token": "t"}, "anthropic", "https://api.anthropic.com"),
        ({"base_url": "http://box:1/v1"}, "openai", "http://box:1/v1"),
        ({"base_url": "http://box:1/v1", "anthropic_api_key": "k"}, "openai", "http://box:1/v1"),
        ({"openai_base_url": "http://box:1/v1"}, "openai", "http://box:1/v1"),
        ({"anthropic_base_url": "http://box:1"}, "anthropic", "http://box:1"),
        ({"openai_base_url": "http://box:1/v1", "anthropic_api_key": "k"}, "anthropic", "https://api.anthropic.com"),
        ({"backend": "vllm"}, "vllm", "http://localhost:8000/v1"),
        ({"backend": "ocr", "openai_api_key": "k"}, "ocr", "this machine"),
        ({"backend": "anthropic", "base_url": "http://box:1/v1/"}, "anthropic", "http://box:1"),
        ({"backend": "openai", "openai_api_key": "k", "anthropic_api_key": "k"}, "openai", "https://api.openai.com/v1"),
        ({}, "ocr", "this machine"),
    ],
)
def test_what_is_configured_decides_the_backend_and_its_address(given, backend, address):
    endpoint = choose(**given)
    assert (endpoint.backend, endpoint.address) == (backend, address)


def test_the_keys_of_two_providers_are_an_error_that_says_how_to_choose():
    with pytest.raises(BadRequest) as caught:
        choose(openai_api_key="k", anthropic_auth_token="t")  # noqa: S106
    assert "--backend openai" in caught.value.hint
    assert "--backend anthropic" in caught.value.hint


def test_nothing_configured_names_what_needs_no_model_the_extra_and_the_keys():
    with pytest.raises(NoBackend) as caught:
        choose(ocr_installed=False)
    for way in ("view_region", "zoomrefine-mcp[ocr]", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ZOOMREFINE_API_KEY"):
        assert way in caught.value.hint


def test_ocr_that_is_asked_for_and_not_installed_says_how_to_install_it():
    with pytest.raises(NoBackend) as caught:
        choose(backend="ocr", ocr_installed=False)
    assert "pip install -e '.[ocr]'" in caught.value.hint


def test_the_scripted_backend_needs_its_script():
    with pytest.raises(BadRequest, match="no script"):
        choose(backend="scripted")
    assert choose(backend="scripted", script="replies.json").wire == "scripted"


@pytest.mark.parametrize(("backend", "variable"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")])
def test_a_provider_without_its_key_is_not_even_asked(backend, variable):
    with pytest.raises(BackendAuth, match=variable):
        choose(backend=backend)


OPENAI_SECRETS = {"openai-key", "openai-org", "openai-project", "openai-header"}


@pytest.mark.parametrize(
    ("given", "goes"),
    [
        ({"backend": "openai"}, OPENAI_SECRETS),
        ({"backend": "openai", "base_url": "https://API.OpenAI.com:443/v1/"}, OPENAI_SECRETS),
        ({"backend": "openai", "openai_base_url": "http://gate/v1"}, OPENAI_SECRETS),
        ({"backend": "openai", "openai_base_url": "http://gate/v1", "base_url": "HTTP://Gate:80/v1/"}, OPENAI_SECRETS),
        ({"base_url": "http://gate/v1", "openai_base_url": "http://gate/v1"}, OPENAI_SECRETS),
        ({"backend": "openai", "openai_base_url": "http://gate/v1", "base_url": "http://gate/v2"}, {"own-key"}),
        ({"backend": "openai", "openai_base_url": "http://gate/v1", "base_url": "http://gate:81/v1"}, {"own-key"}),
        ({"backend": "openai", "base_url": "http://api.openai.com/v1"}, {"own-key"}),
        ({"backend": "openai", "base_url": "https://api.openai.com:8443/v1"}, {"own-key"}),
        ({"backend": "openai", "base_url": "https://api.openai.com.evil.example/v1"}, {"own-key"}),
        ({"backend": "openai", "base_url": "https://evil.example/api.openai.com/v1"}, {"own-key"}),
        ({"backend": "openai", "base_url": "https://xapi.openai.com/v1"}, {"own-key"}),
        ({"backend": "vllm"}, {"own-key"}),
        ({"backend": "vllm", "openai_base_url": "http://localhost:8000/v1"}, OPENAI_SECRETS),
        ({"backend": "anthropic"}, {"anthropic-key", "anthropic-header"}),
        ({"backend": "anthropic", "base_url": "https://api.anthropic.com/v1"}, {"anthropic-key", "anthropic-header"}),
        ({"backend": "anthropic", "anthropic_base_url": "http://gate"}, {"anthropic-key", "anthropic-header"}),
        ({"backend": "anthropic", "base_url": "http://api.anthropic.com"}, {"own-key"}),
        ({"backend": "anthropic", "base_url": "http://localhost:8000"}, {"own-key"}),
        ({"backend": "anthropic", "base_url": "https://api.openai.com/v1"}, {"own-key"}),
        ({"backend": "openai", "base_url": "https://api.anthropic.com/v1"}, {"own-key"}),
        ({"backend": "ocr"}, set()),
        ({"backend": "scripted", "script": "replies.json"}, set()),
    ],
)
def test_a_secret_goes_only_where_it_belongs(given, goes):
    assert set(choose(**EVERY_SECRET, **given).secrets()) == goes


@pytest.mark.parametrize(
    ("given", "goes"),
    [
        ({"backend": "openai", "openai_base_url": "http://gate/v1"}, set()),
        ({"backend": "anthropic", "anthropic_base_url": "http://gate"}, set()),
        ({"backend": "openai", "openai_base_url": "http://gate/v1", "base_url": "http://gate/v1"}, {"own-key"}),
        ({"backend": "anthropic", "anthropic_base_url": "http://gate", "base_url": "http://gate"}, {"own-key"}),
        ({"backend": "openai", "base_url": "https://api.openai.com/v1"}, {"own-key"}),
        ({"backend": "anthropic", "base_url": "https://api.anthropic.com"}, {"own-key"}),
        ({"backend": "vllm"}, {"own-key"}),
        ({"backend": "vllm", "openai_base_url": "http://localhost:8000/v1"}, {"own-key"}),
    ],
)
def test_the_own_key_stands_in_for_a_providers_only_at_an_address_that_was_named(given, goes):
    assert set(choose(api_key="own-key", **given).secrets()) == goes


@pytest.mark.parametrize(("backend", "variable"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")])
def test_the_own_key_does_not_go_to_a_provider_that_nobody_named_and_the_error_says_so(backend, variable):
    with pytest.raises(BackendAuth, match=variable) as caught:
        choose(backend=backend, api_key="own-key")
    assert "ZOOMREFINE_API_KEY goes only to an address that --base-url names" in caught.value.hint


@pytest.mark.parametrize("backend", ["ocr", "scripted"])
def test_an_address_that_a_backend_has_no_use_for_is_refused_and_both_ways_out_are_named(backend):
    with pytest.raises(BadRequest, match=backend) as caught:
        choose(backend=backend, base_url="http://box:1/v1", script="replies.json")
    assert "Drop --base-url" in caught.value.hint
    assert f"drop --backend {backend}" in caught.value.hint


def test_without_a_key_of_its_own_a_foreign_address_gets_none():
    secrets = {name: value for name, value in EVERY_SECRET.items() if name != "api_key"}
    assert choose(**secrets, base_url="http://box:1/v1").secrets() == ()


def test_the_token_goes_where_no_key_is_set():
    endpoint = choose(anthropic_auth_token="anthropic-token")  # noqa: S106
    assert (endpoint.api_key, endpoint.key_variable) == (None, "ANTHROPIC_AUTH_TOKEN")
    assert endpoint.secrets() == ("anthropic-token",)


def test_only_the_providers_own_address_is_official():
    assert choose(openai_api_key="k").official
    assert not choose(openai_api_key="k", openai_base_url="http://gate/v1").official


def test_an_endpoint_shows_no_secret():
    assert "openai-" not in repr(choose(backend="openai", **EVERY_SECRET))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("HTTPS://Example.COM:443/v1//", "https://example.com/v1"),
        ("http://Example.com:80", "http://example.com"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("https://example.com:80/", "https://example.com:80"),
    ],
)
def test_an_address_has_one_form(text, address):
    assert read_address(text, "--base-url") == address


@pytest.mark.parametrize(
    "text",
    [
        "localhost:8000",
        "example.com/v1",
        "ftp://example.com",
        "file:///etc/passwd",
        "http://",
        "http://:8000/v1",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://user:pass-word@host/v1",
        "http://pass-word@host/v1",
        "https://api.openai.com\\@evil.example/v1",
        "https://api.openai.com\\.evil.example/v1",
        "http://host/v1?key=pass-word",
        "http://host/v1#pass-word",
        "http://ho st/v1",
        "http://host/v 1",
        "http://[::1/v1",
        "http://höst/v1",
        "",
    ],
)
def test_what_is_no_plain_address_is_refused_and_not_repeated(text):
    with pytest.raises(BadRequest) as caught:
        read_address(text, "--base-url")
    assert "--base-url" in caught.value.message
    assert "pass-word" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("line", ["No Token: x", "X-A: caf\u00e9", "X-A: a\x00b", ": empty"])
def test_a_custom_header_that_is_none_is_refused_and_not_repeated(line):
    with pytest.raises(BadRequest) as caught:
        choose(openai_api_key="k", openai_custom_headers=line)
    assert "OPENAI_CUSTOM_HEADERS" in caught.value.message
    assert "caf" not in caught.value.message


def test_a_line_without_a_colon_is_passed_over_as_the_sdks_do():
    endpoint = choose(openai_api_key="k", openai_custom_headers="nothing\nX-A: 1\n\n")
    assert [(name, value.get_secret_value()) for name, value in endpoint.headers] == [("X-A", "1")]

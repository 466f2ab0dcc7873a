"""What servers say when they refuse, in their own words, and what becomes of it."""

from __future__ import annotations

import httpx2
import pytest
from pydantic import SecretStr

from zoomrefine_mcp.backends.clients.faults import connection_fault, status_fault
from zoomrefine_mcp.backends.clients.picture_limits import picture_limit
from zoomrefine_mcp.backends.clients.retries import retry_after_s
from zoomrefine_mcp.backends.clients.scrubbing import MAX_ECHO_CHARS, scrub
from zoomrefine_mcp.backends.endpoints import Endpoint
from zoomrefine_mcp.errors import (
    BackendAuth,
    BackendError,
    BackendFailure,
    BackendRateLimited,
    BackendTimeout,
    BackendUnreachable,
    ContextTooLong,
    ModelNotFound,
    ModelRefused,
    PictureRefused,
)
from zoomrefine_mcp.geometry import Size
from zoomrefine_mcp.pictures import Limit

OPENAI = Endpoint(
    "openai",
    "openai",
    "https://api.openai.com/v1",
    official=True,
    api_key=SecretStr("sk-proj-abcdefghij0123456789"),
    key_variable="OPENAI_API_KEY",
)
VLLM = Endpoint("vllm", "openai", "http://localhost:8000/v1")
ANTHROPIC = Endpoint(
    "anthropic",
    "anthropic",
    "https://api.anthropic.com",
    official=True,
    api_key=SecretStr("sk-ant-abcdefghij0123456789"),
    key_variable="ANTHROPIC_API_KEY",
)


def fault(status: int, body: object, endpoint: Endpoint = VLLM, **headers: str) -> BackendFailure:
    return status_fault(status, body, httpx2.Headers(headers), endpoint=endpoint, model="some-model")


def says(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        # OpenAI
        (401, says("Incorrect API key provided: sk-proj-********6789."), BackendAuth),
        (403, says("Country, region, or territory not supported"), BackendAuth),
        (404, says("The model `some-model` does not exist or you do not have access to it."), ModelNotFound),
        (
            400,
            says("This model's maximum context length is 128000 tokens.", code="context_length_exceeded"),
            ContextTooLong,
        ),
        (429, says("You exceeded your current quota", code="insufficient_quota"), BackendRateLimited),
        (400, says("Invalid content: blocked by content_filter", code="content_filter"), ModelRefused),
        # Anthropic
        (404, says("model: some-model", type="not_found_error"), ModelNotFound),
        (529, says("Overloaded", type="overloaded_error"), BackendRateLimited),
        (
            400,
            says("messages.0.content.1.image.source.base64.data: image exceeds 5 MB maximum: 6 bytes > 5 bytes"),
            PictureRefused,
        ),
        (400, says("messages.0.content.1: image dimensions exceed max allowed size: 8000 pixels"), PictureRefused),
        (400, says("image is 2000x1500; the largest dimensions that fit are 1269x952"), PictureRefused),
        (400, says("prompt is too long: 210000 tokens > 200000 maximum"), ContextTooLong),
        (400, says("input length and `max_tokens` exceed context limit: 199000 + 4096 > 200000"), ContextTooLong),
        (413, says("Request exceeds the maximum size"), PictureRefused),
        # vLLM
        (400, says("At most 1 image(s) may be provided in one prompt."), BackendError),
        (400, says("Image has 41,250 patches, which exceeds the maximum of 30,000 patches."), PictureRefused),
        (
            400,
            says("The decoder prompt (length 20000) is longer than the maximum model length of 16384."),
            ContextTooLong,
        ),
        (404, says("The model `some-model` does not exist."), ModelNotFound),
        (400, says("tiny-llm is not a multimodal model"), BackendError),
        # others
        (400, says("the request exceeds the available context size, try increasing it"), ContextTooLong),
        (404, {"error": "model 'some-model' not found, try pulling it first"}, ModelNotFound),
        (404, says("No endpoints found that support image input"), BackendError),
        (400, [says("API key not valid. Please pass a valid API key.")], BackendAuth),
        (503, [says("The model is overloaded. Please try again later.")], BackendRateLimited),
        (408, "", BackendTimeout),
        (504, "<html><h1>504 Gateway Time-out</h1></html>", BackendTimeout),
        (402, says("Insufficient credits"), BackendError),
        (404, {"detail": "Not Found"}, BackendError),
        (502, "<html><head><title>502 Bad Gateway</title></head></html>", BackendError),
        (418, None, BackendError),
        (400, says("at most 4096 tokens"), BackendError),
    ],
)
def test_a_refusal_in_a_servers_own_words_becomes_the_right_kind(status, body, kind):
    assert type(fault(status, body)) is kind


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (400, says("At most 1 image(s) may be provided in one prompt."), "--limit-mm-per-prompt"),
        (400, says("At most 0 image(s) may be provided in one prompt."), "vision"),
        (400, says("tiny-llm is not a multimodal model"), "--model"),
        (404, says("No endpoints found that support image input"), "vision"),
        (404, {"detail": "Not Found"}, "/v1"),
        (404, says("The model `some-model` does not exist."), "--model"),
        (429, says("You exceeded your current quota"), "billing"),
        (400, says("maximum context length is 4096"), "--view-edge"),
    ],
)
def test_the_hint_says_what_to_do(status, body, hint):
    assert hint in fault(status, body).hint


def test_a_refused_key_names_its_variable():
    refused = fault(401, says("Invalid bearer token"), OPENAI)
    assert refused.hint == "Check OPENAI_API_KEY."
    assert "ZOOMREFINE_API_KEY" in fault(401, says("Unauthorized"), VLLM).hint


def test_a_refused_picture_carries_its_limit():
    refused = fault(400, says("image is 2000x1500; the largest dimensions that fit are 1269x952"), ANTHROPIC)
    assert refused.context["limit"].size == Size(1269, 952)


def test_a_limit_on_base64_becomes_one_on_the_pictures_bytes():
    refused = fault(400, says("image exceeds 5 MB maximum: 6213764 bytes > 5242880 bytes"), ANTHROPIC)
    assert refused.context["limit"].bytes == 3_932_160


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ("image dimensions exceed max allowed size: 8000 pixels", Limit(Size(8000, 8000))),
        ("images exceed max allowed size for many-image requests: 2000 pixels", Limit(Size(2000, 2000))),
        ("image of 4000 x 3000 is too large, at most 1568 x 1176", Limit(Size(1568, 1176))),
        ("image of 4000x3000 is too large", Limit()),
        ("image exceeds 5 MB maximum: 6213764 bytes > 5242880 bytes", Limit(bytes=5_242_880)),
        ("images may have 20 MB", Limit(bytes=20_000_000)),
        ("Image has 41,250 patches, which exceeds the maximum of 30,000 patches.", Limit(pixels=30_720_000)),
        ("Image size (200000000 pixels) exceeds limit of 178956970 pixels", Limit(pixels=178_956_970)),
        ("image too large", Limit()),
    ],
)
def test_the_limit_is_what_a_refusal_allows_and_not_what_was_sent(words, limit):
    assert picture_limit(words) == limit


def test_anthropics_limit_is_read_from_the_details():
    body = {"error": {"details": {"error_code": "image_dimensions_too_large", "max_side_length_pixels": 2000}}}
    assert picture_limit("too large", body) == Limit(Size(2000, 2000))


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("key sk-proj-abcdefghij0123456789 is wrong", "key [secret] is wrong"),
        ("key sk-proj-a****6789 is wrong", "key [secret] is wrong"),
        ("key abcdef sk-pr...6789 is wrong", "key abcdef [secret] is wrong"),
        ("Bearer sk-ant-0123456789 was sent", "[secret] was sent"),
        ("a picture of a key-ring", "a picture of a key-ring"),
        ("see https://x.test/... for more", "see https://x.test/... for more"),
        ("two\n lines\tof  words", "two lines of words"),
    ],
)
def test_keys_are_scrubbed_from_what_a_server_says_also_half_masked(words, left):
    assert scrub(words, OPENAI) == left


def test_custom_headers_organization_and_project_are_scrubbed_too():
    endpoint = Endpoint(
        "openai",
        "openai",
        "http://gate",
        organization=SecretStr("org-planted"),
        project=SecretStr("proj-planted"),
        headers=(("X-A", SecretStr("header planted")),),
    )
    assert "planted" not in scrub("got org-planted, proj-planted, header planted", endpoint)


def test_a_placeholder_key_does_not_garble_the_message():
    assert (
        scrub("no model named x", Endpoint("vllm", "openai", "http://box", api_key=SecretStr("x")))
        == "no model named x"
    )


@pytest.mark.parametrize(
    "unit",
    [
        "A",
        "-",
        "a.",
        "*",
        ".",
        "…",
        "<",
        "<a ",
        "Bearer ",
        "sk-",
        "max",
        "model ",
        "image ",
        "image largest ",
        "exceed ",
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_server_that_repeats_megabytes_costs_no_more_than_reading_them(unit, wrapped):
    # A pattern that is quadratic in any of these would not come to its end.
    words = unit * (8_000_000 // len(unit))
    told = fault(400, says(words) if wrapped else words, OPENAI)
    assert len(told.message) < MAX_ECHO_CHARS + 200
    assert len(scrub(words, OPENAI)) <= MAX_ECHO_CHARS


def test_the_beginning_and_the_end_of_a_long_message_say_what_it_is_about():
    echoed = "QUJD" * 1_000_000
    assert type(fault(400, says(f"the prompt is too long: {echoed}"))) is ContextTooLong
    assert type(fault(400, says(f"{echoed}: the prompt is too long"))) is ContextTooLong
    assert type(fault(400, says(f"{echoed}: the prompt is too long: {echoed}"))) is BackendError


@pytest.mark.parametrize("before", range(2980, 3005))
def test_a_secret_where_a_long_message_is_cut_leaves_no_half_of_itself(before):
    endpoint = Endpoint("openai", "openai", "http://gate", api_key=SecretStr("Zq7plantedsecret9Wx4"))
    said = fault(400, says(" " * before + "Zq7plantedsecret9Wx4" + " " * 5000), endpoint).message
    assert "Zq7" not in said
    assert "Wx4" not in said


@pytest.mark.parametrize(
    "body",
    [
        says("image exceeds " + "9" * 400 + " MB"),
        says("image exceeds " + "9" * 5000 + " bytes"),
        says("image too large", details={"max_side_length_pixels": 10**400}),
        says("image too large", details={"max_side_length_pixels": True}),
    ],
)
def test_a_limit_that_is_no_number_of_this_world_is_none(body):
    refused = fault(400, body)
    assert type(refused) is PictureRefused
    assert refused.context["limit"] == Limit()


@pytest.mark.parametrize("depth", [*range(900, 1000, 7), 100_000])
def test_an_error_of_any_depth_costs_no_traceback(depth):
    body: object = "x"
    for _ in range(depth):
        body = [body]
    assert type(fault(400, {"error": {"message": body}})) is BackendError
    assert type(fault(400, {"odd": body})) is BackendError
    assert type(fault(400, body)) is BackendError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "-7"}, 0),
        ({"retry-after": "7", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "7", "retry-after-ms": "soon"}, 7),
        ({"retry-after-ms": "100000"}, 100),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"retry-after": "Wed, 01 Jan 99999 00:00:00 GMT"}, None),
        ({"retry-after": "Fri, 99 Foo 2020 99:99:99 GMT"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "1e300"}, 366 * 24 * 3600),
        ({"retry-after": "soon"}, None),
    ],
)
def test_the_pause_that_a_server_asks_for_is_read_as_the_sdks_read_it_or_not_at_all(headers, seconds):
    assert retry_after_s(httpx2.Headers(headers)) == seconds


def test_a_server_that_is_busy_and_says_how_long_is_overloaded():
    busy = fault(503, says("busy"), **{"retry-after": "100"})
    assert type(busy) is BackendRateLimited
    assert busy.context["retry_after_s"] == 100


def test_a_long_reply_is_cut():
    assert len(scrub("word " * 1000, OPENAI)) == MAX_ECHO_CHARS


@pytest.mark.parametrize(
    ("cause", "kind", "hint"),
    [
        (httpx2.ConnectError("[Errno 111] Connection refused"), BackendUnreachable, "vllm serve"),
        (httpx2.ConnectTimeout(""), BackendUnreachable, "vllm serve"),
        (httpx2.ConnectError("CERTIFICATE_VERIFY_FAILED"), BackendUnreachable, "SSL_CERT_FILE"),
        (httpx2.ReadError(""), BackendUnreachable, "log"),
        (httpx2.RemoteProtocolError("Server disconnected"), BackendUnreachable, "log"),
        (httpx2.ReadTimeout(""), BackendTimeout, "Try again"),
        (None, BackendUnreachable, "vllm serve"),
    ],
)
def test_what_happens_on_the_way_is_told_apart(cause, kind, hint):
    told = connection_fault(cause, VLLM)
    assert type(told) is kind
    assert hint in told.hint
    assert "http://localhost:8000/v1" in told.message

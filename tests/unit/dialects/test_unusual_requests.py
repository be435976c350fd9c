"""Legal requests of unusual form, and the words of refusals, in every dialect."""

import codecs
import json
from typing import Any

import pytest

from rushes.catalog.models import Catalog
from tests.default_config import default_catalog
from tests.unit.dialects.api_client import FIELDS, OPENAI, PNG, Caller, Part, Reply, form

BODIES: dict[str, dict[str, Any]] = {
    OPENAI: FIELDS,
    "/v1/videos": FIELDS,
    "/v2/videos": {"model": "sandbox/video", "prompt": "a cat"},
    "/queue/video": {"prompt": "a cat"},
    "/fal/video": {"prompt": "a cat"},
}
JSON_ONLY = ("/v2/videos", "/queue/video", "/fal/video")
FORM = {"content-type": "multipart/form-data; boundary=limit"}
VEO = "/fal/fal-ai/veo3.1"


@pytest.fixture(params=BODIES)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch, default_catalog())


def message_of(reply: Reply) -> str:
    """Return the error's sentence from any envelope."""
    body = reply.json
    detail = body.get("detail")
    if isinstance(detail, list):
        return str(detail[0]["msg"])
    return str(detail or body.get("message") or body["error"]["message"])


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_of_an_undeclared_type_is_detected_in_every_encoding(
    caller: Caller, path: str, content_type: str, encoding: str
):
    content = json.dumps(BODIES[path]).encode(encoding)
    reply = caller.call("POST", path, content, {"content-type": content_type})
    assert caller.job(reply).request.prompt == "a cat"


@pytest.mark.parametrize("content", [b"", b" \r\n", codecs.BOM_UTF8 + b"x", b"prompt=a"])
def test_text_without_an_object_is_not_json(caller: Caller, path: str, content: bytes):
    reply = caller.call("POST", path, content, {"content-type": "text/plain"})
    assert (reply.status, reply.has_side_effects) == (400, False)
    assert "content-type must be application/json" in message_of(reply)
    assert "(got text/plain)" in message_of(reply)


@pytest.mark.parametrize("media_type", ["text/html", "multipart/form-data", "application/xml"])
@pytest.mark.parametrize("path", JSON_ONLY)
def test_api_without_forms_does_not_suggest_one(caller: Caller, path: str, media_type: str):
    reply = caller.call("POST", path, b"<x/>", {"content-type": media_type})
    assert message_of(reply).startswith(f"content-type must be application/json (got {media_type})")


@pytest.mark.parametrize("content", [b"", b"  \n"])
def test_empty_body_is_named(caller: Caller, path: str, content: bytes):
    reply = caller.call("POST", path, content)
    assert reply.status in (400, 422)
    assert message_of(reply) == "body is empty: it must be a JSON object"


def test_packed_body_is_refused_with_its_encoding(caller: Caller, path: str):
    reply = caller.call("POST", path, BODIES[path], {"content-encoding": "gzip"})
    assert message_of(reply) == 'content-encoding must be identity (got "gzip")'


UNSET: tuple[Part, ...] = (("input_reference", "application/octet-stream", b""), ("seconds", ""))
SET: tuple[Part, ...] = (("input_reference", "image/png", PNG), ("seconds", "8"))


@pytest.mark.parametrize("pairs", [(*UNSET, *SET), (*SET, *UNSET)])
def test_empty_field_beside_a_filled_one_of_its_name_is_unset(
    caller: Caller, pairs: tuple[Part, ...]
):
    fields: list[Part] = [("prompt", "a cat"), ("model", "sandbox/video"), *pairs]
    unset = b'filename=""\r\nContent-Type: application/octet-stream'
    content = form(fields).replace(unset.replace(b'""', b'"file"'), unset)
    request = caller.job(caller.call("POST", OPENAI, content, FORM)).request
    assert (request.seconds, len(request.inputs)) == (8, 1)


@pytest.mark.parametrize(
    "text", ["seconds=&seconds=8", "seconds=8&seconds=", "seconds=&seconds=8&"]
)
def test_empty_field_of_urlencoded_text_is_unset(caller: Caller, text: str):
    header = {"content-type": "application/x-www-form-urlencoded"}
    reply = caller.call("POST", OPENAI, f"prompt=a+cat&model=sandbox/video&{text}", header)
    assert caller.job(reply).request.seconds == 8


def test_many_fields_are_refused_with_the_limit(caller: Caller):
    fields = [(f"field{number}", "1") for number in range(40)]
    reply = caller.form(OPENAI, *fields)
    assert "at most 32 fields with 16 headers each" in message_of(reply)


@pytest.mark.parametrize("source", [{}, {"video": None}, {"video": ""}, None, ""])
def test_source_video_without_a_value_is_unset(caller: Caller, source: Any):
    body = {**BODIES["/v2/videos"], "media": {"source_video": source}}
    assert caller.job(caller.call("POST", "/v2/videos", body)).request.inputs == ()


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        (OPENAI, {"input_reference": "ftp://x"}, '(got "ftp://x")'),
        (OPENAI, {"input_reference": [None]}, "(got a list)"),
        ("/fal/video", {"image_urls": [None]}, "(got null)"),
        ("/fal/video", {"image_url": "photo.png"}, '(got "photo.png")'),
        ("/v2/videos", {"media": {"frame_videos": [{"video": 5}]}}, "(got 5)"),
        (OPENAI, {"webhook": []}, "webhook must be a URL or an object (got a list)"),
        (OPENAI, {"webhook": "x"}, 'webhook must be an http(s) URL (got "x")'),
        (OPENAI, {"webhook": {"url": None}}, "webhook.url must be an http(s) URL (got none)"),
        ("/queue/video", {"duration": 5}, "duration must be one of 4, 8 (got 5)"),
        ("/fal/video", {"duration": 5}, "duration must be one of 4, 8 (got 5)"),
        ("/queue/video", {"height": 333}, "height must be one of 720, 1280 (got 333)"),
        ("/v2/videos", {"width": 5, "height": 5}, "width and height must be one of 1280x720"),
        ("/v2/videos", {"ratio": "1:1"}, "ratio must be one of 16:9, 9:16 (got 1:1)"),
        (OPENAI, {"audio": True}, "does not accept audio"),
        ("/v1/videos", {"audio": True}, "does not accept audio"),
        ("/queue/video", {"size": "1x1"}, "does not accept size"),
        (OPENAI, {"fallbacks": [{"provider": "a", "model": "b"}]}, "fallbacks: unknown model"),
    ],
)
def test_refusal_names_the_clients_field_its_value_and_what_is_allowed(
    caller: Caller, path: str, fields: dict[str, Any], expected: str
):
    reply = caller.call("POST", path, {**BODIES[path], **fields})
    assert (400 <= reply.status < 500, reply.has_side_effects) == (True, False)
    assert expected in message_of(reply)


def test_unknown_provider_is_refused_with_the_known_ones(caller: Caller):
    reply = caller.call("GET", "/v1/videos", query={"provider": "no"})
    named = "provider: unknown provider no (known: sandbox, openai)"
    assert (reply.status, message_of(reply).startswith(named)) == (400, True), reply


@pytest.mark.parametrize(
    ("model", "fields", "missing"),
    [
        ("image-to-video", {}, "image_url"),
        ("first-last-frame-to-video", {}, "first_frame_url"),
        ("first-last-frame-to-video", {"first_frame_url": "https://a.example/"}, "last_frame_url"),
        ("reference-to-video", {"image_urls": []}, "image_urls"),
        ("extend-video", {"video_url": None}, "video_url"),
    ],
)
def test_missing_file_has_the_name_of_fals_model(
    gateway: Caller, model: str, fields: dict[str, Any], missing: str
):
    reply = gateway.call("POST", f"{VEO}/{model}", {"prompt": "a cat", **fields})
    (error,) = reply.json["detail"]
    assert (reply.status, error["loc"], error["type"]) == (422, ["body", missing], "missing")
    assert error["msg"] == f"{missing} is required"


def test_length_of_fals_model_is_refused_by_its_own_name(gateway: Caller):
    reply = gateway.call("POST", VEO, {"prompt": "a cat", "duration": "5s"})
    (error,) = reply.json["detail"]
    assert error["msg"].endswith(": duration must be one of 4, 6, 8 (got 5)")


def test_alias_leaves_the_check_of_files_to_its_other_models(monkeypatch: pytest.MonkeyPatch):
    catalog = default_catalog()
    both = ("fal/fal-ai/veo3.1/image-to-video", "fal/fal-ai/veo3.1")
    aliases = {**catalog.aliases, "veo": {"models": both}}
    changed = Catalog.model_validate({**catalog.model_dump(), "aliases": aliases})
    caller = Caller(monkeypatch, changed)
    assert caller.job(caller.call("POST", "/fal/veo", {"prompt": "a cat"})).model == both[1]


@pytest.mark.parametrize("model", ["openai%2Fplain", "openai/pl%61in", "openai%2fplain"])
@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/queue", {"prompt": "a cat"}, 200),
        ("/fal", {"prompt": "a cat"}, 200),
        ("/v1/async", {"input": {"prompt": "a cat"}}, 202),
    ],
)
def test_model_in_the_path_may_be_percent_encoded(
    caller: Caller, path: str, body: dict[str, Any], status: int, model: str
):
    reply = caller.call("POST", f"{path}/{model}", body)
    assert caller.job(reply, status).model == "openai/plain"


@pytest.mark.parametrize("prefix", ["/queue", "/pipelet/queue", "/fal"])
@pytest.mark.parametrize("path", ["/x/requests", "/x/requests/job_1/logs", "/x/y/requests/1/2/3"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_unknown_url_of_a_job_is_not_a_model(caller: Caller, prefix: str, path: str, method: str):
    reply = caller.call(method, prefix + path, b"{}" if method == "POST" else None)
    assert (reply.status, reply.headers.get("allow")) == (404, None)
    assert message_of(reply) == f"unknown URL: {method} {prefix}{path}"

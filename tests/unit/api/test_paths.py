"""Paths as clients and proxies write them: slashes, base paths, HEAD, other methods."""

from typing import Any

import pytest

from functions.api.app import lambda_handler
from rushes.api.paths import allowed_methods, canonical_path
from rushes.dialects import DIALECTS
from tests.unit.dialects.api_client import BASES, CONTEXT, Caller, event

EXECUTE_API = "abcdef1234.execute-api.eu-central-1.amazonaws.com"
OWN = f"https://{EXECUTE_API}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/videos", "/v1/videos"), ("/v1/videos/", "/v1/videos"), ("//v1/videos", "/v1/videos"),
        ("/v1//videos///job_1", "/v1/videos/job_1"), ("/v1/../v2/videos", "/v2/videos"),
        ("", "/"), ("/", "/"), ("//", "/"), ("v1/videos", "/v1/videos"),
        ("/v1/models/sandbox%2Fvideo/", "/v1/models/sandbox%2Fvideo"),
        ("/x/v1/videos", "/x/v1/videos"),
    ],
)  # fmt: skip
def test_canonical_path_has_single_slashes(path: str, expected: str):
    assert canonical_path(path, OWN, EXECUTE_API) == expected


@pytest.mark.parametrize(
    ("public_url", "path", "expected"),
    [
        ("https://x.example/media", "/media/v1/videos", "/v1/videos"),
        ("https://x.example/media/", "/media//v1/videos/", "/v1/videos"),
        ("https://x.example/a/b", "/a/b/openai/v1/videos", "/openai/v1/videos"),
        ("https://x.example/media", "/v1/videos", "/v1/videos"),
        ("https://x.example/media", "/media2/v1/videos", "/media2/v1/videos"),
        ("https://x.example/media", "/media/unknown", "/media/unknown"),
        ("https://x.example/v1", "/v1/v1/videos", "/v1/videos"),
        ("https://x.example/v1", "/v1/webhook_endpoints", "/v1/webhook_endpoints"),
        ("https://x.example/fal", "/fal/fal/fal-ai/x", "/fal/fal-ai/x"),
        ("https://x.example/fal", "/fal/fal-ai/x", "/fal/fal-ai/x"),
        ("https://x.example/openai", "/openai/openai/v1/videos", "/openai/v1/videos"),
        ("", "/v1/videos", "/v1/videos"),
    ],
)
def test_canonical_path_is_below_the_public_url(public_url: str, path: str, expected: str):
    assert canonical_path(path, public_url, "x.example") == expected


@pytest.mark.parametrize(
    ("domain", "path", "expected"),
    [
        ("media.example", "/video/v1/videos", "/v1/videos"),
        ("media.example", "/a/b/queue/x/requests/v1", "/queue/x/requests/v1"),
        ("media.example", "/v1/videos", "/v1/videos"),
        ("media.example", "/fal/fal-ai/v1/x", "/fal/fal-ai/v1/x"),
        ("media.example", "/video/unknown", "/video/unknown"),
        (EXECUTE_API, "/video/v1/videos", "/video/v1/videos"),
        ("", "/video/v1/videos", "/video/v1/videos"),
    ],
)
def test_canonical_path_has_no_mapping_key_of_a_custom_domain(
    domain: str, path: str, expected: str
):
    assert canonical_path(path, OWN, domain) == expected


def send(caller: Caller, method: str, path: str, domain: str | None = None) -> dict[str, Any]:
    sent = event(method, path, None, {"authorization": f"Bearer {caller.key}"})
    if domain:
        sent["requestContext"]["domainName"] = domain
    return lambda_handler(sent, CONTEXT)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("form", ["{base}/{id}/", "/{base}/{id}", "{base}//{id}//", "{base}/{id}"])
def test_job_is_found_whatever_the_slashes(caller: Caller, base: str, form: str):
    job_id = caller.create(base).json["id"]
    reply = caller.call("GET", form.format(base=base, id=job_id.replace(":", "%3A")))
    assert (reply.status, reply.json["id"]) == (200, job_id)


@pytest.mark.parametrize("base", BASES)
def test_api_is_served_below_the_path_of_the_public_url(
    caller: Caller, base: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PUBLIC_URL", "https://media.example/video/")
    job_id = caller.create(base).json["id"]
    for prefix in ("", "/video", "//video/"):
        assert send(caller, "GET", f"{prefix}{base}/{job_id}")["statusCode"] == 200
    assert send(caller, "GET", f"/other{base}/{job_id}")["statusCode"] == 404


@pytest.mark.parametrize("base", BASES)
def test_api_is_served_below_the_mapping_key_of_a_custom_domain(caller: Caller, base: str):
    job_id = caller.create(base).json["id"]
    path = f"/key{base}/{job_id}"
    assert send(caller, "GET", path, "media.example")["statusCode"] == 200
    assert send(caller, "GET", path, EXECUTE_API)["statusCode"] == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/openai/v1/videos", 200),
        ("/v1/models", 200),
        ("/v1/models/sora-2", 200),
        ("/v2/models", 200),
        ("/fal/v1/models", 200),
        ("/v1/videos/{id}", 200),
        ("/v2/videos/{id}", 200),
        ("/v1/async/requests/{id}", 200),
        ("/queue/sora-2/requests/{id}/status", 200),
        ("/fal/sora-2/requests/{id}/status", 202),
        ("/v1/videos/{id}/content", 404),
        ("/v1/videos/job_1", 404),
        ("/nowhere", 404),
    ],
)
def test_head_has_the_status_and_headers_of_get_without_a_body(
    caller: Caller, path: str, status: int
):
    path = path.format(id=caller.create().json["id"])
    head, get = caller.call("HEAD", path), caller.call("GET", path)
    assert (head.status, get.status) == (status, status)
    assert head.headers == get.headers
    assert (head.text, get.text == "") == ("", False)


def test_head_requires_a_key(caller: Caller):
    assert caller.raw("HEAD", "/v1/models", None, {}).status == 401


def test_every_route_has_allowed_methods():
    for dialect in DIALECTS:
        for route in dialect.routes:
            path = route.path.replace("(.+)", "a/b").replace("<", "").replace(">", "")
            assert route.method in allowed_methods(path)
            assert ("HEAD" in allowed_methods(path)) is ("GET" in allowed_methods(path))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/fal/fal-ai/x", "POST"),
        ("POST", "/v2/models", "GET, HEAD"),
        ("DELETE", "/v2/videos/job_1", "GET, HEAD"),
        ("PATCH", "/v1/webhook_endpoints/we_1", "GET, HEAD, POST, DELETE"),
        ("PUT", "/v1/models/a/b", "GET, HEAD"),
        ("GET", "/v1/input/upload-url", "POST"),
    ],
)
def test_other_method_is_refused_with_the_allowed_ones(
    caller: Caller, method: str, path: str, allowed: str
):
    reply = caller.call(method, path)
    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    assert "method must be" in reply.text

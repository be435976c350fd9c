"""The OpenAPI documents are valid and current, and the api function's responses match them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from local.packaging import ROOT
from rushes.api.native.resource import PREFIX
from rushes.api.native.routes import ROUTES as NATIVE_ROUTES
from rushes.api.openapi import ALL
from rushes.dialects import DIALECTS
from rushes.jobs.result import Artifact, JobError
from rushes.jobs.status import JobStatus
from scripts import generate_openapi
from scripts.openapi.apis import APIS
from tests.unit.dialects.api_client import ACCOUNT, BASE_URL, FIELDS, VIDEO, Caller, Reply
from tests.unit.webhooks.client import Client
from tests.unit.webhooks.harness import URL

NAMES = (ALL, "native", *(api.name for api in APIS))
FAILURE = JobError(code="content_filtered", message="the prompt was refused")


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)


@cache
def document(name: str) -> dict[str, Any]:
    file = ROOT / f"layers/rushes/rushes/api/openapi/{name}.json"
    content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return content


def test_documents_are_current():
    assert generate_openapi.outdated() == [], "run `python -m scripts.generate_openapi`"


def test_script_checks_the_documents():
    command = [sys.executable, "-m", "scripts.generate_openapi", "--check"]
    subprocess.run(command, cwd=ROOT, check=True)


@pytest.mark.parametrize("name", NAMES)
def test_document_is_valid(name: str):
    OpenAPIV31SpecValidator(document(name)).validate()


@pytest.mark.parametrize("name", NAMES)
def test_document_is_served_without_a_key(caller: Caller, name: str):
    path = "/openapi.json" if name == ALL else f"/openapi/{name}.json"
    reply = caller.raw("GET", path, None, {})
    assert (reply.status, reply.json) == (200, document(name))
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "public, max-age=3600"


@pytest.mark.parametrize(
    "path", ["/openapi/none.json", "/openapi/openai", "/openapi/openai.yaml", "/openapi"]
)
def test_unknown_document_is_not_found(caller: Caller, path: str):
    assert caller.raw("GET", path, None, {}).status == 404


def test_document_has_get_only(caller: Caller):
    reply = caller.raw("POST", "/openapi.json", None, {})
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


def test_head_of_a_document_has_no_body(caller: Caller):
    reply = caller.raw("HEAD", "/openapi.json", None, {})
    assert (reply.status, reply.text) == (200, "")


def test_complete_document_has_every_supported_route():
    routes = {
        (route.method.lower(), re.sub(r"<(\w+)>", r"{\1}", route.path).replace("(.+)", "{name}"))
        for api in APIS
        for route in api.routes
        if route.verb != "unsupported"
    }
    routes |= {
        (route.method.lower(), PREFIX + re.sub(r"<(?:path:)?(\w+)>", r"{\1}", route.path))
        for route in NATIVE_ROUTES
    }
    assert {api.name for api in APIS} == {*(dialect.name for dialect in DIALECTS), "webhooks"}
    paths = document(ALL)["paths"]
    assert {(method, path) for path, item in paths.items() for method in item} == routes


def test_video_job_has_its_published_title():
    for name in ("openai", "bifrost", "together"):
        titles = {
            schema.get("title") for schema in document(name)["components"]["schemas"].values()
        }
        assert "Video job" in titles


def test_request_schema_has_the_bounds_of_its_fields():
    properties = document("openai")["components"]["schemas"]["CreateBody"]["properties"]
    [seconds, _] = properties["seconds"]["anyOf"]
    assert seconds == {"type": "integer", "minimum": 1, "maximum": 3600}


def validate(name: str, method: str, path: str, reply: Reply) -> None:
    """Validate a response by the schema that the document has for its route and status."""
    found = document(name)
    template = next(
        template
        for template in found["paths"]
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        and method.lower() in found["paths"][template]
    )
    responses = found["paths"][template][method.lower()]["responses"]
    response = responses[str(reply.status)]
    if "content" not in response:
        assert reply.text == ""
        return
    schema = response["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": found["components"]}).validate(reply.json)


def request(caller: Caller, name: str, method: str, path: str, body: Any = None) -> Reply:
    reply = caller.call(method, path, body)
    validate(name, method, path, reply)
    validate(ALL, method, path, reply)
    return reply


BASES = {"openai": "/openai/v1/videos", "bifrost": "/v1/videos", "together": "/v2/videos"}
MODELS = {
    "openai": "/openai/v1/models",
    "bifrost": "/v1/models",
    "together": "/v2/models",
    "fal": "/fal/v1/models",
}
CREATES: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (base, FIELDS) for name, base in BASES.items()},
    "pipelet": ("/queue/sandbox/video", {"prompt": "a cat"}),
    "fal": ("/fal/sandbox/video", {"prompt": "a cat"}),
    "tiyaro": ("/v1/async/sandbox/video", {"input": {"prompt": "a cat"}}),
}
JOBS = {
    **{name: (f"{base}/{{id}}",) for name, base in BASES.items()},
    "pipelet": ("/queue/sandbox/video/requests/{id}/status", "/queue/sandbox/video/requests/{id}"),
    "fal": ("/fal/sandbox/video/requests/{id}/status", "/fal/sandbox/video/requests/{id}"),
    "tiyaro": ("/v1/async/requests/{id}",),
}


def created(caller: Caller, name: str) -> str:
    path, body = CREATES[name]
    if name == "together":
        body = {"prompt": "a cat", "model": "sandbox/video", "seconds": 4}
    return caller.job(
        request(caller, name, "POST", path, body), 202 if name == "tiyaro" else 200
    ).id


def running(caller: Caller, name: str) -> str:
    return caller.submitted(created(caller, name)).id


def completed(caller: Caller, name: str) -> str:
    job_id = running(caller, name)
    key = f"outputs/{ACCOUNT}/{job_id}/0.mp4"
    caller.blobs.objects[key] = VIDEO
    artifact = Artifact(key=key, content_type="video/mp4", size=len(VIDEO), sha256="0" * 64)
    job = caller.jobs.get(ACCOUNT, job_id)
    assert job
    return caller.complete(job, artifact)


def failed(caller: Caller, _: str) -> str:
    return caller.finished_job(JobStatus.FAILED, FAILURE)


def cancelled(caller: Caller, _: str) -> str:
    return caller.finished_job(JobStatus.CANCELLED)


@pytest.mark.parametrize("state", [created, running, completed, failed, cancelled])
@pytest.mark.parametrize("name", JOBS)
def test_job_matches_its_schema(caller: Caller, name: str, state: Callable[[Caller, str], str]):
    job_id = state(caller, name)
    for path in JOBS[name]:
        request(caller, name, "GET", path.replace("{id}", job_id))


def test_result_that_is_too_large_matches_its_schema(caller: Caller):
    job = caller.jobs.get(ACCOUNT, running(caller, "pipelet"))
    assert job
    video = Artifact(key="outputs/0", content_type="video/mp4", size=10**8, sha256="0" * 64)
    path = JOBS["pipelet"][1].replace("{id}", caller.complete(job, video))
    assert request(caller, "pipelet", "GET", path).status == 406


@pytest.mark.parametrize("state", [created, completed])
@pytest.mark.parametrize("name", ["pipelet", "fal"])
def test_cancel_matches_its_schema(caller: Caller, name: str, state: Callable[[Caller, str], str]):
    path = JOBS[name][1].replace("{id}", state(caller, name))
    request(caller, name, "PUT", f"{path}/cancel")


@pytest.mark.parametrize("name", ["openai", "bifrost"])
def test_page_and_deletion_match_their_schemas(caller: Caller, name: str):
    base, query = BASES[name], {"provider": "sandbox"}
    job_id = completed(caller, name)
    created(caller, name)
    page = caller.call("GET", base, query=query)
    validate(name, "GET", base, page)
    assert len(page.json["data"]) == 2
    request(caller, name, "GET", f"{base}/{job_id}/content")
    request(caller, name, "POST", f"{base}/{job_id}/remix", {"prompt": "x"})
    request(caller, name, "DELETE", f"{base}/{job_id}")


@pytest.mark.parametrize("name", MODELS)
def test_models_match_their_schema(caller: Caller, name: str):
    assert request(caller, name, "GET", MODELS[name]).status == 200


def test_upload_url_matches_its_schema(caller: Caller):
    path = "/v1/input/upload-url"
    reply = caller.call("POST", path, {}, query={"extension": "mp3"})
    assert reply.status == 201, reply
    validate("tiyaro", "POST", path, reply)


@pytest.mark.parametrize("name", CREATES)
def test_errors_match_their_schema(caller: Caller, name: str):
    path, body = CREATES[name]
    job = JOBS[name][0].replace("{id}", "job_0")
    assert request(caller, name, "GET", job).status in (400, 404)
    wrong = {"input": {"seconds": True}} if name == "tiyaro" else {**body, "seed": True}
    assert request(caller, name, "POST", path, wrong).status in (400, 422)
    assert request(caller, name, "POST", path, b"{").status in (400, 422)
    unauthorized = caller.raw("POST", path, b"{}", {"content-type": "application/json"})
    assert unauthorized.status == 401
    validate(name, "POST", path, unauthorized)


def test_links_of_a_completed_job_are_absolute(caller: Caller):
    job_id = completed(caller, "fal")
    status = request(caller, "fal", "GET", JOBS["fal"][0].replace("{id}", job_id))
    assert status.json["response_url"].startswith(BASE_URL)


def test_webhook_api_matches_its_schemas(monkeypatch: pytest.MonkeyPatch):
    client = Client(monkeypatch)

    def call(method: str, path: str, body: Any = None) -> Any:
        reply = client.call(method, f"/v1/{path}", body)
        validate("webhooks", method, f"/v1/{path}", reply)
        validate(ALL, method, f"/v1/{path}", reply)
        return reply.json

    endpoint = f"webhook_endpoints/{client.create_endpoint()['id']}"
    call("POST", "webhook_endpoints", {"url": URL})
    call("POST", "webhook_endpoints", {"url": "x"})
    call("GET", "webhook_endpoints")
    call("GET", endpoint)
    call("GET", "webhook_endpoints/we_0")
    call("POST", endpoint, {"name": "mine"})
    call("POST", f"{endpoint}/rotate_secret")
    message = f"webhook_messages/{call('POST', f'{endpoint}/test', {})['message_id']}"
    assert call("GET", f"{endpoint}/attempts")["data"]
    assert call("GET", message)["deliveries"]
    call("POST", f"{message}/resend")
    call("POST", f"{endpoint}/resend", {"since": 0})
    call("GET", "webhook_secret")
    call("POST", "webhook_secret/rotate")
    assert call("GET", "webhook_event_types")["data"]
    assert call("DELETE", endpoint)["deleted"]

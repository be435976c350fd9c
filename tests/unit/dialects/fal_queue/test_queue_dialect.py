"""Tests of the paths, dialect selection and statuses that fal's and Pipelet's queues share."""

import base64
from itertools import product
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.api.app import app
from rushes.dialects import DIALECTS
from rushes.dialects.fal_queue.fal import FalDialect
from rushes.dialects.fal_queue.pipelet import PipeletDialect
from rushes.errors import AwsUnavailable
from rushes.jobs.request import Role
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from rushes.ports.jobs import Change
from tests.unit.dialects.api_client import (
    BASE_URL,
    PNG,
    Caller,
    Reply,
    assert_refused_in_queue,
    cases,
)
from tests.unit.dialects.test_fuzz import bounded, texts, values

PREFIXES = ("/queue", "/pipelet/queue", "/fal")
MODELS = ("sora-2", "sandbox/video")
BODY = {"prompt": "a cat"}
VERBS = {"status": ("GET", "/status"), "cancel": ("PUT", "/cancel"), "result": ("GET", "")}
REFUSED = JobError(code="upstream_refused", message="the prompt was refused")


@pytest.fixture(params=PREFIXES)
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def create(caller: Caller, prefix: str, scheme: str = "Bearer") -> Reply:
    headers = {"authorization": f"{scheme} {caller.key}"}
    return caller.call("POST", f"{prefix}/sora-2", BODY, headers)


def send(
    caller: Caller, verb: str, job_id: str, prefix: str = "/queue", scheme: str = "Bearer"
) -> Reply:
    method, tail = VERBS[verb]
    key = {"authorization": f"{scheme} {caller.key}"}
    return caller.call(method, f"{prefix}/any/app/requests/{job_id}{tail}", headers=key)


@pytest.mark.parametrize(
    ("prefix", "scheme", "dialect"),
    [
        ("/queue", "Bearer", "pipelet"),
        ("/queue", "Key", "fal"),
        ("/queue", "key", "fal"),
        ("/pipelet/queue", "Key", "pipelet"),
        ("/pipelet/queue", "Bearer", "pipelet"),
        ("/fal", "Key", "fal"),
        ("/fal", "Bearer", "fal"),
    ],
)
def test_for_request_selects_dialect_by_prefix_or_authorization_scheme(
    caller: Caller, prefix: str, scheme: str, dialect: str
):
    status = send(caller, "status", caller.create().json["id"], prefix, scheme)
    assert ("x-fal-request-id" in status.headers) is (dialect == "fal")
    assert caller.job(create(caller, prefix, scheme)).dialect == dialect


@pytest.mark.parametrize("scheme", ["Key", "key ", "KEY\t", "Bearer"])
def test_read_key_accepts_key_and_bearer_schemes(caller: Caller, prefix: str, scheme: str):
    assert create(caller, prefix, scheme).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        *(({"authorization": key}, 401) for key in ("", "Key", "Key ", "Key nonsense", "Digest x")),
        ({"x-api-key": "rk_other"}, 400),
    ],
)
def test_create_refuses_missing_or_invalid_key(
    caller: Caller, prefix: str, headers: dict[str, str], status: int
):
    reply = caller.call("POST", f"{prefix}/sora-2", BODY, headers)
    assert_refused_in_queue(reply, "", status)
    assert reply.json["detail"]


@pytest.mark.parametrize("model", MODELS)
def test_urls_of_a_job_keep_the_prefix_of_the_create_call(caller: Caller, prefix: str, model: str):
    created = caller.call("POST", f"{prefix}/{model}", BODY).json
    one = f"{BASE_URL}{prefix}/{model}/requests/{created['request_id']}"
    urls = {"response_url": one, "status_url": f"{one}/status", "cancel_url": f"{one}/cancel"}
    assert urls.items() <= created.items()
    for method, url, status in (
        ("GET", created["status_url"], (200, 202)),
        ("GET", created["response_url"], (400,)),
        ("PUT", created["cancel_url"], (202, 204)),
    ):
        assert caller.call(method, url.removeprefix(BASE_URL)).status in status


def test_routes_match_status_cancel_and_result_at_every_model_length():
    """A model has several path segments; none of them may match the rest of the path."""
    routes = [*app._static_routes, *app._dynamic_routes]
    for prefix, segments, (method, tail) in product(PREFIXES, (1, 2, 3), VERBS.values()):
        path = f"{prefix}{'/segment' * segments}/requests/job_1{tail}"
        route_path, match = next(
            (route.path, match)
            for route in routes
            if route.method == method and (match := route.rule.match(path))
        )
        assert route_path.endswith(f"requests/<job_id>{tail}")
        assert match["job_id"] == "job_1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/submit"), ("POST", "/status"), ("POST", "/cancel"), ("POST", "/metrics"),
        ("POST", "/metrics/x"), ("POST", "/x/requests/job_1"), ("POST", "/x/requests/job_1/status"),
        ("POST", "/x/requests"), ("POST", "/requests"), ("POST", "/a/b/c/d/e/f/g"), ("POST", ""),
        ("POST", "/x/requests/job_1/cancel"),
    ],
)  # fmt: skip
def test_other_paths_return_unknown_url(caller: Caller, prefix: str, method: str, path: str):
    reply = caller.call(method, prefix + path, BODY)
    assert_refused_in_queue(reply, f"{method} {prefix}{path}", 404)
    assert "unknown URL" in reply.json["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/x", "POST"),
        ("DELETE", "/x/y", "POST"),
        ("PUT", "/cancel", "POST"),
        ("DELETE", "/x/requests/job_1/cancel", "PUT"),
        ("OPTIONS", "/x/y/requests/job_1/status", "GET, HEAD"),
    ],
)
def test_other_methods_are_refused(
    caller: Caller, prefix: str, method: str, path: str, allowed: str
):
    reply = caller.call(method, prefix + path, BODY)
    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    assert f"method must be {allowed.replace(', ', ' or ')}" in reply.json["detail"]


@pytest.mark.parametrize("verb", VERBS)
def test_job_of_another_account_is_not_found_like_an_unknown_one(
    caller: Caller, prefix: str, verb: str
):
    foreign, absent = caller.finished_job(JobStatus.COMPLETED), "job_000000000000" + "0" * 20
    caller.key = caller.other_accounts_key
    replies = [send(caller, verb, job_id, prefix) for job_id in (foreign, absent)]
    assert [reply.status for reply in replies] == [404, 404]
    assert replies[0].text.replace(foreign, absent) == replies[1].text


def test_invalid_job_id_is_refused(caller: Caller, prefix: str):
    for job_id in ("a.b", "%C3%A9", "job_1:", "x" * 129):
        assert send(caller, "status", job_id, prefix).status in (400, 404)
    assert send(caller, "status", "a.b", "/queue").status == 400


def job_in_state(caller: Caller, state: str) -> str:
    """Create a job in another dialect, bring it into a state and return its id."""
    now = caller.clock()
    if state in ("completed", "failed", "cancelled"):
        return caller.finished_job(JobStatus(state), REFUSED if state == "failed" else None)
    job_id: str = caller.create().json["id"]
    if state in ("running", "storing"):
        caller.submitted(job_id)
    changes: dict[str, Change] = {
        "waiting": lambda job: job.postponed(now),
        "submitting": lambda job: job.submitting(now, 60),
        "storing": lambda job: job.generated(now + 2, (), None),
    }
    if state in changes:
        caller.change(job_id, changes[state])
    return job_id


@pytest.mark.parametrize(
    ("state", "openai", "pipelet", "fal", "error_type"),
    [
        ("accepted", "queued", "IN_QUEUE", "IN_QUEUE", None),
        ("waiting", "queued", "IN_QUEUE", "IN_QUEUE", None),
        ("submitting", "queued", "IN_QUEUE", "IN_QUEUE", None),
        ("running", "in_progress", "IN_PROGRESS", "IN_PROGRESS", None),
        ("storing", "in_progress", "IN_PROGRESS", "IN_PROGRESS", None),
        ("completed", "completed", "COMPLETED", "COMPLETED", None),
        ("failed", "failed", "FAILED", "COMPLETED", "upstream_refused"),
        ("cancelled", "failed", "CANCELLED", "COMPLETED", "request_cancelled"),
    ],
)
def test_status_of_each_job_state_in_every_dialect(
    caller: Caller, state: str, openai: str, pipelet: str, fal: str, error_type: str | None
):
    job_id = job_in_state(caller, state)
    assert caller.call("GET", f"/openai/v1/videos/{job_id}").json["status"] == openai
    in_pipelet = send(caller, "status", job_id)
    assert (in_pipelet.status, in_pipelet.json["status"]) == (200, pipelet)
    in_fal = send(caller, "status", job_id, "/fal")
    assert in_fal.status == (200 if fal == "COMPLETED" else 202)
    assert (in_fal.json["status"], in_fal.json.get("error_type")) == (fal, error_type)
    for body in (in_pipelet.json, in_fal.json):
        assert {"status", "queue_position", "logs", "response_url"} <= set(body)


@pytest.mark.parametrize(
    ("state", "status", "detail"),
    [
        ("accepted", 400, "Request is still in progress"),
        ("storing", 400, "Request is still in progress"),
        ("failed", 422, "the prompt was refused"),
        ("cancelled", 422, "the request was cancelled"),
    ],
)
def test_result_of_unfinished_or_failed_job_returns_reason(
    caller: Caller, prefix: str, state: str, status: int, detail: str
):
    reply = send(caller, "result", job_in_state(caller, state), prefix)
    body = reply.json
    if prefix == "/fal" and state == "failed":
        assert [error["msg"] for error in body["detail"]] == [detail]
    else:
        assert body["detail"] == detail
    assert reply.status == status


def test_result_of_failed_job_without_error_returns_422(caller: Caller, prefix: str):
    job_id = caller.finished_job(JobStatus.FAILED)
    assert send(caller, "result", job_id, prefix).status == 422


def test_server_error_hides_internal_message(caller: Caller, prefix: str):
    caller.jobs.get = Mock(side_effect=AwsUnavailable("secret"))  # type: ignore[method-assign]
    reply = send(caller, "status", "job_1", prefix)
    assert reply.status == 503
    assert "secret" not in reply.text


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=limit", "text/plain"])
def test_create_refuses_other_content_types(caller: Caller, prefix: str, content_type: str):
    reply = caller.call("POST", f"{prefix}/sora-2", b"--limit--", {"content-type": content_type})
    assert reply.status == 400
    assert reply.json["detail"].startswith("content-type ")


INVALID = {
    "prompt": ["", 5, "x" * 40_000],
    "duration": [5, True, "long", 0],
    "seed": [0.5],
    "segments": [30],
}


@pytest.mark.parametrize(("field", "value"), cases(INVALID))
def test_create_refuses_invalid_field_by_name(caller: Caller, prefix: str, field: str, value: Any):
    assert_refused_in_queue(caller.call("POST", f"{prefix}/sora-2", {**BODY, field: value}), field)


@pytest.mark.parametrize(
    ("body", "named", "status"),
    [(b"[", "body", 400), ({}, "prompt", 400), ({**BODY, "webhook": "x" * 200_000}, "body", 413)],
)
def test_create_refuses_malformed_body(
    caller: Caller, prefix: str, body: Any, named: str, status: int
):
    assert_refused_in_queue(caller.call("POST", f"{prefix}/sora-2", body), named, status)


def test_create_refuses_unknown_model_by_name(caller: Caller, prefix: str):
    assert_refused_in_queue(caller.call("POST", f"{prefix}/fal-ai/none", BODY), "'fal-ai/none'")


def test_create_refuses_unknown_query_parameter_by_name(caller: Caller, prefix: str):
    query = {"fal_hook": "https://hooks.example/"}
    reply = caller.call("POST", f"{prefix}/sora-2", BODY, query=query)
    assert reply.status == 400
    assert "fal_hook is not supported (query parameters of this URL: fal_webhook)" in reply.text


def test_image_data_url_is_stored_in_both_dialects(caller: Caller):
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    for prefix, field in (("/queue", "data_uri"), ("/fal", "image_url")):
        reply = caller.call("POST", f"{prefix}/sora-2", {**BODY, field: url})
        (file,) = caller.job(reply).request.files(Role.IMAGE)
        assert caller.blobs.objects[file.key] == PNG


def test_registry_has_both_dialects_once():
    types = [type(dialect) for dialect in DIALECTS]
    assert types.count(PipeletDialect) == types.count(FalDialect) == 1


FIELD_NAMES = (
    "prompt", "data_uri", "duration", "width", "height", "seed", "image_url", "image_urls",
    "video_size", "image_size", "audio_url", "video_url", "end_image_url", "webhook",
)  # fmt: skip


@bounded
@given(
    prefix=st.sampled_from(PREFIXES),
    model=st.sampled_from(MODELS) | texts,
    body=st.dictionaries(texts | st.sampled_from(FIELD_NAMES), values, max_size=6),
    headers=st.dictionaries(
        st.sampled_from(["x-pipelet-output", "x-fal-request-timeout", "x-fal-queue-priority"]),
        texts,
    ),
)
def test_create_answers_any_object(
    caller: Caller, prefix: str, model: str, body: dict[str, Any], headers: dict[str, str]
):
    reply = caller.call("POST", f"{prefix}/{model}", {"prompt": "x", **body}, headers)
    assert reply.status < 500, reply
    assert ("detail" in reply.json) is (reply.status != 200)

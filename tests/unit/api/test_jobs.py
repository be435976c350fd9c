"""Behaviour of every dialect: isolation of accounts, redirects, internal errors and log lines."""

import json
import logging
from unittest.mock import Mock

import pytest

from rushes.api.log_events import REQUEST_COMPLETED
from rushes.catalog.published_config import PublishedConfig, parse_catalog
from rushes.dialects import DIALECTS, dialect_of
from rushes.errors import AwsUnavailable, WriteConflict
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import (
    BASES,
    BIFROST,
    CATALOG,
    FIELDS,
    OPENAI,
    VERBS,
    Caller,
    Texts,
    assert_refused,
)

ABSENT_JOB = "job_000000000000" + "0" * 20


def assert_absent(caller: Caller, base: str, verb: str, job_id: str, suffix: str = "") -> None:
    """Check that the job is refused exactly as an unknown one."""
    references = (job_id + suffix, ABSENT_JOB + suffix)
    replies = [caller.request_job(verb, base, reference) for reference in references]
    assert_refused(replies[0], base, 404)
    assert replies[0].text.replace(job_id, ABSENT_JOB) == replies[1].text
    assert replies[0].headers == replies[1].headers


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("suffix", ["", ":sandbox", ":openai", ":absent", "%3Asandbox"])
def test_job_of_another_account_is_not_found(caller: Caller, base: str, verb: str, suffix: str):
    other_job = caller.finished_job(JobStatus.COMPLETED)
    caller.key = caller.other_accounts_key
    assert_absent(caller, base, verb, other_job, suffix)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("verb", VERBS)
def test_deleted_job_is_not_found(caller: Caller, base: str, verb: str):
    deleted = caller.finished_job(JobStatus.COMPLETED)
    assert caller.call("DELETE", f"{base}/{deleted}").status == 200
    assert_absent(caller, base, verb, deleted)


@pytest.mark.parametrize("base", BASES)
def test_list_excludes_jobs_of_other_accounts(caller: Caller, base: str):
    caller.create()
    caller.key = caller.other_accounts_key
    assert caller.call("GET", base, query={"provider": "sandbox"}).json["data"] == []


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("query", [None, {"variant": "video"}])
def test_content_redirects_without_body(caller: Caller, base: str, query: Texts):
    job_id = caller.finished_job(JobStatus.COMPLETED)
    reply = caller.call("GET", f"{base}/{job_id}/content", query=query)
    assert (reply.status, reply.text) == (302, "")
    url = f"https://bucket.example/outputs/alice/{job_id}/0.mp4"
    assert reply.headers["location"].startswith(url)
    assert reply.headers["cache-control"] == "no-store"
    assert "content-type" not in reply.headers


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.QUEUED])
def test_content_requires_completed_job(caller: Caller, base: str, status: JobStatus):
    if status is JobStatus.QUEUED:
        job_id = caller.create().json["id"]
    else:
        job_id = caller.finished_job(status, JobError(code="upstream_refused", message="no"))
    reply = caller.call("GET", f"{base}/{job_id}/content")
    assert_refused(reply, base, 404, code="content_not_ready")


@pytest.mark.parametrize("base", BASES)
def test_running_job_can_be_deleted_once(caller: Caller, base: str):
    job_id = caller.create().json["id"]
    assert caller.call("DELETE", f"{base}/{job_id}").json["deleted"] is True
    job = caller.jobs.get("alice", job_id)
    assert job
    assert job.cancel_requested_at
    assert_refused(caller.call("DELETE", f"{base}/{job_id}"), base, 404)


@pytest.mark.parametrize("base", BASES)
def test_every_response_has_request_id(caller: Caller, base: str):
    job_id = caller.finished_job(JobStatus.COMPLETED)
    for reply in (
        caller.create(base),
        caller.call("GET", f"{base}/{job_id}"),
        caller.call("GET", f"{base}/{job_id}/content"),
        caller.call("POST", base, b"["),
        caller.call("GET", base, headers={"authorization": ""}),
        caller.call("GET", "/unknown"),
        caller.call("DELETE", f"{base}/{job_id}"),
    ):
        assert reply.headers["x-request-id"] == "request-of-gateway"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/extensions"), ("POST", "/characters"), ("GET", "/characters/char_1")],
)
@pytest.mark.parametrize("base", BASES)
def test_unsupported_operation_is_reported(caller: Caller, base: str, method: str, path: str):
    reply = caller.call(method, base + path, FIELDS)
    assert_refused(reply, base, 404, code="unsupported_operation")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/a/b"), ("GET", "/../keys"), ("GET", "/job_1/content/x"), ("GET", "x"),
        ("GET", "/\U0001f600"), ("GET", "/" + "x/" * 2000), ("PUT", "/a/b/c"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("base", BASES)
def test_unknown_url_is_reported_in_nearest_dialect(
    caller: Caller, base: str, method: str, path: str
):
    assert_refused(caller.call(method, base + path), base, 404, code="unknown_url")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "", "GET, HEAD, POST"), ("PATCH", "", "GET, HEAD, POST"),
        ("OPTIONS", "", "GET, HEAD, POST"), ("BREW", "/", "GET, HEAD, POST"),
        ("get ", "", "GET, HEAD, POST"), ("DELETE", "", "GET, HEAD, POST"),
        ("POST", "/job_1", "GET, HEAD, DELETE"), ("PUT", "/job_1", "GET, HEAD, DELETE"),
        ("POST", "/job_1/content", "GET, HEAD"), ("GET", "/job_1/remix", "POST"),
        ("HEAD", "/job_1/remix", "POST"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("base", BASES)
def test_other_method_of_a_url_is_refused_with_the_allowed_ones(
    caller: Caller, base: str, method: str, path: str, allowed: str
):
    reply = caller.call(method, base + path)
    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        assert_refused(reply, base, 405, code="method_not_allowed")


@pytest.mark.parametrize("path", ["/", "", "/v1", "/v1/modelsx", "/.env", "\ud800", "*"])
def test_unknown_url_without_prefix_is_reported_in_first_dialect(caller: Caller, path: str):
    assert_refused(caller.call("GET", path), BIFROST, 404)


@pytest.mark.parametrize("path", ["/openai", "/openai/videos", "/openai/v1/chat/completions"])
def test_unknown_url_below_openai_has_its_envelope(caller: Caller, path: str):
    assert_refused(caller.call("POST", path, FIELDS), OPENAI, 404, code="unknown_url")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/openai", "openai"), ("/openai/v2/videos", "openai"), ("/openaix", "bifrost"),
        ("/v1/webhook_endpoints/a/b/c", "openai"), ("/v1/chat/completions", "bifrost"),
        ("/v2/images", "together"), ("/v1/v2/images", "together"), ("/videos/a/b", "together"),
        ("/v1/input/x", "tiyaro"), ("/v1/async", "tiyaro"), ("/fal", "fal"),
        ("/queue/a/requests", "pipelet"), ("/pipelet/x", "pipelet"),
    ],
)  # fmt: skip
def test_dialect_of_selects_the_dialect_of_each_folder(path: str, name: str):
    assert dialect_of(path).name == name


def test_dialect_of_selects_dialect_by_path():
    names = [dialect_of(f"{base}/x/y").name for base in BASES]
    assert names == ["bifrost", "bifrost", "openai"]
    assert dialect_of("/other") is DIALECTS[0]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("secret detail"), 500, "internal_error"),
        (RecursionError("secret detail"), 500, "internal_error"),
        (WriteConflict("secret detail"), 503, "write_conflict"),
        (AwsUnavailable("secret detail"), 503, "service_unavailable"),
    ],
)
def test_internal_errors_use_envelope_and_hide_details(
    caller: Caller, base: str, error: Exception, status: int, code: str
):
    caller.jobs.get = Mock(side_effect=error)  # type: ignore[method-assign]
    reply = caller.call("GET", f"{base}/{ABSENT_JOB}")
    assert (reply.status, reply.code) == (status, code)
    assert reply.json["error"]["type"] == "server_error"
    assert "secret" not in reply.text


def test_model_that_this_release_cannot_read_is_counted(
    caller: Caller, capsys: pytest.CaptureFixture[str]
):
    config = PublishedConfig(version=1, published_at=1.0, source="", catalog=CATALOG)
    content = config.model_dump_json(exclude_unset=True).replace('"seconds":[4,8]', '"seconds":0')
    caller.use(parse_catalog(content.encode(), 1))
    reply = caller.create(OPENAI)
    assert (reply.status, reply.code) == (500, "internal_error")
    assert "ConfigNotReadable" in capsys.readouterr().out
    assert caller.create(OPENAI, model="openai/plain").status == 200


@pytest.mark.parametrize("base", BASES)
def test_create_succeeds_if_execution_cannot_be_started(caller: Caller, base: str):
    caller.executions.error = AwsUnavailable("StartExecution returned ThrottlingException")
    reply = caller.create(base)
    assert reply.status == 200
    assert caller.job(reply).status is JobStatus.QUEUED


def test_each_request_logs_one_event_without_secrets(
    caller: Caller, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO):
        caller.create(prompt="canary-prompt", negative_prompt="canary-negative")
        caller.create(prompt="canary-prompt", seconds="canary-seconds")
        caller.call("GET", f"{OPENAI}/{ABSENT_JOB}", headers={"x-api-key": "canary-key"})
    completed = [record for record in caplog.records if record.message == REQUEST_COMPLETED]
    assert [record.__dict__["status"] for record in completed] == [200, 400, 400]
    logged = json.dumps([record.__dict__ for record in caplog.records], default=str)
    assert "canary" not in logged
    assert caller.key not in logged


def test_child_loggers_have_the_functions_logger_as_parent():
    assert logging.getLogger("rushes.rushes.api.jobs").parent is logging.getLogger("rushes")
    assert "rushes.rushes.api.jobs" in logging.Logger.manager.loggerDict
    assert "rushes.rushes.api.create_job" in logging.Logger.manager.loggerDict

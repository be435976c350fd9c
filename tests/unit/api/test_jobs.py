"""What holds for every call in every dialect: whose job it is, redirects, and our own faults."""

import json
import logging
from typing import Any

import pytest

from rushes.dialects import DIALECTS, dialect_of
from rushes.errors import AwsUnavailable, WriteConflict
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.fakes import FakeJobs
from tests.unit.dialects.api_client import BASES, BIFROST, FIELDS, OPENAI, Caller, assert_refused

VERBS = {
    "retrieve": ("GET", "/{id}", None),
    "content": ("GET", "/{id}/content", None),
    "remix": ("POST", "/{id}/remix", {"prompt": "x"}),
    "delete": ("DELETE", "/{id}", None),
    "edit": ("POST", "/edits", {"prompt": "x", "video": {"id": "{id}"}}),
}
ABSENT = "job_000000000000" + "0" * 20


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)


def call(caller: Caller, base: str, verb: str, job_id: str, key: str) -> Any:
    method, path, body = VERBS[verb]
    text = json.dumps(body).replace("{id}", job_id) if body else None
    headers = {"authorization": f"Bearer {key}"}
    return caller.call(method, base + path.replace("{id}", job_id), text, headers)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("suffix", ["", ":sandbox", ":openai", ":nobody", "%3Asandbox"])
def test_a_strangers_job_is_as_absent_as_one_that_never_was(
    caller: Caller, base: str, verb: str, suffix: str
):
    foreign = caller.ended(JobStatus.COMPLETED)
    before = caller.traces()
    replies = [
        call(caller, base, verb, job_id + suffix, caller.other_accounts_key)
        for job_id in (foreign, ABSENT)
    ]
    assert_refused(replies[0], base, 404)
    assert replies[0].text.replace(foreign, ABSENT) == replies[1].text
    assert replies[0].headers == replies[1].headers
    assert caller.traces() == before


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("verb", VERBS)
def test_a_deleted_job_is_as_absent_as_one_that_never_was(caller: Caller, base: str, verb: str):
    gone = caller.ended(JobStatus.COMPLETED)
    assert caller.call("DELETE", f"{base}/{gone}").status == 200
    replies = [call(caller, base, verb, job_id, caller.key) for job_id in (gone, ABSENT)]
    assert_refused(replies[0], base, 404)
    assert replies[0].text.replace(gone, ABSENT) == replies[1].text


@pytest.mark.parametrize("base", BASES)
def test_strangers_jobs_are_not_listed(caller: Caller, base: str):
    caller.create()
    headers = {"authorization": f"Bearer {caller.other_accounts_key}"}
    assert (
        caller.call("GET", base, headers=headers, query={"provider": "sandbox"}).json["data"] == []
    )


@pytest.mark.parametrize("base", BASES)
def test_content_is_a_redirect_without_a_body(caller: Caller, base: str):
    job_id = caller.ended(JobStatus.COMPLETED)
    reply = caller.call("GET", f"{base}/{job_id}/content")
    assert (reply.status, reply.text) == (302, "")
    assert reply.headers["location"].startswith("https://bucket.example/outputs/alice/")
    assert reply.headers["cache-control"] == "no-store"
    assert "content-type" not in reply.headers


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.QUEUED])
def test_there_is_no_content_before_completion(caller: Caller, base: str, status: JobStatus):
    if status is JobStatus.QUEUED:
        job_id = caller.create().json["id"]
    else:
        job_id = caller.ended(status, JobError(code="upstream_refused", message="no"))
    reply = caller.call("GET", f"{base}/{job_id}/content")
    assert_refused(reply, base, 404)
    assert reply.code == "content_not_ready"


@pytest.mark.parametrize("base", BASES)
def test_a_running_job_may_be_deleted_once(caller: Caller, base: str):
    job_id = caller.create().json["id"]
    assert caller.call("DELETE", f"{base}/{job_id}").json["deleted"] is True
    job = caller.jobs.get("alice", job_id)
    assert job
    assert job.cancel_requested_at
    assert_refused(caller.call("DELETE", f"{base}/{job_id}"), base, 404)


@pytest.mark.parametrize("base", BASES)
def test_every_answer_names_the_request(caller: Caller, base: str):
    job_id = caller.ended(JobStatus.COMPLETED)
    for reply in (
        caller.create(base),
        caller.call("GET", f"{base}/{job_id}"),
        caller.call("GET", f"{base}/{job_id}/content"),
        caller.call("POST", base, b"["),
        caller.call("GET", base, headers={"authorization": ""}),
        caller.call("GET", "/nowhere"),
        caller.call("DELETE", f"{base}/{job_id}"),
    ):
        assert reply.headers["x-request-id"] == "request-of-gateway"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/extensions"), ("POST", "/characters"), ("GET", "/characters/char_1")],
)
@pytest.mark.parametrize("base", BASES)
def test_what_a_dialect_has_and_we_have_not_is_said_so(
    caller: Caller, base: str, method: str, path: str
):
    reply = caller.call(method, base + path, FIELDS)
    assert_refused(reply, base, 404)
    assert reply.code == "unsupported_operation"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", ""), ("PATCH", ""), ("HEAD", ""), ("OPTIONS", ""), ("BREW", ""), ("get ", ""),
        ("DELETE", ""), ("POST", "/job_1"), ("PUT", "/job_1"), ("POST", "/job_1/content"),
        ("GET", "/job_1/remix"), ("GET", "/"), ("GET", "/job_1/"), ("GET", "//content"),
        ("GET", "/a/b"), ("GET", "/../keys"), ("GET", "/job_1/content/x"), ("GET", "x"),
        ("GET", "/\U0001f600"), ("GET", "/" + "x/" * 2000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("base", BASES)
def test_where_nothing_is_the_nearest_dialect_says_so(
    caller: Caller, base: str, method: str, path: str
):
    reply = caller.call(method, base + path)
    assert_refused(reply, base, 404)
    assert reply.code == "unknown_url"


@pytest.mark.parametrize("path", ["/", "", "/v1", "/v1/models", "/.env", "/openai", "\ud800", "*"])
def test_where_no_dialect_is_near_the_first_one_says_so(caller: Caller, path: str):
    assert_refused(caller.call("GET", path), BIFROST, 404)


def test_the_nearest_dialect_is_the_one_whose_path_it_is():
    names = [dialect_of(f"{base}/x/y").name for base in BASES]
    assert names == ["bifrost", "bifrost", "openai"]
    assert dialect_of("/elsewhere") is DIALECTS[0]


def broken(method: str, trouble: Exception) -> Any:
    def fail(*_: Any) -> Any:
        raise trouble

    jobs = FakeJobs()
    setattr(jobs, method, fail)
    return jobs


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        (RuntimeError("secret detail"), 500, "internal_error"),
        (RecursionError("secret detail"), 500, "internal_error"),
        (WriteConflict("secret detail"), 503, "write_conflict"),
        (AwsUnavailable("secret detail"), 503, "service_unavailable"),
    ],
)
def test_our_own_faults_come_in_the_envelope_and_tell_nothing(
    caller: Caller, base: str, trouble: Exception, status: int, code: str
):
    object.__setattr__(caller.endpoints.service, "jobs", broken("get", trouble))
    reply = caller.call("GET", f"{base}/{ABSENT}")
    assert (reply.status, reply.code) == (status, code)
    assert reply.json["error"]["type"] == "server_error"
    assert "secret" not in reply.text


@pytest.mark.parametrize("base", BASES)
def test_a_job_that_could_not_be_started_yet_is_accepted_all_the_same(caller: Caller, base: str):
    caller.executions.trouble = AwsUnavailable("StartExecution answered ThrottlingException")
    reply = caller.create(base)
    assert reply.status == 200
    assert caller.job(reply).status is JobStatus.QUEUED


def test_one_line_is_logged_for_each_call_and_none_tells_secrets(
    caller: Caller, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO):
        caller.create(prompt="canary-prompt", negative_prompt="canary-negative")
        caller.create(prompt="canary-prompt", seconds="canary-seconds")
        caller.call("GET", f"{OPENAI}/{ABSENT}", headers={"x-api-key": "canary-key"})
    answered = [record for record in caplog.records if record.message == "answered"]
    assert [record.__dict__["status"] for record in answered] == [200, 400, 400]
    told = json.dumps([record.__dict__ for record in caplog.records], default=str)
    assert "canary" not in told
    assert caller.key not in told


def test_log_lines_reach_the_one_logger_that_the_function_sets_up():
    assert logging.getLogger("rushes.rushes.api.jobs").parent is logging.getLogger("rushes")
    assert "rushes.rushes.api.jobs" in logging.Logger.manager.loggerDict
    assert "rushes.rushes.api.create_job" in logging.Logger.manager.loggerDict

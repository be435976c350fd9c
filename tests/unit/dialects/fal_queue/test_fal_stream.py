"""Tests of the status stream of fal's queue, which API Gateway cannot keep open."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from rushes.api.job_service import STREAM_SECONDS
from rushes.dialects.fal_queue.queue_dialect import MAX_REDIRECTS
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import Caller, Reply

APP = "/fal/sandbox/video"


def stream(caller: Caller, job_id: str, prefix: str = APP, **query: str) -> Reply:
    return caller.call("GET", f"{prefix}/requests/{job_id}/status/stream", query=query)


def created(caller: Caller) -> Job:
    return caller.job(caller.call("POST", APP, {"prompt": "a cat"}))


def events(reply: Reply) -> list[dict[str, Any]]:
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.text.endswith("\n\n")
    return [json.loads(event.removeprefix("data: ")) for event in reply.text.split("\n\n")[:-1]]


def query_of(reply: Reply) -> dict[str, str]:
    """Return the query of the redirect, which is relative to the request's URL."""
    assert reply.status == 307
    location = urlsplit(reply.headers["location"])
    assert (location.scheme, location.netloc, location.path) == ("", "", "stream")
    return dict(parse_qsl(location.query))


def test_stream_of_completed_request_has_its_states(caller: Caller):
    found = events(stream(caller, caller.finished_job(JobStatus.COMPLETED)))
    assert [event["status"] for event in found] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert all({"queue_position", "logs", "response_url"} <= set(event) for event in found)


@pytest.mark.parametrize(
    ("status", "error_type"),
    [(JobStatus.FAILED, "upstream_refused"), (JobStatus.CANCELLED, "request_cancelled")],
)
def test_stream_of_failed_request_ends_with_its_error(
    caller: Caller, status: JobStatus, error_type: str
):
    error = JobError(code="upstream_refused", message="no") if status is JobStatus.FAILED else None
    last = events(stream(caller, caller.finished_job(status, error)))[-1]
    assert (last["status"], last["error_type"]) == ("COMPLETED", error_type)


def test_stream_of_request_that_never_ran_has_no_progress(caller: Caller):
    job = created(caller)
    outcome = JobOutcome(status=JobStatus.CANCELLED)
    caller.change(job.id, lambda job: job.finished(1, outcome, "run", 60))
    found = events(stream(caller, job.id))
    assert "IN_PROGRESS" not in [event["status"] for event in found]


def test_stream_of_running_request_waits_and_redirects_to_itself(caller: Caller):
    job, before = created(caller), caller.clock()
    reply = stream(caller, job.id, logs="1")
    assert query_of(reply) == {"logs": "1", "redirects": "1"}
    assert caller.clock() - before >= STREAM_SECONDS
    assert query_of(stream(caller, job.id, **query_of(reply)))["redirects"] == "2"


@pytest.mark.parametrize("redirects", [str(MAX_REDIRECTS), "99", "many", "-1", "1.5"])
def test_stream_ends_with_the_current_state_when_the_client_follows_no_further(
    caller: Caller, redirects: str
):
    job = created(caller)
    assert [event["status"] for event in events(stream(caller, job.id, redirects=redirects))] == [
        "IN_QUEUE"
    ]
    caller.submitted(job.id)
    states = [event["status"] for event in events(stream(caller, job.id, redirects=redirects))]
    assert states == ["IN_QUEUE", "IN_PROGRESS"]


@pytest.mark.parametrize("prefix", ["/queue/sandbox/video", "/queue/a", "/fal/a/b/c/d"])
def test_stream_is_found_by_id_below_any_app(caller: Caller, prefix: str):
    job_id = caller.finished_job(JobStatus.COMPLETED)
    assert events(stream(caller, job_id, prefix))[-1]["status"] == "COMPLETED"


def test_stream_of_another_account_is_not_found(caller: Caller):
    job_id = caller.finished_job(JobStatus.COMPLETED)
    caller.key = caller.other_accounts_key
    reply = stream(caller, job_id)
    assert (reply.status, reply.json["status"]) == (404, "NOT_FOUND")

"""JobContext: a decision on a job that another execution has advanced is not written."""

from collections.abc import Callable

import pytest

from rushes.catalog.models import read_catalog
from rushes.errors import (
    UpstreamError,
    UpstreamNoResponse,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnreachable,
)
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact, JobError, Output
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.ports.storage import Download
from rushes.workflow.lease import LEASE_SECONDS
from tests.harness import (
    CANCEL_CALL,
    CATALOG_TEXT,
    CREATE,
    MP4_BYTES,
    POLL_CALL,
    Harness,
    reply,
    video,
)

KEYED = read_catalog(
    CATALOG_TEXT.replace(
        'protocol = "openai_compatible"', 'protocol = "openai_compatible"\nidempotency = "key"', 1
    )
)
OUTPUTS = (Output(url="/0"),)
UNAUTHORIZED = UpstreamRefused("401", code="upstream_unauthorized")


def leased_again(job: Job, now: float) -> Job:
    return job.submitting(now, LEASE_SECONDS)


def during_admission(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, job: Job, error: UpstreamError
) -> None:
    """Another invocation takes the lease, then the admission of this one fails."""

    def decide(*_: object) -> None:
        monkeypatch.undo()
        harness.change(job, leased_again)
        raise error

    monkeypatch.setattr(harness.rate_limits, "decide", decide)


def during_call(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, method: str, action: Callable[[], object]
) -> None:
    """Run `action` once while the provider answers a call."""
    send = harness.http_client.send

    def answer(upstream: Upstream, call: HttpCall) -> HttpReply:
        if call.method == method:
            monkeypatch.undo()
            action()
        return send(upstream, call)

    monkeypatch.setattr(harness.http_client, "send", answer)


@pytest.mark.parametrize("code", ["upstream_unauthorized", "provider_not_configured", "other"])
def test_error_does_not_fail_job_whose_create_call_is_in_flight(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    job = harness.accepted(video("queued"))
    during_admission(harness, monkeypatch, job, UpstreamError("no", code=code))
    assert harness.submit(job)["status"] == "pending"
    now = harness.now(job)
    assert (now.outcome, now.lease_until is None) == (None, False)


def test_deadline_does_not_fail_job_whose_create_call_is_in_flight(harness: Harness) -> None:
    job = harness.accepted()
    harness.clock.now = job.deadline_at + 1
    harness.jobs.before_write = lambda: harness.change(job, leased_again)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).outcome is None


def test_failed_poll_does_not_fail_a_job_that_was_generated_meanwhile(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = harness.running(video("failed"))
    during_call(
        harness,
        monkeypatch,
        "GET",
        lambda: harness.change(job, lambda job, now: job.generated(now, OUTPUTS, None)),
    )
    assert harness.poll(job)["status"] == "pending"
    assert harness.now(job).outcome is None


def test_cancel_of_queued_job_does_not_fail_over_a_generated_result(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = harness.waiting(video("queued"), model="sure")
    harness.clock.advance(100)
    harness.answer(CANCEL_CALL, reply(200))

    def complete() -> None:
        harness.answer(POLL_CALL, video("completed"))
        harness.poll(job)

    during_call(harness, monkeypatch, "DELETE", complete)
    harness.poll(job)
    now = harness.now(job)
    assert (now.provider, now.attempts, now.generated_at is None) == ("sandbox", (), False)


@pytest.mark.parametrize(
    "error",
    [UpstreamNoResponse("no answer"), UpstreamUnreachable("refused"), UpstreamThrottled("busy")],
)
def test_late_answer_does_not_release_the_lease_of_the_next_create_call(
    monkeypatch: pytest.MonkeyPatch, error: UpstreamError
) -> None:
    harness = Harness(catalog=KEYED)
    job = harness.accepted(error)

    def take_lease() -> None:
        harness.clock.advance(LEASE_SECONDS + 1)
        harness.change(job, leased_again)

    during_call(harness, monkeypatch, "POST", take_lease)
    harness.submit(job)
    now = harness.now(job)
    assert now.lease_until == harness.clock() + LEASE_SECONDS
    assert harness.submit(job)["wait_seconds"] == LEASE_SECONDS
    assert [f"{call.method} {call.path}" for call in harness.creates()] == [CREATE]


def test_rejected_key_does_not_release_the_lease_of_the_next_create_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    harness = Harness(catalog=KEYED)
    job = harness.accepted(reply(401))

    def take_lease() -> None:
        harness.clock.advance(LEASE_SECONDS + 1)
        harness.change(job, leased_again)

    during_call(harness, monkeypatch, "POST", take_lease)
    harness.submit(job)
    assert harness.now(job).lease_until == harness.clock() + LEASE_SECONDS


def test_rejected_key_of_unconfirmed_job_keeps_the_lease_of_another_invocation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    harness = Harness(catalog=KEYED)
    job = harness.accepted()
    harness.change(job, leased_again)
    harness.change(job, Job.submission_unconfirmed)
    during_admission(harness, monkeypatch, job, UNAUTHORIZED)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).lease_until is not None


def move(job: Job, now: float) -> Job:
    error = JobError(code="upstream_failed", message="no")
    moved = job.failed_over(now, error, model="m", provider="spare", upstream_model="u", cost=0)
    return moved.submitting(now, 1.0).submitted(now, {"id": "up-2"}, ())


@pytest.mark.parametrize("is_last", [False, True])
def test_outputs_of_another_provider_are_not_recorded(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, *, is_last: bool
) -> None:
    job = harness.running()
    files = OUTPUTS if is_last else (*OUTPUTS, Output(url="/1"))
    harness.http_client.files = {output.url: MP4_BYTES for output in files}
    harness.change(job, lambda job, now: job.generated(now, files, None))
    put = harness.blobs.put_stream

    def put_and_move(key: str, download: Download, content_type: str) -> Artifact:
        monkeypatch.undo()
        harness.change(job, move)
        return put(key, download, content_type)

    monkeypatch.setattr(harness.blobs, "put_stream", put_and_move)
    assert harness.collect(job)["status"] == "pending"
    now = harness.now(job)
    assert (now.outcome, now.collected_outputs, now.artifacts) == (None, (), ())
    assert now.status is JobStatus.IN_PROGRESS

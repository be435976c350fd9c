"""Results after a cancel: a billed output is archived, invisible to the client."""

from collections.abc import Callable

import pytest

from rushes.errors import (
    AwsUnavailable,
    DownloadInterrupted,
    UpstreamNoResponse,
    UpstreamUnreachable,
)
from rushes.jobs.cost import may_be_billed
from rushes.jobs.job import Job
from rushes.jobs.job_state import STALE_AFTER
from rushes.jobs.result import JobError, Output
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.http import HttpReply
from rushes.providers.base import Failed, Succeeded
from rushes.workflow.poll import ARCHIVE_GRACE
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.task import TO_FINISH
from tests.harness import (
    ACCOUNT,
    CANCEL_CALL,
    CONTENT,
    CREATE,
    MP4_BYTES,
    POLL_CALL,
    Harness,
    facts,
    reply,
    video,
)
from tests.unit.workflow.test_poll import SlowProvider

YES, NO, UNSUPPORTED = UpstreamCancelled
CANCEL_REFUSED, IN_PROGRESS = reply(409), video("in_progress")


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    harness.http_client.files[CONTENT] = MP4_BYTES
    return harness


def cancelled(
    harness: Harness,
    result: HttpReply | Exception = IN_PROGRESS,
    answer: HttpReply | Exception = CANCEL_REFUSED,
) -> Job:
    """A job cancelled while running; the provider's answers to polls after it and to the cancel."""
    job = harness.running(IN_PROGRESS)
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(CANCEL_CALL, answer)
    harness.answer(POLL_CALL, IN_PROGRESS, result)
    assert harness.poll(job) == TO_FINISH
    harness.answer(POLL_CALL, result)
    harness.finish(job, f"{job.id}-r2")
    harness.executions.running.update({job.id: False, f"{job.id}-r2": False})
    return harness.now(job)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        *((reply(status), YES) for status in (200, 204)),
        *((reply(status), NO) for status in (201, 202, 400, 401, 404, 409, 429, 500, 503)),
        *((reply(status), UNSUPPORTED) for status in (405, 501)),
        (UpstreamNoResponse("no answer"), NO),
        (UpstreamUnreachable("refused"), NO),
    ],
)
def test_cancel_reports_provider_response(
    harness: Harness, answer: HttpReply | Exception, expected: UpstreamCancelled
) -> None:
    job = cancelled(harness, reply(404), answer)
    assert (job.status, job.upstream_cancelled) == (JobStatus.CANCELLED, expected)
    assert job.is_tracked is (expected is not YES)
    assert harness.bus.events[-1]["data"]["upstream_cancelled"] == expected.value


def test_job_is_tracked_if_provider_has_no_cancel(harness: Harness) -> None:
    harness.adapter = lambda _entry: SlowProvider()
    job = cancelled(harness)
    assert (job.upstream_cancelled, job.is_tracked) == (UNSUPPORTED, True)
    assert harness.calls() == [CREATE, POLL_CALL]


def test_cancel_before_submit_reports_stopped(harness: Harness) -> None:
    job = harness.accepted()
    harness.service.cancel(ACCOUNT, job.id)
    harness.submit(job)
    harness.finish(job)
    assert (harness.now(job).upstream_cancelled, harness.now(job).is_tracked) == (YES, False)


def test_sweeper_starts_execution_that_archives_tracked_job(harness: Harness) -> None:
    job = cancelled(harness)
    assert harness.sweeper.sweep() == 0
    harness.clock.advance(STALE_AFTER)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running[f"{job.id}-r3"]
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 1}
    assert harness.poll(job)["status"] == "pending"
    harness.answer(POLL_CALL, video("completed"))
    assert harness.poll(job) == {"status": "succeeded", "wait_seconds": 0}
    assert harness.collect(job) == TO_FINISH
    harness.finish(job, f"{job.id}-r3")
    done = harness.now(job)
    (archived,) = done.archived_artifacts
    assert archived.key == f"archive/{ACCOUNT}/{job.id}/0.mp4"
    assert (harness.blobs.objects[archived.key], done.artifacts) == (MP4_BYTES, ())
    assert (done.status, done.is_tracked, done.next_check_at) == (JobStatus.CANCELLED, False, None)


def test_archived_result_publishes_no_event(harness: Harness) -> None:
    """The cancelled event was already published."""
    job = cancelled(harness, video("completed"))
    harness.collect(job)
    harness.finish(job, f"{job.id}-r3")
    assert harness.event_types() == ["job.started", "job.cancelled"]
    assert harness.timings.rows == {}


def test_failure_after_cancel_reports_stopped(harness: Harness) -> None:
    job = cancelled(harness, video("failed"))
    assert harness.poll(job) == TO_FINISH
    assert (harness.now(job).upstream_cancelled, harness.now(job).is_tracked) == (YES, False)


def test_tracking_ends_at_deadline(harness: Harness) -> None:
    job = cancelled(harness)
    harness.clock.now = job.deadline_at
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(0.1)
    assert harness.poll(job) == TO_FINISH
    assert (harness.now(job).upstream_cancelled, harness.now(job).is_tracked) == (NO, False)


@pytest.mark.parametrize(
    "error",
    [UpstreamNoResponse("no answer"), reply(503), reply(404), HttpReply(200, {}, b"<html>")],
)
@pytest.mark.parametrize("step", [Harness.poll, Harness.collect])
def test_errors_after_cancel_are_retried(
    harness: Harness, step: Callable[[Harness, Job], object], error: HttpReply | Exception
) -> None:
    job = cancelled(harness, error)
    outcome = step(harness, job)
    assert isinstance(outcome, dict)
    assert outcome["status"] == "pending"
    assert facts(harness.now(job)) == facts(job)


@pytest.mark.parametrize(
    "error", [DownloadInterrupted("410"), AwsUnavailable("throttled"), b"<html>"]
)
def test_interrupted_archive_is_retried(harness: Harness, error: Exception | bytes) -> None:
    job = cancelled(harness, video("completed"))
    harness.http_client.files[CONTENT] = error
    assert harness.collect(job)["status"] == "pending"
    assert (harness.now(job).archived_artifacts, harness.now(job).is_tracked) == ((), True)
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert harness.collect(job) == TO_FINISH
    assert harness.now(job).archived_artifacts


def test_collect_after_cancel_copies_nothing_while_pending(harness: Harness) -> None:
    job = cancelled(harness)
    assert harness.collect(job)["status"] == "pending"
    assert harness.blobs.objects == {}


def archive_one_of_three(
    harness: Harness, job: Job, monkeypatch: pytest.MonkeyPatch, *results: Failed | Succeeded
) -> Job:
    """Archive one output; the second is interrupted. Then the polls return these results."""
    outputs = tuple(Output(url=f"/{number}") for number in range(3))
    harness.http_client.files |= {"/0": MP4_BYTES, "/1": DownloadInterrupted("503")}
    answers = [Succeeded(outputs), *results]
    monkeypatch.setattr(ProviderClient, "poll", lambda *_: answers.pop(0))
    assert harness.collect(job)["status"] == "pending"
    assert len(harness.now(job).collected_outputs) == 1
    return harness.now(job)


def test_tracking_continues_while_outputs_are_archived(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = cancelled(harness)
    outputs = tuple(Output(url=f"/{number}") for number in range(3))
    archive_one_of_three(harness, job, monkeypatch, *[Succeeded(outputs)] * 2)
    harness.clock.now = (job.track_until or 0) + ARCHIVE_GRACE
    harness.http_client.files |= {output.url: MP4_BYTES for output in outputs}
    assert harness.poll(job)["status"] == "succeeded"
    assert harness.collect(job) == TO_FINISH
    assert len(harness.now(job).archived_artifacts) == 3


@pytest.mark.parametrize("ends_by_failure", [False, True])
def test_outputs_archived_so_far_are_kept_and_charged_when_tracking_ends(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, *, ends_by_failure: bool
) -> None:
    job = cancelled(harness)
    failed = Failed(JobError(code="upstream_failed", message="gone"))
    (first,) = archive_one_of_three(harness, job, monkeypatch, failed).collected_outputs
    file = first.artifact()
    if not ends_by_failure:
        harness.clock.now = (job.track_until or 0) + ARCHIVE_GRACE + 1
    assert harness.poll(job) == TO_FINISH
    ended = harness.now(job)
    assert (ended.archived_artifacts, ended.collected_outputs) == ((file,), ())
    assert (ended.is_tracked, ended.upstream_cancelled) == (False, NO)
    assert may_be_billed(ended)


def test_delete_ends_tracking(harness: Harness) -> None:
    job = cancelled(harness)
    harness.service.delete(ACCOUNT, job.id)
    assert not harness.now(job).is_tracked
    assert harness.poll(job) == harness.collect(job) == TO_FINISH
    assert harness.blobs.objects == {}


def test_job_deleted_during_cancel_is_not_tracked(harness: Harness) -> None:
    job = harness.running(IN_PROGRESS)
    harness.service.delete(ACCOUNT, job.id)
    harness.answer(CANCEL_CALL, reply(409))
    harness.poll(job)
    harness.finish(job, f"{job.id}-r2")
    assert not harness.now(job).is_tracked


def test_job_deleted_during_archive_is_purged(harness: Harness) -> None:
    job = cancelled(harness, video("completed"))
    harness.jobs.before_write = lambda: harness.service.delete(ACCOUNT, job.id)
    assert harness.collect(job) == TO_FINISH
    assert harness.now(job).archived_artifacts == ()
    harness.clock.advance(3600)
    harness.sweeper.sweep()
    assert harness.blobs.objects == {}
    assert harness.now(job).purged_at


def test_concurrent_archive_writes_once(harness: Harness) -> None:
    job = cancelled(harness, video("completed"))
    harness.jobs.before_write = lambda: harness.collect(job)
    assert harness.collect(job) == TO_FINISH
    assert harness.now(job).version == job.version + 1
    assert len(harness.blobs.objects) == 1


def test_delete_removes_archived_files(harness: Harness) -> None:
    job = cancelled(harness, video("completed"))
    harness.collect(job)
    assert harness.blobs.objects
    harness.service.delete(ACCOUNT, job.id)
    assert harness.blobs.objects == {}

"""Cancelled, and made all the same: what was paid for is archived, and its owner sees nothing."""

from collections.abc import Callable

import pytest

from rushes.errors import (
    AwsUnavailable,
    DownloadInterrupted,
    UpstreamNoResponse,
    UpstreamUnreachable,
)
from rushes.jobs.job import STALE_AFTER, Job
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports import HttpReply
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from rushes.workflow.task import ENDING
from tests.harness import ACCOUNT, ASK, CONTENT, FILM, STOP, Harness, reply, video

YES, NO, UNSUPPORTED = UpstreamCancelled
GOES_ON = reply(409)


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    harness.http_client.files[CONTENT] = FILM
    harness.answer(ASK, video("in_progress"))
    return harness


class Deaf:
    """A provider that cannot be told to stop."""

    def __init__(self) -> None:
        self._whole = OpenAICompatible()
        self.profile = self._whole.profile
        self.submit, self.submitted = self._whole.submit, self._whole.submitted
        self.poll, self.polled = self._whole.poll, self._whole.polled


def cancelled(harness: Harness, answer: HttpReply | Exception = GOES_ON) -> Job:
    """A job that was cancelled while it ran, and has ended so; `answer` is its provider's."""
    job = harness.running()
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(STOP, answer)
    assert harness.poll(job) == ENDING
    harness.finish(job, f"{job.id}-r2")
    harness.executions.running.update({job.id: False, f"{job.id}-r2": False})
    return harness.now(job)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        *((reply(status), YES) for status in (200, 204)),
        *((reply(status), NO) for status in (201, 202, 400, 401, 404, 409, 429, 500, 503)),
        (UpstreamNoResponse("no answer"), NO),
        (UpstreamUnreachable("refused"), NO),
    ],
)
def test_what_the_provider_says_to_a_cancel_is_told_truly(
    harness: Harness, answer: HttpReply | Exception, told: UpstreamCancelled
) -> None:
    job = cancelled(harness, answer)
    assert (job.status, job.upstream_cancelled) == (JobStatus.CANCELLED, told)
    assert job.is_tracked is (told is not YES)
    assert harness.bus.events[-1]["data"]["upstream_cancelled"] == told.value


def test_a_provider_that_cannot_be_told_is_waited_for(harness: Harness) -> None:
    harness.adapter = lambda _entry: Deaf()
    job = cancelled(harness)
    assert (job.upstream_cancelled, job.is_tracked) == (UNSUPPORTED, True)
    assert len(harness.http_client.calls) == 1


def test_a_job_that_never_reached_a_provider_is_stopped_for_sure(harness: Harness) -> None:
    job = harness.accepted()
    harness.service.cancel(ACCOUNT, job.id)
    harness.submit(job)
    harness.finish(job)
    assert (harness.now(job).upstream_cancelled, harness.now(job).is_tracked) == (YES, False)


def test_who_is_awaited_gets_an_execution_that_fetches_the_result(harness: Harness) -> None:
    job = cancelled(harness)
    assert harness.sweeper.sweep() == 0
    harness.clock.advance(STALE_AFTER)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running[f"{job.id}-r3"]
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 1}
    assert harness.poll(job)["status"] == "pending"
    harness.answer(ASK, video("completed"))
    assert harness.poll(job) == {"status": "succeeded", "wait_seconds": 0}
    assert harness.collect(job) == ENDING
    harness.finish(job, f"{job.id}-r3")
    done = harness.now(job)
    (late,) = done.archived_artifacts
    assert late.key == f"archive/{ACCOUNT}/{job.id}/0.mp4"
    assert (harness.blobs.objects[late.key], done.artifacts) == (FILM, ())
    assert (done.status, done.is_tracked, done.next_check_at) == (JobStatus.CANCELLED, False, None)


def test_of_a_late_result_nobody_is_told(harness: Harness) -> None:
    """The job was cancelled, and that was said."""
    job = cancelled(harness)
    harness.answer(ASK, video("completed"))
    harness.collect(job)
    harness.finish(job, f"{job.id}-r3")
    assert [it["type"] for it in harness.bus.events] == ["job.started", "job.cancelled"]
    assert harness.timings.rows == {}


def test_a_late_failure_means_that_nothing_was_made(harness: Harness) -> None:
    job = cancelled(harness)
    harness.answer(ASK, video("failed"))
    assert harness.poll(job) == ENDING
    assert (harness.now(job).upstream_cancelled, harness.now(job).is_tracked) == (YES, False)


def test_what_does_not_come_by_the_deadline_is_given_up(harness: Harness) -> None:
    job = cancelled(harness)
    harness.clock.now = job.deadline_at
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(0.1)
    assert harness.poll(job) == ENDING
    assert (harness.now(job).upstream_cancelled, harness.now(job).is_tracked) == (NO, False)


@pytest.mark.parametrize(
    "trouble",
    [UpstreamNoResponse("no answer"), reply(503), reply(404), HttpReply(200, {}, b"<html>")],
)
@pytest.mark.parametrize("step", [Harness.poll, Harness.collect])
def test_trouble_with_what_is_late_is_waited_out(
    harness: Harness, step: Callable[[Harness, Job], object], trouble: HttpReply | Exception
) -> None:
    job = cancelled(harness)
    harness.answer(ASK, trouble)
    outcome = step(harness, job)
    assert isinstance(outcome, dict)
    assert outcome["status"] == "pending"
    assert harness.now(job) == job


@pytest.mark.parametrize(
    "trouble", [DownloadInterrupted("410"), AwsUnavailable("throttled"), b"<html>"]
)
def test_a_late_copy_that_breaks_off_is_made_again(
    harness: Harness, trouble: Exception | bytes
) -> None:
    job = cancelled(harness)
    harness.answer(ASK, video("completed"))
    harness.http_client.files[CONTENT] = trouble
    assert harness.collect(job)["status"] == "pending"
    assert (harness.now(job).archived_artifacts, harness.now(job).is_tracked) == ((), True)
    harness.http_client.files[CONTENT] = FILM
    assert harness.collect(job) == ENDING
    assert harness.now(job).archived_artifacts


def test_what_is_not_done_after_all_is_not_copied(harness: Harness) -> None:
    job = cancelled(harness)
    assert harness.collect(job)["status"] == "pending"
    assert harness.blobs.objects == {}


def test_a_deleted_jobs_result_is_not_waited_for(harness: Harness) -> None:
    job = cancelled(harness)
    harness.service.delete(ACCOUNT, job.id)
    assert not harness.now(job).is_tracked
    assert harness.poll(job) == harness.collect(job) == ENDING
    assert harness.blobs.objects == {}


def test_a_job_that_is_deleted_while_it_is_cancelled_is_not_waited_for(harness: Harness) -> None:
    job = harness.running()
    harness.service.delete(ACCOUNT, job.id)
    harness.answer(STOP, reply(409))
    harness.poll(job)
    harness.finish(job, f"{job.id}-r2")
    assert not harness.now(job).is_tracked


def test_a_job_deleted_during_its_late_copy_keeps_nothing_in_the_end(harness: Harness) -> None:
    job = cancelled(harness)
    harness.answer(ASK, video("completed"))
    harness.jobs.before_write = lambda: harness.service.delete(ACCOUNT, job.id)
    assert harness.collect(job) == ENDING
    assert harness.now(job).archived_artifacts == ()
    harness.clock.advance(3600)
    harness.sweeper.sweep()
    assert harness.blobs.objects == {}
    assert harness.now(job).purged_at


def test_two_that_archive_at_once_archive_once(harness: Harness) -> None:
    job = cancelled(harness)
    harness.answer(ASK, video("completed"))
    harness.jobs.before_write = lambda: harness.collect(job)
    assert harness.collect(job) == ENDING
    assert harness.now(job).version == job.version + 1
    assert len(harness.blobs.objects) == 1


def test_deleting_a_job_removes_what_came_late_too(harness: Harness) -> None:
    job = cancelled(harness)
    harness.answer(ASK, video("completed"))
    harness.collect(job)
    assert harness.blobs.objects
    harness.service.delete(ACCOUNT, job.id)
    assert harness.blobs.objects == {}

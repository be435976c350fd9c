"""Dead letters: a result that could not be read is fetched again for a day and archived."""

from collections.abc import Callable

import pytest

from rushes.errors import DownloadInterrupted, InvalidOutput, UpstreamNoResponse
from rushes.jobs.cost import charged, may_be_billed
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpReply
from rushes.workflow import finish as finish_module
from rushes.workflow.collect import INVALID_WINDOW, MIN_INVALID_TRIES
from rushes.workflow.log_events import (
    DEAD_LETTER_ADDED,
    DEAD_LETTER_ARCHIVED,
    DEAD_LETTER_EXPIRED,
)
from rushes.workflow.poll import RETRY_WINDOW
from rushes.workflow.task import DEAD_LETTER, DEAD_LETTER_SECONDS, TO_COLLECT, TO_FINISH, NextStep
from tests.harness import (
    ACCOUNT,
    CONTENT,
    MP4_BYTES,
    PNG_BYTES,
    POLL_CALL,
    Harness,
    reply,
    video,
)

UNREADABLE: dict[str, bytes | Exception] = {
    "an error page": b"<html>soon</html>",
    "an empty body": b"",
    "a cut file": MP4_BYTES[:20],
    "no base64": InvalidOutput("the provider's reply has no base64 at /data"),
    "another media type": PNG_BYTES,
}


def unread(harness: Harness, content: bytes | Exception = b"<html>soon</html>") -> Job:
    """A job that failed because its output could not be read."""
    job = harness.generated(content)
    assert harness.collect_to_end(job) == TO_FINISH
    harness.finish(job)
    return harness.now(job)


def unpolled(harness: Harness, answer: HttpReply) -> Job:
    """A job that failed because the provider's replies were invalid."""
    job = harness.running(answer)
    harness.poll(job)
    harness.clock.advance(RETRY_WINDOW + 1)
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    return harness.now(job)


def cycle(harness: Harness, job: Job) -> NextStep:
    """Poll and collect once, as the execution that tracks the job does."""
    step = harness.poll(job)
    return harness.collect(job) if step == TO_COLLECT else step


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_output_is_read_again_at_once(harness: Harness, name: str) -> None:
    job = harness.generated(UNREADABLE[name])
    assert harness.collect(job) == {"status": "pending", "wait_seconds": 2}
    harness.poll(job)
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert harness.collect(job) == TO_FINISH
    assert harness.finish(job)["status"] == "completed"


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_output_fails_the_job_after_a_window(harness: Harness, name: str) -> None:
    begun = harness.clock()
    job = unread(harness, UNREADABLE[name])
    assert (job.status, job.is_dead_letter) == (JobStatus.FAILED, True)
    assert job.error is not None
    assert job.error.code == "bad_output"
    assert job.error.message.endswith(DEAD_LETTER)
    assert harness.clock() - begun > INVALID_WINDOW
    assert job.collect_attempts >= MIN_INVALID_TRIES


def test_operator_has_the_url_and_the_id_and_clients_have_not(harness: Harness) -> None:
    job = unread(harness)
    assert (job.operation, [output.url for output in job.outputs]) == ({"id": "up-1"}, [CONTENT])
    published = repr(harness.bus.events)
    assert "up-1" not in published
    assert CONTENT not in published


@pytest.mark.parametrize("name", UNREADABLE)
def test_result_that_can_be_read_later_is_archived(
    harness: Harness, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    job = unread(harness, UNREADABLE[name])
    harness.executions.running = {job.execution_name: False}
    harness.clock.advance(61)
    assert harness.sweeper.sweep() == 1
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert cycle(harness, job) == TO_FINISH
    archived = harness.now(job)
    (file,) = archived.archived_artifacts
    assert file.key == f"archive/{ACCOUNT}/{job.id}/0.mp4"
    assert (archived.status, archived.error, archived.artifacts) == (job.status, job.error, ())
    assert (archived.is_tracked, archived.next_check_at) == (False, None)
    assert harness.event_types() == ["job.started", "job.failed"]
    assert DEAD_LETTER_ARCHIVED in caplog.messages


@pytest.mark.parametrize(
    "answer", [HttpReply(200, {}, b""), reply(404), reply(409), reply(401), reply(410)]
)
def test_job_without_a_readable_state_is_polled_for_a_day(
    harness: Harness, answer: HttpReply
) -> None:
    job = unpolled(harness, answer)
    assert job.is_dead_letter
    assert cycle(harness, job)["status"] == "pending"
    harness.answer(POLL_CALL, video("completed"))
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert cycle(harness, job) == TO_FINISH
    assert harness.now(job).archived_artifacts


def test_recorded_urls_are_read_if_the_provider_forgets_the_job(harness: Harness) -> None:
    job = unread(harness)
    harness.answer(POLL_CALL, reply(404))
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert cycle(harness, job) == TO_FINISH
    assert harness.now(job).archived_artifacts


@pytest.mark.parametrize(
    "make", [unread, lambda harness: unpolled(harness, reply(404))], ids=["unread", "unpolled"]
)
def test_polls_of_a_dead_letter_are_bounded(
    harness: Harness, make: Callable[[Harness], Job], caplog: pytest.LogCaptureFixture
) -> None:
    job = make(harness)
    cycles = 0
    while (step := cycle(harness, job)) != TO_FINISH:
        assert step["wait_seconds"] >= 60
        harness.clock.advance(step["wait_seconds"])
        cycles += 1
    assert 50 < cycles < 150
    ended = harness.now(job)
    assert harness.clock() - (job.finished_at or 0) > DEAD_LETTER_SECONDS
    assert (ended.is_tracked, ended.archived_artifacts) == (False, ())
    assert DEAD_LETTER_EXPIRED in caplog.messages


def test_verdict_of_the_provider_ends_the_tracking(harness: Harness) -> None:
    job = unpolled(harness, reply(404))
    harness.answer(POLL_CALL, video("failed"))
    assert cycle(harness, job) == TO_FINISH
    ended = harness.now(job)
    assert (ended.is_tracked, ended.upstream_cancelled) == (False, None)
    assert may_be_billed(ended)


@pytest.mark.parametrize("content", [b"<html>", DownloadInterrupted("403")])
def test_dead_letter_stays_charged(content: bytes | Exception) -> None:
    harness = Harness(daily_dollars=5.0)
    job = unread(harness, content)
    assert charged(job) == 0.4
    harness.http_client.files[CONTENT] = MP4_BYTES
    cycle(harness, job)
    assert charged(harness.now(job)) == 0.4


def test_failure_at_the_provider_is_no_dead_letter(harness: Harness) -> None:
    job = harness.running(video("failed"))
    harness.poll(job)
    harness.finish(job)
    assert not harness.now(job).is_tracked


def test_unknown_outcome_of_a_create_call_is_no_dead_letter(harness: Harness) -> None:
    job = harness.accepted(UpstreamNoResponse("no answer"))
    harness.submit(job)
    harness.finish(job)
    assert (harness.now(job).status, harness.now(job).is_tracked) == (JobStatus.FAILED, False)


def test_dead_letter_is_logged_and_counted(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(finish_module, "count", lambda metric, _: counted.append(metric))
    unread(harness)
    assert DEAD_LETTER_ADDED in caplog.messages
    assert counted == ["DeadLetter"]


def test_delete_ends_a_dead_letter(harness: Harness) -> None:
    job = unread(harness)
    harness.service.delete(ACCOUNT, job.id)
    assert cycle(harness, job) == TO_FINISH
    assert not harness.now(job).is_tracked
    assert harness.blobs.objects == {}

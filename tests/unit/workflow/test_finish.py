"""Finish: the terminal write and its event."""

from collections.abc import Callable
from typing import Any

import pytest
from typing_extensions import override

from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.providers import Timing
from rushes.workflow import wait_times
from rushes.workflow.finish import INTERRUPTION_GRACE
from tests.fakes import FakeTimings, unavailable
from tests.harness import ACCOUNT, MP4_BYTES, Harness


def terminal_events(harness: Harness) -> list[dict[str, Any]]:
    return [event for event in harness.bus.events if event["type"] != "job.started"]


def cancelled(harness: Harness) -> Job:
    job = harness.running()
    return harness.change(job, lambda job, now: job.cancelled_by_client(now, UpstreamCancelled.YES))


def will_fail(harness: Harness) -> Job:
    job = harness.running()
    error = JobError(code="upstream_failed", message="it burns")
    return harness.change(job, lambda job, now: job.will_fail(now, error))


@pytest.mark.parametrize(
    ("state", "status"),
    [(Harness.stored, "completed"), (cancelled, "cancelled"), (will_fail, "failed")],
)
def test_finish_writes_outcome_and_publishes_event(
    harness: Harness, state: Callable[[Harness], Job], status: str
) -> None:
    job = state(harness)
    result = harness.finish(job)
    stored = harness.now(job)
    assert result == {"status": status}
    assert (stored.status.value, stored.outbox) == (status, ())
    assert (stored.finished_at, stored.finished_by) == (harness.clock(), job.id)
    events = terminal_events(harness)
    assert [(event["type"], event["data"]["id"]) for event in events] == [(f"job.{status}", job.id)]


def test_finish_sets_expiry_of_completed_job(harness: Harness) -> None:
    assert harness.completed().expires_at == harness.clock() + 3600.0


def test_terminal_event_names_bucket_of_artifact(harness: Harness) -> None:
    harness.finish(harness.stored())
    (artifact,) = terminal_events(harness)[0]["data"]["artifacts"]
    assert (artifact["bucket"], artifact["size"]) == ("media", len(MP4_BYTES))


def test_repeated_finish_returns_same_result(harness: Harness) -> None:
    """The first result may have been lost."""
    job = harness.stored()
    first = harness.finish(job)
    harness.clock.advance(30)
    ended = harness.now(job)
    assert harness.finish(job) == first
    assert (harness.now(job), len(terminal_events(harness))) == (ended, 1)


def test_finish_writes_status_and_event_together(harness: Harness) -> None:
    job = harness.stored()
    harness.bus.rejections = [AwsUnavailable("throttled")]
    assert harness.finish(job) == {"status": "completed"}
    stored = harness.now(job)
    assert stored.version == job.version + 1
    assert [event["type"] for event in stored.outbox] == ["job.completed"]
    assert terminal_events(harness) == []


def test_repeated_finish_publishes_remaining_events(harness: Harness) -> None:
    job = harness.stored()
    harness.bus.rejections = [[0]]
    harness.finish(job)
    (event,) = harness.now(job).outbox
    harness.finish(job)
    assert (terminal_events(harness), harness.now(job).outbox) == ([event], ())


def test_finish_by_another_execution_publishes_nothing(harness: Harness) -> None:
    job = harness.stored()
    harness.finish(job, "one")
    assert harness.finish(job, "another") == {"status": "completed"}
    assert len(terminal_events(harness)) == 1


def test_concurrent_finish_publishes_once(harness: Harness) -> None:
    job = harness.stored()
    harness.jobs.before_write = lambda: harness.finish(job, "faster")
    assert harness.finish(job, "slower") == {"status": "completed"}
    assert (harness.now(job).finished_by, len(terminal_events(harness))) == ("faster", 1)


@pytest.mark.parametrize("cause", ["Lambda.Unknown", "ConnectTimeoutError", None])
def test_finish_without_outcome_fails_job_and_keeps_the_cause_for_the_operator(
    harness: Harness, cause: str | None
) -> None:
    message = "the workflow failed"
    job = harness.running()
    harness.clock.now = job.deadline_at + INTERRUPTION_GRACE
    harness.finish(job, cause=cause)
    assert harness.now(job).error == JobError(code="internal_error", message=message)
    assert terminal_events(harness)[0]["data"]["error"]["message"] == message
    outcome = harness.now(job).outcome
    assert outcome is not None
    assert outcome.detail == cause


def test_finish_leaves_running_job_to_the_sweeper(harness: Harness) -> None:
    """A function that fails for minutes must not lose a billed generation."""
    job = harness.running()
    assert harness.finish(job, cause="Lambda.Unknown") == {"status": "left"}
    assert (harness.now(job), terminal_events(harness)) == (job, [])
    harness.executions.running[job.id] = False
    harness.clock.advance(61)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running[f"{job.id}-r2"]


def test_finish_fails_job_that_was_never_submitted_after_a_grace(harness: Harness) -> None:
    job = harness.accepted()
    harness.clock.now = job.deadline_at + INTERRUPTION_GRACE - 1
    assert harness.finish(job, cause="Lambda.Unknown") == {"status": "left"}
    harness.clock.advance(1)
    assert harness.finish(job, cause="Lambda.Unknown") == {"status": "failed"}


def test_finish_prefers_outcome_to_cause(harness: Harness) -> None:
    assert harness.finish(harness.stored(), cause="Lambda.Unknown")["status"] == "completed"


def test_finish_deletes_objects_of_deleted_job(harness: Harness) -> None:
    job = harness.generated()
    harness.service.delete(ACCOUNT, job.id)
    harness.blobs.objects[f"outputs/{ACCOUNT}/{job.id}/0.mp4"] = MP4_BYTES
    harness.blobs.objects[f"outputs/{ACCOUNT}/{job.id}0/0.mp4"] = MP4_BYTES
    harness.finish(job)
    assert list(harness.blobs.objects) == [f"outputs/{ACCOUNT}/{job.id}0/0.mp4"]


def test_finish_by_another_execution_deletes_objects_of_deleted_job(harness: Harness) -> None:
    job = harness.completed()
    harness.service.delete(ACCOUNT, job.id)
    harness.blobs.objects[f"outputs/{ACCOUNT}/{job.id}/0.mp4"] = MP4_BYTES
    harness.finish(job, "another")
    assert harness.blobs.objects == {}


def test_finish_records_generation_duration(harness: Harness) -> None:
    job = harness.running()
    harness.clock.advance(100)
    harness.change(job, lambda job, now: job.generated(now, (), None))
    harness.clock.advance(50)  # spent on storing: not part of the duration
    harness.change(job, lambda job, now: job.stored(now, ()))
    harness.finish(job)
    expected = wait_times.record_duration(Timing(), 100.0)
    assert harness.timings.rows == {wait_times.timing_key(job): expected}


@pytest.mark.parametrize("state", [cancelled, will_fail, Harness.running])
def test_finish_records_no_duration_of_incomplete_job(
    harness: Harness, state: Callable[[Harness], Job]
) -> None:
    harness.finish(state(harness))
    assert harness.timings.rows == {}


class FailingTimings(FakeTimings):
    @override
    def put(self, timing_key: str, timing: Timing) -> None:
        raise AwsUnavailable("throttled")


def test_finish_publishes_event_if_duration_cannot_be_stored(harness: Harness) -> None:
    harness.timings = FailingTimings()
    harness.finish(harness.stored())
    assert [event["type"] for event in terminal_events(harness)] == ["job.completed"]


def test_finish_raises_if_terminal_write_fails(harness: Harness) -> None:
    job = harness.stored()
    harness.jobs.before_write = unavailable
    with pytest.raises(AwsUnavailable):
        harness.finish(job)
    assert (harness.now(job).status, terminal_events(harness)) == (JobStatus.IN_PROGRESS, [])
    harness.finish(job)
    assert len(terminal_events(harness)) == 1


def test_finish_ends_the_execution_of_an_unknown_job(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    job = harness.stored()
    harness.jobs.rows.clear()
    assert harness.finish(job) == {"status": "unknown"}
    assert [record.message for record in caplog.records] == ["job_not_found"]
    assert terminal_events(harness) == []


def test_terminal_event_of_deleted_job_has_no_artifacts(harness: Harness) -> None:
    job = harness.stored()
    harness.service.delete(ACCOUNT, job.id)
    harness.finish(job)
    (event,) = terminal_events(harness)
    assert (event["type"], event["data"]["artifacts"]) == ("job.completed", [])
    assert harness.blobs.objects == {}

"""The single way out."""

from collections.abc import Callable
from typing import Any

import pytest
from typing_extensions import override

from rushes.errors import AwsUnavailable, NotFound
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports import Timing
from rushes.workflow import wait_times
from tests.fakes import FakeTimings
from tests.harness import ACCOUNT, FILM, Harness


@pytest.fixture
def harness() -> Harness:
    return Harness()


def endings(harness: Harness) -> list[dict[str, Any]]:
    """The events on the bus that tell of an ending."""
    return [it for it in harness.bus.events if it["type"] != "job.started"]


def cancelled(harness: Harness) -> Job:
    job = harness.running()
    return harness.jobs.change(
        ACCOUNT, job.id, lambda it: it.cancelled_by_client(harness.clock(), UpstreamCancelled.YES)
    )


def will_fail(harness: Harness) -> Job:
    job = harness.running()
    error = JobError(code="upstream_failed", message="it burns")
    return harness.jobs.change(ACCOUNT, job.id, lambda it: it.will_fail(harness.clock(), error))


@pytest.mark.parametrize(
    ("state", "status"),
    [(Harness.stored, "completed"), (cancelled, "cancelled"), (will_fail, "failed")],
)
def test_the_verdict_is_carried_out_and_told(
    harness: Harness, state: Callable[[Harness], Job], status: str
) -> None:
    job = state(harness)
    ending = harness.finish(job)
    stored = harness.now(job)
    assert ending == {"status": status}
    assert (stored.status.value, stored.outbox) == (status, ())
    assert (stored.finished_at, stored.finished_by) == (harness.clock(), job.id)
    told = endings(harness)
    assert [(it["type"], it["data"]["id"]) for it in told] == [(f"job.{status}", job.id)]


def test_a_completed_jobs_files_are_promised_for_as_long_as_they_are_kept(harness: Harness) -> None:
    assert harness.completed().expires_at == harness.clock() + 3600.0


def test_the_event_says_in_which_bucket_the_film_is(harness: Harness) -> None:
    harness.finish(harness.stored())
    (artifact,) = endings(harness)[0]["data"]["artifacts"]
    assert (artifact["bucket"], artifact["size"]) == ("media", len(FILM))


def test_the_same_execution_repeated_says_the_same_again(harness: Harness) -> None:
    """Its first answer may have been lost on its way back."""
    job = harness.stored()
    first = harness.finish(job)
    harness.clock.advance(30)
    ended = harness.now(job)
    assert harness.finish(job) == first
    assert (harness.now(job), len(endings(harness))) == (ended, 1)


def test_the_ending_and_its_event_are_one_write(harness: Harness) -> None:
    """Whatever dies after it, what is to be told is there."""
    job = harness.stored()
    harness.bus.refusals = [AwsUnavailable("throttled")]
    assert harness.finish(job) == {"status": "completed"}
    stored = harness.now(job)
    assert stored.version == job.version + 1
    assert [it["type"] for it in stored.outbox] == ["job.completed"]
    assert endings(harness) == []


def test_the_same_execution_repeated_announces_what_it_could_not(harness: Harness) -> None:
    job = harness.stored()
    harness.bus.refusals = [[0]]
    harness.finish(job)
    (left,) = harness.now(job).outbox
    harness.finish(job)
    assert (endings(harness), harness.now(job).outbox) == ([left], ())


def test_another_execution_has_nothing_to_announce(harness: Harness) -> None:
    job = harness.stored()
    harness.finish(job, "one")
    assert harness.finish(job, "another") == {"status": "completed"}
    assert len(endings(harness)) == 1


def test_of_two_that_finish_at_once_one_ends_the_job_and_announces(harness: Harness) -> None:
    job = harness.stored()
    harness.jobs.before_write = lambda: harness.finish(job, "faster")
    assert harness.finish(job, "slower") == {"status": "completed"}
    assert (harness.now(job).finished_by, len(endings(harness))) == ("faster", 1)


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ("Lambda.Unknown", "the workflow broke off (Lambda.Unknown)"),
        (None, "the workflow broke off"),
    ],
)
def test_a_job_without_a_verdict_fails_and_the_cause_is_reported(
    harness: Harness, cause: str | None, message: str
) -> None:
    job = harness.running()
    harness.clock.now = job.deadline_at
    harness.finish(job, cause=cause)
    assert harness.now(job).error == JobError(code="internal_error", message=message)
    assert endings(harness)[0]["data"]["error"]["message"] == message


def test_a_job_that_may_run_at_its_provider_outlives_its_execution(harness: Harness) -> None:
    """A function that is broken for minutes must not cost a film that is paid for."""
    job = harness.running()
    assert harness.finish(job, cause="Lambda.Unknown") == {"status": "left"}
    assert (harness.now(job), endings(harness)) == (job, [])
    harness.executions.running[job.id] = False
    harness.clock.advance(61)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running[f"{job.id}-r2"]


def test_a_job_that_was_never_submitted_ends_with_its_execution(harness: Harness) -> None:
    job = harness.accepted()
    assert harness.finish(job, cause="Lambda.Unknown") == {"status": "failed"}


def test_a_cause_does_not_overrule_a_verdict(harness: Harness) -> None:
    assert harness.finish(harness.stored(), cause="Lambda.Unknown")["status"] == "completed"


def test_a_job_deleted_meanwhile_leaves_no_objects(harness: Harness) -> None:
    job = harness.generated()
    harness.service.delete(ACCOUNT, job.id)
    harness.blobs.objects[f"outputs/{ACCOUNT}/{job.id}/0.mp4"] = FILM
    harness.blobs.objects[f"outputs/{ACCOUNT}/{job.id}0/0.mp4"] = FILM
    harness.finish(job)
    assert list(harness.blobs.objects) == [f"outputs/{ACCOUNT}/{job.id}0/0.mp4"]


def test_what_a_second_execution_stored_of_a_deleted_job_is_removed_as_well(
    harness: Harness,
) -> None:
    job = harness.completed()
    harness.service.delete(ACCOUNT, job.id)
    harness.blobs.objects[f"outputs/{ACCOUNT}/{job.id}/0.mp4"] = FILM
    harness.finish(job, "another")
    assert harness.blobs.objects == {}


def test_a_completed_job_teaches_how_long_its_kind_takes(harness: Harness) -> None:
    job = harness.running()
    harness.clock.advance(100)
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.generated(harness.clock(), (), None))
    harness.clock.advance(50)  # spent on copying, which is no lesson
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.stored(harness.clock(), ()))
    harness.finish(job)
    assert harness.timings.rows == {wait_times.timing_key(job): wait_times.learned(Timing(), 100.0)}


@pytest.mark.parametrize("state", [cancelled, will_fail, Harness.running])
def test_a_job_that_did_not_complete_teaches_nothing(
    harness: Harness, state: Callable[[Harness], Job]
) -> None:
    harness.finish(state(harness))
    assert harness.timings.rows == {}


class Unlearning(FakeTimings):
    @override
    def put(self, kind: str, timing: Timing) -> None:
        raise AwsUnavailable("throttled")


def test_what_cannot_be_learned_keeps_no_event_back(harness: Harness) -> None:
    harness.timings = Unlearning()
    harness.finish(harness.stored())
    assert [it["type"] for it in endings(harness)] == ["job.completed"]


def test_a_terminal_write_that_fails_is_left_to_the_machine_to_repeat(harness: Harness) -> None:
    job = harness.stored()
    harness.jobs.before_write = _no_store
    with pytest.raises(AwsUnavailable):
        harness.finish(job)
    assert (harness.now(job).status, endings(harness)) == (JobStatus.IN_PROGRESS, [])
    harness.finish(job)
    assert len(endings(harness)) == 1


def test_a_job_that_is_not_there_cannot_be_finished(harness: Harness) -> None:
    job = harness.stored()
    harness.jobs.rows.clear()
    with pytest.raises(NotFound):
        harness.finish(job)


def _no_store() -> None:
    raise AwsUnavailable("throttled")


def test_a_job_deleted_on_its_last_steps_tells_of_no_artifacts(harness: Harness) -> None:
    job = harness.stored()
    harness.service.delete(ACCOUNT, job.id)
    harness.finish(job)
    (event,) = endings(harness)
    assert (event["type"], event["data"]["artifacts"]) == ("job.completed", [])
    assert harness.blobs.objects == {}

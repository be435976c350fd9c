"""What is done about forgotten jobs."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from typing_extensions import override

from rushes.errors import AwsUnavailable, CorruptRecord
from rushes.jobs.job import LATE_WRITE_GRACE, STALE_AFTER, Job
from rushes.jobs.status import Stage, UpstreamCancelled
from rushes.workflow.sweeper import Sweeper
from tests.fakes import FakeExecutions, FakeJobs
from tests.harness import ACCOUNT, FILM, Harness


@pytest.fixture
def harness() -> Harness:
    return Harness()


def forgotten(harness: Harness) -> Job:
    """A job that was accepted and whose execution could not be started."""
    harness.executions.trouble = AwsUnavailable("throttled")
    job = harness.accepted()
    harness.executions.trouble = None
    harness.clock.advance(STALE_AFTER + 1)
    return job


def abandoned(harness: Harness) -> Job:
    """A job whose execution ended without it."""
    job = harness.running()
    harness.executions.running[job.id] = False
    harness.clock.advance(STALE_AFTER + 1)
    return job


def test_a_job_that_was_never_started_is_started(harness: Harness) -> None:
    job = forgotten(harness)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running == {job.id: True}
    assert harness.now(job) == job


def test_a_job_that_could_not_be_started_waits_for_the_next_sweep_only(harness: Harness) -> None:
    harness.executions.trouble = AwsUnavailable("throttled")
    job = harness.accepted()
    harness.executions.trouble = None
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running == {job.id: True}


def test_a_job_that_was_started_just_now_is_not_started_again(harness: Harness) -> None:
    job = harness.accepted()
    assert harness.sweeper.sweep() == 0
    assert harness.executions.running == {job.id: True}
    assert harness.now(job).executions == 1


def test_a_job_left_behind_gets_a_new_execution(harness: Harness) -> None:
    job = abandoned(harness)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running == {job.id: False, f"{job.id}-r2": True}
    assert harness.now(job).executions == 2


def test_a_job_whose_execution_runs_goes_to_the_end_of_the_line(harness: Harness) -> None:
    """Silent jobs, to which nobody writes, would otherwise hide those that need help."""
    job = harness.running()
    harness.clock.advance(3600)
    assert harness.sweeper.sweep() == 0
    seen = harness.now(job)
    assert seen == job.model_copy(
        update={"updated_at": harness.clock(), "version": job.version + 1}
    )
    assert harness.sweeper.sweep() == 0
    assert harness.now(job) == seen


def test_a_job_touched_within_the_minute_is_left_alone(harness: Harness) -> None:
    job = abandoned(harness)
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.warned(harness.clock(), "touched"))
    harness.clock.advance(STALE_AFTER - 1)
    assert harness.sweeper.sweep() == 0


def test_a_finished_job_is_left_alone(harness: Harness) -> None:
    job = harness.completed()
    harness.executions.running[job.id] = False
    harness.clock.advance(3600)
    assert harness.sweeper.sweep() == 0


def test_two_sweeps_at_once_start_one_execution(harness: Harness) -> None:
    job = abandoned(harness)
    harness.jobs.before_write = lambda: _sweep(harness)
    harness.sweeper.sweep()
    assert harness.executions.running == {job.id: False, f"{job.id}-r2": True}


def test_a_cancel_during_the_sweep_is_not_started_twice(harness: Harness) -> None:
    job = abandoned(harness)
    harness.jobs.before_write = lambda: _cancel(harness, job)
    harness.sweeper.sweep()
    assert harness.now(job).executions == 2
    assert set(harness.executions.running) == {job.id, f"{job.id}-r2"}


def test_a_job_that_ended_since_it_was_listed_is_not_repaired(harness: Harness) -> None:
    """The index of open jobs lags behind the table."""
    job = abandoned(harness)
    harness.jobs.before_write = lambda: _end(harness, job)
    assert harness.sweeper.sweep() == 0
    assert harness.executions.running == {job.id: False}


def test_a_start_that_fails_is_tried_again_by_the_next_sweep(harness: Harness) -> None:
    job = abandoned(harness)
    harness.executions.trouble = AwsUnavailable("throttled")
    assert harness.sweeper.sweep() == 0
    harness.executions.trouble = None
    harness.clock.advance(STALE_AFTER + 1)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running == {job.id: False, f"{job.id}-r2": True}


# --- events that were not announced


def unpublished(harness: Harness) -> Job:
    job = harness.stored()
    harness.bus.refusals = [AwsUnavailable("throttled")]
    harness.finish(job)
    return harness.now(job)


def test_an_ending_that_was_not_announced_is_announced_by_the_next_sweep(harness: Harness) -> None:
    job = unpublished(harness)
    (left,) = job.outbox
    assert harness.sweeper.sweep() == 1
    assert harness.bus.events[-1] == left
    assert (harness.now(job).outbox, harness.now(job).next_check_at) == ((), None)
    assert harness.sweeper.sweep() == 0


def test_a_bus_that_stays_down_is_tried_again_and_again(harness: Harness) -> None:
    job = unpublished(harness)
    for _ in range(3):
        harness.bus.refusals = [AwsUnavailable("throttled")]
        assert harness.sweeper.sweep() == 0
        harness.clock.advance(60)
    assert harness.sweeper.sweep() == 1
    assert harness.now(job).outbox == ()


def test_a_start_that_was_not_announced_is_announced_while_the_job_runs(harness: Harness) -> None:
    harness.bus.refusals = [AwsUnavailable("throttled")]
    job = harness.running()
    assert harness.sweeper.sweep() == 1
    assert [event["type"] for event in harness.bus.events] == ["job.started"]
    assert harness.executions.running == {job.id: True}


def test_a_job_left_behind_with_something_to_tell_gets_both(harness: Harness) -> None:
    harness.bus.refusals = [AwsUnavailable("throttled")]
    job = abandoned(harness)
    assert harness.sweeper.sweep() == 1
    assert (len(harness.bus.events), harness.now(job).executions) == (1, 2)


# --- files of deleted jobs


def test_what_was_stored_after_a_delete_is_removed_when_nobody_can_be_storing(
    harness: Harness,
) -> None:
    job = harness.completed()
    harness.service.delete(ACCOUNT, job.id)
    late = [f"{it}/{ACCOUNT}/{job.id}/0.mp4" for it in ("outputs", "inputs", "archive")]
    harness.blobs.objects = dict.fromkeys([*late, f"outputs/{ACCOUNT}/{job.id}0/0.mp4"], FILM)
    harness.clock.advance(LATE_WRITE_GRACE - 1)
    assert harness.sweeper.sweep() == 0
    assert len(harness.blobs.objects) == 4
    harness.clock.advance(1)
    assert harness.sweeper.sweep() == 1
    assert list(harness.blobs.objects) == [f"outputs/{ACCOUNT}/{job.id}0/0.mp4"]
    assert (harness.now(job).purged_at, harness.now(job).next_check_at) == (harness.clock(), None)
    assert harness.sweeper.sweep() == 0


# --- an execution that is said to have broken off


def test_a_job_whose_execution_broke_off_is_taken_up_at_once(harness: Harness) -> None:
    job = harness.running()
    harness.executions.running[job.id] = False
    assert harness.sweeper.look_after(ACCOUNT, job.id) == 1
    assert harness.executions.running == {job.id: False, f"{job.id}-r2": True}


@pytest.mark.parametrize("state", [Harness.running, Harness.completed])
def test_where_nothing_is_wrong_nothing_is_done(harness: Harness, state: object) -> None:
    job = state(harness)  # type: ignore[operator]
    assert harness.sweeper.look_after(ACCOUNT, job.id) == 0
    assert harness.now(job).executions == 1


def test_a_job_that_is_not_there_is_not_looked_after(harness: Harness) -> None:
    assert harness.sweeper.look_after(ACCOUNT, "job_absent") == 0


def test_a_damaged_record_is_left_alone(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    job = abandoned(harness)

    def damaged(_account: str, _job_id: str) -> Job:
        raise CorruptRecord("the record says one thing and its document another")

    monkeypatch.setattr(harness.jobs, "get", damaged)
    assert harness.sweeper.look_after(ACCOUNT, job.id) == 0
    assert harness.executions.running == {job.id: False}


class OneAtATime(FakeJobs):
    """Its conditional writes hold between threads, as those of the real table do."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    @override
    def _put(self, job: Job) -> None:
        with self._lock:
            stored = self.get(job.account, job.id)
            if stored and stored.version != job.version - 1:
                raise AwsUnavailable("throttled")
            super()._put(job)


def test_eight_sweepers_at_once_do_what_one_does(harness: Harness) -> None:
    harness.jobs = OneAtATime()
    jobs = [abandoned(harness) for _ in range(10)]
    told = [unpublished(harness) for _ in range(10)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: harness.sweeper.sweep(), range(8)))
    for job in jobs:
        assert harness.now(job).executions == 2
        assert (harness.now(job).stage, harness.executions.running[f"{job.id}-r2"]) == (
            *(Stage.RUNNING, True),
        )
    assert len(harness.executions.running) == 10 * 2 + 10
    assert all(harness.now(job).outbox == () for job in told)
    endings = {event["id"] for event in harness.bus.events if event["type"] == "job.completed"}
    assert endings == {f"evt_{job.id}_completed" for job in told}


class OneBad(FakeExecutions):
    """Nothing can be learned about one of the executions."""

    def __init__(self, bad: str) -> None:
        super().__init__()
        self.bad = bad

    @override
    def is_running(self, job: Job) -> bool | None:
        if job.id == self.bad:
            raise AwsUnavailable("throttled")
        return super().is_running(job)


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_one_jobs_trouble_keeps_no_other_from_being_repaired(harness: Harness, bad: int) -> None:
    jobs = [forgotten(harness) for _ in range(3)]
    executions = OneBad(jobs[bad].id)
    sweeper = Sweeper(
        harness.jobs, harness.blobs, executions, harness.event_publisher, harness.clock
    )
    assert sweeper.sweep() == 2
    assert set(executions.running) == {job.id for job in jobs} - {jobs[bad].id}


def _sweep(harness: Harness) -> None:
    harness.sweeper.sweep()


def _cancel(harness: Harness, job: Job) -> None:
    harness.service.cancel(ACCOUNT, job.id)


def _end(harness: Harness, job: Job) -> None:
    harness.jobs.change(
        job.account,
        job.id,
        lambda it: it.cancelled_by_client(harness.clock(), UpstreamCancelled.YES),
    )
    harness.finish(job)

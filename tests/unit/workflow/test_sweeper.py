"""What is done about forgotten jobs."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from typing_extensions import override

from rushes.errors import DamagedRecord, StoreUnavailable
from rushes.jobs.job import STRAGGLER_SECONDS, UNTOUCHED_SECONDS, Job
from rushes.jobs.status import Stage, UpstreamCancelled
from rushes.workflow.sweeper import Sweeper
from tests.fakes import FakeExecutions, FakeJobs
from tests.harness import ACCOUNT, FILM, World


@pytest.fixture
def world() -> World:
    return World()


def forgotten(world: World) -> Job:
    """A job that was accepted and whose execution could not be started."""
    world.executions.trouble = StoreUnavailable("throttled")
    job = world.accepted()
    world.executions.trouble = None
    world.clock.advance(UNTOUCHED_SECONDS + 1)
    return job


def abandoned(world: World) -> Job:
    """A job whose execution ended without it."""
    job = world.running()
    world.executions.running[job.id] = False
    world.clock.advance(UNTOUCHED_SECONDS + 1)
    return job


def test_a_job_that_was_never_started_is_started(world: World) -> None:
    job = forgotten(world)
    assert world.sweeper.sweep() == 1
    assert world.executions.running == {job.id: True}
    assert world.now(job) == job


def test_a_job_that_could_not_be_started_waits_for_the_next_sweep_only(world: World) -> None:
    world.executions.trouble = StoreUnavailable("throttled")
    job = world.accepted()
    world.executions.trouble = None
    assert world.sweeper.sweep() == 1
    assert world.executions.running == {job.id: True}


def test_a_job_that_was_started_just_now_is_not_started_again(world: World) -> None:
    job = world.accepted()
    assert world.sweeper.sweep() == 0
    assert world.executions.running == {job.id: True}
    assert world.now(job).executions == 1


def test_a_job_left_behind_gets_a_new_execution(world: World) -> None:
    job = abandoned(world)
    assert world.sweeper.sweep() == 1
    assert world.executions.running == {job.id: False, f"{job.id}-r2": True}
    assert world.now(job).executions == 2


def test_a_job_whose_execution_runs_goes_to_the_end_of_the_line(world: World) -> None:
    """Silent jobs, to which nobody writes, would otherwise hide those that need help."""
    job = world.running()
    world.clock.advance(3600)
    assert world.sweeper.sweep() == 0
    seen = world.now(job)
    assert seen == job.model_copy(update={"updated_at": world.clock(), "version": job.version + 1})
    assert world.sweeper.sweep() == 0
    assert world.now(job) == seen


def test_a_job_touched_within_the_minute_is_left_alone(world: World) -> None:
    job = abandoned(world)
    world.jobs.change(ACCOUNT, job.id, lambda it: it.warned(world.clock(), "touched"))
    world.clock.advance(UNTOUCHED_SECONDS - 1)
    assert world.sweeper.sweep() == 0


def test_a_finished_job_is_left_alone(world: World) -> None:
    job = world.completed()
    world.executions.running[job.id] = False
    world.clock.advance(3600)
    assert world.sweeper.sweep() == 0


def test_two_sweeps_at_once_start_one_execution(world: World) -> None:
    job = abandoned(world)
    world.jobs.before_write = lambda: _sweep(world)
    world.sweeper.sweep()
    assert world.executions.running == {job.id: False, f"{job.id}-r2": True}


def test_a_cancel_during_the_sweep_is_not_started_twice(world: World) -> None:
    job = abandoned(world)
    world.jobs.before_write = lambda: _cancel(world, job)
    world.sweeper.sweep()
    assert world.now(job).executions == 2
    assert set(world.executions.running) == {job.id, f"{job.id}-r2"}


def test_a_job_that_ended_since_it_was_listed_is_not_repaired(world: World) -> None:
    """The index of open jobs lags behind the table."""
    job = abandoned(world)
    world.jobs.before_write = lambda: _end(world, job)
    assert world.sweeper.sweep() == 0
    assert world.executions.running == {job.id: False}


def test_a_start_that_fails_is_tried_again_by_the_next_sweep(world: World) -> None:
    job = abandoned(world)
    world.executions.trouble = StoreUnavailable("throttled")
    assert world.sweeper.sweep() == 0
    world.executions.trouble = None
    world.clock.advance(UNTOUCHED_SECONDS + 1)
    assert world.sweeper.sweep() == 1
    assert world.executions.running == {job.id: False, f"{job.id}-r2": True}


# --- events that were not announced


def unannounced(world: World) -> Job:
    job = world.stored()
    world.bus.refusals = [StoreUnavailable("throttled")]
    world.finish(job)
    return world.now(job)


def test_an_ending_that_was_not_announced_is_announced_by_the_next_sweep(world: World) -> None:
    job = unannounced(world)
    (left,) = job.outbox
    assert world.sweeper.sweep() == 1
    assert world.bus.events[-1] == left
    assert (world.now(job).outbox, world.now(job).care_at) == ((), None)
    assert world.sweeper.sweep() == 0


def test_a_bus_that_stays_down_is_tried_again_and_again(world: World) -> None:
    job = unannounced(world)
    for _ in range(3):
        world.bus.refusals = [StoreUnavailable("throttled")]
        assert world.sweeper.sweep() == 0
        world.clock.advance(60)
    assert world.sweeper.sweep() == 1
    assert world.now(job).outbox == ()


def test_a_start_that_was_not_announced_is_announced_while_the_job_runs(world: World) -> None:
    world.bus.refusals = [StoreUnavailable("throttled")]
    job = world.running()
    assert world.sweeper.sweep() == 1
    assert [event["type"] for event in world.bus.events] == ["job.started"]
    assert world.executions.running == {job.id: True}


def test_a_job_left_behind_with_something_to_tell_gets_both(world: World) -> None:
    world.bus.refusals = [StoreUnavailable("throttled")]
    job = abandoned(world)
    assert world.sweeper.sweep() == 1
    assert (len(world.bus.events), world.now(job).executions) == (1, 2)


# --- files of deleted jobs


def test_what_was_stored_after_a_delete_is_removed_when_nobody_can_be_storing(
    world: World,
) -> None:
    job = world.completed()
    world.service.delete(ACCOUNT, job.id)
    late = [f"{it}/{ACCOUNT}/{job.id}/0.mp4" for it in ("outputs", "inputs", "archive")]
    world.blobs.objects = dict.fromkeys([*late, f"outputs/{ACCOUNT}/{job.id}0/0.mp4"], FILM)
    world.clock.advance(STRAGGLER_SECONDS - 1)
    assert world.sweeper.sweep() == 0
    assert len(world.blobs.objects) == 4
    world.clock.advance(1)
    assert world.sweeper.sweep() == 1
    assert list(world.blobs.objects) == [f"outputs/{ACCOUNT}/{job.id}0/0.mp4"]
    assert (world.now(job).purged_at, world.now(job).care_at) == (world.clock(), None)
    assert world.sweeper.sweep() == 0


# --- an execution that is said to have broken off


def test_a_job_whose_execution_broke_off_is_taken_up_at_once(world: World) -> None:
    job = world.running()
    world.executions.running[job.id] = False
    assert world.sweeper.look_after(ACCOUNT, job.id) == 1
    assert world.executions.running == {job.id: False, f"{job.id}-r2": True}


@pytest.mark.parametrize("state", [World.running, World.completed])
def test_where_nothing_is_wrong_nothing_is_done(world: World, state: object) -> None:
    job = state(world)  # type: ignore[operator]
    assert world.sweeper.look_after(ACCOUNT, job.id) == 0
    assert world.now(job).executions == 1


def test_a_job_that_is_not_there_is_not_looked_after(world: World) -> None:
    assert world.sweeper.look_after(ACCOUNT, "job_absent") == 0


def test_a_damaged_record_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = abandoned(world)

    def damaged(_account: str, _job_id: str) -> Job:
        raise DamagedRecord("the record says one thing and its document another")

    monkeypatch.setattr(world.jobs, "get", damaged)
    assert world.sweeper.look_after(ACCOUNT, job.id) == 0
    assert world.executions.running == {job.id: False}


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
                raise StoreUnavailable("throttled")
            super()._put(job)


def test_eight_sweepers_at_once_do_what_one_does(world: World) -> None:
    world.jobs = OneAtATime()
    jobs = [abandoned(world) for _ in range(10)]
    told = [unannounced(world) for _ in range(10)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: world.sweeper.sweep(), range(8)))
    for job in jobs:
        assert world.now(job).executions == 2
        assert (world.now(job).stage, world.executions.running[f"{job.id}-r2"]) == (
            *(Stage.RUNNING, True),
        )
    assert len(world.executions.running) == 10 * 2 + 10
    assert all(world.now(job).outbox == () for job in told)
    endings = {event["id"] for event in world.bus.events if event["type"] == "job.completed"}
    assert endings == {f"evt_{job.id}_completed" for job in told}


class OneBad(FakeExecutions):
    """Nothing can be learned about one of the executions."""

    def __init__(self, bad: str) -> None:
        super().__init__()
        self.bad = bad

    @override
    def is_running(self, job: Job) -> bool | None:
        if job.id == self.bad:
            raise StoreUnavailable("throttled")
        return super().is_running(job)


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_one_jobs_trouble_keeps_no_other_from_being_repaired(world: World, bad: int) -> None:
    jobs = [forgotten(world) for _ in range(3)]
    executions = OneBad(jobs[bad].id)
    sweeper = Sweeper(world.jobs, world.blobs, executions, world.announcer, world.clock)
    assert sweeper.sweep() == 2
    assert set(executions.running) == {job.id for job in jobs} - {jobs[bad].id}


def _sweep(world: World) -> None:
    world.sweeper.sweep()


def _cancel(world: World, job: Job) -> None:
    world.service.cancel(ACCOUNT, job.id)


def _end(world: World, job: Job) -> None:
    world.jobs.change(
        job.account, job.id, lambda it: it.called_off(world.clock(), UpstreamCancelled.YES)
    )
    world.finish(job)

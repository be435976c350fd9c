"""What is done about forgotten jobs."""

import pytest
from typing_extensions import override

from rushes.errors import StoreUnavailable
from rushes.job import UNTOUCHED_SECONDS, Job, UpstreamCancelled
from rushes.sweeper import Sweeper
from tests.fakes import FakeExecutions
from tests.world import ACCOUNT, World


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

"""Submitting a job that others change at the same time."""

import pytest

from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role
from rushes.jobs.status import JobStatus, Stage
from rushes.workflow.submit import LEASE_SECONDS
from rushes.workflow.task import ENDING
from tests.harness import ACCOUNT, CREATE, PICTURE, World, video

ADDRESS = "https://pictures.example/ball.png"


@pytest.fixture
def world() -> World:
    world = World()
    world.answer(CREATE, video("queued"))
    return world


def test_of_two_that_submit_at_once_one_waits(world: World) -> None:
    job = world.accepted()
    seen = []
    world.jobs.before_write = lambda: seen.append(world.submit(job)["status"])
    assert world.submit(job)["status"] == "pending"
    assert seen == ["submitted"]
    assert len(world.creates()) == 1


def test_of_two_that_claim_at_once_one_waits_for_the_others_lease(world: World) -> None:
    job = world.accepted()
    world.jobs.before_write = lambda: _claim(world, job)
    assert world.submit(job) == {"status": "pending", "wait_seconds": LEASE_SECONDS}
    assert not world.creates()


def test_a_cancel_that_comes_while_the_picture_is_fetched_is_in_time(world: World) -> None:
    """And the job stays ended: no claim is laid to it afterwards."""
    job = world.accepted(inputs=[Input(role=Role.IMAGE, url=ADDRESS)])
    world.egress.files[ADDRESS] = PICTURE
    world.jobs.before_write = lambda: _cancel_to_the_end(world, job)
    assert world.submit(job)["status"] == "pending"
    assert not world.creates()
    ended = world.now(job)
    assert (ended.status, ended.stage) == (JobStatus.CANCELLED, Stage.FINISHED)
    assert world.submit(job) == ENDING


def test_a_cancel_that_is_only_asked_for_meanwhile_is_in_time_as_well(world: World) -> None:
    job = world.accepted()
    world.jobs.before_write = lambda: _cancel(world, job)
    assert world.submit(job)["status"] == "pending"
    assert not world.creates()


def test_a_job_that_ended_while_its_create_call_was_made_stays_ended(world: World) -> None:
    job = world.accepted()
    world.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(world.clock(), LEASE_SECONDS))
    world.finish(job, cause="Lambda.Unknown")
    ended = world.now(job)
    assert world.submit(job) == ENDING
    assert world.now(job) == ended


def _claim(world: World, job: Job) -> None:
    world.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(world.clock(), LEASE_SECONDS))


def _cancel(world: World, job: Job) -> None:
    world.service.cancel(ACCOUNT, job.id)


def _cancel_to_the_end(world: World, job: Job) -> None:
    world.service.cancel(ACCOUNT, job.id)
    world.submit(job)
    world.finish(job)

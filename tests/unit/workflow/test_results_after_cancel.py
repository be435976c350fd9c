"""Cancelled, and made all the same: what was paid for is archived, and its owner sees nothing."""

from collections.abc import Callable

import pytest

from rushes.errors import OutputInterrupted, StoreUnavailable, UpstreamSilent, UpstreamUnreachable
from rushes.jobs.job import UNTOUCHED_SECONDS, Job
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports import HttpReply
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from rushes.workflow.task import ENDING
from tests.harness import ACCOUNT, ASK, CONTENT, FILM, STOP, World, reply, video

YES, NO, UNSUPPORTED = UpstreamCancelled
GOES_ON = reply(409)


@pytest.fixture
def world() -> World:
    world = World()
    world.egress.files[CONTENT] = FILM
    world.answer(ASK, video("in_progress"))
    return world


class Deaf:
    """A provider that cannot be told to stop."""

    def __init__(self) -> None:
        self._whole = OpenAICompatible()
        self.profile = self._whole.profile
        self.submit, self.submitted = self._whole.submit, self._whole.submitted
        self.poll, self.polled = self._whole.poll, self._whole.polled


def cancelled(world: World, answer: HttpReply | Exception = GOES_ON) -> Job:
    """A job that was cancelled while it ran, and has ended so; `answer` is its provider's."""
    job = world.running()
    world.service.cancel(ACCOUNT, job.id)
    world.answer(STOP, answer)
    assert world.poll(job) == ENDING
    world.finish(job, f"{job.id}-r2")
    world.executions.running.update({job.id: False, f"{job.id}-r2": False})
    return world.now(job)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        *((reply(status), YES) for status in (200, 204)),
        *((reply(status), NO) for status in (201, 202, 400, 401, 404, 409, 429, 500, 503)),
        (UpstreamSilent("no answer"), NO),
        (UpstreamUnreachable("refused"), NO),
    ],
)
def test_what_the_provider_says_to_a_cancel_is_told_truly(
    world: World, answer: HttpReply | Exception, told: UpstreamCancelled
) -> None:
    job = cancelled(world, answer)
    assert (job.status, job.upstream_cancelled) == (JobStatus.CANCELLED, told)
    assert job.is_awaited is (told is not YES)
    assert world.bus.events[-1]["data"]["upstream_cancelled"] == told.value


def test_a_provider_that_cannot_be_told_is_waited_for(world: World) -> None:
    world.adapter = lambda _entry: Deaf()
    job = cancelled(world)
    assert (job.upstream_cancelled, job.is_awaited) == (UNSUPPORTED, True)
    assert len(world.egress.calls) == 1


def test_a_job_that_never_reached_a_provider_is_stopped_for_sure(world: World) -> None:
    job = world.accepted()
    world.service.cancel(ACCOUNT, job.id)
    world.submit(job)
    world.finish(job)
    assert (world.now(job).upstream_cancelled, world.now(job).is_awaited) == (YES, False)


def test_who_is_awaited_gets_an_execution_that_fetches_the_result(world: World) -> None:
    job = cancelled(world)
    assert world.sweeper.sweep() == 0
    world.clock.advance(UNTOUCHED_SECONDS)
    assert world.sweeper.sweep() == 1
    assert world.executions.running[f"{job.id}-r3"]
    assert world.submit(job) == {"status": "submitted", "wait_seconds": 1}
    assert world.poll(job)["status"] == "pending"
    world.answer(ASK, video("completed"))
    assert world.poll(job) == {"status": "succeeded", "wait_seconds": 0}
    assert world.collect(job) == ENDING
    world.finish(job, f"{job.id}-r3")
    done = world.now(job)
    (late,) = done.late_artifacts
    assert late.key == f"archive/{ACCOUNT}/{job.id}/0.mp4"
    assert (world.blobs.objects[late.key], done.artifacts) == (FILM, ())
    assert (done.status, done.is_awaited, done.care_at) == (JobStatus.CANCELLED, False, None)


def test_of_a_late_result_nobody_is_told(world: World) -> None:
    """The job was cancelled, and that was said."""
    job = cancelled(world)
    world.answer(ASK, video("completed"))
    world.collect(job)
    world.finish(job, f"{job.id}-r3")
    assert [it["type"] for it in world.bus.events] == ["job.started", "job.cancelled"]
    assert world.timings.rows == {}


def test_a_late_failure_means_that_nothing_was_made(world: World) -> None:
    job = cancelled(world)
    world.answer(ASK, video("failed"))
    assert world.poll(job) == ENDING
    assert (world.now(job).upstream_cancelled, world.now(job).is_awaited) == (YES, False)


def test_what_does_not_come_by_the_deadline_is_given_up(world: World) -> None:
    job = cancelled(world)
    world.clock.now = job.deadline_at
    assert world.poll(job)["status"] == "pending"
    world.clock.advance(0.1)
    assert world.poll(job) == ENDING
    assert (world.now(job).upstream_cancelled, world.now(job).is_awaited) == (NO, False)


@pytest.mark.parametrize(
    "trouble", [UpstreamSilent("no answer"), reply(503), reply(404), HttpReply(200, {}, b"<html>")]
)
@pytest.mark.parametrize("step", [World.poll, World.collect])
def test_trouble_with_what_is_late_is_waited_out(
    world: World, step: Callable[[World, Job], object], trouble: HttpReply | Exception
) -> None:
    job = cancelled(world)
    world.answer(ASK, trouble)
    outcome = step(world, job)
    assert isinstance(outcome, dict)
    assert outcome["status"] == "pending"
    assert world.now(job) == job


@pytest.mark.parametrize(
    "trouble", [OutputInterrupted("410"), StoreUnavailable("throttled"), b"<html>"]
)
def test_a_late_copy_that_breaks_off_is_made_again(
    world: World, trouble: Exception | bytes
) -> None:
    job = cancelled(world)
    world.answer(ASK, video("completed"))
    world.egress.files[CONTENT] = trouble
    assert world.collect(job)["status"] == "pending"
    assert (world.now(job).late_artifacts, world.now(job).is_awaited) == ((), True)
    world.egress.files[CONTENT] = FILM
    assert world.collect(job) == ENDING
    assert world.now(job).late_artifacts


def test_what_is_not_done_after_all_is_not_copied(world: World) -> None:
    job = cancelled(world)
    assert world.collect(job)["status"] == "pending"
    assert world.blobs.objects == {}


def test_a_deleted_jobs_result_is_not_waited_for(world: World) -> None:
    job = cancelled(world)
    world.service.delete(ACCOUNT, job.id)
    assert not world.now(job).is_awaited
    assert world.poll(job) == world.collect(job) == ENDING
    assert world.blobs.objects == {}


def test_a_job_that_is_deleted_while_it_is_cancelled_is_not_waited_for(world: World) -> None:
    job = world.running()
    world.service.delete(ACCOUNT, job.id)
    world.answer(STOP, reply(409))
    world.poll(job)
    world.finish(job, f"{job.id}-r2")
    assert not world.now(job).is_awaited


def test_a_job_deleted_during_its_late_copy_keeps_nothing_in_the_end(world: World) -> None:
    job = cancelled(world)
    world.answer(ASK, video("completed"))
    world.jobs.before_write = lambda: world.service.delete(ACCOUNT, job.id)
    assert world.collect(job) == ENDING
    assert world.now(job).late_artifacts == ()
    world.clock.advance(3600)
    world.sweeper.sweep()
    assert world.blobs.objects == {}
    assert world.now(job).purged_at


def test_two_that_archive_at_once_archive_once(world: World) -> None:
    job = cancelled(world)
    world.answer(ASK, video("completed"))
    world.jobs.before_write = lambda: world.collect(job)
    assert world.collect(job) == ENDING
    assert world.now(job).version == job.version + 1
    assert len(world.blobs.objects) == 1


def test_deleting_a_job_removes_what_came_late_too(world: World) -> None:
    job = cancelled(world)
    world.answer(ASK, video("completed"))
    world.collect(job)
    assert world.blobs.objects
    world.service.delete(ACCOUNT, job.id)
    assert world.blobs.objects == {}

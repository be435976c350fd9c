"""The single way out."""

from collections.abc import Callable
from typing import Any

import pytest
from typing_extensions import override

from rushes.errors import NotFound, StoreUnavailable
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports import Timing
from rushes.workflow import wait_times
from tests.fakes import FakeTimings
from tests.harness import ACCOUNT, FILM, World


@pytest.fixture
def world() -> World:
    return World()


def endings(world: World) -> list[dict[str, Any]]:
    """The events on the bus that tell of an ending."""
    return [it for it in world.bus.events if it["type"] != "job.started"]


def cancelled(world: World) -> Job:
    job = world.running()
    return world.jobs.change(
        ACCOUNT, job.id, lambda it: it.called_off(world.clock(), UpstreamCancelled.YES)
    )


def doomed(world: World) -> Job:
    job = world.running()
    error = JobError(code="upstream_failed", message="it burns")
    return world.jobs.change(ACCOUNT, job.id, lambda it: it.doomed(world.clock(), error))


@pytest.mark.parametrize(
    ("state", "status"),
    [(World.stored, "completed"), (cancelled, "cancelled"), (doomed, "failed")],
)
def test_the_verdict_is_carried_out_and_told(
    world: World, state: Callable[[World], Job], status: str
) -> None:
    job = state(world)
    ending = world.finish(job)
    stored = world.now(job)
    assert ending == {"status": status}
    assert (stored.status.value, stored.outbox) == (status, ())
    assert (stored.finished_at, stored.finished_by) == (world.clock(), job.id)
    told = endings(world)
    assert [(it["type"], it["data"]["id"]) for it in told] == [(f"job.{status}", job.id)]


def test_a_completed_jobs_files_are_promised_for_as_long_as_they_are_kept(world: World) -> None:
    assert world.completed().expires_at == world.clock() + 3600.0


def test_the_event_says_in_which_bucket_the_film_is(world: World) -> None:
    world.finish(world.stored())
    (artifact,) = endings(world)[0]["data"]["artifacts"]
    assert (artifact["bucket"], artifact["size"]) == ("media", len(FILM))


def test_the_same_execution_repeated_says_the_same_again(world: World) -> None:
    """Its first answer may have been lost on its way back."""
    job = world.stored()
    first = world.finish(job)
    world.clock.advance(30)
    ended = world.now(job)
    assert world.finish(job) == first
    assert (world.now(job), len(endings(world))) == (ended, 1)


def test_the_ending_and_its_event_are_one_write(world: World) -> None:
    """Whatever dies after it, what is to be told is there."""
    job = world.stored()
    world.bus.refusals = [StoreUnavailable("throttled")]
    assert world.finish(job) == {"status": "completed"}
    stored = world.now(job)
    assert stored.version == job.version + 1
    assert [it["type"] for it in stored.outbox] == ["job.completed"]
    assert endings(world) == []


def test_the_same_execution_repeated_announces_what_it_could_not(world: World) -> None:
    job = world.stored()
    world.bus.refusals = [[0]]
    world.finish(job)
    (left,) = world.now(job).outbox
    world.finish(job)
    assert (endings(world), world.now(job).outbox) == ([left], ())


def test_another_execution_has_nothing_to_announce(world: World) -> None:
    job = world.stored()
    world.finish(job, "one")
    assert world.finish(job, "another") == {"status": "completed"}
    assert len(endings(world)) == 1


def test_of_two_that_finish_at_once_one_ends_the_job_and_announces(world: World) -> None:
    job = world.stored()
    world.jobs.before_write = lambda: world.finish(job, "faster")
    assert world.finish(job, "slower") == {"status": "completed"}
    assert (world.now(job).finished_by, len(endings(world))) == ("faster", 1)


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ("Lambda.Unknown", "the workflow broke off (Lambda.Unknown)"),
        (None, "the workflow broke off"),
    ],
)
def test_a_job_without_a_verdict_fails_and_the_cause_is_reported(
    world: World, cause: str | None, message: str
) -> None:
    job = world.running()
    world.clock.now = job.deadline_at
    world.finish(job, cause=cause)
    assert world.now(job).error == JobError(code="internal_error", message=message)
    assert endings(world)[0]["data"]["error"]["message"] == message


def test_a_job_that_may_run_at_its_provider_outlives_its_execution(world: World) -> None:
    """A function that is broken for minutes must not cost a film that is paid for."""
    job = world.running()
    assert world.finish(job, cause="Lambda.Unknown") == {"status": "left"}
    assert (world.now(job), endings(world)) == (job, [])
    world.executions.running[job.id] = False
    world.clock.advance(61)
    assert world.sweeper.sweep() == 1
    assert world.executions.running[f"{job.id}-r2"]


def test_a_job_that_was_never_submitted_ends_with_its_execution(world: World) -> None:
    job = world.accepted()
    assert world.finish(job, cause="Lambda.Unknown") == {"status": "failed"}


def test_a_cause_does_not_overrule_a_verdict(world: World) -> None:
    assert world.finish(world.stored(), cause="Lambda.Unknown")["status"] == "completed"


def test_a_job_deleted_meanwhile_leaves_no_objects(world: World) -> None:
    job = world.generated()
    world.service.delete(ACCOUNT, job.id)
    world.blobs.objects[f"outputs/{ACCOUNT}/{job.id}/0.mp4"] = FILM
    world.blobs.objects[f"outputs/{ACCOUNT}/{job.id}0/0.mp4"] = FILM
    world.finish(job)
    assert list(world.blobs.objects) == [f"outputs/{ACCOUNT}/{job.id}0/0.mp4"]


def test_what_a_second_execution_stored_of_a_deleted_job_is_removed_as_well(world: World) -> None:
    job = world.completed()
    world.service.delete(ACCOUNT, job.id)
    world.blobs.objects[f"outputs/{ACCOUNT}/{job.id}/0.mp4"] = FILM
    world.finish(job, "another")
    assert world.blobs.objects == {}


def test_a_completed_job_teaches_how_long_its_kind_takes(world: World) -> None:
    job = world.running()
    world.clock.advance(100)
    world.jobs.change(ACCOUNT, job.id, lambda it: it.generated(world.clock(), (), None))
    world.clock.advance(50)  # spent on copying, which is no lesson
    world.jobs.change(ACCOUNT, job.id, lambda it: it.stored(world.clock(), ()))
    world.finish(job)
    assert world.timings.rows == {wait_times.kind_of(job): wait_times.learned(Timing(), 100.0)}


@pytest.mark.parametrize("state", [cancelled, doomed, World.running])
def test_a_job_that_did_not_complete_teaches_nothing(
    world: World, state: Callable[[World], Job]
) -> None:
    world.finish(state(world))
    assert world.timings.rows == {}


class Unlearning(FakeTimings):
    @override
    def put(self, kind: str, timing: Timing) -> None:
        raise StoreUnavailable("throttled")


def test_what_cannot_be_learned_keeps_no_event_back(world: World) -> None:
    world.timings = Unlearning()
    world.finish(world.stored())
    assert [it["type"] for it in endings(world)] == ["job.completed"]


def test_a_terminal_write_that_fails_is_left_to_the_machine_to_repeat(world: World) -> None:
    job = world.stored()
    world.jobs.before_write = _no_store
    with pytest.raises(StoreUnavailable):
        world.finish(job)
    assert (world.now(job).status, endings(world)) == (JobStatus.IN_PROGRESS, [])
    world.finish(job)
    assert len(endings(world)) == 1


def test_a_job_that_is_not_there_cannot_be_finished(world: World) -> None:
    job = world.stored()
    world.jobs.rows.clear()
    with pytest.raises(NotFound):
        world.finish(job)


def _no_store() -> None:
    raise StoreUnavailable("throttled")


def test_a_job_deleted_on_its_last_steps_tells_of_no_artifacts(world: World) -> None:
    job = world.stored()
    world.service.delete(ACCOUNT, job.id)
    world.finish(job)
    (event,) = endings(world)
    assert (event["type"], event["data"]["artifacts"]) == ("job.completed", [])
    assert world.blobs.objects == {}

"""That a job has begun is told once: with the write that says so, whoever makes it in the end."""

import pytest

from rushes.errors import StoreUnavailable
from rushes.jobs.job import Job
from tests.harness import ASK, CREATE, World, reply, video

REFUSAL = reply(400, error={"message": "not today", "code": "too_busy_really"})


@pytest.fixture
def world() -> World:
    world = World()
    world.answer(CREATE, video("queued"))
    return world


def told(world: World) -> list[str]:
    return [event["type"] for event in world.bus.events]


def test_a_submitted_job_has_started(world: World) -> None:
    job = world.running()
    (event,) = world.bus.events
    assert (event["id"], event["type"]) == (f"evt_{job.id}_started", "job.started")
    assert (event["data"]["status"], event["data"]["provider"]) == ("in_progress", "studio")
    assert (job.outbox, event["sequence"]) == ((), 1)


def test_the_start_and_its_event_are_one_write(world: World) -> None:
    job = world.accepted()
    world.bus.refusals = [StoreUnavailable("throttled")]
    assert world.submit(job)["status"] == "submitted"
    running = world.now(job)
    assert running.version == job.version + 2  # the claim, then all that is known
    assert [event["type"] for event in running.outbox] == ["job.started"]
    assert (running.operation, told(world)) == ({"id": "up-1"}, [])


def test_what_could_not_be_announced_does_not_keep_the_job_waiting(world: World) -> None:
    job = world.accepted()
    world.bus.refusals = [[0]]
    assert world.submit(job) == {"status": "submitted", "wait_seconds": 10}


def test_submitting_again_tells_nothing_again(world: World) -> None:
    job = world.running()
    world.submit(job)
    assert told(world) == ["job.started"]


def test_a_job_that_never_began_is_only_told_of_when_it_ends(world: World) -> None:
    job = world.accepted()
    world.answer(CREATE, REFUSAL)
    world.submit(job)
    world.finish(job)
    assert told(world) == ["job.failed"]


def test_a_job_that_is_made_elsewhere_started_once(world: World) -> None:
    job = world.running(model="sure")
    world.answer(ASK, video("failed"))
    world.poll(job)
    world.submit(job)
    assert world.now(job).provider == "spare"
    assert told(world) == ["job.started"]


def test_a_job_that_its_first_candidate_did_not_take_starts_with_the_second(world: World) -> None:
    job = world.accepted(model="sure")
    world.answer(CREATE, REFUSAL, video("queued"))
    world.submit(job)
    assert told(world) == []
    world.submit(job)
    assert told(world) == ["job.started"]
    assert world.bus.events[0]["data"]["provider"] == "spare"


def test_what_was_not_announced_goes_before_the_ending(world: World) -> None:
    """Nothing is lost; the numbers tell the order."""
    job = world.accepted()
    world.bus.refusals = [StoreUnavailable("throttled")]
    world.submit(job)
    world.clock.now = job.deadline_at
    world.finish(job, cause="Lambda.Unknown")
    assert [(event["type"], event["sequence"]) for event in world.bus.events] == [
        ("job.started", 1),
        ("job.failed", 2),
    ]


def test_the_ending_of_a_job_that_ended_meanwhile_is_all_that_is_told(world: World) -> None:
    """Its create call was answered when all was over."""
    job = world.accepted()
    calls: list[Job] = []

    def end_first(*_: object) -> object:
        calls.append(world.jobs.change(job.account, job.id, lambda it: it))
        world.finish(job, cause="States.Timeout")
        return video("queued")

    world.egress.send = end_first  # type: ignore[method-assign,assignment]
    world.submit(job)
    assert (len(calls), told(world)) == (1, ["job.failed"])

"""That a job has begun is told once: with the write that says so, whoever makes it in the end."""

import pytest

from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from tests.harness import ASK, CREATE, Harness, reply, video

REFUSAL = reply(400, error={"message": "not today", "code": "too_busy_really"})


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    harness.answer(CREATE, video("queued"))
    return harness


def told(harness: Harness) -> list[str]:
    return [event["type"] for event in harness.bus.events]


def test_a_submitted_job_has_started(harness: Harness) -> None:
    job = harness.running()
    (event,) = harness.bus.events
    assert (event["id"], event["type"]) == (f"evt_{job.id}_started", "job.started")
    assert (event["data"]["status"], event["data"]["provider"]) == ("in_progress", "sandbox")
    assert (job.outbox, event["sequence"]) == ((), 1)


def test_the_start_and_its_event_are_one_write(harness: Harness) -> None:
    job = harness.accepted()
    harness.bus.refusals = [AwsUnavailable("throttled")]
    assert harness.submit(job)["status"] == "submitted"
    running = harness.now(job)
    assert running.version == job.version + 2  # the claim, then all that is known
    assert [event["type"] for event in running.outbox] == ["job.started"]
    assert (running.operation, told(harness)) == ({"id": "up-1"}, [])


def test_what_could_not_be_announced_does_not_keep_the_job_waiting(harness: Harness) -> None:
    job = harness.accepted()
    harness.bus.refusals = [[0]]
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 10}


def test_submitting_again_tells_nothing_again(harness: Harness) -> None:
    job = harness.running()
    harness.submit(job)
    assert told(harness) == ["job.started"]


def test_a_job_that_never_began_is_only_told_of_when_it_ends(harness: Harness) -> None:
    job = harness.accepted()
    harness.answer(CREATE, REFUSAL)
    harness.submit(job)
    harness.finish(job)
    assert told(harness) == ["job.failed"]


def test_a_job_that_is_made_elsewhere_started_once(harness: Harness) -> None:
    job = harness.running(model="sure")
    harness.answer(ASK, video("failed"))
    harness.poll(job)
    harness.submit(job)
    assert harness.now(job).provider == "spare"
    assert told(harness) == ["job.started"]


def test_a_job_that_its_first_candidate_did_not_take_starts_with_the_second(
    harness: Harness,
) -> None:
    job = harness.accepted(model="sure")
    harness.answer(CREATE, REFUSAL, video("queued"))
    harness.submit(job)
    assert told(harness) == []
    harness.submit(job)
    assert told(harness) == ["job.started"]
    assert harness.bus.events[0]["data"]["provider"] == "spare"


def test_what_was_not_announced_goes_before_the_ending(harness: Harness) -> None:
    """Nothing is lost; the numbers tell the order."""
    job = harness.accepted()
    harness.bus.refusals = [AwsUnavailable("throttled")]
    harness.submit(job)
    harness.clock.now = job.deadline_at
    harness.finish(job, cause="Lambda.Unknown")
    assert [(event["type"], event["sequence"]) for event in harness.bus.events] == [
        ("job.started", 1),
        ("job.failed", 2),
    ]


def test_the_ending_of_a_job_that_ended_meanwhile_is_all_that_is_told(harness: Harness) -> None:
    """Its create call was answered when all was over."""
    job = harness.accepted()
    calls: list[Job] = []

    def end_first(*_: object) -> object:
        calls.append(harness.jobs.change(job.account, job.id, lambda it: it))
        harness.finish(job, cause="States.Timeout")
        return video("queued")

    harness.http_client.send = end_first  # type: ignore[method-assign,assignment]
    harness.submit(job)
    assert (len(calls), told(harness)) == (1, ["job.failed"])

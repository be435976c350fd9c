"""The started event: published once, written together with the change that begins the job."""

from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from tests.harness import Harness, reply, video

REFUSAL = reply(400, error={"message": "not today", "code": "too_busy_really"})


def test_submit_publishes_started_event(harness: Harness) -> None:
    job = harness.running()
    (event,) = harness.bus.events
    assert (event["id"], event["type"]) == (f"evt_{job.id}_started", "job.started")
    assert (event["data"]["status"], event["data"]["provider"]) == ("in_progress", "sandbox")
    assert (job.outbox, event["sequence"]) == ((), 1)


def test_submit_writes_operation_and_event_together(harness: Harness) -> None:
    job = harness.accepted(video("in_progress"))
    harness.bus.rejections = [AwsUnavailable("throttled")]
    assert harness.submit(job)["status"] == "submitted"
    running = harness.now(job)
    assert running.version == job.version + 2  # the lease, then the operation
    assert [event["type"] for event in running.outbox] == ["job.started"]
    assert (running.operation, harness.event_types()) == ({"id": "up-1"}, [])


def test_unpublished_started_event_does_not_delay_job(harness: Harness) -> None:
    job = harness.accepted(video("in_progress"))
    harness.bus.rejections = [[0]]
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 10}


def test_repeated_submit_publishes_nothing(harness: Harness) -> None:
    job = harness.running()
    harness.submit(job)
    assert harness.event_types() == ["job.started"]


def test_refused_job_publishes_terminal_event_only(harness: Harness) -> None:
    job = harness.accepted(REFUSAL)
    harness.submit(job)
    harness.finish(job)
    assert harness.event_types() == ["job.failed"]


def test_failover_of_running_job_publishes_no_second_started_event(harness: Harness) -> None:
    job = harness.running(video("failed"), model="sure")
    harness.poll(job)
    harness.submit(job)
    assert harness.now(job).provider == "spare"
    assert harness.event_types() == ["job.started"]


def test_failover_of_refused_job_publishes_started_event(harness: Harness) -> None:
    job = harness.accepted(REFUSAL, video("in_progress"), model="sure")
    harness.submit(job)
    assert harness.event_types() == []
    harness.submit(job)
    assert harness.event_types() == ["job.started"]
    assert harness.bus.events[0]["data"]["provider"] == "spare"


def test_unpublished_started_event_precedes_terminal_event(harness: Harness) -> None:
    """`sequence` gives the order."""
    job = harness.accepted(video("in_progress"))
    harness.bus.rejections = [AwsUnavailable("throttled")]
    harness.submit(job)
    harness.finish(job)
    assert harness.event_types() == ["job.started", "job.failed"]
    assert [event["sequence"] for event in harness.bus.events] == [1, 2]


def test_job_finished_during_create_call_publishes_no_started_event(harness: Harness) -> None:
    """The create call returns after the job has finished."""
    job = harness.accepted()
    calls: list[Job] = []

    def end_first(*_: object) -> object:
        calls.append(harness.jobs.change(job.account, job.id, lambda job: job))
        harness.finish(job)
        return video("in_progress")

    harness.http_client.send = end_first  # type: ignore[method-assign,assignment]
    harness.submit(job)
    assert (len(calls), harness.event_types()) == (1, ["job.failed"])

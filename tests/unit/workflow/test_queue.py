"""A job is queued until its provider says that it has begun."""

import pytest

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.http import HttpReply
from rushes.ports.providers import Timing
from rushes.providers.fal_queue.fal_queue import Pipelet
from rushes.workflow.task import TO_FINISH
from tests.harness import ACCOUNT, CANCEL_CALL, CREATE, POLL_CALL, Harness, facts, reply, video
from tests.unit.workflow.test_poll import SlowProvider

QUEUED, IN_PROGRESS = JobStatus.QUEUED, JobStatus.IN_PROGRESS
PIPELET_CREATE = "POST /one-at-home"
PIPELET_JOB = "/one-at-home/requests/7"
PIPELET_STATUS, PIPELET_CANCEL = f"GET {PIPELET_JOB}/status", f"PUT {PIPELET_JOB}/cancel"


def started_events(harness: Harness) -> int:
    return harness.event_types().count("job.started")


def test_job_is_queued_until_the_provider_begins(harness: Harness) -> None:
    job = harness.waiting(video("queued"), video("queued"), *[video("in_progress")] * 2)
    assert (job.status, started_events(harness)) == (QUEUED, 0)
    for _ in range(2):
        harness.clock.advance(20)
        assert harness.poll(job)["status"] == "pending"
        assert facts(harness.now(job)) == facts(job)
    harness.clock.advance(20)
    harness.poll(job)
    begun = harness.now(job)
    assert (begun.status, begun.started_at) == (IN_PROGRESS, harness.clock())
    assert started_events(harness) == 1
    assert harness.bus.events[0]["data"]["status"] == "in_progress"
    harness.poll(job)
    assert (harness.now(job), started_events(harness)) == (begun, 1)


def test_event_left_in_the_outbox_is_published_once(harness: Harness) -> None:
    job = harness.waiting(video("in_progress"))
    harness.bus.rejections = [[0]]
    harness.poll(job)
    assert (len(harness.now(job).outbox), started_events(harness)) == (1, 0)
    harness.sweeper.sweep()
    assert (harness.now(job).outbox, started_events(harness)) == ((), 1)


@pytest.mark.parametrize("answer", [video("completed"), video("succeeded")])
def test_result_of_the_first_poll_begins_the_job_too(harness: Harness, answer: HttpReply) -> None:
    job = harness.waiting(answer)
    harness.poll(job)
    assert harness.now(job).status is IN_PROGRESS
    assert started_events(harness) == 1


@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
def test_job_that_ends_in_the_queue_has_never_begun(harness: Harness, status: str) -> None:
    job = harness.waiting(video(status))
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    assert len(harness.event_types()) == 1
    assert started_events(harness) == 0


@pytest.mark.parametrize("status", ["in_progress", "running", "processing"])
def test_create_reply_may_say_that_the_job_has_begun(harness: Harness, status: str) -> None:
    job = harness.accepted(video(status))
    harness.submit(job)
    assert (harness.now(job).status, started_events(harness)) == (IN_PROGRESS, 1)


def test_provider_without_queue_begins_with_the_create_call(harness: Harness) -> None:
    harness.adapter = lambda _entry: SlowProvider()
    job = harness.accepted(reply(200))
    harness.submit(job)
    assert (harness.now(job).status, started_events(harness)) == (IN_PROGRESS, 1)


def test_job_that_has_begun_is_polled_when_similar_jobs_are_done(harness: Harness) -> None:
    harness.timings.put("sandbox/one-at-home/4s/1280x720", Timing(count=9, mean=5.0, variance=0.0))
    job = harness.accepted(video("queued"))
    first = harness.submit(job)["wait_seconds"]
    harness.clock.advance(first)
    harness.answer(POLL_CALL, video("in_progress"))
    assert harness.poll(job)["wait_seconds"] == 126 - first
    harness.clock.advance(126 - first)
    assert harness.poll(job)["wait_seconds"] == 16


def test_job_does_not_return_to_the_queue(harness: Harness) -> None:
    job = harness.running(video("queued"))
    harness.poll(job)
    assert harness.now(job) == job


def test_queued_fallback_of_a_job_that_has_begun_publishes_no_second_event(
    harness: Harness,
) -> None:
    job = harness.running(video("failed"), model="sure")
    harness.poll(job)
    harness.answer(CREATE, video("queued"))
    harness.submit(job)
    harness.answer(POLL_CALL, video("in_progress"))
    harness.poll(job)
    assert harness.now(job).provider == "spare"
    assert (harness.now(job).status, started_events(harness)) == (IN_PROGRESS, 1)


def status(**fields: object) -> HttpReply:
    return reply(200, **fields)


def in_pipelet_queue(harness: Harness, *answers: HttpReply) -> Job:
    """A job that waits at a Pipelet provider."""
    harness.adapter = lambda _entry: Pipelet()
    urls = {name: f"https://p.example{PIPELET_JOB}{path}" for name, path in (
        ("status_url", "/status"), ("response_url", ""), ("cancel_url", "/cancel")
    )}  # fmt: skip
    harness.answer(PIPELET_CREATE, reply(200, request_id="7", **urls))
    harness.answer(PIPELET_STATUS, *answers)
    job = harness.accepted()
    harness.submit(job)
    return harness.now(job)


def test_position_and_estimate_are_stored_when_they_change(harness: Harness) -> None:
    waiting = status(status="IN_QUEUE", queue_position=5, etaSeconds=90)
    job = in_pipelet_queue(harness, waiting)
    harness.poll(job)
    first = harness.now(job)
    assert (first.status, first.queue_position) == (QUEUED, 5)
    assert first.expected_at == harness.clock() + 90
    harness.answer(PIPELET_STATUS, status(status="IN_QUEUE", queue_position=5, etaSeconds=88))
    harness.clock.advance(3)
    harness.poll(job)
    assert harness.now(job) == first
    harness.answer(PIPELET_STATUS, status(status="IN_QUEUE", queue_position=2, etaSeconds=400))
    harness.poll(job)
    nearer = harness.now(job)
    assert (nearer.queue_position, nearer.expected_at) == (2, harness.clock() + 400)
    harness.answer(PIPELET_STATUS, status(status="IN_PROGRESS", etaSeconds=200))
    harness.poll(job)
    begun = harness.now(job)
    assert (begun.status, begun.queue_position) == (IN_PROGRESS, None)
    assert begun.expected_at == harness.clock() + 200


@pytest.mark.parametrize(
    ("answer", "after", "expected"),
    [
        (reply(204), status(status="CANCELLED"), UpstreamCancelled.YES),
        (reply(204), reply(404), UpstreamCancelled.YES),
        (reply(204), status(status="IN_QUEUE", queue_position=3), UpstreamCancelled.YES),
        (reply(409), status(status="IN_PROGRESS"), UpstreamCancelled.NO),
        (reply(409), status(status="IN_QUEUE"), UpstreamCancelled.NO),
    ],
)
def test_cancel_in_the_queue_is_passed_on(
    harness: Harness, answer: HttpReply, after: HttpReply, expected: UpstreamCancelled
) -> None:
    job = in_pipelet_queue(harness, status(status="IN_QUEUE", queue_position=3), after)
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(PIPELET_CANCEL, answer)
    assert harness.poll(job) == TO_FINISH
    assert PIPELET_CANCEL in harness.calls()
    harness.finish(job)
    ended = harness.now(job)
    assert (ended.status, ended.upstream_cancelled) == (JobStatus.CANCELLED, expected)
    assert ended.is_unbilled_cancel is (expected is UpstreamCancelled.YES)


def test_job_is_cancelled_by_us_or_by_the_provider_never_both(harness: Harness) -> None:
    """The invocation that left the queue is lost; the next one fails over all the same."""
    job = harness.waiting(video("cancelled"), model="sure")
    harness.clock.advance(61)
    assert harness.poll(job) == {"status": "resubmit", "wait_seconds": 1}
    assert harness.now(job).provider == "spare"
    assert CANCEL_CALL not in harness.calls()

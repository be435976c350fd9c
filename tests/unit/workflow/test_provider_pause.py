"""A provider that the operator has paused: no create call, failover, a named error, a resume."""

import pytest

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.ports.providers import ProviderPause, RateLimit
from rushes.workflow.rate_limiter import JITTER, PAUSED_DELAY
from tests.harness import CREATE, POLL_CALL, Harness, reply, video

HOUR = 3600.0


def pause(harness: Harness, provider: str = "sandbox", until: float | None = None) -> None:
    paused = ProviderPause(reason="moving to other servers", since=harness.clock(), until=until)
    harness.rate_limits.rows[provider] = RateLimit(pause=paused)


def resume(harness: Harness, provider: str = "sandbox") -> None:
    harness.rate_limits.rows[provider] = RateLimit()


def run(harness: Harness, job: Job, seconds: float) -> float | None:
    """Submit for some time; return the seconds until the job was submitted."""
    begun = harness.clock()
    while harness.clock() - begun <= seconds:
        step = harness.submit(job)
        if step["status"] not in ("pending", "resubmit"):
            return harness.clock() - begun
        harness.clock.advance(step["wait_seconds"])
    return None


def test_paused_provider_gets_no_create_call_and_the_job_waits_with_a_reason(harness: Harness):
    job = harness.accepted()
    pause(harness)
    assert run(harness, job, 900) is None
    stored = harness.now(job)
    assert (harness.creates(), stored.status) == ([], JobStatus.QUEUED)
    assert stored.waiting is not None
    assert stored.waiting.error.code == "provider_paused"
    assert stored.waiting.error.message == "sandbox is paused by the operator"
    assert stored.waiting.detail == "moving to other servers"


@pytest.mark.parametrize("waited", [0.0, 300.0, HOUR, 20 * HOUR])
def test_job_begins_within_a_minute_of_the_resume(harness: Harness, waited: float):
    job = harness.accepted()
    harness.change(job, lambda job, now: job.model_copy(update={"deadline_at": now + 24 * HOUR}))
    pause(harness)
    run(harness, job, waited)
    assert harness.submit(job)["wait_seconds"] <= PAUSED_DELAY * (1 + JITTER) + 1 <= 60
    resume(harness)
    assert harness.submit(job)["status"] == "submitted"
    assert len(harness.creates()) == 1


def test_pause_with_an_end_is_over_by_itself(harness: Harness):
    job = harness.accepted()
    pause(harness, until=harness.clock() + 100)
    took = run(harness, job, 300)
    assert took is not None
    assert 100 <= took <= 160
    assert len(harness.creates()) == 1


def test_job_with_a_fallback_fails_over_at_once(harness: Harness):
    job = harness.accepted(model="sure")
    pause(harness)
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.submit(job)["status"] == "submitted"
    (attempt,) = harness.now(job).attempts
    assert (attempt.provider, attempt.error.code) == ("sandbox", "provider_paused")
    assert attempt.detail == "moving to other servers"
    assert harness.now(job).provider == "spare"


def test_job_whose_providers_are_all_paused_waits_for_the_last_one(harness: Harness):
    job = harness.accepted(model="sure")
    pause(harness)
    pause(harness, "spare")
    assert run(harness, job, 300) is None
    assert (harness.creates(), harness.now(job).provider) == ([], "spare")
    resume(harness, "spare")
    assert harness.submit(job)["status"] == "submitted"


def test_job_that_waits_past_its_deadline_fails_with_the_reason(harness: Harness):
    job = harness.accepted()
    pause(harness)
    assert run(harness, job, 2 * HOUR) is not None
    error = harness.error(job)
    assert error.code == "upstream_timeout"
    message = "no provider accepted the job in time: sandbox is paused by the operator"
    assert error.message == message
    assert harness.creates() == []
    assert harness.clock() - job.created_at <= 1800 + 60


def test_running_job_continues(harness: Harness):
    job = harness.running(video("completed"))
    pause(harness)
    assert harness.poll(job)["status"] == "succeeded"
    assert harness.calls().count(POLL_CALL) == 1


def test_create_call_is_not_repeated_while_its_provider_is_paused(harness: Harness):
    job = harness.accepted()
    harness.answer(CREATE, reply(503))
    harness.submit(job)
    pause(harness)
    run(harness, job, 300)
    assert len(harness.creates()) == 1


def test_cancel_of_a_waiting_job_needs_no_provider(harness: Harness):
    job = harness.accepted()
    pause(harness)
    harness.submit(job)
    harness.service.cancel(job.account, job.id)
    assert harness.submit(job)["status"] == "ending"
    assert harness.now(job).is_cancelled
    assert harness.creates() == []


def test_pause_during_a_slow_preparation_holds_the_create_call(harness: Harness):
    job = harness.accepted()
    find = harness.upstreams.find

    def slow(job: Job) -> object:
        harness.clock.advance(5)
        pause(harness)
        return find(job)

    harness.upstreams.find = slow  # type: ignore[method-assign, assignment]
    assert harness.submit(job)["status"] == "pending"
    assert harness.creates() == []
    assert harness.now(job).lease_until is None


def test_pause_keeps_the_other_state_of_the_provider():
    limit = RateLimit(not_before=7, pause=ProviderPause(reason="x", since=1.0, until=2.0))
    read = RateLimit.model_validate_json(limit.model_dump_json())
    assert read == limit
    assert (read.pause_at(1.5), read.pause_at(2.0)) == (limit.pause, None)
    assert RateLimit.model_validate_json('{"not_before": 7.0}').pause is None

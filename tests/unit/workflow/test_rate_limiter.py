"""Rate limiter and circuit breaker of provider create calls."""

import pytest
from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.errors import AwsUnavailable
from rushes.ports.providers import RateLimit
from rushes.workflow.rate_limiter import CIRCUIT_OPEN_SECONDS, DEFAULT_RETRY_AFTER, JITTER
from rushes.workflow.task import TO_FINISH
from rushes.workflow.wait_times import MAX_REQUESTED_DELAY
from tests.fakes import FakeRateLimits
from tests.harness import CREATE, POLL_CALL, Harness, reply, video

LIMITED = read_catalog(
    """
    default_model = "sandbox/one"
    [providers.sandbox]
    protocol = "openai_compatible"
    creates_per_minute = 6
    [[models]]
    name = "sandbox/one"
    deadline_seconds = 3600
    """
)
REFUSED = reply(401, error={"message": "invalid API key"})


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(reply(429), DEFAULT_RETRY_AFTER), (reply(429, {"retry-after": "45"}), 45.0)],
)
def test_retry_after_delays_all_jobs_of_provider(
    harness: Harness, answer: object, seconds: float
) -> None:
    throttled, other = harness.accepted(), harness.accepted()
    harness.answer(CREATE, answer)  # type: ignore[arg-type]
    harness.submit(throttled)
    harness.answer(CREATE, video("queued"))
    outcome = harness.submit(other)
    assert outcome["status"] == "pending"
    assert seconds <= outcome["wait_seconds"] <= seconds * (1 + JITTER) + 1
    assert (len(harness.creates()), harness.now(other)) == (1, other)
    harness.clock.advance(seconds)
    assert harness.submit(other)["status"] == "submitted"


def test_throttling_does_not_delay_other_providers(harness: Harness) -> None:
    throttled, other = harness.accepted(), harness.accepted(model="spare/one")
    harness.answer(CREATE, reply(429), video("queued"))
    harness.submit(throttled)
    assert harness.submit(other)["status"] == "submitted"


def test_throttled_jobs_retry_with_jitter(harness: Harness) -> None:
    harness.rate_limits.throttle("sandbox", harness.clock() + 200)
    waits = {harness.submit(harness.accepted())["wait_seconds"] for _ in range(50)}
    assert len(waits) > 20
    assert all(200 <= wait <= 250 for wait in waits)


def test_rate_limit_does_not_delay_polls(harness: Harness) -> None:
    job = harness.running()
    harness.rate_limits.throttle("sandbox", harness.clock() + 200)
    harness.rate_limits.open_circuit("sandbox", harness.clock() + 60, "no")
    harness.answer(POLL_CALL, video("completed"))
    assert harness.poll(job)["status"] == "succeeded"


def test_job_throttled_too_long_fails_over(harness: Harness) -> None:
    job = harness.accepted(model="sure")
    harness.rate_limits.throttle("sandbox", harness.clock() + 300)
    assert harness.submit(job)["status"] == "pending"
    harness.clock.advance(61)
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.now(job).provider == "spare"


def test_forbidden_request_does_not_open_circuit(harness: Harness) -> None:
    """A 403 may concern this request only; its message must not reach another account."""
    first, second = harness.accepted(), harness.accepted()
    harness.answer(CREATE, reply(403, error={"message": "not in your region"}), video("queued"))
    assert harness.submit(first) == TO_FINISH
    assert harness.submit(second)["status"] == "submitted"


def test_retry_after_is_limited(harness: Harness) -> None:
    first, second = harness.accepted(), harness.accepted()
    harness.answer(CREATE, reply(429, {"retry-after": "86400"}), video("queued"))
    harness.submit(first)
    harness.clock.advance(MAX_REQUESTED_DELAY)
    assert harness.submit(second)["status"] == "submitted"


def test_rejected_key_opens_circuit(harness: Harness) -> None:
    first, second = harness.accepted(), harness.accepted()
    harness.answer(CREATE, REFUSED)
    assert harness.submit(first) == harness.submit(second) == TO_FINISH
    assert [harness.error_code(job) for job in (first, second)] == ["upstream_unauthorized"] * 2
    assert len(harness.creates()) == 1
    assert harness.now(second).submissions == 0


def test_circuit_closes_after_a_minute(harness: Harness) -> None:
    harness.answer(CREATE, REFUSED)
    harness.submit(harness.accepted())
    harness.answer(CREATE, video("queued"))
    harness.clock.advance(CIRCUIT_OPEN_SECONDS)
    assert harness.submit(harness.accepted())["status"] == "submitted"


def test_open_circuit_fails_over(harness: Harness) -> None:
    harness.answer(CREATE, REFUSED, video("queued"))
    harness.submit(harness.accepted())
    job = harness.accepted(model="sure")
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).attempts[0].error.code == "upstream_unauthorized"


def test_creates_per_minute_are_not_exceeded(harness: Harness) -> None:
    """Six per minute, for any number and order of jobs."""
    harness.catalog = LIMITED
    waiting = [harness.accepted() for _ in range(30)]
    due = dict.fromkeys((job.id for job in waiting), harness.clock())
    begun = harness.clock()
    made: list[float] = []
    while waiting:
        for job in [entry for entry in waiting if due[entry.id] <= harness.clock()]:
            outcome = harness.submit(job)
            due[job.id] = harness.clock() + outcome["wait_seconds"]
            if outcome["status"] == "submitted":
                waiting.remove(job)
                made.append(harness.clock() - begun)
        harness.clock.advance(1)
    for moment in made:
        assert sum(moment <= other < moment + 60 for other in made) <= 6
    assert made[-1] < 15 * 60


def test_acquired_slot_is_used_at_once(harness: Harness) -> None:
    harness.catalog = LIMITED
    assert harness.submit(harness.accepted())["status"] == "submitted"
    assert harness.submit(harness.accepted())["status"] == "pending"
    harness.clock.advance(10)
    assert harness.submit(harness.accepted())["status"] == "submitted"


class ReadOnlyRateLimits(FakeRateLimits):
    @override
    def throttle(self, provider: str, until: float) -> None:
        raise AwsUnavailable("throttled")

    @override
    def open_circuit(self, provider: str, until: float, reason: str) -> None:
        raise AwsUnavailable("throttled")


@pytest.mark.parametrize(("answer", "status"), [(reply(429), "pending"), (REFUSED, "ending")])
def test_failed_rate_limit_write_does_not_change_result(
    harness: Harness, answer: object, status: str
) -> None:
    harness.rate_limits = ReadOnlyRateLimits()
    harness.answer(CREATE, answer)  # type: ignore[arg-type]
    job = harness.accepted()
    assert harness.submit(job)["status"] == status
    assert (harness.now(job).lease_until is None) is (status == "pending")


def test_submit_retries_when_rate_limit_is_unavailable(harness: Harness) -> None:
    def fail(provider: str) -> RateLimit:
        raise AwsUnavailable(f"cannot read {provider}")

    job, get = harness.accepted(), harness.rate_limits.get
    harness.rate_limits.get = fail  # type: ignore[method-assign]
    assert harness.submit(job)["status"] == "pending"
    assert not harness.creates()
    harness.rate_limits.get = get  # type: ignore[method-assign]
    assert harness.submit(job)["status"] == "submitted"

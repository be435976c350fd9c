"""Rate limiter and circuit breaker of provider create calls."""

import pytest
from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from rushes.ports.providers import Circuit, RateLimit
from rushes.workflow.circuit import MAX_PAUSE, MIN_PAUSE, THRESHOLD, TRIAL_RETRY, TRIAL_SECONDS
from rushes.workflow.rate_limiter import (
    DEFAULT_RETRY_AFTER,
    JITTER,
    MAX_HOLD_DELAY,
    MAX_HOLD_SECONDS,
    MAX_SHARED_DELAY,
)
from rushes.workflow.submit import KEY_RETRY_DELAYS
from rushes.workflow.task import TO_FINISH
from rushes.workflow.wait_times import MAX_REQUESTED_DELAY
from tests.fakes import FakeRateLimits
from tests.harness import CREATE, POLL_CALL, Harness, facts, reply, video

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
MODEL = "one-at-home"
OTHER = "other"
"""Another account."""


def throttle(harness: Harness, seconds: float) -> None:
    limit = RateLimit(not_before=harness.clock() + seconds)
    harness.rate_limits.rows["sandbox"] = limit


def open_circuit(harness: Harness, *accounts: str, seconds: float = 60.0) -> None:
    """Open the circuit of sandbox/one after rejections of the accounts' calls."""
    now = harness.clock()
    circuit = Circuit(
        rejections=THRESHOLD,
        accounts=accounts,
        failing_since=now,
        rejected_at=now,
        open_until=now + seconds,
        pause=MIN_PAUSE,
        reason="sandbox rejected the API key of this deployment",
    )
    harness.rate_limits.rows["sandbox"] = RateLimit(circuits={MODEL: circuit})


def circuit_of(harness: Harness) -> Circuit | None:
    return harness.rate_limits.get("sandbox").circuits.get(MODEL)


def run(harness: Harness, job: Job, seconds: float) -> str:
    """Submit until the job leaves the queue or the time is over; return the last status."""
    end = harness.clock() + seconds
    while (step := harness.submit(job))["status"] == "pending":
        if harness.clock() + step["wait_seconds"] > end:
            break
        harness.clock.advance(step["wait_seconds"])
    return step["status"]


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
    assert (len(harness.creates()), facts(harness.now(other))) == (1, facts(other))
    harness.clock.advance(seconds)
    assert harness.submit(other)["status"] == "submitted"


def test_one_throttled_job_delays_other_jobs_for_a_minute_at_most(harness: Harness) -> None:
    throttled, other = harness.accepted(), harness.accepted(account=OTHER)
    harness.answer(CREATE, reply(429, {"retry-after": "300"}), video("queued"))
    assert harness.submit(throttled)["wait_seconds"] == 300
    assert harness.submit(other)["wait_seconds"] <= MAX_SHARED_DELAY * (1 + JITTER) + 1
    harness.clock.advance(MAX_SHARED_DELAY)
    assert harness.submit(other)["status"] == "submitted"


def test_earlier_end_of_throttling_does_not_shorten_a_later_one(harness: Harness) -> None:
    throttle(harness, 40)
    harness.rate_limiter.throttle("sandbox", 10)
    assert harness.rate_limits.get("sandbox").not_before == harness.clock() + 40


def test_throttling_does_not_delay_other_providers(harness: Harness) -> None:
    throttled, other = harness.accepted(), harness.accepted(model="spare/one")
    harness.answer(CREATE, reply(429), video("queued"))
    harness.submit(throttled)
    assert harness.submit(other)["status"] == "submitted"


def test_throttled_jobs_retry_with_jitter(harness: Harness) -> None:
    throttle(harness, 200)
    waits = {harness.submit(harness.accepted())["wait_seconds"] for _ in range(50)}
    assert len(waits) > 20
    assert all(200 <= wait <= 250 for wait in waits)


def test_rate_limit_does_not_delay_polls(harness: Harness) -> None:
    job = harness.running()
    open_circuit(harness, job.account, OTHER)
    harness.answer(POLL_CALL, video("completed"))
    assert harness.poll(job)["status"] == "succeeded"


def test_job_throttled_too_long_fails_over(harness: Harness) -> None:
    job = harness.accepted(model="sure")
    throttle(harness, 300)
    assert harness.submit(job)["status"] == "pending"
    harness.clock.advance(61)
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.now(job).provider == "spare"


def test_retry_after_is_limited(harness: Harness) -> None:
    first, second = harness.accepted(), harness.accepted()
    harness.answer(CREATE, reply(429, {"retry-after": "86400"}), video("queued"))
    harness.submit(first)
    harness.clock.advance(MAX_REQUESTED_DELAY)
    assert harness.submit(second)["status"] == "submitted"


def test_job_without_pace_and_rejections_writes_no_limits(harness: Harness) -> None:
    harness.submit(harness.accepted())
    assert harness.rate_limits.writes == 0


# --- rejected API keys


def test_forbidden_request_does_not_count_as_rejected_key(harness: Harness) -> None:
    """A 403 may concern this request only; its message must not reach another account."""
    first, second = harness.accepted(), harness.accepted()
    harness.answer(CREATE, reply(403, error={"message": "not in your region"}), video("queued"))
    assert harness.submit(first) == TO_FINISH
    assert circuit_of(harness) is None
    assert harness.submit(second)["status"] == "submitted"


def test_rejected_key_is_retried_twice_before_the_job_fails(harness: Harness) -> None:
    job = harness.accepted(REFUSED)
    for number, delay in enumerate(KEY_RETRY_DELAYS, 1):
        assert harness.submit(job) == {"status": "pending", "wait_seconds": delay}
        stored = harness.now(job)
        assert (stored.key_rejections, stored.lease_until) == (number, None)
        harness.clock.advance(delay)
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_unauthorized"
    assert len(harness.creates()) == 1 + len(KEY_RETRY_DELAYS)


def test_key_renewed_after_one_rejection_fails_no_job(harness: Harness) -> None:
    job = harness.accepted(REFUSED, video("queued"))
    harness.submit(job)
    harness.clock.advance(KEY_RETRY_DELAYS[0])
    assert harness.submit(job)["status"] == "submitted"
    assert circuit_of(harness) is None


def test_rejections_of_one_account_hold_its_jobs_for_the_model_only(harness: Harness) -> None:
    harness.answer(CREATE, REFUSED)
    for _ in range(THRESHOLD):
        harness.submit(harness.accepted())
    held = harness.accepted()
    assert harness.submit(held)["status"] == "pending"
    assert (len(harness.creates()), harness.now(held).submissions) == (THRESHOLD, 0)
    harness.answer(CREATE, video("queued"))
    assert harness.submit(harness.accepted(model="sandbox/plain"))["status"] == "submitted"
    assert harness.submit(harness.accepted(account=OTHER))["status"] == "submitted"


@pytest.mark.parametrize("rejections", [1, THRESHOLD - 1])
def test_fewer_rejections_do_not_open_the_circuit(harness: Harness, rejections: int) -> None:
    harness.answer(CREATE, *[REFUSED] * rejections, video("queued"))
    for number in range(rejections):
        harness.submit(harness.accepted(account=f"account-{number}"))
    assert harness.submit(harness.accepted())["status"] == "submitted"


def test_rejections_of_two_accounts_hold_all_jobs_for_the_model(harness: Harness) -> None:
    harness.answer(CREATE, REFUSED)
    for number in range(THRESHOLD):
        harness.submit(harness.accepted(account=f"account-{number % 2}"))
    assert harness.submit(harness.accepted(account=OTHER))["status"] == "pending"
    assert len(harness.creates()) == THRESHOLD
    harness.answer(CREATE, video("queued"))
    assert harness.submit(harness.accepted(model="sandbox/plain"))["status"] == "submitted"


def test_accepted_call_clears_the_rejections_before_it(harness: Harness) -> None:
    harness.answer(CREATE, REFUSED, REFUSED, video("queued"), REFUSED, REFUSED, video("queued"))
    statuses = [harness.submit(harness.accepted())["status"] for _ in range(6)]
    assert statuses == ["pending", "pending", "submitted"] * 2


def test_refused_request_proves_that_the_key_is_accepted(harness: Harness) -> None:
    answers = reply(400, error={"message": "no"}), REFUSED, video("queued")
    harness.answer(CREATE, REFUSED, REFUSED, *answers)
    statuses = [harness.submit(harness.accepted())["status"] for _ in range(5)]
    assert statuses == ["pending", "pending", "ending", "pending", "submitted"]


def test_one_job_makes_the_trial_call_after_the_pause(harness: Harness) -> None:
    first, second = harness.accepted(), harness.accepted(account=OTHER)
    open_circuit(harness, first.account, OTHER)
    harness.clock.advance(60)
    harness.answer(CREATE, AwsUnavailable("the trial's function has not ended"), video("queued"))
    harness.submit(first)
    waiting = harness.submit(second)
    assert waiting["status"] == "pending"
    assert TRIAL_RETRY <= waiting["wait_seconds"] <= TRIAL_RETRY * (1 + JITTER) + 1
    assert len(harness.creates()) == 1
    harness.clock.advance(TRIAL_SECONDS)
    assert harness.submit(second)["status"] == "submitted"


def test_accepted_trial_call_closes_the_circuit(harness: Harness) -> None:
    job = harness.accepted()
    open_circuit(harness, job.account, OTHER)
    harness.clock.advance(60)
    assert harness.submit(job)["status"] == "submitted"
    assert circuit_of(harness) is None
    assert harness.submit(harness.accepted(account=OTHER))["status"] == "submitted"


def test_rejected_trial_calls_double_the_pause_up_to_five_minutes(harness: Harness) -> None:
    harness.answer(CREATE, REFUSED)
    open_circuit(harness, "demo", OTHER)
    pauses = []
    for _ in range(4):
        circuit = circuit_of(harness)
        assert circuit is not None
        harness.clock.now = circuit.open_until or 0.0
        harness.submit(harness.accepted())
        opened = circuit_of(harness)
        assert opened is not None
        pauses.append((opened.open_until or 0.0) - harness.clock())
    assert pauses == [120.0, 240.0, MAX_PAUSE, MAX_PAUSE]


def test_calls_sent_before_the_circuit_opened_do_not_prolong_it(harness: Harness) -> None:
    open_circuit(harness, "demo", OTHER)
    for _ in range(5):
        harness.rate_limiter.key_rejected(harness.accepted(), "late")
    circuit = circuit_of(harness)
    assert circuit is not None
    assert circuit.open_until == harness.clock() + 60


def test_held_job_looks_every_minute_whether_the_circuit_has_closed(harness: Harness) -> None:
    open_circuit(harness, "demo", seconds=300)
    waits = {harness.submit(harness.accepted())["wait_seconds"] for _ in range(20)}
    assert all(MAX_HOLD_DELAY <= wait <= MAX_HOLD_DELAY * (1 + JITTER) + 1 for wait in waits)
    assert len(waits) > 5


def test_held_job_fails_after_the_longest_hold_with_the_reason(harness: Harness) -> None:
    job = harness.accepted()
    open_circuit(harness, job.account, seconds=10_000)
    accepted_at = harness.clock()
    assert run(harness, job, 10_000) == "ending"
    assert MAX_HOLD_SECONDS <= harness.clock() - accepted_at <= MAX_HOLD_SECONDS + 30
    error = harness.error(job)
    assert (error.code, error.message) == (
        "upstream_unauthorized",
        "sandbox rejected the API key of this deployment",
    )
    assert not harness.creates()


def test_held_job_ends_at_its_deadline(harness: Harness) -> None:
    job = harness.accepted()
    job = harness.change(
        job,
        lambda job, now: job.mark_running(now).model_copy(update={"deadline_at": now + 300}),
    )
    open_circuit(harness, job.account, seconds=10_000)
    assert run(harness, job, 10_000) == "ending"
    assert harness.error_code(job) == "upstream_timeout"
    assert job.deadline_at < harness.clock() <= job.deadline_at + 2


def test_held_job_can_be_cancelled(harness: Harness) -> None:
    job = harness.accepted()
    open_circuit(harness, job.account)
    harness.submit(job)
    harness.service.cancel(job.account, job.id)
    assert harness.submit(job) == TO_FINISH
    assert harness.finish(job)["status"] == "cancelled"


def test_open_circuit_fails_over(harness: Harness) -> None:
    job = harness.accepted(model="sure")
    open_circuit(harness, job.account)
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).attempts[0].error.code == "upstream_unauthorized"


def test_rejected_key_fails_over_at_once(harness: Harness) -> None:
    job = harness.accepted(REFUSED, video("queued"), model="sure")
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).key_rejections == 0


def test_old_rejections_are_forgotten(harness: Harness) -> None:
    harness.answer(CREATE, *[REFUSED] * THRESHOLD, video("queued"))
    for _ in range(THRESHOLD):
        harness.submit(harness.accepted())
        harness.clock.advance(3601)
    assert harness.submit(harness.accepted())["status"] == "submitted"


def test_rejections_of_many_models_are_bounded(harness: Harness) -> None:
    job = harness.accepted()
    for number in range(50):
        harness.clock.advance(1)
        other = job.model_copy(update={"upstream_model": f"model-{number}"})
        harness.rate_limiter.key_rejected(other, "no")
    circuits = harness.rate_limits.get("sandbox").circuits
    assert sorted(circuits) == sorted(f"model-{number}" for number in range(30, 50))


# --- creates_per_minute


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


def test_submit_waits_itself_for_a_turn_of_the_next_second(harness: Harness) -> None:
    """The state machine waits for whole seconds, which would waste a part of each interval."""
    harness.catalog = LIMITED
    harness.submit(harness.accepted())
    harness.clock.advance(0.4)
    job = harness.accepted()
    assert harness.submit(job)["wait_seconds"] == 9
    harness.clock.advance(9)
    began = harness.clock()
    assert harness.submit(job)["status"] == "submitted"
    assert harness.clock() - began == pytest.approx(0.6)


def test_trial_call_is_not_begun_before_its_turn(harness: Harness) -> None:
    harness.catalog = LIMITED
    harness.submit(harness.accepted())
    job = harness.accepted()
    limit = harness.rate_limits.get("sandbox")
    circuit = Circuit(accounts=(job.account,), open_until=harness.clock(), pause=60.0)
    harness.rate_limits.rows["sandbox"] = limit.model_copy(
        update={"circuits": {job.upstream_model: circuit}}
    )
    assert harness.submit(job)["status"] == "pending"
    assert harness.rate_limits.get("sandbox").circuits == {job.upstream_model: circuit}


# --- AWS errors


class ReadOnlyRateLimits(FakeRateLimits):
    @override
    def write(self, key: str, state: RateLimit) -> None:
        raise AwsUnavailable("throttled")


@pytest.mark.parametrize(
    ("answer", "status"),
    [(reply(429), "pending"), (REFUSED, "pending"), (reply(400), "ending")],
)
def test_failed_rate_limit_write_does_not_change_result(
    harness: Harness, answer: object, status: str
) -> None:
    harness.rate_limits = ReadOnlyRateLimits()
    harness.answer(CREATE, answer)  # type: ignore[arg-type]
    job = harness.accepted()
    assert harness.submit(job)["status"] == status
    assert harness.now(job).lease_until is None


def test_submit_retries_when_rate_limit_is_unavailable(harness: Harness) -> None:
    class Unreadable(FakeRateLimits):
        @override
        def get(self, provider: str) -> RateLimit:
            raise AwsUnavailable(f"cannot read {provider}")

    job, rate_limits = harness.accepted(), harness.rate_limits
    harness.rate_limits = Unreadable()
    assert harness.submit(job)["status"] == "pending"
    assert not harness.creates()
    harness.rate_limits = rate_limits
    assert harness.submit(job)["status"] == "submitted"

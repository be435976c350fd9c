"""A provider that is down or throttles: failover in seconds, circuit, and visible reasons."""

import pytest

from rushes.catalog.models import read_catalog
from rushes.errors import UpstreamError, UpstreamNoResponse, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.metrics import Metric
from rushes.ports.http import HttpReply
from rushes.workflow import rate_limiter
from rushes.workflow.circuit import ANY_MODEL, MIN_PAUSE, OUTAGE_SECONDS, THRESHOLD
from rushes.workflow.task import ACCEPT_SECONDS, TO_FINISH
from tests.harness import CREATE, Harness, reply, video

REFUSED = UpstreamUnreachable("the provider cannot be reached (connection refused)", detail="h: x")
DNS = UpstreamUnreachable("the provider cannot be reached (name not resolved)")
TLS = UpstreamUnreachable("the provider cannot be reached (TLS failed)")
CATALOG = """
    default_model = "first/one"
    [providers.first]
    protocol = "openai_compatible"
    [providers.second]
    protocol = "openai_compatible"
    [providers.paced]
    protocol = "openai_compatible"
    creates_per_minute = 1
    [providers.keyed]
    protocol = "openai_compatible"
    idempotency = "key"
    [aliases]
    both = ["first/one", "second/one"]
    patient = ["first/patient", "second/one"]
    slow = ["paced/one", "second/one"]
    keyed = ["keyed/one", "second/one"]
    [[models]]
    name = "first/one"
    [[models]]
    name = "first/patient"
    queue_timeout_seconds = 120
    [[models]]
    name = "second/one"
    [[models]]
    name = "paced/one"
    [[models]]
    name = "keyed/one"
"""


@pytest.fixture
def harness() -> Harness:
    return Harness(catalog=read_catalog(CATALOG))


def run(harness: Harness, job: Job, first: HttpReply | Exception, seconds: float) -> float | None:
    """Run until the job is submitted; return the seconds that it took."""
    begun = harness.clock()
    while harness.clock() - begun <= seconds:
        is_first = harness.now(job).provider != "second"
        harness.answer(CREATE, first if is_first else video("queued"))
        step = harness.submit(job)
        if step["status"] == "submitted":
            return harness.clock() - begun
        if step == TO_FINISH:
            return None
        harness.clock.advance(step["wait_seconds"])
    return None


@pytest.mark.parametrize("answer", [REFUSED, DNS, TLS])
def test_unreachable_first_provider_costs_seconds(harness: Harness, answer: UpstreamError):
    job = harness.accepted(model="both")
    took = run(harness, job, answer, 60)
    assert took is not None
    assert took <= 5
    (attempt,) = harness.now(job).attempts
    assert attempt.error.code == "upstream_unreachable"
    assert attempt.error.message == answer.message.replace("the provider", "first")
    assert attempt.detail == (answer.detail or answer.message)


@pytest.mark.parametrize("wait", [None, "1", "10", "45", "3600"])
def test_throttling_first_provider_costs_half_a_minute_at_most(harness: Harness, wait: str | None):
    job = harness.accepted(model="both")
    took = run(harness, job, reply(429, {"retry-after": wait} if wait else None), 60)
    assert took is not None
    assert took <= ACCEPT_SECONDS + 5
    (attempt,) = harness.now(job).attempts
    assert attempt.error.code == "upstream_queued_too_long"
    assert "first throttles requests" in attempt.error.message


def test_rate_limit_of_a_moment_is_waited_for(harness: Harness):
    job = harness.accepted(reply(429), model="both")
    harness.submit(job)
    harness.clock.advance(3)
    harness.answer(CREATE, video("queued"))
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).provider == "first"


def test_own_queue_timeout_replaces_the_default(harness: Harness):
    job = harness.accepted(model="patient")
    took = run(harness, job, reply(429), 300)
    assert took is not None
    assert 120 < took <= 130


def test_queue_timeout_has_its_older_name():
    named = CATALOG.replace("queue_timeout_seconds", "queue_seconds")
    assert read_catalog(named) == read_catalog(CATALOG)


def test_throttled_job_without_fallback_waits(harness: Harness):
    job = harness.accepted(model="first/one")
    assert run(harness, job, reply(429), 600) is None
    stored = harness.now(job)
    assert not stored.has_outcome
    assert stored.waiting is not None
    assert stored.waiting.error.code == "upstream_busy"
    assert stored.waiting.tries > 3


def test_own_pace_is_no_reason_to_fail_over(harness: Harness):
    harness.answer(CREATE, video("queued"))
    harness.submit(harness.accepted(model="slow"))
    job = harness.accepted(model="slow")
    for _ in range(2):
        harness.clock.advance(harness.submit(job)["wait_seconds"])
    assert harness.now(job).provider == "paced"


@pytest.mark.parametrize("answer", [reply(503), UpstreamNoResponse("no answer"), reply(500)])
def test_unknown_outcome_never_fails_over(harness: Harness, answer: HttpReply | Exception):
    job = harness.accepted(model="both")
    assert run(harness, job, answer, 60) is None
    assert harness.now(job).provider == "first"
    assert harness.error_code(job) == "upstream_outcome_unknown"


def test_unconfirmed_create_call_keeps_its_provider_although_that_is_down(harness: Harness):
    """The first call may have created the job: the provider is asked until the deadline."""
    job = harness.accepted(UpstreamNoResponse("no answer"), model="keyed")
    harness.clock.advance(harness.submit(job)["wait_seconds"])
    harness.answer(CREATE, REFUSED)
    for _ in range(4):
        harness.clock.advance(harness.submit(job)["wait_seconds"])
    stored = harness.now(job)
    assert (stored.provider, stored.attempts, stored.has_outcome) == ("keyed", (), False)
    harness.answer(CREATE, video("queued"))
    assert harness.submit(job)["status"] == "submitted"


# --- visible reasons


def test_job_without_fallback_says_why_it_waits(harness: Harness, caplog: pytest.LogCaptureFixture):
    job = harness.accepted(REFUSED, model="first/one")
    begun = harness.clock()
    for _ in range(3):
        harness.clock.advance(harness.submit(job)["wait_seconds"])
    waiting = harness.now(job).waiting
    assert waiting is not None
    assert waiting.error.message == "first cannot be reached (connection refused)"
    assert (waiting.detail, waiting.since, waiting.tries) == ("h: x", begun, 3)
    assert [record.message for record in caplog.records].count("provider_call_failed") == 3


def test_accepted_job_has_no_reason_to_wait(harness: Harness):
    job = harness.accepted(REFUSED, video("queued"), model="first/one")
    harness.clock.advance(harness.submit(job)["wait_seconds"])
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).waiting is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (REFUSED, "first cannot be reached (connection refused)"),
        (reply(429), "first throttles requests"),
        (reply(401), "first rejected the API key of this deployment"),
    ],
)
def test_deadline_names_the_reason(harness: Harness, answer: HttpReply | Exception, reason: str):
    job = harness.accepted(answer, model="first/one")
    harness.submit(job)
    harness.clock.now = job.deadline_at + 1
    assert harness.submit(job) == TO_FINISH
    error = harness.error(job)
    assert error.code == "upstream_timeout"
    assert error.message == f"no provider accepted the job in time: {reason}"


# --- circuit of an outage


def fail_for(harness: Harness, seconds: float, *accounts: str) -> None:
    """Send create calls to the first provider, which is down, from several accounts in turn."""
    harness.answer(CREATE, REFUSED)
    for account in (accounts or ("demo",)) * THRESHOLD:
        harness.submit(harness.accepted(model="both", account=account))
        harness.clock.advance(seconds / THRESHOLD)
    harness.submit(harness.accepted(model="both", account=(accounts or ("demo",))[0]))


def is_open(harness: Harness) -> bool:
    circuit = harness.rate_limits.get("first").circuits.get(ANY_MODEL)
    return circuit is not None and circuit.open_until is not None


def creates(harness: Harness) -> int:
    return len(harness.creates())


def test_outage_opens_the_circuit_and_raises_the_alarm(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    counted: list[Metric] = []
    monkeypatch.setattr(rate_limiter, "count", lambda metric, _: counted.append(metric))
    fail_for(harness, OUTAGE_SECONDS)
    assert is_open(harness)
    assert counted == [Metric.PROVIDER_DOWN]
    (event,) = [record for record in caplog.records if record.message == "circuit_opened"]
    assert event.__dict__["provider"] == "first"
    before = creates(harness)
    job = harness.accepted(model="both")
    assert harness.submit(job)["status"] == "resubmit"  # without a call to the first provider
    assert creates(harness) == before


def test_short_failure_does_not_open_the_circuit(harness: Harness):
    fail_for(harness, OUTAGE_SECONDS / 2)
    assert not is_open(harness)


@pytest.mark.parametrize("answer", [video("queued"), reply(429), reply(400), reply(402)])
def test_answer_ends_the_outage(harness: Harness, answer: HttpReply):
    fail_for(harness, OUTAGE_SECONDS)
    harness.clock.advance(MIN_PAUSE)
    harness.answer(CREATE, answer)
    harness.submit(harness.accepted(model="first/one"))
    assert not is_open(harness)


def test_one_job_probes_the_provider_after_the_pause(harness: Harness):
    fail_for(harness, OUTAGE_SECONDS)
    harness.clock.advance(MIN_PAUSE)
    before = creates(harness)
    jobs = [harness.accepted(model="both") for _ in range(5)]
    for job in jobs:
        harness.submit(job)
    assert creates(harness) == before + 1
    assert {harness.now(job).provider for job in jobs} == {"second"}


def test_outage_seen_by_two_accounts_holds_all(harness: Harness):
    fail_for(harness, OUTAGE_SECONDS, "a", "b")
    before = creates(harness)
    harness.submit(harness.accepted(model="both", account="c"))
    assert creates(harness) == before


def test_outage_seen_by_one_account_holds_its_jobs_only(harness: Harness):
    """Calls that one account's arguments break do not stop the provider for the others."""
    fail_for(harness, OUTAGE_SECONDS, "a")
    before = creates(harness)
    harness.submit(harness.accepted(model="both", account="c"))
    assert creates(harness) == before + 1


def test_job_without_fallback_waits_for_the_end_of_the_outage(harness: Harness):
    fail_for(harness, OUTAGE_SECONDS)
    job = harness.accepted(model="first/one")
    harness.clock.advance(harness.submit(job)["wait_seconds"])
    stored = harness.now(job)
    assert stored.waiting is not None
    assert stored.waiting.error.code == "upstream_unreachable"
    assert run(harness, job, REFUSED, 1800) is None
    assert not harness.now(job).has_outcome
    assert run(harness, job, video("queued"), 600) is not None


def test_missing_answers_open_the_circuit_too(harness: Harness):
    for _ in range(THRESHOLD + 1):
        harness.submit(harness.accepted(UpstreamNoResponse("timeout"), model="first/one"))
        harness.clock.advance(OUTAGE_SECONDS / THRESHOLD)
    assert is_open(harness)


def test_outage_does_not_concern_another_provider(harness: Harness):
    fail_for(harness, OUTAGE_SECONDS)
    harness.answer(CREATE, video("queued"))
    assert harness.submit(harness.accepted(model="second/one"))["status"] == "submitted"


# --- content refusals at create


def test_content_refusal_at_create_asks_the_fallback(harness: Harness):
    refusal = reply(400, error={"code": "content_filter", "message": "violates our policy"})
    job = harness.accepted(refusal, video("queued"), model="both")
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.submit(job)["status"] == "submitted"
    (attempt,) = harness.now(job).attempts
    assert (attempt.error.code, attempt.error.message) == (
        "content_filtered",
        "violates our policy",
    )


@pytest.mark.parametrize("status", [400, 403, 422, 451])
def test_last_content_refusal_is_the_error_of_the_job(harness: Harness, status: int):
    refusal = reply(status, error={"code": "content_policy_violation", "message": "violates it"})
    job = harness.accepted(refusal, model="both")
    harness.submit(job)
    assert harness.submit(job) == TO_FINISH
    error = harness.error(job)
    assert (error.code, error.message) == ("content_filtered", "violates it")


def test_content_refusal_of_a_running_job_is_not_repeated_elsewhere(harness: Harness):
    """Some providers bill it."""
    job = harness.running(
        video("failed", error={"code": "content_filter", "message": "no"}), model="both"
    )
    assert harness.poll(job) == TO_FINISH
    assert harness.error_code(job) == "content_filtered"


def test_first_provider_of_a_job_does_not_change(harness: Harness):
    job = harness.accepted(REFUSED, video("queued"), model="both")
    assert job.first_provider == "first"
    harness.submit(job)
    harness.submit(job)
    moved = harness.now(job)
    assert (moved.provider, moved.first_provider) == ("second", "first")

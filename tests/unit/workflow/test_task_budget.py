"""JobContext with a daily budget: no sequence of failovers and refunds spends more than it."""

import pytest
from typing_extensions import override

from rushes.catalog.models import Catalog
from rushes.errors import BudgetExceeded, InvalidInputFile, UpstreamNoResponse
from rushes.jobs.cost import charged
from rushes.jobs.reservation import Reservation
from rushes.jobs.result import JobError, Output
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.http import HttpReply
from rushes.providers.base import PollResult, Succeeded
from rushes.workflow.task import TO_FINISH
from tests.harness import (
    CANCEL_CALL,
    CATALOG,
    CONTENT,
    MP4_BYTES,
    POLL_CALL,
    Harness,
    reply,
    video,
)
from tests.unit.workflow.test_poll import SlowProvider

DAY = "2027-01-15"
REFUSAL = reply(400, error={"message": "not today", "code": "no"})
RESUBMIT = {"status": "resubmit", "wait_seconds": 1}


def catalog_with(**changes: dict[str, object]) -> Catalog:
    """The catalog with changed models, by name with an underscore for the slash."""
    models = tuple(
        model.model_copy(update=changes.get(model.name.replace("/", "_"), {}))
        for model in CATALOG.models
    )
    return CATALOG.model_copy(update={"models": models})


FREE_FIRST = catalog_with(
    sandbox_one={"price_per_second": 0.0}, spare_one={"price_per_second": 0.125}
)
"""Alias `sure`: a free model, then one that costs $0.50."""


@pytest.fixture
def harness() -> Harness:
    return Harness(daily_dollars=0.55, catalog=FREE_FIRST)


def spent(harness: Harness) -> float:
    return sum(harness.jobs.spent.values())


def test_free_model_with_paid_fallback_needs_the_budget_of_the_fallback(harness: Harness):
    """Five such jobs would cost $2.50 if their free model refused them."""
    paid = harness.accepted(model="spare/one", size="1280x720")
    assert harness.complete(paid).status is JobStatus.COMPLETED
    assert spent(harness) == 0.5
    for _ in range(5):
        with pytest.raises(BudgetExceeded):
            harness.accepted(model="sure")
    assert (len(harness.jobs.rows), spent(harness)) == (1, 0.5)


def test_reservation_of_fallback_is_refunded_if_the_first_model_serves(harness: Harness):
    job = harness.accepted(model="sure")
    reservation = Reservation(day=DAY, dollars=0.5, budgets=(f"{job.account}#{DAY}",))
    assert (job.cost, job.reservation) == (0.0, reservation)
    assert spent(harness) == 0.5
    assert harness.complete(job).status is JobStatus.COMPLETED
    assert spent(harness) == 0
    harness.accepted(model="sure")


def test_failover_is_paid_by_the_reservation(harness: Harness):
    job = harness.accepted(REFUSAL, model="sure")
    assert harness.submit(job) == RESUBMIT
    done = harness.complete(job)
    assert (done.model, done.cost, spent(harness)) == ("spare/one", 0.5, 0.5)


def test_refund_is_written_once_with_the_terminal_state(harness: Harness):
    job = harness.accepted(REFUSAL, REFUSAL, model="sure")
    harness.submit(job)
    harness.submit(job)
    assert spent(harness) == 0.5
    for execution in ("one", "another", "one"):
        harness.finish(job, execution)
    assert (harness.now(job).status, spent(harness)) == (JobStatus.FAILED, 0)


def test_refund_is_credited_to_the_day_of_acceptance(harness: Harness):
    job = harness.accepted(REFUSAL, REFUSAL, model="sure")
    harness.clock.advance(24 * 3600)
    later = harness.accepted(model="sure")
    harness.submit(job)
    harness.submit(job)
    harness.finish(job)
    assert later.reservation
    days = {name.partition("#")[2]: dollars for name, dollars in harness.jobs.spent.items()}
    assert days == {DAY: 0, later.reservation.day: 0.5}


@pytest.mark.parametrize(
    "change",
    [
        {"price_per_second": 0.25},
        {"price_per_job": 0.01},
        {"seconds": (8,)},
        {"prompt_characters": 3},
    ],
)
def test_fallback_of_a_new_catalog_is_not_used_beyond_the_reservation(
    harness: Harness, change: dict[str, object]
):
    """A deployment with other prices does not change a job's reservation."""
    job = harness.accepted(REFUSAL, model="sure")
    spare = {"price_per_second": 0.125, **change}
    harness.catalog = catalog_with(sandbox_one={"price_per_second": 0.0}, spare_one=spare)
    assert harness.submit(job) == TO_FINISH
    harness.finish(job)
    assert (harness.now(job).model, spent(harness)) == ("sandbox/one", 0)


def test_dearer_fallback_is_used_without_a_budget(harness: Harness):
    harness.daily_dollars = None
    job = harness.accepted(REFUSAL, model="sure")
    harness.catalog = catalog_with(spare_one={"price_per_second": 9.0})
    assert harness.submit(job) == RESUBMIT
    assert harness.now(job).cost == 36.0
    assert harness.jobs.spent == {}


def test_generated_job_does_not_fail_over(harness: Harness):
    """The first provider bills its video even if it reports a failure afterwards."""
    job = harness.running(video("completed"), model="sure")
    harness.poll(job)
    harness.answer(POLL_CALL, video("failed", error={"code": "gone", "message": "expired"}))
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    ended = harness.now(job)
    assert (ended.model, ended.status, len(harness.creates())) == (
        "sandbox/one",
        JobStatus.FAILED,
        1,
    )


def test_job_does_not_fail_over_during_another_create_call(harness: Harness):
    job = harness.accepted(model="sure")
    harness.change(job, lambda current, now: current.submitting(now, 150.0))
    refused = JobError(code="upstream_unauthorized", message="the circuit is open")
    assert harness.context.fail(job, refused) == RESUBMIT
    assert (harness.now(job).model, harness.now(job).attempts) == ("sandbox/one", ())


def test_failure_decided_during_another_create_call_keeps_the_charge(harness: Harness):
    harness.catalog = CATALOG
    job = harness.accepted(model="sandbox/one")
    harness.change(job, lambda current, now: current.submitting(now, 150.0))
    refused = JobError(code="upstream_unauthorized", message="the circuit is open")
    assert harness.context.fail(job, refused)["status"] == "pending"
    assert (harness.now(job).outcome, spent(harness)) == (None, 0.4)


@pytest.mark.parametrize(
    "answer",
    [
        REFUSAL,
        reply(403, error={"message": "no"}),
        reply(400, error={"message": "no", "code": "content_filter"}),
        InvalidInputFile("an input file no longer exists"),
    ],
)
def test_refused_create_call_is_refunded(harness: Harness, answer: HttpReply | Exception):
    job = harness.accepted(answer, model="spare/one")
    assert harness.submit(job) == TO_FINISH
    harness.finish(job)
    assert (harness.now(job).status, spent(harness)) == (JobStatus.FAILED, 0)


@pytest.mark.parametrize("answer", [UpstreamNoResponse("no answer"), reply(503), reply(200)])
def test_create_call_with_unknown_outcome_stays_charged(
    harness: Harness, answer: HttpReply | Exception
):
    job = harness.accepted(answer, model="spare/one")
    assert harness.submit(job) == TO_FINISH
    harness.finish(job)
    assert (harness.now(job).status, spent(harness)) == (JobStatus.FAILED, 0.5)


def test_fallback_with_its_own_default_length_is_reserved_and_sent(harness: Harness):
    """The first model has no `seconds`; the fallback is billed by the second."""
    harness.catalog = catalog_with(
        sandbox_plain={"seconds": ()}, spare_one={"price_per_second": 0.125}
    )
    job = harness.accepted(REFUSAL, model="sandbox/plain", fallbacks=("spare/one",))
    assert (job.request.seconds, job.cost, spent(harness)) == (None, 0.0, 0.5)
    harness.submit(job)
    failed_over = harness.now(job)
    assert (failed_over.request.seconds, failed_over.cost) == (4, 0.5)


@pytest.mark.parametrize(
    ("state", "answer", "after", "charge"),
    [
        (video("queued"), reply(200), reply(404), 0.0),
        (video("queued"), reply(200), video("cancelled"), 0.0),
        (video("queued"), reply(202), video("canceled"), 0.0),
        (video("queued"), reply(200), video("in_progress"), 0.4),
        (video("queued"), reply(200), video("completed"), 0.4),
        (video("queued"), reply(202), video("queued"), 0.4),
        (video("queued"), reply(409), video("queued"), 0.4),
        (video("in_progress"), reply(200), reply(404), 0.4),
        (video("in_progress"), reply(200), video("cancelled"), 0.4),
        (video("in_progress"), reply(200), video("failed"), 0.0),
        (video("completed"), reply(200), reply(404), 0.4),
        (video("cancelled"), reply(404), reply(404), 0.0),
        (video("failed"), reply(409), reply(404), 0.0),
    ],
)
def test_cancel_is_refunded_if_the_provider_had_not_begun_and_confirms_it(
    harness: Harness, state: HttpReply, answer: HttpReply, after: HttpReply, charge: float
):
    harness.catalog = CATALOG
    job = harness.waiting(state, after, model="sandbox/one")
    harness.service.cancel(job.account, job.id)
    harness.answer(CANCEL_CALL, answer)
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    assert (harness.now(job).status, spent(harness)) == (JobStatus.CANCELLED, charge)


@pytest.mark.parametrize(
    ("later", "charge"),
    [(video("cancelled"), 0.4), (video("failed"), 0.0), (video("completed"), 0.4)],
)
def test_tracking_after_a_cancel_settles_by_the_result(
    harness: Harness, later: HttpReply, charge: float
):
    harness.catalog = CATALOG
    job = harness.running(video("in_progress"), model="sandbox/one")
    harness.service.cancel(job.account, job.id)
    harness.answer(CANCEL_CALL, reply(202))
    harness.poll(job)
    harness.finish(job)
    assert spent(harness) == 0.4
    harness.answer(POLL_CALL, later)
    harness.http_client.files[CONTENT] = MP4_BYTES
    if harness.poll(job)["status"] == "succeeded":
        harness.collect(job)
    assert (harness.now(job).track_until, spent(harness)) == (None, charge)


class ReportingProvider(SlowProvider):
    """Has no cancel, completes at once and reports a cost."""

    @override
    def parse_poll(self, _operation: object, _reply: object) -> PollResult:
        return Succeeded((Output(url=CONTENT),), cost=1.5)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_reported_cost_above_the_reservation_is_charged_in_full(
    harness: Harness, *, is_cancelled: bool
):
    harness.catalog, provider = CATALOG, ReportingProvider()
    harness.adapter = lambda _entry: provider
    harness.http_client.files[CONTENT] = MP4_BYTES
    job = harness.running(video("completed"), model="sandbox/one")
    if is_cancelled:
        harness.service.cancel(job.account, job.id)
        harness.poll(job)
        harness.finish(job)
        assert spent(harness) == 1.5  # reported by the poll before the cancel
    for step in (harness.poll, harness.collect, harness.finish):
        step(job)
    ended = harness.now(job)
    assert (ended.cost, spent(harness)) == (1.5, 1.5)
    assert "the provider reported a cost of $1.50; $0.40 were reserved" in ended.warnings
    with pytest.raises(BudgetExceeded):
        harness.accepted(model="sandbox/plain")


def test_job_cancelled_before_its_create_call_is_refunded(harness: Harness):
    job = harness.accepted(model="sure")
    harness.service.cancel(job.account, job.id)
    harness.submit(job)
    harness.finish(job)
    assert harness.now(job).upstream_cancelled is UpstreamCancelled.YES
    assert spent(harness) == 0


def test_deleting_a_job_refunds_nothing(harness: Harness):
    harness.catalog = CATALOG
    job = harness.complete(harness.accepted(model="sandbox/one"))
    harness.service.delete(job.account, job.id)
    assert spent(harness) == 0.4


def test_restarted_job_is_charged_once(harness: Harness):
    harness.catalog = CATALOG
    job = harness.accepted(model="sandbox/one")
    harness.executions.running[job.execution_name] = False
    harness.clock.advance(120)
    assert harness.sweeper.sweep() == 1
    assert harness.now(job).executions == 2
    harness.complete(job)
    assert spent(harness) == 0.4


def test_job_of_an_older_release_is_never_settled(harness: Harness):
    """Its cost was charged when it was accepted, and stays charged."""
    harness.catalog = CATALOG
    job = harness.accepted(REFUSAL, model="sandbox/one")
    harness.change(job, lambda current, now: current.warned(now, "as stored"))
    key = (job.account, job.id)
    stored = harness.now(job).model_copy(update={"reservation": None})
    harness.jobs.rows[key] = stored.model_dump_json()
    harness.submit(job)
    harness.finish(job)
    assert (harness.now(job).status, spent(harness)) == (JobStatus.FAILED, 0.4)


def test_limit_of_a_new_deployment_applies_to_new_jobs_only(harness: Harness):
    first = harness.accepted(model="sure")
    harness.daily_dollars = 0.1
    assert harness.complete(first).status is JobStatus.COMPLETED
    harness.daily_dollars = None
    unlimited = harness.accepted(model="sure")
    assert harness.complete(unlimited).reservation is None
    harness.daily_dollars = 0.5
    harness.accepted(model="sure")
    assert spent(harness) == 0.5


def test_budget_is_exactly_zero_after_all_refunds(harness: Harness):
    """Sums of 0.1, 0.2 and 0.7 are not exact in binary."""
    prices = [0.1, 0.2, 0.7] * 40
    harness.daily_dollars = 100.0
    jobs = []
    for price in prices:
        harness.catalog = catalog_with(sandbox_one={"price_per_second": price / 4})
        jobs.append(harness.accepted(REFUSAL, model="sandbox/one"))
    assert spent(harness) == 40.0
    assert sum(charged(harness.now(job)) for job in jobs) == pytest.approx(40.0)
    for job in jobs:
        harness.submit(job)
        harness.finish(job)
    assert list(harness.jobs.spent.values()) == [0]

"""Creation of jobs: start of the execution and the daily budget."""

from dataclasses import replace

import pytest

from rushes.errors import AwsUnavailable, BudgetExceeded, InvalidRequest
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, Role, Upload
from rushes.jobs.reservation import Reservation
from rushes.jobs.status import JobStatus
from tests.harness import ACCOUNT, CATALOG, PNG_BYTES, Harness

DAY = 24 * 3600.0
COST = 0.4
"""Dollars: four seconds of `sandbox/one`."""
PRICES = {"sandbox/one": 0.0, "sandbox/plain": 0.05, "spare/one": 0.125}
"""Dollars per second; alias `sure` is sandbox/one, then spare/one."""
FREE_FIRST = CATALOG.model_copy(
    update={
        "models": tuple(
            model.model_copy(
                update={"price_per_second": PRICES.get(model.name, model.price_per_second)}
            )
            for model in CATALOG.models
        )
    }
)


@pytest.fixture
def harness() -> Harness:
    return Harness(daily_dollars=1.0)


def create(
    harness: Harness, account: str = ACCOUNT, key: str | None = None, seconds: int = 4
) -> Job:
    request = GenerationRequest(model="sandbox/one", prompt="a red ball", seconds=seconds)
    call = IdempotencyInfo("openai create", key)
    return harness.service.create(account, "openai", CreateRequest(request), call).job


def test_create_refuses_job_beyond_daily_budget(harness: Harness) -> None:
    created = [create(harness), create(harness)]
    with pytest.raises(BudgetExceeded) as refused:
        create(harness)
    midnight = DAY - harness.clock() % DAY
    assert (refused.value.http_status, refused.value.retry_after) == (429, midnight)
    assert [job_id for _, job_id in harness.jobs.rows] == [job.id for job in created]
    assert set(harness.executions.running) == {job.id for job in created}
    assert list(harness.jobs.spent.values()) == [COST * 2]


def test_create_accepts_jobs_up_to_the_exact_budget(harness: Harness) -> None:
    harness.daily_dollars = COST * 2
    create(harness)
    create(harness)
    with pytest.raises(BudgetExceeded):
        create(harness)


def test_create_refuses_job_that_costs_more_than_the_budget(harness: Harness) -> None:
    harness.daily_dollars = 0.7
    with pytest.raises(BudgetExceeded, match=r"costs \$0\.80, more than .* budget of \$0\.70"):
        create(harness, seconds=8)
    assert (harness.jobs.rows, harness.jobs.spent) == ({}, {})


def test_budget_is_per_account(harness: Harness) -> None:
    for account in ("one", "another"):
        create(harness, account)
        create(harness, account)
    assert len(harness.jobs.rows) == 4


def test_budget_resets_at_midnight_utc(harness: Harness) -> None:
    harness.clock.now = DAY * 20_000 + DAY - 1  # a second before midnight
    create(harness)
    create(harness)
    with pytest.raises(BudgetExceeded):
        create(harness)
    harness.clock.advance(1)
    create(harness)


def test_duplicate_calls_are_charged_once(harness: Harness) -> None:
    for _ in range(5):
        create(harness, key="order-1")
    assert list(harness.jobs.spent.values()) == [COST]


def test_refused_requests_are_not_charged(harness: Harness) -> None:
    for _ in range(5):
        with pytest.raises(InvalidRequest):
            create(harness, seconds=5)
    assert harness.jobs.spent == {}


def test_refused_job_leaves_no_files_and_no_idempotency_record(harness: Harness) -> None:
    create(harness)
    create(harness)
    request = CreateRequest(GenerationRequest(model="sandbox/one", prompt="a red ball"))
    upload = Upload("image", "image/png", PNG_BYTES)
    with_file = replace(request, uploads=((Role.IMAGE, upload),))
    call = IdempotencyInfo("openai create", "order-2")
    with pytest.raises(BudgetExceeded):
        harness.service.create(ACCOUNT, "openai", with_file, call)
    assert harness.blobs.objects == {}
    harness.clock.advance(DAY)
    assert not harness.service.create(ACCOUNT, "openai", request, call).replayed


def test_no_charge_is_stored_without_a_budget(harness: Harness) -> None:
    harness.daily_dollars = None
    for _ in range(10):
        assert create(harness).reservation is None
    assert harness.jobs.spent == {}


@pytest.mark.parametrize(
    ("fields", "reserved"),
    [
        ({"model": "sandbox/one"}, 0.0),
        ({"model": "sure"}, 0.5),
        ({"model": "sandbox/one", "fallbacks": ("sandbox/plain",)}, 0.2),
        ({"model": "sandbox/one", "fallbacks": ("sandbox/plain", "spare/one")}, 0.5),
        ({"model": "spare/one", "fallbacks": ("sandbox/one",)}, 0.5),
        ({"model": "sandbox/plain", "fallbacks": ("sure",)}, 0.5),
    ],
)
def test_create_reserves_the_price_of_the_dearest_model(
    harness: Harness, fields: dict[str, object], reserved: float
) -> None:
    harness.catalog = FREE_FIRST
    request = GenerationRequest.model_validate({"prompt": "a red ball", **fields})
    job = harness.service.create(ACCOUNT, "bifrost", CreateRequest(request)).job
    stored = harness.now(job)
    budget = f"{ACCOUNT}#2027-01-15"
    expected = Reservation(day="2027-01-15", dollars=reserved, budgets=(budget,))
    assert stored.reservation == expected
    assert harness.jobs.spent == {budget: reserved}


def test_refusal_names_the_model_that_costs_too_much(harness: Harness) -> None:
    harness.catalog, harness.daily_dollars = FREE_FIRST, 0.45
    request = CreateRequest(GenerationRequest(model="sure", prompt="a red ball"))
    with pytest.raises(BudgetExceeded, match=r"^spare/one costs \$0\.50, .* budget of \$0\.45$"):
        harness.service.create(ACCOUNT, "openai", request)
    assert harness.jobs.spent == {}


@pytest.mark.parametrize("kind", ["remix", "edit"])
def test_video_made_from_another_one_is_charged(harness: Harness, kind: str) -> None:
    """It is made by the first model of the source's alias, without a fallback."""
    source = harness.completed()
    assert list(harness.jobs.spent.values()) == [COST]
    request = GenerationRequest(model="", prompt=f"a {kind}")
    again = CreateRequest(request, source_id=source.id)
    made = harness.service.create(ACCOUNT, "openai", again).job
    assert (made.remixed_from, made.fallbacks) == (source.id, ())
    assert list(harness.jobs.spent.values()) == [COST * 2]
    with pytest.raises(BudgetExceeded):
        harness.service.create(ACCOUNT, "openai", again)


def test_adopted_sdk_retry_is_charged_once(harness: Harness) -> None:
    request = CreateRequest(GenerationRequest(model="sandbox/one", prompt="a red ball"))
    for retry in range(3):
        call = IdempotencyInfo("openai create", None, retry)
        harness.service.create(ACCOUNT, "openai", request, call)
    assert (len(harness.jobs.rows), list(harness.jobs.spent.values())) == (1, [COST])


def test_create_stores_and_starts_job(harness: Harness) -> None:
    job = create(harness, seconds=8)
    assert harness.now(job) == job
    assert harness.executions.running == {job.id: True}


def test_create_succeeds_if_execution_cannot_be_started(harness: Harness) -> None:
    harness.executions.error = AwsUnavailable("throttled")
    job = create(harness)
    assert harness.now(job).status is JobStatus.QUEUED
    assert harness.executions.running == {}

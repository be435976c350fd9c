"""What an account may spend in a day."""

from dataclasses import replace

import pytest

from rushes.errors import BudgetExceeded, InvalidRequest
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, Role, Upload
from tests.harness import ACCOUNT, PICTURE, Harness

DAY = 24 * 3600.0
COST = 0.4
"""Dollars: four seconds of `sandbox/one`."""


@pytest.fixture
def harness() -> Harness:
    return Harness(daily_dollars=1.0)


def create(
    harness: Harness, account: str = ACCOUNT, key: str | None = None, seconds: int = 4
) -> Job:
    request = GenerationRequest(model="sandbox/one", prompt="a red ball", seconds=seconds)
    call = IdempotencyInfo("openai create", key)
    return harness.service.create(account, "openai", CreateRequest(request), call).job


def test_what_fits_is_taken_and_what_does_not_is_refused(harness: Harness) -> None:
    made = [create(harness), create(harness)]
    with pytest.raises(BudgetExceeded) as refused:
        create(harness)
    assert (refused.value.http_status, refused.value.retry_after) == (429, 3600)
    assert [job_id for _, job_id in harness.jobs.rows] == [job.id for job in made]
    assert set(harness.executions.running) == {job.id for job in made}
    assert list(harness.jobs.spent.values()) == [COST * 2]


def test_the_last_cent_may_be_spent(harness: Harness) -> None:
    harness.daily_dollars = COST * 2
    create(harness)
    create(harness)
    with pytest.raises(BudgetExceeded):
        create(harness)


def test_a_job_that_alone_costs_too_much_is_never_taken(harness: Harness) -> None:
    harness.daily_dollars = 0.7
    with pytest.raises(BudgetExceeded, match=r"costs 0\.8 dollars"):
        create(harness, seconds=8)
    assert (harness.jobs.rows, harness.jobs.spent) == ({}, {})


def test_each_account_has_its_own_limit(harness: Harness) -> None:
    for account in ("one", "another"):
        create(harness, account)
        create(harness, account)
    assert len(harness.jobs.rows) == 4


def test_the_next_day_is_a_new_one(harness: Harness) -> None:
    harness.clock.now = DAY * 20_000 + DAY - 1  # a second before midnight
    create(harness)
    create(harness)
    with pytest.raises(BudgetExceeded):
        create(harness)
    harness.clock.advance(1)
    create(harness)


def test_a_call_that_comes_twice_is_paid_for_once(harness: Harness) -> None:
    for _ in range(5):
        create(harness, key="order-1")
    assert list(harness.jobs.spent.values()) == [COST]


def test_what_is_refused_costs_nothing(harness: Harness) -> None:
    for _ in range(5):
        with pytest.raises(InvalidRequest):
            create(harness, seconds=5)
    assert harness.jobs.spent == {}


def test_a_refused_jobs_files_and_key_are_forgotten(harness: Harness) -> None:
    create(harness)
    create(harness)
    request = GenerationRequest(model="sandbox/one", prompt="a red ball")
    upload = Upload("picture", "image/png", PICTURE)
    asked = CreateRequest(request, uploads=((Role.IMAGE, upload),))
    call = IdempotencyInfo("openai create", "order-2")
    with pytest.raises(BudgetExceeded):
        harness.service.create(ACCOUNT, "openai", asked, call)
    assert harness.blobs.objects == {}
    harness.clock.advance(DAY)
    made = harness.service.create(ACCOUNT, "openai", replace(asked, uploads=()), call)
    assert not made.replayed


def test_without_a_limit_nothing_is_counted(harness: Harness) -> None:
    harness.daily_dollars = None
    for _ in range(10):
        create(harness)
    assert harness.jobs.spent == {}

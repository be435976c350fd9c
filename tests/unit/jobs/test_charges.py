"""Names and periods of limits, and what a job charges to them."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from rushes.jobs.charges import (
    DAY,
    MONTH,
    Charge,
    begins_at,
    end_of,
    is_at_provider,
    is_budget,
    key_of,
    period_of,
    resets_at,
    settlements,
)
from rushes.jobs.job import Job
from rushes.jobs.quota import Quota, in_dollars, rate_limit_headers, refusal
from rushes.jobs.reservation import Reservation
from rushes.jobs.result import JobOutcome
from rushes.jobs.status import JobStatus
from tests.unit.jobs.plain_job import plain_job

NOW = 500.0
NAMES = ("demo#2027-01-15", "demo#2027-01", "demo#k1#2027-01")
RESERVATION = Reservation(
    day="2027-01-15",
    dollars=0.5,
    budgets=NAMES,
    open_jobs=("demo#open",),
    concurrent_jobs=("demo#at_provider", "demo#k1#at_provider"),
)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("period", "begin", "end"),
    [
        ("2026-11-28", "2026-11-28", "2026-11-29"),
        ("2026-12-31", "2026-12-31", "2027-01-01"),
        ("2028-02-28", "2028-02-28", "2028-02-29"),
        ("2026-11", "2026-11-01", "2026-12-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2027-01", "2027-01-01", "2027-02-01"),
        ("2028-02", "2028-02-01", "2028-03-01"),
    ],
)
def test_period_ends_with_the_next_day_or_month(period: str, begin: str, end: str) -> None:
    assert (begins_at(period), resets_at(period)) == (seconds(begin), seconds(end))
    assert end_of(period) == f"{end}T00:00Z"
    form = DAY if len(period) == 10 else MONTH
    assert period_of(seconds(begin), form) == period
    assert period_of(seconds(end) - 0.001, form) == period
    assert period_of(seconds(end), form) != period


@pytest.mark.parametrize(
    ("name", "key_id", "is_dollars"),
    [
        ("demo#2026-11-28", None, True),
        ("demo#0123456789abcdef#2026-11", "0123456789abcdef", True),
        ("demo#open", None, False),
        ("demo#k1#at_provider", "k1", False),
    ],
)
def test_name_tells_the_key_and_the_unit(
    name: str, key_id: str | None, *, is_dollars: bool
) -> None:
    assert (key_of(name), is_budget(name)) == (key_id, is_dollars)


def job(**fields: object) -> Job:
    return plain_job(**{"cost": 0.2, "reservation": RESERVATION, **fields})


def finished(job: Job, status: JobStatus) -> Job:
    return job.finished(NOW, JobOutcome(status=status), "job_1", 3600.0)


def life(status: JobStatus) -> list[Job]:
    states = [job()]
    states.append(states[-1].submitting(NOW, 150.0))
    states.append(states[-1].postponed(NOW))
    states.append(states[-1].submitting(NOW, 150.0))
    states.append(states[-1].submitted(NOW, {"id": "up-1"}, ()))
    states.append(finished(states[-1], status))
    return states


def test_each_write_changes_the_counters_with_the_job() -> None:
    states = life(JobStatus.COMPLETED)
    assert [is_at_provider(state) for state in states] == [False, True, False, True, True, False]
    changes = [
        {charge.name: charge.total for charge in settlements(before, after)}
        for before, after in pairwise(states)
    ]
    at_provider = RESERVATION.concurrent_jobs
    assert changes[:4] == [
        dict.fromkeys(at_provider, 1.0),
        dict.fromkeys(at_provider, -1.0),
        dict.fromkeys(at_provider, 1.0),
        {},
    ]
    assert changes[4] == {
        **dict.fromkeys(NAMES, -0.3),
        "demo#open": -1.0,
        **dict.fromkeys(at_provider, -1.0),
    }


@pytest.mark.parametrize(
    ("status", "settled"), [(JobStatus.COMPLETED, 0.2), (JobStatus.FAILED, 0.2)]
)
def test_terminal_write_settles_each_budget(status: JobStatus, settled: float) -> None:
    before, after = life(status)[-2:]
    budgets = [charge for charge in settlements(before, after) if charge.is_budget]
    assert [(charge.name, charge.settled) for charge in budgets] == [
        (name, settled) for name in NAMES
    ]


def test_cost_equal_to_the_reservation_is_settled() -> None:
    before = job(cost=0.5).submitted(NOW, {"id": "up-1"}, ())
    after = finished(before, JobStatus.COMPLETED)
    budgets = [charge for charge in settlements(before, after) if charge.is_budget]
    assert {(charge.total, charge.settled) for charge in budgets} == {(0.0, 0.5)}


def test_maximum_applies_to_an_increase_only() -> None:
    waiting, leased = job(), job().submitting(NOW, 150.0)
    maxima = {"demo#at_provider": 3.0, "demo#2027-01": 1.0}
    assert {charge.maximum for charge in settlements(waiting, leased, maxima)} == {3.0, None}
    assert {charge.maximum for charge in settlements(leased, waiting, maxima)} == {None}


def test_job_of_an_older_release_charges_the_day_of_its_account() -> None:
    older = Reservation.model_validate_json('{"day": "2027-01-15", "dollars": 0.5}')
    before = job(reservation=older)
    after = finished(before, JobStatus.FAILED)
    (charge,) = settlements(before, after)
    assert charge == Charge("demo#2027-01-15", -0.5)
    assert older.covers(0.5)
    assert not older.covers(0.6)


def test_counters_alone_reserve_no_dollars() -> None:
    reservation = RESERVATION.model_copy(update={"budgets": (), "dollars": 0.0})
    before = job(reservation=reservation)
    names = {charge.name for charge in settlements(before, finished(before, JobStatus.FAILED))}
    assert names == {"demo#open"}
    assert reservation.covers(100.0)
    assert before.generated(NOW, (), 3.0).warnings == ()


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (0.5, "$0.50"),
        (12, "$12.00"),
        (0.000001, "$0.000001"),
        (1234.5678, "$1234.5678"),
    ],
)
def test_dollars_have_two_decimals_or_more(amount: float, text: str) -> None:
    assert in_dollars(amount) == text


def test_headers_list_all_quotas() -> None:
    quotas = Quota("creates", 5, 4, window=10, reset=3), Quota("open_jobs", 2, 0, unit="jobs")
    assert rate_limit_headers(*quotas) == {
        "ratelimit-policy": '"creates";q=5;w=10, "open_jobs";q=2;qu="jobs"',
        "ratelimit": '"creates";r=4;t=3, "open_jobs";r=0',
    }
    assert rate_limit_headers() == {}


@pytest.mark.parametrize("used", [1.0, 0.999999, 5.0])
def test_refusal_of_a_fraction_of_a_cent_leaves_no_cent(used: float) -> None:
    error = refusal(Charge("demo#2027-01-15", 0.5, maximum=1.0), used, 1_800_000_000.0)
    assert error.headers["ratelimit"].startswith('"daily_dollars";r=0;')

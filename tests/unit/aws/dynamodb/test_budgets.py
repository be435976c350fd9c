"""Items of limits in moto's table, and the transactions that change them."""

import pytest

from rushes.aws.dynamodb.budgets import RETENTION_SECONDS, LimitTable, number
from rushes.aws.dynamodb.jobs import JobTable
from rushes.errors import BudgetExceeded, TooManyJobs
from rushes.jobs.charges import Charge, resets_at
from rushes.jobs.job import Job
from rushes.jobs.reservation import Reservation
from rushes.jobs.result import JobOutcome
from rushes.jobs.status import JobStatus
from rushes.ports.jobs import IdempotencyRecord
from rushes.ports.limits import Usage
from tests.unit.aws.dynamodb.moto_table import CountedTable
from tests.unit.jobs.plain_job import plain_job

DAY, MONTH = "demo#2027-01-15", "demo#0123456789abcdef#2027-01"
OPEN, AT_PROVIDER = "demo#open", "demo#at_provider"
CHARGES = (
    Charge(DAY, 0.5, maximum=1.0),
    Charge(MONTH, 0.5, maximum=5.0),
    Charge(OPEN, 1, maximum=3),
)
NOW = 1_800_000_000.0


def job(number: int = 1) -> Job:
    reservation = Reservation(
        day="2027-01-15",
        dollars=0.5,
        budgets=(DAY, MONTH),
        open_jobs=(OPEN,),
        concurrent_jobs=(AT_PROVIDER,),
    )
    return job_of_today(id=f"job_{number}", cost=0.2, reservation=reservation)


def job_of_today(**fields: object) -> Job:
    return plain_job(created_at=NOW, updated_at=NOW, **fields)


@pytest.fixture
def limits(table: CountedTable) -> LimitTable:
    return LimitTable(table.client, table.name)


@pytest.fixture
def jobs(table: CountedTable) -> JobTable:
    return JobTable(table.client, table.name)


def totals(limits: LimitTable) -> dict[str, float]:
    return {name: limits.find(name).total for name in (DAY, MONTH, OPEN, AT_PROVIDER)}


def finished(job: Job) -> Job:
    return job.finished(NOW, JobOutcome(status=JobStatus.COMPLETED), "run", 60.0)


def leased(job: Job) -> Job:
    return job.submitting(NOW, 150.0)


def running(job: Job) -> Job:
    return job.submitted(NOW, {"id": "up-1"}, ())


def test_job_charges_its_limits_in_its_own_transactions(
    table: CountedTable, jobs: JobTable, limits: LimitTable
) -> None:
    jobs.add(job(), None, CHARGES)
    assert totals(limits) == {DAY: 0.5, MONTH: 0.5, OPEN: 1, AT_PROVIDER: 0}
    jobs.change("demo", "job_1", leased, {AT_PROVIDER: 1})
    assert totals(limits) == {DAY: 0.5, MONTH: 0.5, OPEN: 1, AT_PROVIDER: 1}
    jobs.change("demo", "job_1", running)
    jobs.change("demo", "job_1", finished)
    assert totals(limits) == {DAY: 0.2, MONTH: 0.2, OPEN: 0, AT_PROVIDER: 0}
    assert limits.find(MONTH) == Usage(total=0.2, settled=0.2)
    assert (table.calls["TransactWriteItems"], table.calls["UpdateItem"]) == (3, 0)


@pytest.mark.parametrize(
    ("refusing", "error", "message"),
    [
        (Charge(DAY, 0.6, maximum=1.0), BudgetExceeded, r"\$0.50 of \$1.00 .* reserves \$0.60"),
        (Charge(MONTH, 4.6, maximum=5.0), BudgetExceeded, "monthly budget of the API key"),
        (Charge(OPEN, 1, maximum=1), TooManyJobs, "too many open jobs: 1 of 1"),
    ],
)
def test_refusing_limit_leaves_nothing_of_the_job(
    jobs: JobTable,
    limits: LimitTable,
    refusing: Charge,
    error: type[Exception],
    message: str,
) -> None:
    jobs.add(job(), None, CHARGES)
    before = totals(limits)
    others = [charge for charge in CHARGES if charge.name != refusing.name]
    record = IdempotencyRecord("digest", "body", "job_2", NOW)
    with pytest.raises(error, match=message):
        jobs.add(job(2), record, [*others, refusing])
    assert totals(limits) == before
    assert (jobs.get("demo", "job_2"), jobs.find_record("digest")) == (None, None)


def test_limit_of_jobs_at_a_provider_refuses_the_lease(jobs: JobTable, limits: LimitTable) -> None:
    for each in (job(1), job(2)):
        jobs.add(each)
    jobs.change("demo", "job_1", leased, {AT_PROVIDER: 1})
    with pytest.raises(TooManyJobs, match="too many concurrent jobs: 1 of 1"):
        jobs.change("demo", "job_2", leased, {AT_PROVIDER: 1})
    stored = jobs.get("demo", "job_2")
    assert stored
    assert (stored.lease_until, limits.find(AT_PROVIDER).total) == (None, 1)
    jobs.change("demo", "job_1", lambda job: job.postponed(NOW))
    jobs.change("demo", "job_2", leased, {AT_PROVIDER: 1})


def test_open_job_without_limits_is_one_write(table: CountedTable, jobs: JobTable) -> None:
    jobs.add(job_of_today())
    before = table.calls["TransactWriteItems"]
    jobs.change("demo", "job_1", leased, {})
    jobs.change("demo", "job_1", running)
    assert table.calls["TransactWriteItems"] == before
    jobs.change("demo", "job_1", finished)
    assert table.calls["TransactWriteItems"] == before + 1  # with the summary


def test_budget_expires_after_its_period_and_a_counter_never(
    table: CountedTable, jobs: JobTable
) -> None:
    jobs.add(job(), None, CHARGES)
    for name in (DAY, MONTH):
        expires = int(table.item(f"SPENT#{name}", "spent")["expires"]["N"])
        assert expires == resets_at(name.rpartition("#")[2]) + RETENTION_SECONDS
    assert "expires" not in table.item(f"SPENT#{OPEN}", "spent")


def test_threshold_is_recorded_beside_the_amount(jobs: JobTable, limits: LimitTable) -> None:
    jobs.add(job(), None, CHARGES)
    limits.report(DAY, 80)
    assert limits.find(DAY) == Usage(total=0.5, reported=80)
    jobs.add(job(2), None, CHARGES)
    assert limits.find(DAY) == Usage(total=1.0, reported=80)


def test_unknown_limit_is_unused(limits: LimitTable) -> None:
    assert limits.find(DAY) == Usage()


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (10, "10"), (-1, "-1"), (0.1 + 0.2, "0.3"), (1e-6, "0.000001"), (120.5, "120.5")],
)
def test_amounts_are_exact_decimals(amount: float, text: str) -> None:
    assert number(amount) == text

"""Usage equals the sums over jobs, to the micro-dollar, by every dimension, and the budgets."""

from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.api.usage.dimensions import DIMENSIONS, value_of
from rushes.api.usage.money import dollar_text
from rushes.api.usage.period import Period
from rushes.api.usage.query import UsageQuery
from rushes.api.usage.service import UsageService
from rushes.api.usage.totals import Table
from rushes.jobs.charges import DAY, MONTH, period_of
from rushes.jobs.summary import JobSummary
from tests.fakes import FakeAccounts, FakeClock
from tests.unit.api.usage.simulated_jobs import ACCOUNTS, BEGIN, SECONDS, World, make_world

ALL = (*DIMENSIONS, "tag:team", "tag:campaign", "tag:absent")
PERIOD = Period(BEGIN, BEGIN + SECONDS)
AMOUNTS = ("estimated", "settled", "refunded")


def exact(amount: float | None) -> Decimal:
    return round(Decimal(repr(amount or 0.0)), 6)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(14, 10_000)


@pytest.fixture(scope="module")
def jobs(world: World) -> list[JobSummary]:
    return world.all


def table_of(jobs: list[JobSummary], *dimensions: str) -> Table:
    table = Table(dimensions)
    for job in jobs:
        table.add(job)
    return table


def test_simulated_jobs_reach_every_end(jobs: list[JobSummary]):
    rows = table_of(jobs, "status").rows
    assert {group[0] for group in rows} == {"open", "completed", "failed", "cancelled"}
    assert sum(job.deleted for job in jobs) > 1000
    assert any((job.settled or 0) > (job.estimated or 0) for job in jobs)
    assert any(job.refunded for job in jobs)
    assert any(job.model != job.made_by for job in jobs)


@pytest.mark.parametrize("dimension", ALL)
def test_ten_thousand_jobs_add_up_by_every_dimension(jobs: list[JobSummary], dimension: str):
    expected: dict[str | None, list[Decimal]] = {}
    counts: dict[str | None, int] = {}
    for job in jobs:
        value = value_of(dimension, job)
        sums = expected.setdefault(value, [Decimal(0)] * len(AMOUNTS))
        expected[value] = [
            sum_ + exact(getattr(job, name)) for sum_, name in zip(sums, AMOUNTS, strict=True)
        ]
        counts[value] = counts.get(value, 0) + 1
    table = table_of(jobs, dimension)
    found = {
        group[0]: [Decimal(dollar_text(getattr(totals, name))) for name in AMOUNTS]
        for group, totals in table.rows.items()
    }
    assert found == expected
    assert {group[0]: totals.jobs for group, totals in table.rows.items()} == counts
    for name in AMOUNTS:
        whole = sum((exact(getattr(job, name)) for job in jobs), Decimal(0))
        assert Decimal(dollar_text(getattr(table.total(), name))) == whole


@pytest.mark.parametrize("dimensions", list(combinations(("model", "day", "tag:team", "key"), 2)))
def test_pairs_of_dimensions_add_up_to_each_of_them(
    jobs: list[JobSummary], dimensions: tuple[str, str]
):
    pairs, single = table_of(jobs, *dimensions), table_of(jobs, dimensions[0])
    for (value,), totals in single.rows.items():
        parts = [part for group, part in pairs.rows.items() if group[0] == value]
        assert sum(part.settled for part in parts) == totals.settled
        assert sum(part.jobs for part in parts) == totals.jobs


@pytest.mark.parametrize("limit", [7, 1000, 10_000])
def test_parts_of_a_report_add_up_to_it(world: World, jobs: list[JobSummary], limit: int):
    some = World(world.random, world.jobs[:600] if limit < 10 else world.jobs)
    expected = table_of(some.all, "account", "model")
    service = service_of(some)
    query = UsageQuery(ACCOUNTS, PERIOD, ("account", "model"))
    table, cursor, parts = Table(query.dimensions), None, 0
    while True:
        part = service.part(query, cursor, limit)
        assert part.table.total().jobs <= limit
        table.merge(part.table)
        parts, cursor = parts + 1, part.next_cursor
        if cursor is None:
            break
    assert table.rows == expected.rows
    assert parts == -(-len(some.jobs) // limit)
    assert len(jobs) == 10_000


def service_of(world: World) -> UsageService:
    source: Any = world
    return UsageService(source, FakeAccounts(), FakeClock())


@pytest.mark.parametrize(("form", "dimension"), [(DAY, "day"), (MONTH, "month")])
def test_usage_reconciles_with_the_budgets(world: World, form: str, dimension: str):
    """The same writes charged the budgets: settled by settled, the rest is reserved."""
    for account in ACCOUNTS:
        query = UsageQuery((account,), PERIOD, (dimension,))
        rows = service_of(world).report(query).rows
        periods = {period_of(job.created_at, form) for job in world.jobs if job.account == account}
        assert {group[0] for group in rows} == periods
        for (period,), totals in rows.items():
            budget = world.limits.find(f"{account}#{period}")
            assert dollar_text(totals.settled) == f"{budget.settled:.6f}"


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 60))
def test_usage_of_any_jobs_reconciles_with_their_budgets(seed: int, count: int):
    world = make_world(seed, count)
    for account in ACCOUNTS:
        rows = service_of(world).report(UsageQuery((account,), PERIOD, ("month",))).rows
        for (month,), totals in rows.items():
            budget = world.limits.find(f"{account}#{month}")
            assert dollar_text(totals.settled) == f"{budget.settled:.6f}"
            ended = totals.jobs - totals.statuses["open"]
            assert ended or not totals.settled

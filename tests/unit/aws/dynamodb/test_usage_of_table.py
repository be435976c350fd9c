"""Usage from the table's index equals the sums over the stored jobs."""

import pytest

from rushes.api.usage.period import Period
from rushes.api.usage.query import UsageQuery
from rushes.api.usage.service import UsageService
from rushes.api.usage.totals import Table
from rushes.aws.dynamodb.job_items import request_item, revised, state_item
from rushes.aws.dynamodb.job_search import JobSearchTable
from rushes.aws.dynamodb.summary_items import summary_item
from rushes.jobs.summary import summary_of
from tests.fakes import FakeAccounts, FakeClock
from tests.unit.api.usage.simulated_jobs import ACCOUNTS, BEGIN, SECONDS, World, make_world
from tests.unit.aws.dynamodb.moto_table import TABLE, CountedTable

JOBS = 400
PERIOD = Period(BEGIN, BEGIN + SECONDS)


@pytest.fixture
def world(table: CountedTable) -> World:
    """Jobs whose items are in the table."""
    world = make_world(21, JOBS)
    jobs = [revised(job) for job in sorted(world.jobs, key=lambda job: job.id)]
    for form in (state_item, request_item, summary_item):
        table.fill(form(job) for job in jobs)
    return world


@pytest.mark.parametrize("dimension", ["account", "model", "key", "tag:team", "day", "user"])
def test_report_has_the_sums_of_the_jobs(world: World, table: CountedTable, dimension: str):
    service = UsageService(JobSearchTable(table.client, TABLE), FakeAccounts(), FakeClock())
    expected = Table((dimension,))
    for job in world.jobs:
        expected.add(summary_of(job))
    assert service.report(UsageQuery(ACCOUNTS, PERIOD, (dimension,))).rows == expected.rows


def test_parts_are_joined_by_cursors_and_half_a_period_is_exact(world: World, table: CountedTable):
    service = UsageService(JobSearchTable(table.client, TABLE), FakeAccounts(), FakeClock())
    half = Period(BEGIN, BEGIN + SECONDS / 2)
    query = UsageQuery(ACCOUNTS, half, ("account", "status"))
    expected = Table(query.dimensions)
    for job in world.jobs:
        if half.contains(job.created_at):
            expected.add(summary_of(job))
    found, cursor = Table(query.dimensions), None
    for _ in range(JOBS):
        part = service.part(query, cursor, limit=37)
        found.merge(part.table)
        cursor = part.next_cursor
        if cursor is None:
            break
    assert found.rows == expected.rows
    assert 0 < found.total().jobs < JOBS

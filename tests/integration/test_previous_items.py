"""Rows that released versions wrote, in the real table: found, listed, looked after, written."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rushes.aws.dynamodb.jobs import JobTable
from rushes.jobs.job import Job
from rushes.ports import JobQuery
from tests.fixtures.releases.finished_jobs import JOBS, OPEN, job_of, read, row_of
from tests.harness import ACCOUNT

LATER = 1_800_010_000.0
"""When everything that was left behind is to be looked after."""


@pytest.fixture(scope="module")
def jobs(as_wired: Callable[[str], Any], table: str) -> Iterator[JobTable]:
    dynamodb = as_wired("dynamodb")
    rows = [row_of(read(path)) for path in JOBS]
    for row in rows:
        dynamodb.put_item(TableName=table, Item=row)
    yield JobTable(dynamodb, table)
    for row in rows:
        key = {name: row[name] for name in ("pk", "sk")}
        dynamodb.delete_item(TableName=table, Key=key)


def left() -> list[Job]:
    return [job_of(read(path)) for path in JOBS]


def test_each_is_found(jobs: JobTable):
    for job in left():
        assert jobs.get(job.account, job.id) == job


def test_all_that_are_not_deleted_are_listed(jobs: JobTable):
    """Every page shows what comes after the one before it."""
    listed: list[str] = []
    more = True
    while more:
        page = jobs.page(ACCOUNT, JobQuery(limit=7, after=listed[-1] if listed else None))
        listed += [job.id for job in page.jobs]
        more = page.has_more
    wanted = {job.id for job in left() if not job.deleted_at}
    assert [job_id for job_id in listed if job_id in wanted] == sorted(wanted, reverse=True)


def test_the_sweeper_is_shown_all_that_are_open(jobs: JobTable):
    found = {job.id for job in jobs.due(LATER, 500)}
    assert {job_of(read(path)).id for path in OPEN} <= found


def test_each_can_be_written_to(jobs: JobTable):
    for job in left():
        changed = jobs.change(job.account, job.id, lambda it: it.warned(it.updated_at, "seen"))
        assert (changed.warnings[-1], changed.version) == ("seen", job.version + 1)
        assert jobs.get(job.account, job.id) == changed

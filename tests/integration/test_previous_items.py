"""Items written by released versions, in the real table."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rushes.aws.dynamodb.jobs import JobTable
from rushes.jobs.job import Job
from rushes.ports.jobs import JobQuery
from tests.fixtures.releases.finished_jobs import JOBS, UNFINISHED, items_of, job_of, read
from tests.harness import ACCOUNT

LATER = 1_800_010_000.0
"""Every unfinished job is due by then."""


@pytest.fixture(scope="module")
def jobs(as_wired: Callable[[str], Any], table: str) -> Iterator[JobTable]:
    dynamodb = as_wired("dynamodb")
    rows = [row for path in JOBS for row in items_of(read(path))]
    for row in rows:
        dynamodb.put_item(TableName=table, Item=row)
    yield JobTable(dynamodb, table)
    for row in rows:
        key = {name: row[name] for name in ("pk", "sk")}
        dynamodb.delete_item(TableName=table, Key=key)


def recorded() -> list[Job]:
    """Return the jobs as the table reads them: with the request in the item of the job."""
    older = {"request_revision": None, "has_summary": False}
    return [job_of(read(path)).model_copy(update=older) for path in JOBS]


def test_items_of_earlier_releases_are_found(jobs: JobTable):
    for job in recorded():
        assert jobs.get(job.account, job.id) == job


def test_items_of_earlier_releases_are_listed(jobs: JobTable):
    """Pages follow each other by their cursor."""
    listed: list[str] = []
    more = True
    while more:
        page = jobs.page(ACCOUNT, JobQuery(limit=7, after=listed[-1] if listed else None))
        listed += [job.id for job in page.jobs]
        more = page.has_more
    wanted = {job.id for job in recorded() if not job.deleted_at}
    assert [job_id for job_id in listed if job_id in wanted] == sorted(wanted, reverse=True)


def test_unfinished_items_of_earlier_releases_are_due(jobs: JobTable):
    found = {job.id for job in jobs.due(LATER, 500)}
    assert {job_of(read(path)).id for path in UNFINISHED} <= found


def test_items_of_earlier_releases_can_be_changed(jobs: JobTable):
    for job in recorded():
        changed = jobs.change(job.account, job.id, lambda job: job.warned(job.updated_at, "seen"))
        assert (changed.warnings[-1], changed.version) == ("seen", job.version + 1)
        assert changed.request_revision == changed.version  # now stored in two items
        assert jobs.get(job.account, job.id) == changed

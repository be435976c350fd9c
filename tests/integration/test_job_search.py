"""Searches on the local engine and on the fake: filters, paging, cursors, summaries."""

import secrets
from dataclasses import dataclass
from typing import Any

import pytest

from rushes.aws.dynamodb.job_search import JobSearchTable
from rushes.aws.dynamodb.jobs import JobTable
from rushes.errors import UnknownCursor
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.jobs.summary import summary_of
from rushes.ports.jobs import Jobs
from rushes.ports.search import JobFilter, JobSearch
from tests.fakes import FakeJobs, FakeJobSearch
from tests.unit.aws.dynamodb.listed_jobs import NOW
from tests.unit.aws.dynamodb.searched_jobs import LIVES, STEPS, new_job, present, walk

FILTERS = (
    JobFilter(),
    JobFilter(statuses=frozenset({JobStatus.COMPLETED})),
    JobFilter(statuses=frozenset({JobStatus.QUEUED, JobStatus.FAILED})),
    JobFilter(model="alias"),
    JobFilter(model="kling/two", provider="kling"),
    JobFilter(key_id="k1", modality="video"),
    JobFilter(user="Ünal"),
    JobFilter(tags={"team": "ads", "a.b": "x y"}),
    JobFilter(text="STRASSE"),
    JobFilter(text="狐"),
    JobFilter(text="absent"),
    JobFilter(since=NOW + 2, until=NOW + 7),
    JobFilter(since=NOW + 7, until=NOW + 2),
    JobFilter(min_cost=0.6, max_cost=2.0),
    JobFilter(min_cost=1e300),
)


@dataclass
class Searched:
    """Jobs that were stored step by step, and their search."""

    search: JobSearch
    account: str
    jobs: list[Job]


@pytest.fixture(scope="module", params=["fake", "real"])
def searched(request: pytest.FixtureRequest) -> Searched:
    account = f"demo-{secrets.token_hex(4)}"
    if request.param == "fake":
        fake = FakeJobs()
        return Searched(FakeJobSearch(fake), account, list(added(fake, account)))
    dynamodb = request.getfixturevalue("as_wired")("dynamodb")
    table = request.getfixturevalue("table")
    jobs = added(JobTable(dynamodb, table), account)
    return Searched(JobSearchTable(dynamodb, table), account, list(jobs))


def added(jobs: Jobs, account: str) -> list[Job]:
    """Store jobs of the account, and one of another account."""
    found = []
    for number, life in enumerate(LIVES):
        labels: dict[str, Any] = {"tags": {"team": "ads", "a.b": "x y"}, "user": "Ünal"}
        prompt = ("Straße im Schnee", "雪の上の狐", "a fox")[number % 3]
        job = new_job(number, account, prompt=prompt, key_id=f"k{number % 2}", **labels)
        jobs.add(job)
        for step in life:
            job = jobs.change(account, job.id, STEPS[step])
        found.append(job)
    jobs.add(new_job(0, f"{account}-other"))
    return found


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("filters", FILTERS, ids=range(len(FILTERS)))
def test_search_finds_what_a_filter_of_all_jobs_finds(
    searched: Searched, filters: JobFilter, *, newest_first: bool
):
    expected = [one for job in searched.jobs if filters.matches(one := present(job))]
    expected.sort(key=lambda job: job.id, reverse=newest_first)
    found = walk(searched.search, filters, 2, searched.account, newest_first=newest_first)
    assert found == expected


def test_summaries_include_deleted_jobs(searched: Searched):
    found = list(searched.search.summaries(searched.account, NOW, NOW + len(LIVES)))
    assert found == [summary_of(job) for job in searched.jobs]
    assert sum(job.deleted for job in found) == sum("delete" in life for life in LIVES)


@pytest.mark.parametrize("account", ["other", "same"])
def test_cursor_of_another_list_is_refused(searched: Searched, account: str):
    cursor = searched.search.page(searched.account, JobFilter(), 1).next_cursor
    assert cursor
    same = {"same": searched.account, "other": f"{searched.account}-other"}[account]
    filters = JobFilter(user="Ünal") if account == "same" else JobFilter()
    for bad in (cursor, "x", f"{cursor}x"):
        with pytest.raises(UnknownCursor):
            searched.search.page(same, filters, 1, bad)

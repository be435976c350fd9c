"""Lists of an account's jobs, all or at one provider: what the index and the table contain."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest

from cli.reindexing import Reindexed, reindex
from rushes.aws.dynamodb import key_index
from rushes.aws.dynamodb.jobs import JobTable, indexed_item
from rushes.aws.dynamodb.key_index import SHARDS
from rushes.aws.dynamodb.owner_list import LISTED_SECONDS, RECHECK_SECONDS
from rushes.aws.dynamodb.summary_items import summary_item
from rushes.jobs.job import Job
from rushes.jobs.job_page import MAX_PAGE_BYTES, JobPage
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from rushes.ports.jobs import JobQuery
from tests.unit.aws.dynamodb.listed_jobs import NOW, job_id, job_of, stored_item, walk
from tests.unit.aws.dynamodb.moto_table import TABLE, CountedTable


@pytest.fixture
def jobs(table: CountedTable) -> JobTable:
    return JobTable(table.client, table.name)


@pytest.fixture(autouse=True)
def _present(monkeypatch: pytest.MonkeyPatch) -> None:
    """The jobs are new."""
    monkeypatch.setattr(time, "time", lambda: NOW + 10_000)


@pytest.fixture
def few_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of moto's queries reads the whole table."""
    monkeypatch.setattr(key_index, "SHARDS", 2)


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize("provider", ["rare", None])
def test_list_of_large_jobs_returns_at_most_three_megabytes(
    table: CountedTable, jobs: JobTable, provider: str | None
):
    for number in range(40):
        jobs.add(job_of(number, prompt="x" * 390_000))
    table.max_calls = 1 + (2 + 1) + 2
    pages = walk(table, 100, provider=provider)
    assert list(chain(*pages)) == [job_id(number) for number in reversed(range(40))]
    assert max(map(len, pages)) * 390_000 < MAX_PAGE_BYTES


def test_page_of_a_provider_reads_each_shard_once_and_the_jobs_in_batches(
    table: CountedTable, jobs: JobTable
):
    for number in range(60):
        jobs.add(job_of(number))
    table.calls.clear()
    page = jobs.page("demo", JobQuery(limit=49, provider="rare"))
    assert (ids_of(page), page.has_more) == ([job_id(n) for n in range(59, 10, -1)], True)
    assert table.calls == {"Query": SHARDS + 1, "BatchGetItem": 2}


def test_page_of_all_jobs_takes_one_query_and_searches_older_releases_once(
    table: CountedTable, jobs: JobTable
):
    for number in range(60):
        jobs.add(job_of(number))
    for older in (SHARDS + 1, 0):
        table.calls.clear()
        page = jobs.page("demo", JobQuery(limit=49))
        assert (ids_of(page), page.has_more) == ([job_id(n) for n in range(59, 10, -1)], True)
        assert table.calls == {"Query": 1 + older, "BatchGetItem": 2}


@pytest.mark.parametrize("newest_first", [True, False])
def test_jobs_of_older_releases_are_listed_among_the_others(
    table: CountedTable, jobs: JobTable, *, newest_first: bool
):
    table.fill(iter([stored_item(job_of(number)) for number in (0, 1, 4, 5, 8)]))
    for number in (2, 3, 6, 7):
        jobs.add(job_of(number))
    jobs.change("demo", job_id(5), lambda job: job.warned(NOW, "seen"))
    jobs.change("demo", job_id(4), lambda job: job.deleted(NOW))
    pages = walk(table, 3, newest_first=newest_first, provider=None)
    listed = [job_id(number) for number in (0, 1, 2, 3, 5, 6, 7, 8)]
    assert list(chain(*pages)) == sorted(listed, reverse=newest_first)
    assert max(map(len, pages)) == 3


def test_jobs_that_an_older_release_still_creates_are_found_later(
    table: CountedTable, jobs: JobTable, monkeypatch: pytest.MonkeyPatch
):
    assert ids_of(jobs.page("demo", JobQuery())) == []
    table.fill(iter([stored_item(job_of(1))]))
    assert ids_of(jobs.page("demo", JobQuery())) == []
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + RECHECK_SECONDS + 60)
    assert ids_of(jobs.page("demo", JobQuery())) == [job_id(1)]


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "expired"])
def test_summaries_of_jobs_that_are_gone_cost_a_list_few_queries(
    table: CountedTable, monkeypatch: pytest.MonkeyPatch, *, newest_first: bool, is_deleted: bool
):
    """Summaries outlive the states by months: a list must not read them page by page."""
    gone, late = 500, NOW + (0 if is_deleted else LISTED_SECONDS)
    monkeypatch.setattr(time, "time", lambda: late + gone)
    table.fill(summary_item(ended(number, is_deleted=is_deleted)) for number in range(gone))
    jobs = JobTable(table.client, table.name)
    for number in range(gone, gone + 3):
        jobs.add(job_of(number))
    table.calls.clear()
    page = jobs.page("demo", JobQuery(limit=4, newest_first=newest_first))
    found = [job_id(number) for number in range(gone, gone + 3)]
    assert (ids_of(page), page.has_more) == (sorted(found, reverse=newest_first), False)
    of_older = len(key_index.shards_of("demo"))
    assert table.calls == {"Query": 7 + of_older, "BatchGetItem": 1}


def test_job_is_listed_until_its_state_has_expired(
    table: CountedTable, jobs: JobTable, monkeypatch: pytest.MonkeyPatch
):
    jobs.add(ended(1))
    jobs.add(job_of(2))
    for newest_first in (True, False):
        for age, listed in ((0.9 * LISTED_SECONDS, [1, 2]), (1.1 * LISTED_SECONDS, [2])):
            monkeypatch.setattr(time, "time", lambda age=age: NOW + age)
            expected = sorted(map(job_id, listed), reverse=newest_first)
            assert walk(table, 1, newest_first=newest_first, provider=None) == [
                [one] for one in expected
            ]


def ended(number: int, *, is_deleted: bool = False) -> Job:
    update = {
        "status": JobStatus.COMPLETED,
        "finished_at": NOW + number,
        "deleted_at": NOW + number if is_deleted else None,
    }
    return job_of(number).model_copy(update=update)


def test_no_shard_of_a_state_takes_a_sixteenth_of_an_accounts_jobs():
    items = [indexed_item(job_of(number)) for number in range(4000)]
    for name in ("provider_pk", "open_pk"):
        partitions = Counter(item[name]["S"] for item in items)
        assert max(partitions.values()) < len(items) / 16


def test_keys_change_at_failover_and_deletion_only(table: CountedTable, jobs: JobTable):
    """Every other step of a job thus leaves the indexes as they are."""

    def index_keys() -> Mapping[str, Any]:
        item = table.item(f"JOB#demo#{job_id(1)}")
        names = ("provider_pk", "list_sk")
        return {name: item[name]["S"] for name in names if name in item}

    def step(change: Callable[[Job], Job]) -> Mapping[str, Any]:
        jobs.change("demo", job_id(1), change)
        return index_keys()

    jobs.add(job_of(1))
    created = index_keys()
    shard = created["provider_pk"].removeprefix("demo#rare#")
    assert created == {"list_sk": job_id(1), "provider_pk": f"demo#rare#{shard}"}
    assert step(lambda job: job.submitting(NOW, 60)) == created
    assert step(lambda job: job.submitted(NOW, {"id": "1"}, ())) == created
    assert step(lambda job: job.progressed(NOW, 50)) == created
    error = JobError(code="no", message="no")
    moved = step(
        lambda job: job.failed_over(
            NOW, error, model="b", provider="spare", upstream_model="b", cost=0.0
        )
    )
    assert moved == {"list_sk": job_id(1), "provider_pk": f"demo#spare#{shard}"}
    assert walk(table, 5) == [[]]
    assert walk(table, 5, provider="spare") == [[job_id(1)]]
    assert step(lambda job: job.deleted(NOW)) == {}
    assert walk(table, 5, provider="spare") == [[]]


class LaggingIndex:
    """A client whose queries of indexes return an earlier answer; its batches leave keys out."""

    def __init__(self, client: Any, left_out: Callable[[int], bool] | None = None) -> None:
        self._client = client
        self._answers: dict[str, Any] = {}
        self._left_out = left_out or (lambda _place: False)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **search: Any) -> Any:
        if "IndexName" not in search:
            return self._client.query(**search)
        return self._answers.setdefault(str(search), self._client.query(**search))

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - AWS
        keys = RequestItems[TABLE]["Keys"]
        split: dict[bool, list[Any]] = {True: [], False: []}
        for place, key in enumerate(keys):
            split[self._left_out(place)].append(key)
        reply: Any = {"Responses": {}, "UnprocessedKeys": {}}
        if split[False]:
            reply = self._client.batch_get_item(RequestItems={TABLE: {"Keys": split[False]}})
        if split[True]:
            reply["UnprocessedKeys"] = {TABLE: {"Keys": split[True]}}
        return reply


def page_of(client: Any, limit: int) -> JobPage:
    return JobTable(client, TABLE).page("demo", JobQuery(limit=limit, provider="rare"))


def ids_of(page: JobPage) -> list[str]:
    return [job.id for job in page.jobs]


def test_jobs_that_left_the_list_since_the_index_was_read_are_replaced(
    table: CountedTable, jobs: JobTable
):
    for number in range(10):
        jobs.add(job_of(number))
    lagging = LaggingIndex(table.client)
    assert ids_of(page_of(lagging, 3)) == [job_id(9), job_id(8), job_id(7)]
    jobs.change("demo", job_id(9), lambda job: job.deleted(NOW))
    jobs.change("demo", job_id(7), lambda job: job.model_copy(update={"provider": "b"}))
    table.client.delete_item(
        TableName=TABLE, Key={"pk": {"S": f"JOB#demo#{job_id(6)}"}, "sk": {"S": "job"}}
    )
    page = page_of(lagging, 3)
    assert (ids_of(page), page.has_more) == ([job_id(8), job_id(5), job_id(4)], True)


@pytest.mark.parametrize(
    "left_out",
    [lambda place: place in (0, 3), lambda place: place % 2 == 1, lambda _place: True],
    ids=["a state and a request", "all requests", "all"],
)
def test_keys_that_a_batch_leaves_out_are_read_one_by_one(
    table: CountedTable, jobs: JobTable, left_out: Callable[[int], bool]
):
    for number in range(10):
        jobs.add(job_of(number))
    page = page_of(LaggingIndex(table.client, left_out), 5)
    assert (ids_of(page), page.has_more) == ([job_id(number) for number in range(9, 4, -1)], True)


def test_job_of_older_release_is_listed_before_and_after_its_next_write(
    table: CountedTable, jobs: JobTable
):
    table.fill(iter([stored_item(job_of(number)) for number in (1, 2, 3)]))
    for provider in ("rare", None):
        assert walk(table, 5, provider=provider) == [[job_id(3), job_id(2), job_id(1)]]
    jobs.change("demo", job_id(2), lambda job: job.progressed(NOW, 5))
    for provider in ("rare", None):
        assert walk(table, 2, provider=provider) == [[job_id(3), job_id(2)], [job_id(1)]]


def test_job_without_provider_key_is_listed_after_its_next_write_or_reindex(
    table: CountedTable, jobs: JobTable
):
    for number in (1, 2, 3):
        item = stored_item(job_of(number))
        del item["provider_pk"]
        table.fill(iter([item]))
    assert walk(table, 5) == [[]]
    jobs.change("demo", job_id(2), lambda job: job.progressed(NOW, 5))
    assert walk(table, 5) == [[job_id(2)]]
    target: Any = SimpleNamespace(jobs=jobs, table=TABLE, client=lambda _: table.client)
    assert reindex(target, ["demo", "other"]) == Reindexed(rewritten=2)
    assert walk(table, 5) == [[job_id(3), job_id(2), job_id(1)]]
    stored = jobs.get("demo", job_id(1))
    assert stored == job_of(1).model_copy(update={"version": 1, "request_revision": 1})
    assert reindex(target, ["demo"]) == Reindexed(rewritten=0)

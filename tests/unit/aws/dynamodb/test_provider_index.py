"""Lists of an account's jobs at one provider: what the index and the table contain."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import pytest

from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.dynamodb.provider_index import SPARE_KEYS
from rushes.errors import AwsUnavailable, NotFound
from rushes.jobs.job import MAX_PAGE_BYTES, Job, JobPage
from rushes.jobs.result import JobError
from rushes.ports.jobs import JobQuery
from scripts.jobs import Deployment, reindex
from tests.unit.aws.dynamodb.listed_jobs import MAX_PAGES, NOW, job_id, job_of, stored_item, walk
from tests.unit.aws.dynamodb.moto_table import TABLE, CountedTable


@pytest.fixture
def jobs(table: CountedTable) -> JobTable:
    return JobTable(table.client, table.name)


def test_list_of_large_jobs_reads_three_pages_and_returns_at_most_three_megabytes(
    table: CountedTable, jobs: JobTable
):

    for number in range(40):
        jobs.add(job_of(number, prompt="x" * 390_000))
    table.max_calls = MAX_PAGES
    pages = walk(table, 100)
    assert list(chain(*pages)) == [job_id(number) for number in reversed(range(40))]
    sizes = {len(page) for page in pages}
    assert max(sizes) * 390_000 < MAX_PAGE_BYTES


def test_keys_change_at_failover_and_deletion_only(table: CountedTable, jobs: JobTable):
    """Every other step of a job thus leaves the index as it is."""

    def index_key() -> Mapping[str, Any]:
        item = table.item(f"JOB#demo#{job_id(1)}")
        return {name: item[name]["S"] for name in ("provider_pk", "list_sk") if name in item}

    def step(change: Callable[[Job], Job]) -> Mapping[str, Any]:
        jobs.change("demo", job_id(1), change)
        return index_key()

    jobs.add(job_of(1))
    created = index_key()
    assert created == {"provider_pk": "demo#rare", "list_sk": job_id(1)}
    assert step(lambda job: job.submitting(NOW, 60)) == created
    assert step(lambda job: job.submitted(NOW, {"id": "1"}, ())) == created
    assert step(lambda job: job.progressed(NOW, 50)) == created
    error = JobError(code="no", message="no")
    moved = step(
        lambda job: job.failed_over(
            NOW, error, model="b", provider="spare", upstream_model="b", cost=0.0
        )
    )
    assert moved == {"provider_pk": "demo#spare", "list_sk": job_id(1)}
    assert walk(table, 5) == [[]]
    assert walk(table, 5, provider="spare") == [[job_id(1)]]
    assert step(lambda job: job.deleted(NOW)) == {}
    assert walk(table, 5, provider="spare") == [[]]


class LaggingIndex:
    """A client whose queries return an earlier answer, and whose batches leave keys out."""

    def __init__(self, client: Any, left_out: Callable[[int, int], bool] | None = None) -> None:
        self._client = client
        self._answers: dict[str, Any] = {}
        self._left_out = left_out or (lambda _call, _place: False)
        self.batches = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **search: Any) -> Any:
        return self._answers.setdefault(str(search), self._client.query(**search))

    def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - AWS
        keys = RequestItems[TABLE]["Keys"]
        self.batches += 1
        split: dict[bool, list[Any]] = {True: [], False: []}
        for place, key in enumerate(keys):
            split[self._left_out(self.batches, place)].append(key)
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


def test_jobs_that_left_the_provider_since_the_index_was_read_are_replaced(
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
    table.calls.clear()
    page = page_of(lagging, 3)
    assert (ids_of(page), page.has_more) == ([job_id(8), job_id(5), job_id(4)], True)
    assert table.calls.total() - table.calls["GetItem"] <= MAX_PAGES


def test_page_without_any_current_job_is_an_error_if_more_follow(
    table: CountedTable, jobs: JobTable
):
    """An empty page with `has_more` would end a client's loop."""
    for number in range(SPARE_KEYS + 5):
        jobs.add(job_of(number))
    lagging = LaggingIndex(table.client)
    page_of(lagging, 1)
    for number in range(1, SPARE_KEYS + 5):
        jobs.change("demo", job_id(number), lambda job: job.deleted(NOW))
    with pytest.raises(AwsUnavailable):
        page_of(lagging, 1)


@pytest.mark.parametrize(
    ("left_out", "expected", "has_more"),
    [
        (lambda call, place: call == 1 and place in (0, 3), range(9, 4, -1), True),
        (lambda call, place: place == 2 or call == 2, (9, 8), True),
        (lambda call, _place: call == 1, range(9, 4, -1), True),
    ],
    ids=["first call", "both calls", "whole first call"],
)
def test_keys_left_out_of_a_batch_end_the_page_or_are_read_again(
    table: CountedTable,
    jobs: JobTable,
    left_out: Callable[[int, int], bool],
    expected: tuple[int, ...],
    *,
    has_more: bool,
):
    for number in range(10):
        jobs.add(job_of(number))
    client = LaggingIndex(table.client, left_out)
    page = page_of(client, 5)
    assert (ids_of(page), page.has_more) == ([job_id(number) for number in expected], has_more)
    assert client.batches == 2


def test_page_without_any_read_job_is_an_error(table: CountedTable, jobs: JobTable):
    jobs.add(job_of(1))
    client = LaggingIndex(table.client, lambda _call, _place: True)
    with pytest.raises(AwsUnavailable):
        page_of(client, 5)
    assert client.batches == 2


def test_job_of_older_release_is_listed_after_its_next_write_or_reindex(
    table: CountedTable, jobs: JobTable
):
    for number in (1, 2, 3):
        item = stored_item(job_of(number))
        del item["provider_pk"]
        table.fill(iter([item]))
    assert walk(table, 5) == [[]]
    jobs.change("demo", job_id(2), lambda job: job.progressed(NOW, 5))
    assert walk(table, 5) == [[job_id(2)]]
    deployment = Deployment({"TableName": TABLE})
    assert list(reindex(deployment, "")) == ["rewrote 2 jobs"]
    assert walk(table, 5) == [[job_id(3), job_id(2), job_id(1)]]
    assert jobs.get("demo", job_id(1)) == job_of(1).model_copy(update={"version": 1})
    assert list(reindex(deployment, "")) == ["rewrote 0 jobs"]


def test_operator_finds_a_job_by_the_index_and_a_deleted_one_by_the_table(jobs: JobTable):
    for number in (1, 2):
        jobs.add(job_of(number))
    jobs.change("demo", job_id(2), lambda job: job.deleted(NOW))
    deployment = Deployment({"TableName": TABLE})
    assert deployment.find(job_id(1)).id == job_id(1)
    assert deployment.find(job_id(2)).deleted_at
    with pytest.raises(NotFound):
        deployment.find(job_id(3))


def test_list_of_all_providers_stops_reading_at_three_megabytes(
    table: CountedTable, jobs: JobTable
):
    """Four partitions are read in pages of 1 MB: no page more than the answer needs."""
    for number in range(60):
        jobs.add(job_of(number, prompt="x" * 390_000))
    table.calls.clear()
    page = jobs.page("demo", JobQuery(limit=100))
    assert page.has_more
    assert ids_of(page) == [job_id(number) for number in range(59, 59 - len(page.jobs), -1)]
    assert len(page.jobs) * 390_000 < MAX_PAGE_BYTES
    assert table.calls["Query"] <= 10

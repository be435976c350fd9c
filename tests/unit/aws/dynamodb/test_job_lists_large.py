"""Lists of an account's jobs at one provider, among 50,000 jobs elsewhere."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from rushes.aws.dynamodb import key_index
from rushes.aws.dynamodb.jobs import JobTable
from rushes.ports.jobs import JobQuery
from tests.faults.moto_stack import MotoStack
from tests.unit.aws.dynamodb.listed_jobs import job_id, job_of, stored_item, walk
from tests.unit.aws.dynamodb.moto_table import CountedTable

OTHERS = 50_000
SHARDS = 1
"""Each of moto's queries reads the whole table."""
MAX_CALLS = (SHARDS + 1) + 5
"""DynamoDB calls of one answer: the partitions of the index, and batches of 25 jobs."""
RARE = (0, 1, 17_003, 30_000, 30_001, 49_999)
"""Places of the jobs at provider `rare` among those of the others."""
COMMON = range(20_000, 20_250)
"""Places of the jobs at provider `common`."""


def jobs_elsewhere() -> Iterator[dict[str, Any]]:
    """Items of other providers' jobs; they have no document, as nothing may read it."""
    for number in range(OTHERS):
        key = job_id(number)
        if number in RARE or number in COMMON:
            yield stored_item(job_of(number, "rare" if number in RARE else "common"))
            continue
        yield {
            "pk": {"S": f"JOB#demo#{key}"},
            "sk": {"S": "job"},
            "provider": {"S": "elsewhere"},
            "list_pk": {"S": f"demo#{number % 4}"},
            "list_sk": {"S": key},
            "provider_pk": {"S": "demo#elsewhere"},
        }


@pytest.fixture(scope="module")
def large(moto_stack: MotoStack) -> Iterator[CountedTable]:
    """A table in which the account has 50,000 jobs, few of them at `rare`."""
    moto_stack.reset()
    made = CountedTable(moto_stack)
    made.fill(jobs_elsewhere())
    made.max_calls = MAX_CALLS
    with made.counting(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_index, "SHARDS", SHARDS)
        yield made


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 100])
def test_list_among_50_000_jobs_of_others_reads_no_others(
    large: CountedTable, limit: int, *, newest_first: bool
):
    pages = walk(large, limit, newest_first=newest_first)
    expected = sorted(map(job_id, RARE), reverse=newest_first)
    assert pages == ([[one] for one in expected] if limit == 1 else [expected])


def test_list_of_many_jobs_among_50_000_reads_no_others(large: CountedTable):
    pages = walk(large, 100, provider="common")
    assert [len(page) for page in pages] == [100, 100, 50]
    assert list(chain(*pages)) == [job_id(number) for number in reversed(COMMON)]


def test_list_of_unused_provider_reads_the_index_only(large: CountedTable):
    assert walk(large, 100, provider="unused") == [[]]
    assert large.calls == {"Query": SHARDS + 1}


def test_cursor_may_be_a_job_of_another_provider(large: CountedTable):
    large.calls.clear()
    jobs = JobTable(large.client, large.name)
    page = jobs.page("demo", JobQuery(after=job_id(25_000), provider="rare"))
    assert [job.id for job in page.jobs] == [job_id(number) for number in (17_003, 1, 0)]

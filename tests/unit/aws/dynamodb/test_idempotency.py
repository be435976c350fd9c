"""SDK retries among thousands of create calls with the same body."""

from collections.abc import Iterator
from typing import Any

import pytest

from rushes.aws.dynamodb import idempotency
from rushes.aws.dynamodb.jobs import JobTable
from rushes.errors import AwsUnavailable
from rushes.jobs.job_id import new_id
from tests.unit.aws.dynamodb.moto_table import CountedTable

NOW = 1_800_000_000.0
BODY = "b" * 64
CALLS = 5_000
"""More than a page of 1 MB."""


def job_id(number: int) -> str:
    return new_id(NOW - 600 + number / 10, f"{number:020}")


def records(*unadopted: int, expired: int | None = None) -> Iterator[dict[str, Any]]:
    """Items of create calls; a retry has adopted the job of each other one."""
    for number in range(CALLS):
        yield {
            "pk": {"S": f"CALL#{BODY}"},
            "sk": {"S": job_id(number)},
            "fingerprint": {"S": BODY},
            "job_id": {"S": job_id(number)},
            "expires": {"N": str(int(NOW) + (-1 if number == expired else 60))},
            "retry": {"N": "0" if number in unadopted else "1"},
        }


@pytest.fixture
def jobs(table: CountedTable) -> JobTable:
    return JobTable(table.client, table.name)


def test_retry_finds_its_job_behind_a_page_of_adopted_ones(table: CountedTable, jobs: JobTable):
    """Otherwise the retry would create, and pay for, a second job."""
    table.fill(records(CALLS - 2, CALLS - 1))
    given = [jobs.adopt_retry(BODY, 1, NOW) for _ in range(3)]
    assert given == [job_id(CALLS - 2), job_id(CALLS - 1), None]
    assert table.calls["Query"] > 3


def test_retry_ignores_expired_records_and_adopts_the_oldest_job(
    table: CountedTable, jobs: JobTable
):
    table.fill(records(3, 7, CALLS - 1, expired=3))
    assert jobs.adopt_retry(BODY, 1, NOW) == job_id(7)
    assert jobs.adopt_retry(BODY, 2, NOW) == job_id(0)


def test_retry_that_may_be_on_a_later_page_is_refused(
    table: CountedTable, jobs: JobTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(idempotency, "MAX_PAGES", 1)
    table.fill(records(CALLS - 1))
    with pytest.raises(AwsUnavailable):
        jobs.adopt_retry(BODY, 1, NOW)
    assert table.calls == {"Query": 1}
    assert jobs.adopt_retry(BODY, 2, NOW) == job_id(0)

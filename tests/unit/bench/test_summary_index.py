"""The index that searches are measured on: DynamoDB's page limits, start keys and bills."""

from typing import Any

import pytest

from bench.search import FILTERS
from bench.summary_index import PAGE_BYTES, SummaryIndex
from local.packaging import ROOT
from rushes.aws.dynamodb.job_items import job_key
from rushes.aws.dynamodb.search_conditions import search_request
from rushes.ports.search import JobFilter

KIB = 1024


def entry(number: int, account: str = "a", user: str = "u1", length: int = 10) -> dict[str, Any]:
    job_id = f"job_{number:04x}"
    return {
        **job_key(account, job_id),
        "sk": {"S": "summary"},
        "summary_pk": {"S": account},
        "list_sk": {"S": job_id},
        "user": {"S": user},
        "prompt": {"S": "x" * length},
    }


def query(index: SummaryIndex, jobs: JobFilter | None = None, **more: Any) -> Any:
    request = search_request("a", jobs or JobFilter(), newest_first=more.pop("newest", True))
    assert request
    return index.query(TableName="t", **request, **more)


def ids(reply: Any) -> list[int]:
    return [int(item["list_sk"]["S"].removeprefix("job_"), 16) for item in reply["Items"]]


def test_query_reads_one_account_in_order():
    index = SummaryIndex([entry(2), entry(1), entry(9, "b"), entry(3)], [])
    assert ids(query(index)) == [3, 2, 1]
    assert ids(query(index, newest=False)) == [1, 2, 3]


def test_limit_counts_what_is_evaluated_and_the_next_query_goes_on_behind_it():
    users = ("u1", "u2", "u1", "u2", "u1")
    index = SummaryIndex([entry(n, user=user) for n, user in enumerate(users)], [])
    first = query(index, JobFilter(user="u1"), Limit=2)
    assert (ids(first), first["LastEvaluatedKey"]["list_sk"]) == ([4], {"S": "job_0003"})
    rest = query(index, JobFilter(user="u1"), ExclusiveStartKey=first["LastEvaluatedKey"])
    assert (ids(rest), "LastEvaluatedKey" in rest) == ([2, 0], False)


def test_page_ends_after_a_megabyte():
    index = SummaryIndex([entry(n, length=100 * KIB) for n in range(20)], [])
    page = query(index)
    assert len(page["Items"]) == 11
    assert index.usage.units == pytest.approx(PAGE_BYTES / KIB / 8, rel=0.1)


def test_entries_that_the_filter_drops_are_billed():
    index = SummaryIndex([entry(n, length=4 * KIB) for n in range(10)], [])
    assert query(index, JobFilter(user="absent"))["Items"] == []
    assert index.usage.units >= 5


def test_each_state_of_a_batch_is_billed_by_itself():
    key = job_key("a", "job_1")
    index = SummaryIndex([entry(1)], [{**key, "document": {"S": "x" * 5 * KIB}}])
    found = index.batch_get_item({"t": {"Keys": [key]}})["Responses"]["t"]
    assert len(found) == 1
    assert (index.usage.calls, index.usage.units) == (1, 2)


def test_page_about_searches_has_the_measured_filters():
    rows = (ROOT / "docs/search.md").read_text("utf-8").splitlines()
    names = [row.split("|")[1].strip() for row in rows if row.startswith("| ")]
    assert names == ["filter", "---", *FILTERS]

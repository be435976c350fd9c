"""The keys of an account's jobs, by id: the index of summaries, and jobs of older releases.

Jobs of older releases are in `by_owner_keys` until their next write, or until they are reindexed.
"""

import heapq
import time
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from rushes.aws.dynamodb.batches import batches
from rushes.aws.dynamodb.items import BY_OWNER, BY_OWNER_LIST, Item, Table
from rushes.aws.dynamodb.job_items import RETENTION_SECONDS, SETTLED_SECONDS
from rushes.aws.dynamodb.key_index import KeyIndex
from rushes.aws.errors import translate_aws_errors
from rushes.jobs.job_id import oldest_id

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RECHECK_SECONDS = 900.0
"""After this time an account is searched again for jobs of older releases: during a gradual
deployment the older release still creates some."""
LISTED_SECONDS = RETENTION_SECONDS + SETTLED_SECONDS
"""After a job's end: then its state has expired, and its summary has not."""
MAX_AGE = 2 * RETENTION_SECONDS
"""Of a listed job; summaries of older ones are not read."""
MAX_ENTRIES = 1000
"""Of one query: about as many as DynamoDB reads at most."""


class OwnerList(Table):
    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        super().__init__(client, name)
        self._older = KeyIndex(client, name, BY_OWNER, "list_pk")
        self._none_until: dict[str, float] = {}

    def pages(
        self, account: str, count: int, after: str | None, *, newest_first: bool
    ) -> Iterator[list[Item]]:
        """Yield the keys after a cursor, `count` at a time, while the caller iterates."""
        lists = (
            chain.from_iterable(pages(account, count, after, newest_first=newest_first))
            for pages in (self._summarized, self._of_older_releases)
        )
        merged = heapq.merge(*lists, key=_job_id, reverse=newest_first)
        return batches(_distinct(merged), count)

    def _summarized(
        self, account: str, count: int, after: str | None, *, newest_first: bool
    ) -> Iterator[list[Item]]:
        """Skip deleted and expired jobs: the more of them follow, the more one query reads."""
        now = time.time()
        oldest = oldest_id(max(now - MAX_AGE, 0.0))
        if not newest_first:
            after = max(after or "", oldest)
        condition, values = "summary_pk = :account", {":account": {"S": account}}
        if after:
            condition += f" AND list_sk {'<' if newest_first else '>'} :after"
            values[":after"] = {"S": after}
        values[":ended"] = {"N": str(now - LISTED_SECONDS)}
        search: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": BY_OWNER_LIST,
            "KeyConditionExpression": condition,
            "FilterExpression": (
                "attribute_not_exists(deleted)"
                " AND (attribute_not_exists(finished_at) OR finished_at > :ended)"
            ),
            "ExpressionAttributeValues": values,
            "ProjectionExpression": "pk, list_sk",
            "ScanIndexForward": not newest_first,
            "Limit": count,
        }
        while True:
            with translate_aws_errors():
                reply = self._client.query(**search)
            yield reply["Items"]
            last = reply.get("LastEvaluatedKey")
            if last is None or (newest_first and last["list_sk"]["S"] < oldest):
                return
            search |= {"ExclusiveStartKey": last, "Limit": min(search["Limit"] * 2, MAX_ENTRIES)}

    def _of_older_releases(
        self, account: str, count: int, after: str | None, *, newest_first: bool
    ) -> Iterator[list[Item]]:
        if self._none_until.get(account, 0.0) > time.monotonic():
            return
        is_empty = after is None
        for page in self._older.pages(account, count, after, newest_first=newest_first):
            is_empty = False
            yield page
        if is_empty:
            self._none_until[account] = time.monotonic() + RECHECK_SECONDS


def _distinct(keys: Iterator[Item]) -> Iterator[Item]:
    """Leave out a key that both indexes have while one of them lags behind."""
    previous = None
    for one in keys:
        if (job_id := _job_id(one)) != previous:
            previous = job_id
            yield one


def _job_id(item: Item) -> str:
    job_id: str = item["list_sk"]["S"]
    return job_id

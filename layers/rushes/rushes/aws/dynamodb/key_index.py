"""Indexes that have keys only: lists of an account's jobs at a provider, and of deliveries.

DynamoDB writes them when an item is added or hidden, not at every step. Each list is spread over
`SHARDS` partitions, so that no account, provider or endpoint is limited by one of them.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rushes.aws.dynamodb.items import Item
from rushes.aws.errors import translate_aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHARDS = 24


def shard_of(owner: str, name: str) -> str:
    """Return the partition of an entry of the owner's list."""
    return f"{owner}#{zlib.crc32(name.encode()) % SHARDS}"


def shards_of(owner: str) -> list[str]:
    """Return the partitions of a list; the last one has entries of older releases."""
    return [*(f"{owner}#{number}" for number in range(SHARDS)), owner]


@dataclass(frozen=True)
class KeyIndex:
    """`partition_key` is the index's; `list_sk` orders the entries."""

    client: "DynamoDBClient"
    table: str
    name: str
    partition_key: str

    def pages(
        self, owner: str, count: int, after: str | None, *, newest_first: bool
    ) -> Iterator[list[Item]]:
        """Yield the entries of a list after a cursor, `count` at a time, while the caller iterates.

        The first `count` entries of each partition contain the first `count` of the list.
        """
        has_more = True
        while has_more:
            found: list[Item] = []
            has_more = False
            for partition in shards_of(owner):
                entries, more = self._page(partition, count, after, newest_first=newest_first)
                found += entries
                has_more = has_more or more
            if not found:
                return
            found.sort(key=_sort_key, reverse=newest_first)
            yield found[:count]
            has_more = has_more or len(found) > count
            after = _sort_key(found[:count][-1])

    def _page(
        self, partition: str, count: int, after: str | None, *, newest_first: bool
    ) -> tuple[Sequence[Item], bool]:
        condition, values = f"{self.partition_key} = :pk", {":pk": {"S": partition}}
        if after:
            condition += f" AND list_sk {'<' if newest_first else '>'} :after"
            values[":after"] = {"S": after}
        with translate_aws_errors():
            reply = self.client.query(
                TableName=self.table,
                IndexName=self.name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=not newest_first,
                Limit=count,
            )
        return reply["Items"], "LastEvaluatedKey" in reply


def _sort_key(entry: Item) -> str:
    text: str = entry["list_sk"]["S"]
    return text

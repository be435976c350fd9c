"""Items that an index with keys only has found, read from the table in batches."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from rushes.aws.dynamodb.items import Item, Table
from rushes.aws.errors import translate_aws_errors

Entry = TypeVar("Entry")
Key = tuple[str, str]
"""Partition and sort key."""
BATCH = 25
"""Entries that are read at once: of 400 KB each, they are 10 MB."""


class ItemBatches(Table):
    def find(self, keys: Sequence[Item]) -> dict[Key, Item]:
        """Read up to 100 items consistently, by key; absent ones are left out.

        DynamoDB processes only some of the keys of a large batch, or if it is busy.
        """
        with translate_aws_errors():
            reply = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
            )
        found = list(reply["Responses"].get(self._table, []))
        unread = reply.get("UnprocessedKeys", {}).get(self._table, {"Keys": []})["Keys"]
        others = (self._find(item_key, consistent=True) for item_key in unread)
        found += [item for item in others if item]
        return {key_of(item): item for item in found}


def key_of(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def batches(entries: Iterable[Entry], size: int = BATCH) -> Iterator[list[Entry]]:
    """Yield the entries in lists, while the caller iterates."""
    remaining = iter(entries)
    while batch := list(islice(remaining, size)):
        yield batch

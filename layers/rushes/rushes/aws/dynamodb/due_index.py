"""The index `due_keys`: keys of items with pending work, by time.

    open_pk         open_sk               open_owner
    kind#partition  time of the next one  account#sort key of the item

Every account's items are spread over all partitions of their kind, so that none limits its write
rate. The key of an item changes only when the time of its next work does. `open_owner` is no key: a
search skips the items of owners that have had their share by it. Items without it, written by
version 0.2.0 or earlier, are read and dropped.
"""

import zlib
from collections.abc import Iterator, Sequence
from operator import itemgetter

from rushes.aws.dynamodb.items import DUE, Item, Table
from rushes.aws.errors import translate_aws_errors
from rushes.aws.threads import in_threads
from rushes.fair_order import Shares

PARTITIONS = 32
"""Of each kind of work."""
MAX_QUERIES = 400
"""Per search."""
PAGE = 1000
"""Entries that a query reads, of about 200 bytes each."""
MAX_SKIPPED = 100
"""Owners in a filter: the most operands that DynamoDB allows for IN."""

Page = tuple[list[Item], bool]
"""Entries, and whether more follow."""


def due_attributes(kind: str, item_key: Item, time: float) -> Item:
    """Return the attributes that put an item into the index."""
    pk, sk = item_key["pk"]["S"], item_key["sk"]["S"]
    return {
        "open_pk": {"S": f"{kind}#{zlib.crc32(f'{pk}#{sk}'.encode()) % PARTITIONS}"},
        "open_sk": {"N": str(time)},
        "open_owner": {"S": f"{_account(item_key)}#{sk}"},
    }


def partitions_of(kind: str) -> list[str]:
    return [f"{kind}#{number}" for number in range(PARTITIONS)]


class DueIndex(Table):
    def items(self, kinds: Sequence[Sequence[str]], now: float, limit: int) -> Iterator[Item]:
        """Yield the keys of due items in rounds, while the caller iterates.

        A round reads one page of each partition that has more, and yields them by kind, then the
        oldest first. Of each kind, an account gets its share (`Shares`) of `limit`.
        """
        shares = [Shares(limit) for _ in kinds]
        searches = [
            (kind, self._pages(partition, now, limit, shares[kind]))
            for kind, partitions in enumerate(kinds)
            for partition in partitions
        ]
        yielded: set[tuple[str, str]] = set()
        queries = 0
        while searches:
            searches = searches[: MAX_QUERIES - queries]
            queries += len(searches)
            pages = in_threads(_next_page, map(itemgetter(1), searches))
            found = [
                (kind, item)
                for (kind, _), (items, _) in zip(searches, pages, strict=True)
                for item in items
            ]
            searches = [search for search, (_, more) in zip(searches, pages, strict=True) if more]
            for kind, item in sorted(found, key=lambda one: (one[0], _time(one[1]))):
                pk, sk = item["pk"]["S"], item["sk"]["S"]
                if (pk, sk) not in yielded and shares[kind].take(_account(item), sk):
                    yielded.add((pk, sk))
                    yield item

    def _pages(self, partition: str, now: float, limit: int, shares: Shares) -> Iterator[Page]:
        """Yield the oldest page, the newest, and the others.

        The newest page contains what has become due lately, however much is older.
        """
        search = {
            "IndexName": DUE,
            "KeyConditionExpression": "open_pk = :partition AND open_sk <= :now",
            "ExpressionAttributeValues": {":partition": {"S": partition}, ":now": {"N": str(now)}},
            "Limit": PAGE,
        }
        items, last = self._page({**search, "Limit": min(limit, PAGE)})
        yield items, bool(last)
        newest, _ = self._page({**_without(shares, search), "ScanIndexForward": False})
        yield newest, True
        while last:
            items, last = self._page({**_without(shares, search), "ExclusiveStartKey": last})
            yield items, bool(last)

    def _page(self, search: Item) -> tuple[list[Item], Item | None]:
        """Return a page and the key to continue after."""
        with translate_aws_errors():
            reply = self._client.query(TableName=self._table, **search)
        return reply["Items"], reply.get("LastEvaluatedKey")


def _next_page(pages: Iterator[Page]) -> Page:
    return next(pages)


def _without(shares: Shares, search: Item) -> Item:
    """Skip the owners that have had their share: DynamoDB reads their items and drops them."""
    owners = [f"{account}#{sk}" for account, sk in shares.used_up()[:MAX_SKIPPED]]
    if not owners:
        return search
    values = {f":skip{number}": {"S": owner} for number, owner in enumerate(owners)}
    condition = f"attribute_not_exists(open_owner) OR NOT open_owner IN ({', '.join(values)})"
    return {
        **search,
        "FilterExpression": condition,
        "ExpressionAttributeValues": search["ExpressionAttributeValues"] | values,
    }


def _account(item: Item) -> str:
    name: str = item["pk"]["S"].partition("#")[2]
    return name.partition("#")[0]


def _time(item: Item) -> float:
    return float(item["open_sk"]["N"])

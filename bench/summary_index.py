"""Jobs of many accounts behind the calls that a search makes, with DynamoDB's limits and prices.

A query evaluates at most 1 MB, or `Limit` entries, and bills what it has evaluated; moto evaluates
the filter expression. moto's own table would compare the keys of all jobs in every query.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.dynamo_type import Item as MotoItem

from bench.dynamodb_units import READ_UNIT, Item, size

PAGE_BYTES = 1024 * 1024
FIRST, LAST = "", "~"
"""In front of, and behind all ids."""


@dataclass
class Usage:
    """Calls, and read units."""

    calls: int = 0
    units: float = 0.0


@dataclass
class Entries:
    """Summaries of an account by id; moto's form of one is made when a filter needs it."""

    ids: list[str]
    items: list[Item]
    parsed: dict[int, MotoItem] = field(default_factory=dict)

    def matches(self, place: int, condition: Any) -> bool:  # noqa: ANN401 - moto's expression
        if place not in self.parsed:
            item = self.items[place]
            attributes = {name: DynamoType(dict(value)) for name, value in item.items()}
            self.parsed[place] = MotoItem(attributes["pk"], attributes["sk"], {})
            dict.update(self.parsed[place].attrs, attributes)
        return bool(condition.expr(self.parsed[place]))


class SummaryIndex:
    """The part of boto3's client that `JobSearchTable` uses."""

    def __init__(self, summaries: Iterable[Item], states: Iterable[Item]) -> None:
        by_account: dict[str, list[Item]] = {}
        for item in summaries:
            by_account.setdefault(str(item["summary_pk"]["S"]), []).append(item)
        self._accounts = {account: _sorted_entries(items) for account, items in by_account.items()}
        self._states = {str(item["pk"]["S"]): item for item in states}
        self.usage = Usage()

    def query(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        values = request["ExpressionAttributeValues"]
        entries = self._accounts[values[":v0"]["S"]]
        places = _places(entries.ids, request)
        condition = get_filter_expression(
            request.get("FilterExpression"), request.get("ExpressionAttributeNames"), values
        )
        found, evaluated, last = [], 0, None
        for count, place in enumerate(places, 1):
            evaluated += size(entries.items[place])
            if entries.matches(place, condition):
                found.append(entries.items[place])
            if count < len(places) and (count == request.get("Limit") or evaluated >= PAGE_BYTES):
                last = {name: entries.items[place][name] for name in ("pk", "sk", "list_sk")}
                break
        self._bill(math.ceil(evaluated / READ_UNIT) / 2)
        return {"Items": found, **({"LastEvaluatedKey": last} if last else {})}

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803 - AWS
        ((table, request),) = RequestItems.items()
        found = [self._states[key["pk"]["S"]] for key in request["Keys"]]
        self._bill(sum(math.ceil(size(item) / READ_UNIT) for item in found))
        return {"Responses": {table: found}}

    def _bill(self, units: float) -> None:
        self.usage.calls += 1
        self.usage.units += units


def _sorted_entries(items: list[Item]) -> Entries:
    items.sort(key=_job_id)
    return Entries([_job_id(item) for item in items], items)


def _places(ids: Sequence[str], request: Mapping[str, Any]) -> Sequence[int]:
    """Return the places that the key condition and the start key select, in the query's order."""
    oldest, newest = _bounds(request)
    found = range(bisect_left(ids, oldest), bisect_right(ids, newest))
    is_forward = request["ScanIndexForward"]
    start = request.get("ExclusiveStartKey")
    if start:
        place = bisect_left(ids, _job_id(start))
        found = range(place + 1, found.stop) if is_forward else range(found.start, place)
    return found if is_forward else found[::-1]


def _bounds(request: Mapping[str, Any]) -> tuple[str, str]:
    """Return the bounds of the ids, which are the values behind the account's."""
    condition, values = request["KeyConditionExpression"], request["ExpressionAttributeValues"]
    if "BETWEEN" in condition:
        return values[":v1"]["S"], values[":v2"]["S"]
    if ">=" in condition:
        return values[":v1"]["S"], LAST
    return FIRST, values[":v1"]["S"] if "<=" in condition else LAST


def _job_id(item: Mapping[str, Any]) -> str:
    job_id: str = item["list_sk"]["S"]
    return job_id

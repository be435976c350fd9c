"""Count the AWS requests of functions and their DynamoDB units, by botocore's event hooks.

The images of a written item are read from the table before and after the request, so that the
count depends on what is stored only, not on the expressions of the request.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.dynamodb_units import (
    TRANSACTION_FACTOR,
    Index,
    Item,
    index_writes,
    read_units,
    text,
    write_units,
)

Partition = tuple[str, str]
"""Name of the table or index, and partition key."""
Params = Mapping[str, Any]

TABLE = "table"
CALL = "unit_meter_call"
"""Key of a request's context: its parameters, and the images of its items before it."""


class UnitMeter:
    """`read` returns an item of the table by its key."""

    def __init__(self, read: Callable[[Item], Item | None], indexes: Sequence[Index]) -> None:
        self._read, self._indexes = read, indexes
        self.writes: Counter[Partition] = Counter()
        """Units."""
        self.reads: Counter[str] = Counter()
        """Half units by function: an eventually consistent read takes one for 4 KB."""
        self.requests: Counter[tuple[str, str]] = Counter()
        """Calls by function and operation."""
        self.caller = ""
        """The function that runs."""
        self.on_request: Callable[[str, Params], None] = lambda *_: None
        """Called after each request with its operation and parameters."""

    def clear(self) -> None:
        self.writes.clear()
        self.requests.clear()
        self.reads.clear()

    def attach(self, client: Any) -> Any:  # noqa: ANN401 - boto3
        """Count the client's requests."""
        client.meta.events.register("before-parameter-build", self._before)
        client.meta.events.register("after-call", self._after)
        return client

    def units(self, place: str | None = None) -> int:
        """Return the write units of the table, of an index, or of all."""
        return sum(units for (name, _), units in self.writes.items() if place in (None, name))

    def _before(self, params: Params, model: Any, context: dict[str, Any], **_: Any) -> None:  # noqa: ANN401 - botocore
        images = [self._read(key) for key, _ in written_items(model.name, params)]
        context[CALL] = params, images

    def _after(
        self,
        model: Any,  # noqa: ANN401 - botocore
        context: dict[str, Any],
        parsed: Mapping[str, Any],
        **_: Any,  # noqa: ANN401 - botocore
    ) -> None:
        self.requests[self.caller, model.name] += 1
        params, images = context.pop(CALL)
        factor = TRANSACTION_FACTOR if model.name == "TransactWriteItems" else 1
        items = written_items(model.name, params)
        for (key, offered), before in zip(items, images, strict=True):
            self._count_write(key, offered, before, factor)
        self.reads[self.caller] += round(2 * sum(reads(model.name, params, parsed)))
        self.on_request(model.name, params)

    def _count_write(
        self, key: Item, offered: Item | None, before: Item | None, factor: int
    ) -> None:
        """Count one item; a write whose condition fails costs as much, in the table only."""
        after = self._read(key)
        units = max(write_units(before, after), write_units(before, offered))
        self.writes[TABLE, text(key["pk"])] += units * factor
        for index in self._indexes:
            for partition, units in index_writes(index, before, after):
                self.writes[index.name, partition] += units


def written_items(operation: str, params: Params) -> list[tuple[Item, Item | None]]:
    """Return the key of each item that a request writes, with the new item if it names it."""
    match operation:
        case "PutItem":
            item = params["Item"]
            return [({"pk": item["pk"], "sk": item["sk"]}, item)]
        case "UpdateItem" | "DeleteItem":
            return [(params["Key"], None)]
        case "TransactWriteItems":
            writes = [next(iter(request.items())) for request in params["TransactItems"]]
            return [
                pair
                for kind, fields in writes
                for pair in written_items("PutItem" if kind == "Put" else "UpdateItem", fields)
            ]
        case _:
            return []


def reads(operation: str, params: Params, parsed: Mapping[str, Any]) -> Iterator[float]:
    """Yield the read units of a request."""
    consistent = bool(params.get("ConsistentRead"))
    match operation:
        case "GetItem":
            yield read_units([parsed["Item"]] if "Item" in parsed else [], consistent=consistent)
        case "Query":
            yield read_units(parsed.get("Items", ()), consistent=consistent)
        case "BatchGetItem":
            for table, request in params["RequestItems"].items():
                found = parsed.get("Responses", {}).get(table, [])
                consistent = bool(request.get("ConsistentRead"))
                absent: list[Item] = [{}] * (len(request["Keys"]) - len(found))
                for item in [*found, *absent]:
                    yield read_units([item], consistent=consistent)
        case _:
            pass

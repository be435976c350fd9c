"""moto's table for tests of the adapters: counted calls, items written without calls."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

from moto.backends import get_backend
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from tests.faults.moto_stack import ACCOUNT, ENVIRONMENT, REGION, MotoStack

TABLE = ENVIRONMENT["TABLE_NAME"]


class CountedTable:
    """Counts the calls of each operation; `max_calls` of all operations fail the test."""

    def __init__(self, stack: MotoStack) -> None:
        self.client = stack.client("dynamodb")
        self.name = TABLE
        self.calls: Counter[str] = Counter()
        self.max_calls = 10_000
        self._lock = RLock()

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count every call, and carry out one at a time: moto's transactions are not isolated."""
        make_call = self.client._make_api_call

        def call(operation: str, parameters: Mapping[str, Any]) -> Any:
            with self._lock:
                self.calls[operation] += 1
                assert self.calls.total() <= self.max_calls, self.calls
                return make_call(operation, parameters)

        self.client._make_api_call = call
        try:
            yield
        finally:
            self.client._make_api_call = make_call

    @property
    def rows(self) -> Any:
        """The table's items in moto, by partition and sort key."""
        return get_backend("dynamodb")[ACCOUNT][REGION].tables[TABLE].items

    def fill(self, items: Iterator[dict[str, Any]]) -> None:
        """Write items without a call; moto would add up all attributes' sizes at each attribute."""
        rows = self.rows
        for item in items:
            pk, sk = DynamoType(item["pk"]), DynamoType(item["sk"])
            rows[pk][sk] = Item(pk, sk, {})
            attributes = {name: DynamoType(value) for name, value in item.items()}
            dict.update(rows[pk][sk].attrs, attributes)

    def item(self, pk: str, sk: str = "job") -> dict[str, Any]:
        found = self.client.get_item(TableName=TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}})
        item: dict[str, Any] = found["Item"]
        return item

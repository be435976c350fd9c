"""Slots of accounts in the table: one item per account and pool."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rushes.aws.dynamodb.items import key
from rushes.aws.dynamodb.shared_state import SharedState
from rushes.ports.providers import Slots

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Result = TypeVar("Result")


class AccountSlotTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._items = SharedState(client, table, Slots, lambda _: Slots())

    def decide(
        self, account: str, pool: str, decide: Callable[[Slots], tuple[Slots, Result]]
    ) -> Result:
        return self._items.decide(key("SLOTS", account, pool), decide)

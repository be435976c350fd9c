"""Items with one JSON document that many jobs change, with optimistic locking.

Their state is advisory: one that cannot be read is reported and begins anew.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from rushes.aws.dynamodb.items import MAX_TRIES, Item, Table, put, report_corrupt
from rushes.errors import WriteConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

State = TypeVar("State", bound=BaseModel)
Result = TypeVar("Result")


class SharedState(Table, Generic[State]):
    """`initial` reads an item without a document: an absent one, or one of an older release.

    `is_current`: no read is stale. Otherwise the first read of a decision may be.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        model: type[State],
        initial: Callable[[Item], State],
        *,
        is_current: bool = False,
    ) -> None:
        super().__init__(client, table)
        self._model = model
        self._initial = initial
        self._is_current = is_current

    def get(self, item_key: Item) -> State:
        return self._read(self._find(item_key, consistent=self._is_current) or {})[0]

    def decide(
        self,
        item_key: Item,
        decide: Callable[[State], tuple[State, Result]],
        attributes: Callable[[State], Item] = lambda _: {},
    ) -> Result:
        """Store the new state with its `attributes`.

        An item that could not be read is replaced even if `decide` changes nothing.
        """
        for attempt in range(MAX_TRIES):
            item = self._find(item_key, consistent=self._is_current or attempt > 0) or {}
            before, is_valid = self._read(item)
            after, result = decide(before)
            if after is before and is_valid:
                return result
            if self._replace(item, {**item_key, **attributes(after)}, after):
                return result
        raise WriteConflict("the state is being changed by other jobs")

    def _read(self, item: Item) -> tuple[State, bool]:
        """Return the state, and whether the item could be read."""
        if "document" not in item:
            return self._initial(item), True
        try:
            return self._model.model_validate_json(item["document"]["S"]), True
        except (ValidationError, KeyError, TypeError) as error:
            report_corrupt(item, f"the state cannot be read ({type(error).__name__})")
            return self._initial({}), False

    def _replace(self, before: Item, item: Item, after: State) -> bool:
        version = before.get("version")
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        if version is not None:
            condition = {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": version},
            }
        document = {
            "document": {"S": after.model_dump_json()},
            "version": {"N": str(_number(version) + 1)},
        }
        return put(self._client, self._table, {**item, **document}, condition)


def _number(version: Item | None) -> int:
    """Return a version; 0 if it is absent or was edited to something else."""
    digits = (version or {}).get("N", "")
    return int(digits) if digits.isdecimal() else 0

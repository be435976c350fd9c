"""Items that hold a versioned JSON document, changed with optimistic locking."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from pydantic import ValidationError

from rushes.aws.dynamodb.batches import ItemBatches, batches, key_of
from rushes.aws.dynamodb.items import (
    ABSENT,
    MAX_TRIES,
    Item,
    put,
    put_request,
    query_items,
    read_valid,
    with_writer,
)
from rushes.aws.errors import translate_aws_errors
from rushes.errors import CorruptRecord, NotFound, WriteConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Document(Protocol):
    """A pydantic model with a version."""

    @property
    def version(self) -> int: ...
    @classmethod
    def model_validate_json(cls, json_data: str, /) -> Self: ...
    def model_dump_json(self) -> str: ...


Model = TypeVar("Model", bound=Document)


class VersionedItems(ItemBatches, Generic[Model]):
    """Items of one model. `attributes` returns a document's key and index attributes."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        model: type[Model],
        attributes: Callable[[Model], Item],
    ) -> None:
        super().__init__(client, table)
        self._model = model
        self._attributes = attributes

    def add(self, document: Model) -> bool:
        """Return False if an item with that key exists."""
        return self._put(document, ABSENT)

    def add_request(self, document: Model) -> Item:
        """Return the `Put` that adds a document within a transaction."""
        return put_request(self._table, with_writer(self._item(document)), ABSENT)

    def get(self, item_key: Item) -> Model | None:
        item = self._find(item_key, consistent=True)
        return self._read(item) if item else None

    def change(self, item_key: Item, change: Callable[[Model], Model]) -> Model:
        """Apply `change` to the stored document; repeat with the new state after a conflict.

        Raises
        ------
        NotFound
            If the item does not exist.
        WriteConflict
            If every attempt conflicted.
        """
        for _ in range(MAX_TRIES):
            before = self.get(item_key)
            if before is None:
                raise NotFound("record not found")
            after = change(before)
            if after is before or self._replace(before, after):
                return after
        raise WriteConflict("the record is being changed by other requests")

    def delete(self, item_key: Item) -> None:
        with translate_aws_errors():
            self._client.delete_item(TableName=self._table, Key=item_key)

    def query(self, **search: Any) -> Iterator[Model]:  # noqa: ANN401 - as boto3's query
        return query_items(self._client, self._table, search, self._read)

    def read(self, keys: Iterable[Item]) -> Iterator[Model]:
        """Read items whose keys a search has found, in that order, while the caller iterates.

        Absent ones are skipped; corrupt ones are logged and skipped.
        """
        for batch in batches(keys):
            found = self.find([{"pk": each["pk"], "sk": each["sk"]} for each in batch])
            items = (found.get(key_of(each)) for each in batch)
            yield from read_valid(filter(None, items), self._read)

    def _read(self, item: Item) -> Model:
        try:
            return self._model.model_validate_json(item["document"]["S"])
        except (ValidationError, KeyError, TypeError) as error:
            raise CorruptRecord(f"the record cannot be read ({type(error).__name__})") from None

    def _replace(self, before: Model, after: Model) -> bool:
        condition = {
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": {"N": str(before.version)}},
        }
        return self._put(after, condition)

    def _put(self, document: Model, condition: dict[str, Any]) -> bool:
        return put(self._client, self._table, self._item(document), condition)

    def _item(self, document: Model) -> Item:
        return {
            **self._attributes(document),
            "document": {"S": document.model_dump_json()},
            "version": {"N": str(document.version)},
        }

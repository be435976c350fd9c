"""Rows that are a document and the number of its writes: read, decide, write if nobody else did."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from aws_lambda_powertools import Logger
from pydantic import ValidationError

from rushes.aws.dynamodb.items import Item, put
from rushes.aws.errors import translate_aws_errors
from rushes.errors import CorruptRecord, NotFound, WriteConflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRIES = 8

logger = Logger(service="rushes", child=True)


class Document(Protocol):
    """A pydantic model with a version."""

    @property
    def version(self) -> int: ...
    @classmethod
    def model_validate_json(cls, json_data: str, /) -> Self: ...
    def model_dump_json(self) -> str: ...


Kept = TypeVar("Kept", bound=Document)


class VersionedItems(Generic[Kept]):
    """One kind of rows. `row` gives a document's keys and whatever else the indexes want."""

    def __init__(
        self, client: "DynamoDBClient", table: str, kind: type[Kept], row: Callable[[Kept], Item]
    ) -> None:
        self._client = client
        self._table = table
        self._kind = kind
        self._row = row

    def add(self, document: Kept) -> bool:
        """False where there is one of that key already."""
        return self._put(document, {"ConditionExpression": "attribute_not_exists(pk)"})

    def get(self, row_key: Item) -> Kept | None:
        with translate_aws_errors():
            reply = self._client.get_item(TableName=self._table, Key=row_key, ConsistentRead=True)
        item = reply.get("Item")
        return self._read(item) if item else None

    def change(self, row_key: Item, change: Callable[[Kept], Kept]) -> Kept:
        """Apply `change` to what is stored; it is asked again where another was faster.

        Raises
        ------
        NotFound
            If there is no such row.
        WriteConflict
            If others were faster every time.
        """
        for _ in range(TRIES):
            before = self.get(row_key)
            if before is None:
                raise NotFound("there is nothing of that name")
            after = change(before)
            if after is before or self._replace(before, after):
                return after
        raise WriteConflict("it is being written to by others")

    def delete(self, row_key: Item) -> None:
        with translate_aws_errors():
            self._client.delete_item(TableName=self._table, Key=row_key)

    def query(self, **search: Any) -> Iterator[Kept]:  # noqa: ANN401 - as boto3 has it
        while True:
            with translate_aws_errors():
                reply = self._client.query(TableName=self._table, **search)
            for item in reply["Items"]:
                try:
                    yield self._read(item)
                except CorruptRecord as error:  # one row must not stop the others
                    logger.error("damaged", row=item.get("pk"), reason=error.message)  # noqa: TRY400
            if "LastEvaluatedKey" not in reply:
                return
            search = {**search, "ExclusiveStartKey": reply["LastEvaluatedKey"]}

    def _read(self, row: Item) -> Kept:
        try:
            return self._kind.model_validate_json(row["document"]["S"])
        except (ValidationError, KeyError, TypeError) as error:
            raise CorruptRecord(f"the record cannot be read ({type(error).__name__})") from None

    def _replace(self, before: Kept, after: Kept) -> bool:
        unchanged_since_read = "version = :version"
        condition = {
            "ConditionExpression": unchanged_since_read,
            "ExpressionAttributeValues": {":version": {"N": str(before.version)}},
        }
        return self._put(after, condition)

    def _put(self, document: Kept, condition: dict[str, Any]) -> bool:
        row = {
            **self._row(document),
            "document": {"S": document.model_dump_json()},
            "version": {"N": str(document.version)},
        }
        return put(self._client, self._table, row, condition)

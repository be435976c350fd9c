"""DynamoDB items: keys, conditional writes and queries in the one table."""

import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from rushes.aws.errors import translate_aws_errors
from rushes.errors import AwsUnavailable, CorruptRecord
from rushes.metrics import CORRUPT_RECORD, Metric, count

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
Model = TypeVar("Model")

MAX_TRIES = 8
"""Of a read-modify-write whose condition fails, and of a write that a transaction blocks."""
MAX_PAUSE = 0.1
"""Seconds between two tries of a write that a transaction blocks."""
ABSENT = {"ConditionExpression": "attribute_not_exists(pk)"}
"""Condition of a write that adds an item."""
BY_OWNER, BY_PROVIDER, DUE = "by_owner_keys", "by_provider", "due_keys"
"""Global secondary indexes, with keys only: deliveries of an endpoint, and jobs of an account that
an older release stored; jobs of an account at one provider; work by time."""
BY_OWNER_LIST = "by_owner_list"
"""Global secondary index with the summaries of an account's jobs."""
INDEXES = (BY_OWNER_LIST, BY_OWNER, BY_PROVIDER, DUE)

logger = Logger(service="rushes", child=True)


class Table:
    """The one table, for adapters that read and write its items."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._table = name

    def _find(self, item_key: Item, *, consistent: bool = False) -> Item | None:
        with translate_aws_errors():
            reply = self._client.get_item(
                TableName=self._table, Key=item_key, ConsistentRead=consistent
            )
        return reply.get("Item")


def key(family: str, name: str, sort: str = "") -> Item:
    """Return the key `FAMILY#name`; the sort key of a single-item partition is the family."""
    return {"pk": {"S": f"{family}#{name}"}, "sk": {"S": sort or family.lower()}}


def with_writer(item: Item) -> Item:
    """Add a random `written_by`, which identifies a write whose response was lost."""
    return {**item, "written_by": {"S": secrets.token_hex(8)}}


def put(client: "DynamoDBClient", table: str, item: Item, condition: Mapping[str, Any]) -> bool:
    """Write an item on a condition; return False if the condition does not hold.

    boto3 repeats a write whose response was lost. The condition then fails on our own item, which
    `written_by` identifies. It does not repeat a write that a transaction on the item blocks.
    """
    own = with_writer(item)
    for remaining in reversed(range(MAX_TRIES)):
        try:
            with translate_aws_errors():
                client.put_item(
                    TableName=table,
                    Item=own,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition,
                )
        except client.exceptions.ConditionalCheckFailedException as error:
            return bool(stored_item(error).get("written_by") == own["written_by"])
        except AwsUnavailable as error:
            if not remaining or not _is_conflict(error):
                raise
            time.sleep(random.uniform(0, MAX_PAUSE))  # noqa: S311 - jitter
        else:
            break
    return True


def _is_conflict(error: AwsUnavailable) -> bool:
    """Whether a write was refused as a transaction was writing the same item."""
    cause = error.__cause__
    code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else ""
    return code == "TransactionConflictException"


def stored_item(error: ClientError) -> Item:
    """Return the item that failed a condition, requested by `ALL_OLD`."""
    response: Any = error.response
    item: Item = response.get("Item", {})
    return item


def query_items(
    client: "DynamoDBClient", table: str, search: Item, read: Callable[[Item], Model]
) -> Iterator[Model]:
    """Yield all pages of a query; corrupt items are logged and skipped."""
    while True:
        with translate_aws_errors():
            reply = client.query(TableName=table, **search)
        yield from read_valid(reply["Items"], read)
        if "LastEvaluatedKey" not in reply:
            return
        search = {**search, "ExclusiveStartKey": reply["LastEvaluatedKey"]}


def read_valid(items: Iterable[Item], read: Callable[[Item], Model]) -> Iterator[Model]:
    """Read items; corrupt ones are logged and skipped."""
    for item in items:
        try:
            yield read(item)
        except CorruptRecord as error:
            report_corrupt(item, error.message)


@contextmanager
def corrupt_if_unreadable() -> Iterator[None]:
    """Raise CorruptRecord if attributes of an item are absent or of another type."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptRecord(f"the record cannot be read ({type(error).__name__})") from None


def report_corrupt(item: Item, reason: str) -> None:
    """Log and count an item that cannot be read."""
    logger.error(CORRUPT_RECORD, item=item.get("pk"), reason=reason)
    count(Metric.CORRUPT_RECORD)


def is_version(version: int) -> dict[str, Any]:
    """Return the condition that a stored item has a version; items of older releases have none."""
    if not version:
        return {"ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(version)"}
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": {"N": str(version)}},
    }


def put_request(table: str, item: Item, condition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `Put` of a transaction."""
    request = {"TableName": table, "Item": item, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return {"Put": {**request, **condition}}


def transact(client: "DynamoDBClient", requests: list[dict[str, Any]]) -> list[Item]:
    """Write all or nothing; return the cancellation reason of each request, or [] after success.

    boto3 sends a client request token, so that a repeated call is not applied twice.
    """
    try:
        with translate_aws_errors():
            client.transact_write_items(TransactItems=requests)  # type: ignore[arg-type]
    except client.exceptions.TransactionCanceledException as error:
        return [dict(reason) for reason in error.response["CancellationReasons"]]
    return []


def is_own(item: Item, reason: Item) -> bool:
    """Whether the existing item is our own, from a try whose response was lost."""
    return bool(reason.get("Item", {}).get("written_by") == item["written_by"])

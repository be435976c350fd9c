"""Transactions on a job: with its idempotency record and budget charge, and with a settlement."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rushes.aws.dynamodb import budgets, idempotency
from rushes.aws.dynamodb.items import (
    ABSENT,
    Item,
    is_own,
    put,
    put_request,
    report_corrupt,
    transact,
    with_writer,
)
from rushes.errors import AlreadyAccepted, AwsUnavailable, IdempotencyKeyInUse, WriteConflict
from rushes.ports.jobs import BudgetCharge, IdempotencyRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_TRIES = 8
MAX_PAUSE = 0.2
"""Seconds between two tries."""


class TooManyConflicts(AwsUnavailable):
    """Every try conflicted with another transaction."""


class InvalidUpdate(AwsUnavailable):
    """The job can be written, and another request cannot: for example, it adds to a text."""


@dataclass(frozen=True)
class Refusal:
    """The request whose condition failed, by name, and the stored item."""

    name: str
    item: Item


@dataclass(frozen=True)
class CreateTransaction:
    """`job` is the new job's item."""

    table: str
    job: Item
    record: IdempotencyRecord | None
    charge: BudgetCharge | None
    now: float

    def commit(self, client: "DynamoDBClient") -> None:
        """Write all or nothing.

        Raises
        ------
        AlreadyAccepted, BudgetExceeded, IdempotencyKeyInUse, WriteConflict
        """
        item = with_writer(self.job)
        try:
            refusal = write_all(client, item, self._requests(item))
        except TooManyConflicts:
            if self.record and self.record.retry is None:
                raise IdempotencyKeyInUse(
                    "another call with the same Idempotency-Key is in progress"
                ) from None
            raise
        if refusal:
            raise self._error(refusal)

    def _requests(self, item: Item) -> dict[str, dict[str, Any]]:
        requests = {"job": put_request(self.table, item, ABSENT)}
        if self.record:
            put = idempotency.put_request(self.table, self.record, self.now)
            requests["record"] = {"Put": put}
        if self.charge:
            requests["charge"] = {
                "Update": budgets.update_request(self.table, self.charge, self.now)
            }
        return requests

    def _error(self, refusal: Refusal) -> Exception:
        if refusal.name == "job":
            return WriteConflict("a job with that id exists")
        if refusal.name == "charge" and self.charge:
            return budgets.budget_exceeded(self.charge, refusal.item)
        return AlreadyAccepted("the call was accepted before")


def put_and_settle(
    client: "DynamoDBClient",
    table: str,
    item: Item,
    condition: Mapping[str, Any],
    settlement: Mapping[str, Any],
) -> bool:
    """Write a job's item and the `Update` of its budget; False if the condition does not hold.

    A budget's item that was edited to hold no number is reported; the job is written without it.
    """
    own = with_writer(item)
    requests = {"job": put_request(table, own, condition), "budget": {"Update": settlement}}
    try:
        return write_all(client, own, requests) is None
    except InvalidUpdate as error:
        report_corrupt(settlement["Key"], error.message)
        return put(client, table, item, condition)


def write_all(
    client: "DynamoDBClient", item: Item, requests: Mapping[str, dict[str, Any]]
) -> Refusal | None:
    """Write all or nothing, repeating after conflicts with other transactions.

    The first request puts `item`. None after success, including an earlier try's.

    Raises
    ------
    TooManyConflicts, InvalidUpdate, AwsUnavailable
    """
    for _ in range(MAX_TRIES):
        reasons = transact(client, list(requests.values()))
        if not reasons or is_own(item, reasons[0]):
            return None
        codes = [reason.get("Code", "None") for reason in reasons]
        for name, reason in zip(requests, reasons, strict=True):
            if reason.get("Code") == "ConditionalCheckFailed":
                return Refusal(name, reason.get("Item", {}))
        if codes[0] == "None" and set(codes) == {"None", "ValidationError"}:
            raise InvalidUpdate(f"TransactWriteItems returned {', '.join(codes)}")
        if set(codes) - {"None", "TransactionConflict"}:
            raise AwsUnavailable(f"TransactWriteItems returned {', '.join(codes)}")
        time.sleep(random.uniform(0, MAX_PAUSE))  # noqa: S311 - jitter
    raise TooManyConflicts("too many concurrent transactions of one account")

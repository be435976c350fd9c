"""The transaction that stores a new job, its idempotency record and its budget charge."""

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rushes.aws.dynamodb import budgets, idempotency
from rushes.aws.dynamodb.items import Item, with_writer
from rushes.aws.errors import translate_aws_errors
from rushes.errors import AlreadyAccepted, AwsUnavailable, IdempotencyKeyInUse, WriteConflict
from rushes.ports.jobs import BudgetCharge, IdempotencyRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_TRIES = 8
MAX_PAUSE = 0.2
"""Seconds between two tries."""


@dataclass(frozen=True)
class CreateTransaction:
    """`job` is the new job's item."""

    table: str
    job: Item
    record: IdempotencyRecord | None
    charge: BudgetCharge | None
    now: float

    def commit(self, client: "DynamoDBClient") -> None:
        """Write all or nothing, repeating after conflicts with other transactions.

        boto3 sends a client request token, so that a repeated call is not applied twice.

        Raises
        ------
        AlreadyAccepted, BudgetExceeded, IdempotencyKeyInUse, WriteConflict
        """
        item = with_writer(self.job)
        requests = self._requests(item)
        for _ in range(MAX_TRIES):
            reasons = _write(client, list(requests.values()))
            if not reasons or _is_own(item, reasons[0]):
                return
            codes = [reason.get("Code", "None") for reason in reasons]
            for name, reason in zip(requests, reasons, strict=True):
                if reason.get("Code") == "ConditionalCheckFailed":
                    raise self._refusal(name, reason)
            if set(codes) - {"None", "TransactionConflict"}:
                raise AwsUnavailable(f"TransactWriteItems returned {', '.join(codes)}")
            time.sleep(random.uniform(0, MAX_PAUSE))  # noqa: S311 - jitter
        if self.record and self.record.retry is None:
            raise IdempotencyKeyInUse("another call with the same Idempotency-Key is in progress")
        raise AwsUnavailable("too many concurrent create calls of one account")

    def _requests(self, item: Item) -> dict[str, dict[str, Any]]:
        requests: dict[str, dict[str, Any]] = {
            "job": {
                "Put": {
                    "TableName": self.table,
                    "Item": item,
                    "ConditionExpression": "attribute_not_exists(pk)",
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            }
        }
        if self.record:
            put = idempotency.put_request(self.table, self.record, self.now)
            requests["record"] = {"Put": put}
        if self.charge:
            requests["charge"] = {
                "Update": budgets.update_request(self.table, self.charge, self.now)
            }
        return requests

    def _refusal(self, name: str, reason: Item) -> Exception:
        if name == "job":
            return WriteConflict("a job with that id exists")
        if name == "charge" and self.charge:
            return budgets.budget_exceeded(self.charge, reason.get("Item", {}))
        return AlreadyAccepted("the call was accepted before")


def _write(client: "DynamoDBClient", requests: list[dict[str, Any]]) -> list[Item]:
    """Return the cancellation reason of each request; nothing after success."""
    try:
        with translate_aws_errors():
            client.transact_write_items(TransactItems=requests)  # type: ignore[arg-type]
    except client.exceptions.TransactionCanceledException as error:
        return [dict(reason) for reason in error.response["CancellationReasons"]]
    return []


def _is_own(item: Item, reason: Item) -> bool:
    """Whether the existing item is our own, from a try whose response was lost."""
    return bool(reason.get("Item", {}).get("written_by") == item["written_by"])

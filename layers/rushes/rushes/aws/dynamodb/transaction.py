"""Transactions on a job: with its idempotency record, and with what it charges to its limits."""

import random
import time
from collections.abc import Mapping, Sequence
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
from rushes.jobs.charges import Charge
from rushes.jobs.quota import refusal as limit_reached
from rushes.ports.jobs import IdempotencyRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_TRIES = 8
MAX_PAUSE = 0.2
"""Seconds between two tries."""


class TooManyConflicts(AwsUnavailable):
    """Every try conflicted with another transaction."""


class InvalidUpdate(AwsUnavailable):
    """The job can be written, and the requests `names` cannot: for example, one adds to a text."""

    def __init__(self, message: str, names: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.names = names


@dataclass(frozen=True)
class Refusal:
    """The request whose condition failed, by name, and the stored item."""

    name: str
    item: Item


@dataclass(frozen=True)
class CreateTransaction:
    """`job` is the new job's state, `others` its other items by name."""

    table: str
    job: Item
    others: Mapping[str, Item]
    record: IdempotencyRecord | None
    charges: Sequence[Charge]
    now: float

    def commit(self, client: "DynamoDBClient") -> None:
        """Write all or nothing.

        Raises
        ------
        AlreadyAccepted, IdempotencyKeyInUse, LimitReached, WriteConflict
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
        requests |= charge_requests(self.table, self.charges)
        return requests | _put_requests(self.table, self.others)

    def _error(self, refusal: Refusal) -> Exception:
        if refusal.name == "job":
            return WriteConflict("a job with that id exists")
        for charge in self.charges:
            if refusal.name == charge.name:
                used = budgets.usage(charge.name, refusal.item).total
                return limit_reached(charge, used, self.now)
        return AlreadyAccepted("the call was accepted before")


def put_and_settle(  # noqa: PLR0913 - the parts of one transaction
    client: "DynamoDBClient",
    table: str,
    item: Item,
    condition: Mapping[str, Any],
    charges: Sequence[Charge],
    now: float,
    *,
    others: Mapping[str, Item] | None = None,
) -> bool:
    """Write a job's item and add its charges; False if the condition does not hold.

    `others` are the job's other items that change, by name.

    A limit's item that was edited to hold no number is reported; the job is written without it.

    Raises
    ------
    LimitReached
        If a charge exceeds its maximum.
    """
    own = with_writer(item)
    requests = {"job": put_request(table, own, condition), **charge_requests(table, charges)}
    requests |= _put_requests(table, others or {})
    while len(requests) > 1:
        try:
            refusal = write_all(client, own, requests)
        except InvalidUpdate as error:
            for name in error.names:
                report_corrupt(requests.pop(name)["Update"]["Key"], error.message)
            continue
        if refusal and refusal.name != "job":
            refused = next(charge for charge in charges if charge.name == refusal.name)
            used = budgets.usage(refused.name, refusal.item).total
            raise limit_reached(refused, used, now)
        return refusal is None
    return put(client, table, item, condition)


def _put_requests(table: str, items: Mapping[str, Item]) -> dict[str, dict[str, Any]]:
    return {name: put_request(table, item, {}) for name, item in items.items()}


def charge_requests(table: str, charges: Sequence[Charge]) -> dict[str, dict[str, Any]]:
    return {charge.name: {"Update": budgets.update_request(table, charge)} for charge in charges}


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
            invalid = [name for name, code in zip(requests, codes, strict=True) if code != "None"]
            raise InvalidUpdate(f"TransactWriteItems returned {', '.join(codes)}", invalid)
        if set(codes) - {"None", "TransactionConflict"}:
            raise AwsUnavailable(f"TransactWriteItems returned {', '.join(codes)}")
        time.sleep(random.uniform(0, MAX_PAUSE))  # noqa: S311 - jitter
    raise TooManyConflicts("too many concurrent transactions of one account")

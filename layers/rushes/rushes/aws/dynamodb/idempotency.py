"""Receipts of create calls: written with the job in one transaction, looked up by repetitions."""

import random
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rushes.aws.dynamodb.items import Item, key
from rushes.aws.errors import translate_aws_errors
from rushes.errors import (
    AlreadyAccepted,
    AwsUnavailable,
    BudgetExceeded,
    IdempotencyKeyInUse,
    WriteConflict,
)
from rushes.jobs.idempotency import RETRY_SECONDS
from rushes.jobs.job import oldest_id
from rushes.ports import BudgetCharge, IdempotencyRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TRIES = 8
PAUSE = 0.2
"""The most seconds between two of them."""
ONCE = key("ONCE", "")["sk"]
SPENT_SECONDS = 8 * 24 * 3600
"""How long a day's bill is kept."""


def writes(
    table: str, receipt: IdempotencyRecord | None, allowance: BudgetCharge | None, now: float
) -> Iterator[dict[str, Any]]:
    """The parts of the transaction besides the job."""
    if receipt:
        yield {"Put": {"TableName": table, "Item": _row(receipt), **_if_new(receipt, now)}}
    if allowance:
        yield {"Update": {"TableName": table, **_spend(allowance, now)}}


def commit(client: "DynamoDBClient", parts: Sequence[dict[str, Any]]) -> None:
    """All of it or nothing; boto3 names the transaction, so that a lost answer is no second one.

    Raises
    ------
    AlreadyAccepted, OverBudget, KeyInUse
    """
    for _ in range(TRIES):
        reasons = _try(client, parts)
        if not reasons or _is_ours(parts[0], reasons[0]):
            return
        codes = [reason.get("Code", "None") for reason in reasons]
        for part, code in zip(parts, codes, strict=True):
            if code == "ConditionalCheckFailed":
                raise _refusal(part)
        if set(codes) - {"None", "TransactionConflict"}:
            raise AwsUnavailable(f"TransactWriteItems answered {', '.join(codes)}")
        time.sleep(random.uniform(0, PAUSE))  # noqa: S311 - others try for the same rows
    named = any(part.get("Put", {}).get("Item", {}).get("sk") == ONCE for part in parts)
    if named:
        raise IdempotencyKeyInUse(
            "a call with the same Idempotency-Key is being answered at this moment"
        )
    raise AwsUnavailable("too many calls of one account at once")


def _try(client: "DynamoDBClient", parts: Sequence[dict[str, Any]]) -> list[Item]:
    """Nothing where it is done, else each part's reason why it is not."""
    try:
        with translate_aws_errors():
            client.transact_write_items(TransactItems=parts)  # type: ignore[arg-type]
    except client.exceptions.TransactionCanceledException as refused:
        return [dict(reason) for reason in refused.response["CancellationReasons"]]
    return []


def _is_ours(part: dict[str, Any], reason: Item) -> bool:
    """Whether what stands in the way is the row that we wrote ourselves, unanswered."""
    stored = reason.get("Item", {}).get("written_by")
    return bool(stored and stored == part["Put"]["Item"]["written_by"])


def _refusal(part: dict[str, Any]) -> Exception:
    if "Update" in part:
        return BudgetExceeded("the account has spent what it may in a day")
    if part["Put"]["Item"]["pk"]["S"].startswith("JOB#"):
        return WriteConflict("there is a job of that id already")
    return AlreadyAccepted("the call has been accepted already")


def find(client: "DynamoDBClient", table: str, digest: str) -> IdempotencyRecord | None:
    with translate_aws_errors():
        reply = client.get_item(TableName=table, Key=key("ONCE", digest), ConsistentRead=True)
    item = reply.get("Item")
    return _read(digest, item) if item else None


def claim(client: "DynamoDBClient", table: str, digest: str, retry: int, now: float) -> str | None:
    """Each job is given to one retry of each number: two calls that were lost get two jobs."""
    with translate_aws_errors():
        reply = client.query(
            TableName=table,
            KeyConditionExpression="pk = :pk AND sk >= :since",
            ExpressionAttributeValues={
                ":pk": key("CALL", digest)["pk"],
                ":since": {"S": oldest_id(now - RETRY_SECONDS)},
            },
            ConsistentRead=True,
        )
    found = [_read(digest, item) for item in reply["Items"]]
    for receipt in sorted(found, key=lambda it: it.job_id):
        fresh = receipt.expires_at > now and (receipt.retry or 0) < retry
        if fresh and _take(client, table, receipt, retry):
            return receipt.job_id
    return None


def _take(client: "DynamoDBClient", table: str, receipt: IdempotencyRecord, retry: int) -> bool:
    """Mark the job as given to this retry; by the mark a write whose answer was lost is known."""
    mark = {"S": secrets.token_hex(8)}
    try:
        with translate_aws_errors():
            client.update_item(
                TableName=table,
                Key=key("CALL", receipt.digest, receipt.job_id),
                UpdateExpression="SET retry = :retry, taken_by = :mark",
                ConditionExpression="retry < :retry",
                ExpressionAttributeValues={":retry": {"N": str(retry)}, ":mark": mark},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
    except client.exceptions.ConditionalCheckFailedException as refused:
        stored: Item = dict(refused.response).get("Item", {})  # type: ignore[assignment]
        return bool(stored.get("taken_by") == mark)
    return True


def _row(receipt: IdempotencyRecord) -> Item:
    facts = {
        "fingerprint": {"S": receipt.fingerprint},
        "job_id": {"S": receipt.job_id},
        "expires": {"N": str(int(receipt.expires_at))},
    }
    if receipt.retry is None:
        return {**key("ONCE", receipt.digest), **facts}
    place = key("CALL", receipt.digest, receipt.job_id)
    return {**place, **facts, "retry": {"N": str(receipt.retry)}}


def _read(digest: str, row: Item) -> IdempotencyRecord:
    retry = row.get("retry")
    return IdempotencyRecord(
        digest=digest,
        fingerprint=row["fingerprint"]["S"],
        job_id=row["job_id"]["S"],
        expires_at=float(row["expires"]["N"]),
        retry=int(retry["N"]) if retry else None,
    )


def _if_new(receipt: IdempotencyRecord, now: float) -> dict[str, Any]:
    """Rows stay for up to two days after they have expired: they do not count then."""
    if receipt.retry is not None:
        return {}
    return {
        "ConditionExpression": "attribute_not_exists(pk) OR expires < :now",
        "ExpressionAttributeValues": {":now": {"N": str(int(now))}},
    }


def _spend(allowance: BudgetCharge, now: float) -> dict[str, Any]:
    """Add to the day's bill; refused where the job has no room on it."""
    return {
        "Key": key("SPENT", f"{allowance.account}#{allowance.day}"),
        "UpdateExpression": "SET expires = :expires ADD dollars :cost, jobs :one",
        "ConditionExpression": "attribute_not_exists(dollars) OR dollars <= :room",
        "ExpressionAttributeValues": {
            ":cost": {"N": str(allowance.cost)},
            ":one": {"N": "1"},
            ":room": {"N": str(round(allowance.limit - allowance.cost, 6))},
            ":expires": {"N": str(int(now) + SPENT_SECONDS)},
        },
    }

"""Idempotency records: by `Idempotency-Key`, or by body for retries that an SDK counts."""

import secrets
from typing import Any

from rushes.aws.dynamodb.items import Item, Table, key, stored_item
from rushes.aws.errors import translate_aws_errors
from rushes.errors import AwsUnavailable
from rushes.jobs.idempotency import RETRY_SECONDS
from rushes.jobs.job_id import oldest_id
from rushes.ports.jobs import IdempotencyRecord

# The key prefixes that 0.1.0 stored: looking under a second one would double the reads of every
# create call with a key (docs/decisions/0013-stored-names.md).
IDEMPOTENCY, SDK_RETRY = "ONCE", "CALL"
MAX_PAGES = 5
"""Of the records of one body: 1 MB each, about 3,500 create calls in `RETRY_SECONDS`."""


def put_request(table: str, record: IdempotencyRecord, now: float) -> dict[str, Any]:
    """Return the transaction's `Put` of a record.

    TTL deletes items up to two days late: an expired record counts as absent.
    """
    item = {
        **_record_key(record),
        "fingerprint": {"S": record.fingerprint},
        "job_id": {"S": record.job_id},
        "expires": {"N": str(int(record.expires_at))},
    }
    if record.retry is not None:
        return {"TableName": table, "Item": {**item, "retry": {"N": str(record.retry)}}}
    return {
        "TableName": table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(pk) OR expires < :now",
        "ExpressionAttributeValues": {":now": {"N": str(int(now))}},
    }


class RecordTable(Table):
    def find_record(self, digest: str) -> IdempotencyRecord | None:
        item = self._find(key(IDEMPOTENCY, digest), consistent=True)
        return _read(digest, item) if item else None

    def adopt_retry(self, digest: str, retry: int, now: float) -> str | None:
        """Assign a retry to the oldest job of the body that has no retry of that number yet.

        Two lost calls with equal bodies thus get two jobs.

        Raises
        ------
        AwsUnavailable
            If `MAX_PAGES` pages of records show no such job and more follow: then absence is not
            proved, and another job would be paid twice.
        """
        search: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk AND sk >= :since",
            "FilterExpression": "expires > :now AND retry < :retry",
            "ExpressionAttributeValues": {
                ":pk": key(SDK_RETRY, digest)["pk"],
                ":since": {"S": oldest_id(now - RETRY_SECONDS)},
                ":now": {"N": str(now)},
                ":retry": {"N": str(retry)},
            },
            "ConsistentRead": True,
        }
        for _ in range(MAX_PAGES):
            with translate_aws_errors():
                reply = self._client.query(TableName=self._table, **search)
            for item in reply["Items"]:  # sorted by job id, that is by age
                record = _read(digest, item)
                if self._mark_adopted(record, retry):
                    return record.job_id
            if "LastEvaluatedKey" not in reply:
                return None
            search["ExclusiveStartKey"] = reply["LastEvaluatedKey"]
        raise AwsUnavailable(f"more than {MAX_PAGES} pages of create calls with the same body")

    def _mark_adopted(self, record: IdempotencyRecord, retry: int) -> bool:
        """Store the retry's number. `taken_by` identifies a write whose response was lost."""
        mark = {"S": secrets.token_hex(8)}
        try:
            with translate_aws_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=_record_key(record),
                    UpdateExpression="SET retry = :retry, taken_by = :mark",
                    ConditionExpression="retry < :retry",
                    ExpressionAttributeValues={":retry": {"N": str(retry)}, ":mark": mark},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            return bool(stored_item(error).get("taken_by") == mark)
        return True


def _record_key(record: IdempotencyRecord) -> Item:
    if record.retry is None:
        return key(IDEMPOTENCY, record.digest)
    return key(SDK_RETRY, record.digest, record.job_id)


def _read(digest: str, item: Item) -> IdempotencyRecord:
    retry = item.get("retry")
    return IdempotencyRecord(
        digest=digest,
        fingerprint=item["fingerprint"]["S"],
        job_id=item["job_id"]["S"],
        expires_at=float(item["expires"]["N"]),
        retry=int(retry["N"]) if retry else None,
    )

"""Counts of calls to providers: one item for each provider and five minutes.

pk                       sk
PROVIDER_CALLS#provider  begin of the five minutes, in seconds since 1970

They expire after a day.
"""

from typing import Any

from rushes.aws.dynamodb.items import Item, Table, corrupt_if_unreadable, key, query_items
from rushes.aws.errors import translate_aws_errors
from rushes.ports.provider_calls import CallCounts, FailedCall

BUCKET_SECONDS = 300
RETENTION_SECONDS = 24 * 3600


class ProviderCallTable(Table):
    def add(self, provider: str, counts: CallCounts, now: float) -> None:
        """A repeated call whose response was lost counts twice: the rate is an estimate."""
        values: Item = {
            ":calls": {"N": str(counts.calls)},
            ":errors": {"N": str(counts.errors)},
            ":expires": {"N": str(int(now) + RETENTION_SECONDS)},
        }
        changes = "SET expires = :expires"
        if error := counts.last_error:
            values[":error"] = {"M": _error_item(error)}
            changes += ", last_error = :error"
        with translate_aws_errors():
            self._client.update_item(
                TableName=self._table,
                Key=key("PROVIDER_CALLS", provider, _bucket(now)),
                UpdateExpression=f"{changes} ADD calls :calls, errors :errors",
                ExpressionAttributeValues=values,
            )

    def recent(self, provider: str, since: float) -> CallCounts:
        search = {
            "KeyConditionExpression": "pk = :pk AND sk >= :since",
            "ExpressionAttributeValues": {
                ":pk": key("PROVIDER_CALLS", provider)["pk"],
                ":since": {"S": _bucket(since)},
            },
        }
        found = list(query_items(self._client, self._table, search, _read))
        errors = [counts.last_error for counts in found if counts.last_error]
        return CallCounts(
            sum(counts.calls for counts in found),
            sum(counts.errors for counts in found),
            max(errors, key=lambda error: error.at, default=None),
        )


def _bucket(now: float) -> str:
    return f"{int(now) // BUCKET_SECONDS * BUCKET_SECONDS:012d}"


def _error_item(error: FailedCall) -> Item:
    item: dict[str, Any] = {
        "at": {"N": str(error.at)},
        "code": {"S": error.code},
        "call": {"S": error.call},
    }
    return {**item, "upstream_code": {"S": error.upstream_code}} if error.upstream_code else item


def _read(item: Item) -> CallCounts:
    with corrupt_if_unreadable():
        error = item["last_error"]["M"] if "last_error" in item else None
        last_error = error and FailedCall(
            at=float(error["at"]["N"]),
            code=error["code"]["S"],
            call=error["call"]["S"],
            upstream_code=error.get("upstream_code", {}).get("S"),
        )
        return CallCounts(int(item["calls"]["N"]), int(item["errors"]["N"]), last_error)

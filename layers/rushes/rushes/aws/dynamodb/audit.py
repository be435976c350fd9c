"""Audit log in the table: one partition a year, sorted by time. Entries expire by the table's TTL.

Operators make few changes: a partition takes 1,000 writes a second.
"""

import json
import re
import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rushes.aws.dynamodb.items import (
    ABSENT,
    Item,
    Table,
    corrupt_if_unreadable,
    key,
    put,
    read_valid,
)
from rushes.aws.errors import translate_aws_errors
from rushes.errors import UnknownCursor
from rushes.json_parser import parse_json
from rushes.ports import Clock
from rushes.ports.audit import RETENTION_DAYS, AuditEntry, AuditFilter, AuditPage
from rushes.redaction import REDACTOR

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ID = re.compile(r"[0-9]{13}-[0-9a-f]{8}")
MAX_QUERIES = 3
"""Pages of DynamoDB, of 1 MB each, that one answer reads."""
MAX_DETAIL_VALUES = 10_000
"""In the detail of an entry."""
DAY_SECONDS = 24 * 3600


class AuditTable(Table):
    def __init__(self, client: "DynamoDBClient", name: str, clock: Clock = time.time) -> None:
        super().__init__(client, name)
        self._clock = clock

    def record(self, entry: AuditEntry) -> None:
        put(self._client, self._table, entry_item(entry), ABSENT)

    def page(self, filters: AuditFilter, limit: int, cursor: str | None = None) -> AuditPage:
        if cursor is not None and not ID.fullmatch(cursor):
            raise UnknownCursor("cursor is unknown", param="cursor")
        now = self._clock()
        oldest = max(filters.since or 0.0, now - RETENTION_DAYS * DAY_SECONDS)
        newest = now + DAY_SECONDS  # the clocks of operators differ
        position = cursor or _before(newest)
        if oldest > newest or position < _millis(oldest):  # DynamoDB refuses a range without times
            return AuditPage()
        found: list[AuditEntry] = []
        for _ in range(MAX_QUERIES):
            entries, last = self._query(position, oldest, filters, limit)
            found += [entry for entry in entries if entry.id != position]
            if len(found) > limit:
                return AuditPage(tuple(found[:limit]), found[limit - 1].id)
            year = _year_of(position)
            if last is None and year <= _year(oldest):
                return AuditPage(tuple(found))
            position = last or _before(datetime(year, 1, 1, tzinfo=UTC).timestamp())
        return AuditPage(tuple(found), position)

    def _query(
        self, position: str, oldest: float, filters: AuditFilter, limit: int
    ) -> tuple[list[AuditEntry], str | None]:
        """Return matching entries from a position back to the begin of its year.

        The second value is the last position that was read, if there is more in that year.
        """
        condition, names, values = _conditions(filters)
        search: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :oldest AND :newest",
            "ExpressionAttributeValues": {
                ":pk": key("AUDIT", str(_year_of(position)))["pk"],
                ":oldest": {"S": _millis(oldest)},
                ":newest": {"S": position},
                **values,
            },
            "ScanIndexForward": False,
        }
        if condition:
            search |= {"FilterExpression": condition, "ExpressionAttributeNames": names}
        else:
            search["Limit"] = limit + 2  # the position itself, and one entry more than asked for
        with translate_aws_errors():
            reply = self._client.query(**search)
        last = reply.get("LastEvaluatedKey")
        return list(read_valid(reply["Items"], _read)), last["sk"]["S"] if last else None


def entry_item(entry: AuditEntry) -> Item:
    detail = json.dumps(REDACTOR.redact_value(dict(entry.detail)), default=str)
    return {
        **key("AUDIT", str(_year(entry.at)), f"{_millis(entry.at)}-{secrets.token_hex(4)}"),
        "at": {"N": str(entry.at)},
        "actor": {"S": entry.actor},
        "action": {"S": entry.action},
        "target": {"S": REDACTOR.redact(entry.target)},
        "detail": {"S": detail},
        "expires": {"N": str(int(entry.at) + RETENTION_DAYS * DAY_SECONDS)},
    }


def _read(item: Item) -> AuditEntry:
    with corrupt_if_unreadable():
        return AuditEntry(
            at=float(item["at"]["N"]),
            actor=item["actor"]["S"],
            action=item["action"]["S"],
            target=item["target"]["S"],
            detail=parse_json(item["detail"]["S"], MAX_DETAIL_VALUES),
            id=item["sk"]["S"],
        )


def _conditions(filters: AuditFilter) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return the filter expression with its names and values."""
    given = {
        name: value
        for name in ("actor", "action", "target")
        if (value := getattr(filters, name)) is not None
    }
    terms = [
        f"begins_with(#{name}, :{name})" if value.endswith(".") else f"#{name} = :{name}"
        for name, value in given.items()
    ]
    names = {f"#{name}": name for name in given}
    values = {f":{name}": {"S": value} for name, value in given.items()}
    return " AND ".join(terms), names, values


def _millis(at: float) -> str:
    return f"{int(at * 1000):013d}"


def _year(at: float) -> int:
    return datetime.fromtimestamp(at, UTC).year


def _year_of(position: str) -> int:
    return _year(int(position.partition("-")[0]) / 1000)


def _before(at: float) -> str:
    """Return the position behind all entries before a time."""
    return f"{_millis(at - 0.001)}-ffffffff"

"""The audit log in moto's table."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rushes.aws.dynamodb.audit import MAX_QUERIES, AuditTable
from rushes.errors import UnknownCursor
from rushes.ports.audit import RETENTION_DAYS, AuditEntry, AuditFilter
from rushes.redaction import REDACTOR
from tests.fakes import FakeClock
from tests.unit.aws.dynamodb.moto_table import CountedTable

NOW = datetime(2027, 1, 2, tzinfo=UTC).timestamp()
DAY = 24 * 3600.0


class Log:
    def __init__(self, table: CountedTable) -> None:
        self.table = table
        self.audit = AuditTable(table.client, table.name, FakeClock(NOW))

    def record(self, days: float, action: str = "key.create", **fields: Any) -> None:
        given = {"actor": "arn:one", "target": "key:1", **fields}
        self.audit.record(AuditEntry(at=NOW - days * DAY, action=action, **given))

    def pages(self, limit: int = 2, **filters: Any) -> list[list[float]]:
        """Return the ages of the entries of each page, in days."""
        found, cursor = [], None
        while True:
            page = self.audit.page(AuditFilter(**filters), limit, cursor)
            found.append([(NOW - entry.at) / DAY for entry in page.entries])
            cursor = page.next_cursor
            if cursor is None:
                return found


@pytest.fixture
def log(table: CountedTable) -> Log:
    return Log(table)


def test_entries_are_listed_newest_first_across_years(log: Log):
    for days in (0, 400, 1, 3, 2, 370):
        log.record(days)
    assert log.pages(2) == [[0, 1], [2, 3], [370, 400]]
    assert log.pages(6) == [[0, 1, 2, 3, 370, 400]]
    assert log.pages(1) == [[0], [1], [2], [3], [370], [400]]
    assert log.pages(100, since=NOW - 2.5 * DAY) == [[0, 1, 2]]


def test_empty_log_has_one_empty_page(log: Log):
    assert log.pages() == [[]]
    assert log.table.calls["Query"] <= MAX_QUERIES


def test_entries_older_than_their_retention_are_not_listed(log: Log):
    log.record(RETENTION_DAYS + 0.01)
    log.record(RETENTION_DAYS - 0.01)
    assert log.pages() == [[pytest.approx(RETENTION_DAYS - 0.01)]]


def test_entry_expires_after_400_days(log: Log):
    log.record(0)
    item = log.table.client.scan(TableName=log.table.name)["Items"][0]
    assert int(item["expires"]["N"]) == int(NOW) + 400 * 24 * 3600


def test_entries_are_filtered(log: Log):
    log.record(0, "key.create")
    log.record(1, "key.revoke", actor="arn:two")
    log.record(2, "account.create", target="account:team")
    assert log.pages(10, action="key.revoke") == [[1]]
    assert log.pages(10, action="key.") == [[0, 1]]
    assert log.pages(10, actor="arn:one") == [[0, 2]]
    assert log.pages(10, target="account:team") == [[2]]
    assert log.pages(10, actor="arn:one", action="key.") == [[0]]
    assert log.pages(10, actor="arn") == [[]]


def test_filtered_pages_continue_at_a_cursor(log: Log):
    for days in range(10):
        log.record(days, "key.create" if days % 2 else "key.revoke")
    assert log.pages(2, action="key.revoke") == [[0, 2], [4, 6], [8]]


def test_entries_of_one_millisecond_are_all_listed(log: Log):
    for number in range(9):
        log.record(1, target=f"key:{number}")
    pages = log.pages(2)
    assert sum(map(len, pages)) == 9


@pytest.mark.parametrize("cursor", ["", "x", "1800000000000", "1800000000000-zzzzzzzz", "9" * 60])
def test_unknown_cursor_is_refused(log: Log, cursor: str):
    with pytest.raises(UnknownCursor):
        log.audit.page(AuditFilter(), 10, cursor)


@pytest.mark.parametrize(
    ("since", "cursor"),
    [
        (NOW + 2 * DAY, None),
        (253_402_340_799.0, None),
        (None, "0000000000000-00000000"),
        (NOW - DAY, f"{int((NOW - 2 * DAY) * 1000)}-00000000"),
    ],
    ids=["future", "year 10000 in UTC", "cursor before the retention", "cursor before since"],
)
def test_range_without_times_is_empty_and_not_queried(
    log: Log, since: float | None, cursor: str | None
):
    """DynamoDB refuses a BETWEEN whose lower bound is above the upper one; moto does not."""
    log.record(0)
    page = log.audit.page(AuditFilter(since=since), 10, cursor)
    assert (page.entries, page.next_cursor) == ((), None)
    assert not log.table.calls["Query"]


def test_secrets_are_redacted(log: Log):
    REDACTOR.remember("sk-a-very-secret-key")
    own = "rk_0123456789abcdef_" + "A" * 43
    log.record(0, detail={"note": "sk-a-very-secret-key", "list": [own]}, target=f"key:{own}")
    text = str(log.table.client.scan(TableName=log.table.name)["Items"])
    assert "sk-a-very-secret-key" not in text
    assert "A" * 43 not in text


def test_entry_that_cannot_be_read_is_skipped(log: Log):
    log.record(1)
    broken = {"pk": {"S": "AUDIT#2027"}, "sk": {"S": "1798800000000-00000000"}, "at": {"S": "x"}}
    log.table.client.put_item(TableName=log.table.name, Item=broken)
    assert log.pages() == [[1]]

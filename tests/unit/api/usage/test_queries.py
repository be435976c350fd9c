"""Dimensions, periods, filters and cursors of reports: honoured, or refused by name."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rushes.api.usage import service as usage_service
from rushes.api.usage.cursor import Position, write_cursor
from rushes.api.usage.dimensions import MAX_DIMENSIONS, parse_dimensions
from rushes.api.usage.period import Period, month_of, period_between
from rushes.api.usage.query import UsageQuery, read_filters
from rushes.api.usage.service import UsageService
from rushes.api.usage.totals import Table, Totals
from rushes.api.usage.views import report_view
from rushes.dialects.labels import MAX_TAG_VALUE
from rushes.errors import InvalidRequest, UnknownCursor
from rushes.jobs.job_id import new_id
from rushes.ports.accounts import Account
from tests.fakes import FakeAccounts, FakeClock
from tests.unit.api.usage.simulated_jobs import ACCOUNTS, BEGIN, SECONDS, World, make_world

NOW = datetime(2026, 11, 15, 12, 30, tzinfo=UTC).timestamp()
PERIOD = Period(BEGIN, BEGIN + SECONDS)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(3, 300)


def service_of(world: World, *accounts: str) -> UsageService:
    source: Any = world
    registry = FakeAccounts()
    for name in accounts:
        registry.rows[name] = Account(name, 0.0)
    return UsageService(source, registry, FakeClock())


def test_dimensions_are_read_in_their_order():
    assert parse_dimensions("model, day,tag:team") == ("model", "day", "tag:team")
    assert parse_dimensions("") == ()
    assert parse_dimensions("tag:a.b-c_D") == ("tag:a.b-c_D",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour", "group_by must be one or more of account, key, model"),
        ("model,", "group_by must be one or more of"),
        ("tag:", "group_by must be one or more of"),
        ("tag:a b", "a tag's name must have 1 to 40 characters"),
        ("tag:a:b", "got 'a:b'"),
        ("Model", "got 'Model'"),
        ("day,day", "group_by names a dimension twice"),
        ("account,key,model,day,user", "group_by must have at most 4 names"),
    ],
)
def test_other_dimensions_are_refused(text: str, message: str):
    with pytest.raises(InvalidRequest, match=message) as caught:
        parse_dimensions(text)
    assert caught.value.param == "group_by"


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (None, None, ("2026-11-01T00:00:00", "2026-11-15T12:30:00")),
        ("2026-11-02", None, ("2026-11-02T00:00:00", "2026-11-15T12:30:00")),
        ("2026-11-02", "2026-11-03", ("2026-11-02T00:00:00", "2026-11-03T00:00:00")),
        (None, "2026-10-03", ("2026-10-01T00:00:00", "2026-10-03T00:00:00")),
        ("2026-11-02T00:00:00+02:00", "2026-11-03", ("2026-11-01T22:00:00", "2026-11-03T00:00:00")),
        ("2026-11-02T05:00Z", "2026-11-03", ("2026-11-02T05:00:00", "2026-11-03T00:00:00")),
    ],
)
def test_period_is_in_utc_and_excludes_its_end(
    begin: str | None, end: str | None, expected: tuple[str, str]
):
    period = period_between(begin, end, NOW)
    texts = [f"{text}+00:00" for text in expected]
    assert [period.since, period.until] == [
        datetime.fromisoformat(text).timestamp() for text in texts
    ]
    assert period.contains(period.since)
    assert not period.contains(period.until)


@pytest.mark.parametrize(
    ("begin", "end", "param"),
    [
        ("yesterday", None, "from"),
        ("2026-02-30", None, "from"),
        ("2026-11-02T00:00", None, "from"),
        ("0001-01-01", None, "from"),
        ("1793491200", None, "from"),
        (None, "9999-12-31", "to"),
        ("2026-11-03", "2026-11-03", "from"),
        ("2026-12-01", None, "from"),
        ("2025-01-01", "2026-11-01", "from"),
    ],
)
def test_other_periods_are_refused_by_name(begin: str | None, end: str | None, param: str):
    with pytest.raises(InvalidRequest) as caught:
        period_between(begin, end, NOW)
    assert caught.value.param == param
    assert caught.value.message.startswith(f"{param} must be")


def test_month_ends_with_its_last_second():
    assert month_of("2026-11") == Period(BEGIN, BEGIN + 30 * 24 * 3600)
    assert month_of("2028-02").until - month_of("2028-02").since == 29 * 24 * 3600


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026", "2026-11-01", "1969-12", "9999-12"])
def test_other_months_are_refused(text: str):
    with pytest.raises(InvalidRequest, match="month must be a month, YYYY-MM"):
        month_of(text)


@pytest.mark.parametrize(
    "filters",
    [
        {"model": "acme/video"},
        {"provider": "acme", "status": "open"},
        {"key": "00000000000000d1", "tag:team": "red"},
        {"user": "ann", "modality": "image"},
        {"tag:absent": "x"},
    ],
)
def test_filters_are_honoured(world: World, filters: dict[str, str]):
    query = UsageQuery(ACCOUNTS, PERIOD, tuple(filters), filters)
    rows = service_of(world).report(query).rows
    assert set(rows) <= {tuple(filters.values())}
    assert bool(rows) == ("tag:absent" not in filters)


def test_unknown_status_is_refused():
    with pytest.raises(InvalidRequest, match="status must be one of open, cancelled, completed"):
        read_filters({"status": "queued"})
    assert read_filters({"status": "open", "model": None}, {"a": "b"}) == {
        "status": "open",
        "tag:a": "b",
    }


def test_jobs_outside_of_the_period_and_of_other_accounts_do_not_count(world: World):
    day = Period(BEGIN + 24 * 3600, BEGIN + 2 * 24 * 3600)
    total = service_of(world).report(UsageQuery(("games",), day, ())).total()
    of_day = [job for job in world.jobs if job.account == "games" and day.contains(job.created_at)]
    assert total.jobs == len(of_day) > 0


def test_all_accounts_are_those_of_the_registry(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usage_service, "MAX_ACCOUNTS", 2)
    monkeypatch.setattr(usage_service, "ACCOUNTS_PER_PAGE", 2)
    service = service_of(world, "ads", "empty", "games", "news", "quiet")
    query = UsageQuery(None, PERIOD, ("account",))
    rows = service.report(query).rows
    assert {group[0]: totals.jobs for group, totals in rows.items()} == {
        name: sum(job.account == name for job in world.jobs) for name in ACCOUNTS
    }
    assert service.part(query).next_cursor is not None


def test_part_of_a_report_has_a_bounded_number_of_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(usage_service, "MAX_ROWS", 3)
    service, query = service_of(world), UsageQuery(("games",), PERIOD, ("day", "model"))
    table, cursor, parts = Table(query.dimensions), None, 0
    while parts == 0 or cursor:
        part = service.part(query, cursor)
        assert 0 < len(part.table.rows) <= 3
        table.merge(part.table)
        parts, cursor = parts + 1, part.next_cursor
    monkeypatch.undo()
    assert (table.rows, service.part(query).next_cursor) == (service.report(query).rows, None)
    assert parts > 3


def test_longest_rows_of_a_part_fit_a_response_of_lambda():
    names = tuple(f"tag:{number}{'n' * 39}" for number in range(MAX_DIMENSIONS))
    table = Table(names)
    for number in range(usage_service.MAX_ROWS):
        value = f"{number:04}" + "\N{CAT FACE}" * (MAX_TAG_VALUE - 4)
        table.rows[(value,) * MAX_DIMENSIONS] = Totals(jobs=1, settled=123_456)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    report = report_view(usage_service.Part(table, PERIOD), at, at)
    assert len(json.dumps({"body": report.model_dump_json()}, ensure_ascii=False).encode()) < 6e6


def test_period_of_a_cursor_is_that_of_the_first_call(world: World):
    """The default end is the present time, which is later at the next call."""
    service = service_of(world)
    first = UsageQuery(("games",), PERIOD, ("model",), requested=(None, None))
    later = UsageQuery(("games",), Period(BEGIN, BEGIN + 1), ("model",), requested=(None, None))
    part = service.part(first, limit=10)
    rest = service.part(later, part.next_cursor)
    assert rest.period == PERIOD
    part.table.merge(rest.table)
    assert part.table.rows == service.report(first).rows


def test_jobs_of_the_same_millisecond_are_each_added_once(world: World):
    """Their ids are random then, and not in the order of their exact times."""
    begin = BEGIN + 1000
    times = [begin + 0.0009, begin + 0.0001, begin + 0.0005, begin + 0.0003]
    jobs = [
        job.model_copy(
            update={"id": new_id(begin, f"{number:020x}"), "created_at": at, "account": "games"}
        )
        for number, (job, at) in enumerate(zip(world.jobs, times, strict=False))
    ]
    service, cursor, count = service_of(World(world.random, jobs)), None, 0
    while True:
        part = service.part(UsageQuery(("games",), PERIOD, ()), cursor, limit=1)
        count, cursor = count + part.table.total().jobs, part.next_cursor
        if cursor is None:
            break
    assert count == len(times)


@pytest.mark.parametrize(
    "changes",
    [
        {"accounts": ("news",)},
        {"accounts": None},
        {"dimensions": ("day",)},
        {"filters": {"model": "acme/video"}},
        {"requested": ("2026-11-01",)},
    ],
)
def test_cursor_of_another_report_or_account_is_refused(world: World, changes: dict[str, Any]):
    service = service_of(world)
    values: dict[str, Any] = {
        "accounts": ("games",),
        "period": PERIOD,
        "dimensions": ("model",),
    }
    cursor = service.part(UsageQuery(**values), limit=1).next_cursor
    with pytest.raises(UnknownCursor):
        service.part(UsageQuery(**{**values, **changes}), cursor)


@pytest.mark.parametrize(
    "cursor", ["x", "!", "e30", "W10", "bnVsbA", "a" * 501, "WyIiLDEsMl0", "é"]
)
def test_invalid_cursor_is_refused(world: World, cursor: str):
    with pytest.raises(UnknownCursor, match="cursor: unknown cursor"):
        service_of(world).part(UsageQuery(("games",), PERIOD, ()), cursor)


@pytest.mark.parametrize(
    "times",
    [
        "1e308, 1e308, 0",
        f"{10**320}, 1, 0",
        '0, 1, "nan"',
        "-1, 1, 0",
        '0, "inf", 0',
        "0, 253402300800, 0",
    ],
)
def test_cursor_with_times_out_of_range_is_refused(world: World, times: str):
    query = UsageQuery(("games",), PERIOD, ())
    since, until, at = times.split(", ")
    text = f'["{query.digest}", {since}, {until}, "games", "", {at}]'
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    with pytest.raises(UnknownCursor, match="cursor: unknown cursor"):
        service_of(world).part(query, cursor)


def test_cursor_that_names_another_account_reads_nothing_of_it(world: World):
    """A client may forge a cursor of its own report; it stays within its account."""
    query = UsageQuery(("games",), PERIOD, ("account",))
    for account in ("", "ads", "news"):
        forged = write_cursor(Position(PERIOD, account), query.digest)
        rows = service_of(world).part(query, forged).table.rows
        assert {group[0] for group in rows} <= {"games"}

"""Reports and statements as JSON, CSV and text."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from rushes.api.usage.csv_format import csv_text, safe_cell
from rushes.api.usage.money import cents, dollar_text, micro_dollars
from rushes.api.usage.period import Period
from rushes.api.usage.query import UsageQuery
from rushes.api.usage.service import UsageService
from rushes.api.usage.statement import make_statement, statement_csv, statement_text
from rushes.api.usage.views import report_csv, report_view
from rushes.errors import InvalidRequest
from tests.fakes import FakeAccounts, FakeClock
from tests.unit.api.usage.simulated_jobs import ACCOUNTS, BEGIN, SECONDS, World, make_world

NOW = datetime(2027, 2, 1, tzinfo=UTC)
PERIOD = Period(BEGIN, BEGIN + SECONDS)
MONEY = ("estimated", "settled", "refunded", "pending")


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(5, 400)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def source(world: World) -> Any:
    return world


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1", "  =1", '=HYPERLINK("x","y")']
)
def test_cells_are_not_run_as_formulas(cell: str):
    assert safe_cell(cell) == f"'{cell}"
    (row,) = read(csv_text(["user"], [(cell,)]))
    assert row["user"] == f"'{cell}"


@pytest.mark.parametrize("cell", ["team", "a=b", "", "1-2", 'é,"quoted"', "two\nlines", None, -5])
def test_other_cells_are_unchanged(cell: str | None):
    assert safe_cell(cell) == cell


def test_csv_follows_rfc_4180():
    text = csv_text(["a", "=b"], [('say "hi", all', 1), (None, "x\ny")])
    assert text == 'a,\'=b\r\n"say ""hi"", all",1\r\n,"x\ny"\r\n'


def test_amounts_are_exact():
    assert [dollar_text(micro) for micro in (0, 1, -1, 250_000, 12_345_678_901)] == [
        "0.000000",
        "0.000001",
        "-0.000001",
        "0.250000",
        "12345.678901",
    ]
    assert micro_dollars(0.1 + 0.2) == 300_000
    assert micro_dollars(None) == 0
    assert (cents(1_234_567_890), cents(0)) == ("1,234.57", "0.00")


def test_report_as_json_and_as_csv_have_the_same_rows(world: World):
    service = UsageService(source(world), FakeAccounts(), FakeClock())
    part = service.part(UsageQuery(ACCOUNTS, PERIOD, ("model", "tag:team")))
    view = report_view(part, NOW, NOW).model_dump(mode="json")
    lines = read(report_csv(part))
    assert len(lines) == len(view["rows"]) > 10
    for line, row in zip(lines, view["rows"], strict=True):
        team = row["group"]["tag:team"]
        assert line["model"] == row["group"]["model"]
        assert line["tag:team"] == ("" if team is None else "'=sum" if team == "=sum" else team)
        for name in MONEY:
            assert Decimal(line[name]) == Decimal(repr(row[name]))
        assert int(line["jobs"]) == row["jobs"]
        statuses = ("open", "completed", "failed", "cancelled")
        assert sum(int(line[status]) for status in statuses) == row["jobs"]
    assert sum(Decimal(line["settled"]) for line in lines) == Decimal(
        repr(view["total"]["settled"])
    )


def test_jobs_without_a_tag_have_a_row_of_their_own(world: World):
    service = UsageService(source(world), FakeAccounts(), FakeClock())
    rows = service.report(UsageQuery(ACCOUNTS, PERIOD, ("tag:campaign",))).sorted_rows()
    assert [group[0] for group, _ in rows] == ["fall", "spring", None]


def test_jobs_of_unknown_price_are_counted(world: World):
    service = UsageService(source(world), FakeAccounts(), FakeClock())
    rows = service.report(UsageQuery(ACCOUNTS, PERIOD, ("model",))).rows
    assert rows[("unpriced/video",)].unpriced > 0
    assert rows[("acme/video",)].unpriced == 0


def test_statement_has_lines_by_model_key_and_tag_which_add_up(world: World):
    statement, tables = make_statement(source(world), "games", "2026-11", ("team",), NOW)
    of_month = [
        job
        for job in world.jobs
        if job.account == "games" and job.created_at < BEGIN + 30 * 24 * 3600
    ]
    assert statement.total.jobs == len(of_month)
    assert {line.section for line in statement.lines} == {"model", "key", "tag:team"}
    lines = read(statement_csv(tables))
    for section in ("model", "key", "tag:team"):
        settled = sum(Decimal(line["settled"]) for line in lines if line["section"] == section)
        assert settled == Decimal(lines[-1]["settled"]) == Decimal(repr(statement.total.settled))
    assert lines[-1]["section"] == "total"


def test_statement_for_people_has_a_head_sections_and_the_number_of_jobs(world: World):
    statement, _ = make_statement(source(world), "games", "2026-11", (), NOW)
    text = statement_text(statement)
    assert text.startswith("Statement of games, 2026-11 (UTC), US dollars\n")
    assert "acme/video" in text
    assert f"{statement.total.jobs} jobs: {statement.total.completed} completed" in text
    assert f"{statement.total.settled:,.2f}" in text


def test_statement_is_final_after_the_month_when_all_jobs_are_finished(world: World):
    finished = World(world.random, [job for job in world.jobs if job.is_finished])
    month_end = datetime.fromtimestamp(BEGIN, UTC) + timedelta(days=30)

    def is_final(jobs: World, now: datetime) -> bool:
        return make_statement(source(jobs), "games", "2026-11", (), now)[0].is_final

    assert is_final(finished, month_end)
    assert not is_final(finished, month_end - timedelta(seconds=1))
    assert not is_final(world, month_end)


def test_empty_statement(world: World):
    statement, tables = make_statement(source(world), "absent", "2026-11", (), NOW)
    assert (statement.lines, statement.total.jobs) == ((), 0)
    assert [line["section"] for line in read(statement_csv(tables))] == ["total"]
    assert "0 jobs" in statement_text(statement)


def test_statement_of_no_month_is_refused(world: World):
    with pytest.raises(InvalidRequest, match="month must be a month"):
        make_statement(source(world), "games", "november", (), NOW)


def test_names_of_a_statement_stay_on_one_line(world: World):
    jobs = [
        job.model_copy(
            update={"labels": job.labels.model_copy(update={"tags": {"team": "a\nb\x1b[31m" * 9}})}
        )
        for job in world.jobs[:1]
    ]
    account = jobs[0].account
    month = f"{datetime.fromtimestamp(jobs[0].created_at, UTC):%Y-%m}"
    statement, _ = make_statement(source(World(world.random, jobs)), account, month, ("team",), NOW)
    text = statement_text(statement)
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) < 100

"""Statement of an account's month: lines by model, by API key and by tags, and the total."""

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from rushes.api.usage.csv_format import csv_text
from rushes.api.usage.dimensions import OPEN, TAG, check_tag_name
from rushes.api.usage.money import cents, micro_dollars
from rushes.api.usage.period import month_of
from rushes.api.usage.totals import Table, Totals
from rushes.api.usage.views import CSV_COLUMNS, UsageTotals, csv_cells, totals_view

if TYPE_CHECKING:
    from rushes.ports.search import JobSearch

NONE = "(none)"
"""Name of the line of the jobs without the tag, or without a stored API key."""
WIDTH = 36


class StatementLine(UsageTotals):
    section: str
    """model, key, tag: and the tag's name, or total."""
    name: str | None
    """None: jobs without the tag or the key."""


class Statement(BaseModel):
    """Of the jobs that were accepted in a UTC month; amounts in US dollars."""

    model_config = ConfigDict(frozen=True)

    account: str
    month: str
    currency: str = "USD"
    created_at: datetime
    is_final: bool
    """Whether the month is over and all of its jobs are finished."""
    lines: tuple[StatementLine, ...]
    total: UsageTotals


def make_statement(
    jobs: "JobSearch", account: str, month: str, tags: tuple[str, ...], now: datetime
) -> tuple[Statement, tuple[Table, ...]]:
    """Add up the jobs of a month; return the statement and its tables, whose sums are exact.

    Raises
    ------
    InvalidRequest
    """
    period = month_of(month)
    for tag in tags:
        check_tag_name(tag, "tag")
    names = ("model", "key", *(f"{TAG}{tag}" for tag in tags))
    tables = tuple(Table((name,)) for name in names)
    for job in jobs.summaries(account, period.since, period.until):
        if period.contains(job.created_at):
            for table in tables:
                table.add(job)
    total = tables[0].total()
    is_final = now.timestamp() >= period.until and not total.statuses[OPEN]
    lines = (_line(table, *row) for table in tables for row in table.sorted_rows())
    statement = Statement(
        account=account,
        month=month,
        created_at=now,
        is_final=is_final,
        lines=tuple(lines),
        total=totals_view(total),
    )
    return statement, tables


def statement_csv(tables: tuple[Table, ...]) -> str:
    columns = ("section", "name", *CSV_COLUMNS)
    lines = [
        (table.dimensions[0], *group, *csv_cells(totals))
        for table in tables
        for group, totals in table.sorted_rows()
    ]
    return csv_text(columns, [*lines, ("total", None, *csv_cells(tables[0].total()))])


def statement_text(statement: Statement) -> str:
    """Return the statement for people, in dollars and cents."""
    state = "final" if statement.is_final else "preliminary: the month goes on, or a job is open"
    head = [
        f"Statement of {statement.account}, {statement.month} (UTC), US dollars",
        f"{state}, as of {statement.created_at:%Y-%m-%d %H:%M} UTC",
    ]
    text = [*head]
    for section in dict.fromkeys(line.section for line in statement.lines):
        lines = [line for line in statement.lines if line.section == section]
        text += ["", _columns(section)]
        text += [_amounts(line.name if line.name is not None else NONE, line) for line in lines]
    total = statement.total
    numbers = f"{total.completed} completed, {total.failed} failed"
    numbers += f", {total.cancelled} cancelled, {total.open} open"
    text += ["", _columns(""), _amounts("total", total), f"{total.jobs} jobs: {numbers}"]
    return "\n".join(text)


def _line(table: Table, group: tuple[str | None, ...], totals: Totals) -> StatementLine:
    values = totals_view(totals).model_dump()
    return StatementLine(section=table.dimensions[0], name=group[0], **values)


def _columns(section: str) -> str:
    return f"{section:{WIDTH}} {'jobs':>7} {'estimated':>13} {'refunded':>13} {'settled':>13}"


def _amounts(name: str, totals: UsageTotals) -> str:
    amounts = (totals.estimated, totals.refunded, totals.settled)
    shown = " ".join(f"{cents(micro_dollars(amount)):>13}" for amount in amounts)
    return f"{_short(name):{WIDTH}} {totals.jobs:>7} {shown}"


def _short(name: str) -> str:
    """Return the name on one line, without control characters."""
    text = "".join(character if character.isprintable() else " " for character in name)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"

"""Reports of usage as JSON and CSV."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from rushes.api.usage.csv_format import csv_text
from rushes.api.usage.money import dollar_text, dollars
from rushes.api.usage.query import STATUSES
from rushes.api.usage.service import Part
from rushes.api.usage.totals import Totals

AMOUNTS = ("estimated", "settled", "refunded", "pending")
CSV_COLUMNS = ("jobs", *STATUSES, *AMOUNTS, "unpriced")


class UsageTotals(BaseModel):
    """Numbers of jobs by status, and US dollars with at most 6 decimals."""

    model_config = ConfigDict(frozen=True)

    jobs: int
    open: int
    completed: int
    failed: int
    cancelled: int
    estimated: float
    """Prices when the jobs were accepted."""
    settled: float
    """Costs of the finished jobs."""
    refunded: float
    """Parts of the estimates that finished jobs did not cost."""
    pending: float
    """Estimates of the jobs that are not finished."""
    unpriced: int
    """Jobs whose cost is unknown, as their model has no price: the amounts lack them."""


class UsageRow(UsageTotals):
    group: dict[str, str | None]
    """Value of each dimension; null of jobs that have none, such as a tag."""


class UsageReport(BaseModel):
    model_config = ConfigDict(frozen=True)

    since: datetime
    until: datetime
    """Excluded."""
    group_by: tuple[str, ...]
    rows: tuple[UsageRow, ...]
    total: UsageTotals
    """Of the rows of this response."""
    next_cursor: str | None
    """With a cursor, the rows are a part: add those of the next responses."""


def totals_view(totals: Totals) -> UsageTotals:
    return UsageTotals.model_validate(_numbers(totals))


def row_view(names: tuple[str, ...], group: tuple[str | None, ...], totals: Totals) -> UsageRow:
    values = dict(zip(names, group, strict=True))
    return UsageRow.model_validate({"group": values, **_numbers(totals)})


def report_view(part: Part, since: datetime, until: datetime) -> UsageReport:
    names = part.table.dimensions
    return UsageReport(
        since=since,
        until=until,
        group_by=names,
        rows=tuple(row_view(names, *row) for row in part.table.sorted_rows()),
        total=totals_view(part.table.total()),
        next_cursor=part.next_cursor,
    )


def report_csv(part: Part) -> str:
    """Return one line for each row, without a total."""
    names = part.table.dimensions
    columns = (*names, *CSV_COLUMNS)
    rows = ((*group, *csv_cells(totals)) for group, totals in part.table.sorted_rows())
    return csv_text(columns, rows)


def csv_cells(totals: Totals) -> tuple[str | int, ...]:
    statuses = (totals.statuses[status] for status in STATUSES)
    amounts = (dollar_text(getattr(totals, name)) for name in AMOUNTS)
    return (totals.jobs, *statuses, *amounts, totals.unpriced)


def _numbers(totals: Totals) -> dict[str, float]:
    statuses = {status: totals.statuses[status] for status in STATUSES}
    amounts = {name: dollars(getattr(totals, name)) for name in AMOUNTS}
    return {"jobs": totals.jobs, **statuses, **amounts, "unpriced": totals.unpriced}

"""Sums over jobs, exact to the micro-dollar, and the rows of a report."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rushes.api.usage.dimensions import Value, status_of, value_of
from rushes.api.usage.money import micro_dollars

if TYPE_CHECKING:
    from rushes.jobs.summary import JobSummary

Group = tuple[Value, ...]


@dataclass
class Totals:
    """Numbers of jobs, and micro-dollars."""

    jobs: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    estimated: int = 0
    settled: int = 0
    refunded: int = 0
    pending: int = 0
    unpriced: int = 0

    def add(self, job: "JobSummary") -> None:
        self.jobs += 1
        self.statuses[status_of(job)] += 1
        self.estimated += micro_dollars(job.estimated)
        self.settled += micro_dollars(job.settled)
        self.refunded += micro_dollars(job.refunded)
        self.pending += micro_dollars(job.estimated) if job.status is None else 0
        self.unpriced += (job.estimated if job.status is None else job.settled) is None

    def merge(self, other: "Totals") -> None:
        self.jobs += other.jobs
        self.statuses.update(other.statuses)
        self.estimated += other.estimated
        self.settled += other.settled
        self.refunded += other.refunded
        self.pending += other.pending
        self.unpriced += other.unpriced


class Table:
    """Sums by the values of dimensions."""

    def __init__(self, dimensions: tuple[str, ...]) -> None:
        self.dimensions = dimensions
        self.rows: dict[Group, Totals] = {}

    def add(self, job: "JobSummary") -> None:
        group = tuple(value_of(name, job) for name in self.dimensions)
        self.rows.setdefault(group, Totals()).add(job)

    def merge(self, other: "Table") -> None:
        """Add the rows of another part of the same report."""
        for group, totals in other.rows.items():
            self.rows.setdefault(group, Totals()).merge(totals)

    def sorted_rows(self) -> list[tuple[Group, Totals]]:
        """Return the rows by their values; those without a value come last."""
        return sorted(self.rows.items(), key=lambda row: _order(row[0]))

    def total(self) -> Totals:
        total = Totals()
        for totals in self.rows.values():
            total.merge(totals)
        return total


def _order(group: Iterable[Value]) -> list[tuple[bool, str]]:
    return [(value is None, value or "") for value in group]

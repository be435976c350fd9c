"""Add up what jobs cost. The work of one call is bounded; a cursor continues the report."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from rushes.api.paging import entries_of
from rushes.api.usage.cursor import Position, read_cursor, write_cursor
from rushes.api.usage.period import Period
from rushes.api.usage.query import UsageQuery
from rushes.api.usage.totals import Table
from rushes.ports import Clock

if TYPE_CHECKING:
    from rushes.jobs.summary import JobSummary
    from rushes.ports.accounts import Account
    from rushes.ports.search import JobSearch

MAX_JOBS = 10_000
"""That one call adds up: about 5 MB of the index, in a few seconds."""
MAX_ROWS = 2000
"""Of one part: a row has at most 2.5 KB, and a response of Lambda 6 MB."""
MAX_ACCOUNTS = 200
"""That one call looks at: each takes one query at least."""
ACCOUNTS_PER_PAGE = 100
SAME_TIME = 0.01
"""Seconds within which ids need not be in the order of the exact times: they have milliseconds."""


class AccountPages(Protocol):
    def page(self, limit: int, after: str | None) -> "tuple[tuple[Account, ...], bool]": ...


@dataclass(frozen=True)
class Part:
    """Rows of the jobs that one call added up; with a cursor, more parts follow."""

    table: Table
    period: Period
    next_cursor: str | None = None


@dataclass(frozen=True)
class UsageService:
    jobs: "JobSearch"
    accounts: AccountPages
    clock: Clock

    def part(self, query: UsageQuery, cursor: str | None = None, limit: int = MAX_JOBS) -> Part:
        """Return one part of a report. The report is the sum of the rows of all parts.

        Raises
        ------
        UnknownCursor
        """
        position = read_cursor(cursor, query.digest) if cursor else Position(query.period)
        query = replace(query, period=position.period)
        table, seen = Table(query.dimensions), 0
        for number, account in enumerate(self._accounts(query, position)):
            if number == MAX_ACCOUNTS:
                position = Position(query.period, account)
                return Part(table, query.period, write_cursor(position, query.digest))
            for job in self._jobs(query, account, position):
                if seen == limit or len(table.rows) == MAX_ROWS:
                    return Part(table, query.period, write_cursor(position, query.digest))
                seen += 1
                position = Position(query.period, account, job.id, job.created_at)
                if query.matches(job):
                    table.add(job)
        return Part(table, query.period)

    def report(self, query: UsageQuery) -> Table:
        """Return the whole report, without a bound; for the command line."""
        part = self.part(query)
        table = part.table
        while part.next_cursor:
            part = self.part(query, part.next_cursor)
            table.merge(part.table)
        return table

    def _accounts(self, query: UsageQuery, position: Position) -> Iterator[str]:
        first = position.account
        if query.accounts is not None:
            yield from (name for name in sorted(query.accounts) if name >= first)
            return
        if first:
            yield first
        found = entries_of(self._page, lambda account: account.name, first or None)
        yield from (account.name for account in found)

    def _page(self, after: str | None) -> "tuple[tuple[Account, ...], bool]":
        return self.accounts.page(ACCOUNTS_PER_PAGE, after)

    def _jobs(self, query: UsageQuery, account: str, position: Position) -> "Iterator[JobSummary]":
        """Yield an account's jobs; after the position in its account."""
        since, after = query.period.since, ""
        if position.account == account:
            since, after = max(since, position.at - SAME_TIME), position.job_id
        for job in self.jobs.summaries(account, since, query.period.until):
            if job.id > after:
                yield job

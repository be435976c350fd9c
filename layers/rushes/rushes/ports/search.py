"""Search of an account's jobs by their summaries."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from pydantic_core import to_json

from rushes.jobs.list_cursor import CursorScope
from rushes.jobs.status import JobStatus
from rushes.jobs.summary import JobSummary, fold

MAX_PAGE = 100
"""Jobs of one page."""


@dataclass(frozen=True)
class JobFilter:
    """Conditions that all must hold; None, or no tags, for any job. Deleted jobs never match."""

    statuses: frozenset[JobStatus] = frozenset()
    """Any of these; none for any status."""
    model: str | None = None
    """The requested model, or the one that is in `made_by`."""
    provider: str | None = None
    key_id: str | None = None
    user: str | None = None
    modality: str | None = None
    since: float | None = None
    """Created at that time or later."""
    until: float | None = None
    """Created before that time."""
    tags: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    """Part of the first 200 characters of the prompt, without regard to case."""
    min_cost: float | None = None
    max_cost: float | None = None
    """Both inclusive; of a job that has not ended, its estimate counts."""

    def matches(self, job: JobSummary) -> bool:
        """Whether a job matches. The status of an open job must be its present one."""
        return not job.deleted and self._has_values(job) and self._is_between(job)

    def _has_values(self, job: JobSummary) -> bool:
        equal = {
            name: value
            for name in ("provider", "key_id", "user", "modality")
            if (value := getattr(self, name)) is not None
        }
        return (
            all(getattr(job, name) == value for name, value in equal.items())
            and (not self.statuses or job.status in self.statuses)
            and self.model in (None, job.model, job.made_by)
            and self.tags.items() <= job.tags.items()
            and (self.text is None or fold(self.text) in fold(job.prompt))
        )

    def _is_between(self, job: JobSummary) -> bool:
        return (
            (self.since is None or job.created_at >= self.since)
            and (self.until is None or job.created_at < self.until)
            and (self.min_cost is None or job.cost >= self.min_cost)
            and (self.max_cost is None or job.cost <= self.max_cost)
        )


def cursor_scope(account: str, jobs: JobFilter, *, newest_first: bool) -> CursorScope:
    """Return the list that a cursor belongs to: an account's, with these filters and order."""
    sets = {"tags": sorted(jobs.tags.items()), "statuses": sorted(jobs.statuses)}
    filters = {**vars(jobs), **sets}
    content = to_json([account, filters, newest_first])
    return CursorScope(sha256(content).hexdigest())


@dataclass(frozen=True)
class SummaryPage:
    """One page of a search. With a cursor there may be more, also if the page is not full."""

    jobs: tuple[JobSummary, ...] = ()
    """Each with its present status."""
    next_cursor: str | None = None
    pages_read: int = 0
    """Requests to DynamoDB."""


class JobSearch(Protocol):
    def page(
        self,
        account: str,
        jobs: JobFilter,
        limit: int,
        after: str | None = None,
        *,
        newest_first: bool = True,
    ) -> SummaryPage:
        """Return the first matching jobs after a cursor: at most `limit`, perhaps fewer.

        Raises
        ------
        UnknownCursor
            If the cursor is not of a page of the same account, filters and order.
        """
        ...

    def summaries(self, account: str, since: float, until: float) -> Iterator[JobSummary]:
        """Yield all jobs created from `since` to before `until`, the oldest first.

        Deleted jobs are included. The status of an open job is None.
        """
        ...

"""Storage of jobs, and the state machine executions that run them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from rushes.jobs.job import Job, JobPage

Change = Callable[[Job], Job]
"""A decision on the stored job. If it returns the same object, nothing is written."""


@dataclass(frozen=True)
class JobQuery:
    """Filter, order and cursor of a list of an account's jobs."""

    limit: int = 20
    after: str | None = None
    newest_first: bool = True
    provider: str | None = None


@dataclass(frozen=True)
class IdempotencyRecord:
    """Maps a create call to its job, so that a repeated call finds the job.

    `retry` is None for a call with a key; otherwise the SDK's number of earlier tries.
    """

    digest: str
    """Of the account, the operation and the key, or the body if there is no key."""
    fingerprint: str
    """Of the body."""
    job_id: str
    expires_at: float
    retry: int | None = None


@dataclass(frozen=True)
class BudgetCharge:
    """The dollars that a new job reserves of an account's daily `limit`, in US dollars."""

    account: str
    day: str
    cost: float
    limit: float


class Jobs(Protocol):
    def add(
        self,
        job: Job,
        record: IdempotencyRecord | None = None,
        charge: BudgetCharge | None = None,
    ) -> None:
        """Store a new job, its idempotency record and its budget charge in one transaction.

        Raises
        ------
        AlreadyAccepted
            If an unexpired record of the same key exists.
        BudgetExceeded
            If the charge exceeds the account's daily budget.
        """
        ...

    def find_record(self, digest: str) -> IdempotencyRecord | None:
        """Return the record of a create call with an `Idempotency-Key`."""
        ...

    def adopt_retry(self, digest: str, retry: int, now: float) -> str | None:
        """Assign an SDK retry to the oldest job of the same body without a retry of that number.

        Returns the job's id, or None.
        """
        ...

    def get(self, account: str, job_id: str) -> Job | None: ...
    def change(self, account: str, job_id: str, change: Change) -> Job:
        """Apply `change` to the stored job; repeat with the new state after a write conflict.

        The same write adds the job's `cost.settlement` to the budget of its account and day.

        Raises
        ------
        NotFound
            If the job does not exist.
        WriteConflict
            If every attempt conflicted.
        """
        ...

    def page(self, account: str, query: JobQuery) -> JobPage: ...
    def due(self, now: float, limit: int) -> Iterable[Job]:
        """Return jobs whose next check is due, the longest overdue first.

        They are read while the caller iterates: 1,000 items of 400 KB would fill the memory. Of
        each account at most `limit`: one with many does not hide those of the others.
        """
        ...


class Executions(Protocol):
    def start(self, job: Job) -> None: ...
    def is_running(self, job: Job) -> bool | None:
        """Return None if the job's newest execution was never started."""
        ...

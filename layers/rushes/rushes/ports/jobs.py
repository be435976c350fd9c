"""Storage of jobs, and the state machine executions that run them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rushes.jobs.charges import Charge
from rushes.jobs.job import Job
from rushes.jobs.job_page import JobPage

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


class Jobs(Protocol):
    def add(
        self,
        job: Job,
        record: IdempotencyRecord | None = None,
        charges: Sequence[Charge] = (),
    ) -> None:
        """Store a new job, its idempotency record and its charges in one transaction.

        Raises
        ------
        AlreadyAccepted
            If an unexpired record of the same key exists.
        LimitReached
            If a charge exceeds its maximum.
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
    def change(
        self,
        account: str,
        job_id: str,
        change: Change,
        maxima: Mapping[str, float] | None = None,
    ) -> Job:
        """Apply `change` to the stored job; repeat with the new state after a write conflict.

        The same write adds the job's `charges.settlements` to its limits. `maxima` bounds the
        limits that it increases, by name.

        Raises
        ------
        LimitReached
            If a limit would exceed its maximum.
        NotFound
            If the job does not exist.
        WriteConflict
            If every attempt conflicted.
        """
        ...

    def page(self, account: str, query: JobQuery) -> JobPage: ...
    def due_ids(self, now: float, limit: int) -> Iterable[tuple[str, str]]:
        """Return account and id of jobs whose next check is due, the longest overdue first.

        Of each account at most `limit`: one with many does not hide those of the others. A job may
        have changed since.
        """
        ...

    def due(self, now: float, limit: int) -> Iterable[Job]:
        """Return the same jobs, without those that are not due any more.

        They are read while the caller iterates: 1,000 items of 400 KB would fill the memory.
        """
        ...


class Executions(Protocol):
    def start(self, job: Job) -> None: ...
    def is_running(self, job: Job) -> bool | None:
        """Return None if the job's newest execution was never started."""
        ...

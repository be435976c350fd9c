"""What submit, poll and collect have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from rushes.catalog import Catalog
from rushes.errors import ProviderNotConfigured, StoreUnavailable, UpstreamError, WriteConflict
from rushes.job import Job, JobError
from rushes.ports import Blobs, Change, Clock, Egress, Jobs, Timings, Upstreams
from rushes.providers.base import Provider

STORE_TROUBLE_WAIT = 20


class Outcome(TypedDict):
    """`status`: pending, submitted, succeeded or ending. `wait_seconds` before the next step."""

    status: str
    wait_seconds: int


ENDING: Outcome = {"status": "ending", "wait_seconds": 0}


def pending(seconds: int) -> Outcome:
    return {"status": "pending", "wait_seconds": seconds}


@dataclass(frozen=True)
class Step(ABC):
    jobs: Jobs
    blobs: Blobs
    timings: Timings
    upstreams: Upstreams
    egress: Egress
    catalog: Catalog
    adapter: Callable[[str], Provider]
    clock: Clock

    def __call__(self, account: str, job_id: str) -> Outcome:
        """Take the step; our own store's bad moments cost a job nothing but time."""
        try:
            job = self.jobs.get(account, job_id)
            if job is None or job.is_decided:
                return ENDING
            return self.take(job)
        except (StoreUnavailable, WriteConflict):
            return pending(STORE_TROUBLE_WAIT)

    @abstractmethod
    def take(self, job: Job) -> Outcome: ...

    def provider(self, job: Job) -> Provider:
        """The job's provider, which may have left the catalog since."""
        entry = self.catalog.providers.get(job.provider)
        if entry is None:
            raise ProviderNotConfigured(f"provider {job.provider!r} is not in the catalog any more")
        return self.adapter(entry.kind)

    def change(self, job: Job, change: Change) -> Job:
        """Change the job as it is stored now; another execution may have ended it meanwhile."""
        return self.jobs.change(
            job.account,
            job.id,
            lambda current: current if current.is_finished else change(current),
        )

    def end(self, job: Job, change: Change) -> Outcome:
        """Leave a verdict, unless there is one already."""
        self.change(job, lambda current: current if current.is_decided else change(current))
        return ENDING

    def doom(self, job: Job, error: UpstreamError) -> Outcome:
        reason = JobError(code=error.error_code, message=error.message)
        return self.end(job, lambda current: current.doomed(self.clock(), reason))

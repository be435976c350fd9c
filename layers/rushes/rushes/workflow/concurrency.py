"""Number of jobs that an account, or an API key, has at providers at a time."""

from dataclasses import dataclass

from rushes.catalog.source import CatalogSource
from rushes.jobs.charges import Charge, is_at_provider, key_of
from rushes.jobs.job import Job
from rushes.jobs.quota import refusal
from rushes.ports import Clock
from rushes.ports.limits import LimitUsage


@dataclass(frozen=True)
class Concurrency:
    """Applies `concurrent_jobs` of the configuration in force.

    A job counts from the lease of its create call until it is finished. It counts towards the
    limits that were set when it was accepted.
    """

    usage: LimitUsage
    catalogs: CatalogSource
    clock: Clock

    def maxima(self, job: Job) -> dict[str, float]:
        """Return the maximum of each counter of the job, by name."""
        counters = job.reservation.concurrent_jobs if job.reservation else ()
        found = {name: self._maximum(job.account, name) for name in counters}
        return {name: maximum for name, maximum in found.items() if maximum}

    def check(self, job: Job) -> None:
        """Look for room before the job takes a turn at its provider; the lease takes the room.

        Raises
        ------
        TooManyJobs
        """
        if is_at_provider(job):
            return
        for name, maximum in self.maxima(job).items():
            used, charge = self.usage.find(name).total, Charge(name, 1, maximum=maximum)
            if used > charge.room:
                raise refusal(charge, used, self.clock())

    def _maximum(self, account: str, name: str) -> float:
        limits, key_id = self.catalogs.current().catalog.limits, key_of(name)
        own = limits.keys.get(key_id) if key_id else limits.of_account(account)
        return (own.concurrent_jobs if own else None) or 0

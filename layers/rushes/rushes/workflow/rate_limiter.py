"""When create calls may go to a provider: what it asked for, what it bears, whether it knows us."""

import zlib
from contextlib import suppress
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.catalog.models import Catalog
from rushes.errors import AwsUnavailable, UpstreamRefused
from rushes.jobs.job import Job
from rushes.ports import Clock, RateLimits
from rushes.workflow import wait_times

BREAKER_SECONDS = 60.0
"""How long nothing is sent to a provider that has refused our key."""
PATIENCE = 2.0
"""Seconds that a provider is left alone which asks for patience without saying for how long."""
SPREAD = 0.25
"""Jobs that wait for the same moment come this much later, as a part of the wait, not together."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class RateLimiter:
    rate_limits: RateLimits
    catalog: Catalog
    clock: Clock

    def wait(self, job: Job) -> float:
        """Seconds for which no create call may go to the job's provider; 0 where one may.

        Raises
        ------
        UpstreamRefused
            If it has refused our key just now: it would refuse it again.
        """
        gate, now = self.rate_limits.get(job.provider), self.clock()
        if gate.closed_until > now:
            raise UpstreamRefused(gate.reason, code="upstream_unauthorized")
        if gate.not_before > now:
            return _spread(job, gate.not_before - now)
        entry = self.catalog.providers.get(job.provider)
        interval = 60 / entry.creates_per_minute if entry and entry.creates_per_minute else 0.0
        if not interval or self.rate_limits.admit(job.provider, now, interval):
            return 0.0
        return _spread(job, interval)

    def hold(self, provider: str, seconds: float | None) -> None:
        """It asks for patience. Where that cannot be noted, the next call will be told the same.

        However long it asks for, it is tried again before: one answer must not stop all jobs.
        """
        wait = min(seconds or PATIENCE, wait_times.LONGEST_ON_REQUEST)
        with suppress(AwsUnavailable):
            self.rate_limits.hold(provider, self.clock() + wait)

    def close(self, provider: str, reason: str) -> None:
        """It refuses our key; an alarm counts these lines."""
        logger.error("provider refused our key", provider=provider)
        with suppress(AwsUnavailable):
            self.rate_limits.close(provider, self.clock() + BREAKER_SECONDS, reason)


def _spread(job: Job, seconds: float) -> float:
    return seconds * (1 + SPREAD * zlib.crc32(job.id.encode()) / 2**32)

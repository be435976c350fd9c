"""Rate limiter and circuit breaker for provider create calls.

Inputs: Retry-After, the catalog's `creates_per_minute`, and a rejected API key.
"""

import zlib
from contextlib import suppress
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.catalog.models import Catalog
from rushes.errors import AwsUnavailable, UpstreamRefused
from rushes.jobs.job import Job
from rushes.metrics import Metric, count
from rushes.ports import Clock
from rushes.ports.providers import RateLimits
from rushes.workflow import wait_times
from rushes.workflow.log_events import PROVIDER_KEY_REJECTED

CIRCUIT_OPEN_SECONDS = 60.0
"""Pause of create calls after the provider rejected the API key."""
DEFAULT_RETRY_AFTER = 2.0
"""Seconds of throttling if the provider names no duration."""
JITTER = 0.25
"""Share of the delay added per job, so that waiting jobs do not retry at the same moment."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class RateLimiter:
    rate_limits: RateLimits
    catalog: Catalog
    clock: Clock

    def delay(self, job: Job) -> float:
        """Return the seconds before a create call is allowed, 0 if it is allowed now.

        Raises
        ------
        UpstreamRefused
            If the circuit is open: the provider would reject the API key again.
        """
        limit, now = self.rate_limits.get(job.provider), self.clock()
        if limit.circuit_open_until > now:
            raise UpstreamRefused(limit.reason, code="upstream_unauthorized")
        if limit.not_before > now:
            return _with_jitter(job, limit.not_before - now)
        entry = self.catalog.providers.get(job.provider)
        interval = 60 / entry.creates_per_minute if entry and entry.creates_per_minute else 0.0
        if not interval or self.rate_limits.acquire(job.provider, now, interval):
            return 0.0
        return _with_jitter(job, interval)

    def throttle(self, provider: str, seconds: float | None) -> None:
        """Delay the provider's create calls, for `MAX_REQUESTED_DELAY` at most.

        A failed write is ignored: the provider throttles the next call again.
        """
        delay = min(seconds or DEFAULT_RETRY_AFTER, wait_times.MAX_REQUESTED_DELAY)
        with suppress(AwsUnavailable):
            self.rate_limits.throttle(provider, self.clock() + delay)

    def open_circuit(self, provider: str, reason: str) -> None:
        """Stop create calls for a minute after the provider rejected the API key."""
        logger.error(PROVIDER_KEY_REJECTED, provider=provider)
        count(Metric.PROVIDER_KEY_REJECTED)
        with suppress(AwsUnavailable):
            self.rate_limits.open_circuit(provider, self.clock() + CIRCUIT_OPEN_SECONDS, reason)


def _with_jitter(job: Job, seconds: float) -> float:
    return seconds * (1 + JITTER * zlib.crc32(job.id.encode()) / 2**32)

"""Rate limiter and circuit breaker for provider create calls.

Inputs: Retry-After, the catalog's `creates_per_minute`, rejections of the API key, outages, and
pauses by the operator.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.catalog.source import CatalogSource
from rushes.errors import (
    AwsUnavailable,
    ProviderPaused,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnreachable,
    WriteConflict,
)
from rushes.jobs.job import Job
from rushes.metrics import Metric, count
from rushes.ports import Clock
from rushes.ports.providers import Pace, RateLimit, RateLimits, Turn
from rushes.workflow import circuit, wait_times
from rushes.workflow.log_events import CIRCUIT_CLOSED, CIRCUIT_OPENED, PROVIDER_KEY_REJECTED
from rushes.workflow.turns import MAX_SLEEP, spread, take_turn

DEFAULT_RETRY_AFTER = 2.0
"""Seconds of throttling if the provider names no duration."""
MAX_SHARED_DELAY = 60.0
"""Most seconds for which one 429 delays the other jobs of the provider; then one tries again."""
MAX_HOLD_SECONDS = 900.0
"""A job that waits longer for an accepted API key fails."""
MAX_HOLD_DELAY = 60.0
"""Seconds after which such a job looks again, as another job may have closed the circuit."""
PAUSED_DELAY = 45.0
"""Seconds after which a job of a paused provider looks again, with jitter within a minute."""
MAX_SLEEPS = 3
"""An earlier create call may be late."""
JITTER = 0.25
"""Share of the delay added per job, so that waiting jobs do not retry at the same moment."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Admission:
    """`wait`: seconds before a create call is allowed, 0 if it is allowed now."""

    wait: float = 0.0
    has_turn: bool = False
    """Whether the create call is allowed at that time, neither earlier nor much later."""
    reason: UpstreamError | None = None
    """Reason for the wait: the provider throttles, is down, rejects the API key, or is paused."""
    after_failures: bool = False
    """Whether calls failed, by an outage or a rejected API key, since the last success."""


@dataclass(frozen=True)
class RateLimiter:
    rate_limits: RateLimits
    catalogs: CatalogSource
    clock: Clock
    sleep: Callable[[float], None]

    def admit(self, job: Job, waited: float) -> Admission:
        """Decide on a create call of a job that has waited for `waited` seconds.

        Raises
        ------
        UpstreamRefused
            If the provider rejects the API key, and the job has waited too long.
        """
        admission = self._decide(job, waited)
        for _ in range(MAX_SLEEPS):
            if not admission.has_turn or admission.wait >= MAX_SLEEP:
                break
            self.sleep(admission.wait)
            admission = self._decide(job, waited)
        return admission

    def _decide(self, job: Job, waited: float) -> Admission:
        return self.rate_limits.decide(job.provider, lambda limit: self._admit(limit, job, waited))

    def _admit(self, limit: RateLimit, job: Job, waited: float) -> tuple[RateLimit, Admission]:
        now = self.clock()
        if blocked := _blocked(limit, job, now, waited):
            return limit, blocked
        pace, wait = self._take_turn(limit.pace, job, now, waited)
        if wait:
            after = limit if pace is limit.pace else limit.model_copy(update={"pace": pace})
            return after, _until_turn(pace, job, wait)
        circuits = circuit.begin(limit.circuits, job, now)
        admission = Admission(after_failures=circuit.concerning(circuits, job))
        if pace is limit.pace and circuits is limit.circuits:
            return limit, admission
        return limit.model_copy(update={"pace": pace, "circuits": circuits}), admission

    def paused(self, job: Job) -> Admission | None:
        """Return the wait for a provider that the operator has paused; None if it is not paused."""
        return _paused(self.rate_limits.get(job.provider), job, self.clock())

    def _take_turn(self, pace: Pace, job: Job, now: float, waited: float) -> tuple[Pace, float]:
        interval = self._interval(job)
        if not interval:
            return pace, 0.0
        soonest = now + wait_times.min_requested_delay(waited)
        wanted = Turn(account=job.account, job_id=job.id, at=soonest)
        weight = self.catalogs.current().catalog.limits.weight_of(job.account)
        return take_turn(pace, wanted, now, interval, weight)

    def _interval(self, job: Job) -> float:
        entry = self.catalogs.for_job(job).providers.get(job.provider)
        return 60 / entry.creates_per_minute if entry and entry.creates_per_minute else 0.0

    def throttle(self, provider: str, seconds: float | None) -> None:
        """Delay the provider's create calls, for `MAX_SHARED_DELAY` at most.

        A failed write is ignored: the provider throttles the next call again.
        """
        until = self.clock() + min(seconds or DEFAULT_RETRY_AFTER, MAX_SHARED_DELAY)

        def decide(limit: RateLimit) -> tuple[RateLimit, None]:
            later = until > limit.not_before
            return limit.model_copy(update={"not_before": until}) if later else limit, None

        with suppress(AwsUnavailable, WriteConflict):
            self.rate_limits.decide(provider, decide)

    def key_rejected(self, job: Job, reason: str) -> None:
        """Record that the provider rejected the API key for the job's model."""

        def decide(limit: RateLimit) -> tuple[RateLimit, bool]:
            circuits, opened = circuit.rejected(limit.circuits, job, self.clock(), reason)
            return limit.model_copy(update={"circuits": circuits}), opened

        provider, model = job.provider, job.upstream_model
        logger.warning(PROVIDER_KEY_REJECTED, **job.log_fields, provider=provider, model=model)
        with suppress(AwsUnavailable, WriteConflict):
            if self.rate_limits.decide(job.provider, decide):
                logger.error(CIRCUIT_OPENED, **job.log_fields, provider=provider, model=model)
                count(Metric.PROVIDER_KEY_REJECTED, job.log_fields)

    def unanswered(self, job: Job, reason: str) -> None:
        """Record a create call to a provider that cannot be reached, or did not answer."""

        def decide(limit: RateLimit) -> tuple[RateLimit, bool]:
            circuits, opened = circuit.unanswered(limit.circuits, job, self.clock(), reason)
            return limit.model_copy(update={"circuits": circuits}), opened

        with suppress(AwsUnavailable, WriteConflict):
            if self.rate_limits.decide(job.provider, decide):
                logger.error(
                    CIRCUIT_OPENED,
                    **job.log_fields,
                    provider=job.provider,
                    model=circuit.ANY_MODEL,
                    reason=reason,
                )
                count(Metric.PROVIDER_DOWN, job.log_fields)

    def key_accepted(self, job: Job, admission: Admission) -> None:
        """Close the circuits of the job's model and of an outage, and forget their failures."""
        self._close(job, admission, lambda circuits: circuit.accepted(circuits, job))

    def answered(self, job: Job, admission: Admission) -> None:
        """Close the circuit of an outage: the provider answered, whatever it said."""
        self._close(job, admission, circuit.answered)

    def _close(
        self,
        job: Job,
        admission: Admission,
        close: Callable[[circuit.Circuits], circuit.Circuits],
    ) -> None:
        if not admission.after_failures:
            return

        def decide(limit: RateLimit) -> tuple[RateLimit, bool]:
            circuits = close(limit.circuits)
            if len(circuits) == len(limit.circuits):
                return limit, False
            return limit.model_copy(update={"circuits": circuits}), True

        with suppress(AwsUnavailable, WriteConflict):
            if self.rate_limits.decide(job.provider, decide):
                logger.info(
                    CIRCUIT_CLOSED,
                    **job.log_fields,
                    provider=job.provider,
                    model=job.upstream_model,
                )


def _blocked(limit: RateLimit, job: Job, now: float, waited: float) -> Admission | None:
    """Return the wait for a provider that gets no create call of the job now."""
    if paused := _paused(limit, job, now):
        return paused
    if hold := circuit.hold(limit.circuits, job, now):
        return _held(hold, job, now, waited)
    if limit.not_before > now:
        reason = UpstreamThrottled(f"{job.provider} throttles requests")
        return Admission(with_jitter(job, limit.not_before - now), reason=reason)
    return None


def _paused(limit: RateLimit, job: Job, now: float) -> Admission | None:
    pause = limit.pause_at(now)
    if pause is None:
        return None
    remaining = PAUSED_DELAY if pause.until is None else min(pause.until - now, PAUSED_DELAY)
    reason = ProviderPaused(f"{job.provider} is paused by the operator", detail=pause.reason)
    return Admission(with_jitter(job, remaining), reason=reason)


def _held(hold: circuit.Hold, job: Job, now: float, waited: float) -> Admission:
    """Delay a job while a circuit is open; a rejected API key is awaited for a limited time.

    Raises
    ------
    UpstreamRefused
    """
    wait = with_jitter(job, min(hold.seconds, MAX_HOLD_DELAY))
    if hold.key == circuit.ANY_MODEL:
        return Admission(wait, reason=UpstreamUnreachable(hold.circuit.reason))
    refused = UpstreamRefused(hold.circuit.reason, code="upstream_unauthorized")
    remaining = MAX_HOLD_SECONDS - min(waited, now - hold.circuit.failing_since)
    if remaining <= 0:
        raise refused
    return Admission(min(wait, remaining), reason=refused)


def _until_turn(pace: Pace, job: Job, wait: float) -> Admission:
    """Return a whole number of seconds, rounded down, if the job has the turn."""
    has_turn = any(turn.job_id == job.id for turn in pace.turns)
    return Admission(math.floor(wait) if has_turn and wait >= MAX_SLEEP else wait, has_turn)


def with_jitter(job: Job, seconds: float) -> float:
    return seconds * (1 + JITTER * spread(job.id))

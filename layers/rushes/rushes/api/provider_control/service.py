"""Show the state of providers, pause them and resume them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from rushes.api.provider_control.open_jobs import count_open_jobs
from rushes.api.provider_control.views import (
    CallsView,
    CircuitView,
    JobsView,
    LastErrorView,
    PauseView,
    ProviderList,
    ProviderView,
    State,
)
from rushes.catalog.models import Catalog
from rushes.catalog.similar_names import similar_names
from rushes.catalog.source import CatalogSource
from rushes.errors import InvalidRequest, NotFound, WriteConflict
from rushes.jobs.times import utc_time
from rushes.ports import Clock
from rushes.ports.audit import AuditEntry, AuditLog
from rushes.ports.jobs import Jobs
from rushes.ports.provider_calls import FailedCall, ProviderCalls
from rushes.ports.providers import Circuit, ProviderPause, RateLimit, RateLimits

Result = TypeVar("Result")

HOUR = 3600.0
MAX_REASON = 200
MAX_PAUSE_SECONDS = 30 * 24 * HOUR
MAX_TRIES = 5
"""Of a change; each one repeats its write several times while jobs change the same item."""
ALL_MODELS = "*"
"""Key of the circuit of an outage."""


@dataclass(frozen=True)
class ProviderControl:
    rate_limits: RateLimits
    provider_calls: ProviderCalls
    jobs: Jobs
    catalogs: CatalogSource
    audit: AuditLog
    clock: Clock

    def list(self) -> ProviderList:
        catalog, now = self.catalogs.current().catalog, self.clock()
        jobs, are_complete = count_open_jobs(self.jobs, now)
        names = sorted({*catalog.providers, *jobs})  # open jobs may have a provider that has left
        views = (self._view(name, catalog, jobs.get(name, JobsView()), now) for name in names)
        return ProviderList(providers=tuple(views), jobs_are_complete=are_complete)

    def get(self, name: str) -> ProviderView:
        """Return the state of one provider.

        Raises
        ------
        NotFound
        """
        self.check_name(name)
        jobs, _ = count_open_jobs(self.jobs, self.clock())
        catalog = self.catalogs.current().catalog
        return self._view(name, catalog, jobs.get(name, JobsView()), self.clock())

    def pause(self, name: str, reason: str, until: datetime | None, actor: str) -> PauseView:
        """Send no create call to a provider from now on; a second pause replaces the first.

        Raises
        ------
        InvalidRequest
        NotFound
        """
        self.check_name(name)
        now = self.clock()
        end = _end_of(until, now)
        text = _valid_reason(reason)

        def change(limit: RateLimit) -> tuple[RateLimit, ProviderPause]:
            current = limit.pause_at(now)
            pause = ProviderPause(reason=text, since=current.since if current else now, until=end)
            return limit.model_copy(update={"pause": pause}), pause

        detail = {"reason": text, "until": end and utc_time(end).isoformat()}
        self.audit.record(AuditEntry(now, actor, "provider.pause", f"provider:{name}", detail))
        return _pause_view(self._change(name, change))

    def resume(self, name: str, actor: str) -> bool:
        """End a pause; return False if the provider is not paused.

        Jobs that wait for the provider send their create calls within a minute.

        Raises
        ------
        NotFound
        """
        self.check_name(name)
        now = self.clock()
        if self.rate_limits.get(name).pause_at(now) is None:
            return False
        self.audit.record(AuditEntry(now, actor, "provider.resume", f"provider:{name}"))

        def change(limit: RateLimit) -> tuple[RateLimit, None]:
            return limit.model_copy(update={"pause": None}), None

        self._change(name, change)
        return True

    def _change(self, name: str, change: Callable[[RateLimit], tuple[RateLimit, Result]]) -> Result:
        for _ in range(MAX_TRIES - 1):
            with suppress(WriteConflict):
                return self.rate_limits.decide(name, change)
        return self.rate_limits.decide(name, change)

    def check_name(self, name: str) -> None:
        """Accept the providers of the configuration, and those that are still paused."""
        known = sorted(self.catalogs.current().catalog.providers)
        if name in known or (name and self.rate_limits.get(name).pause):
            return
        near = similar_names(name, known)
        hint = f"similar: {', '.join(near)}" if near else f"it has {', '.join(known)}"
        raise NotFound(f"the configuration has no provider {name[:80]!r} ({hint})", param="name")

    def _view(self, name: str, catalog: Catalog, jobs: JobsView, now: float) -> ProviderView:
        entry = catalog.providers.get(name)
        limit, counts = self.rate_limits.get(name), self.provider_calls.recent(name, now - HOUR)
        pause, error = limit.pause_at(now), counts.last_error
        return ProviderView(
            name=name,
            vendor=entry.vendor if entry else None,
            protocol=entry.protocol if entry else None,
            models=sum(model.provider == name for model in catalog.models),
            state=_state(limit, now),
            pause=_pause_view(pause) if pause else None,
            circuits=tuple(_circuit_view(*item, now) for item in sorted(limit.circuits.items())),
            throttled_until=utc_time(limit.not_before) if limit.not_before > now else None,
            calls=CallsView(total=counts.calls, failed=counts.errors, error_rate=counts.error_rate),
            last_error=_error_view(error) if error else None,
            jobs=jobs,
        )


def _error_view(error: FailedCall) -> LastErrorView:
    return LastErrorView(
        at=utc_time(error.at),
        code=error.code,
        upstream_code=error.upstream_code,
        call=error.call,
    )


def _valid_reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not text or len(text) > MAX_REASON or not text.isprintable():
        raise InvalidRequest(
            f"reason must have 1 to {MAX_REASON} printable characters (got {len(text)})",
            param="reason",
        )
    return text


def _end_of(until: datetime | None, now: float) -> float | None:
    if until is None:
        return None
    if until.tzinfo is None:
        shown = until.isoformat()
        raise InvalidRequest(f"until must have a time zone (got {shown})", param="until")
    end = until.timestamp()
    if not now < end <= now + MAX_PAUSE_SECONDS:
        raise InvalidRequest(
            f"until must be in the future, 30 days ahead at most (got {until.isoformat()})",
            param="until",
        )
    return end


def _state(limit: RateLimit, now: float) -> State:
    if limit.pause_at(now):
        return "paused"
    if any(circuit.open_until is not None for circuit in limit.circuits.values()):
        return "circuit_open"
    return "throttled" if limit.not_before > now else "available"


def _pause_view(pause: ProviderPause) -> PauseView:
    until = None if pause.until is None else utc_time(pause.until)
    return PauseView(reason=pause.reason, since=utc_time(pause.since), until=until)


def _circuit_view(key: str, circuit: Circuit, now: float) -> CircuitView:
    until = circuit.open_until
    return CircuitView(
        model=None if key == ALL_MODELS else key,
        state="closed" if until is None else "open" if until > now else "trial",
        open_until=None if until is None else utc_time(until),
        failing_since=utc_time(circuit.failing_since),
        failures=circuit.rejections,
        reason=circuit.reason,
    )

"""Limits of accounts and API keys in force, and what is used of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rushes.catalog.limits import NO_LIMIT, Limit
from rushes.catalog.source import CatalogVersion
from rushes.jobs.charges import AT_PROVIDER, DAY, MONTH, OPEN, end_of, period_of
from rushes.jobs.cost import DECIMALS
from rushes.ports import Clock
from rushes.ports.limits import LimitUsage

BUDGETS = (("daily_dollars", DAY), ("monthly_dollars", MONTH))
COUNTERS = (("open_jobs", OPEN), ("concurrent_jobs", AT_PROVIDER))


@dataclass(frozen=True)
class LimitInUse:
    """`used` is in dollars, jobs, or None for a rate, whose calls are not read."""

    limit: str
    """Its name in rushes.toml, such as `daily_dollars`."""
    maximum: float | None
    """None: no limit is set."""
    used: float | None = None
    settled: float | None = None
    """Of a budget: what finished jobs have cost."""
    reserved: float | None = None
    """Of a budget: what open jobs may cost at most."""
    resets_at: str | None = None


class CurrentCatalog(Protocol):
    def current(self) -> CatalogVersion: ...


@dataclass(frozen=True)
class LimitsInUse:
    """`defaults` are the parameters of the deployment's template."""

    catalogs: CurrentCatalog
    usage: LimitUsage
    clock: Clock
    defaults: Limit = NO_LIMIT

    def of_account(self, account: str) -> tuple[LimitInUse, ...]:
        limits = self.catalogs.current().catalog.limits
        return tuple(self._read(account, limits.of_account(account, self.defaults)))

    def of_key(self, account: str, limits_id: str) -> tuple[LimitInUse, ...]:
        """Return the key's own limits, which apply besides those of its account; often none."""
        own = self.catalogs.current().catalog.limits.keys.get(limits_id)
        return tuple(self._read(f"{account}#{limits_id}", own)) if own else ()

    def _read(self, name: str, limit: Limit) -> Iterator[LimitInUse]:
        """Yield rates and counters that have a maximum, and all budgets of an account."""
        if limit.creates_per_minute:
            yield LimitInUse("creates_per_minute", limit.creates_per_minute)
        for field, period in COUNTERS:
            if maximum := getattr(limit, field):
                yield LimitInUse(field, maximum, self.usage.find(f"{name}#{period}").total)
        for field, form in BUDGETS:
            period = period_of(self.clock(), form)
            found = self.usage.find(f"{name}#{period}")
            maximum = getattr(limit, field) or None
            if maximum is None and not found.total:
                continue
            yield LimitInUse(
                field,
                maximum,
                found.total,
                found.settled,
                round(found.total - found.settled, DECIMALS),
                end_of(period),
            )

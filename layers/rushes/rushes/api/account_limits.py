"""Limits that apply to a create call: those of its account, and those of its API key."""

from dataclasses import dataclass

from rushes.api.request_limits import CreateRate
from rushes.catalog.limits import NO_LIMIT, Limit
from rushes.catalog.source import CatalogSource
from rushes.jobs.charges import AT_PROVIDER, DAY, MONTH, OPEN, Charge, period_of
from rushes.jobs.quota import oversized
from rushes.jobs.reservation import Reservation


@dataclass(frozen=True)
class Limited:
    """An account, or one of its API keys, and its limits. `name` begins those of `charges`."""

    name: str
    limit: Limit
    key_id: str | None = None


@dataclass(frozen=True)
class AccountLimits:
    """`defaults` are the parameters of the template; the configuration overrides them."""

    catalogs: CatalogSource
    defaults: Limit = NO_LIMIT

    def create_rates(self, account: str, key_id: str) -> list[CreateRate]:
        """Return the rates of a caller's create calls, its API key's first."""
        return [
            CreateRate(limited.name, per_minute, limited.key_id)
            for limited in reversed(self.of(account, key_id))
            if (per_minute := limited.limit.creates_per_minute)
        ]

    def of(self, account: str, key_id: str) -> tuple[Limited, ...]:
        limits = self.catalogs.current().catalog.limits
        of_account = Limited(account, limits.of_account(account, self.defaults))
        own = limits.keys.get(key_id)
        if own is None:
            return (of_account,)
        return of_account, Limited(f"{account}#{key_id}", own, key_id)


@dataclass(frozen=True)
class JobLimits:
    """The limits of a new job."""

    limited: tuple[Limited, ...]
    created_at: float

    @property
    def has_budget(self) -> bool:
        return any(self._budgets())

    def reserve(self, dollars: float, model: str) -> tuple[Reservation | None, tuple[Charge, ...]]:
        """Return the job's reservation and charges; `model` costs the most, `dollars`.

        Raises
        ------
        BudgetExceeded
            If a whole budget is less.
        """
        budgets = self._budgets()
        for name, maximum in budgets.items():
            if dollars > maximum:
                raise oversized(Charge(name, dollars, maximum=maximum), model, self.created_at)
        open_jobs = self._counters(OPEN, "open_jobs")
        concurrent_jobs = self._counters(AT_PROVIDER, "concurrent_jobs")
        if not (budgets or open_jobs or concurrent_jobs):
            return None, ()
        reservation = Reservation(
            day=period_of(self.created_at, DAY),
            dollars=dollars,
            budgets=tuple(budgets),
            open_jobs=tuple(open_jobs),
            concurrent_jobs=tuple(concurrent_jobs),
        )
        charges = [Charge(name, dollars, maximum=maximum) for name, maximum in budgets.items()]
        charges += [Charge(name, 1, maximum=maximum) for name, maximum in open_jobs.items()]
        return reservation, tuple(charges)

    def _budgets(self) -> dict[str, float]:
        """Return the maximum of each budget by its name."""
        periods = (("daily_dollars", DAY), ("monthly_dollars", MONTH))
        return {
            f"{limited.name}#{period_of(self.created_at, form)}": maximum
            for limited in self.limited
            for field, form in periods
            if (maximum := getattr(limited.limit, field))
        }

    def _counters(self, period: str, field: str) -> dict[str, float]:
        return {
            f"{limited.name}#{period}": maximum
            for limited in self.limited
            if (maximum := getattr(limited.limit, field))
        }

"""Amounts and maxima of the limits of a deployment."""

from collections.abc import Iterator
from dataclasses import dataclass

from cli.account_names import account_names
from cli.target import Target
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.aws.dynamodb.budgets import LimitTable
from rushes.catalog.limits import NO_LIMIT, Limit, Limits
from rushes.jobs.charges import (
    AT_PROVIDER,
    DAY,
    MONTH,
    OPEN,
    end_of,
    is_budget,
    key_of,
    period_of,
)
from rushes.ports.limits import Usage

FIELDS = {OPEN: "open_jobs", AT_PROVIDER: "concurrent_jobs"}
PARAMETERS = {"DailyDollars": "daily_dollars", "CreatesPerMinute": "creates_per_minute"}


@dataclass(frozen=True)
class Budget:
    """A limit of an account or of one of its API keys, in dollars or in jobs."""

    account: str
    key_id: str | None
    limit: str
    """daily_dollars, monthly_dollars, open_jobs or concurrent_jobs."""
    period: str | None
    used: float
    settled: float
    """Of `used`: what finished jobs have cost. The rest is reserved for the others."""
    maximum: float | None
    """None: no limit is set now."""
    resets_at: str | None

    @property
    def reserved(self) -> float:
        return round(self.used - self.settled, 6)


def budgets(
    target: Target, limits: Limits, defaults: Limit, account: str | None, now: float
) -> Iterator[Budget]:
    """Yield the limits that are set or in use, of one account or of all registered ones."""
    table = LimitTable(target.client("dynamodb"), target.table)
    periods = (period_of(now, DAY), period_of(now, MONTH), OPEN, AT_PROVIDER)
    owners = _owners_of(account, limits) if account else _owners(target, limits)
    names = [f"{owner}#{period}" for owner in owners for period in periods]
    for name, amounts in ((name, table.find(name)) for name in names):
        budget = _budget(name, amounts, limits, defaults)
        is_unused_key = budget.key_id is not None and not amounts.total
        if amounts.total or amounts.settled or (budget.maximum and not is_unused_key):
            yield budget


def _budget(name: str, amounts: Usage, limits: Limits, defaults: Limit) -> Budget:
    account, period, key_id = name.partition("#")[0], name.rpartition("#")[2], key_of(name)
    days_and_months = "daily_dollars" if len(period) == len("YYYY-MM-DD") else "monthly_dollars"
    field = days_and_months if is_budget(name) else FIELDS[period]
    own = limits.keys.get(key_id, NO_LIMIT) if key_id else limits.of_account(account, defaults)
    return Budget(
        account=account,
        key_id=key_id,
        limit=field,
        period=period if is_budget(name) else None,
        used=amounts.total,
        settled=amounts.settled,
        maximum=getattr(own, field) or None,
        resets_at=end_of(period) if is_budget(name) else None,
    )


def _owners_of(account: str, limits: Limits) -> list[str]:
    return [account, *(f"{account}#{key_id}" for key_id in limits.keys)]


def _owners(target: Target, limits: Limits) -> list[str]:
    """Return the registered accounts, and the API keys that have limits, each with its account."""
    keys = KeyTable(target.client("dynamodb"), target.table)
    found = [key for key_id in limits.keys if (key := keys.get(key_id))]
    return sorted([*account_names(target), *(f"{key.account}#{key.key_id}" for key in found)])


def default_limits(target: Target) -> Limit:
    """Return the limits that the parameters of a stack on AWS set; a local stack has none."""
    if target.is_local:
        return NO_LIMIT
    described = target.client("cloudformation").describe_stacks(StackName=target.stack)
    given = {
        entry["ParameterKey"]: entry["ParameterValue"]
        for entry in described["Stacks"][0].get("Parameters", [])
    }
    values = {field: float(given[name]) for name, field in PARAMETERS.items() if given.get(name)}
    return Limit(
        daily_dollars=values.get("daily_dollars"),
        creates_per_minute=int(values.get("creates_per_minute", 0)),
    )

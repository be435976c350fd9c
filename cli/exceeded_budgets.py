"""Budgets that a new configuration lowers below what is used of them already."""

from collections.abc import Iterator
from dataclasses import dataclass

from cli.account_names import account_names
from cli.budgets import default_limits
from cli.target import Target
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.aws.dynamodb.budgets import LimitTable
from rushes.catalog.limits import NO_LIMIT, Limit, Limits
from rushes.jobs.charges import DAY, MONTH, end_of, period_of
from rushes.jobs.cost import DECIMALS
from rushes.jobs.quota import in_dollars

BUDGETS = {"daily_dollars": DAY, "monthly_dollars": MONTH}


@dataclass(frozen=True)
class ExceededBudget:
    """`used` is above `maximum`; `reserved` is the part of it that open jobs may give back."""

    account: str
    key_id: str | None
    limit: str
    maximum: float
    used: float
    reserved: float
    resets_at: str

    @property
    def message(self) -> str:
        owner = f"key {self.key_id} of account" if self.key_id else "account"
        return (
            f"{self.limit} of {owner} {self.account} would be {in_dollars(self.maximum)}, below the"
            f" {in_dollars(self.used)} in use ({in_dollars(self.reserved)} of it reserved by open"
            f" jobs): its create calls are refused until {self.resets_at}, or until open jobs cost"
            " less than reserved; no job is stopped"
        )


def exceeded_budgets(
    target: Target, current: Limits, new: Limits, now: float
) -> Iterator[ExceededBudget]:
    """Yield the budgets of accounts and API keys that are lowered below their use."""
    if new == current:
        return
    usage = LimitTable(target.client("dynamodb"), target.table)
    for account, key_id, before, after in _limits(target, current, new):
        for field, form in BUDGETS.items():
            maximum, old = getattr(after, field), getattr(before, field)
            if not maximum or (old and old <= maximum):
                continue
            period = period_of(now, form)
            owner = f"{account}#{key_id}" if key_id else account
            used = usage.find(f"{owner}#{period}")
            if used.total > maximum:
                reserved = round(used.total - used.settled, DECIMALS)
                yield ExceededBudget(
                    account, key_id, field, maximum, used.total, reserved, end_of(period)
                )


def _limits(
    target: Target, current: Limits, new: Limits
) -> Iterator[tuple[str, str | None, Limit, Limit]]:
    """Yield accounts and API keys with their limits now and in the new configuration."""
    defaults = default_limits(target)
    for account in dict.fromkeys([*account_names(target), *new.accounts]):
        yield (
            account,
            None,
            current.of_account(account, defaults),
            new.of_account(account, defaults),
        )
    keys = KeyTable(target.client("dynamodb"), target.table)
    for key_id, limit in new.keys.items():
        if key := keys.get(key_id):
            yield key.account, key_id, current.keys.get(key_id, NO_LIMIT), limit

"""Limits as clients see them: RateLimit headers and refusals.

The headers follow draft-ietf-httpapi-ratelimit-headers-10. Its registry of quota units has no
money: budgets are in `cents` of a US dollar.
"""

import math
from dataclasses import dataclass

from rushes.errors import BudgetExceeded, LimitReached, TooManyJobs
from rushes.jobs.charges import DAY_LENGTH, Charge, begins_at, end_of, key_of, resets_at
from rushes.jobs.cost import DECIMALS

JOBS_RETRY_SECONDS = 10
"""When a job ends is not known."""
CENTS = 100


@dataclass(frozen=True)
class Quota:
    """A policy and the amount left of it; `window` and `reset` in seconds."""

    policy: str
    limit: int
    left: int
    window: int | None = None
    reset: int | None = None
    unit: str | None = None
    """None stands for requests."""


def rate_limit_headers(*quotas: Quota) -> dict[str, str]:
    if not quotas:
        return {}
    return {
        "ratelimit-policy": ", ".join(_policy(quota) for quota in quotas),
        "ratelimit": ", ".join(_left(quota) for quota in quotas),
    }


def _policy(quota: Quota) -> str:
    unit = f';qu="{quota.unit}"' if quota.unit else ""
    window = "" if quota.window is None else f";w={quota.window}"
    return f'"{quota.policy}";q={quota.limit}{unit}{window}'


def _left(quota: Quota) -> str:
    reset = "" if quota.reset is None else f";t={quota.reset}"
    return f'"{quota.policy}";r={quota.left}{reset}'


def policy_name(limit: str, key_id: str | None) -> str:
    """Return the name of a policy: that of the limit, with a prefix if it is an API key's."""
    return f"key_{limit}" if key_id else limit


def refusal(charge: Charge, used: float, now: float) -> LimitReached:
    """Return the error of a charge that a limit has no room for; `used` is its amount now."""
    if charge.is_budget:
        return _spent(charge, used, now)
    return _too_many_jobs(charge, used)


def oversized(charge: Charge, model: str, now: float) -> BudgetExceeded:
    """Return the error of a charge that is higher than the whole budget."""
    text = f"{model} costs {in_dollars(charge.total)}, more than the {_budget(charge)} of"
    return _budget_exceeded(f"{text} {in_dollars(charge.maximum or 0)}", charge, 0.0, now)


def _spent(charge: Charge, used: float, now: float) -> BudgetExceeded:
    message = (
        f"{_budget(charge)} exceeded: {in_dollars(used)} of {in_dollars(charge.maximum or 0)} spent"
        f" or reserved, the job reserves {in_dollars(charge.total)};"
        f" resets {end_of(charge.period)}"
    )
    return _budget_exceeded(message, charge, used, now)


def _budget_exceeded(message: str, charge: Charge, used: float, now: float) -> BudgetExceeded:
    maximum, reset = charge.maximum or 0.0, resets_at(charge.period)
    seconds = max(1, math.ceil(reset - now))
    limit = "daily_dollars" if _is_daily(charge) else "monthly_dollars"
    quota = Quota(
        policy=policy_name(limit, key_of(charge.name)),
        limit=_cents(maximum),
        left=max(0, _cents(maximum - used)),
        window=round(reset - begins_at(charge.period)),
        reset=seconds,
        unit="cents",
    )
    return BudgetExceeded(message, retry_after=seconds, headers=rate_limit_headers(quota))


def _cents(dollars: float) -> int:
    """Round down: 0 cents are left if less than one is."""
    return math.floor(round(dollars * CENTS, DECIMALS))


def _is_daily(charge: Charge) -> bool:
    return len(charge.period) == DAY_LENGTH


def _budget(charge: Charge) -> str:
    return f"{'daily' if _is_daily(charge) else 'monthly'} budget{_owner(charge)}"


def _too_many_jobs(charge: Charge, used: float) -> TooManyJobs:
    policy = policy_name(f"{_JOBS[charge.period]}_jobs", key_of(charge.name))
    maximum = round(charge.maximum or 0.0)
    quota = Quota(policy, maximum, max(0, maximum - round(used)), unit="concurrent-requests")
    return TooManyJobs(
        f"too many {_JOBS[charge.period]} jobs{_owner(charge)}: {round(used)} of {maximum};"
        " one more is possible when a job has ended",
        retry_after=JOBS_RETRY_SECONDS,
        headers=rate_limit_headers(quota),
    )


_JOBS = {"open": "open", "at_provider": "concurrent"}


def _owner(charge: Charge) -> str:
    return " of the API key" if key_of(charge.name) else ""


def in_dollars(amount: float) -> str:
    """Format an amount with as many decimals as it has, at least two."""
    whole, _, decimals = f"{amount:.{DECIMALS}f}".partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(2, '0')}"

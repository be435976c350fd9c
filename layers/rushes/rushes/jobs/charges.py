"""Amounts that jobs charge to the limits of their accounts and API keys.

A limit has a name:

    ACCOUNT#PERIOD         of an account
    ACCOUNT#KEY_ID#PERIOD  of an API key

PERIOD is a UTC day (YYYY-MM-DD) or month (YYYY-MM) of a budget in US dollars, `open` for the number
of jobs that are not finished, or `at_provider` for those that a provider may be working on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from rushes.jobs.cost import DECIMALS, charged
from rushes.jobs.job import Job

OPEN, AT_PROVIDER = "open", "at_provider"
DAY, MONTH = "%Y-%m-%d", "%Y-%m"
DAY_LENGTH = len("YYYY-MM-DD")


class Amount(NamedTuple):
    """`settled` is the part of it that finished jobs have charged, of a budget."""

    total: float = 0.0
    settled: float = 0.0


@dataclass(frozen=True)
class Charge:
    """What a write adds to a limit. With a `maximum` the write fails if the sum exceeds it."""

    name: str
    total: float
    settled: float = 0.0
    maximum: float | None = None

    @property
    def period(self) -> str:
        return self.name.rpartition("#")[2]

    @property
    def is_budget(self) -> bool:
        return is_budget(self.name)

    @property
    def room(self) -> float:
        """The highest amount to which it can be added."""
        return round((self.maximum or 0.0) - self.total, DECIMALS)


@dataclass(frozen=True)
class Threshold:
    """A share of the budget `name` that is used, in percent; `used` and `limit` in dollars."""

    name: str
    percent: int
    used: float
    limit: float
    reached_at: float


def is_budget(name: str) -> bool:
    return name.rpartition("#")[2] not in (OPEN, AT_PROVIDER)


def key_of(name: str) -> str | None:
    """Return the id of the API key that a limit is of, or None for an account's."""
    _, *key_id, _ = name.split("#")
    return key_id[0] if key_id else None


def period_of(now: float, form: str) -> str:
    """Return the UTC day or month at a time."""
    return datetime.fromtimestamp(now, UTC).strftime(form)


def begins_at(period: str) -> float:
    """Return the begin of a UTC day or month, in seconds since 1970."""
    return _begin(period).timestamp()


def resets_at(period: str) -> float:
    """Return the end of a UTC day or month, in seconds since 1970."""
    return _end(period).timestamp()


def end_of(period: str) -> str:
    """Return the end of a UTC day or month as a text in ISO 8601."""
    return f"{_end(period):%Y-%m-%dT%H:%MZ}"


def _begin(period: str) -> datetime:
    return datetime.fromisoformat(f"{period}-01"[:DAY_LENGTH]).replace(tzinfo=UTC)


def _end(period: str) -> datetime:
    begin = _begin(period)
    if len(period) == DAY_LENGTH:
        return begin + timedelta(days=1)
    return (begin + timedelta(days=31)).replace(day=1)


def settlements(
    before: Job, after: Job, maxima: Mapping[str, float] | None = None
) -> tuple[Charge, ...]:
    """Return the changes of limits by a write; a negative one is a refund.

    Only an increase can have a maximum.
    """
    old, new = _amounts(before), _amounts(after)
    charges = []
    for name in dict.fromkeys([*old, *new]):
        earlier, later = old.get(name, Amount()), new.get(name, Amount())
        total = round(later.total - earlier.total, DECIMALS)
        settled = round(later.settled - earlier.settled, DECIMALS)
        maximum = (maxima or {}).get(name) if total > 0 else None
        if total or settled:
            charges.append(Charge(name, total, settled, maximum))
    return tuple(charges)


def _amounts(job: Job) -> dict[str, Amount]:
    """Return what the job charges in its present state, by name of the limit."""
    reservation = job.reservation
    if reservation is None:
        return {}
    dollars = charged(job)
    budget = Amount(dollars, dollars if job.is_finished else 0.0)
    return {
        **dict.fromkeys(reservation.budgets_of(job.account), budget),
        **dict.fromkeys(reservation.open_jobs, Amount(float(not job.is_finished))),
        **dict.fromkeys(reservation.concurrent_jobs, Amount(float(is_at_provider(job)))),
    }


def is_at_provider(job: Job) -> bool:
    """Whether a provider may be working on a job that is not finished."""
    return not job.is_finished and (job.operation is not None or job.is_submission_unconfirmed)

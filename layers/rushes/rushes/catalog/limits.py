"""Schema of `[limits]`: limits of all accounts, of single accounts and of API keys."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_JOBS = 1_000_000
MAX_DOLLARS = 1_000_000_000
MAX_WEIGHT = 100
ACCOUNT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
KEY_ID = re.compile(r"[0-9a-f]{16}")

Count = Annotated[int, Field(ge=0, le=MAX_JOBS, strict=True)]
Dollars = Annotated[float, Field(ge=0, le=MAX_DOLLARS, strict=True, allow_inf_nan=False)]
Weight = Annotated[int, Field(ge=1, le=MAX_WEIGHT, strict=True)]


class Limit(BaseModel):
    """Limits of an account or an API key. 0 sets no limit; one that is not given is inherited."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    creates_per_minute: Count | None = None
    """Create calls, in windows of 10 seconds with a sixth of them, rounded up."""
    open_jobs: Count | None = None
    """Jobs that are not finished; a create call above it is refused."""
    concurrent_jobs: Count | None = None
    """Jobs at a provider; the others wait."""
    daily_dollars: Dollars | None = None
    """Budget of a UTC day in US dollars, by catalog prices."""
    monthly_dollars: Dollars | None = None
    """Budget of a UTC month."""

    def over(self, defaults: "Limit") -> "Limit":
        """Return the limits, with those of `defaults` in place of the ones that are not given."""
        given = {name: getattr(self, name) for name in Limit.model_fields}
        own = {name: value for name, value in given.items() if value is not None}
        return Limit.model_construct(**{**dict(defaults), **own})

    def contradiction(self) -> tuple[str, str] | None:
        """Return the name of a limit that another one makes meaningless, and the reason."""
        for name, other in (("daily_dollars", "monthly_dollars"), ("concurrent_jobs", "open_jobs")):
            value, bound = getattr(self, name), getattr(self, other)
            if value and bound and value > bound:
                return name, f"must be at most {other}, {bound:g} (got {value:g})"
        return None


class AccountLimit(Limit):
    """Limits of an account."""

    weight: Weight | None = None
    """Number of turns that the account may have at a time at a provider with a rate; 1."""


class Limits(AccountLimit):
    """Limits of each account, and exceptions by account and by id of an API key.

    A job counts towards the limits of its account and of its API key.
    """

    accounts: dict[str, AccountLimit] = {}
    keys: dict[str, Limit] = {}

    @field_validator("accounts")
    @classmethod
    def _validate_accounts(cls, value: Mapping[str, AccountLimit]) -> Mapping[str, AccountLimit]:
        for name in value:
            if not ACCOUNT.fullmatch(name):
                raise ValueError(
                    "an account is up to 63 lower-case letters, digits and hyphens"
                    f" (got {name[:80]!r})"
                )
        return value

    @field_validator("keys")
    @classmethod
    def _validate_keys(cls, value: Mapping[str, Limit]) -> Mapping[str, Limit]:
        for name in value:
            if not KEY_ID.fullmatch(name):
                raise ValueError(
                    "the id of an API key is the 16 hexadecimal digits between rk_ and _"
                    f" (got {name[:4]!r}...)"
                )
        return value

    def tables(self) -> Iterator[tuple[tuple[str, ...], Limit]]:
        """Yield the limits that apply, with the path of their table."""
        yield (), self.over(NO_LIMIT)
        for name in self.accounts:
            yield ("accounts", name), self.of_account(name)
        for name, limit in self.keys.items():
            yield ("keys", name), limit

    def of_account(self, account: str, defaults: Limit | None = None) -> Limit:
        """Return the limits of an account; `defaults` are those of the deployment's template."""
        every = self.over(defaults or NO_LIMIT)
        own = self.accounts.get(account)
        return own.over(every) if own else every

    def weight_of(self, account: str) -> int:
        own = self.accounts.get(account)
        return (own and own.weight) or self.weight or 1


NO_LIMIT = Limit()

"""Counts of the calls to providers, and of those that failed."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class FailedCall:
    """The latest call that failed, without the provider's own text."""

    at: float
    code: str
    call: str
    """create, poll or another call of an adapter."""
    upstream_code: str | None = None


@dataclass(frozen=True)
class CallCounts:
    calls: int = 0
    errors: int = 0
    last_error: FailedCall | None = None

    @property
    def error_rate(self) -> float | None:
        """Share of the calls that failed; None without a call."""
        return self.errors / self.calls if self.calls else None


class ProviderCalls(Protocol):
    def add(self, provider: str, counts: CallCounts, now: float) -> None: ...
    def recent(self, provider: str, since: float) -> CallCounts:
        """Return the counts since a time, rounded down to five minutes."""
        ...

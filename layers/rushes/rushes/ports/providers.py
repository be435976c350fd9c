"""State that all jobs of a provider share: measured durations and rate limits."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Timing:
    """Durations of jobs with one timing key: mean and variance of the logarithm of seconds."""

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0


class Timings(Protocol):
    def get(self, timing_key: str) -> Timing: ...
    def put(self, timing_key: str, timing: Timing) -> None: ...


@dataclass(frozen=True)
class RateLimit:
    """Limits on create calls to one provider. Times are seconds since 1970."""

    not_before: float = 0.0
    """The next create call may start then (Retry-After, `creates_per_minute`)."""
    circuit_open_until: float = 0.0
    """The provider rejected the API key: no create call until then."""
    reason: str = ""


class RateLimits(Protocol):
    def get(self, provider: str) -> RateLimit: ...
    def throttle(self, provider: str, until: float) -> None:
        """Delay create calls until a time; an earlier time does not shorten a later one."""
        ...

    def open_circuit(self, provider: str, until: float, reason: str) -> None: ...
    def acquire(self, provider: str, now: float, interval: float) -> bool:
        """Take the one slot of each `interval` seconds; False if it is taken."""
        ...

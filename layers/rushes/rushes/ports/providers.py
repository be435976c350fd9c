"""State that jobs share: measured durations, limits of providers, slots of accounts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

Result = TypeVar("Result")


@dataclass(frozen=True)
class Timing:
    """Durations of jobs with one timing key: mean and variance of the logarithm of seconds."""

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0


class Timings(Protocol):
    def get(self, timing_key: str) -> Timing: ...
    def put(self, timing_key: str, timing: Timing) -> None: ...


class _State(BaseModel):
    """A stored value. Times are seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)


class Turn(_State):
    """The next create call of an account that waits for a paced provider."""

    account: str
    job_id: str
    """The job that makes its next try at that time."""
    at: float


class Pace(_State):
    """Create calls at `creates_per_minute`; `turns` has as many of an account as its weight."""

    next_at: float = 0.0
    turns: tuple[Turn, ...] = ()


class Circuit(_State):
    """Failed calls since the last one that succeeded: rejected API keys of one model, or outages.

    In an outage the provider cannot be reached, or does not answer.
    """

    rejections: int = 0
    accounts: tuple[str, ...] = ()
    """The first two accounts whose calls failed."""
    failing_since: float = 0.0
    rejected_at: float = 0.0
    """Time of the latest failure."""
    open_until: float | None = None
    """None while the circuit is closed. After that time one job makes a trial call."""
    pause: float = 0.0
    """Seconds for which the circuit opened last."""
    trial_job: str = ""
    trial_until: float = 0.0
    """The trial call is over by then, even if its function crashed."""
    reason: str = ""


class ProviderPause(_State):
    """A pause that an operator made: no create call is sent to the provider."""

    reason: str
    since: float
    until: float | None = None
    """Time at which it ends by itself; None: the operator ends it."""

    def is_over(self, now: float) -> bool:
        return self.until is not None and self.until <= now


class RateLimit(_State):
    """Limits on create calls to one provider."""

    not_before: float = 0.0
    """The provider throttles create calls until then (429, Retry-After)."""
    pace: Pace = Pace()
    circuits: dict[str, Circuit] = {}
    """By the provider's name of the model, `*` for an outage of the provider; failures only."""
    pause: ProviderPause | None = None

    def pause_at(self, now: float) -> ProviderPause | None:
        """Return the pause that is in force at a time."""
        return self.pause if self.pause and not self.pause.is_over(now) else None


class RateLimits(Protocol):
    def get(self, provider: str) -> RateLimit: ...
    def decide(
        self, provider: str, decide: Callable[[RateLimit], tuple[RateLimit, Result]]
    ) -> Result:
        """Store the state that `decide` returns, unless it is the same object.

        `decide` runs again with the new state after a write conflict.

        Raises
        ------
        WriteConflict
            If every attempt conflicted.
        """
        ...


class Slots(_State):
    """Slots of one account in one pool: the end of each slot by its holder."""

    holders: dict[str, float] = {}


class AccountSlots(Protocol):
    def decide(
        self, account: str, pool: str, decide: Callable[[Slots], tuple[Slots, Result]]
    ) -> Result:
        """Do the same as `RateLimits.decide`."""
        ...

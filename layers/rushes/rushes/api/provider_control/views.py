"""State of a provider, as operators see it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

State = Literal["available", "paused", "circuit_open", "throttled"]


class View(BaseModel):
    model_config = ConfigDict(frozen=True)


class PauseView(View):
    """A pause by an operator: no create call is sent to the provider."""

    reason: str
    since: datetime
    until: datetime | None
    """None: an operator resumes the provider."""


class CircuitView(View):
    """Failed create calls since the last one that succeeded."""

    model: str | None
    """The provider's name of the model whose API key is rejected; None: the provider is down."""
    state: Literal["open", "trial", "closed"]
    """trial: the next job makes a trial call. closed: too few calls failed so far."""
    open_until: datetime | None
    failing_since: datetime
    failures: int
    reason: str


class CallsView(View):
    """Calls of the last hour: creates, polls and cancels. They are estimates."""

    total: int
    failed: int
    error_rate: float | None
    """Share of the calls that failed; None without a call."""


class LastErrorView(View):
    """The latest failed call of the last hour."""

    at: datetime
    code: str
    upstream_code: str | None
    call: str


class JobsView(View):
    """Open jobs of a provider."""

    waiting: int = 0
    """For their create call."""
    creating: int = 0
    """Create calls that are sent now."""
    running: int = 0
    """Accepted by the provider, and not finished."""
    unconfirmed: int = 0
    """Of the waiting ones: a create call was sent, and its outcome is unknown."""
    fetched_again: int = 0
    """Finished jobs of which the provider may still have a result."""
    oldest_waiting_seconds: int | None = None


class ProviderView(View):
    name: str
    vendor: str | None
    """None of a provider that has left the configuration."""
    protocol: str | None
    models: int
    state: State
    pause: PauseView | None
    circuits: tuple[CircuitView, ...]
    throttled_until: datetime | None
    """The provider asked for no create call before that time."""
    calls: CallsView
    last_error: LastErrorView | None
    jobs: JobsView


class ProviderList(View):
    providers: tuple[ProviderView, ...]
    jobs_are_complete: bool
    """Whether all open jobs were counted; otherwise the numbers are lower bounds."""

"""Webhook endpoints and their signing secrets.

Pure values: times are seconds since 1970, and each step returns the next version. A write is
conditional on the version that was read. Unknown fields of a newer release are preserved, so that
a rollback loses nothing.
"""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from rushes.jobs.progress_events import TYPE as PROGRESS

Format = Literal["rushes", "openai", "fal", "pipelet"]
"""API whose webhook payload format the endpoint receives."""

MAX_ENDPOINTS = 100
"""Of one account: every event reads all of them."""
MIN_PAUSE, MAX_PAUSE = 60.0, 900.0
"""Seconds without attempts after a timeout."""
MAX_FAILURE_GAP = 36 * 3600.0
"""Failures further apart are no series; the retries of one message are closer together."""
SLOW_SECONDS = 5.0
"""Response time above which a response is slow."""
SLOW_RESPONSES = 3
"""Slow responses in a row after which a receiver is slow, until its first fast one. A single one
would make a receiver slow that is fast most of the time."""
MAX_SLOW_HOSTS = 100
"""Of one account; a further one replaces the oldest."""
NO_FAILURES: dict[str, Any] = {"failing_since": None, "failed_at": None, "timed_out_at": None}
HEALTHY: dict[str, Any] = {**NO_FAILURES, "slow_since": None, "slow_responses": 0}


class Secret(BaseModel):
    """HMAC secret. After a rotation the old one signs, too, until `expires_at`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    value: str = Field(repr=False)
    """Encrypted; the secret itself if version 0.2.0 or earlier stored it."""
    expires_at: float | None = None
    hint: str = ""
    """Last characters of the secret, for people; empty if version 0.2.0 or earlier stored it."""


class SecretOwner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    account: str
    secrets: tuple[Secret, ...]
    """Newest first."""
    version: int = 0

    def active_secrets(self, now: float) -> tuple[str, ...]:
        """Return the stored, encrypted values of the secrets that sign now."""
        active = (s for s in self.secrets if s.expires_at is None or s.expires_at > now)
        return tuple(secret.value for secret in active)


class RequestSecrets(SecretOwner):
    """Secrets of an account for webhook URLs that are part of a create request."""

    slow_hosts: dict[str, float] = Field(default_factory=dict)
    """Hosts of such URLs that are slow, and since when."""
    slow_responses: dict[str, int] = Field(default_factory=dict)
    """Slow responses in a row of hosts that are not slow yet; the last one to respond is last."""

    def record_response_time(self, host: str, now: float, seconds: float) -> Self:
        """Return the same object if nothing changes: a fast host stays fast, or a slow one slow."""
        is_slow = seconds > SLOW_SECONDS
        count = self.slow_responses.get(host, 0)
        if (host in self.slow_hosts) if is_slow else (host not in self.slow_hosts and not count):
            return self
        hosts = {name: since for name, since in self.slow_hosts.items() if name != host}
        counts = {name: number for name, number in self.slow_responses.items() if name != host}
        if is_slow and count + 1 < SLOW_RESPONSES:
            counts = {**dict([*counts.items()][1 - MAX_SLOW_HOSTS :]), host: count + 1}
        elif is_slow:
            newest = sorted(hosts.items(), key=lambda entry: entry[1])[1 - MAX_SLOW_HOSTS :]
            hosts = {**dict(newest), host: now}
        changes = {"slow_hosts": hosts, "slow_responses": counts, "version": self.version + 1}
        return self.model_copy(update=changes)


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class Endpoint(SecretOwner):
    """URL that receives an account's events."""

    id: str
    url: str
    description: str = ""
    event_types: tuple[str, ...] = ()
    """Empty, or `*`: all types but `job.progress`."""
    format: Format = "rushes"
    status: EndpointStatus = EndpointStatus.ENABLED
    disabled_reason: str | None = None
    failing_since: float | None = None
    """First failed attempt of the current series."""
    failed_at: float | None = None
    """Last failed attempt."""
    timed_out_at: float | None = None
    """Last attempt, if it timed out."""
    slow_since: float | None = None
    """Time of the slow response that made the endpoint slow; None if it is not slow."""
    slow_responses: int = 0
    """Slow responses in a row; not counted further while the endpoint is slow."""
    number: int | None = None
    """Number of endpoints that the account had added before; selects the message group. None for
    an endpoint of version 0.2.0 or earlier."""
    outbox: tuple[dict[str, Any], ...] = ()
    """Events about the endpoint itself, not yet published to the bus."""
    created_at: float
    updated_at: float

    @property
    def is_enabled(self) -> bool:
        return self.status is EndpointStatus.ENABLED

    @property
    def paused_until(self) -> float:
        """End of the pause after a timeout: as long as the endpoint has been failing already."""
        if self.timed_out_at is None or self.failing_since is None:
            return 0.0
        failing = self.timed_out_at - self.failing_since
        return self.timed_out_at + min(max(failing, MIN_PAUSE), MAX_PAUSE)

    def subscribes_to(self, event_type: str) -> bool:
        """`job.progress` is delivered only to an endpoint that names it."""
        if event_type == PROGRESS:
            return event_type in self.event_types
        return not self.event_types or bool({"*", event_type} & set(self.event_types))

    def updated(self, now: float, **changes: Any) -> Self:  # noqa: ANN401 - any field
        """Change fields for the owner; only such a change moves `updated_at`."""
        return self._step(updated_at=now, **changes)

    def record_failure(self, now: float, *, timed_out: bool = False) -> Self:
        last = self.failing_since if self.failed_at is None else self.failed_at
        is_first = last is None or now - last > MAX_FAILURE_GAP
        return self._step(
            failing_since=now if is_first else self.failing_since,
            failed_at=now,
            timed_out_at=now if timed_out else None,
        )

    def record_success(self) -> Self:
        return self if self.failing_since is None else self._step(**NO_FAILURES)

    def record_response_time(self, now: float, seconds: float) -> Self:
        """Return the same object if nothing changes: it was fast and is, or was slow and is."""
        if seconds <= SLOW_SECONDS:
            is_fast = self.slow_since is None and not self.slow_responses
            return self if is_fast else self._step(slow_since=None, slow_responses=0)
        if self.slow_since is not None:
            return self
        count = self.slow_responses + 1
        return self._step(slow_since=now if count >= SLOW_RESPONSES else None, slow_responses=count)

    def enabled(self, now: float) -> Self:
        return self.updated(now, status=EndpointStatus.ENABLED, disabled_reason=None, **HEALTHY)

    def disabled(self, now: float, reason: str, event: dict[str, Any] | None = None) -> Self:
        """Stop all deliveries. `event` informs the owner unless the owner requested it."""
        disabled = {"status": EndpointStatus.DISABLED, "disabled_reason": reason}
        if event is None:
            return self.updated(now, **disabled)
        return self._step(**disabled, outbox=(*self.outbox, event))

    def published(self, events: tuple[dict[str, Any], ...]) -> Self:
        """Remove the events from the outbox."""
        outbox = tuple(event for event in self.outbox if event not in events)
        return self if outbox == self.outbox else self._step(outbox=outbox)

    def _step(self, **changes: Any) -> Self:  # noqa: ANN401 - any field
        return self.model_copy(update={"version": self.version + 1, **changes})

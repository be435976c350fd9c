"""Webhook endpoints and their signing secrets.

Pure values: times are seconds since 1970, and each step returns the next version. A write is
conditional on the version that was read. Unknown fields of a newer release are preserved, so that
a rollback loses nothing.
"""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Format = Literal["rushes", "openai", "fal", "pipelet"]
"""API whose webhook payload format the endpoint receives."""

MIN_PAUSE, MAX_PAUSE = 60.0, 900.0
"""Seconds without attempts after a timeout."""
MAX_FAILURE_GAP = 36 * 3600.0
"""Failures further apart are no series; the retries of one message are closer together."""
HEALTHY: dict[str, Any] = {"failing_since": None, "failed_at": None, "timed_out_at": None}


class Secret(BaseModel):
    """HMAC secret. After a rotation the old one signs, too, until `expires_at`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    value: str = Field(repr=False)
    expires_at: float | None = None


class SecretOwner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    account: str
    secrets: tuple[Secret, ...]
    """Newest first."""
    version: int = 0

    def active_secrets(self, now: float) -> tuple[str, ...]:
        active = (s for s in self.secrets if s.expires_at is None or s.expires_at > now)
        return tuple(secret.value for secret in active)


class RequestSecrets(SecretOwner):
    """Secrets of an account for webhook URLs that are part of a create request."""


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class Endpoint(SecretOwner):
    """URL that receives an account's events."""

    id: str
    url: str
    description: str = ""
    event_types: tuple[str, ...] = ()
    """Empty, or `*`: all types."""
    format: Format = "rushes"
    status: EndpointStatus = EndpointStatus.ENABLED
    disabled_reason: str | None = None
    failing_since: float | None = None
    """First failed attempt of the current series."""
    failed_at: float | None = None
    """Last failed attempt."""
    timed_out_at: float | None = None
    """Last attempt, if it timed out."""
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
        return self if self.failing_since is None else self._step(**HEALTHY)

    def enabled(self, now: float) -> Self:
        return self.updated(now, status=EndpointStatus.ENABLED, disabled_reason=None, **HEALTHY)

    def disabled(self, now: float, reason: str, event: dict[str, Any] | None = None) -> Self:
        """Stop all deliveries. `event` informs the owner unless the owner requested it."""
        disabled = {"status": EndpointStatus.DISABLED, "disabled_reason": reason}
        if event is None:
            return self.updated(now, **disabled)
        return self._step(**disabled, outbox=(*self.outbox, event))

    def published(self) -> Self:
        return self._step(outbox=()) if self.outbox else self

    def _step(self, **changes: Any) -> Self:  # noqa: ANN401 - any field
        return self.model_copy(update={"version": self.version + 1, **changes})

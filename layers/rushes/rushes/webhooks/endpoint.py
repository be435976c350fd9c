"""Where an account has its events sent to, and what signs them.

Pure: no clock, no storage. Times are seconds since 1970. Every step gives a new value with the
next version; a write names the version that it was decided on. Fields that a newer version wrote
are kept, so that going back to this one loses nothing.
"""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Format = Literal["rushes", "openai", "fal", "pipelet"]
"""In which API's words a message is written."""

SHORTEST_HOLD, LONGEST_HOLD = 60.0, 900.0
"""Seconds for which an endpoint that did not answer in time is left in peace."""
QUIET_SECONDS = 36 * 3600.0
"""Failures so far apart are no series; one message's own are nearer to each other."""
HEALTHY: dict[str, Any] = {"failing_since": None, "failed_at": None, "timed_out_at": None}


class Secret(BaseModel):
    """What messages are signed with. A replaced one signs as well until `expires_at`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    value: str = Field(repr=False)
    expires_at: float | None = None


def _live(secrets: tuple[Secret, ...], now: float) -> tuple[str, ...]:
    return tuple(it.value for it in secrets if it.expires_at is None or it.expires_at > now)


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


class Endpoint(BaseModel):
    """An address that an account has its events sent to."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    account: str
    url: str
    description: str = ""
    event_types: tuple[str, ...] = ()
    """None, or `*`: all of them."""
    format: Format = "rushes"
    secrets: tuple[Secret, ...]
    """The newest first."""
    status: EndpointStatus = EndpointStatus.ENABLED
    disabled_reason: str | None = None
    failing_since: float | None = None
    """The first failed attempt since the last that succeeded, or since a long silence."""
    failed_at: float | None = None
    """The last failed attempt."""
    timed_out_at: float | None = None
    """The last attempt, if it had no answer in time."""
    outbox: tuple[dict[str, Any], ...] = ()
    """Events about the endpoint itself that are still to be put on the bus."""
    created_at: float
    updated_at: float
    version: int = 0

    @property
    def is_enabled(self) -> bool:
        return self.status is EndpointStatus.ENABLED

    @property
    def held_until(self) -> float:
        """Until then it is sent nothing, for as long again as it has been failing already."""
        if self.timed_out_at is None or self.failing_since is None:
            return 0.0
        failing = self.timed_out_at - self.failing_since
        return self.timed_out_at + min(max(failing, SHORTEST_HOLD), LONGEST_HOLD)

    def wants(self, event_type: str) -> bool:
        return not self.event_types or bool({"*", event_type} & set(self.event_types))

    def live_secrets(self, now: float) -> tuple[str, ...]:
        return _live(self.secrets, now)

    def step(self, now: float, **changes: Any) -> Self:  # noqa: ANN401 - any field
        """What its owner wants of it; only this is a change that its owner would call one."""
        return self._step(updated_at=now, **changes)

    def failing(self, now: float, *, timed_out: bool = False) -> Self:
        last = self.failing_since if self.failed_at is None else self.failed_at
        is_first = last is None or now - last > QUIET_SECONDS
        return self._step(
            failing_since=now if is_first else self.failing_since,
            failed_at=now,
            timed_out_at=now if timed_out else None,
        )

    def well(self) -> Self:
        return self if self.failing_since is None else self._step(**HEALTHY)

    def enabled(self, now: float) -> Self:
        return self.step(now, status=EndpointStatus.ENABLED, disabled_reason=None, **HEALTHY)

    def disabled(self, now: float, reason: str, event: dict[str, Any] | None = None) -> Self:
        """Nothing goes there any more. `event` is for an owner whose wish it was not."""
        disabled = {"status": EndpointStatus.DISABLED, "disabled_reason": reason}
        if event is None:
            return self.step(now, **disabled)
        return self._step(**disabled, outbox=(*self.outbox, event))

    def published(self) -> Self:
        return self._step(outbox=()) if self.outbox else self

    def _step(self, **changes: Any) -> Self:  # noqa: ANN401 - any field
        return self.model_copy(update={"version": self.version + 1, **changes})


class RequestSecrets(BaseModel):
    """What signs the messages to addresses that an account's single requests name."""

    model_config = ConfigDict(frozen=True, extra="allow")

    account: str
    secrets: tuple[Secret, ...]
    version: int = 0

    def live_secrets(self, now: float) -> tuple[str, ...]:
        return _live(self.secrets, now)

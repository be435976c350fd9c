"""Deliveries: one event on its way to one receiver, and the state transitions.

Pure values: times are seconds since 1970, and each step returns the next version.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from rushes.jobs.events import log_fields
from rushes.jobs.request import WebhookTarget
from rushes.jobs.stored_job import formerly
from rushes.webhooks.attempt import DeliveryAttempt, trim_manual
from rushes.webhooks.endpoint import Endpoint

RETENTION_SECONDS = 30 * 24 * 3600.0
QUEUED_SECONDS = 60.0
"""Seconds after which the sweeper queues a due delivery again."""
RESEND_GAP = 60.0
"""Seconds until a resend request is queued again if its attempt has not begun."""
CLOCK_SKEW = 2.0
"""Tolerated seconds between the clocks of two functions."""
TARGET = "target"
"""Receiver id of deliveries to the webhook URL of a create request."""


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """All attempts of the schedule failed, or the receiver answered 410."""
    CANCELLED = "cancelled"
    """The endpoint was disabled or deleted first."""


class Delivery(BaseModel):
    """One event for one endpoint, or for the webhook URL of the job's create request."""

    model_config = ConfigDict(frozen=True, extra="allow")

    message_id: str
    """Id of the event; the same in all attempts and deliveries of the event."""
    account: str
    endpoint_id: str | None = None
    target: WebhookTarget | None = None
    """Set instead of `endpoint_id`."""
    endpoint_number: int | None = None
    """`Endpoint.number`; selects the message group."""
    event: dict[str, Any]
    """Event as published to the bus."""
    format: str = "rushes"
    """A `Format`; an unknown one is rendered as `rushes`."""
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: tuple[DeliveryAttempt, ...] = ()
    next_attempt_at: float | None = None
    """None in a terminal status."""
    lease_until: float | None = None
    """Until then another invocation may be making an attempt."""
    queued_until: float | None = None
    """Until then the sweeper assumes that a queue holds the delivery."""
    requeues: int = 0
    """Times that the sweeper queued it since the last attempt."""
    resent_from: DeliveryStatus | None = None
    """Status before the resend request, while its attempt is due."""
    resent_at: float | None = None
    """Last resend request."""
    planned_at: float | None = None
    """Next scheduled attempt, while a manual one is due."""
    is_paused: bool = formerly("is_paused", "is_held", default=False)
    """True if postponed because the receiver is paused after a timeout, or slow."""
    is_test: bool = False
    """One attempt only; its result does not count for the endpoint."""
    created_at: float
    updated_at: float
    expires_at: float
    version: int = 0

    @classmethod
    def for_endpoint(cls, endpoint: Endpoint, event: Mapping[str, Any], now: float) -> Self:
        receiver = {"endpoint_id": endpoint.id, "endpoint_number": endpoint.number}
        return cls._new(endpoint.account, event, now, format=endpoint.format, **receiver)

    @classmethod
    def for_url(
        cls, target: WebhookTarget, account: str, event: Mapping[str, Any], now: float
    ) -> Self:
        return cls._new(account, event, now, target=target, format=target.format)

    @classmethod
    def test(cls, endpoint: Endpoint, event: Mapping[str, Any], now: float) -> Self:
        return cls.for_endpoint(endpoint, event, now).model_copy(update={"is_test": True})

    @classmethod
    def _new(cls, account: str, event: Mapping[str, Any], now: float, **fields: Any) -> Self:  # noqa: ANN401 - any field
        return cls(
            message_id=event["id"],
            account=account,
            event=dict(event),
            next_attempt_at=now,
            queued_until=now + QUEUED_SECONDS,
            created_at=now,
            updated_at=now,
            expires_at=now + RETENTION_SECONDS,
            **fields,
        )

    @property
    def receiver(self) -> str:
        return self.endpoint_id or TARGET

    @property
    def host(self) -> str:
        """Host of the create request's webhook URL; empty for an endpoint."""
        return (urlsplit(self.target.url).hostname or "") if self.target else ""

    @property
    def id(self) -> str:
        """Derived from event and receiver, so that a repeated event creates no second delivery."""
        return f"{self.message_id}.{self.receiver}"

    @property
    def cursor(self) -> str:
        """Sort key within a receiver's list: creation time, then message id."""
        return f"{self.created_at:017.3f}#{self.message_id}"

    @property
    def next_check_at(self) -> float | None:
        """Next time for the sweeper; None in a terminal status."""
        if self.next_attempt_at is None:
            return None
        return max(self.next_attempt_at, self.queued_until or 0.0, self.lease_until or 0.0)

    @property
    def job_id(self) -> str | None:
        """None if the event is not about a job."""
        job_id = self.event["data"].get("id") if self.event["type"].startswith("job.") else None
        return str(job_id) if job_id else None

    @property
    def log_fields(self) -> dict[str, Any]:
        """The ids in each log line and metric about the delivery."""
        return {**log_fields(self.event), "account": self.account}

    @property
    def scheduled_attempts(self) -> int:
        return sum(attempt.trigger == "scheduled" for attempt in self.attempts)

    def is_due(self, now: float) -> bool:
        waits = self.next_attempt_at is None or self.next_attempt_at > now + CLOCK_SKEW
        is_leased = self.lease_until is not None and self.lease_until > now
        return self.status is DeliveryStatus.PENDING and not waits and not is_leased

    def leased(self, now: float, seconds: float) -> Self:
        """Reserve the next attempt for this invocation."""
        return self._step(now, lease_until=now + seconds, is_paused=False, requeues=0)

    def paused(self, now: float, until: float, queued_until: float | None = None) -> Self:
        """Postpone without an attempt; `queued_until` is None if the sweeper is to queue it."""
        postponed = {"next_attempt_at": until, "queued_until": queued_until}
        return self._step(now, **postponed, is_paused=True, requeues=0)

    def queued(self, now: float, until: float) -> Self:
        return self._step(now, queued_until=until, requeues=self.requeues + 1)

    def deferred(self, now: float, until: float) -> Self:
        """Leave a due delivery out of the queue until then, behind others of its endpoint."""
        return self._step(now, queued_until=until)

    def resent(self, now: float) -> Self:
        """Request one manual attempt at once; a repeated request within a minute changes nothing.

        A request during an attempt or a pause is no repetition: it requires another attempt.
        """
        is_leased = self.lease_until is not None and self.lease_until > now
        is_requested = self.resent_from is not None and now - (self.resent_at or 0.0) < RESEND_GAP
        if is_requested and not is_leased and not self.is_paused:
            return self
        return self._step(
            now,
            status=DeliveryStatus.PENDING,
            next_attempt_at=now,
            queued_until=None,
            resent_from=self.resent_from or self.status,
            resent_at=now,
            planned_at=self.planned_at if self.resent_from else self.next_attempt_at,
            is_paused=False,
        )

    def delivered(self, now: float, attempt: DeliveryAttempt) -> Self:
        return self._finished(now, DeliveryStatus.DELIVERED, attempt)

    def rescheduled(
        self, now: float, attempt: DeliveryAttempt, until: float, queued_until: float | None
    ) -> Self:
        """Record a failed attempt and plan the next one.

        `queued_until` is None if the delay is longer than a queue supports.
        """
        return self._step(
            now,
            attempts=trim_manual((*self.attempts, attempt)),
            next_attempt_at=until,
            queued_until=queued_until,
            lease_until=None,
            resent_from=None,
            planned_at=None,
        )

    def with_attempt(self, now: float, attempt: DeliveryAttempt) -> Self:
        """Record an attempt only: the status became terminal during it."""
        return self._step(now, attempts=trim_manual((*self.attempts, attempt)))

    def failed(self, now: float, attempt: DeliveryAttempt) -> Self:
        """Record the last failure; a failed resend restores the earlier terminal status."""
        return self._finished(now, self._status_before_resend or DeliveryStatus.FAILED, attempt)

    def cancelled(self, now: float) -> Self:
        return self._finished(now, self._status_before_resend or DeliveryStatus.CANCELLED)

    @property
    def _status_before_resend(self) -> DeliveryStatus | None:
        """Terminal status before the resend request, if there was one."""
        return None if self.resent_from is DeliveryStatus.PENDING else self.resent_from

    def _finished(self, now: float, status: DeliveryStatus, *attempts: DeliveryAttempt) -> Self:
        return self._step(
            now,
            status=status,
            attempts=trim_manual((*self.attempts, *attempts)),
            next_attempt_at=None,
            lease_until=None,
            queued_until=None,
            resent_from=None,
            planned_at=None,
            is_paused=False,
        )

    def _step(self, now: float, **changes: Any) -> Self:  # noqa: ANN401 - any field
        return self.model_copy(update={"updated_at": now, "version": self.version + 1, **changes})


class DeliveryPage(BaseModel):
    """Page of an endpoint's deliveries, newest first."""

    model_config = ConfigDict(frozen=True)

    deliveries: tuple[Delivery, ...] = ()
    has_more: bool = False

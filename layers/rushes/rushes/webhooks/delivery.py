"""An event on its way to a receiver, and the steps it may take.

Pure, as `model` is: times are seconds since 1970, and every step gives the next version.
"""

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from rushes.jobs.request import WebhookTarget
from rushes.webhooks.attempt import Attempt, kept

KEEP_SECONDS = 30 * 24 * 3600.0
"""How long a delivery can be looked at and sent again."""
QUEUED_SECONDS = 60.0
"""For so long a delivery that is due is trusted to stand in a queue."""
CLOCK_SKEW = 2.0
"""Seconds by which whoever put a message back and whoever gets it may disagree."""
TARGET = "target"
"""Stands where an endpoint's id would, in deliveries to the address of one request."""


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Every attempt of the schedule failed, or the receiver wants nothing more."""
    CANCELLED = "cancelled"
    """Its endpoint was disabled or deleted first."""


class Delivery(BaseModel):
    """One event on its way to one endpoint, or to the address that its job's request named."""

    model_config = ConfigDict(frozen=True, extra="allow")

    message_id: str
    """The event's id: the same in every attempt and in every delivery of the event."""
    account: str
    endpoint_id: str | None = None
    target: WebhookTarget | None = None
    """Where it goes, if not to an endpoint."""
    event: dict[str, Any]
    """As on the bus."""
    format: str = "rushes"
    """One of `Format`; a word that is not known here is answered in the bus's own."""
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: float | None = None
    """None once nothing more will be tried."""
    lease_until: float | None = None
    """Until then somebody is making an attempt, unless they died."""
    queued_until: float | None = None
    """Until then it is believed to stand in a queue, and is not put there again."""
    requeues: int = 0
    """How often the sweeper has put it into a queue since it was last taken out of one."""
    resent_from: DeliveryStatus | None = None
    """While an attempt that somebody asked for is due: the status before."""
    resent_at: float | None = None
    """When somebody last asked for an attempt."""
    planned_at: float | None = None
    """While an attempt that somebody asked for is due: when the schedule's next one is."""
    is_held: bool = False
    """Whether it was put off because its endpoint did not answer something else in time."""
    is_test: bool = False
    """It is tried once, and tells nothing of its endpoint."""
    created_at: float
    updated_at: float
    expires_at: float
    version: int = 0

    @property
    def receiver(self) -> str:
        return self.endpoint_id or TARGET

    @property
    def id(self) -> str:
        """Follows from the event and the receiver: the same event again makes no second one."""
        return f"{self.message_id}.{self.receiver}"

    @property
    def cursor(self) -> str:
        """Orders the deliveries of a receiver by when they were made."""
        return f"{self.created_at:017.3f}#{self.message_id}"

    @property
    def next_check_at(self) -> float | None:
        """When the sweeper is to look at it; None once nothing more will be tried."""
        if self.next_attempt_at is None:
            return None
        return max(self.next_attempt_at, self.queued_until or 0.0, self.lease_until or 0.0)

    @property
    def job_id(self) -> str | None:
        """None for an event that is not a job's."""
        found = self.event["data"].get("id") if self.event["type"].startswith("job.") else None
        return str(found) if found else None

    @property
    def tries(self) -> int:
        """How many attempts of the schedule were made."""
        return sum(attempt.trigger == "scheduled" for attempt in self.attempts)

    def _step(self, now: float, **changes: Any) -> Self:  # noqa: ANN401 - any field
        return self.model_copy(update={"updated_at": now, "version": self.version + 1, **changes})

    def is_due(self, now: float) -> bool:
        waits = self.next_attempt_at is None or self.next_attempt_at > now + CLOCK_SKEW
        is_leased = self.lease_until is not None and self.lease_until > now
        return self.status is DeliveryStatus.PENDING and not waits and not is_leased

    def leased(self, now: float, seconds: float) -> Self:
        """An attempt is about to be made; nobody else may make one until the lease ends."""
        return self._step(now, lease_until=now + seconds, is_held=False, requeues=0)

    def held(self, now: float, until: float) -> Self:
        """Put off without an attempt."""
        return self._step(now, next_attempt_at=until, queued_until=None, is_held=True, requeues=0)

    def queued(self, now: float, until: float) -> Self:
        return self._step(now, queued_until=until, requeues=self.requeues + 1)

    def waiting(self, now: float, until: float) -> Self:
        """Due, and not put into a queue before that moment: others are there already."""
        return self._step(now, queued_until=until)

    def resent(self, now: float) -> Self:
        """One more attempt, at once, because somebody asked for it."""
        return self._step(
            now,
            status=DeliveryStatus.PENDING,
            next_attempt_at=now,
            queued_until=None,
            resent_from=self.resent_from or self.status,
            resent_at=now,
            planned_at=self.planned_at if self.resent_from else self.next_attempt_at,
            is_held=False,
        )

    def delivered(self, now: float, attempt: Attempt) -> Self:
        return self._ended(now, DeliveryStatus.DELIVERED, attempt)

    def postponed(
        self, now: float, attempt: Attempt, until: float, queued_until: float | None
    ) -> Self:
        """It failed and will be tried again; None where no queue can keep it for so long."""
        return self._step(
            now,
            attempts=kept((*self.attempts, attempt)),
            next_attempt_at=until,
            queued_until=queued_until,
            lease_until=None,
            resent_from=None,
            planned_at=None,
        )

    def noted(self, now: float, attempt: Attempt) -> Self:
        """It was decided otherwise while the attempt was on its way."""
        return self._step(now, attempts=kept((*self.attempts, attempt)))

    def given_up(self, now: float, attempt: Attempt) -> Self:
        """It failed for good; what somebody asked for leaves it as it was before."""
        return self._ended(now, self._settled or DeliveryStatus.FAILED, attempt)

    def cancelled(self, now: float) -> Self:
        return self._ended(now, self._settled or DeliveryStatus.CANCELLED)

    @property
    def _settled(self) -> DeliveryStatus | None:
        """How it had ended before somebody asked for one more attempt."""
        return None if self.resent_from is DeliveryStatus.PENDING else self.resent_from

    def _ended(self, now: float, status: DeliveryStatus, *attempts: Attempt) -> Self:
        return self._step(
            now,
            status=status,
            attempts=kept((*self.attempts, *attempts)),
            next_attempt_at=None,
            lease_until=None,
            queued_until=None,
            resent_from=None,
            planned_at=None,
            is_held=False,
        )


class DeliveryPage(BaseModel):
    """A part of an endpoint's list of deliveries, newest first."""

    model_config = ConfigDict(frozen=True)

    deliveries: tuple[Delivery, ...] = ()
    has_more: bool = False

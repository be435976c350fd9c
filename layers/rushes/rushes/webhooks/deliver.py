"""One attempt at one delivery.

    lease ──► POST ──► what it says of the endpoint ──► what comes next
      │         │                  │                        │
      └─────────┴──── died here: due again when the lease ends: a second POST, the same id

What somebody hears twice they know by the id; what nobody wrote down is tried again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.errors import (
    NotFound,
    RushesError,
    StoreUnavailable,
    UpstreamError,
)
from rushes.ports import Bus, Clock
from rushes.webhooks import notices, schedule, signature
from rushes.webhooks.attempt import EXCERPT_BYTES, Attempt, AttemptKind
from rushes.webhooks.delivery import QUEUED_SECONDS, Delivery, DeliveryStatus
from rushes.webhooks.model import Endpoint
from rushes.webhooks.ports import (
    LONGEST_DELAY,
    Deliveries,
    Endpoints,
    Notifier,
    Queue,
    Writer,
)
from rushes.webhooks.tickets import ticket

LEASE_SECONDS = 45.0
"""Longer than the function may run."""

logger = Logger(service="rushes", child=True)


class NotDue(RushesError):
    """Somebody else has made the attempt, or is making it."""


@dataclass(frozen=True)
class Tried:
    attempt: Attempt
    retry_after: str | None = None


@dataclass(frozen=True)
class Deliver:
    deliveries: Deliveries
    endpoints: Endpoints
    queue: Queue
    bus: Bus
    notifier: Notifier
    write: Writer
    clock: Clock
    dice: Callable[[], float]

    def __call__(self, account: str, message_id: str, receiver: str) -> str:
        """A word for what came of it. A repetition finds nothing due, and does nothing."""
        try:
            delivery = self.deliveries.change(account, message_id, receiver, self._taken)
        except NotDue:
            return "not_due"
        except NotFound:
            return "gone"
        if delivery.target:
            secrets = self.endpoints.request_secrets(account).live_secrets(self.clock())
            return self._record(delivery, self._post(delivery, delivery.target.url, secrets))
        endpoint = self.endpoints.get(account, receiver)
        if endpoint is None or not endpoint.is_enabled:
            return self._cancel(delivery, endpoint)
        secrets = endpoint.live_secrets(self.clock())
        tried = self._post(delivery, endpoint.url, secrets)
        goes_on = self._learn(endpoint, tried.attempt)
        return self._record(delivery, tried, goes_on=goes_on)

    def _taken(self, delivery: Delivery) -> Delivery:
        now = self.clock()
        if not delivery.is_due(now):
            raise NotDue(f"{delivery.id} is not due")
        return delivery.leased(now, LEASE_SECONDS)

    def _post(self, delivery: Delivery, url: str, secrets: tuple[str, ...]) -> Tried:
        body = self.write(delivery)
        at = self.clock()
        signed = signature.headers(delivery.message_id, at, body, secrets)
        kind: AttemptKind = "manual" if delivery.resent_from else "scheduled"
        try:
            reply = self.notifier.notify(url, {"content-type": "application/json", **signed}, body)
        except UpstreamError as error:
            latency = self._since(at)
            return Tried(Attempt(at=at, error=error.error_code, latency_ms=latency, kind=kind))
        attempt = Attempt(
            at=at,
            status_code=reply.status,
            latency_ms=self._since(at),
            response_excerpt=reply.body[:EXCERPT_BYTES].decode(errors="replace"),
            kind=kind,
        )
        return Tried(attempt, reply.headers.get("retry-after"))

    def _since(self, moment: float) -> int:
        return round((self.clock() - moment) * 1000)

    def _learn(self, endpoint: Endpoint, attempt: Attempt) -> bool:
        """Keep what the attempt tells of the endpoint; whether it is still sent to.

        It tells nothing of an address that has been put in its place meanwhile.
        """
        if schedule.succeeded(attempt) and endpoint.failing_since is None:
            return True

        def change(current: Endpoint) -> Endpoint:
            is_same = current.is_enabled and current.url == endpoint.url
            return self._judged(current, attempt) if is_same else current

        try:
            current = self.endpoints.change(endpoint.account, endpoint.id, change)
        except NotFound:
            return False
        self._announce(current)
        return current.is_enabled

    def _judged(self, endpoint: Endpoint, attempt: Attempt) -> Endpoint:
        if schedule.succeeded(attempt):
            return endpoint.well()
        now = self.clock()
        failing = endpoint.failing(now)
        since = now if failing.failing_since is None else failing.failing_since
        if attempt.status_code == schedule.GONE:
            return failing.disabled(now, "gone", notices.disabled(failing, now, "gone"))
        if now - since >= schedule.DISABLED_AFTER:
            return failing.disabled(now, "failing", notices.disabled(failing, now, "failing"))
        return failing

    def _announce(self, endpoint: Endpoint) -> None:
        """Before the attempt is written down: until then the delivery is due, and comes again."""
        if not endpoint.outbox:
            return
        if self.bus.put(endpoint.outbox):
            raise StoreUnavailable("the bus did not take what is to be said of an endpoint")
        self.endpoints.change(endpoint.account, endpoint.id, Endpoint.announced)

    def _cancel(self, delivery: Delivery, endpoint: Endpoint | None) -> str:
        if endpoint:
            self._announce(endpoint)
        return self._changed(delivery, lambda current: current.cancelled(self.clock())).status.value

    def _record(self, delivery: Delivery, tried: Tried, *, goes_on: bool = True) -> str:
        def change(current: Delivery) -> Delivery:
            if schedule.succeeded(tried.attempt):
                return current.delivered(self.clock(), tried.attempt)
            if current.status is not DeliveryStatus.PENDING:
                return current.noted(self.clock(), tried.attempt)
            return self._failed(current, tried, goes_on=goes_on)

        written = self._changed(delivery, change)
        self._queue_again(written)
        return written.status.value

    def _failed(self, delivery: Delivery, tried: Tried, *, goes_on: bool) -> Delivery:
        now, attempt = self.clock(), tried.attempt
        asked_for = attempt.kind == "manual"
        tries = delivery.tries + (not asked_for)
        is_over = asked_for and delivery.resent_from is not DeliveryStatus.PENDING
        delay = schedule.next_delay(tries, attempt, tried.retry_after, now, self.dice())
        if delay is None or is_over or not goes_on or attempt.status_code == schedule.GONE:
            return delivery.given_up(now, attempt)
        return delivery.postponed(now, attempt, now + delay, self._trusted_until(now, delay))

    @staticmethod
    def _trusted_until(now: float, delay: float) -> float | None:
        """The queue cannot keep anything back for long; the sweeper brings the rest."""
        return now + delay + QUEUED_SECONDS if delay <= LONGEST_DELAY else None

    def _queue_again(self, delivery: Delivery) -> None:
        """What goes wrong here costs a minute: then the sweeper finds it."""
        if delivery.next_attempt_at is None or delivery.queued_until is None:
            return
        try:
            self.queue.put_later(ticket(delivery), delivery.next_attempt_at - self.clock())
        except RushesError as error:
            logger.warning("not queued again", delivery=delivery.id, reason=error.message)

    def _changed(self, delivery: Delivery, change: Callable[[Delivery], Delivery]) -> Delivery:
        return self.deliveries.change(
            delivery.account, delivery.message_id, delivery.receiver, change
        )

"""One attempt at one delivery.

    lease ──► POST ──► what it says of the endpoint ──► what comes next
      │         │                  │                        │
      └─────────┴──── died here: due again when the lease ends: a second POST, the same id

What somebody hears twice they know by the id; what nobody wrote down is tried again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from rushes.errors import (
    AwsUnavailable,
    NotFound,
    RushesError,
    UpstreamError,
)
from rushes.ports import Bus, Clock
from rushes.webhooks import retry_policy, signature
from rushes.webhooks.attempt import UNWRITABLE, Attempt, AttemptTrigger, excerpt
from rushes.webhooks.attempt_result import (
    AttemptResult,
    is_held,
    judged,
    recorded,
    tells_of_endpoint,
)
from rushes.webhooks.delivery import TARGET, Delivery
from rushes.webhooks.endpoint import Endpoint
from rushes.webhooks.ports import Deliveries, Endpoints, Notifier, Queue, Writer
from rushes.webhooks.queue_message import ticket

LEASE_SECONDS = 45.0
"""Longer than the function may run."""

logger = Logger(service="rushes", child=True)


class NotDue(RushesError):
    """Somebody else has made the attempt, or is making it."""


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
        endpoint = None if receiver == TARGET else self.endpoints.get(account, receiver)
        try:
            delivery = self.deliveries.change(
                account, message_id, receiver, lambda it: self._taken(it, endpoint)
            )
        except NotDue:
            return "not_due"
        except NotFound:
            return "gone"
        return "held" if delivery.is_held else self._attempt(delivery, endpoint)

    def _attempt(self, delivery: Delivery, endpoint: Endpoint | None) -> str:
        if delivery.target:
            kept = self.endpoints.request_secrets(delivery.account)
            secrets = kept.live_secrets(self.clock())
            return self._record(delivery, self._post(delivery, delivery.target.url, secrets))
        if endpoint is None or not endpoint.is_enabled:
            return self._cancel(delivery, endpoint)
        secrets = endpoint.live_secrets(self.clock())
        tried = self._post(delivery, endpoint.url, secrets)
        goes_on = self._learn(endpoint, delivery, tried.attempt)
        return self._record(delivery, replace(tried, is_last=not goes_on))

    def _taken(self, delivery: Delivery, endpoint: Endpoint | None) -> Delivery:
        now = self.clock()
        if not delivery.is_due(now):
            raise NotDue(f"{delivery.id} is not due")
        if endpoint and is_held(delivery, endpoint, now):
            return delivery.held(now, endpoint.held_until)
        return delivery.leased(now, LEASE_SECONDS)

    def _post(self, delivery: Delivery, url: str, secrets: tuple[str, ...]) -> AttemptResult:
        trigger: AttemptTrigger = "manual" if delivery.resent_from else "scheduled"
        try:
            body = self.write(delivery)
        except Exception:  # whatever it is, what is behind it in its lane must not wait for it
            logger.exception("nothing could be written", delivery=delivery.id)
            return AttemptResult(Attempt(at=self.clock(), error=UNWRITABLE, trigger=trigger))
        at = self.clock()
        signed = signature.headers(delivery.message_id, at, body, secrets)
        try:
            reply = self.notifier.notify(url, {"content-type": "application/json", **signed}, body)
        except UpstreamError as error:
            latency = self._since(at)
            return AttemptResult(
                Attempt(at=at, error=error.error_code, latency_ms=latency, trigger=trigger)
            )
        attempt = Attempt(
            at=at,
            status_code=reply.status,
            latency_ms=self._since(at),
            response_excerpt=excerpt(reply.body),
            trigger=trigger,
        )
        return AttemptResult(attempt, reply.headers.get("retry-after"))

    def _since(self, moment: float) -> int:
        return round((self.clock() - moment) * 1000)

    def _learn(self, endpoint: Endpoint, delivery: Delivery, attempt: Attempt) -> bool:
        """Keep what the attempt tells of the endpoint; whether it is still sent to.

        It tells nothing of an address that has been put in its place meanwhile.
        """
        is_news = endpoint.failing_since is not None or not retry_policy.succeeded(attempt)
        if not is_news or not tells_of_endpoint(delivery, attempt):
            return True

        def change(current: Endpoint) -> Endpoint:
            is_same = current.is_enabled and current.url == endpoint.url
            return judged(current, attempt, self.clock()) if is_same else current

        try:
            current = self.endpoints.change(endpoint.account, endpoint.id, change)
        except NotFound:
            return False
        self._publish(current)
        return current.is_enabled

    def _publish(self, endpoint: Endpoint) -> None:
        """Before the attempt is written down: until then the delivery is due, and comes again."""
        if not endpoint.outbox:
            return
        if self.bus.put(endpoint.outbox):
            raise AwsUnavailable("the bus did not take what is to be said of an endpoint")
        self.endpoints.change(endpoint.account, endpoint.id, Endpoint.published)

    def _cancel(self, delivery: Delivery, endpoint: Endpoint | None) -> str:
        if endpoint:
            self._publish(endpoint)
        return self._changed(delivery, lambda current: current.cancelled(self.clock())).status.value

    def _record(self, delivery: Delivery, tried: AttemptResult) -> str:
        def change(current: Delivery) -> Delivery:
            return recorded(current, delivery, tried, self.clock(), self.dice())

        written = self._changed(delivery, change)
        self._queue_again(written)
        return written.status.value

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

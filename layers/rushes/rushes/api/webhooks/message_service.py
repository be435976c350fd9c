"""List messages and deliveries, resend them, and send tests."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from rushes.api.webhooks import samples
from rushes.api.webhooks.event_types import event_type_for
from rushes.api.webhooks.schemas import MAX_ID, Page, ResendRequest
from rushes.errors import InvalidRequest, NotFound, RushesError, UnknownCursor
from rushes.ports import Clock
from rushes.webhooks import operational_events
from rushes.webhooks.attempt_result import is_slow
from rushes.webhooks.delivery import Delivery, DeliveryPage
from rushes.webhooks.endpoint import Endpoint
from rushes.webhooks.log_events import DELIVERY_NOT_QUEUED
from rushes.webhooks.payloads import COMPLETED, supports
from rushes.webhooks.ports import DeliveryRepository, EndpointRepository, Queue
from rushes.webhooks.queue_message import DeliveryTask

PAGE = 100
MAX_RESENT = 200
"""Messages per call: each is one write and one SQS message, and the call has 30 seconds."""
MAX_READ = 2000
"""Messages read per call: an account can send any number of tests, which are not resent."""
TEST_SECONDS = 8.0
"""Time limit for the first attempt of a test."""
POLL_SECONDS = 0.2

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Resent:
    """`last` is the last message read of an incomplete range; `after` continues from there."""

    count: int
    last: str | None = None


@dataclass(frozen=True)
class MessageService:
    endpoints: EndpointRepository
    deliveries: DeliveryRepository
    queue: Queue
    clock: Clock
    sleep: Callable[[float], None]

    def page(self, endpoint: Endpoint, page: Page) -> DeliveryPage:
        after = self._cursor(endpoint, page.after) if page.after is not None else None
        return self.deliveries.page(endpoint.account, endpoint.id, page.limit, after)

    def message(self, account: str, message_id: str) -> tuple[Delivery, ...]:
        """Return all deliveries of an event."""
        is_id = len(message_id) <= MAX_ID
        deliveries = self.deliveries.of_message(account, message_id) if is_id else ()
        if not deliveries:
            raise _unknown_message(message_id)
        return deliveries

    def resend_message(self, account: str, message_id: str) -> Resent:
        """Resend an event to all its receivers, except disabled and deleted endpoints."""
        deliveries = self.message(account, message_id)
        receivers = [delivery.receiver for delivery in deliveries if self._is_active(delivery)]
        for receiver in receivers:
            self.resend_delivery(account, message_id, receiver)
        return Resent(len(receivers))

    def resend(self, endpoint: Endpoint, body: ResendRequest) -> Resent:
        _ensure_enabled(endpoint)
        if body.message_id is None:
            if body.since is None:
                raise InvalidRequest("message_id or since is required", param="message_id")
            return self._resend_range(endpoint, body, body.since.timestamp())
        if body.since or body.until or body.after:
            raise InvalidRequest(
                "message_id cannot be combined with since, until or after", param="message_id"
            )
        if self.deliveries.get(endpoint.account, body.message_id, endpoint.id) is None:
            raise _unknown_message(body.message_id)
        self.resend_delivery(endpoint.account, body.message_id, endpoint.id)
        return Resent(1)

    def resend_delivery(
        self, account: str, message_id: str, receiver: str, *, queue: bool = True
    ) -> Delivery:
        """Request a manual attempt; raise NotFound if there is no such delivery.

        Without `queue` the sweeper queues it. A repeated request adds no message to the queue.
        """
        now = self.clock()
        delivery = self.deliveries.change(
            account, message_id, receiver, lambda current: current.resent(now)
        )
        return self._queued(delivery) if queue and delivery.resent_at == now else delivery

    def test(self, endpoint: Endpoint, event_type: str | None) -> Delivery:
        """Send a test event and wait up to 8 seconds for its attempt."""
        _ensure_enabled(endpoint)
        delivery = self.send_test(endpoint, self._test_event(endpoint, event_type))
        deadline = self.clock() + TEST_SECONDS
        while not delivery.attempts and self.clock() < deadline:
            self.sleep(POLL_SECONDS)
            stored = self.deliveries.get(delivery.account, delivery.message_id, delivery.receiver)
            delivery = stored or delivery
        return delivery

    def send_test(self, endpoint: Endpoint, event: Mapping[str, Any]) -> Delivery:
        """Send an event to one endpoint, regardless of its event types."""
        delivery = Delivery.test(endpoint, event, self.clock())
        self.deliveries.add(delivery)
        return self._queued(delivery)

    def _queued(self, delivery: Delivery) -> Delivery:
        """Queue a delivery; if SQS fails, the sweeper does it within a minute."""
        try:
            task = DeliveryTask.for_delivery(delivery, slow=self._is_slow(delivery))
            reason = "rejected" if self.queue.put([task]) else ""
        except RushesError as error:
            reason = error.message
        if reason:
            logger.warning(
                DELIVERY_NOT_QUEUED, **delivery.log_fields, delivery=delivery.id, reason=reason
            )
        return delivery

    def _is_slow(self, delivery: Delivery) -> bool:
        if delivery.endpoint_id is None:
            return is_slow(delivery, self.endpoints.request_secrets(delivery.account))
        return is_slow(delivery, self.endpoints.get(delivery.account, delivery.endpoint_id))

    def _resend_range(self, endpoint: Endpoint, body: ResendRequest, since: float) -> Resent:
        """Resend the newest `MAX_RESENT` messages of the range; tests are left out.

        The sweeper queues those for a slow endpoint, a few per minute.
        """
        count, last, queue = 0, None, endpoint.slow_since is None
        for read, delivery in enumerate(self._since(endpoint, since, self._start(endpoint, body))):
            if count == MAX_RESENT or read == MAX_READ:
                return Resent(count, last)
            if not delivery.is_test:
                self.resend_delivery(
                    endpoint.account, delivery.message_id, endpoint.id, queue=queue
                )
                count += 1
            last = delivery.message_id
        return Resent(count)

    def _start(self, endpoint: Endpoint, body: ResendRequest) -> str | None:
        """Return the cursor of the range's newer end, which is exclusive."""
        if body.after is not None:
            return self._cursor(endpoint, body.after)
        return f"{body.until.timestamp():017.3f}#" if body.until else None

    def _since(self, endpoint: Endpoint, since: float, after: str | None) -> Iterator[Delivery]:
        while True:
            page = self.deliveries.page(endpoint.account, endpoint.id, PAGE, after)
            for delivery in page.deliveries:
                if delivery.created_at < since:
                    return
                yield delivery
            if not page.has_more:
                return
            after = page.deliveries[-1].cursor

    def _test_event(self, endpoint: Endpoint, event_type: str | None) -> dict[str, Any]:
        """Build a sample event; `event_type` may be the format's name or the bus's."""
        name, format_name = secrets.token_hex(10), endpoint.format
        types = [known for known in samples.JOB_EVENT_TYPES if supports(format_name, known)]
        if supports(format_name, operational_events.TEST):
            types.insert(0, operational_events.TEST)
        if event_type is None:
            event_type = operational_events.TEST if format_name == "rushes" else COMPLETED
        for known in types:
            if event_type not in (known, event_type_for(format_name, known)):
                continue
            if known == operational_events.TEST:
                return operational_events.webhook_test(endpoint, self.clock(), name)
            return samples.sample(known, endpoint.account, f"job_test_{name}", self.clock())
        allowed = dict.fromkeys(event_type_for(format_name, known) for known in types)
        raise InvalidRequest(
            f"event_type must be one of {', '.join(allowed)} (got {event_type[:80]})",
            param="event_type",
        )

    def _cursor(self, endpoint: Endpoint, message_id: str) -> str:
        delivery = self.deliveries.get(endpoint.account, message_id, endpoint.id)
        if delivery is None:
            raise UnknownCursor("after: unknown cursor", param="after")
        return delivery.cursor

    def _is_active(self, delivery: Delivery) -> bool:
        if delivery.endpoint_id is None:
            return True
        endpoint = self.endpoints.get(delivery.account, delivery.endpoint_id)
        return endpoint is not None and endpoint.is_enabled


def _unknown_message(message_id: str) -> NotFound:
    return NotFound(f"unknown message: {message_id[:200]}", param="message_id")


def _ensure_enabled(endpoint: Endpoint) -> None:
    if not endpoint.is_enabled:
        raise InvalidRequest(
            f"{endpoint.id} is disabled; set its status to enabled first", code="endpoint_disabled"
        )

"""Make one attempt at one delivery.

    lease ──► POST ──► update endpoint ──► update delivery ──► queue the next attempt

If the function crashes in between, the delivery is due again when the lease ends. The receiver may
then get a second POST with the same `webhook-id`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from rushes.errors import AwsUnavailable, NotFound, RushesError, UpstreamError
from rushes.ports import Bus, Clock
from rushes.webhooks import retry_policy, signature
from rushes.webhooks.attempt import RENDER_FAILED, AttemptTrigger, DeliveryAttempt, excerpt
from rushes.webhooks.attempt_result import (
    AttemptResult,
    apply_to_delivery,
    apply_to_endpoint,
    counts_for_endpoint,
    must_pause,
)
from rushes.webhooks.delivery import TARGET, Delivery
from rushes.webhooks.endpoint import Endpoint
from rushes.webhooks.log_events import DELIVERY_NOT_QUEUED, PAYLOAD_NOT_RENDERED
from rushes.webhooks.ports import (
    DeliveryRepository,
    EndpointRepository,
    Queue,
    RenderPayload,
    WebhookClient,
)
from rushes.webhooks.queue_message import DeliveryTask

LEASE_SECONDS = 45.0
"""Longer than the function's timeout."""

logger = Logger(service="rushes", child=True)


class NotDue(RushesError):
    """Another invocation has made the attempt or is making it."""


@dataclass(frozen=True)
class Deliver:
    deliveries: DeliveryRepository
    endpoints: EndpointRepository
    queue: Queue
    bus: Bus
    http_client: WebhookClient
    render: RenderPayload
    clock: Clock
    jitter: Callable[[], float]

    def run(self, account: str, message_id: str, receiver: str) -> str:
        """Return the delivery's new status, or `not_due`, `gone` or `paused`."""
        endpoint = None if receiver == TARGET else self.endpoints.get(account, receiver)
        try:
            delivery = self.deliveries.change(
                account, message_id, receiver, lambda current: self._lease(current, endpoint)
            )
        except NotDue:
            return "not_due"
        except NotFound:
            return "gone"
        return "paused" if delivery.is_paused else self._attempt(delivery, endpoint)

    def _lease(self, delivery: Delivery, endpoint: Endpoint | None) -> Delivery:
        now = self.clock()
        if not delivery.is_due(now):
            raise NotDue(f"{delivery.id} is not due")
        if endpoint and must_pause(delivery, endpoint, now):
            return delivery.paused(now, endpoint.paused_until)
        return delivery.leased(now, LEASE_SECONDS)

    def _attempt(self, delivery: Delivery, endpoint: Endpoint | None) -> str:
        if delivery.target:
            secrets = self.endpoints.request_secrets(delivery.account).active_secrets(self.clock())
            return self._record(delivery, self._post(delivery, delivery.target.url, secrets))
        if endpoint is None or not endpoint.is_enabled:
            return self._cancel(delivery, endpoint)
        secrets = endpoint.active_secrets(self.clock())
        result = self._post(delivery, endpoint.url, secrets)
        is_enabled = self._update_endpoint(endpoint, delivery, result.attempt)
        return self._record(delivery, replace(result, is_last=not is_enabled))

    def _post(self, delivery: Delivery, url: str, secrets: tuple[str, ...]) -> AttemptResult:
        trigger: AttemptTrigger = "manual" if delivery.resent_from else "scheduled"
        try:
            body = self.render(delivery)
        except Exception:  # any error: it must not block the message group
            logger.exception(PAYLOAD_NOT_RENDERED, delivery=delivery.id)
            failed = DeliveryAttempt(at=self.clock(), error=RENDER_FAILED, trigger=trigger)
            return AttemptResult(failed)
        at = self.clock()
        signed = signature.headers(delivery.message_id, at, body, secrets)
        headers = {"content-type": "application/json", **signed}
        reply, error = None, None
        try:
            reply = self.http_client.post_webhook(url, headers, body)
        except UpstreamError as failure:
            error = failure.error_code
        attempt = DeliveryAttempt(
            at=at,
            status_code=reply.status if reply else None,
            error=error,
            latency_ms=round((self.clock() - at) * 1000),
            response_excerpt=excerpt(reply.body) if reply else "",
            trigger=trigger,
        )
        return AttemptResult(attempt, reply.headers.get("retry-after") if reply else None)

    def _update_endpoint(
        self, endpoint: Endpoint, delivery: Delivery, attempt: DeliveryAttempt
    ) -> bool:
        """Store the effect on the endpoint; return False if it is disabled or deleted now.

        The result does not count if the endpoint has got another URL in the meantime.
        """
        is_change = endpoint.failing_since is not None or not retry_policy.succeeded(attempt)
        if not is_change or not counts_for_endpoint(delivery, attempt):
            return True

        def change(current: Endpoint) -> Endpoint:
            is_same = current.is_enabled and current.url == endpoint.url
            return apply_to_endpoint(current, attempt, self.clock()) if is_same else current

        try:
            current = self.endpoints.change(endpoint.account, endpoint.id, change)
        except NotFound:
            return False
        self._publish(current)
        return current.is_enabled

    def _publish(self, endpoint: Endpoint) -> None:
        """Publish before the delivery is updated: after a failure it is still due, and retried."""
        if not endpoint.outbox:
            return
        if self.bus.put(endpoint.outbox):
            raise AwsUnavailable("EventBridge rejected an event about an endpoint")
        self.endpoints.change(endpoint.account, endpoint.id, Endpoint.published)

    def _cancel(self, delivery: Delivery, endpoint: Endpoint | None) -> str:
        if endpoint:
            self._publish(endpoint)
        return self._change(delivery, lambda current: current.cancelled(self.clock())).status.value

    def _record(self, delivery: Delivery, result: AttemptResult) -> str:
        def change(current: Delivery) -> Delivery:
            return apply_to_delivery(current, delivery, result, self.clock(), self.jitter())

        changed = self._change(delivery, change)
        self._queue_next(changed)
        return changed.status.value

    def _queue_next(self, delivery: Delivery) -> None:
        """Queue the next attempt; if SQS fails, the sweeper does it within a minute."""
        if delivery.next_attempt_at is None or delivery.queued_until is None:
            return
        task = DeliveryTask.for_delivery(delivery)
        try:
            self.queue.put_later(task, delivery.next_attempt_at - self.clock())
        except RushesError as error:
            logger.warning(DELIVERY_NOT_QUEUED, delivery=delivery.id, reason=error.message)

    def _change(self, delivery: Delivery, change: Callable[[Delivery], Delivery]) -> Delivery:
        return self.deliveries.change(
            delivery.account, delivery.message_id, delivery.receiver, change
        )

"""Make one attempt at one delivery.

    lease ──► POST ──► update endpoint ──► update delivery ──► queue the next attempt

If the function crashes in between, the delivery is due again when the lease ends. The receiver may
then get a second POST with the same `webhook-id`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from rushes.errors import AwsUnavailable, CorruptRecord, NotFound, RushesError, UpstreamError
from rushes.jobs.events import has_type
from rushes.metrics import CORRUPT_RECORD, Measure, Metric, count, record
from rushes.ports import Bus, Clock
from rushes.redaction import Redactor
from rushes.webhooks import signature
from rushes.webhooks.attempt import RENDER_FAILED, AttemptTrigger, DeliveryAttempt, excerpt
from rushes.webhooks.attempt_result import (
    AttemptResult,
    apply_to_delivery,
    apply_to_endpoint,
    apply_to_host,
    is_slow,
    must_pause,
)
from rushes.webhooks.delivery import QUEUED_SECONDS, TARGET, Delivery
from rushes.webhooks.endpoint import Endpoint, RequestSecrets
from rushes.webhooks.log_events import (
    DELIVERY_ATTEMPTED,
    DELIVERY_NOT_QUEUED,
    PAYLOAD_NOT_RENDERED,
)
from rushes.webhooks.ports import (
    DeliveryRepository,
    EndpointRepository,
    Queue,
    RenderPayload,
    WebhookClient,
)
from rushes.webhooks.queue_message import DeliveryTask, message_group_id
from rushes.webhooks.signing_secrets import SigningSecrets

LEASE_SECONDS = 45.0
"""Longer than the function's timeout."""

logger = Logger(service="rushes", child=True)


class NotDue(RushesError):
    """Another invocation has made the attempt or is making it."""


class Gone(RushesError):
    """The delivery does not exist (any more)."""


@dataclass(frozen=True)
class Deliver:
    deliveries: DeliveryRepository
    endpoints: EndpointRepository
    signing_secrets: SigningSecrets
    queue: Queue
    bus: Bus
    http_client: WebhookClient
    render: RenderPayload
    clock: Clock
    jitter: Callable[[], float]

    def run(self, account: str, message_id: str, receiver: str, group: str = "") -> str:
        """Return the delivery's new status, or `not_due`, `gone`, `paused` or `corrupt`.

        `group` is the message group that the delivery was queued in. An error blocks it for some
        minutes, so that a corrupt item is logged and left to the sweeper.
        """
        try:
            return self._run(account, message_id, receiver, group)
        except NotDue:
            outcome = "not_due"
        except Gone:
            outcome = "gone"
        except CorruptRecord as error:
            item = f"{account}#{message_id}.{receiver}"
            logger.error(CORRUPT_RECORD, item=item, reason=error.message)  # noqa: TRY400
            count(Metric.CORRUPT_RECORD)
            outcome = "corrupt"
        logger.info(
            DELIVERY_ATTEMPTED,
            account=account,
            message_id=message_id,
            receiver=receiver,
            outcome=outcome,
        )
        return outcome

    def _run(self, account: str, message_id: str, receiver: str, group: str) -> str:
        owner: Endpoint | RequestSecrets | None
        if receiver == TARGET:
            owner = self.endpoints.request_secrets(account)
        else:
            owner = self.endpoints.get(account, receiver)
        try:
            delivery = self.deliveries.change(
                account, message_id, receiver, lambda current: self._lease(current, owner, group)
            )
        except NotFound as error:
            raise Gone(error.message) from error
        outcome = self._handle(delivery, owner)
        logger.info(
            DELIVERY_ATTEMPTED,
            **delivery.log_fields,
            message_id=message_id,
            receiver=receiver,
            outcome=outcome,
        )
        return outcome

    def _handle(self, delivery: Delivery, owner: Endpoint | RequestSecrets | None) -> str:
        if delivery.is_paused:
            self._queue_next(delivery)
            return "paused"
        if isinstance(owner, Endpoint):
            return self._attempt(delivery, owner)
        if delivery.receiver == TARGET:
            secrets = owner or self.signing_secrets.of_requests(delivery.account)
            return self._attempt_url(delivery, secrets)
        return self._cancel(delivery, None)

    def _lease(
        self, delivery: Delivery, owner: Endpoint | RequestSecrets | None, group: str
    ) -> Delivery:
        """Postpone a delivery in the wrong message group.

        A slow receiver keeps no group of the others waiting, and a receiver has one attempt at a
        time, because only the group that fits its state attempts. The sweeper queues a delivery to
        a slow receiver; one to a receiver that has become fast is queued again at once.
        """
        now = self.clock()
        if not delivery.is_due(now):
            raise NotDue(f"{delivery.id} is not due")
        if isinstance(owner, Endpoint) and must_pause(delivery, owner, now):
            return delivery.paused(now, owner.paused_until)
        slow = is_slow(delivery, owner)
        if slow != (group == message_group_id(delivery, slow=True)):
            return delivery.paused(now, now, None if slow else now + QUEUED_SECONDS)
        return delivery.leased(now, LEASE_SECONDS)

    def _attempt(self, delivery: Delivery, endpoint: Endpoint) -> str:
        if not endpoint.is_enabled:
            return self._cancel(delivery, endpoint)
        secrets = self.signing_secrets.active(endpoint, self.clock())
        result = self._post(delivery, endpoint.url, secrets)
        is_enabled = self._update_endpoint(endpoint, delivery, result.attempt)
        return self._record(delivery, replace(result, is_last=not is_enabled))

    def _attempt_url(self, delivery: Delivery, owner: RequestSecrets) -> str:
        url = delivery.target.url if delivery.target else ""
        result = self._post(delivery, url, self.signing_secrets.active(owner, self.clock()))

        def change(current: RequestSecrets) -> RequestSecrets:
            return apply_to_host(current, delivery.host, result.attempt, self.clock())

        if change(owner) is not owner:
            self.endpoints.change_request_secrets(delivery.account, change)
        return self._record(delivery, result)

    def _post(self, delivery: Delivery, url: str, secrets: tuple[str, ...]) -> AttemptResult:
        own = Redactor()  # clients choose their secrets: other accounts' texts may contain them
        own.remember(*secrets, *(secret.removeprefix(signature.PREFIX) for secret in secrets))
        trigger: AttemptTrigger = "manual" if delivery.resent_from else "scheduled"
        try:
            body = self.render(delivery)
        except Exception:  # any error: it must not block the message group
            logger.exception(PAYLOAD_NOT_RENDERED, **delivery.log_fields, delivery=delivery.id)
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
            response_excerpt=excerpt(own.redact_bytes(reply.body)) if reply else "",
            trigger=trigger,
        )
        return AttemptResult(attempt, reply.headers.get("retry-after") if reply else None)

    def _update_endpoint(
        self, endpoint: Endpoint, delivery: Delivery, attempt: DeliveryAttempt
    ) -> bool:
        """Store the effect on the endpoint; return False if it is disabled or deleted now.

        The result does not count if the endpoint has got another URL in the meantime.
        """
        if apply_to_endpoint(endpoint, delivery, attempt, self.clock()) is endpoint:
            return True

        def change(current: Endpoint) -> Endpoint:
            is_same = current.is_enabled and current.url == endpoint.url
            now = self.clock()
            return apply_to_endpoint(current, delivery, attempt, now) if is_same else current

        try:
            current = self.endpoints.change(endpoint.account, endpoint.id, change)
        except NotFound:
            return False
        self._publish(current)
        return current.is_enabled

    def _publish(self, endpoint: Endpoint) -> None:
        """Publish before the delivery is updated: after a failure it is still due, and retried.

        An event without a type can never be published. The bus logs and counts it, and it stays.
        """
        if not endpoint.outbox:
            return
        rejected = self.bus.put(endpoint.outbox)
        published = tuple(
            event for index, event in enumerate(endpoint.outbox) if index not in rejected
        )
        if published:
            self.endpoints.change(
                endpoint.account, endpoint.id, lambda current: current.published(published)
            )
        if any(has_type(endpoint.outbox[index]) for index in rejected):
            raise AwsUnavailable("EventBridge rejected an event about an endpoint")

    def _cancel(self, delivery: Delivery, endpoint: Endpoint | None) -> str:
        if endpoint:
            self._publish(endpoint)
        return self._change(delivery, lambda current: current.cancelled(self.clock())).status.value

    def _record(self, delivery: Delivery, result: AttemptResult) -> str:
        def change(current: Delivery) -> Delivery:
            return apply_to_delivery(current, delivery, result, self.clock(), self.jitter())

        changed = self._change(delivery, change)
        status = {"status": changed.status.value}
        record(Measure.WEBHOOK_ATTEMPTS, 1, status, delivery.log_fields)
        self._queue_next(changed)
        return changed.status.value

    def _queue_next(self, delivery: Delivery) -> None:
        """Queue the next attempt; if SQS fails, the sweeper does it within a minute."""
        if delivery.next_attempt_at is None or delivery.queued_until is None:
            return
        task = DeliveryTask.for_delivery(delivery)
        try:
            self.queue.put_later(task, max(delivery.next_attempt_at - self.clock(), 0.0))
        except RushesError as error:
            logger.warning(
                DELIVERY_NOT_QUEUED,
                **delivery.log_fields,
                delivery=delivery.id,
                reason=error.message,
            )

    def _change(self, delivery: Delivery, change: Callable[[Delivery], Delivery]) -> Delivery:
        return self.deliveries.change(
            delivery.account, delivery.message_id, delivery.receiver, change
        )

"""Webhook endpoints and messages of an account, on the operator's AWS credentials."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from cli.errors import NO, CommandError
from cli.target import Target
from rushes.api.webhooks.message_service import MessageService
from rushes.api.webhooks.schemas import Page, ResendRequest
from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
from rushes.aws.sqs import WebhookQueues
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.endpoint import Endpoint

BY_OPERATOR = "operator"
"""Reason of an endpoint that the operator has disabled."""
RESEND_SECONDS = 24 * 3600.0
"""Default range of a resend if the endpoint has not failed."""
MAX_CALLS = 1000
"""Of a resend: each takes 200 messages."""


@dataclass(frozen=True)
class AccountWebhooks:
    target: Target
    account: str

    @cached_property
    def endpoints(self) -> EndpointTable:
        return EndpointTable(self.target.client("dynamodb"), self.target.table)

    @cached_property
    def messages(self) -> MessageService:
        outputs = self.target.outputs
        queues = WebhookQueues(
            self.target.client("sqs"),
            deliveries=outputs["DeliveryQueueUrl"],
            events=outputs["EventQueueUrl"],
        )
        deliveries = DeliveryTable(self.target.client("dynamodb"), self.target.table)
        return MessageService(self.endpoints, deliveries, queues, time.time, time.sleep)

    def find(self, endpoint_id: str) -> Endpoint:
        endpoint = self.endpoints.get(self.account, endpoint_id)
        if endpoint is None:
            raise CommandError(f"account {self.account} has no endpoint {endpoint_id}", NO)
        return endpoint

    def attempts(self, endpoint_id: str, limit: int) -> tuple[Delivery, ...]:
        return self.messages.page(self.find(endpoint_id), Page(limit=limit)).deliveries

    def enable(self, endpoint_id: str) -> Endpoint:
        return self._change(
            "enable",
            endpoint_id,
            lambda current: current if current.is_enabled else current.enabled(time.time()),
        )

    def disable(self, endpoint_id: str) -> Endpoint:
        return self._change(
            "disable",
            endpoint_id,
            lambda current: (
                current.disabled(time.time(), BY_OPERATOR) if current.is_enabled else current
            ),
        )

    def test(self, endpoint_id: str, event_type: str | None) -> Delivery:
        return self.messages.test(self.find(endpoint_id), event_type)

    def resend(self, endpoint_id: str, request: ResendRequest) -> int:
        """Resend one message or all of a range, and return their number."""
        endpoint, count = self.find(endpoint_id), 0
        self._record("resend", endpoint_id)
        for _ in range(MAX_CALLS):
            resent = self.messages.resend(endpoint, request)
            count += resent.count
            if resent.last is None:
                break
            request = request.model_copy(update={"after": resent.last})
        return count

    def _change(
        self, action: str, endpoint_id: str, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint:
        """Change an endpoint; one that does not exist leaves no entry in the audit log."""
        endpoint = self.find(endpoint_id)
        self._record(action, endpoint_id)
        return self.endpoints.change(self.account, endpoint.id, change)

    def _record(self, action: str, endpoint_id: str) -> None:
        self.target.record(
            f"webhook.{action}", f"webhook_endpoint:{endpoint_id}", account=self.account
        )


def problem_of(endpoint: Endpoint, now: float) -> str | None:
    """Return why an endpoint gets no events, or gets them late; None if it is healthy."""
    if not endpoint.is_enabled:
        return f"disabled ({endpoint.disabled_reason or 'unknown'})"
    if endpoint.paused_until > now:
        return "paused after a timeout"
    if endpoint.failing_since is not None:
        return "failing"
    return "slow" if endpoint.slow_since is not None else None

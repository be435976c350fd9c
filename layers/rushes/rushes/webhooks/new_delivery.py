"""New deliveries: an event, and whom it goes to."""

from collections.abc import Mapping
from typing import Any

from rushes.jobs.request import WebhookTarget
from rushes.webhooks.delivery import KEEP_SECONDS, QUEUED_SECONDS, Delivery
from rushes.webhooks.endpoint import Endpoint


def to_endpoint(endpoint: Endpoint, event: Mapping[str, Any], now: float) -> Delivery:
    new = _new(endpoint.account, event, now)
    return new.model_copy(update={"endpoint_id": endpoint.id, "format": endpoint.format})


def as_test(endpoint: Endpoint, event: Mapping[str, Any], now: float) -> Delivery:
    return to_endpoint(endpoint, event, now).model_copy(update={"is_test": True})


def to_target(
    target: WebhookTarget, account: str, event: Mapping[str, Any], now: float
) -> Delivery:
    new = _new(account, event, now)
    return new.model_copy(update={"target": target, "format": target.format})


def _new(account: str, event: Mapping[str, Any], now: float) -> Delivery:
    return Delivery(
        message_id=event["id"],
        account=account,
        event=dict(event),
        next_attempt_at=now,
        queued_until=now + QUEUED_SECONDS,
        created_at=now,
        updated_at=now,
        expires_at=now + KEEP_SECONDS,
    )

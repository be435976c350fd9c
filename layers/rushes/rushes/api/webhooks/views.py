"""Serialize endpoints, messages and deliveries. Times are whole seconds since 1970."""

import json
from typing import Any

from rushes.api.webhooks.event_types import event_type_for, serialize_event_types
from rushes.webhooks.attempt import DeliveryAttempt
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.endpoint import Endpoint, RequestSecrets, Secret
from rushes.webhooks.signing_secrets import hint

MAX_RESPONSE_BYTES = 5_000_000
"""Lambda's limit is 6 MB."""

Json = dict[str, Any]


def serialize_endpoint(endpoint: Endpoint) -> Json:
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "name": endpoint.description,
        "url": endpoint.url,
        "event_types": serialize_event_types(endpoint),
        "format": endpoint.format,
        "status": endpoint.status.value,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": _seconds(endpoint.failing_since),
        "signing_secret_hint": _hint(endpoint.secrets),
        "created_at": _seconds(endpoint.created_at),
        "updated_at": _seconds(endpoint.updated_at),
    }


def with_secret(body: Json, secret: str) -> Json:
    """Add the new secret, for the only response that contains it."""
    return {**body, "signing_secret": secret}


def serialize_secrets(secrets: RequestSecrets) -> Json:
    return {"object": "webhook_secret", "signing_secret_hint": _hint(secrets.secrets)}


def serialize_delivery(delivery: Delivery, endpoint: Endpoint | None) -> Json:
    """`endpoint` is None if it was deleted, or the delivery goes to a create request's URL."""
    target = delivery.target
    return {
        "object": "webhook_delivery",
        "message_id": delivery.message_id,
        "webhook_endpoint_id": delivery.endpoint_id,
        "url": target.url if target else endpoint and endpoint.url,
        "format": delivery.format,
        "event_type": event_type_for(delivery.format, delivery.event["type"]),
        "status": delivery.status.value,
        "created_at": _seconds(delivery.created_at),
        "next_attempt_at": _seconds(delivery.next_attempt_at),
        "attempts": [_attempt(n, attempt) for n, attempt in enumerate(delivery.attempts, 1)],
    }


def serialize_message(deliveries: tuple[Delivery, ...], endpoints: dict[str, Endpoint]) -> Json:
    """Return one event with its deliveries, as many as fit into one response."""
    entries = [serialize_delivery(one, endpoints.get(one.receiver)) for one in deliveries]
    part = fit_response(entries)
    return {
        "id": deliveries[0].message_id,
        "object": "webhook_message",
        "event": deliveries[0].event,
        "deliveries": part,
        "has_more": len(part) < len(entries),
    }


def serialize_list(data: list[Json], key: str, *, has_more: bool) -> Json:
    """`key` is the member whose value is the cursor of an entry."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0][key] if data else None,
        "last_id": data[-1][key] if data else None,
        "has_more": has_more,
    }


def fit_response(entries: list[Json]) -> list[Json]:
    """Return the first entries that fit into one response, and at least one."""
    room = MAX_RESPONSE_BYTES
    for count, entry in enumerate(entries):
        room -= len(json.dumps(json.dumps(entry)))  # Lambda encodes the body in JSON once more
        if room < 0:
            return entries[: max(count, 1)]
    return entries


def _attempt(number: int, attempt: DeliveryAttempt) -> Json:
    return {
        "object": "webhook_attempt",
        "number": number,
        "kind": attempt.trigger,
        "attempted_at": _seconds(attempt.at),
        "status_code": attempt.status_code,
        "error": attempt.error,
        "latency_ms": attempt.latency_ms,
        "response_excerpt": attempt.response_excerpt,
    }


def _hint(secrets: tuple[Secret, ...]) -> str:
    return f"whsec_…{hint(secrets[0])}"


def _seconds(moment: float | None) -> int | None:
    return None if moment is None else int(moment)

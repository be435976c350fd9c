"""Endpoints, messages and attempts as the API shows them. Times are whole seconds since 1970."""

import json
from typing import Any

from rushes.api.webhooks.event_types import shown_types, word_of
from rushes.webhooks.attempt import Attempt
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.endpoint import Endpoint, RequestSecrets, Secret

HINT_CHARACTERS = 4
ANSWER_BYTES = 5_000_000
"""A function may answer with 6 MB."""


def endpoint_shown(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "name": endpoint.description,
        "url": endpoint.url,
        "event_types": shown_types(endpoint),
        "format": endpoint.format,
        "status": endpoint.status.value,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": _second(endpoint.failing_since),
        "signing_secret_hint": _hint(endpoint.secrets),
        "created_at": _second(endpoint.created_at),
        "updated_at": _second(endpoint.updated_at),
    }


def with_secret(shown: dict[str, Any], secrets: tuple[Secret, ...]) -> dict[str, Any]:
    """The secret itself, which is shown when it is new and never again."""
    return {**shown, "signing_secret": secrets[0].value}


def secret_shown(secrets: RequestSecrets) -> dict[str, Any]:
    return {"object": "webhook_secret", "signing_secret_hint": _hint(secrets.secrets)}


def delivery_shown(delivery: Delivery, endpoint: Endpoint | None) -> dict[str, Any]:
    """`endpoint` is where it goes, None where that is the address of one request, or gone."""
    target = delivery.target
    return {
        "object": "webhook_delivery",
        "message_id": delivery.message_id,
        "webhook_endpoint_id": delivery.endpoint_id,
        "url": target.url if target else endpoint and endpoint.url,
        "format": delivery.format,
        "event_type": word_of(delivery.format, delivery.event["type"]),
        "status": delivery.status.value,
        "created_at": _second(delivery.created_at),
        "next_attempt_at": _second(delivery.next_attempt_at),
        "attempts": [_attempt(n, it) for n, it in enumerate(delivery.attempts, 1)],
    }


def message_shown(
    deliveries: tuple[Delivery, ...], endpoints: dict[str, Endpoint]
) -> dict[str, Any]:
    """One event and everybody whom it goes to."""
    first = deliveries[0]
    return {
        "id": first.message_id,
        "object": "webhook_message",
        "event": first.event,
        "deliveries": [delivery_shown(it, endpoints.get(it.receiver)) for it in deliveries],
    }


def list_shown(data: list[dict[str, Any]], key: str, *, has_more: bool) -> dict[str, Any]:
    """`key`: the member by which one is named, to go on after it."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0][key] if data else None,
        "last_id": data[-1][key] if data else None,
        "has_more": has_more,
    }


def that_fit(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many from the beginning as one answer can hold, and at least one."""
    room = ANSWER_BYTES
    for count, it in enumerate(shown):
        room -= len(json.dumps(json.dumps(it)))  # it is text inside JSON once more on its way out
        if room < 0:
            return shown[: max(count, 1)]
    return shown


def _attempt(number: int, attempt: Attempt) -> dict[str, Any]:
    return {
        "object": "webhook_attempt",
        "number": number,
        "kind": attempt.trigger,
        "attempted_at": _second(attempt.at),
        "status_code": attempt.status_code,
        "error": attempt.error,
        "latency_ms": attempt.latency_ms,
        "response_excerpt": attempt.response_excerpt,
    }


def _hint(secrets: tuple[Secret, ...]) -> str:
    return f"whsec_…{secrets[0].value[-HINT_CHARACTERS:]}"


def _second(moment: float | None) -> int | None:
    return None if moment is None else int(moment)

"""Routes of the webhook API, at each base URL that serves OpenAI's SDKs."""

from dataclasses import dataclass

PREFIXES = ("/v1", "/openai/v1")


@dataclass(frozen=True)
class WebhookRoute:
    """`path` has its variable in angle brackets."""

    method: str
    path: str
    verb: str


def _routes(prefix: str) -> tuple[WebhookRoute, ...]:
    endpoints = f"{prefix}/webhook_endpoints"
    endpoint, message = f"{endpoints}/<endpoint_id>", f"{prefix}/webhook_messages/<message_id>"
    return (
        WebhookRoute("POST", endpoints, "create"),
        WebhookRoute("GET", endpoints, "list"),
        WebhookRoute("GET", endpoint, "retrieve"),
        WebhookRoute("POST", endpoint, "update"),
        WebhookRoute("DELETE", endpoint, "delete"),
        WebhookRoute("POST", f"{endpoint}/rotate_secret", "rotate"),
        WebhookRoute("POST", f"{endpoint}/test", "test"),
        WebhookRoute("GET", f"{endpoint}/attempts", "attempts"),
        WebhookRoute("POST", f"{endpoint}/resend", "resend"),
        WebhookRoute("GET", message, "message"),
        WebhookRoute("POST", f"{message}/resend", "resend_message"),
        WebhookRoute("GET", f"{prefix}/webhook_secret", "secret"),
        WebhookRoute("POST", f"{prefix}/webhook_secret/rotate", "rotate_secret"),
        WebhookRoute("GET", f"{prefix}/webhook_event_types", "event_types"),
    )


ROUTES = tuple(route for prefix in PREFIXES for route in _routes(prefix))

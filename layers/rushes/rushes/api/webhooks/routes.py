"""Routes of the webhook API, at each base URL that serves OpenAI's SDKs."""

from dataclasses import dataclass

PREFIXES = ("/v1", "/openai/v1")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOT_FOUND = "not_found"
"""Verb of the methods that a path does not have."""


@dataclass(frozen=True)
class WebhookRoute:
    """`path` has its variable in angle brackets."""

    method: str
    path: str
    verb: str


def _routes(prefix: str) -> tuple[WebhookRoute, ...]:
    endpoints = f"{prefix}/webhook_endpoints"
    endpoint, message = f"{endpoints}/<endpoint_id>", f"{prefix}/webhook_messages/<message_id>"
    routes = (
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
    return (*routes, *_other_methods(routes))


def _other_methods(routes: tuple[WebhookRoute, ...]) -> tuple[WebhookRoute, ...]:
    """Route the remaining methods of each path, so that their errors have the API's envelope."""
    known = {(route.method, route.path) for route in routes}
    paths = dict.fromkeys(route.path for route in routes)
    return tuple(
        WebhookRoute(method, path, NOT_FOUND)
        for path in paths
        for method in METHODS
        if (method, path) not in known
    )


ROUTES = tuple(route for prefix in PREFIXES for route in _routes(prefix))

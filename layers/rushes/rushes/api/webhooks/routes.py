"""Where the API for webhooks is: `/v1`, and wherever else OpenAI's SDKs are pointed at."""

from dataclasses import dataclass

PREFIXES = ("/v1", "/openai/v1")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOWHERE = "nowhere"
"""The verb of what is not there."""


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


def _others(routes: tuple[WebhookRoute, ...]) -> tuple[WebhookRoute, ...]:
    """The methods that mean nothing at a path: they are to be refused in the same words."""
    taken = {(route.method, route.path) for route in routes}
    paths = dict.fromkeys(route.path for route in routes)
    return tuple(
        WebhookRoute(method, path, NOWHERE)
        for path in paths
        for method in METHODS
        if (method, path) not in taken
    )


def _all(prefix: str) -> tuple[WebhookRoute, ...]:
    routes = _routes(prefix)
    return (*routes, *_others(routes))


ROUTES = tuple(route for prefix in PREFIXES for route in _all(prefix))

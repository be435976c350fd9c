"""Lambda handler of the HTTP API: the routes of every dialect and of the webhook API."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.api import reference
from rushes.api.gateway import CLIENT_METHOD, read_event, routed_event, without_body, write_response
from rushes.api.openapi import PATHS, openapi_response
from rushes.api.paths import is_native
from rushes.api.unknown_url import unknown_url_response
from rushes.api.webhooks.routes import ROUTES, WebhookRoute
from rushes.config import public_url
from rushes.dialects import DIALECTS
from rushes.dialects.base import Dialect, Route
from rushes.logs import function_logger, redact_errors
from rushes.wiring import api

logger = function_logger()
app = APIGatewayHttpResolver()


def job_endpoint(dialect: Dialect, route: Route) -> Callable[..., Response[Any]]:
    def answer(**variables: str) -> Response[Any]:
        request = read_event(app.current_event, variables)
        response = api.jobs_api().answer(dialect, route.verb, request)
        return write_response(response, app.current_event)

    return answer


def webhook_endpoint(route: WebhookRoute) -> Callable[..., Response[Any]]:
    def answer(**variables: str) -> Response[Any]:
        request = read_event(app.current_event, variables)
        return write_response(api.webhook_api().answer(route.verb, request), app.current_event)

    return answer


for dialect in DIALECTS:
    for route in dialect.routes:
        app.route(route.path, method=route.method)(job_endpoint(dialect, route))

for webhook_route in ROUTES:
    app.route(webhook_route.path, method=webhook_route.method)(webhook_endpoint(webhook_route))


def openapi_endpoint(**_: str) -> Response[str]:
    request = read_event(app.current_event, {})
    response = openapi_response(request) or unknown_url_response(request)
    return write_response(response, app.current_event)


for path in PATHS:
    app.route(path, method="GET")(openapi_endpoint)


def reference_endpoint() -> Response[Any]:
    response = reference.reference_response(read_event(app.current_event, {}))
    return write_response(response, app.current_event)


for path in reference.PATHS:
    app.route(path, method="GET")(reference_endpoint)


@app.not_found
def not_found(_: Exception) -> Response[Any]:
    """Answer paths without a route here: unknown ones, and those of the native API.

    The modules of the native API are imported at its first request, not at a cold start.
    """
    request = read_event(app.current_event, {})
    answer = api.native_api().answer if is_native(request.path) else unknown_url_response
    return write_response(answer(request), app.current_event)


@redact_errors
@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    routed = routed_event(event, public_url())
    response = app.resolve(routed, context)
    return without_body(response) if routed[CLIENT_METHOD] == "HEAD" else response

"""Lambda handler of the HTTP API: the routes of every dialect and of the webhook API."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.api.gateway import read_event, write_response
from rushes.api.webhooks.routes import ROUTES, WebhookRoute
from rushes.dialects import DIALECTS
from rushes.dialects.base import Dialect, Route
from rushes.logs import function_logger, redact_errors
from rushes.wiring import api

logger = function_logger()
app = APIGatewayHttpResolver()


def job_endpoint(dialect: Dialect, route: Route) -> Callable[..., Response[str]]:
    def answer(**variables: str) -> Response[str]:
        request = read_event(app.current_event, variables)
        response = api.jobs_api().answer(dialect, route.verb, request)
        return write_response(response, app.current_event)

    return answer


def webhook_endpoint(route: WebhookRoute) -> Callable[..., Response[str]]:
    def answer(**variables: str) -> Response[str]:
        request = read_event(app.current_event, variables)
        return write_response(api.webhook_api().answer(route.verb, request), app.current_event)

    return answer


for dialect in DIALECTS:
    for route in dialect.routes:
        app.route(route.path, method=route.method)(job_endpoint(dialect, route))

for webhook_route in ROUTES:
    app.route(webhook_route.path, method=webhook_route.method)(webhook_endpoint(webhook_route))


@app.not_found
def not_found(_: Exception) -> Response[str]:
    request = read_event(app.current_event, {})
    return write_response(api.jobs_api().not_found(request), app.current_event)


@redact_errors
@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)

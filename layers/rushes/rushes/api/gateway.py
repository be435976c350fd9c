"""Convert API Gateway events (format 2.0) to `HttpRequest`, and `HttpResponse` back."""

import base64
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from rushes.api.paths import canonical_path
from rushes.dialects.base import HttpRequest, HttpResponse

CLIENT_METHOD = "clientMethod"
"""Member of a routed event: the method of the request, HEAD if the event has GET in its place."""


def routed_event(event: Mapping[str, Any], public_url: str) -> dict[str, Any]:
    """Return the event with its canonical path, and with the route of GET for HEAD."""
    context: dict[str, Any] = event["requestContext"]
    http: dict[str, Any] = context["http"]
    path: str = event.get("rawPath") or "/"
    stage = f"/{context.get('stage')}"
    if path == stage or path.startswith(f"{stage}/"):
        path = path[len(stage) :]
    method = http["method"]
    routed = {**http, "method": "GET" if method == "HEAD" else method}
    return {
        **event,
        "rawPath": canonical_path(path, public_url, context.get("domainName", "")),
        "requestContext": {**context, "stage": "$default", "http": routed},
        CLIENT_METHOD: method,
    }


def without_body(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the response to HEAD."""
    return {**response, "body": "", "isBase64Encoded": False}


def read_event(event: APIGatewayProxyEventV2, variables: Mapping[str, str]) -> HttpRequest:
    body = (event.raw_event.get("body") or "").encode("utf-8", "surrogatepass")
    return HttpRequest(
        method=event.raw_event.get(CLIENT_METHOD, event.http_method),
        path=event.path,
        variables=variables,
        query=event.query_string_parameters or {},
        headers={name.lower(): value for name, value in event.headers.items()},
        body=base64.b64decode(body) if event.is_base64_encoded else body,
        source_ip=event.request_context.http.source_ip,
        request_id=event.request_context.request_id,
        raw_query=event.raw_event.get("rawQueryString") or "",
    )


def write_response(response: HttpResponse, event: APIGatewayProxyEventV2) -> Response[Any]:
    headers = {**response.headers, "x-request-id": event.request_context.request_id}
    return Response(
        status_code=response.status,
        content_type=headers.pop("content-type", None),
        headers=headers,
        body=response.body if response.content is None else response.content,
    )

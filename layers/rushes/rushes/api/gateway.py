"""Convert API Gateway events (format 2.0) to `HttpRequest`, and `HttpResponse` back."""

import base64
from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from rushes.dialects.base import HttpRequest, HttpResponse


def read_event(event: APIGatewayProxyEventV2, variables: Mapping[str, str]) -> HttpRequest:
    body = (event.raw_event.get("body") or "").encode("utf-8", "surrogatepass")
    return HttpRequest(
        method=event.http_method,
        path=event.path,
        variables=variables,
        query=event.query_string_parameters or {},
        headers={name.lower(): value for name, value in event.headers.items()},
        body=base64.b64decode(body) if event.is_base64_encoded else body,
        source_ip=event.request_context.http.source_ip,
        request_id=event.request_context.request_id,
    )


def write_response(response: HttpResponse, event: APIGatewayProxyEventV2) -> Response[str]:
    headers = {**response.headers, "x-request-id": event.request_context.request_id}
    return Response(
        status_code=response.status,
        content_type=headers.pop("content-type", None),
        headers=headers,
        body=response.body,
    )

"""A WSGI application that calls the api function with API Gateway's events."""

import base64
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from functions.api.app import lambda_handler
from tests.unit.dialects.api_client import CONTEXT, event

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def application(environment: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    body = environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
    raw_query = environment.get("QUERY_STRING", "")
    request = event(
        environment["REQUEST_METHOD"],
        environment.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace"),
        body or None,
        _headers(environment),
        _joined(parse_qsl(raw_query, keep_blank_values=True)),
    )
    response = lambda_handler({**request, "rawQueryString": raw_query}, CONTEXT)
    status = HTTPStatus(response["statusCode"])
    headers = [(name.lower(), str(value)) for name, value in response["headers"].items()]
    start_response(f"{status.value} {status.phrase}", headers)
    content: str = response.get("body") or ""
    return [base64.b64decode(content) if response.get("isBase64Encoded") else content.encode()]


def _headers(environment: Mapping[str, Any]) -> dict[str, str]:
    named = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environment.items()
        if name.startswith("HTTP_")
    }
    content_type = environment.get("CONTENT_TYPE")
    return {**named, "content-type": content_type} if content_type else named


def _joined(parameters: list[tuple[str, str]]) -> dict[str, str]:
    """Join the values of a repeated parameter with commas, as API Gateway does."""
    joined: dict[str, str] = {}
    for name, value in parameters:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined

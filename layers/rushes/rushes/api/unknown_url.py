"""Responses to requests that no route matches."""

from dataclasses import replace

from rushes.api.paths import allowed_methods
from rushes.dialects import dialect_of
from rushes.dialects.base import HttpRequest, HttpResponse
from rushes.errors import MethodNotAllowed, NotFound
from rushes.redaction import REDACTOR


def unknown_url_response(request: HttpRequest) -> HttpResponse:
    """Respond in the dialect of the nearest path: 405 if the URL has other methods, else 404."""
    dialect = dialect_of(request.path).for_request(request)
    methods = allowed_methods(request.path)
    shown = f"{request.method} {request.path[:200]}"
    if not methods or request.method in methods:  # Powertools matches fewer characters
        error = NotFound(f"unknown URL: {shown}", code="unknown_url")
        return redacted(dialect.write_error(error))
    refused = MethodNotAllowed(f"method must be {' or '.join(methods)} (got {shown})")
    response = dialect.write_error(refused)
    return redacted(replace(response, headers={**response.headers, "allow": ", ".join(methods)}))


def redacted(response: HttpResponse) -> HttpResponse:
    headers = REDACTOR.redact_value(response.headers)
    return replace(response, body=REDACTOR.redact(response.body), headers=headers)

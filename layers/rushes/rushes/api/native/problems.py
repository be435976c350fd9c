"""Errors of the native API: problem details of RFC 9457."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from rushes.dialects.base import HttpResponse
from rushes.dialects.json_format import as_json, without_nulls
from rushes.dialects.response_headers import retry_headers
from rushes.dialects.validation import with_field_name
from rushes.errors import RushesError

CONTENT_TYPE = "application/problem+json"
TYPE_BASE = "/docs/errors#"
"""Page that explains each error code, relative to the gateway's URL."""
PARAMS = {"video_id": "job_id", "webhook_url": "webhook.url"}
"""Names in this API of fields that others call so."""


def problem_response(error: RushesError, request_id: str) -> HttpResponse:
    status = HTTPStatus(error.http_status)
    name = error.param or ""
    param = PARAMS.get(name, name)
    allowed: Sequence[str | int] = getattr(error, "allowed", ())
    problem: dict[str, Any] = {
        "type": f"{TYPE_BASE}{error.error_code}",
        "title": status.phrase,
        "status": status.value,
        "detail": with_field_name(error.message, name, param),
        "code": error.error_code,
        "param": param or None,
        "allowed": list(allowed) or None,
        "retryable": error.retryable,
        "request_id": request_id or None,
    }
    headers = {
        "content-type": CONTENT_TYPE,
        "cache-control": "no-store",
        **retry_headers(error),
        **({"allow": ", ".join(map(str, allowed))} if status.value == 405 else {}),
    }
    return HttpResponse(status.value, as_json(without_nulls(problem)), headers)

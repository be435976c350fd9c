"""fal's errors: a list of errors for arguments and failed models, one text for all others."""

import json
from typing import Any

from rushes.dialects.base import HttpResponse
from rushes.dialects.labels import TAGS_HEADER, USER_HEADER
from rushes.dialects.response_headers import JSON_HEADERS
from rushes.dialects.validation import with_field_name
from rushes.errors import (
    ConflictingKeys,
    InvalidRequest,
    RushesError,
    TooLarge,
    UnknownCursor,
    UnknownModel,
    UrlNotAllowed,
)
from rushes.jobs.result import JobError

DOCUMENTATION = "https://docs.fal.ai/errors/#"
ERROR_TYPES = {
    "content_filtered": "content_policy_violation",
    "upstream_timeout": "request_timeout",
    "upstream_queued_too_long": "startup_timeout",
}
"""fal's error types by error code of the gateway."""
REQUEST_ERRORS = frozenset({"request_timeout", "startup_timeout", "request_cancelled"})
"""Types of errors about the request, not about what a model made of it."""
KINDS = {
    "literal_error": "one_of",
    "string_too_long": "sequence_too_long",
    "string_too_short": "sequence_too_short",
    "too_long": "sequence_too_long",
    "too_short": "sequence_too_short",
}
"""fal's error types by kind of an `InvalidRequest`; the others are the same."""
NOT_OF_BODY = (UnknownModel, UnknownCursor, ConflictingKeys)
NOT_IN_BODY = frozenset(
    {
        *("fal_webhook", "x-pipelet-webhook", "webhook_url", "authorization", "idempotency-key"),
        *("content-type", "content-encoding", "video_id", "request_id", "model"),
        *(TAGS_HEADER, USER_HEADER),
    }
)
"""Values of `param` in errors about the URL or the headers."""
UNKNOWN_QUERY = "unknown_query_parameter"


def type_of_failure(error: JobError) -> str:
    return ERROR_TYPES.get(error.code, error.code)


def detail_of_failure(error: JobError) -> Any:  # noqa: ANN401 - a list or a text
    """Return the `detail` of a failed request."""
    kind = type_of_failure(error)
    if kind in REQUEST_ERRORS:
        return error.message
    place = ["body", "prompt"] if kind == "content_policy_violation" else ["body"]
    return [_entry(place, error.message, kind)]


def failure_body(error: JobError) -> dict[str, Any]:
    """Return the result of a failed request."""
    kind, body = type_of_failure(error), {"detail": detail_of_failure(error)}
    return {**body, "error_type": kind} if kind in REQUEST_ERRORS else body


def is_about_body(error: RushesError) -> bool:
    """Whether a create call is refused for an argument of the model."""
    param = (error.param or "").lower()
    return (
        isinstance(error, InvalidRequest)
        and not isinstance(error, NOT_OF_BODY)
        and error.kind != UNKNOWN_QUERY
        and param not in NOT_IN_BODY
        and not param.startswith("x-")
    )


def validation_response(error: InvalidRequest, field: str) -> HttpResponse:
    """Write an error about an argument; `field` is its path, such as `video_size.width`."""
    steps = [step for step in field.split(".") if step and step != "body"]
    place = ["body", *(int(step) if step.isdecimal() else step for step in steps)]
    is_url = isinstance(error, UrlNotAllowed)
    kind = "file_download_error" if is_url else KINDS.get(error.kind, error.kind)
    headers = {**JSON_HEADERS, "x-fal-error-type": kind, "x-fal-retryable": "false"}
    message = with_field_name(error.message, error.param or "", field)
    body = {"detail": [_entry(place, message, kind)]}
    return HttpResponse(422, json.dumps(body), headers)


def request_error_response(error: RushesError, detail: str) -> HttpResponse:
    is_unread = isinstance(error, InvalidRequest | TooLarge) and not isinstance(error, NOT_OF_BODY)
    kind = "bad_request" if is_unread and error.http_status == 400 else error.error_code
    body = {"detail": detail, "error_type": kind}
    if error.param == "video_id" and error.http_status == 404:
        body["status"] = "NOT_FOUND"  # fal's cancel reads it
    retryable = "true" if error.retryable else "false"
    headers = {**JSON_HEADERS, "x-fal-error-type": kind, "x-fal-retryable": retryable}
    return HttpResponse(error.http_status, json.dumps(body), headers)


def _entry(place: list[Any], message: str, kind: str) -> dict[str, Any]:
    return {"loc": place, "msg": message, "type": kind, "url": f"{DOCUMENTATION}{kind}"}

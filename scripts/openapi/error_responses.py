"""Error responses of an operation, by status."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

Json = dict[str, Any]
STATUSES = (400, 401, 403, 404, 429, 500, 503)
"""Of every operation: authentication, limits, unknown records, and services that do not answer."""
BODY_STATUSES = (409, 413, 422)
"""Of operations that change something: conflicts, large bodies and repeated calls."""


def error_responses(
    schema: Json, content_type: str, *, has_body: bool, further: Iterable[int] = ()
) -> Json:
    statuses = {*STATUSES, *(BODY_STATUSES if has_body else ()), *further}
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {content_type: {"schema": schema}},
        }
        for status in sorted(statuses)
    }

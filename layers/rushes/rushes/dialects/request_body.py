"""Parse JSON and form bodies into fields and uploads.

Every malformed body raises `InvalidRequest`; no input bytes may crash the parser.
"""

import json
from collections.abc import Mapping
from typing import Any

import multipart

from rushes.dialects.charsets import decode
from rushes.dialects.form_body import MAX_BODY_BYTES, read_multipart, read_urlencoded
from rushes.dialects.validation import shown, without_empty
from rushes.errors import InvalidRequest, TooLarge
from rushes.jobs.request import UPLOAD_HINT, megabytes
from rushes.json_parser import MAX_REQUEST_VALUES, TooManyValues, parse_json

MAX_DEPTH = 32
MAX_MEMBERS = 1000
"""Members of one object, among them the fields of the body."""
MAX_NUMBER = 2**63 - 1
MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"
TEXT_TYPES = (URLENCODED, "text/plain", "text/json")
"""Types that `curl -d` and browsers' `fetch` declare for JSON unless the caller sets a header."""


def read_fields(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Parse a body; null and empty fields are absent, as clients send them for unset ones."""
    return without_empty(parse_body(headers, body))


def read_json_fields(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Parse a body of an API that has no form variant, as `read_fields` does."""
    return without_empty(parse_json_body(headers, body))


def parse_json_body(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Parse a body of an API that has no form variant; null and empty fields are kept."""
    media_type, _ = _content_type(headers)
    if not _is_json(media_type, body):
        raise _unsupported_type(media_type, "application/json")
    return parse_body(headers, body)


def parse_body(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Parse JSON into its values, and forms into texts, lists, dicts and uploads."""
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(
            f"body must have at most {megabytes(MAX_BODY_BYTES)} (got {megabytes(len(body))});"
            f" {UPLOAD_HINT}",
            param="body",
        )
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise InvalidRequest(
            f"content-encoding must be identity (got {shown(encoding)})", param="content-encoding"
        )
    media_type, options = _content_type(headers)
    if media_type == MULTIPART:
        fields = read_multipart(body, options)
    elif _is_form(media_type, body):
        fields = read_urlencoded(body, options)
    elif _is_json(media_type, body):
        fields = _read_json(body, options.get("charset"))
    else:
        raise _unsupported_type(media_type, f"application/json or {MULTIPART}")
    _check_members("body", fields)
    for name, value in fields.items():
        _check_value(name[:80], [name, value], MAX_DEPTH + 1)
    return fields


def _content_type(headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    media_type, options = multipart.parse_options_header(headers.get("content-type", ""))
    return media_type, options


def _is_json(media_type: str, body: bytes) -> bool:
    if media_type in TEXT_TYPES:
        return body.lstrip().startswith(b"{") or _beginning(body).startswith("{")
    return media_type in ("", "application/json") or media_type.endswith("+json")


def _beginning(body: bytes) -> str:
    """Decode the first characters of a text with a byte order mark, or in UTF-16 or UTF-32."""
    return body[:8].decode(json.detect_encoding(body), "ignore")


def _is_form(media_type: str, body: bytes) -> bool:
    return media_type == URLENCODED and not _is_json(media_type, body)


def _unsupported_type(media_type: str, allowed: str) -> InvalidRequest:
    return InvalidRequest(
        f"content-type must be {allowed} (got {media_type[:80]});"
        " for a JSON body, send the header `Content-Type: application/json`",
        param="content-type",
    )


def _read_json(body: bytes, charset: str | None) -> dict[str, Any]:
    """Parse twice: `parse_json` bounds values, depth and digits, json detects duplicate names."""
    if not body.strip():
        raise InvalidRequest("body is empty: it must be a JSON object", param="body")
    text = decode(body, charset or json.detect_encoding(body), "body")
    try:
        parse_json(text, MAX_REQUEST_VALUES, allow_inf_nan=False)
        value = json.loads(text, object_pairs_hook=_unique_names)
    except TooManyValues as error:
        raise InvalidRequest(f"body {error}", param="body") from None
    except ValueError as error:
        raise InvalidRequest(f"body is not valid JSON: {error}", param="body") from None
    if not isinstance(value, dict):
        raise InvalidRequest("body must be a JSON object", param="body")
    return value


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise InvalidRequest(f"{name[:80]} is duplicated", param=name[:80])
        members[name] = value
    return members


def _check_value(field: str, value: Any, depth: int) -> None:  # noqa: ANN401 - any JSON value
    """Refuse valid JSON that no provider accepts: deep nesting, unbounded numbers, NUL."""
    if depth == 0:
        raise InvalidRequest(f"{field} must have at most {MAX_DEPTH} levels", param=field)
    if isinstance(value, int | float) and abs(value) > MAX_NUMBER:
        raise InvalidRequest(f"{field} must be at most 2^63 - 1", param=field)
    if isinstance(value, str) and "\0" in value:
        raise InvalidRequest(f"{field} must not contain NUL", param=field)
    if isinstance(value, dict):
        _check_members(field, value)
        value = [*value, *value.values()]
    if isinstance(value, list):
        for member in value:
            _check_value(field, member, depth - 1)


def _check_members(field: str, value: dict[str, Any]) -> None:
    if len(value) > MAX_MEMBERS:
        raise InvalidRequest(
            f"{field} must have at most {MAX_MEMBERS} members (got {len(value)})", param=field
        )

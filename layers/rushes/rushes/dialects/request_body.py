"""Parse JSON and multipart request bodies into fields and uploads.

Every malformed body raises `InvalidRequest`; no input bytes may crash the parser.
"""

import json
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import multipart

from rushes.errors import InvalidRequest, TooLarge
from rushes.jobs.request import Upload
from rushes.json_parser import MAX_REQUEST_VALUES, TooManyValues, parse_json

MAX_DEPTH = 32
MAX_PARTS = 32
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_MEMBERS = 1000
"""Members of one object, among them the fields of the body."""
MAX_NUMBER = 2**63 - 1
CHARSETS = ("utf8", "utf-8", "us-ascii")
BRACKETED = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")


def read_fields(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Parse JSON into its values, and multipart into texts, lists, dicts and uploads."""
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"body must have at most {MAX_BODY_BYTES} bytes (got {len(body)})")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise InvalidRequest("content-encoding must be identity", param="content-encoding")
    media_type, options = multipart.parse_options_header(headers.get("content-type", ""))
    if media_type == "multipart/form-data":
        fields = _read_multipart(body, options.get("boundary", ""))
    elif media_type in ("application/json", ""):
        if options.get("charset", "utf-8").lower() not in CHARSETS:
            raise InvalidRequest("charset of JSON must be UTF-8", param="content-type")
        fields = _read_json(body)
    else:
        raise InvalidRequest(
            f"content-type must be application/json or multipart/form-data (got {media_type[:80]})",
            param="content-type",
        )
    _check_members("body", fields)
    for name, value in fields.items():
        _check_value(name[:80], [name, value], MAX_DEPTH + 1)
    return fields


def read_json_fields(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Parse a body of an API that has no multipart variant."""
    if headers.get("content-type", "").strip().lower().startswith("multipart/"):
        raise InvalidRequest("content-type must be application/json", param="content-type")
    return read_fields(headers, body)


def _read_json(body: bytes) -> dict[str, Any]:
    """Parse twice: `parse_json` bounds values, depth and digits, json detects duplicate names."""
    try:
        parse_json(body, MAX_REQUEST_VALUES, allow_inf_nan=False)
        value = json.loads(body, object_pairs_hook=_unique_names)
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


def _read_multipart(body: bytes, boundary: str) -> dict[str, Any]:
    if not boundary:
        raise InvalidRequest("content-type must have a boundary", param="content-type")
    limits = dict.fromkeys(("memory_limit", "spool_limit"), MAX_BODY_BYTES)
    limits["part_limit"] = MAX_PARTS
    parser = multipart.MultipartParser(BytesIO(body), boundary, len(body), strict=True, **limits)
    fields: dict[str, Any] = {}
    try:
        for part in parser:
            _add(fields, part.name, _value(part))
    except (multipart.MultipartError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"body is not valid multipart: {error}", param="body") from None
    return fields


def _value(part: multipart.MultipartPart) -> str | Upload:
    if part.filename is None:
        if part.charset.lower() not in CHARSETS:
            raise InvalidRequest(f"{part.name[:80]} must be UTF-8", param=part.name[:80])
        text: str = part.raw.decode()
        return text
    return Upload(part.name, part.content_type or "application/octet-stream", part.raw)


def _add(fields: dict[str, Any], name: str, value: str | Upload) -> None:
    """Add a part. SDKs write `a[]` for a member of a list and `a[b]` for a member of an object."""
    match = BRACKETED.fullmatch(name)
    if match is None:
        if name in fields:
            raise InvalidRequest(f"{name[:80]} is duplicated", param=name[:80])
        fields[name] = value
        return
    outer, inner = match.groups()
    holder = fields.setdefault(outer, {} if inner else [])
    if isinstance(value, str) and isinstance(holder, dict) and inner and inner not in holder:
        holder[inner] = value
    elif isinstance(value, str) and isinstance(holder, list) and not inner:
        holder.append(value)
    else:
        raise InvalidRequest(f"{name[:80]} conflicts with another field", param=outer[:80])

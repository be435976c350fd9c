"""Parse request bodies: JSON, and multipart with the field names by which SDKs flatten objects."""

import io
import json
import re
from dataclasses import dataclass

from multipart import MultipartError, MultipartParser, MultipartPart, parse_options_header
from starlette.requests import Request

MAX_BODY_BYTES = 128 * 1024 * 1024
_NESTED = re.compile(r"(?P<outer>[^\[\]]+)\[(?P<inner>[^\[\]]+)\]")


class BodyError(Exception):
    """The body is unreadable; `field` names the invalid field, if any."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


@dataclass(frozen=True)
class Upload:
    """A file part of a multipart body."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class Body:
    fields: dict[str, object]
    typed: bool
    """True for JSON; every multipart value is text."""


async def read_limited(request: Request) -> bytes:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise BodyError("The request body is too large.")
    return content


async def read_body(request: Request) -> Body:
    content = await read_limited(request)
    media_type, options = parse_options_header(request.headers.get("content-type", ""))
    if media_type == "application/json":
        return Body(_parse_json(content), typed=True)
    if media_type == "multipart/form-data" and "boundary" in options:
        return Body(_parse_multipart(content, options["boundary"]), typed=False)
    raise BodyError("Content-Type must be application/json or multipart/form-data.")


async def read_json(request: Request) -> Body:
    body = await read_body(request)
    if not body.typed:
        raise BodyError("Content-Type must be application/json.")
    return body


def _parse_json(content: bytes, field: str | None = None) -> dict[str, object]:
    try:
        value = json.loads(content)
    except ValueError:
        raise BodyError("This is not valid JSON.", field) from None
    if not isinstance(value, dict):
        raise BodyError("This must be a JSON object.", field)
    return value


def _parse_multipart(content: bytes, boundary: str) -> dict[str, object]:
    parser = MultipartParser(io.BytesIO(content), boundary, memory_limit=MAX_BODY_BYTES)
    fields: dict[str, object] = {}
    try:
        for part in parser:
            _add(fields, part.name, _value(part))
    except (MultipartError, UnicodeDecodeError) as error:
        raise BodyError(f"This is not valid multipart/form-data: {error}") from error
    return fields


def _value(part: MultipartPart) -> object:
    if part.filename is not None:
        return Upload(part.filename, part.raw)
    # OpenAPI's default encoding of an object in a multipart body.
    if part.content_type == "application/json":
        return _parse_json(part.raw, part.name)
    return part.value


def _add(fields: dict[str, object], name: str, value: object) -> None:
    """Set a field; ``outer[inner]`` sets a member of an object."""
    target, key = fields, name
    if nested := _NESTED.fullmatch(name):
        inner = fields.setdefault(nested["outer"], {})
        if not isinstance(inner, dict):
            raise BodyError("The field is given twice.", nested["outer"])
        target, key = inner, nested["inner"]
    if key in target:
        raise BodyError("The field is given twice.", name)
    target[key] = value

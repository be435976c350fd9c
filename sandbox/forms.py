"""Request bodies as plain fields: JSON, and multipart with the nesting that SDKs flatten."""

import io
import json
import re
from dataclasses import dataclass

from multipart import (
    MultipartError,
    MultipartParser,
    MultipartPart,
    parse_options_header,
)
from starlette.requests import Request

MOST_BODY_BYTES = 128 * 1024 * 1024
_NESTED = re.compile(r"(?P<outer>[^\[\]]+)\[(?P<inner>[^\[\]]+)\]")


class BodyError(Exception):
    """The body cannot be read as fields; the arguments are the reason and the field, if any."""

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
    """JSON knows numbers; in multipart every value is text."""


async def read_body(request: Request) -> Body:
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BODY_BYTES:
            raise BodyError("The request body is too large.")
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == "application/json":
        return Body(_read_json(content), typed=True)
    if kind == "multipart/form-data" and "boundary" in options:
        return Body(_read_multipart(content, options["boundary"]), typed=False)
    raise BodyError("Content-Type must be application/json or multipart/form-data.")


def _read_json(content: bytes, field: str | None = None) -> dict[str, object]:
    try:
        value = json.loads(content)
    except ValueError:
        raise BodyError("This is not valid JSON.", field) from None
    if not isinstance(value, dict):
        raise BodyError("This must be a JSON object.", field)
    return value


def _read_multipart(content: bytes, boundary: str) -> dict[str, object]:
    parser = MultipartParser(io.BytesIO(content), boundary, memory_limit=MOST_BODY_BYTES)
    fields: dict[str, object] = {}
    try:
        for part in parser:
            _add(fields, part.name, _value(part))
    except (MultipartError, UnicodeDecodeError) as problem:
        raise BodyError(f"This is not valid multipart/form-data: {problem}") from problem
    return fields


def _value(part: MultipartPart) -> object:
    if part.filename is not None:
        return Upload(part.filename, part.raw)
    # OpenAPI's default encoding of an object in a multipart body.
    if part.content_type == "application/json":
        return _read_json(part.raw, part.name)
    return part.value


def _add(fields: dict[str, object], name: str, value: object) -> None:
    """Set a field; ``outer[inner]`` makes an object, as SDKs send objects in multipart bodies."""
    place, key = fields, name
    if nested := _NESTED.fullmatch(name):
        inner = fields.setdefault(nested["outer"], {})
        if not isinstance(inner, dict):
            raise BodyError("The field is given twice.", nested["outer"])
        place, key = inner, nested["inner"]
    if key in place:
        raise BodyError("The field is given twice.", name)
    place[key] = value

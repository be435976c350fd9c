"""Request bodies, JSON and multipart, as one thing: names with values, and files.

Whatever is wrong with a body is an InvalidRequest; nothing here may crash on bytes from outside.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import multipart
from pydantic_core import from_json

from rushes.errors import InvalidRequest, TooLarge
from rushes.request import Upload

DEPTH = 32
PARTS = 32
BODY_BYTES = 10 * 1024 * 1024
LARGEST_INTEGER = 2**63 - 1
BRACKETED = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")


def read_fields(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The body's fields: JSON values, or for multipart text, lists, dicts and uploads."""
    if len(body) > BODY_BYTES:
        raise TooLarge(f"the body has {len(body)} bytes, at most {BODY_BYTES} are taken")
    kind, options = multipart.parse_options_header(headers.get("content-type", ""))
    if kind == "multipart/form-data":
        return _read_multipart(body, options.get("boundary", ""))
    if kind in ("application/json", ""):
        return _read_json(body)
    raise InvalidRequest(f"a body of type {kind[:80]} is not understood", param="content-type")


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}", param="body") from None
    if not isinstance(value, dict):
        raise InvalidRequest("the body is not a JSON object", param="body")
    for name, member in value.items():
        _check_plain(name, member, DEPTH)
    return value


def _check_plain(name: str, value: Any, depth: int) -> None:  # noqa: ANN401 - any JSON value
    """Refuse what JSON allows and no provider means: abysses and endless integers."""
    if depth == 0:
        raise InvalidRequest(f"{name} is nested too deeply", param=name)
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise InvalidRequest(f"{name} is too large a number", param=name)
    members = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    for member in members:
        _check_plain(name, member, depth - 1)


def _read_multipart(body: bytes, boundary: str) -> dict[str, Any]:
    if not boundary:
        raise InvalidRequest("the multipart body has no boundary", param="content-type")
    parser = multipart.MultipartParser(
        BytesIO(body),
        boundary,
        len(body),
        strict=True,
        part_limit=PARTS,
        memory_limit=BODY_BYTES,
        spool_limit=BODY_BYTES,
    )
    fields: dict[str, Any] = {}
    try:
        for part in parser:
            _add(fields, part.name, _value(part))
    except (multipart.MultipartError, UnicodeDecodeError, LookupError) as error:
        raise InvalidRequest(f"the multipart body cannot be read: {error}", param="body") from None
    return fields


def _value(part: multipart.MultipartPart) -> str | Upload:
    if part.filename is None:
        text: str = part.raw.decode("utf-8")
        return text
    return Upload(part.name, part.content_type or "application/octet-stream", part.raw)


def _add(fields: dict[str, Any], name: str, value: str | Upload) -> None:
    """SDKs write `a[]` for each member of a list and `a[b]` for a member of an object."""
    match = BRACKETED.fullmatch(name)
    if match is None:
        if name in fields:
            raise InvalidRequest(f"{name[:80]} is there twice", param=name[:80])
        fields[name] = value
        return
    outer, inner = match.groups()
    holder = fields.setdefault(outer, {} if inner else [])
    if isinstance(holder, dict) and inner and inner not in holder:
        holder[inner] = value
    elif isinstance(holder, list) and not inner:
        holder.append(value)
    else:
        raise InvalidRequest(f"{name[:80]} does not fit the other fields", param=outer[:80])


def read_data_url(field: str, url: str) -> Upload:
    """The file in a `data:` URL."""
    match = re.match(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,", url)
    if match is None:
        raise InvalidRequest(f"{field} is not a base64 data URL", param=field)
    try:
        content = base64.b64decode(url[match.end() :], validate=True)
    except binascii.Error:
        raise InvalidRequest(f"{field} is not valid base64", param=field) from None
    return Upload(field, match[1] or "application/octet-stream", content)

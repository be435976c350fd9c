"""Request bodies, JSON and multipart, as one thing: names with values, and files.

Whatever is wrong with a body is an InvalidRequest; nothing here may crash on bytes from outside.
"""

import base64
import json
import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import multipart
from pydantic_core import from_json

from rushes.errors import InvalidRequest, TooLarge
from rushes.jobs.request import Upload

DEPTH = 32
PARTS = 32
BODY_BYTES = 10 * 1024 * 1024
LARGEST_NUMBER = 2**63 - 1
CHARSETS = ("utf8", "utf-8", "us-ascii")
BRACKETED = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")


def read_fields(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The body's fields: JSON values, or for multipart text, lists, dicts and uploads."""
    if len(body) > BODY_BYTES:
        raise TooLarge(f"the body has {len(body)} bytes, at most {BODY_BYTES} are taken")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise InvalidRequest("a compressed body is not taken", param="content-encoding")
    kind, options = multipart.parse_options_header(headers.get("content-type", ""))
    if kind == "multipart/form-data":
        fields = _read_multipart(body, options.get("boundary", ""))
    elif kind in ("application/json", ""):
        if options.get("charset", "utf-8").lower() not in CHARSETS:
            raise InvalidRequest("JSON is in UTF-8 only", param="content-type")
        fields = _read_json(body)
    else:
        raise InvalidRequest(f"a body of type {kind[:80]} is not understood", param="content-type")
    for name, value in fields.items():
        _check_plain(name[:80], [name, value], DEPTH + 1)
    return fields


def _read_json(body: bytes) -> dict[str, Any]:
    """What is dangerous, pydantic's parser refuses; json tells when a name is there twice."""
    try:
        from_json(body, allow_inf_nan=False)
        value = json.loads(body, object_pairs_hook=_once)
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}", param="body") from None
    if not isinstance(value, dict):
        raise InvalidRequest("the body is not a JSON object", param="body")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise InvalidRequest(f"{name[:80]} is there twice", param=name[:80])
        members[name] = value
    return members


def _check_plain(field: str, value: Any, depth: int) -> None:  # noqa: ANN401 - any JSON value
    """Refuse what JSON allows and no provider means: abysses, endless numbers, NUL."""
    if depth == 0:
        raise InvalidRequest(f"{field} is nested too deeply", param=field)
    if isinstance(value, int | float) and abs(value) > LARGEST_NUMBER:
        raise InvalidRequest(f"{field} is too large a number", param=field)
    if isinstance(value, str) and "\0" in value:
        raise InvalidRequest(f"{field} has a NUL character", param=field)
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for member in value:
            _check_plain(field, member, depth - 1)


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
    except (multipart.MultipartError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the multipart body cannot be read: {error}", param="body") from None
    return fields


def _value(part: multipart.MultipartPart) -> str | Upload:
    if part.filename is None:
        if part.charset.lower() not in CHARSETS:
            raise InvalidRequest(f"{part.name[:80]} is not in UTF-8", param=part.name[:80])
        text: str = part.raw.decode()
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
    if isinstance(value, str) and isinstance(holder, dict) and inner and inner not in holder:
        holder[inner] = value
    elif isinstance(value, str) and isinstance(holder, list) and not inner:
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
    except ValueError:
        raise InvalidRequest(f"{field} is not valid base64", param=field) from None
    return Upload(field, match[1] or "application/octet-stream", content)

"""Parse multipart and URL-encoded forms into texts, lists, objects and uploads."""

import base64
import quopri
import re
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import multipart

from rushes.dialects.charsets import decode
from rushes.errors import InvalidRequest
from rushes.jobs.request import Upload

MAX_PARTS = 32
MAX_PART_HEADERS = 16
MAX_BODY_BYTES = 10 * 1024 * 1024
BRACKETED = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]")
CHARSET_FIELD = "_charset_"
"""Field that names the character set of the others (RFC 7578, 4.6)."""
DEFAULT_CHARSET = "utf-8"

Entry = tuple[str, str | Upload]
"""Name and value of a form field."""


def read_multipart(body: bytes, options: Mapping[str, str]) -> dict[str, Any]:
    """Parse `multipart/form-data`; `options` are the parameters of the content type."""
    boundary = options.get("boundary", "")
    if not boundary:
        raise InvalidRequest("content-type must have a boundary", param="content-type")
    parts = _parse(body, boundary)
    named = next((part.raw for part in parts if part.name == CHARSET_FIELD), b"")
    charset = named.decode("latin-1").strip() or options.get("charset") or DEFAULT_CHARSET
    return _grouped(_entry(part, charset) for part in parts if part.name != CHARSET_FIELD)


def read_urlencoded(body: bytes, options: Mapping[str, str]) -> dict[str, Any]:
    """Parse `application/x-www-form-urlencoded` text."""
    pairs = [pair.partition(b"=") for pair in body.strip().split(b"&") if pair]
    if len(pairs) > MAX_PARTS:
        raise InvalidRequest(
            f"body must have at most {MAX_PARTS} fields (got {len(pairs)})", param="body"
        )
    raw = [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]
    named = next((value for name, value in raw if name == CHARSET_FIELD.encode()), b"")
    charset = named.decode("latin-1").strip() or options.get("charset") or DEFAULT_CHARSET
    texts = [(decode(name, charset, "body"), value) for name, value in raw]
    return _grouped(
        (name, decode(value, charset, name)) for name, value in texts if name != CHARSET_FIELD
    )


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _parse(body: bytes, boundary: str) -> list[multipart.MultipartPart]:
    """Return the parts. A preamble, an epilogue and folded headers are allowed (RFC 2046)."""
    limits = dict.fromkeys(("memory_limit", "spool_limit"), MAX_BODY_BYTES)
    limits |= {"part_limit": MAX_PARTS, "header_limit": MAX_PART_HEADERS}
    # Latin-1 accepts any bytes: an old client's file name is in its own character set.
    parser = multipart.MultipartParser(
        BytesIO(body), boundary, len(body), charset="latin-1", buffer_size=len(body) + 1, **limits
    )
    try:
        parts: list[multipart.MultipartPart] = parser.parts()
        for part in parts:
            part.name = part.name.encode("latin-1").decode()
    except multipart.ParserLimitReached as error:
        limits_text = f"at most {MAX_PARTS} fields with {MAX_PART_HEADERS} headers each"
        message = f"body is not valid multipart: {error} ({limits_text})"
        raise InvalidRequest(message, param="body") from None
    except (multipart.MultipartError, UnicodeError) as error:
        raise InvalidRequest(f"body is not valid multipart: {error}", param="body") from None
    if not parts or any(not part.name for part in parts):
        raise InvalidRequest("body must have form fields, each with a name", param="body")
    return parts


def _entry(part: multipart.MultipartPart, charset: str) -> Entry:
    content = _decoded_transfer(part)
    if not _is_file(part):
        declared = multipart.parse_options_header(part.headers.get("Content-Type", ""))[1]
        return part.name, decode(content, declared.get("charset") or charset, part.name)
    if not part.filename and not content:  # a browser's file input without a file
        return part.name, ""
    return part.name, Upload(part.name, part.content_type or "application/octet-stream", content)


def _is_file(part: multipart.MultipartPart) -> bool:
    """Detect `filename`, and `filename*` that some clients send for a name beyond ASCII."""
    return part.filename is not None or "filename*=" in part.disposition.lower()


def _decoded_transfer(part: multipart.MultipartPart) -> bytes:
    """Undo the deprecated header Content-Transfer-Encoding, which old clients still use."""
    content: bytes = part.raw
    name = part.name[:80]
    encoding = part.headers.get("Content-Transfer-Encoding", "binary").strip().lower()
    if encoding in ("binary", "8bit", "7bit", ""):
        return content
    if encoding == "quoted-printable":
        return quopri.decodestring(content)
    if encoding != "base64":
        raise InvalidRequest(
            f"{name} has an unknown content-transfer-encoding {encoding[:40]!a}", param=name
        )
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except ValueError:
        raise InvalidRequest(f"{name} is not valid base64", param=name) from None


def _grouped(entries: Iterable[Entry]) -> dict[str, Any]:
    """Group the fields. SDKs write `a[]` for a list's member and `a[b]` for an object's.

    Browsers send unset fields, too, as empty ones: they do not count.
    """
    fields: dict[str, Any] = {}
    for name, value in entries:
        match = BRACKETED.fullmatch(name)
        if value == "":
            continue
        if match is None:
            _add(fields, name, value)
        else:
            _add_member(fields, name, (match[1], match[2]), value)
    return fields


def _add(fields: dict[str, Any], name: str, value: str | Upload) -> None:
    if name in fields:
        raise InvalidRequest(f"{name[:80]} is duplicated", param=name[:80])
    fields[name] = value


def _add_member(
    fields: dict[str, Any], name: str, path: tuple[str, str], value: str | Upload
) -> None:
    outer, inner = path
    holder = fields.setdefault(outer, {} if inner else [])
    if isinstance(value, str) and isinstance(holder, dict) and inner and inner not in holder:
        holder[inner] = value
    elif isinstance(value, str) and isinstance(holder, list) and not inner:
        holder.append(value)
    else:
        raise InvalidRequest(f"{name[:80]} conflicts with another field", param=outer[:80])

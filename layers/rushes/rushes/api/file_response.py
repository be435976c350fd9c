"""Respond with a stored file, or a range of it (RFC 9110, 14), in place of a redirect to S3."""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from rushes.dialects.base import HttpResponse
from rushes.errors import InvalidRequest, RangeNotSatisfiable
from rushes.jobs.result import Artifact

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Of a response: Lambda returns at most 6 MB, and base64 adds a third."""
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.IGNORECASE)

ReadRange = Callable[[str, int, int], bytes]
"""Of a stored file: its key, the offset and the number of bytes."""


def on_host(link: str, base_url: str) -> str:
    """Return a presigned URL on another host, which passes path and query to the bucket."""
    url, base = urlsplit(link), urlsplit(base_url)
    return urlunsplit((base.scheme, base.netloc, url.path, url.query, ""))


class Span(NamedTuple):
    """Bytes of a file, the last one included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def fits(file: Artifact, requested: str) -> bool:
    """Return whether a response can have the file, or the requested range of it."""
    return file.size <= MAX_FILE_BYTES or _parse(requested, file.size) is not None


def file_response(file: Artifact, filename: str, requested: str, read: ReadRange) -> HttpResponse:
    """Return the file, or at most `MAX_FILE_BYTES` from the beginning of the requested range."""
    headers = head_response(file, filename).headers
    span = _parse(requested, file.size)
    if span is None and file.size > MAX_FILE_BYTES:
        raise InvalidRequest(
            f"redirect=false returns at most {MAX_FILE_BYTES} bytes (the file has {file.size}):"
            " request ranges of it, or follow the redirect without the header Authorization",
            param="redirect",
        )
    whole = span or Span(0, file.size - 1)
    content = read(file.key, whole.first, whole.length)
    headers = {**headers, "content-length": str(len(content))}
    if span is None:
        return HttpResponse(200, headers=headers, content=content)
    headers["content-range"] = f"bytes {span.first}-{span.last}/{file.size}"
    return HttpResponse(206, headers=headers, content=content)


def head_response(file: Artifact, filename: str) -> HttpResponse:
    headers = {
        "content-type": file.content_type,
        "content-length": str(file.size),
        "content-disposition": f'attachment; filename="{filename}"',
        "accept-ranges": "bytes",
        "cache-control": "no-store",
    }
    return HttpResponse(200, headers=headers)


def _parse(requested: str, size: int) -> Span | None:
    """Return the requested range; None if there is none, or one that is to be ignored."""
    match = RANGE.fullmatch(requested.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        first, last = str(max(size - int(last), 0)), ""
    start = int(first)
    end = min(int(last) if last else size - 1, size - 1)
    if start >= size or (last and int(last) < start):
        raise RangeNotSatisfiable(f"range must begin below {size} (got {requested[:80]})")
    return Span(start, min(end, start + MAX_FILE_BYTES - 1))

"""Read input files from requests: multipart parts, data URLs and http(s) URLs."""

import base64
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from rushes.dialects.validation import shown
from rushes.errors import InvalidRequest
from rushes.jobs.request import Input, Role, Upload

Uploads = tuple[tuple[Role, Upload], ...]
Files = tuple[Uploads, tuple[Input, ...]]
"""Files in the request with their roles, and files to fetch from URLs."""
MAX_PREFIX = 300
"""Characters of a data URL in which its base64 must begin."""
NO_FILES: Files = ((), ())
FileField = tuple[str, Role, Any]
"""A file in a request: its field, role and raw value."""


def read_files(fields: Iterable[FileField]) -> Files:
    files = [read_file(field, role, value) for field, role, value in fields]
    uploads = tuple(upload for uploads, _ in files for upload in uploads)
    return uploads, tuple(file for _, inputs in files for file in inputs)


def read_file(field: str, role: Role, value: Any) -> Files:  # noqa: ANN401 - any JSON value
    if isinstance(value, Upload):
        return ((role, value),), ()
    if isinstance(value, str) and value.startswith("data:"):
        return ((role, read_data_url(field, value)),), ()
    if isinstance(value, str) and is_http_url(value):
        return (), (Input(role=role, url=value, field=field),)
    raise InvalidRequest(
        f"{field} must be a file, a data URL or an http(s) URL (got {shown(value)})", param=field
    )


def read_data_url(field: str, url: str) -> Upload:
    match = re.match(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,", url[:MAX_PREFIX])
    if match is None:
        raise InvalidRequest(f"{field} must be a base64 data URL", param=field)
    try:
        content = base64.b64decode(url[match.end() :], validate=True)
    except ValueError:
        raise InvalidRequest(f"{field} is not valid base64", param=field) from None
    return Upload(field, match[1] or "application/octet-stream", content)


def is_http_url(text: str) -> bool:
    """Check the form only; the URL policy decides whether a connection is allowed."""
    try:
        url = urlsplit(text)
    except ValueError:  # brackets without an IPv6 address
        return False
    return url.scheme in ("http", "https") and bool(url.hostname)

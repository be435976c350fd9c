"""`POST /v1/uploads`: a presigned URL for a file that is too large for a request.

Every dialect accepts the URL in its fields for files. The file is PUT to it before.
"""

from typing import Annotated

from pydantic import Field

from rushes.dialects.base import HttpRequest, HttpResponse
from rushes.dialects.json_format import as_json
from rushes.dialects.request_body import read_fields
from rushes.dialects.response_headers import NO_STORE_HEADERS
from rushes.dialects.validation import Integer, StrictModel, shown, validate
from rushes.errors import InvalidRequest
from rushes.jobs.content_type import EXTENSIONS, TYPE_SYNONYMS
from rushes.jobs.request import MAX_UPLOAD_BYTES, UPLOAD_SECONDS, UploadUrlRequest

NO_EXTENSION = "bin"
"""Extension of an upload URL for which the client stated none."""


class UploadBody(StrictModel):
    """A URL with a declared type or length accepts no other."""

    content_type: str | None = None
    content_length: Annotated[Integer, Field(ge=1, le=MAX_UPLOAD_BYTES)] | None = None


def read_upload_request(request: HttpRequest) -> UploadUrlRequest:
    """Read the body, which may be empty."""
    fields = read_fields(request.headers, request.body) if request.body.strip() else {}
    return upload_request(validate(UploadBody, fields))


def upload_request(body: UploadBody) -> UploadUrlRequest:
    if body.content_type is None:
        return UploadUrlRequest(NO_EXTENSION, None, body.content_length)
    extension = extension_of(body.content_type)
    if extension is None:
        raise InvalidRequest(
            "content_type must be that of an image, a video or audio, such as video/mp4"
            f" (got {shown(body.content_type)})",
            param="content_type",
        )
    return UploadUrlRequest(extension, body.content_type, body.content_length)


def extension_of(content_type: str) -> str | None:
    """Return the extension of a type of input files, None for any other type."""
    bare = content_type.partition(";")[0].strip().lower()
    return EXTENSIONS.get(TYPE_SYNONYMS.get(bare, bare))


def write_upload_url(url: str) -> HttpResponse:
    body = {
        "object": "upload_url",
        "url": url,
        "method": "PUT",
        "expires_in": UPLOAD_SECONDS,
        "max_bytes": MAX_UPLOAD_BYTES,
    }
    return HttpResponse(201, as_json(body), NO_STORE_HEADERS)

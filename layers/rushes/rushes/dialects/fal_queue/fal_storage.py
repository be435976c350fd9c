"""fal's storage call for files of at most 90 MB, which its client for JavaScript sends.

The client PUTs the file to `upload_url` and sends `file_url` in its place: here they are the same.
"""

import json

from rushes.dialects.base import HttpRequest, HttpResponse
from rushes.dialects.request_body import read_json_fields
from rushes.dialects.response_headers import NO_STORE_HEADERS
from rushes.dialects.upload_url import NO_EXTENSION, extension_of
from rushes.dialects.validation import StrictModel, validate
from rushes.jobs.request import UploadUrlRequest

QUERY_NAMES = ("storage_type",)


class InitiateBody(StrictModel):
    """The type is not bound to the URL: the client may have none, and PUTs its own default."""

    content_type: str = ""
    file_name: str = ""


def read_initiate(request: HttpRequest) -> UploadUrlRequest:
    body = validate(InitiateBody, read_json_fields(request.headers, request.body))
    return UploadUrlRequest(extension_of(body.content_type) or NO_EXTENSION)


def write_initiated(url: str) -> HttpResponse:
    return HttpResponse(200, json.dumps({"upload_url": url, "file_url": url}), NO_STORE_HEADERS)

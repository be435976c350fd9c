"""Presigned uploads of input files that are too large for a request."""

from rushes.api.native.resource import Call, EmptyQuery, Route
from rushes.api.native.schemas.upload import UploadTarget
from rushes.api.native.services import NativeServices
from rushes.dialects.upload_url import UploadBody, upload_request
from rushes.jobs.request import MAX_UPLOAD_BYTES, UPLOAD_SECONDS
from rushes.jobs.times import utc_time
from rushes.ports.api_keys import Scope


def create(services: NativeServices, call: Call[UploadBody, EmptyQuery]) -> UploadTarget:
    url = services.jobs.upload_url(call.account, upload_request(call.body))
    key = services.jobs.blobs.key_of(url) or ""
    return UploadTarget(
        id=key.rpartition("/")[2],
        url=url,
        expires_at=utc_time(services.jobs.clock() + UPLOAD_SECONDS),
        max_bytes=MAX_UPLOAD_BYTES,
    )


ROUTES = (
    Route(
        "POST",
        "/uploads",
        Scope.SUBMIT,
        create,
        "uploads.create",
        "Create a URL for an input file",
        UploadTarget,
        body=UploadBody,
        status=201,
    ),
)

"""Files that clients PUT to presigned URLs of `POST /v1/uploads`: copied by key, never fetched."""

import re
from contextlib import suppress
from dataclasses import dataclass

from rushes.errors import AwsUnavailable, InvalidRequest
from rushes.jobs.content_type import found_and_allowed, is_input
from rushes.jobs.job import Job
from rushes.jobs.job_state import folder_of
from rushes.jobs.request import (
    MAX_UPLOAD_BYTES,
    UPLOAD_ROUTE,
    UPLOADS,
    Input,
    Role,
    StoredFile,
    role_media_type,
)
from rushes.ports.storage import Blobs

UPLOAD_NAME = r"[a-z0-9]{1,64}\.[a-z0-9]{1,8}"
"""Also excludes names that are no valid S3 keys."""
ARTICLES = {"image": "an image", "video": "a video", "audio": "audio"}


@dataclass(frozen=True)
class UploadUrl:
    """An upload URL in a create request. `field` contained it, `route` issues such URLs."""

    role: Role
    url: str
    field: str
    frame: int | None = None
    route: str = UPLOAD_ROUTE


@dataclass(frozen=True)
class UploadedFiles:
    blobs: Blobs

    def is_upload(self, url: str) -> bool:
        """Whether a URL is of an upload of any account; submit fetches all other URLs."""
        return (self.blobs.key_of(url) or "").startswith(UPLOADS)

    def adopt(self, job: Job, number: int, given: UploadUrl) -> Input:
        """Copy a file to the job's inputs: the client can overwrite it until the URL expires.

        Raises
        ------
        InvalidRequest
            If the URL was issued to another account, has no file, or its file does not fit.
        """
        field, file = given.field, self._find(job.account, given)
        try:
            _check_file(given.role, file, field)
        except InvalidRequest:
            with suppress(AwsUnavailable):  # a lifecycle rule deletes it within a day
                self.blobs.delete(file.key)
            raise
        copy = self.blobs.copy(file, f"{folder_of(job, 'inputs')}adopted-{number}")
        if copy is None:
            raise InvalidRequest(f"{field}: uploaded file changed during this request", param=field)
        return Input(role=given.role, file=copy, frame=given.frame)

    def check(self, account: str, given: UploadUrl) -> None:
        """Raise as `adopt` does, without a change."""
        _check_file(given.role, self._find(account, given), given.field)

    def _find(self, account: str, given: UploadUrl) -> StoredFile:
        field, key = given.field, self.blobs.key_of(given.url)
        own_key = rf"{UPLOADS}{re.escape(account)}/{UPLOAD_NAME}"
        if key is None or not re.fullmatch(own_key, key):
            raise InvalidRequest(
                f"{field} was not issued by {given.route} for this account", param=field
            )
        file = self.blobs.find(key)
        if file is None:
            raise InvalidRequest(f"{field}: no file was uploaded, or it has expired", param=field)
        return file


def _check_file(role: Role, file: StoredFile, field: str) -> None:
    if file.size > MAX_UPLOAD_BYTES:
        raise InvalidRequest(
            f"{field}: uploaded file must have at most {MAX_UPLOAD_BYTES} bytes (got {file.size})",
            param=field,
        )
    ensure_media_type(role, file.content_type, field)


def ensure_media_type(role: Role, content_type: str | None, field: str) -> None:
    wanted = role_media_type(role)
    if not is_input(content_type, wanted):
        raise InvalidRequest(
            f"{field}: uploaded file is not {ARTICLES[wanted]}"
            f" {found_and_allowed(content_type, wanted)}",
            param=field,
        )

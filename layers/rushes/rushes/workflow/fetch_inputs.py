"""Copy the input URLs of a request into the bucket."""

from dataclasses import replace

from rushes.errors import InvalidInputFile
from rushes.jobs.content_type import media_type_of, sniff
from rushes.jobs.job import Job, folder_of
from rushes.jobs.request import Input, role_media_type
from rushes.ports.http import HttpClient
from rushes.ports.storage import Blobs

INPUT_BYTES = 50 * 1024 * 1024


def fetch_inputs(job: Job, http_client: HttpClient, blobs: Blobs) -> tuple[Input, ...]:
    """Return the job's inputs, all of them in the bucket.

    Raises
    ------
    InvalidInputFile
        If a URL cannot be fetched or its file does not fit its role.
    """
    return tuple(
        _fetch(job, number, entry, http_client, blobs) if entry.url else entry
        for number, entry in enumerate(job.request.inputs)
    )


def _fetch(job: Job, number: int, entry: Input, http_client: HttpClient, blobs: Blobs) -> Input:
    upload = http_client.fetch(entry.url or "", INPUT_BYTES)
    content_type, required = sniff(upload.content), role_media_type(entry.role)
    if content_type is None or media_type_of(content_type) != required:
        raise InvalidInputFile(
            f"{entry.role.value} must be a URL of type {required}"
            f" (found {content_type or 'an unknown file type'})"
        )
    key = f"{folder_of(job, 'inputs')}{number}"
    return Input(role=entry.role, file=blobs.put(key, replace(upload, content_type=content_type)))

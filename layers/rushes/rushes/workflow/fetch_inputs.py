"""The files that a request points at, brought into the bucket."""

from dataclasses import replace

from rushes.errors import InvalidInputFile
from rushes.jobs.content_type import family, sniff
from rushes.jobs.job import Job, folder_of
from rushes.jobs.request import Input, family_of
from rushes.ports import Blobs, HttpClient

INPUT_BYTES = 50 * 1024 * 1024


def fetched(job: Job, http_client: HttpClient, blobs: Blobs) -> tuple[Input, ...]:
    """The job's inputs, all of them in the bucket.

    Raises
    ------
    BadInputFile
        If one cannot be had, or is not what its role needs.
    """
    return tuple(
        _fetch(job, number, it, http_client, blobs) if it.url else it
        for number, it in enumerate(job.request.inputs)
    )


def _fetch(job: Job, number: int, wanted: Input, http_client: HttpClient, blobs: Blobs) -> Input:
    upload = http_client.fetch(wanted.url or "", INPUT_BYTES)
    kind = sniff(upload.content)
    if kind is None or family(kind) != family_of(wanted.role):
        raise InvalidInputFile(f"what {wanted.role.value} points to is no {family_of(wanted.role)}")
    key = f"{folder_of(job, 'inputs')}{number}"
    return Input(role=wanted.role, file=blobs.put(key, replace(upload, content_type=kind)))

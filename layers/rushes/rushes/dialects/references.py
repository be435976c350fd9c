"""What clients point at: jobs by their ids, and pictures by file, data URL or address."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from rushes.dialects.base import JobReference
from rushes.dialects.request_body import read_data_url
from rushes.errors import InvalidRequest, NotFound, UnknownCursor, UnsupportedOperation
from rushes.jobs.request import Input, Role, Upload

JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def read_reference(written: str) -> JobReference:
    """`id` or `id:provider`, with whatever escapes a client has put around it."""
    job_id, colon, provider = unquote(written).partition(":")
    if not JOB_ID.fullmatch(job_id):
        raise NotFound("there is no such job", param="video_id")
    if colon and not provider:
        raise InvalidRequest("video_id ends in a colon: id or id:provider", param="video_id")
    return JobReference(job_id, provider or None)


def read_cursor(written: str | None) -> str | None:
    if not written:
        return None
    job_id = unquote(written).partition(":")[0]
    if not JOB_ID.fullmatch(job_id):
        raise UnknownCursor("after is no id of a job", param="after")
    return job_id


Files = tuple[tuple[tuple[Role, Upload], ...], tuple[Input, ...]]
"""Files that came along, and files at addresses; each with what it is for."""


def read_picture(reference: Any) -> Files:  # noqa: ANN401 - as sent
    """OpenAI's `input_reference`: what `read_file` reads, or an object around it."""
    if reference is None:
        return (), ()
    if isinstance(reference, dict):
        reference = _read_object(reference)
    return read_file("input_reference", Role.IMAGE, reference)


def read_file(field: str, role: Role, written: Any) -> Files:  # noqa: ANN401 - as sent
    """A file part, a data URL or an address."""
    if isinstance(written, Upload):
        return ((role, written),), ()
    if isinstance(written, str) and written.startswith("data:"):
        return ((role, read_data_url(field, written)),), ()
    if isinstance(written, str) and is_http_url(written):
        return (), (Input(role=role, url=written),)
    raise InvalidRequest(f"{field} is neither a file nor a data URL nor an address", param=field)


def _read_object(reference: dict[str, Any]) -> Any:  # noqa: ANN401 - judged by the caller
    if set(reference) == {"file_id"}:
        raise UnsupportedOperation(
            "input_reference.file_id: there is no Files API here", param="input_reference"
        )
    if set(reference) != {"image_url"}:
        raise InvalidRequest(
            "input_reference holds exactly one of image_url and file_id", param="input_reference"
        )
    return reference["image_url"]


def is_http_url(written: str) -> bool:
    """Whether it has the form of one, no more."""
    try:
        address = urlsplit(written)
    except ValueError:  # brackets that hold no IPv6 address
        return False
    return address.scheme in ("http", "https") and bool(address.hostname)

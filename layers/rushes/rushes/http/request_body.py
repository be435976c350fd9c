"""Request bodies of provider calls: multipart or JSON, with files read from the bucket."""

import base64
from io import BytesIO
from typing import Any

from rushes.jobs.request import StoredFile
from rushes.ports.http import BucketFolder, FormFile, HttpCall, JsonFile
from rushes.ports.storage import Blobs
from rushes.providers.file_sizes import check_file, check_files


def content_of(call: HttpCall, blobs: Blobs) -> dict[str, Any]:
    """Return the body as httpx arguments; a form is always multipart, even without files."""
    check_files(call)
    if call.form:
        return {"files": {name: _part(part, blobs) for name, part in call.form.items()}}
    if call.fields:
        return {"data": dict(call.fields)}
    if call.json is None:
        return {}
    return {"json": _with_files(call.json, blobs)}


def _part(part: str | FormFile, blobs: Blobs) -> tuple[str | None, str | BytesIO, str | None]:
    if isinstance(part, str):
        return None, part, None
    # httpx writes a file object in chunks, so that the write timeout is per chunk.
    return part.filename, BytesIO(bytes_of(part.file, blobs)), part.file.content_type


def _with_files(value: Any, blobs: Blobs) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, JsonFile):
        return _embedded(value, blobs)
    if isinstance(value, BucketFolder):
        return blobs.uri(value.key)
    if isinstance(value, dict):
        return {name: _with_files(member, blobs) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_with_files(member, blobs) for member in value]
    return value


def _embedded(value: JsonFile, blobs: Blobs) -> str:
    if value.form == "link":
        return blobs.link(value.file, value.file.key.rpartition("/")[2])
    text = base64.b64encode(bytes_of(value.file, blobs)).decode()
    return f"data:{value.file.content_type};base64,{text}" if value.form == "data_url" else text


def bytes_of(file: StoredFile, blobs: Blobs) -> bytes:
    """Read a stored file; raises `InvalidInputFile` if it is too large to be sent."""
    check_file(file)
    return blobs.read(file.key)

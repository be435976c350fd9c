"""Request bodies of provider calls: multipart or JSON, with files read from the bucket."""

import base64
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from rushes.errors import InvalidInputFile
from rushes.jobs.request import StoredFile
from rushes.ports.http import BucketFolder, FormFile, HttpCall, JsonFile
from rushes.ports.storage import Blobs

MAX_FILE_BYTES = 256 * 1024 * 1024
"""Of all files of a call, which are in memory while they are sent."""
MAX_EMBEDDED_BYTES = 96 * 1024 * 1024
"""Of all files in one JSON body. As base64, they take five times their size during the call."""


def content_of(call: HttpCall, blobs: Blobs) -> dict[str, Any]:
    """Return the body as httpx arguments; a form is always multipart, even without files."""
    if call.form:
        _check_size(part.file for part in call.form.values() if isinstance(part, FormFile))
        return {"files": {name: _part(part, blobs) for name, part in call.form.items()}}
    if call.fields:
        return {"data": dict(call.fields)}
    if call.json is None:
        return {}
    _check_size(_embedded_files(call.json), MAX_EMBEDDED_BYTES)
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


def _embedded_files(value: Any) -> Iterator[StoredFile]:  # noqa: ANN401 - any JSON value
    if isinstance(value, JsonFile):
        if value.form != "link":
            yield value.file
    elif isinstance(value, dict | list | tuple):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _embedded_files(member)


def _embedded(value: JsonFile, blobs: Blobs) -> str:
    if value.form == "link":
        return blobs.link(value.file, value.file.key.rpartition("/")[2])
    text = base64.b64encode(bytes_of(value.file, blobs)).decode()
    return f"data:{value.file.content_type};base64,{text}" if value.form == "data_url" else text


def bytes_of(file: StoredFile, blobs: Blobs) -> bytes:
    """Read a stored file; raises `InvalidInputFile` if it exceeds `MAX_FILE_BYTES`."""
    _check_size([file])
    return blobs.read(file.key)


def _check_size(files: Iterable[StoredFile], limit: int | None = None) -> None:
    limit = MAX_FILE_BYTES if limit is None else limit
    size = sum(file.size for file in files)
    if size > limit:
        raise InvalidInputFile(
            f"input files must have at most {limit} bytes for this provider (got {size})"
        )

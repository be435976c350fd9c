"""What a call carries, with the files put in that it names."""

import base64
from io import BytesIO
from typing import Any

from rushes.errors import InvalidInputFile
from rushes.jobs.request import StoredFile
from rushes.ports import Blobs, FormFile, HttpCall, JsonFile

FILE_BYTES = 256 * 1024 * 1024
"""A file is held in memory while it is sent."""


EMBEDDED_BYTES = 48 * 1024 * 1024
"""In base64 it takes four times its size while the call is made."""


def content_of(call: HttpCall, blobs: Blobs) -> dict[str, Any]:
    """The call's body as httpx takes it: multipart for a form, even where no part is a file."""
    if call.form:
        return {"files": {name: _part(part, blobs) for name, part in call.form.items()}}
    if call.json is None:
        return {}
    return {"json": _filled(call.json, blobs)}


def _part(part: str | FormFile, blobs: Blobs) -> tuple[str | None, str | BytesIO, str | None]:
    if isinstance(part, str):
        return None, part, None
    # As a file it is written in pieces, and the time limit is for each of them.
    return part.filename, BytesIO(bytes_of(part.file, blobs)), part.file.content_type


def _filled(value: Any, blobs: Blobs) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, JsonFile):
        return _embedded(value, blobs)
    if isinstance(value, dict):
        return {name: _filled(member, blobs) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(member, blobs) for member in value]
    return value


def _embedded(value: JsonFile, blobs: Blobs) -> str:
    if value.form == "link":
        return blobs.link(value.file, value.file.key.rpartition("/")[2])
    if value.file.size > EMBEDDED_BYTES:
        raise InvalidInputFile(
            f"a file of {value.file.size} bytes is too large to be put into a call"
        )
    text = base64.b64encode(bytes_of(value.file, blobs)).decode()
    return f"data:{value.file.content_type};base64,{text}" if value.form == "data_url" else text


def bytes_of(file: StoredFile, blobs: Blobs) -> bytes:
    """A file, unless memory would not hold it."""
    if file.size > FILE_BYTES:
        raise InvalidInputFile(f"a file of {file.size} bytes is too large to be sent")
    return blobs.read(file.key)

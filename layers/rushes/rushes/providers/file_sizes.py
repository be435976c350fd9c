"""Bounds on the files of one provider call, which are in the submit function's memory.

They are checked before the lease: a function that runs out of memory during the create call would
leave its outcome unknown. `tests/security/test_memory_bombs.py` measures calls at the bounds.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from rushes.errors import InvalidInputFile
from rushes.jobs.request import StoredFile
from rushes.ports.http import FormFile, HttpCall, JsonFile

MAX_FILE_BYTES = 256 * 1024 * 1024
"""Of all files of a call, which are in memory while they are sent."""
MAX_EMBEDDED_BYTES = 96 * 1024 * 1024
"""Of all files in one JSON body. As base64, they take five times their size during the call."""


def check_files(call: HttpCall) -> HttpCall:
    """Return the call; raise InvalidInputFile if its files are too large to be sent."""
    forms = (call.form or {}).values()
    _check_size((part.file for part in forms if isinstance(part, FormFile)), MAX_FILE_BYTES)
    _check_size(_embedded_files(call.json), MAX_EMBEDDED_BYTES)
    return call


def check_file(file: StoredFile) -> None:
    """Raise InvalidInputFile if a file is too large to be sent alone."""
    _check_size([file], MAX_FILE_BYTES)


def _check_size(files: Iterable[StoredFile], limit: int) -> None:
    size = sum(file.size for file in files)
    if size > limit:
        raise InvalidInputFile(
            f"input files must have at most {limit} bytes for this provider (got {size})"
        )


def _embedded_files(value: Any) -> Iterator[StoredFile]:  # noqa: ANN401 - any JSON value
    if isinstance(value, JsonFile):
        if value.form != "link":
            yield value.file
    elif isinstance(value, dict | list | tuple):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _embedded_files(member)

"""Choose the form of an input file in JSON."""

from rushes.jobs.request import StoredFile
from rushes.ports.http import JsonFile

MAX_INLINE_BYTES = 4 * 1024 * 1024
"""A larger file is sent as a link, which expires after an hour."""


def as_json_file(file: StoredFile) -> JsonFile:
    return JsonFile(file, "data_url" if file.size <= MAX_INLINE_BYTES else "link")

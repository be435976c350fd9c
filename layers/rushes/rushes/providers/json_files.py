"""Choose the form of an input file in JSON."""

from rushes.catalog.provider_config import FileLimits
from rushes.errors import InvalidInputFile
from rushes.jobs.request import Role, StoredFile, role_media_type
from rushes.ports.http import FileForm, JsonFile

MAX_INLINE_BYTES = 4 * 1024 * 1024
"""A larger file is sent as a link, which expires after an hour."""


def as_json_file(file: StoredFile) -> JsonFile:
    return JsonFile(file, "data_url" if file.size <= MAX_INLINE_BYTES else "link")


def within_limits(
    file: StoredFile, role: Role, form: FileForm | None, limits: FileLimits
) -> JsonFile:
    """Return the file in `form`, or in the preferred form that its size allows.

    Raises
    ------
    InvalidInputFile
        If the file is larger than the provider accepts.
    """
    is_linked = file.size > limits.inline_bytes and "link" in limits.forms
    chosen = form or ("link" if is_linked else limits.forms[0])
    limit = limits.max_bytes if chosen == "link" else min(limits.inline_bytes, limits.max_bytes)
    media_type = role_media_type(role)
    limit = min(
        [limit, *(size for name, size in limits.max_bytes_of.items() if name == media_type)]
    )
    if file.size > limit:
        raise InvalidInputFile(f"{role.value} must have at most {limit} bytes (got {file.size})")
    return JsonFile(file, chosen)

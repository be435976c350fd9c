"""The bucket that holds inputs and outputs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Artifact


@dataclass(frozen=True)
class Download:
    """A streamed output. `length` is None if the provider does not declare it."""

    length: int | None
    content_type: str | None
    chunks: Iterator[bytes]


class Blobs(Protocol):
    def put(self, key: str, upload: Upload) -> StoredFile: ...
    def put_stream(self, key: str, download: Download, content_type: str) -> Artifact: ...
    def read(self, key: str) -> bytes: ...
    def find(self, key: str) -> StoredFile | None: ...
    def copy(self, file: StoredFile, key: str) -> StoredFile | None:
        """Copy a file to another key; None if the object changed since `file` was read."""
        ...

    def link(self, file: StoredFile, filename: str) -> str: ...
    def upload_link(
        self, key: str, content_type: str | None = None, length: int | None = None
    ) -> str:
        """Return a URL for one PUT; a given type and length are the only ones that it accepts."""
        ...

    def key_of(self, url: str) -> str | None:
        """Return the object key of a URL of this bucket; None for any other URL."""
        ...

    def delete(self, prefix: str) -> None: ...

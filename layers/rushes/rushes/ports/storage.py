"""The bucket that holds inputs and outputs."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
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
    def read_range(self, key: str, start: int, count: int) -> bytes:
        """Return up to `count` bytes from an offset; none behind the end or of a missing file."""
        ...

    def move(self, artifact: Artifact, key: str, content_type: str) -> Artifact:
        """Store an output under another key and content type, without a download."""
        ...

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        """Replace the tags of an object; characters that the store refuses become `_`."""
        ...

    def uri(self, key: str) -> str:
        """Return the S3 URI of a key in this bucket."""
        ...

    def open(self, uri: str, folder: str) -> AbstractContextManager[Download]:
        """Stream an object that a provider stored; `InvalidOutput` unless it is in the folder."""
        ...

    def find(self, key: str) -> StoredFile | None: ...
    def copy(self, file: StoredFile, key: str) -> StoredFile | None:
        """Copy a file to another key; None if it is gone, or is not the one with `file`'s ETag."""
        ...

    def link(self, file: StoredFile, filename: str, method: str = "GET") -> str:
        """Return a download URL for GET or HEAD, valid for one hour."""
        ...

    def upload_link(
        self, key: str, content_type: str | None = None, length: int | None = None
    ) -> str:
        """Return a URL for one PUT; a given type and length are the only ones that it accepts."""
        ...

    def key_of(self, url: str) -> str | None:
        """Return the object key of a URL of this bucket; None for any other URL."""
        ...

    def delete(self, prefix: str) -> None: ...

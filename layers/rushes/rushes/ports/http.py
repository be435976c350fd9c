"""Outbound HTTP: calls to providers, downloads and webhooks."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Output
from rushes.ports.storage import Download

UrlPolicy = Callable[[str, str], None]
"""Validates a URL; the second argument names its request field. Raises UrlNotAllowed."""


@dataclass(frozen=True)
class FormFile:
    """A file part of a multipart call; its bytes are read from the bucket during the call."""

    filename: str
    file: StoredFile


@dataclass(frozen=True)
class JsonFile:
    """A file as a value in a JSON call: a data URL, bare base64, or a link."""

    file: StoredFile
    form: Literal["data_url", "base64", "link"]


@dataclass(frozen=True)
class HttpCall:
    """A call to a provider, relative to its base URL and without its API key.

    At most one of `json` and `form` is given; a form is sent as multipart. The HTTP client
    replaces each `JsonFile` among the values of `json` by the file's content or link.
    """

    method: str
    path: str
    json: Any = None
    form: Mapping[str, str | FormFile] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HttpReply:
    """A provider's response. `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Upstream:
    """A provider's base URL and authentication headers."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)


class Upstreams(Protocol):
    def find(self, provider: str) -> Upstream: ...


class HttpClient(Protocol):
    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply: ...
    def fetch(self, url: str, limit: int) -> Upload: ...
    def put(self, url: str, file: StoredFile) -> None:
        """Send a file to an upload URL that a provider issued."""
        ...

    def download(self, upstream: Upstream, output: Output) -> AbstractContextManager[Download]: ...

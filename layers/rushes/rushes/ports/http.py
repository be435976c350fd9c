"""Outbound HTTP: calls to providers, downloads and webhooks."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from rushes.jobs.job import Job
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


FileForm = Literal["data_url", "base64", "link"]
"""A data URL, bare base64, or an https URL that expires after an hour."""


@dataclass(frozen=True)
class JsonFile:
    """A file as a value in a JSON call."""

    file: StoredFile
    form: FileForm


@dataclass(frozen=True)
class BucketFolder:
    """A folder of the deployment's bucket as a value in a JSON call: the provider writes there."""

    key: str


@dataclass(frozen=True)
class HttpCall:
    """A call to a provider, relative to its base URL and without its API key.

    With `relative_to`, the path is a reference (RFC 3986) that the reply to the call at that path
    contains: an absolute URL, or relative to it. The API key is sent to the provider's origin only.

    At most one of `json`, `form` and `fields` is given; a form is sent as multipart. The HTTP
    client replaces each `JsonFile` among the values of `json` by the file's content or link, and
    each `BucketFolder` by its S3 URI.
    """

    method: str
    path: str
    json: Any = None
    form: Mapping[str, str | FormFile] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] | None = field(default=None, repr=False)
    """Sent as `application/x-www-form-urlencoded`."""
    relative_to: str | None = None


@dataclass(frozen=True)
class HttpReply:
    """A provider's response. `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Sign = Callable[[str, str, bytes], Mapping[str, str]]
"""Returns the authentication headers of a request with that method, URL and body."""


@dataclass(frozen=True)
class Upstream:
    """A provider's base URL and authentication headers; `sign` makes further ones per request."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    sign: Sign | None = field(default=None, repr=False)


class Upstreams(Protocol):
    def find(self, job: Job) -> Upstream:
        """Return the upstream of the job's provider."""
        ...

    def key_rejected(self, job: Job) -> None:
        """Read the provider's API key again for the next call, as it may have been renewed."""
        ...


class HttpClient(Protocol):
    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply: ...
    def fetch(self, url: str, limit: int) -> Upload: ...
    def put(self, url: str, file: StoredFile) -> None:
        """Send a file to an upload URL that a provider issued."""
        ...

    def download(self, upstream: Upstream, output: Output) -> AbstractContextManager[Download]: ...

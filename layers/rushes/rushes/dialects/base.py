"""The dialect contract: routes as data, request readers and response writers, without I/O."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from pydantic_core import from_json

from rushes.catalog.models import Catalog
from rushes.dialects.api_key import read_key
from rushes.dialects.content_query import ContentQuery
from rushes.dialects.job_reference import JobReference, read_reference
from rushes.dialects.model_list import ListedModel, ModelPage, ModelQuery
from rushes.errors import RushesError
from rushes.jobs.job import Job
from rushes.jobs.job_page import JobPage
from rushes.jobs.request import CreateRequest, StoredFile, UploadUrlRequest
from rushes.ports.jobs import JobQuery

Verb = Literal[
    "create", "edit", "remix", "retrieve", "status", "stream", "result", "list", "content",
    "cancel", "delete", "upload", "models", "model", "unsupported",
]  # fmt: skip

ANY_NAME = "(.+)"
"""End of a route's path: a name with any number of segments."""
ALL_MODALITIES = frozenset({"video", "image", "audio", "transcription"})


@dataclass(frozen=True)
class Route:
    """`path` has its variable in angle brackets (`/v1/videos/<job_id>`), or ends in `ANY_NAME`."""

    method: str
    path: str
    verb: Verb


def model_paths(prefix: str, max_segments: int) -> tuple[str, ...]:
    """Return a route path per model length, because a route variable matches one segment."""
    return tuple(
        prefix + "".join(f"/<step_{n}>" for n in range(length))
        for length in range(1, max_segments + 1)
    )


@dataclass(frozen=True)
class HttpRequest:
    """A client's request. `headers` has lower-case names; `body` is not decoded.

    `source_ip` and `request_id` are API Gateway's. `query` has repeated parameters joined by
    commas, `raw_query` has them as they were sent.
    """

    method: str
    path: str
    variables: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    source_ip: str = ""
    request_id: str = ""
    raw_query: str = ""


@dataclass(frozen=True)
class HttpResponse:
    """`content` is a file in place of the text `body`."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


MAX_DOCUMENT_BYTES = 2 * 1024 * 1024
"""Of a JSON result in a response: Lambda returns at most 6 MB, and Tiyaro's format has it twice."""


@dataclass(frozen=True)
class JobView:
    """A job with access to its files, for a response.

    `link` creates a presigned URL of an artifact, `read` returns the bytes of a stored file.
    `base_url` is the gateway's own URL without a slash at its end.
    """

    job: Job
    link: Callable[[StoredFile], str]
    read: Callable[[StoredFile], bytes]
    base_url: str

    @property
    def document(self) -> dict[str, Any] | None:
        """The JSON result, from the job or its file in S3; a link to a file that is too large."""
        file = self.job.document_file
        if file is None:
            return self.job.document
        if file.size > MAX_DOCUMENT_BYTES:
            link = {"url": self.link(file), "content_type": file.content_type, "size": file.size}
            return {"result_file": link}
        stored: dict[str, Any] = from_json(self.read(file))
        return stored


@dataclass(frozen=True)
class PageView:
    page: JobPage
    provider: str | None = None
    """The provider filter of the list call."""


class Dialect(Protocol):
    """A client API format. Readers raise `ClientError`; `write_error` serializes it.

    The protocols `SupportsVideos`, `SupportsCancel`, `SupportsStream`, `SupportsUpload`,
    `SupportsModels` and `SupportsModel` declare the verbs of some dialects only.
    """

    name: str
    routes: tuple[Route, ...]
    modalities: frozenset[str]
    """Modalities of the jobs that it can create. It can read every job."""
    query_names: ClassVar[Mapping[Verb, Collection[str]]]
    """Query parameters by verb; a request with any other is refused."""

    def for_request(self, request: HttpRequest) -> "Dialect":
        """Return the dialect of the response: this one, or another one that shares its paths."""
        ...

    def read_key(self, headers: Mapping[str, str]) -> str: ...
    def read_reference(self, raw: str) -> JobReference: ...
    def read_create(self, request: HttpRequest) -> CreateRequest: ...

    def read_create_for(self, request: HttpRequest, catalog: Catalog) -> CreateRequest:
        """Read a create call whose fields depend on the model."""
        ...

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse: ...
    def write_error(self, error: RushesError) -> HttpResponse: ...


class DialectDefaults:
    """Shared implementations of the methods that most dialects have in common."""

    query_names: ClassVar[Mapping[Verb, Collection[str]]] = {}

    def for_request(self: Dialect, request: HttpRequest) -> Dialect:  # noqa: ARG002 - for overrides
        return self

    def read_key(self, headers: Mapping[str, str]) -> str:
        return read_key(headers)

    def read_reference(self, raw: str) -> JobReference:
        return read_reference(raw)

    def read_create_for(self: Dialect, request: HttpRequest, catalog: Catalog) -> CreateRequest:  # noqa: ARG002 - for overrides
        return self.read_create(request)


class SupportsVideos(Dialect, Protocol):
    """Verbs: edit, remix, list, content, delete."""

    def read_edit(self, request: HttpRequest) -> CreateRequest: ...
    def read_remix(self, request: HttpRequest) -> CreateRequest: ...
    def read_list(self, request: HttpRequest) -> JobQuery: ...
    def read_content_query(self, request: HttpRequest) -> ContentQuery: ...
    def write_page(self, view: PageView) -> HttpResponse: ...
    def write_deleted(self, job: Job) -> HttpResponse: ...


class SupportsCancel(Dialect, Protocol):
    """Verb: cancel."""

    def may_cancel(self, job: Job) -> bool:
        """Return whether the API accepts a cancel in the job's current state."""
        ...

    def write_cancelled(self, job: Job, *, accepted: bool) -> HttpResponse: ...


class SupportsStream(Dialect, Protocol):
    """Verb: stream."""

    def write_stream(self, view: JobView, request: HttpRequest) -> HttpResponse: ...


class SupportsUpload(Dialect, Protocol):
    """Verb: upload."""

    def read_upload(self, request: HttpRequest) -> UploadUrlRequest: ...

    def write_upload(self, url: str) -> HttpResponse: ...


class SupportsModels(Dialect, Protocol):
    """Verb: models."""

    def read_model_query(self, request: HttpRequest) -> ModelQuery: ...
    def write_models(self, page: ModelPage) -> HttpResponse: ...


class SupportsModel(Dialect, Protocol):
    """Verb: model."""

    def read_model_name(self, request: HttpRequest) -> str: ...
    def write_model(self, model: ListedModel) -> HttpResponse: ...

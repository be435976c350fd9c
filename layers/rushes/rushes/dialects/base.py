"""What every dialect is: routes as data, and how it reads requests and writes answers.

A dialect is vocabulary only; `service` has the same verbs for all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic_core import from_json

from rushes.errors import RushesError
from rushes.jobs.job import Job, JobPage
from rushes.jobs.request import CreateRequest, StoredFile
from rushes.jobs.result import Artifact
from rushes.ports import JobQuery

Verb = Literal[
    "create",
    "edit",
    "remix",
    "retrieve",
    "status",
    "result",
    "list",
    "content",
    "cancel",
    "delete",
    "upload",
    "unsupported",
]


ALL_MODALITIES = frozenset({"video", "image", "audio", "transcription"})


@dataclass(frozen=True)
class Route:
    """`path` has its variable in angle brackets: `/v1/videos/<job_id>`."""

    method: str
    path: str
    verb: Verb


@dataclass(frozen=True)
class HttpRequest:
    """A client's call. `headers` has lower-case names; `body` is what was sent, undecoded."""

    method: str
    path: str
    variables: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpResponse:
    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobView:
    """A job to be shown.

    `link` gives a fresh download address for one of its artifacts, `read` its bytes; addresses of
    ours begin with `base_url`, which has no slash at its end.
    """

    job: Job
    link: Callable[[Artifact], str]
    read: Callable[[StoredFile], bytes]
    base_url: str

    @property
    def document(self) -> dict[str, Any] | None:
        """The result that is JSON, wherever it is kept."""
        if self.job.document_file is None:
            return self.job.document
        kept: dict[str, Any] = from_json(self.read(self.job.document_file))
        return kept


@dataclass(frozen=True)
class PageView:
    page: JobPage
    provider: str | None = None
    """What the list was narrowed to."""


@dataclass(frozen=True)
class JobReference:
    """An id as a client wrote it, with the provider that it named behind a colon."""

    job_id: str
    provider: str | None


class Dialect(Protocol):
    """The contract. Reading raises `ClientError`, which `write_error` then puts into words.

    For the verbs that only some have, there are the protocols below.
    """

    name: str
    routes: tuple[Route, ...]
    modalities: frozenset[str]
    """Kinds of jobs that can be handed in by it. Any job can be looked at."""

    def speaker(self, request: HttpRequest) -> "Dialect":
        """Who answers: the dialect itself, or another that shares its paths."""
        ...

    def read_key(self, headers: Mapping[str, str]) -> str: ...
    def read_reference(self, written: str) -> JobReference: ...
    def read_create(self, request: HttpRequest) -> CreateRequest: ...
    def write_job(self, view: JobView, verb: Verb) -> HttpResponse: ...
    def write_error(self, error: RushesError) -> HttpResponse: ...


class Videos(Dialect, Protocol):
    """Verbs: edit, remix, list, content, delete."""

    def read_edit(self, request: HttpRequest) -> CreateRequest: ...
    def read_remix(self, request: HttpRequest) -> str: ...
    def read_list(self, request: HttpRequest) -> JobQuery: ...
    def read_variant(self, request: HttpRequest) -> str: ...
    def write_page(self, view: PageView) -> HttpResponse: ...
    def write_deleted(self, job: Job) -> HttpResponse: ...


class Cancels(Dialect, Protocol):
    """Verb: cancel."""

    def may_cancel(self, job: Job) -> bool:
        """Whether the dialect lets a job be cancelled that stands so."""
        ...

    def write_cancelled(self, job: Job, *, accepted: bool) -> HttpResponse: ...


class Uploads(Dialect, Protocol):
    """Verb: upload."""

    def read_upload(self, request: HttpRequest) -> str:
        """The extension of the file that is to come, without a dot."""
        ...

    def write_upload(self, address: str) -> HttpResponse: ...

"""What every dialect is: routes as data, and how it reads requests and writes answers.

A dialect is vocabulary only; `service` has the same verbs for all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from rushes.errors import RushesError
from rushes.job import Artifact, Job, JobPage
from rushes.ports import JobQuery
from rushes.request import Creation

Verb = Literal["create", "list", "retrieve", "delete", "content", "remix", "edit", "unsupported"]


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
    """A job to be shown. `link` gives a fresh download address for one of its artifacts."""

    job: Job
    link: Callable[[Artifact], str]


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
    """The contract. Reading raises `ClientError`, which `write_error` then puts into words."""

    name: str
    routes: tuple[Route, ...]

    def read_key(self, headers: Mapping[str, str]) -> str: ...
    def read_reference(self, written: str) -> JobReference: ...
    def read_create(self, request: HttpRequest) -> Creation: ...
    def read_edit(self, request: HttpRequest) -> Creation: ...
    def read_remix(self, request: HttpRequest) -> str: ...
    def read_list(self, request: HttpRequest) -> JobQuery: ...
    def read_variant(self, request: HttpRequest) -> str: ...
    def write_job(self, view: JobView, verb: Verb) -> HttpResponse: ...
    def write_page(self, view: PageView) -> HttpResponse: ...
    def write_deleted(self, job: Job) -> HttpResponse: ...
    def write_error(self, error: RushesError) -> HttpResponse: ...

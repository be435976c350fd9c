"""What every provider adapter is: a profile and four pure functions. It opens no connection.

An adapter says which call to make and what an answer means; `workflow` makes the calls.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from rushes.jobs.job import Job
from rushes.jobs.result import JobError, Output
from rushes.ports import HttpCall, HttpReply


@dataclass(frozen=True)
class Profile:
    """Facts about a kind of provider that need no code.

    `key_header` and `key_scheme` say how it wants its key; `shortest_wait` is the least number of
    seconds between two polls that it bears.
    """

    key_header: str = "authorization"
    key_scheme: str = "Bearer"
    shortest_wait: float = 1.0


@dataclass(frozen=True)
class Submitted:
    """The provider took the job. `operation` is all that later calls need, as plain JSON."""

    operation: dict[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pending:
    """Not done yet. `wait_seconds` where the provider said when to ask again.

    `queued` where it said that it has not begun.
    """

    progress: int | None = None
    wait_seconds: float | None = None
    queued: bool = False


@dataclass(frozen=True)
class Succeeded:
    """Files, or a `document`, or both; `cost` in US dollars where the provider tells it."""

    outputs: tuple[Output, ...] = ()
    cost: float | None = None
    document: dict[str, Any] | None = None


@dataclass(frozen=True)
class Failed:
    error: JobError


@dataclass(frozen=True)
class FetchResult:
    """Done, and what came of it is told by another call, whose reply `parse_result` reads."""

    call: HttpCall


PollResult = Pending | Succeeded | Failed


class Provider(Protocol):
    """The contract. Raises `UpstreamError` where a reply cannot be taken as an answer."""

    profile: Profile

    def submit(self, job: Job) -> HttpCall: ...
    def submitted(self, reply: HttpReply) -> Submitted: ...
    def poll(self, operation: dict[str, Any]) -> HttpCall: ...
    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult | FetchResult: ...


class HasResultCall(Protocol):
    """What a provider that answers `FetchResult` has as well."""

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult: ...


@runtime_checkable
class SupportsUpload(Protocol):
    """An ability: the provider wants its input file put to an address that it gives first."""

    def upload_url_request(self, job: Job) -> HttpCall | None:
        """None where this job has no file for it."""
        ...

    def parse_upload_url(self, reply: HttpReply) -> str: ...
    def submit_request_with_upload(self, job: Job, address: str) -> HttpCall: ...


@runtime_checkable
class SupportsLookup(Protocol):
    """An ability: a job that was created unheard can be found again by our name for it."""

    def find(self, job: Job) -> HttpCall: ...
    def found(self, job: Job, reply: HttpReply) -> "Submitted | FetchResult | None":
        """None where it is not there (yet); `FetchResult` where there is more to look through."""
        ...


@runtime_checkable
class Cancels(Protocol):
    """An ability: the provider can be told to stop."""

    def cancel(self, operation: dict[str, Any]) -> HttpCall: ...

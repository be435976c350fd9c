"""Provider adapter contract: a profile and pure functions that build requests and parse replies.

`workflow` sends the requests; an adapter opens no connection.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Protocol, runtime_checkable

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, Output
from rushes.ports.http import HttpCall, HttpReply


@dataclass(frozen=True)
class Profile:
    """Constants of a protocol: the API key header and the minimum seconds between two polls."""

    key_header: str = "authorization"
    key_scheme: str = "Bearer"
    min_poll_seconds: float = 1.0
    operation_has_path: bool = False
    """Whether later requests need the path of the create call: the operation then has it."""
    has_queue: bool = True
    """Whether replies distinguish waiting jobs; without it, a job begins with its create call."""
    cancel_deletes_result: bool = False
    """Whether the cancel request deletes the result of a job that has finished."""
    cancels_queued_only: bool = False
    """Whether a cancel request has no effect on a job that has begun."""


@dataclass(frozen=True)
class Submitted:
    """The provider accepted the job. `operation` is plain JSON, the input of later requests.

    `started`: the reply says that the job has begun. `queue_position` is the number in front of it.
    """

    operation: dict[str, Any]
    warnings: tuple[str, ...] = ()
    started: bool = False
    queue_position: int | None = None


@dataclass(frozen=True)
class Pending:
    """Not done yet. `wait_seconds` is the provider's `Retry-After`; `queued` means not started.

    `progress` is a percentage, `queue_position` the number of jobs in front, and `eta_seconds` the
    provider's estimate of the time until the result.
    """

    progress: int | None = None
    wait_seconds: float | None = None
    queued: bool = False
    queue_position: int | None = None
    eta_seconds: float | None = None


@dataclass(frozen=True)
class Succeeded:
    """Files, or a JSON `document`, or both; `cost` in US dollars if the provider reports it.

    An adapter returns the cost as reported, NaN if it is not a number; `limits` checks it.
    """

    outputs: tuple[Output, ...] = ()
    cost: float | None = None
    document: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failed:
    """The job ended without a result; `cancelled` at the provider, by whomever."""

    error: JobError
    cancelled: bool = False
    detail: str | None = None
    """The provider's own text, if clients do not read it."""


@dataclass(frozen=True)
class FetchResult:
    """Done; `parse_result` reads the result from the reply to `call`."""

    call: HttpCall


@dataclass(frozen=True)
class NextPage:
    """Not on this page of the provider's list; `call` requests the next one."""

    call: HttpCall


PollResult = Pending | Succeeded | Failed


class CancelReply(Enum):
    """What the reply to a cancel request says; a poll then shows the job's state.

    STOPPED: the job is cancelled. REMOVED: the request was accepted, and the provider does not know
    a job that has stopped any more. FINISHED: too late, there is a result. REQUESTED: the job may
    stop later, or not. UNSUPPORTED: the provider does not cancel such a job.
    """

    STOPPED = auto()
    REMOVED = auto()
    FINISHED = auto()
    REQUESTED = auto()
    UNSUPPORTED = auto()


class Provider(Protocol):
    """Required functions. A parser raises `UpstreamError` for a refusal or an invalid reply."""

    profile: Profile

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        """Return the create call, with the arguments of the catalog's model if it has them."""
        ...

    def parse_submit(self, reply: HttpReply) -> Submitted: ...
    def poll_request(self, operation: dict[str, Any]) -> HttpCall: ...
    def parse_poll(
        self, operation: dict[str, Any], reply: HttpReply
    ) -> PollResult | FetchResult: ...


RESULT_PATH = "result_path"
"""Name of the path of the result call in the operation that `parse_result` gets."""


class HasResultCall(Protocol):
    """Implemented by each provider that returns `FetchResult`."""

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult: ...


@runtime_checkable
class SupportsUpload(Protocol):
    """The provider takes the input file at an upload URL that it issues before the create call."""

    def upload_url_request(self, job: Job) -> HttpCall | None:
        """Return None if the job has no file to upload."""
        ...

    def parse_upload_url(self, reply: HttpReply) -> str: ...
    def submit_request_with_upload(
        self, job: Job, url: str, model: ModelEntry | None = None
    ) -> HttpCall: ...


@runtime_checkable
class SupportsLookup(Protocol):
    """The provider lists its jobs, each with the `create_key` that the create call sent."""

    def lookup_request(self, job: Job) -> HttpCall: ...
    def parse_lookup(self, job: Job, reply: HttpReply) -> Submitted | NextPage | None:
        """Return None if the provider lists no such job (yet)."""
        ...


@runtime_checkable
class SupportsCancel(Protocol):
    """The provider can cancel a job that waits or runs."""

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall | None:
        """Return None if the provider has no such request for this job."""
        ...

    def parse_cancel(self, reply: HttpReply) -> CancelReply:
        """Read the reply, whatever its HTTP status is."""
        ...


def parse_submitted(provider: Provider, call: HttpCall, reply: HttpReply) -> Submitted:
    """Parse the reply to the create call; add its path to the operation if the profile says so."""
    submitted = provider.parse_submit(reply)
    if not provider.profile.operation_has_path:
        return submitted
    return replace(submitted, operation={**submitted.operation, "path": call.path})

"""What the core needs of the world outside, and the values that cross the border."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from rushes.jobs.job import Job, JobPage
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Artifact, Output

Change = Callable[[Job], Job]
"""A decision on a job as it stands. May return the job itself: then nothing is written."""

UrlPolicy = Callable[[str, str], None]
"""Checks a URL; the second argument names the field that it came in. Raises AddressRefused."""


@dataclass(frozen=True)
class FormFile:
    """A file part of a multipart call; its bytes come from the bucket when the call is made."""

    filename: str
    file: StoredFile


@dataclass(frozen=True)
class JsonFile:
    """A file as a value in a JSON call: as a data URL, as bare base64, or as a link to fetch."""

    file: StoredFile
    form: Literal["data_url", "base64", "link"]


@dataclass(frozen=True)
class HttpCall:
    """A call to a provider, relative to its base URL and without its key.

    At most one of `json` and `form` is given; a form is sent as multipart. Among the values of
    `json` there may be `JsonFile`s; what they stand for is put in when the call is made.
    """

    method: str
    path: str
    json: Any = None
    form: Mapping[str, str | FormFile] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HttpReply:
    """A provider's answer. `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Upstream:
    """Where a provider is and how to show it our key."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Download:
    """An output on its way in. `length` is None where the provider does not tell it."""

    length: int | None
    content_type: str | None
    chunks: Iterator[bytes]


@dataclass(frozen=True)
class JobQuery:
    """Which jobs of an account to list, and from where on."""

    limit: int = 20
    after: str | None = None
    newest_first: bool = True
    provider: str | None = None


@dataclass(frozen=True)
class Timing:
    """How long jobs of one kind took: mean and variance of the logarithm of seconds."""

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0


@dataclass(frozen=True)
class IdempotencyRecord:
    """What is stored together with a job, by which a repetition of its create call finds it.

    `retry` is None where the client gave its call a key; else how often its SDK had tried before.
    """

    digest: str
    """Of the account, the operation and the key, or the body where there is no key."""
    fingerprint: str
    """Of the body."""
    job_id: str
    expires_at: float
    retry: int | None = None


@dataclass(frozen=True)
class BudgetCharge:
    """What an account may spend in a day, in US dollars; `cost` is what the job adds."""

    account: str
    day: str
    cost: float
    limit: float


@dataclass(frozen=True)
class RateLimit:
    """Whether create calls may go to a provider at present. Times are seconds since 1970."""

    not_before: float = 0.0
    """It asked for patience until then."""
    closed_until: float = 0.0
    """It refused our key: nothing is tried until then."""
    reason: str = ""


@dataclass(frozen=True)
class ApiKey:
    """What is kept of an API key: never the key itself."""

    key_id: str
    account: str
    digest: str
    """SHA-256 of the secret part, in hexadecimal."""
    created_at: float
    revoked: bool = False


class Clock(Protocol):
    def __call__(self) -> float: ...


class Jobs(Protocol):
    def add(
        self,
        job: Job,
        receipt: IdempotencyRecord | None = None,
        allowance: BudgetCharge | None = None,
    ) -> None:
        """Store a new job, with its receipt and on its account's bill, all or nothing.

        Raises
        ------
        AlreadyAccepted
            If there is a receipt of that digest, of a key that is still remembered.
        OverBudget
            If the account has spent too much today.
        """
        ...

    def receipt(self, digest: str) -> IdempotencyRecord | None:
        """The receipt of a call that was named by a key."""
        ...

    def claim(self, digest: str, retry: int, now: float) -> str | None:
        """The oldest job of that body that no such retry has been given yet, for this one."""
        ...

    def get(self, account: str, job_id: str) -> Job | None: ...
    def change(self, account: str, job_id: str, change: Change) -> Job:
        """Apply `change` to the job as stored and write the outcome, again if another was faster.

        Raises
        ------
        NotFound
            If there is no such job.
        WriteConflict
            If others were faster every time.
        """
        ...

    def page(self, account: str, query: JobQuery) -> JobPage: ...
    def due(self, now: float, limit: int) -> tuple[Job, ...]:
        """Jobs that are to be looked after by now, the longest forgotten first."""
        ...


class Keys(Protocol):
    def add(self, key: ApiKey) -> None: ...
    def get(self, key_id: str) -> ApiKey | None: ...


class Timings(Protocol):
    def get(self, timing_key: str) -> Timing: ...
    def put(self, timing_key: str, timing: Timing) -> None: ...


class RateLimits(Protocol):
    def get(self, provider: str) -> RateLimit: ...
    def hold(self, provider: str, until: float) -> None:
        """No create calls before that; an earlier hold does not shorten a later one."""
        ...

    def close(self, provider: str, until: float, reason: str) -> None: ...
    def admit(self, provider: str, now: float, interval: float) -> bool:
        """Take the one place that there is in each `interval` seconds; False where it is taken."""
        ...


class Bus(Protocol):
    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        """Put events on the bus; gives the indexes of those that it did not take."""
        ...


class Blobs(Protocol):
    def put(self, key: str, upload: Upload) -> StoredFile: ...
    def put_stream(self, key: str, download: Download, content_type: str) -> Artifact: ...
    def read(self, key: str) -> bytes: ...
    def find(self, key: str) -> StoredFile | None: ...
    def copy(self, file: StoredFile, key: str) -> StoredFile | None:
        """The file under another key; None where it is no longer what was found."""
        ...

    def link(self, file: StoredFile, filename: str) -> str: ...
    def upload_link(self, key: str) -> str: ...
    def key_of(self, address: str) -> str | None:
        """The object that an address of ours stands for; None for anybody else's."""
        ...

    def delete(self, prefix: str) -> None: ...


class Executions(Protocol):
    def start(self, job: Job) -> None: ...
    def is_running(self, job: Job) -> bool | None: ...


class Upstreams(Protocol):
    def find(self, provider: str) -> Upstream: ...


class HttpClient(Protocol):
    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply: ...
    def fetch(self, url: str, limit: int) -> Upload: ...
    def put(self, url: str, file: StoredFile) -> None:
        """Send a file to an address that a provider gave for it."""
        ...

    def download(self, upstream: Upstream, output: Output) -> AbstractContextManager[Download]: ...
    def notify(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        """One POST to an address that a client named; a redirect is an answer like any other.

        Raises
        ------
        UpstreamRefused
            If it is no address that we connect to: nothing was sent.
        UpstreamUnreachable
            If nothing was sent.
        UpstreamSilent
            If something was, and no whole answer came in time.
        """
        ...

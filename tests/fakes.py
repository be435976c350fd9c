"""In-memory implementations of the ports; integration/test_ports.py compares them with AWS."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

from rushes.catalog.models import Catalog
from rushes.catalog.source import CatalogVersion
from rushes.errors import (
    AlreadyAccepted,
    AwsUnavailable,
    DownloadInterrupted,
    InvalidInputFile,
    InvalidOutput,
    NotFound,
    UnknownCursor,
    WriteConflict,
)
from rushes.fair_order import Shares
from rushes.jobs.charges import Charge, is_budget, settlements
from rushes.jobs.content_type import sniff_output
from rushes.jobs.cost import DECIMALS
from rushes.jobs.job import Job, allowed_before
from rushes.jobs.job_page import JobPage, first_page
from rushes.jobs.quota import refusal
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Artifact, Output
from rushes.jobs.summary import JobSummary, summary_of
from rushes.ports.accounts import Account
from rushes.ports.api_keys import ApiKey
from rushes.ports.audit import AuditEntry, AuditFilter, AuditPage
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.ports.jobs import Change, IdempotencyRecord, JobQuery
from rushes.ports.limits import Usage
from rushes.ports.provider_calls import CallCounts
from rushes.ports.provider_checks import KeyCheck
from rushes.ports.providers import RateLimit, Slots, Timing
from rushes.ports.search import JobFilter, SummaryPage, cursor_scope
from rushes.ports.storage import Download

Key = TypeVar("Key")
State = TypeVar("State")
Result = TypeVar("Result")
BUCKET = "https://bucket.example/"


class FakeClock:
    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def unavailable() -> None:
    raise AwsUnavailable("throttled")


class FakeLimits:
    """The amounts of limits by name."""

    def __init__(self) -> None:
        self.rows: dict[str, Usage] = {}

    def find(self, name: str) -> Usage:
        return self.rows.get(name, Usage())

    def report(self, name: str, percent: int) -> None:
        self.rows[name] = replace(self.find(name), reported=percent)

    def add(self, charges: Sequence[Charge], now: float) -> None:
        """Add all charges, or raise the refusal of one."""
        for charge in charges:
            used = self.find(charge.name).total
            if charge.maximum is not None and used > charge.room:
                raise refusal(charge, used, now)
        for charge in charges:
            before = self.find(charge.name)
            self.rows[charge.name] = replace(
                before,
                total=round(before.total + charge.total, DECIMALS),
                settled=round(before.settled + charge.settled, DECIMALS),
            )

    def budgets(self) -> dict[str, float]:
        """The dollars of the budgets, without the counters of jobs."""
        return {name: usage.total for name, usage in self.rows.items() if is_budget(name)}


class FakeJobs:
    """`before_write` runs once between the read and the write of a change."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], str] = {}
        self.records: dict[str, IdempotencyRecord] = {}
        self.calls: dict[str, list[IdempotencyRecord]] = {}
        self.limits = FakeLimits()
        self.before_write: Callable[[], object] | None = None

    def add(
        self,
        job: Job,
        record: IdempotencyRecord | None = None,
        charges: Sequence[Charge] = (),
    ) -> None:
        if (job.account, job.id) in self.rows:
            raise WriteConflict(f"there is a job {job.id} already")
        if record and record.retry is None:
            known = self.records.get(record.digest)
            if known and known.expires_at >= job.created_at:
                raise AlreadyAccepted("the create call was accepted before")
        self.limits.add(charges, job.created_at)
        if record and record.retry is None:
            self.records[record.digest] = record
        elif record:
            self.calls.setdefault(record.digest, []).append(record)
        self._put(job)

    @property
    def spent(self) -> dict[str, float]:
        return self.limits.budgets()

    def find_record(self, digest: str) -> IdempotencyRecord | None:
        return self.records.get(digest)

    def adopt_retry(self, digest: str, retry: int, now: float) -> str | None:
        known = self.calls.get(digest, [])
        for place, record in sorted(enumerate(known), key=lambda entry: entry[1].job_id):
            if record.expires_at > now and (record.retry or 0) < retry:
                known[place] = replace(record, retry=retry)
                return record.job_id
        return None

    def get(self, account: str, job_id: str) -> Job | None:
        document = self.rows.get((account, job_id))
        return Job.model_validate_json(document) if document else None

    def change(
        self,
        account: str,
        job_id: str,
        change: Change,
        maxima: Mapping[str, float] | None = None,
    ) -> Job:
        for _ in range(8):
            before = self.get(account, job_id)
            if before is None:
                raise NotFound(f"there is no job {job_id}")
            after = change(before)
            if after is before:
                return after
            interference, self.before_write = self.before_write, None
            if interference:
                interference()
            stored = self.get(account, job_id)
            if stored and stored.version == before.version:
                if stored.status not in allowed_before(before, after):
                    break
                self.limits.add(settlements(before, after, maxima), after.updated_at)
                self._put(after)
                return after
        raise WriteConflict(f"job {job_id} is being written to by others")

    def page(self, account: str, query: JobQuery) -> JobPage:
        jobs = sorted(self._all(), key=lambda job: job.id, reverse=query.newest_first)
        found = [job for job in jobs if job.account == account and not job.deleted_at]
        if query.provider:
            found = [job for job in found if job.provider == query.provider]
        if query.after:
            after, newest_first = query.after, query.newest_first
            found = [job for job in found if (job.id < after if newest_first else job.id > after)]
        return first_page(found, query.limit)

    def due_ids(self, now: float, limit: int) -> list[tuple[str, str]]:
        return [(job.account, job.id) for job in self.due(now, limit)]

    def due(self, now: float, limit: int) -> tuple[Job, ...]:
        found = [
            (job.next_check_at, job.id, job) for job in self._all() if job.next_check_at is not None
        ]
        due = [job for next_check_at, _, job in sorted(found) if next_check_at <= now]
        shares = Shares(limit)
        return tuple(job for job in due if shares.take(job.account, "job"))

    def of_account(self, account: str) -> list[Job]:
        return [job for job in self._all() if job.account == account]

    def _put(self, job: Job) -> None:
        self.rows[job.account, job.id] = job.model_dump_json()

    def _all(self) -> list[Job]:
        return [Job.model_validate_json(document) for document in self.rows.values()]


class FakeAudit:
    """`entries` in the order of their recording."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def record(self, entry: AuditEntry) -> None:
        self.entries.append(replace(entry, id=f"{len(self.entries):013d}-00000000"))

    def page(self, filters: AuditFilter, limit: int, cursor: str | None = None) -> AuditPage:
        if cursor is not None and cursor not in {entry.id for entry in self.entries}:
            raise UnknownCursor("cursor is unknown", param="cursor")
        found = [
            entry
            for entry in reversed(self.entries)
            if all(
                wanted is None or getattr(entry, name).startswith(wanted)
                for name, wanted in (("actor", filters.actor), ("action", filters.action))
            )
            and filters.target in (None, entry.target)
            and entry.at >= (filters.since or 0.0)
            and (cursor is None or entry.id < cursor)
        ]
        return AuditPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    @property
    def actions(self) -> list[str]:
        return [entry.action for entry in self.entries]


class FakeAccounts:
    def __init__(self, audit: FakeAudit | None = None) -> None:
        self.rows: dict[str, Account] = {}
        self.audit = audit or FakeAudit()
        self.reads = 0

    def get(self, name: str) -> Account | None:
        self.reads += 1
        return self.rows.get(name)

    def create(self, account: Account, entry: AuditEntry) -> bool:
        if account.name in self.rows:
            return False
        self.rows[account.name] = account
        self.audit.record(entry)
        return True

    def change(self, name: str, change: Callable[[Account], Account], entry: AuditEntry) -> Account:
        if name not in self.rows:
            raise NotFound(f"account {name} not found")
        after = change(self.rows[name])
        if after != self.rows[name]:
            self.rows[name] = replace(after, version=after.version + 1)
            self.audit.record(entry)
        return self.rows[name]

    def page(self, limit: int, after: str | None) -> tuple[tuple[Account, ...], bool]:
        names = [name for name in sorted(self.rows) if name > (after or "")]
        return tuple(self.rows[name] for name in names[:limit]), len(names) > limit


class FakeJobSearch:
    """Searches the jobs of a `FakeJobs`. `page_size` is the most that one page examines."""

    def __init__(self, jobs: FakeJobs, page_size: int = 1000) -> None:
        self.jobs = jobs
        self.page_size = page_size

    def page(
        self,
        account: str,
        jobs: JobFilter,
        limit: int,
        after: str | None = None,
        *,
        newest_first: bool = True,
    ) -> SummaryPage:
        scope = cursor_scope(account, jobs, newest_first=newest_first)
        found = sorted(self.jobs.of_account(account), key=lambda job: job.id, reverse=newest_first)
        if after is not None:
            last = scope.decode(after)
            found = [job for job in found if (job.id < last if newest_first else job.id > last)]
        matches: list[JobSummary] = []
        examined = found[: self.page_size]
        for place, job in enumerate(examined):
            summary = summary_of(job).model_copy(update={"status": job.status})
            matches += [summary] if jobs.matches(summary) else []
            if len(matches) == limit:
                examined = examined[: place + 1]
                break
        has_more = len(found) > len(examined)
        cursor = scope.encode(examined[-1].id) if has_more else None
        return SummaryPage(tuple(matches), cursor, pages_read=1)

    def summaries(self, account: str, since: float, until: float) -> Iterator[JobSummary]:
        for job in sorted(self.jobs.of_account(account), key=lambda job: job.id):
            if since <= job.created_at < until:
                yield summary_of(job)


class FakeKeys:
    """Implements `ApiKeys` and `KeyRegistry`. `uses` counts the writes of a last use."""

    def __init__(self, accounts: FakeAccounts | None = None) -> None:
        self.rows: dict[str, ApiKey] = {}
        self.accounts = accounts or FakeAccounts()
        self.uses = 0

    def add(self, key: ApiKey) -> None:
        self.rows[key.key_id] = key

    def get(self, key_id: str) -> ApiKey | None:
        return self.rows.get(key_id)

    def record_use(self, key_id: str, now: float, interval: float) -> None:
        key = self.rows.get(key_id)
        if key and (key.last_used_at is None or key.last_used_at <= now - interval):
            self.uses += 1
            self.rows[key_id] = replace(key, last_used_at=now)

    def create(self, key: ApiKey, entry: AuditEntry) -> None:
        self.add(key)
        self.accounts.rows.setdefault(key.account, Account(key.account, entry.at))
        self.accounts.audit.record(entry)

    def change(self, key_id: str, change: Callable[[ApiKey], ApiKey], entry: AuditEntry) -> ApiKey:
        before = self.rows[key_id]
        after = change(before)
        if after != before:
            self.add(replace(after, version=after.version + 1))
            self.accounts.audit.record(entry)
        return self.rows[key_id]

    def replace(
        self, key_id: str, change: Callable[[ApiKey], tuple[ApiKey, ApiKey]], entry: AuditEntry
    ) -> ApiKey:
        after, successor = change(self.rows[key_id])
        self.add(successor)
        return self.change(key_id, lambda _: after, entry)

    def page(self, account: str, limit: int, after: str | None) -> tuple[tuple[ApiKey, ...], bool]:
        found = sorted(
            (key for key in self.rows.values() if key.account == account),
            key=lambda key: (key.created_at, key.key_id),
            reverse=True,
        )
        ids = [key.key_id for key in found]
        if after is not None and after not in ids:
            raise UnknownCursor("cursor is unknown", param="cursor")
        start = 0 if after is None else ids.index(after) + 1
        return tuple(found[start : start + limit]), len(found) > start + limit


class FakeCounters:
    """`writes` counts the calls; `error` is raised by each."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.writes = 0
        self.error: Exception | None = None

    def add(self, name: str, expires_at: float) -> int:
        self.writes += 1
        if self.error:
            raise self.error
        assert expires_at > 0
        self.rows[name] = self.rows.get(name, 0) + 1
        return self.rows[name]


class FakeTimings:
    def __init__(self) -> None:
        self.rows: dict[str, Timing] = {}

    def get(self, timing_key: str) -> Timing:
        return self.rows.get(timing_key, Timing())

    def put(self, timing_key: str, timing: Timing) -> None:
        self.rows[timing_key] = timing


class FakeSharedState(Generic[Key, State]):
    def __init__(self) -> None:
        self.rows: dict[Key, State] = {}
        self.writes = 0

    def write(self, key: Key, state: State) -> None:
        self.rows[key] = state
        self.writes += 1

    def decide_row(
        self, key: Key, before: State, decide: Callable[[State], tuple[State, Result]]
    ) -> Result:
        after, result = decide(before)
        if after is not before:
            self.write(key, after)
        return result


class FakeRateLimits(FakeSharedState[str, RateLimit]):
    def get(self, provider: str) -> RateLimit:
        return self.rows.get(provider, RateLimit())

    def decide(
        self, provider: str, decide: Callable[[RateLimit], tuple[RateLimit, Result]]
    ) -> Result:
        return self.decide_row(provider, self.get(provider), decide)


class FakeAccountSlots(FakeSharedState[tuple[str, str], Slots]):
    def decide(
        self, account: str, pool: str, decide: Callable[[Slots], tuple[Slots, Result]]
    ) -> Result:
        before = self.rows.get((account, pool), Slots())
        return self.decide_row((account, pool), before, decide)


class FakeProviderCalls:
    """`rows` by provider, each with the time of its write."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[float, CallCounts]]] = {}
        self.error: Exception | None = None

    def add(self, provider: str, counts: CallCounts, now: float) -> None:
        if self.error:
            raise self.error
        self.rows.setdefault(provider, []).append((now, counts))

    def recent(self, provider: str, since: float) -> CallCounts:
        found = [counts for at, counts in self.rows.get(provider, []) if at >= since]
        errors = [counts.last_error for counts in found if counts.last_error]
        return CallCounts(
            sum(counts.calls for counts in found),
            sum(counts.errors for counts in found),
            max(errors, key=lambda error: error.at, default=None),
        )


class FakeProviderChecks:
    def __init__(self) -> None:
        self.result = KeyCheck("accepted", "HTTP 404 for a job that does not exist")
        self.checked: list[str] = []

    def check(self, provider: str) -> KeyCheck:
        self.checked.append(provider)
        return self.result


class FakeBus:
    """`rejections`: for each coming call the indexes that it rejects, or its error."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.rejections: list[list[int] | Exception] = []

    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        rejected = self.rejections.pop(0) if self.rejections else []
        if isinstance(rejected, Exception):
            raise rejected
        self.events += [dict(event) for index, event in enumerate(events) if index not in rejected]
        return rejected


class FakeBlobs:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def put(self, key: str, upload: Upload) -> StoredFile:
        self.objects[key] = upload.content
        return StoredFile(key=key, content_type=upload.content_type, size=len(upload.content))

    def put_stream(self, key: str, download: Download, content_type: str) -> Artifact:
        content = b"".join(download.chunks)
        if download.length not in (None, len(content)):
            raise DownloadInterrupted(f"the output ended after {len(content)} of {download.length}")
        self.objects[key] = content
        digest = hashlib.sha256(content).hexdigest()
        return Artifact(key=key, content_type=content_type, size=len(content), sha256=digest)

    def read(self, key: str) -> bytes:
        if key not in self.objects:
            raise InvalidInputFile("an input file no longer exists")
        return self.objects[key]

    def read_range(self, key: str, start: int, count: int) -> bytes:
        return self.objects.get(key, b"")[start : start + count]

    def move(self, artifact: Artifact, key: str, content_type: str) -> Artifact:
        self.objects[key] = self.objects.pop(artifact.key)
        return artifact.model_copy(update={"key": key, "content_type": content_type})

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        self.tags[key] = dict(tags)

    def uri(self, key: str) -> str:
        return f"s3://bucket/{key}"

    @contextmanager
    def open(self, uri: str, folder: str) -> Iterator[Download]:
        if not uri.startswith(self.uri(folder)):
            raise InvalidOutput(f"the output must be in {self.uri(folder)} (got {uri})")
        content = self.objects.get(uri.removeprefix(self.uri("")))
        if content is None:
            raise DownloadInterrupted(f"the object {uri} cannot be read")
        yield Download(len(content), None, iter([content]))

    def find(self, key: str) -> StoredFile | None:
        content = self.objects.get(key)
        if content is None:
            return None
        content_type = sniff_output(content) or "application/octet-stream"
        etag = hashlib.sha256(content).hexdigest()
        return StoredFile(key=key, content_type=content_type, size=len(content), etag=etag)

    def copy(self, file: StoredFile, key: str) -> StoredFile | None:
        stored = self.find(file.key)
        if stored is None or file.etag not in (None, stored.etag):
            return None
        self.objects[key] = self.objects[file.key]
        return file.model_copy(update={"key": key})

    def link(self, file: StoredFile, filename: str, method: str = "GET") -> str:
        signed = "" if method == "GET" else f"&method={method}"
        return f"{BUCKET}{quote(file.key)}?filename={filename}{signed}"

    def upload_link(
        self, key: str, content_type: str | None = None, length: int | None = None
    ) -> str:
        """Return a URL that names the signed headers, of which the fake checks none."""
        signed = {"content-type": content_type, "content-length": length}
        given = [f"&{name}={value}" for name, value in signed.items() if value is not None]
        return f"{BUCKET}{quote(key)}?upload{''.join(given)}"

    def key_of(self, url: str) -> str | None:
        path = url.partition("?")[0]
        return unquote(path.removeprefix(BUCKET)) if path.startswith(BUCKET) else None

    def delete(self, prefix: str) -> None:
        self.objects = {
            key: content for key, content in self.objects.items() if not key.startswith(prefix)
        }


class FakeExecutions:
    """`running`: whether each execution, by name, still runs."""

    def __init__(self) -> None:
        self.running: dict[str, bool] = {}
        self.error: Exception | None = None

    def start(self, job: Job) -> None:
        if self.error:
            raise self.error
        self.running.setdefault(job.execution_name, True)

    def is_running(self, job: Job) -> bool | None:
        return self.running.get(job.execution_name)


class FixedCatalogs:
    """Source with one version, which is in force and which all jobs have."""

    def __init__(self, catalog: Catalog, number: int = 1) -> None:
        self.version = CatalogVersion(number, catalog)

    def current(self) -> CatalogVersion:
        return self.version

    def for_job(self, job: Job) -> Catalog:  # noqa: ARG002 - the same for each job
        return self.version.catalog


class FakeUpstreams:
    """`rejected`: ids of the jobs for which a provider rejected the key."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.rejected: list[str] = []

    def find(self, job: Job) -> Upstream:
        if self.error:
            raise self.error
        url = f"https://{job.provider}.example/v1"
        return Upstream(url, {"authorization": "Bearer upstream-key"})

    def key_rejected(self, job: Job) -> None:
        self.rejected.append(job.id)


Answer = HttpReply | Exception


class FakeHttpClient:
    """Answers calls from `answers` by method and path; a list is consumed one by one."""

    def __init__(self, answers: dict[str, Answer | list[Answer]] | None = None) -> None:
        self.answers = answers or {}
        self.files: dict[str, bytes | Exception] = {}
        self.calls: list[HttpCall] = []
        self.puts: dict[str, StoredFile] = {}
        self.put_error: Exception | None = None
        self.upstreams: list[Upstream] = []

    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        self.upstreams.append(upstream)
        self.calls.append(call)
        return self._answer(f"{call.method} {call.path}")

    def _answer(self, call: str) -> HttpReply:
        answer = self.answers[call]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def fetch(self, url: str, limit: int) -> Upload:
        content = self._file(url)
        if len(content) > limit:
            raise InvalidInputFile("input_reference is too large")
        return Upload("input_reference", "application/octet-stream", content)

    def put(self, url: str, file: StoredFile) -> None:
        if self.put_error:
            raise self.put_error
        self.puts[url] = file

    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        self.upstreams.append(upstream)
        content = self._file(output.url)
        yield Download(len(content), output.content_type, iter([content]))

    def _file(self, url: str) -> bytes:
        content = self.files[url]
        if isinstance(content, Exception):
            raise content
        return content

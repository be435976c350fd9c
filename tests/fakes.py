"""The ports in memory: working, small, and held to the real ones by integration/test_ports.py."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from rushes.errors import (
    AlreadyAccepted,
    BudgetExceeded,
    DownloadInterrupted,
    InvalidInputFile,
    NotFound,
    WriteConflict,
)
from rushes.jobs.content_type import sniff
from rushes.jobs.job import Job, JobPage, allowed_before
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Artifact, Output
from rushes.ports import (
    ApiKey,
    BudgetCharge,
    Change,
    Download,
    HttpCall,
    HttpReply,
    IdempotencyRecord,
    JobQuery,
    RateLimit,
    Timing,
    Upstream,
)

BUCKET = "https://bucket.example/"


class FakeClock:
    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class FakeJobs:
    """`before_write` is called between a change's reading and its writing, to get in between."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], str] = {}
        self.receipts: dict[str, IdempotencyRecord] = {}
        self.calls: dict[str, list[IdempotencyRecord]] = {}
        self.spent: dict[tuple[str, str], float] = {}
        self.before_write: Callable[[], object] | None = None

    def add(
        self,
        job: Job,
        receipt: IdempotencyRecord | None = None,
        allowance: BudgetCharge | None = None,
    ) -> None:
        if (job.account, job.id) in self.rows:
            raise WriteConflict(f"there is a job {job.id} already")
        if receipt and receipt.retry is None:
            known = self.receipts.get(receipt.digest)
            if known and known.expires_at >= job.created_at:
                raise AlreadyAccepted("the call has been accepted already")
        if allowance:
            self._spend(allowance)
        if receipt and receipt.retry is None:
            self.receipts[receipt.digest] = receipt
        elif receipt:
            self.calls.setdefault(receipt.digest, []).append(receipt)
        self._put(job)

    def _spend(self, allowance: BudgetCharge) -> None:
        day = (allowance.account, allowance.day)
        total = self.spent.get(day, 0.0) + allowance.cost
        if total > allowance.limit:
            raise BudgetExceeded("the account has spent what it may in a day")
        self.spent[day] = total

    def receipt(self, digest: str) -> IdempotencyRecord | None:
        return self.receipts.get(digest)

    def claim(self, digest: str, retry: int, now: float) -> str | None:
        known = self.calls.get(digest, [])
        for place, receipt in sorted(enumerate(known), key=lambda it: it[1].job_id):
            if receipt.expires_at > now and (receipt.retry or 0) < retry:
                known[place] = replace(receipt, retry=retry)
                return receipt.job_id
        return None

    def get(self, account: str, job_id: str) -> Job | None:
        document = self.rows.get((account, job_id))
        return Job.model_validate_json(document) if document else None

    def change(self, account: str, job_id: str, change: Change) -> Job:
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
        return JobPage(jobs=tuple(found[: query.limit]), has_more=len(found) > query.limit)

    def due(self, now: float, limit: int) -> tuple[Job, ...]:
        found = [
            (job.next_check_at, job.id, job) for job in self._all() if job.next_check_at is not None
        ]
        return tuple(job for next_check_at, _, job in sorted(found) if next_check_at <= now)[:limit]

    def _put(self, job: Job) -> None:
        self.rows[job.account, job.id] = job.model_dump_json()

    def _all(self) -> list[Job]:
        return [Job.model_validate_json(document) for document in self.rows.values()]


class FakeKeys:
    def __init__(self) -> None:
        self.rows: dict[str, ApiKey] = {}

    def add(self, key: ApiKey) -> None:
        self.rows[key.key_id] = key

    def get(self, key_id: str) -> ApiKey | None:
        return self.rows.get(key_id)


class FakeTimings:
    def __init__(self) -> None:
        self.rows: dict[str, Timing] = {}

    def get(self, kind: str) -> Timing:
        return self.rows.get(kind, Timing())

    def put(self, kind: str, timing: Timing) -> None:
        self.rows[kind] = timing


class FakeRateLimits:
    def __init__(self) -> None:
        self.rows: dict[str, RateLimit] = {}

    def get(self, provider: str) -> RateLimit:
        return self.rows.get(provider, RateLimit())

    def hold(self, provider: str, until: float) -> None:
        gate = self.get(provider)
        self.rows[provider] = replace(gate, not_before=max(gate.not_before, until))

    def close(self, provider: str, until: float, reason: str) -> None:
        self.rows[provider] = replace(self.get(provider), closed_until=until, reason=reason)

    def admit(self, provider: str, now: float, interval: float) -> bool:
        gate = self.get(provider)
        if gate.not_before > now:
            return False
        self.rows[provider] = replace(gate, not_before=now + interval)
        return True


class FakeBus:
    """`refusals` holds for each call to come the indexes that it will refuse, or its trouble."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refusals: list[list[int] | Exception] = []

    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        refused = self.refusals.pop(0) if self.refusals else []
        if isinstance(refused, Exception):
            raise refused
        self.events += [dict(it) for index, it in enumerate(events) if index not in refused]
        return refused


class FakeBlobs:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

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
            raise InvalidInputFile("a file that the job works from is gone")
        return self.objects[key]

    def find(self, key: str) -> StoredFile | None:
        content = self.objects.get(key)
        if content is None:
            return None
        kind = sniff(content) or "application/octet-stream"
        etag = hashlib.sha256(content).hexdigest()
        return StoredFile(key=key, content_type=kind, size=len(content), etag=etag)

    def copy(self, file: StoredFile, key: str) -> StoredFile | None:
        there = self.find(file.key)
        if there is None or there.etag != file.etag:
            return None
        self.objects[key] = self.objects[file.key]
        return file.model_copy(update={"key": key})

    def link(self, file: StoredFile, filename: str) -> str:
        return f"{BUCKET}{quote(file.key)}?filename={filename}"

    def upload_link(self, key: str) -> str:
        return f"{BUCKET}{quote(key)}?upload"

    def key_of(self, address: str) -> str | None:
        path = address.partition("?")[0]
        return unquote(path.removeprefix(BUCKET)) if path.startswith(BUCKET) else None

    def delete(self, prefix: str) -> None:
        self.objects = {key: it for key, it in self.objects.items() if not key.startswith(prefix)}


class FakeExecutions:
    """`running` holds the names of executions, and whether each still runs."""

    def __init__(self) -> None:
        self.running: dict[str, bool] = {}
        self.trouble: Exception | None = None

    def start(self, job: Job) -> None:
        if self.trouble:
            raise self.trouble
        self.running.setdefault(job.execution_name, True)

    def is_running(self, job: Job) -> bool | None:
        return self.running.get(job.execution_name)


class FakeUpstreams:
    def __init__(self) -> None:
        self.trouble: Exception | None = None

    def find(self, provider: str) -> Upstream:
        if self.trouble:
            raise self.trouble
        return Upstream(f"https://{provider}.example/v1", {"authorization": "Bearer upstream-key"})


Answer = HttpReply | Exception


class FakeHttpClient:
    """Answers calls from `answers`, keyed by method and path; a list is used up one by one."""

    def __init__(self, answers: dict[str, Answer | list[Answer]] | None = None) -> None:
        self.answers = answers or {}
        self.files: dict[str, bytes | Exception] = {}
        self.calls: list[HttpCall] = []
        self.puts: dict[str, StoredFile] = {}
        """What was put where."""
        self.put_trouble: Exception | None = None
        self.upstreams: list[Upstream] = []
        """Whom each call and each download was made to."""
        self.notices: list[tuple[str, Mapping[str, str], bytes]] = []

    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        self.upstreams.append(upstream)
        self.calls.append(call)
        return self._answer(f"{call.method} {call.path}")

    def notify(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        self.notices.append((url, headers, body))
        return self._answer(f"POST {url}")

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
        if self.put_trouble:
            raise self.put_trouble
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

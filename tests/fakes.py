"""The ports in memory: working, small, and held to the real ones by integration/test_ports.py."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, unquote

from rushes import media
from rushes.errors import BadInputFile, NotFound, OutputInterrupted, WriteConflict
from rushes.job import Artifact, Job, JobPage, Output, allowed_before
from rushes.ports import (
    ApiKey,
    Change,
    Download,
    HttpCall,
    HttpReply,
    JobQuery,
    Timing,
    Upstream,
)
from rushes.request import StoredFile, Upload

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
        self.before_write: Callable[[], None] | None = None

    def add(self, job: Job) -> None:
        if (job.account, job.id) in self.rows:
            raise WriteConflict(f"there is a job {job.id} already")
        self._put(job)

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

    def untouched_since(self, moment: float, limit: int) -> tuple[Job, ...]:
        found = [job for job in self._all() if not job.is_finished and job.updated_at < moment]
        return tuple(sorted(found, key=lambda job: job.updated_at)[:limit])

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


class FakeBlobs:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, upload: Upload) -> StoredFile:
        self.objects[key] = upload.content
        return StoredFile(key=key, content_type=upload.content_type, size=len(upload.content))

    def put_stream(self, key: str, download: Download, content_type: str) -> Artifact:
        content = b"".join(download.chunks)
        if download.length not in (None, len(content)):
            raise OutputInterrupted(f"the output ended after {len(content)} of {download.length}")
        self.objects[key] = content
        digest = hashlib.sha256(content).hexdigest()
        return Artifact(key=key, content_type=content_type, size=len(content), sha256=digest)

    def read(self, key: str) -> bytes:
        if key not in self.objects:
            raise BadInputFile("a file that the job works from is gone")
        return self.objects[key]

    def find(self, key: str) -> StoredFile | None:
        content = self.objects.get(key)
        if content is None:
            return None
        kind = media.sniff(content) or "application/octet-stream"
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


class FakeEgress:
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

    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        self.upstreams.append(upstream)
        self.calls.append(call)
        answer = self.answers[f"{call.method} {call.path}"]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def fetch(self, url: str, limit: int) -> Upload:
        content = self._file(url)
        if len(content) > limit:
            raise BadInputFile("input_reference is too large")
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

"""The job core that every protocol shares: accept a brief, queue it, render it, forget it."""

import asyncio
import shutil
import tempfile
import time
import traceback
import uuid
from pathlib import Path

from sandbox.errors import (
    NotReadyError,
    RefusedError,
    ReusedKeyError,
    TooManyRequestsError,
    UnavailableError,
    UnknownJobError,
)
from sandbox.fault_directives import read_directives
from sandbox.job import Failure, Job, JobFailedError, JobStatus
from sandbox.render_job import make
from sandbox.render_spec import Brief
from sandbox.request_log import Create, RequestLog
from sandbox.responses import Fate, answer_of_this_call

SIMULTANEOUS_RENDERS = 2
DIRECTED_FAILURES = {
    "filter": Failure("content_filter", "The video was withheld by the content filter."),
    "fail": Failure("internal_error", "The render broke off."),
}

COUNTED = ("401", "429", "500", "503", "made-500", "made-reset", "made-cut")
FATES: dict[str, Fate] = {
    "401": "401",
    "500": "500",
    "made-500": "500",
    "made-reset": "reset",
    "made-cut": "cut",
}


class Sandbox:
    """All jobs, their files and the ledger."""

    def __init__(self) -> None:
        self.request_log = RequestLog()
        self.jobs: dict[str, Job] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self._slots = asyncio.Semaphore(SIMULTANEOUS_RENDERS)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def submit(self, brief: Brief, idempotency_key: str | None) -> Job:
        """Queue a job, unless the prompt asks for a refusal; the ledger shows either."""
        directives = read_directives(brief.prompt)
        earlier = self.request_log.calls_of(brief.prompt)
        entry = _entry(brief, idempotency_key)
        self.request_log.creates.append(entry)
        _direct(directives, earlier)
        answer_of_this_call().after = directives.get("hang-create", 0)
        job = self._start_job(brief, directives)
        entry.id, entry.accepted = job.id, True
        return job

    def repeat(self, brief: Brief, idempotency_key: str) -> Job | None:
        """The job that an earlier call under this key made; the ledger counts the repetition."""
        entry = self.request_log.of_key(idempotency_key)
        if entry is None or entry.id is None:
            return None
        if not entry.is_of(_entry(brief, idempotency_key)):
            raise ReusedKeyError
        earlier = self.request_log.calls_of(brief.prompt)
        entry.replays += 1
        _direct(read_directives(brief.prompt), earlier)
        return self.find(entry.id)

    def find(self, job_id: str) -> Job:
        try:
            return self.jobs[job_id]
        except KeyError:
            raise UnknownJobError(job_id) from None

    def poll(self, job_id: str) -> Job:
        """The job as a client's poll sees it: counted, and missing or unwell if so directed."""
        job = self.find(job_id)
        self.request_log.polls[job_id] += 1
        if "lose" in job.directives:
            raise UnknownJobError(job_id)
        if self.request_log.polls[job_id] <= job.directives.get("poll-503", 0):
            raise UnavailableError
        return job

    def completed(self, job_id: str) -> Job:
        job = self.find(job_id)
        if job.status is not JobStatus.COMPLETED:
            raise NotReadyError(job_id)
        return job

    def delete(self, job_id: str) -> None:
        """Forget a job and its files; a running render is aborted."""
        job = self.find(job_id)
        self.request_log.deletes.append(job_id)
        del self.jobs[job_id]
        if job_id in self._tasks:
            self._tasks[job_id].cancel()
        shutil.rmtree(job.folder, ignore_errors=True)
        for path in (job.brief.image, job.brief.clip, job.brief.sound):
            if path:
                path.unlink(missing_ok=True)

    def stop(self, job_id: str, code: str) -> None:
        """Abort a job that has not ended; it stays, as one that failed."""
        job = self.find(job_id)
        self.request_log.deletes.append(job_id)
        if job_id in self._tasks:
            job.failure, job.ended_at = Failure(code, "The request was cancelled."), time.time()
            self._tasks[job_id].cancel()

    async def close(self) -> None:
        """End every render and remove every file."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_job(self, brief: Brief, directives: dict[str, int]) -> Job:
        job_id = f"video_{uuid.uuid4().hex}"
        job = Job(job_id, brief, self.folder / job_id, directives)
        job.folder.mkdir()
        self.jobs[job_id] = job
        task = asyncio.create_task(self._run(job))
        self._tasks[job_id] = task
        task.add_done_callback(lambda ended: self._settle(job, ended))
        return job

    async def _run(self, job: Job) -> None:
        await asyncio.sleep(job.directives.get("queue", 0))
        async with self._slots:
            job.started_at = time.time()
            await make(job.brief, job.media, job.note_progress)
        # After the slot is free: pretended slowness must not keep others from rendering.
        await asyncio.sleep(job.started_at + job.directives.get("slow", 0) - time.time())
        for directive, failure in DIRECTED_FAILURES.items():
            if directive in job.directives:
                raise JobFailedError(failure)

    def _settle(self, job: Job, task: asyncio.Task[None]) -> None:
        """Turn whatever ended a job's task into the job's state, so that no job hangs forever."""
        del self._tasks[job.id]
        if task.cancelled():
            return
        reason = task.exception()
        if isinstance(reason, JobFailedError):
            job.failure = reason.failure
        elif reason:
            traceback.print_exception(reason)
            job.failure = Failure("internal_error", str(reason) or type(reason).__name__)
        job.ended_at = time.time()


def _entry(brief: Brief, idempotency_key: str | None) -> Create:
    return Create(
        source=brief.source,
        prompt=brief.prompt,
        model=brief.model,
        size=brief.size if brief.kind in ("video", "image") else None,
        seconds=str(brief.seconds) if brief.kind in ("video", "audio") else None,
        seed=brief.seed,
        idempotency_key=idempotency_key,
        has_input_reference=bool(brief.image or brief.sound),
        reference=brief.reference,
    )


def _direct(directives: dict[str, int], earlier: int) -> None:
    """Raise or prepare what the prompt asks for, given how many creates of it came before."""
    answer = answer_of_this_call()
    answer.patience = directives.get("retry-after")
    if "refuse" in directives:
        raise RefusedError
    word = _turn(directives, earlier)
    answer.fate = FATES.get(word, "whole")
    if word == "429":
        raise TooManyRequestsError
    if word in ("401", "500", "503"):
        raise UnavailableError


def _turn(directives: dict[str, int], earlier: int) -> str:
    """Which of the words that count creates it is the turn of; each has its number of them."""
    for word in COUNTED:
        earlier -= directives.get(word, 0)
        if earlier < 0:
            return word
    return ""

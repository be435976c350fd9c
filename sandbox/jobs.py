"""Job core of every protocol: accept a render spec, queue it, render it, delete it."""

import asyncio
import shutil
import tempfile
import time
import traceback
import uuid
from pathlib import Path

from sandbox.errors import (
    IdempotencyKeyReusedError,
    NotReadyError,
    RefusedError,
    TooManyRequestsError,
    UnavailableError,
    UnknownJobError,
)
from sandbox.fault_directives import read_directives
from sandbox.job import Failure, Job, JobFailedError, JobStatus
from sandbox.rendering.render_job import render_file
from sandbox.rendering.render_spec import RenderSpec
from sandbox.request_log import Create, RequestLog
from sandbox.response_faults import Fault, planned_response

SIMULTANEOUS_RENDERS = 2
FAILURE_DIRECTIVES = {
    "filter": Failure("content_filter", "The video was withheld by the content filter."),
    "fail": Failure("internal_error", "The render was interrupted."),
}
COUNTED_DIRECTIVES = ("401", "429", "500", "503", "made-500", "made-reset", "made-cut")
FAULTS: dict[str, Fault] = {
    "401": "401",
    "500": "500",
    "made-500": "500",
    "made-reset": "reset",
    "made-cut": "cut",
}


class Sandbox:
    """All jobs, their files and the request log."""

    def __init__(self) -> None:
        self.request_log = RequestLog()
        self.jobs: dict[str, Job] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self._slots = asyncio.Semaphore(SIMULTANEOUS_RENDERS)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def submit(
        self, spec: RenderSpec, idempotency_key: str | None, failure: Failure | None = None
    ) -> Job:
        """Log the create call and queue its job, unless a directive rejects it.

        With a `failure` the job runs and ends with it.
        """
        directives = read_directives(spec.prompt)
        earlier = self.request_log.count_creates(spec.prompt)
        entry = _log_entry(spec, idempotency_key)
        self.request_log.creates.append(entry)
        _apply_directives(directives, earlier)
        planned_response().delay = directives.get("hang-create", 0)
        job = self._start_job(spec, directives, failure)
        entry.id, entry.accepted = job.id, True
        return job

    def replay(self, spec: RenderSpec, idempotency_key: str) -> Job | None:
        """Return the job of an earlier call with this key, and count the replay."""
        entry = self.request_log.find_by_key(idempotency_key)
        if entry is None or entry.id is None:
            return None
        if not entry.same_request(_log_entry(spec, idempotency_key)):
            raise IdempotencyKeyReusedError
        earlier = self.request_log.count_creates(spec.prompt)
        entry.replays += 1
        _apply_directives(read_directives(spec.prompt), earlier)
        return self.find(entry.id)

    def find(self, job_id: str) -> Job:
        try:
            return self.jobs[job_id]
        except KeyError:
            raise UnknownJobError(job_id) from None

    def poll(self, job_id: str) -> Job:
        """Count the poll and return the job, or raise the error of a directive."""
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
        """Delete a job and its files; abort a running render."""
        job = self.find(job_id)
        self.request_log.deletes.append(job_id)
        del self.jobs[job_id]
        if job_id in self._tasks:
            self._tasks[job_id].cancel()
        shutil.rmtree(job.folder, ignore_errors=True)
        for path in (job.spec.image, job.spec.clip, job.spec.audio):
            if path:
                path.unlink(missing_ok=True)

    def stop(self, job_id: str, code: str) -> None:
        """Abort an unfinished job and keep it as failed."""
        job = self.find(job_id)
        self.request_log.deletes.append(job_id)
        if job_id in self._tasks:
            job.failure, job.ended_at = Failure(code, "The request was cancelled."), time.time()
            self._tasks[job_id].cancel()

    async def close(self) -> None:
        """Abort every render and remove every file."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_job(
        self, spec: RenderSpec, directives: dict[str, int], failure: Failure | None
    ) -> Job:
        job_id = f"video_{uuid.uuid4().hex}"
        job = Job(job_id, spec, self.folder / job_id, directives, failure)
        job.folder.mkdir()
        self.jobs[job_id] = job
        task = asyncio.create_task(self._run(job))
        self._tasks[job_id] = task
        task.add_done_callback(lambda ended: self._finish(job, ended))
        return job

    async def _run(self, job: Job) -> None:
        await asyncio.sleep(job.directives.get("queue", 0))
        async with self._slots:
            job.started_at = time.time()
            if job.planned_failure:
                raise JobFailedError(job.planned_failure)
            await render_file(job.spec, job.output, job.set_progress)
        # After the slot is released: [slow=N] must not block the renders of other jobs.
        await asyncio.sleep(job.started_at + job.directives.get("slow", 0) - time.time())
        for directive, failure in FAILURE_DIRECTIVES.items():
            if directive in job.directives:
                raise JobFailedError(failure)

    def _finish(self, job: Job, task: asyncio.Task[None]) -> None:
        """Record the outcome of any task, so that no job stays unfinished."""
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


def _log_entry(spec: RenderSpec, idempotency_key: str | None) -> Create:
    return Create(
        source=spec.source,
        prompt=spec.prompt,
        model=spec.model,
        size=spec.size if spec.modality in ("video", "image") else None,
        seconds=str(spec.seconds) if spec.modality in ("video", "audio") else None,
        seed=spec.seed,
        idempotency_key=idempotency_key,
        has_input_reference=bool(spec.image or spec.audio),
        reference=spec.reference,
    )


def _apply_directives(directives: dict[str, int], earlier: int) -> None:
    """Plan or raise the prompt's fault, given the number of earlier creates with this prompt."""
    planned = planned_response()
    planned.retry_after = directives.get("retry-after")
    if "refuse" in directives:
        raise RefusedError
    directive = _current_directive(directives, earlier)
    planned.fault = FAULTS.get(directive, "none")
    if directive == "429":
        raise TooManyRequestsError
    if directive in ("401", "500", "503"):
        raise UnavailableError


def _current_directive(directives: dict[str, int], earlier: int) -> str:
    """Return the counted directive for this create; each applies to N calls, in turn."""
    for name in COUNTED_DIRECTIVES:
        earlier -= directives.get(name, 0)
        if earlier < 0:
            return name
    return ""

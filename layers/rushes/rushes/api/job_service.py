"""Operations on jobs, the same for every dialect: create, get, list, content, cancel, delete."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from rushes.api.create_job import CreatedJob, CreateJob
from rushes.api.retry_request import request_again
from rushes.catalog.source import CatalogSource
from rushes.errors import AlreadyFinished, NotFound, UnknownCursor, VariantNotAvailable
from rushes.jobs.content import ensure_not_expired, file_name, primary_artifact, thumbnail
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.job_page import JobPage
from rushes.jobs.request import UPLOADS, CreateRequest, StoredFile, UploadUrlRequest
from rushes.jobs.result import Artifact
from rushes.ports import Clock
from rushes.ports.jobs import JobQuery, Jobs
from rushes.ports.storage import Blobs

NO_KEY = IdempotencyInfo("")
MAX_CANCEL_WAIT = 3.0
"""Seconds for which a cancel request waits for the provider's outcome."""
CANCEL_POLL_INTERVAL = 0.2
STREAM_SECONDS = 20.0
"""Wait of one response of a stream: API Gateway ends a request after 30 seconds."""
STREAM_POLL_INTERVAL = 1.0


@dataclass(frozen=True)
class JobService:
    create_job: CreateJob
    jobs: Jobs
    blobs: Blobs
    catalogs: CatalogSource
    clock: Clock
    sleep: Callable[[float], None]

    def create(
        self, account: str, dialect: str, request: CreateRequest, call: IdempotencyInfo = NO_KEY
    ) -> CreatedJob:
        return self.create_job.run(account, dialect, request, call)

    def get(self, account: str, job_id: str) -> Job:
        """Return a job.

        Raises
        ------
        NotFound
            If it is absent, deleted or another account's: one message for all of them.
        """
        job = self.jobs.get(account, job_id)
        if job is None or job.deleted_at:
            raise NotFound(f"job {job_id} not found", param="video_id")
        return job.for_clients

    def list(self, account: str, query: JobQuery) -> JobPage:
        if query.after and self.jobs.get(account, query.after) is None:
            raise UnknownCursor("after: unknown cursor", param="after")
        if query.limit == 0:
            return JobPage()
        page = self.jobs.page(account, query)
        return page.model_copy(update={"jobs": tuple(job.for_clients for job in page.jobs)})

    def file(self, job: Job, variant: str) -> Artifact:
        """Return the job's video, or the thumbnail that its provider returned with it."""
        file = primary_artifact(job, self.clock())
        if variant != "video":
            found = thumbnail(job, file) if variant == "thumbnail" else None
            if found is None:
                raise VariantNotAvailable(f"variant must be video (got {variant})", param="variant")
            return found
        return file

    def ensure_not_expired(self, job: Job) -> None:
        ensure_not_expired(job, self.clock())

    def link(self, job: Job, file: StoredFile, method: str = "GET") -> str:
        """Return a presigned URL of the job's file, valid for one hour and one HTTP method."""
        return self.blobs.link(file, file_name(job, file), method)

    def upload_url(self, account: str, request: UploadUrlRequest) -> str:
        """Return a presigned URL for PUT of one input file; its key belongs to the account."""
        key = f"{UPLOADS}{account}/{secrets.token_hex(16)}.{request.extension}"
        return self.blobs.upload_link(key, request.content_type, request.length)

    def cancel(self, account: str, job_id: str) -> Job:
        """Request a cancel; a new execution stops the job, at the provider if it runs there."""
        self.get(account, job_id)

        def request(job: Job) -> Job:
            if job.has_outcome:
                raise AlreadyFinished(f"job {job_id} has already finished")
            return job if job.cancel_requested_at else job.cancel_requested(self.clock())

        job = self.jobs.change(account, job_id, request)
        self.create_job.start(job)
        return job

    def wait_until_final(self, job: Job) -> Job:
        """Poll until the job has an outcome, for at most `MAX_CANCEL_WAIT` seconds."""
        until = self.clock() + MAX_CANCEL_WAIT
        return self._wait(job, lambda job: job.has_outcome, until, CANCEL_POLL_INTERVAL)

    def wait_until_finished(self, job: Job, seconds: float = STREAM_SECONDS) -> Job:
        """Poll until the job is finished, for at most `seconds`."""
        until = self.clock() + seconds
        return self._wait(job, lambda job: job.is_finished, until, STREAM_POLL_INTERVAL)

    def _wait(self, job: Job, is_over: Callable[[Job], bool], until: float, interval: float) -> Job:
        while not is_over(job) and self.clock() < until:
            self.sleep(interval)
            job = self.jobs.get(job.account, job.id) or job
        return job.for_clients

    def retry(self, account: str, job_id: str, call: IdempotencyInfo) -> CreatedJob:
        """Create a job with the request of a failed or cancelled one.

        Raises
        ------
        NotRetryable
            If the job has another status.
        """
        job = self.get(account, job_id)
        return self.create(account, job.dialect, request_again(job), call)

    def delete(self, account: str, job_id: str) -> Job:
        """Cancel a job that still runs, mark it as deleted, then delete its files."""
        job = self.get(account, job_id)
        if not job.has_outcome:
            job = self._cancel_if_possible(job)
        self.jobs.change(
            account, job_id, lambda job: job if job.deleted_at else job.deleted(self.clock())
        )
        for folder in job.folders:
            self.blobs.delete(folder)
        return job

    def _cancel_if_possible(self, job: Job) -> Job:
        try:
            return self.wait_until_final(self.cancel(job.account, job.id))
        except AlreadyFinished:
            return job

"""What a client can do: the same verbs for every dialect."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from rushes.api.create_job import CreatedJob, CreateJob
from rushes.catalog.models import Catalog
from rushes.errors import AlreadyFinished, NotFound, UnknownCursor, VariantNotAvailable
from rushes.jobs.content import ensure_not_expired, primary_artifact
from rushes.jobs.content_type import EXTENSIONS
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job, JobPage
from rushes.jobs.request import CreateRequest
from rushes.jobs.result import Artifact
from rushes.ports import Blobs, Clock, JobQuery, Jobs

UNNAMED = IdempotencyInfo("")
CANCEL_SECONDS = 3.0
"""How long a client that cancels is made to wait for what came of it."""
CANCEL_STEP = 0.2
PAGE_BYTES = 3 * 1024 * 1024
"""A function's answer may have 6 MB."""


@dataclass(frozen=True)
class Service:
    accept: CreateJob
    jobs: Jobs
    blobs: Blobs
    catalog: Catalog
    clock: Clock
    pause: Callable[[float], None]

    def create(
        self, account: str, dialect: str, creation: CreateRequest, call: IdempotencyInfo = UNNAMED
    ) -> CreatedJob:
        """Accept a job, or give the one that the same call has made before."""
        return self.accept(account, dialect, creation, call)

    def get(self, account: str, job_id: str) -> Job:
        """The job.

        Raises
        ------
        NotFound
            If it is absent, deleted or somebody else's: the answer is the same.
        """
        job = self.jobs.get(account, job_id)
        if job is None or job.deleted_at:
            raise NotFound(f"there is no job {job_id}", param="video_id")
        return job

    def list(self, account: str, query: JobQuery) -> JobPage:
        if query.after and self.jobs.get(account, query.after) is None:
            raise UnknownCursor(f"there is no job {query.after} to go on after", param="after")
        if query.limit == 0:
            return JobPage()
        return _short(self.jobs.page(account, query))

    def content(self, account: str, job_id: str, variant: str) -> str:
        """An address to download the job's film from, good for an hour."""
        job = self.get(account, job_id)
        if variant != "video":
            raise VariantNotAvailable(f"there is no {variant} of {job_id}", param="variant")
        return self.link(job, primary_artifact(job, self.clock()))

    def ensure_not_expired(self, job: Job) -> None:
        ensure_not_expired(job, self.clock())

    def link(self, job: Job, artifact: Artifact) -> str:
        extension = EXTENSIONS.get(artifact.content_type, "bin")
        return self.blobs.link(artifact, f"{job.id}.{extension}")

    def upload_address(self, account: str, extension: str) -> str:
        """An address to PUT one input file to; it belongs to the account."""
        name = f"{secrets.token_hex(16)}.{extension}"
        return self.blobs.upload_link(f"uploads/{account}/{name}")

    def cancel(self, account: str, job_id: str) -> Job:
        """Have a job stopped: at once where it waits, at the provider where it runs."""
        self.get(account, job_id)

        def request(job: Job) -> Job:
            if job.has_outcome:
                raise AlreadyFinished(f"{job_id} has ended already")
            return job if job.cancel_requested_at else job.cancel_requested(self.clock())

        job = self.jobs.change(account, job_id, request)
        self.accept.start(job)
        return job

    def settled(self, job: Job) -> Job:
        """The cancelled job once it is known what came of it, or after a short while as it is."""
        until = self.clock() + CANCEL_SECONDS
        while not job.has_outcome and self.clock() < until:
            self.pause(CANCEL_STEP)
            job = self.jobs.get(job.account, job.id) or job
        return job

    def delete(self, account: str, job_id: str) -> Job:
        """Remove a job and its files; one that still runs is cancelled first."""
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
            return self.settled(self.cancel(job.account, job.id))
        except AlreadyFinished:
            return job


def _short(page: JobPage) -> JobPage:
    """As much of the page as fits into an answer; the rest is on the next one."""
    length = 0
    for count, job in enumerate(page.jobs):
        length += len(job.model_dump_json())
        if count and length > PAGE_BYTES:
            return JobPage(jobs=page.jobs[:count], has_more=True)
    return page

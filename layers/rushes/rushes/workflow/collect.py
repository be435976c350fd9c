"""Copy a job's outputs into the bucket before their URLs expire."""

import hashlib
from dataclasses import dataclass
from itertools import chain
from typing import Any

from rushes.errors import InvalidOutput, ProviderNotConfigured, UpstreamError
from rushes.jobs.content_type import EXTENSIONS, HEAD_BYTES, sniff
from rushes.jobs.job import Job, folder_of
from rushes.jobs.result import Artifact, Output
from rushes.ports.storage import Blobs, Download
from rushes.providers.base import Succeeded
from rushes.workflow import documents, wait_times
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.task import JobContext, NextStep, pending

MIN_TRIES = 6
RETRY_WINDOW = 900.0
"""Seconds since the provider finished; a job fails after this time and `MIN_TRIES` tries."""
MIN_ARCHIVE_DELAY = 60
"""Minimum seconds between tries to archive a result after a cancel."""


@dataclass(frozen=True)
class Collect:
    context: JobContext
    providers: ProviderClient
    blobs: Blobs

    def run(self, account: str, job_id: str) -> NextStep:
        return self.context.run(account, job_id, self._run, self._run_after_cancel)

    def _run(self, job: Job) -> NextStep:
        """Store all outputs; `pending` leads to another poll, which returns fresh URLs."""
        if job.generated_at is None:  # another execution has failed over
            return pending(1)
        job = self.context.update(job, Job.collecting)
        try:
            artifacts = self._copy_all(job)
        except UpstreamError as error:
            transient = error.retryable or isinstance(error, ProviderNotConfigured)
            if transient and not self._is_exhausted(job):
                return pending(wait_times.retry_delay(job.collect_attempts, error.wait_seconds))
            return self.context.fail(job, error)
        return self.context.complete(job, lambda current, now: current.stored(now, artifacts))

    def _run_after_cancel(self, job: Job) -> NextStep:
        """Archive a result that was generated and billed in spite of the cancel."""
        try:
            result = self.providers.poll(job)
            if not isinstance(result, Succeeded):
                return pending(self.context.poll_delay(job, None))
            artifacts = self._copy_each(job, folder_of(job, "archive"), result.outputs)
            artifacts += self._copy_document(job, result.document)
        except UpstreamError as error:
            delay = self.context.poll_delay(job, error.wait_seconds)
            return pending(max(delay, MIN_ARCHIVE_DELAY))
        return self.context.record_archived(
            job, lambda current, now: current.archived(now, artifacts)
        )

    def _copy_document(self, job: Job, document: dict[str, Any] | None) -> tuple[Artifact, ...]:
        if document is None:
            return ()
        content = documents.encode(document)
        file = documents.store(self.blobs, folder_of(job, "archive"), content)
        return (Artifact(**file.model_dump(), sha256=hashlib.sha256(content).hexdigest()),)

    def _is_exhausted(self, job: Job) -> bool:
        waited = self.context.clock() - (job.generated_at or job.created_at)
        return job.collect_attempts >= MIN_TRIES and waited > RETRY_WINDOW

    def _copy_all(self, job: Job) -> tuple[Artifact, ...]:
        if not job.outputs and job.document is None and job.document_file is None:
            raise InvalidOutput("the provider finished without an output")
        return self._copy_each(job, folder_of(job, "outputs"), job.outputs)

    def _copy_each(
        self, job: Job, folder: str, outputs: tuple[Output, ...]
    ) -> tuple[Artifact, ...]:
        return tuple(self._copy(job, f"{folder}{n}", output) for n, output in enumerate(outputs))

    def _copy(self, job: Job, stem: str, output: Output) -> Artifact:
        with self.providers.download(job, output) as download:
            head, whole = _peek(download)
            content_type = sniff(head)
            if content_type is None:
                declared = download.content_type or "no content type"
                raise InvalidOutput(f"output is not a known media type (declared: {declared})")
            key = f"{stem}.{EXTENSIONS[content_type]}"
            return self.blobs.put_stream(key, whole, content_type)


def _peek(download: Download) -> tuple[bytes, Download]:
    """Return the first bytes, and the download that still contains them."""
    head = b""
    for chunk in download.chunks:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    whole = chain([head], download.chunks)
    return head, Download(download.length, download.content_type, whole)

"""Copy a job's outputs into the bucket before their links die."""

import hashlib
from collections.abc import Iterator
from typing import Any

from pydantic_core import to_json
from typing_extensions import override

from rushes.errors import InvalidOutput, ProviderNotConfigured, UpstreamError
from rushes.jobs.content_type import EXTENSIONS, HEAD, sniff
from rushes.jobs.job import Job, folder_of
from rushes.jobs.result import Artifact, Output
from rushes.ports import Download
from rushes.providers.base import Succeeded
from rushes.workflow import wait_times
from rushes.workflow.task import Outcome, Step, pending

TRIES = 6
LATE_STEP = 60
"""Seconds, at least, until another try at a film that nobody waits for."""
PATIENCE_SECONDS = 900.0
"""How long after the provider was done its output is tried for, at least, and so many times."""


class Collect(Step):
    @override
    def take(self, job: Job) -> Outcome:
        """`pending` leads back to a poll, which gives fresh links."""
        if job.generated_at is None:  # another execution has handed it to the next candidate
            return pending(1)
        job = self.change(job, lambda current: current.collecting(self.clock()))
        try:
            artifacts = self._copy_all(job)
        except UpstreamError as error:
            passing = error.retryable or isinstance(error, ProviderNotConfigured)
            if passing and not self._tried_enough(job):
                return pending(wait_times.retry_wait(job.collections, error.wait_seconds))
            return self.fail_with(job, error)
        return self.end(job, lambda current: current.stored(self.clock(), artifacts))

    @override
    def take_late(self, job: Job) -> Outcome:
        """What was paid for is kept, where its owner does not come across it by mistake."""
        try:
            result = self.ask(job)
            if not isinstance(result, Succeeded):
                return pending(self.wait(job, None))
            artifacts = self._copy_each(job, folder_of(job, "archive"), result.outputs)
            artifacts += self._copy_document(job, result.document)
        except UpstreamError as error:
            return pending(max(self.wait(job, error.wait_seconds), LATE_STEP))
        return self.settle(job, lambda current: current.archived(self.clock(), artifacts))

    def _copy_document(self, job: Job, document: dict[str, Any] | None) -> tuple[Artifact, ...]:
        if document is None:
            return ()
        content = to_json(document, inf_nan_mode="null")
        file = self.keep_document(folder_of(job, "archive"), content)
        return (Artifact(**file.model_dump(), sha256=hashlib.sha256(content).hexdigest()),)

    def _tried_enough(self, job: Job) -> bool:
        waited = self.clock() - (job.generated_at or job.created_at)
        return job.collections >= TRIES and waited > PATIENCE_SECONDS

    def _copy_all(self, job: Job) -> tuple[Artifact, ...]:
        if not job.outputs and job.document is None and job.document_file is None:
            raise InvalidOutput("the provider finished without an output")
        return self._copy_each(job, folder_of(job, "outputs"), job.outputs)

    def _copy_each(
        self, job: Job, folder: str, outputs: tuple[Output, ...]
    ) -> tuple[Artifact, ...]:
        return tuple(self._copy(job, f"{folder}{n}", output) for n, output in enumerate(outputs))

    def _copy(self, job: Job, place: str, output: Output) -> Artifact:
        upstream = self.upstreams.find(job.provider)
        with self.http_client.download(upstream, output) as download:
            head, whole = _peek(download)
            content_type = sniff(head)
            if content_type is None:
                declared = download.content_type or "no content type"
                raise InvalidOutput(f"the output is no media file that we know ({declared})")
            key = f"{place}.{EXTENSIONS[content_type]}"
            return self.blobs.put_stream(key, whole, content_type)


def _peek(download: Download) -> tuple[bytes, Download]:
    """The first bytes, and the download with them still in it."""
    head = b""
    for chunk in download.chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    whole = _again(head, download.chunks)
    return head, Download(download.length, download.content_type, whole)


def _again(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest

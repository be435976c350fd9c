"""Copy a job's outputs into the bucket before their URLs expire."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from typing import Any

from aws_lambda_powertools import Logger

from rushes.errors import (
    AwsUnavailable,
    InvalidOutput,
    ProviderNotConfigured,
    RushesError,
    UpstreamError,
)
from rushes.jobs.content import ensure_modality
from rushes.jobs.content_type import (
    HEAD_BYTES,
    content_type_of,
    extension_of,
    is_truncated,
    pcm_type,
    sniff_output,
)
from rushes.jobs.file_window import FileWindow
from rushes.jobs.job import Job
from rushes.jobs.job_state import folder_of
from rushes.jobs.media_facts import facts_of
from rushes.jobs.rare_types import rare_type
from rushes.jobs.result import Artifact, CollectedOutput, Output
from rushes.metrics import ProviderMetric, count_by_provider
from rushes.ports.storage import Blobs, Download
from rushes.providers.base import PollResult, Succeeded
from rushes.workflow import documents, wait_times
from rushes.workflow.collected_outputs import described, free_number, in_order, reusable
from rushes.workflow.job_metrics import record_retry
from rushes.workflow.log_events import DEAD_LETTER_ARCHIVED, OBJECT_NOT_TAGGED
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.slots import OUTPUT_DOWNLOADS, JobSlots
from rushes.workflow.task import JobContext, NextStep, Transition, pending, storing_too_long

S3_SCHEME = "s3://"
MIN_TRIES = 6
RETRY_WINDOW = 900.0
"""Seconds since the provider finished; a job fails after this time and `MIN_TRIES` tries."""
MIN_INVALID_TRIES = 4
INVALID_WINDOW = 30.0
"""The same for outputs that were read and are invalid: a provider may still be writing them."""
MAX_SHOWN_CHARACTERS = 80
MIN_ARCHIVE_DELAY = 60
"""Minimum seconds between tries to archive a result after a cancel."""
DOWNLOADS_SECONDS = 30.0
"""No further download begins later: one of 840 seconds then ends before the function's limit."""
MIN_SLOT_DELAY = 5.0
"""Minimum seconds before another try to get a slot."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Collect:
    context: JobContext
    providers: ProviderClient
    blobs: Blobs
    slots: JobSlots

    def run(self, account: str, job_id: str) -> NextStep:
        return self.context.run(
            account,
            job_id,
            lambda job: self._in_slot(job, self._run),
            lambda job: self._in_slot(job, self._archive),
        )

    def _in_slot(self, job: Job, step: Callable[[Job], NextStep]) -> NextStep:
        """Run `step` in one of the account's slots, unless there is no file to download."""
        if job.generated_at and not job.outputs:
            return step(job)
        with self.slots.held(OUTPUT_DOWNLOADS, job) as has_slot:
            if has_slot:
                return step(job)
        if self.context.is_storing_too_long(job) and not job.has_outcome:
            return self.context.fail_as_dead_letter(job, storing_too_long())
        waited = self.context.clock() - (job.generated_at or job.created_at)
        return pending(wait_times.next_poll_delay(waited, None, MIN_SLOT_DELAY))

    def _run(self, job: Job) -> NextStep:
        """Store all outputs; `pending` leads to another poll, which returns fresh URLs."""
        if job.generated_at is None:  # another execution has failed over
            return pending(1)
        job = self.context.update_same(job, Job.collecting)
        try:
            artifacts = self._copy_all(job)
            if len(artifacts) < len(job.outputs):
                return pending(1)
            ensure_modality(job, artifacts)
        except UpstreamError as error:
            job = self.context.update(job, lambda current, _: current)  # outputs may be stored
            if self._is_exhausted(job, error):
                return self.context.fail_as_dead_letter(job, error)
            record_retry(job)
            return pending(wait_times.retry_delay(job.collect_attempts, error.wait_seconds))
        return self.context.complete(job, lambda current, now: current.stored(now, artifacts))

    def _archive(self, job: Job) -> NextStep:
        """Archive the result of a finished job: cancelled, or failed as it could not be read."""
        try:
            result = self._result_of(job)
            if not isinstance(result, Succeeded):
                return pending(self.context.poll_delay(job, None))
            archive = folder_of(job, "archive")
            artifacts = self._copy_each(job, archive, result.outputs, self.context.record_archived)
            if len(artifacts) < len(result.outputs):
                return pending(1)
            artifacts += self._copy_document(job, result.document)
        except UpstreamError as error:
            delay = self.context.poll_delay(job, error.wait_seconds)
            return pending(max(delay, MIN_ARCHIVE_DELAY))
        if not artifacts:  # the provider finished without an output
            return pending(max(self.context.poll_delay(job, None), MIN_ARCHIVE_DELAY))
        if job.is_dead_letter:
            logger.warning(DEAD_LETTER_ARCHIVED, **job.log_fields, provider=job.provider)
            code = job.error.code if job.error else ""
            count_by_provider(
                ProviderMetric.DEAD_LETTER_ARCHIVED, job.provider, code, job.log_fields
            )
        return self.context.record_archived(
            job, lambda current, now: current.archived(now, artifacts, result.cost)
        )

    def _result_of(self, job: Job) -> PollResult:
        """Return the provider's result, or the recorded one if the provider has it no longer."""
        try:
            return self.providers.poll(job)
        except UpstreamError:
            if not job.outputs:
                raise
            return Succeeded(job.outputs)

    def _copy_document(self, job: Job, document: dict[str, Any] | None) -> tuple[Artifact, ...]:
        if document is None:
            return ()
        content = documents.encode(document)
        file = documents.store(self.blobs, folder_of(job, "archive"), content)
        return (Artifact(**file.model_dump(), sha256=hashlib.sha256(content).hexdigest()),)

    def _is_exhausted(self, job: Job, error: UpstreamError) -> bool:
        """Whether the job fails now; an interruption, or a missing API key, may last longer."""
        key_missing = error.key_rejected or isinstance(error, ProviderNotConfigured)
        is_transient = error.retryable or key_missing
        tries = MIN_TRIES if is_transient else MIN_INVALID_TRIES
        window = RETRY_WINDOW if is_transient else INVALID_WINDOW
        waited = self.context.clock() - (job.generated_at or job.created_at)
        return job.collect_attempts >= tries and waited > window

    def _copy_all(self, job: Job) -> tuple[Artifact, ...]:
        if not job.outputs and job.document is None and job.document_file is None:
            raise InvalidOutput("the provider finished without an output")
        folder = folder_of(job, "outputs")
        return self._copy_each(job, folder, job.outputs, self.context.update_same)

    def _copy_each(
        self,
        job: Job,
        folder: str,
        outputs: tuple[Output, ...],
        record: Callable[[Job, Transition], object],
    ) -> tuple[Artifact, ...]:
        """Return the outputs stored so far; each is recorded, so that no call repeats it."""
        done, begun = reusable(folder, job.collected_outputs, outputs), self.context.clock()
        for position, output in enumerate(outputs):
            if position in done:
                continue
            number = free_number(folder, (*job.collected_outputs, *done.values()))
            artifact = self._copy(job, f"{folder}{number}", output)
            done = {**done, position: described(artifact, position, output)}
            if len(done) < len(outputs):
                record(job, _collected(in_order(done)))
                if self.context.clock() - begun > DOWNLOADS_SECONDS:
                    break
        return tuple(file.artifact() for file in in_order(done))

    def _copy(self, job: Job, stem: str, output: Output) -> Artifact:
        """Copy an output, or its fallback if there is another thing, as a page or a thumbnail."""
        try:
            artifact = self._copy_from(job, stem, output)
            if output.fallback and len(job.outputs) == 1:
                ensure_modality(job, (artifact,))
        except InvalidOutput:
            if output.fallback is None:
                raise
            return self._copy_from(job, stem, output.fallback)
        return artifact

    def _copy_from(self, job: Job, stem: str, output: Output) -> Artifact:
        with self._download(job, output) as download:
            head, whole = _peek(download)
            content_type = _media_type(head, download.content_type, output.content_type)
            key = f"{stem}.{extension_of(content_type)}"
            artifact = self.blobs.put_stream(key, whole, content_type)
        window = self._window(head, artifact)
        artifact = self._with_type_of_tracks(artifact, stem, window)
        if artifact.key != key:  # the first window reads an object that is no longer there
            window = self._window(head, artifact)
        self._tag(job, artifact)
        return _with_facts(artifact, window)

    def _window(self, head: bytes, artifact: Artifact) -> FileWindow:
        return FileWindow(head, artifact.size, partial(self.blobs.read_range, artifact.key))

    def _with_type_of_tracks(self, artifact: Artifact, stem: str, window: FileWindow) -> Artifact:
        """Correct the type of a file whose tracks are described behind its first bytes."""
        found = content_type_of(window)
        if found in (None, artifact.content_type):
            return artifact
        return self.blobs.move(artifact, f"{stem}.{extension_of(found)}", found)

    def _tag(self, job: Job, artifact: Artifact) -> None:
        """Write the job's tags to the object; without them the file is still whole."""
        if not job.labels.tags:
            return
        try:
            self.blobs.tag(artifact.key, job.labels.tags)
        except AwsUnavailable as error:
            logger.warning(
                OBJECT_NOT_TAGGED, **job.log_fields, key=artifact.key, reason=error.message
            )

    def _download(self, job: Job, output: Output) -> AbstractContextManager[Download]:
        """Open an output in the job's own folder of the bucket, or download it."""
        if output.url.startswith(S3_SCHEME):
            return self.blobs.open(output.url, folder_of(job, "provider"))
        return self.providers.download(job, output)


def _with_facts(artifact: Artifact, window: FileWindow) -> Artifact:
    """Add width, height and duration, if the headers of the file say them."""
    try:
        facts = facts_of(window, artifact.content_type)
    except RushesError:  # the bucket cannot be read now: the file is stored
        return artifact
    return artifact.model_copy(update=asdict(facts))


def _collected(outputs: tuple[CollectedOutput, ...]) -> Transition:
    return lambda job, now: job.collected(now, outputs)


def _media_type(head: bytes, *declared: str | None) -> str:
    """Return the type of an output; the declared type counts for raw PCM only."""
    if not head:
        raise InvalidOutput("output is empty (0 bytes)")
    content_type = sniff_output(head)
    content_type = content_type or pcm_type(head, *declared) or rare_type(head)
    if content_type is None:
        given = next((name for name in declared if name), "no content type")
        shown = given[:MAX_SHOWN_CHARACTERS]
        raise InvalidOutput(f"output is not a known media type (declared: {shown})")
    if is_truncated(head):
        raise InvalidOutput(f"output is truncated: {content_type} of {len(head)} bytes")
    return content_type


def _peek(download: Download) -> tuple[bytes, Download]:
    """Return the first bytes, and the download that still contains them."""
    beginning = bytearray()
    for chunk in download.chunks:
        beginning += chunk
        if len(beginning) >= HEAD_BYTES:
            break
    head = bytes(beginning)
    whole = chain([head], download.chunks)
    return head, Download(download.length, download.content_type, whole)

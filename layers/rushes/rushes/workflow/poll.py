"""Poll a provider once for a job's state."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from pydantic_core import from_json

from rushes.errors import InvalidOutput, UnknownUpstreamStatus, UpstreamError
from rushes.jobs.job import Job, folder_of
from rushes.jobs.request import StoredFile
from rushes.jobs.status import UpstreamCancelled
from rushes.ports.storage import Blobs
from rushes.providers.base import Failed, Pending, PollResult, Succeeded
from rushes.workflow import documents
from rushes.workflow.log_events import PROVIDER_STATUS_UNKNOWN
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.task import (
    TO_COLLECT,
    TO_SUBMIT,
    JobContext,
    NextStep,
    pending,
    queued_too_long,
    storing_too_long,
)

DOCUMENT_BYTES = 16 * 1024
"""Of a JSON result in the job's item; a larger one is a file in the bucket."""
RETRY_WINDOW = 300.0
"""Seconds of invalid responses after which the job fails."""
ARCHIVE_GRACE = 6 * 3600.0
"""Seconds after the end of tracking to archive the other outputs of a cancelled job."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Poll:
    context: JobContext
    providers: ProviderClient
    blobs: Blobs

    def run(self, account: str, job_id: str) -> NextStep:
        return self.context.run(account, job_id, self._run, self._run_after_cancel)

    def _run(self, job: Job) -> NextStep:
        if job.operation is None:  # failed over, and the invocation that did so was lost
            return TO_SUBMIT
        if job.cancel_requested_at:
            return self._cancel_for_client(job)
        if self.context.clock() > job.deadline_at and not job.generated_at:
            return self._end_at_deadline(job)
        if self.context.is_storing_too_long(job):
            return self.context.fail(job, storing_too_long())
        return self._poll(job)

    def _poll(self, job: Job) -> NextStep:
        try:
            result = self.providers.poll(job)
        except UpstreamError as error:
            return self._retry_or_fail(job, error)
        return self._apply(job, result)

    def _apply(self, job: Job, result: PollResult) -> NextStep:
        match result:
            case Pending(queued=True) if self.context.is_queued_too_long(
                job
            ) and self.providers.cancel_confirmed(job):
                return self.context.fail(job, queued_too_long())
            case Pending():
                self._record_progress(job, result.progress or 0)
                shortest = self.providers.provider(job).profile.min_poll_seconds
                return pending(self.context.poll_delay(job, result.wait_seconds, shortest))
            case Succeeded():
                return self._record_result(job, result)
            case Failed():
                return self.context.fail(job, result.error)

    def _record_result(self, job: Job, result: Succeeded) -> NextStep:
        document = self._store_document(job, result.document)
        self.context.update_same(
            job,
            lambda current, now: current.generated(
                now, result.outputs, result.cost, document, result.warnings
            ),
        )
        return TO_COLLECT

    def _store_document(
        self, job: Job, document: dict[str, Any] | None
    ) -> dict[str, Any] | StoredFile | None:
        """Return the document, or its file in the bucket if it is too large for the item."""
        if document is None:
            return None
        content = documents.encode(document)
        if len(content) <= DOCUMENT_BYTES:
            plain: dict[str, Any] = from_json(content)
            return plain
        return documents.store(self.blobs, folder_of(job, "outputs"), content)

    def _record_progress(self, job: Job, progress: int) -> None:
        """Write new progress only: a poll without news costs no write."""
        if progress > job.progress or job.failing_since:
            self.context.update_same(job, lambda current, now: current.progressed(now, progress))

    def _retry_or_fail(self, job: Job, error: UpstreamError) -> NextStep:
        """Retry transient errors; fail after `RETRY_WINDOW` of invalid responses or rejections.

        The generation is running and billed: an API key under rotation must not end it. An
        unknown status may name a new intermediate stage: only the deadline ends that. A result that
        cannot be stored does not change.
        """
        if isinstance(error, InvalidOutput):
            return self.context.fail(job, error)
        retry = pending(self.context.poll_delay(job, error.wait_seconds))
        if error.retryable:
            return retry
        failing = self.context.update_same(
            job, lambda current, now: current.failing(now, error.message)
        )
        if isinstance(error, UnknownUpstreamStatus):
            logger.warning(PROVIDER_STATUS_UNKNOWN, job_id=job.id, provider=job.provider)
            return retry
        now = self.context.clock()
        since = failing.failing_since or now
        return self.context.fail(job, error) if now - since > RETRY_WINDOW else retry

    def _cancel_for_client(self, job: Job) -> NextStep:
        """Cancel the job; poll it first, as a provider also confirms the cancel of a billed result.

        Only a job that the provider had not begun, or that failed there, is unbilled.
        """
        result = None if job.generated_at else self._poll_before_cancel(job)
        if isinstance(result, Succeeded):
            self._record_result(job, result)
        is_generated = job.generated_at is not None or isinstance(result, Succeeded)
        has_failed = isinstance(result, Failed)
        had_not_begun = isinstance(result, Pending) and result.queued
        if has_failed:
            upstream = UpstreamCancelled.YES
        elif is_generated and not job.deleted_at:  # a cancel could delete what is to be archived
            upstream = UpstreamCancelled.NO
        else:
            upstream = self._cancel(job)
        is_unbilled = upstream is UpstreamCancelled.YES and (has_failed or had_not_begun)
        return self.context.complete(
            job,
            lambda current, now: current.cancelled_by_client(
                now, upstream, is_unbilled=is_unbilled
            ),
        )

    def _end_at_deadline(self, job: Job) -> NextStep:
        """Cancel and fail the job, unless a last poll says that it has ended."""
        result = self._poll_before_cancel(job)
        if isinstance(result, Succeeded | Failed):
            return self._apply(job, result)
        self._cancel(job)
        allowed = job.deadline_at - job.created_at
        message = f"the provider did not finish within {allowed:.0f} s"
        return self.context.fail(job, UpstreamError(message, code="upstream_timeout"))

    def _poll_before_cancel(self, job: Job) -> PollResult | None:
        """Return None if the poll fails: that does not prevent the cancel."""
        try:
            return self.providers.poll(job)
        except UpstreamError:
            return None

    def _cancel(self, job: Job) -> UpstreamCancelled:
        """Cancel the job at its provider and record the result as a warning."""
        try:
            warning, cancelled = self.providers.cancel(job)
        except UpstreamError as error:
            warning, cancelled = f"cancel request failed: {error.message}", UpstreamCancelled.NO
        self.context.update_same(job, lambda current, now: current.warned(now, warning))
        return cancelled

    def _run_after_cancel(self, job: Job) -> NextStep:
        grace = ARCHIVE_GRACE if job.collected_outputs else 0.0
        if self.context.clock() > (job.track_until or 0.0) + grace:
            return self._end_tracking(job, stopped=False)
        result: PollResult | None
        try:
            result = self.providers.poll(job)
        except InvalidOutput:  # generated, but it cannot be archived
            result = None
        except UpstreamError as error:
            result = Pending(wait_seconds=error.wait_seconds)
        match result:
            case None:
                return self._end_tracking(job, stopped=False)
            case Pending():
                return pending(self.context.poll_delay(job, result.wait_seconds))
            case Succeeded():
                return TO_COLLECT
            case Failed():
                return self._end_tracking(job, stopped=True)

    def _end_tracking(self, job: Job, *, stopped: bool) -> NextStep:
        return self.context.record_archived(
            job, lambda current, now: current.tracking_ended(now, stopped=stopped)
        )

"""Poll a provider once for a job's state."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from pydantic_core import from_json

from rushes.errors import UnknownUpstreamStatus, UpstreamAccountError, UpstreamError
from rushes.jobs.job import Job
from rushes.jobs.job_state import folder_of
from rushes.jobs.request import StoredFile
from rushes.jobs.status import UpstreamCancelled
from rushes.ports.providers import Timings
from rushes.ports.storage import Blobs
from rushes.providers.base import Failed, Pending, PollResult, Succeeded
from rushes.workflow import documents, stop, wait_times
from rushes.workflow.job_metrics import record_retry
from rushes.workflow.log_events import DEAD_LETTER_EXPIRED, PROVIDER_STATUS_UNKNOWN
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

DOCUMENT_BYTES = 2 * 1024
"""Of a JSON result in the job's item, which each later step writes again; a larger one is a file
in the bucket."""
RETRY_WINDOW = 300.0
"""Seconds of invalid responses after which the job fails."""
ACCOUNT_WINDOW = 1800.0
"""The same while the provider refuses the account: the job runs, and the operator can pay."""
OUTAGE_WINDOW = 1800.0
"""Seconds of transient errors, such as 503, after which the job fails."""
ARCHIVE_GRACE = 6 * 3600.0
"""Seconds after the end of tracking to archive the other outputs of a finished job."""
CANCEL_WINDOW = 60.0
"""Seconds for which a cancel waits for the job's state, if the request could delete a result."""
CANCEL_RETRY_SECONDS = 5
MIN_ETA_CHANGE = 10.0
"""Seconds by which an estimate must change to be written."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Poll:
    context: JobContext
    providers: ProviderClient
    blobs: Blobs
    timings: Timings

    def run(self, account: str, job_id: str) -> NextStep:
        return self.context.run(account, job_id, self._run, self._track)

    def _run(self, job: Job) -> NextStep:
        if job.operation is None:  # failed over, and the invocation that did so was lost
            return TO_SUBMIT
        if job.cancel_requested_at:
            return self._cancel_for_client(job, job.cancel_requested_at)
        if self.context.clock() > job.deadline_at and not job.generated_at:
            return self._end_at_deadline(job)
        if self.context.is_storing_too_long(job):
            return self.context.fail_as_dead_letter(job, storing_too_long())
        return self._poll(job)

    def _poll(self, job: Job) -> NextStep:
        try:
            result = self.providers.poll(job)
        except UpstreamError as error:
            step = self._retry_or_fail(job, error)
            if step["status"] == "pending":
                record_retry(job)
            return step
        return self._apply(job, result)

    def _apply(self, job: Job, result: PollResult) -> NextStep:
        match result:
            case Pending(queued=True) if self._is_queued_too_long(job):
                return self._leave_queue(job, result)
            case Pending():
                return self._wait(job, result)
            case Succeeded():
                return self._record_result(job, result)
            case Failed(cancelled=True):
                return self._cancelled_by_provider(job, result)
            case Failed():
                return self.context.fail(job, result.error, result.detail)

    def _is_queued_too_long(self, job: Job) -> bool:
        return not job.has_begun and self.context.is_queued_too_long(job)

    def _leave_queue(self, job: Job, seen: Pending) -> NextStep:
        """Fail over from a provider's queue, once it is certain that the job has left it."""
        outcome = stop.cancel(self.providers, job, seen)
        match outcome.result:
            case Succeeded() | Failed(cancelled=False) as result:
                return self._apply(job, result)
            case _ if outcome.upstream is UpstreamCancelled.YES:
                return self.context.fail(job, queued_too_long())
            case Pending() as result:
                return self._wait(job, result)
            case _:
                return self._wait(job, seen)

    def _wait(self, job: Job, result: Pending) -> NextStep:
        """Record the progress; wait longer for a job that has just begun, as few are soon done."""
        delay = self._delay(job, result)
        self._record_progress(job, result, delay)
        return pending(delay)

    def _delay(self, job: Job, result: Pending) -> int:
        shortest = self.providers.provider(job).profile.min_poll_seconds
        delay = self.context.poll_delay(job, result.wait_seconds, shortest)
        if job.has_begun or result.queued or job.submitted_at is None:
            return delay
        typical = wait_times.typical_delay(job, self.timings, self.context.catalogs)
        age = self.context.clock() - job.submitted_at
        return max(delay, wait_times.whole_seconds(typical - age, typical))

    def _record_result(self, job: Job, result: Succeeded) -> NextStep:
        document = self._store_document(job, result.document)
        self.context.advance(
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

    def _record_progress(self, job: Job, result: Pending, wait_seconds: int = 0) -> Job:
        """Write news only: a poll without news costs no write."""
        progress, waiting = result.progress or 0, result.queued and not job.has_begun
        position = result.queue_position if waiting else None
        expected_at = self._expected_at(job, result)
        has_just_begun = not (waiting or job.has_begun)
        estimates_changed = (position, expected_at) != (job.queue_position, job.expected_at)
        has_news = has_just_begun or progress > job.progress or estimates_changed
        if not has_news and not job.failing_since:
            return job
        return self.context.advance_with_progress(
            job,
            lambda current, now: current.progressed(
                now, progress, waiting=waiting, queue_position=position, expected_at=expected_at
            ).with_wait(now, wait_seconds),
        )

    def _expected_at(self, job: Job, result: Pending) -> float | None:
        """Return the time of the result by the provider's estimate; a small change is ignored."""
        if result.eta_seconds is None:
            return job.expected_at
        expected_at = self.context.clock() + result.eta_seconds
        change = abs(expected_at - (job.expected_at or 0.0))
        is_small = change <= max(MIN_ETA_CHANGE, result.eta_seconds * wait_times.STEP)
        return job.expected_at if is_small else expected_at

    def _retry_or_fail(self, job: Job, error: UpstreamError) -> NextStep:
        """Retry transient errors; fail after `RETRY_WINDOW` of invalid responses or rejections.

        The generation is running and billed: an API key under rotation must not end it. An
        unknown status may name a new intermediate stage: only the deadline ends that.
        """
        retry = pending(self.context.poll_delay(job, error.wait_seconds))
        if error.retryable:
            return self._retry_transient(job, error, retry)
        if isinstance(error, UnknownUpstreamStatus):
            self.context.update_same(
                job, lambda current, now: current.status_unknown(now, error.message)
            )
            logger.warning(PROVIDER_STATUS_UNKNOWN, **job.log_fields, provider=job.provider)
            return retry
        is_invalid = not isinstance(error, UpstreamAccountError)
        failing = self.context.update_same(
            job,
            lambda current, now: current.failing(now, error.message, is_invalid=is_invalid),
        )
        now = self.context.clock()
        since = failing.invalid_since if is_invalid else failing.failing_since
        window = RETRY_WINDOW if is_invalid else ACCOUNT_WINDOW
        return self._give_up(job, error) if now - (since or now) > window else retry

    def _retry_transient(self, job: Job, error: UpstreamError, retry: NextStep) -> NextStep:
        """Retry; give up a provider whose replies say nothing about the job for `OUTAGE_WINDOW`."""
        if job.failing_since is None:
            job = self.context.update_same(job, lambda current, now: current.failing(now))
        waited = self.context.clock() - (job.failing_since or self.context.clock())
        return self._give_up(job, error) if waited > OUTAGE_WINDOW else retry

    def _give_up(self, job: Job, error: UpstreamError) -> NextStep:
        """Fail the job, or store the files that an earlier poll named: their URLs may be valid."""
        return TO_COLLECT if job.outputs else self.context.fail_as_dead_letter(job, error)

    def _cancelled_by_provider(self, job: Job, result: Failed) -> NextStep:
        """End a job that was cancelled at the provider; no other provider is asked.

        An invocation that left the queue and was lost has cancelled a job that waited too long.
        """
        if self._is_queued_too_long(job):
            return self.context.fail(job, queued_too_long())
        warning = f"the provider cancelled the job: {result.error.message}"
        return self.context.complete(
            job, lambda current, now: current.cancelled_by_provider(now).with_warnings(warning)
        )

    def _cancel_for_client(self, job: Job, requested_at: float) -> NextStep:
        """Cancel the job at its provider, unless a poll says that it has ended.

        Only a job that the provider had not begun, or that failed there, is unbilled.
        """
        seen = self._state_of(job)
        if isinstance(seen, Pending):
            job = self._record_progress(job, seen)
        outcome = self._stop(job, seen, requested_at)
        if outcome is None:
            return pending(CANCEL_RETRY_SECONDS)
        if isinstance(outcome.result, Succeeded) and not job.generated_at:
            self._record_result(job, outcome.result)
        had_not_begun = isinstance(seen, Pending) and not job.has_begun
        is_unbilled = outcome.upstream is UpstreamCancelled.YES and (
            had_not_begun or _is_unbilled(job, outcome.result)
        )
        return self.context.complete(
            job,
            lambda current, now: current.cancelled_by_client(
                now, outcome.upstream, is_unbilled=is_unbilled
            ).with_warnings(outcome.warning),
        )

    def _state_of(self, job: Job) -> PollResult | None:
        """Return the job's state before a cancel request, None if it is unknown."""
        if job.generated_at:
            return Succeeded(job.outputs)
        return stop.poll_or_none(self.providers, job)

    def _stop(self, job: Job, seen: PollResult | None, since: float) -> stop.CancelOutcome | None:
        """Cancel the job; return None to look again, if the request could delete its result."""
        if not stop.could_delete_result(self.providers, job, seen):
            return stop.cancel(self.providers, job, seen)
        if self.context.clock() - since < CANCEL_WINDOW:
            return None
        return stop.CancelOutcome(UpstreamCancelled.NO, stop.NOT_SENT, seen)

    def _end_at_deadline(self, job: Job) -> NextStep:
        """Cancel and fail the job, unless a poll says that it has ended."""
        outcome = self._stop(job, self._state_of(job), job.deadline_at)
        if outcome is None:
            return pending(CANCEL_RETRY_SECONDS)
        result = outcome.result
        if isinstance(result, Succeeded) or (isinstance(result, Failed) and not result.cancelled):
            return self._apply(job, result)
        self.context.update_same(job, lambda current, now: current.warned(now, outcome.warning))
        allowed = job.deadline_at - job.created_at
        message = f"the provider did not finish within {allowed:.0f} s"
        error = UpstreamError(message, code="upstream_timeout")
        if outcome.upstream is UpstreamCancelled.YES:
            return self.context.fail(job, error)
        return self.context.fail_as_dead_letter(job, error)

    def _track(self, job: Job) -> NextStep:
        """Poll a finished job whose provider may have a result, until that can be archived."""
        grace = ARCHIVE_GRACE if job.collected_outputs else 0.0
        if self.context.clock() > (job.track_until or 0.0) + grace:
            return self._end_tracking(job, stopped=False)
        result: PollResult
        try:
            result = self.providers.poll(job)
        except UpstreamError as error:
            has_urls = bool(job.outputs)  # which may still be valid
            result = Succeeded() if has_urls else Pending(wait_seconds=error.wait_seconds)
        match result:
            case Pending():
                return pending(self.context.poll_delay(job, result.wait_seconds))
            case Succeeded():
                return TO_COLLECT
            case Failed():
                is_unbilled = _is_unbilled(job, result)
                return self._end_tracking(job, stopped=True, is_unbilled=is_unbilled)

    def _end_tracking(self, job: Job, *, stopped: bool, is_unbilled: bool = False) -> NextStep:
        if job.is_dead_letter:
            logger.warning(DEAD_LETTER_EXPIRED, **job.log_fields, provider=job.provider)
        return self.context.record_archived(
            job,
            lambda current, now: current.tracking_ended(
                now, stopped=stopped, is_unbilled=is_unbilled
            ),
        )


def _is_unbilled(job: Job, result: PollResult | None) -> bool:
    """Whether the provider reports a failure, or a cancel of a job that it had never begun."""
    return isinstance(result, Failed) and not (result.cancelled and job.has_begun)

"""State and decisions that submit, poll and collect share."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypedDict

from aws_lambda_powertools import Logger

from rushes.catalog.selection import Candidate, fallback_of
from rushes.catalog.source import CatalogSource, find_model
from rushes.errors import AwsUnavailable, NotFound, UpstreamError, WriteConflict
from rushes.jobs.epoch import FIRST_EPOCH, Epoch
from rushes.jobs.events import started_event
from rushes.jobs.job import Job
from rushes.jobs.progress_events import marked, progress_event
from rushes.jobs.request import FILLED_FIELDS
from rushes.jobs.result import (
    FILTERED,
    MAX_MESSAGE_CHARACTERS,
    NEVER_STARTED,
    NOT_BILLED,
    NOT_CREATED,
    STOPPED,
    JobError,
)
from rushes.jobs.status import JobStatus
from rushes.metrics import ProviderMetric, count_by_provider
from rushes.ports import Clock
from rushes.ports.jobs import Jobs
from rushes.workflow import wait_times
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.log_events import JOB_FAILED_OVER, JOB_RESTORED

Transition = Callable[[Job, float], Job]
"""Changes a stored job at a time in seconds since 1970."""
AWS_RETRY_SECONDS = 20
STORING_SECONDS = 6 * 3600.0
"""After the deadline or the result, whichever is later: then a job that is not stored fails."""
SECONDS_PER_STORED_OUTPUT = 900.0
"""Added to `STORING_SECONDS`: longer than the download of an output may take."""
ACCEPT_SECONDS = 15.0
"""Longest wait for a provider that throttles create calls, if the job has a fallback."""
DEAD_LETTER_SECONDS = 24 * 3600.0
"""After a failure that is not the provider's: how long its result is fetched again."""
DEAD_LETTER = "; the operator has the provider's job id, and the result is fetched again for 24 h"
"""Added to the message of a job whose result may exist at the provider."""


logger = Logger(service="rushes", child=True)


class NextStep(TypedDict):
    """The next state: `status` selects it, after `wait_seconds`.

    pending: repeat; submitted: poll; succeeded: collect; resubmit: submit; ending: finish.
    """

    status: str
    wait_seconds: int


TO_FINISH: NextStep = {"status": "ending", "wait_seconds": 0}
TO_COLLECT: NextStep = {"status": "succeeded", "wait_seconds": 0}
TO_POLL: NextStep = {"status": "submitted", "wait_seconds": 1}
TO_SUBMIT: NextStep = {"status": "resubmit", "wait_seconds": 1}


def ids_of(state_input: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the ids in each log line of a state; executions of older releases have two of them."""
    return {name: state_input.get(name) for name in ("job_id", "account", "request_id")}


def pending(seconds: int) -> NextStep:
    return {"status": "pending", "wait_seconds": seconds}


def of_same_create_call(seen: Job, change: Transition) -> Transition:
    """Skip the change if another execution has begun a create call since the job was read."""

    def apply(current: Job, now: float) -> Job:
        is_same = (current.submissions, current.operation) == (seen.submissions, seen.operation)
        return change(current, now) if is_same else current

    return apply


def with_started_event(change: Transition) -> Transition:
    """Add the started event to a change with which the job begins: no other one publishes it."""

    def apply(current: Job, now: float) -> Job:
        changed = change(current, now)
        if (current.status, changed.status) != (JobStatus.QUEUED, JobStatus.IN_PROGRESS):
            return changed
        return changed.with_event(started_event(changed).model_dump(mode="json"))

    return apply


def queued_too_long(reason: UpstreamError | None = None) -> UpstreamError:
    message = "the job waited longer than queue_timeout_seconds for its provider"
    return UpstreamError(
        f"{message}: {reason.message}" if reason else message,
        code="upstream_queued_too_long",
        upstream_code=reason.upstream_code if reason else None,
        detail=reason.detail if reason else None,
    )


def storing_too_long() -> UpstreamError:
    return UpstreamError("the result could not be stored in time", code="output_interrupted")


@dataclass(frozen=True)
class JobContext:
    """Reads and writes one job on behalf of a task."""

    jobs: Jobs
    event_publisher: EventPublisher
    catalogs: CatalogSource
    clock: Clock
    epoch: Epoch = FIRST_EPOCH

    def run(
        self,
        account: str,
        job_id: str,
        step: Callable[[Job], NextStep],
        track: Callable[[Job], NextStep] = lambda _: TO_POLL,
    ) -> NextStep:
        """Run `step`, or `track` if the provider may still have a result of a finished job.

        An AWS error or a write conflict delays the job and does not fail it.
        """
        try:
            job = self.jobs.get(account, job_id)
            if job is None or (job.has_outcome and not job.is_tracked) or job.unknown_values:
                return TO_FINISH
            job = self._adopted(job)
            next_step = track(job) if job.is_tracked else step(job)
        except (AwsUnavailable, WriteConflict):
            return pending(AWS_RETRY_SECONDS)
        self._plan(job, next_step["wait_seconds"])
        return next_step

    def _plan(self, job: Job, wait_seconds: int) -> None:
        """Move the sweeper's check behind a wait, unless that was done; it is only a saving."""
        if not wait_seconds or job.planned(self.clock(), wait_seconds) is job:
            return
        with suppress(AwsUnavailable, NotFound, WriteConflict):
            self.jobs.change(
                job.account, job.id, lambda current: current.planned(self.clock(), wait_seconds)
            )

    def _adopted(self, job: Job) -> Job:
        """Mark an open job of a backup, once: its create call may have been sent."""
        epoch = str(self.epoch)
        if job.has_outcome or self.epoch.has(job.epoch) or job.restored_to == epoch:
            return job
        logger.warning(JOB_RESTORED, **job.log_fields, provider=job.provider)
        return self.update(
            job,
            lambda current, now: (
                current if current.restored_to == epoch else current.restored(now, epoch)
            ),
        )

    def update(self, job: Job, change: Transition) -> Job:
        """Change the stored job unless another execution has finished it."""
        return self.jobs.change(
            job.account,
            job.id,
            lambda current: current if current.is_finished else change(current, self.clock()),
        )

    def update_same(self, job: Job, change: Transition) -> Job:
        """Change the stored job if it is still at the create call that `job` was read at."""
        return self.update(job, of_same_create_call(job, change))

    def advance(self, job: Job, change: Transition) -> Job:
        """Do the same as `update_same`, and publish the started event if the job begins."""
        stored = self.update_same(job, with_started_event(change))
        self.event_publisher.publish(stored)
        return stored

    def advance_with_progress(self, job: Job, change: Transition) -> Job:
        """Do the same, and publish `job.progress` if the deployment wants it and it is due."""
        if not self.catalogs.for_job(job).events.progress:
            return self.advance(job, change)
        stored = self.advance(job, lambda current, now: marked(change(current, now), now))
        if stored.progress_reported_at not in (None, job.progress_reported_at):
            self.event_publisher.publish_once(progress_event(stored).model_dump(mode="json"))
        return stored

    def complete(self, job: Job, change: Transition) -> NextStep:
        """Write a change that sets the outcome, unless the job has one.

        The job continues if another execution has advanced it, so that the change does not apply.
        """
        stored = self.update_same(
            job, lambda current, now: current if current.has_outcome else change(current, now)
        )
        return TO_FINISH if stored.has_outcome else pending(1)

    def record_archived(self, job: Job, change: Transition) -> NextStep:
        """Write the result of a finished job, unless tracking has ended."""
        self.jobs.change(
            job.account,
            job.id,
            lambda current: change(current, self.clock()) if current.is_tracked else current,
        )
        return TO_FINISH

    def fail(
        self, job: Job, error: UpstreamError | JobError, detail: str | None = None
    ) -> NextStep:
        """Fail the job, or fail over to its next model if that cannot generate it twice.

        `detail` is the provider's own text, for the operator.
        """
        if isinstance(error, UpstreamError):
            detail = error.detail
        fallback = self._fallback(job, error)
        error = job_error(error)
        if fallback:
            return self._fail_over(job, error, detail, fallback)

        def change(current: Job, now: float) -> Job:
            if current.generated_at and not job.generated_at:
                return current
            return current.will_fail(
                now, error, releases_lease=error.code in NOT_CREATED, detail=detail
            )

        return self.complete(job, change)

    def fail_as_dead_letter(self, job: Job, error: UpstreamError) -> NextStep:
        """Fail a job without a verdict of its provider, whose result is then fetched again."""
        plain = job_error(error)
        if plain.code in NOT_BILLED or job.operation is None:
            return self.fail(job, error)
        room = MAX_MESSAGE_CHARACTERS - len(DEAD_LETTER)
        kept = plain.model_copy(update={"message": f"{plain.message[:room]}{DEAD_LETTER}"})

        def change(current: Job, now: float) -> Job:
            if current.generated_at and not job.generated_at:
                return current
            return current.will_fail(
                now, kept, track_until=now + DEAD_LETTER_SECONDS, detail=error.detail
            )

        return self.complete(job, change)

    def can_fail_over(self, job: Job, error: UpstreamError) -> bool:
        """Whether a job that no provider has accepted moves to its next model for this error."""
        return job.submission_unconfirmed_since is None and self._fallback(job, error) is not None

    def _fallback(self, job: Job, error: UpstreamError | JobError) -> Candidate | None:
        """Return the next model, if nothing can be billed so far and the reservation pays for it.

        The catalog may have changed since the job was accepted, if its version was deleted.
        """
        safe = _is_stopped(error) if job.operation else _is_not_accepted(error)
        if not safe or job.generated_at or not job.fallbacks:
            return None
        model = find_model(self.catalogs, job, job.fallbacks[0])
        fallback = fallback_of(job, model) if model else None
        if fallback is None:
            return None
        paid = job.reservation is None or job.reservation.covers(fallback.price)
        return fallback if paid else None

    def _fail_over(
        self, job: Job, error: JobError, detail: str | None, fallback: Candidate
    ) -> NextStep:
        def change(current: Job, now: float) -> Job:
            decided = current.has_outcome or current.cancel_requested_at
            begun = (
                current.submission_unconfirmed_since
                or current.generated_at
                or current.operation != job.operation
                or current.submissions != job.submissions
            )
            if decided or begun or current.fallbacks != job.fallbacks:
                return current
            changes = {name: getattr(fallback.request, name) for name in FILLED_FIELDS}
            request = current.request.model_copy(update=changes)
            moved = current.model_copy(update={"request": request}).failed_over(
                now,
                error,
                model=fallback.model.name,
                provider=fallback.model.provider,
                upstream_model=fallback.model.model_at_provider,
                cost=fallback.price,
            )
            return moved.with_detail(detail).with_warnings(*fallback.warnings)

        stored = self.update(job, change)
        if len(stored.attempts) > len(job.attempts):
            logger.warning(
                JOB_FAILED_OVER,
                **job.log_fields,
                provider=job.provider,
                model=job.model,
                next_model=stored.model,
                code=error.code,
                upstream_code=error.upstream_code,
                reason=detail or error.message,
            )
            count_by_provider(ProviderMetric.FAILED_OVER, job.provider, error.code, job.log_fields)
        return TO_SUBMIT

    def is_queued_too_long(self, job: Job) -> bool:
        """Whether a queued job should fail over to its next model, which may serve it."""
        remaining = self.queue_seconds_left(job)
        return remaining is not None and remaining < 0

    def queue_seconds_left(self, job: Job, default: float | None = None) -> float | None:
        """Return the seconds until the job fails over; None if no limit or no fallback applies.

        `default` applies to a model without `queue_timeout_seconds`.
        """
        model = find_model(self.catalogs, job)
        limit = (model.queue_timeout_seconds or default) if model else None
        if limit is None or job.is_submission_unconfirmed:
            return None
        has_fallback = self._fallback(job, queued_too_long()) is not None
        return limit - self.waited(job) if has_fallback else None

    def is_storing_too_long(self, job: Job) -> bool:
        """Whether a generated job should fail, as its result could not be stored in time."""
        if job.generated_at is None:
            return False
        allowed = STORING_SECONDS + len(job.collected_outputs) * SECONDS_PER_STORED_OUTPUT
        return self.clock() > max(job.deadline_at, job.generated_at) + allowed

    def waited(self, job: Job) -> float:
        """Return the seconds since the current provider was first tried."""
        return self.clock() - (job.attempt_at or job.created_at)

    def poll_delay(
        self, job: Job, requested_seconds: float | None, shortest: float = wait_times.MIN_DELAY
    ) -> int:
        """Return the seconds until the next poll; a dead letter is polled more rarely."""
        if job.is_dead_letter:
            return wait_times.dead_letter_delay(self.clock() - (job.finished_at or job.created_at))
        age = self.clock() - (job.submitted_at or job.created_at)
        return wait_times.next_poll_delay(age, requested_seconds, shortest)


def _is_stopped(error: UpstreamError | JobError) -> bool:
    """Whether nothing runs at the provider that had accepted the job."""
    return job_error(error).code in STOPPED


def _is_not_accepted(error: UpstreamError | JobError) -> bool:
    """Whether the provider has not accepted the job, and bills nothing."""
    if isinstance(error, UpstreamError) and error.may_be_billed:
        return False
    return job_error(error).code in NEVER_STARTED | {FILTERED}


def job_error(error: UpstreamError | JobError) -> JobError:
    if isinstance(error, JobError):
        return error
    return JobError(code=error.error_code, message=error.message, upstream_code=error.upstream_code)

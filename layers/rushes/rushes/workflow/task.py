"""State and decisions that submit, poll and collect share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from rushes.catalog.selection import Candidate, fallback_of
from rushes.catalog.source import CatalogSource, find_model
from rushes.errors import AwsUnavailable, UpstreamError, WriteConflict
from rushes.jobs.job import Job
from rushes.jobs.result import NEVER_STARTED, NOT_CREATED, STOPPED, JobError
from rushes.ports import Clock
from rushes.ports.jobs import Jobs
from rushes.workflow import wait_times
from rushes.workflow.event_publisher import EventPublisher

Transition = Callable[[Job, float], Job]
"""Changes a stored job at a time in seconds since 1970."""
AWS_RETRY_SECONDS = 20
STORING_SECONDS = 6 * 3600.0
"""After the deadline or the result, whichever is later: then a job that is not stored fails."""
SECONDS_PER_STORED_OUTPUT = 900.0
"""Added to `STORING_SECONDS`: longer than the download of an output may take."""


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


def pending(seconds: int) -> NextStep:
    return {"status": "pending", "wait_seconds": seconds}


def of_same_create_call(seen: Job, change: Transition) -> Transition:
    """Skip the change if another execution has begun a create call since the job was read."""

    def apply(current: Job, now: float) -> Job:
        is_same = (current.submissions, current.operation) == (seen.submissions, seen.operation)
        return change(current, now) if is_same else current

    return apply


def queued_too_long() -> UpstreamError:
    return UpstreamError(
        "the job exceeded queue_seconds at the provider", code="upstream_queued_too_long"
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

    def run(
        self,
        account: str,
        job_id: str,
        step: Callable[[Job], NextStep],
        after_cancel: Callable[[Job], NextStep] = lambda _: TO_POLL,
    ) -> NextStep:
        """Run `step`, or `after_cancel` if the provider still runs a cancelled job.

        An AWS error or a write conflict delays the job and does not fail it.
        """
        try:
            job = self.jobs.get(account, job_id)
            if job is None or (job.has_outcome and not job.is_tracked):
                return TO_FINISH
            return after_cancel(job) if job.is_tracked else step(job)
        except (AwsUnavailable, WriteConflict):
            return pending(AWS_RETRY_SECONDS)

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

    def complete(self, job: Job, change: Transition) -> NextStep:
        """Write a change that sets the outcome, unless the job has one.

        The job continues if another execution has advanced it, so that the change does not apply.
        """
        stored = self.update_same(
            job, lambda current, now: current if current.has_outcome else change(current, now)
        )
        return TO_FINISH if stored.has_outcome else pending(1)

    def record_archived(self, job: Job, change: Transition) -> NextStep:
        """Write the result of a cancelled job, unless tracking has ended."""
        self.jobs.change(
            job.account,
            job.id,
            lambda current: change(current, self.clock()) if current.is_tracked else current,
        )
        return TO_FINISH

    def fail(self, job: Job, error: UpstreamError | JobError) -> NextStep:
        """Fail the job, or fail over to its next model if that cannot generate it twice."""
        error = _job_error(error)
        if fallback := self._fallback(job, error):
            return self._fail_over(job, error, fallback)

        def change(current: Job, now: float) -> Job:
            if current.generated_at and not job.generated_at:
                return current
            return current.will_fail(now, error, releases_lease=error.code in NOT_CREATED)

        return self.complete(job, change)

    def _fallback(self, job: Job, error: JobError) -> Candidate | None:
        """Return the next model, if nothing can be billed so far and the reservation pays for it.

        The catalog may have changed since the job was accepted, if its version was deleted.
        """
        safe = error.code in (STOPPED if job.operation else NEVER_STARTED)
        if not safe or job.generated_at or not job.fallbacks:
            return None
        model = find_model(self.catalogs, job, job.fallbacks[0])
        fallback = fallback_of(job, model) if model else None
        if fallback is None:
            return None
        paid = job.reservation is None or job.reservation.covers(fallback.price)
        return fallback if paid else None

    def _fail_over(self, job: Job, error: JobError, fallback: Candidate) -> NextStep:
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
            changes = {"seconds": fallback.request.seconds, "size": fallback.request.size}
            request = current.request.model_copy(update=changes)
            moved = current.model_copy(update={"request": request}).failed_over(
                now,
                error,
                model=fallback.model.name,
                provider=fallback.model.provider,
                upstream_model=fallback.model.model_at_provider,
                cost=fallback.price,
            )
            return moved.with_warnings(*fallback.warnings)

        self.update(job, change)
        return TO_SUBMIT

    def is_queued_too_long(self, job: Job) -> bool:
        """Whether a queued job should fail over to its next model, which may serve it."""
        model = find_model(self.catalogs, job)
        limit = model.queue_seconds if model else None
        if limit is None or job.is_submission_unconfirmed or self.waited(job) <= limit:
            return False
        return self._fallback(job, _job_error(queued_too_long())) is not None

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
        age = self.clock() - (job.submitted_at or job.created_at)
        return wait_times.next_poll_delay(age, requested_seconds, shortest)


def _job_error(error: UpstreamError | JobError) -> JobError:
    if isinstance(error, JobError):
        return error
    return JobError(code=error.error_code, message=error.message, upstream_code=error.upstream_code)

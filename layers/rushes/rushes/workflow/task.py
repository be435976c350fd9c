"""State and decisions that submit, poll and collect share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from rushes.catalog.models import Catalog, ModelEntry
from rushes.errors import AwsUnavailable, UnknownModel, UpstreamError, WriteConflict
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.ports import Clock
from rushes.ports.jobs import Jobs
from rushes.workflow import wait_times
from rushes.workflow.event_publisher import EventPublisher

Transition = Callable[[Job, float], Job]
"""Changes a stored job at a time in seconds since 1970."""
AWS_RETRY_SECONDS = 20
STOPPED = frozenset({"upstream_failed", "upstream_queued_too_long"})
"""Error codes after which nothing runs at the provider, even if it had accepted the job."""
NEVER_STARTED = STOPPED | {
    "provider_not_configured",
    "upstream_refused",
    "upstream_unauthorized",
}
"""Error codes of a create call after which the provider has not accepted the job."""


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


def queued_too_long() -> UpstreamError:
    return UpstreamError(
        "the job exceeded queue_seconds at the provider", code="upstream_queued_too_long"
    )


@dataclass(frozen=True)
class JobContext:
    """Reads and writes one job on behalf of a task."""

    jobs: Jobs
    event_publisher: EventPublisher
    catalog: Catalog
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

    def complete(self, job: Job, change: Transition) -> NextStep:
        """Write a change that sets the outcome, unless the job has one."""
        self.update(
            job, lambda current, now: current if current.has_outcome else change(current, now)
        )
        return TO_FINISH

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
        if isinstance(error, UpstreamError):
            error = JobError(
                code=error.error_code, message=error.message, upstream_code=error.upstream_code
            )
        safe = error.code in (STOPPED if job.operation else NEVER_STARTED)
        fallback = self.model(job.fallbacks[0]) if safe and job.fallbacks else None
        if fallback is None:
            return self.complete(job, lambda current, now: current.will_fail(now, error))
        return self._fail_over(job, error, fallback)

    def _fail_over(self, job: Job, error: JobError, fallback: ModelEntry) -> NextStep:
        def change(current: Job, now: float) -> Job:
            decided = current.has_outcome or current.cancel_requested_at
            begun = current.submission_unconfirmed_since or current.operation != job.operation
            if decided or begun or current.fallbacks != job.fallbacks:
                return current
            return current.failed_over(
                now,
                error,
                model=fallback.name,
                provider=fallback.provider,
                upstream_model=fallback.model_at_provider,
                cost=fallback.price(current.request.seconds),
            )

        self.update(job, change)
        return TO_SUBMIT

    def is_queued_too_long(self, job: Job) -> bool:
        """Whether a queued job should fail over to its next model."""
        model = self.current_model(job)
        limit = model.queue_seconds if model else None
        if limit is None or not job.fallbacks or job.is_submission_unconfirmed:
            return False
        return self.waited(job) > limit

    def waited(self, job: Job) -> float:
        """Return the seconds since the current provider was first tried."""
        return self.clock() - (job.attempt_at or job.created_at)

    def poll_delay(
        self, job: Job, requested_seconds: float | None, shortest: float = wait_times.MIN_DELAY
    ) -> int:
        age = self.clock() - (job.submitted_at or job.created_at)
        return wait_times.next_poll_delay(age, requested_seconds, shortest)

    def current_model(self, job: Job) -> ModelEntry | None:
        return self.model(job.model or job.request.model)

    def model(self, name: str) -> ModelEntry | None:
        """Return None if the model has left the catalog since the job was accepted."""
        try:
            return self.catalog.find(name)
        except UnknownModel:
            return None

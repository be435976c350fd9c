"""End a job: one terminal write with its event, then publish the event."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TypedDict

from aws_lambda_powertools import Logger

from rushes.errors import AwsUnavailable, NotFound, UpstreamNoResponse
from rushes.jobs.events import terminal_event
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.metrics import Metric, count
from rushes.ports import Clock
from rushes.ports.jobs import Jobs
from rushes.ports.providers import Timings
from rushes.ports.storage import Blobs
from rushes.workflow import wait_times
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.log_events import (
    DEAD_LETTER_ADDED,
    JOB_FINISHED,
    JOB_LEFT_OPEN,
    JOB_NOT_FOUND,
)
from rushes.workflow.task import DEAD_LETTER_SECONDS

logger = Logger(service="rushes", child=True)


class FinishResult(TypedDict):
    status: str


@dataclass(frozen=True)
class Finish:
    """`bucket` holds the artifacts for `retention_seconds`."""

    jobs: Jobs
    blobs: Blobs
    timings: Timings
    event_publisher: EventPublisher
    clock: Clock
    bucket: str
    retention_seconds: float

    def run(
        self, account: str, job_id: str, execution: str, cause: str | None = None
    ) -> FinishResult:
        """Finish the job; `cause` names the error that ended the execution, if any."""

        def finish(job: Job) -> Job:
            if job.is_finished or (cause and self._may_still_run(job)):
                return job
            job, outcome = _decided(job, cause, self.clock())
            finished = job.finished(self.clock(), outcome, execution, self.retention_seconds)
            event = terminal_event(finished, self.bucket)
            return finished.with_event(event.model_dump(mode="json"))

        try:
            job = self.jobs.change(account, job_id, finish)
        except NotFound:  # the execution was started by hand: a job is stored before its execution
            logger.warning(JOB_NOT_FOUND, job_id=job_id)
            return {"status": "unknown"}
        if not job.is_finished:
            logger.error(JOB_LEFT_OPEN, job_id=job.id, cause=cause)
            return {"status": "left"}
        if job.deleted_at:
            for folder in job.folders:
                self.blobs.delete(folder)
        if job.finished_by == execution:
            _log(job)
            self.event_publisher.publish(job)
            with suppress(AwsUnavailable):  # the next job of the kind adds its own duration
                self._record_duration(job)
        return {"status": job.status.value}

    def _may_still_run(self, job: Job) -> bool:
        """Whether the job may run at its provider; the sweeper then starts another execution."""
        begun = job.operation is not None or job.submission_unconfirmed_since is not None
        return begun and job.outcome is None and self.clock() < job.deadline_at

    def _record_duration(self, job: Job) -> None:
        if job.status is JobStatus.COMPLETED and job.submitted_at and job.generated_at:
            key = wait_times.timing_key(job)
            seconds = job.generated_at - job.submitted_at
            self.timings.put(key, wait_times.record_duration(self.timings.get(key), seconds))


def _log(job: Job) -> None:
    code = job.error.code if job.error else None
    logger.info(
        JOB_FINISHED, job_id=job.id, status=job.status.value, code=code, provider=job.provider
    )
    if code == UpstreamNoResponse.code:
        count(Metric.OUTCOME_UNKNOWN)
    if job.is_dead_letter:
        logger.warning(
            DEAD_LETTER_ADDED, job_id=job.id, provider=job.provider, operation=job.operation
        )
        count(Metric.DEAD_LETTER)


def _decided(job: Job, cause: str | None, now: float) -> tuple[Job, JobOutcome]:
    """Return the job and its outcome; a job without one may have a result at its provider."""
    if job.outcome:
        return job, job.outcome
    outcome = _execution_failed(job, cause)
    if job.operation is None or job.deleted_at:
        return job, outcome
    return job.model_copy(update={"track_until": now + DEAD_LETTER_SECONDS}), outcome


def _execution_failed(job: Job, cause: str | None) -> JobOutcome:
    unknown = job.is_submission_unconfirmed and job.operation is None
    code = UpstreamNoResponse.code if unknown else "internal_error"
    error = JobError(code=code, message="the workflow failed")
    return JobOutcome(status=JobStatus.FAILED, error=error, detail=cause)

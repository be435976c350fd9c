"""End a job: one terminal write with its event, then publish the event."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TypedDict

from aws_lambda_powertools import Logger

from rushes.errors import AwsUnavailable, NotFound, UpstreamNoResponse
from rushes.jobs.epoch import FIRST_EPOCH, Epoch
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
from rushes.workflow.job_metrics import record_finished, spend_of
from rushes.workflow.log_events import (
    DEAD_LETTER_ADDED,
    JOB_FINISHED,
    JOB_LEFT_OPEN,
    JOB_NOT_FOUND,
)
from rushes.workflow.task import DEAD_LETTER_SECONDS

logger = Logger(service="rushes", child=True)


INTERRUPTION_GRACE = 6 * 3600.0
"""Seconds after the deadline for which a job stays open whose executions fail."""


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
    epoch: Epoch = FIRST_EPOCH

    def run(
        self, account: str, job_id: str, execution: str, cause: str | None = None
    ) -> FinishResult:
        """Finish the job; `cause` names the error that ended the execution, if any."""
        try:
            job = self.jobs.change(account, job_id, lambda job: self._finish(job, execution, cause))
        except NotFound:  # the execution was started by hand: a job is stored before its execution
            logger.warning(JOB_NOT_FOUND, account=account, job_id=job_id)
            return {"status": "unknown"}
        if not job.is_finished:
            logger.warning(JOB_LEFT_OPEN, **job.log_fields, cause=cause)
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

    def _finish(self, job: Job, execution: str, cause: str | None) -> Job:
        if job.is_finished or job.unknown_values:
            return job
        if job.outcome is None and self._stays_open(job, cause):
            return self._interrupted(job, cause)
        if not self.epoch.has(job.epoch):
            job = job.model_copy(update={"restored_to": str(self.epoch)})
        job, outcome = _decided(job, cause, self.clock())
        finished = job.finished(self.clock(), outcome, execution, self.retention_seconds)
        event = terminal_event(finished, self.bucket)
        return finished.with_event(event.model_dump(mode="json"))

    def _stays_open(self, job: Job, cause: str | None) -> bool:
        """Whether the sweeper starts another execution of a job without an outcome.

        Functions that fail must neither lose a billed generation nor fail the jobs that wait:
        a later release may mend them.
        """
        if job.pause or job.is_quarantined:
            return True
        return cause is not None and self.clock() < job.deadline_at + INTERRUPTION_GRACE

    def _interrupted(self, job: Job, cause: str | None) -> Job:
        is_waiting = job.operation is None and not (job.pause or job.is_quarantined)
        return job.interrupted(self.clock(), cause) if cause and is_waiting else job

    def _record_duration(self, job: Job) -> None:
        if job.status is JobStatus.COMPLETED and job.submitted_at and job.generated_at:
            key = wait_times.timing_key(job)
            seconds = job.generated_at - job.submitted_at
            self.timings.put(key, wait_times.record_duration(self.timings.get(key), seconds))


def _log(job: Job) -> None:
    code = job.error.code if job.error else None
    logger.info(
        JOB_FINISHED,
        **job.log_fields,
        status=job.status.value,
        code=code,
        provider=job.provider,
        dollars=spend_of(job),
    )
    record_finished(job)
    if code == UpstreamNoResponse.code:
        count(Metric.OUTCOME_UNKNOWN, job.log_fields)
    if job.is_dead_letter:
        logger.warning(
            DEAD_LETTER_ADDED, **job.log_fields, provider=job.provider, operation=job.operation
        )
        count(Metric.DEAD_LETTER, job.log_fields)


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

"""The single way out: one terminal write, the event in it, then the event on the bus."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TypedDict

from aws_lambda_powertools import Logger

from rushes.errors import AwsUnavailable
from rushes.jobs.events import ending
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.ports import Blobs, Clock, Jobs, Timings
from rushes.workflow import wait_times
from rushes.workflow.event_publisher import EventPublisher

logger = Logger(service="rushes", child=True)


class Ending(TypedDict):
    status: str


@dataclass(frozen=True)
class Finish:
    """`bucket` is where the artifacts are, `keep_seconds` for how long."""

    jobs: Jobs
    blobs: Blobs
    timings: Timings
    publish: EventPublisher
    clock: Clock
    bucket: str
    keep_seconds: float

    def __call__(
        self, account: str, job_id: str, execution: str, cause: str | None = None
    ) -> Ending:
        """`cause` is the name of the error that brought the machine here, where one did."""

        def end(job: Job) -> Job:
            if job.is_finished or (cause and self._goes_on(job)):
                return job
            outcome = job.outcome or _broken(job, cause)
            ended = job.finished(self.clock(), outcome, execution, self.keep_seconds)
            return ended.with_event(ending(ended, self.bucket).model_dump(mode="json"))

        job = self.jobs.change(account, job_id, end)
        if not job.is_finished:
            logger.error("left by its execution", job_id=job.id, cause=cause)
            return {"status": "left"}
        if job.deleted_at:
            for folder in job.folders:
                self.blobs.delete(folder)
        if job.finished_by == execution:
            _log(job)
            self.publish(job)
            with suppress(AwsUnavailable):  # the next job teaches the same
                self._learn(job)
        return {"status": job.status.value}

    def _goes_on(self, job: Job) -> bool:
        """Whether it may run at its provider: the sweeper gives it another execution, then."""
        begun = job.operation is not None or job.submission_unconfirmed_since is not None
        return begun and job.outcome is None and self.clock() < job.deadline_at

    def _learn(self, job: Job) -> None:
        if job.status is JobStatus.COMPLETED and job.submitted_at and job.generated_at:
            key = wait_times.timing_key(job)
            seconds = job.generated_at - job.submitted_at
            self.timings.put(key, wait_times.learned(self.timings.get(key), seconds))


def _log(job: Job) -> None:
    """An alarm counts these lines by their code."""
    code = job.error.code if job.error else None
    logger.info("ended", job_id=job.id, status=job.status.value, code=code, provider=job.provider)


def _broken(job: Job, cause: str | None) -> JobOutcome:
    message = f"the workflow broke off ({cause})" if cause else "the workflow broke off"
    unknown = job.is_submission_unconfirmed and job.operation is None
    code = "upstream_outcome_unknown" if unknown else "internal_error"
    error = JobError(code=code, message=message)
    return JobOutcome(status=JobStatus.FAILED, error=error)

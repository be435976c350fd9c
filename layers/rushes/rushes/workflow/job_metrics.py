"""Metrics of jobs: queue age, retries, and the outcome, duration and cost at the end."""

from rushes.jobs.cost import settled
from rushes.jobs.job import Job
from rushes.jobs.result import FILTERED
from rushes.jobs.status import JobStatus
from rushes.metrics import Measure, record

REFUSED = frozenset({FILTERED, "upstream_refused", "invalid_input_reference"})
"""Error codes about the request: the service and its providers work."""


def outcome_of(job: Job) -> str:
    """Return a finished job's status, or `refused` if it failed because of its request."""
    refused = job.status is JobStatus.FAILED and job.error and job.error.code in REFUSED
    return "refused" if refused else job.status.value


def spend_of(job: Job) -> float:
    """Return the US dollars of a finished job, 0 if no provider can bill it."""
    return settled(job) or 0.0


def record_queue_age(job: Job, now: float) -> None:
    record(Measure.QUEUE_AGE, max(now - job.created_at, 0.0), _provider(job), job.log_fields)


def record_retry(job: Job) -> None:
    record(Measure.RETRIES, 1, _provider(job), job.log_fields)


def record_finished(job: Job) -> None:
    fields, provider = job.log_fields, _provider(job)
    record(Measure.JOBS_FINISHED, 1, {**provider, "outcome": outcome_of(job)}, fields)
    if job.status is JobStatus.COMPLETED and job.finished_at:
        seconds = max(job.finished_at - job.created_at, 0.0)
        record(Measure.TIME_TO_FIRST_OUTPUT, seconds, provider, fields)
    if spend := spend_of(job):
        record(Measure.SPEND, spend, provider, fields)


def _provider(job: Job) -> dict[str, str | None]:
    return {"provider": job.provider}

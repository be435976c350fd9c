"""Field values that the OpenAI and the Bifrost video APIs share."""

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus

FIELD_NAMES = {"generate_audio": "audio", "webhook_url": "webhook"}
"""Values of `param` in errors, by field name of the gateway."""


def status_of(job: Job) -> str:
    """Serialize cancelled as failed: both APIs lack the status, the error code has it."""
    return "failed" if job.status is JobStatus.CANCELLED else job.status.value


def completed_at(job: Job) -> int | None:
    completed = job.status is JobStatus.COMPLETED
    return int(job.finished_at) if completed and job.finished_at else None

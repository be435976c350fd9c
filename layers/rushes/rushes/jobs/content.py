"""Access to a job's stored files, and their expiry."""

from rushes.errors import ContentNotReady
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact
from rushes.jobs.status import JobStatus


def ensure_not_expired(job: Job, now: float) -> None:
    """Raise ContentNotReady once the retention period has ended."""
    if job.expires_at and job.expires_at < now:
        raise ContentNotReady(
            f"the content of job {job.id} has expired", param="video_id", code="content_expired"
        )


def primary_artifact(job: Job, now: float) -> Artifact:
    """Return the job's first file.

    Raises
    ------
    ContentNotReady
        If there is none yet, it has expired, or the job has no file.
    """
    ensure_not_expired(job, now)
    if job.status is not JobStatus.COMPLETED:
        raise ContentNotReady(
            f"job {job.id} is {job.status.value}; only a completed job has content",
            param="video_id",
        )
    if not job.artifacts:
        raise ContentNotReady(
            f"job {job.id} produced a transcript; it has no downloadable content",
            param="video_id",
            code="no_content",
        )
    return job.artifacts[0]

"""What a job's owner may have of its files, and until when."""

from rushes.errors import ContentNotReady
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact
from rushes.jobs.status import JobStatus


def ensure_not_expired(job: Job, now: float) -> None:
    """Refuse to give out what may have been deleted by its age."""
    if job.expires_at and job.expires_at < now:
        raise ContentNotReady(
            f"the content of {job.id} has expired", param="video_id", code="content_expired"
        )


def primary_artifact(job: Job, now: float) -> Artifact:
    """The job's first file.

    Raises
    ------
    ContentNotReady
        If there is none (yet, or any more).
    """
    ensure_not_expired(job, now)
    if job.status is JobStatus.COMPLETED and not job.artifacts:
        raise ContentNotReady(
            f"{job.id} came to words, not to a file", param="video_id", code="no_content"
        )
    if job.status is not JobStatus.COMPLETED:
        raise ContentNotReady(
            f"{job.id} is {job.status.value}: it has no content", param="video_id"
        )
    return job.artifacts[0]

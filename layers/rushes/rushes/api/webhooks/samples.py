"""Events of jobs that never were: to try a receiver with, and to show what events look like."""

from typing import Any

from rushes.jobs.events import ending, started
from rushes.jobs.job import Job, folder_of
from rushes.jobs.request import GenerationRequest
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus, UpstreamCancelled

VERDICTS = {
    "job.completed": JobOutcome(status=JobStatus.COMPLETED),
    "job.failed": JobOutcome(
        status=JobStatus.FAILED,
        error=JobError(
            code="content_filtered",
            message="the prompt was refused by the provider's moderation",
            upstream_code="moderation_blocked",
        ),
    ),
    "job.cancelled": JobOutcome(status=JobStatus.CANCELLED),
}
TYPES = ("job.started", *VERDICTS)
KEEP_SECONDS = 30 * 24 * 3600.0


def sample(event_type: str, account: str, job_id: str, now: float) -> dict[str, Any]:
    """The event of a job that went the way real jobs go, and ended a moment ago."""
    job = _running(account, job_id, now - 61.25)
    if event_type == "job.started":
        return started(job).model_dump(mode="json")
    outcome = VERDICTS[event_type]
    if outcome.status is JobStatus.COMPLETED:
        job = job.stored(now, (_film(job),))
    elif outcome.status is JobStatus.CANCELLED:
        job = job.cancelled_by_client(now, UpstreamCancelled.YES)
    ended = job.finished(now, outcome, job.id, KEEP_SECONDS)
    return ending(ended, "rushes-media").model_dump(mode="json")


def _running(account: str, job_id: str, then: float) -> Job:
    job = Job(
        id=job_id,
        account=account,
        dialect="openai",
        provider="sandbox",
        upstream_model="sandbox-1",
        request=GenerationRequest(
            model="sora-2", prompt="a red ball on a beach", seconds=4, size="1280x720"
        ),
        created_at=then,
        updated_at=then,
        deadline_at=then + 3600,
        cost=0.4,
    )
    return job.submitting(then + 1, 150).submitted(then + 2, {"id": "video_1"}, ())


def _film(job: Job) -> Artifact:
    return Artifact(
        key=f"{folder_of(job, 'outputs')}0.mp4",
        content_type="video/mp4",
        size=1_482_903,
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    )

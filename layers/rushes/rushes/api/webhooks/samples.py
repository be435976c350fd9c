"""Sample events of fictitious jobs, for webhook tests and the published examples."""

from typing import Any

from rushes.jobs import progress_events
from rushes.jobs.events import started_event, terminal_event
from rushes.jobs.job import Job
from rushes.jobs.job_state import folder_of
from rushes.jobs.labels import Labels
from rushes.jobs.request import GenerationRequest
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus, UpstreamCancelled

OUTCOMES = {
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
JOB_EVENT_TYPES = ("job.started", progress_events.TYPE, *OUTCOMES)
RETENTION_SECONDS = 30 * 24 * 3600.0


def sample(event_type: str, account: str, job_id: str, now: float) -> dict[str, Any]:
    """Return the event of a job that passed through the real transitions until `now`."""
    job = _running(account, job_id, now - 61.25)
    if event_type == "job.started":
        return started_event(job).model_dump(mode="json")
    if event_type == progress_events.TYPE:
        halfway = job.progressed(now, 55, expected_at=now + 45)
        marked = progress_events.marked(halfway, now)
        return progress_events.progress_event(marked).model_dump(mode="json")
    outcome = OUTCOMES[event_type]
    if outcome.status is JobStatus.COMPLETED:
        job = job.stored(now, (_video(job),))
    elif outcome.status is JobStatus.CANCELLED:
        job = job.cancelled_by_client(now, UpstreamCancelled.YES)
    finished = job.finished(now, outcome, job.id, RETENTION_SECONDS)
    return terminal_event(finished, "rushes-media").model_dump(mode="json")


def _running(account: str, job_id: str, created_at: float) -> Job:
    job = Job(
        id=job_id,
        account=account,
        dialect="openai",
        request_id="JKJaXmPLvHcESHA=",
        key_id="3f9a0c51d2e7b846",
        labels=Labels(
            tags={"team": "ads", "campaign": "spring"},
            metadata={"asset": "banner-7"},
            user="user-4711",
        ),
        provider="sandbox",
        upstream_model="sandbox-1",
        model="sandbox/sandbox-1",
        request=GenerationRequest(
            model="sora-2", prompt="a red ball on a beach", seconds=4, size="1280x720"
        ),
        created_at=created_at,
        updated_at=created_at,
        deadline_at=created_at + 3600,
        cost=0.4,
        estimate=0.4,
    )
    submitting = job.submitting(created_at + 1, 150)
    return submitting.submitted(created_at + 2, {"id": "video_1"}, ())


def _video(job: Job) -> Artifact:
    return Artifact(
        key=f"{folder_of(job, 'outputs')}0.mp4",
        content_type="video/mp4",
        size=1_482_903,
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        width=1280,
        height=720,
        duration=4.0,
    )

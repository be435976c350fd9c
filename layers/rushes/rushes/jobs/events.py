"""What the world is told of a job: one envelope, the same on the bus and in webhooks."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from rushes.errors import UnknownUpstreamStatus, UpstreamNoResponse, UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.result import Attempt, JobError
from rushes.jobs.status import JobStatus, UpstreamCancelled

SOURCE = "rushes"
UNSURE = frozenset(
    {UpstreamNoResponse.code, UpstreamProtocolError.code, UnknownUpstreamStatus.code}
)
"""After these a provider may have taken a job, though nobody was told so."""


class ArtifactData(BaseModel):
    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    content_type: str
    size: int
    """Bytes."""
    sha256: str


class CommonJobData(BaseModel):
    """What every event tells. It holds no prompt: whoever listens may not be who asked."""

    model_config = ConfigDict(frozen=True)

    id: str
    account: str
    status: JobStatus
    model: str
    provider: str
    created_at: datetime


class JobStartedData(CommonJobData):
    """A job that its provider has taken."""

    started_at: datetime


class JobEventData(CommonJobData):
    """A job that ended. It holds no prompt: whoever listens may not be who asked."""

    finished_at: datetime
    artifacts: tuple[ArtifactData, ...]
    error: JobError | None
    cost: float | None
    """US dollars; null where no provider can have made anything of it."""
    upstream_cancelled: UpstreamCancelled | None = None
    """Only of a cancelled job: whether the provider has stopped."""


class Event(BaseModel):
    """`id` depends on the job and what happened alone, so that a repetition can be told."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: str
    timestamp: datetime
    sequence: int
    """Grows within a job: what arrives out of order can be put in order."""


class JobStarted(Event):
    data: JobStartedData


class JobEvent(Event):
    """A job's ending."""

    data: JobEventData


def started(job: Job) -> JobStarted:
    """The event of a job that has just been submitted; said once, whoever else tries it later."""
    started_at = _moment(job.submitted_at or job.updated_at)
    return JobStarted(
        id=f"evt_{job.id}_started",
        type="job.started",
        timestamp=started_at,
        sequence=1,
        data=JobStartedData(**_facts(job), started_at=started_at),
    )


def ending(job: Job, bucket: str) -> JobEvent:
    """The event of a finished job."""
    finished_at = _moment(job.finished_at or job.updated_at)
    facts = JobEventData(
        **_facts(job),
        finished_at=finished_at,
        artifacts=tuple(
            ArtifactData(bucket=bucket, **artifact.model_dump(exclude={"etag"}))
            for artifact in job.artifacts
        ),
        error=job.error,
        cost=_cost(job),
        upstream_cancelled=job.upstream_cancelled,
    )
    return JobEvent(
        id=f"evt_{job.id}_{job.status.value}",
        type=f"job.{job.status.value}",
        timestamp=finished_at,
        sequence=2,
        data=facts,
    )


def _cost(job: Job) -> float | None:
    """None where the job ended without ever having been taken: the estimate was not spent."""
    everybody: tuple[Job | Attempt, ...] = (job, *job.attempts)
    taken = any(it.operation is not None for it in everybody) or job.generated_at is not None
    unsure = job.submission_unconfirmed_since is not None or any(
        it.error is not None and it.error.code in UNSURE for it in everybody
    )
    is_made = job.status is JobStatus.COMPLETED
    return job.cost if is_made or taken or unsure else None


def _facts(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "account": job.account,
        "status": job.status,
        "model": job.request.model,
        "provider": job.provider,
        "created_at": _moment(job.created_at),
    }


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)

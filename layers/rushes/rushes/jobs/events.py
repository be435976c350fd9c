"""Job events: one envelope, the same on the bus and in webhooks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rushes.errors import UnknownUpstreamStatus, UpstreamNoResponse, UpstreamProtocolError
from rushes.jobs.content import ordered_artifacts
from rushes.jobs.cost import settled
from rushes.jobs.job import Job
from rushes.jobs.result import JobError as StoredError
from rushes.jobs.result import ProviderAttempt
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.jobs.summary import summary_of
from rushes.jobs.times import utc_time

SOURCE = "rushes"
UNCONFIRMED = frozenset(
    {UpstreamNoResponse.code, UpstreamProtocolError.code, UnknownUpstreamStatus.code}
)
"""Error codes after which the provider may have accepted the job."""
SUMMARY_FIELDS = {"key_id", "modality", "made_by", "tags", "user"}
LENGTH_AND_SIZE = {"seconds", "size", "resolution", "aspect_ratio"}


class ArtifactData(BaseModel):
    model_config = ConfigDict(frozen=True)

    bucket: str
    key: str
    content_type: str
    size: int
    """Bytes."""
    sha256: str
    width: int | None = None
    height: int | None = None
    """Pixels, as displayed; null if unknown."""
    duration: float | None = None
    """Seconds; null if unknown."""


class AttemptData(BaseModel):
    """A model that was tried for the job; its `error_code` is null if it made the result."""

    model_config = ConfigDict(frozen=True)

    model: str
    provider: str
    error_code: str | None
    started_at: datetime
    ended_at: datetime


class JobError(BaseModel):
    """Why a job failed. `upstream_code` is the provider's error code."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    upstream_code: str | None = None

    @classmethod
    def of(cls, error: StoredError | None) -> "JobError | None":
        if error is None:
            return None
        return cls(code=error.code, message=error.message, upstream_code=error.upstream_code)


class CommonJobData(BaseModel):
    """Fields of every event. Excludes the prompt: a subscriber may be another party."""

    model_config = ConfigDict(frozen=True)

    id: str
    account: str
    status: JobStatus
    model: str
    provider: str
    created_at: datetime
    is_restored: bool = False
    """Whether the job comes from a backup: an event of the same id may have been published before,
    with other data."""
    request_id: str | None = None
    """`x-request-id` of the response to the create call; null for a job of an older release."""
    key_id: str | None = None
    """The API key that created the job."""
    modality: str = "video"
    made_by: str = ""
    """Catalog name of the model that makes the job, after a failover of the last one. `model` is
    the requested name."""
    upstream_model: str = ""
    """That model at its provider."""
    seconds: int | None = None
    size: str | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    """Length and size in the request to that model; null: the model's default."""
    tags: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, str] = Field(default_factory=dict)
    user: str | None = None
    estimated_cost: float | None = None
    """US dollars by the catalog's prices."""


class JobStartedData(CommonJobData):
    """A job that its provider has begun."""

    started_at: datetime


class JobEventData(CommonJobData):
    """A job in a terminal state."""

    finished_at: datetime
    artifacts: tuple[ArtifactData, ...]
    error: JobError | None
    cost: float | None
    """US dollars; null if no provider can have billed the job."""
    settled_cost: float | None = None
    """US dollars that the job counts in budgets and usage: 0 if it is not billed, null if its price
    is unknown. The result of a cancelled job may arrive, and change it, after the event."""
    attempts: tuple[AttemptData, ...] = ()
    """All models that were tried, in order."""
    upstream_cancelled: UpstreamCancelled | None = None
    """For a cancelled job: whether the provider has stopped."""


class Event(BaseModel):
    """`id` is derived from the job and the event type, so that receivers can deduplicate."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: str
    timestamp: datetime
    sequence: int
    """Grows within a job, so that receivers can reorder events."""


class JobStarted(Event):
    data: JobStartedData


class JobEvent(Event):
    data: JobEventData


def started_event(job: Job) -> JobStarted:
    """Build the event of a job that its provider has begun; a failover publishes no second one."""
    started_at = utc_time(job.started_at or job.submitted_at or job.updated_at)
    return JobStarted(
        id=f"evt_{job.id}_started",
        type="job.started",
        timestamp=started_at,
        sequence=1,
        data=JobStartedData(**common_data(job), started_at=started_at),
    )


def terminal_event(job: Job, bucket: str) -> JobEvent:
    """Build the event of a finished job."""
    finished_at = utc_time(job.finished_at or job.updated_at)
    data = JobEventData(
        **common_data(job),
        finished_at=finished_at,
        artifacts=tuple(
            ArtifactData(bucket=bucket, **artifact.model_dump(exclude={"etag"}))
            for artifact in ordered_artifacts(job)
        ),
        error=JobError.of(job.error),
        cost=_cost(job),
        settled_cost=settled(job),
        attempts=_attempts(job, finished_at),
        upstream_cancelled=job.upstream_cancelled,
    )
    return JobEvent(
        id=f"evt_{job.id}_{job.status.value}",
        type=f"job.{job.status.value}",
        timestamp=finished_at,
        sequence=2,
        data=data,
    )


def log_fields(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ids in each log line about an event, whatever an operator has made of it."""
    data = event.get("data")
    if not isinstance(data, Mapping):
        return {}
    is_about_job = str(event.get("type")).startswith("job.")
    return {
        "job_id": data.get("id") if is_about_job else None,
        "account": data.get("account"),
        "request_id": data.get("request_id"),
    }


def has_type(event: Mapping[str, Any]) -> bool:
    """Return False for an event of an item that was edited by hand: no bus accepts it."""
    return isinstance(event.get("type"), str) and bool(event["type"])


def _cost(job: Job) -> float | None:
    """Return None if no provider ever accepted the job: the estimate was not spent."""
    attempts: tuple[Job | ProviderAttempt, ...] = (job, *job.attempts)
    accepted = job.generated_at is not None or any(
        attempt.operation is not None for attempt in attempts
    )
    unconfirmed = job.submission_unconfirmed_since is not None or any(
        attempt.error is not None and attempt.error.code in UNCONFIRMED for attempt in attempts
    )
    completed = job.status is JobStatus.COMPLETED
    return job.cost if completed or accepted or unconfirmed else None


def _attempts(job: Job, finished_at: datetime) -> tuple[AttemptData, ...]:
    earlier = [
        AttemptData(
            model=attempt.model,
            provider=attempt.provider,
            error_code=attempt.error.code,
            started_at=utc_time(attempt.started_at),
            ended_at=utc_time(attempt.ended_at),
        )
        for attempt in job.attempts
    ]
    last = AttemptData(
        model=job.made_by,
        provider=job.provider,
        error_code=job.error.code if job.error else None,
        started_at=utc_time(job.attempt_at or job.created_at),
        ended_at=finished_at,
    )
    return (*earlier, last)


def common_data(job: Job) -> dict[str, Any]:
    summary = summary_of(job)
    return {
        "id": job.id,
        "account": job.account,
        "status": job.status,
        "model": job.request.model,
        "provider": job.provider,
        "created_at": utc_time(job.created_at),
        "is_restored": job.restored_to is not None,
        "request_id": job.request_id,
        **summary.model_dump(include=SUMMARY_FIELDS),
        **job.request.model_dump(include=LENGTH_AND_SIZE),
        "upstream_model": job.upstream_model,
        "metadata": {} if job.deleted_at else job.labels.metadata,
        "estimated_cost": summary.estimated,
    }

"""The event `job.progress`: rare, optional, and lost if its only publication fails.

It is published to the bus in a deployment with `[events] progress = true`, and delivered to the
webhook endpoints that name it in their event types.
"""

from datetime import datetime

from rushes.jobs.events import CommonJobData, Event, common_data
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.jobs.times import utc_time

TYPE = "job.progress"
MIN_POINTS = 5
"""By which the progress rises from one event to the next."""
MIN_SECONDS = 15.0
"""Between two events of a job."""


class JobProgressData(CommonJobData):
    """A job that has not ended."""

    progress: int
    """Percent, approximate."""
    expected_at: datetime | None = None
    """Time of the result by the provider's estimate."""


class JobProgress(Event):
    """`sequence` is that of `job.started`: `progress` orders the events of one provider."""

    data: JobProgressData


def marked(job: Job, now: float) -> Job:
    """Return the job with the time and progress of its next event, if one is due."""
    waited = job.progress_reported_at is None or now - job.progress_reported_at >= MIN_SECONDS
    risen = job.progress - job.reported_progress >= MIN_POINTS
    if not (waited and risen) or job.has_outcome or job.status is not JobStatus.IN_PROGRESS:
        return job
    changes = {"reported_progress": job.progress, "progress_reported_at": now}
    return job.model_copy(update=changes)


def progress_event(job: Job) -> JobProgress:
    """Build the event of a job that was marked by its latest write."""
    return JobProgress(
        id=f"evt_{job.id}_progress_{len(job.attempts)}_{job.reported_progress}",
        type=TYPE,
        timestamp=utc_time(job.progress_reported_at or job.updated_at),
        sequence=1,
        data=JobProgressData(
            **common_data(job),
            progress=job.reported_progress,
            expected_at=utc_time(job.expected_at) if job.expected_at else None,
        ),
    )

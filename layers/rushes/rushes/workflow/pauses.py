"""Pauses of open jobs: between the executions of a job that fail, and for an operator's word."""

from aws_lambda_powertools import Logger

from rushes.jobs.job import Job
from rushes.jobs.pause import Pause, PauseReason
from rushes.metrics import Metric, count
from rushes.ports.jobs import Jobs
from rushes.workflow.log_events import JOB_PAUSED, RECORD_OF_NEWER_RELEASE

MAX_RESTARTS = 12
"""In a row without progress, in about six hours; then one a day."""
FIRST_DELAY, MAX_DELAY = 60.0, 3600.0
"""Seconds between them. The first one follows at once."""
DAY = 24 * 3600.0
REPORT_SECONDS = 3600.0
"""Between two reports of a job that waits for an operator."""
UNKNOWN_SECONDS = 540.0
"""The same for a job of a newer release, without the minute that the sweeper adds."""

logger = Logger(service="rushes", child=True)


def restart_delay(job: Job) -> float:
    """Return the seconds before the next execution, in place of one that ended."""
    restarts = job.restarts_in_a_row
    if restarts >= MAX_RESTARTS:
        return DAY
    return min(FIRST_DELAY * 2 ** (restarts - 1), MAX_DELAY) if restarts else 0.0


def next_execution(job: Job, now: float) -> Job:
    """Count another execution of a job whose execution ended, or pause the job before it."""
    if job.pause:
        return job.restarted(now) if job.pause.is_over(now) else job
    delay = restart_delay(job)
    if not delay:
        return job.restarted(now)
    needs_operator = delay == DAY
    pause = Pause(
        reason=PauseReason.RESTARTS,
        detail=f"{job.restarts_in_a_row} executions in a row ended without progress",
        since=now,
        until=now + delay,
        check_at=now if needs_operator else now + delay,
        needs_operator=needs_operator,
    )
    return job.paused(now, pause)


def for_operator(reason: PauseReason, detail: str, now: float) -> Pause:
    """Return a pause that only an operator ends."""
    return Pause(reason=reason, detail=detail, since=now, check_at=now, needs_operator=True)


def holds(jobs: Jobs, job: Job, now: float) -> bool:
    """Whether the job gets no execution now. One that waits for an operator is reported."""
    pause = job.pause
    if pause is None or pause.is_over(now):
        return _is_of_newer_release(jobs, job, now)
    if pause.needs_operator and pause.check_at <= now:
        logger.warning(JOB_PAUSED, **job.log_fields, reason=pause.reason.value, detail=pause.detail)
        count(Metric.JOB_PAUSED, job.log_fields)
        jobs.change(job.account, job.id, lambda current: _reported(current, now))
    return True


def _is_of_newer_release(jobs: Jobs, job: Job, now: float) -> bool:
    """Report a job with a state that this release does not know, and leave it to the next one."""
    if not job.unknown_values:
        return False
    logger.warning(RECORD_OF_NEWER_RELEASE, **job.log_fields, values=job.unknown_values)
    count(Metric.NEWER_RECORD, job.log_fields)
    jobs.change(job.account, job.id, lambda current: current.left_alone(now, UNKNOWN_SECONDS))
    return True


def _reported(job: Job, now: float) -> Job:
    """Postpone the next report."""
    if job.pause is None:
        return job
    check_at = min(now + REPORT_SECONDS, job.pause.until or now + REPORT_SECONDS)
    return job.paused(now, job.pause.model_copy(update={"check_at": check_at}))

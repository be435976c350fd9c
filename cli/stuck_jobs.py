"""Jobs that the sweeper should have repaired by now, and dead letters."""

from cli.job_diagnosis import OVERDUE_SECONDS
from cli.job_report import handle, reason_of
from cli.target import Target
from rushes.jobs.job import Job

MAX_JOBS = 5000
"""Of each account and kind of work."""
DEAD_LETTER_SECONDS = 3600.0
"""A dead letter is polled, and its next check is due, within this time."""


def stuck_jobs(target: Target, now: float) -> list[Job]:
    return [
        job
        for job in target.jobs.due(now + DEAD_LETTER_SECONDS, MAX_JOBS)
        if (job.next_check_at or now) <= now - OVERDUE_SECONDS or job.is_dead_letter
    ]


def why_stuck(job: Job) -> str:
    reasons = [f"{len(job.outbox)} event(s) not published"] if job.outbox else []
    reasons += [f"dead letter: {handle(job)}"] if job.is_dead_letter else []
    reasons += [job.warnings[-1]] if job.warnings else []
    waiting = job.waiting
    reasons += [f"waits: {reason_of(waiting.error, waiting.detail)}"] if waiting else []
    return "; ".join(reasons)

"""Jobs that wait for an operator: list, resume, end."""

import time
from collections.abc import Iterator

from cli.errors import NO, CommandError
from rushes.aws.dynamodb.jobs import JobTable
from rushes.jobs.job import Job

FAR_FUTURE = 10 * 365 * 24 * 3600.0
MAX_JOBS = 5000
"""Of each account and kind of work."""
NEWER_RELEASE = "newer release"
"""Reason of a job with a state that only a newer release knows."""


def paused_jobs(jobs: JobTable) -> Iterator[Job]:
    """Return the jobs for which no execution is started until an operator or a release helps."""
    for job in jobs.due(time.time() + FAR_FUTURE, MAX_JOBS):
        if job.unknown_values or (job.pause and job.pause.needs_operator):
            yield job


def reason_of(job: Job) -> str:
    return job.pause.reason.value if job.pause else NEWER_RELEASE


def detail_of(job: Job) -> str:
    if job.pause:
        return job.pause.detail
    return f"unknown here: {', '.join(job.unknown_values)}; deploy the newer release again"


def find_paused(jobs: JobTable, job_id: str) -> Job:
    for job in paused_jobs(jobs):
        if job.id == job_id and job.pause:
            return job
    raise CommandError(f"job {job_id} does not wait for an operator", NO)


def resume(jobs: JobTable, job: Job) -> None:
    """End the pause; the sweeper starts an execution within two minutes."""
    jobs.change(
        job.account,
        job.id,
        lambda current: current.resumed(time.time()) if current.pause else current,
    )


def give_up(jobs: JobTable, job: Job) -> None:
    """Fail the job; a job with an outcome can only be resumed."""

    def change(current: Job) -> Job:
        if current.outcome:
            status = current.outcome.status.value
            raise CommandError(f"job {job.id} is to be {status}: resume it", NO)
        return current.given_up(time.time())

    jobs.change(job.account, job.id, change)

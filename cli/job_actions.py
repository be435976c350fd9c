"""What an operator does to a job: start another execution, create it again, cancel it."""

import time
from typing import Any

from botocore.config import Config

from cli.budgets import default_limits
from cli.errors import NO, CommandError
from cli.job_diagnosis import Facts
from cli.target import Target
from rushes.api.account_limits import AccountLimits
from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.api.retry_request import request_again
from rushes.aws.dynamodb.provider_limits import RateLimitTable
from rushes.aws.published_catalogs import PublishedCatalogs
from rushes.aws.s3 import Bucket
from rushes.aws.step_functions import execution_arn
from rushes.http.url_policy import InputUrlPolicy, PublicUrlPolicy
from rushes.jobs.epoch import Epoch
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job

EVENTS, POLL_STATE = 100, "Poll provider"
"""Latest events of an execution that are searched for a poll, which takes nine."""


def facts_of(target: Target, job: Job) -> Facts:
    return Facts(
        now=time.time(),
        is_running=target.executions.is_running(job),
        last_poll=_last_poll(target, job),
        limit=RateLimitTable(target.client("dynamodb"), target.table).get(job.provider),
    )


def retry(target: Target, job: Job) -> Job:
    """Start another execution of an open job, or create a failed or cancelled job again.

    Return the job, or the new one.

    Raises
    ------
    CommandError
        If the job was deleted.
    NotRetryable
        If it is completed.
    """
    if not job.is_finished:
        target.record("job.restart", f"job:{job.id}", account=job.account)
        job = target.jobs.change(
            job.account, job.id, lambda current: current.restarted(time.time())
        )
        target.executions.start(job)
        return job
    if job.deleted_at:
        raise CommandError(f"{job.id} was deleted; it cannot be retried", NO)
    request = request_again(job)
    target.record("job.retry", f"job:{job.id}", account=job.account)
    call = IdempotencyInfo("retry", request_id=job.request_id, key_id=job.key_id or "")
    return _create_job(target).run(job.account, job.dialect, request, call).job


def cancel(target: Target, job: Job) -> Job:
    """Start the execution that stops a job.

    Raises
    ------
    CommandError
        If the job has ended.
    """
    if job.has_outcome:
        raise CommandError(f"{job.id} has already ended", NO)
    target.record("job.cancel", f"job:{job.id}", account=job.account)
    job = target.jobs.change(
        job.account,
        job.id,
        lambda current: current if current.has_outcome else current.cancel_requested(time.time()),
    )
    target.executions.start(job)
    return job


def _create_job(target: Target) -> CreateJob:
    make: Any = target.session.client
    s3 = make("s3", endpoint_url=target.endpoint_url, config=Config(signature_version="s3v4"))
    catalogs = PublishedCatalogs(target.store, time.monotonic)
    epoch = Epoch(target.table, int(target.parameters.get("RestoreEpoch") or 0))
    job_builder = JobBuilder(
        target.jobs,
        Bucket(s3, target.bucket, limit=0),
        catalogs,
        time.time,
        PublicUrlPolicy(local_mode=target.is_local),
        InputUrlPolicy(local_mode=target.is_local),
        epoch,
    )
    limits = AccountLimits(catalogs, default_limits(target))
    return CreateJob(job_builder, target.jobs, target.executions, time.time, limits)


def _last_poll(target: Target, job: Job) -> float | None:
    """Return the time of the latest poll of the job's newest execution, if it has polled."""
    states = target.client("stepfunctions")
    try:
        latest = states.get_execution_history(
            executionArn=execution_arn(target.state_machine, job),
            reverseOrder=True,
            maxResults=EVENTS,
            includeExecutionData=False,
        )["events"]
    except states.exceptions.ExecutionDoesNotExist:
        return None
    for event in latest:
        if event.get("stateEnteredEventDetails", {}).get("name") == POLL_STATE:
            at: float = event["timestamp"].timestamp()
            return at
    return None

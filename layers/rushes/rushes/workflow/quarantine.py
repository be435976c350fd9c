"""Jobs of a backup without an operation: a create call that the table has lost may have been sent.

No create call is sent for them without an operator's word.
"""

from rushes.errors import UpstreamError
from rushes.jobs.job import Job
from rushes.jobs.pause import PauseReason
from rushes.jobs.status import UpstreamCancelled
from rushes.providers.base import Submitted, SupportsLookup
from rushes.workflow import failure_log, pauses, wait_times
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.reconcile import is_absent, lookup
from rushes.workflow.task import TO_FINISH, JobContext, NextStep, pending

MIN_LOOKUP_DELAY = 2.0
NOT_STOPPED = "the provider may have made the job: it was restored from a backup"


def find_create_call(
    context: JobContext, providers: ProviderClient, job: Job
) -> Submitted | NextStep:
    """Search the job at its provider; pause it if the provider cannot be searched or lacks it."""
    if not job.is_submission_unconfirmed:  # it has failed over since the restore
        job = context.update_same(job, Job.withheld)
    try:
        found = _lookup(context, providers, job)
    except UpstreamError as error:
        failure_log.report(job, "lookup", error)
        if error.retryable and context.clock() < job.deadline_at:
            return _again(context, job, error.wait_seconds)
        return _pause(context, job, f"the lookup failed: {error.message}")
    if isinstance(found, Submitted):
        return found
    if found is None and not is_absent(job, context.clock()):
        return _again(context, job, None)
    return _pause(context, job, found or f"provider {job.provider} does not list the job")


def _lookup(context: JobContext, providers: ProviderClient, job: Job) -> Submitted | str | None:
    """Return the job at its provider, None if it is not listed, or why it cannot be searched."""
    idempotency, provider = providers.idempotency(job), providers.provider(job)
    if idempotency == "lookup" and isinstance(provider, SupportsLookup):
        upstream = providers.upstreams.find(job)
        return lookup(providers.http_client, upstream, provider, job, context.clock)
    if idempotency == "key":
        return f"a create call repeats the idempotency key that provider {job.provider} may know"
    return f"provider {job.provider} supports no lookup: see its console"


def _again(context: JobContext, job: Job, requested_seconds: float | None) -> NextStep:
    age = context.clock() - (job.submission_unconfirmed_since or job.created_at)
    return pending(wait_times.next_poll_delay(age, requested_seconds, MIN_LOOKUP_DELAY))


def _pause(context: JobContext, job: Job, detail: str) -> NextStep:
    """Wait for the operator; a cancel of the client ends the job."""
    if job.cancel_requested_at:
        return context.complete(job, _cancelled)
    context.update_same(
        job,
        lambda current, now: current.paused(
            now, pauses.for_operator(PauseReason.RESTORED, detail, now)
        ),
    )
    return TO_FINISH


def _cancelled(job: Job, now: float) -> Job:
    """Cancel a job that may run at its provider, without a handle to track it there."""
    cancelled = job.cancelled_by_client(now, UpstreamCancelled.NO)
    return cancelled.model_copy(update={"track_until": None}).with_warnings(NOT_STOPPED)

"""Cancel a job at its provider, then ask once more for its state: a reply alone proves little."""

from dataclasses import dataclass

from rushes.errors import ProviderNotConfigured, UpstreamError, UpstreamJobNotFound
from rushes.jobs.job import Job
from rushes.jobs.status import UpstreamCancelled
from rushes.providers.base import CancelReply, Failed, Pending, PollResult, Succeeded
from rushes.workflow.provider_client import ProviderClient

FINISHED = "the provider had finished the job before the cancel; its result is archived"
NOT_SENT = (
    "no cancel request was sent: it could delete a result, and the state of the job is unknown"
)
QUEUED_ONLY = "the provider cancels waiting jobs only, and the job has begun"
STOPPED = "the provider cancelled the job"
WARNINGS = {
    CancelReply.FINISHED: FINISHED,
    CancelReply.REMOVED: "the provider confirmed the cancel, but may continue",
    CancelReply.STOPPED: "the provider confirmed the cancel, but still runs the job",
    CancelReply.REQUESTED: "the provider accepted the cancel request",
    CancelReply.UNSUPPORTED: "the provider does not support cancel",
}
"""By the reply to the request, if the job is not known to have ended."""


@dataclass(frozen=True)
class CancelOutcome:
    """`result` is the latest state of the job, None if it is unknown."""

    upstream: UpstreamCancelled
    warning: str
    result: PollResult | None


def cancel(providers: ProviderClient, job: Job, seen: PollResult | None) -> CancelOutcome:
    """Cancel a job that was just polled (`seen`).

    A finished result is not deleted, unless its job is: then no client can read it.
    """
    if isinstance(seen, Failed) or (isinstance(seen, Succeeded) and not job.deleted_at):
        return _outcome(None, "", seen)
    is_running = isinstance(seen, Pending) and not seen.queued
    if is_running and providers.provider(job).profile.cancels_queued_only:
        return CancelOutcome(UpstreamCancelled.UNSUPPORTED, QUEUED_ONLY, seen)
    try:
        reply = providers.cancel(job)
    except UpstreamError as error:
        warning = f"cancel request failed: {error.message}"
        return _outcome(None, warning, poll_or_none(providers, job))
    if reply is None:
        return CancelOutcome(UpstreamCancelled.UNSUPPORTED, WARNINGS[CancelReply.UNSUPPORTED], seen)
    return _after(providers, job, reply, was_open=isinstance(seen, Pending))


def _after(
    providers: ProviderClient, job: Job, reply: CancelReply, *, was_open: bool
) -> CancelOutcome:
    """Poll after an accepted request.

    A job that was removed is unknown. It has stopped if it `was_open`, and else it may have had a
    result.
    """
    result, is_gone = None, False
    try:
        result = providers.poll(job)
    except UpstreamJobNotFound:
        is_gone = reply is CancelReply.REMOVED and was_open
    except UpstreamError:
        pass
    return _outcome(CancelReply.STOPPED if is_gone else reply, WARNINGS[reply], result)


def poll_or_none(providers: ProviderClient, job: Job) -> PollResult | None:
    """Poll a job; None if its state cannot be read."""
    try:
        return providers.poll(job)
    except UpstreamError:
        return None


def could_delete_result(providers: ProviderClient, job: Job, seen: PollResult | None) -> bool:
    """Whether a cancel request could delete a result, as the state of the job is unknown."""
    if seen is not None or job.deleted_at:
        return False
    try:
        return providers.provider(job).profile.cancel_deletes_result
    except ProviderNotConfigured:  # no request can be sent
        return False


def _outcome(reply: CancelReply | None, warning: str, result: PollResult | None) -> CancelOutcome:
    """Decide by the state after the request, or by the reply if the provider shows no other.

    A queue may show a cancelled job for a moment; one that runs has not stopped.
    """
    match result:
        case Succeeded():
            return CancelOutcome(UpstreamCancelled.NO, FINISHED, result)
        case Failed():
            return CancelOutcome(UpstreamCancelled.YES, _ended(result), result)
        case None | Pending(queued=True) if reply is CancelReply.STOPPED:
            return CancelOutcome(UpstreamCancelled.YES, STOPPED, result)
        case _ if reply is CancelReply.UNSUPPORTED:
            return CancelOutcome(UpstreamCancelled.UNSUPPORTED, warning, result)
        case _:
            return CancelOutcome(UpstreamCancelled.NO, warning, result)


def _ended(result: Failed) -> str:
    return STOPPED if result.cancelled else "the job had failed at the provider"

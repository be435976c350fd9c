"""The lease written before a create call, which excludes a second one."""

from rushes.errors import UpstreamError, WriteConflict
from rushes.jobs.job import Job

LEASE_SECONDS = 150.0
"""Longer than a create call may take: it is over when the lease ends."""


class LeaseHeld(WriteConflict):
    """Another invocation may be sending the create call."""

    def __init__(self, seconds: float) -> None:
        super().__init__("a create call may be in flight")
        self.seconds = seconds


class OutcomeUnknown(UpstreamError):
    code = "upstream_outcome_unknown"


def check_lease(job: Job, idempotency: str, now: float) -> None:
    """Raise unless a create call is allowed.

    Raises
    ------
    LeaseHeld
        If the lease has not ended.
    OutcomeUnknown
        If a lease ended without a result and a repeated call could generate twice.
    """
    if not job.lease_until:
        return
    if job.lease_until > now:
        raise LeaseHeld(job.lease_until - now)
    if idempotency == "none":
        raise OutcomeUnknown(
            "a create call was started and its outcome is unknown; it is not repeated"
        )


def needs_lookup(job: Job, idempotency: str) -> bool:
    """Whether an unconfirmed create call must be looked up before another one."""
    return job.is_submission_unconfirmed and idempotency == "lookup"


def acquire_lease(job: Job, idempotency: str, now: float) -> Job:
    """Take the lease, decided on the stored job: another execution may have changed it."""
    check_lease(job, idempotency, now)
    if job.is_quarantined:
        raise WriteConflict("the job comes from a backup")
    if job.operation or job.has_outcome or needs_lookup(job, idempotency):
        raise WriteConflict("another execution has advanced the job")
    if job.cancel_requested_at and not job.is_submission_unconfirmed:
        raise WriteConflict("the client requested cancel")
    return job.submitting(now, LEASE_SECONDS)

"""US dollars that a job charges to each of its budgets."""

from rushes.jobs.job import Job
from rushes.jobs.result import NOT_BILLED
from rushes.jobs.status import JobStatus, UpstreamCancelled

DECIMALS = 6
"""Amounts are rounded to micro-dollars: charges and refunds then add up to exactly 0."""


def charged(job: Job) -> float:
    """Return the dollars that the job charges to each budget in its present state.

    An open job charges its reservation, or the reported cost if that is higher. A finished job
    charges its cost, or nothing if no provider can bill it. A job without a reservation charges
    nothing: it was accepted without a budget.
    """
    if job.reservation is None or not job.reservation.has_budget:
        return 0.0
    if job.is_finished:
        return settled(job) or 0.0
    cost = max(job.cost or 0.0, 0.0)
    return round(max(job.reservation.dollars, cost if job.generated_at else 0.0), DECIMALS)


def settled(job: Job) -> float | None:
    """Return the dollars that a finished job costs: 0 if no provider can bill it.

    None if a provider may bill it and its price is unknown.
    """
    if not may_be_billed(job):
        return 0.0
    return None if job.cost is None else round(max(job.cost, 0.0), DECIMALS)


def may_be_billed(job: Job) -> bool:
    """Whether a provider may bill a finished job: anything but a proof of the contrary counts."""
    if job.status is JobStatus.COMPLETED or job.generated_at is not None:
        return True
    if job.status is JobStatus.CANCELLED:
        if job.upstream_cancelled is not UpstreamCancelled.YES:
            return True
        if job.operation is not None:
            return not job.is_unbilled_cancel
    if job.operation is not None:
        return job.error is None or job.error.code not in NOT_BILLED
    return job.submission_unconfirmed_since is not None

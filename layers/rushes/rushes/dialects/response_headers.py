"""Response headers that several routes share."""

from rushes.errors import BudgetExceeded, RushesError, TooManyFailedKeys
from rushes.jobs.job import Job

JSON_HEADERS = {"content-type": "application/json"}
POLL_HEADERS = {**JSON_HEADERS, "openai-poll-after-ms": "2000"}
"""Poll interval of OpenAI's SDKs, which keep the first value for the whole wait."""
NO_STORE_HEADERS = {**JSON_HEADERS, "cache-control": "no-store"}


def retry_headers(error: RushesError) -> dict[str, str]:
    """Return the headers that control a client's retry of the failed request."""
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    if isinstance(error, BudgetExceeded | TooManyFailedKeys):
        headers["x-should-retry"] = "false"  # else SDKs retry at once, in vain
    return headers


def cancel_status_headers(job: Job) -> dict[str, str]:
    """Report the outcome of a cancel at the provider, `pending` until it is known."""
    if outcome := job.upstream_cancelled:
        return {"rushes-upstream-cancelled": outcome.value}
    is_pending = job.cancel_requested_at and not job.has_outcome
    return {"rushes-upstream-cancelled": "pending"} if is_pending else {}

"""Response headers that several routes share."""

from rushes.jobs.job import Job

JSON_HEADERS = {"content-type": "application/json"}
POLL_HEADERS = {**JSON_HEADERS, "openai-poll-after-ms": "2000"}
"""Poll interval of OpenAI's SDKs, which keep the first value for the whole wait."""
NO_STORE_HEADERS = {**JSON_HEADERS, "cache-control": "no-store"}


def cancel_status_headers(job: Job) -> dict[str, str]:
    """Report the outcome of a cancel at the provider, `pending` until it is known."""
    if outcome := job.upstream_cancelled:
        return {"rushes-upstream-cancelled": outcome.value}
    is_pending = job.cancel_requested_at and not job.has_outcome
    return {"rushes-upstream-cancelled": "pending"} if is_pending else {}

"""Response headers that several routes share."""

import re
from collections.abc import Sequence

from rushes.errors import BudgetExceeded, LimitReached, RushesError, TooManyFailedKeys
from rushes.jobs.cost import settled
from rushes.jobs.job import Job
from rushes.jobs.quota import in_dollars

JSON_HEADERS = {"content-type": "application/json"}
POLL_HEADERS = {**JSON_HEADERS, "openai-poll-after-ms": "2000"}
"""Poll interval of OpenAI's SDKs, which keep the first value for the whole wait."""
NO_STORE_HEADERS = {**JSON_HEADERS, "cache-control": "no-store"}
MODEL_HEADERS = {**JSON_HEADERS, "cache-control": "private, max-age=60"}
"""Of model lists, which change with the configuration."""
MAX_WARNING_BYTES = 2048
"""API Gateway limits all headers of a response to 10,240 bytes."""


def retry_headers(error: RushesError) -> dict[str, str]:
    """Return the headers that control a client's retry of the failed request.

    Those of a limit name the policy that refused it.
    """
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    if isinstance(error, LimitReached):
        headers |= error.headers
    if isinstance(error, BudgetExceeded | TooManyFailedKeys):
        headers["x-should-retry"] = "false"  # else SDKs retry at once, in vain
    return headers


def cancel_status_headers(job: Job) -> dict[str, str]:
    """Report the outcome of a cancel at the provider, `pending` until it is known."""
    if outcome := job.upstream_cancelled:
        return {"rushes-upstream-cancelled": outcome.value}
    is_pending = job.cancel_requested_at and not job.has_outcome
    return {"rushes-upstream-cancelled": "pending"} if is_pending else {}


def cost_headers(job: Job) -> dict[str, str]:
    """Report what a finished job costs, in US dollars; nothing if its price is unknown."""
    cost = settled(job) if job.is_finished else None
    return {} if cost is None else {"rushes-cost": in_dollars(cost).removeprefix("$")}


def warning_headers(warnings: Sequence[str]) -> dict[str, str]:
    """Report a job's warnings, the latest if not all fit, as a list of strings (RFC 9651).

    API Gateway joins equal headers by commas, which the warnings contain.
    """
    members: list[str] = []
    length = 0
    for warning in reversed(warnings):
        member = _quoted(warning)
        length += len(member) + len(", ")
        if length > MAX_WARNING_BYTES:
            break
        members.append(member)
    return {"rushes-warning": ", ".join(reversed(members))} if members else {}


def _quoted(text: str) -> str:
    """Write a string of RFC 9651, which is ASCII without control characters."""
    printable = re.sub(r"[^ -~]", "?", text)
    return '"' + re.sub(r'(["\\])', r"\\\1", printable) + '"'

"""Statuses and outputs of tasks, common to both APIs of Kling."""

from collections.abc import Callable, Iterable

from rushes.jobs.result import Output
from rushes.providers import replies
from rushes.providers.base import Failed, Pending, PollResult, Succeeded
from rushes.providers.results import first_files

QUEUED = "submitted"
PENDING = "processing"
SUCCEEDED = frozenset({"succeeded", "succeed"})
FAILED = "failed"


def result_of(
    status: str,
    message: str | None,
    wait_seconds: float | None,
    succeeded: Callable[[], Succeeded],
) -> PollResult:
    """Return the result of a poll by the task's status; `succeeded` reads that of a success."""
    if status in (QUEUED, PENDING):
        return Pending(wait_seconds=wait_seconds, queued=status == QUEUED)
    if status in SUCCEEDED:
        return succeeded()
    if status == FAILED:
        return Failed(replies.failure(status, message))
    raise replies.unknown_status(status)


def outputs_at(urls: Iterable[str | None]) -> tuple[Output, ...]:
    return first_files(Output(url=url) for url in urls if url)

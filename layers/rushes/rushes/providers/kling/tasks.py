"""States and outputs of tasks, common to both APIs of Kling."""

from collections.abc import Callable, Iterable

from rushes.jobs.result import Output
from rushes.providers import replies
from rushes.providers.base import PollResult, Succeeded
from rushes.providers.polls import stopped
from rushes.providers.results import first_files, linked
from rushes.providers.states import State


def result_of(
    state: State,
    status: str,
    message: str | None,
    succeeded: Callable[[], Succeeded],
) -> PollResult:
    """Return the result of a poll by the task's state; `succeeded` reads that of a success."""
    if state is State.SUCCEEDED:
        return succeeded()
    return stopped(state, replies.failure(status, message))


def outputs_at(path: str, urls: Iterable[str | None]) -> tuple[Output, ...]:
    return first_files(linked(path, url) for url in urls if url)

"""How a request stands in a queue, as fal and Pipelet tell it."""

import re

from rushes.jobs.result import JobError
from rushes.providers.replies import Reply, failure

SECONDS_PER_PLACE = 2.0
PLACES = 15
"""From so many on, one more before us makes no look later."""
_PARTS_DONE = re.compile(r"(\d{1,6})\s*/\s*(\d{1,6})")


class _Messages(Reply):
    message: str | None = None
    detail_message: str | None = None


class Status(Reply):
    """Names in mixed case are Pipelet's."""

    status: str
    queue_position: int | None = None
    error: str | None = None
    error_type: str | None = None
    statusMessages: _Messages = _Messages()  # noqa: N815
    etaSeconds: float | None = None  # noqa: N815


def progress_of(state: Status) -> int | None:
    """Percent, of words such as "Progress: 4/24 Tasks done"."""
    found = _PARTS_DONE.search(state.statusMessages.detail_message or "")
    if not found or not int(found[2]):
        return None
    return min(100 * int(found[1]) // int(found[2]), 100)


def wait_of(state: Status) -> float | None:
    """The more are before us, the later the next look."""
    if state.etaSeconds and state.etaSeconds > 0:
        return state.etaSeconds
    if state.status == "IN_QUEUE" and state.queue_position:
        return SECONDS_PER_PLACE * min(state.queue_position, PLACES)
    return None


def failure_of(state: Status) -> JobError:
    messages = state.statusMessages
    reason = state.error or messages.detail_message or messages.message
    return failure(state.error_type or state.status.lower(), reason)

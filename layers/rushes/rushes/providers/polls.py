"""Parse the reply to a poll: the verdict in its body counts before its HTTP status."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, TypeVar

from rushes.errors import UpstreamError, UpstreamProtocolError
from rushes.jobs.result import JobError
from rushes.json_parser import MAX_REPLY_VALUES, parse_json
from rushes.ports.http import HttpReply
from rushes.providers import replies
from rushes.providers.base import Failed, Pending, PollResult
from rushes.providers.states import FINAL, State, Words, plain, state_of

ID_NAMES = frozenset({"generationid", "id", "invocationarn", "jobid", "name", "taskid", "videoid"})
"""Names of a job's id in a reply, in the form of `plain`."""
ENVELOPE_WORDS = frozenset({"error", "fail", "failure", "success"})
"""Words that error bodies without a job also have as their `status`."""
ACCEPTED = 202

Body = TypeVar("Body")
Result = TypeVar("Result")


def parse_poll(  # noqa: PLR0913 - one function per part that differs between adapters
    reply: HttpReply,
    read: Callable[[HttpReply], Body],
    status_of: Callable[[Body], str],
    result_of: Callable[[Body, State], Result],
    *,
    pending_of: Callable[[Body, State], Pending] | None = None,
    own: Words = MappingProxyType({}),
    raise_for_error: Callable[[HttpReply], None] = replies.raise_for_status,
) -> Result | Pending:
    """Return the result of the job that the body describes.

    `result_of` reads a job that has ended. `pending_of` reads one that waits or runs, if the reply
    has more than its state.

    A job that has ended is believed whatever the HTTP status is: vLLM-Omni reports a failed one
    with an HTTP error. A body without a verdict leaves the decision to the status. An accepted
    request (202) whose body says nothing is pending.

    Raises
    ------
    UpstreamError
    """
    try:
        body = read(reply)
        status = status_of(body)
    except UpstreamError as error:
        raise_for_error(reply)
        if reply.status == ACCEPTED and isinstance(error, UpstreamProtocolError):
            return Pending(wait_seconds=replies.retry_after(reply))
        raise
    state = state_of(status, own)
    if state not in FINAL or not (reply.status < 300 or _is_of_job(status, reply)):
        raise_for_error(reply)
    state = known_state(status, own)
    if state in FINAL:
        return result_of(body, state)
    return pending_of(body, state) if pending_of else waiting(state, reply)


def known_state(status: str, own: Words = MappingProxyType({})) -> State:
    """Return the state that a status names.

    Raises
    ------
    UnknownUpstreamStatus
        With the status in the message.
    """
    state = state_of(status, own)
    if state is None:
        raise replies.unknown_status(status)
    return state


def stopped(state: State, error: JobError) -> PollResult:
    """Return the result of a job that ended without an output: failed, or cancelled."""
    return Failed(error, cancelled=state is State.CANCELLED)


def waiting(state: State, reply: HttpReply, progress: int | None = None) -> Pending:
    """Return the result of a job that waits or runs."""
    return Pending(progress, replies.retry_after(reply), queued=state is State.QUEUED)


def _is_of_job(status: str, reply: HttpReply) -> bool:
    """Whether the body of an HTTP error describes a job, and not only the error itself."""
    return plain(status) not in ENVELOPE_WORDS or _has_id(reply.body)


def _has_id(content: bytes) -> bool:
    """Whether a JSON object, or an object in it, has an id."""
    body = parse_json(content, MAX_REPLY_VALUES)
    objects = [body, *(body.values() if isinstance(body, dict) else ())]
    return any(_is_identified(found) for found in objects)


def _is_identified(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, dict) and any(
        member and plain(name) in ID_NAMES for name, member in value.items()
    )

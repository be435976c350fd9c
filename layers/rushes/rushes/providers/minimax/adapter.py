"""Adapter for the video API of MiniMax.

Models of `/v2/` are polled at `/v2/`. Those of `/v1/` are polled at `/v1/`, report errors with HTTP
status 200, and return a file id, whose URL is requested by a second call.
"""

import re
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import UpstreamJobNotFound, UpstreamProtocolError, UpstreamRefused
from rushes.jobs.job import Job
from rushes.jobs.result import FILTERED, JobError
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments, model_path, require_arguments
from rushes.providers.base import (
    CancelReply,
    Failed,
    FetchResult,
    PollResult,
    Profile,
    Submitted,
    Succeeded,
)
from rushes.providers.cancels import parse_cancel
from rushes.providers.error_codes import ErrorCodes, RaiseForStatus
from rushes.providers.polls import parse_poll, stopped
from rushes.providers.results import linked, linked_files
from rushes.providers.states import State

V2 = "/v2/"
RETRIEVE = "/v1/files/retrieve"
CODES = ErrorCodes(
    statuses={
        **dict.fromkeys((1000, 1001, 1024, 1033), 500),
        **dict.fromkeys((1002, 1039), 429),
        **dict.fromkeys((1004, 2049), 401),
    },
    content_filtered=frozenset({1026, 1027}),
)
"""Other codes are refusals; the vendor data has those of the account and the model."""
FILTERED_TEXT = re.compile(r"sensitive content|(?:^|\D)102[67](?:\D|$)", re.IGNORECASE)
"""Of a message in a reply of `/v2/`, which has no code for its content filter."""
NO_RECORD = re.compile(r"record not found", re.IGNORECASE)
"""Of the reply with HTTP 500 to the poll of an unknown task."""

UNKNOWN = "unknown"
"""Status of a task that the provider does not know."""


class _BaseResponse(replies.Reply):
    status_code: int = 0
    status_msg: str | None = None


class _Envelope(replies.Reply):
    base_resp: _BaseResponse | None = None


class _Created(replies.Reply):
    task_id: replies.JobId


class _Task(replies.Reply, extra="allow"):
    status: str
    error: replies.ErrorOrNone = None


class _TaskReply(replies.Reply):
    task: _Task


class _Query(replies.Reply, extra="allow"):
    status: str
    file_id: str | int | None = None
    base_resp: _BaseResponse | None = None


class _File(replies.Reply):
    download_url: Annotated[str, Field(min_length=1)]


class _FileReply(replies.Reply):
    file: _File


class MiniMax:
    profile = Profile(
        min_poll_seconds=5,
        operation_has_path=True,
        cancel_deletes_result=True,
        cancels_queued_only=True,
    )

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        entry = require_arguments(job, model)
        return HttpCall("POST", model_path(job, entry), json=model_arguments(job, entry))

    def parse_submit(self, reply: HttpReply) -> Submitted:
        _raise_for_error(reply, replies.raise_for_create_status)
        return Submitted({"id": replies.read(reply, _Created).task_id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        task_id = quote(operation["id"], safe="")
        if _is_v2(operation):
            return HttpCall("GET", f"/v2/query/video_generation/{task_id}")
        return HttpCall("GET", f"/v1/query/video_generation?task_id={task_id}")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult | FetchResult:
        if _is_v2(operation):
            return _parse_v2(self.poll_request(operation).path, reply)
        return _parse_v1(self.poll_request(operation).path, reply)

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - contract
        if error := replies.refused_result(reply):
            return Failed(error)
        _raise_for_error(reply, replies.raise_for_status)
        return Succeeded((linked(RETRIEVE, replies.read(reply, _FileReply).file.download_url),))

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall | None:
        """Return None for `/v1/`. In `/v2/`, a delete cancels a queued task only."""
        if not _is_v2(operation):
            return None
        return HttpCall("DELETE", f"/v2/video_generation/{quote(operation['id'], safe='')}")

    def parse_cancel(self, reply: HttpReply) -> CancelReply:
        return parse_cancel(reply)


def _is_v2(operation: dict[str, Any]) -> bool:
    return str(operation["path"]).startswith(V2)


def _parse_v2(path: str, reply: HttpReply) -> PollResult:
    def result_of(task: _Task, state: State) -> PollResult:
        if state is State.SUCCEEDED:
            return Succeeded(linked_files(path, task.model_extra or {}))
        return stopped(state, _failure(task))

    return parse_poll(
        reply,
        lambda reply: replies.read(reply, _TaskReply).task,
        lambda task: _known(task.status),
        result_of,
        raise_for_error=_raise_for_poll_error,
    )


def _raise_for_poll_error(reply: HttpReply) -> None:
    if reply.status >= 500 and NO_RECORD.search(_text(reply)):
        raise UpstreamJobNotFound("the provider does not know the job")
    _raise_for_error(reply, replies.raise_for_status)


def _known(status: str) -> str:
    if status.casefold() == UNKNOWN:
        raise UpstreamJobNotFound("the provider does not know the job")
    return status


def _failure(task: _Task) -> JobError:
    error = task.error if isinstance(task.error, replies.ErrorObject) else None
    code, message = (error.code, error.message) if error else (None, task.error)
    filtered = bool(FILTERED_TEXT.search(f"{code} {message}"))
    text = message if isinstance(message, str) else None
    return replies.failure(str(code or task.status), text, content_filtered=filtered)


def _parse_v1(path: str, reply: HttpReply) -> PollResult | FetchResult:
    """The status decides: a failed task has the reason in the place of a request's error."""

    def result_of(query: _Query, state: State) -> PollResult | FetchResult:
        if state is State.SUCCEEDED:
            files = () if query.file_id else linked_files(path, query.model_extra or {})
            return Succeeded(files) if files else FetchResult(_file_request(query.file_id))
        reason = query.base_resp or _BaseResponse()
        code = str(reason.status_code or query.status)
        filtered = reason.status_code in CODES.content_filtered
        message = reason.status_msg if reason.status_code else None
        return stopped(state, replies.failure(code, message, content_filtered=filtered))

    return parse_poll(
        reply,
        lambda reply: replies.read(reply, _Query),
        lambda query: _known(query.status),
        result_of,
        raise_for_error=_raise_for_v1_error,
    )


def _raise_for_v1_error(reply: HttpReply) -> None:
    replies.raise_for_status(reply)
    _raise_for_error(reply, replies.raise_for_status)


def _file_request(file_id: str | int | None) -> HttpCall:
    if not file_id:
        raise UpstreamProtocolError("the provider's reply has no file_id")
    return HttpCall("GET", f"{RETRIEVE}?file_id={quote(str(file_id), safe='')}")


def _raise_for_error(reply: HttpReply, raise_for_status: RaiseForStatus) -> None:
    """Raise the error of a reply by the code of `/v1/`, or else by its HTTP status."""
    try:
        envelope = replies.read(reply, _Envelope)
    except UpstreamProtocolError:
        envelope = _Envelope()
    if envelope.base_resp and envelope.base_resp.status_code:
        reason = envelope.base_resp
        CODES.raise_for_code(reason.status_code, reason.status_msg, reply, raise_for_status)
    message, code = replies.error_message_and_code(reply)
    if reply.status == 422 and FILTERED_TEXT.search(f"{code} {message}"):
        raise UpstreamRefused(message, code=FILTERED, upstream_code=code or None)
    raise_for_status(reply)


def _text(reply: HttpReply) -> str:
    return reply.body[:1000].decode("utf-8", "replace")

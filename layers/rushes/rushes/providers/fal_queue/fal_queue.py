"""Adapters for the queue APIs of fal and Pipelet: status and result are separate requests."""

import re
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from pydantic import RootModel
from typing_extensions import override

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.job import Job
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
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
from rushes.providers.fal_queue.arguments import fal_arguments, pipelet_arguments
from rushes.providers.fal_queue.status import (
    Status,
    failure_of,
    pending_of,
    position_of,
    was_cancelled,
)
from rushes.providers.polls import parse_poll, stopped
from rushes.providers.results import (
    files_in,
    files_of_any_name,
    is_http_url,
    is_reference,
    text_in,
    with_videos,
)
from rushes.providers.states import State

NOT_JOB_ERRORS = frozenset({401, 403, 404, 408, 429})
"""HTTP errors about the API key or the server's load: no result of the job."""
REQUEST = r"requests/[\w:-]+(?:/\w+)?$"


class _Accepted(replies.Reply):
    request_id: replies.JobId
    status_url: str | None = None
    response_url: str | None = None
    cancel_url: str | None = None
    queue_position: replies.NumberOrNone = None


class _Result(RootModel[dict[str, Any]]):
    """Fields depend on the model."""


class Fal:
    profile = Profile(key_scheme="Key", operation_has_path=True)
    headers: ClassVar[dict[str, str]] = {}
    request_path = re.compile(rf"/(?:(?:workflows|comfy)/)?[^/]+/[^/]+/{REQUEST}")
    """URL path relative to the base URL: the app, without a model's sub-path."""
    app_path = re.compile(r"/(?:(?:workflows|comfy)/)?[^/?]+/[^/?]+")

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        if model and model.arguments:
            arguments = model_arguments(job, model)
        else:
            arguments = self._arguments(job) | job.request.provider_options
        path = f"/{quote(job.upstream_model, safe='/')}"
        return HttpCall("POST", path, json=arguments, headers=self.headers)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        accepted = replies.parse_created(reply, _Accepted)
        return Submitted(
            {
                "id": accepted.request_id,
                **self._place("status", accepted.status_url),
                **self._place("result", accepted.response_url),
                **self._place("cancel", accepted.cancel_url),
            },
            queue_position=position_of(accepted.queue_position),
        )

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return self._call("GET", operation, "status")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult | FetchResult:
        def result_of(status: Status, state: State) -> PollResult | FetchResult:
            if state is State.SUCCEEDED and not status.error:
                return FetchResult(self._call("GET", operation, "result"))
            ended = State.CANCELLED if was_cancelled(status.error_type) else state
            return stopped(ended, failure_of(status))

        return parse_poll(
            reply,
            lambda reply: replies.read(reply, Status),
            lambda status: status.status,
            result_of,
            pending_of=lambda status, state: pending_of(status, state, reply),
        )

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        """Parse the result; an error response marked as the model's is a failed job."""
        is_model_error = "x-fal-error-type" in reply.headers and reply.status not in NOT_JOB_ERRORS
        if reply.status == 422 or is_model_error:
            message, code = replies.error_message_and_code(reply)
            return Failed(replies.failure(code or None, message), cancelled=was_cancelled(code))
        result = replies.parse_reply(reply, _Result).root
        path = self._call("GET", operation, "result").path
        files = files_in(path, result)
        document = None if files else text_in(result)
        if not files and (document is None or is_http_url(document["text"])):
            files = files_of_any_name(path, result)
            document = None if files else document
        return Succeeded(with_videos(path, result, files), document=document)

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return self._call("PUT", operation, "cancel")

    def parse_cancel(self, reply: HttpReply) -> CancelReply:
        """Fal accepts each request for a job that has not finished; a running one may continue."""
        return parse_cancel(reply)

    def _place(self, name: str, url: str | None) -> dict[str, str]:
        """Keep the path of a URL in a reply, as the host could be another one; any other URL whole.

        Without a usable URL the path follows from the id: the job runs and is billed.
        """
        try:
            path = self.request_path.search(urlsplit(url or "").path)
        except ValueError:
            path = None
        if path:
            return {name: path[0]}
        if url and (is_http_url(url) or is_reference(url)):
            return {f"{name}_url": url}
        return {}

    def _call(self, method: str, operation: dict[str, Any], name: str) -> HttpCall:
        """Return the request about a job to the path or URL that the create call's reply has."""
        if path := operation.get(name):
            return HttpCall(method, path)
        create_path = operation.get("path", "/")
        if url := operation.get(f"{name}_url"):
            return HttpCall(method, url, relative_to=create_path)
        app = self.app_path.match(create_path)
        request = f"{app[0] if app else ''}/requests/{quote(operation['id'], safe=':')}"
        return HttpCall(method, request if name == "result" else f"{request}/{name}")

    def _arguments(self, job: Job) -> dict[str, Any]:
        return fal_arguments(job)


class Pipelet(Fal):
    profile = Profile(operation_has_path=True)
    headers: ClassVar[dict[str, str]] = {"x-pipelet-output": "binary"}
    """Requests a URL in place of the whole video in base64; older models ignore it."""
    request_path = re.compile(rf"/[^/]+/{REQUEST}")
    app_path = re.compile(r"/[^/?]+")

    @override
    def parse_cancel(self, reply: HttpReply) -> CancelReply:
        """204: the job has left the queue. 409: it had begun, and cannot be cancelled."""
        return parse_cancel(reply, done=CancelReply.STOPPED)

    @override
    def _arguments(self, job: Job) -> dict[str, Any]:
        return pipelet_arguments(job)

"""Adapters for the queue APIs of fal and Pipelet: status and result are separate requests."""

import re
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from pydantic import RootModel
from typing_extensions import override

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import (
    Failed,
    FetchResult,
    Pending,
    PollResult,
    Profile,
    Submitted,
    Succeeded,
)
from rushes.providers.fal_queue.arguments import fal_arguments, pipelet_arguments
from rushes.providers.fal_queue.status import Status, failure_of, progress_of, wait_of
from rushes.providers.results import files_in, files_of_any_name, text_in

NOT_JOB_ERRORS = frozenset({401, 403, 404, 408, 429})
"""HTTP errors about the API key or the server's load: no result of the job."""
REQUEST = r"requests/[\w:-]+(?:/\w+)?$"


class _Accepted(replies.Reply):
    request_id: str
    status_url: str
    response_url: str
    cancel_url: str


class _Result(RootModel[dict[str, Any]]):
    """Fields depend on the model."""


class Fal:
    profile = Profile(key_scheme="Key")
    headers: ClassVar[dict[str, str]] = {}
    request_path = re.compile(rf"/(?:(?:workflows|comfy)/)?[^/]+/[^/]+/{REQUEST}")
    """URL path relative to the base URL: the app, without a model's sub-path."""

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
                "status": self._path(accepted.status_url),
                "result": self._path(accepted.response_url),
                "cancel": self._path(accepted.cancel_url),
            }
        )

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", operation["status"])

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult | FetchResult:
        state = replies.parse_reply(reply, Status)
        if state.status in ("IN_QUEUE", "IN_PROGRESS"):
            queued = state.status == "IN_QUEUE"
            return Pending(progress_of(state), replies.retry_after(reply) or wait_of(state), queued)
        if state.status == "COMPLETED" and not state.error:
            return FetchResult(HttpCall("GET", operation["result"]))
        if state.status in ("COMPLETED", "FAILED", "CANCELLED"):
            return Failed(failure_of(state))
        raise replies.unknown_status(state.status)

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        """Parse the result; an error response marked as the model's is a failed job."""
        is_model_error = "x-fal-error-type" in reply.headers and reply.status not in NOT_JOB_ERRORS
        if reply.status == 422 or is_model_error:
            message, code = replies.error_message_and_code(reply)
            return Failed(replies.failure(code or None, message))
        result = replies.parse_reply(reply, _Result).root
        path = operation["result"]
        files = files_in(path, result)
        document = None if files else text_in(result)
        if not files and not document:
            files = files_of_any_name(path, result)
        return Succeeded(files, document=document)

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("PUT", operation["cancel"])

    def _path(self, url: str) -> str:
        """Keep the path of a URL in a reply; the host could be another one."""
        try:
            path = self.request_path.search(urlsplit(url).path)
        except ValueError:
            path = None
        if not path:
            raise UpstreamProtocolError(f"the provider's reply has no request URL ({url[:80]!r})")
        return path[0]

    def _arguments(self, job: Job) -> dict[str, Any]:
        return fal_arguments(job)


class Pipelet(Fal):
    profile = Profile()
    headers: ClassVar[dict[str, str]] = {"x-pipelet-output": "binary"}
    """Requests a URL in place of the whole video in base64; older models ignore it."""
    request_path = re.compile(rf"/[^/]+/{REQUEST}")

    @override
    def _arguments(self, job: Job) -> dict[str, Any]:
        return pipelet_arguments(job)

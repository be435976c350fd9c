"""Queues that keep a request and its result apart: fal, and Pipelet, which has its shape."""

import re
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from pydantic import RootModel
from typing_extensions import override

from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.ports import HttpCall, HttpReply
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
from rushes.providers.replies import (
    Reply,
    check_answered,
    check_created,
    failure,
    own_words,
    read,
    retry_after,
    unknown_status,
)
from rushes.providers.results import files_in, text_in

NO_OUTCOMES = frozenset({401, 403, 404, 408, 429})
"""About our key, or about the moment: whatever else they carry, they are not about the job."""
REQUEST = r"requests/[\w:-]+(?:/\w+)?$"


class _Accepted(Reply):
    request_id: str
    status_url: str
    response_url: str
    cancel_url: str


class _Result(RootModel[dict[str, Any]]):
    """As it comes: each model has its own."""


class Fal:
    profile = Profile(key_scheme="Key")
    headers: ClassVar[dict[str, str]] = {}
    tail = re.compile(rf"/(?:(?:workflows|comfy)/)?[^/]+/[^/]+/{REQUEST}")
    """What of an address follows the base URL: the app, without a model's sub-path."""

    def submit(self, job: Job) -> HttpCall:
        arguments = self._arguments(job) | job.request.provider_options
        path = f"/{quote(job.upstream_model, safe='/')}"
        return HttpCall("POST", path, json=arguments, headers=self.headers)

    def submitted(self, reply: HttpReply) -> Submitted:
        check_created(reply)
        accepted = read(reply, _Accepted)
        return Submitted(
            {
                "id": accepted.request_id,
                "status": self._path(accepted.status_url),
                "result": self._path(accepted.response_url),
                "cancel": self._path(accepted.cancel_url),
            }
        )

    def poll(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", operation["status"])

    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult | FetchResult:
        check_answered(reply)
        state = read(reply, Status)
        if state.status in ("IN_QUEUE", "IN_PROGRESS"):
            queued = state.status == "IN_QUEUE"
            return Pending(progress_of(state), retry_after(reply) or wait_of(state), queued)
        if state.status == "COMPLETED" and not state.error:
            return FetchResult(HttpCall("GET", operation["result"]))
        if state.status in ("COMPLETED", "FAILED", "CANCELLED"):
            return Failed(failure_of(state))
        raise unknown_status(state.status)

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        """A refusal in place of the result is the model's last word on the request."""
        told = "x-fal-error-type" in reply.headers and reply.status not in NO_OUTCOMES
        if reply.status == 422 or told:
            message, code = own_words(reply)
            return Failed(failure(code or None, message))
        check_answered(reply)
        result = read(reply, _Result).root
        files = files_in(operation["result"], result)
        return Succeeded(files, document=None if files else text_in(result))

    def cancel(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("PUT", operation["cancel"])

    def _path(self, address: str) -> str:
        """Replies name addresses; only what follows the base URL is taken from them."""
        try:
            found = self.tail.search(urlsplit(address).path)
        except ValueError:
            found = None
        if not found:
            raise UpstreamProtocolError(f"the provider names {address[:80]!r}, which is no request")
        return found[0]

    def _arguments(self, job: Job) -> dict[str, Any]:
        return fal_arguments(job)


class Pipelet(Fal):
    profile = Profile()
    headers: ClassVar[dict[str, str]] = {"x-pipelet-output": "binary"}
    """Asks for an address in place of the whole film in base64; older models do not listen."""
    tail = re.compile(rf"/[^/]+/{REQUEST}")

    @override
    def _arguments(self, job: Job) -> dict[str, Any]:
        return pipelet_arguments(job)

"""Tiyaro's asynchronous inference, or another service that speaks it, such as Rushes.

The file goes to an address that the provider gives, the job names it, and the answer is JSON.
What is told may stand at the top of a body or under `response`: texts and sample differ.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import AliasChoices, AliasPath, Field

from rushes.errors import InvalidInputFile, UpstreamProtocolError
from rushes.jobs.content_type import EXTENSIONS
from rushes.jobs.job import Job
from rushes.jobs.request import StoredFile
from rushes.jobs.result import Output
from rushes.ports import HttpCall, HttpReply
from rushes.providers.base import Failed, Pending, PollResult, Profile, Submitted, Succeeded
from rushes.providers.replies import (
    Reply,
    check_answered,
    check_created,
    failure,
    read,
    retry_after,
    unknown_status,
)

QUEUED = frozenset({"accepted", "pending"})
FAILED = frozenset({"failed", "cancelled"})
PATH = re.compile(r"(?<!/)/v1/[^#\s]*")
"""All its paths begin so; what stands before belongs to the base URL."""
FIELDS = {"prompt", "seconds", "size", "seed", "negative_prompt", "generate_audio"}


def _told(*names: str) -> Any:  # noqa: ANN401 - pydantic's own kind of thing
    """Where a fact stands: under `response`, or at the top."""
    nested, plain = AliasPath("response", *names), AliasPath(names[0], *names[1:])
    return Field(validation_alias=AliasChoices(nested, plain))


class _Address(Reply):
    """The published name is misspelt; the sample's is not."""

    put: Annotated[str | None, _told("uploadUrl", "PUT")] = None
    misspelt: Annotated[str | None, _told("uplaodUrl", "PUT")] = None


class _Accepted(Reply):
    id: Annotated[str, _told("id"), Field(max_length=1000)]
    address: Annotated[str, _told("urls", "GET"), Field(max_length=8000)]


class _Job(Reply):
    status: Annotated[str, _told("status")]
    result: Annotated[Any, _told("result")] = None
    error: Annotated[Any, _told("error")] = None
    code: Annotated[str | int | None, _told("error", "code")] = None
    message: Annotated[str | None, _told("error", "message")] = None


class Tiyaro:
    profile = Profile()

    def upload_url_request(self, job: Job) -> HttpCall | None:
        file = _file(job)
        if file is None:
            return None
        extension = EXTENSIONS[file.content_type]
        return HttpCall("POST", f"/v1/input/upload-url?extension={extension}", json={})

    def parse_upload_url(self, reply: HttpReply) -> str:
        check_created(reply)
        told = read(reply, _Address)
        if address := told.put or told.misspelt:
            return address
        raise UpstreamProtocolError("the provider gave no address to upload to")

    def submit_request_with_upload(self, job: Job, address: str) -> HttpCall:
        call = self.submit(job)
        return HttpCall(call.method, call.path, json={**call.json, "URL": address})

    def submit(self, job: Job) -> HttpCall:
        given = job.request.model_dump(include=FIELDS, exclude_defaults=True)
        options = dict(job.request.provider_options)
        tier = options.pop("serviceTier", None)
        query = f"?{urlencode({'serviceTier': tier})}" if tier else ""
        path = f"/v1/async/{quote(job.upstream_model)}{query}"
        return HttpCall("POST", path, json={"input": {**given, **options}})

    def submitted(self, reply: HttpReply) -> Submitted:
        check_created(reply)
        accepted = read(reply, _Accepted)
        return Submitted({"id": accepted.id, "path": _path(accepted.address)})

    def poll(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", operation["path"])

    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - the reply tells all
        check_answered(reply)
        job = read(reply, _Job)
        if job.status in QUEUED or job.status == "processing":
            return Pending(wait_seconds=retry_after(reply), queued=job.status in QUEUED)
        if job.status == "success":
            return _success(job.result)
        if job.status in FAILED:
            words = job.error if isinstance(job.error, str) else job.message
            return Failed(failure(str(job.code or job.status), words))
        raise unknown_status(job.status)


def _file(job: Job) -> StoredFile | None:
    files = [it.file for it in job.request.inputs if it.file]
    if len(files) > 1:
        raise InvalidInputFile("the provider takes one file")
    return files[0] if files else None


def _path(address: str) -> str:
    """Of the address to poll, what is asked of the base URL: our key goes nowhere else."""
    found = PATH.search(address)
    if found is None:
        raise UpstreamProtocolError("the provider gave no address to poll")
    return found[0]


def _success(result: Any) -> Succeeded:  # noqa: ANN401 - any JSON value
    """Files where the result points to some; else the result itself."""
    outputs = tuple(Output(url=url) for url in dict.fromkeys(_addresses(result)))
    if outputs:
        return Succeeded(outputs)
    if result is None or isinstance(result, dict):
        return Succeeded(document=result)
    return Succeeded(document={"result": result})


def _addresses(value: Any, name: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """The addresses of files: text under a name that says so. Text elsewhere is text."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _addresses(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from _addresses(member, name)
    elif isinstance(value, str) and value.startswith(("https://", "http://")):
        lowered = name.lower()
        if lowered in ("output", "outputs") or lowered.endswith("url"):
            yield value

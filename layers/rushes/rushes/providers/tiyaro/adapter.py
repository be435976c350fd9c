"""Adapter for Tiyaro's asynchronous inference API, also served by Rushes.

The file is uploaded to a URL that the provider issues; the create call refers to that URL.
Fields are under `response` or at the top of a body: Tiyaro's texts and sample differ.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import AliasChoices, AliasPath, Field

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import InvalidInputFile, UpstreamProtocolError
from rushes.jobs.content_type import EXTENSIONS
from rushes.jobs.job import Job
from rushes.jobs.request import StoredFile
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import Failed, Pending, PollResult, Profile, Submitted, Succeeded
from rushes.providers.results import first_files, is_http_url

QUEUED = frozenset({"accepted", "pending"})
FAILED = frozenset({"failed", "cancelled"})
PATH = re.compile(r"(?<!/)/v1/[^#\s]*")
"""Start of every path of the API; the text before it belongs to the base URL."""
FIELDS = {"prompt", "seconds", "size", "seed", "negative_prompt", "generate_audio"}


def _field(*names: str) -> Any:  # noqa: ANN401 - the type of pydantic's own `Field`
    """Read a field under `response`, or else at the top."""
    nested, plain = AliasPath("response", *names), AliasPath(names[0], *names[1:])
    return Field(validation_alias=AliasChoices(nested, plain))


class _UploadUrl(replies.Reply):
    """The published name is misspelt, that of the sample is not."""

    put: Annotated[str | None, _field("uploadUrl", "PUT")] = None
    misspelt: Annotated[str | None, _field("uplaodUrl", "PUT")] = None


class _Accepted(replies.Reply):
    id: Annotated[str, _field("id"), Field(max_length=1000)]
    url: Annotated[str, _field("urls", "GET"), Field(max_length=8000)]


class _Job(replies.Reply):
    status: Annotated[str, _field("status")]
    result: Annotated[Any, _field("result")] = None
    error: Annotated[Any, _field("error")] = None
    code: Annotated[str | int | None, _field("error", "code")] = None
    message: Annotated[str | None, _field("error", "message")] = None


class Tiyaro:
    profile = Profile()

    def upload_url_request(self, job: Job) -> HttpCall | None:
        file = _file(job)
        if file is None:
            return None
        extension = EXTENSIONS[file.content_type]
        return HttpCall("POST", f"/v1/input/upload-url?extension={extension}", json={})

    def parse_upload_url(self, reply: HttpReply) -> str:
        upload = replies.parse_created(reply, _UploadUrl)
        if url := upload.put or upload.misspelt:
            return url
        raise UpstreamProtocolError("the provider's reply has no upload URL")

    def submit_request_with_upload(
        self, job: Job, url: str, model: ModelEntry | None = None
    ) -> HttpCall:
        call = self.submit_request(job, model)
        return HttpCall(call.method, call.path, json={**call.json, "URL": url})

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        fields = model_arguments(job, model) if model and model.arguments else _arguments(job)
        tier = fields.pop("serviceTier", None)
        query = f"?{urlencode({'serviceTier': tier})}" if tier else ""
        path = f"/v1/async/{quote(job.upstream_model)}{query}"
        return HttpCall("POST", path, json={"input": fields})

    def parse_submit(self, reply: HttpReply) -> Submitted:
        accepted = replies.parse_created(reply, _Accepted)
        return Submitted({"id": accepted.id, "path": _poll_path(accepted.url)})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", operation["path"])

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - contract
        job = replies.parse_reply(reply, _Job)
        if job.status in QUEUED or job.status == "processing":
            return Pending(wait_seconds=replies.retry_after(reply), queued=job.status in QUEUED)
        if job.status == "success":
            return _success(job.result)
        if job.status in FAILED:
            message = job.error if isinstance(job.error, str) else job.message
            return Failed(replies.failure(str(job.code or job.status), message))
        raise replies.unknown_status(job.status)


def _arguments(job: Job) -> dict[str, Any]:
    fields = job.request.model_dump(include=FIELDS, exclude_defaults=True)
    return {**fields, **job.request.provider_options}


def _file(job: Job) -> StoredFile | None:
    files = [given.file for given in job.request.inputs if given.file]
    if len(files) > 1:
        raise InvalidInputFile("the provider accepts one file")
    return files[0] if files else None


def _poll_path(url: str) -> str:
    """Keep the path of the poll URL: the API key is sent to the base URL only."""
    path = PATH.search(url)
    if path is None:
        raise UpstreamProtocolError("the provider's reply has no poll URL")
    return path[0]


def _success(result: Any) -> Succeeded:  # noqa: ANN401 - any JSON value
    """Return the files that the result links to, or else the result as a document."""
    outputs = first_files(Output(url=url) for url in dict.fromkeys(_file_urls(result)))
    if outputs:
        return Succeeded(outputs)
    if result is None or isinstance(result, dict):
        return Succeeded(document=result)
    return Succeeded(document={"result": result})


def _file_urls(value: Any, name: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield the URLs in fields named `output(s)` or `*url`; a URL in another field is text."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _file_urls(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from _file_urls(member, name)
    elif isinstance(value, str) and is_http_url(value):
        lowered = name.lower()
        if lowered in ("output", "outputs") or lowered.endswith("url"):
            yield value

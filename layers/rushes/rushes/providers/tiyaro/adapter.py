"""Adapter for Tiyaro's asynchronous inference API, also served by Rushes.

The file is uploaded to a URL that the provider issues; the create call refers to that URL.
Fields are under `response` or at the top of a body: Tiyaro's texts and sample differ.
"""

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from pydantic import AliasChoices, AliasPath, Field

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import InvalidInputFile, UpstreamProtocolError
from rushes.jobs.content_type import EXTENSIONS
from rushes.jobs.job import Job
from rushes.jobs.request import StoredFile
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded
from rushes.providers.polls import parse_poll, stopped
from rushes.providers.results import first_files, is_http_url, is_reference, linked
from rushes.providers.states import State

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
    url: Annotated[str | None, _field("urls", "GET"), Field(max_length=8000)] = None
    lower_url: Annotated[str | None, _field("urls", "get"), Field(max_length=8000)] = None


class _Job(replies.Reply):
    status: Annotated[str, _field("status")]
    result: Annotated[Any, _field("result")] = None
    error: Annotated[Any, _field("error")] = None
    code: Annotated[str | int | None, _field("error", "code")] = None
    message: Annotated[str | None, _field("error", "message")] = None


class Tiyaro:
    profile = Profile(operation_has_path=True)

    def upload_url_request(self, job: Job) -> HttpCall | None:
        file = _file(job)
        if file is None:
            return None
        extension = EXTENSIONS.get(file.content_type)
        query = f"?extension={extension}" if extension else ""
        return HttpCall("POST", f"/v1/input/upload-url{query}", json={})

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
        return Submitted({"id": accepted.id, "url": _poll_url(accepted)})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        """Poll the URL as given: it is presigned, on any host, and specific to the request."""
        if url := operation.get("url"):
            return HttpCall("GET", url, relative_to=operation.get("path", "/v1/async/"))
        return HttpCall("GET", operation["path"])  # of a job of an older release

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        path = self.poll_request(operation).path

        def result_of(job: _Job, state: State) -> PollResult:
            if state is State.SUCCEEDED:
                return _success(path, job.result)
            message = job.error if isinstance(job.error, str) else job.message
            return stopped(state, replies.failure(str(job.code or job.status), message))

        return parse_poll(
            reply, lambda reply: replies.read(reply, _Job), lambda job: job.status, result_of
        )


def _arguments(job: Job) -> dict[str, Any]:
    fields = job.request.model_dump(include=FIELDS, exclude_defaults=True)
    return {**fields, **job.request.provider_options, **job.request.vendor_arguments}


def _file(job: Job) -> StoredFile | None:
    files = [given.file for given in job.request.inputs if given.file]
    if len(files) > 1:
        raise InvalidInputFile("the provider accepts one file")
    return files[0] if files else None


def _poll_url(accepted: _Accepted) -> str:
    url = (accepted.url or accepted.lower_url or "").strip()
    if not is_http_url(url) and not is_reference(url):
        raise UpstreamProtocolError("the provider's reply has no poll URL")
    return url


def _success(path: str, result: Any) -> Succeeded:  # noqa: ANN401 - any JSON value
    """Return the files that the result links to, or else the result as a document."""
    outputs = first_files(linked(path, url) for url in dict.fromkeys(_file_urls(result)))
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
    elif isinstance(value, str):
        lowered = name.lower()
        is_url = is_http_url(value) or (lowered.endswith("url") and is_reference(value))
        if is_url and (lowered in ("output", "outputs") or lowered.endswith("url")):
            yield value

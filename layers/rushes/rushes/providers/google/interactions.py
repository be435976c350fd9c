"""Adapter for the Interactions API of the Gemini API: video, image and audio models.

A result is inline in the interaction, or an item of the Files API. The item can be downloaded once
its state is ACTIVE.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, StoredFile
from rushes.jobs.result import JobError, Output
from rushes.ports.http import HttpCall, HttpReply, JsonFile
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
from rushes.providers.google.veo import without_gaps
from rushes.providers.polls import parse_poll, stopped, waiting
from rushes.providers.results import is_http_url
from rushes.providers.roles import check_roles
from rushes.providers.states import State, Words

MEDIA_TYPES = frozenset({"video", "image", "audio"})
NEEDS_CLIENT: Words = {
    "requiresaction": State.FAILED,
    "requirescontinuation": State.FAILED,
}
"""The interaction waits for a request that Rushes does not make."""
FILE_STATES: Words = {"active": State.SUCCEEDED, "stateunspecified": State.RUNNING}
"""Of the Files API."""
REFUSED = "completed_without_media"
"""Code of an interaction that is completed with text only, which is how a refusal is reported."""
_FILE_OF_URI = re.compile(r"/(files/[A-Za-z0-9_-]+)(?:$|[:?/#])")


class _Content(replies.Reply):
    type: str = ""
    text: str | None = None
    data: str | None = None
    uri: str | None = None
    mime_type: str | None = None


class _Step(replies.Reply):
    type: str = ""
    content: replies.Members[_Content] | None = None
    error: replies.ErrorOrNone = None


class _Created(replies.Reply):
    id: str


class _Interaction(replies.Reply):
    status: str
    steps: replies.Members[_Step] | None = None
    outputs: replies.Members[_Content] | None = None
    """In place of steps, of the API's first revision."""
    errors: replies.Members[replies.ErrorOrNone] | None = None


class _File(replies.Reply):
    """Item of the Files API."""

    name: str
    state: str
    mimeType: str | None = None  # noqa: N815 - Google's name
    error: replies.ErrorOrNone = None


class Interactions:
    profile = Profile(key_header="x-goog-api-key", key_scheme="", min_poll_seconds=5.0)

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        """Run in the background: otherwise the reply comes when the generation is done."""
        body = model_arguments(job, model) if model and model.arguments else _arguments(job)
        return HttpCall("POST", "/interactions", json={**body, "background": True})

    def parse_submit(self, reply: HttpReply) -> Submitted:
        return Submitted({"id": replies.parse_created(reply, _Created).id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", _path(operation))

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("POST", f"{_path(operation)}/cancel")

    def parse_cancel(self, reply: HttpReply) -> CancelReply:
        return parse_cancel(reply)

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult | FetchResult:
        def result_of(interaction: _Interaction, state: State) -> PollResult | FetchResult:
            if state is State.SUCCEEDED:
                return _completed(operation, interaction)
            return stopped(state, replies.failure_of(interaction.status, _error_of(interaction)))

        return parse_poll(
            reply,
            lambda reply: replies.read(reply, _Interaction),
            lambda interaction: interaction.status,
            result_of,
            own=NEEDS_CLIENT,
        )

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - contract
        """Read the item of the Files API that has the result."""
        if error := replies.refused_result(reply):
            return Failed(error)

        def result_of(file: _File, state: State) -> PollResult:
            if state is State.SUCCEEDED:
                url = f"/{quote(file.name)}:download?alt=media"
                output = Output(url=url, needs_key=True, content_type=file.mimeType)
                return Succeeded((output,))
            return stopped(state, replies.failure_of(file.state, file.error))

        return parse_poll(
            reply,
            lambda reply: replies.read(reply, _File),
            lambda file: file.state,
            result_of,
            pending_of=lambda *_: waiting(State.RUNNING, reply),
            own=FILE_STATES,
        )


def _completed(operation: dict[str, Any], state: _Interaction) -> PollResult | FetchResult:
    media = list(_media(state))
    if not media:
        return Failed(_refusal(state))
    for _, content in media:
        if content.uri and not content.data:
            return _of_uri(content.uri, content.mime_type)
    return Succeeded(tuple(_inline(operation, pointer, content) for pointer, content in media))


def _media(state: _Interaction) -> Iterator[tuple[str, _Content]]:
    """Yield the generated files, each with its JSON pointer."""
    for pointer, content in _contents(state):
        if content.type in MEDIA_TYPES and (content.data or content.uri):
            yield pointer, content


def _contents(state: _Interaction) -> Iterator[tuple[str, _Content]]:
    """Yield the parts of the model's output, each with its JSON pointer."""
    for number, step in enumerate(state.steps or ()):
        for place, content in enumerate(_output_of(step)):
            yield f"/steps/{number}/content/{place}", content
    if not state.steps:
        for place, content in enumerate(state.outputs or ()):
            yield f"/outputs/{place}", content


def _output_of(step: _Step) -> tuple[_Content, ...]:
    return (step.content or ()) if step.type == "model_output" else ()


def _inline(operation: dict[str, Any], pointer: str, content: _Content) -> Output:
    return Output(
        url=_path(operation),
        needs_key=True,
        content_type=content.mime_type,
        pointer=f"{pointer}/data",
    )


def _of_uri(uri: str, content_type: str | None) -> PollResult | FetchResult:
    if found := _FILE_OF_URI.search(uri):
        return FetchResult(HttpCall("GET", f"/{found[1]}"))
    if is_http_url(uri):
        return Succeeded((Output(url=uri, needs_key=True, content_type=content_type),))
    problem = f"the result is at {uri[:200]}, which Rushes cannot download"
    return Failed(JobError(code="bad_output", message=problem))


def _refusal(state: _Interaction) -> JobError:
    """Return the error of a completed interaction without a file, by the model's own text."""
    error = _error_of(state)
    if error:
        return replies.failure_of(REFUSED, error)
    texts = [content.text for _, content in _contents(state)]
    text = " ".join(text for text in texts if text)
    message = text or f"the provider returned no file; {replies.NO_REASON}"
    return replies.failure(REFUSED, message, content_filtered=True)


def _error_of(state: _Interaction) -> replies.ErrorObject | str | None:
    errors = [*(state.errors or ()), *(step.error for step in state.steps or ())]
    return next((error for error in errors if error), None)


def _arguments(job: Job) -> dict[str, Any]:
    """Return the arguments for a model without arguments in the catalog."""
    request = job.request
    check_roles(request, "Interactions", Role.IMAGE, Role.REFERENCE)
    return without_gaps(
        model=job.upstream_model,
        input=[*_images(request), {"type": "text", "text": request.prompt}],
        generation_config=None if request.seed is None else {"seed": request.seed},
        **request.provider_options,
    )


def _images(request: GenerationRequest) -> list[dict[str, Any]]:
    files = (*request.files(Role.IMAGE), *request.files(Role.REFERENCE))
    return [_image(file) for file in files]


def _image(file: StoredFile) -> dict[str, Any]:
    return {"type": "image", "data": JsonFile(file, "base64"), "mime_type": file.content_type}


def _path(operation: dict[str, Any]) -> str:
    return f"/interactions/{quote(operation['id'], safe='')}"

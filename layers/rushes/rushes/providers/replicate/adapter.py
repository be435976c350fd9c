"""Adapter for Replicate's predictions API; input fields depend on the model."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.sizes import resolution_and_aspect_ratio, width_and_height
from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import FILTERED, JobError, Output
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import CancelReply, PollResult, Profile, Submitted, Succeeded
from rushes.providers.cancels import parse_cancel
from rushes.providers.json_files import as_json_file
from rushes.providers.polls import parse_poll, stopped
from rushes.providers.results import (
    files_at,
    files_in,
    first_files,
    is_http_url,
    linked_files,
    text_in,
    with_videos,
)
from rushes.providers.roles import check_roles
from rushes.providers.states import State, Words

FIELDS = {
    Role.IMAGE: "image",
    Role.LAST_FRAME: "last_frame",
    Role.SOURCE_VIDEO: "video",
    Role.AUDIO: "audio",
}
OWN_WORDS: Words = {"aborted": State.CANCELLED}
"""A prediction that was cancelled before it began."""
FILTER = "(E005)"
"""Error code at the end of a content filter's message; the reply has no code field."""


class _Prediction(replies.Reply):
    id: str
    status: str
    output: Any = None
    error: str | None = None


class Replicate:
    profile = Profile()

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        """Accept a model as `owner/name`, `owner/name:version` or a bare version."""
        name, _, version = job.upstream_model.rpartition(":")
        templated = model is not None and model.arguments
        body = {"input": model_arguments(job, model) if model and templated else _input(job)}
        if not name and "/" in version:
            path = f"/models/{quote(version, safe='/')}/predictions"
            return HttpCall("POST", path, json=body)
        return HttpCall("POST", "/predictions", json={"version": version, **body})

    def parse_submit(self, reply: HttpReply) -> Submitted:
        return Submitted({"id": replies.parse_created(reply, _Prediction).id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", _path(operation))

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        def result_of(prediction: _Prediction, state: State) -> PollResult:
            if state is State.SUCCEEDED:
                return _success(_path(operation), prediction.output)
            return stopped(state, _failure(prediction))

        return parse_poll(
            reply, _read, lambda prediction: prediction.status, result_of, own=OWN_WORDS
        )

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("POST", f"{_path(operation)}/cancel")

    def parse_cancel(self, reply: HttpReply) -> CancelReply:
        return parse_cancel(reply)


def _read(reply: HttpReply) -> _Prediction:
    return replies.read(reply, _Prediction)


def _success(path: str, output: Any) -> Succeeded:  # noqa: ANN401 - each model has its own
    """Parse text (whole or in pieces), files (URLs or data URLs) or an object."""
    if isinstance(output, dict):
        document = text_in(output)
        if document and _is_file(document["text"]):
            document = None
        files = () if document else files_in(path, output) or _files_of_any_name(path, output)
        if files or document:
            files = with_videos(path, output, files) if files else files
            return Succeeded(_below_output(files), document=document)
        return Succeeded(linked_files(path, {"output": output}))
    pieces = output if isinstance(output, list) else [output]
    texts = [piece for piece in pieces if isinstance(piece, str)]
    if texts and not any(map(_is_file, texts)):
        return Succeeded(document={"text": "".join(texts)})
    files = first_files(files_at(path, "/output", output))
    return Succeeded(files or linked_files(path, {"output": output}))


def _files_of_any_name(path: str, output: dict[str, Any]) -> tuple[Output, ...]:
    """Return the files of an object whose fields have names of the model's own."""
    return first_files(
        file
        for name, value in output.items()
        if _has_files_alone(value)
        for file in files_at(path, f"/{name.replace('~', '~0').replace('/', '~1')}", value)
    )


def _has_files_alone(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    members = value if isinstance(value, list) else [value]
    return all(isinstance(member, str) and _is_file(member) for member in members)


def _is_file(text: str) -> bool:
    return is_http_url(text) or text.startswith("data:")


def _below_output(files: tuple[Output, ...]) -> tuple[Output, ...]:
    return tuple(
        file.model_copy(update={"pointer": f"/output{file.pointer}"}) if file.pointer else file
        for file in files
    )


def _input(job: Job) -> dict[str, Any]:
    request = job.request
    check_roles(request, "Replicate", *FIELDS, Role.REFERENCE)
    fields: dict[str, Any] = {
        "prompt": request.prompt,
        "duration": request.seconds,
        **_size_fields(job),
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "generate_audio": request.generate_audio,
        "reference_images": [as_json_file(file) for file in request.files(Role.REFERENCE)],
    }
    for role, name in FIELDS.items():
        fields[name] = next(map(as_json_file, request.files(role)), None)
    present = {name: value for name, value in fields.items() if value not in (None, "", [])}
    return present | request.provider_options


def _size_fields(job: Job) -> dict[str, Any]:
    size = job.request.size
    if job.modality == "image":
        return width_and_height(size)
    return {**resolution_and_aspect_ratio(size)}


def _failure(prediction: _Prediction) -> JobError:
    error = replies.failure(prediction.status, prediction.error)
    if FILTER in (prediction.error or ""):
        return error.model_copy(update={"code": FILTERED, "upstream_code": "E005"})
    return error


def _path(operation: dict[str, Any]) -> str:
    return f"/predictions/{quote(operation['id'], safe='')}"

"""Replicate: predictions of models that anybody may publish, each with its own input."""

from typing import Any
from urllib.parse import quote

from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import JobError, Output
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
from rushes.providers.results import files_at, files_in, is_http_url, text_in
from rushes.providers.roles import check_roles
from rushes.providers.sizes import enclosed, film_shape, width_and_height

WAITING = frozenset({"starting", "processing"})
FIELDS = {
    Role.IMAGE: "image",
    Role.LAST_FRAME: "last_frame",
    Role.SOURCE_VIDEO: "video",
    Role.AUDIO: "audio",
}
FILTER = "(E005)"
"""Ends what a model says that found the input or the output improper; there is no other code."""
FAILED = frozenset({"failed", "canceled", "aborted"})


class _Prediction(Reply):
    id: str
    status: str
    output: Any = None
    error: str | None = None


class Replicate:
    profile = Profile()

    def submit(self, job: Job) -> HttpCall:
        """A model is named `owner/name`, or by a version: `owner/name:version`, or that alone."""
        name, _, version = job.upstream_model.rpartition(":")
        body = {"input": _input(job)}
        if not name and "/" in version:
            path = f"/models/{quote(version, safe='/')}/predictions"
            return HttpCall("POST", path, json=body)
        return HttpCall("POST", "/predictions", json={"version": version, **body})

    def submitted(self, reply: HttpReply) -> Submitted:
        check_created(reply)
        return Submitted({"id": read(reply, _Prediction).id})

    def poll(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", _path(operation))

    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        check_answered(reply)
        prediction = read(reply, _Prediction)
        if prediction.status in WAITING:
            queued = prediction.status == "starting"
            return Pending(wait_seconds=retry_after(reply), queued=queued)
        if prediction.status == "succeeded":
            return _success(_path(operation), prediction.output)
        if prediction.status in FAILED:
            return Failed(_failure(prediction))
        raise unknown_status(prediction.status)

    def cancel(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("POST", f"{_path(operation)}/cancel")


def _success(place: str, output: Any) -> Succeeded:  # noqa: ANN401 - each model has its own
    """Text comes whole or in pieces, files by address or as data URLs; else it is an object."""
    if isinstance(output, dict):
        document = text_in(output)
        files = () if document else files_in(place, output)
        return Succeeded(_below_output(files), document=document)
    pieces = output if isinstance(output, list) else [output]
    texts = [piece for piece in pieces if isinstance(piece, str)]
    if texts and not any(map(_is_file, texts)):
        return Succeeded(document={"text": "".join(texts)})
    return Succeeded(tuple(files_at(place, "/output", output)))


def _is_file(text: str) -> bool:
    return is_http_url(text) or text.startswith("data:")


def _below_output(files: tuple[Output, ...]) -> tuple[Output, ...]:
    return tuple(
        it.model_copy(update={"pointer": f"/output{it.pointer}"}) if it.pointer else it
        for it in files
    )


def _input(job: Job) -> dict[str, Any]:
    request = job.request
    check_roles(request, "Replicate", *FIELDS, Role.REFERENCE)
    given: dict[str, Any] = {
        "prompt": request.prompt,
        "duration": request.seconds,
        **_shape(job),
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "generate_audio": request.generate_audio,
        "reference_images": [enclosed(file) for file in request.files(Role.REFERENCE)],
    }
    for role, name in FIELDS.items():
        given[name] = next(map(enclosed, request.files(role)), None)
    named = {name: value for name, value in given.items() if value not in (None, "", [])}
    return named | request.provider_options


def _shape(job: Job) -> dict[str, Any]:
    size = job.request.size
    if job.modality == "image" and size:
        width, height = width_and_height(size)
        return {"width": width, "height": height}
    return {**film_shape(size)}


def _failure(prediction: _Prediction) -> JobError:
    error = failure(prediction.status, prediction.error)
    if FILTER in (prediction.error or ""):
        return error.model_copy(update={"code": "content_filtered", "upstream_code": "E005"})
    return error


def _path(operation: dict[str, Any]) -> str:
    return f"/predictions/{quote(operation['id'], safe='')}"

"""Requests and long-running operations of Veo, common to the Gemini API and Vertex AI."""

from collections.abc import Callable
from typing import Any, TypeVar

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.sizes import aspect_ratio, resolution
from rushes.errors import UnknownUpstreamStatus, UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.request import Role, StoredFile
from rushes.jobs.result import Output
from rushes.ports.http import HttpReply, JsonFile
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import Failed, PollResult, Succeeded
from rushes.providers.polls import parse_poll
from rushes.providers.roles import check_roles

FOUR_K = "2160p"


class Named(replies.Reply):
    """Reply to a create call."""

    name: str


class Operation(replies.Reply):
    """Reply to a poll."""

    name: str | None = None
    done: bool = False
    error: replies.ErrorObject | None = None

    @property
    def status(self) -> str:
        if not self.done and not self.name:
            raise UpstreamProtocolError("the provider's reply has no operation")
        if not self.done:
            return "running"
        return "failed" if self.error else "done"


OperationBody = TypeVar("OperationBody", bound=Operation)


class Filtered(replies.Reply):
    """Number of videos that a filter withheld, and the reasons."""

    raiMediaFilteredCount: replies.NumberOrNone = None  # noqa: N815 - Google's name
    raiMediaFilteredReasons: replies.Members[str] = ()  # noqa: N815


def veo_body(job: Job, model: ModelEntry | None, **defaults: int) -> dict[str, Any]:
    """Return the body of the create call, with default parameters.

    The arguments of a catalog's model are a table `instance` and a table `parameters`.
    """
    if model and model.arguments:
        arguments = model_arguments(job, model)
        prompt_and_files = arguments.get("instance", {})
        options = arguments.get("parameters", {})
    else:
        prompt_and_files, options = _instance(job), _parameters(job)
    return {"instances": [prompt_and_files], "parameters": {**defaults, **options}}


def _instance(job: Job) -> dict[str, Any]:
    """Return the prompt and the images."""
    request = job.request
    check_roles(request, "Veo", Role.IMAGE, Role.LAST_FRAME, Role.REFERENCE)
    first, last = request.file(Role.IMAGE), request.file(Role.LAST_FRAME)
    references = [
        {"image": _image(file), "referenceType": "asset"} for file in request.files(Role.REFERENCE)
    ]
    return without_gaps(
        prompt=request.prompt or None,
        image=_image(first) if first else None,
        lastFrame=_image(last) if last else None,
        referenceImages=references or None,
    )


def _parameters(job: Job) -> dict[str, Any]:
    """Return the options, among them those without a neutral name."""
    request = job.request
    return without_gaps(
        aspectRatio=aspect_ratio(request.size) if request.size else None,
        resolution=_resolution(request.size) if request.size else None,
        durationSeconds=request.seconds,
        seed=request.seed,
        negativePrompt=request.negative_prompt,
        generateAudio=request.generate_audio,
        **request.provider_options,
    )


def parse_operation(
    reply: HttpReply,
    schema: type[OperationBody],
    ended: Callable[[OperationBody], PollResult],
) -> PollResult:
    """Return the result of a poll; `ended` reads that of an operation that is done."""
    return parse_poll(
        reply,
        lambda reply: replies.read(reply, schema),
        lambda operation: operation.status,
        lambda operation, _: ended(operation),
    )


def result_of(
    error: replies.ErrorObject | None, filtered: Filtered | None, outputs: list[Output]
) -> PollResult:
    """Return the result of an operation that is done."""
    if error:
        return Failed(
            replies.failure(None if error.code is None else str(error.code), error.message)
        )
    if filtered is None:
        raise UnknownUpstreamStatus("the operation is done without a response or an error")
    if filtered.raiMediaFilteredCount and not outputs:
        reasons = " ".join(filtered.raiMediaFilteredReasons)
        message = reasons or f"the provider withheld the video; {replies.NO_REASON}"
        return Failed(replies.failure("raiMediaFiltered", message, content_filtered=True))
    return Succeeded(tuple(outputs))


def without_gaps(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {name: value for name, value in fields.items() if value is not None}


def _image(file: StoredFile) -> dict[str, Any]:
    return {"bytesBase64Encoded": JsonFile(file, "base64"), "mimeType": file.content_type}


def _resolution(size: str) -> str:
    name = resolution(size)
    return "4k" if name == FOUR_K else name

"""What Google's two ways to Veo have in common: what is asked for, and long-running operations."""

from typing import Any

from rushes.errors import UnknownUpstreamStatus
from rushes.jobs.job import Job
from rushes.jobs.request import Role, StoredFile
from rushes.jobs.result import JobError, Output
from rushes.ports import JsonFile
from rushes.providers.base import Failed, PollResult, Succeeded
from rushes.providers.replies import EXCERPT, Reply, failure
from rushes.providers.roles import check_roles
from rushes.providers.sizes import aspect_ratio, resolution

FOUR_K = "2160p"


class Named(Reply):
    """The answer to a create call."""

    name: str


class Status(Reply):
    code: int | str | None = None
    message: str | None = None


class Filtered(Reply):
    """Films that were made, or not even begun, and are withheld."""

    raiMediaFilteredCount: int = 0  # noqa: N815 - Google's name
    raiMediaFilteredReasons: tuple[str, ...] = ()  # noqa: N815


def instance(job: Job) -> dict[str, Any]:
    """What to make a film of."""
    request = job.request
    check_roles(request, "Veo", Role.IMAGE, Role.LAST_FRAME, Role.REFERENCE)
    first, last = request.file(Role.IMAGE), request.file(Role.LAST_FRAME)
    references = [
        {"image": _picture(file), "referenceType": "asset"}
        for file in request.files(Role.REFERENCE)
    ]
    return without_gaps(
        prompt=request.prompt or None,
        image=_picture(first) if first else None,
        lastFrame=_picture(last) if last else None,
        referenceImages=references or None,
    )


def parameters(job: Job) -> dict[str, Any]:
    """How to make it. Options that only Google knows belong here."""
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


def ended(error: Status | None, filtered: Filtered | None, outputs: list[Output]) -> PollResult:
    """What an operation that is done came to."""
    if error:
        return Failed(failure(None if error.code is None else str(error.code), error.message))
    if filtered is None:
        raise UnknownUpstreamStatus("the operation is done, with neither a response nor an error")
    if filtered.raiMediaFilteredCount and not outputs:
        reasons = " ".join(filtered.raiMediaFilteredReasons)[:EXCERPT]
        return Failed(
            JobError(
                code="content_filtered",
                message=reasons or "the provider's filter withheld the film and gave no reason",
                upstream_code="raiMediaFiltered",
            )
        )
    return Succeeded(tuple(outputs))


def without_gaps(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {name: value for name, value in fields.items() if value is not None}


def _picture(file: StoredFile) -> dict[str, Any]:
    return {"bytesBase64Encoded": JsonFile(file, "base64"), "mimeType": file.content_type}


def _resolution(size: str) -> str:
    lines = resolution(size)
    return "4k" if lines == FOUR_K else lines

"""Model arguments of fal and Pipelet for a job."""

from collections.abc import Callable
from typing import Any

from rushes.catalog.sizes import resolution_and_aspect_ratio, width_and_height
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, StoredFile
from rushes.ports.http import JsonFile
from rushes.providers.json_files import as_json_file
from rushes.providers.roles import check_roles

FAL_FILES = {
    Role.IMAGE: "image_url",
    Role.LAST_FRAME: "end_image_url",
    Role.SOURCE_VIDEO: "video_url",
    Role.AUDIO: "audio_url",
}
PIPELET_FILES = {
    Role.IMAGE: "data_uri",
    Role.LAST_FRAME: "second_image_uri",
    Role.AUDIO: "audio_uri",
}


def fal_arguments(job: Job) -> dict[str, Any]:
    """Send `duration` as text: models with fixed choices require it, others accept it."""
    request = job.request
    check_roles(request, "fal", *FAL_FILES, Role.REFERENCE)
    return _without_empty(
        {
            **_common(request),
            "duration": str(request.seconds) if request.seconds else None,
            **_size_arguments(job),
            **_files(request, FAL_FILES, as_json_file),
            "reference_image_urls": [as_json_file(file) for file in request.files(Role.REFERENCE)],
        }
    )


def pipelet_arguments(job: Job) -> dict[str, Any]:
    request = job.request
    check_roles(request, "Pipelet", *PIPELET_FILES)
    return _without_empty(
        {
            **_common(request),
            "duration": request.seconds,
            **width_and_height(request.size),
            **_files(request, PIPELET_FILES, lambda file: JsonFile(file, "base64")),
        }
    )


def _common(request: GenerationRequest) -> dict[str, Any]:
    return request.model_dump(include={"prompt", "seed", "negative_prompt", "generate_audio"})


def _size_arguments(job: Job) -> dict[str, Any]:
    """Image models take width and height, video models resolution and aspect ratio."""
    size = job.request.size
    if job.modality == "image" and size:
        return {"image_size": width_and_height(size)}
    return {**resolution_and_aspect_ratio(size)}


def _files(
    request: GenerationRequest,
    fields: dict[Role, str],
    convert: Callable[[StoredFile], JsonFile],
) -> dict[str, JsonFile | None]:
    return {name: next(map(convert, request.files(role)), None) for role, name in fields.items()}


def _without_empty(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value not in (None, "", [])}

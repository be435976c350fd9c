"""What a job asks for, in the arguments of fal's models and of Pipelet's."""

from collections.abc import Callable
from typing import Any

from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, StoredFile
from rushes.ports import JsonFile
from rushes.providers.roles import check_roles
from rushes.providers.sizes import enclosed, film_shape, width_and_height

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
    """Lengths as text: models that offer a choice take nothing else, others do not mind."""
    request = job.request
    check_roles(request, "fal", *FAL_FILES, Role.REFERENCE)
    return _present(
        {
            **_common(request),
            "duration": str(request.seconds) if request.seconds else None,
            **_shape(job),
            **_files(request, FAL_FILES, enclosed),
            "reference_image_urls": [enclosed(file) for file in request.files(Role.REFERENCE)],
        }
    )


def pipelet_arguments(job: Job) -> dict[str, Any]:
    request = job.request
    check_roles(request, "Pipelet", *PIPELET_FILES)
    width, height = width_and_height(request.size) if request.size else (None, None)
    return _present(
        {
            **_common(request),
            "duration": request.seconds,
            "width": width,
            "height": height,
            **_files(request, PIPELET_FILES, lambda file: JsonFile(file, "base64")),
        }
    )


def _common(request: GenerationRequest) -> dict[str, Any]:
    return request.model_dump(include={"prompt", "seed", "negative_prompt", "generate_audio"})


def _shape(job: Job) -> dict[str, Any]:
    """Pictures are asked for by their sides, films by the names of shapes."""
    size = job.request.size
    if job.modality == "image" and size:
        width, height = width_and_height(size)
        return {"image_size": {"width": width, "height": height}}
    return {**film_shape(size)}


def _files(
    request: GenerationRequest,
    fields: dict[Role, str],
    enclose: Callable[[StoredFile], JsonFile],
) -> dict[str, JsonFile | None]:
    return {name: next(map(enclose, request.files(role)), None) for role, name in fields.items()}


def _present(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value not in (None, "", [])}

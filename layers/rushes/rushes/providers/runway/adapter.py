"""Adapter for Runway's tasks API: videos, images and audio."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import InvalidInputFile
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, role_media_type
from rushes.jobs.result import JobError, Output
from rushes.json_pointer import resolve_pointer
from rushes.ports.http import HttpCall, HttpReply, JsonFile
from rushes.providers import replies
from rushes.providers.arguments import model_arguments, model_path
from rushes.providers.base import Failed, Pending, PollResult, Profile, Submitted, Succeeded
from rushes.providers.roles import check_roles
from rushes.providers.values import reported_cost

VERSION = {"x-runway-version": "2024-11-06"}
QUEUED = frozenset({"PENDING", "THROTTLED"})
"""THROTTLED tasks wait for other tasks of the account."""
MAX_IMAGE_BYTES = 16_000_000
"""Of a linked image. Videos and audio files may be larger: the vendor data has that limit."""
DOLLARS_PER_CREDIT = 0.01


class _Created(replies.Reply):
    id: str


class _Task(replies.Reply):
    id: str
    status: str
    progress: replies.NumberOrNone = None
    output: replies.Members[str] = ()
    cost: Any = None
    """An object with `credits`."""
    failure: str | None = None
    failureCode: str | None = None  # noqa: N815 - Runway's name


class Runway:
    profile = Profile(min_poll_seconds=5.0)
    """Runway allows one poll in five seconds."""

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        _check_images(job.request)
        if model and model.arguments:
            path, body = model_path(job, model), model_arguments(job, model)
        else:
            path, body = "", _arguments(job)
        return HttpCall("POST", path or f"/{_route(job.request)}", json=body, headers=VERSION)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        return Submitted({"id": replies.parse_created(reply, _Created).id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", _path(operation), headers=VERSION)

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - contract
        task = replies.parse_reply(reply, _Task)
        if task.status in QUEUED:
            return Pending(wait_seconds=replies.retry_after(reply), queued=True)
        if task.status == "RUNNING":
            progress = replies.percentage(task.progress, 1)
            return Pending(progress, replies.retry_after(reply))
        if task.status == "SUCCEEDED":
            return Succeeded(tuple(Output(url=url) for url in task.output), cost=_cost(task))
        if task.status in ("FAILED", "CANCELLED"):
            return Failed(_failure(task))
        raise replies.unknown_status(task.status)

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("DELETE", _path(operation), headers=VERSION)


def _arguments(job: Job) -> dict[str, Any]:
    """Return the arguments for a model without a template."""
    request = job.request
    check_roles(request, "Runway", Role.IMAGE, Role.LAST_FRAME, Role.SOURCE_VIDEO)
    fields = {
        "model": job.upstream_model,
        "promptText": request.prompt or None,
        "ratio": request.size.replace("x", ":") if request.size else None,
        "duration": None if _is_edit(request) else request.seconds,
        "seed": request.seed,
        "negativePrompt": request.negative_prompt,
        "audio": request.generate_audio,
        **_files(request),
        **request.provider_options,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _check_images(request: GenerationRequest) -> None:
    """Refuse an image that Runway does not fetch, before a task is created and fails.

    Raises
    ------
    InvalidInputFile
    """
    for given in request.inputs:
        is_image = role_media_type(given.role) == "image"
        if is_image and given.file and given.file.size > MAX_IMAGE_BYTES:
            raise InvalidInputFile(
                f"{given.role.value} must have at most {MAX_IMAGE_BYTES} bytes"
                f" (got {given.file.size})"
            )


def _route(request: GenerationRequest) -> str:
    if _is_edit(request):
        return "video_to_video"
    image = request.file(Role.IMAGE) or request.file(Role.LAST_FRAME)
    return "image_to_video" if image else "text_to_video"


def _is_edit(request: GenerationRequest) -> bool:
    """An edit has the length of its source video; Runway accepts no duration for it."""
    return request.file(Role.SOURCE_VIDEO) is not None


def _files(request: GenerationRequest) -> dict[str, Any]:
    """Send a first frame alone as it is; with a last frame, each has a position."""
    first, last, video = (
        JsonFile(file, "data_url") if (file := request.file(role)) else None
        for role in (Role.IMAGE, Role.LAST_FRAME, Role.SOURCE_VIDEO)
    )
    images: Any = first
    if last:
        frames = (("first", first), ("last", last))
        images = [{"uri": uri, "position": position} for position, uri in frames if uri]
    return {"promptImage": images, "videoUri": video}


def _cost(task: _Task) -> float | None:
    return reported_cost(resolve_pointer(task.cost, "/credits"), DOLLARS_PER_CREDIT)


def _failure(task: _Task) -> JobError:
    """Map codes of Runway's moderation: `SAFETY.INPUT.TEXT`, `INPUT_PREPROCESSING.SAFETY.TEXT`."""
    code = task.failureCode or task.status
    return replies.failure(code, task.failure, content_filtered="SAFETY" in code.split("."))


def _path(operation: dict[str, Any]) -> str:
    return f"/tasks/{quote(operation['id'], safe='')}"

"""Adapter for Runway's tasks API: videos, images and audio."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import InvalidInputFile
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, StoredFile, role_media_type
from rushes.jobs.result import JobError, Output
from rushes.json_pointer import resolve_pointer
from rushes.ports.http import HttpCall, HttpReply, JsonFile
from rushes.providers import replies
from rushes.providers.arguments import model_arguments, model_path
from rushes.providers.base import CancelReply, PollResult, Profile, Submitted, Succeeded
from rushes.providers.cancels import parse_cancel
from rushes.providers.polls import parse_poll, stopped, waiting
from rushes.providers.results import first_files, is_data_url, linked, linked_files
from rushes.providers.roles import check_roles
from rushes.providers.states import State
from rushes.providers.values import reported_cost

VERSION = {"x-runway-version": "2024-11-06"}
MAX_IMAGE_BYTES = 16_000_000
"""Of a linked image. Videos and audio files may be larger: the vendor data has that limit."""
MAX_INLINE_BYTES = 3_300_000
"""A larger file is sent as a link: a data URL has at most 5 MB, in base64."""
DOLLARS_PER_CREDIT = 0.01


class _Created(replies.Reply):
    id: str


class _Task(replies.Reply, extra="allow"):
    id: str
    status: str
    progress: replies.NumberOrNone = None
    output: Any = None
    """URLs."""
    cost: Any = None
    """An object with `credits`."""
    failure: str | None = None
    failureCode: str | None = None  # noqa: N815 - Runway's name


class Runway:
    profile = Profile(min_poll_seconds=5.0, cancel_deletes_result=True)
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

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        """THROTTLED tasks wait for other tasks of the account."""

        def result_of(task: _Task, state: State) -> PollResult:
            if state is State.SUCCEEDED:
                return Succeeded(_outputs(_path(operation), task), cost=_cost(task))
            return stopped(state, _failure(task))

        return parse_poll(
            reply,
            _read,
            lambda task: task.status,
            result_of,
            pending_of=lambda task, state: waiting(
                state, reply, replies.percentage(task.progress, 1)
            ),
        )

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("DELETE", _path(operation), headers=VERSION)

    def parse_cancel(self, reply: HttpReply) -> CancelReply:
        """A success ends the task and removes it; credits are not refunded."""
        return parse_cancel(reply, done=CancelReply.REMOVED)


def _read(reply: HttpReply) -> _Task:
    return replies.read(reply, _Task)


def _outputs(path: str, task: _Task) -> tuple[Output, ...]:
    listed = task.output if isinstance(task.output, list) else [task.output]
    texts = (url for url in listed if isinstance(url, str) and url and not is_data_url(url))
    urls = first_files(linked(path, url) for url in texts)
    return urls or linked_files(path, {"output": task.output, **(task.model_extra or {})})


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
        _file(file) if (file := request.file(role)) else None
        for role in (Role.IMAGE, Role.LAST_FRAME, Role.SOURCE_VIDEO)
    )
    images: Any = first
    if last:
        frames = (("first", first), ("last", last))
        images = [{"uri": uri, "position": position} for position, uri in frames if uri]
    return {"promptImage": images, "videoUri": video}


def _file(file: StoredFile) -> JsonFile:
    return JsonFile(file, "data_url" if file.size <= MAX_INLINE_BYTES else "link")


def _cost(task: _Task) -> float | None:
    return reported_cost(resolve_pointer(task.cost, "/credits"), DOLLARS_PER_CREDIT)


def _failure(task: _Task) -> JobError:
    """Map codes of Runway's moderation: `SAFETY.INPUT.TEXT`, `INPUT_PREPROCESSING.SAFETY.TEXT`."""
    code = task.failureCode or task.status
    return replies.failure(code, task.failure, content_filtered="SAFETY" in code.split("."))


def _path(operation: dict[str, Any]) -> str:
    return f"/tasks/{quote(operation['id'], safe='')}"

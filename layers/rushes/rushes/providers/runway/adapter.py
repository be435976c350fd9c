"""Runway: films from words, from a picture, or from another film, as tasks."""

from typing import Any
from urllib.parse import quote

from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role
from rushes.jobs.result import JobError, Output
from rushes.ports import HttpCall, HttpReply, JsonFile
from rushes.providers.base import Failed, Pending, PollResult, Profile, Submitted, Succeeded
from rushes.providers.replies import (
    CODE_EXCERPT,
    EXCERPT,
    Reply,
    check_answered,
    check_created,
    read,
    retry_after,
    unknown_status,
)
from rushes.providers.roles import check_roles

VERSION = {"x-runway-version": "2024-11-06"}
QUEUED = frozenset({"PENDING", "THROTTLED"})


class _Created(Reply):
    id: str


class _Task(Reply):
    id: str
    status: str
    progress: float | None = None
    output: tuple[str, ...] = ()
    failure: str | None = None
    failureCode: str | None = None  # noqa: N815 - Runway's name


class Runway:
    profile = Profile(shortest_wait=5.0)
    """Runway asks for no more than one poll in five seconds."""

    def submit(self, job: Job) -> HttpCall:
        request = job.request
        check_roles(request, "Runway", Role.IMAGE, Role.LAST_FRAME, Role.SOURCE_VIDEO)
        fields = {
            "model": job.upstream_model,
            "promptText": request.prompt or None,
            "ratio": request.size.replace("x", ":") if request.size else None,
            "duration": None if _is_rework(request) else request.seconds,
            "seed": request.seed,
            "negativePrompt": request.negative_prompt,
            "audio": request.generate_audio,
            **_files(request),
            **request.provider_options,
        }
        body = {name: value for name, value in fields.items() if value is not None}
        return HttpCall("POST", f"/{_route(request)}", json=body, headers=VERSION)

    def submitted(self, reply: HttpReply) -> Submitted:
        check_created(reply)
        return Submitted({"id": read(reply, _Created).id})

    def poll(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", _path(operation), headers=VERSION)

    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - the reply tells all
        check_answered(reply)
        task = read(reply, _Task)
        if task.status in QUEUED:
            return Pending(wait_seconds=retry_after(reply), queued=True)
        if task.status == "RUNNING":
            percent = None if task.progress is None else round(100 * min(max(task.progress, 0), 1))
            return Pending(percent, wait_seconds=retry_after(reply))
        if task.status == "SUCCEEDED":
            return Succeeded(tuple(Output(url=address) for address in task.output))
        if task.status in ("FAILED", "CANCELLED"):
            return Failed(_failure(task))
        raise unknown_status(task.status)

    def cancel(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("DELETE", _path(operation), headers=VERSION)


def _route(request: GenerationRequest) -> str:
    if _is_rework(request):
        return "video_to_video"
    pictures = request.file(Role.IMAGE) or request.file(Role.LAST_FRAME)
    return "image_to_video" if pictures else "text_to_video"


def _is_rework(request: GenerationRequest) -> bool:
    """A reworked film is as long as the film that it is made of; Runway takes no length for it."""
    return request.file(Role.SOURCE_VIDEO) is not None


def _files(request: GenerationRequest) -> dict[str, Any]:
    """A first picture alone stands for itself; with a last one, each says where it belongs."""
    first, last, film = (
        JsonFile(file, "data_url") if (file := request.file(role)) else None
        for role in (Role.IMAGE, Role.LAST_FRAME, Role.SOURCE_VIDEO)
    )
    pictures: Any = first
    if last:
        places = (("first", first), ("last", last))
        pictures = [{"uri": uri, "position": place} for place, uri in places if uri]
    return {"promptImage": pictures, "videoUri": film}


def _failure(task: _Task) -> JobError:
    """Codes that begin with SAFETY are Runway's content moderation, of inputs and of outputs."""
    code = (task.failureCode or task.status)[:CODE_EXCERPT]
    filtered = code.split(".")[0] == "SAFETY"
    return JobError(
        code="content_filtered" if filtered else "upstream_failed",
        message=(task.failure or "the provider gave no reason")[:EXCERPT],
        upstream_code=code,
    )


def _path(operation: dict[str, Any]) -> str:
    return f"/tasks/{quote(operation['id'], safe='')}"

"""Together's video API. Read generously: it says more than its schema publishes."""

from typing import Any
from urllib.parse import quote

from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, StoredFile
from rushes.jobs.result import JobError, Output
from rushes.ports import HttpCall, HttpReply, JsonFile
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
from rushes.providers.sizes import width_and_height

# The schema publishes in_progress, completed and failed; the guide has the others.
WAITING = frozenset({"queued", "in_progress"})
FAILED = frozenset({"failed", "cancelled"})


class _Error(Reply):
    code: str | int | None = None
    message: str | None = None


class _Outputs(Reply):
    video_url: str
    cost: float | None = None


class _Video(Reply):
    id: str
    status: str
    error: _Error | str | None = None
    outputs: _Outputs | None = None


class Together:
    profile = Profile()

    def submit(self, job: Job) -> HttpCall:
        request = job.request
        fields = {
            "model": job.upstream_model,
            "prompt": request.prompt or None,
            "seconds": None if request.seconds is None else str(request.seconds),
            **_sides(request.size),
            "seed": request.seed,
            "negative_prompt": request.negative_prompt,
            "generate_audio": request.generate_audio,
            "media": _media(request) or None,
            **request.provider_options,
        }
        sent = {name: value for name, value in fields.items() if value is not None}
        return HttpCall("POST", "/v2/videos", json=sent)

    def submitted(self, reply: HttpReply) -> Submitted:
        check_created(reply)
        return Submitted({"id": read(reply, _Video).id})

    def poll(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", f"/v2/videos/{quote(operation['id'], safe='')}")

    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - the reply has it all
        check_answered(reply)
        video = read(reply, _Video)
        if video.status in WAITING:
            queued = video.status == "queued"
            return Pending(wait_seconds=retry_after(reply), queued=queued)
        if video.status == "completed":
            return _succeeded(video)
        if video.status in FAILED:
            return Failed(_failure(video))
        raise unknown_status(video.status)


def _succeeded(video: _Video) -> Succeeded:
    if video.outputs is None:
        raise UpstreamProtocolError("the provider reports completed and has no outputs")
    return Succeeded((Output(url=video.outputs.video_url),), cost=video.outputs.cost)


def _failure(video: _Video) -> JobError:
    if isinstance(video.error, str):
        return failure(video.status, video.error)
    error = video.error or _Error()
    return failure(str(error.code or video.status), error.message)


def _sides(size: str | None) -> dict[str, int]:
    if size is None:
        return {}
    return dict(zip(("width", "height"), width_and_height(size), strict=True))


def _media(request: GenerationRequest) -> dict[str, Any]:
    """As links: that is all that the schema knows, and it keeps the call small."""
    frames = [
        {"input_image": _link(file), "frame": frame}
        for role, frame in ((Role.IMAGE, "first"), (Role.LAST_FRAME, "last"))
        for file in request.files(role)
    ]
    film = request.file(Role.SOURCE_VIDEO)
    media = {
        "frame_images": frames,
        "reference_images": [_link(file) for file in request.files(Role.REFERENCE)],
        "source_video": _link(film) if film else None,
        "audio_inputs": [_link(file) for file in request.files(Role.AUDIO)],
    }
    return {name: value for name, value in media.items() if value}


def _link(file: StoredFile) -> JsonFile:
    return JsonFile(file, "link")

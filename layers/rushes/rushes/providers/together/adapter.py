"""Adapter for Together's video API, which returns more than its published schema."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.sizes import width_and_height
from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, StoredFile
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpReply, JsonFile
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import Failed, Pending, PollResult, Profile, Submitted, Succeeded
from rushes.providers.values import reported_cost

# The schema has in_progress, completed and failed; the guide adds the others.
WAITING = frozenset({"queued", "in_progress"})
FAILED = frozenset({"failed", "cancelled"})


class _Outputs(replies.Reply):
    video_url: str
    cost: Any = None


class _Video(replies.Reply):
    id: str
    status: str
    error: replies.ErrorOrNone = None
    outputs: _Outputs | None = None


class Together:
    profile = Profile()

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        body = model_arguments(job, model) if model and model.arguments else _arguments(job)
        return HttpCall("POST", "/v2/videos", json=body)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        return Submitted({"id": replies.parse_created(reply, _Video).id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", f"/v2/videos/{quote(operation['id'], safe='')}")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - contract
        video = replies.parse_reply(reply, _Video)
        if video.status in WAITING:
            return Pending(wait_seconds=replies.retry_after(reply), queued=video.status == "queued")
        if video.status == "completed":
            return _succeeded(video)
        if video.status in FAILED:
            return Failed(replies.failure_of(video.status, video.error))
        raise replies.unknown_status(video.status)


def _succeeded(video: _Video) -> Succeeded:
    if video.outputs is None:
        raise UpstreamProtocolError("the provider returned completed without outputs")
    return Succeeded((Output(url=video.outputs.video_url),), cost=reported_cost(video.outputs.cost))


def _arguments(job: Job) -> dict[str, Any]:
    request = job.request
    fields = {
        "model": job.upstream_model,
        "prompt": request.prompt or None,
        "seconds": None if request.seconds is None else str(request.seconds),
        **width_and_height(request.size),
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "generate_audio": request.generate_audio,
        "media": _media(request) or None,
        **request.provider_options,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _media(request: GenerationRequest) -> dict[str, Any]:
    """Send links: the schema allows nothing else, and the request stays small."""
    frames = [
        {"input_image": _link(file), "frame": frame}
        for role, frame in ((Role.IMAGE, "first"), (Role.LAST_FRAME, "last"))
        for file in request.files(role)
    ]
    source = request.file(Role.SOURCE_VIDEO)
    media = {
        "frame_images": frames,
        "reference_images": [_link(file) for file in request.files(Role.REFERENCE)],
        "source_video": _link(source) if source else None,
        "audio_inputs": [_link(file) for file in request.files(Role.AUDIO)],
    }
    return {name: value for name, value in media.items() if value}


def _link(file: StoredFile) -> JsonFile:
    return JsonFile(file, "link")

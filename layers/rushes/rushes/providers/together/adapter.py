"""Adapter for Together's video API, which returns more than its published schema."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.sizes import width_and_height
from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, StoredFile
from rushes.json_pointer import resolve_pointer
from rushes.ports.http import HttpCall, HttpReply, JsonFile
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded
from rushes.providers.polls import parse_poll, stopped
from rushes.providers.results import linked_files
from rushes.providers.states import State
from rushes.providers.values import reported_cost


class _Created(replies.Reply):
    id: str


class _Video(replies.Reply, extra="allow"):
    id: str
    status: str
    error: replies.ErrorOrNone = None
    outputs: Any = None


class Together:
    profile = Profile()

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        body = model_arguments(job, model) if model and model.arguments else _arguments(job)
        return HttpCall("POST", "/v2/videos", json=body)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        return Submitted({"id": replies.parse_created(reply, _Created).id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", f"/v2/videos/{quote(operation['id'], safe='')}")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        path = self.poll_request(operation).path

        def result_of(video: _Video, state: State) -> PollResult:
            if state is State.SUCCEEDED:
                return _succeeded(path, video)
            return stopped(state, replies.failure_of(video.status, video.error))

        return parse_poll(reply, _read, lambda video: video.status, result_of)


def _read(reply: HttpReply) -> _Video:
    return replies.read(reply, _Video)


def _succeeded(path: str, video: _Video) -> Succeeded:
    body = {"outputs": video.outputs, **(video.model_extra or {})}
    outputs = linked_files(path, body)
    if not outputs:
        raise UpstreamProtocolError("the provider returned completed without outputs")
    return Succeeded(outputs, cost=reported_cost(resolve_pointer(video.outputs, "/cost")))


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
    source = request.file(Role.SOURCE_VIDEO)
    media = {
        "frame_images": _frames(request),
        "frame_videos": _videos(request, Role.FRAME_VIDEO),
        "reference_images": [_link(file) for file in request.files(Role.REFERENCE)],
        "reference_videos": _videos(request, Role.REFERENCE_VIDEO),
        "source_video": _link(source) if source else None,
        "audio_inputs": [_link(file) for file in request.files(Role.AUDIO)],
    }
    return {name: value for name, value in media.items() if value}


def _frames(request: GenerationRequest) -> list[dict[str, Any]]:
    """Return the frames in their order in the video; one between has its number."""
    given = [entry for entry in request.inputs if entry.file]
    middle = sorted(
        (entry for entry in given if entry.role is Role.FRAME), key=lambda entry: entry.frame or 0
    )
    frames = (
        *(("first", entry.file) for entry in given if entry.role is Role.IMAGE),
        *((entry.frame, entry.file) for entry in middle),
        *(("last", entry.file) for entry in given if entry.role is Role.LAST_FRAME),
    )
    return [{"input_image": _link(file), "frame": frame} for frame, file in frames if file]


def _videos(request: GenerationRequest, role: Role) -> list[dict[str, Any]]:
    return [{"video": _link(file)} for file in request.files(role)]


def _link(file: StoredFile) -> JsonFile:
    return JsonFile(file, "link")

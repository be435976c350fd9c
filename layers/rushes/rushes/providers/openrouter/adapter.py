"""Adapter for OpenRouter's `/videos`, one API for the video models of many providers."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.template import fill
from rushes.errors import UpstreamProtocolError, UpstreamRefused
from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import FILTERED, Output
from rushes.json_pointer import resolve_pointer
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded
from rushes.providers.json_files import as_json_file
from rushes.providers.polls import parse_poll, stopped
from rushes.providers.results import linked_files
from rushes.providers.roles import check_roles
from rushes.providers.states import State
from rushes.providers.values import reported_cost, values_of

FRAMES = {Role.IMAGE: "first_frame", Role.LAST_FRAME: "last_frame"}
REFERENCES = {
    Role.REFERENCE: "image_url",
    Role.SOURCE_VIDEO: "video_url",
    Role.AUDIO: "audio_url",
}
DEFAULTS = {
    "model": "{model}",
    "prompt": "{prompt}",
    "duration": "{seconds}",
    "size": "{size}",
    "generate_audio": "{generate_audio}",
    "seed": "{seed}",
}
"""Arguments of a model without a template."""


class _Video(replies.Reply, extra="allow"):
    id: str
    status: str
    error: replies.ErrorOrNone = None
    unsigned_urls: replies.Members[str] | None = None
    urls: replies.Members[str] | None = None
    usage: Any = None


class _Metadata(replies.Reply):
    """Added to an error of the moderation of prompts."""

    reasons: replies.Members[str] | None = None
    flagged_input: str | None = None


class _Refusal(replies.Reply):
    code: Any = None
    """The HTTP status."""
    message: str = ""
    metadata: _Metadata | None = None


class _RefusalBody(replies.Reply):
    error: _Refusal


class OpenRouter:
    profile = Profile(min_poll_seconds=10.0)
    """OpenRouter recommends 10 to 30 seconds between polls."""

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        templated = model is not None and model.arguments
        body = model_arguments(job, model) if model and templated else _arguments(job)
        return HttpCall("POST", "/videos", json=body)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        reply = _with_error_status(reply)
        if reply.status == 403:
            _raise_if_moderated(reply)
        return Submitted({"id": replies.parse_created(reply, _Video).id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", _path(operation))

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        reply = _with_error_status(reply)

        def result_of(video: _Video, state: State) -> PollResult:
            if state is State.SUCCEEDED:
                return _succeeded(operation, video)
            return stopped(state, replies.failure_of(video.status, video.error))

        return parse_poll(reply, _read, lambda video: video.status, result_of)


def _read(reply: HttpReply) -> _Video:
    return replies.read(reply, _Video)


def _succeeded(operation: dict[str, Any], video: _Video) -> Succeeded:
    """Read the outputs from their content paths, which need the key.

    `unsigned_urls` are the same paths, in spite of their name; `urls` expire.
    """
    count = max(len(video.unsigned_urls or ()), len(video.urls or ()))
    outputs = (
        Output(url=f"{_path(operation)}/content?index={number}", needs_key=True)
        for number in range(count)
    )
    found = tuple(outputs) or linked_files(_path(operation), video.model_extra or {})
    return Succeeded(found, cost=reported_cost(resolve_pointer(video.usage, "/cost")))


def _with_error_status(reply: HttpReply) -> HttpReply:
    """Return a success whose body is an error as the HTTP error that its code states."""
    if reply.status >= 300:
        return reply
    try:
        code = replies.read(reply, _RefusalBody).error.code
    except UpstreamProtocolError:  # no error, or one without an object, as of a failed job
        return reply
    is_status = isinstance(code, int) and 400 <= code < 600
    return HttpReply(code, reply.headers, reply.body) if is_status else reply


def _raise_if_moderated(reply: HttpReply) -> None:
    """Raise for a prompt that the moderation refused; another 403 is about the key."""
    try:
        error = replies.read(reply, _RefusalBody).error
    except UpstreamProtocolError:
        return
    if error.metadata and (error.metadata.reasons or error.metadata.flagged_input):
        raise UpstreamRefused(
            (error.message or replies.NO_REASON)[: replies.MAX_MESSAGE],
            code=FILTERED,
            upstream_code="403",
        )


def _arguments(job: Job) -> dict[str, Any]:
    """Return the arguments of a model whose catalog entry has none."""
    request = job.request
    check_roles(request, "OpenRouter", *FRAMES, *REFERENCES)
    frames = [
        {"type": "image_url", "image_url": {"url": as_json_file(file)}, "frame_type": frame}
        for role, frame in FRAMES.items()
        for file in request.files(role)
    ]
    references = [
        {"type": kind, kind: {"url": as_json_file(file)}}
        for role, kind in REFERENCES.items()
        for file in request.files(role)
    ]
    files = {"frame_images": frames, "input_references": references}
    return {
        **fill(DEFAULTS, values_of(job)),
        **{name: entries for name, entries in files.items() if entries},
        **request.provider_options,
    }


def _path(operation: dict[str, Any]) -> str:
    return f"/videos/{quote(operation['id'], safe='')}"

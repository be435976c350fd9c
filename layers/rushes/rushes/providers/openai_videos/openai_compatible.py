"""Adapter for the OpenAI Videos API, as vLLM-Omni, SGLang, LiteLLM, Bifrost and Rushes serve it."""

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.template import as_text
from rushes.errors import UpstreamError
from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import Output
from rushes.ports.http import FormFile, HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import Failed, Pending, PollResult, Profile, Submitted, Succeeded

Form = dict[str, str | FormFile]

QUEUED = frozenset({"queued", "pending"})
WAITING = QUEUED | {"in_progress", "processing", "running"}
SUCCEEDED = frozenset({"completed", "succeeded"})
FAILED = frozenset({"failed", "cancelled", "canceled", "expired"})


class _Filter(replies.Reply):
    """Bifrost's account of files that a safety filter withheld."""

    reasons: replies.Members[str] = ()


class _Video(replies.Reply):
    id: Annotated[str, Field(max_length=1000)]
    status: str
    progress: replies.NumberOrNone = None
    error: replies.ErrorOrNone = None
    videos: Any = None
    content_filter: _Filter | None = None


class OpenAICompatible:
    profile = Profile()

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        """Send multipart, as the newest SDKs do; vLLM-Omni accepts nothing else.

        The arguments of the catalog's model are sent as JSON: Bifrost accepts nothing else.
        """
        if model and model.arguments:
            return HttpCall("POST", "/videos", json=model_arguments(job, model))
        request = job.request
        if source := request.file(Role.SOURCE_VIDEO):
            edit: Form = {"model": job.upstream_model, "prompt": request.prompt}
            edit["video"] = FormFile("source.mp4", source)
            return HttpCall("POST", "/videos/edits", form=edit)
        fields = _fields(job).items()
        form: Form = {name: as_text(value) for name, value in fields if value is not None}
        if image := request.file(Role.IMAGE):
            form["input_reference"] = FormFile("reference", image)
        return HttpCall("POST", "/videos", form=form)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        return Submitted({"id": replies.parse_created(reply, _Video).id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", _path(operation))

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        video = _read(reply)
        if video.status in WAITING:
            progress, queued = replies.percentage(video.progress), video.status in QUEUED
            return Pending(progress, replies.retry_after(reply), queued)
        if video.status in SUCCEEDED and video.content_filter and not video.videos:
            reason = "; ".join(video.content_filter.reasons)
            return Failed(replies.failure("content_filter", reason))
        if video.status in SUCCEEDED:
            content = f"{_path(operation)}/content"
            return Succeeded((Output(url=content, needs_key=True),))
        if video.status in FAILED:
            return Failed(replies.failure_of(video.status, video.error))
        raise replies.unknown_status(video.status)

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("DELETE", _path(operation))


def _read(reply: HttpReply) -> _Video:
    """Read the video; vLLM-Omni reports a failed one with an HTTP error."""
    try:
        return replies.parse_reply(reply, _Video)
    except UpstreamError:
        video = _failed_video(reply)
        if video is None:
            raise
        return video


def _failed_video(reply: HttpReply) -> _Video | None:
    """Return the failed video in the body of an HTTP error, if there is one."""
    if reply.status < 400:
        return None
    try:
        video = replies.read(reply, _Video)
    except UpstreamError:
        return None
    return video if video.status in FAILED else None


def _path(operation: dict[str, Any]) -> str:
    """Quote the id: LiteLLM's may contain a slash."""
    return f"/videos/{quote(operation['id'], safe=':')}"


def _fields(job: Job) -> dict[str, Any]:
    request = job.request
    return {
        "model": job.upstream_model,
        "prompt": request.prompt,
        "seconds": request.seconds,
        "size": request.size,
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "generate_audio": request.generate_audio,
        **request.provider_options,
    }

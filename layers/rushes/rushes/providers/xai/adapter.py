"""Adapter for xAI's Imagine API: videos by create and poll, images in the create call's reply."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.template import fill
from rushes.errors import UpstreamProtocolError, UpstreamRefused
from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import FILTERED, JobError, Output
from rushes.json_pointer import resolve_pointer
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments, model_path
from rushes.providers.base import Failed, Pending, PollResult, Profile, Submitted, Succeeded
from rushes.providers.roles import check_roles
from rushes.providers.values import number, reported_cost, values_of

DOLLARS_PER_TICK = 1e-10
BLOCKED = "the provider's moderation blocked the result"
INVALID = "invalid_argument"
"""Code of invalid arguments and of moderation, which only the message tells apart."""
GENERATE = {
    "model": "{model}",
    "prompt": "{prompt}",
    "duration": "{seconds}",
    "aspect_ratio": "{aspect_ratio}",
    "resolution": "{resolution}",
    "generate_audio": "{generate_audio}",
    "image": {"url": "{image}"},
    "last_frame": {"url": "{last_frame}"},
    "reference_images": [{"url": "{reference}"}],
}
"""Arguments for a model without a template."""
EDIT = {"model": "{model}", "prompt": "{prompt}", "video": {"url": "{source_video}"}}
"""The same with a source video, whose length and shape the result has."""


class _File(replies.Reply):
    """A generated video or image. Moderation leaves out the URL."""

    url: str | None = None
    respect_moderation: bool = True


class _Created(replies.Reply):
    """The reply has the request id of a video, or the images."""

    request_id: str | None = None
    data: replies.Members[_File] | None = None
    usage: Any = None


class _Video(replies.Reply):
    status: str | None = None
    """Absent from some replies that have a video."""
    progress: replies.NumberOrNone = None
    video: _File | None = None
    error: replies.ErrorOrNone = None
    usage: Any = None


class XAI:
    profile = Profile(min_poll_seconds=3.0)

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        if model and model.arguments:
            return HttpCall("POST", model_path(job, model), json=model_arguments(job, model))
        return _default_request(job)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        created = replies.parse_created(reply, _Created)
        if created.data is not None:
            images = [_image_url(image) for image in created.data]
            return Submitted({"images": images, "ticks": number(_ticks(created.usage))})
        if created.request_id is None:
            raise UpstreamProtocolError("the provider's reply has neither request_id nor data")
        return Submitted({"id": created.request_id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        """Return the request of a video's state, or any other of images: they are done."""
        if "images" in operation:
            return HttpCall("GET", "/models")
        return HttpCall("GET", f"/videos/{quote(operation['id'], safe='')}")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        if "images" in operation:
            outputs = tuple(Output(url=url) for url in operation["images"])
            return Succeeded(outputs, cost=_cost(operation.get("ticks")))
        if reply.status == 202 and not reply.body.strip():
            return Pending(wait_seconds=replies.retry_after(reply))
        return _state(replies.parse_reply(reply, _Video), replies.retry_after(reply))


def _state(video: _Video, wait_seconds: float | None) -> PollResult:
    has_url = video.video is not None and bool(video.video.url)
    match video.status or ("done" if has_url else None):
        case "pending":
            return Pending(replies.percentage(video.progress), wait_seconds)
        case "done":
            return _done(video)
        case "failed" | "expired" as status:
            return Failed(_failure(status, video.error))
        case None:
            raise UpstreamProtocolError("the provider's reply has neither a status nor a video")
        case status:
            raise replies.unknown_status(status)


def _done(video: _Video) -> PollResult:
    if video.video is not None and video.video.url:
        return Succeeded((Output(url=video.video.url),), cost=_cost(_ticks(video.usage)))
    if video.video is not None and not video.video.respect_moderation:
        return Failed(JobError(code=FILTERED, message=BLOCKED, upstream_code="done"))
    raise UpstreamProtocolError("the provider returned done without a video")


def _failure(status: str, error: replies.ErrorObject | str | None) -> JobError:
    found = replies.failure_of(status, error)
    blocked = found.upstream_code == INVALID and "moderation" in found.message.lower()
    return found.model_copy(update={"code": FILTERED}) if blocked else found


def _image_url(image: _File) -> str:
    if image.url:
        return image.url
    if not image.respect_moderation:
        raise UpstreamRefused(BLOCKED, code=FILTERED)
    raise UpstreamProtocolError("the provider returned an image without a URL")


def _ticks(usage: object) -> object:
    return resolve_pointer(usage, "/cost_in_usd_ticks")


def _cost(ticks: object) -> float | None:
    return reported_cost(ticks, DOLLARS_PER_TICK)


def _default_request(job: Job) -> HttpCall:
    is_edit = job.request.file(Role.SOURCE_VIDEO) is not None
    roles = (Role.SOURCE_VIDEO,) if is_edit else (Role.IMAGE, Role.LAST_FRAME, Role.REFERENCE)
    check_roles(job.request, "xAI", *roles)
    template, path = (EDIT, "/videos/edits") if is_edit else (GENERATE, "/videos/generations")
    arguments = fill(template, values_of(job)) or {}
    return HttpCall("POST", path, json={**arguments, **job.request.provider_options})

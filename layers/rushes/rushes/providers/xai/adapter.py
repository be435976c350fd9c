"""Adapter for xAI's Imagine API: videos by create and poll, images in the create call's reply."""

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BeforeValidator

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
from rushes.providers.base import Failed, PollResult, Profile, Submitted, Succeeded
from rushes.providers.polls import parse_poll, stopped, waiting
from rushes.providers.results import linked, linked_files
from rushes.providers.roles import check_roles
from rushes.providers.states import State, Words
from rushes.providers.values import number, reported_cost, values_of

OWN_WORDS: Words = {"pending": State.RUNNING}
"""The API has one word for waiting and running."""
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


class _File(replies.Reply, extra="allow"):
    """A generated video or image. Moderation leaves out the URL."""

    url: str | None = None
    respect_moderation: bool = True


class _Created(replies.Reply):
    """The reply has the request id of a video, or the images."""

    request_id: str | None = None
    data: replies.Members[_File] | None = None
    usage: Any = None


def _as_file(value: object) -> object:
    """Return the object of a file that is given by its URL alone, or as the first of a list."""
    if isinstance(value, list):
        value = next(iter(value), None)
    return {"url": value} if isinstance(value, str) else value


class _Video(replies.Reply, extra="allow"):
    status: str | None = None
    """Absent from some replies that have a video."""
    progress: replies.NumberOrNone = None
    video: Annotated[_File | None, BeforeValidator(_as_file)] = None
    error: replies.ErrorOrNone = None
    usage: Any = None


class XAI:
    profile = Profile(min_poll_seconds=3.0, has_queue=False)

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
        path = self.poll_request(operation).path

        def result_of(video: _Video, state: State) -> PollResult:
            if state is State.SUCCEEDED:
                return _done(path, video)
            return stopped(state, _failure(_status_of(video), video.error))

        return parse_poll(
            reply,
            _read,
            _status_of,
            result_of,
            pending_of=lambda video, state: waiting(
                state, reply, replies.percentage(video.progress)
            ),
            own=OWN_WORDS,
        )


def _read(reply: HttpReply) -> _Video:
    return replies.read(reply, _Video)


def _status_of(video: _Video) -> str:
    if video.status:
        return video.status
    if not _files(video):
        raise UpstreamProtocolError("the provider's reply has neither a status nor a video")
    return "done"


def _files(video: _Video, path: str = "") -> tuple[Output, ...]:
    if video.video is not None and video.video.url:
        return (linked(path, video.video.url),)
    fields = (video.video.model_extra if video.video else None) or {}
    return linked_files(path, {"video": fields, **(video.model_extra or {})})


def _done(path: str, video: _Video) -> PollResult:
    if files := _files(video, path):
        return Succeeded(files, cost=_cost(_ticks(video.usage)))
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

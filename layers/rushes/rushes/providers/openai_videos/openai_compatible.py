"""Adapter for the OpenAI Videos API, as vLLM-Omni, SGLang, LiteLLM, Bifrost and Rushes serve it."""

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AliasChoices, Field

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.provider_config import VideoServer
from rushes.catalog.template import as_text
from rushes.errors import InvalidInputFile
from rushes.jobs.job import Job
from rushes.jobs.request import Role, StoredFile
from rushes.jobs.result import Output
from rushes.ports.http import FormFile, HttpCall, HttpReply, JsonFile
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import CancelReply, Failed, PollResult, Profile, Submitted, Succeeded
from rushes.providers.cancels import parse_cancel
from rushes.providers.openai_videos.servers import SERVERS, Server
from rushes.providers.polls import parse_poll, stopped, waiting
from rushes.providers.results import linked_files
from rushes.providers.roles import check_roles
from rushes.providers.states import State

Form = dict[str, str | FormFile]
REASON_FIELDS = (
    *("error_message", "failure_reason", "fail_reason", "failed_reason", "message", "reason"),
    *("detail", "msg"),
)


class _Filter(replies.Reply):
    """Bifrost's account of files that a safety filter withheld."""

    filtered_count: replies.NumberOrNone = None
    reasons: replies.Members[str] = ()


class _Created(replies.Reply):
    id: Annotated[str, Field(max_length=1000)]


class _Video(replies.Reply, extra="allow"):
    status: Annotated[str, Field(validation_alias=AliasChoices("status", "state"))]
    progress: replies.NumberOrNone = None
    error: replies.ErrorOrNone = None
    content_filter: _Filter | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """All other fields: servers differ in where they put the URL of the video."""
        return self.model_extra or {}


class OpenAIVideos:
    """A server without a cancel request."""

    profile = Profile()

    def __init__(self, server: VideoServer | None = None) -> None:
        self._server = SERVERS[server]
        self._name = server or "the provider"

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        """Send multipart, as the newest SDKs do; vLLM-Omni accepts nothing else.

        The arguments of the catalog's model are sent as JSON. Bifrost accepts nothing but JSON.
        """
        if self._server.edit == "remix" and job.source_operation:
            path = f"{_path(job.source_operation, self._server)}/remix"
            return HttpCall("POST", path, json={"prompt": job.request.prompt})
        if model and model.arguments:
            return HttpCall("POST", "/videos", json=model_arguments(job, model))
        fields = {
            name: value for name, value in _fields(job, self._server).items() if value is not None
        }
        if not self._server.takes_form:
            return HttpCall("POST", "/videos", json={**fields, **_json_files(job)})
        if source := job.request.file(Role.SOURCE_VIDEO):
            return self._edit_request(job, source)
        form: Form = {name: as_text(value) for name, value in fields.items()}
        if image := job.request.file(Role.IMAGE):
            form["input_reference"] = FormFile("reference", image)
        return HttpCall("POST", "/videos", form=form)

    def _edit_request(self, job: Job, source: StoredFile) -> HttpCall:
        if self._server.edit == "none":
            raise InvalidInputFile(f"{self._name} does not accept {Role.SOURCE_VIDEO.value}")
        edit: Form = {"model": job.upstream_model, "prompt": job.request.prompt}
        edit["video"] = FormFile("source.mp4", source)
        return HttpCall("POST", "/videos/edits", form=edit)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        return Submitted({"id": replies.parse_created(reply, _Created).id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", _path(operation, self._server))

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        def result_of(video: _Video, state: State) -> PollResult:
            if state is State.SUCCEEDED:
                return _succeeded(_path(operation, self._server), video)
            return stopped(state, replies.failure_of(video.status, video.error or _reason(video)))

        return parse_poll(
            reply,
            lambda reply: replies.read(reply, _Video),
            lambda video: video.status,
            result_of,
            pending_of=lambda video, state: waiting(
                state, reply, replies.percentage(video.progress)
            ),
        )


class OpenAICompatible(OpenAIVideos):
    """A server whose delete request ends a job that waits or runs, and removes it."""

    profile = Profile(cancel_deletes_result=True)

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("DELETE", _path(operation, self._server))

    def parse_cancel(self, reply: HttpReply) -> CancelReply:
        """202: the server may stop the job. vLLM-Omni's 409: it is being stopped."""
        if reply.status == 409 and self._name == "vllm_omni":
            return CancelReply.REQUESTED
        stops = self._server.delete_stops_job
        return parse_cancel(reply, done=CancelReply.REMOVED if stops else CancelReply.REQUESTED)


def for_server(server: VideoServer | None = None) -> OpenAIVideos:
    """Return the adapter of a server; None is any other server of the API."""
    return (OpenAICompatible if SERVERS[server].cancels else OpenAIVideos)(server)


def _reason(video: _Video) -> str | None:
    """Return the reason of a failure in a field that gateways use in place of `error`."""
    texts = (video.fields.get(name) for name in REASON_FIELDS)
    return next((text for text in texts if isinstance(text, str) and text), None)


def _succeeded(path: str, video: _Video) -> PollResult:
    """Return the files that the reply links to or contains, or else the video's content.

    Each may be missing: a server with cloud storage has no content, others link to nothing.
    """
    content = Output(url=f"{path}/content", needs_key=True)
    files = linked_files(path, video.fields)
    if files:
        first = files[0].model_copy(update={"needs_key": True, "fallback": content})
        return Succeeded((first, *files[1:]))
    withheld = video.content_filter
    if withheld and withheld.filtered_count != 0 and not video.fields.get("videos"):
        reason = "; ".join(withheld.reasons)
        return Failed(replies.failure("content_filter", reason))
    return Succeeded((content,))


def _path(operation: dict[str, Any], server: Server) -> str:
    """Quote the id: LiteLLM's may contain a slash, Bifrost's contains a colon."""
    return f"/videos/{quote(operation['id'], safe='' if server.quotes_colon else ':')}"


def _fields(job: Job, server: Server) -> dict[str, Any]:
    request = job.request
    return {
        "model": job.upstream_model,
        "prompt": request.prompt,
        "seconds": None if request.seconds is None else str(request.seconds),
        "size": request.size,
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        server.audio_field: request.generate_audio,
        **request.provider_options,
    }


def _json_files(job: Job) -> dict[str, JsonFile]:
    """Return the files of a JSON create call: the image inside it, the video as a link."""
    check_roles(job.request, "the provider", Role.IMAGE, Role.SOURCE_VIDEO)
    image, source = (job.request.file(role) for role in (Role.IMAGE, Role.SOURCE_VIDEO))
    return {
        **({"input_reference": JsonFile(image, "data_url")} if image else {}),
        **({"video_uri": JsonFile(source, "link")} if source else {}),
    }

"""Any upstream that speaks the OpenAI Videos API: vLLM-Omni, SGLang, LiteLLM, Bifrost, Rushes."""

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import JobError, Output
from rushes.ports import FormFile, HttpCall, HttpReply
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

Form = dict[str, str | FormFile]

QUEUED = frozenset({"queued", "pending"})
WAITING = QUEUED | {"in_progress", "processing", "running"}
SUCCEEDED = frozenset({"completed", "succeeded"})
FAILED = frozenset({"failed", "cancelled", "canceled", "expired"})


class _Error(Reply):
    code: str | int | None = None
    message: str | None = None


class _Video(Reply):
    id: Annotated[str, Field(max_length=1000)]
    status: str
    progress: float | None = None
    error: _Error | str | None = None


class OpenAICompatible:
    profile = Profile()

    def submit(self, job: Job) -> HttpCall:
        """Multipart, as the newest SDKs send it and as the only form that vLLM-Omni takes."""
        request = job.request
        if source := request.file(Role.SOURCE_VIDEO):
            film = FormFile("source.mp4", source)
            model, prompt = job.upstream_model, request.prompt
            rework: Form = {"model": model, "prompt": prompt, "video": film}
            return HttpCall("POST", "/videos/edits", form=rework)
        form: Form = {
            name: _as_text(value) for name, value in _fields(job).items() if value is not None
        }
        if image := request.file(Role.IMAGE):
            form["input_reference"] = FormFile("reference", image)
        return HttpCall("POST", "/videos", form=form)

    def submitted(self, reply: HttpReply) -> Submitted:
        check_created(reply)
        return Submitted({"id": read(reply, _Video).id})

    def poll(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", _path(operation))

    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        check_answered(reply)
        video = read(reply, _Video)
        if video.status in WAITING:
            progress = None if video.progress is None else round(video.progress)
            return Pending(progress, retry_after(reply), queued=video.status in QUEUED)
        if video.status in SUCCEEDED:
            content = f"{_path(operation)}/content"
            return Succeeded((Output(url=content, needs_key=True),))
        if video.status in FAILED:
            return Failed(_failure(video))
        raise unknown_status(video.status)

    def cancel(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("DELETE", _path(operation))


def _failure(video: _Video) -> JobError:
    """In the provider's words: an object as a rule, bare text from some."""
    if isinstance(video.error, str):
        return failure(video.status, video.error)
    error = video.error or _Error()
    return failure(str(error.code or video.status), error.message)


def _path(operation: dict[str, Any]) -> str:
    """Ids are the upstream's own; LiteLLM's may hold a slash."""
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


def _as_text(value: object) -> str:
    """A multipart field's text, as the SDKs write it: booleans in lower case, the rest as it is."""
    return str(value).lower() if isinstance(value, bool) else str(value)

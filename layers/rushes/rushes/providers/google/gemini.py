"""Veo by the Gemini API: an operation that is asked after, and a film at an address."""

from typing import Any
from urllib.parse import quote

from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.ports import HttpCall, HttpReply
from rushes.providers.base import Pending, PollResult, Profile, Submitted
from rushes.providers.google.veo import Filtered, Named, Status, ended, instance, parameters
from rushes.providers.replies import Reply, check_answered, check_created, read, retry_after


class _File(Reply):
    uri: str


class _Sample(Reply):
    video: _File


class _Films(Filtered):
    generatedSamples: tuple[_Sample, ...] = ()  # noqa: N815 - Google's name


class _Response(Reply):
    generateVideoResponse: _Films = _Films()  # noqa: N815


class _Operation(Reply):
    done: bool = False
    error: Status | None = None
    response: _Response | None = None


class Gemini:
    profile = Profile(key_header="x-goog-api-key", key_scheme="", shortest_wait=5.0)

    def submit(self, job: Job) -> HttpCall:
        path = f"/models/{quote(job.upstream_model, safe='')}:predictLongRunning"
        body = {"instances": [instance(job)], "parameters": parameters(job)}
        return HttpCall("POST", path, json=body)

    def submitted(self, reply: HttpReply) -> Submitted:
        check_created(reply)
        return Submitted({"name": read(reply, Named).name})

    def poll(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", f"/{quote(operation['name'])}")

    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - the reply tells all
        check_answered(reply)
        answer = read(reply, _Operation)
        if not answer.done:
            return Pending(wait_seconds=retry_after(reply))
        films = answer.response.generateVideoResponse if answer.response else None
        samples = films.generatedSamples if films else ()
        outputs = [Output(url=it.video.uri, needs_key=True) for it in samples]
        return ended(answer.error, films, outputs)

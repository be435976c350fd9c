"""Adapter for Veo by the Gemini API: a long-running operation and a video URL."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.base import Pending, PollResult, Profile, Submitted
from rushes.providers.google.veo import Filtered, Named, result_of, veo_body


class _File(replies.Reply):
    uri: str


class _Sample(replies.Reply):
    video: _File


class _Videos(Filtered):
    generatedSamples: replies.Members[_Sample] = ()  # noqa: N815 - Google's name


class _Response(replies.Reply):
    generateVideoResponse: _Videos = _Videos()  # noqa: N815


class _Operation(replies.Reply):
    done: bool = False
    error: replies.ErrorObject | None = None
    response: _Response | None = None


class Gemini:
    profile = Profile(key_header="x-goog-api-key", key_scheme="", min_poll_seconds=5.0)

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        path = f"/models/{quote(job.upstream_model, safe='')}:predictLongRunning"
        return HttpCall("POST", path, json=veo_body(job, model))

    def parse_submit(self, reply: HttpReply) -> Submitted:
        return Submitted({"name": replies.parse_created(reply, Named).name})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", f"/{quote(operation['name'])}")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - contract
        state = replies.parse_reply(reply, _Operation)
        if not state.done:
            return Pending(wait_seconds=replies.retry_after(reply))
        videos = state.response.generateVideoResponse if state.response else None
        samples = videos.generatedSamples if videos else ()
        outputs = [Output(url=sample.video.uri, needs_key=True) for sample in samples]
        return result_of(state.error, videos, outputs)

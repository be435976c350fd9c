"""Adapter for Veo by the Gemini API: a long-running operation and a video URL."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.base import PollResult, Profile, Submitted
from rushes.providers.google.veo import (
    Filtered,
    Named,
    Operation,
    parse_operation,
    result_of,
    veo_body,
)
from rushes.providers.results import linked


class _File(replies.Reply):
    uri: str


class _Sample(replies.Reply):
    video: _File


class _Videos(Filtered):
    generatedSamples: replies.Members[_Sample] = ()  # noqa: N815 - Google's name


class _Response(replies.Reply):
    generateVideoResponse: _Videos = _Videos()  # noqa: N815


class _Operation(Operation):
    response: _Response | None = None


class Gemini:
    profile = Profile(
        key_header="x-goog-api-key", key_scheme="", min_poll_seconds=5.0, has_queue=False
    )

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        path = f"/models/{quote(job.upstream_model, safe='')}:predictLongRunning"
        return HttpCall("POST", path, json=veo_body(job, model))

    def parse_submit(self, reply: HttpReply) -> Submitted:
        return Submitted({"name": replies.parse_created(reply, Named).name})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", f"/{quote(operation['name'])}")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        path = self.poll_request(operation).path

        def outputs_of(found: _Operation) -> PollResult:
            videos = found.response.generateVideoResponse if found.response else None
            samples = videos.generatedSamples if videos else ()
            outputs = [_keyed(linked(path, sample.video.uri)) for sample in samples]
            return result_of(found.error, videos, outputs)

        return parse_operation(reply, _Operation, outputs_of)


def _keyed(output: Output) -> Output:
    return output.model_copy(update={"needs_key": True})

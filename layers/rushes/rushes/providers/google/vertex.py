"""Adapter for Veo by Vertex AI: a long-running operation whose reply contains the video."""

import re
from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, Output
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.base import Failed, PollResult, Profile, Submitted
from rushes.providers.google.veo import (
    Filtered,
    Named,
    Operation,
    parse_operation,
    result_of,
    veo_body,
)

_MODEL_OF_NAME = re.compile(r"(?:^|/)models/([^/]+)/operations/[^/]+$")


class _Video(replies.Reply):
    gcsUri: str | None = None  # noqa: N815 - Google's name
    bytesBase64Encoded: str | None = None  # noqa: N815
    mimeType: str | None = None  # noqa: N815


class _Videos(Filtered):
    videos: replies.Members[_Video] = ()


class _Operation(Operation):
    response: _Videos | None = None


class Vertex:
    profile = Profile(min_poll_seconds=5.0, has_queue=False)

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        body = veo_body(job, model, sampleCount=1)
        return HttpCall("POST", _path(job.upstream_model, "predictLongRunning"), json=body)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        """Extract the model from the operation's name: the poll URL contains it."""
        name = replies.parse_created(reply, Named).name
        model = _MODEL_OF_NAME.search(name)
        if model is None:
            shown = name[: replies.MAX_MESSAGE]
            raise UpstreamProtocolError(f"the operation {shown!r} has no model in its name")
        return Submitted({"name": name, "model": model[1]})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("POST", _poll_path(operation), json={"operationName": operation["name"]})

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        def outputs_of(found: _Operation) -> PollResult:
            videos = found.response.videos if found.response else ()
            for video in videos:
                if video.gcsUri and not video.bytesBase64Encoded:
                    return Failed(_in_google_bucket(video.gcsUri))
            outputs = [_inline(operation, index, video) for index, video in enumerate(videos)]
            return result_of(found.error, found.response, outputs)

        return parse_operation(reply, _Operation, outputs_of)


def _inline(operation: dict[str, Any], index: int, video: _Video) -> Output:
    """Refer to the video in the poll's reply, which is requested again to store it."""
    return Output(
        url=_poll_path(operation),
        content_type=video.mimeType,
        pointer=f"/response/videos/{index}/bytesBase64Encoded",
        json_body={"operationName": operation["name"]},
    )


def _in_google_bucket(uri: str) -> JobError:
    problem = f"the video is at {uri[:200]}, which Rushes cannot download"
    hint = "without storageUri the reply contains it"
    return JobError(code="bad_output", message=f"{problem}; {hint}")


def _poll_path(operation: dict[str, Any]) -> str:
    return _path(operation["model"], "fetchPredictOperation")


def _path(model: str, verb: str) -> str:
    return f"/models/{quote(model, safe='')}:{verb}"

"""Veo by Vertex AI: an operation that is asked after, and the film itself in its answer."""

import re
from typing import Any
from urllib.parse import quote

from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, Output
from rushes.ports import HttpCall, HttpReply
from rushes.providers.base import Failed, Pending, PollResult, Profile, Submitted
from rushes.providers.google.veo import Filtered, Named, Status, ended, instance, parameters
from rushes.providers.replies import (
    EXCERPT,
    Reply,
    check_answered,
    check_created,
    read,
    retry_after,
)

_MODEL_OF_NAME = re.compile(r"(?:^|/)models/([^/]+)/operations/[^/]+$")


class _Video(Reply):
    gcsUri: str | None = None  # noqa: N815 - Google's name
    bytesBase64Encoded: str | None = None  # noqa: N815
    mimeType: str | None = None  # noqa: N815


class _Films(Filtered):
    videos: tuple[_Video, ...] = ()


class _Operation(Reply):
    done: bool = False
    error: Status | None = None
    response: _Films | None = None


class Vertex:
    profile = Profile(shortest_wait=5.0)

    def submit(self, job: Job) -> HttpCall:
        wanted = {"sampleCount": 1, **parameters(job)}
        body = {"instances": [instance(job)], "parameters": wanted}
        return HttpCall("POST", _path(job.upstream_model, "predictLongRunning"), json=body)

    def submitted(self, reply: HttpReply) -> Submitted:
        """An operation is asked after by its model, which is a part of its name."""
        check_created(reply)
        name = read(reply, Named).name
        model = _MODEL_OF_NAME.search(name)
        if model is None:
            raise UpstreamProtocolError(
                f"the operation {name[:EXCERPT]!r} has no model in its name"
            )
        return Submitted({"name": name, "model": model[1]})

    def poll(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("POST", _poll_path(operation), json={"operationName": operation["name"]})

    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        check_answered(reply)
        answer = read(reply, _Operation)
        if not answer.done:
            return Pending(wait_seconds=retry_after(reply))
        videos = answer.response.videos if answer.response else ()
        for video in videos:
            if video.gcsUri and not video.bytesBase64Encoded:
                return Failed(_out_of_reach(video.gcsUri))
        outputs = [_inside(operation, place, video) for place, video in enumerate(videos)]
        return ended(answer.error, answer.response, outputs)


def _inside(operation: dict[str, Any], place: int, video: _Video) -> Output:
    """The film is in the poll's own answer, which is asked for once more to store it."""
    return Output(
        url=_poll_path(operation),
        content_type=video.mimeType,
        pointer=f"/response/videos/{place}/bytesBase64Encoded",
        json_body={"operationName": operation["name"]},
    )


def _out_of_reach(address: str) -> JobError:
    return JobError(
        code="bad_output",
        message=(
            f"the film is at {address[:200]}, which cannot be fetched from here;"
            " without storageUri it comes with the answer"
        ),
    )


def _poll_path(operation: dict[str, Any]) -> str:
    return _path(operation["model"], "fetchPredictOperation")


def _path(model: str, verb: str) -> str:
    return f"/models/{quote(model, safe='')}:{verb}"

"""Pipelet's document as the API of an upstream that the gateway calls."""

import base64
from typing import Any

from rushes.catalog.vendor_data import read_vendor
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.http import HttpCall, JsonFile
from tests.contract.requirements import pipelet_client
from tests.contract.requirements.bench import Bench, answer
from tests.contract.requirements.pipelet_client import I2V, T2V
from tests.contract.requirements.requirement import Requirements
from tests.harness import MP4_BYTES

PIPELET_UPSTREAM = requires = Requirements("pipelet", "upstream")

ONE = f"https://batch.pipelet.net/queue/{T2V}/requests/12"
PATH = f"/{T2V}/requests/12"
STATUS = f"GET {PATH}/status"
ACCEPTED = {
    "request_id": "12",
    "response_url": ONE,
    "status_url": f"{ONE}/status",
    "cancel_url": f"{ONE}/cancel",
}
QUEUED = {
    "status": "IN_QUEUE",
    "queue_position": 1,
    "statusMessages": {},
    "response_url": ONE,
}


def created(bench: Bench, model: str = T2V, **fields: Any) -> tuple[str, HttpCall]:
    """Create a job and submit it; return its id and the create call."""
    request_id = pipelet_client.create(bench, model, **fields)["request_id"]
    call = bench.submit(request_id, f"POST /{model}", answer(200, ACCEPTED))
    return request_id, call


def polled(bench: Bench, **status: Any) -> str:
    request_id, _ = created(bench)
    bench.poll(request_id, STATUS, answer(200, {"statusMessages": {}, **status}))
    return request_id


def failed(bench: Bench, **status: Any) -> Any:
    request_id = polled(bench, **status)
    return bench.finish(request_id)


@requires("base-url", "The API is at https://batch.pipelet.net/queue.")
def _(_: Bench) -> None:
    assert read_vendor("pipelet").vendor.base_url == "https://batch.pipelet.net/queue"


@requires("bearer", "The create call has Authorization: Bearer and the token.")
def _(bench: Bench) -> None:
    profile = bench.provider("pipelet").profile
    assert (profile.key_header, profile.key_scheme) == ("authorization", "Bearer")


@requires("create", "POST /queue/:modelId with JSON creates a request.")
def _(bench: Bench) -> None:
    _, call = created(bench)
    assert (call.method, call.path) == ("POST", f"/{T2V}")
    assert call.json is not None


@requires("prompt", "The body has the prompt.")
def _(bench: Bench) -> None:
    assert created(bench, prompt="a kite")[1].json["prompt"] == "a kite"


@requires("extras", "The body has duration, width and height as numbers.")
def _(bench: Bench) -> None:
    _, call = created(bench, duration=7, width=832, height=480)
    sent = {name: call.json[name] for name in ("duration", "width", "height")}
    assert sent == {"duration": 7, "width": 832, "height": 480}


@requires("data-uri", "An image-to-video body has the image as base64 in data_uri.")
def _(bench: Bench) -> None:
    _, call = created(bench, I2V)
    image = call.json["data_uri"]
    assert isinstance(image, JsonFile)
    assert image.form == "base64"


@requires("only-height", "An image-to-video body has the height 720 or 480 and no width.")
def _(bench: Bench) -> None:
    _, call = created(bench, I2V, height=480)
    assert call.json["height"] == 480
    assert "width" not in call.json


@requires("limits", "What exceeds the limits of size and length is never sent.")
def _(bench: Bench) -> None:
    pipelet_client.refused(bench, width=1280, height=720, duration=6)
    assert bench.sent() == []


@requires("output-binary", "x-pipelet-output: binary asks for a URL in place of base64.")
def _(bench: Bench) -> None:
    assert created(bench)[1].headers["x-pipelet-output"] == "binary"


@requires("request-id", "request_id of the response is the handle of later requests.")
def _(bench: Bench) -> None:
    operation = bench.job(created(bench)[0]).operation
    assert operation
    assert operation["id"] == "12"


@requires("status-url", "status_url is polled.")
def _(bench: Bench) -> None:
    polled(bench, **QUEUED)
    assert (bench.sent()[-1].method, bench.sent()[-1].path) == ("GET", f"{PATH}/status")


@requires("in-queue", "IN_QUEUE: the job is queued.")
def _(bench: Bench) -> None:
    assert bench.job(polled(bench, **QUEUED)).status is JobStatus.QUEUED


@requires("queue-position", "queue_position is kept with the job.")
def _(bench: Bench) -> None:
    assert bench.job(polled(bench, **{**QUEUED, "queue_position": 4})).queue_position == 4


@requires("in-progress", "IN_PROGRESS: the job is running.")
def _(bench: Bench) -> None:
    assert bench.job(polled(bench, status="IN_PROGRESS")).status is JobStatus.IN_PROGRESS


@requires("progress", "`Progress: 4/24 Tasks done` is 16 percent.")
def _(bench: Bench) -> None:
    messages = {"message": "PROCESSING", "detail_message": "Progress: 4/24 Tasks done"}
    request_id = polled(bench, status="IN_PROGRESS", statusMessages=messages)
    assert bench.job(request_id).progress == 16


@requires("typical-seconds", "A 480p video takes 90 seconds and a 720p video 180.")
def _(bench: Bench) -> None:
    model = bench.catalog.find(f"pipelet/{T2V}")
    assert 90 <= model.typical_seconds <= 180


def stored(bench: Bench, video: dict[str, str], url: str) -> Any:
    """Complete a job whose result is `video`; return the job and the artifact's bytes."""
    request_id, _ = created(bench)
    bench.upstream(f"GET {PATH}", answer(200, {"video": video}))
    bench.poll(request_id, STATUS, answer(200, {"status": "COMPLETED", "statusMessages": {}}))
    job = bench.collect(request_id, url)
    return job, bench.caller.blobs.read(job.artifacts[0].key)


@requires("result", "COMPLETED: the result is at response_url.")
def _(bench: Bench) -> None:
    url = "https://bucket.example/13.mp4"
    job, _ = stored(bench, {"data_uri": url, "data_url": url}, url)
    assert f"GET {PATH}" in [f"{call.method} {call.path}" for call in bench.sent()]
    assert job.status is JobStatus.COMPLETED


@requires("result-base64", "video.data_uri may be the MP4 file in base64.")
def _(bench: Bench) -> None:
    job, content = stored(bench, {"data_uri": base64.b64encode(MP4_BYTES).decode()}, PATH)
    assert (job.artifacts[0].content_type, content) == ("video/mp4", MP4_BYTES)


@requires("result-url", "video.data_uri may be a presigned S3 URL.")
def _(bench: Bench) -> None:
    url = "https://bucket.s3.amazonaws.com/13.mp4?X-Amz-Signature=1"
    assert stored(bench, {"data_uri": url}, url)[1] == MP4_BYTES


@requires("failed", "FAILED: the job fails with the text of statusMessages.")
def _(bench: Bench) -> None:
    messages = {"message": "Job failed", "detail_message": "CUDA out of memory"}
    job = failed(bench, status="FAILED", statusMessages=messages)
    assert job.status is JobStatus.FAILED
    assert job.error.message


@requires("cancelled", "CANCELLED: the job is cancelled.")
def _(bench: Bench) -> None:
    assert failed(bench, status="CANCELLED").status is JobStatus.CANCELLED


def cancelled(bench: Bench, status: dict[str, Any], reply_status: int) -> Any:
    request_id = polled(bench, **status)
    bench.upstream(f"PUT {PATH}/cancel", answer(reply_status, {}))
    bench.harness.service.cancel("alice", request_id)
    bench.harness.poll(bench.job(request_id))
    return bench.job(request_id)


@requires("cancel", "PUT cancel_url cancels a request in the queue.")
def _(bench: Bench) -> None:
    cancelled(bench, QUEUED, 204)
    assert f"PUT {PATH}/cancel" in [f"{call.method} {call.path}" for call in bench.sent()]


@requires("cancel-204", "204: the request is cancelled.")
def _(bench: Bench) -> None:
    assert cancelled(bench, QUEUED, 204).upstream_cancelled is UpstreamCancelled.YES


@requires("cancel-409", "409: it has started, and the provider goes on.")
def _(bench: Bench) -> None:
    job = cancelled(bench, {"status": "IN_PROGRESS"}, 409)
    assert job.upstream_cancelled is not UpstreamCancelled.YES

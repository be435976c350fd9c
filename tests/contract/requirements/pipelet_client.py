"""Pipelet's document as the API that the gateway serves to clients."""

import base64
import re
from functools import partial
from typing import Any

from tests.contract.requirements.bench import Bench, answer
from tests.contract.requirements.requirement import Requirements
from tests.harness import MP4_BYTES
from tests.unit.dialects.api_client import BASE_URL, PNG, Reply

PIPELET_CLIENT = requires = Requirements("pipelet", "client")

T2V, I2V = "wan22-fast-t2v", "wan22-fast-i2v"
MODELS = tuple(model + tier for model in (T2V, I2V) for tier in ("", "-premium", "-pro"))
SIZES = ("1280x720", "720x1280", "480x832", "832x480", "512x512", "768x768")
IMAGE = base64.b64encode(PNG).decode()
LARGE = 9 * 1024 * 1024
"""Bytes of a video that no Lambda response can contain."""


def body_of(model: str = T2V, **fields: Any) -> dict[str, Any]:
    image = {} if "t2v" in model else {"data_uri": IMAGE}
    return {"prompt": "A cat wearing a superman cape", **image, **fields}


def create(bench: Bench, model: str = T2V, **fields: Any) -> Any:
    return bench.ok("POST", f"/queue/{model}", body_of(model, **fields))


def refused(bench: Bench, model: str = T2V, **fields: Any) -> Reply:
    return bench.refused(400, "POST", f"/queue/{model}", body_of(model, **fields))


def path_of(created: Any, name: str) -> str:
    return str(created[name]).removeprefix(BASE_URL)


def status_of(bench: Bench, created: Any) -> Any:
    return bench.ok("GET", path_of(created, "status_url"))


def cancelled(bench: Bench, created: Any) -> Reply:
    return bench.call("PUT", path_of(created, "cancel_url"))


def submitted(bench: Bench, *statuses: dict[str, Any]) -> Any:
    """Create a job that the upstream accepts, and poll once for each status of it."""
    created = create(bench)
    one = "https://batch.pipelet.net/queue/wan22-fast-t2v/requests/12"
    urls = {"response_url": one, "status_url": f"{one}/status", "cancel_url": f"{one}/cancel"}
    accepted = answer(200, {"request_id": "12", **urls})
    bench.submit(created["request_id"], f"POST /{T2V}", accepted)
    replies = (answer(200, {"response_url": one, **status}) for status in statuses)
    for reply in replies:
        bench.poll(created["request_id"], f"GET /{T2V}/requests/12/status", reply)
    return created


def completed(bench: Bench, content: bytes = MP4_BYTES, **headers: str) -> Any:
    created = bench.call("POST", f"/queue/{T2V}", body_of(), **headers).json
    bench.complete(created["request_id"], content)
    return created


def result_of(bench: Bench, created: Any) -> Any:
    return bench.ok("GET", path_of(created, "response_url"))


@requires("create", "POST /queue/:modelId creates a request.")
def _(bench: Bench) -> None:
    assert bench.job(create(bench)["request_id"]).request.model == T2V


for _model in MODELS:
    requires.add(f"model-{_model}", f"{_model} is a model.", partial(create, model=_model))


@requires("content-type", "The request has Content-Type: application/json.")
def _(bench: Bench) -> None:
    answered = bench.call("POST", f"/queue/{T2V}", body_of(), content_type="application/json")
    assert answered.status == 200


@requires("bearer", "The request has Authorization: Bearer and the token.")
def _(bench: Bench) -> None:
    assert bench.call("POST", f"/queue/{T2V}", body_of(), authorization="Bearer x").status == 401


@requires("prompt", "A text-to-video request gives a prompt, which reaches the job.")
def _(bench: Bench) -> None:
    created = create(bench, prompt="a kite")
    assert bench.job(created["request_id"]).request.prompt == "a kite"


@requires("data-uri", "An image-to-video request gives the image as base64 in data_uri.")
def _(bench: Bench) -> None:
    job = bench.job(create(bench, I2V)["request_id"])
    (image,) = job.request.inputs
    assert image.file
    assert bench.caller.blobs.read(image.file.key) == PNG


@requires("data-uri-lines", "data_uri may be the output of `base64 -i`, which has line breaks.")
def _(bench: Bench) -> None:
    create(bench, I2V, data_uri=f"{IMAGE[:20]}\n{IMAGE[20:]}\n")


@requires("data-uri-needed", "An image-to-video request without data_uri is an error.")
def _(bench: Bench) -> None:
    bench.refused(400, "POST", f"/queue/{I2V}", {"prompt": "a kite"})


@requires("extras-optional", "duration, width and height are optional.")
def _(bench: Bench) -> None:
    request = bench.job(create(bench)["request_id"]).request
    assert (request.seconds, request.size) == (5, "1280x720")


@requires("duration", "duration is the length of the video in seconds.")
def _(bench: Bench) -> None:
    assert bench.job(create(bench, duration=3)["request_id"]).request.seconds == 3


@requires("width-height", "width and height are the resolution of the video.")
def _(bench: Bench) -> None:
    created = create(bench, width=480, height=832)
    assert bench.job(created["request_id"]).request.size == "480x832"


def check_size(bench: Bench, size: str) -> None:
    width, height = map(int, size.split("x"))
    created = create(bench, width=width, height=height, duration=5)
    assert bench.job(created["request_id"]).request.size == size


for _size in SIZES:
    requires.add(
        f"size-{_size}", f"Text-to-video models render {_size}.", partial(check_size, size=_size)
    )


@requires("other-sizes", "Other sizes are errors.")
def _(bench: Bench) -> None:
    refused(bench, width=640, height=360)


def check_height(bench: Bench, height: int) -> None:
    create(bench, I2V, height=height)


for _height in (720, 480):
    requires.add(
        f"height-{_height}",
        f"Image-to-video models accept the height {_height}.",
        partial(check_height, height=_height),
    )


@requires("other-heights", "Image-to-video models accept no other height.")
def _(bench: Bench) -> None:
    refused(bench, I2V, height=1080)


@requires("only-height", "Image-to-video models use the height only.")
def _(bench: Bench) -> None:
    create(bench, I2V, width=999, height=480)


@requires("max-720p", "A 720p video has at most 5 seconds.")
def _(bench: Bench) -> None:
    create(bench, I2V, height=720, duration=5)
    refused(bench, I2V, height=720, duration=6)
    refused(bench, width=1280, height=720, duration=6)


@requires("max-480p", "A 480p video has at most 7 seconds.")
def _(bench: Bench) -> None:
    create(bench, width=832, height=480, duration=7)
    refused(bench, width=832, height=480, duration=8)


@requires("example", "The document's example request is accepted as printed.")
def _(bench: Bench) -> None:
    fields = {"prompt": "A cat wearing a superman cape playing with a dog", "data_uri": IMAGE}
    bench.ok("POST", f"/queue/{I2V}", {**fields, "duration": 5, "height": 720})


@requires("request-id", "The response has request_id, a text.")
def _(bench: Bench) -> None:
    assert isinstance(create(bench)["request_id"], str)


def check_url(bench: Bench, name: str, suffix: str) -> None:
    created = create(bench)
    expected = f"{BASE_URL}/queue/{T2V}/requests/{created['request_id']}{suffix}"
    assert created[name] == expected


for _name, _suffix in (("response_url", ""), ("status_url", "/status"), ("cancel_url", "/cancel")):
    requires.add(
        _name.replace("_", "-"),
        f"The response has {_name}, .../queue/:modelId/requests/:requestId{_suffix}.",
        partial(check_url, name=_name, suffix=_suffix),
    )


@requires("status-queued", "A request that has not started has the status IN_QUEUE.")
def _(bench: Bench) -> None:
    assert status_of(bench, create(bench))["status"] == "IN_QUEUE"


@requires("status-queued-upstream", "It is IN_QUEUE as long as it waits at the provider.")
def _(bench: Bench) -> None:
    created = submitted(bench, {"status": "IN_QUEUE", "queue_position": 1, "statusMessages": {}})
    assert status_of(bench, created)["status"] == "IN_QUEUE"


@requires("queue-position", "queue_position is the number of requests in front, from 0.")
def _(bench: Bench) -> None:
    created = submitted(bench, {"status": "IN_QUEUE", "queue_position": 3, "statusMessages": {}})
    assert status_of(bench, created)["queue_position"] == 3


@requires("queue-messages", "statusMessages of a queued request is an empty object.")
def _(bench: Bench) -> None:
    assert status_of(bench, create(bench))["statusMessages"] == {}


@requires("status-response-url", "A status has the response_url.")
def _(bench: Bench) -> None:
    created = create(bench)
    assert status_of(bench, created)["response_url"] == created["response_url"]


RUNNING = {
    "status": "IN_PROGRESS",
    "statusMessages": {
        "message": "PROCESSING",
        "detail_message": "Progress: 4/24 Tasks done",
    },
}


@requires("status-running", "A request that has started has the status IN_PROGRESS.")
def _(bench: Bench) -> None:
    assert status_of(bench, submitted(bench, RUNNING))["status"] == "IN_PROGRESS"


@requires("running-message", "statusMessages.message of a running request is PROCESSING.")
def _(bench: Bench) -> None:
    messages = status_of(bench, submitted(bench, RUNNING))["statusMessages"]
    assert messages["message"] == "PROCESSING"


@requires("running-progress", "statusMessages.detail_message is `Progress: n/m Tasks done`.")
def _(bench: Bench) -> None:
    messages = status_of(bench, submitted(bench, RUNNING))["statusMessages"]
    done = re.fullmatch(r"Progress: (\d+)/(\d+) Tasks done", messages["detail_message"])
    assert done
    assert 0.1 < int(done[1]) / int(done[2]) < 0.2


@requires("status-completed", "A finished request has the status COMPLETED.")
def _(bench: Bench) -> None:
    assert status_of(bench, completed(bench))["status"] == "COMPLETED"


@requires("status-failed", "A failed request has the status FAILED.")
def _(bench: Bench) -> None:
    created = submitted(bench, {"status": "FAILED", "statusMessages": {"message": "CUDA"}})
    bench.finish(created["request_id"])
    assert status_of(bench, created)["status"] == "FAILED"


@requires("failed-messages", "statusMessages of a failed request says why.")
def _(bench: Bench) -> None:
    created = submitted(bench, {"status": "FAILED", "statusMessages": {"message": "CUDA"}})
    bench.finish(created["request_id"])
    assert status_of(bench, created)["statusMessages"]["message"]


@requires("status-cancelled", "A cancelled request has the status CANCELLED.")
def _(bench: Bench) -> None:
    created = create(bench)
    cancelled(bench, created)
    bench.harness.submit(bench.job(created["request_id"]))
    bench.finish(created["request_id"])
    assert status_of(bench, created)["status"] == "CANCELLED"


@requires("cancel-queued", "PUT .../cancel of a request that has not started answers 204.")
def _(bench: Bench) -> None:
    assert cancelled(bench, create(bench)).status == 204


@requires("cancel-no-content", "The 204 response has no content.")
def _(bench: Bench) -> None:
    answered = cancelled(bench, create(bench))
    assert (answered.status, answered.text) == (204, "")


@requires("cancel-queued-upstream", "A request that waits at the provider can be cancelled.")
def _(bench: Bench) -> None:
    created = submitted(bench, {"status": "IN_QUEUE", "queue_position": 1, "statusMessages": {}})
    bench.upstream(f"PUT /{T2V}/requests/12/cancel", answer(204, {}))
    assert cancelled(bench, created).status == 204
    bench.harness.poll(bench.job(created["request_id"]))
    assert ("PUT", f"/{T2V}/requests/12/cancel") in [
        (call.method, call.path) for call in bench.sent()
    ]


@requires("cancel-started", "The cancel of a request that has started answers 409.")
def _(bench: Bench) -> None:
    assert cancelled(bench, submitted(bench, RUNNING)).status == 409


@requires("cancel-finished", "The cancel of a finished request answers 409.")
def _(bench: Bench) -> None:
    assert cancelled(bench, completed(bench)).status == 409


@requires("result", "GET response_url of a completed request has video.data_uri.")
def _(bench: Bench) -> None:
    assert result_of(bench, completed(bench))["video"]["data_uri"]


@requires("result-base64", "video.data_uri is the MP4 file in base64.")
def _(bench: Bench) -> None:
    video = result_of(bench, completed(bench))["video"]
    assert base64.b64decode(video["data_uri"], validate=True) == MP4_BYTES


@requires("result-large", "The printed command decodes a video of any size.")
def _(bench: Bench) -> None:
    content = MP4_BYTES + bytes(LARGE)
    created = completed(bench, content)
    answered = bench.call("GET", path_of(created, "response_url"))
    if answered.status in (302, 303, 307):  # to a server whose responses may have any length
        assert answered.headers["location"]
        return
    assert answered.status == 200
    assert base64.b64decode(answered.json["video"]["data_uri"], validate=True) == content


@requires("result-no-garbage", "It never decodes anything else than the video.")
def _(bench: Bench) -> None:
    """`jq` fails at a `video` without members, and prints `null` if there is no `video`."""
    created = completed(bench, MP4_BYTES + bytes(LARGE))
    answered = bench.call("GET", path_of(created, "response_url"))
    if answered.status != 200:
        assert isinstance(answered.json["video"], str | list | bool)


@requires("result-early", "The result of a request that has not finished is an error.")
def _(bench: Bench) -> None:
    created = create(bench)
    answered = bench.call("GET", path_of(created, "response_url"))
    assert answered.status == 400
    assert answered.json["detail"]


@requires("output-binary", "With x-pipelet-output: binary the result is a presigned S3 URL.")
def _(bench: Bench) -> None:
    created = completed(bench, x_pipelet_output="binary")
    assert result_of(bench, created)["video"]["data_uri"].startswith("https://")


@requires("output-default", "Without the header the response body has the video itself.")
def _(bench: Bench) -> None:
    assert not result_of(bench, completed(bench))["video"]["data_uri"].startswith("https://")


def check_unknown(bench: Bench, method: str, suffix: str) -> None:
    bench.refused(404, method, f"/queue/{T2V}/requests/job_018bcfe56800000000000000{suffix}")


for _method, _suffix in (("GET", ""), ("GET", "/status"), ("PUT", "/cancel")):
    requires.add(
        f"unknown{_suffix.replace('/', '-') or '-result'}",
        f"{_method} of an unknown request{_suffix and f' ({_suffix})'} is 404.",
        partial(check_unknown, method=_method, suffix=_suffix),
    )

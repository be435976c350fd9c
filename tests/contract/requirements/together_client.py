"""Together's document as the API that the gateway serves to clients."""

from functools import partial
from typing import Any

from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.contract.requirements.bench import Bench
from tests.contract.requirements.requirement import Requirements

TOGETHER_CLIENT = requires = Requirements("together", "client")

VIDEOS = "/v2/videos"
FIELDS = {"model": "minimax/hailuo-02", "prompt": "a kite", "seconds": "6"}
SIZED = {"width": 1366, "height": 768}
REQUIRED = ("id", "model", "status", "size", "seconds", "created_at")
PNG_URL = "https://images.example/kite.png"
MP4_URL = "https://videos.example/kite.mp4"
MP3_URL = "https://sounds.example/kite.mp3"
FAILURE = JobError(code="upstream_failed", message="The render was interrupted.")


def create(bench: Bench, **fields: Any) -> Any:
    return bench.ok("POST", VIDEOS, {**FIELDS, **SIZED, **fields})


def retrieved(bench: Bench, video_id: str) -> Any:
    return bench.ok("GET", f"{VIDEOS}/{video_id}")


def completed(bench: Bench, cost: float | None = None) -> Any:
    video_id = create(bench)["id"]
    bench.complete(video_id)
    bench.caller.change(
        video_id, lambda job: job.model_copy(update={"cost": cost, "version": job.version + 1})
    )
    return retrieved(bench, video_id)


def failed(bench: Bench) -> Any:
    return retrieved(bench, bench.end(bench.job(create(bench)["id"]), JobStatus.FAILED, FAILURE))


def running(bench: Bench) -> Any:
    video_id = create(bench)["id"]
    bench.caller.submitted(video_id)
    return retrieved(bench, video_id)


@requires("create", "POST /videos creates a video job.")
def _(bench: Bench) -> None:
    assert bench.job(create(bench)["id"]).request.model == "minimax/hailuo-02"


@requires("completed-at", "completed_at is the Unix time of completion.")
def _(bench: Bench) -> None:
    video = completed(bench)
    assert isinstance(video["completed_at"], int)
    assert video["completed_at"] >= video["created_at"]


@requires("created-at", "created_at is the Unix time of creation.")
def _(bench: Bench) -> None:
    assert create(bench)["created_at"] == int(bench.caller.clock())


@requires("error", "error is present on a failed job.")
def _(bench: Bench) -> None:
    assert isinstance(failed(bench)["error"], dict)


@requires("error-code", "error.code is the error's code, a text.")
def _(bench: Bench) -> None:
    assert failed(bench)["error"]["code"] == "upstream_failed"


@requires("error-message", "error.message is always present, and readable.")
def _(bench: Bench) -> None:
    assert failed(bench)["error"]["message"] == "The render was interrupted."


@requires("error-absent", "A job that did not fail has no error.")
def _(bench: Bench) -> None:
    assert "error" not in completed(bench)


@requires("model", "model is the model of the job.")
def _(bench: Bench) -> None:
    assert completed(bench)["model"] == "minimax/hailuo-02"


@requires("object", "object is `video`.")
def _(bench: Bench) -> None:
    assert create(bench)["object"] == "video"


@requires("outputs", "outputs is present on completion.")
def _(bench: Bench) -> None:
    assert set(completed(bench)["outputs"]) == {"cost", "video_url"}


@requires("outputs-early", "outputs is absent before.")
def _(bench: Bench) -> None:
    assert "outputs" not in running(bench)


@requires("cost", "outputs.cost is the cost of the job.")
def _(bench: Bench) -> None:
    assert completed(bench, 2.0)["outputs"]["cost"] == 2


@requires("cost-integer", "outputs.cost is an integer.")
def _(bench: Bench) -> None:
    assert isinstance(completed(bench, 0.49)["outputs"]["cost"], int)


@requires("cost-always", "outputs.cost is always present.")
def _(bench: Bench) -> None:
    assert completed(bench, None)["outputs"]["cost"] is not None


@requires("video-url", "outputs.video_url is a URL of the video.")
def _(bench: Bench) -> None:
    url = completed(bench)["outputs"]["video_url"]
    assert bench.caller.blobs.read(bench.caller.blobs.key_of(url) or "")


@requires("seconds", "seconds is the length of the video, a text.")
def _(bench: Bench) -> None:
    assert create(bench)["seconds"] == "6"


@requires("seconds-default", "It is present if the request has none.")
def _(bench: Bench) -> None:
    body = {name: value for name, value in FIELDS.items() if name != "seconds"}
    assert bench.ok("POST", VIDEOS, body)["seconds"] == "6"


@requires("size", "size is the resolution of the video.")
def _(bench: Bench) -> None:
    assert create(bench)["size"] == "1366x768"


@requires("size-default", "It is a resolution if the request has none.")
def _(bench: Bench) -> None:
    assert bench.ok("POST", VIDEOS, FIELDS)["size"] == "1366x768"


def check_size(bench: Bench, **fields: Any) -> None:
    body = {"model": "Wan-AI/wan2.7-t2v", "prompt": "a kite", **fields}
    width, _, height = bench.ok("POST", VIDEOS, body)["size"].partition("x")
    assert int(width) > 0
    assert int(height) > 0


requires.add(
    "size-of-resolution",
    "It is a resolution for a model of resolution and ratio.",
    partial(check_size, resolution="720P", ratio="9:16"),
)
requires.add(
    "size-of-no-resolution",
    "It is a resolution for such a model if the request has none.",
    check_size,
)


@requires("status-in-progress", "The status is in_progress while the job is processed.")
def _(bench: Bench) -> None:
    assert create(bench)["status"] == running(bench)["status"] == "in_progress"


@requires("status-completed", "The status is completed on success.")
def _(bench: Bench) -> None:
    assert completed(bench)["status"] == "completed"


@requires("status-failed", "The status is failed on an error.")
def _(bench: Bench) -> None:
    assert failed(bench)["status"] == "failed"


@requires("status-enum", "There is no other status, also for a cancelled job.")
def _(bench: Bench) -> None:
    video_id = bench.end(bench.job(create(bench)["id"]), JobStatus.CANCELLED)
    assert retrieved(bench, video_id)["status"] == "failed"


def check_required(bench: Bench, name: str) -> None:
    for video in (create(bench), running(bench), failed(bench), completed(bench)):
        assert video[name] not in (None, "")


for _name in REQUIRED:
    requires.add(
        f"required-{_name}",
        f"{_name} is in every response.",
        partial(check_required, name=_name),
    )


@requires("error-response", "A refused request has an error with message and code.")
def _(bench: Bench) -> None:
    error = bench.refused(400, "POST", VIDEOS, {"model": "none/none", "prompt": "x"}).json["error"]
    assert error["message"]
    assert error["code"]


@requires("schema-title", "The schema of a job has the title `Video job`.")
def _(bench: Bench) -> None:
    assert job_schema(bench)


@requires("schema-description", "The schema of a job has a description.")
def _(bench: Bench) -> None:
    assert job_schema(bench)["description"]


@requires("schema-required", "The schema's required fields include the document's.")
def _(bench: Bench) -> None:
    assert {*REQUIRED} <= {*job_schema(bench)["required"]}


def job_schema(bench: Bench) -> dict[str, Any]:
    """Return the schema of Together's jobs in the gateway's API description."""
    schemas = schemas_in(bench.ok("GET", "/openapi.json"))
    titled = [schema for schema in schemas if schema.get("title") == "Video job"]
    found = [schema for schema in titled if "outputs" in schema["properties"]]
    assert found
    return found[0]


def schemas_in(value: Any) -> list[dict[str, Any]]:
    """Return all JSON objects in a document."""
    members = value.values() if isinstance(value, dict) else value
    nested = members if isinstance(value, dict | list) else ()
    found = [schema for member in nested for schema in schemas_in(member)]
    return [value, *found] if isinstance(value, dict) else found


def roles(bench: Bench, **fields: Any) -> list[str]:
    """Return the roles of the files in the stored request."""
    body = {"prompt": "a kite", "model": "Wan-AI/wan2.7-r2v", **fields}
    job = bench.job(bench.ok("POST", VIDEOS, body)["id"])
    return [given.role.value for given in job.request.inputs]


@requires("media-frame-images", "media.frame_images has the first and the last frame.")
def _(bench: Bench) -> None:
    frames = [{"input_image": PNG_URL, "frame": frame} for frame in ("first", "last")]
    given = roles(bench, model="Wan-AI/wan2.7-i2v", media={"frame_images": frames})
    assert given == ["image", "last_frame"]


@requires("media-reference-images", "media.reference_images has several references.")
def _(bench: Bench) -> None:
    media = {"reference_images": [PNG_URL, "https://images.example/2.png"]}
    assert roles(bench, media=media) == ["reference", "reference"]


@requires("media-source-video", "media.source_video is a video to edit.")
def _(bench: Bench) -> None:
    media = {"source_video": {"video": MP4_URL}}
    assert roles(bench, model="Wan-AI/wan2.7-videoedit", media=media) == ["source_video"]


@requires("media-reference-videos", "media.reference_videos has videos of a subject or style.")
def _(bench: Bench) -> None:
    assert len(roles(bench, media={"reference_videos": [{"video": MP4_URL}]})) == 1


@requires("media-audio-inputs", "media.audio_inputs has sound.")
def _(bench: Bench) -> None:
    media = {"audio_inputs": [{"audio": MP3_URL}]}
    assert roles(bench, model="Wan-AI/wan2.7-t2v", media=media) == ["audio"]

"""Bifrost's document as the API of an upstream that the gateway calls."""

from typing import Any

from rushes.catalog.compile import compile_config
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.http import HttpCall, HttpReply, JsonFile
from tests.contract.requirements.bench import Bench, answer, download_error
from tests.contract.requirements.bifrost_client import DATA_URL
from tests.contract.requirements.requirement import Requirements
from tests.harness import MP4_BYTES
from tests.unit.dialects.api_client import ACCOUNT, BIFROST

BIFROST_UPSTREAM = requires = Requirements("bifrost", "upstream")

CONFIG = """
default_model = "bifrost/openai/sora-2"
[providers.bifrost]
models = ["*"]
base_url = "https://bifrost.example/v1"
"""
VIDEO_ID = "video_abc123:openai"
CREATE = "POST /videos"
ONE = f"GET /videos/{VIDEO_ID}"
FIELDS = {"model": "bifrost/openai/sora-2", "prompt": "a kite", "seconds": "4", "size": "1280x720"}
ERROR = {
    "is_bifrost_error": True,
    "status_code": 400,
    "error": {"type": "invalid_request_error", "code": "invalid_value", "message": "no such size"},
}


def video(status: str, **fields: Any) -> HttpReply:
    return answer(200, {"id": VIDEO_ID, "object": "video", "status": status, **fields})


def created(bench: Bench, reply: HttpReply | None = None, **fields: Any) -> tuple[str, HttpCall]:
    """Create a job with a Bifrost gateway as its only provider; submit it."""
    bench.use(compile_config(CONFIG))
    job_id = bench.ok("POST", BIFROST, {**FIELDS, **fields})["id"]
    return job_id, bench.submit(job_id, CREATE, reply or video("queued"))


def polled(bench: Bench, reply: HttpReply) -> str:
    job_id, _ = created(bench)
    bench.poll(job_id, ONE, reply)
    return job_id


@requires("create-json", "POST /v1/videos gets JSON.")
def _(bench: Bench) -> None:
    _, call = created(bench)
    assert call.form is None
    assert call.json is not None


@requires("model", "model is provider/model, as Bifrost names it.")
def _(bench: Bench) -> None:
    assert created(bench)[1].json["model"] == "openai/sora-2"


@requires("prompt", "prompt is sent.")
def _(bench: Bench) -> None:
    assert created(bench)[1].json["prompt"] == "a kite"


@requires("seconds", "seconds is a text.")
def _(bench: Bench) -> None:
    assert created(bench, seconds=8)[1].json["seconds"] == "8"


@requires("size", "size is sent.")
def _(bench: Bench) -> None:
    assert created(bench, size="720x1280")[1].json["size"] == "720x1280"


@requires("input-reference", "input_reference is a data URL.")
def _(bench: Bench) -> None:
    image = created(bench, input_reference=DATA_URL)[1].json["input_reference"]
    assert isinstance(image, JsonFile)
    assert image.form == "data_url"


@requires("audio", "audio is sent to models that take it.")
def _(bench: Bench) -> None:
    model = "bifrost/gemini/veo-3.1-generate-preview"
    call = created(bench, model=model, seconds="8", audio=True)[1]
    assert call.json["audio"] is True


@requires("bearer", "The call has Authorization: Bearer and the key.")
def _(bench: Bench) -> None:
    created(bench)
    profile = bench.provider("bifrost").profile
    assert (profile.key_header, profile.key_scheme) == ("authorization", "Bearer")


@requires("create-200", "200: the job's id is kept as `id:provider`.")
def _(bench: Bench) -> None:
    operation = bench.job(created(bench)[0]).operation
    assert operation
    assert operation["id"] == VIDEO_ID


@requires("create-400", "400: the job fails, and the operator sees Bifrost's message.")
def _(bench: Bench) -> None:
    job_id, _ = created(bench, answer(400, ERROR))
    job = bench.job(job_id)
    assert job.outcome
    assert job.outcome.error
    assert "no such size" in job.model_dump_json()


@requires("create-500", "500: whether a job was made is unknown, and none is made twice.")
def _(bench: Bench) -> None:
    job_id, _ = created(bench, answer(500, {**ERROR, "status_code": 500}))
    bench.harness.submit(bench.job(job_id))
    creates = [call for call in bench.sent() if call.path == "/videos"]
    assert len(creates) == 1


@requires("retrieve", "GET /v1/videos/{video_id} is called with `id:provider`.")
def _(bench: Bench) -> None:
    polled(bench, video("in_progress"))
    assert bench.sent()[-1].path == f"/videos/{VIDEO_ID}"


@requires("queued", "queued: the job is queued.")
def _(bench: Bench) -> None:
    assert bench.job(polled(bench, video("queued"))).status is JobStatus.QUEUED


@requires("in-progress", "in_progress: the job is running, with Bifrost's progress.")
def _(bench: Bench) -> None:
    job = bench.job(polled(bench, video("in_progress", progress=40.4)))
    assert (job.status, job.progress) == (JobStatus.IN_PROGRESS, 40)


def stored(bench: Bench, url: str, **fields: Any) -> bytes:
    job_id = polled(bench, video("completed", **fields))
    job = bench.collect(job_id, url)
    assert job.status is JobStatus.COMPLETED, job
    return bench.caller.blobs.read(job.artifacts[0].key)


@requires("content", "completed: the content is fetched from …/content with the key.")
def _(bench: Bench) -> None:
    assert stored(bench, f"/videos/{VIDEO_ID}/content") == MP4_BYTES


@requires("videos-url", "completed: the content is at the URL in `videos`, or at …/content.")
def _(bench: Bench) -> None:
    url = "https://files.example/video.mp4"
    entry = {"type": "url", "url": url, "content_type": "video/mp4"}
    job_id = polled(bench, video("completed", videos=[entry]))
    files = bench.harness.http_client.files
    files[f"/videos/{VIDEO_ID}/content"] = files[url] = MP4_BYTES
    bench.harness.collect(bench.job(job_id))
    assert bench.finish(job_id).status is JobStatus.COMPLETED


@requires("failed", "failed: the job fails with Bifrost's error code and message.")
def _(bench: Bench) -> None:
    error = {"code": "provider_failed", "message": "the render was interrupted"}
    job = bench.finish(polled(bench, video("failed", error=error)))
    assert job.status is JobStatus.FAILED
    assert job.error
    assert job.error.upstream_code == "provider_failed"


@requires("content-filter", "completed without videos and with content_filter: filtered.")
def _(bench: Bench) -> None:
    withheld = {"filtered_count": 1, "reasons": ["violence"]}
    job = bench.finish(polled(bench, video("completed", content_filter=withheld)))
    assert job.error
    assert job.error.code == "content_filtered"


@requires("retrieve-404", "404: the provider does not know the job.")
def _(bench: Bench) -> None:
    job = bench.job(polled(bench, answer(404, {**ERROR, "status_code": 404})))
    assert not job.is_finished
    assert job.failing_since


@requires("retrieve-500", "500: the poll is repeated.")
def _(bench: Bench) -> None:
    job_id = polled(bench, answer(500, {**ERROR, "status_code": 500}))
    assert bench.poll(job_id, ONE, video("in_progress")).status is JobStatus.IN_PROGRESS


@requires("content-404", "404 of the content (not yet available): the download is repeated.")
def _(bench: Bench) -> None:
    job_id = polled(bench, video("completed"))
    path = f"/videos/{VIDEO_ID}/content"
    bench.harness.http_client.files[path] = download_error(404)
    bench.harness.collect(bench.job(job_id))
    assert not bench.job(job_id).has_outcome
    assert bench.collect(job_id, path).status is JobStatus.COMPLETED


def deleted(bench: Bench, reply: HttpReply) -> Any:
    job_id = polled(bench, video("queued"))
    bench.upstream(f"DELETE /videos/{VIDEO_ID}", reply)
    bench.harness.service.cancel(ACCOUNT, job_id.partition(":")[0])
    bench.harness.poll(bench.job(job_id))
    return bench.job(job_id)


@requires("delete", "DELETE /v1/videos/{video_id} deletes a job that is cancelled.")
def _(bench: Bench) -> None:
    deleted(bench, answer(200, {"id": VIDEO_ID, "object": "video.deleted", "deleted": True}))
    assert f"DELETE /videos/{VIDEO_ID}" in [f"{call.method} {call.path}" for call in bench.sent()]


@requires("delete-400", "400 (a provider without delete): the cancel is not confirmed.")
def _(bench: Bench) -> None:
    job = deleted(bench, answer(400, ERROR))
    assert job.upstream_cancelled is not UpstreamCancelled.YES


@requires("remix", "POST …/remix remixes a video of the same gateway.")
def _(bench: Bench) -> None:
    job_id = polled(bench, video("completed"))
    bench.collect(job_id, f"/videos/{VIDEO_ID}/content")
    source = job_id.partition(":")[0]
    request = GenerationRequest(model="", prompt="dusk")
    remix = bench.harness.service.create(
        ACCOUNT, "bifrost", CreateRequest(request, source_id=source)
    ).job
    call = bench.submit(remix.id, f"POST /videos/{VIDEO_ID}/remix", video("queued"))
    assert call.json == {"prompt": "dusk"}

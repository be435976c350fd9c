"""Together's document as the API of an upstream that the gateway calls."""

from typing import Any

from rushes.catalog.vendor_data import read_vendor
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpCall, HttpReply
from tests.contract.requirements import together_client
from tests.contract.requirements.bench import Bench, answer
from tests.contract.requirements.requirement import Requirements
from tests.harness import MP4_BYTES

TOGETHER_UPSTREAM = requires = Requirements("together", "upstream")

CREATE, ONE = "POST /v2/videos", "GET /v2/videos/v-1"
URL = "https://files.together.example/v-1.mp4"
REQUIRED = {
    "id": "v-1",
    "model": "minimax/hailuo-02",
    "status": "in_progress",
    "size": "1366x768",
    "seconds": "6",
    "created_at": 1_800_000_000,
}


def video(**fields: Any) -> HttpReply:
    return answer(200, {**REQUIRED, **fields})


def created(bench: Bench, reply: HttpReply | None = None, **fields: Any) -> tuple[str, HttpCall]:
    job_id = together_client.create(bench, **fields)["id"]
    return job_id, bench.submit(job_id, CREATE, reply or video())


def polled(bench: Bench, **fields: Any) -> str:
    job_id, _ = created(bench)
    bench.poll(job_id, ONE, video(**fields))
    return job_id


def stored(bench: Bench, **outputs: Any) -> Any:
    job_id = polled(bench, status="completed", outputs={"video_url": URL, "cost": 1, **outputs})
    return bench.collect(job_id, URL)


@requires("base-url", "The API is at https://api.together.ai.")
def _(_: Bench) -> None:
    assert read_vendor("together").vendor.base_url == "https://api.together.ai"


@requires("create", "POST /videos of the second version is called with JSON.")
def _(bench: Bench) -> None:
    assert created(bench)[1].json is not None


@requires("model", "The body has the model, as Together names it.")
def _(bench: Bench) -> None:
    assert created(bench)[1].json["model"] == "minimax/hailuo-02"


@requires("seconds", "The body has seconds as a text.")
def _(bench: Bench) -> None:
    assert created(bench)[1].json["seconds"] == "6"


@requires("size", "The body has width and height.")
def _(bench: Bench) -> None:
    body = created(bench)[1].json
    assert (body["width"], body["height"]) == (1366, 768)


@requires("id", "id is the handle of later requests.")
def _(bench: Bench) -> None:
    operation = bench.job(created(bench)[0]).operation
    assert operation
    assert operation["id"] == "v-1"


@requires("required-only", "A response with the required fields only is understood.")
def _(bench: Bench) -> None:
    assert not bench.job(polled(bench)).failing_since


@requires("status-in-progress", "in_progress: the job is running.")
def _(bench: Bench) -> None:
    assert bench.job(polled(bench)).status is JobStatus.IN_PROGRESS


@requires("status-completed", "completed: the job completes.")
def _(bench: Bench) -> None:
    assert stored(bench).status is JobStatus.COMPLETED


@requires("video-url", "The video is fetched from outputs.video_url.")
def _(bench: Bench) -> None:
    assert bench.caller.blobs.read(stored(bench).artifacts[0].key) == MP4_BYTES


@requires("cost", "outputs.cost is the job's cost.")
def _(bench: Bench) -> None:
    assert stored(bench, cost=2).cost == 2


@requires("status-failed", "failed: the job fails.")
def _(bench: Bench) -> None:
    error = {"code": "render_failed", "message": "The render was interrupted."}
    job = bench.finish(polled(bench, status="failed", error=error))
    assert job.status is JobStatus.FAILED


@requires("error-code", "error.code is kept as the provider's code.")
def _(bench: Bench) -> None:
    error = {"code": "render_failed", "message": "The render was interrupted."}
    job = bench.finish(polled(bench, status="failed", error=error))
    assert job.error
    assert job.error.upstream_code == "render_failed"


@requires("error-no-code", "An error may have a message only.")
def _(bench: Bench) -> None:
    job = bench.finish(polled(bench, status="failed", error={"message": "no GPU"}))
    assert job.error
    assert job.error.message == "no GPU"


@requires("times", "created_at and completed_at may be any number.")
def _(bench: Bench) -> None:
    job_id = polled(bench, created_at=1_800_000_000.5, completed_at=1_800_000_060.25)
    assert not bench.job(job_id).failing_since


@requires("other-fields", "Fields that the document does not have are ignored.")
def _(bench: Bench) -> None:
    job_id = polled(bench, info={"queue": "a"}, inputs=[1], claimed_at=None)
    assert not bench.job(job_id).failing_since

"""The cost of a finished job, in each dialect."""

import pytest

from rushes.jobs.job import Job
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus, UpstreamCancelled
from tests.unit.dialects.api_client import ACCOUNT, VIDEO, Caller

VIDEO_FILE = Artifact(
    key="outputs/alice/one/0.mp4", content_type="video/mp4", size=len(VIDEO), sha256="0" * 64
)
PATHS = {
    "openai": ("/openai/v1/videos/{id}",),
    "bifrost": ("/v1/videos/{id}", "/bifrost/v1/videos/{id}:sandbox"),
    "together": ("/v2/videos/{id}", "/videos/{id}"),
    "pipelet": ("/pipelet/queue/video/requests/{id}/status", "/pipelet/queue/video/requests/{id}"),
    "fal": ("/fal/video/requests/{id}/status", "/fal/video/requests/{id}/response"),
    "tiyaro": ("/v1/async/requests/{id}",),
}
each_path = pytest.mark.parametrize("path", [path for paths in PATHS.values() for path in paths])


def completed(caller: Caller, cost: float | None) -> Job:
    job = caller.job(caller.create())
    caller.blobs.objects[VIDEO_FILE.key] = VIDEO
    caller.complete(job, VIDEO_FILE, cost=cost)
    found = caller.jobs.get(ACCOUNT, job.id)
    assert found
    return found


@each_path
@pytest.mark.parametrize(
    ("cost", "shown"), [(0.4, "0.40"), (0.0, "0.00"), (12.0, "12.00"), (0.123456, "0.123456")]
)
def test_finished_job_reports_its_cost(caller: Caller, path: str, cost: float, shown: str):
    job = completed(caller, cost)
    reply = caller.call("GET", path.replace("{id}", job.id))
    assert (reply.status, reply.headers["rushes-cost"]) == (200, shown)


@each_path
def test_open_job_reports_no_cost(caller: Caller, path: str):
    job = caller.job(caller.create())
    reply = caller.call("GET", path.replace("{id}", job.id))
    assert reply.status in (200, 202, 400)
    assert "rushes-cost" not in reply.headers


def test_unknown_price_is_no_cost_of_zero(caller: Caller):
    job = completed(caller, None)
    assert "rushes-cost" not in caller.call("GET", f"/openai/v1/videos/{job.id}").headers


@each_path
def test_failed_job_that_is_not_billed_costs_nothing(caller: Caller, path: str):
    job = caller.job(caller.create())
    caller.submitted(job.id)
    outcome = JobOutcome(
        status=JobStatus.FAILED, error=JobError(code="upstream_failed", message="no")
    )
    caller.change(job.id, lambda job: job.finished(caller.clock(), outcome, "run", 60))
    assert caller.call("GET", path.replace("{id}", job.id)).headers["rushes-cost"] == "0.00"


def test_cancelled_job_that_its_provider_continues_costs_its_estimate(caller: Caller):
    job = caller.job(caller.create())
    caller.submitted(job.id)
    now = caller.clock()
    caller.change(job.id, lambda job: job.cancelled_by_client(now, UpstreamCancelled.NO))
    outcome = JobOutcome(status=JobStatus.CANCELLED)
    caller.change(
        job.id,
        lambda job: job.finished(now, outcome, "run", 60).model_copy(update={"cost": 0.2}),
    )
    assert caller.call("GET", f"/v1/videos/{job.id}").headers["rushes-cost"] == "0.20"


@pytest.mark.parametrize(("cost", "shown"), [(0.28, 0.28), (2.0, 2), (0.0, 0)])
def test_togethers_outputs_have_the_cost(caller: Caller, cost: float, shown: float):
    job = completed(caller, cost)
    outputs = caller.call("GET", f"/v2/videos/{job.id}").json["outputs"]
    assert (outputs["cost"], type(outputs["cost"])) == (shown, type(shown))


def test_replayed_create_of_a_finished_job_reports_its_cost(caller: Caller):
    key = {"idempotency-key": "order-1"}
    body = {"model": "sandbox/video", "prompt": "a cat"}
    job = caller.job(caller.call("POST", "/openai/v1/videos", body, key))
    caller.complete(job, VIDEO_FILE, cost=0.4)
    again = caller.call("POST", "/openai/v1/videos", body, key)
    assert (again.json["id"], again.headers["rushes-cost"]) == (job.id, "0.40")

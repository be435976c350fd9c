"""Tests of the Pipelet dialect's responses."""

import base64
import json
from typing import Any

import pytest

from rushes.dialects.fal_queue.pipelet import MAX_INLINE_BYTES
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact, JobError
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import VIDEO, Caller, Reply, Texts, assert_refused_in_queue

MODEL = "/queue/sora-2"


def create(caller: Caller, headers: Texts = None) -> Reply:
    return caller.call("POST", MODEL, {"prompt": "a cat"}, headers)


def created(caller: Caller, headers: Texts = None) -> Job:
    return caller.job(create(caller, headers))


def status(caller: Caller, job_id: str) -> Any:
    return caller.call("GET", f"{MODEL}/requests/{job_id}/status").json


def messages(caller: Caller, job_id: str) -> Any:
    return status(caller, job_id)["statusMessages"]


def result(caller: Caller, job_id: str) -> Any:
    return caller.call("GET", f"{MODEL}/requests/{job_id}").json


def artifact(caller: Caller, size: int = len(VIDEO), content_type: str = "video/mp4") -> Artifact:
    caller.blobs.objects["outputs/0"] = VIDEO
    return Artifact(key="outputs/0", content_type=content_type, size=size, sha256="0" * 64)


def test_create_response_has_four_members(caller: Caller):
    reply = create(caller)
    assert list(reply.json) == ["request_id", "response_url", "status_url", "cancel_url"]


def test_status_has_progress_message_and_eta(caller: Caller):
    job_id = created(caller).id
    assert messages(caller, job_id) == {}
    caller.submitted(job_id)
    assert "etaSeconds" not in status(caller, job_id)
    caller.change(job_id, lambda job: job.progressed(caller.clock() + 30, 25))
    done = "Progress: 25/100 Tasks done"
    assert messages(caller, job_id) == {"message": "PROCESSING", "detail_message": done}
    assert status(caller, job_id)["etaSeconds"] == 90


def test_terminal_status_has_a_message(caller: Caller):
    completed = caller.finished_job(JobStatus.COMPLETED)
    assert messages(caller, completed) == {"message": "Job completed successfully"}
    refused = JobError(code="content_filtered", message="not that")
    failed = messages(caller, caller.finished_job(JobStatus.FAILED, refused))
    assert failed == {"message": refused.message, "detail_message": refused.code}


def test_result_inlines_video_as_base64(caller: Caller):
    job_id = caller.complete(created(caller), artifact(caller))
    assert result(caller, job_id) == {"video": {"data_uri": base64.b64encode(VIDEO).decode()}}


@pytest.mark.parametrize("size", [len(VIDEO), MAX_INLINE_BYTES + 1, 100_000_000])
def test_result_links_requested_binary_output(caller: Caller, size: int):
    headers = {"x-pipelet-output": "binary"}
    job_id = caller.complete(created(caller, headers), artifact(caller, size))
    video = result(caller, job_id)["video"]
    assert video["data_uri"] == video["data_url"]
    assert video["data_uri"].startswith("https://bucket.example/outputs/0")


@pytest.mark.parametrize("size", [MAX_INLINE_BYTES + 1, 6_000_000, 100_000_000])
@pytest.mark.parametrize("suffix", ["", "/response"])
def test_result_too_large_for_base64_is_an_error_with_a_link(
    caller: Caller, size: int, suffix: str
):
    """`.video.data_uri` of jq fails for it: a link would be decoded as if it were base64."""
    job_id = caller.complete(created(caller), artifact(caller, size))
    reply = caller.call("GET", f"{MODEL}/requests/{job_id}{suffix}")
    assert (reply.status, reply.json["video"]) == (406, False)
    assert reply.json["data_url"].startswith("https://bucket.example/outputs/0")
    assert f"{MAX_INLINE_BYTES} bytes (this one has {size})" in reply.json["detail"]
    assert "x-pipelet-output: binary" in reply.json["detail"]


def test_largest_inline_result_fits_into_a_lambda_response(caller: Caller):
    job_id = caller.complete(created(caller), artifact(caller, MAX_INLINE_BYTES))
    caller.blobs.objects["outputs/0"] = bytes(MAX_INLINE_BYTES)
    reply = caller.call("GET", f"{MODEL}/requests/{job_id}")
    assert reply.status == 200
    assert len(json.dumps(reply.text)) < 6_000_000


def test_result_is_named_by_modality(caller: Caller):
    job_id = caller.complete(created(caller), artifact(caller), modality="image")
    assert list(result(caller, job_id)) == ["image"]
    job_id = caller.complete(created(caller), document={"text": "hello"})
    assert result(caller, job_id) == {"text": "hello"}


def test_cancel_accepts_queued_jobs_only(caller: Caller):
    job = created(caller)
    cancel = f"{MODEL}/requests/{job.id}/cancel"
    reply = caller.call("PUT", cancel)
    assert (reply.status, reply.text) == (204, "")
    assert caller.call("PUT", cancel).status == 204
    assert caller.submitted(job.id).cancel_requested_at
    assert_refused_in_queue(caller.call("PUT", cancel), "IN_PROGRESS", 409)


@pytest.mark.parametrize("position", [None, 0, 1, 12])
def test_status_has_the_position_at_the_provider(caller: Caller, position: int | None):
    job = created(caller)
    caller.change(
        job.id, lambda job: job.submitted(1, {}, (), waiting=True, queue_position=position)
    )
    found = status(caller, job.id)
    assert (found["status"], found["queue_position"]) == ("IN_QUEUE", position or 0)


def test_eta_is_the_providers_estimate(caller: Caller):
    job, now = caller.submitted(created(caller).id), caller.clock()
    caller.change(job.id, lambda job: job.progressed(now + 10, 50, expected_at=now + 100))
    assert status(caller, job.id)["etaSeconds"] == 90
    caller.change(job.id, lambda job: job.progressed(now + 110, 60, expected_at=now + 100))
    assert status(caller, job.id)["etaSeconds"] == 0


@pytest.mark.parametrize("prefix", ["/queue/sora-2", "/pipelet/queue/sora-2"])
@pytest.mark.parametrize("state", ["accepted", "failed", "cancelled", "unknown"])
def test_absent_result_makes_the_documented_jq_command_fail(
    caller: Caller, prefix: str, state: str
):
    """`.video.data_uri` of an absent video is null, which base64 decodes; of false it fails."""
    job_ids = {
        "accepted": created(caller).id,
        "failed": caller.finished_job(JobStatus.FAILED),
        "cancelled": caller.finished_job(JobStatus.CANCELLED),
        "unknown": "job_1",
    }
    reply = caller.call("GET", f"{prefix}/requests/{job_ids[state]}")
    assert reply.status >= 400
    assert reply.json["video"] is False
    assert reply.json["detail"]


def test_other_errors_have_no_video(caller: Caller):
    for method, path in (("POST", "/queue/none"), ("GET", f"{MODEL}/requests/job_1/status")):
        assert "video" not in caller.call(method, path, {"prompt": "x"}).json

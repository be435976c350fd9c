"""Tests of the Pipelet dialect's responses."""

import base64
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


@pytest.mark.parametrize(
    ("size", "output"),
    [(MAX_INLINE_BYTES + 1, ""), (len(VIDEO), "binary")],
    ids=["large", "requested"],
)
def test_result_links_large_or_binary_output(caller: Caller, size: int, output: str):
    headers = {"x-pipelet-output": output}
    job_id = caller.complete(created(caller, headers), artifact(caller, size))
    video = result(caller, job_id)["video"]
    assert video["data_uri"] == video["data_url"]
    assert video["data_uri"].startswith("https://bucket.example/outputs/0")


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

"""Tests of the fal dialect's responses."""

from typing import Any

import pytest

from rushes.jobs.result import Artifact, JobError
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import VIDEO, Caller, Reply, Texts

MODEL = "/fal/sandbox/video"


def create(caller: Caller, headers: Texts = None) -> Reply:
    return caller.call("POST", MODEL, {"prompt": "a cat"}, headers)


def request(caller: Caller, job_id: str, tail: str = "", method: str = "GET") -> Reply:
    return caller.call(method, f"{MODEL}/requests/{job_id}{tail}")


def finish(caller: Caller, *artifacts: Artifact, **changes: Any) -> str:
    return caller.complete(caller.job(create(caller)), *artifacts, **changes)


def artifact(content_type: str = "video/mp4") -> Artifact:
    return Artifact(key="outputs/0", content_type=content_type, size=len(VIDEO), sha256="0" * 64)


def test_create_response_is_queued(caller: Caller):
    reply = create(caller)
    assert reply.status == 200
    assert (reply.json["status"], reply.json["queue_position"]) == ("IN_QUEUE", 0)
    assert reply.headers["x-fal-request-id"] == reply.json["request_id"]


def test_logs_warn_about_ignored_request_timeout(caller: Caller):
    job = caller.job(create(caller, {"x-fal-request-timeout": "60.0"}))
    (line,) = request(caller, job.id, "/status").json["logs"]
    assert line["level"] == "WARNING"
    assert "X-Fal-Request-Timeout" in line["message"]


def test_status_has_position_and_logs(caller: Caller):
    job = caller.job(create(caller))
    waiting = caller.call("GET", f"{MODEL}/requests/{job.id}/status", query={"logs": "true"})
    assert (waiting.status, waiting.json["queue_position"], waiting.json["logs"]) == (202, 0, [])
    caller.submitted(job.id)
    caller.change(job.id, lambda job: job.progressed(caller.clock(), 40))
    running = request(caller, job.id, "/status")
    assert (running.status, running.json["status"]) == (202, "IN_PROGRESS")
    assert [line["message"] for line in running.json["logs"]] == ["40 % done"]


def test_status_of_completed_request_has_metrics_and_logs(caller: Caller):
    reply = request(caller, finish(caller, artifact()), "/status")
    assert (reply.status, reply.json["status"]) == (200, "COMPLETED")
    assert reply.json["metrics"] == {"inference_time": 2.5}
    assert [line["message"] for line in reply.json["logs"]] == ["a warning", "100 % done"]
    assert "error" not in reply.json


def test_status_of_failed_request_is_completed_with_fals_error_type(caller: Caller):
    filtered = JobError(code="content_filtered", message="not that")
    job_id = caller.finished_job(JobStatus.FAILED, filtered)
    status, result = request(caller, job_id, "/status"), request(caller, job_id)
    assert status.json["status"] == "COMPLETED"
    assert status.json["error"] == "not that"
    assert result.json["detail"] == [
        {
            "loc": ["body", "prompt"],
            "msg": "not that",
            "type": "content_policy_violation",
            "url": "https://docs.fal.ai/errors/#content_policy_violation",
        }
    ]
    assert status.json["error_type"] == "content_policy_violation"
    assert result.headers["x-fal-error-type"] == "content_policy_violation"


def test_result_has_video_with_name_and_size(caller: Caller):
    job_id = finish(caller, artifact())
    (name, video), *others = request(caller, job_id).json.items()
    assert (name, others) == ("video", [])
    assert video.pop("url").startswith("https://bucket.example/outputs/0")
    name = f"{job_id}.mp4"
    assert video == {"content_type": "video/mp4", "file_name": name, "file_size": len(VIDEO)}


def test_result_is_named_by_modality(caller: Caller):
    job_id = finish(caller, artifact("image/png"), artifact("image/png"), modality="image")
    assert len(request(caller, job_id).json["images"]) == 2
    job_id = finish(caller, artifact("audio/wav"), modality="audio")
    assert request(caller, job_id).json["audio"]["file_name"] == f"{job_id}.wav"
    job_id = finish(caller, artifact("application/x-unknown"), modality="audio", document={"a": 1})
    assert set(request(caller, job_id).json) == {"a", "audio"}
    job_id = finish(caller, modality="transcription", document={"text": "hello"})
    assert request(caller, job_id).json == {"text": "hello"}


def test_cancel_returns_requested_completed_or_not_found(caller: Caller):
    job = caller.submitted(caller.job(create(caller)).id)
    accepted = request(caller, job.id, "/cancel", "PUT")
    assert (accepted.status, accepted.json) == (202, {"status": "CANCELLATION_REQUESTED"})
    late = request(caller, caller.finished_job(JobStatus.COMPLETED), "/cancel", "PUT")
    assert (late.status, late.json) == (400, {"status": "ALREADY_COMPLETED"})
    absent = request(caller, "job_x", "/cancel", "PUT")
    assert (absent.status, absent.json["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("position", [None, 0, 1, 7])
def test_status_has_the_position_at_the_provider(caller: Caller, position: int | None):
    job = caller.job(create(caller))
    caller.change(
        job.id, lambda job: job.submitted(1, {}, (), waiting=True, queue_position=position)
    )
    status = request(caller, job.id, "/status").json
    assert (status["status"], status["queue_position"]) == ("IN_QUEUE", position or 0)


def test_position_is_zero_when_the_provider_has_begun(caller: Caller):
    job = caller.job(create(caller))
    caller.change(job.id, lambda job: job.submitted(1, {}, (), waiting=True, queue_position=3))
    caller.change(job.id, lambda job: job.progressed(2, 10))
    status = request(caller, job.id, "/status").json
    assert (status["status"], status["queue_position"]) == ("IN_PROGRESS", 0)


@pytest.mark.parametrize(
    "app", ["sandbox/video", "sandbox", "a/b/c", "fal-ai/veo3.1/fast/image-to-video"]
)
@pytest.mark.parametrize("tail", ["", "/response"])
def test_result_is_found_by_id_below_any_app(caller: Caller, app: str, tail: str):
    job_id = finish(caller, artifact())
    reply = caller.call("GET", f"/fal/{app}/requests/{job_id}{tail}")
    assert reply.json["video"]["file_size"] == len(VIDEO)


ERRORS: list[tuple[dict[str, Any], list[Any], str]] = [
    ({"duration": "5s"}, ["body", "duration"], "one_of"),
    ({"duration": "long"}, ["body", "duration"], "int_parsing"),
    ({"duration": 9999}, ["body", "duration"], "less_than_equal"),
    ({"resolution": "480p"}, ["body", "resolution"], "one_of"),
    ({"aspect_ratio": "4:3"}, ["body", "aspect_ratio"], "one_of"),
    ({"prompt": ""}, ["body", "prompt"], "missing"),
    ({"prompt": 5}, ["body", "prompt"], "string_type"),
    ({"prompt": "x" * 32_001}, ["body", "prompt"], "sequence_too_long"),
    (
        {"video_size": {"width": 0, "height": 5}},
        ["body", "video_size", "width"],
        "greater_than_equal",
    ),
    ({"audio_url": "https://a.example/1"}, ["body", "audio_url"], "extra_forbidden"),
    ({"image_url": "cat"}, ["body", "image_url"], "value_error"),
    ({"style": "anime"}, ["body", "style"], "extra_forbidden"),
]


@pytest.mark.parametrize(("fields", "place", "kind"), ERRORS)
def test_invalid_argument_is_an_entry_of_a_list(
    caller: Caller, fields: dict[str, Any], place: list[Any], kind: str
):
    reply = caller.call("POST", MODEL, {"prompt": "a cat", **fields})
    (error,) = reply.json["detail"]
    assert (reply.status, error["loc"], error["type"]) == (422, place, kind)
    assert error["url"] == f"https://docs.fal.ai/errors/#{kind}"
    assert error["msg"]
    assert reply.headers["x-fal-error-type"] == kind
    assert reply.headers["x-fal-retryable"] == "false"


@pytest.mark.parametrize(
    ("path", "headers", "query", "status", "kind"),
    [
        ("/fal/fal-ai/none", {}, {}, 400, "model_not_found"),
        (MODEL, {"x-fal-queue-priority": "low"}, {}, 400, "bad_request"),
        (MODEL, {}, {"fal_webhook": "nowhere"}, 400, "bad_request"),
        (MODEL, {}, {"wait": "1"}, 400, "bad_request"),
        (MODEL, {"content-type": "image/png"}, {}, 400, "bad_request"),
        (MODEL, {"authorization": "Key wrong"}, {}, 401, "invalid_api_key"),
    ],
)
def test_other_errors_have_a_text_and_a_type(
    caller: Caller,
    path: str,
    headers: dict[str, str],
    query: dict[str, str],
    status: int,
    kind: str,
):
    reply = caller.call("POST", path, {"prompt": "a cat"}, headers, query)
    assert (reply.status, reply.json["error_type"]) == (status, kind)
    assert isinstance(reply.json["detail"], str)
    assert reply.headers["x-fal-error-type"] == kind


@pytest.mark.parametrize(
    ("code", "kind", "is_list"),
    [
        ("content_filtered", "content_policy_violation", True),
        ("upstream_refused", "upstream_refused", True),
        ("upstream_timeout", "request_timeout", False),
        ("upstream_queued_too_long", "startup_timeout", False),
    ],
)
def test_result_of_failed_request_has_a_list_or_a_text(
    caller: Caller, code: str, kind: str, *, is_list: bool
):
    job_id = caller.finished_job(JobStatus.FAILED, JobError(code=code, message="sorry"))
    reply = request(caller, job_id)
    assert (reply.status, reply.headers["x-fal-error-type"]) == (422, kind)
    assert isinstance(reply.json["detail"], list) is is_list
    assert "sorry" in str(reply.json["detail"])

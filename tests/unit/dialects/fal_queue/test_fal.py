"""How fal's queue is read and written."""

import base64
from typing import Any

import pytest

from rushes.catalog.models import read_catalog
from rushes.dialects.fal_queue.fal_arguments import FILES, read_arguments
from rushes.errors import InvalidRequest
from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import ACCOUNT, FILM, PNG, Caller, Reply

MODEL = "/fal/sandbox/film"
PICTURE = "data:image/png;base64," + base64.b64encode(PNG).decode()
ADDRESS = "https://pictures.example/1"


def create(caller: Caller, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    return caller.call("POST", MODEL, {"prompt": "a cat", **fields}, headers)


def created(caller: Caller, headers: dict[str, str] | None = None, **fields: Any) -> Job:
    reply = create(caller, headers, **fields)
    assert reply.status == 200, reply
    job = caller.jobs.get(ACCOUNT, reply.json["request_id"])
    assert job
    return job


def ask(caller: Caller, job_id: str, tail: str = "", method: str = "GET") -> Reply:
    return caller.call(method, f"{MODEL}/requests/{job_id}{tail}")


def finish(caller: Caller, *artifacts: Artifact, **changes: Any) -> str:
    job, now = created(caller), caller.clock()
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.submitted(now, {}, ("a warning",)))
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.generated(now + 2.5, (), None))
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.stored(now, artifacts))
    caller.jobs.change(
        ACCOUNT,
        job.id,
        lambda it: it.finished(now, JobOutcome(status=JobStatus.COMPLETED), "run", 60).model_copy(
            update=changes
        ),
    )
    return job.id


def artifact(content_type: str = "video/mp4") -> Artifact:
    return Artifact(key="outputs/0", content_type=content_type, size=len(FILM), sha256="0" * 64)


def test_a_submission_is_queued(caller: Caller):
    reply = create(caller)
    assert reply.status == 200
    assert (reply.json["status"], reply.json["queue_position"]) == ("IN_QUEUE", 0)
    assert reply.headers["x-fal-request-id"] == reply.json["request_id"]


def test_arguments_have_fals_names(caller: Caller):
    asked = created(
        caller,
        duration="8s",
        seed=7,
        negative_prompt="dogs",
        video_size={"width": 720, "height": 1280},
        guidance_scale=5,
    ).request
    assert (asked.model, asked.seconds, asked.size) == ("sandbox/film", 8, "720x1280")
    assert (asked.seed, asked.negative_prompt) == (7, "dogs")
    assert asked.provider_options == {"guidance_scale": 5}


@pytest.mark.parametrize("duration", [8, "8", "8s", 8.0])
def test_a_duration_is_a_number_or_its_text(caller: Caller, duration: Any):
    assert created(caller, duration=duration).request.seconds == 8


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("landscape_16_9", "1024x576"),
        ("portrait_4_3", "768x1024"),
        ("1280x720", "1280x720"),
        ({"width": 640, "height": 480}, "640x480"),
        (None, None),
    ],
)
def test_a_size_is_a_name_or_width_and_height(written: Any, size: str | None):
    for name in ("video_size", "image_size"):
        asked, _ = read_arguments("a/b", {"prompt": "x", name: written})
        assert asked.size == size


@pytest.mark.parametrize("field", FILES)
def test_each_file_has_its_role(field: str):
    written: Any = [ADDRESS] if FILES[field] is Role.REFERENCE else ADDRESS
    asked, uploads = read_arguments("a/b", {field: written, "generate_audio": True})
    assert [(given.role, given.url) for given in asked.inputs] == [(FILES[field], ADDRESS)]
    assert (uploads, asked.generate_audio, asked.provider_options) == ((), True, {})


def test_several_references_may_be_addresses_and_data_urls():
    asked, uploads = read_arguments("a/b", {"image_urls": [ADDRESS, PICTURE], "audio_url": None})
    assert [given.role for given in asked.inputs] == [Role.REFERENCE]
    assert [(role, it.content) for role, it in uploads] == [(Role.REFERENCE, PNG)]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"image_size": "square", "video_size": "square"}, "image_size"),
        ({"video_size": 5}, "video_size"),
        ({"video_size": {"width": 5}}, "height"),
        ({"video_size": {"width": 5, "height": 0}}, "height"),
        ({"video_size": {"width": 5, "height": 5, "depth": 5}}, "depth"),
        ({"image_url": ADDRESS, "first_frame_url": ADDRESS}, "first_frame_url"),
        ({"image_urls": ADDRESS}, "image_urls"),
        ({"image_urls": [5]}, "image_urls"),
        ({"image_url": "a cat"}, "image_url"),
        ({"image_url": "data:image/png;base64,!"}, "image_url"),
        ({"generate_audio": "perhaps"}, "generate_audio"),
    ],
)
def test_arguments_that_make_no_sense_are_named(fields: dict[str, Any], named: str):
    with pytest.raises(InvalidRequest) as refusal:
        read_arguments("a/b", fields)
    assert refusal.value.param == named


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"duration": 5}, "duration: "),
        ({"video_size": "4x4"}, "video_size: "),
        ({"aspect_ratio": "16:9"}, "aspect_ratio"),
        ({"generate_audio": True}, "generate_audio"),
        ({"audio_url": ADDRESS}, "does not work from sound"),
        ({"end_image_url": PICTURE}, "end_image_url: "),
    ],
)
def test_what_the_model_does_not_take_is_refused_in_fals_words(
    caller: Caller, fields: dict[str, Any], named: str
):
    reply = create(caller, **fields)
    assert reply.status == 400
    assert named in reply.json["detail"]
    assert reply.headers["x-fal-error-type"]
    assert caller.traces() == ({}, {}, {})


def test_a_file_that_is_missing_is_named_in_fals_words(caller: Caller):
    catalog = read_catalog("""
    default_model = "sandbox/film"
    [providers.sandbox]
    protocol = "openai_compatible"
    [[models]]
    name = "sandbox/film"
    inputs = ["image"]
    needs = ["image"]
    """)
    caller.use(catalog)
    assert create(caller).json["detail"].startswith("image_url: ")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-fal-queue-priority": "normal"},
        {"x-fal-runner-hint": "h"},
        {"x-fal-no-retry": "1"},
        {"x-fal-disable-fallbacks": "true"},
        {"x-fal-store-io": "1"},
    ],
)
def test_headers_that_ask_for_what_is_so_anyway_are_taken(caller: Caller, headers: dict[str, str]):
    assert created(caller, headers).preferences == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-fal-queue-priority", "low"),
        ("x-fal-store-io", "0"),
        ("x-fal-object-lifecycle-preference", '{"expiration_duration_seconds": 5}'),
        ("x-fal-request-timeout", "soon"),
    ],
)
def test_headers_that_cannot_be_honoured_are_refused_by_name(caller: Caller, name: str, value: str):
    reply = create(caller, {name: value})
    assert reply.status == 400
    assert name in reply.json["detail"]


def test_what_is_not_watched_is_said_in_the_logs(caller: Caller):
    job = created(caller, {"x-fal-request-timeout": "60.0"})
    (line,) = ask(caller, job.id, "/status").json["logs"]
    assert line["level"] == "WARNING"
    assert "X-Fal-Request-Timeout" in line["message"]


def test_a_status_has_what_clients_cannot_do_without(caller: Caller):
    job = created(caller)
    waiting = caller.call("GET", f"{MODEL}/requests/{job.id}/status", query={"logs": "true"})
    assert (waiting.status, waiting.json["queue_position"], waiting.json["logs"]) == (202, 0, [])
    now = caller.clock()
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.submitted(now, {}, ()))
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.progressed(now, 40))
    running = ask(caller, job.id, "/status")
    assert (running.status, running.json["status"]) == (202, "IN_PROGRESS")
    assert [line["message"] for line in running.json["logs"]] == ["40 % done"]


def test_a_completed_request_has_metrics_and_logs(caller: Caller):
    reply = ask(caller, finish(caller, artifact()), "/status")
    assert (reply.status, reply.json["status"]) == (200, "COMPLETED")
    assert reply.json["metrics"] == {"inference_time": 2.5}
    assert [line["message"] for line in reply.json["logs"]] == ["a warning", "100 % done"]
    assert "error" not in reply.json


def test_a_failure_is_completed_with_fals_word_for_it(caller: Caller):
    job_id = caller.ended(JobStatus.FAILED, JobError(code="content_filtered", message="not that"))
    status, result = ask(caller, job_id, "/status"), ask(caller, job_id)
    assert status.json["status"] == "COMPLETED"
    assert status.json["error"] == result.json["detail"] == "not that"
    assert status.json["error_type"] == "content_policy_violation"
    assert result.headers["x-fal-error-type"] == "content_policy_violation"


def test_a_film_is_an_object_with_a_name_and_a_size(caller: Caller):
    job_id = finish(caller, artifact())
    (name, video), *others = ask(caller, job_id).json.items()
    assert (name, others) == ("video", [])
    assert video.pop("url").startswith("https://bucket.example/outputs/0")
    assert video == {
        "content_type": "video/mp4",
        "file_name": f"{job_id}.mp4",
        "file_size": len(FILM),
    }


def test_other_kinds_have_their_own_names(caller: Caller):
    job_id = finish(caller, artifact("image/png"), artifact("image/png"), modality="image")
    assert len(ask(caller, job_id).json["images"]) == 2
    job_id = finish(caller, artifact("audio/wav"), modality="audio")
    assert ask(caller, job_id).json["audio"]["file_name"] == f"{job_id}.wav"
    job_id = finish(caller, artifact("application/x-unknown"), modality="audio", document={"a": 1})
    assert set(ask(caller, job_id).json) == {"a", "audio"}
    job_id = finish(caller, modality="transcription", document={"text": "hello"})
    assert ask(caller, job_id).json == {"text": "hello"}


def test_cancelling_has_three_answers(caller: Caller):
    job, now = created(caller), caller.clock()
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.submitted(now, {}, ()))
    asked = ask(caller, job.id, "/cancel", "PUT")
    assert (asked.status, asked.json) == (202, {"status": "CANCELLATION_REQUESTED"})
    late = ask(caller, caller.ended(JobStatus.COMPLETED), "/cancel", "PUT")
    assert (late.status, late.json) == (400, {"status": "ALREADY_COMPLETED"})
    absent = ask(caller, "job_x", "/cancel", "PUT")
    assert (absent.status, absent.json["status"]) == (404, "NOT_FOUND")

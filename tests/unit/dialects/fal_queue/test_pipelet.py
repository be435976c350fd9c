"""How Pipelet's queue is read and written."""

import base64
from typing import Any

import pytest

from rushes.dialects.fal_queue.pipelet import INLINE_BYTES
from rushes.jobs.job import Job
from rushes.jobs.request import Role
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import ACCOUNT, FILM, PNG, Caller, Reply

MODEL = "/queue/sora-2"
PICTURE = base64.b64encode(PNG).decode()


def create(caller: Caller, headers: dict[str, str] | None = None, **fields: Any) -> Reply:
    return caller.call("POST", MODEL, {"prompt": "a cat", **fields}, headers)


def stored(caller: Caller, job_id: str) -> Job:
    job = caller.jobs.get(ACCOUNT, job_id)
    assert job
    return job


def created(caller: Caller, headers: dict[str, str] | None = None, **fields: Any) -> Job:
    reply = create(caller, headers, **fields)
    assert reply.status == 200, reply
    return stored(caller, reply.json["request_id"])


def status(caller: Caller, job_id: str) -> Any:
    return caller.call("GET", f"{MODEL}/requests/{job_id}/status").json


def result(caller: Caller, job_id: str) -> Any:
    return caller.call("GET", f"{MODEL}/requests/{job_id}").json


def finish(caller: Caller, job: Job, *artifacts: Artifact, **changes: Any) -> str:
    now = caller.clock()
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.submitted(now, {}, ()))
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.stored(now, artifacts))
    caller.jobs.change(
        ACCOUNT,
        job.id,
        lambda it: it.finished(now, JobOutcome(status=JobStatus.COMPLETED), "run", 60).model_copy(
            update=changes
        ),
    )
    return job.id


def artifact(caller: Caller, size: int = len(FILM), content_type: str = "video/mp4") -> Artifact:
    caller.blobs.objects["outputs/0"] = FILM
    return Artifact(key="outputs/0", content_type=content_type, size=size, sha256="0" * 64)


def test_a_create_call_is_answered_with_four_members(caller: Caller):
    reply = create(caller)
    assert list(reply.json) == ["request_id", "response_url", "status_url", "cancel_url"]


def test_all_that_the_document_has_is_read(caller: Caller):
    job = created(
        caller, duration=8, width=720, height=1280, seed=7, negative_prompt="dogs", extras="x"
    )
    asked = job.request
    assert (asked.model, asked.prompt, asked.seconds) == ("sora-2", "a cat", 8)
    assert (asked.size, asked.seed, asked.negative_prompt) == ("720x1280", 7, "dogs")
    assert asked.provider_options == {"extras": "x"}


def test_a_height_alone_has_the_width_that_the_model_has_for_it(caller: Caller):
    assert created(caller, height=1280).request.size == "720x1280"
    assert created(caller, height=720).request.size == "1280x720"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"width": 1280}, "width"),
        ({"height": 333}, "width and height"),
        ({"width": 3, "height": 4}, "width and height"),
        ({"height": 0}, "height"),
        ({"height": "tall"}, "height"),
        ({"height": True}, "height"),
        ({"data_uri": 5}, "data_uri"),
        ({"data_uri": "no base64 at all!"}, "data_uri"),
        ({"data_uri": base64.b64encode(b"no picture").decode()}, "data_uri"),
        ({"audio_uri": "https://sound.example/"}, "audio_uri"),
        ({"priority": 2}, "priority"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    caller: Caller, fields: dict[str, Any], named: str
):
    reply = create(caller, **fields)
    assert reply.status == 400
    assert named in reply.json["detail"]
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize(
    "written",
    [PICTURE, f"{PICTURE[:20]}\n{PICTURE[20:]}\n", f"data:image/png;base64,{PICTURE}"],
)
def test_a_picture_is_base64_in_lines_or_a_data_url(caller: Caller, written: str):
    file = created(caller, data_uri=written).request.file(Role.IMAGE)
    assert file
    assert (file.content_type, caller.blobs.objects[file.key]) == ("image/png", PNG)


def test_a_picture_may_be_at_an_address(caller: Caller):
    (given,) = created(caller, data_uri="https://pictures.example/1").request.inputs
    assert given.url == "https://pictures.example/1"


def test_a_model_that_takes_no_picture_says_so(caller: Caller):
    reply = caller.call("POST", "/queue/openai/plain", {"prompt": "x", "data_uri": PICTURE})
    assert reply.json["detail"] == "data_uri: openai/plain does not work from a picture"


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"x-pipelet-output": "stone"}, "x-pipelet-output"),
        ({"x-pipelet-webhook": "hooks.example"}, "x-pipelet-webhook"),
    ],
)
def test_headers_that_cannot_be_honoured_are_refused_by_name(
    caller: Caller, headers: dict[str, str], named: str
):
    reply = create(caller, headers)
    assert reply.status == 400
    assert named in reply.json["detail"]


def test_progress_is_told_in_words_and_as_a_time(caller: Caller):
    job = created(caller)
    now = caller.clock()
    assert status(caller, job.id)["statusMessages"] == {}
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.submitted(now, {}, ()))
    assert "etaSeconds" not in status(caller, job.id)
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.progressed(now + 30, 25))
    told = status(caller, job.id)
    assert told["statusMessages"] == {
        "message": "PROCESSING",
        "detail_message": "Progress: 25/100 Tasks done",
    }
    assert told["etaSeconds"] == 90


def test_endings_have_a_message(caller: Caller):
    assert status(caller, caller.ended(JobStatus.COMPLETED))["statusMessages"] == {
        "message": "Job completed successfully"
    }
    refused = JobError(code="content_filtered", message="not that")
    assert status(caller, caller.ended(JobStatus.FAILED, refused))["statusMessages"] == {
        "message": "not that",
        "detail_message": "content_filtered",
    }


def test_a_film_comes_in_base64(caller: Caller):
    job_id = finish(caller, created(caller), artifact(caller))
    assert result(caller, job_id) == {"video": {"data_uri": base64.b64encode(FILM).decode()}}


@pytest.mark.parametrize(
    ("size", "output"), [(INLINE_BYTES + 1, ""), (len(FILM), "binary")], ids=["large", "wished"]
)
def test_a_film_comes_as_a_link(caller: Caller, size: int, output: str):
    headers = {"x-pipelet-output": output}
    job_id = finish(caller, created(caller, headers), artifact(caller, size))
    video = result(caller, job_id)["video"]
    assert video["data_uri"] == video["data_url"]
    assert video["data_uri"].startswith("https://bucket.example/outputs/0")


def test_other_kinds_have_their_own_names(caller: Caller):
    job_id = finish(caller, created(caller), artifact(caller), modality="image")
    assert list(result(caller, job_id)) == ["image"]
    job_id = finish(caller, created(caller), document={"text": "hello"})
    assert result(caller, job_id) == {"text": "hello"}


def test_only_what_is_queued_is_cancelled(caller: Caller):
    job = created(caller)
    cancel = f"{MODEL}/requests/{job.id}/cancel"
    reply = caller.call("PUT", cancel)
    assert (reply.status, reply.text) == (204, "")
    assert stored(caller, job.id).cancel_requested_at
    assert caller.call("PUT", cancel).status == 204
    now = caller.clock()
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.submitted(now, {}, ()))
    late = caller.call("PUT", cancel)
    assert late.status == 409
    assert "IN_PROGRESS" in late.json["detail"]

"""Tests of the Together dialect's routes and responses."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import Reply, assert_refused
from tests.unit.dialects.together.together_client import BODY, PATHS, TogetherCaller

FIRST_FRAME = {"media": {"frame_images": [{"input_image": "https://images.example/1"}]}}
TEXT = {"type": "string"}
NUMBER = {"type": "number"}


def exact(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with no other properties."""
    schema = {"type": "object", "additionalProperties": False}
    return {**schema, "required": required, "properties": properties}


VIDEO_JOB = exact(
    ["id", "model", "status", "size", "seconds", "created_at"],
    {
        **dict.fromkeys(("id", "model", "size", "seconds"), TEXT),
        **dict.fromkeys(("created_at", "completed_at"), NUMBER),
        "object": {"const": "video"},
        "status": {"enum": ["in_progress", "completed", "failed"]},
        "error": exact(["message"], {"code": TEXT, "message": TEXT}),
        "outputs": exact(["cost", "video_url"], {"cost": NUMBER, "video_url": TEXT}),
    },
)
"""Together's published VideoJob schema; as in its real responses, a cost may have a fraction."""


def assert_published(reply: Reply) -> None:
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert [*Draft202012Validator(VIDEO_JOB).iter_errors(reply.json)] == []


def test_create_response_is_a_job_in_progress(caller: TogetherCaller, base: str):
    reply = caller.create(base)
    job = caller.job(reply)
    assert_published(reply)
    assert reply.json == {
        "id": job.id,
        "object": "video",
        "model": "together/all",
        "status": "in_progress",
        "created_at": int(job.created_at),
        "size": "1280x720",
        "seconds": "4",
    }
    assert (job.dialect, job.provider) == ("together", "together")
    assert caller.executions.running == {job.id: True}


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"resolution": "720p", "ratio": "16:9"}, "1280x720"),
        ({"resolution": "480P", "ratio": "9:16"}, "480x854"),
        ({"resolution": "72p"}, "128x72"),
        ({"resolution": "4k", "ratio": "1:1"}, "2160x2160"),
        ({"ratio": "auto"}, "1280x720"),
        ({"resolution": "best", "ratio": "0:0"}, "1280x720"),
        ({}, "1280x720"),
    ],
)
def test_job_of_a_model_without_sizes_has_width_and_height(
    caller: TogetherCaller, options: dict[str, str], size: str
):
    """The schema requires both fields."""
    reply = caller.create(model="together/plain", **options)
    assert caller.job(reply).request.provider_options == options
    assert_published(reply)
    assert (reply.json["size"], reply.json["seconds"]) == (size, "")


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, "1280x720"),
        ({"resolution": "480p"}, "854x480"),
        ({"resolution": "480P", "ratio": "9:16"}, "480x854"),
        ({"ratio": "9:16"}, "720x1280"),
        ({"resolution": "480p", **FIRST_FRAME}, "854x480"),
        ({"ratio": "9:16", **FIRST_FRAME}, "720x1280"),
        ({"model": "together/all", "resolution": "720p"}, "1280x720"),
        ({"model": "together/all", "resolution": "720p", "ratio": "9:16"}, "720x1280"),
    ],
)
def test_resolution_and_ratio_select_a_size(
    caller: TogetherCaller, fields: dict[str, Any], size: str
):
    reply = caller.create(**{"model": "together/named", **fields})
    assert_published(reply)
    assert reply.json["size"] == size


def test_resolution_of_a_video_in_the_shape_of_its_image_is_kept(caller: TogetherCaller):
    fields: dict[str, Any] = {"model": "together/named", "resolution": "480p", **FIRST_FRAME}
    request = caller.created_job(**fields).request
    assert (request.size, request.resolution) == (None, "480p")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"resolution": "1080p"}, "resolution"),
        ({"ratio": "4:3"}, "ratio"),
        ({"model": "together/all", "ratio": "1:1"}, "ratio"),
        ({"resolution": "720p", "width": 1280, "height": 720}, "resolution"),
        ({"ratio": "16:9", "width": 1280, "height": 720}, "ratio"),
    ],
)
def test_other_resolutions_and_ratios_are_refused_by_name(
    caller: TogetherCaller, fields: dict[str, Any], param: str
):
    reply = caller.create(**{"model": "together/named", **fields})
    assert_refused(reply, PATHS[0], 400, param=param)


def test_create_refuses_multipart_form(caller: TogetherCaller, base: str):
    assert_refused(caller.form(base, *BODY.items()), base, 400, param="content-type")


def test_every_route_requires_a_key(caller: TogetherCaller, base: str):
    for method, path in (("POST", base), ("GET", f"{base}/job_1")):
        reply = caller.call(method, path, {}, {"authorization": "Bearer wrong"})
        assert_refused(reply, base, 401)


def test_job_of_another_account_is_not_found(caller: TogetherCaller, base: str):
    one = f"{base}/{caller.create().json['id']}"
    assert_published(caller.call("GET", one))
    absent = caller.call("GET", f"{base}/job_1")
    caller.key = caller.other_accounts_key
    for reply in (absent, caller.call("GET", one)):
        assert_refused(reply, base, 404)
        assert (reply.code, reply.param) == ("not_found", "id")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/job_1/content"), ("POST", "/job_1/cancel")],
)
def test_other_routes_return_unknown_url(caller: TogetherCaller, base: str, method: str, path: str):
    assert_refused(caller.call(method, base + path), base, 404, code="unknown_url")


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "", "POST"), ("DELETE", "/job_1", "GET, HEAD")]
)
def test_other_methods_are_refused(
    caller: TogetherCaller, base: str, method: str, path: str, allowed: str
):
    reply = caller.call(method, base + path)
    assert_refused(reply, base, 405, code="method_not_allowed")
    assert reply.headers["allow"] == allowed


def test_completed_job_has_cost_and_presigned_url(caller: TogetherCaller, base: str):
    job_id = caller.finished_job(JobStatus.COMPLETED)
    reply = caller.call("GET", f"{base}/{job_id}")
    assert_published(reply)
    assert reply.json["status"] == "completed"
    assert reply.json["completed_at"] == int(caller.clock())
    assert reply.json["outputs"]["cost"] == 0.28
    assert f"outputs/alice/{job_id}/0.mp4" in reply.json["outputs"]["video_url"]
    assert "error" not in reply.json


@pytest.mark.parametrize(("cost", "text"), [(2.0, "2"), (0.5, "0.5"), (None, "0"), (0.0, "0")])
def test_whole_cost_is_an_integer(caller: TogetherCaller, cost: float | None, text: str):
    """The schema has an integer; other costs stay fractions."""
    job_id = caller.finished_job(JobStatus.COMPLETED)
    change = {"cost": cost}
    caller.change(job_id, lambda job: job.warned(1, "x").model_copy(update=change))
    reply = caller.call("GET", f"{PATHS[0]}/{job_id}")
    assert f'"cost": {text},' in reply.text


def test_running_job_is_in_progress(caller: TogetherCaller):
    job = caller.submitted(caller.created_job().id)
    reply = caller.call("GET", f"{PATHS[0]}/{job.id}")
    assert_published(reply)
    assert reply.json["status"] == "in_progress"


@pytest.mark.parametrize(
    ("status", "error", "code", "message"),
    [
        (JobStatus.FAILED, JobError(code="c", message="m", upstream_code="u"), "c", "m"),
        (JobStatus.CANCELLED, None, "cancelled", "the job was cancelled"),
    ],
)
def test_failed_and_cancelled_jobs_have_status_failed(
    caller: TogetherCaller, status: JobStatus, error: JobError | None, code: str, message: str
):
    reply = caller.call("GET", f"{PATHS[0]}/{caller.finished_job(status, error)}")
    assert_published(reply)
    assert reply.json["status"] == "failed"
    assert reply.json["error"] == {"code": code, "message": message}
    assert "outputs" not in reply.json


def test_models_are_a_bare_list(caller: TogetherCaller):
    reply = caller.call("GET", "/v2/models")
    assert reply.status == 200
    assert reply.headers["cache-control"] == "private, max-age=60"
    alias, model, plain, _ = reply.json
    assert {**model, "options": {}} == {
        "id": "together/all",
        "object": "model",
        "created": 0,
        "type": "video",
        "organization": "together",
        "modality": "video",
        "inputs": [
            *("image", "last_frame", "reference", "source_video", "audio"),
            *("frame", "frame_video", "reference_video"),
        ],
        "seconds": [4, 8],
        "sizes": ["1280x720", "720x1280"],
        "options": {},
        "prices": [{"per_second": 0.07}],
        "aliases": ["short"],
    }
    assert (alias["id"], alias["type"], plain["id"]) == ("short", "video", "together/plain")


@pytest.mark.parametrize(("dedicated", "count"), [("true", 0), ("false", 4)])
def test_no_model_is_dedicated(caller: TogetherCaller, dedicated: str, count: int):
    reply = caller.call("GET", "/v2/models", query={"dedicated": dedicated})
    assert len(reply.json) == count


def test_unreadable_query_of_models_is_refused(caller: TogetherCaller):
    reply = caller.call("GET", "/v2/models", query={"dedicated": "perhaps"})
    assert (reply.status, reply.param) == (400, "dedicated")

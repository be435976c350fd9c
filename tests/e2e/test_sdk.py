"""Unmodified OpenAI SDKs against the running stack, in both compatible dialects."""

from typing import Any

import pytest

from local.stack import Stack
from local.video_probe import probe_video
from tests.e2e.programs import run_program
from tests.e2e.small_jobs import small_png

SDKS = {"newest": "multipart/form-data", "older": "multipart/form-data", "json": "application/json"}
ENVIRONMENTS = {"newest": "dev", "older": "clients", "json": "clients-oldest"}
MAJOR_VERSIONS = {"newest": "3", "older": "2", "json": "2"}

JOURNEYS = (
    *(("newest", "/openai/v1"), ("newest", "/v1")),
    *(("older", "/openai/v1"), ("json", "/openai/v1")),
)


@pytest.fixture(scope="module", params=JOURNEYS, ids=" SDK on ".join)
def journey(request, stack: Stack, tmp_path_factory) -> dict[str, Any]:
    sdk, prefix = request.param
    folder = tmp_path_factory.mktemp("journey")
    (folder / "image.png").write_bytes(small_png())
    environment = stack.environment()
    account = (environment["RUSHES_URL"] + prefix, environment["RUSHES_API_KEY"])
    files = (folder / "video.mp4", folder / "image.png")
    lists = "lists" if prefix == "/openai/v1" else "no lists"
    fields = run_program(ENVIRONMENTS[sdk], "journey.py", *account, *files, lists)
    assert fields["sdk"].startswith(MAJOR_VERSIONS[sdk])
    return {**fields, "sent_as": SDKS[sdk], "video": folder / "video.mp4", "prefix": prefix}


def test_created_video_completes_as_requested(journey):
    created = journey["created"]
    assert (created["status"], created["progress"]) == ("completed", 100)
    assert (created["seconds"], created["size"]) == ("1", "128x72")
    assert created["sent_as"] == journey["sent_as"]


def test_downloaded_video_has_requested_size_and_length(journey):
    video = probe_video(journey["video"])
    assert (video.codec, video.size, video.frames, video.seconds) == ("h264", (128, 72), 24, 1.0)
    assert journey["downloaded"]["content_type"] == "video/mp4"


def test_reference_image_is_accepted(journey):
    assert journey["with image"]["status"] == "completed"


def test_remix_has_source_id(journey):
    remixed = journey["remixed"]
    assert remixed["status"] == "completed"
    assert remixed["of"] == journey["created"]["id"]


def test_filtered_video_fails_with_code(journey):
    assert journey["failed"] == {"status": "failed", "code": "content_filtered"}


def test_errors_have_code_and_field(journey):
    assert journey["refused"] == {
        "wrong key": {"status": 401, "code": "invalid_api_key", "param": None},
        "unknown id": {"status": 404, "code": "not_found", "param": "video_id"},
        "unknown model": {"status": 400, "code": "model_not_found", "param": "model"},
        "size": {"status": 400, "code": "invalid_value", "param": "size"},
        "empty prompt": {"status": 400, "code": "invalid_value", "param": "prompt"},
    }


def test_models_are_listed_and_retrieved(journey):
    models = journey["models"]
    assert (models["alias"]["object"], models["alias"]["modality"]) == ("model", "video")
    assert models["same"]
    absent = {"status": 404, "code": "model_not_found", "param": "model"}
    assert models["unknown"] == absent


def test_list_pages_contain_every_video_once(journey):
    if journey["prefix"] == "/v1":
        assert "listed" not in journey  # Bifrost requires a provider, which the SDK cannot send
        return
    ids, oldest_first = journey["listed"]["ids"], journey["listed"]["oldest_first"]
    assert len(ids) == len(set(ids)) > 2
    assert oldest_first == ids[::-1]
    assert journey["created"]["id"] in ids


def test_deleted_video_returns_404(journey):
    absent = {"status": 404, "code": "not_found", "param": "video_id"}
    assert journey["deleted"] == {"deleted": True, "afterwards": absent, "again": absent}

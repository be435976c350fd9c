"""The unchanged OpenAI SDKs against the running stack, in both dialects that they fit."""

import json
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from local.packaging import ROOT
from local.stack import Stack
from local.video_probe import measure

JOURNEY = Path(__file__).with_name("journey.py")
SDKS = {"newest": "multipart/form-data", "json": "application/json"}
ENVIRONMENTS = {"newest": "dev", "json": "openai-json"}


JOURNEYS = (("newest", "/openai/v1"), ("newest", "/v1"), ("json", "/openai/v1"))


@pytest.fixture(scope="module", params=JOURNEYS, ids=" SDK on ".join)
def journey(request, stack: Stack, tmp_path_factory) -> dict[str, Any]:
    sdk, prefix = request.param
    folder = tmp_path_factory.mktemp("journey")
    picture = BytesIO()
    Image.new("RGB", (128, 72), "teal").save(picture, "PNG")
    (folder / "picture.png").write_bytes(picture.getvalue())
    environment = stack.environment()
    done = subprocess.run(
        [
            ROOT / f".local/envs/{ENVIRONMENTS[sdk]}/bin/python",
            JOURNEY,
            environment["RUSHES_URL"] + prefix,
            environment["RUSHES_API_KEY"],
            folder / "film.mp4",
            folder / "picture.png",
            "lists" if prefix == "/openai/v1" else "does not list",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    return {**facts, "sent_as": SDKS[sdk], "film": folder / "film.mp4", "prefix": prefix}


def test_a_created_video_is_completed_as_asked(journey):
    created = journey["created"]
    assert (created["status"], created["progress"]) == ("completed", 100)
    assert (created["seconds"], created["size"]) == ("1", "128x72")
    assert created["sent_as"] == journey["sent_as"]


def test_the_downloaded_film_decodes_with_the_asked_size_and_length(journey):
    film = measure(journey["film"])
    assert (film.codec, film.size, film.pictures, film.seconds) == ("h264", (128, 72), 24, 1.0)
    assert journey["downloaded"]["content_type"] == "video/mp4"


def test_a_reference_picture_is_taken(journey):
    assert journey["pictured"]["status"] == "completed"


def test_a_remix_names_its_source(journey):
    remixed = journey["remixed"]
    assert remixed["status"] == "completed"
    assert remixed["of"] == journey["created"]["id"].partition(":")[0]


def test_a_filtered_video_fails_with_a_code(journey):
    assert journey["failed"] == {"status": "failed", "code": "content_filtered"}


def test_refusals_reach_the_sdk_with_code_and_field(journey):
    assert journey["refused"] == {
        "wrong key": {"status": 401, "code": "invalid_api_key", "param": None},
        "unknown id": {"status": 404, "code": "not_found", "param": "video_id"},
        "unknown model": {"status": 400, "code": "model_not_found", "param": "model"},
        "size": {"status": 400, "code": "invalid_value", "param": "size"},
        "empty prompt": {"status": 400, "code": "invalid_value", "param": "prompt"},
    }


def test_pages_hold_every_video_once(journey):
    if journey["prefix"] == "/v1":
        assert "listed" not in journey  # Bifrost's list wants a provider, which the SDK cannot say
        return
    ids, oldest_first = journey["listed"]["ids"], journey["listed"]["oldest_first"]
    assert len(ids) == len(set(ids)) > 2
    assert oldest_first == ids[::-1]
    assert journey["created"]["id"] in ids


def test_a_deleted_video_is_gone(journey):
    absent = {"status": 404, "code": "not_found", "param": "video_id"}
    assert journey["deleted"] == {"deleted": True, "afterwards": absent, "again": absent}

"""The sandbox's Together protocol: strict requests, published responses."""

import base64
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from local.video_probe import VideoInfo, probe_video
from tests.integration.sandbox_client import BEARER, Video
from tests.waiting import wait_for

SMALL = {"model": "sandbox-1", "width": 128, "height": 72, "seconds": "1"}


@pytest.fixture(scope="module")
def http(sandbox_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox_url}/together", headers=BEARER, timeout=60) as client:
        yield client


def create(http: httpx.Client, prompt: str, **fields: object) -> Video:
    reply = http.post("/v2/videos", json={**SMALL, "prompt": prompt, **fields})
    assert reply.is_success, reply.text
    video: Video = reply.json()
    return video


def retrieve(http: httpx.Client, video: Video) -> httpx.Response:
    return http.get(f"/v2/videos/{video['id']}")


def finished(http: httpx.Client, prompt: str, **fields: object) -> Video:
    video = create(http, prompt, **fields)
    wait_for(lambda: retrieve(http, video).json()["status"] != "in_progress")
    ended: Video = retrieve(http, video).json()
    return ended


def download(video: Video, folder: Path) -> VideoInfo:
    path = folder / "video.mp4"
    path.write_bytes(httpx.get(video["outputs"]["video_url"]).content)
    return probe_video(path)


def image_data_url() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (128, 72), "teal").save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def test_video_url_needs_no_key(http: httpx.Client, tmp_path: Path):
    created = create(http, "a fox")
    assert set(created) == {"id", "object", "model", "status", "created_at", "size", "seconds"}
    assert created["status"] == "in_progress"
    video = finished(http, "a fox", fps=10, steps=10, guidance_scale=8, output_quality=20)
    assert set(video) == {*created, "completed_at", "outputs"}
    assert video["outputs"]["cost"] == 1
    assert download(video, tmp_path) == VideoInfo("h264", (128, 72), 10, 1.0)


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({}, "1366x768"),
        ({"resolution": "72p"}, "128x72"),
        ({"resolution": "72p", "ratio": "9:16"}, "72x128"),
        ({"resolution": "72p", "ratio": "1:1"}, "72x72"),
        ({"ratio": "16:9"}, "1280x720"),
    ],
)
def test_create_accepts_resolution_and_ratio(http: httpx.Client, params: dict[str, str], size: str):
    fields = {"model": "sandbox-1", "prompt": "[queue=30]", "seconds": "1", **params}
    assert http.post("/v2/videos", json=fields).json()["size"] == size


def test_create_uses_image_and_video_inputs(http: httpx.Client, tmp_path: Path):
    frames = {"frame_images": [{"input_image": image_data_url(), "frame": "first"}]}
    with_image = finished(http, "with image", media=frames)
    assert download(with_image, tmp_path).size == (128, 72)
    referenced = finished(http, "referenced", media={"reference_images": [image_data_url()]})
    assert referenced["status"] == "completed"
    url = with_image["outputs"]["video_url"]
    for source in (url, {"video": url}):
        assert finished(http, "edited", media={"source_video": source})["status"] == "completed"
    entries = httpx.get(http.base_url.join("/_request_log")).json()["creates"]
    sources = {job["prompt"]: (job["has_input_reference"], job["source"]) for job in entries}
    assert sources["with image"] == sources["referenced"] == (True, "create")
    assert sources["edited"] == (False, "edits")


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"size": "128x72"}, "unknown_parameter", "size"),
        ({"model": "sora-2"}, "model_not_found", "model"),
        ({"prompt": ""}, "invalid_value", "prompt"),
        ({"width": 127}, "invalid_value", "width"),
        ({"width": "128"}, "invalid_value", "width"),
        ({"width": None}, "invalid_value", ""),
        ({"resolution": "72p"}, "invalid_value", ""),
        ({"ratio": "wide"}, "invalid_value", "ratio"),
        ({"seconds": 1}, "invalid_value", "seconds"),
        ({"steps": 5}, "invalid_value", "steps"),
        ({"guidance_scale": 7.5}, "invalid_value", "guidance_scale"),
        ({"output_format": "WEBM"}, "invalid_value", "output_format"),
        ({"generate_audio": True}, "invalid_value", "generate_audio"),
        ({"frame_images": []}, "unknown_parameter", "frame_images"),
        ({"media": {"sounds": []}}, "unknown_parameter", "media.sounds"),
        (
            {"media": {"frame_images": [{"input_image": "x", "frame": "middle"}]}},
            "invalid_value",
            "media.frame_images.frame",
        ),
        ({"media": {"reference_images": ["x:"]}}, "invalid_value", "media"),
        ({"media": {"source_video": "data:video/mp4;base64,Y2F0"}}, "invalid_value", "media"),
    ],
    ids=str,
)
def test_create_refuses_invalid_field_by_name(
    http: httpx.Client, fields: dict[str, Any], code: str, param: str
):
    reply = http.post("/v2/videos", json={**SMALL, "prompt": "no", **fields})
    assert reply.status_code == 400
    assert (reply.json()["error"]["code"], reply.json()["error"]["param"]) == (code, param)


def test_create_refuses_multipart(http: httpx.Client):
    reply = http.post("/v2/videos", files={"prompt": (None, "a fox")})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_body")


def test_calls_require_key(http: httpx.Client):
    for method, path in (("POST", "v2/videos"), ("GET", "v2/videos/x")):
        reply = httpx.request(method, f"{http.base_url}{path}")
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")
    assert http.get("/v2/videos/x").status_code == 404


def test_retrieve_returns_new_link_and_links_expire(http: httpx.Client):
    expired = finished(http, "[expire=1]")["outputs"]["video_url"]
    wait_for(lambda: httpx.get(expired).status_code == 403)
    assert httpx.get(expired).json()["error"]["code"] == "expired_link"
    video = finished(http, "a fox")
    old = video["outputs"]["video_url"]
    assert httpx.get(old).status_code == 200
    new = retrieve(http, video).json()["outputs"]["video_url"]
    assert new != old
    assert httpx.get(new).status_code == 200
    assert httpx.get(f"{http.base_url}outputs/guess.mp4").status_code == 403


def test_fault_directives(http: httpx.Client):
    failed = finished(http, "[fail]")
    assert (failed["status"], failed["error"]["code"]) == ("failed", "internal_error")
    assert "outputs" not in failed
    assert finished(http, "[filter]")["error"]["code"] == "content_filter"
    refused = http.post("/v2/videos", json={**SMALL, "prompt": "[refuse]"})
    assert refused.json()["error"]["code"] == "content_policy_violation"
    unknown = create(http, "[unknown-status]")
    assert retrieve(http, unknown).json()["status"] == "melting"
    assert retrieve(http, create(http, "[lose]")).status_code == 404
    started = time.monotonic()
    create(http, "[hang-create=1]")
    assert time.monotonic() - started > 1
    html = finished(http, "[html]")["outputs"]["video_url"]
    assert httpx.get(html).headers["content-type"].startswith("text/html")

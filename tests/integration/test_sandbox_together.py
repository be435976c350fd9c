"""The sandbox in Together's words: strict in what it takes, true in what it shows."""

import base64
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
from PIL import Image

from local.video_probe import Film, measure
from tests.integration.test_sandbox import KEY, running_sandbox, wait_until

SMALL = {"model": "sandbox-1", "width": 128, "height": 72, "seconds": "1"}
Video: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {KEY}"}
    with (
        running_sandbox(tmp_path_factory.mktemp("sandbox")) as (url, _),
        httpx.Client(base_url=f"{url}/together", headers=headers, timeout=30) as client,
    ):
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
    wait_until(lambda: retrieve(http, video).json()["status"] != "in_progress")
    ended: Video = retrieve(http, video).json()
    return ended


def film(video: Video, folder: Path) -> Film:
    path = folder / "film.mp4"
    path.write_bytes(httpx.get(video["outputs"]["video_url"]).content)
    return measure(path)


def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (128, 72), "teal").save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def test_a_video_is_made_and_its_link_wants_no_key(http: httpx.Client, tmp_path: Path):
    created = create(http, "a fox")
    assert set(created) == {"id", "object", "model", "status", "created_at", "size", "seconds"}
    assert created["status"] == "in_progress"
    video = finished(http, "a fox", fps=10, steps=10, guidance_scale=8, output_quality=20)
    assert set(video) == {*created, "completed_at", "outputs"}
    assert video["outputs"]["cost"] == 1
    assert film(video, tmp_path) == Film("h264", (128, 72), 10, 1.0)


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, "1366x768"),
        ({"resolution": "72p"}, "128x72"),
        ({"resolution": "72p", "ratio": "9:16"}, "72x128"),
        ({"resolution": "72p", "ratio": "1:1"}, "72x72"),
        ({"ratio": "16:9"}, "1280x720"),
    ],
)
def test_sizes_may_be_told_as_resolution_and_ratio(
    http: httpx.Client, asked: dict[str, str], size: str
):
    fields = {"model": "sandbox-1", "prompt": "[queue=30]", "seconds": "1", **asked}
    assert http.post("/v2/videos", json=fields).json()["size"] == size


def test_pictures_and_films_are_worked_from(http: httpx.Client, tmp_path: Path):
    frames = {"frame_images": [{"input_image": picture(), "frame": "first"}]}
    pictured = finished(http, "pictured", media=frames)
    assert film(pictured, tmp_path).size == (128, 72)
    referenced = finished(http, "referenced", media={"reference_images": [picture()]})
    assert referenced["status"] == "completed"
    for source in (pictured["outputs"]["video_url"], {"video": pictured["outputs"]["video_url"]}):
        assert finished(http, "edited", media={"source_video": source})["status"] == "completed"
    entries = httpx.get(http.base_url.join("/_ledger")).json()["creates"]
    made_from = {it["prompt"]: (it["has_input_reference"], it["source"]) for it in entries}
    assert made_from["pictured"] == made_from["referenced"] == (True, "create")
    assert made_from["edited"] == (False, "edits")


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
        ({"media": {"audio_inputs": []}}, "unknown_parameter", "media.audio_inputs"),
        (
            {"media": {"frame_images": [{"input_image": "x", "frame": "last"}]}},
            "invalid_value",
            "media.frame_images.frame",
        ),
        ({"media": {"reference_images": ["x:"]}}, "invalid_value", "media"),
        ({"media": {"source_video": "data:video/mp4;base64,Y2F0"}}, "invalid_value", "media"),
    ],
    ids=str,
)
def test_what_is_not_published_or_cannot_be_drawn_is_refused_by_name(
    http: httpx.Client, fields: dict[str, Any], code: str, param: str
):
    reply = http.post("/v2/videos", json={**SMALL, "prompt": "no", **fields})
    assert reply.status_code == 400
    assert (reply.json()["error"]["code"], reply.json()["error"]["param"]) == (code, param)


def test_only_json_is_read(http: httpx.Client):
    reply = http.post("/v2/videos", files={"prompt": (None, "a fox")})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_body")


def test_only_the_key_opens(http: httpx.Client):
    for method, path in (("POST", "v2/videos"), ("GET", "v2/videos/x")):
        reply = httpx.request(method, f"{http.base_url}{path}")
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")
    assert http.get("/v2/videos/x").status_code == 404


def test_each_look_gives_another_link_and_links_expire(http: httpx.Client):
    video = finished(http, "[expire=2]")
    old = video["outputs"]["video_url"]
    assert httpx.get(old).status_code == 200
    wait_until(lambda: httpx.get(old).status_code == 403)
    assert httpx.get(old).json()["error"]["code"] == "expired_link"
    new = retrieve(http, video).json()["outputs"]["video_url"]
    assert new != old
    assert httpx.get(new).status_code == 200
    assert httpx.get(f"{http.base_url}outputs/guess.mp4").status_code == 403


def test_directives_hold_here_too(http: httpx.Client):
    failed = finished(http, "[fail]")
    assert (failed["status"], failed["error"]["code"]) == ("failed", "internal_error")
    assert "outputs" not in failed
    assert finished(http, "[filter]")["error"]["code"] == "content_filter"
    refused = http.post("/v2/videos", json={**SMALL, "prompt": "[refuse]"})
    assert refused.json()["error"]["code"] == "content_policy_violation"
    odd = create(http, "[unknown-status]")
    assert retrieve(http, odd).json()["status"] == "melting"
    assert retrieve(http, create(http, "[lose]")).status_code == 404
    started = time.monotonic()
    create(http, "[hang-create=1]")
    assert time.monotonic() - started > 1
    html = finished(http, "[html]")["outputs"]["video_url"]
    assert httpx.get(html).headers["content-type"].startswith("text/html")

"""The sandbox serves the vendors' own models, and enforces their published schemas."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from sandbox.app import create_app
from tests.integration.sandbox_client import BEARER, KEY
from tests.waiting import wait_for

Answer = dict[str, Any]
PIXVERSE = {"model": "pixverse/pixverse-v5", "prompt": "A fox in the snow"}
WAN = {"model": "Wan-AI/wan2.7-t2v", "prompt": "A fox in the snow"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[TestClient]:
    with TestClient(create_app(KEY), base_url="http://127.0.0.1", headers={**BEARER}) as client:
        yield client


def png() -> str:
    content = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def together(sandbox: TestClient, **fields: object) -> Answer:
    """Create a video and wait for its end."""
    created = sandbox.post("/together/v2/videos", json=fields)
    assert created.status_code == 200, created.text

    def ended() -> Answer:
        video: Answer = sandbox.get(f"/together/v2/videos/{created.json()['id']}").json()
        return {} if video["status"] == "in_progress" else video

    return wait_for(ended)


def test_together_renders_a_documented_model_in_its_size_and_length(sandbox):
    video = together(sandbox, **PIXVERSE, seconds="5", width=360, height=360)
    assert (video["status"], video["size"], video["seconds"]) == ("completed", "360x360", "5")
    assert video["model"] == "pixverse/pixverse-v5"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seconds": 5}, "seconds"),
        ({"frames": 24}, "frames"),
        ({"steps": 5}, "steps"),
        ({"media": {"images": []}}, "media.images"),
        ({"output_format": "GIF"}, "output_format"),
    ],
)
def test_together_refuses_what_its_types_do_not_have(sandbox, fields, param):
    refused = sandbox.post("/together/v2/videos", json={**PIXVERSE, **fields})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert refused.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"seconds": "8"}, "invalidDuration", "seconds"),
        ({"width": 128, "height": 72}, "InvalidParameter", "width"),
        ({"width": 1280}, "InvalidParameter", "height"),
        ({"resolution": "720p"}, "unsupportedParameter", "resolution"),
        (
            {"media": {"source_video": "https://example.com/a.mp4"}},
            "unsupportedParameter",
            "media.source_video",
        ),
    ],
)
def test_together_fails_the_job_if_the_model_does_not_take_an_argument(
    sandbox, fields, code, field
):
    video = together(sandbox, **PIXVERSE, **fields)
    assert (video["status"], video["error"]["code"]) == ("failed", code)
    assert video["error"]["message"].startswith(f"{field}: ")


def test_together_reads_resolution_and_ratio_as_the_model_spells_them(sandbox):
    wrong = together(sandbox, **WAN, resolution="720p", seconds="2")
    assert (wrong["status"], wrong["error"]["code"]) == ("failed", "InvalidParameter")
    created = sandbox.post(
        "/together/v2/videos", json={**WAN, "resolution": "720P", "ratio": "9:16", "seconds": "2"}
    )
    assert (created.json()["size"], created.json()["seconds"]) == ("720x1280", "2")


def pipelet(sandbox: TestClient, model: str, **fields: object) -> Any:
    return sandbox.post(f"/pipelet/queue/{model}", json={"prompt": "A fox", **fields})


def test_pipelet_renders_a_documented_model(sandbox):
    created = pipelet(sandbox, "wan22-fast-t2v-pro", duration=1, width=480, height=832)
    assert created.status_code == 200, created.text
    wait_for(lambda: sandbox.get(created.json()["status_url"]).json()["status"] == "COMPLETED")
    assert sandbox.get(created.json()["response_url"]).json()["video"]["data_uri"]


@pytest.mark.parametrize("tier", ["", "-premium", "-pro"])
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"width": 1280, "height": 720, "duration": 6}, "duration"),
        ({"width": 832, "height": 480, "duration": 8}, "duration"),
        ({"width": 128, "height": 72}, "width"),
        ({"width": 1280}, "height"),
        ({"duration": "5"}, "duration"),
        ({"seed": 1}, "seed"),
        ({"data_uri": png()}, "data_uri"),
    ],
)
def test_pipelet_refuses_undocumented_arguments_of_text_to_video(sandbox, tier, fields, field):
    refused = pipelet(sandbox, f"wan22-fast-t2v{tier}", **fields)
    assert refused.status_code == 400
    assert refused.json()["detail"].startswith(f"{field}: ")


def test_pipelet_ignores_the_width_of_image_to_video(sandbox):
    accepted = pipelet(sandbox, "wan22-fast-i2v", data_uri=png(), width=999, height=480, duration=7)
    assert accepted.status_code == 200, accepted.text
    for fields, field in (
        ({"height": 720, "duration": 6}, "duration"),
        ({"height": 1080}, "height"),
    ):
        refused = pipelet(sandbox, "wan22-fast-i2v", data_uri=png(), **fields)
        assert refused.json()["detail"].startswith(f"{field}: ")
    assert pipelet(sandbox, "wan22-fast-i2v").json()["detail"].startswith("data_uri: ")


OPENAI = {"model": "sora-2", "prompt": "A fox in the snow"}


@pytest.mark.parametrize("sent_as", ["json", "files"])
def test_openai_serves_its_own_models_with_their_defaults(sandbox, sent_as):
    fields: Any = OPENAI if sent_as == "json" else {k: (None, v) for k, v in OPENAI.items()}
    video = sandbox.post("/v1/videos", **{sent_as: fields}).json()
    assert (video["model"], video["seconds"], video["size"]) == ("sora-2", "4", "720x1280")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seconds": "5"}, "seconds"),
        ({"seconds": 4}, "seconds"),
        ({"size": "128x72"}, "size"),
        ({"seed": 1}, "seed"),
        ({"prompt": ""}, "prompt"),
    ],
)
def test_openai_refuses_what_its_specification_does_not_have(sandbox, fields, param):
    refused = sandbox.post("/v1/videos", json={**OPENAI, **fields})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


VEO = {"model": "veo3.1_fast", "promptText": "A fox in the snow", "ratio": "720:1280"}
RUNWAY = {"x-runway-version": "2024-11-06"}


def runway(sandbox: TestClient, route: str, **fields: object) -> Any:
    return sandbox.post(f"/runway/v1/{route}", json={**VEO, **fields}, headers=RUNWAY)


@pytest.mark.parametrize("route", ["text_to_video", "image_to_video"])
def test_runway_renders_a_published_model(sandbox, route):
    image = {"promptImage": [{"uri": f"data:image/png;base64,{png()}", "position": "first"}]}
    files = image if route == "image_to_video" else {}
    created = runway(sandbox, route, duration=4, **files)
    assert created.status_code == 200, created.text

    def ended() -> Answer:
        task: Answer = sandbox.get(
            f"/runway/v1/tasks/{created.json()['id']}", headers=RUNWAY
        ).json()
        return {} if task["status"] in ("THROTTLED", "RUNNING") else task

    task = wait_for(ended)
    assert task["status"] == "SUCCEEDED"
    entry = sandbox.get("/_request_log").json()["creates"][-1]
    assert (entry["size"], entry["seconds"]) == ("720x1280", "4")
    assert entry["has_input_reference"] == (route == "image_to_video")


@pytest.mark.parametrize(
    ("route", "fields", "field"),
    [
        ("text_to_video", {"duration": 12}, "duration"),
        ("text_to_video", {"ratio": "1024:1792"}, "ratio"),
        ("text_to_video", {"resolution": "720p"}, "resolution"),
        ("image_to_video", {}, "promptImage"),
    ],
)
def test_runway_refuses_what_its_types_do_not_have(sandbox, route, fields, field):
    refused = runway(sandbox, route, **fields)
    assert refused.status_code == 400
    assert refused.json()["error"].startswith(f"Validation of body failed: {field}: ")

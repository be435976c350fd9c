"""The sandbox's published fal endpoints: fal's refusals, and real results in the published form."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from sandbox.app import create_app
from tests.integration.sandbox_client import KEY
from tests.waiting import wait_for

FAL = {"authorization": f"Key {KEY}"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[TestClient]:
    with TestClient(create_app(KEY), base_url="http://127.0.0.1") as client:
        yield client


def result_of(sandbox: TestClient, endpoint: str, **arguments: object) -> dict[str, Any]:
    reply = sandbox.post(f"/fal/{endpoint}", json=arguments, headers=FAL)
    assert reply.status_code == 200, reply.text
    accepted = reply.json()

    def completed() -> bool:
        status = sandbox.get(accepted["status_url"], headers=FAL).json()
        return bool(status["status"] == "COMPLETED")

    wait_for(completed)
    result: dict[str, Any] = sandbox.get(accepted["response_url"], headers=FAL).json()
    return result


def test_wrong_argument_is_refused_with_the_list_of_errors(sandbox):
    reply = sandbox.post(
        "/fal/fal-ai/veo3.1/fast", json={"prompt": "A fox", "duration": "8"}, headers=FAL
    )
    assert reply.status_code == 422
    assert reply.json() == {
        "detail": [
            {
                "loc": ["body", "duration"],
                "msg": "Input should be '4s', '6s' or '8s'",
                "type": "literal_error",
            }
        ]
    }


def test_unknown_endpoint_is_not_found(sandbox):
    reply = sandbox.post("/fal/fal-ai/unknown", json={"prompt": "A fox"}, headers=FAL)
    assert reply.status_code == 404


def test_video_is_rendered(sandbox):
    result = result_of(
        sandbox,
        "fal-ai/wan/v2.2-5b/text-to-video",
        prompt="A fox",
        num_frames=24,
        frames_per_second=24,
        resolution="580p",
        aspect_ratio="16:9",
    )
    content = sandbox.get(result["video"]["url"]).content
    assert content[4:8] == b"ftyp"
    assert result["video"]["content_type"] == "video/mp4"


def test_image_and_audio_results_have_the_published_form(sandbox):
    image = result_of(sandbox, "fal-ai/flux/schnell", prompt="A fox", image_size="square")
    assert image["images"][0]["content_type"] == "image/png"
    speech = result_of(sandbox, "fal-ai/kokoro/american-english", prompt="Hello")
    assert speech["audio"]["url"].endswith(".wav")

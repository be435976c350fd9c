"""Jobs at providers with fal's, Pipelet's and Replicate's protocols: video, image and audio."""

import wave
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from tests.e2e.small_jobs import (
    SMALL,
    assert_small_video,
    create,
    request_log,
    small_png,
    upstream_creates,
    wait_until_final,
)
from tests.waiting import wait_for

VIDEO_MODELS = (
    "sandbox-fal/video/standard",
    "sandbox-pipelet/video",
    "sandbox-pipelet/video-inline",
    "sandbox-replicate/video",
)
IMAGE_MODELS = ("sandbox-fal/image", "sandbox-replicate/image")
AUDIO_MODELS = ("sandbox-fal/tone", "sandbox-replicate/tone")
ONE_OF_EACH = ("sandbox-fal/video/standard", "sandbox-pipelet/video", "sandbox-replicate/video")
Video = dict[str, Any]


def run_job(client: httpx.Client, model: str, prompt: str, **fields: Any) -> Video:
    reply = create(client, f"{prompt} {uuid4()}", model=model, **fields)
    assert reply.status_code == 200, reply.text
    return wait_until_final(client, reply.json()["id"])


def run_job_by_path(client: httpx.Client, model: str, prompt: str, **fields: Any) -> Video:
    """Submit by Tiyaro's API: OpenAI's creates videos only, but returns any job."""
    body = {"input": {"prompt": f"{prompt} {uuid4()}", **fields}}
    reply = client.post(f"/v1/async/{model}", json=body)
    assert reply.status_code == 202, reply.text
    return wait_until_final(client, reply.json()["id"])


def upstream_id_of(stack, prompt: str) -> str | None:
    """Return the provider's id of the job with that prompt."""
    return next((entry["id"] for entry in upstream_creates(stack, prompt)), None)


def content(client: httpx.Client, video: Video) -> httpx.Response:
    """Download the file by its presigned URL."""
    assert video["status"] == "completed", video["error"]
    answer = client.get(f"/openai/v1/videos/{video['id']}/content")
    assert answer.status_code == 302
    return httpx.get(answer.headers["location"])


@pytest.mark.parametrize("model", VIDEO_MODELS)
def test_video_has_requested_size_and_length(client, model, tmp_path):
    file = content(client, run_job(client, model, "A fox", seed=7, negative_prompt="fog"))
    assert file.headers["content-type"] == "video/mp4"
    assert_small_video(file.content, tmp_path)


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_image_is_png(client, model):
    file = content(client, run_job_by_path(client, model, "A fox", size="128x72"))
    assert file.headers["content-type"] == "image/png"
    with Image.open(BytesIO(file.content)) as image:
        assert (image.format, image.size) == ("PNG", (128, 72))


@pytest.mark.parametrize("model", AUDIO_MODELS)
def test_audio_is_wav(client, model):
    file = content(client, run_job_by_path(client, model, "A tone", seconds=1))
    assert file.headers["content-type"] == "audio/wav"
    with wave.open(BytesIO(file.content)) as audio:
        assert audio.getnframes() / audio.getframerate() == 1.0


@pytest.mark.parametrize("path", ["/openai/v1/videos", "/v1/videos", "/v2/videos"])
@pytest.mark.parametrize("model", [*IMAGE_MODELS, *AUDIO_MODELS])
def test_video_api_refuses_image_and_audio_models(client, path, model):
    reply = client.post(path, json={"model": model, "prompt": "A fox"})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "model")


@pytest.mark.parametrize("model", ONE_OF_EACH)
def test_input_image_reaches_provider(client, stack, model):
    prompt = f"from an image {uuid4()}"
    files = {"input_reference": ("start.png", small_png(), "image/png")}
    fields = {**SMALL, "model": model, "prompt": prompt}
    created = client.post("/openai/v1/videos", data=fields, files=files)
    assert wait_until_final(client, created.json()["id"])["status"] == "completed"
    (entry,) = upstream_creates(stack, prompt)
    assert entry["has_input_reference"]
    assert entry["accepted"]


@pytest.mark.parametrize("model", ONE_OF_EACH)
def test_failed_and_filtered_jobs_keep_provider_message(client, model):
    failed = run_job(client, model, "[fail]")
    assert failed["error"] == {"code": "upstream_failed", "message": "The render was interrupted."}
    filtered = run_job(client, model, "[filter]")
    assert filtered["status"] == "failed"
    if "pipelet" in model:  # Pipelet has no code for filtered content
        assert filtered["error"]["message"] == "The video was withheld by the content filter."
    else:
        assert filtered["error"]["code"] == "content_filtered"


@pytest.mark.parametrize("model", ONE_OF_EACH)
def test_refused_prompt_fails_job(client, model):
    refused = run_job(client, model, "[refuse]")
    expected = "upstream_refused" if "replicate" in model else "content_filtered"
    assert (refused["status"], refused["error"]["code"]) == ("failed", expected)


@pytest.mark.parametrize("model", ["sandbox-fal/video/standard", "sandbox-replicate/video"])
def test_transient_errors_are_retried(client, model):
    assert run_job(client, model, "[429=1] [poll-503=1]")["status"] == "completed"


def test_stored_file_outlives_provider_file(client, stack):
    video = run_job(client, "sandbox-replicate/video", "[expire=15]")
    assert content(client, video).content
    upstream_id = upstream_id_of(stack, video["prompt"])
    expired = f"{stack.sandbox_url}/outputs/{upstream_id}/video.mp4"
    assert wait_for(lambda: httpx.get(expired).status_code == 403)
    assert content(client, video).content


@pytest.mark.parametrize("model", ONE_OF_EACH)
def test_delete_stops_job_at_provider(client, stack, model):
    prompt = f"[slow=600] {uuid4()}"
    created = create(client, prompt, model=model)
    upstream_id = wait_for(lambda: upstream_id_of(stack, prompt))
    client.delete(f"/openai/v1/videos/{created.json()['id']}")
    if "pipelet" not in model:  # Pipelet cancels only queued requests
        assert wait_for(lambda: upstream_id in request_log(stack)["deletes"])


def test_unsupported_option_is_refused_by_name(client):
    for model, unknown in (("tone", {"negative_prompt": "hiss"}), ("image", {"seconds": 1})):
        body = {"input": {"prompt": "A fox", **unknown}}
        reply = client.post(f"/v1/async/sandbox-fal/{model}", json=body)
        assert (reply.status_code, reply.json()["param"]) == (400, next(iter(unknown)))

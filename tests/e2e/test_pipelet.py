"""The documented calls of Pipelet's queue, against the running stack."""

import base64
from pathlib import Path
from typing import Any

import httpx

from local.stack import Stack
from tests.e2e.small_jobs import decode, small_png
from tests.waiting import wait_for

T2V, I2V = "wan22-fast-t2v", "wan22-fast-i2v"
SMALL = {"duration": 1, "width": 512, "height": 512}
"""The smallest documented size."""


def create(
    client: httpx.Client, prompt: str, model: str = T2V, headers: Any = None, **fields: Any
) -> dict[str, str]:
    body = {"prompt": prompt, **(fields or SMALL)}
    reply = client.post(f"/queue/{model}", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    created: dict[str, str] = reply.json()
    return created


def assert_video(content: bytes, folder: Path, size: tuple[int, int] = (512, 512)) -> None:
    video = decode(content, folder)
    assert (video.codec, video.size, video.seconds) == ("h264", size, 1.0)


def created_video(client: httpx.Client, prompt: str, headers: Any = None) -> dict[str, str]:
    """Return the video of a completed request."""
    created = create(client, prompt, headers=headers)
    wait_for_status(client, created["status_url"], "COMPLETED")
    video: dict[str, str] = client.get(created["response_url"]).json()["video"]
    return video


def wait_for_status(client: httpx.Client, status_url: str, for_status: str) -> dict[str, Any]:
    def poll() -> dict[str, Any]:
        status: dict[str, Any] = client.get(status_url).json()
        return status if status["status"] == for_status else {}

    return wait_for(poll)


def test_image_to_video_returns_base64(client, stack: Stack, tmp_path: Path):
    image = base64.encodebytes(small_png()).decode()  # with line breaks, as of the base64 command
    created = create(client, "A cat with a cape", I2V, data_uri=image, duration=1, height=480)
    one = f"{stack.url}/queue/{I2V}/requests/{created['request_id']}"
    assert created == {
        "request_id": created["request_id"],
        "response_url": one,
        "status_url": f"{one}/status",
        "cancel_url": f"{one}/cancel",
    }
    done = wait_for_status(client, created["status_url"], "COMPLETED")
    assert (done["queue_position"], done["etaSeconds"], done["response_url"]) == (0, 0, one)
    result = client.get(created["response_url"]).json()
    assert list(result["video"]) == ["data_uri"]
    content = base64.b64decode(result["video"]["data_uri"], validate=True)
    assert_video(content, tmp_path, (854, 480))


def test_output_header_returns_link(client, tmp_path: Path):
    video = created_video(client, "a kite", {"x-pipelet-output": "binary"})
    assert video["data_uri"] == video["data_url"]
    assert_video(httpx.get(video["data_uri"]).content, tmp_path)


def test_video_that_fits_response_is_base64(client, tmp_path: Path):
    content = base64.b64decode(created_video(client, "a video [big=4]")["data_uri"])
    assert len(content) == 4 * 1024 * 1024
    assert_video(content, tmp_path)


def test_video_above_response_limit_is_an_error_with_a_link(client):
    created = create(client, "a large one [big=5]")
    wait_for_status(client, created["status_url"], "COMPLETED")
    result = client.get(created["response_url"])
    assert (result.status_code, result.json()["video"]) == (406, False)
    with httpx.stream("GET", result.json()["data_url"]) as download:
        assert int(download.headers["content-length"]) == 5 * 1024 * 1024


def test_running_request_has_progress_and_cannot_be_cancelled(client):
    created = create(client, "a long one [slow=60]")
    running = wait_for_status(client, created["status_url"], "IN_PROGRESS")
    assert running["statusMessages"]["message"] == "PROCESSING"
    assert running["statusMessages"]["detail_message"].startswith("Progress: ")
    early = client.get(created["response_url"])
    assert (early.status_code, list(early.json())) == (400, ["detail", "video"])
    late = client.put(created["cancel_url"])
    assert (late.status_code, list(late.json())) == (409, ["detail"])


def test_cancel_of_queued_request_returns_204(client):
    created = create(client, "a queued one [503=50]")
    assert client.get(created["status_url"]).json()["status"] == "IN_QUEUE"
    gone = client.put(created["cancel_url"])
    assert (gone.status_code, gone.content) == (204, b"")
    wait_for_status(client, created["status_url"], "CANCELLED")
    assert client.put(created["cancel_url"]).status_code == 409
    assert client.get(created["response_url"]).status_code == 422


def test_failed_request_has_reason(client):
    """Of another provider: Pipelet's own status has no code for filtered content."""
    created = create(client, "something [filter]", "sora-2", duration=1, width=128, height=72)
    failed = wait_for_status(client, created["status_url"], "FAILED")
    assert failed["statusMessages"]["detail_message"] == "content_filtered"
    assert client.get(created["response_url"]).status_code == 422


def test_own_prefix_uses_pipelet_format_with_any_key_scheme(client, stack: Stack):
    key = {"authorization": f"Key {stack.environment()['RUSHES_API_KEY']}"}
    created = client.post(
        f"/pipelet/queue/{T2V}", json={"prompt": "a kite", **SMALL}, headers=key
    ).json()
    assert created["response_url"].startswith(f"{stack.url}/pipelet/queue/{T2V}/requests/job_")
    status = client.get(created["status_url"], headers=key).json()
    assert "statusMessages" in status

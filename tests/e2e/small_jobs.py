"""Create the smallest job, wait for jobs, and read the sandbox's request log."""

from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image

from local.stack import Stack
from local.video_probe import VideoInfo, probe_video
from tests.waiting import MAX_WAIT_SECONDS, wait_for

SMALL = {"model": "sora-2", "prompt": "small", "seconds": "1", "size": "128x72"}
FINAL = ("completed", "failed", "cancelled")
UNANSWERED = (409, 500, 502, 503, 504)
"""Statuses of a call that a busy machine did not answer in time, or whose first try still runs."""


def create(client: httpx.Client, prompt: str = "small", **fields: object) -> httpx.Response:
    return client.post("/openai/v1/videos", json={**SMALL, "prompt": prompt, **fields})


def create_until_answered(client: httpx.Client, prompt: str) -> str:
    """Create a job as SDKs do: after a 5xx, repeat the call under its key. Return the job's id."""
    key = {"idempotency-key": str(uuid4())}

    def call() -> httpx.Response | None:
        body = {**SMALL, "prompt": prompt}
        answer = client.post("/openai/v1/videos", json=body, headers=key)
        return None if answer.status_code in UNANSWERED else answer

    answer = wait_for(call)
    assert answer is not None
    return str(answer.raise_for_status().json()["id"])


def retrieve(client: httpx.Client, job_id: str) -> dict[str, Any]:
    video: dict[str, Any] = client.get(f"/openai/v1/videos/{job_id}").json()
    return video


def status(client: httpx.Client, job_id: str) -> str:
    text: str = retrieve(client, job_id)["status"]
    return text


def wait_until_final(client: httpx.Client, job_id: str) -> dict[str, Any]:
    def poll() -> dict[str, Any]:
        video = retrieve(client, job_id)
        return video if video["status"] in FINAL else {}

    return wait_for(poll)


def completes(client: httpx.Client, job_id: str, seconds: float = MAX_WAIT_SECONDS) -> bool:
    """Return whether the job completes within `seconds`."""
    try:
        return wait_for(lambda: status(client, job_id) == "completed", seconds)
    except AssertionError:
        return False


def request_log(stack: Stack) -> dict[str, Any]:
    entries: dict[str, Any] = httpx.get(f"{stack.sandbox_url}/_request_log", timeout=60).json()
    return entries


def upstream_creates(stack: Stack, prompt: str) -> list[dict[str, Any]]:
    """Return the create calls with this prompt that reached the sandbox."""
    return [entry for entry in request_log(stack)["creates"] if entry["prompt"] == prompt]


def decode(content: bytes, folder: Path) -> VideoInfo:
    path = folder / "video.mp4"
    path.write_bytes(content)
    return probe_video(path)


def assert_small_video(content: bytes, folder: Path) -> None:
    video = decode(content, folder)
    assert (video.codec, video.size, video.seconds) == ("h264", (128, 72), 1.0)


def small_png() -> bytes:
    content = BytesIO()
    Image.new("RGB", (128, 72), "teal").save(content, "PNG")
    return content.getvalue()

"""The smallest job there is, and waiting for it."""

import time

import httpx

SMALL = {"model": "sora-2", "prompt": "small", "seconds": "1", "size": "128x72"}


def create(client: httpx.Client, prompt: str = "small") -> httpx.Response:
    return client.post("/openai/v1/videos", json={**SMALL, "prompt": prompt})


def status(client: httpx.Client, job_id: str) -> str:
    answer: str = client.get(f"/openai/v1/videos/{job_id}").json()["status"]
    return answer


def completes(client: httpx.Client, job_id: str, seconds: float) -> bool:
    """Whether it does so in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if status(client, job_id) == "completed":
            return True
        time.sleep(0.2)
    return False

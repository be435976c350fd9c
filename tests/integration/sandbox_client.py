"""Start a sandbox process, and call its OpenAI protocol."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
KEY = "key-of-the-tests"
BEARER = {"authorization": f"Bearer {KEY}"}
SMALL = {"model": "sandbox-1", "size": "128x72", "seconds": "1"}
READ_TIMEOUT = httpx.Timeout(60, read=0.5)
"""For calls that never get an answer."""
Video: TypeAlias = dict[str, Any]


@contextmanager
def running_sandbox(temporary: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SANDBOX_API_KEY": KEY, "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "sandbox", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: is_healthy(url))
            yield url, process
        finally:
            process.terminate()


def is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


def create(http: httpx.Client, prompt: str, **fields: object) -> Video:
    reply = http.post("/videos", json={**SMALL, "prompt": prompt, **fields})
    assert reply.is_success, reply.text
    video: Video = reply.json()
    return video


def finished(http: httpx.Client, video: Video) -> Video:
    """Return the final job from the list: directives may affect polls."""

    def listed() -> Video:
        jobs = http.get("/videos", params={"limit": 100}).json()["data"]
        return next(job for job in jobs if job["id"] == video["id"])

    wait_for(lambda: listed()["status"] in {"completed", "failed"})
    return listed()


def request_log(http: httpx.Client) -> dict[str, Any]:
    entries: dict[str, Any] = httpx.get(http.base_url.join("/_request_log")).json()
    return entries

"""Loads that one account puts on the local stack, for `bench.isolation`."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from typing_extensions import override

Load = Callable[["Size", httpx.Client], Any]
"""A context manager: the load runs inside its block. Its value counts the API's answers."""

VIDEO = {"model": "sandbox/sandbox-1", "seconds": "1", "size": "128x72"}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cf"
    "c0f01f00050001ffa5f7e0d40000000049454e44ae426082"
)
IMAGES_PER_JOB = 16
IMAGE_SECONDS, WEBHOOK_SECONDS = 23.0, 14.0
"""Just below the time limits of a fetch (25 s) and of a webhook (15 s)."""
EVENT_INTERVAL = 3.0
ALWAYS_REJECTED = "[401=100000]"


class Size:
    """Size of the loads; small for a test of the benchmark itself."""

    def __init__(self, *, small: bool) -> None:
        self.ramp_seconds = 1.0 if small else 10.0
        """Time for the load to begin."""
        self.creates_per_second = 2.0 if small else 19.0
        self.slow_jobs = 1 if small else 10
        self.endpoints = 3 if small else 100
        self.rejected_jobs = 2 if small else 50


@contextmanager
def flood(size: Size, http: httpx.Client) -> Iterator[Counter[int]]:
    """Create jobs at a constant rate, whatever the API answers."""
    answers: Counter[int] = Counter()
    closing = threading.Event()

    def create(number: int) -> None:
        answers[_create(http, f"flood {number}")] += 1

    def run() -> None:
        with ThreadPoolExecutor(16) as pool:
            number = 0
            while not closing.wait(1 / size.creates_per_second):
                pool.submit(create, number)
                number += 1

    with _thread(run, closing):
        yield answers


@contextmanager
def slow_images(size: Size, http: httpx.Client) -> Iterator[Counter[int]]:
    """Create jobs with 16 images each; every image takes 23 seconds."""
    with _server(IMAGE_SECONDS, PNG) as url:
        answers: Counter[int] = Counter()
        for number in range(size.slow_jobs):
            images = [f"{url}/{number}-{image}.png" for image in range(IMAGES_PER_JOB)]
            body = {
                "model": "sandbox-together/sandbox-1",
                "prompt": f"slow images {number}",
                "media": {"reference_images": images},
            }
            answers[http.post("/v2/videos", json=body).status_code] += 1
        yield answers


@contextmanager
def slow_endpoints(size: Size, http: httpx.Client) -> Iterator[Counter[int]]:
    """Create a job every 3 seconds; 100 endpoints answer its event after 14 seconds."""
    closing = threading.Event()
    answers: Counter[int] = Counter()

    def run() -> None:
        number = 0
        while not closing.wait(EVENT_INTERVAL):
            answers[_create(http, f"slow endpoints {number}")] += 1
            number += 1

    with _server(WEBHOOK_SECONDS, b"") as url:
        for number in range(size.endpoints):
            body = {"url": f"{url}/{number}", "event_types": ["job.completed"]}
            answers[http.post("/openai/v1/webhook_endpoints", json=body).status_code] += 1
        with _thread(run, closing):
            yield answers


@contextmanager
def rejected_key(size: Size, http: httpx.Client) -> Iterator[Counter[int]]:
    """Create jobs whose create calls the provider answers with 401."""
    answers: Counter[int] = Counter()
    for number in range(size.rejected_jobs):
        answers[_create(http, f"rejected {number} {ALWAYS_REJECTED}")] += 1
    yield answers


LOADS: dict[str, Load] = {
    "slow images": slow_images,
    "slow endpoints": slow_endpoints,
    "rejected key (401)": rejected_key,
    "flood of creates": flood,
}


def _create(http: httpx.Client, prompt: str) -> int:
    return http.post("/openai/v1/videos", json={**VIDEO, "prompt": prompt}).status_code


@contextmanager
def _thread(run: Callable[[], None], closing: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        closing.set()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that close the connection early."""


@contextmanager
def _server(seconds: float, content: bytes) -> Iterator[str]:
    """Run an HTTP server that answers each request after `seconds`."""

    class Slow(BaseHTTPRequestHandler):
        @override
        def log_message(self, format: str, *_: object) -> None: ...

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            time.sleep(seconds)
            self.send_response(200)
            self.send_header("content-type", "image/png")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815 - the names of the base class's protocol

    with _Server(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()

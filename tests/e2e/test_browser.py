"""A page in a real browser uses the gateway, whose origin is another one."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from local.processes import free_port
from local.stack import Stack
from tests import browser
from tests.stack import WAIT_SCALE
from tests.waiting import MAX_WAIT_SECONDS

PAGE = Path(__file__).with_name("browser_page.html")
Results = dict[str, Any]


class PageServer(ThreadingHTTPServer):
    """Serves the page and its settings, and receives its results."""

    def __init__(self, port: int, settings: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", port), PageHandler)
        self.files = {"/": PAGE.read_bytes(), "/settings.json": json.dumps(settings).encode()}
        self.results: Results = {}
        self.arrived = threading.Event()


class PageHandler(BaseHTTPRequestHandler):
    @property
    def page(self) -> PageServer:
        assert isinstance(self.server, PageServer)
        return self.server

    def do_GET(self) -> None:
        body = self.page.files.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("content-type", "application/json" if "json" in self.path else "text/html")
        self.send_header("content-length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.page.results = json.loads(self.rfile.read(length))
        self.send_response(204)
        self.end_headers()
        self.page.arrived.set()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


@contextmanager
def serving(port: int, settings: dict[str, str]) -> Iterator[PageServer]:
    with PageServer(port, settings) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def results_of_page(port: int, stack: Stack) -> Results:
    settings = {"gateway": stack.url, "key": stack.environment()["RUSHES_API_KEY"]}
    with serving(port, settings) as server, browser.open_page(f"http://127.0.0.1:{port}/"):
        assert server.arrived.wait(MAX_WAIT_SECONDS), "the page has not sent its results"
        return server.results


@pytest.fixture(scope="module", autouse=True)
def installed_browser() -> None:
    try:
        browser.installed()
    except browser.BrowserUnavailableError as reason:
        pytest.skip(f"no browser: {reason}")


@pytest.fixture(scope="module")
def allowed_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, allowed_port: int) -> Iterator[Stack]:
    """A stack that allows the page's origin, and another one."""
    origins = f"https://app.example.com,http://127.0.0.1:{allowed_port}"
    folder = tmp_path_factory.mktemp("browser") / "state"
    parameters = {"CorsAllowOrigins": origins}
    with Stack(folder, wait_scale=WAIT_SCALE, parameters=parameters) as running:
        yield running


@pytest.fixture(scope="module")
def results(stack: Stack, allowed_port: int) -> Results:
    return results_of_page(allowed_port, stack)


def test_page_creates_and_polls_a_video(results: Results):
    created = results["create"]
    assert created["status"] == 200, created
    assert created["body"]["status"] == "queued"
    assert results["poll"]["status"] == "completed", results["poll"]


def test_page_reads_the_gateways_headers(results: Results):
    assert results["create"]["headers"].keys() >= {"x-request-id", "openai-poll-after-ms"}
    assert results["fal"]["headers"].keys() >= {"x-request-id"}


@pytest.mark.parametrize("step", ["form", "fal", "pipelet", "list", "delete"])
def test_page_uses_every_header_and_method(results: Results, step: str):
    assert results[step].get("status") == 200, results[step]


def test_page_downloads_the_content_through_the_redirect(results: Results):
    content = results["content"]
    assert (content.get("status"), content.get("redirected")) == (200, True), content
    assert content["type"] == "video/mp4"
    assert int(content["length"]) > 0


def test_page_uploads_a_file_to_the_bucket(results: Results):
    upload = results["upload"]
    assert upload.get("status") == 200, upload
    assert upload["etag"] == f'"{hashlib.md5(bytes(2000)).hexdigest()}"'  # noqa: S324 - S3's ETag


def test_page_reads_errors(results: Results):
    assert results["refusal"]["status"] == 404
    assert results["refusal"]["body"]["error"]["message"]
    assert results["wrong key"]["status"] == 401


def test_page_of_another_origin_is_refused(stack: Stack):
    refused = results_of_page(free_port(), stack)
    assert refused["create"] == {"error": "TypeError: Failed to fetch"}
    assert refused["list"] == {"error": "TypeError: Failed to fetch"}
    assert refused["upload"] == {"error": "TypeError: Failed to fetch"}

"""A server of Replicate's predictions API that enforces the published input schemas."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

from rushes.catalog.vendor_data import read_vendor
from rushes.ports.http import HttpCall
from tests.contract.vendors import replicate
from tests.harness import MP4_BYTES

ENTRIES = {model.model_at_provider: model for model in read_vendor("replicate").entries()}


class _Handler(BaseHTTPRequestHandler):
    """Predictions succeed at their first poll. The id of a prediction is that of its model."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.removeprefix("/v1")
        name = path.removeprefix("/models/").removesuffix("/predictions")
        if name not in ENTRIES:
            self._answer(404, {"detail": "The requested resource could not be found."})
        elif errors := replicate.errors(ENTRIES[name], HttpCall("POST", path, json=body)):
            self._answer(422, {"title": "Input validation failed", "detail": "; ".join(errors)})
        else:
            self._answer(201, {"id": name.replace("/", "--"), "status": "starting"})

    def do_GET(self) -> None:
        if self.path == "/output.mp4":
            self._send(200, "video/mp4", MP4_BYTES)
            return
        prediction = self.path.rpartition("/")[2]
        published = replicate.PUBLISHED["models"][prediction.replace("--", "/")]
        url = f"http://{self.headers['host']}/output.mp4"
        output = [url] if published.get("output", {}).get("type") == "array" else url
        self._answer(200, {"id": prediction, "status": "succeeded", "output": output})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, content_type: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running_replicate() -> Iterator[str]:
    """Yield the base URL of the API."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()

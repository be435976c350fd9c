"""A provider on this machine in virtual time: videos by OpenAI's API, transcripts by fal's."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, cast

from typing_extensions import override

from bench.job_kinds import TRANSCRIPT_BYTES
from tests.faults.videos import video_bytes

TRANSCRIPT = "a fox in the snow ".ljust(TRANSCRIPT_BYTES, ".")


class LocalProvider(ThreadingHTTPServer):
    """`now` is the virtual time; every job takes `seconds`."""

    daemon_threads = True

    def __init__(self, now: Callable[[], float], seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._now, self._seconds = now, seconds
        self._created: dict[str, float] = {}
        self._numbers = count()
        threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    @property
    def port(self) -> int:
        return self.server_port

    def create(self) -> str:
        name = f"job-{next(self._numbers)}"
        self._created[name] = self._now()
        return name

    def progress(self, name: str) -> float:
        """Return the completed part of a job, from 0 to 1."""
        return min((self._now() - self._created[name]) / self._seconds, 1.0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass

    @property
    def _provider(self) -> LocalProvider:
        return cast("LocalProvider", self.server)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        name = self._provider.create()
        self._answer_json(_video(name, 0.0) if self.path == "/v1/videos" else {"request_id": name})

    def do_GET(self) -> None:
        parts = self.path.strip("/").split("/")
        name = next(part for part in parts if part.startswith("job-"))
        progress = self._provider.progress(name)
        match parts[-1], parts[0]:
            case "content", _:
                self._answer(video_bytes(name), "video/mp4")
            case "status", _:
                self._answer_json({"status": "COMPLETED" if progress >= 1 else "IN_PROGRESS"})
            case _, "v1":
                self._answer_json(_video(name, progress))
            case _:
                self._answer_json({"text": TRANSCRIPT})

    def _answer_json(self, value: dict[str, Any]) -> None:
        self._answer(json.dumps(value).encode(), "application/json")

    def _answer(self, body: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _video(name: str, progress: float) -> dict[str, Any]:
    status = "completed" if progress >= 1 else "in_progress" if progress else "queued"
    return {"id": name, "object": "video", "status": status, "progress": round(progress * 100)}

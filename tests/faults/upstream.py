"""OpenAI Videos API over HTTP with planned faults and a request log.

The first path segment selects one of three providers: `none` ignores `Idempotency-Key`, `key`
honours it, `lookup` lists its videos. The provider would bill every video in `request_log`.
"""

import re
import socket
import struct
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.clock import Clock
from tests.faults.fault_kinds import Place, UpstreamFault
from tests.faults.plans import Plan
from tests.faults.replies import Answer, corrupted, json_answer, refusal
from tests.faults.sockets import Request, bind_socket, read_request
from tests.faults.videos import video_bytes

FIELD = re.compile(rb'name="(\w+)"\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)
LAG = 15.0
"""Seconds until a new job appears in the list."""
PAGE = 100
STATUS_FAULTS: dict[str, dict[str, Any]] = {
    "unknown status": {"status": "levitating"},
    "backwards": {"status": "queued", "progress": 0},
    "progress": {"status": "in_progress", "progress": 250},
    "failed": {"status": "failed", "error": {"code": "oops", "message": "no"}},
}


@dataclass
class Video:
    name: str
    tag: str
    prompt: str
    created_at: float
    seconds: float
    provider: str
    user: str
    status: str = ""
    """Set when it has failed or was deleted."""


class Upstream:
    def __init__(self, clock: Clock, plans: dict[str, Plan], rng: Random) -> None:
        self.clock, self.plans, self.rng = clock, plans, rng
        self.request_log: dict[str, list[Video]] = defaultdict(list)
        self._videos: dict[str, Video] = {}
        self._keys: dict[str, Video] = {}
        self._listener: socket.socket | None = None
        self._holder = bind_socket(0)
        """Keeps the port without listening, so that connections are refused while closed."""
        self.port: int = self._holder.getsockname()[1]
        self.open()

    def open(self) -> None:
        self._listener = bind_socket(self.port)
        self._listener.listen(32)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections until `open`."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def stop(self) -> None:
        self.close()
        self._holder.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        request = read_request(connection)
        answer, fault = self._answer(request)
        corruption = fault.corruption if fault else ""
        if corruption == "hang":
            connection.recv(1)  # until the caller times out
        elif corruption == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.sendall(corrupted(answer, corruption))

    def _answer(self, request: Request) -> tuple[Answer, UpstreamFault | None]:
        provider, _, path = request.path.strip("/").partition("/")
        match request.method, path.split("/"):
            case "POST", ["videos"]:
                return self._create(provider, request)
            case "GET", ["videos"]:
                return self._list(provider)
            case method, ["videos", name, *rest] if name in self._videos:
                return self._one_video(method, self._videos[name], rest)
        return refusal(404, {}), None

    def _create(self, provider: str, request: Request) -> tuple[Answer, UpstreamFault | None]:
        form = {name.decode(): value.decode() for name, value in FIELD.findall(request.body)}
        tag = form["prompt"].split()[0]
        plan = self.plans[tag]
        fault = plan.fault("create")
        if fault and not fault.commits:
            return self._faulty(fault, json_answer({})), fault
        key = request.headers.get("idempotency-key") if provider == "key" else None
        video = self._keys.get(key or "") or self._create_video(provider, tag, form)
        if key:
            self._keys[key] = video
        plan.created = True
        return self._faulty(fault, json_answer(self._view(video))), fault

    def _create_video(self, provider: str, tag: str, form: dict[str, str]) -> Video:
        name = f"vid_{len(self._videos)}"
        seconds = self.rng.choice((2.0, 8.0, 20.0, 45.0))
        user = form.get("user", "")
        video = Video(name, tag, form["prompt"], self.clock.now, seconds, provider, user)
        self._videos[name] = video
        self.request_log[tag].append(video)
        return video

    def _list(self, provider: str) -> tuple[Answer, UpstreamFault | None]:
        """List the newest first; new videos appear after a lag."""
        if provider != "lookup":
            return refusal(404, {}), None
        known = [video for video in self._videos.values() if video.provider == provider]
        fault = self.plans[known[-1].tag].fault("lookup") if known else None
        seen = [video for video in known[::-1] if video.created_at < self.clock.now - LAG]
        page = [self._view(video) for video in seen[:PAGE]]
        good = json_answer({"object": "list", "data": page, "has_more": len(seen) > PAGE})
        return self._faulty(fault, good), fault

    def _one_video(
        self, method: str, video: Video, rest: list[str]
    ) -> tuple[Answer, UpstreamFault | None]:
        place: Place = "download" if rest else "poll"
        if method == "DELETE":
            video.status = video.status or "cancelled"
            return json_answer({"id": video.name, "object": "video.deleted", "deleted": True}), None
        fault = self.plans[video.tag].fault(place)
        if fault and fault.corruption == "failed":
            video.status = "failed"
        good = (
            Answer(200, video_bytes(video.name), "video/mp4")
            if rest
            else json_answer(self._view(video))
        )
        if fault and fault.corruption in STATUS_FAULTS:
            good = json_answer({**self._view(video), **STATUS_FAULTS[fault.corruption]})
        return self._faulty(fault, good), fault

    def _faulty(self, fault: UpstreamFault | None, good: Answer) -> Answer:
        if fault is None or fault.statuses == (200,):
            return good
        return refusal(self.rng.choice(fault.statuses), fault.headers)

    def _view(self, video: Video) -> dict[str, Any]:
        part = min((self.clock.now - video.created_at) / video.seconds, 1.0)
        status = "completed" if part >= 1 else "in_progress" if part > 0.2 else "queued"
        return {
            "id": video.name,
            "object": "video",
            "status": video.status or status,
            "progress": round(part * 100),
            "created_at": int(video.created_at),
            "prompt": video.prompt,
            "user": video.user,
            "error": {"code": "oops", "message": "no"} if video.status else None,
        }

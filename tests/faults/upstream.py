"""An upstream that speaks the OpenAI Videos API over HTTP, spoils answers, and keeps the ledger.

It serves three providers, told apart by the first step of the path: `none` ignores
`Idempotency-Key`, `key` honours it, `find` can be searched. What is in `request_log` has been made,
and would be billed.
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
from tests.faults.fault_kinds import Mood, Place
from tests.faults.plans import Plan
from tests.faults.replies import Answer, refusal, spoilt, told
from tests.faults.sockets import Request, bound, received
from tests.faults.videos import film

FIELD = re.compile(rb'name="(\w+)"\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)
LAG = 15.0
"""Seconds after which a job is in the list."""
PAGE = 100
SPOILT_STATUS: dict[str, dict[str, Any]] = {
    "unknown status": {"status": "dreaming"},
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
    """Once it has failed, or was deleted."""


class Upstream:
    def __init__(self, clock: Clock, plans: dict[str, Plan], rng: Random) -> None:
        self.clock, self.plans, self.rng = clock, plans, rng
        self.request_log: dict[str, list[Video]] = defaultdict(list)
        self._videos: dict[str, Video] = {}
        self._keys: dict[str, Video] = {}
        self._listener: socket.socket | None = None
        self._holder = bound(0)
        """Never listens: while nobody else does, connections are refused, but the port is kept."""
        self.port: int = self._holder.getsockname()[1]
        self.open()

    def open(self) -> None:
        self._listener = bound(self.port)
        self._listener.listen(32)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """From now on connections are refused."""
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
        request = received(connection)
        answer, mood = self._answer(request)
        spoils = mood.spoils if mood else ""
        if spoils == "hang":
            connection.recv(1)  # until the caller has lost patience
        elif spoils == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.sendall(spoilt(answer, spoils))

    def _answer(self, request: Request) -> tuple[Answer, Mood | None]:
        provider, _, path = request.path.strip("/").partition("/")
        match request.method, path.split("/"):
            case "POST", ["videos"]:
                return self._create(provider, request)
            case "GET", ["videos"]:
                return self._list(provider)
            case method, ["videos", name, *rest] if name in self._videos:
                return self._about(method, self._videos[name], rest)
        return refusal(404, {}), None

    def _create(self, provider: str, request: Request) -> tuple[Answer, Mood | None]:
        form = {name.decode(): value.decode() for name, value in FIELD.findall(request.body)}
        tag = form["prompt"].split()[0]
        plan = self.plans[tag]
        mood = plan.mood("create")
        if mood and not mood.commits:
            return self._spoilt_by(mood, told({})), mood
        key = request.headers.get("idempotency-key") if provider == "key" else None
        video = self._keys.get(key or "") or self._made(provider, tag, form)
        if key:
            self._keys[key] = video
        plan.created = True
        return self._spoilt_by(mood, told(self._view(video))), mood

    def _made(self, provider: str, tag: str, form: dict[str, str]) -> Video:
        name = f"vid_{len(self._videos)}"
        seconds = self.rng.choice((2.0, 8.0, 20.0, 45.0))
        user = form.get("user", "")
        video = Video(name, tag, form["prompt"], self.clock.now, seconds, provider, user)
        self._videos[name] = video
        self.request_log[tag].append(video)
        return video

    def _list(self, provider: str) -> tuple[Answer, Mood | None]:
        """The newest first; what has just been made is not in it yet."""
        if provider != "lookup":
            return refusal(404, {}), None
        known = [it for it in self._videos.values() if it.provider == provider]
        mood = self.plans[known[-1].tag].mood("lookup") if known else None
        seen = [it for it in known[::-1] if it.created_at < self.clock.now - LAG]
        page = [self._view(video) for video in seen[:PAGE]]
        good = told({"object": "list", "data": page, "has_more": len(seen) > PAGE})
        return self._spoilt_by(mood, good), mood

    def _about(self, method: str, video: Video, rest: list[str]) -> tuple[Answer, Mood | None]:
        place: Place = "download" if rest else "poll"
        if method == "DELETE":
            video.status = video.status or "cancelled"
            return told({"id": video.name, "object": "video.deleted", "deleted": True}), None
        mood = self.plans[video.tag].mood(place)
        if mood and mood.spoils == "failed":
            video.status = "failed"
        good = Answer(200, film(video.name), "video/mp4") if rest else told(self._view(video))
        if mood and mood.spoils in SPOILT_STATUS:
            good = told({**self._view(video), **SPOILT_STATUS[mood.spoils]})
        return self._spoilt_by(mood, good), mood

    def _spoilt_by(self, mood: Mood | None, good: Answer) -> Answer:
        if mood is None or mood.statuses == (200,):
            return good
        return refusal(self.rng.choice(mood.statuses), mood.headers)

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

"""Simulated provider. It records its work apart from its answers, which faults may change.

`videos` holds every video that was started, and would be billed, regardless of the answer.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from rushes.errors import DownloadInterrupted, UpstreamUnreachable
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpReply
from rushes.ports.storage import Download
from tests.fakes import FakeClock
from tests.harness import MP4_BYTES
from tests.simulation.provider_faults import (
    CANCEL_FAULTS,
    CREATE_FAULTS,
    DOWNLOAD_FAULTS,
    EXPIRES,
    FAILS,
    FAULTS,
    LOOKUP_FAULTS,
    ODD_VIEWS,
    POLL_FAULTS,
    REFUSALS,
    STICKS,
    UNCLEAR,
    UNREADABLE,
    VIDEO_FAULTS,
)
from tests.simulation.scheduler import FaultSchedule

UNREADABLE_SECONDS = 3600.0
RECENT_SECONDS = 150.0
"""Longer than a function may take between a poll and the cancel that follows it."""
KEY_HEADER = "idempotency-key"
PENDING = frozenset({"queued", "in_progress"})
LIST_LAG_SECONDS = 20
"""Maximum delay until a new video appears in the provider's list."""


@dataclass
class ProviderVideo:
    id: str
    model: str
    prompt: str
    key: str
    created_at: float
    queued_seconds: float
    render_seconds: float
    fault: str = ""
    cancelled_at: float | None = None
    is_removed: bool = False
    """Whether a cancel has removed the job, or its finished result."""
    shown_pending_at: float = 0.0
    """Time of the last poll that did not say that it has ended."""

    @property
    def content(self) -> bytes:
        return MP4_BYTES + self.id.encode()

    @property
    def done_at(self) -> float:
        return self.created_at + self.queued_seconds + self.render_seconds

    def status(self, now: float) -> str:
        if self.cancelled_at is not None:
            return "cancelled"
        if now < self.created_at + self.queued_seconds:
            return "queued"
        if now < self.done_at or self.fault == STICKS:
            return "in_progress"
        return "failed" if self.fault == FAILS else "completed"


@dataclass
class SimulatedProvider:
    """`on_cancel` is its reaction to a cancel.

    stops: the video is cancelled. removes: the same, and the job is unknown from then on; either
    deletes the result of a finished video. refuses: 409. continues: 202, without any effect.
    pretends: 200, without any effect; it never denies its jobs.
    """

    name: str
    capability: str
    clock: FakeClock
    schedule: FaultSchedule
    on_cancel: str = "stops"
    videos: dict[str, ProviderVideo] = field(default_factory=dict)
    create_faults: list[str] = field(default_factory=list)
    """Faults of its next create calls, in order."""
    unclear: set[str] = field(default_factory=set)
    """Prompts of create calls with an unknown outcome."""
    repeated: set[str] = field(default_factory=set)
    """Prompts that were sent again after an unknown outcome."""
    outage: tuple[float, float] = (0.0, 0.0)
    """Beginning and end of a time in which no call reaches it."""
    wrongly_deleted: set[str] = field(default_factory=set)
    """Prompts of finished videos that were deleted, although no recent poll said that they run."""
    on_video: Callable[[], None] = lambda: None
    """Called after each new video."""

    def answer(self, call: HttpCall) -> HttpReply:
        if self.outage[0] <= self.clock.now < self.outage[1]:
            raise UpstreamUnreachable("refused")
        if call.method == "POST":
            return self._create(call)
        if call.path.startswith("/videos?"):
            return self._respond(
                self.schedule.fault("lookup", LOOKUP_FAULTS), lambda: self._lookup(call)
            )
        video = self.videos.get(unquote(call.path.removeprefix("/videos/")))
        if video is None or video.is_removed:
            return reply(404, error="no such video")
        return self._cancel(video) if call.method == "DELETE" else self._poll(video)

    def serve(self, output: Output) -> Download:
        video = self.videos[unquote(output.url.removeprefix("/videos/").removesuffix("/content"))]
        content = self._content(video)
        match self.schedule.fault("download", DOWNLOAD_FAULTS):
            case "link expired":
                raise DownloadInterrupted("the URL answered 403")
            case "not ready":
                raise DownloadInterrupted("the URL answered 202", wait_seconds=2)
            case "HTML page":
                content = b"<html>sign in</html>"
            case "nothing":
                content = b""
            case "cut short":
                return Download(len(content), "video/mp4", iter([content[:-7]]))
            case "breaks off":
                return Download(None, "video/mp4", _interrupted(content))
            case _:
                pass
        return Download(len(content), "video/mp4", iter([content[:20], content[20:]]))

    def _content(self, video: ProviderVideo) -> bytes:
        if video.is_removed:
            raise DownloadInterrupted("the URL answered 404")
        if video.fault == UNREADABLE and self.clock.now < video.done_at + UNREADABLE_SECONDS:
            return b"<html>come back later</html>"
        return video.content

    def _create(self, call: HttpCall) -> HttpReply:
        form = call.form or {}
        prompt = str(form["prompt"])
        drawn = self.schedule.fault("create", CREATE_FAULTS)
        fault = self.create_faults.pop(0) if self.create_faults else drawn
        if prompt in self.unclear:
            self.repeated.add(prompt)
        if fault.removeprefix("done, ") in UNCLEAR:
            self.unclear.add(prompt)
        if fault in REFUSALS and prompt not in {video.prompt for video in self.videos.values()}:
            return self._respond(fault, lambda: reply(500))
        if fault in REFUSALS:
            fault = ""
        key = call.headers.get(KEY_HEADER, "")
        return self._respond(fault, lambda: self._create_video(str(form["model"]), prompt, key))

    def _create_video(self, model: str, prompt: str, key: str) -> HttpReply:
        if self.capability == "key":
            for video in self.videos.values():
                if key and video.key == key:
                    return self._view(video)
        number = len(self.videos) + 1
        video = ProviderVideo(
            f"{self.name}-{number}",
            model,
            prompt,
            key,
            self.clock.now,
            self.schedule.number("queued", 0, 90),
            self.schedule.number("rendering", 1, 60),
            self.schedule.fault("video", VIDEO_FAULTS),
        )
        self.videos[video.id] = video
        self.on_video()
        return self._view(video)

    def _view(self, video: ProviderVideo, **others: object) -> HttpReply:
        fields: dict[str, object] = {"id": video.id, "status": video.status(self.clock.now)}
        return reply(200, **{**fields, **others})

    def _poll(self, video: ProviderVideo) -> HttpReply:
        fault = self.schedule.fault("poll", POLL_FAULTS)
        is_expired = video.fault == EXPIRES and self.clock.now > video.done_at
        if (is_expired or fault == "not found") and self.on_cancel != "pretends":
            return reply(404, error="no such video")
        deletes = self.on_cancel in ("stops", "removes")
        if deletes and video.status(self.clock.now) not in PENDING:
            fault = "" if fault == "backwards" else fault  # or a delete would follow
        odd = ODD_VIEWS.get(fault, {})
        if fault not in FAULTS and odd.get("status", video.status(self.clock.now)) in PENDING:
            video.shown_pending_at = self.clock.now
        return self._respond(fault, lambda: self._view(video, **odd))

    def _cancel(self, video: ProviderVideo) -> HttpReply:
        fault = self.schedule.fault("cancel", CANCEL_FAULTS)
        if fault == "not found":
            return reply(404, error="no such video")
        return self._respond(fault, lambda: self._cancelled(video))

    def _cancelled(self, video: ProviderVideo) -> HttpReply:
        if self.on_cancel == "refuses":
            return reply(409, error="cannot be cancelled")
        if self.on_cancel in ("stops", "removes") and not self._stop(video):
            return reply(409, error="it has just finished")
        return reply(202 if self.on_cancel == "continues" else 200, id=video.id)

    def _stop(self, video: ProviderVideo) -> bool:
        """Stop or delete a video. One that finished since a recent poll is left out: no reply tells
        whether a delete came in time.
        """
        is_finished = video.cancelled_at is None and video.status(self.clock.now) not in PENDING
        if not is_finished and video.cancelled_at is None:
            video.cancelled_at = self.clock.now
        if is_finished and self.clock.now - video.shown_pending_at <= RECENT_SECONDS:
            return False
        if is_finished:
            self.wrongly_deleted.add(video.prompt)
        video.is_removed = is_finished or self.on_cancel == "removes"
        return True

    def _lookup(self, call: HttpCall) -> HttpReply:
        wanted = unquote(call.path.partition("=")[2])
        late = self.schedule.number("list lag", 0, LIST_LAG_SECONDS)
        found = [
            {"id": video.id, "status": video.status(self.clock.now)}
            for video in self.videos.values()
            if video.key == wanted and video.created_at + late <= self.clock.now
        ]
        return reply(200, data=found)

    def _respond(self, fault: str, work: Callable[[], HttpReply]) -> HttpReply:
        """Execute the call unless the fault prevents it; return the answer or the fault."""
        failures = {**FAULTS, **REFUSALS}
        is_done = fault not in failures or fault.startswith("done, ")
        answer = work() if is_done else None
        result = failures.get(fault, answer)
        if isinstance(result, Exception):
            raise type(result)(str(result))
        assert result is not None
        return result


def reply(status: int, /, **body: object) -> HttpReply:
    return HttpReply(status, {}, json.dumps(body).encode())


def _interrupted(content: bytes) -> Iterator[bytes]:
    yield content[:-1]
    raise DownloadInterrupted("the output was interrupted")

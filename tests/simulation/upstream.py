"""A provider in memory: what it says and what it really does are two things, and both are kept.

Films are what costs money: `films` holds every one that was begun, whatever the caller was told.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from rushes.errors import DownloadInterrupted
from rushes.jobs.result import Output
from rushes.ports import Download, HttpCall, HttpReply
from tests.fakes import FakeClock
from tests.harness import FILM
from tests.simulation.provider_faults import (
    CREATE_TROUBLES,
    FAILS,
    FATES_OF_FILMS,
    FILE_TROUBLES,
    FIND_TROUBLES,
    FORGETS,
    LOOK_TROUBLES,
    ODD_LOOKS,
    STICKS,
    STOP_TROUBLES,
    TROUBLES,
    UNCLEAR,
)
from tests.simulation.scheduler import Fate

KEY_HEADER = "idempotency-key"
NOTICE_SECONDS = 20
"""How long a new film may be missing from the provider's list."""


@dataclass
class Film:
    id: str
    prompt: str
    key: str
    made_at: float
    queued_seconds: float
    making_seconds: float
    fate: str = ""
    stopped_at: float | None = None

    @property
    def content(self) -> bytes:
        return FILM + self.id.encode()

    @property
    def done_at(self) -> float:
        return self.made_at + self.queued_seconds + self.making_seconds

    def status(self, now: float) -> str:
        if self.stopped_at is not None:
            return "cancelled"
        if now < self.made_at + self.queued_seconds:
            return "queued"
        if now < self.done_at or self.fate == STICKS:
            return "in_progress"
        return "failed" if self.fate == FAILS else "completed"


@dataclass
class SimulatedProvider:
    """`stops`: how it takes to being told to stop: stops, refuses, says yes and goes on."""

    name: str
    capability: str
    clock: FakeClock
    fate: Fate
    stops: str = "stops"
    films: dict[str, Film] = field(default_factory=dict)
    moods: list[str] = field(default_factory=list)
    """Troubles that its next create calls surely meet, one after the other."""
    unclear: set[str] = field(default_factory=set)
    """Prompts of create calls after which the caller could not know what came of them."""
    repeated: set[str] = field(default_factory=set)
    """Those that were called for again after that."""

    def answer(self, call: HttpCall) -> HttpReply:
        if call.method == "POST":
            return self._create(call)
        if call.path.startswith("/videos?"):
            return self._say(self.fate.trouble("find", FIND_TROUBLES), lambda: self._find(call))
        film = self.films.get(unquote(call.path.removeprefix("/videos/")))
        if film is None:
            return reply(404, error="no such film")
        return self._stop(film) if call.method == "DELETE" else self._look(film)

    def serve(self, output: Output) -> Download:
        film = self.films[unquote(output.url.removeprefix("/videos/").removesuffix("/content"))]
        content = film.content
        match self.fate.trouble("download", FILE_TROUBLES):
            case "link expired":
                raise DownloadInterrupted("the address answered 403")
            case "page":
                content = b"<html>sign in</html>"
            case "nothing":
                content = b""
            case "cut short":
                return Download(len(content), "video/mp4", iter([content[:-7]]))
            case "breaks off":
                return Download(None, "video/mp4", _breaking(content))
            case _:
                pass
        return Download(len(content), "video/mp4", iter([content[:20], content[20:]]))

    def _create(self, call: HttpCall) -> HttpReply:
        prompt = str((call.form or {})["prompt"])
        drawn = self.fate.trouble("create", CREATE_TROUBLES)
        trouble = self.moods.pop(0) if self.moods else drawn
        if prompt in self.unclear:
            self.repeated.add(prompt)
        if trouble.removeprefix("done, ") in UNCLEAR:
            self.unclear.add(prompt)
        if trouble == "refused" and prompt not in {film.prompt for film in self.films.values()}:
            return reply(400, error={"code": "bad_prompt", "message": "no"})
        return self._say(trouble, lambda: self._make(prompt, call.headers.get(KEY_HEADER, "")))

    def _make(self, prompt: str, key: str) -> HttpReply:
        if self.capability == "key":
            for film in self.films.values():
                if key and film.key == key:
                    return self._show(film)
        number = len(self.films) + 1
        film = Film(
            f"{self.name}-{number}",
            prompt,
            key,
            self.clock.now,
            self.fate.number("queued", 0, 90),
            self.fate.number("making", 1, 60),
            self.fate.trouble("film", FATES_OF_FILMS),
        )
        self.films[film.id] = film
        return self._show(film)

    def _show(self, film: Film, **others: object) -> HttpReply:
        facts: dict[str, object] = {"id": film.id, "status": film.status(self.clock.now)}
        return reply(200, **{**facts, **others})

    def _look(self, film: Film) -> HttpReply:
        trouble = self.fate.trouble("look", LOOK_TROUBLES)
        is_forgotten = film.fate == FORGETS and self.clock.now > film.done_at
        if is_forgotten or trouble == "not found":
            return reply(404, error="no such film")
        odd = ODD_LOOKS.get(trouble, {})
        return self._say(trouble, lambda: self._show(film, **odd))

    def _stop(self, film: Film) -> HttpReply:
        trouble = self.fate.trouble("stop", STOP_TROUBLES)
        if trouble == "not found":
            return reply(404, error="no such film")
        return self._say(trouble, lambda: self._stopped(film))

    def _stopped(self, film: Film) -> HttpReply:
        if self.stops == "refuses" or self.clock.now >= film.done_at:
            return reply(409, error="it cannot be stopped")
        if self.stops == "stops" and film.stopped_at is None:
            film.stopped_at = self.clock.now
        return reply(202 if self.stops == "goes on" else 200, id=film.id)

    def _find(self, call: HttpCall) -> HttpReply:
        wanted = unquote(call.path.partition("=")[2])
        late = self.fate.number("notice", 0, NOTICE_SECONDS)
        found = [
            {"id": film.id, "status": film.status(self.clock.now)}
            for film in self.films.values()
            if film.key == wanted and film.made_at + late <= self.clock.now
        ]
        return reply(200, data=found)

    def _say(self, trouble: str, work: Callable[[], HttpReply]) -> HttpReply:
        """What is done, and what is said of it."""
        is_done = trouble not in TROUBLES or trouble.startswith("done, ")
        answer = work() if is_done else None
        said = TROUBLES.get(trouble, answer)
        if isinstance(said, Exception):
            raise type(said)(str(said))
        assert said is not None
        return said


def reply(status: int, /, **body: object) -> HttpReply:
    return HttpReply(status, {}, json.dumps(body).encode())


def _breaking(content: bytes) -> Iterator[bytes]:
    yield content[:-1]
    raise DownloadInterrupted("the output broke off")

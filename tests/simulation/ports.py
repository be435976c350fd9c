"""The ports besides the table, each call of theirs a place to take turns and to go wrong at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from typing_extensions import override

from rushes.jobs.job import Job
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Output
from rushes.ports import Download, HttpCall, HttpReply, RateLimit, Upstream
from tests.fakes import FakeBlobs
from tests.harness import PICTURE
from tests.simulation.scheduler import DEATHS, READ_TROUBLES, STORE_TROUBLES, Turns

NEWS_SECONDS = 5.0
"""How long what is asked of an execution may be old news."""
UNWATCHED = frozenset({"link", "upload_link", "key_of", "delete"})
"""What reaches nobody, or takes its turns by itself."""
BUS_TROUBLES = REFUSED_SOME, REFUSED_ALL = "refuses some", "refuses all"
OLD_NEWS = "old news"


class Watched:
    """Any port, with a turn before and after each of its calls."""

    def __init__(self, port: object, name: str, turns: Turns) -> None:
        self._port = port
        self._name = name
        self._turns = turns

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._port, verb)
        if verb not in UNWATCHED:
            what = f"{self._name}.{verb}"
            troubles = READ_TROUBLES if verb in ("get", "find", "read") else STORE_TROUBLES
            work, turns = method, self._turns

            def method(*arguments: Any) -> Any:
                return turns.call(what, partial(work, *arguments), troubles)

        setattr(self, verb, method)
        return method


class SimulatedBlobs(FakeBlobs):
    """Objects are deleted one by one, as S3 does it."""

    turns: Turns

    @override
    def delete(self, prefix: str) -> None:
        found = self.turns.call(
            "blobs.list",
            lambda: [key for key in self.objects if key.startswith(prefix)],
            READ_TROUBLES,
        )
        for key in found:
            self.turns.call("blobs.delete", partial(self.objects.pop, key, None), STORE_TROUBLES)


class SimulatedRateLimits:
    def __init__(self) -> None:
        self.rows: dict[str, RateLimit] = {}

    def get(self, provider: str) -> RateLimit:
        return self.rows.get(provider, RateLimit())

    def hold(self, provider: str, until: float) -> None:
        self._advance(provider, until, until)

    def admit(self, provider: str, now: float, interval: float) -> bool:
        return self._advance(provider, now + interval, now)

    def close(self, provider: str, until: float, reason: str) -> None:
        gate = self.get(provider)
        self.rows[provider] = RateLimit(gate.not_before, until, reason)

    def _advance(self, provider: str, until: float, if_not_after: float) -> bool:
        gate = self.get(provider)
        if gate.not_before > if_not_after:
            return False
        self.rows[provider] = RateLimit(until, gate.closed_until, gate.reason)
        return True


class SimulatedBus:
    """What it took, in order; a subscriber hears of an event as often as it was put."""

    def __init__(self, turns: Turns) -> None:
        self.events: list[Mapping[str, Any]] = []
        self._turns = turns

    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        trouble = self._turns.fate.trouble("bus.put", BUS_TROUBLES)
        refused = {REFUSED_SOME: [0], REFUSED_ALL: list(range(len(events)))}.get(trouble, [])

        def take() -> list[int]:
            self.events += [event for n, event in enumerate(events) if n not in refused]
            return refused

        return self._turns.call("bus.put", take, STORE_TROUBLES)


class SimulatedExecutions:
    """`begin` starts an execution by its name; `states` says of each whether it runs."""

    def __init__(self, turns: Turns, begin: Callable[[Job, str], None]) -> None:
        self.states: dict[str, bool] = {}
        self.since: dict[str, float] = {}
        """When each last changed: news of it is a little behind."""
        self._turns = turns
        self._begin = begin

    def start(self, job: Job) -> None:
        def begin() -> None:
            name = job.execution_name
            if name not in self.states:
                self.change(name, runs=True)
                self._begin(job, name)

        self._turns.call("executions.start", begin, STORE_TROUBLES)

    def change(self, name: str, *, runs: bool) -> None:
        self.states[name] = runs
        self.since[name] = self._turns.clock.now

    def is_running(self, job: Job) -> bool | None:
        name = job.execution_name
        return self._turns.call("executions.is_running", lambda: self._told(name), READ_TROUBLES)

    def _told(self, name: str) -> bool | None:
        runs = self.states.get(name)
        is_new = self._turns.clock.now - self.since.get(name, 0.0) < NEWS_SECONDS
        if is_new and self._turns.fate.trouble("executions.news", (OLD_NEWS,)):
            return None if runs else True
        return runs


class SimulatedHttpClient:
    """Calls go to the simulated providers; what they do to them they decide themselves."""

    def __init__(
        self,
        turns: Turns,
        answer: Callable[[Upstream, HttpCall], HttpReply],
        serve: Callable[[Upstream, Output], Download],
    ) -> None:
        self._turns = turns
        self._answer = answer
        self._serve = serve

    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        what = f"egress.{call.method}"
        return self._turns.call(what, lambda: self._answer(upstream, call), DEATHS)

    def fetch(self, url: str, limit: int) -> Upload:  # noqa: ARG002
        """A picture, wherever a client points to."""
        return self._turns.call(
            "egress.fetch", lambda: Upload("input_reference", "image/png", PICTURE), DEATHS
        )

    def put(self, url: str, file: StoredFile) -> None:
        raise NotImplementedError(f"no provider here takes uploads: {url}, {file.key}")

    def notify(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        raise NotImplementedError(f"nobody here wants to hear: {url}, {headers}, {body!r}")

    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        yield self._turns.call("egress.download", lambda: self._serve(upstream, output), DEATHS)

"""Simulated ports other than the table. Each call yields control and may fail."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar, cast

from typing_extensions import override

from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.ports.storage import Download
from tests.fakes import FakeBlobs
from tests.harness import PNG_BYTES
from tests.simulation.scheduler import CRASHES, READ_FAULTS, STORE_FAULTS, Scheduler
from tests.simulation.upstream import SimulatedProvider

Port = TypeVar("Port")
UNSCHEDULED = frozenset({"link", "upload_link", "key_of", "delete"})
"""Methods without a remote call, or with a schedule of their own."""
BUS_FAULTS = REFUSED_SOME, REFUSED_ALL = "refuses some", "refuses all"


def scheduled(port: Port, name: str, scheduler: Scheduler) -> Port:
    """Return the port; control is yielded before and after each of its calls."""
    return cast("Port", ScheduledPort(port, name, scheduler))


class ScheduledPort:
    def __init__(self, port: object, name: str, scheduler: Scheduler) -> None:
        self._port = port
        self._name = name
        self._scheduler = scheduler

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._port, verb)
        if verb not in UNSCHEDULED:
            operation = f"{self._name}.{verb}"
            faults = READ_FAULTS if verb in ("get", "find", "read") else STORE_FAULTS
            work, scheduler = method, self._scheduler

            def method(*arguments: Any) -> Any:
                return scheduler.call(operation, partial(work, *arguments), faults)

        setattr(self, verb, method)
        return method


class SimulatedBlobs(FakeBlobs):
    """Deletes objects one by one, as S3 does."""

    scheduler: Scheduler

    @override
    def delete(self, prefix: str) -> None:
        found = self.scheduler.call(
            "blobs.list",
            lambda: [key for key in self.objects if key.startswith(prefix)],
            READ_FAULTS,
        )
        for key in found:
            self.scheduler.call("blobs.delete", partial(self.objects.pop, key, None), STORE_FAULTS)


class SimulatedBus:
    """Records the accepted events in order, repetitions included."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.events: list[Mapping[str, Any]] = []
        self._scheduler = scheduler

    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        fault = self._scheduler.schedule.fault("bus.put", BUS_FAULTS)
        refused = {REFUSED_SOME: [0], REFUSED_ALL: list(range(len(events)))}.get(fault, [])

        def accept() -> list[int]:
            self.events += [event for n, event in enumerate(events) if n not in refused]
            return refused

        return self._scheduler.call("bus.put", accept, STORE_FAULTS)


class SimulatedHttpClient:
    """Passes calls to the simulated providers, which inject their own faults."""

    def __init__(
        self,
        scheduler: Scheduler,
        provider: Callable[[Upstream], SimulatedProvider],
    ) -> None:
        self._scheduler = scheduler
        self._provider = provider

    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        operation = f"http.{call.method}"
        return self._scheduler.call(
            operation, lambda: self._provider(upstream).answer(call), CRASHES
        )

    def fetch(self, url: str, limit: int) -> Upload:  # noqa: ARG002
        """Return an image for every URL."""
        return self._scheduler.call(
            "http.fetch", lambda: Upload("input_reference", "image/png", PNG_BYTES), CRASHES
        )

    def put(self, url: str, file: StoredFile) -> None:
        raise NotImplementedError(f"simulated providers accept no uploads: {url}, {file.key}")

    def post_webhook(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        raise NotImplementedError(f"webhooks are not simulated: {url}, {headers}, {body!r}")

    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        yield self._scheduler.call(
            "http.download", lambda: self._provider(upstream).serve(output), CRASHES
        )

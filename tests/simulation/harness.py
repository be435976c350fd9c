"""The real core on simulated ports: one table, one bucket, one bus, three providers."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, cast
from urllib.parse import quote

from typing_extensions import override

from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.api.job_service import Service
from rushes.catalog.models import read_catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.http.url_policy import PublicUrlPolicy
from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.ports import (
    Blobs,
    Download,
    HttpCall,
    HttpReply,
    RateLimits,
    Timings,
    Upstream,
    Upstreams,
)
from rushes.providers.base import Provider, Submitted
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from rushes.providers.replies import Reply, check_answered, read
from rushes.workflow.collect import Collect
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.finish import Finish
from rushes.workflow.poll import Poll
from rushes.workflow.submit import Submit
from rushes.workflow.sweeper import Sweeper
from tests.fakes import FakeClock, FakeTimings, FakeUpstreams
from tests.simulation.invariants import Promises
from tests.simulation.machine import Input, StateMachine
from tests.simulation.ports import (
    SimulatedBlobs,
    SimulatedBus,
    SimulatedHttpClient,
    SimulatedRateLimits,
    Watched,
)
from tests.simulation.scheduler import Fate, Turns
from tests.simulation.table import SimulatedJobs
from tests.simulation.upstream import KEY_HEADER, SimulatedProvider

SWEEP_LIMIT = 60.0
MODEL = """
    [[models]]
    name = "{0}/one"
    seconds = [4]
    sizes = ["1280x720"]
    inputs = ["image"]
    typical_seconds = 20
    deadline_seconds = 3600
    queue_seconds = 40
    """
CAPABILITIES = {"plain": "none", "keyed": "key", "listed": "lookup"}
"""Providers by name, and what each can do about a create call that was not answered."""
CATALOG = read_catalog(
    """
    default_model = "plain/one"
    [providers.plain]
    protocol = "openai_compatible"
    [providers.keyed]
    protocol = "openai_compatible"
    idempotency = "key"
    [providers.listed]
    protocol = "openai_compatible"
    idempotency = "lookup"
    [aliases]
    plain_first = ["plain/one", "keyed/one", "listed/one"]
    keyed_first = ["keyed/one", "plain/one"]
    listed_first = ["listed/one", "plain/one", "keyed/one"]
    """
    + "".join(MODEL.format(name) for name in CAPABILITIES)
)


class FoundFilm(Reply):
    id: str


class Found(Reply):
    data: tuple[FoundFilm, ...]


class Listed(OpenAICompatible):
    """A provider that keeps our name for a job, and can be asked for it."""

    @override
    def submit(self, job: Job) -> HttpCall:
        call = super().submit(job)
        return replace(call, headers={KEY_HEADER: job.create_key})

    def find(self, job: Job) -> HttpCall:
        return HttpCall("GET", f"/videos?name={quote(job.create_key)}")

    def found(self, job: Job, reply: HttpReply) -> Submitted | None:  # noqa: ARG002
        check_answered(reply)
        films = read(reply, Found).data
        return Submitted({"id": films[0].id}) if films else None


def adapter_of(entry: ProviderEntry) -> Provider:
    return LISTED if entry.idempotency == "lookup" else PLAIN


PLAIN, LISTED = OpenAICompatible(), Listed()


@dataclass(frozen=True)
class NumberedJobBuilder(JobBuilder):
    """Gives ids by number, as what is done depends on them, and is to be repeated."""

    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @override
    def _new(self, *arguments: Any) -> Job:
        job = super()._new(*arguments)
        return job.model_copy(update={"id": f"{job.id[:16]}{next(self.numbers):020x}"})


class Harness:
    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.clock = FakeClock()
        self.turns = turns = Turns(fate, self.clock)
        self.promises = Promises()
        self.jobs = SimulatedJobs(turns, self.promises.written)
        self.bus = SimulatedBus(turns)
        self.promises.on_the_bus = self.bus.events
        self.blobs = SimulatedBlobs()
        self.blobs.turns = turns
        self.providers = {
            name: SimulatedProvider(name, capability, self.clock, fate)
            for name, capability in CAPABILITIES.items()
        }
        self.machine = StateMachine(turns, self._functions())
        self._build()

    def _build(self) -> None:
        jobs, clock = self.jobs, self.clock
        blobs = cast("Blobs", Watched(self.blobs, "blobs", self.turns))
        publish = EventPublisher(jobs, self.bus, clock)
        executions = self.machine.executions
        timings = cast("Timings", Watched(FakeTimings(), "timings", self.turns))
        upstreams = cast("Upstreams", Watched(FakeUpstreams(), "upstreams", self.turns))
        rate_limits = cast("RateLimits", Watched(SimulatedRateLimits(), "gates", self.turns))
        http_client = SimulatedHttpClient(self.turns, self._answer, self._serve)
        tools = (jobs, blobs, timings, upstreams, http_client, rate_limits, publish, CATALOG)
        self.submit = Submit(*tools, adapter_of, clock)
        self.poll = Poll(*tools, adapter_of, clock)
        self.collect = Collect(*tools, adapter_of, clock)
        self.finish = Finish(jobs, blobs, timings, publish, clock, "media", 3600.0)
        self.sweeper = Sweeper(jobs, blobs, executions, publish, clock)
        job_builder = NumberedJobBuilder(
            jobs, blobs, CATALOG, clock, PublicUrlPolicy(local_mode=False)
        )
        accept = CreateJob(job_builder, jobs, executions, clock)
        self.service = Service(accept, jobs, blobs, CATALOG, clock, self.turns.sleep)

    def _functions(self) -> dict[str, Any]:
        return {
            "Submit": lambda given: {**given, **self.submit(*_place(given))},
            "Poll": lambda given: {**given, **self.poll(*_place(given))},
            "Collect": lambda given: {**given, **self.collect(*_place(given))},
            "Finish": lambda given: self.finish(
                *_place(given), given["execution"], given.get("cause")
            ),
        }

    def sweep(self) -> None:
        def ended(result: object) -> None:
            self.promises.expected("sweeper", result)

        self.turns.start("sweeper", self.sweeper.sweep, limit=SWEEP_LIMIT, ended=ended)

    def _provider(self, upstream: Upstream) -> SimulatedProvider:
        name = upstream.base_url.removeprefix("https://").partition(".")[0]
        return self.providers[name]

    def _answer(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        return self._provider(upstream).answer(call)

    def _serve(self, upstream: Upstream, output: Output) -> Download:
        return self._provider(upstream).serve(output)


def _place(given: Input) -> tuple[str, str]:
    return given["account"], given["job_id"]

"""Harness: the real core on a simulated table, bucket, event bus and three providers."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from urllib.parse import quote

from typing_extensions import override

from rushes.api.account_limits import AccountLimits
from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.api.job_service import JobService
from rushes.catalog.limits import Limits
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import read_catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.http.url_policy import InputUrlPolicy, PublicUrlPolicy
from rushes.jobs.epoch import Epoch
from rushes.jobs.job import Job
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.providers.base import Provider, Submitted
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from rushes.providers.replies import Reply, raise_for_status, read
from rushes.workflow.call_counts import CallCounter
from rushes.workflow.collect import Collect
from rushes.workflow.concurrency import Concurrency
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.fetch_inputs import FetchInputs
from rushes.workflow.finish import Finish
from rushes.workflow.poll import Poll
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.rate_limiter import RateLimiter
from rushes.workflow.slots import JobSlots
from rushes.workflow.submit import Submit
from rushes.workflow.sweeper import Sweeper
from rushes.workflow.task import JobContext
from tests.fakes import (
    FakeAccountSlots,
    FakeClock,
    FakeProviderCalls,
    FakeRateLimits,
    FakeTimings,
    FakeUpstreams,
    FixedCatalogs,
)
from tests.simulation.budget import BudgetInvariants
from tests.simulation.invariants import Invariants
from tests.simulation.machine import Input, StateMachine
from tests.simulation.ports import (
    SimulatedBlobs,
    SimulatedBus,
    SimulatedHttpClient,
    scheduled,
)
from tests.simulation.scheduler import FaultSchedule, Scheduler
from tests.simulation.table import SimulatedJobs
from tests.simulation.upstream import KEY_HEADER, ProviderVideo, SimulatedProvider

SWEEP_LIMIT = 60.0
MODEL = """
    [[models]]
    name = "{0}"
    seconds = [4]
    price_per_second = {1}
    sizes = ["1280x720"]
    inputs = ["image"]
    typical_seconds = 20
    deadline_seconds = 3600
    queue_timeout_seconds = 40
    """
CAPABILITIES = {"plain": "none", "keyed": "key", "listed": "lookup"}
"""Idempotency capability by provider name."""
PRICES = {"plain/one": 0.025, "plain/free": 0.0, "keyed/one": 0.175, "listed/one": 0.05}
"""US dollars per second."""
CATALOG = read_catalog(
    """
    default_model = "plain/one"
    [providers.plain]
    protocol = "openai_compatible"
    errors.not_created = ["overloaded"]
    [providers.keyed]
    protocol = "openai_compatible"
    idempotency = "key"
    errors.not_created = ["overloaded"]
    [providers.listed]
    protocol = "openai_compatible"
    idempotency = "lookup"
    errors.not_created = ["overloaded"]
    [aliases]
    plain_first = ["plain/free", "keyed/one", "listed/one"]
    keyed_first = ["keyed/one", "plain/one"]
    listed_first = ["listed/one", "plain/one", "keyed/one"]
    """
    + "".join(MODEL.format(name, price) for name, price in PRICES.items())
)


class ListedVideo(Reply):
    id: str


class VideoList(Reply):
    data: tuple[ListedVideo, ...]


class LookupProvider(OpenAICompatible):
    """A provider that stores the create key and lists videos by it."""

    @override
    def submit_request(self, job: Job, _model: ModelEntry | None = None) -> HttpCall:
        call = super().submit_request(job)
        return replace(call, headers={KEY_HEADER: job.create_key})

    def lookup_request(self, job: Job) -> HttpCall:
        return HttpCall("GET", f"/videos?name={quote(job.create_key)}")

    def parse_lookup(self, job: Job, reply: HttpReply) -> Submitted | None:  # noqa: ARG002
        raise_for_status(reply)
        videos = read(reply, VideoList).data
        return Submitted({"id": videos[0].id}) if videos else None


def adapter_of(entry: ProviderEntry) -> Provider:
    return LISTED if entry.idempotency == "lookup" else PLAIN


PLAIN, LISTED = OpenAICompatible(), LookupProvider()


@dataclass(frozen=True)
class NumberedJobBuilder(JobBuilder):
    """Numbers the job ids, so that a seed repeats exactly."""

    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @override
    def _new(self, *arguments: Any) -> Job:
        job = super()._new(*arguments)
        return job.model_copy(update={"id": f"{job.id[:16]}{next(self.numbers):020x}"})


class Harness:
    """`limits` are those of the configuration."""

    epoch = Epoch("jobs")

    def __init__(self, schedule: FaultSchedule, limits: Limits | None = None) -> None:
        self.schedule = schedule
        self.limits = limits or Limits()
        self.catalog = CATALOG.model_copy(update={"limits": self.limits})
        self.clock = FakeClock()
        self.scheduler = scheduler = Scheduler(schedule, self.clock)
        self.invariants = Invariants()
        self.jobs = SimulatedJobs(scheduler, self.invariants.on_write)
        self.bus = SimulatedBus(scheduler)
        self.invariants.on_the_bus = self.bus.events
        self.blobs = SimulatedBlobs()
        self.blobs.scheduler = scheduler
        self.providers = {
            name: SimulatedProvider(name, capability, self.clock, schedule)
            for name, capability in CAPABILITIES.items()
        }
        self.budget = BudgetInvariants(self)
        self.jobs.after_write = self.budget.after_write
        for provider in self.providers.values():
            provider.on_video = self.budget.check_spent
        self.machine = StateMachine(scheduler, self._functions())
        self._build()

    def _build(self) -> None:
        jobs, clock, catalogs = self.jobs, self.clock, FixedCatalogs(self.catalog)
        blobs = scheduled(self.blobs, "blobs", self.scheduler)
        publish = EventPublisher(jobs, self.bus, clock, self.epoch)
        timings = scheduled(FakeTimings(), "timings", self.scheduler)
        upstreams = scheduled(FakeUpstreams(), "upstreams", self.scheduler)
        self.rate_limits = FakeRateLimits()
        rate_limits = scheduled(self.rate_limits, "rate_limits", self.scheduler)
        http_client = SimulatedHttpClient(self.scheduler, self._provider)
        context = JobContext(jobs, publish, catalogs, clock, self.epoch)
        call_counter = CallCounter(FakeProviderCalls(), clock)
        ports = (upstreams, http_client, catalogs, adapter_of)
        providers = ProviderClient(*ports, call_counter)
        rate_limiter = RateLimiter(rate_limits, catalogs, clock, self.scheduler.sleep)
        slots = JobSlots(scheduled(FakeAccountSlots(), "account_slots", self.scheduler), clock)
        fetch_inputs = FetchInputs(context, http_client, blobs, slots)
        usage = scheduled(jobs.limits, "limits", self.scheduler)
        concurrency = Concurrency(usage, catalogs, clock)
        self.submit = Submit(context, providers, rate_limiter, fetch_inputs, timings, concurrency)
        self.poll = Poll(context, providers, blobs, timings)
        self.collect = Collect(context, providers, blobs, slots)
        self.finish = Finish(jobs, blobs, timings, publish, clock, "media", 3600.0, self.epoch)
        self.sweeper = Sweeper(jobs, blobs, self.machine, publish, clock)
        policies = PublicUrlPolicy(local_mode=False), InputUrlPolicy(local_mode=False)
        job_builder = NumberedJobBuilder(jobs, blobs, catalogs, clock, *policies, self.epoch)
        create_job = CreateJob(job_builder, jobs, self.machine, clock, AccountLimits(catalogs))
        self.service = JobService(create_job, jobs, blobs, catalogs, clock, self.scheduler.sleep)

    def _functions(self) -> dict[str, Any]:
        return {
            "Submit": lambda data: {**data, **self.submit.run(*_job_key(data))},
            "Poll": lambda data: {**data, **self.poll.run(*_job_key(data))},
            "Collect": lambda data: {**data, **self.collect.run(*_job_key(data))},
            "Finish": lambda data: self.finish.run(
                *_job_key(data), data["execution"], data.get("cause")
            ),
        }

    def sweep(self) -> None:
        def on_end(result: object) -> None:
            self.invariants.check_error("sweeper", result)

        self.scheduler.start("sweeper", self.sweeper.sweep, limit=SWEEP_LIMIT, on_end=on_end)

    def videos(self) -> list[ProviderVideo]:
        """Return the videos of all providers."""
        return [video for provider in self.providers.values() for video in provider.videos.values()]

    def _provider(self, upstream: Upstream) -> SimulatedProvider:
        return self.providers[upstream.base_url.removeprefix("https://").partition(".")[0]]


def _job_key(state_input: Input) -> tuple[str, str]:
    return state_input["account"], state_input["job_id"]

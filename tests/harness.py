"""The whole core on ports in memory, with one small catalog: what its tests start from."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.api.job_service import Service
from rushes.catalog.models import Catalog, read_catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.http.url_policy import PublicUrlPolicy
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.ports import HttpCall, HttpReply
from rushes.providers import adapter
from rushes.providers.base import Provider
from rushes.workflow.collect import Collect
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.finish import Ending, Finish
from rushes.workflow.poll import Poll
from rushes.workflow.submit import Submit
from rushes.workflow.sweeper import Sweeper
from rushes.workflow.task import Outcome, Step
from tests.fakes import (
    FakeBlobs,
    FakeBus,
    FakeClock,
    FakeExecutions,
    FakeHttpClient,
    FakeJobs,
    FakeRateLimits,
    FakeTimings,
    FakeUpstreams,
)

CATALOG_TEXT = """
    default_model = "short"
    [providers.sandbox]
    protocol = "openai_compatible"
    [providers.spare]
    protocol = "openai_compatible"
    [aliases]
    short = "sandbox/one"
    sure = ["sandbox/one", "spare/one"]
    [[models]]
    name = "sandbox/one"
    upstream_model = "one-at-home"
    seconds = [4, 8]
    sizes = ["1280x720", "720x1280"]
    options = ["seed", "fps"]
    inputs = ["image", "source_video"]
    prompt_characters = 100
    price_per_second = 0.1
    typical_seconds = 20
    deadline_seconds = 1800
    queue_seconds = 60
    [[models]]
    name = "spare/one"
    seconds = [4]
    sizes = ["1280x720"]
    options = ["seed"]
    [[models]]
    name = "sandbox/plain"
    seconds = [4]
    sizes = ["1280x720"]
    [[models]]
    name = "sandbox/ears"
    modality = "transcription"
    inputs = ["audio"]
    needs = ["audio"]
    needs_prompt = false
    price_per_job = 0.25
"""
CATALOG = read_catalog(CATALOG_TEXT)
ACCOUNT = "demo"
FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(1000)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)
SOUND = b"ID3\x04" + bytes(100)
ASK = "GET /videos/up-1"
CREATE = "POST /videos"
STOP = "DELETE /videos/up-1"
CONTENT = "/videos/up-1/content"


def reply(status: int, headers: dict[str, str] | None = None, /, **body: object) -> HttpReply:
    return HttpReply(status, headers or {}, json.dumps(body).encode())


def video(status: str, **facts: object) -> HttpReply:
    """What the upstream says of the one film that it makes."""
    return reply(200, id="up-1", status=status, **facts)


def service_of(
    jobs: FakeJobs,
    blobs: FakeBlobs,
    executions: FakeExecutions,
    clock: FakeClock,
    catalog: Catalog = CATALOG,
    daily_dollars: float | None = None,
) -> Service:
    """The service on these; who waits for something lets the clock run on."""
    job_builder = JobBuilder(jobs, blobs, catalog, clock, PublicUrlPolicy(local_mode=False))
    acceptance = CreateJob(job_builder, jobs, executions, clock, daily_dollars)
    return Service(acceptance, jobs, blobs, catalog, clock, clock.advance)


@dataclass
class Harness:
    clock: FakeClock = field(default_factory=FakeClock)
    jobs: FakeJobs = field(default_factory=FakeJobs)
    blobs: FakeBlobs = field(default_factory=FakeBlobs)
    timings: FakeTimings = field(default_factory=FakeTimings)
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    upstreams: FakeUpstreams = field(default_factory=FakeUpstreams)
    http_client: FakeHttpClient = field(default_factory=FakeHttpClient)
    rate_limits: FakeRateLimits = field(default_factory=FakeRateLimits)
    bus: FakeBus = field(default_factory=FakeBus)
    adapter: Callable[[ProviderEntry], Provider] = adapter

    daily_dollars: float | None = None
    catalog: Catalog = CATALOG

    @property
    def service(self) -> Service:
        return service_of(
            self.jobs, self.blobs, self.executions, self.clock, self.catalog, self.daily_dollars
        )

    @property
    def event_publisher(self) -> EventPublisher:
        return EventPublisher(self.jobs, self.bus, self.clock)

    @property
    def sweeper(self) -> Sweeper:
        return Sweeper(self.jobs, self.blobs, self.executions, self.event_publisher, self.clock)

    def step(self, step: type[Step], job: Job) -> Outcome:
        ready = step(
            jobs=self.jobs,
            blobs=self.blobs,
            timings=self.timings,
            upstreams=self.upstreams,
            http_client=self.http_client,
            rate_limits=self.rate_limits,
            publish=self.event_publisher,
            catalog=self.catalog,
            adapter=self.adapter,
            clock=self.clock,
        )
        return ready(job.account, job.id)

    def submit(self, job: Job) -> Outcome:
        return self.step(Submit, job)

    def poll(self, job: Job) -> Outcome:
        return self.step(Poll, job)

    def collect(self, job: Job) -> Outcome:
        return self.step(Collect, job)

    def finish(self, job: Job, execution: str = "", cause: str | None = None) -> Ending:
        stored = (self.jobs, self.blobs, self.timings)
        steps = Finish(*stored, self.event_publisher, self.clock, "media", 3600.0)
        return steps(job.account, job.id, execution or job.execution_name, cause)

    def now(self, job: Job) -> Job:
        """The job as it is stored."""
        stored = self.jobs.get(job.account, job.id)
        assert stored is not None
        return stored

    def answer(self, call: str, *answers: HttpReply | Exception) -> None:
        """What the upstream says to a call: always the same, or several used up in turn."""
        self.http_client.answers[call] = answers[0] if len(answers) == 1 else list(answers)

    def creates(self) -> list[HttpCall]:
        return [call for call in self.http_client.calls if call.method == "POST"]

    def accepted(self, **fields: object) -> Job:
        """A new job, as the service makes it."""
        request = GenerationRequest.model_validate(
            {"model": "sandbox/one", "prompt": "a red ball", **fields}
        )
        return self.service.create(ACCOUNT, "openai", CreateRequest(request)).job

    def running(self, **fields: object) -> Job:
        job = self.accepted(**fields)
        self.answer(CREATE, video("queued"))
        self.submit(job)
        return self.now(job)

    def generated(self, **fields: object) -> Job:
        job = self.running(**fields)
        self.answer(ASK, video("completed"))
        self.http_client.files[CONTENT] = FILM
        self.poll(job)
        return self.now(job)

    def stored(self) -> Job:
        job = self.generated()
        self.collect(job)
        return self.now(job)

    def completed(self) -> Job:
        job = self.stored()
        self.finish(job)
        return self.now(job)

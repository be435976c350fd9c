"""The core on in-memory ports with a small catalog."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rushes.api.account_limits import AccountLimits
from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.api.job_service import JobService
from rushes.catalog.limits import Limit
from rushes.catalog.models import Catalog, read_catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.http.url_policy import InputUrlPolicy, PublicUrlPolicy
from rushes.jobs.epoch import FIRST_EPOCH, Epoch
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.result import JobError
from rushes.jobs.status import Stage, UpstreamCancelled
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import adapter
from rushes.providers.base import Provider
from rushes.workflow.call_counts import CallCounter
from rushes.workflow.collect import Collect
from rushes.workflow.concurrency import Concurrency
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.fetch_inputs import FetchInputs
from rushes.workflow.finish import Finish, FinishResult
from rushes.workflow.lease import LEASE_SECONDS
from rushes.workflow.poll import Poll
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.rate_limiter import RateLimiter
from rushes.workflow.slots import JobSlots
from rushes.workflow.submit import Submit
from rushes.workflow.sweeper import Sweeper
from rushes.workflow.task import JobContext, NextStep, Transition
from tests.fakes import (
    FakeAccountSlots,
    FakeBlobs,
    FakeBus,
    FakeClock,
    FakeExecutions,
    FakeHttpClient,
    FakeJobs,
    FakeLimits,
    FakeProviderCalls,
    FakeRateLimits,
    FakeTimings,
    FakeUpstreams,
    FixedCatalogs,
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
MP4_BYTES = b"\x00\x00\x00\x18ftypmp42" + bytes(1000)
PNG_BYTES = b"\x89PNG\r\n\x1a\n" + bytes(100)
MP3_BYTES = b"ID3\x04" + bytes(100)
POLL_CALL = "GET /videos/up-1"
CREATE = "POST /videos"
CANCEL_CALL = "DELETE /videos/up-1"
CONTENT = "/videos/up-1/content"


def reply(status: int, headers: dict[str, str] | None = None, /, **body: object) -> HttpReply:
    return HttpReply(status, headers or {}, json.dumps(body).encode())


def video(status: str, **fields: object) -> HttpReply:
    """The provider's reply about its only video."""
    return reply(200, id="up-1", status=status, **fields)


def facts(job: Job) -> Job:
    """The job without what a step changes to plan the sweeper's check."""
    stage = Stage.WAITING if job.stage is Stage.ACCEPTED else job.stage
    changes = {"check_at": None, "updated_at": 0.0, "version": 0, "stage": stage}
    return job.model_copy(update=changes)


def service_of(
    jobs: FakeJobs,
    blobs: FakeBlobs,
    executions: FakeExecutions,
    clock: FakeClock,
    catalog: Catalog = CATALOG,
    daily_dollars: float | None = None,
) -> JobService:
    """The service on these ports; its waits advance the clock."""
    policies = PublicUrlPolicy(local_mode=False), InputUrlPolicy(local_mode=False)
    catalogs = FixedCatalogs(catalog)
    job_builder = JobBuilder(jobs, blobs, catalogs, clock, *policies)
    limits = AccountLimits(catalogs, Limit(daily_dollars=daily_dollars))
    create_job = CreateJob(job_builder, jobs, executions, clock, limits)
    return JobService(create_job, jobs, blobs, catalogs, clock, clock.advance)


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
    provider_calls: FakeProviderCalls = field(default_factory=FakeProviderCalls)
    account_slots: FakeAccountSlots = field(default_factory=FakeAccountSlots)
    bus: FakeBus = field(default_factory=FakeBus)
    adapter: Callable[[ProviderEntry], Provider] = adapter

    daily_dollars: float | None = None
    catalog: Catalog = CATALOG
    epoch: Epoch = FIRST_EPOCH

    @property
    def service(self) -> JobService:
        service = service_of(
            self.jobs, self.blobs, self.executions, self.clock, self.catalog, self.daily_dollars
        )
        job_builder = replace(service.create_job.job_builder, epoch=self.epoch)
        return replace(service, create_job=replace(service.create_job, job_builder=job_builder))

    @property
    def catalogs(self) -> FixedCatalogs:
        return FixedCatalogs(self.catalog)

    @property
    def event_publisher(self) -> EventPublisher:
        return EventPublisher(self.jobs, self.bus, self.clock, self.epoch)

    @property
    def sweeper(self) -> Sweeper:
        return Sweeper(self.jobs, self.blobs, self.executions, self.event_publisher, self.clock)

    @property
    def context(self) -> JobContext:
        return JobContext(self.jobs, self.event_publisher, self.catalogs, self.clock, self.epoch)

    @property
    def providers(self) -> ProviderClient:
        ports = (self.upstreams, self.http_client, self.catalogs, self.adapter)
        return ProviderClient(*ports, CallCounter(self.provider_calls, self.clock))

    @property
    def rate_limiter(self) -> RateLimiter:
        """Its waits advance the clock."""
        return RateLimiter(self.rate_limits, self.catalogs, self.clock, self.clock.advance)

    @property
    def concurrency(self) -> Concurrency:
        """With a real table in place of the fake, no limit is in use."""
        limits = getattr(self.jobs, "limits", FakeLimits())
        return Concurrency(limits, self.catalogs, self.clock)

    @property
    def slots(self) -> JobSlots:
        return JobSlots(self.account_slots, self.clock)

    def submit(self, job: Job) -> NextStep:
        fetch_inputs = FetchInputs(self.context, self.http_client, self.blobs, self.slots)
        ports = (self.context, self.providers, self.rate_limiter, fetch_inputs, self.timings)
        return Submit(*ports, self.concurrency).run(job.account, job.id)

    def poll(self, job: Job) -> NextStep:
        return Poll(self.context, self.providers, self.blobs, self.timings).run(job.account, job.id)

    def collect(self, job: Job) -> NextStep:
        task = Collect(self.context, self.providers, self.blobs, self.slots)
        return task.run(job.account, job.id)

    def collect_to_end(self, job: Job) -> NextStep:
        """Repeat the step until it ends, as the state machine does."""
        while (step := self.collect(job))["status"] == "pending":
            self.clock.advance(step["wait_seconds"])
        return step

    def finish(self, job: Job, execution: str = "", cause: str | None = None) -> FinishResult:
        stored = (self.jobs, self.blobs, self.timings)
        task = Finish(*stored, self.event_publisher, self.clock, "media", 3600.0, self.epoch)
        return task.run(job.account, job.id, execution or job.execution_name, cause)

    def now(self, job: Job) -> Job:
        """The stored job."""
        stored = self.jobs.get(job.account, job.id)
        assert stored is not None
        return stored

    def change(self, job: Job, transition: Transition) -> Job:
        """Apply a transition to the stored job."""
        return self.jobs.change(
            job.account, job.id, lambda current: transition(current, self.clock())
        )

    def end(self, job: Job) -> None:
        """Finish the job as cancelled."""
        self.change(job, lambda job, now: job.cancelled_by_client(now, UpstreamCancelled.YES))
        self.finish(job)

    def error_code(self, job: Job) -> str | None:
        outcome = self.now(job).outcome
        return outcome.error.code if outcome and outcome.error else None

    def error(self, job: Job) -> JobError:
        """The error of the job's outcome."""
        outcome = self.now(job).outcome
        assert outcome is not None
        assert outcome.error is not None
        return outcome.error

    def event_types(self) -> list[str]:
        return [event["type"] for event in self.bus.events]

    def answer(self, call: str, *answers: HttpReply | Exception) -> None:
        """Set the provider's reply to a call: one for all, or several in turn."""
        self.http_client.answers[call] = answers[0] if len(answers) == 1 else list(answers)

    def calls(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.http_client.calls]

    def creates(self) -> list[HttpCall]:
        return [call for call in self.http_client.calls if call.method == "POST"]

    def accepted(self, *answers: HttpReply | Exception, **fields: object) -> Job:
        """A job just created by the service; `answers` are the replies to its create calls."""
        account = str(fields.pop("account", ACCOUNT))
        if answers:
            self.answer(CREATE, *answers)
        request = GenerationRequest.model_validate(
            {"model": "sandbox/one", "prompt": "a red ball", **fields}
        )
        return self.service.create(account, "openai", CreateRequest(request)).job

    def of_older_release(self, job: Job) -> Job:
        """The job without a version of the configuration."""
        return self.change(
            job,
            lambda job, _: job.model_copy(
                update={"config_version": None, "version": job.version + 1}
            ),
        )

    def leased(self, **fields: object) -> Job:
        """A job with a create call in flight."""
        job = self.accepted(**fields)
        return self.change(job, lambda job, now: job.submitting(now, LEASE_SECONDS))

    def running(self, *answers: HttpReply | Exception, **fields: object) -> Job:
        """A job that its provider has begun; `answers` are the replies to its polls."""
        return self._submitted("in_progress", *answers, **fields)

    def waiting(self, *answers: HttpReply | Exception, **fields: object) -> Job:
        """The same, but in the provider's queue."""
        return self._submitted("queued", *answers, **fields)

    def _submitted(self, status: str, *answers: HttpReply | Exception, **fields: object) -> Job:
        job = self.accepted(video(status), **fields)
        self.submit(job)
        if answers:
            self.answer(POLL_CALL, *answers)
        return self.now(job)

    def complete(self, job: Job) -> Job:
        """Run an accepted job to its end at its present provider."""
        self.answer(CREATE, video("queued"))
        self.submit(job)
        self.answer(POLL_CALL, video("completed"))
        self.http_client.files[CONTENT] = MP4_BYTES
        self.poll(job)
        self.collect(job)
        self.finish(job)
        return self.now(job)

    def generated(self, content: bytes | Exception = MP4_BYTES) -> Job:
        """A job whose only output has this content, or cannot be downloaded."""
        job = self.running(video("completed"))
        self.http_client.files[CONTENT] = content
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

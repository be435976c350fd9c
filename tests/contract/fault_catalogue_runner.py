"""Run a job whose provider gives one reply again and again, and then healthy replies.

The adapters and the tasks are the real ones; ports and clock are in memory. The healthy replies of
an adapter are those of its transcripts.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from typing_extensions import override

from rushes.catalog.models import Catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.catalog.vendor_data import read_vendor
from rushes.http.downloads import check_output
from rushes.http.inline_files import unpack
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest
from rushes.jobs.result import Output
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.ports.storage import Download
from rushes.workflow.task import NextStep
from tests.default_config import default_catalog
from tests.fakes import FakeClock, FakeHttpClient
from tests.harness import MP4_BYTES, Harness

TRANSCRIPTS = Path(__file__).with_name("transcripts")
MIN_STEP = 200.0
"""Seconds between two steps at least: a permanent fault takes few steps."""
MAX_STEPS = 80
BUCKET = "s3://bucket/"
SPARE_REPLIES = {
    "create": {"id": "up-1", "status": "queued"},
    "poll": {"id": "up-1", "status": "completed"},
}
Transcript = dict[str, Any]


@dataclass(frozen=True)
class Adapter:
    """Transcripts of a protocol: the running, finished and failed job, and its result."""

    protocol: str
    done: str = "succeeded"
    failed: str = "failed"
    running: str = "pending"
    submit: str = "submit"
    result: str | None = None
    path: str = "/create"
    downloads: bool = True
    """Whether the result is downloaded by HTTP from a URL."""
    refuses_result: tuple[int, ...] = (400, 422, 451)
    """Statuses of the result call that end the job."""
    created: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Outcomes of a create call that returns 200 with a body, where they are its own."""

    @override
    def __str__(self) -> str:
        return f"{self.protocol}-{self.done}"

    def has(self, moment: str) -> bool:
        """Whether there are requests at that moment."""
        return {"result": self.result is not None, "download": self.downloads}.get(moment, True)

    def transcript(self, name: str) -> Transcript:
        found: Transcript = json.loads((TRANSCRIPTS / self.protocol / f"{name}.json").read_text())
        return found

    @property
    def entry(self) -> ProviderEntry:
        found = self.transcript(self.done)
        if vendor := found.get("vendor"):
            entry = read_vendor(vendor).vendor.provider()
        elif name := found.get("provider"):
            entry = default_catalog().providers[name]
        else:
            entry = ProviderEntry(protocol=self.protocol)
        return entry.model_copy(update={"base_url": None})

    @property
    def operation(self) -> dict[str, Any]:
        found: dict[str, Any] = self.transcript(self.done)["operation"]
        return found

    def body(self, name: str) -> bytes:
        """Return the body of a poll's reply, about the same job as the finished one."""
        transcript = self.transcript(name)
        text = json.dumps(transcript["reply"]["body"]).replace("s3://media/", BUCKET)
        for key, value in transcript.get("operation", {}).items():
            text = text.replace(str(value), str(self.operation.get(key, value)))
        return text.encode()

    def body_or_empty(self, name: str) -> bytes:
        return b"" if name == "empty" else self.body(name)

    def replies(self) -> dict[str, HttpReply]:
        """Return the healthy replies by moment."""
        found = {
            "create": _reply(self.transcript(self.submit)),
            "poll": HttpReply(200, {}, self.body(self.done)),
            "cancel": HttpReply(404, {}, b""),
        }
        if self.result:
            found["result"] = _reply(self.transcript(self.result))
        return found


def _reply(transcript: Transcript) -> HttpReply:
    reply = transcript["reply"]
    return HttpReply(reply["status"], reply["headers"], json.dumps(reply["body"]).encode())


@dataclass
class FaultyProvider(FakeHttpClient):
    """Provider `one` with a fault at one moment until `healthy_at`; `spare` has none."""

    adapter: Adapter
    moment: str
    fault: HttpReply
    healthy_at: float
    clock: FakeClock
    task: str = ""
    polled: HttpCall | None = None
    healthy: Mapping[str, HttpReply] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self.healthy = self.adapter.replies()

    def begin(self, task: str) -> None:
        self.task, self.polled = task, None

    @override
    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        if "spare" in upstream.base_url:
            return HttpReply(200, {}, json.dumps(SPARE_REPLIES[self.task]).encode())
        moment = self._moment(call)
        if self._is_faulty(moment):
            return self.fault
        return self.healthy["poll" if moment == "download" else moment]

    def _moment(self, call: HttpCall) -> str:
        if self.task != "poll":
            return self.task
        if call.method in ("DELETE", "PUT") or call.path.endswith("/cancel"):
            return "cancel"
        self.polled = self.polled or call
        return "poll" if call == self.polled else "result"

    def _is_faulty(self, moment: str) -> bool:
        return moment == self.moment and self.clock() < self.healthy_at

    @contextmanager
    @override
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        content = MP4_BYTES
        if output.pointer is not None:
            unpack(self.send(upstream, HttpCall("GET", output.url)), output.pointer)
        elif "spare" not in upstream.base_url and self._is_faulty("download"):
            fault = self.fault
            check_output(httpx.Response(fault.status, headers=dict(fault.headers)))
            content = fault.body
        yield Download(len(content), None, iter([content]))


def run(adapter: Adapter, moment: str, fault: HttpReply, seconds: float) -> str:
    """Return what becomes of a job if the provider's reply is `fault` for some seconds."""
    clock = FakeClock()
    client = FaultyProvider(adapter, moment, fault, clock() + seconds, clock)
    harness = Harness(clock=clock, http_client=client, catalog=_catalog(adapter))
    job = _job(clock())
    if moment != "create":
        job = job.submitted(clock(), adapter.operation, ())
    harness.jobs.add(job)
    harness.blobs.objects.update(_bucket_files(adapter))
    task = "create" if moment == "create" else "poll"
    for _ in range(MAX_STEPS):
        client.begin(task)
        step = _step(harness, job, task)
        if step["status"] == "ending":
            harness.finish(job)
            return _outcome(harness.now(job))
        task = _next(task, step)
        clock.advance(max(step["wait_seconds"], MIN_STEP))
    return "never ends"


def _step(harness: Harness, job: Job, task: str) -> NextStep:
    steps = {"create": harness.submit, "poll": harness.poll, "download": harness.collect}
    return steps[task](job)


def _next(task: str, step: NextStep) -> str:
    """Return the next task, as the state machine chooses it."""
    chosen = {"succeeded": "download", "submitted": "poll", "resubmit": "create"}
    return chosen.get(step["status"]) or ("poll" if task == "download" else task)


def _outcome(job: Job) -> str:
    if job.status is JobStatus.COMPLETED:
        return "completed" if job.provider == "one" else "failed over"
    code = job.error.code if job.error else "cancelled"
    if code == "upstream_timeout":
        return "polled until the deadline"
    return "dead letter" if job.is_dead_letter else code


def _bucket_files(adapter: Adapter) -> dict[str, bytes]:
    """Return the file that Bedrock writes into the bucket."""
    if adapter.protocol != "bedrock":
        return {}
    uri = adapter.transcript(adapter.done)["means"]["succeeded"]["outputs"][0]["url"]
    return {uri.removeprefix("s3://media/"): MP4_BYTES}


def _catalog(adapter: Adapter) -> Catalog:
    model = {"arguments": {"prompt": "{prompt}"}, "path": adapter.path}
    return Catalog.model_validate(
        {
            "default_model": "one/model",
            "providers": {
                "one": adapter.entry,
                "spare": ProviderEntry(protocol="openai_compatible"),
            },
            "models": [{"name": "one/model", **model}, {"name": "spare/model"}],
        }
    )


def _job(now: float) -> Job:
    return Job(
        id="job_1",
        account="demo",
        dialect="openai",
        provider="one",
        upstream_model="vendor/model",
        model="one/model",
        request=GenerationRequest(model="one/model", prompt="a fox"),
        fallbacks=("spare/model",),
        created_at=now,
        updated_at=now,
        deadline_at=now + 3600,
    )

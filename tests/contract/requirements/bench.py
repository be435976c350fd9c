"""The api function, the workflow's tasks and an upstream with prepared replies, in process."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from typing_extensions import override

from rushes.catalog.models import Catalog
from rushes.errors import UpstreamError
from rushes.http.downloads import check_output
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.providers import adapter
from rushes.providers.base import Provider
from tests.default_config import default_catalog
from tests.fakes import FakeHttpClient
from tests.harness import MP4_BYTES, Harness
from tests.unit.dialects.api_client import ACCOUNT, Caller, Reply


class FakeUpstream(FakeHttpClient):
    """Finds replies and files by path, without the vendor's host and whether `:` is encoded."""

    @override
    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        return super().send(upstream, replace(call, path=_path(call.path)))

    @override
    def _file(self, url: str) -> bytes:
        return super()._file(_path(url))


def _path(url: str) -> str:
    return url.removeprefix("https://api.tiyaro.ai").replace("%3A", ":")


class Bench:
    """`caller` sends a client's requests; `harness` runs the tasks of the jobs they create.

    The configuration is the repository's rushes.toml.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.catalog = default_catalog()
        self.caller = Caller(monkeypatch, self.catalog)
        caller = self.caller
        self.harness = Harness(
            clock=caller.clock,
            jobs=caller.jobs,
            blobs=caller.blobs,
            executions=caller.executions,
            http_client=FakeUpstream(),
            catalog=self.catalog,
        )

    def use(self, catalog: Catalog) -> None:
        """Use another configuration."""
        self.catalog = self.harness.catalog = catalog
        self.caller.use(catalog)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send a client's request; the query is part of the path."""
        path, _, query = path.partition("?")
        parameters = dict(part.split("=", 1) for part in query.split("&") if part)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.caller.call(method, path, body, names, parameters or None)

    def ok(
        self, method: str, path: str, body: Any = None, status: int = 200, **headers: str
    ) -> Any:
        """Send a request that must succeed; return its JSON."""
        answer = self.call(method, path, body, **headers)
        assert answer.status == status, answer
        return answer.json if answer.text else None

    def refused(self, status: int, method: str, path: str, body: Any = None) -> Reply:
        answer = self.call(method, path, body)
        assert answer.status == status, answer
        assert not answer.has_side_effects
        return answer

    def job(self, reference: str) -> Job:
        job = self.caller.jobs.get(ACCOUNT, reference.partition(":")[0])
        assert job, reference
        return job

    def upstream(self, call: str, *replies: HttpReply) -> None:
        """Prepare the upstream's replies to calls of this method and path."""
        self.harness.answer(call, *replies)

    def submit(self, reference: str, create: str, accepted: HttpReply) -> HttpCall:
        """Run the submit task; return the create call that the upstream got."""
        self.upstream(create, accepted)
        self.harness.submit(self.job(reference))
        sent = [call for call in self.sent() if f"{call.method} {call.path}" == create]
        assert sent, self.sent()
        return sent[-1]

    def poll(self, reference: str, call: str, *replies: HttpReply) -> Job:
        """Run the poll task once for each reply."""
        self.upstream(call, *replies) if len(replies) == 1 else self.harness.answer(call, *replies)
        for _ in replies:
            self.harness.poll(self.job(reference))
        return self.job(reference)

    def finish(self, reference: str) -> Job:
        self.harness.finish(self.job(reference))
        return self.job(reference)

    def collect(self, reference: str, url: str, content: bytes = MP4_BYTES) -> Job:
        """Store the output, which the upstream has at this URL, and finish the job."""
        self.harness.http_client.files[url] = content
        self.harness.collect(self.job(reference))
        return self.finish(reference)

    def complete(self, reference: str, content: bytes = MP4_BYTES) -> Job:
        """Complete the job with this video, without calls to an upstream."""
        job = self.job(reference)
        key = f"outputs/{ACCOUNT}/{job.id}/0.mp4"
        self.caller.blobs.objects[key] = content
        self.caller.complete(job, artifact(key, content))
        return self.job(reference)

    def end(self, job: Job, status: JobStatus, error: JobError | None = None) -> str:
        """End the job with this outcome; return its id."""
        now, outcome = self.caller.clock(), JobOutcome(status=status, error=error)
        return self.caller.change(job.id, lambda job: job.finished(now, outcome, "run", 86_400)).id

    def sent(self) -> list[HttpCall]:
        return self.harness.http_client.calls

    def provider(self, name: str) -> Provider:
        """Return the adapter of a provider in rushes.toml."""
        return adapter(self.catalog.providers[name])


def artifact(key: str, content: bytes, content_type: str = "video/mp4") -> Artifact:
    return Artifact(key=key, content_type=content_type, size=len(content), sha256="0" * 64)


def answer(status: int, body: Any, **headers: str) -> HttpReply:
    """Return an upstream's JSON reply."""
    return HttpReply(status, headers, json.dumps(body).encode())


def download_error(status: int) -> UpstreamError:
    """Return the error of a download whose URL returned this status."""
    try:
        check_output(httpx.Response(status))
    except UpstreamError as error:
        return error
    raise AssertionError(f"a download accepts the status {status}")

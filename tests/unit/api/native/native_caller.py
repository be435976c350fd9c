"""A client of the native API, with fakes for every AWS service."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from typing_extensions import override

from functions.api.app import lambda_handler
from rushes.api.accounts.account_service import AccountService
from rushes.api.accounts.limits_in_use import LimitsInUse
from rushes.api.auth import Authenticator
from rushes.api.keys.key_service import KeyService
from rushes.api.native.dispatcher import NativeApi
from rushes.api.native.routes import ROUTES
from rushes.api.provider_control.key_check import KeyChecks
from rushes.api.provider_control.service import ProviderControl
from rushes.api.usage.service import UsageService
from rushes.catalog.models import Catalog, read_catalog
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.wiring import api as api_wiring
from tests.fakes import FakeJobSearch, FakeProviderCalls, FakeProviderChecks, FakeRateLimits
from tests.unit.api.native.native_document import assert_documented
from tests.unit.dialects.api_client import (
    ACCOUNT,
    CONTEXT,
    PNG,
    VIDEO,
    Caller,
    Reply,
    Texts,
    _bytes,
    event,
)

CATALOG = read_catalog("""
default_model = "boat"
[aliases]
boat = ["sandbox/video", "spare/video"]
[providers.sandbox]
protocol = "openai_compatible"
[providers.spare]
protocol = "openai_compatible"
[[models]]
name = "sandbox/video"
seconds = [4, 8]
sizes = ["1280x720", "720x1280"]
options = ["seed", "negative_prompt", "guidance_scale"]
inputs = ["image", "last_frame", "source_video"]
price_per_second = 0.1
[[models]]
name = "spare/video"
seconds = [4, 8]
sizes = ["1280x720"]
inputs = ["image"]
options = ["seed"]
price_per_second = 0.25
[[models]]
name = "sandbox/image"
modality = "image"
sizes = ["1024x1024"]
price_per_job = 0.02
[[models]]
name = "sandbox/voice"
modality = "audio"
price_per_job = 0.5
[[models]]
name = "sandbox/transcriber"
modality = "transcription"
inputs = ["audio"]
needs = ["audio"]
needs_prompt = false
price_per_job = 0.01
""")
JOBS = "/rushes/v1/jobs"
FIELDS = {"model": "sandbox/video", "prompt": "a paper boat", "seconds": 4}
Pairs = Sequence[tuple[str, str]]


class Services:
    """Implements `NativeServices` on the fakes of a caller."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.search = FakeJobSearch(caller.jobs)
        self.audit = caller.keys.accounts.audit
        self.keys = KeyService(caller.keys, caller.clock)
        self.accounts = AccountService(caller.keys.accounts, caller.clock)
        self.usage = UsageService(self.search, caller.keys.accounts, caller.clock)
        rate_limits, calls = FakeRateLimits(), FakeProviderCalls()
        self.providers = ProviderControl(
            rate_limits, calls, caller.jobs, self.catalogs, self.audit, caller.clock
        )
        self.key_checks = KeyChecks(self.providers, FakeProviderChecks())

    @property
    def jobs(self):
        return self.caller.jobs_api.service

    @property
    def catalogs(self):
        return self.jobs.catalogs

    @property
    def limits(self):
        return LimitsInUse(self.catalogs, self.caller.jobs.limits, self.caller.clock)


class NativeCaller(Caller):
    def __init__(self, monkeypatch: pytest.MonkeyPatch, catalog: Catalog = CATALOG) -> None:
        super().__init__(monkeypatch, catalog)
        self.services: Any = Services(self)
        native_api = NativeApi(ROUTES, self.services, Authenticator(self.keys))
        monkeypatch.setattr(api_wiring, "native_api", lambda: native_api)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Texts = None,
        query: Pairs | dict[str, str] = (),
    ) -> Reply:
        """Send a request as API Gateway does, also with repeated parameters.

        The response must match the OpenAPI document.
        """
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        request = event(method, path, _bytes(body) or None, {**sent, **(headers or {})})
        before = self.side_effects()
        response = lambda_handler({**request, "rawQueryString": urlencode(query)}, CONTEXT)
        lower = {name.lower(): value for name, value in response["headers"].items()}
        changed = self.side_effects() != before
        reply = Reply(response["statusCode"], lower, response.get("body") or "", changed)
        assert_documented(method, path, reply)
        return reply

    def create_job(self, headers: Texts = None, **fields: Any) -> Reply:
        return self.send("POST", JOBS, {**FIELDS, **fields}, headers)

    def new_job(self, **fields: Any) -> Job:
        return self.job(self.create_job(**fields), 201)

    @override
    def job(self, reply: Reply, status: int = 200) -> Job:
        assert reply.status == status, reply
        job = self.jobs.get(ACCOUNT, reply.json["id"])
        assert job
        return job

    def finish(self, job: Job, status: JobStatus, error: JobError | None) -> None:
        """Run a job to its end, with a video if it is completed."""
        now, key = self.clock(), f"outputs/alice/{job.id}/0.mp4"
        self.submitted(job.id)
        if status is JobStatus.COMPLETED:
            self.blobs.objects[key] = VIDEO
            video = Artifact(key=key, content_type="video/mp4", size=len(VIDEO), sha256="0" * 64)
            self.change(job.id, lambda job: job.generated(now, (), None))
            self.change(job.id, lambda job: job.stored(now, (video,)))
        outcome = JobOutcome(status=status, error=error)
        self.change(job.id, lambda job: job.finished(now, outcome, "run", 86_400))

    def upload(self, key: str | None = None, content: bytes = PNG) -> dict[str, Any]:
        """Upload a file with an account's key."""
        headers = {"authorization": f"Bearer {key or self.key}"}
        upload = self.send("POST", "/rushes/v1/uploads", {"content_type": "image/png"}, headers)
        key_in_bucket = self.blobs.key_of(upload.json["url"])
        assert key_in_bucket
        self.blobs.objects[key_in_bucket] = content
        return dict(upload.json)

    def retrieve(self, job_id: str, **query: str) -> Any:
        reply = self.send("GET", f"{JOBS}/{job_id}", query=query)
        assert reply.status == 200, reply
        return reply.json


def assert_problem(
    reply: Reply, status: int, param: str | None = None, code: str | None = None, text: str = ""
) -> None:
    """Check for problem details, and for no side effects."""
    assert reply.status == status, reply
    assert not reply.has_side_effects
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json
    assert problem["status"] == status
    assert problem["type"] == f"/docs/errors#{problem['code']}"
    assert problem["request_id"] == reply.headers["x-request-id"]
    assert problem["title"]
    assert set(problem) <= {
        "type", "title", "status", "detail", "code", "param", "allowed", "retryable", "request_id",
    }  # fmt: skip
    if param is not None:
        assert problem["param"] == param, problem
    if code is not None:
        assert problem["code"] == code, problem
    assert text in problem["detail"], problem

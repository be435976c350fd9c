"""A client that invokes the api function in process, with fakes for every AWS service."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from functions.api.app import lambda_handler
from rushes.api.auth import Authenticator
from rushes.api.jobs import JobsApi
from rushes.api.key_hashing import create_api_key
from rushes.catalog.models import Catalog, read_catalog
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.ports.jobs import Change
from rushes.wiring import api as api_wiring
from tests.fakes import FakeBlobs, FakeClock, FakeExecutions, FakeJobs, FakeKeys
from tests.harness import service_of
from tests.lambda_context import InvocationContext

CATALOG = read_catalog("""
default_model = "sora-2"
[aliases]
sora-2 = "sandbox/video"
video = "sandbox/video"
[providers.sandbox]
protocol = "openai_compatible"
[providers.openai]
protocol = "openai_compatible"
[[models]]
name = "sandbox/video"
seconds = [4, 8]
sizes = ["1280x720", "720x1280"]
options = ["seed", "negative_prompt", "guidance_scale", "extras"]
inputs = ["image", "source_video"]
[[models]]
name = "openai/plain"
seconds = [4]
sizes = ["1280x720"]
[[models]]
name = "sandbox/transcriber"
modality = "transcription"
inputs = ["audio"]
needs = ["audio"]
needs_prompt = false
""")
BIFROST, OPENAI = "/v1/videos", "/openai/v1/videos"
BIFROST_BASES = (BIFROST, "/bifrost/v1/videos")
BASES = (*BIFROST_BASES, OPENAI)
ACCOUNT, OTHER_ACCOUNT = "alice", "bob"
BASE_URL = "https://rushes.example"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(16)
FIELDS = {"prompt": "a cat", "model": "sandbox/video", "size": "1280x720", "seconds": "4"}
CONTEXT: Any = InvocationContext("api")

VERBS: dict[str, tuple[str, str, Any]] = {
    "retrieve": ("GET", "/{id}", None),
    "content": ("GET", "/{id}/content", None),
    "remix": ("POST", "/{id}/remix", {"prompt": "x"}),
    "edit": ("POST", "/edits", {"prompt": "x", "video": {"id": "{id}"}}),
    "delete": ("DELETE", "/{id}", None),
}
"""Method, path and body of each request for one job."""
Part = tuple[str, str | bytes] | tuple[str, str, bytes]
"""A form part: name and text, or name, content type and bytes."""
Headers = dict[str, str]
Texts = dict[str, str] | None
"""Headers or query parameters."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str
    has_side_effects: bool = False
    """Whether the request changed a job, a file or an execution."""

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def param(self) -> Any:
        return self.json["error"].get("param")

    @property
    def code(self) -> Any:
        return self.json["error"]["code"]


class Caller:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, catalog: Catalog = CATALOG) -> None:
        self.clock = FakeClock()
        self.jobs, self.blobs = FakeJobs(), FakeBlobs()
        self.executions, self.keys = FakeExecutions(), FakeKeys()
        self.key, self.other_accounts_key = self.new_key(ACCOUNT), self.new_key(OTHER_ACCOUNT)
        self.use(catalog)
        monkeypatch.setattr(api_wiring, "jobs_api", lambda: self.jobs_api)

    def use(self, catalog: Catalog) -> None:
        service = service_of(self.jobs, self.blobs, self.executions, self.clock, catalog)
        self.jobs_api = JobsApi(service, Authenticator(self.keys), BASE_URL)

    def new_key(self, account: str) -> str:
        key, record = create_api_key(account, self.clock())
        self.keys.add(record)
        return key

    def call(
        self, method: str, path: str, body: Any = None, headers: Texts = None, query: Texts = None
    ) -> Reply:
        """Send a request with a valid key, unless `headers` override it, and a dict as JSON."""
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        return self.raw(method, path, _bytes(body), {**sent, **(headers or {})}, query)

    def raw(
        self, method: str, path: str, body: bytes | None, headers: Headers, query: Texts = None
    ) -> Reply:
        before = self.side_effects()
        response = lambda_handler(event(method, path, body, headers, query), CONTEXT)
        changed = self.side_effects() != before
        assert not response["isBase64Encoded"]
        lower = {name.lower(): value for name, value in response["headers"].items()}
        assert len(lower) == len(response["headers"])
        return Reply(response["statusCode"], lower, response.get("body") or "", changed)

    def create(self, base: str = OPENAI, **fields: Any) -> Reply:
        return self.call("POST", base, {**FIELDS, **fields})

    def request_job(self, verb: str, base: str, job_id: str) -> Reply:
        method, path, body = VERBS[verb]
        text = json.dumps(body).replace("{id}", job_id) if body else None
        return self.call(method, base + path.replace("{id}", job_id), text)

    def form(self, path: str, *parts: Part, boundary: str = "limit") -> Reply:
        content_type = {"content-type": f"multipart/form-data; boundary={boundary}"}
        return self.call("POST", path, form(parts, boundary), content_type)

    def job(self, reply: Reply, status: int = 200) -> Job:
        """Read the stored job of a response."""
        assert reply.status == status, reply
        job_id = reply.json.get("request_id") or reply.json["id"]
        job = self.jobs.get(ACCOUNT, job_id.partition(":")[0])
        assert job
        return job

    def change(self, job_id: str, change: Change) -> Job:
        return self.jobs.change(ACCOUNT, job_id, change)

    def submitted(self, job_id: str) -> Job:
        return self.change(job_id, lambda job: job.submitted(self.clock(), {"id": "up-1"}, ()))

    def complete(self, job: Job, *artifacts: Artifact, **changes: Any) -> str:
        """Complete a job with a warning and 2.5 seconds of inference; return its id."""
        now, outcome = self.clock(), JobOutcome(status=JobStatus.COMPLETED)
        self.change(job.id, lambda job: job.submitted(now, {}, ("a warning",)))
        self.change(job.id, lambda job: job.generated(now + 2.5, (), None))
        self.change(job.id, lambda job: job.stored(now, artifacts))
        self.change(
            job.id, lambda job: job.finished(now, outcome, "run", 60).model_copy(update=changes)
        )
        return job.id

    def finished_job(self, status: JobStatus, error: JobError | None = None) -> str:
        """Create a job, finish it and return its id."""
        job = self.job(self.create())
        now, key = self.clock(), f"outputs/{ACCOUNT}/{job.id}/0.mp4"
        video = Artifact(key=key, content_type="video/mp4", size=len(VIDEO), sha256="0" * 64)
        self.submitted(job.id)
        if status is JobStatus.COMPLETED:
            self.blobs.objects[key] = VIDEO
            self.change(job.id, lambda job: job.stored(now, (video,)))
        outcome = JobOutcome(status=status, error=error)
        return self.change(job.id, lambda job: job.finished(now, outcome, "run", 86_400)).id

    def side_effects(self) -> tuple[Any, ...]:
        """Return stored jobs, stored files and started executions."""
        return dict(self.jobs.rows), dict(self.blobs.objects), dict(self.executions.running)


def event(
    method: str, path: str, body: bytes | None, headers: dict[str, str], query: Texts = None
) -> dict[str, Any]:
    """Build an API Gateway v2 event; a body that is not text is base64."""
    sent: dict[str, Any] = {"isBase64Encoded": False}
    if body is not None:
        types = [value for name, value in headers.items() if name.lower() == "content-type"]
        is_text = "".join(types).startswith(("text/", "application/json")) and _is_text(body)
        text = body.decode() if is_text else base64.b64encode(body).decode()
        sent = {"body": text, "isBase64Encoded": not is_text}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        **({"queryStringParameters": query} if query else {}),
        "requestContext": {
            "stage": "$default",
            "requestId": "request-of-gateway",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
        },
        **sent,
    }


def form(parts: Sequence[Part], boundary: str = "limit") -> bytes:
    lines = []
    for part in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part[0]}"'
        if len(part) == 3:
            head += f'; filename="file"\r\nContent-Type: {part[1]}'
        lines.append(head.encode() + b"\r\n\r\n" + _bytes(part[-1]) + b"\r\n")
    return b"".join([*lines, f"--{boundary}--\r\n".encode()])


def cases(values_by_field: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return a test case, field and value, for each value."""
    return [(field, value) for field, values in values_by_field.items() for value in values]


def assert_refused(
    reply: Reply, base: str, status: int | None = None, param: str | None = None, code: str = ""
) -> None:
    """Check for a 4xx response in the dialect's error envelope, and for no side effects."""
    assert not reply.has_side_effects
    assert 400 <= reply.status < 500, reply
    assert status in (None, reply.status), reply
    assert reply.headers["content-type"] == "application/json"
    assert param in (None, reply.param), reply
    assert code in ("", reply.code), reply
    body = reply.json
    assert set(body["error"]) <= {"message", "type", "param", "code"}
    assert body["error"]["message"]
    if base in BIFROST_BASES:
        assert (body["is_bifrost_error"], body["status_code"]) == (True, reply.status)
        assert None not in body["error"].values()
    else:
        assert set(body) == {"error"}
        assert set(body["error"]) == {"message", "type", "param", "code"}


def assert_refused_in_queue(reply: Reply, named: str, status: int = 400) -> None:
    """Check for an error of the fal or Pipelet dialect that names a field, and no side effects.

    fal's dialect returns 422 and a list for an error about the body.
    """
    assert not reply.has_side_effects
    detail = reply.json["detail"]
    if isinstance(detail, list):
        (error,) = detail
        assert reply.status == 422, reply
        assert {"loc", "msg", "type", "url"} == set(error)
        assert error["loc"][0] == "body"
        assert reply.headers["x-fal-error-type"] == error["type"]
        detail = f"{'.'.join(map(str, error['loc'][1:]))}: {error['msg']}"
    else:
        assert reply.status == status, reply
    assert named in detail


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return b"" if body is None else json.dumps(body).encode()


def _is_text(body: bytes) -> bool:
    return body.decode(errors="ignore").encode() == body

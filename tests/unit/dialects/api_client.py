"""A client of the api function itself, with everything behind it in memory."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from functions.api.app import lambda_handler
from rushes import wiring
from rushes.api.auth import Authenticator, create_api_key
from rushes.api.jobs import Endpoints
from rushes.catalog.models import Catalog, read_catalog
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus
from tests.fakes import FakeBlobs, FakeClock, FakeExecutions, FakeJobs, FakeKeys
from tests.harness import service_of

CATALOG = read_catalog("""
default_model = "sora-2"
[aliases]
sora-2 = "sandbox/film"
[providers.sandbox]
protocol = "openai_compatible"
[providers.openai]
protocol = "openai_compatible"
[[models]]
name = "sandbox/film"
seconds = [4, 8]
sizes = ["1280x720", "720x1280"]
options = ["seed", "negative_prompt", "guidance_scale", "extras"]
inputs = ["image", "source_video"]
[[models]]
name = "openai/plain"
seconds = [4]
sizes = ["1280x720"]
""")
BIFROST, OPENAI = "/v1/videos", "/openai/v1/videos"
BASES = (BIFROST, "/bifrost/v1/videos", OPENAI)
ACCOUNT, OTHER_ACCOUNT = "alice", "bob"
BASE_URL = "https://rushes.example"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(16)
FIELDS = {"prompt": "a cat", "model": "sandbox/film", "size": "1280x720", "seconds": "4"}
CONTEXT: Any = SimpleNamespace(
    function_name="api",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:eu-central-1:000000000000:function:api",
    aws_request_id="request",
)

Part = tuple[str, str | bytes] | tuple[str, str, bytes]
"""A name with its text, or a name, a content type and the bytes of a file."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def param(self) -> str | None:
        param: str | None = self.json["error"].get("param")
        return param

    @property
    def code(self) -> str:
        code: str = self.json["error"]["code"]
        return code


class Caller:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.jobs, self.blobs = FakeJobs(), FakeBlobs()
        self.executions, self.keys = FakeExecutions(), FakeKeys()
        service = service_of(self.jobs, self.blobs, self.executions, self.clock, CATALOG)
        self.endpoints = Endpoints(service, Authenticator(self.keys), BASE_URL)
        self.key, self.other_accounts_key = self.new_key(ACCOUNT), self.new_key(OTHER_ACCOUNT)
        monkeypatch.setattr(wiring, "endpoints", lambda: self.endpoints)

    def use(self, catalog: Catalog) -> None:
        service = service_of(self.jobs, self.blobs, self.executions, self.clock, catalog)
        self.endpoints = replace(self.endpoints, service=service)

    def new_key(self, account: str) -> str:
        key, record = create_api_key(account, self.clock())
        self.keys.add(record)
        return key

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> Reply:
        """Call with a valid key, unless `headers` say otherwise. A dict is sent as JSON."""
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        return self.raw(method, path, _bytes(body), {**sent, **(headers or {})}, query)

    def raw(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        query: dict[str, str] | None = None,
    ) -> Reply:
        answer = lambda_handler(event(method, path, body, headers, query), CONTEXT)
        assert not answer["isBase64Encoded"]
        sent = {name.lower(): value for name, value in answer["headers"].items()}
        assert len(sent) == len(answer["headers"])
        return Reply(answer["statusCode"], sent, answer.get("body") or "")

    def create(self, base: str = OPENAI, **fields: Any) -> Reply:
        return self.call("POST", base, {**FIELDS, **fields})

    def form(self, path: str, *parts: Part, boundary: str = "limit") -> Reply:
        kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
        return self.call("POST", path, form(parts, boundary), kind)

    def job(self, reply: Reply) -> Job:
        """The job that an answer is about, as stored."""
        job = self.jobs.get(ACCOUNT, reply.json["id"].partition(":")[0])
        assert job
        return job

    def ended(self, status: JobStatus, error: JobError | None = None) -> str:
        """The id of a new job that has come to its end."""
        job = self.job(self.create())
        now, key = self.clock(), f"outputs/{ACCOUNT}/{job.id}/0.mp4"
        film = Artifact(key=key, content_type="video/mp4", size=len(FILM), sha256="0" * 64)
        done = status is JobStatus.COMPLETED
        self.jobs.change(ACCOUNT, job.id, lambda job: job.submitted(now, {"id": "up-1"}, ()))
        if done:
            self.blobs.objects[key] = FILM
            self.jobs.change(ACCOUNT, job.id, lambda job: job.stored(now, (film,)))
        outcome = JobOutcome(status=status, error=error)
        self.jobs.change(ACCOUNT, job.id, lambda job: job.finished(now, outcome, "run", 86_400))
        return job.id

    def traces(self) -> tuple[Any, ...]:
        """All that calls may leave behind."""
        return dict(self.jobs.rows), dict(self.blobs.objects), dict(self.executions.running)


def event(
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    query: dict[str, str] | None = None,
) -> dict[str, Any]:
    """API Gateway's HTTP API event, format 2.0: what is not text comes in base64."""
    sent: dict[str, Any] = {}
    if body is not None:
        kind = next(
            (value for name, value in headers.items() if name.lower() == "content-type"), ""
        )
        binary = not kind.startswith(("text/", "application/json")) or not _is_text(body)
        text = base64.b64encode(body).decode() if binary else body.decode()
        sent = {"body": text, "isBase64Encoded": binary}
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
        "isBase64Encoded": False,
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


def assert_refused(reply: Reply, base: str, status: int | None = None) -> None:
    """The answer is the client's fault, said in the envelope of the dialect."""
    assert 400 <= reply.status < 500, reply
    assert status in (None, reply.status), reply
    assert reply.headers["content-type"] == "application/json"
    body = reply.json
    assert set(body["error"]) <= {"message", "type", "param", "code"}
    assert body["error"]["message"]
    if base == OPENAI:
        assert set(body) == {"error"}
        assert set(body["error"]) == {"message", "type", "param", "code"}
    else:
        assert (body["is_bifrost_error"], body["status_code"]) == (True, reply.status)
        assert None not in body["error"].values()


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return b"" if body is None else json.dumps(body).encode()


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True

"""Run a job with hostile answers through the real functions, and collect all that leaves them."""

import json
import logging
import ssl
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote

import httpx
import pytest
from aws_lambda_powertools import Logger
from typing_extensions import override

from functions.collect import app as collect_app
from functions.finish import app as finish_app
from functions.poll import app as poll_app
from functions.submit import app as submit_app
from rushes.aws.eventbridge import EventBus
from rushes.aws.provider_auth import ProviderAuth
from rushes.aws.secrets import ProviderSecrets
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog
from rushes.http.access_tokens import AccessTokens
from rushes.http.client import SafeHttpClient
from rushes.http.transport import Transport, translate_http_errors
from rushes.jobs.job import Job
from rushes.jobs.request import WebhookTarget
from rushes.logs import RedactedFormat
from rushes.webhooks.deliver import Deliver
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.endpoint import RequestSecrets, Secret
from rushes.webhooks.payloads import SUPPORTED_TYPES, PayloadRenderer
from rushes.wiring import workflow
from tests.fakes import FixedCatalogs
from tests.harness import Harness
from tests.security.canary_answers import Answer, Reply
from tests.security.canary_secrets import Canary
from tests.unit.dialects.api_client import ACCOUNT, CONTEXT, Caller

APPS: dict[str, Any] = {
    "submit": submit_app,
    "poll": poll_app,
    "collect": collect_app,
    "finish": finish_app,
}
NEXT = {"submitted": "poll", "pending": "poll", "succeeded": "collect", "resubmit": "submit"}
"""The function of each next step."""
MODELS: dict[str, dict[str, Any]] = {
    "kling": {"path": "/text-to-video/m", "arguments": {"prompt": "{prompt}"}},
    "kling_v1": {"path": "/v1/videos/text2video", "arguments": {"prompt": "{prompt}"}},
    "minimax": {"path": "/v2/video_generation", "arguments": {"prompt": "{prompt}"}},
}
"""Paths and arguments, which some adapters require of the catalog."""
MAX_STEPS = 6
EMPTY: dict[str, str] = {}
FORMATS = ("rushes", *SUPPORTED_TYPES)
READS = (
    *(("GET", "/openai/v1/videos/{id}"), ("GET", "/v1/videos/{id}"), ("GET", "/v2/videos/{id}")),
    *(("GET", "/fal/up/m/requests/{id}/status"), ("GET", "/fal/up/m/requests/{id}")),
    *(("GET", "/pipelet/queue/up/m/requests/{id}/status"),),
    *(("GET", "/pipelet/queue/up/m/requests/{id}"), ("GET", "/v1/async/requests/{id}")),
    *(("GET", "/v1/videos/{id}/content"), ("PUT", "/fal/up/m/requests/{id}/cancel")),
    ("PUT", "/pipelet/queue/up/m/requests/{id}/cancel"),
)


class OneChunk(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    @override
    def __iter__(self) -> Iterator[bytes]:
        yield self._body


class HostileTransport(Transport):
    """Gives an answer's replies in turn, in place of a connection."""

    def __init__(self) -> None:
        super().__init__(ssl.create_default_context(), local_mode=True)
        self.replies: list[Reply] = []

    @contextmanager
    @override
    def open(
        self, request: httpx.Request, deadline: Any, *, public: bool
    ) -> Iterator[httpx.Response]:
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply.error:
            with translate_http_errors(request.url):
                raise reply.error
        headers = [
            (name.encode(), value.encode("utf-8", "replace"))
            for name, value in reply.headers.items()
        ]
        stream = OneChunk(reply.body)
        yield httpx.Response(reply.status, headers=headers, stream=stream, request=request)


class Stage:
    """One account's jobs at one provider. `exits` has the texts that left, by the way out."""

    def __init__(self, canary: Canary, patch: pytest.MonkeyPatch) -> None:
        model = ModelEntry(name="up/m", deadline_seconds=1200, **MODELS.get(canary.protocol, {}))
        catalog = Catalog(default_model="up/m", providers={"up": canary.entry}, models=(model,))
        self.caller = Caller(patch, catalog)
        self.secret = self.caller.key if canary.name == "client" else canary.secret
        self.exits: defaultdict[str, list[str]] = defaultdict(list)
        self.transport = HostileTransport()
        api_key = canary.api_key or canary.secret
        events: Any = SimpleNamespace(put_events=self._put_events)
        self.harness = Harness(
            clock=self.caller.clock,
            jobs=self.caller.jobs,
            blobs=self.caller.blobs,
            executions=self.caller.executions,
            catalog=catalog,
            upstreams=_secrets(api_key, catalog),
            http_client=self._http_client(),  # type: ignore[arg-type]
            bus=EventBus(events, "bus"),  # type: ignore[arg-type]
        )
        self.log = StringIO()
        self._wire(patch)
        self._capture_logs(patch)
        value = canary.secret if canary.name == "signing" else "whsec_" + "QQ" * 22
        self._signing_secret = value
        self.send_webhook(Reply(200, f"received, secret {value}".encode()))

    def run(self, answer: Answer) -> None:
        """Run a job to its end, then request it in every dialect."""
        created = self.caller.call(
            "POST", "/openai/v1/videos", {"prompt": "a fox", "model": "up/m"}
        )
        job = self.caller.job(created)
        self.transport.replies = list(answer.replies)
        name = "submit"
        for _ in range(MAX_STEPS):
            step = self._invoke(name, job)
            status = step.get("status", "pending")
            if status == "ending":
                break
            name = "submit" if name == "submit" and status == "pending" else NEXT[status]
            self.caller.clock.advance(max(step.get("wait_seconds", 1), 310))
        self._read(job)
        self._finish(job)
        self._read(job)
        self._webhooks(job)

    def collect(self) -> dict[str, list[str]]:
        """Return all that left: also the stored items and documents, a page, and the log."""
        for query in ({"limit": "100"}, {"limit": "100", "provider": "up"}):
            for path in ("/openai/v1/videos", "/v1/videos"):
                self._request("GET", path, query)
        self.exits["item"] += self.caller.jobs.rows.values()
        documents = self.caller.blobs.objects.items()
        self.exits["document"] += [str(body) for key, body in documents if key.endswith("json")]
        self.exits["log"] += self.log.getvalue().splitlines()
        return self.exits

    def provoke_logs(self) -> None:
        """Make the functions and other libraries log the secret in each way."""
        for path in ("/v1/videos/{}", "/v1/videos/{}/content", "/fal/a/b/requests/{}", "/v1/{}"):
            self._request("GET", path.format(self.secret))
            self._request("GET", path.format(quote(self.secret, safe="")))
        self.caller.call("GET", "/v1/videos/job_1", headers={"user-agent": f"curl {self.secret}"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.caller.jobs, "get", Mock(side_effect=RuntimeError(self.secret)))
            self._request("GET", "/v1/videos/job_1")
        header = {"authorization": f"Bearer {self.secret}", "x-api-key": self.secret}
        for name in ("httpx", "botocore.endpoint", "other"):
            logging.getLogger(name).warning("sent %s", header)
        own = Logger(service="rushes", child=True)
        try:
            try:
                EMPTY[self.secret]
            except KeyError as error:
                raise ValueError(f"illegal value {self.secret!r}") from error
        except ValueError:
            own.exception("call_failed", headers=header, body=json.dumps(header).encode())
            logging.getLogger("urllib3").exception("call failed")

    def _invoke(self, name: str, job: Job) -> dict[str, Any]:
        event = {"account": ACCOUNT, "job_id": job.id, "execution": job.execution_name}
        try:
            result: dict[str, Any] = APPS[name].lambda_handler(event, CONTEXT)
        except Exception as error:  # noqa: BLE001 - what the Lambda runtime prints
            self.exits["function error"].append(f"{type(error).__name__}: {error}")
            return {}
        self.exits["state"].append(json.dumps(result))
        return result

    def _finish(self, job: Job) -> None:
        """Cancel the job if it still runs, at the provider too, and finish it."""
        stored = self.harness.now(job)
        if not stored.has_outcome:
            self.caller.call("DELETE", f"/v1/videos/{job.id}")
            self._invoke("poll", job)
            self.harness.change(job, lambda job, _: job.model_copy(update={"deleted_at": None}))
        self._invoke("finish", self.harness.now(job))

    def _read(self, job: Job) -> None:
        for method, path in READS:
            self._request(method, path.replace("{id}", job.id))

    def _request(self, method: str, path: str, query: dict[str, str] | None = None) -> None:
        reply = self.caller.call(method, path, query=query)
        self.exits["response"] += [reply.text, json.dumps(reply.headers)]

    def _webhooks(self, job: Job) -> None:
        renderer = PayloadRenderer(self.caller.jobs, self.caller.blobs, self.caller.clock)
        for text in self.exits["event"]:
            event = json.loads(text)
            if event["data"]["id"] != job.id:
                continue
            for name in FORMATS:
                if name != "rushes" and event["type"] not in SUPPORTED_TYPES[name]:
                    continue
                target = WebhookTarget(url="https://a.example", format=name)
                delivery = Delivery.for_url(target, ACCOUNT, event, self.caller.clock())
                self.exits["webhook"].append(renderer.render(delivery).decode())

    def _http_client(self) -> SafeHttpClient:
        client = SafeHttpClient(self.caller.blobs, local_mode=True)
        client._transport = self.transport
        return client

    def _put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.exits["event"] += [entry["Detail"] for entry in Entries]
        return {"Entries": [{} for _ in Entries]}

    def _wire(self, patch: pytest.MonkeyPatch) -> None:
        harness = self.harness

        def finish(_account: str, _job: str, execution: str, cause: str | None = None) -> Any:
            return harness.finish(self._job(_job), execution, cause)

        tasks: dict[str, Any] = {
            "submit": lambda _, job_id: harness.submit(self._job(job_id)),
            "poll": lambda _, job_id: harness.poll(self._job(job_id)),
            "collect": lambda _, job_id: harness.collect(self._job(job_id)),
            "finish": finish,
        }
        for name, run in tasks.items():
            task = SimpleNamespace(run=run)
            patch.setattr(workflow, name, lambda task=task: task)

    def _job(self, job_id: str) -> Job:
        job = self.caller.jobs.get(ACCOUNT, job_id)
        assert job
        return job

    def _capture_logs(self, patch: pytest.MonkeyPatch) -> None:
        """Capture the lines of the functions' logger and of the root logger at level DEBUG."""
        handlers = logging.getLogger("rushes").handlers
        assert handlers
        for handler in handlers:
            patch.setattr(handler, "stream", self.log)
        root = logging.StreamHandler(self.log)
        root.setFormatter(RedactedFormat(logging.Formatter()))
        patch.setattr(logging.getLogger(), "handlers", [root])
        patch.setattr(logging.getLogger("httpx"), "level", logging.DEBUG)

    def send_webhook(self, answer: Reply) -> None:
        """Sign a delivery, which the receiver answers."""
        value = self._signing_secret
        owner = RequestSecrets(account=ACCOUNT, secrets=(Secret(value=value),))
        event = {"id": "evt_1", "type": "job.failed", "data": {"id": "job_1", "account": ACCOUNT}}
        target = WebhookTarget(url="https://receiver.example/hook", format="rushes")
        delivery = Delivery.for_url(target, ACCOUNT, event, self.caller.clock())
        self.transport.replies = [answer]
        deliver: Any = SimpleNamespace(
            render=lambda _: b"{}", clock=self.caller.clock, http_client=self._http_client()
        )
        result = Deliver._post(deliver, delivery, target.url, owner.active_secrets(0.0))
        self.exits["delivery"].append(result.attempt.model_dump_json())


def _secrets(api_key: str, catalog: Catalog) -> Any:
    """Return the real adapter of the providers' secrets."""
    secret = {"SecretString": json.dumps({"api_key": api_key})}
    client: Any = SimpleNamespace(get_secret_value=lambda **_: secret)
    unused: Any = None  # no canary is a token that Rushes makes
    auth = ProviderAuth(AccessTokens(unused), unused)
    return ProviderSecrets(client, "rushes/providers", FixedCatalogs(catalog), auth)
